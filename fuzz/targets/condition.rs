//! A condition; one that compiles can be asked.
#![no_main]

use flow::condition::{CALL_NAMES, CallFacts, Condition, Facts};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(condition) = Condition::compile(text, &CALL_NAMES) {
        let number = || "+1".parse().expect("a number");
        let _ = condition.holds(&Facts::unknown(&CallFacts { ani: number(), dnis: number(), external_id: None }));
    }
});
