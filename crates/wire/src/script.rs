//! What a test caller does: a list of steps, each waiting for its moment.
//!
//! Steps run in order: a step's trigger counts from the step before it (the first one from the answer). As JSON a step is
//! `{"when": {...}, "do": {...}}`; on the command line it is a sentence such as `press 1 300ms into general_welcome`.

use crate::{Digit, Faults, fault::Object, ids::PromptId};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Most steps of one script.
pub const MAX_STEPS: usize = 100;
/// Longest wait in a trigger.
pub const MAX_WAIT: Duration = Duration::from_secs(600);
/// Largest audio file that a step may carry, in bytes before base64.
pub const MAX_SPEECH_BYTES: usize = 1024 * 1024;
const DEFAULT_HOLD: Duration = Duration::from_millis(120);

/// When a step is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A time after the step before it, or after the answer.
    After(Duration),
    /// A time after the prompt's first frame was heard.
    Starts(PromptId, Duration),
    /// A time after the prompt was over, for whatever reason.
    Ends(PromptId, Duration),
    /// A time after the `nth` prompt of the call (counted from 1) started, or `latest` after the answer if that is sooner.
    NthPrompt {
        /// Which prompt, from 1.
        nth: u64,
        /// How far into it.
        delay: Duration,
        /// When to act at the latest.
        latest: Duration,
    },
}

/// What a step does.
#[derive(Clone, PartialEq, Eq)]
pub enum Act {
    /// Hold a key down for a while.
    Press(Digit, Duration),
    /// Press the first key that the playing prompt permits (`1` if it permits none).
    PressPermitted(Duration),
    /// Say what is in an audio file (its bytes, any format the audio engine reads).
    Speak(Arc<[u8]>),
    /// Hang up.
    HangUp,
}

impl std::fmt::Debug for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Press(digit, hold) => write!(f, "Press({digit}, {hold:?})"),
            Self::PressPermitted(hold) => write!(f, "PressPermitted({hold:?})"),
            Self::Speak(bytes) => write!(f, "Speak({} bytes)", bytes.len()),
            Self::HangUp => f.write_str("HangUp"),
        }
    }
}

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub when: Trigger,
    /// What.
    pub act: Act,
}

impl Step {
    /// Presses a key for the usual 120 ms.
    pub fn press(digit: Digit, when: Trigger) -> Self {
        Self {
            when,
            act: Act::Press(digit, DEFAULT_HOLD),
        }
    }

