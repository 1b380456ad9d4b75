//! What is expected of a turn: a text, a mapping, or a list of them.

use super::{
    model::{AnswerCheck, Capture, CaptureSource, Count, Expectations, Group, How, TextCheck},
    reader::Reader,
    template,
};
use crate::file::yaml::{self, Fields, Node};
use std::time::Duration;
use wire::conversation::State;

/// Most answers of a turn that may be asked for.
const MOST_ANSWERS: u32 = 1000;
/// Most texts in one check or group: any order of them is tried out.
const MOST_ALTERNATIVES: usize = 64;
/// The longest time for an answer, in milliseconds.
const LONGEST_MS: u64 = 3_600_000;

/// What the text of an answer is compared with.
const TEXTS: [&str; 4] = ["equals", "contains", "matches", "one_of"];
/// What else can be said of one answer.
const OF_ANSWER: [&str; 4] = ["not", "ignore_case", "buttons", "within_ms"];
/// What is said of the whole turn.
const OF_TURN: [&str; 9] = [
    "any_order",
    "answers",
    "intent",
    "slot",
    "state",
    "context",
    "escalated",
    "resolved",
    "capture",
];

pub(super) fn expectations(node: &Node, reader: &mut Reader<'_, '_>) -> Expectations {
    let mut expect = Expectations::default();
    for item in yaml::one_or_more(node) {
        // A text alone is what the answer contains.
        if item.text().is_some() {
            let how = reader.sentence(item, "expect").map(How::Contains);
            expect.groups.extend(how.map(|how| group_of(vec![plain(how)])));
        } else {
            one(item, &mut expect, reader);
        }
    }
    expect
}

fn plain(how: How) -> TextCheck {
    TextCheck {
        how,
        is_negated: false,
        ignores_case: false,
    }
}

fn group_of(texts: Vec<TextCheck>) -> Group {
    Group {
        checks: vec![AnswerCheck {
            texts,
            ..AnswerCheck::default()
        }],
    }
}

fn one(node: &Node, expect: &mut Expectations, reader: &mut Reader<'_, '_>) {
    let known: Vec<&str> = TEXTS.iter().chain(&OF_ANSWER).chain(&OF_TURN).copied().collect();
    let Some(fields) = Fields::of(node, "expect", &known, reader.faults) else {
        return;
    };
    place(answer(&fields, reader), expect);
    if let Some(node) = fields.get("any_order") {
        any_order(node, expect, reader);
    }
    of_turn(&fields, expect, reader);
}

/// What has a text stands in its place; what has none holds for some answer, and what must not be, for all of them.
fn place(check: AnswerCheck, expect: &mut Expectations) {
    if check.texts.iter().any(|text| !text.is_negated) {
        expect.groups.push(Group { checks: vec![check] });
        return;
    }
    expect.never.extend(check.texts);
    if check.buttons.is_some() || check.within.is_some() {
        expect.some.push(AnswerCheck {
            texts: Vec::new(),
            ..check
        });
    }
}

fn answer(fields: &Fields<'_>, reader: &mut Reader<'_, '_>) -> AnswerCheck {
    let ignores_case = fields.truth("ignore_case", reader.faults).unwrap_or_default();
    let mut texts = texts(fields, false, ignores_case, reader);
    if let Some(node) = fields.get("not") {
        texts.extend(negated(node, ignores_case, reader));
    }
    if fields.get("ignore_case").is_some() && texts.is_empty() {
        let hint = "put it beside equals, contains, matches or one_of";
        reader
            .faults
            .wrong(fields.at, "ignore_case has no text to go with", hint);
    }
    let within = fields.whole("within_ms", 1..=LONGEST_MS, reader.faults);
    AnswerCheck {
        texts,
        buttons: fields.get("buttons").map(|node| labels(node, reader)),
        within: within.map(Duration::from_millis),
    }
}

