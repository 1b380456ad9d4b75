//! What a customer says to the demo's bot, a message a line.
#![no_main]

use flow::bot::{Act, Bot, Dialogue, parse};
use serde_json::Value;
use std::sync::LazyLock;

static BOT: LazyLock<Bot> = LazyLock::new(|| parse(include_str!("../../demo/bot.toml")).expect("the demo's bot"));

libfuzzer_sys::fuzz_target!(|text: &str| {
    let turns = || {
        let (mut dialogue, greeting) = Dialogue::begin(&BOT, text.len() as u64);
        let mut turns = vec![greeting];
        for said in text.split('\n').take(100) {
            let kept = serde_json::to_string(&dialogue).expect("a dialogue is JSON");
            dialogue = serde_json::from_str(&kept).expect("and is read again");
            let handed_over = dialogue.is_handed_over();
            let acts = dialogue.hear(&BOT, said, &Value::Null);
            assert!(handed_over || acts.iter().any(|act| matches!(act, Act::Say { .. })), "no answer to {said:?}");
            turns.push(acts);
        }
        turns
    };
    assert_eq!(turns(), turns());
});
