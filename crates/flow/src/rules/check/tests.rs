use crate::rules::{RuleSet, parse};
use proptest::prelude::*;
use std::fmt::Write as _;

/// A file with these fields and rules; each rule is its name and its condition.
fn file(top: &str, fields: &str, rules: &[(&str, &str)]) -> String {
    let mut text = format!("name = \"T\"\n{top}\n{fields}\n");
    for (name, when) in rules {
        writeln!(text, "[[rule]]\nname = \"{name}\"").unwrap();
        if !when.is_empty() {
            writeln!(text, "when = '{when}'").unwrap();
        }
        // Tasks that differ.
        writeln!(text, "[[rule.task]]\ndue = \"1 day\"\nsubject = \"{name}\"").unwrap();
    }
    text
}

const SCORE: &str = "[field.score]\nform = \"score\"\nkind = \"number\"\n";
const CHANNEL: &str =
    "[field.channel]\nevent = \"channel\"\nkind = \"text\"\nvalues = [\"call\", \"chat\"]\n";
const COMMENT: &str = "[field.comment]\nform = \"comment\"\nkind = \"text\"\noptional = true\n";
const VIP: &str = "[field.vip]\nevent = \"vip\"\nkind = \"truth\"\n";

fn faults(fields: &str, rules: &[(&str, &str)]) -> String {
    told(parse(&file("", fields, rules)))
}

