//! A scenario file; what is read can be written and read again. The same bytes as files of other programs.
#![no_main]

use flow::scenario::{import, parse, to_yaml};

libfuzzer_sys::fuzz_target!(|text: &str| {
    for scenario in parse(text).unwrap_or_default() {
        let written = to_yaml(&scenario);
        assert!(parse(&written).is_ok(), "{written}");
    }
    let _ = import::botium(text, &import::Utterances::new());
    let _ = import::web_messaging(text);
});
