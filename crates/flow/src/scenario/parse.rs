//! Scenario files: YAML, one scenario per document.

use super::{
    fields::ContextFields,
    model::{Customer, MOST_RUNS, MOST_TURNS, Repeat, Scenario, Slo, Turn, USUAL_DEADLINE, USUAL_PATIENCE},
    parse_turn::turns,
    reader::Reader,
    template,
};
use crate::file::{
    Faults, FileFault,
    yaml::{self, Fields, Node},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

/// The largest scenario file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Most scenarios of one file.
const MOST_SCENARIOS: usize = 1000;
/// Most tags of a scenario.
const MOST_TAGS: usize = 20;
/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// The longest deadline and patience, in seconds.
const LONGEST_DEADLINE_S: u64 = 24 * 3600;
const LONGEST_PATIENCE_S: u64 = 600;
/// The longest time of an SLO, in milliseconds.
const LONGEST_SLO_MS: u64 = 600_000;
/// Most retries.
const MOST_RETRIES: u64 = 10;

const KNOWN: [&str; 17] = [
    "name",
    "tags",
    "bot",
    "context",
    "customer",
    "seed",
    "slo",
    "retries",
    "repeat",
    "k_of_k",
    "deadline_s",
    "patience_s",
    "stop_at_failure",
    "setup",
    "turns",
    "teardown",
    "vars",
];

/// Reads a scenario file; all its faults at once.
///
/// ```
/// let scenarios = flow::scenario::parse("
/// name: Track an order
/// turns:
///   - say: Where is my order?
///     expect: { contains: order number }
///   - say: A-1042
///     expect:
///       - matches: 'arrives (on|by) \\w+'
///       - resolved: true
/// ").unwrap();
/// assert_eq!(scenarios[0].turns.len(), 2);
///
/// let faults = flow::scenario::parse("name: Hello\nturns:\n  - sya: hi\n").unwrap_err();
/// assert_eq!(faults[0].to_string(), "3:5: unknown field `sya` in a turn\n  hint: did you mean `say`?");
/// ```
pub fn parse(source: &str) -> Result<Vec<Scenario>, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    let documents = yaml::documents(source, MAX_BYTES, &mut faults);
    if documents.len() > MOST_SCENARIOS {
        let message = format!("{} scenarios are more than {MOST_SCENARIOS}", documents.len());
        faults.wrong(0, message, "split the file");
    }
    if documents.is_empty() && faults.is_empty() {
        faults.wrong(0, "there is no scenario in the file", "begin with `name: ...`");
    }
    let mut scenarios = Vec::new();
    for document in documents.iter().take(MOST_SCENARIOS) {
        scenarios.extend(scenario(document, &mut faults));
    }
    if faults.is_empty() {
        Ok(scenarios)
    } else {
        Err(faults.into_sorted())
    }
}

fn scenario(document: &Node, faults: &mut Faults<'_>) -> Option<Scenario> {
    let fields = Fields::of(document, "a scenario", &KNOWN, faults)?;
    let name = name(&fields, faults);
    let vars = vars(&fields, faults);
    let mut reader = Reader::new(faults, vars.keys().cloned());
    let setup = turns(fields.get("setup"), "setup", &mut reader);
    let of_scenario = turns(fields.get("turns"), "turns", &mut reader);
    let teardown = turns(fields.get("teardown"), "teardown", &mut reader);
    check_turns(&fields, [&setup, &of_scenario, &teardown], faults);
    Some(Scenario {
        name: name.unwrap_or_default(),
        line: faults.line(fields.at),
        tags: tags(&fields, faults),
        bot: fields.text("bot", faults).map(str::to_owned),
        context: ContextFields::read(fields.get("context"), "context", faults),
        customer: customer(&fields, faults),
        seed: fields.whole("seed", 0..=u64::MAX, faults).unwrap_or_default(),
        slo: slo(&fields, faults),
        retries: narrow(
            fields
                .whole("retries", 0..=MOST_RETRIES, faults)
                .unwrap_or_default(),
        ),
        repeat: repeat(&fields, faults),
        deadline: seconds(&fields, "deadline_s", LONGEST_DEADLINE_S, faults).unwrap_or(USUAL_DEADLINE),
        patience: seconds(&fields, "patience_s", LONGEST_PATIENCE_S, faults).unwrap_or(USUAL_PATIENCE),
        stops_at_failure: fields.truth("stop_at_failure", faults).unwrap_or_default(),
        vars,
        setup,
        turns: of_scenario,
        teardown,
    })
}