fn told(read: Result<RuleSet, Vec<crate::file::FileFault>>) -> String {
    let Err(faults) = read else {
        panic!("the rules should have faults")
    };
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

fn notes(fields: &str, rules: &[(&str, &str)]) -> String {
    let rules = parse(&file("", fields, rules)).unwrap();
    rules.notes().iter().map(|note| format!("{note}\n")).collect()
}

#[test]
fn a_gap_is_told_by_an_example() {
    insta::assert_snapshot!(faults(SCORE, &[("low", "score < 3"), ("high", "score > 3")]), @"
    13:1: no rule holds when score is 3
      hint: add a last rule without `when`; without tasks, if nothing is to be done
    ");
    insta::assert_snapshot!(faults(
        &format!("{SCORE}{CHANNEL}"),
        &[("low", "score < 3"), ("high", "score >= 4"), ("call", "channel == \"call\"")]
    ), @r#"
    23:1: no rule holds when score is 3 and channel is "chat"
      hint: add a last rule without `when`; without tasks, if nothing is to be done
    "#);
    insta::assert_snapshot!(faults(
        &format!("{SCORE}least = 1\nmost = 5\n"),
        &[("low", "score < 3"), ("high", "score in [3, 4, 5]")]
    ), @"
    15:1: no rule holds when score is 3.5
      hint: add a last rule without `when`; without tasks, if nothing is to be done
    ");
    insta::assert_snapshot!(faults(COMMENT, &[("some", "comment != null")]), @"
    8:1: no rule holds when comment is absent
      hint: add a last rule without `when`; without tasks, if nothing is to be done
    ");
    insta::assert_snapshot!(faults(COMMENT, &[("a", "comment == \"a\""), ("none", "comment == null")]), @r#"
    14:1: no rule holds when comment is "something else"
      hint: add a last rule without `when`; without tasks, if nothing is to be done
    "#);
}

#[test]
fn tables_without_gaps_need_no_last_rule() {
    let bounded = format!("{SCORE}least = 1\nmost = 5\n");
    for (fields, rules) in [
        (SCORE, &[("low", "score < 3"), ("high", "score >= 3")][..]),
        (bounded.as_str(), &[("low", "score < 3"), ("high", "score <= 5")]),
        (VIP, &[("yes", "vip"), ("no", "!vip")]),
        (
            CHANNEL,
            &[
                ("call", "channel == \"call\""),
                ("chat", "channel.startsWith(\"ch\")"),
            ],
        ),
        (
            COMMENT,
            &[
                ("some", "comment != null && comment != \"\""),
                ("none", "comment == null || comment == \"\""),
            ],
        ),
    ] {
        assert_eq!(notes(fields, rules), "", "{rules:?}");
    }
}

#[test]
fn a_rule_that_never_fires_is_told_by_what_takes_its_place() {
    insta::assert_snapshot!(faults(SCORE, &[("a", "score < 3"), ("b", "score < 2"), ("rest", "")]), @"
    15:8: rule `b` never fires: `a` takes everything before it
      hint: move it up, or remove it
    ");
    insta::assert_snapshot!(faults(SCORE, &[("all", ""), ("b", "score < 2")]), @"
    14:8: rule `b` never fires: `all` takes everything before it
      hint: move it up, or remove it
    ");
    insta::assert_snapshot!(faults(SCORE, &[("a", "score < 3"), ("b", "score >= 3"), ("rest", "")]), @"
    19:1: rule `rest` never fires: `a` and `b` take everything before it
      hint: move it up, or remove it
    ");
    insta::assert_snapshot!(faults(SCORE, &[("a", "score < 3 && score > 3"), ("rest", "")]), @"
    9:8: the condition of rule `a` never holds
      hint: no value fulfils it; correct it, or remove the rule
    ");
    insta::assert_snapshot!(faults(
        &format!("{VIP}{CHANNEL}"),
        &[("a", "vip"), ("b", "channel == \"chat\""), ("c", "!vip && channel == \"call\""), ("d", "vip && channel != \"call\"")]
    ), @"
    31:8: rule `d` never fires: `a` takes everything before it
      hint: move it up, or remove it
    ");
}

#[test]
fn a_condition_without_an_answer_is_told_by_an_example() {
    insta::assert_snapshot!(faults(COMMENT, &[("a", "comment.contains(\"lawyer\")"), ("rest", "")]), @"
    10:8: the condition of rule `a` has no answer when comment is absent: `contains` does not work on (null, string); compare values of one kind
      hint: write `comment != null && ...`, since it may be absent
    ");
    insta::assert_snapshot!(faults(SCORE, &[("a", "score * 2 > 5"), ("rest", "")]), @"
    9:8: the condition of rule `a` has no answer when score is 0: `mul` does not work on (a number, a number); compare values of one kind
      hint: fields are numbers with a point: write those to reckon with like 2.0
    ");
    insta::assert_snapshot!(faults(SCORE, &[("a", "score"), ("rest", "")]), @"9:8: the condition of rule `a` has no answer when score is -1: the result is a number, not true or false; compare it with something");
    insta::assert_snapshot!(faults(&format!("{SCORE}optional = true\n"), &[("a", "score < 3"), ("rest", "")]), @"
    10:8: the condition of rule `a` has no answer when score is absent: `<` does not work on (null, int); compare values of one kind
      hint: write `score != null && ...`, since it may be absent
    ");
}

#[test]
fn only_what_crosses_is_noted() {
    assert_eq!(
        notes(SCORE, &[("a", "score < 3"), ("b", "score < 4"), ("rest", "")]),
        ""
    );
    assert_eq!(
        notes(
            &format!("{SCORE}{VIP}"),
            &[("a", "vip && score < 3"), ("b", "score < 3"), ("rest", "")]
        ),
        ""
    );
    insta::assert_snapshot!(notes(&format!("{SCORE}{VIP}"), &[("a", "score < 3"), ("b", "vip"), ("rest", "")]), @"16: note: rules `a` and `b` both hold when score is 0 and vip is true; the first decides");
}

#[test]
fn with_unique_hits_an_overlap_is_a_fault() {
    let unique = |rules: &[(&str, &str)]| parse(&file("hit = \"unique\"", SCORE, rules));
    insta::assert_snapshot!(told(unique(&[("a", "score < 3"), ("b", "score < 4"), ("c", "score >= 4")])), @r#"
    15:8: rules `a` and `b` both hold when score is 0
      hint: have one exclude the other, or set hit = "first": then the upper one decides
    "#);
    insta::assert_snapshot!(told(unique(&[("a", "score < 3"), ("rest", "")])), @r#"
    13:1: rules `a` and `rest` both hold when score is 0
      hint: have one exclude the other, or set hit = "first": then the upper one decides
    "#);
    assert_eq!(
        unique(&[("a", "score < 3"), ("b", "score >= 3")])
            .unwrap()
            .notes(),
        []
    );
}

#[test]
fn what_the_check_cannot_promise_is_noted() {
    let rules = [
        ("long", "comment != null && size(comment) > 500"),
        ("score", "score + 0.5 > 3.0"),
        ("rest", ""),
    ];
    insta::assert_snapshot!(notes(&format!("{SCORE}{COMMENT}"), &rules), @r#"
    11: note: the condition of rule `long` does more than compare fields with constants; gaps and rules that never fire were looked for by examples only
    17: note: rules `long` and `score` both hold when score is 3 and comment is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"; the first decides
    17: note: the condition of rule `score` does more than compare fields with constants; gaps and rules that never fire were looked for by examples only
    "#);
    insta::assert_snapshot!(notes(&format!("{SCORE}{VIP}"), &[("a", "score < 3"), ("rest", "")]), @"10: note: no rule uses the field `vip`; a form without it is not judged all the same");
    // Nothing is said to be unreachable that could be reached.
    assert!(
        !notes(
            COMMENT,
            &[("x", "comment != null && size(comment) == 17"), ("rest", "")]
        )
        .is_empty()
    );
}

#[test]
fn very_many_combinations_are_sampled() {
    let fields: String = (0..10)
        .map(|at| format!("[field.f{at}]\nform = \"f{at}\"\nkind = \"number\"\n"))
        .collect();
    let conditions: Vec<String> = (0..10).map(|at| format!("f{at} < 3 && f{at} != 1")).collect();
    let names: Vec<String> = (0..10).map(|at| format!("r{at}")).collect();
    let mut rules: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(conditions.iter().map(String::as_str))
        .collect();
    let gap = faults(&fields, &rules);
    assert!(gap.contains("no rule holds when f0 is "), "{gap}");
    rules.push(("rest", ""));
    let noted = notes(&fields, &rules);
    assert!(
        noted.contains("50000 of 9765625 combinations of values were tried"),
        "{noted}"
    );
}

/// A condition over `score` and `channel`, with constants on a coarse grid.
fn condition() -> impl Strategy<Value = String> {
    let number = (0..6u32).prop_map(|half| format!("{}", f64::from(half) / 2.0));
    let compare = prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    let leaf = prop_oneof![
        (compare, number.clone()).prop_map(|(operator, number)| format!("score {operator} {number}")),
        number.prop_map(|number| format!("{number} < score")),
        prop::sample::select(vec![
            "channel == \"call\"",
            "channel != \"chat\"",
            "channel in [\"fax\"]",
            "vip",
            "!vip"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// All values on a grid finer than that of the constants.
fn fine_grid() -> Vec<(f64, &'static str, bool)> {
    let scores = (-8..32).map(|eighth| f64::from(eighth) / 8.0);
    let channels = ["call", "chat", "fax", "letter"];
    scores
        .flat_map(|score| channels.map(|channel| (score, channel)))
        .flat_map(|(score, channel)| [true, false].map(|vip| (score, channel, vip)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_the_check_says_is_what_trying_everything_shows(conditions in prop::collection::vec(condition(), 1..5)) {
        use crate::condition::{Condition, Facts};
        let names: Vec<String> = (0..conditions.len()).map(|at| format!("r{at}")).collect();
        let rows: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(conditions.iter().map(String::as_str)).collect();
        let fields = format!("{SCORE}{}{VIP}", CHANNEL.replace("values = [\"call\", \"chat\"]\n", ""));
        let said = match parse(&file("", &fields, &rows)) {
            Ok(_) => String::new(),
            Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
        };
        let compiled: Vec<Condition> =
            conditions.iter().map(|text| Condition::compile(text, &["score", "channel", "vip"]).unwrap()).collect();
        let (mut gap, mut holds, mut fires) = (false, vec![false; compiled.len()], vec![false; compiled.len()]);
        for (score, channel, vip) in fine_grid() {
            let (score, channel, vip) = (score.into(), channel.into(), vip.into());
            let facts = Facts::named([("score", &score), ("channel", &channel), ("vip", &vip)]).unwrap();
            let answers: Vec<bool> = compiled.iter().map(|condition| condition.holds(&facts).unwrap()).collect();
            holds.iter_mut().zip(&answers).for_each(|(holds, answer)| *holds |= answer);
            match answers.iter().position(|answer| *answer) {
                Some(first) => fires[first] = true,
                None => gap = true,
            }
        }
        prop_assert_eq!(said.contains("no rule holds"), gap, "{}", said);
        for (row, name) in names.iter().enumerate() {
            let never_holds = said.contains(&format!("the condition of rule `{name}` never holds"));
            let never_fires = said.contains(&format!("rule `{name}` never fires"));
            prop_assert_eq!(never_holds, !holds[row], "{}", said);
            prop_assert_eq!(never_holds || never_fires, !fires[row], "{}: {}", name, said);
        }
    }
}
