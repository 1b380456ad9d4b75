//! A scenario as the file that [`parse`](super::parse()) reads.

use super::{
    fields::ContextFields,
    model::{
        AnswerCheck, Capture, CaptureSource, Count, Deed, Expectations, How, Scenario, TextCheck, Turn,
        USUAL_DEADLINE, USUAL_PATIENCE,
    },
    template::Template,
};
use serde_json::{Map, Value, json};
use std::{fmt::Write as _, time::Duration};
use wire::conversation::State;

/// The scenario as YAML; reading it gives the same scenario.
///
/// ```
/// use flow::scenario::{Scenario, Turn, parse, to_yaml};
///
/// let text = to_yaml(&Scenario::new("Greeting", vec![Turn::say("hello")]));
/// assert_eq!(text, "name: Greeting\nturns:\n  - say: hello\n");
/// assert_eq!(parse(&text).unwrap()[0].name, "Greeting");
/// ```
pub fn to_yaml(scenario: &Scenario) -> String {
    let mut text = format!("name: {}\n", scalar(&scenario.name));
    if !scenario.tags.is_empty() {
        let tags: Vec<String> = scenario.tags.iter().map(|tag| scalar(tag)).collect();
        let _ = writeln!(text, "tags: [{}]", tags.join(", "));
    }
    if let Some(bot) = &scenario.bot {
        let _ = writeln!(text, "bot: {}", scalar(bot));
    }
    if !scenario.context.is_empty() {
        let _ = writeln!(text, "context: {}", context(&scenario.context));
    }
    let mut field = |name: &str, value: Value| {
        let _ = writeln!(text, "{name}: {}", inline(&value));
    };
    let mut customer = scenario.customer.profile.clone();
    customer.extend(scenario.customer.id.iter().map(|id| ("id".to_owned(), json!(id))));
    if !customer.is_empty() {
        field("customer", json!(customer));
    }
    if scenario.seed != 0 {
        field("seed", json!(scenario.seed));
    }
    let slo = slo(scenario);
    if !slo.is_empty() {
        field("slo", json!(slo));
    }
    if scenario.retries > 0 {
        field("retries", json!(scenario.retries));
    }
    if scenario.repeat.runs > 1 {
        field("repeat", json!(scenario.repeat.runs));
    }
    if scenario.repeat.at_least < scenario.repeat.runs {
        field("k_of_k", json!(scenario.repeat.at_least));
    }
    if scenario.deadline != USUAL_DEADLINE {
        field("deadline_s", json!(scenario.deadline.as_secs()));
    }
    if scenario.patience != USUAL_PATIENCE {
        field("patience_s", json!(scenario.patience.as_secs()));
    }
    if scenario.stops_at_failure {
        field("stop_at_failure", json!(true));
    }
    if !scenario.vars.is_empty() {
        field("vars", json!(scenario.vars));
    }
    for (name, turns) in [
        ("setup", &scenario.setup),
        ("turns", &scenario.turns),
        ("teardown", &scenario.teardown),
    ] {
        if !turns.is_empty() {
            let _ = writeln!(text, "{name}:");
            turns.iter().for_each(|turn| write_turn(&mut text, turn));
        }
    }
    text
}

/// In one line, `botSession` in its order.
fn context(fields: &ContextFields) -> String {
    let pairs = |pairs: &mut dyn Iterator<Item = (&str, &Value)>| -> Vec<String> {
        pairs
            .map(|(name, value)| format!("{}: {}", scalar(name), inline(value)))
            .collect()
    };
    let session = pairs(&mut fields.session.iter());
    let mut members = pairs(&mut fields.rest.iter().map(|(name, value)| (name.as_str(), value)));
    if fields.clears_session {
        members.insert(0, "botSession: null".into());
    } else if !session.is_empty() {
        members.insert(0, format!("botSession: {{ {} }}", session.join(", ")));
    }
    match members.is_empty() {
        true => "{}".into(),
        false => format!("{{ {} }}", members.join(", ")),
    }
}

fn slo(scenario: &Scenario) -> Map<String, Value> {
    let ms = |duration: Duration| json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    let fields = [
        ("p95_turn_ms", scenario.slo.p95_turn),
        ("first_answer_ms", scenario.slo.first_answer),
    ];
    let given = fields
        .into_iter()
        .filter_map(|(name, limit)| Some((name.to_owned(), ms(limit?))));
    given.collect()
}

fn write_turn(text: &mut String, turn: &Turn) {
    let deed = match &turn.deed {
        Deed::Say(said) => Some(("say", scalar(&said.written()))),
        Deed::Press(label) => Some(("press", scalar(&label.written()))),
        Deed::Wait(duration) => Some(("wait", written_duration(*duration))),
        Deed::SetContext(fields) => Some(("set_context", context(fields))),
        Deed::Close(State::Ended) => Some(("close", "ended".to_owned())),
        Deed::Close(_) => Some(("close", "true".to_owned())),
        Deed::Listen => None,
    };
    let expected = expected(&turn.expect);
    let mut lead = "  - ";
    if let Some((name, value)) = deed {
        let _ = writeln!(text, "{lead}{name}: {value}");
        lead = "    ";
    }
    match expected.as_slice() {
        [] if lead == "  - " => {
            let _ = writeln!(text, "{lead}expect: []");
        }
        [] => {}
        [one] => {
            let _ = writeln!(text, "{lead}expect: {}", inline(one));
        }
        several => {
            let _ = writeln!(text, "{lead}expect:");
            for one in several {
                let _ = writeln!(text, "      - {}", inline(one));
            }
        }
    }
}

