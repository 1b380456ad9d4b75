use super::*;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wire::{form::Form, task::Priority};

fn form(answers: Value) -> Form {
    let answers = answers.as_object().unwrap().clone();
    let responses: Vec<Value> = answers
        .into_iter()
        .map(|(name, value)| json!({"fieldName": name, "value": value}))
        .collect();
    Form::parse(&json!({"interactionId": "int-1001", "responses": responses})).unwrap()
}

fn judge_event(rules: &RuleSet, answers: Value, event: Value) -> Judgement {
    let form = form(answers);
    let event: Map<String, Value> = event.as_object().unwrap().clone();
    rules.judge(&Case {
        interaction_id: &form.interaction_id,
        agent_id: &"agent-1".parse().unwrap(),
        event: &event,
        form: &form,
        at: "2026-11-21T09:30:00Z".parse().unwrap(),
    })
}

fn judge(rules: &RuleSet, answers: Value) -> Judgement {
    judge_event(rules, answers, json!({}))
}

fn fired(judgement: Judgement) -> Fired {
    match judgement {
        Judgement::Fired(fired) => fired,
        Judgement::Unjudged { faults } => panic!("{faults:?}"),
    }
}

fn unjudged(judgement: Judgement) -> Vec<String> {
    match judgement {
        Judgement::Fired(fired) => panic!("{fired:?}"),
        Judgement::Unjudged { faults } => faults,
    }
}