/// What an answer must not be: a text, a mapping, or a list of them, of which it must be none.
fn negated(node: &Node, ignores_case: bool, reader: &mut Reader<'_, '_>) -> Vec<TextCheck> {
    if node.list().is_some() {
        let items = bounded(node, "not", reader).unwrap_or_default();
        return items
            .iter()
            .flat_map(|item| negated(item, ignores_case, reader))
            .collect();
    }
    if node.text().is_some() {
        let text = reader.sentence(node, "not").map(How::Contains);
        let check = |how| TextCheck {
            how,
            is_negated: true,
            ignores_case,
        };
        return text.map(check).into_iter().collect();
    }
    let known: Vec<&str> = TEXTS.iter().chain(&["ignore_case"]).copied().collect();
    let Some(fields) = Fields::of(node, "not", &known, reader.faults) else {
        return Vec::new();
    };
    let ignores_case = fields.truth("ignore_case", reader.faults).unwrap_or(ignores_case);
    texts(&fields, true, ignores_case, reader)
}

fn texts(
    fields: &Fields<'_>,
    is_negated: bool,
    ignores_case: bool,
    reader: &mut Reader<'_, '_>,
) -> Vec<TextCheck> {
    let mut read = Vec::new();
    for name in TEXTS {
        let Some(node) = fields.get(name) else {
            continue;
        };
        // Several texts of `contains` and `matches` must all be there.
        let several = if name == "one_of" {
            std::slice::from_ref(node)
        } else {
            yaml::one_or_more(node)
        };
        for node in several {
            let how = match name {
                "equals" => reader.template(node, name).map(How::Equals),
                "contains" => reader.sentence(node, name).map(How::Contains),
                "matches" => reader.pattern(node, name, ignores_case).map(How::Matches),
                _ => one_of(node, reader),
            };
            read.extend(how.map(|how| TextCheck {
                how,
                is_negated,
                ignores_case,
            }));
        }
    }
    read
}

fn one_of(node: &Node, reader: &mut Reader<'_, '_>) -> Option<How> {
    let items = bounded(node, "one_of", reader)?;
    let texts: Vec<_> = items
        .iter()
        .filter_map(|item| reader.template(item, "one_of"))
        .collect();
    (texts.len() == items.len()).then_some(How::OneOf(texts))
}

/// A list that is neither empty nor too long.
fn bounded<'n>(node: &'n Node, name: &str, reader: &mut Reader<'_, '_>) -> Option<&'n [Node]> {
    let items = node
        .list()
        .filter(|items| (1..=MOST_ALTERNATIVES).contains(&items.len()));
    if items.is_none() {
        let message = format!("{name} must be a list of 1 to {MOST_ALTERNATIVES}");
        reader
            .faults
            .wrong(node.at, message, "write them as [one, another]");
    }
    items
}

fn labels(node: &Node, reader: &mut Reader<'_, '_>) -> Vec<template::Template> {
    let items = yaml::one_or_more(node);
    items
        .iter()
        .filter_map(|item| reader.sentence(item, "buttons"))
        .collect()
}

fn any_order(node: &Node, expect: &mut Expectations, reader: &mut Reader<'_, '_>) {
    let Some(items) = bounded(node, "any_order", reader) else {
        return;
    };
    let known: Vec<&str> = TEXTS.iter().chain(&OF_ANSWER).copied().collect();
    let mut group = Group::default();
    for item in items {
        if item.text().is_some() {
            let how = reader.sentence(item, "any_order").map(How::Contains);
            group.checks.extend(how.map(|how| AnswerCheck {
                texts: vec![plain(how)],
                ..AnswerCheck::default()
            }));
        } else if let Some(fields) = Fields::of(item, "any_order", &known, reader.faults) {
            let check = answer(&fields, reader);
            if check.texts.iter().all(|text| text.is_negated) {
                let hint = "say what the answer is: equals, contains, matches or one_of";
                reader
                    .faults
                    .wrong(item.at, "what comes in any order must have a text", hint);
            }
            group.checks.push(check);
        }
    }
    expect.groups.push(group);
}

fn of_turn(fields: &Fields<'_>, expect: &mut Expectations, reader: &mut Reader<'_, '_>) {
    if let Some(node) = fields.get("answers") {
        once(expect.answers.is_some(), node, "answers", reader);
        expect.answers = count(node, reader);
    }
    if let Some(node) = fields.get("intent") {
        once(expect.intent.is_some(), node, "intent", reader);
        expect.intent = reader.sentence(node, "intent");
    }
    if let Some(node) = fields.get("state") {
        once(expect.view.state.is_some(), node, "state", reader);
        expect.view.state = state(node, reader);
    }
    if let Some(truth) = fields.truth("escalated", reader.faults) {
        expect.view.escalated = Some(truth);
    }
    if let Some(truth) = fields.truth("resolved", reader.faults) {
        expect.view.resolved = Some(truth);
    }
    expect.view.slots.extend(values(fields, "slot", reader));
    expect.view.context.extend(values(fields, "context", reader));
    captures(fields, expect, reader);
}

