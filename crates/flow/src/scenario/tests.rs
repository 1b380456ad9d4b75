use super::{import, *};
use crate::file::FileFault;
use proptest::prelude::*;

fn faults(text: &str) -> String {
    let faults = parse(text).expect_err("it has faults");
    faults
        .iter()
        .map(FileFault::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

const FULL: &str = r#"# A comment.
name: Everything
tags: [orders, smoke]
bot: bot-7
context: { metadata: { source: test }, vip: true }
customer: { id: user-7, firstName: Ann }
seed: 42
slo: { p95_turn_ms: 2000, first_answer_ms: 500 }
retries: 2
repeat: 5
k_of_k: 4
deadline_s: 60
patience_s: 7
stop_at_failure: true
vars: { order: A-1042 }
setup:
  - expect: Welcome
turns:
  - say: "Where is {{order}}?"
    expect:
      - { contains: [order, A-1042], ignore_case: true, not: lost, within_ms: 900, buttons: ["Yes", "No"] }
      - any_order:
          - equals: One moment.
          - { one_of: [Sure, Of course] }
      - matches: 'arrives (on|by) (\w+)'
      - not: { matches: '(?i)sorry' }
      - intent: track_order
      - answers: 3..5
      - slot: { order: "{{order}}" }
      - context: { metadata.source: test }
      - state: active
      - escalated: false
      - capture: { day: 'arrives (?:on|by) (\w+)', slot_order: { slot: order } }
  - press: "Yes"
  - wait: 1h30m
    expect: { answers: 0 }
  - set_context: { note: "{{day}}", old: null }
  - close: ended
    expect: [{ state: ended }, { resolved: true }]
teardown:
  - close: true
"#;

#[test]
fn an_imported_check_is_written_whole_and_what_is_not_is_told() {
    let said = import::Utterances::from([(
        "UTT_HI".to_owned(),
        ["hello", "hi", "hey"].map(String::from).to_vec(),
    )]);
    let text = "All checks\n\n#me\nUTT_HI\n\n#bot\nWelcome\n!TEXT_CONTAINS_ALL sorry\n!TEXT_CONTAINS_ALL_IC error\nTEXT Welcome back\n\
                TEXT_EQUALS Welcome again\nINTENT a\nINTENT b\nBUTTONS x\nBUTTONS y\n!oops\n!dear\n";
    let imported = import::botium(text, &said).unwrap();
    let told: Vec<String> = imported.left_out.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    4:1: of `UTT_HI` only the first text is said, 2 others are left out
    13:1: a turn has one `INTENT`, so this one is left out
    15:1: a turn has one `BUTTONS`, so this one is left out
    ");
    insta::assert_snapshot!(to_yaml(&imported.scenarios[0]), @r#"
    name: All checks
    turns:
      - say: hello
        expect:
          - { buttons: [x], matches: ["\\A(?:Welcome again)\\z", "(?i:Welcome)"], not: [{ contains: sorry }, { contains: error, ignore_case: true }], one_of: [Welcome back] }
          - { not: { contains: oops, ignore_case: true } }
          - { not: { contains: dear, ignore_case: true } }
          - { intent: a }
          - { answers: "1.." }
    "#);
}

#[test]
fn keys_of_the_bot_session_keep_their_order_which_is_their_age() {
    let text = "name: Order
context: { botSession: { z: 1, m: \"{{x}}\", a: 2 }, note: 3 }
turns:
  - set_context: { botSession: { y: null, b: [1] } }
  - set_context: { botSession: null }
";
    let scenario = parse(text).unwrap().remove(0);
    assert_eq!(to_yaml(&scenario), text);
    let keys: Vec<&str> = scenario.context.session.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["z", "m", "a"]);
    let faults = parse("{name: x, context: {botSession: 5}, turns: [{say: x}]}").unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "1:33: botSession must be a mapping, not a number\n  hint: write its keys and their values below it"
    );
}

#[test]
fn a_file_with_everything_is_read_and_written_and_read() {
    let read = parse(FULL).unwrap();
    let scenario = &read[0];
    assert_eq!(
        (scenario.line, scenario.turns.len(), scenario.repeat.at_least),
        (2, 5, 4)
    );
    assert_eq!(scenario.customer.id.as_deref(), Some("user-7"));
    let turn = &scenario.turns[0];
    assert_eq!(
        (turn.line, turn.expect.groups.len(), turn.expect.never.len()),
        (19, 3, 1)
    );
    assert_eq!(
        turn.count(),
        Count {
            least: 3,
            most: Some(5)
        }
    );
    let written = to_yaml(scenario);
    let again = parse(&written).unwrap_or_else(|faults| panic!("{faults:?}\n{written}"));
    assert_eq!(to_yaml(&again[0]), written);
    assert!(
        written.contains("  - say: \"Where is {{order}}?\"\n"),
        "{written}"
    );
}

#[test]
fn several_scenarios_stand_in_one_file() {
    let scenarios =
        parse("name: a\nturns: [{say: x}]\n---\nname: b\ntags: nightly\nturns: [{say: y}]\n").unwrap();
    assert_eq!(scenarios.len(), 2);
    let tagged = |tags: &[&str]| {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        let those = scenarios.iter().filter(|scenario| scenario.is_tagged(&tags));
        those.map(|scenario| scenario.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(tagged(&[]), ["a", "b"]);
    assert_eq!(tagged(&["nightly", "other"]), ["b"]);
}

#[test]
fn every_fault_is_told_at_its_line_with_a_hint() {
    insta::assert_snapshot!(faults(r#"
name: 7
tags: ["a b"]
retries: 99
repeat: 2
k_of_k: 3
slo: { p95_turn: 3 }
colour: red
turns:
  - sya: hello
  - say: ""
  - say: one
    press: two
  - say: "{{ordr}} and {{1}}"
  - wait: soon
  - close: maybe
  - expect:
      - matches: '(unclosed'
      - answers: 5..2
      - state: open
      - contains: x
        contains: y
      - any_order: []
      - any_order: [{ not: x }]
      - capture: { "1x": 'a', y: {} }
      - ignore_case: true
  - {}
setup: no list
vars: { order: A }
"#), @r#"
    3:8: a tag must be a word without commas
    4:10: retries must be 0 to 10, not 99
    6:9: k_of_k must be 1 to 2, not 3
    7:8: unknown field `p95_turn` in slo
      hint: known are p95_turn_ms, first_answer_ms
    8:1: unknown field `colour` in a scenario
      hint: known are name, tags, bot, context, customer, seed, slo, retries, repeat, k_of_k, deadline_s, patience_s and 5 more
    10:5: unknown field `sya` in a turn
      hint: did you mean `say`?
    11:10: say must not be empty
    13:12: a turn does one thing, not `say` and `press`
      hint: make two turns of it
    14:23: `1` is no name of a variable
      hint: write {{name}} for a variable, \{{ for braces
    15:11: wait must be a duration up to 31 days, not soon
      hint: write it like 500ms, 30s, 10m or 1h30m
    16:12: close must be true, closed or ended
    18:18: matches is no regular expression: unclosed group
      hint: the syntax is that of https://docs.rs/regex; put it in single quotes
    19:18: answers must be a number up to 1000 or a range, not 5..2
      hint: write it like 2, 1..3 or 1..
    20:16: state must be one of queued, pending, active, closed, ended, not "open"
    22:9: `contains` is there twice in expect
      hint: leave one of them out
    23:20: any_order must be a list of 1 to 64
      hint: write them as [one, another]
    24:21: what comes in any order must have a text
      hint: say what the answer is: equals, contains, matches or one_of
    25:20: `1x` is no name of a variable
      hint: use letters, digits, `_` and `-`, a letter first
    25:34: capture has no source
      hint: write a regular expression, or { slot: name }, or { context: path }
    26:9: ignore_case has no text to go with
      hint: put it beside equals, contains, matches or one_of
    27:5: a turn does nothing
      hint: add `say: ...`, `press: ...`, `wait: ...`, or `expect: ...`
    28:8: setup must be a list, not a text
      hint: write `- say: ...` for each turn
    "#);
}

#[test]
fn what_is_no_yaml_is_told_where_it_is_found() {
    insta::assert_snapshot!(faults("name: x\nturns:\n  - say: \"unclosed\n"), @"3:10: this is no YAML: while scanning a quoted scalar, found unexpected end of stream");
    insta::assert_snapshot!(faults(""), @r"
    1:1: there is no scenario in the file
      hint: begin with `name: ...`
    ");
    insta::assert_snapshot!(faults("- just\n- a list\n"), @"1:1: a scenario must be a mapping, not a list");
}

#[test]
fn what_a_file_asks_of_the_machine_is_bounded() {
    let deep = format!("name: x\nturns: {}{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(faults(&deep), "2:263: this is no YAML: recursion limit exceeded");
    let deep = format!("name: x\nturns: {}{}", "[".repeat(50), "]".repeat(50));
    assert!(faults(&deep).contains("nested more than 24 deep"));
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e")] {
        bomb.push_str(&format!(
            "{name}: &{name} [{}]\n",
            vec![format!("*{of}"); 10].join(", ")
        ));
    }
    assert!(faults(&bomb).contains("more than 50000 values"));
    assert!(faults(&"#".repeat(MAX_BYTES + 1)).contains("at most 262144 are allowed"));
}

#[test]
fn places_are_right_behind_letters_of_several_bytes_and_a_mark_at_the_beginning() {
    assert_eq!(
        faults("\u{feff}name: Grüße 🦀\r\nturns:\r\n  - { say: ä, exepct: x }\r\n"),
        "3:15: unknown field `exepct` in a turn\n  hint: did you mean `expect`?"
    );
}

#[test]
fn botium_conversations_become_scenarios() {
    let utterances = [import::utterances("UTT_GREETING\nhello there\ngood morning\n").unwrap()].into();
    let imported = import::botium(
        "Track an order\nThe usual way\n\n#begin\n\n#bot\nUTT_GREETING\n\n#me\nwhere is my order?\n\n#bot\nyour order number, please\nINTENT track_order\nINTENT_CONFIDENCE 70\n\n#me\nA-1042\n\n#bot\nOrder $order arrives\n!sorry\nBUTTONS Thanks|Agent\n\n#me\nBUTTON Agent\n\n#bot\n$order goes to an agent\nTEXT_CONTAINS_ANY_IC agent|colleague\n\n#include SUB\n",
        &utterances,
    )
    .unwrap();
    insta::assert_snapshot!(to_yaml(&imported.scenarios[0]), @r#"
    name: Track an order
    turns:
      - expect:
          - { ignore_case: true, matches: "hello there|good morning" }
          - { answers: "1.." }
      - say: "where is my order?"
        expect:
          - { contains: "your order number, please", ignore_case: true }
          - { intent: track_order }
          - { answers: "1.." }
      - say: A-1042
        expect:
          - { buttons: [Thanks, Agent], ignore_case: true, matches: "(?i)Order \\S+ arrives" }
          - { not: { contains: sorry, ignore_case: true } }
          - { answers: "1.." }
          - { capture: { order: "(?i)Order (\\S+) arrives" } }
      - press: Agent
        expect:
          - { contains: "{{order}} goes to an agent", ignore_case: true, matches: "agent|colleague" }
          - { answers: "1.." }
    "#);
    let left_out: Vec<String> = imported.left_out.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(left_out.join("\n"), @r"
    15:1: `INTENT_CONFIDENCE` has no counterpart, so it is left out
    32:1: `#include` has no counterpart, so it is left out
    ");
    parse(&to_yaml(&imported.scenarios[0])).unwrap();
}

#[test]
fn web_messaging_scripts_become_scenarios() {
    let imported = import::web_messaging(
        "config:\n  deploymentId: x\nscenarios:\n  \"Accept Survey\":\n    - say: hi\n    - waitForReplyContaining: Can we ask\n    - waitForReplyMatching: (.*)now\n    - say: Yes\n    - pause: 3\n  Second:\n    - waitForReplyContaining: Welcome\n",
    )
    .unwrap();
    let all: Vec<String> = imported.scenarios.iter().map(to_yaml).collect();
    insta::assert_snapshot!(all.join("---\n"), @r#"
    name: Accept Survey
    turns:
      - say: hi
        expect:
          - { contains: Can we ask }
          - { matches: "(.*)now" }
      - say: "Yes"
    ---
    name: Second
    turns:
      - expect: { contains: Welcome }
    "#);
    assert_eq!(
        imported.left_out[0].to_string(),
        "9:7: `pause` has no counterpart, so it is left out"
    );
    assert!(import::web_messaging("scenarios: {a: [{waitForReplyMatching: '('}]}").is_err());
    assert!(import::web_messaging("turns: []").is_err());
}

#[test]
fn several_runs_are_counted_and_slow_ones_break_the_promise() {
    let scenario = parse("{name: x, slo: {p95_turn_ms: 100, first_answer_ms: 40}, turns: [{say: x}]}")
        .unwrap()
        .remove(0);
    let report = |verdict, ms| RunReport {
        verdict,
        turns: vec![TurnOutcome {
            part: Part::Turns,
            number: 1,
            line: 1,
            deed: String::new(),
            sent: vec![],
            answers: vec![],
            verdict,
            misses: vec![],
            notes: vec![],
            response_ms: Some(ms),
            standing: None,
        }],
        opening: vec![],
        broken: None,
        broken_by: None,
        notes: vec![],
        first_answer_ms: Some(ms),
        took_ms: ms,
        resolved: false,
        escalated: false,
        is_closed: true,
    };
    let runs = [
        report(Verdict::Passed, 30),
        report(Verdict::Failed, 35),
        report(Verdict::Passed, 20),
    ];
    let runs: Vec<&RunReport> = runs.iter().collect();
    let good = stats::tally(&scenario, 2, &runs);
    assert_eq!(
        (good.verdict, good.passed, good.p50_ms),
        (Verdict::Passed, 2, Some(30))
    );
    assert_eq!(stats::tally(&scenario, 3, &runs).verdict, Verdict::Failed);
    let slow = report(Verdict::Passed, 101);
    let slow = stats::tally(&scenario, 1, &[&slow]);
    let told: Vec<_> = slow
        .slo_misses
        .iter()
        .map(|miss| format!("{}: {}", miss.expected, miss.got))
        .collect();
    assert_eq!(
        told,
        [
            "95 % of the first answers to a message within 100 ms: 101 ms",
            "the first answer within 40 ms: 101 ms"
        ]
    );
}

fn text_checks() -> impl Strategy<Value = TextCheck> {
    let text = || {
        prop_oneof![
            "[aAbB{.]{1,3}",
            Just("{{v}}".to_owned()),
            Just("A{{v}}".to_owned())
        ]
    };
    let template =
        || text().prop_map(|text| Template::parse(&text).unwrap_or_else(|_| Template::plain(text)));
    let how = prop_oneof![
        template().prop_map(How::Equals),
        template().prop_map(How::Contains),
        proptest::collection::vec(template(), 1..3).prop_map(How::OneOf),
        "[ab.]{1,3}".prop_map(|text| How::Matches(pattern::plain_pattern(&text).unwrap())),
    ];
    (how, any::<bool>(), any::<bool>()).prop_map(|(how, is_negated, ignores_case)| TextCheck {
        how: match how {
            // As the reader does: the expression itself ignores the case.
            How::Matches(pattern) => {
                How::Matches(pattern::cased_pattern(pattern.source(), ignores_case).unwrap())
            }
            other => other,
        },
        is_negated,
        ignores_case,
    })
}

proptest! {
    #[test]
    fn no_text_makes_any_reader_panic(text in "[ -~\\n{}\\[\\]:&*!ä🦀-]{0,200}") {
        let _ = parse(&text);
        let _ = import::botium(&text, &import::Utterances::new());
        let _ = import::web_messaging(&text);
    }

    #[test]
    fn checks_mean_the_same_after_writing_and_reading(checks in proptest::collection::vec(text_checks(), 1..5), text in "[aAbB{ .]{0,6}") {
        prop_assume!(checks.iter().any(|check| !check.is_negated));
        let check = AnswerCheck { texts: checks, ..AnswerCheck::default() };
        let mut turn = Turn::say("x");
        turn.expect.groups.push(Group { checks: vec![check] });
        let scenario = Scenario { vars: [("v".to_owned(), "a.b".to_owned())].into(), ..Scenario::new("x", vec![turn]) };
        let written = to_yaml(&scenario);
        let read = parse(&written).map_err(|faults| TestCaseError::fail(format!("{faults:?} in {written}")))?.remove(0);
        let heard = Heard { text, ..Heard::default() };
        let answers = [expect::Answer { heard: &heard, after: Default::default() }];
        let is_met = |scenario: &Scenario| expect::misses(&scenario.turns[0], &answers, &scenario.vars).is_empty();
        prop_assert_eq!(is_met(&scenario), is_met(&read), "{}", written);
    }

    #[test]
    fn what_is_said_survives_writing_and_reading(said in "\\PC{1,40}", name in "[^\\p{C}]{1,20}") {
        prop_assume!(!said.trim().is_empty() && !name.trim().is_empty());
        let written = to_yaml(&Scenario::new(name.trim(), vec![Turn::say(said.clone())]));
        let read = parse(&written).map_err(|faults| TestCaseError::fail(format!("{faults:?} in {written}")))?;
        prop_assert_eq!(&read[0].name, name.trim());
        let Deed::Say(read) = &read[0].turns[0].deed else { return Err(TestCaseError::fail("it says nothing")) };
        prop_assert_eq!(read.fill(&Vars::new()), said);
    }

    #[test]
    fn a_group_is_met_by_its_answers_in_any_order(order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(), extra in 0usize..4) {
        let scenario = parse("{name: x, turns: [{say: x, expect: [{any_order: [t0, t1, t2, t3]}]}]}").unwrap().remove(0);
        let mut heard: Vec<Heard> = order.iter().map(|n| Heard { text: format!("t{n}"), ..Heard::default() }).collect();
        heard.insert(extra, Heard { text: "something else".into(), ..Heard::default() });
        let answers: Vec<_> = heard.iter().map(|heard| expect::Answer { heard, after: Default::default() }).collect();
        prop_assert!(expect::misses(&scenario.turns[0], &answers, &Vars::new()).is_empty());
        prop_assert!(!expect::misses(&scenario.turns[0], &answers[..4], &Vars::new()).is_empty());
    }
}