/// All faults of a file, as its writer sees them.
fn check(source: &str) -> String {
    let faults = parse(source).unwrap_err();
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn the_usual_rules_are_those_of_the_contract() {
    let rules = parse(USUAL).unwrap();
    assert_eq!(rules.notes(), []);
    for (score, expected) in [
        ("1", Some((Priority::High, "2026-11-22T09:30:00.000Z"))),
        ("2", Some((Priority::High, "2026-11-22T09:30:00.000Z"))),
        ("2.99", Some((Priority::High, "2026-11-22T09:30:00.000Z"))),
        ("3", Some((Priority::Medium, "2026-11-24T09:30:00.000Z"))),
        ("3.9", Some((Priority::Medium, "2026-11-24T09:30:00.000Z"))),
        ("4", None),
        ("4.5", None),
        ("5", None),
        ("-1", Some((Priority::High, "2026-11-22T09:30:00.000Z"))),
    ] {
        let fired = fired(judge(&rules, json!({"overall_satisfaction": score})));
        let task = fired
            .tasks
            .first()
            .map(|task| (task.priority, task.due_date.to_string()));
        assert_eq!(
            task,
            expected.map(|(priority, due)| (priority, due.to_owned())),
            "{score}"
        );
    }
}

#[test]
fn the_example_of_the_guide_has_no_faults() {
    let guide = include_str!("../../../../docs/tasks.md");
    let (_, rules) = guide.split_once("\n## Rules\n").unwrap();
    let (_, example) = rules.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    assert_eq!(parse(example).unwrap().notes(), []);
}

#[test]
fn what_fired_and_why_is_told() {
    let fired = fired(judge(
        &parse(USUAL).unwrap(),
        json!({"overall_satisfaction": " 3.50 "}),
    ));
    insta::assert_snapshot!(serde_json::to_string_pretty(&fired).unwrap(), @r#"
    {
      "rule": "not-happy",
      "row": 2,
      "line": 37,
      "when": "score < 4",
      "saw": [
        [
          "score",
          3.5
        ]
      ],
      "tasks": [
        {
          "key": "not-happy",
          "subject": "Ask the customer what was missing: score 3.5",
          "description": "The customer of interaction int-1001 gave a score of 3.5. Ask what would have made it better.",
          "dueDate": "2026-11-24T09:30:00.000Z",
          "priority": "Medium",
          "assignee": "agent-1"
        }
      ]
    }
    "#);
    let back: Fired = serde_json::from_value(serde_json::to_value(&fired).unwrap()).unwrap();
    assert_eq!(back, fired);
}

#[test]
fn a_score_that_is_none_is_told_and_never_scored() {
    let rules = parse(USUAL).unwrap();
    let cases = [
        json!(""),
        json!(" "),
        json!("4,5"),
        json!("five"),
        json!("NaN"),
        json!("nan"),
        json!("inf"),
        json!("-Infinity"),
        json!("1e400"),
        json!("-1e999"),
        json!("0x10"),
        json!("1_000"),
        json!("4."),
        json!(".5"),
        json!("+"),
        json!("1e"),
        json!("٤"),
        json!("4 5"),
        json!(null),
        json!(true),
        json!(["4"]),
        json!({"value": 4}),
        json!("4".repeat(400)),
    ];
    let told: String = cases
        .into_iter()
        .flat_map(|value| unjudged(judge(&rules, json!({"overall_satisfaction": value}))))
        .map(|fault| fault + "\n")
        .collect();
    insta::assert_snapshot!(told, @r#"
    overall_satisfaction is empty, where a number is needed
    overall_satisfaction is empty, where a number is needed
    overall_satisfaction is "4,5", which is no number; write it like 4.5
    overall_satisfaction is "five", which is no number; write it like 4.5
    overall_satisfaction is "NaN", which is no number; write it like 4.5
    overall_satisfaction is "nan", which is no number; write it like 4.5
    overall_satisfaction is "inf", which is no number; write it like 4.5
    overall_satisfaction is "-Infinity", which is no number; write it like 4.5
    overall_satisfaction is "1e400", which is too large to reckon with
    overall_satisfaction is "-1e999", which is too large to reckon with
    overall_satisfaction is "0x10", which is no number; write it like 4.5
    overall_satisfaction is "1_000", which is no number; write it like 4.5
    overall_satisfaction is "4.", which is no number; write it like 4.5
    overall_satisfaction is ".5", which is no number; write it like 4.5
    overall_satisfaction is "+", which is no number; write it like 4.5
    overall_satisfaction is "1e", which is no number; write it like 4.5
    overall_satisfaction is "٤", which is no number; write it like 4.5
    overall_satisfaction is "4 5", which is no number; write it like 4.5
    overall_satisfaction is null, which is no number; write it like 4.5
    overall_satisfaction is true, which is no number; write it like 4.5
    overall_satisfaction is a list, which is no number; write it like 4.5
    overall_satisfaction is an object, which is no number; write it like 4.5
    overall_satisfaction is "4444444444444444444444444444444444444444…", which is too large to reckon with
    "#);
    assert_eq!(
        unjudged(judge(&rules, json!({"other": "4"}))),
        ["overall_satisfaction is missing in the form"]
    );
}

#[test]
fn numbers_are_read_as_everybody_reads_them() {
    let rules = parse(USUAL).unwrap();
    for (said, expected) in [
        (json!("2"), json!(2)),
        (json!(" 2\n"), json!(2)),
        (json!("+2.50"), json!(2.5)),
        (json!("-0"), json!(0)),
        (json!("2e0"), json!(2)),
        (json!("25E-1"), json!(2.5)),
        (json!(2), json!(2)),
        (json!(2.5), json!(2.5)),
        (json!("1e-400"), json!(0)),
        (json!("-1e300"), json!(-1e300)),
    ] {
        let fired = fired(judge(&rules, json!({"overall_satisfaction": said.clone()})));
        assert_eq!(fired.saw, [("score".to_owned(), expected)], "{said}");
    }
}

/// Fields of every kind, teams, and one rule with `tasks`.
fn with_tasks(tasks: &str) -> String {
    format!(
        r#"
name = "T"
time_zone = "Europe/Berlin"
fallback = "agent:agent-7"
[field.score]
form = "overall_satisfaction"
kind = "number"
least = 1
most = 5
[field.comment]
form = "comment"
kind = "text"
optional = true
[field.queue]
event = "queue"
kind = "text"
values = ["billing", "support"]
[field.vip]
event = "vip"
kind = "truth"
optional = true
[team.retention]
agents = ["agent-1", "agent-2", "agent-3"]
[skill.billing]
agents = ["agent-2"]
[[rule]]
name = "all"
when = 'score <= 5 || queue == "billing" || vip == true || comment == null'
{tasks}
"#
    )
}

fn answers() -> Value {
    json!({"overall_satisfaction": "2", "comment": "Too\nslow {sorry}"})
}

#[test]
fn every_fault_comes_at_once() {
    insta::assert_snapshot!(check(include_str!("tests/broken.toml")), @r#"
    1:8: name must be a text, not a number
      hint: put it in quotes
    2:13: there is no time zone "Europe/Berln"; did you mean `Europe/Berlin`?
    3:7: hit must be "first" or "unique", not "last"
      hint: with "first", the first rule that holds decides; with "unique", only one may hold
    4:1: unknown field `rulez` in the file
      hint: did you mean `rule`?
    5:12: there is no team `nobody`
      hint: known are retention, twins
    7:16: "someday" is no day
      hint: write days like ["mon", "tue", "wed", "thu", "fri"]
    9:6: business hours end at 09:00, which is not after 17:00
      hint: write from = "09:00" and to = "17:00"; up to "24:00"
    10:13: a holiday must be a date, not "2026-13-01"
      hint: write it like "2026-12-25"
    10:39: a holiday must be a date, not "2026-12-24T10:00:00Z"
      hint: write it like "2026-12-25"
    15:8: most must be more than least
    16:8: the name "rule" has a meaning of its own
      hint: name the field otherwise, like rule_answer
    19:8: "2nd" is no name for a field
      hint: use letters, digits and _, and begin with a letter, like overall_score
    20:8: form must be 1 to 128 bytes long, not 0
    22:16: the value "a" is empty, has spaces around it, or comes twice
    25:9: [field.both] comes either from the form or from the event
      hint: remove one of form and event
    27:8: most is for fields of the kind "number"
      hint: remove it
    28:1: [field.neither] does not say where it comes from
      hint: add form = "overall_satisfaction", a field of the form, or event = "queue", a member of the completion
    29:8: there is no kind "nuber"
      hint: write "number", "text" or "truth"
    31:10: [team.retention] has no agents
      hint: name at least one
    33:22: agent "agent-1" is named twice
      hint: name each once: they share evenly
    33:33: an agent must not be empty
    33:37: an agent must be a text, not a number
      hint: put it in quotes
    34:1: [skill.billing] has no `agents`
      hint: add agents = ["agent-1", "agent-2"]
    35:1: unknown field `agent` in [skill.billing]
      hint: did you mean `agents`?
    37:8: "Unhappy" is no name for a rule
      hint: use a-z, 0-9, - and _, at most 64 of them
    38:17: score is a number, and is compared with a text
      hint: write score < 3, or score == 3
    40:12: priority must be one of Low, Normal, Medium, High, Critical, not "Urgent"
    41:7: due must say when, not "soon"; write it like "4 hours", "1 day", "3 days at 12:00", "2 business days" or "6 business hours"
    42:12: assignee must say whose the task is, not "billing"
      hint: write "agent" (who led the interaction), "agent:agent-2", "team:retention" or "skill:billing"
    43:17: unknown name `{customer}` in a text
      hint: known are interaction_id, agent_id, rule, score, rule, 2nd, both, neither
    43:29: unknown name `{scor}` in a text
      hint: did you mean `score`?
    43:36: a single `{` in a text
      hint: write {name} for a value, {{ and }} for braces
    44:1: the rule has no `name`
      hint: add name = "unhappy"
    45:9: unknown name `scor`; a condition may use score, rule, 2nd, both, neither
      hint: did you mean `score`?
    47:7: due must be 1 to 3660 days, not 9000
    48:12: there is no skill `biling`
      hint: did you mean `billing`?
    49:11: subject must not be empty
    50:1: unknown field `descripton` in the task
      hint: did you mean `description`?
    54:8: task must be a list, not a text
    56:8: the rule "same" is there already, in line 52
      hint: name it otherwise: tasks are told apart by the names of their rules
    "#);
}

#[test]
fn a_text_that_is_no_toml_still_shows_what_else_is_wrong() {
    insta::assert_snapshot!(check("name = x\ntime_zone = \"Mars\"\n[field.a\n[[rule]]\nname = \"a b\"\n"), @r#"
    1:8: string values must be quoted, expected literal string
    2:13: there is no time zone "Mars"; write it like Europe/Berlin or UTC
    3:9: unclosed table, expected `]`
    "#);
    insta::assert_snapshot!(check(""), @r#"
    1:1: the file has no `name`
      hint: add name = "After-interaction follow-up"
    1:1: the file has no `rule`
      hint: add a rule: [[rule]] with name = "unhappy" and when = "score < 3"
    "#);
    assert!(check(&"#".repeat(MAX_FILE_BYTES + 1)).contains("262145 bytes long, at most 262144 are allowed"));
}

#[test]
fn due_dates_must_be_within_the_calendar_and_its_hours() {
    let task = |due: &str| with_tasks(&format!("[[rule.task]]\nsubject = \"x\"\ndue = \"{due}\"\n"));
    insta::assert_snapshot!(check(&task("2 business days at 18:00")), @"
    31:7: 18:00 is not within the business hours, 09:00 to 17:00
      hint: name a time within them, or count days instead of business days
    ");
    insta::assert_snapshot!(check(&task("3660 business days")), @"
    31:7: 3660 business days can take longer than 3660 days
      hint: choose less, or more business hours
    ");
    insta::assert_snapshot!(check(&task("87840 business hours")), @"
    31:7: 87840 business hours can take longer than 3660 days
      hint: choose less, or more business hours
    ");
    assert!(parse(&task("2 business days at 17:00")).is_ok());
}

#[test]
fn texts_show_values_and_nothing_else() {
    let rules = parse(&with_tasks(
        "[[rule.task]]\ndue = \"1 day\"\nsubject = \"{rule} {{{score}}} {comment}\\n{vip}\"\n\
         description = \"{interaction_id} {agent_id}\\n{queue}: {comment}\"\n",
    ))
    .unwrap();
    let fired = fired(judge_event(&rules, answers(), json!({"queue": " billing "})));
    assert_eq!(fired.tasks[0].subject, "all {2} Too slow {sorry} -");
    assert_eq!(
        fired.tasks[0].description,
        "int-1001 agent-1\nbilling: Too slow {sorry}"
    );
    let long = judge_event(
        &rules,
        json!({"overall_satisfaction": 2, "comment": "ä\u{7}".repeat(2000)}),
        json!({"queue": "support"}),
    );
    let task = &self::fired(long).tasks[0];
    assert_eq!(task.subject.chars().count(), "all {2} ".len() + 100 + 2);
    assert!(task.subject.contains("ä ä") && task.subject.contains('…'));
}

#[test]
fn several_tasks_have_their_own_keys_and_assignees() {
    let tasks = "[[rule.task]]\ndue = \"4 hours\"\nsubject = \"a\"\npriority = \"Critical\"\nassignee = \"team:retention\"\n\
                 [[rule.task]]\ndue = \"2 business days at 17:00\"\nsubject = \"b\"\nassignee = \"skill:billing\"\nfallback = \"team:retention\"\n\
                 [[rule.task]]\ndue = \"3 days at 12:00\"\nsubject = \"c\"\nassignee = \"agent:agent-7\"\n";
    let rules = parse(&with_tasks(tasks)).unwrap();
    let fired = fired(judge_event(&rules, answers(), json!({"queue": "billing"})));
    insta::assert_snapshot!(serde_json::to_string_pretty(&fired.tasks).unwrap(), @r#"
    [
      {
        "key": "all/1",
        "subject": "a",
        "description": "",
        "dueDate": "2026-11-21T13:30:00.000Z",
        "priority": "Critical",
        "assignee": "agent-3",
        "fallback": "agent-7"
      },
      {
        "key": "all/2",
        "subject": "b",
        "description": "",
        "dueDate": "2026-11-25T16:00:00.000Z",
        "priority": "Normal",
        "assignee": "agent-2",
        "fallback": "agent-3"
      },
      {
        "key": "all/3",
        "subject": "c",
        "description": "",
        "dueDate": "2026-11-24T11:00:00.000Z",
        "priority": "Normal",
        "assignee": "agent-7"
      }
    ]
    "#);
}

#[test]
fn every_faulty_answer_is_told() {
    let rules = parse(&with_tasks("")).unwrap();
    let answers = json!({"overall_satisfaction": "7", "comment": ["x"]});
    let faults = unjudged(judge_event(
        &rules,
        answers,
        json!({"queue": "fax", "vip": "maybe"}),
    ));
    insta::assert_snapshot!(faults.join("\n"), @r#"
    overall_satisfaction is "7", which is more than 5
    comment is a list, which is no text
    queue is "fax", which is none of billing, support
    vip is "maybe", which is neither true nor false
    "#);
    let answers = json!({"overall_satisfaction": 0.5, "comment": "x".repeat(16_385)});
    let form = Form {
        interaction_id: "i".parse().unwrap(),
        responses: vec![
            wire::form::Response {
                field_name: "comment".into(),
                value: answers["comment"].clone(),
            },
            wire::form::Response {
                field_name: "overall_satisfaction".into(),
                value: answers["overall_satisfaction"].clone(),
            },
        ],
    };
    let case = Case {
        interaction_id: &form.interaction_id,
        agent_id: &"a".parse().unwrap(),
        event: &Map::new(),
        form: &form,
        at: "2026-11-21T09:30:00Z".parse().unwrap(),
    };
    let faults = unjudged(rules.judge(&case)).join("\n");
    assert!(
        faults.contains("which is over 16384 bytes long") && faults.len() < 400,
        "{faults}"
    );
    assert!(faults.contains("queue is missing in the completion"), "{faults}");
}

#[test]
fn optional_fields_may_be_absent_null_or_empty() {
    let rules = parse(&with_tasks("")).unwrap();
    for event in [
        json!({"queue": "billing"}),
        json!({"queue": "billing", "vip": null}),
        json!({"queue": "billing", "vip": " "}),
    ] {
        let fired = fired(judge_event(&rules, json!({"overall_satisfaction": 5}), event));
        assert_eq!(fired.saw[3], ("vip".to_owned(), Value::Null));
    }
    let fired = fired(judge_event(
        &rules,
        answers(),
        json!({"queue": "billing", "vip": "True"}),
    ));
    assert_eq!(fired.saw[3], ("vip".to_owned(), json!(true)));
}

#[test]
fn only_what_was_looked_at_is_told() {
    let text = format!(
        "{}[[rule]]\nname = \"more\"\nwhen = 'vip == true'\n[[rule]]\nname = \"rest\"\n",
        with_tasks("").replace(
            "score <= 5 || queue == \"billing\" || vip == true || comment == null",
            "score < 2"
        )
    );
    let rules = parse(&text).unwrap();
    let saw = |score: u8| {
        let fired = fired(judge_event(
            &rules,
            json!({"overall_satisfaction": score}),
            json!({"queue": "billing"}),
        ));
        (
            fired.row,
            fired
                .saw
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    assert_eq!(saw(1), (1, "score".into()));
    assert_eq!(saw(2), (3, "score vip".into()));
}

#[test]
fn what_the_check_could_not_see_is_unjudged_and_not_skipped() {
    // Inexact conditions: the check knows them by examples only.
    let text = |hit: &str, rules: &str| {
        format!(
            "name = \"T\"\nhit = \"{hit}\"\n[field.comment]\nform = \"comment\"\nkind = \"text\"\n{rules}"
        )
    };
    let gap = parse(&text(
        "first",
        "[[rule]]\nname = \"a\"\nwhen = 'size(comment) != 7'\n",
    ))
    .unwrap();
    assert_eq!(gap.notes().len(), 1);
    assert_eq!(
        unjudged(judge(&gap, json!({"comment": "1234567"}))),
        ["no rule holds when comment is \"1234567\""]
    );
    let error = parse(&text(
        "first",
        "[[rule]]\nname = \"a\"\nwhen = 'size(comment) != 7 || int(comment) > 3'\n[[rule]]\nname = \"b\"\n",
    ))
    .unwrap();
    let told = unjudged(judge(&error, json!({"comment": "no no n"})));
    assert!(
        told[0].starts_with("the condition of rule `a` cannot be answered: "),
        "{told:?}"
    );
    let unique = "[[rule]]\nname = \"a\"\nwhen = 'size(comment) < 8'\n[[rule]]\nname = \"b\"\nwhen = 'size(comment) > 6 && size(comment) != 14 && size(comment) != 1000'\n\
                  [[rule]]\nname = \"c\"\nwhen = 'size(comment) in [14, 1000]'\n";
    let unique = parse(&text("unique", unique)).unwrap();
    assert_eq!(
        unjudged(judge(&unique, json!({"comment": "1234567"}))),
        ["rules `a` and `b` both hold when comment is \"1234567\""]
    );
    assert_eq!(fired(judge(&unique, json!({"comment": "123"}))).rule, "a");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec!["1", "5.0", "4,5", "1e400", "-", "billing", "true"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Pieces of rules files, mostly sound.
fn scrap() -> impl Strategy<Value = String> {
    let lines: Vec<String> = include_str!("tests/broken.toml")
        .lines()
        .chain(USUAL.lines())
        .map(str::to_owned)
        .collect();
    let line = prop_oneof![4 => prop::sample::select(lines), 1 => any::<String>()];
    prop::collection::vec(line, 0..30).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_scrap_of_a_rules_file_makes_reading_or_judging_panic(text in scrap(), value in any_json()) {
        if let Ok(rules) = parse(&text) {
            let _ = judge(&rules, json!({"overall_satisfaction": value}));
        }
    }

    #[test]
    fn whatever_was_answered_tasks_are_within_the_contract(score in any_json(), comment in any_json(), queue in any_json()) {
        let rules = parse(&with_tasks(
            "[[rule.task]]\ndue = \"1 day\"\nsubject = \"{comment}{comment}{comment}\"\ndescription = \"{comment}{comment}{comment}{comment}{comment}\"\n",
        )).unwrap();
        match judge_event(&rules, json!({"overall_satisfaction": score, "comment": comment}), json!({"queue": queue})) {
            Judgement::Unjudged { faults } => prop_assert!(!faults.is_empty()),
            Judgement::Fired(fired) => for task in fired.tasks {
                let body = json!({"subject": task.subject, "description": task.description, "dueDate": task.due_date,
                                  "priority": task.priority, "assigneeId": task.assignee});
                prop_assert!(wire::task::NewTask::parse(&body.to_string()).is_ok(), "{body}");
            },
        }
    }
}
