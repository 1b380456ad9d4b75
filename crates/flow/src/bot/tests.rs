mod dialogues;
mod files;
mod laws;

use super::*;
use serde_json::{Value, json};

const DEMO: &str = include_str!("../../../../demo/bot.toml");

fn demo() -> Bot {
    bot(DEMO)
}

fn bot(source: &str) -> Bot {
    parse(source).unwrap_or_else(|faults| panic!("{}", told(&faults)))
}

/// A bot with one intent `go` (said as `go`) that leads to the step `first`.
fn small(rest: &str) -> Bot {
    bot(&format!(
        "name = \"B\"\nfallback.say = \"what?\"\n[intent.go]\nexamples = [\"go\"]\nstep = \"first\"\n{rest}"
    ))
}

fn told(faults: &[crate::file::FileFault]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

/// What a bot does, one line each.
fn shown(acts: &[Act]) -> String {
    acts.iter().map(|act| format!("{}\n", line(act))).collect()
}

fn line(act: &Act) -> String {
    match act {
        Act::Say {
            text,
            buttons,
            pause_ms,
        } => {
            let buttons: Vec<_> = buttons
                .iter()
                .map(|button| format!("[{}]", button.label))
                .collect();
            let pause = if *pause_ms > 0 {
                format!("({pause_ms} ms) ")
            } else {
                String::new()
            };
            format!("bot: {pause}{text} {}", buttons.join(" "))
                .trim_end()
                .to_owned()
        }
        Act::Call {
            name,
            number,
            request,
        } => {
            format!(
                "call {number} of {name}: {} {} {}",
                request.method,
                request.url,
                request.body.clone().unwrap_or(Value::Null)
            )
        }
        Act::Set { slot, value } => format!("{slot} = {value}"),
        Act::Escalate { reason } => format!("escalate: {reason}"),
        Act::Resolve => "resolve".into(),
        Act::Unresolve => "unresolve".into(),
        Act::Close => "close".into(),
    }
}

/// A whole conversation, as it is read.
fn transcript(bot: &Bot, seed: u64, said: &[&str]) -> String {
    let (mut dialogue, acts) = Dialogue::begin(bot, seed);
    let mut text = shown(&acts);
    for said in said {
        let acts = dialogue.hear(bot, said, &json!({}));
        let meant = dialogue
            .intent()
            .map(|intent| format!("  <{intent} {:.2}>", dialogue.confidence().unwrap_or(0.0)));
        text += &format!("me: {said}{}\n{}", meant.unwrap_or_default(), shown(&acts));
    }
    text
}
