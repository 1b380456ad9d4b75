//! A signed note, and the checkpoint in it; what is read is written the same way.
#![no_main]

use audit::{checkpoint::Checkpoint, note::{Note, VerifyingKey}};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Note::parse(text).map(|note| note.verify(&[]).map(str::len));
    if let Ok(key) = text.parse::<VerifyingKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
    }
});
