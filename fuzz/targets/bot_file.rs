//! A bot file; whoever can be read holds a conversation.
#![no_main]

use flow::bot::{CallOutcome, Dialogue, parse};
use serde_json::json;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(bot) = parse(text) else { return };
    let context = json!({"metadata": {"name": "Dana", "list": [1, true, null]}});
    let (mut dialogue, _) = Dialogue::begin_in(&bot, 7, &context);
    // What the file itself says is what it is most likely to understand.
    for said in text.lines().take(50).chain(["yes", "12", "2026-12-24", "a@b.example"]) {
        dialogue.hear(&bot, said.trim_matches(['"', ' ', ',', '[', ']']), &context);
        if let Some(number) = dialogue.awaits_call() {
            dialogue.called(&bot, CallOutcome { number, answer: Some(json!({"a": {"b": [1]}})) });
        }
    }
    dialogue.idle(&bot);
});