fn once(is_there: bool, node: &Node, name: &str, reader: &mut Reader<'_, '_>) {
    if is_there {
        let message = format!("`{name}` is there twice in one turn");
        reader.faults.wrong(node.at, message, "leave one of them out");
    }
}

/// `2`, `1..3`, `1..`, `..3`.
fn count(node: &Node, reader: &mut Reader<'_, '_>) -> Option<Count> {
    let text = yaml::text(node, "answers", reader.faults)?;
    let read = |text: &str, otherwise| match text.trim() {
        "" => otherwise,
        number => number
            .parse()
            .ok()
            .filter(|number| *number <= MOST_ANSWERS)
            .map(Some),
    };
    let count = match text.split_once("..") {
        Some((least, most)) => read(least, Some(None)).zip(read(most, Some(None))),
        None => read(text, None).map(|number| (number, number)),
    };
    let count = count
        .map(|(least, most)| Count {
            least: least.unwrap_or_default(),
            most,
        })
        .filter(|count| count.most.is_none_or(|most| count.least <= most));
    if count.is_none() {
        let message = format!(
            "answers must be a number up to {MOST_ANSWERS} or a range, not {}",
            crate::file::shorten(text)
        );
        reader
            .faults
            .wrong(node.at, message, "write it like 2, 1..3 or 1..");
    }
    count
}

fn state(node: &Node, reader: &mut Reader<'_, '_>) -> Option<State> {
    let state = yaml::text(node, "state", reader.faults)?.parse();
    state
        .map_err(|error| reader.faults.wrong(node.at, format!("state {error}"), ""))
        .ok()
}

fn values(fields: &Fields<'_>, field: &str, reader: &mut Reader<'_, '_>) -> Vec<(String, serde_json::Value)> {
    let Some(node) = fields.get(field) else {
        return Vec::new();
    };
    let Some(mapping) = Fields::any(node, field, reader.faults) else {
        return Vec::new();
    };
    let pairs = mapping
        .all()
        .filter_map(|(key, value)| Some((key.text()?.to_owned(), value)));
    pairs.map(|(name, node)| (name, reader.value(node))).collect()
}

fn captures(fields: &Fields<'_>, expect: &mut Expectations, reader: &mut Reader<'_, '_>) {
    let Some(node) = fields.get("capture") else { return };
    let Some(mapping) = Fields::any(node, "capture", reader.faults) else {
        return;
    };
    for (key, value) in mapping.all() {
        let variable = key.text().unwrap_or_default().to_owned();
        if !template::is_name(&variable) {
            let hint = "use letters, digits, `_` and `-`, a letter first";
            let message = format!("`{}` is no name of a variable", crate::file::shorten(&variable));
            reader.faults.wrong(key.at, message, hint);
        }
        let source = capture_source(value, reader);
        expect
            .captures
            .extend(source.map(|source| Capture { variable, source }));
    }
}

fn capture_source(node: &Node, reader: &mut Reader<'_, '_>) -> Option<CaptureSource> {
    if node.text().is_some() {
        return reader.pattern(node, "capture", false).map(CaptureSource::Answer);
    }
    let fields = Fields::of(node, "capture", &["answer", "slot", "context"], reader.faults)?;
    if let Some(node) = fields.get("answer") {
        return reader.pattern(node, "answer", false).map(CaptureSource::Answer);
    }
    if let Some(slot) = fields.text("slot", reader.faults) {
        return Some(CaptureSource::Slot(slot.to_owned()));
    }
    if let Some(path) = fields.text("context", reader.faults) {
        return Some(CaptureSource::Context(path.to_owned()));
    }
    let hint = "write a regular expression, or { slot: name }, or { context: path }";
    reader.faults.wrong(node.at, "capture has no source", hint);
    None
}
