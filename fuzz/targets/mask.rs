//! Text and JSON to mask; masking again changes nothing.
#![no_main]

use audit::mask;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let once = mask::text(text);
    assert_eq!(once.len(), text.len());
    assert_eq!(mask::text(&once), once);
    if let Ok(mut value) = serde_json::from_str(text) {
        mask::json(&mut value);
        let mut again = value.clone();
        mask::json(&mut again);
        assert_eq!(again, value);
    }
});
