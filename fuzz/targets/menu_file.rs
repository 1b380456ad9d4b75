//! A menu file; one without faults can be drawn.
#![no_main]

use flow::menu::{KnownPrompts, graph, parse};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(menu) = parse(text, KnownPrompts::Any) {
        let _ = graph(&menu);
    }
});