fn expected(expect: &Expectations) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for group in &expect.groups {
        let checks: Vec<Value> = group.checks.iter().flat_map(answer).collect();
        match group.checks.len() {
            1 => all.extend(checks),
            _ => all.push(json!({"any_order": checks})),
        }
    }
    all.extend(expect.some.iter().flat_map(answer));
    for check in &expect.never {
        all.push(json!({"not": not(check, false)}));
    }
    let view = &expect.view;
    let one = |name: &str, value: Value| json!({name: value});
    all.extend(
        expect
            .intent
            .iter()
            .map(|intent| one("intent", json!(intent.written()))),
    );
    all.extend(expect.answers.map(|count| one("answers", written_count(count))));
    all.extend(view.state.map(|state| one("state", json!(state.as_str()))));
    all.extend(
        view.slots
            .iter()
            .map(|(name, value)| json!({"slot": {name: value}})),
    );
    all.extend(
        view.context
            .iter()
            .map(|(path, value)| json!({"context": {path: value}})),
    );
    all.extend(view.escalated.map(|truth| one("escalated", json!(truth))));
    all.extend(view.resolved.map(|truth| one("resolved", json!(truth))));
    all.extend(expect.captures.iter().map(capture));
    all
}

fn written_count(count: Count) -> Value {
    match count.most {
        Some(most) if most == count.least => json!(most),
        Some(most) => json!(format!("{}..{most}", count.least)),
        None => json!(format!("{}..", count.least)),
    }
}

/// A check as a mapping. What can't stand beside the others in it (another case, a second `equals`) is written as an expression.
fn answer(check: &AnswerCheck) -> Option<Value> {
    let (must_not, must): (Vec<_>, Vec<_>) = check.texts.iter().partition(|text| text.is_negated);
    let ignores_case = !must.is_empty() && must.iter().all(|text| text.ignores_case);
    let mut fields = Map::new();
    let (mut contains, mut matches) = (Vec::new(), Vec::new());
    for text in must {
        let is_apart = text.ignores_case != ignores_case;
        match &text.how {
            How::Contains(wanted) if !is_apart => contains.push(json!(wanted.written())),
            How::Matches(pattern) if !is_apart => matches.push(json!(pattern.source())),
            How::Equals(wanted) if !is_apart && !fields.contains_key("equals") => {
                fields.insert("equals".into(), json!(wanted.written()));
            }
            How::OneOf(several) if !is_apart && !fields.contains_key("one_of") => {
                fields.insert("one_of".into(), sources(several));
            }
            how => matches.push(json!(as_pattern(how, is_apart))),
        }
    }
    for (name, values) in [("contains", contains), ("matches", matches)] {
        fields.extend(one_or_all(values).map(|value| (name.to_owned(), value)));
    }
    if ignores_case {
        fields.insert("ignore_case".into(), json!(true));
    }
    let must_not = must_not.into_iter().map(|text| not(text, ignores_case)).collect();
    fields.extend(one_or_all(must_not).map(|value| ("not".to_owned(), value)));
    if let Some(labels) = &check.buttons {
        fields.insert("buttons".into(), sources(labels));
    }
    if let Some(within) = check.within {
        let ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        fields.insert("within_ms".into(), json!(ms));
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

fn one_or_all(mut values: Vec<Value>) -> Option<Value> {
    match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Value::Array(values)),
    }
}

/// The comparison as a regular expression.
fn as_pattern(how: &How, in_any_case: bool) -> String {
    // Blanks at both ends do not count, as in a comparison.
    let whole = |text: &Template| text.as_pattern().trim().to_owned();
    let pattern = match how {
        How::Equals(wanted) => format!("\\A(?:{})\\z", whole(wanted)),
        How::OneOf(several) => {
            let all: Vec<String> = several.iter().map(whole).collect();
            format!("\\A(?:{})\\z", all.join("|"))
        }
        How::Contains(wanted) => wanted.as_pattern(),
        How::Matches(pattern) => pattern.source().to_owned(),
    };
    match in_any_case {
        true => format!("(?i:{pattern})"),
        false => pattern,
    }
}

/// What must not be, beside texts that ignore the case or don't.
fn not(check: &TextCheck, beside: bool) -> Value {
    let (name, value) = match &check.how {
        How::Equals(wanted) => ("equals", json!(wanted.written())),
        How::Contains(wanted) => ("contains", json!(wanted.written())),
        How::Matches(pattern) => ("matches", json!(pattern.source())),
        How::OneOf(several) => ("one_of", sources(several)),
    };
    let mut fields = Map::from_iter([(name.to_owned(), value)]);
    if check.ignores_case != beside {
        fields.insert("ignore_case".into(), json!(check.ignores_case));
    }
    Value::Object(fields)
}

fn sources(texts: &[Template]) -> Value {
    texts.iter().map(|text| json!(text.written())).collect()
}

fn capture(capture: &Capture) -> Value {
    let source = match &capture.source {
        CaptureSource::Answer(pattern) => json!(pattern.source()),
        CaptureSource::Slot(name) => json!({"slot": name}),
        CaptureSource::Context(path) => json!({"context": path}),
    };
    json!({"capture": {&capture.variable: source}})
}

fn written_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        _ if ms.is_multiple_of(60_000) && ms > 0 => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

/// A value in one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) if fields.is_empty() => "{}".into(),
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", scalar(name), inline(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text in quotes, unless it is one that can't be taken for anything else.
fn scalar(text: &str) -> String {
    let is_word =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '.' | '-' | '\'' | '(' | ')');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !text.ends_with(' ')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off"
        );
    if is_plain {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}