    pub(crate) fn read(value: &Value, path: &str, faults: &mut Faults) -> Option<Self> {
        let step = Object::at(value, path, faults)?;
        let when = read_part(&step, "when", read_trigger, faults);
        let act = read_part(&step, "do", read_act, faults);
        Some(Self {
            when: when?,
            act: act?,
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let when = match &self.when {
            Trigger::After(wait) => json!({"afterMs": millis(*wait)}),
            Trigger::Starts(prompt, delay) => json!({"starts": prompt, "delayMs": millis(*delay)}),
            Trigger::Ends(prompt, delay) => json!({"ends": prompt, "delayMs": millis(*delay)}),
            Trigger::NthPrompt { nth, delay, latest } => {
                json!({"nthPrompt": nth, "delayMs": millis(*delay), "latestMs": millis(*latest)})
            }
        };
        let act = match &self.act {
            Act::Press(digit, hold) => json!({"press": digit, "holdMs": millis(*hold)}),
            Act::PressPermitted(hold) => json!({"press": "permitted", "holdMs": millis(*hold)}),
            Act::Speak(bytes) => json!({"speak": BASE64_STANDARD.encode(bytes)}),
            Act::HangUp => json!({"hangUp": true}),
        };
        json!({"when": when, "do": act})
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn read_part<T>(
    step: &Object<'_>,
    field: &str,
    read: fn(&Object<'_>, &mut Faults) -> Option<T>,
    faults: &mut Faults,
) -> Option<T> {
    let Some(value) = step.get(field) else {
        faults.push(format!("{} is missing", step.name(field)));
        return None;
    };
    read(&Object::at(value, &step.name(field), faults)?, faults)
}

fn read_trigger(when: &Object<'_>, faults: &mut Faults) -> Option<Trigger> {
    let wait = |field, faults: &mut Faults| {
        when.optional_whole(field, 0..=millis(MAX_WAIT), faults)
            .map(Duration::from_millis)
    };
    let delay = wait("delayMs", faults).unwrap_or_default();
    if when.has("starts") {
        when.parsed("starts", faults)
            .map(|prompt| Trigger::Starts(prompt, delay))
    } else if when.has("ends") {
        when.parsed("ends", faults)
            .map(|prompt| Trigger::Ends(prompt, delay))
    } else if when.has("nthPrompt") {
        let latest = wait("latestMs", faults).unwrap_or(MAX_WAIT);
        when.optional_whole("nthPrompt", 1..=1000, faults)
            .map(|nth| Trigger::NthPrompt { nth, delay, latest })
    } else if when.has("afterMs") {
        wait("afterMs", faults).map(Trigger::After)
    } else {
        faults.push(format!(
            "{} must have one of afterMs, starts, ends, nthPrompt",
            when.itself()
        ));
        None
    }
}

fn read_act(act: &Object<'_>, faults: &mut Faults) -> Option<Act> {
    let hold = act
        .optional_whole("holdMs", 20..=10_000, faults)
        .map_or(DEFAULT_HOLD, Duration::from_millis);
    if act.has("press") {
        match act.text("press", faults)? {
            "permitted" => Some(Act::PressPermitted(hold)),
            _ => act.parsed("press", faults).map(|digit| Act::Press(digit, hold)),
        }
    } else if act.has("speak") {
        let bytes = BASE64_STANDARD.decode(act.text("speak", faults)?);
        let bytes =
            faults.keep(bytes.map_err(|error| format!("{} is not base64: {error}", act.name("speak"))))?;
        let fits = bytes.len() <= MAX_SPEECH_BYTES;
        if !fits {
            let most = MAX_SPEECH_BYTES;
            faults.push(format!(
                "{} must be at most {most} bytes, not {}",
                act.name("speak"),
                bytes.len()
            ));
        }
        fits.then(|| Act::Speak(bytes.into()))
    } else if act.optional_bool("hangUp", faults) == Some(true) {
        Some(Act::HangUp)
    } else {
        faults.push(format!("{} must have one of press, speak, hangUp", act.itself()));
        None
    }
}

/// A step in words, before the file of a `say` was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// When.
    pub when: Trigger,
    /// What.
    pub act: SpokenAct,
}

/// [`Act`], with a file's name where the audio will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpokenAct {
    /// Anything that needs no file.
    Plain(Act),
    /// Say what is in this file.
    SpeakFile(String),
}

/// How a step is written in words; for help and errors.
pub const SENTENCE_HELP: &str = "write 'press KEY MOMENT', 'say FILE MOMENT' or 'hang up MOMENT', where MOMENT is \
    'after 2s', '300ms into PROMPT', 'when PROMPT starts' or '1s after PROMPT ends'";

/// Reads one step in words: `press 1 300ms into general_welcome`, `press 0 after 2s`, `press 9 when invalid ends`,
/// `say hello.wav when general_welcome ends`, `hang up 1s after goodbye ends`.
pub fn parse_sentence(text: &str) -> Result<Sentence, Faults> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (act, rest) = match words.as_slice() {
        ["press", key, rest @ ..] => {
            let digit = key
                .parse()
                .map_err(|error| Faults::one(format!("{text:?}: the key {error}")))?;
            (SpokenAct::Plain(Act::Press(digit, DEFAULT_HOLD)), rest)
        }
        ["say", file, rest @ ..] => (SpokenAct::SpeakFile((*file).to_owned()), rest),
        ["hang", "up", rest @ ..] => (SpokenAct::Plain(Act::HangUp), rest),
        _ => return Err(Faults::one(format!("{text:?} is not a step; {SENTENCE_HELP}"))),
    };
    let when = parse_moment(rest)
        .ok_or_else(|| Faults::one(format!("{text:?} does not say when; {SENTENCE_HELP}")))?;
    Ok(Sentence { when, act })
}

fn parse_moment(words: &[&str]) -> Option<Trigger> {
    match words {
        ["after", wait] => parse_wait(wait).map(Trigger::After),
        [wait, "into", prompt] => Some(Trigger::Starts(prompt.parse().ok()?, parse_wait(wait)?)),
        ["when", prompt, "starts"] => Some(Trigger::Starts(prompt.parse().ok()?, Duration::ZERO)),
        ["when", prompt, "ends"] => Some(Trigger::Ends(prompt.parse().ok()?, Duration::ZERO)),
        [wait, "after", prompt, "ends"] => Some(Trigger::Ends(prompt.parse().ok()?, parse_wait(wait)?)),
        _ => None,
    }
}

fn parse_wait(text: &str) -> Option<Duration> {
    let wait = match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().ok()?),
        None => Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()?,
    };
    (wait <= MAX_WAIT).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prompt(id: &str) -> PromptId {
        id.parse().unwrap()
    }

    #[test]
    fn sentences_say_what_and_when() {
        let when = |text| parse_sentence(text).unwrap().when;
        assert_eq!(when("press 1 after 2s"), Trigger::After(Duration::from_secs(2)));
        assert_eq!(
            when("press 1 after 0.5s"),
            Trigger::After(Duration::from_millis(500))
        );
        assert_eq!(
            when("press * 300ms into hi"),
            Trigger::Starts(prompt("hi"), Duration::from_millis(300))
        );
        assert_eq!(
            when("hang up when bye ends"),
            Trigger::Ends(prompt("bye"), Duration::ZERO)
        );
        assert_eq!(
            when("say a.wav 1s after hi ends"),
            Trigger::Ends(prompt("hi"), Duration::from_secs(1))
        );
    }

    #[test]
    fn what_is_no_sentence_is_told_how() {
        for wrong in [
            "",
            "press",
            "press x after 1s",
            "press 1",
            "press 1 after 9999s",
            "jump after 1s",
            "hang up",
        ] {
            assert!(!parse_sentence(wrong).unwrap_err().is_empty(), "{wrong}");
        }
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let wait = || (0..600_000u64).prop_map(Duration::from_millis);
        let trigger = prop_oneof![
            wait().prop_map(Trigger::After),
            ("[a-z]{1,9}", wait()).prop_map(|(id, delay)| Trigger::Starts(prompt(&id), delay)),
            ("[a-z]{1,9}", wait()).prop_map(|(id, delay)| Trigger::Ends(prompt(&id), delay)),
            (1..9u64, wait(), wait()).prop_map(|(nth, delay, latest)| Trigger::NthPrompt {
                nth,
                delay,
                latest
            }),
        ];
        let act = prop_oneof![
            Just(Act::HangUp),
            (20..10_000u64).prop_map(|hold| Act::Press("5".parse().unwrap(), Duration::from_millis(hold))),
            proptest::collection::vec(any::<u8>(), 0..99).prop_map(|bytes| Act::Speak(bytes.into())),
        ];
        (trigger, act).prop_map(|(when, act)| Step { when, act })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(step in any_step()) {
            let mut faults = Faults::new();
            prop_assert_eq!(Step::read(&step.to_json(), "script[0]", &mut faults), Some(step));
            prop_assert!(faults.is_empty());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _ = parse_sentence(&text);
        }
    }
}
