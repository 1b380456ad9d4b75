use super::*;
use proptest::prelude::*;
use std::{collections::BTreeSet, fmt::Write, time::Duration};
use wire::ids::PromptId;

const DEMO: &str = include_str!("../../../../demo/menu.toml");
const DEMO_PROMPTS: &str = "general_welcome general_support general_operator premium_priority ticket_status confirmed \
    selection_confirmed invalid invalid_selection no_input option_hours opening_hours option_billing billing_menu \
    billing_invoice billing_refund option_back option_repeat verify_choice ticket_details transferring goodbye";

fn demo_prompts() -> BTreeSet<PromptId> {
    DEMO_PROMPTS
        .split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect()
}

/// All faults of a file, as an administrator sees them.
fn check(source: &str) -> String {
    let faults = parse(source, KnownPrompts::Only(&demo_prompts())).unwrap_err();
    faults.iter().fold(String::new(), |mut all, fault| {
        writeln!(all, "{fault}").unwrap();
        all
    })
}

/// A file with one menu, whose only option is followed by `rest`.
fn one_menu(rest: &str) -> String {
    format!(
        "name = \"L\"\noperator = \"ext:0\"\n[[entry]]\nmenu = \"m\"\n[menu.m]\n[[menu.m.option]]\nkey = \"1\"\n{rest}\n"
    )
}

#[test]
fn the_demo_has_no_faults() {
    let prompts = demo_prompts();
    let menu = parse(DEMO, KnownPrompts::Only(&prompts)).unwrap();
    assert_eq!(
        menu.nodes()
            .map(|(_, node)| node.name.as_str())
            .collect::<Vec<_>>(),
        ["premium", "general", "billing"]
    );
    assert_eq!(menu.node(menu.general).no_input_timeout, Duration::from_secs(3));
    assert_eq!(
        menu.nodes().last().unwrap().1.no_input_timeout,
        Duration::from_secs(4)
    );
    let used = super::prompts(&menu);
    assert!(used.is_subset(&prompts));
    assert_eq!(
        prompts
            .difference(&used)
            .map(PromptId::as_str)
            .collect::<Vec<_>>(),
        ["invalid"]
    );
}

#[test]
fn the_smallest_file_has_the_defaults() {
    let menu = parse(
        &one_menu("action = \"operator\""),
        KnownPrompts::Only(&demo_prompts()),
    )
    .unwrap();
    let node = menu.node(menu.general);
    assert_eq!(
        (node.no_input_timeout, node.retries, node.interruptible),
        (Duration::from_secs(5), 2, true)
    );
    assert_eq!(menu.settings.operator_prompt.as_str(), "transferring");
    assert_eq!(menu.settings.closing_prompt, None);
}

