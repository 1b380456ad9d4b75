use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use wire::profile::Profile;

fn call() -> CallFacts {
    CallFacts {
        ani: "+15550100".parse().unwrap(),
        dnis: "+15550199".parse().unwrap(),
        external_id: None,
    }
}

fn profile(attributes: Json) -> Profile {
    let attributes: Map<String, Json> = serde_json::from_value(attributes).unwrap();
    serde_json::from_value(json!({"id": "p", "externalId": "CRM-1", "attributes": attributes,
                                  "dateModified": "2026-01-01T00:00:00.000Z"}))
    .unwrap()
}

fn premium() -> Facts {
    let attributes = json!({"membership_level": "premium", "open_tickets": 2, "score": 2.5,
                            "tags": ["vip", "new"], "address": {"city": "Bern"}, "nothing": null});
    Facts::known(&call(), &profile(attributes)).unwrap()
}

fn error(source: &str) -> String {
    let error = Condition::compile(source, &CALL_NAMES).unwrap_err();
    match error.at {
        Some(at) => format!("{}:{} {error}", at.line, at.column),
        None => error.to_string(),
    }
}

fn evaluation(source: &str, facts: &Facts) -> String {
    Condition::compile(source, &CALL_NAMES)
        .unwrap()
        .holds(facts)
        .unwrap_err()
        .to_string()
}

#[test]
fn conditions_look_at_the_profile_and_the_call() {
    let facts = premium();
    for (source, expected) in [
        ("profile.membership_level == \"premium\"", true),
        ("profile.open_tickets > 0 && known", true),
        ("profile.open_tickets > 1.5", true),
        ("profile.score < 3", true),
        ("profile.score == 2", false),
        ("has(profile.phone)", false),
        (
            "has(profile.address.city) && profile.address[\"city\"].startsWith(\"B\")",
            true,
        ),
        ("\"vip\" in profile.tags", true),
        ("profile.tags.exists(tag, tag == \"vip\" && known)", true),
        ("size(profile.tags.filter(tag, tag.contains(\"e\"))) == 1", true),
        ("profile.nothing == null", true),
        ("call.dnis == \"+15550199\" || has(call.externalId)", true),
        ("known ? false : true", false),
    ] {
        assert_eq!(
            Condition::compile(source, &CALL_NAMES).unwrap().holds(&facts),
            Ok(expected),
            "{source}"
        );
    }
    let nobody = Facts::unknown(&call());
    assert_eq!(
        Condition::compile("known || has(profile.tags)", &CALL_NAMES)
            .unwrap()
            .holds(&nobody),
        Ok(false)
    );
}

#[test]
fn what_cannot_be_compiled_says_why_and_where() {
    let listed = "a condition may use profile, known, call";
    assert_eq!(
        error("  "),
        "the condition is empty; leave `when` out to have it always"
    );
    assert_eq!(
        error("known &&\n  profil.x == 1"),
        format!("2:3 unknown name `profil`; {listed}")
    );
    assert_eq!(
        error("\"äö\" == tier"),
        format!("1:9 unknown name `tier`; {listed}")
    );
    assert!(
        error("known && matches(call.ani, \"+\")")
            .starts_with("1:17 unknown function `matches`; a condition may use size, ")
    );
    assert!(
        error("known == ").starts_with("1:10 the condition cannot be read: "),
        "{}",
        error("known == ")
    );
    assert!(error("profile.a.exists(x, profile.b.all(y, x == y))").contains("a loop within a loop"));
    assert!(error("size(profile.a.map(x, x + x)) > 0").contains("map() is not available"));
    assert!(error("size(profile.a.map(x, x > 1, x + x)) > 0").contains("map() is not available"));
    assert!(error("Thing{a: 1} == 1").contains("cannot build messages"));
    assert!(error(&"1 + ".repeat(400)).contains("cannot be read"));
    assert!(error(&format!("{}1 == 1", "1 + ".repeat(400))).contains("more than 500 parts"));
    assert!(error(&"x".repeat(5000)).contains("5000 bytes long"));
    for hidden in [
        "type(known) == bool",
        "optional.of(known).hasValue()",
        "@result",
        ".profile == 1",
    ] {
        assert!(Condition::compile(hidden, &CALL_NAMES).is_err(), "{hidden}");
    }
}

