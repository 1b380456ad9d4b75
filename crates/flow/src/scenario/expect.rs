//! Expectations against what came.

use super::{
    heard::{Heard, View},
    matching,
    model::{AnswerCheck, Capture, CaptureSource, Count, How, TextCheck, Turn, ViewChecks},
    template::{Template, Vars},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt::Write as _, time::Duration};

/// How much of a text is repeated when something is not as expected, in characters.
const LONGEST_TOLD: usize = 300;

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// What sort of thing it is.
    #[serde(default)]
    pub kind: MissKind,
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub got: String,
}

/// What sort of thing is not as expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissKind {
    /// What the bot said, or how the conversation stands.
    #[default]
    Unmet,
    /// An answer that can't be understood.
    Garbage,
    /// The platform did not do what the customer did.
    Refused,
    /// The same, because the conversation is over.
    Over,
    /// The turn did not come to its end.
    BrokenOff,
}

impl Miss {
    pub(super) fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::of(MissKind::Unmet, expected, got)
    }

    pub(super) fn of(kind: MissKind, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            kind,
            expected: expected.into(),
            got: got.into(),
        }
    }
}

/// An answer, and how long after the message it came.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What came.
    pub heard: &'a Heard,
    /// How long after the message (or the beginning of the turn).
    pub after: Duration,
}

