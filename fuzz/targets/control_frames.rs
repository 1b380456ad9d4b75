//! What a controller sends.
#![no_main]

use wire::callcontrol::{CommandFrame, Hello};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(hello) = Hello::parse(text) {
        assert_eq!(Hello::parse(&hello.to_json()), Ok(hello));
    }
    let call = "call-1".parse().expect("an id");
    if let Ok(frame) = CommandFrame::parse(text, &call) {
        assert_eq!(CommandFrame::parse(&frame.to_json(&call), &call), Ok(frame));
    }
});