#[test]
fn what_cannot_be_answered_says_why() {
    let facts = premium();
    assert_eq!(
        evaluation("profile.tier == 1", &facts),
        "there is no attribute `tier`; ask with has(...) first if not every profile has it"
    );
    assert_eq!(
        evaluation("profile.open_tickets", &facts),
        "the result is a number, not true or false; compare it with something"
    );
    assert_eq!(
        evaluation("profile.membership_level > 2", &facts),
        "`>` does not work on (string, int); compare values of one kind"
    );
    assert_eq!(
        evaluation("1 / (profile.open_tickets - 2) == 1", &facts),
        "a division by zero; check the divisor first"
    );
    assert_eq!(
        evaluation("profile.tags[7] == \"x\"", &facts),
        "an index is beyond the end of its list; compare with size(...) first"
    );
}

#[test]
fn profiles_are_bounded() {
    let deep = (0..9).fold(json!(1), |inner, _| json!([inner]));
    for (attributes, expected) in [
        (
            json!({"a": "x".repeat(4097)}),
            "attribute `a` is over 4096 bytes long",
        ),
        (json!({"a": vec![0; 1001]}), "attribute `a` has over 1000 items"),
        (json!({"a": deep}), "attribute `a` is nested over 8 deep"),
        (
            json!({"a": vec![vec![0; 999]; 11]}),
            "attribute `a` is one of more than 10000 values",
        ),
    ] {
        let error = Facts::known(&call(), &profile(attributes))
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("the profile's {expected}; have the CRM send less"));
    }
}

#[test]
fn the_largest_condition_fits_the_stack() {
    let facts = premium();
    let long = format!("{}1 == 240", "1 + ".repeat(239));
    assert_eq!(
        Condition::compile(&long, &CALL_NAMES).unwrap().holds(&facts),
        Ok(true)
    );
    for shape in [
        "(",
        "[",
        "!",
        "-",
        "known && ",
        "known ? known : ",
        "profile.a[",
        "known || !",
    ] {
        let _ = Condition::compile(&shape.repeat(MAX_SOURCE_BYTES / shape.len()), &CALL_NAMES);
    }
}

#[test]
fn sums_of_texts_are_bounded() {
    let sum = |count: usize| vec!["profile.name"; count].join(" + ") + " == \"x\"";
    assert!(Condition::compile(&sum(MAX_SUMS + 1), &CALL_NAMES).is_ok());
    assert!(error(&sum(MAX_SUMS + 2)).contains("more than 32 sums"));
    let in_loop = |body: &str| format!("profile.tags.exists(tag, {body} == \"x\")");
    assert!(Condition::compile(&in_loop("tag + call.ani"), &CALL_NAMES).is_ok());
    assert!(error(&in_loop("tag + call.ani + tag")).contains("more than 32 sums"));
    assert!(Condition::compile("size(profile.tags.filter(x, x > 1 + 1 + 1)) == 1", &CALL_NAMES).is_ok());
}

#[test]
fn conditions_and_facts_go_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Condition>();
    shared::<Facts>();
}

fn scrap() -> impl Strategy<Value = String> {
    let words = [
        "profile", ".", "known", "call", "tags", "exists", "all", "filter", "(", ")", "x", ",", "==", "&&",
        "||", "!", "-", "1", "2.5", "\"a\"", "has", "[", "]", "{", "}", ":", "?", "in", "size", "map",
        "null", " ", "ä", "r'", "0x", "'''", "\\u",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..30).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_makes_compiling_panic(text in any::<String>()) {
        let _ = Condition::compile(&text, &CALL_NAMES);
    }

    #[test]
    fn nothing_that_compiles_makes_evaluation_panic(text in scrap()) {
        if let Ok(condition) = Condition::compile(&text, &CALL_NAMES) {
            let _ = condition.holds(&premium());
        }
    }
}
