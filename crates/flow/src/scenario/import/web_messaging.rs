//! The YAML of web-messaging testers: `say`, `waitForReplyContaining`, `waitForReplyMatching`.

use super::Imported;
use crate::{
    file::{
        Faults, FileFault,
        yaml::{self, Fields, Node},
    },
    scenario::{
        model::{AnswerCheck, Deed, Expectations, Group, How, Scenario, TextCheck, Turn},
        parse::MAX_BYTES,
        pattern::plain_pattern,
        template::Template,
    },
};

/// Reads a test script. What it can't say here is told, and left out.
///
/// ```
/// let imported = flow::scenario::import::web_messaging("
/// scenarios:
///   Accept the survey:
///     - say: hi
///     - waitForReplyContaining: a few questions
///     - typing: true
/// ").unwrap();
/// assert_eq!(imported.scenarios[0].name, "Accept the survey");
/// assert_eq!(imported.left_out[0].to_string(), "6:7: `typing` has no counterpart, so it is left out");
/// ```
pub fn web_messaging(source: &str) -> Result<Imported, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    let mut left_out = Faults::new(source);
    let documents = yaml::documents(source, MAX_BYTES, &mut faults);
    let mut scenarios = Vec::new();
    for document in &documents {
        let Some(fields) = Fields::any(document, "a test script", &mut faults) else {
            continue;
        };
        for (key, _) in fields
            .all()
            .filter(|(key, _)| !matches!(key.text(), Some("config" | "scenarios")))
        {
            no_counterpart(key, &mut left_out);
        }
        let named = fields.get("scenarios");
        if named.is_none() {
            faults.absent(fields.at, "a test script has no `scenarios`", "is it one?");
        }
        let named = named.and_then(|node| Fields::any(node, "scenarios", &mut faults));
        for (name, steps) in named.iter().flat_map(Fields::all) {
            let turns = turns(steps, &mut faults, &mut left_out);
            let line = faults.line(name.at);
            let name = name.text().unwrap_or("without a name");
            scenarios.push(Scenario {
                line,
                ..Scenario::new(name, turns)
            });
        }
    }
    if scenarios.is_empty() && faults.is_empty() {
        faults.wrong(0, "there is no scenario in the file", "");
    }
    if faults.is_empty() {
        Ok(Imported {
            scenarios,
            left_out: left_out.into_sorted(),
        })
    } else {
        Err(faults.into_sorted())
    }
}

fn no_counterpart(key: &Node, left_out: &mut Faults<'_>) {
    let name = crate::file::shorten(key.text().unwrap_or_default());
    left_out.wrong(
        key.at,
        format!("`{name}` has no counterpart, so it is left out"),
        "",
    );
}

fn turns(steps: &Node, faults: &mut Faults<'_>, left_out: &mut Faults<'_>) -> Vec<Turn> {
    let Some(steps) = steps.list() else {
        faults.wrong(
            steps.at,
            format!("the steps must be a list, not {}", steps.kind()),
            "",
        );
        return Vec::new();
    };
    let mut turns: Vec<Turn> = Vec::new();
    for step in steps {
        let Some(fields) = Fields::any(step, "a step", faults) else {
            continue;
        };
        for (key, value) in fields.all() {
            let how = match key.text() {
                Some("say") => {
                    let text = yaml::text(value, "say", faults).unwrap_or_default();
                    turns.push(Turn {
                        line: faults.line(step.at),
                        ..Turn::say(text)
                    });
                    continue;
                }
                Some(name @ "waitForReplyContaining") => {
                    yaml::text(value, name, faults).map(|text| How::Contains(Template::plain(text)))
                }
                Some(name @ "waitForReplyMatching") => {
                    let text = yaml::text(value, name, faults).unwrap_or_default();
                    plain_pattern(text)
                        .map_err(|reason| faults.wrong(value.at, format!("{name} {reason}"), ""))
                        .map(How::Matches)
                        .ok()
                }
                _ => {
                    no_counterpart(key, left_out);
                    continue;
                }
            };
            if turns.is_empty() {
                turns.push(Turn {
                    line: faults.line(step.at),
                    deed: Deed::Listen,
                    expect: Expectations::default(),
                });
            }
            let group = how.map(|how| Group {
                checks: vec![AnswerCheck {
                    texts: vec![TextCheck {
                        how,
                        is_negated: false,
                        ignores_case: false,
                    }],
                    ..AnswerCheck::default()
                }],
            });
            if let Some(turn) = turns.last_mut() {
                turn.expect.groups.extend(group);
            }
        }
    }
    turns
}