/// Whether something that must come has not come yet.
pub fn wants_more(turn: &Turn, answers: &[Answer<'_>], vars: &Vars) -> bool {
    let expect = &turn.expect;
    let few = answers.len() < turn.count().least as usize;
    let is_there = |check: &AnswerCheck| answers.iter().any(|answer| is_met(check, answer, vars));
    let is_kept = |capture: &Capture| match &capture.source {
        CaptureSource::Answer(pattern) => answers
            .iter()
            .any(|answer| pattern.captured(&answer.heard.text, vars).is_some()),
        CaptureSource::Slot(_) | CaptureSource::Context(_) => true,
    };
    few || !expect.captures.iter().all(is_kept)
        || !matching::unmatched(&expect.groups, answers, vars).is_empty()
        || !expect.some.iter().all(is_there)
        || intent_miss(turn, answers, vars).is_some()
}

/// What of the answers to a turn is not as expected.
///
/// ```
/// use flow::scenario::{self, expect::{Answer, misses}, Heard, Vars};
/// use std::time::Duration;
///
/// let scenario = scenario::parse("
/// name: Greeting
/// turns:
///   - say: hello
///     expect: [{ contains: welcome, ignore_case: true }, { answers: 1 }]
/// ").unwrap().remove(0);
/// let heard = Heard { text: "Good morning".into(), ..Heard::default() };
/// let answers = [Answer { heard: &heard, after: Duration::from_millis(80) }];
/// let misses = misses(&scenario.turns[0], &answers, &Vars::new());
/// assert_eq!(misses[0].expected, "an answer that contains \"welcome\" (in any case)");
/// assert_eq!(misses[0].got, "\"Good morning\"");
/// ```
pub fn misses(turn: &Turn, answers: &[Answer<'_>], vars: &Vars) -> Vec<Miss> {
    let expect = &turn.expect;
    let mut misses = matching::misses(&expect.groups, answers, vars);
    misses.extend(count_miss(
        turn.count(),
        turn.expect.answers.is_some(),
        answers,
        &misses,
    ));
    for check in &expect.some {
        if !answers.iter().any(|answer| is_met(check, answer, vars)) {
            misses.push(Miss::new(described(check, vars), shown(check, answers)));
        }
    }
    misses.extend(said_never(turn, answers, vars));
    misses.extend(intent_miss(turn, answers, vars));
    misses
}

/// What came of a turn and must not, in time or late.
pub(super) fn forbidden(turn: &Turn, answers: &[Answer<'_>], vars: &Vars) -> Vec<Miss> {
    let count = turn.count();
    let is_too_many = count.most.is_some_and(|most| answers.len() > most as usize);
    let too_many = is_too_many.then(|| Miss::new(counted(count), texts_of(answers)));
    too_many
        .into_iter()
        .chain(said_never(turn, answers, vars))
        .collect()
}

fn said_never(turn: &Turn, answers: &[Answer<'_>], vars: &Vars) -> Vec<Miss> {
    let said = |check: &TextCheck| {
        let positive = TextCheck {
            is_negated: false,
            ..check.clone()
        };
        let answer = answers
            .iter()
            .find(|answer| holds(&positive, &answer.heard.text, vars))?;
        let expected = format!("no answer that {}", told(&positive, vars));
        Some(Miss::new(expected, quoted(&answer.heard.text)))
    };
    turn.expect.never.iter().filter_map(said).collect()
}

/// What of the conversation is not as expected.
pub fn view_misses(checks: &ViewChecks, view: &View, vars: &Vars) -> Vec<Miss> {
    let mut misses = Vec::new();
    if let Some(state) = checks.state.filter(|state| *state != view.state) {
        misses.push(Miss::new(
            format!("the state {state}"),
            format!("the state {}", view.state),
        ));
    }
    let said = |wanted: bool, what: &str| {
        if wanted {
            what.to_owned()
        } else {
            format!("not {what}")
        }
    };
    if let Some(wanted) = checks.resolved.filter(|wanted| *wanted != view.resolved) {
        misses.push(Miss::new(
            said(wanted, "resolved"),
            said(view.resolved, "resolved"),
        ));
    }
    if let Some(wanted) = checks.escalated.filter(|wanted| *wanted != view.escalated) {
        misses.push(Miss::new(
            said(wanted, "escalated"),
            said(view.escalated, "escalated"),
        ));
    }
    for (name, value) in &checks.slots {
        misses.extend(value_miss("the slot", name, value, view.slot(name), vars));
    }
    for (path, value) in &checks.context {
        misses.extend(value_miss("the context's", path, value, view.at(path), vars));
    }
    misses
}

fn value_miss(what: &str, name: &str, wanted: &Value, got: Option<&Value>, vars: &Vars) -> Option<Miss> {
    let wanted = filled(wanted, vars);
    let got_value = got.unwrap_or(&Value::Null);
    // A bot may keep a number as a text, or the other way round; what people see is the same.
    let is_same = wanted == *got_value || (got.is_some() && plain(&wanted) == plain(got_value));
    (!is_same).then(|| {
        let got = got.map_or_else(|| "nothing there".to_owned(), |got| clip(&got.to_string()));
        Miss::new(format!("{what} {name} = {wanted}"), got)
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A JSON value with the variables of its texts put in.
pub(super) fn filled(value: &Value, vars: &Vars) -> Value {
    match value {
        Value::String(text) => {
            Value::String(Template::parse(text).map_or_else(|_| text.clone(), |it| it.fill(vars)))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, vars)).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), filled(value, vars)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// What is kept of this turn for later ones: variables and their values, and what could not be found.
pub fn captured(
    turn: &Turn,
    answers: &[Answer<'_>],
    view: Option<&View>,
    vars: &Vars,
) -> (Vec<(String, String)>, Vec<Miss>) {
    let (mut kept, mut misses) = (Vec::new(), Vec::new());
    for capture in &turn.expect.captures {
        let (found, what) = match &capture.source {
            CaptureSource::Answer(pattern) => {
                let mut texts = answers.iter().map(|answer| answer.heard.text.as_str());
                let found = texts.find_map(|text| pattern.captured(text, vars));
                (
                    found,
                    format!("an answer that matches {}", quoted(pattern.source())),
                )
            }
            CaptureSource::Slot(name) => {
                let found = view.and_then(|view| view.slot(name)).map(plain);
                (found, format!("a value in the slot {name}"))
            }
            CaptureSource::Context(path) => {
                let found = view.and_then(|view| view.at(path)).map(plain);
                (found, format!("a value in the context at {path}"))
            }
        };
        match found {
            Some(value) => kept.push((capture.variable.clone(), value)),
            None => {
                let expected = format!("{what}, for the variable {}", capture.variable);
                misses.push(Miss::new(expected, texts_of(answers)));
            }
        }
    }
    (kept, misses)
}

fn count_miss(wanted: Count, is_written: bool, answers: &[Answer<'_>], others: &[Miss]) -> Option<Miss> {
    let got = answers.len();
    let is_right = got >= wanted.least as usize && wanted.most.is_none_or(|most| got <= most as usize);
    // That there is no answer at all is told once.
    if is_right || (!is_written && !others.is_empty()) {
        return None;
    }
    Some(Miss::new(counted(wanted), texts_of(answers)))
}

fn counted(count: Count) -> String {
    let answers = |number: u32| {
        if number == 1 {
            "1 answer".to_owned()
        } else {
            format!("{number} answers")
        }
    };
    match (count.least, count.most) {
        (0, Some(0)) => "no answer".into(),
        (least, Some(most)) if least == most => format!("exactly {}", answers(least)),
        (least, Some(most)) => format!("{least} to {}", answers(most)),
        (least, None) => format!("at least {}", answers(least)),
    }
}

fn intent_miss(turn: &Turn, answers: &[Answer<'_>], vars: &Vars) -> Option<Miss> {
    let wanted = turn.expect.intent.as_ref()?.fill(vars);
    let told: Vec<&str> = answers
        .iter()
        .filter_map(|answer| answer.heard.intent.as_deref())
        .collect();
    if told.contains(&wanted.as_str()) {
        return None;
    }
    let got = if told.is_empty() {
        "none is told".to_owned()
    } else {
        told.join(", ")
    };
    Some(Miss::new(format!("the intent {wanted}"), got))
}

/// Whether an answer is all that is asked of it.
pub(super) fn is_met(check: &AnswerCheck, answer: &Answer<'_>, vars: &Vars) -> bool {
    has_texts(check, answer, vars)
        && has_buttons(check, answer, vars)
        && check.within.is_none_or(|within| answer.after <= within)
}

/// Whether the texts of a check hold for an answer.
pub(super) fn has_texts(check: &AnswerCheck, answer: &Answer<'_>, vars: &Vars) -> bool {
    check
        .texts
        .iter()
        .all(|text| holds(text, &answer.heard.text, vars))
}

pub(super) fn has_buttons(check: &AnswerCheck, answer: &Answer<'_>, vars: &Vars) -> bool {
    let Some(wanted) = &check.buttons else {
        return true;
    };
    let labels = answer.heard.buttons.iter().map(|button| button.label.clone());
    labels.eq(wanted.iter().map(|label| label.fill(vars)))
}

fn holds(check: &TextCheck, text: &str, vars: &Vars) -> bool {
    let cased = |text: &str| {
        if check.ignores_case {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    };
    let text = text.trim();
    let is_so = match &check.how {
        How::Equals(wanted) => cased(text) == cased(wanted.fill(vars).trim()),
        How::Contains(wanted) => cased(text).contains(&cased(&wanted.fill(vars))),
        How::Matches(pattern) => pattern
            .with(vars, check.ignores_case)
            .is_some_and(|pattern| pattern.is_match(text)),
        How::OneOf(several) => several
            .iter()
            .any(|wanted| cased(text) == cased(wanted.fill(vars).trim())),
    };
    is_so != check.is_negated
}

/// What an answer must be, for people.
pub(super) fn described(check: &AnswerCheck, vars: &Vars) -> String {
    let mut parts: Vec<String> = check
        .texts
        .iter()
        .map(|text| match text.is_negated {
            true => format!("is not one that {}", told(text, vars)),
            false => told(text, vars),
        })
        .collect();
    if let Some(labels) = &check.buttons {
        let labels: Vec<String> = labels.iter().map(|label| label.fill(vars)).collect();
        parts.push(format!("has the buttons {}", listed(&labels)));
    }
    if let Some(within) = check.within {
        parts.push(format!("comes within {} ms", within.as_millis()));
    }
    format!("an answer that {}", parts.join(" and "))
}

fn told(check: &TextCheck, vars: &Vars) -> String {
    let mut said = match &check.how {
        How::Equals(wanted) => format!("is {}", quoted(&wanted.fill(vars))),
        How::Contains(wanted) => format!("contains {}", quoted(&wanted.fill(vars))),
        How::Matches(pattern) => format!("matches {}", quoted(pattern.source())),
        How::OneOf(several) => {
            let texts: Vec<String> = several.iter().map(|text| text.fill(vars)).collect();
            format!("is one of {}", listed(&texts))
        }
    };
    if check.ignores_case {
        let _ = write!(said, " (in any case)");
    }
    said
}

/// What came, as far as it matters to a check without texts.
fn shown(check: &AnswerCheck, answers: &[Answer<'_>]) -> String {
    let Some(first) = answers.first() else {
        return "no answer".into();
    };
    let mut parts = Vec::new();
    if check.buttons.is_some() {
        let labels: Vec<String> = answers
            .iter()
            .flat_map(|answer| answer.heard.buttons.iter().map(|button| button.label.clone()))
            .collect();
        let buttons = if labels.is_empty() {
            "no buttons".to_owned()
        } else {
            format!("the buttons {}", listed(&labels))
        };
        parts.push(buttons);
    }
    if check.within.is_some() {
        parts.push(format!("the first answer after {} ms", first.after.as_millis()));
    }
    parts.join(", ")
}

pub(super) fn texts_of(answers: &[Answer<'_>]) -> String {
    if answers.is_empty() {
        return "no answer".into();
    }
    let texts: Vec<String> = answers.iter().map(|answer| quoted(&answer.heard.text)).collect();
    texts.join(", ")
}

fn listed(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", quoted.join(", "))
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", clip(text.trim()))
}

fn clip(text: &str) -> String {
    if text.chars().count() <= LONGEST_TOLD {
        return text.to_owned();
    }
    text.chars().take(LONGEST_TOLD).chain("...".chars()).collect()
}