#[test]
fn every_fault_comes_at_once() {
    insta::assert_snapshot!(check(include_str!("tests/broken.toml")), @r#"
    1:8: name must be a text, not a number
      hint: put it in quotes
    2:12: operator must be a place to transfer to, not "nowhere"
      hint: write it as ext:support, sip:a@b.example or +15550100
    3:1: unknown field `greeting` in the file
      hint: known are name, operator, settings, entry, menu
    6:23: no_input_timeout_ms must be 500 to 60000, not 100
    7:11: retries must be a whole number, not a text
    8:18: there is no prompt `invalid_selektion`
      hint: did you mean `invalid_selection`?
    11:23: the condition cannot be read: a single `=`; compare with `==`
    17:1: this entry is never reached
      hint: the entry in line 14 has no `when` and takes every call
    22:1: unknown field `promts` in menu "general"
      hint: did you mean `prompts`?
    23:12: there is no prompt `general_wellcome`
      hint: did you mean `general_welcome`?
    23:62: unknown name `profil`; a condition may use profile, known, call
      hint: did you mean `profile`?
    23:75: the prompt has no `prompt`
      hint: add prompt = "general_welcome"
    23:79: a prompt must be a text, not a number
      hint: put it in quotes
    24:17: interruptible must be true or false, not a text
    29:23: transfer must be a place to transfer to, not "support"
      hint: write it as ext:support, sip:a@b.example or +15550100
    32:7: key 1 is used already in line 27
      hint: use another key, or give each of them a `when`
    33:10: there is no action "opperator"
      hint: write { transfer = "ext:support" }, { menu = "billing" }, { info = ["opening_hours"] }, { hangup = ["goodbye"] }, "repeat", "back", "operator" or "hangup"
    36:7: key must be a text, not a number
      hint: put it in quotes
    37:54: yes and no are both key 1
      hint: use two keys
    41:7: key must be one of 0-9 * # A-D, not "E"
    44:1: an option of menu "general" has no `action`
      hint: add action = { transfer = "ext:support" }
    44:1: an option of menu "general" has no `key`
      hint: add key = "1"
    47:7: menu "premium" has no options
      hint: add [[menu.premium.option]] with a key and an action
    48:11: prompts must be a list, not a text
    50:7: no caller can reach menu "lost"
      hint: name it in an [[entry]] or in an option's action, or remove it
    "#);
}

#[test]
fn a_text_that_is_no_toml_still_shows_what_else_is_wrong() {
    insta::assert_snapshot!(check(
        "name = \"L\"\noperator = ext:0\n[settings]\nretries = 20\n[menu.m\nprompts = []\n[[entry]]\nmenu = \"m\"\n"
    ), @r#"
    2:12: string values must be quoted, expected literal string
    4:11: retries must be 0 to 10, not 20
    5:8: unclosed table, expected `]`
    "#);
}

#[test]
fn an_empty_file_is_told_what_it_needs() {
    insta::assert_snapshot!(check(""), @r#"
    1:1: the file has no `entry`
      hint: add [[entry]] with menu = "general", the menu where calls begin
    1:1: the file has no `menu`
      hint: add a menu, as a table [menu.general] with options
    1:1: the file has no `name`
      hint: add name = "Support line"
    1:1: the file has no `operator`
      hint: add operator = "ext:operator"
    "#);
}

#[test]
fn the_settings_defaults_must_exist() {
    let none = BTreeSet::new();
    let faults = parse(&one_menu("action = \"operator\""), KnownPrompts::Only(&none)).unwrap_err();
    assert_eq!(faults.len(), 3);
    assert_eq!(
        faults[0].to_string(),
        "1:1: there is no prompt `invalid_selection`, which invalid_prompt is unless it is set\n  \
         hint: set invalid_prompt in [settings], or add the prompt"
    );
}

#[test]
fn actions_are_one_thing() {
    insta::assert_snapshot!(check(&one_menu("action = { transfer = \"ext:1\", hangup = [] }")), @r#"
    8:12: an action is one thing, not also `transfer`
      hint: write { transfer = "ext:support" }, { menu = "billing" }, { info = ["opening_hours"] }, { hangup = ["goodbye"] }, "repeat", "back", "operator" or "hangup"
    "#);
    insta::assert_snapshot!(check(&one_menu("action = {}")), @r#"
    8:10: the action is empty
      hint: write { transfer = "ext:support" }, { menu = "billing" }, { info = ["opening_hours"] }, { hangup = ["goodbye"] }, "repeat", "back", "operator" or "hangup"
    "#);
    insta::assert_snapshot!(check(&one_menu("action = { trasnfer = \"ext:1\" }")), @r#"
    8:12: unknown field `trasnfer` in action
      hint: did you mean `transfer`?
    "#);
    insta::assert_snapshot!(check(&one_menu("action = 7")), @r#"
    8:10: action must be a text or a table, not a number
      hint: write { transfer = "ext:support" }, { menu = "billing" }, { info = ["opening_hours"] }, { hangup = ["goodbye"] }, "repeat", "back", "operator" or "hangup"
    "#);
    insta::assert_snapshot!(check(&one_menu("action = { info = [] }")), @r#"
    8:19: info has no prompts
      hint: name at least one
    "#);
}

#[test]
fn transfer_targets_look_like_targets() {
    for good in [
        "ext:support",
        "sip:a@b.example",
        "tel:+15550100",
        "+15550100",
        "911",
    ] {
        let file = one_menu(&format!("action = {{ transfer = {good:?} }}"));
        assert!(parse(&file, KnownPrompts::Any).is_ok(), "{good}");
    }
    for bad in [
        "",
        "ext:",
        "support",
        "ext:a b",
        "+",
        "1234567890123456",
        "+1-555",
    ] {
        let file = one_menu(&format!("action = {{ transfer = {bad:?} }}"));
        assert_eq!(parse(&file, KnownPrompts::Any).unwrap_err().len(), 1, "{bad}");
    }
}

#[test]
fn conditions_are_faulted_where_they_stand() {
    let at = |when: &str| {
        let file = one_menu(&format!("action = \"operator\"\nwhen = {when}"));
        let fault = parse(&file, KnownPrompts::Any).unwrap_err().remove(0);
        (fault.line, fault.column)
    };
    assert_eq!(at("'known && profil.x'"), (9, 18));
    assert_eq!(at("\"known && profil.x\""), (9, 18));
    assert_eq!(at("'''\nknown &&\n  profil.x'''"), (11, 3));
    // Escapes move the text: then its beginning has to do.
    assert_eq!(at("\"profile.a == \\\"x\\\" && profil.x\""), (9, 8));
    assert_eq!(at("''"), (9, 8));
}

#[test]
fn files_are_bounded() {
    let large = format!("# {}", "x".repeat(MAX_FILE_BYTES));
    assert!(check(&large).starts_with("1:1: the file is 262146 bytes long, at most 262144 are allowed"));
    let mut menus = one_menu("action = \"operator\"");
    for nth in 0..MAX_MENUS {
        write!(
            menus,
            "[[entry]]\nwhen='known'\nmenu='m{nth}'\n[[menu.m{nth}.option]]\nkey='1'\naction='repeat'\n"
        )
        .unwrap();
    }
    assert!(check(&menus).contains("the file has 201 menus, at most 200 are allowed"));
    let prompts = "\"invalid\", ".repeat(17);
    let info = one_menu(&format!("action = {{ info = [{prompts}] }}"));
    assert!(check(&info).contains("there are 17 prompts in one action, at most 16 are allowed"));
}

#[test]
fn two_options_share_a_key_only_with_conditions() {
    let second = |first_when: &str, second_when: &str| {
        one_menu(&format!(
            "action = \"repeat\"\n{first_when}\n[[menu.m.option]]\nkey = \"1\"\naction = \"operator\"\n{second_when}"
        ))
    };
    assert!(parse(&second("when = 'known'", "when = '!known'"), KnownPrompts::Any).is_ok());
    insta::assert_snapshot!(check(&second("", "when = 'known'")), @r#"
    11:7: key 1 is used already in line 7
      hint: use another key, or give each of them a `when`
    "#);
}

#[test]
fn the_demo_as_a_graph() {
    let menu = parse(DEMO, KnownPrompts::Any).unwrap();
    insta::assert_snapshot!(graph(&menu), @r#"
    flowchart TD
        start(["Call to Trunkline demo line"])
        start -- "profile.membership_level == #34;premium#34;" --> menu0
        start -- "everybody else" --> menu1
        menu0["premium"]
        out0(("transfer to ext:transfer_premium"))
        menu0 -- "key 1" --> out0
        menu0 -- "key 2<br>if has(profile.open_tickets) #38;#38; profile.open_tickets #62; 0<br>hear ticket_details" --> menu0
        out1(("operator ext:operator"))
        menu0 -- "key 0" --> out1
        menu0 -. "over 2 retries" .-> out1
        menu1["general<br>general_welcome"]
        out2(("transfer to ext:transfer_support"))
        menu1 -- "key 1" --> out2
        menu1 -- "key 2<br>if has(profile.open_tickets) #38;#38; profile.open_tickets #62; 0<br>hear ticket_details" --> menu1
        menu1 -- "key 3<br>hear opening_hours" --> menu1
        menu1 -- "key 4" --> menu2
        menu1 -- "key 9<br>repeat" --> menu1
        menu1 -- "key 0" --> out1
        menu1 -. "over 2 retries" .-> out1
        menu2["billing<br>billing_menu"]
        out3(("transfer to ext:billing_invoice"))
        menu2 -- "key 1" --> out3
        out4(("transfer to ext:billing_refund"))
        menu2 -- "key 2<br>asked first: 1 yes, 2 no" --> out4
        menu2 -- "key *<br>back" --> menu1
        menu2 -- "key 0" --> out1
        menu2 -. "over 2 retries" .-> out1
    "#);
}

#[test]
fn a_graph_shows_no_secret_keys() {
    let file = one_menu("action = \"repeat\"")
        .replace("[menu.m]\n", "[menu.m]\nsensitive = true\n")
        .replace("action", "verify = { prompt = \"q\" }\naction");
    let menu = parse(&file, KnownPrompts::Any).unwrap();
    let drawn = graph(&menu);
    assert!(
        drawn.contains("key masked<br>asked first: masked yes, masked no<br>repeat"),
        "{drawn}"
    );
    let asked = one_menu("prompt = \"pin\"\naction = \"repeat\"");
    let file = asked.replace(
        "[[entry]]",
        "[settings]\nsensitive_prompts = [\"pin\"]\n[[entry]]",
    );
    let drawn = graph(&parse(&file, KnownPrompts::Any).unwrap());
    assert!(drawn.contains("key masked<br>repeat"), "{drawn}");
}

#[test]
fn a_sensitive_prompt_that_is_never_heard_is_a_fault() {
    let settings =
        "[settings]\nsensitive_prompts = [\"confirmd\", \"no_input\", \"confirmed\", 7]\n[[entry]]";
    let file = one_menu("confirmation = \"confirmed\"\naction = \"operator\"").replace("[[entry]]", settings);
    insta::assert_snapshot!(check(&file), @r"
    4:22: the menu never plays the sensitive prompt `confirmd`
      hint: did you mean `confirmed`?
    4:59: a sensitive prompt must be a text, not a number
      hint: put it in quotes
    ");
    let none = one_menu("action = \"repeat\"")
        .replace("[[entry]]", "[settings]\nsensitive_prompts = true\n[[entry]]");
    insta::assert_snapshot!(check(&none), @"4:21: sensitive_prompts must be a list, not a truth value");
}

#[test]
fn labels_cannot_break_out_of_the_graph() {
    let file =
        one_menu("action = { transfer = \"sip:<b>\\\"]--&#x\" }").replace("\"L\"", "\"\\\"];click\\n`x`\"");
    let menu = parse(&file, KnownPrompts::Any).unwrap();
    insta::assert_snapshot!(graph(&menu), @r#"
    flowchart TD
        start(["Call to #34;#93;#59;click<br>#96;x#96;"])
        start -- "everybody else" --> menu0
        menu0["m"]
        out0(("transfer to sip:#60;b#62;#34;#93;--#38;#35;x"))
        menu0 -- "key 1" --> out0
        out1(("operator ext:0"))
        menu0 -. "over 2 retries" .-> out1
    "#);
}

fn scrap() -> impl Strategy<Value = String> {
    let mut lines: Vec<&'static str> = DEMO
        .lines()
        .chain(include_str!("tests/broken.toml").lines())
        .collect();
    lines.extend([
        "key = 1",
        "[[menu]]",
        "[menu]",
        "menu = 1",
        "entry = []",
        "[settings.x]",
        "prompts = [{}]",
        "ä = '",
    ]);
    prop::collection::vec(prop::sample::select(lines), 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_makes_parsing_panic(text in any::<String>()) {
        let _ = parse(&text, KnownPrompts::Any);
    }

    #[test]
    fn no_scrap_of_a_menu_makes_parsing_or_drawing_panic(text in scrap()) {
        match parse(&text, KnownPrompts::Only(&demo_prompts())) {
            Ok(menu) => drop(graph(&menu)),
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }
}
