//! How many forms a second the rules judge, beside rhai and beside Rust written by hand on the same work; and how long hostile
//! conditions and files take.
//!
//! `cargo bench -p trunkline --bench rules`
//!
//! The work is a table of four rows over three fields; each form is new, so values are read from it each time. rhai has its
//! rows compiled and its scope made from the same values; by hand it is four `if`s.

#![allow(clippy::expect_used, clippy::panic)]

use flow::{
    condition::{Condition, Facts},
    rules::{self, Case, Judgement, RuleSet},
};
use rhai::{AST, Engine, Scope};
use serde_json::{Map, Value, json};
use std::{
    hint::black_box,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};
use wire::{UtcTime, form::Form, ids::AgentId};

const TIME: Duration = Duration::from_secs(2);
/// What threads have: none of the hostile inputs may need more.
const STACK_BYTES: usize = 2 * 1024 * 1024;
/// How long anything hostile may take.
const LIMIT: Duration = Duration::from_millis(10);
const ROWS: [&str; 4] = [
    r#"score < 2.0 && vip"#,
    r#"score < 3.0 && channel == "chat""#,
    r#"score < 3.0 || vip && score < 4.0"#,
    "true",
];

fn main() -> ExitCode {
    let cases = forms();
    let judged = table("");
    let by_hand = rate("Rust by hand", &cases, hand);
    let engine = Engine::new_raw();
    let rows = ROWS.map(|row| engine.compile_expression(row).expect("rhai reads the rows"));
    let rhai = rate("rhai", &cases, |case| scripted(&engine, &rows, case));
    let ours = rate("rules", &cases, |case| row(&judged, case));
    let with_task =
        table("[[rule.task]]\ndue = \"2 business days\"\nsubject = \"Call back: {score} {channel}\"\n");
    let tasks = rate("rules, with a task each", &cases, |case| row(&with_task, case));
    println!(
        "ratios: rules {:.2} of rhai, {:.4} of Rust by hand",
        ours / rhai,
        ours / by_hand
    );
    println!(
        "with the task (texts, due date, assignee): {:.2} of rhai\n",
        tasks / rhai
    );
    for case in &cases {
        assert_eq!(row(&judged, case), hand(case), "{case:?}");
        assert_eq!(row(&judged, case), scripted(&engine, &rows, case), "{case:?}");
    }
    let hostile = thread::Builder::new().stack_size(STACK_BYTES).spawn(hostile);
    let worst = hostile.expect("a thread").join().expect("nothing hostile aborts");
    println!("worst: {:.2} ms; at most {} ms", millis(worst), LIMIT.as_millis());
    if worst > LIMIT {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// A form, and the completion's members that come with it.
type Said = (Form, Map<String, Value>);

fn forms() -> Vec<Said> {
    let form = |at: usize| {
        let score = ["1", "2.5", "3", "3.9", "4.5", "5", "1.0"][at % 7];
        let form = json!({"interactionId": format!("int-{at}"), "responses": [
            {"fieldName": "comment", "value": "It took long."}, {"fieldName": "overall_satisfaction", "value": score}]});
        let channel = ["chat", "call", "mail"][at % 3];
        let event = json!({"channel": channel, "vip": at.is_multiple_of(2)});
        let Value::Object(event) = event else {
            panic!("an object")
        };
        (Form::parse(&form).expect("a form"), event)
    };
    (0..210).map(form).collect()
}

/// The rows as a rule set, each with `task`.
fn table(task: &str) -> RuleSet {
    let mut text = "name = \"Bench\"\n\
        [field.score]\nform = \"overall_satisfaction\"\nkind = \"number\"\n\
        [field.channel]\nevent = \"channel\"\nkind = \"text\"\n\
        [field.vip]\nevent = \"vip\"\nkind = \"truth\"\n"
        .to_owned();
    for (at, row) in ROWS.iter().enumerate() {
        text.push_str(&format!("[[rule]]\nname = \"r{at}\"\nwhen = '{row}'\n{task}"));
    }
    rules::parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Repeats for a while; gives judgements per second.
fn rate(name: &str, cases: &[Said], judge: impl Fn(&Said) -> usize) -> f64 {
    let started = Instant::now();
    let mut count = 0u64;
    while started.elapsed() < TIME {
        for case in cases {
            black_box(judge(black_box(case)));
        }
        count += cases.len() as u64;
    }
    let per_second = count as f64 / started.elapsed().as_secs_f64();
    println!("{name}: {per_second:.0} forms/s, {:.2} us each", 1e6 / per_second);
    per_second
}

fn row(rules: &RuleSet, (form, event): &Said) -> usize {
    let agent_id: AgentId = "agent-1".parse().expect("an id");
    let at: UtcTime = "2026-11-21T09:30:00Z".parse().expect("a time");
    let judgement = rules.judge(&Case {
        interaction_id: &form.interaction_id,
        agent_id: &agent_id,
        event,
        form,
        at,
    });
    match judgement {
        Judgement::Fired(fired) => fired.row,
        Judgement::Unjudged { faults } => panic!("{faults:?}"),
    }
}

fn values((form, event): &Said) -> (f64, &str, bool) {
    let score = form
        .value("overall_satisfaction")
        .ok()
        .flatten()
        .and_then(Value::as_str);
    let score = score
        .and_then(|score| score.trim().parse().ok())
        .filter(|score: &f64| score.is_finite());
    let channel = event.get("channel").and_then(Value::as_str);
    let vip = event.get("vip").and_then(Value::as_bool);
    (
        score.expect("a score"),
        channel.expect("a channel"),
        vip.expect("a truth value"),
    )
}

fn hand(case: &Said) -> usize {
    let (score, channel, vip) = values(case);
    if score < 2.0 && vip {
        1
    } else if score < 3.0 && channel == "chat" {
        2
    } else if score < 3.0 || vip && score < 4.0 {
        3
    } else {
        4
    }
}

fn scripted(engine: &Engine, rows: &[AST], case: &Said) -> usize {
    let (score, channel, vip) = values(case);
    let mut scope = Scope::new();
    scope.push("score", score);
    scope.push("channel", channel.to_owned());
    scope.push("vip", vip);
    let holds = |row: &AST| {
        engine
            .eval_ast_with_scope::<bool>(&mut scope, row)
            .expect("an answer")
    };
    rows.iter().position(holds).map_or(0, |at| at + 1)
}

/// Conditions and files that are meant to do harm; gives the longest time that one took.
fn hostile() -> Duration {
    let mut worst = Duration::ZERO;
    for (name, text) in conditions() {
        // The shortest of three: what else runs on the machine is not the question.
        let took = (0..3).map(|_| ask(&text)).min().unwrap_or_default();
        let refused = Condition::compile(&text, &["score", "comment"]).is_err();
        let said = if refused { "refused" } else { "answered" };
        println!("{name} ({} bytes), {said}: {:.2} ms", text.len(), millis(took));
        worst = worst.max(took);
    }
    worst
}

/// Reads a condition, and asks it where it can be asked: neither may take long.
fn ask(text: &str) -> Duration {
    // The longest answers of a form.
    let comment = Value::from("a".repeat(flow::condition::MAX_FIELD_BYTES));
    let facts = Facts::named([("score", &json!(2.5)), ("comment", &comment)]).expect("facts");
    let started = Instant::now();
    let condition = Condition::compile(text, &["score", "comment"]);
    let read = started.elapsed();
    let asked = Instant::now();
    let answer = condition.as_ref().map(|condition| condition.holds(&facts));
    let asked = asked.elapsed();
    let _ = black_box(answer);
    read.max(asked)
}

fn conditions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for shape in [
        "(",
        "[",
        "{1:",
        "!",
        "-",
        "score < 3 || ",
        "score < 3 && ",
        "true ? true : ",
        "comment[",
        "score.",
    ] {
        for bytes in [4096, 100_000] {
            all.push((
                format!("{shape:?} again and again"),
                shape.repeat(bytes / shape.len()),
            ));
        }
        let times = 90;
        all.push((format!("{shape:?} {times} times"), shape.repeat(times)));
    }
    let closed = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let list = |count: usize| vec!["1"; count].join(",");
    let sum = |count: usize| vec!["comment"; count].join(" + ");
    let more = [
        ("deep brackets", closed("(", "score < 3", ")", 90)),
        ("deep lists", closed("[", "1", "]", 90) + " == [1]"),
        ("a long or", vec!["score == 1"; 120].join(" || ")),
        ("a long and", vec!["score < 3"; 120].join(" && ")),
        (
            "nested all()",
            "[1,2].all(a, [1,2].all(b, [1,2].all(c, a + b + c > 0)))".to_owned(),
        ),
        (
            "a loop over a long list",
            format!(
                "[{}].all(x, comment.contains(\"{}b\"))",
                list(400),
                "a".repeat(200)
            ),
        ),
        (
            "a filter over a long list",
            format!("size([{}].filter(x, comment != \"\")) > 0", list(400)),
        ),
        (
            "a map of a long list",
            format!("size([{}].map(x, comment)) > 0", list(400)),
        ),
        ("a long sum of texts", format!("size({}) > 0", sum(33))),
        (
            "sums of texts in a loop",
            format!("[{}].all(x, size({}) > 0)", list(200), sum(60)),
        ),
        (
            "sums of lists in a loop",
            format!("[{0}].all(x, size([{0}] + [{0}]) > 0)", list(120)),
        ),
        (
            "a text as a number",
            "int(comment) > 3 || double(comment) > 3.0".to_owned(),
        ),
        (
            "many comparisons of long texts",
            vec!["comment + \"b\" < comment"; 60].join(" && "),
        ),
        (
            "growing texts",
            "['a'].all(x, x + x + x + x + x + x + x + x == '')".to_owned(),
        ),
    ];
    all.extend(more.map(|(name, text)| (name.to_owned(), text)));
    all
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
