use super::*;
use proptest::prelude::*;

fn faults(source: &str) -> String {
    told(&parse(source).unwrap_err())
}

#[test]
fn the_guide_shows_a_bot() {
    let guide = include_str!("../../../../../docs/bots.md");
    let example = guide
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let shown = transcript(
        &bot(example),
        1,
        &["track my package", "when are you open", "ab-12345", "it did"],
    );
    assert!(
        shown.ends_with("resolve\nbot: Great, this is resolved.\n"),
        "{shown}"
    );
}

#[test]
fn every_fault_comes_at_once() {
    insta::assert_snapshot!(faults(include_str!("broken.toml")), @r#"
    1:8: name must be a text, not a number
      hint: put it in quotes
    2:9: there is no step `gret`
      hint: known are ask, branch, call, lost, empty
    3:1: unknown field `greeting` in the file
      hint: known are name, begin, settings, intent, slot, step, fallback, idle
    6:13: threshold must be 0.0 to 1.0, not 1.5
    7:10: margin must be a number, not a text
    10:34: an example must have a word
    10:38: an example must be a text, not a number
      hint: put it in quotes
    11:13: a pattern is no regular expression: unclosed group
      hint: put it in single quotes, so that \ stays as it is
    11:18: a pattern has a group `nmber`, and there is nothing to put it into
      hint: did you mean `number`?
    11:42: a pattern is found in every text
      hint: have it match something
    12:11: there is no slot `numbr`
      hint: did you mean `number`?
    13:9: unknown name `slot`; a condition may use slots, context, intent
      hint: did you mean `slots`?
    16:1: [intent.nothing] has neither `examples` nor `patterns`
      hint: add examples = ["where is my order"]
    16:1: [intent.nothing] leads to nothing
      hint: add say = "..." or step = "..."
    18:9: "bad name" is no name for [intent.name]
      hint: use letters, digits and _, and begin with a letter, like order_number
    20:7: say has no message
      hint: write "text", { any = ["text", "another"] }, { text = "...", buttons = ["Yes", "No"] }, or a list of these
    25:8: most must not be less than least
    26:11: choices is for slots of the type "choice"
      hint: remove it
    28:7: the name "in" has a meaning of its own in conditions
      hint: name the slot otherwise, like in_value
    29:8: there is no type "texty"
      hint: did you mean `text`?
    33:54: a choice has no `value`
      hint: add value = "yes"
    34:11: retries must be 0 to 10, not 11
    35:10: there is no step `nowhere`
      hint: known are ask, branch, call, lost, empty
    36:11: context must be 1 to 8 names with dots between them
      hint: write it like "order.status"
    40:12: [step.ask] has both `ask` and `escalate`
      hint: make two steps of it, and lead from one to the other by next
    41:37: a message has either `text` or `any`
      hint: write "text", { any = ["text", "another"] }, { text = "...", buttons = ["Yes", "No"] }, or a list of these
    44:10: a single `}` in a text
      hint: write {slot} for a slot's value, {{ and }} for braces
    45:27: this branch is never taken
      hint: the one before has no `when` and is always taken
    45:37: there is no slot `nmber`
      hint: did you mean `number`?
    48:8: call of [step.call] has no `on_error`
      hint: add on_error = "to_agent", the step for when there is no answer
    48:19: method must be one of GET, POST, PUT, PATCH, DELETE, not "get"
    48:32: url must begin with http:// or https:// and a host
      hint: write url = "https://api.example.com/orders/{order_number}"; slots come after the host
    48:73: body has a date
      hint: put it in quotes
    48:95: there is no slot `numbe`
      hint: did you mean `number`?
    49:9: again is for steps that `ask`
      hint: remove it
    53:8: nothing comes after `close`
      hint: remove next
    55:1: [step.empty] is empty
      hint: add say = "..."
    58:7: say must not be empty
    59:9: after so many fallbacks nothing happens
      hint: add step = "to_agent", or remove `after`
    65:1: this silence is not longer than the one before
      hint: order them by after_s: each counts from the customer's last message
    "#);
}

#[test]
fn an_empty_file_is_told_what_it_needs() {
    insta::assert_snapshot!(faults(""), @r#"
    1:1: the file has no `fallback`
      hint: add [fallback] with say = "I did not understand that."
    1:1: the file has no `intent`
      hint: add [intent.order] with examples = ["where is my order"] and say = "..."
    1:1: the file has no `name`
      hint: add name = "Support bot"
    "#);
}

#[test]
fn a_text_that_is_no_toml_still_shows_what_else_is_wrong() {
    insta::assert_snapshot!(faults("name = Bot\n[slot.x]\ntype = \"txt\"\n[fallback\nsay = 1\n"), @r#"
    1:8: string values must be quoted, expected literal string
    3:8: there is no type "txt"
      hint: did you mean `text`?
    4:10: unclosed table, expected `]`
    5:1: unknown field `say` in the file
      hint: known are name, begin, settings, intent, slot, step, fallback, idle
    "#);
}

#[test]
fn steps_that_lead_in_circles_are_found() {
    let file = "name = \"B\"\nfallback.say = \"?\"\n[intent.go]\nexamples = [\"go\"]\nstep = \"a\"\n[step.a]\nnext = \"b\"\n[step.b]\nnext = [{ when = 'intent == \"x\"', step = \"a\" }]\n";
    insta::assert_snapshot!(faults(file), @r#"
    6:7: step "a" leads back to itself without waiting for the customer
      hint: have one of the steps `ask`, or end it by leaving `next` out
    "#);
}

#[test]
fn files_are_bounded() {
    assert!(faults(&"#".repeat(MAX_FILE_BYTES + 1)).starts_with("1:1: the file is 524289 bytes long"));
    let steps: String = (0..=MAX_STEPS)
        .map(|nth| format!("[step.s{nth}]\nsay = \"x\"\n"))
        .collect();
    assert!(faults(&steps).contains("the file has 501 of [step.name], at most 500 are allowed"));
    let large =
        "name = \"B\"\nfallback.say = \"?\"\n[intent.go]\nsay = \"x\"\npatterns = ['(\\w{99}){99}']\n";
    assert!(faults(large).contains("it is too large; repeat less"));
}

fn scrap() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = DEMO.lines().chain(include_str!("broken.toml").lines()).collect();
    prop::collection::vec(prop::sample::select(lines), 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_makes_parsing_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_scrap_of_a_bot_makes_parsing_panic(text in scrap()) {
        if let Err(faults) = parse(&text) {
            prop_assert!(!faults.is_empty());
        }
    }

    /// A line less is a fault or another bot, and either way no panic in a conversation.
    #[test]
    fn a_file_without_some_of_its_lines_is_still_safe(gone in prop::collection::btree_set(0usize..200, 0..4)) {
        let lines = DEMO.lines().enumerate().filter(|(nth, _)| !gone.contains(nth)).map(|(_, line)| line);
        if let Ok(bot) = parse(&lines.collect::<Vec<_>>().join("\n")) {
            transcript(&bot, 1, &["where is my order", "AB-12345", "yes", "yes", "agent"]);
        }
    }
}
