//! `tasks rules check`, `tasks rules try`.

use crate::support::{json, run, stderr, stdout};
use std::fs;

const FAULTY: &str = r#"
name = "Faulty"
time_zone = "Europe/Berln"
[field.score]
form = "overall_satisfaction"
kind = "number"
[[rule]]
name = "low"
when = 'scor < 3'
[[rule.task]]
due = "1 week"
subject = "Call {customer}"
"#;

const RULES: &str = r#"
name = "Billing"
time_zone = "Europe/Berlin"
fallback = "team:retention"
[field.score]
form = "overall_satisfaction"
kind = "number"
[field.queue]
event = "queue"
kind = "text"
[team.retention]
agents = ["agent-7", "agent-8"]
[[rule]]
name = "billing"
when = 'score < 3 && queue == "billing"'
[[rule.task]]
priority = "High"
due = "2 business days at 17:00"
subject = "Call back: {score}"
[[rule.task]]
due = "1 day"
assignee = "agent:agent-2"
subject = "Look at the invoice of {interaction_id}"
[[rule]]
name = "rest"
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("faulty.toml"), FAULTY).unwrap();
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    fs::write(
        folder.path().join("gap.toml"),
        RULES.replace("[[rule]]\nname = \"rest\"\n", ""),
    )
    .unwrap();
    folder
}

#[test]
fn check_reports_every_fault_with_file_line_and_hint() {
    let folder = folder();
    let output = run(
        folder.path(),
        &[
            "tasks",
            "rules",
            "check",
            "rules.toml",
            "faulty.toml",
            "no.toml",
            "gap.toml",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stdout(&output), @r#"
    rules.toml: no faults (2 rules)
    faulty.toml:3:13: there is no time zone "Europe/Berln"; did you mean `Europe/Berlin`?
    faulty.toml:9:9: unknown name `scor`; a condition may use score
      hint: did you mean `score`?
    faulty.toml:11:7: due must say when, not "1 week"; write it like "4 hours", "1 day", "3 days at 12:00", "2 business days" or "6 business hours"
    faulty.toml:12:17: unknown name `{customer}` in a text
      hint: known are interaction_id, agent_id, rule, score
    no.toml: the rules file no.toml can't be read: No such file or directory (os error 2)
    gap.toml:13:1: no rule holds when score is 3 and queue is "billing"
      hint: add a last rule without `when`; without tasks, if nothing is to be done
    "#);
    assert_eq!(stderr(&output).trim(), "6 faults found");
}

#[test]
fn check_is_json_for_programs() {
    let folder = folder();
    let unused = RULES.replace("&& queue == \"billing\"", "");
    fs::write(folder.path().join("unused.toml"), unused).unwrap();
    let output = run(
        folder.path(),
        &["--json", "tasks", "rules", "check", "faulty.toml", "unused.toml"],
    );
    assert_eq!(output.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(found["files"][0]["faults"][0]["hint"], serde_json::Value::Null);
    assert_eq!(found["files"][0]["faults"].as_array().unwrap().len(), 4);
    assert_eq!(
        found["files"][1]["notes"][0]["message"],
        "no rule uses the field `queue`; a form without it is not judged all the same"
    );
}

#[test]
fn the_demo_rules_are_the_built_in_ones_and_have_no_faults() {
    let folder = folder();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/rules.toml");
    let output = run(folder.path(), &["tasks", "rules", "check", demo]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let at = "2026-11-21T09:30:00Z";
    for (score, rule, tasks) in [("2", "unhappy", 1), ("3.5", "not-happy", 1), ("4", "happy", 0)] {
        let set = format!("score={score}");
        let built_in = json(
            folder.path(),
            &["tasks", "rules", "try", "--set", &set, "--at", at],
        );
        let of_file = json(
            folder.path(),
            &["tasks", "rules", "try", demo, "--set", &set, "--at", at],
        );
        assert_eq!(built_in["judgement"], of_file["judgement"]);
        assert_eq!(built_in["judgement"]["rule"], rule);
        assert_eq!(built_in["judgement"]["tasks"].as_array().unwrap().len(), tasks);
    }
}

#[test]
fn try_shows_what_fires_why_and_the_tasks() {
    let folder = folder();
    let form = r#"{"interactionId": "int-1002", "responses": [{"fieldName": "overall_satisfaction", "value": "4"}]}"#;
    fs::write(folder.path().join("form.json"), form).unwrap();
    let args = [
        "tasks",
        "rules",
        "try",
        "rules.toml",
        "--form",
        "form.json",
        "--set",
        "queue=billing",
        "--agent",
        "agent-1",
        "--at",
        "2026-03-27T18:00:00+01:00",
    ];
    let output = run(folder.path(), &[&args[..], &["--set", "score=2"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    insta::assert_snapshot!(stdout(&output), @r#"
    row 1 fires: billing (rules.toml:13), score < 3 && queue == "billing"
      score is 2
      queue is "billing"
    ┌───────────┬─────────────────────────────────┬──────────┬──────────────────────┬──────────────────────────┬──────────┬──────────┐
    │ task      ┆ subject                         ┆ priority ┆ due, Europe/Berlin   ┆ due, UTC                 ┆ assignee ┆ fallback │
    ╞═══════════╪═════════════════════════════════╪══════════╪══════════════════════╪══════════════════════════╪══════════╪══════════╡
    │ billing/1 ┆ Call back: 2                    ┆ High     ┆ Wed 2026-04-01 17:00 ┆ 2026-04-01T15:00:00.000Z ┆ agent-1  ┆ agent-7  │
    │ billing/2 ┆ Look at the invoice of int-1002 ┆ Normal   ┆ Sat 2026-03-28 18:00 ┆ 2026-03-28T17:00:00.000Z ┆ agent-2  ┆ agent-7  │
    └───────────┴─────────────────────────────────┴──────────┴──────────────────────┴──────────────────────────┴──────────┴──────────┘
    "#);
    let output = run(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    insta::assert_snapshot!(stdout(&output), @r#"
    row 2 fires: rest (rules.toml:24), it always holds
      score is 4
      queue is "billing"
    no task
    "#);
}

#[test]
fn a_form_that_cannot_be_judged_is_a_failure_that_says_why() {
    let folder = folder();
    let output = run(
        folder.path(),
        &["tasks", "rules", "try", "rules.toml", "--set", "score=4,5"],
    );
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stdout(&output), @r#"
    the form can't be judged:
      overall_satisfaction is "4,5", which is no number; write it like 4.5
      queue is missing in the completion
    "#);
}

#[test]
fn what_is_asked_wrongly_is_told() {
    let folder = folder();
    fs::write(folder.path().join("form.json"), r#"{"responses": 7}"#).unwrap();
    fs::write(folder.path().join("text.json"), "score: 2").unwrap();
    for (args, code, expected) in [
        (
            &["--set", "scor=2"][..],
            1,
            "the rules have no field `scor`; did you mean `score`?",
        ),
        (&["--set", "score"], 2, "is not like score=2"),
        (&["--at", "noon"], 2, "is no time like 2026-11-21T09:30:00Z"),
        (
            &["--form", "form.json"],
            1,
            "interactionId is missing\n  responses must be a list",
        ),
        (&["--form", "text.json"], 1, "the form text.json is no JSON"),
        (&["--form", "no.json"], 1, "the form no.json can't be read"),
        (&["faulty.toml"], 1, "faulty.toml:9:9: unknown name `scor`"),
        (&["no.toml"], 1, "the rules file no.toml can't be read"),
    ] {
        let output = run(folder.path(), &[&["tasks", "rules", "try"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(
            stderr(&output).contains(expected),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}