fn name(fields: &Fields<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let Some(node) = fields.get("name") else {
        faults.absent(fields.at, "a scenario has no `name`", "add name: What it shows");
        return None;
    };
    let name = yaml::text(node, "name", faults)?.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let message = format!("name must be 1 to {LONGEST_NAME} characters in one line");
        faults.wrong(node.at, message, "");
    }
    Some(name.to_owned())
}

fn check_turns(fields: &Fields<'_>, parts: [&Vec<Turn>; 3], faults: &mut Faults<'_>) {
    if fields.get("turns").is_none() {
        faults.absent(
            fields.at,
            "a scenario has no `turns`",
            "add turns: with a list of `say: ...`",
        );
    }
    let count: usize = parts.iter().map(|turns| turns.len()).sum();
    if count > MOST_TURNS {
        let message = format!("{count} turns are more than {MOST_TURNS}");
        faults.wrong(fields.at, message, "make several scenarios of it");
    }
}

fn tags(fields: &Fields<'_>, faults: &mut Faults<'_>) -> Vec<String> {
    let Some(node) = fields.get("tags") else {
        return Vec::new();
    };
    let items = yaml::one_or_more(node);
    if items.len() > MOST_TAGS {
        faults.wrong(node.at, format!("more than {MOST_TAGS} tags"), "");
    }
    let mut tags = Vec::new();
    for item in items {
        let Some(tag) = yaml::text(item, "a tag", faults) else {
            continue;
        };
        if tag.is_empty() || tag.contains(|c: char| c == ',' || c.is_whitespace()) {
            faults.wrong(item.at, "a tag must be a word without commas", "");
        }
        tags.push(tag.to_owned());
    }
    tags
}

fn vars(fields: &Fields<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, String> {
    let vars = fields
        .get("vars")
        .and_then(|node| Fields::any(node, "vars", faults));
    let mut read = BTreeMap::new();
    for (key, value) in vars.iter().flat_map(Fields::all) {
        let name = key.text().unwrap_or_default();
        if !template::is_name(name) {
            let hint = "use letters, digits, `_` and `-`, a letter first";
            faults.wrong(
                key.at,
                format!("`{}` is no name of a variable", crate::file::shorten(name)),
                hint,
            );
        }
        if let Some(text) = yaml::text(value, name, faults) {
            read.insert(name.to_owned(), text.to_owned());
        }
    }
    read
}

fn customer(fields: &Fields<'_>, faults: &mut Faults<'_>) -> Customer {
    let mut profile = object(fields.get("customer"), "customer", faults);
    let id = profile.remove("id").and_then(|id| match id {
        Value::String(id) => Some(id),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    });
    Customer { id, profile }
}

fn object(node: Option<&Node>, name: &str, faults: &mut Faults<'_>) -> Map<String, Value> {
    let Some(node) = node else { return Map::new() };
    match node.value() {
        Value::Object(fields) => fields,
        _ => {
            faults.wrong(
                node.at,
                format!("{name} must be a mapping, not {}", node.kind()),
                "",
            );
            Map::new()
        }
    }
}

fn slo(fields: &Fields<'_>, faults: &mut Faults<'_>) -> Slo {
    let slo = fields
        .get("slo")
        .and_then(|node| Fields::of(node, "slo", &["p95_turn_ms", "first_answer_ms"], faults));
    let Some(slo) = slo else {
        return Slo::default();
    };
    let mut read = |field| {
        slo.whole(field, 1..=LONGEST_SLO_MS, faults)
            .map(Duration::from_millis)
    };
    Slo {
        p95_turn: read("p95_turn_ms"),
        first_answer: read("first_answer_ms"),
    }
}

fn repeat(fields: &Fields<'_>, faults: &mut Faults<'_>) -> Repeat {
    let runs = fields.whole("repeat", 1..=u64::from(MOST_RUNS), faults);
    let runs = runs.map_or(1, narrow);
    let at_least = fields.whole("k_of_k", 1..=u64::from(runs), faults);
    Repeat {
        runs,
        at_least: at_least.map_or(runs, narrow),
    }
}

fn seconds(fields: &Fields<'_>, field: &str, most: u64, faults: &mut Faults<'_>) -> Option<Duration> {
    fields.whole(field, 1..=most, faults).map(Duration::from_secs)
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
