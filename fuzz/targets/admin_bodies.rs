//! What an administrator posts, and a step of a script in words.
#![no_main]

use wire::{calls::PlaceCall, script::parse_sentence};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = parse_sentence(text);
    if let Ok(call) = PlaceCall::parse(text) {
        assert_eq!(PlaceCall::parse(&call.to_json().to_string()), Ok(call));
    }
});
