//! Keys, silence and what they lead to.

use super::{greeted, run};

#[test]
fn keys_before_the_menu_skip_its_prompts() {
    let transcript = run(
        Some("CRM-1"),
        "press 1 | answered | wait 300 | profile nobody | heard",
    );
    insta::assert_snapshot!(transcript, @r#"
    > press 1
    > answered
      fetch CRM-1
    > wait 300
    > profile nobody
      audit {"what":"profile","outcome":"not_found","afterMs":300}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > heard
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    "#);
}

#[test]
fn keys_typed_ahead_go_through_submenus() {
    let transcript = run(None, "press 421 | answered | heard");
    insta::assert_snapshot!(transcript, @r#"
    > press 421
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      audit {"what":"key","digit":"4","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"billing","because":"choice"}
      audit {"what":"key","digit":"2","menu":"billing","meaning":"option"}
      audit {"what":"menu_entered","menu":"billing","because":"choice"}
      audit {"what":"key","digit":"1","menu":"billing","meaning":"option"}
      play confirmed to its end
    > heard
      audit {"what":"transferring","target":"ext:billing"}
      transfer ext:billing
    "#);
}

#[test]
fn keys_typed_ahead_stop_at_a_wrong_one() {
    let transcript = run(None, "press 77777 | answered");
    insta::assert_snapshot!(transcript, @r#"
    > press 77777
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      audit {"what":"key","digit":"7","menu":"general","meaning":"invalid"}
      play invalid_selection
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_key_cuts_the_menu_off() {
    let transcript = run(None, "answered | heard 1 | cut | press 3");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > heard 1
    > cut
    > press 3
      audit {"what":"key","digit":"3","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"info"}
      play opening_hours
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_key_that_is_never_released_ends_in_no_input() {
    let transcript = run(None, "answered | heard 1 | cut | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > heard 1
    > cut
    > deadline
      (after 3000 ms)
      audit {"what":"no_input","menu":"general"}
      play no_input
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_key_that_comes_before_the_end_of_its_prompt_stops_it() {
    let transcript = run(None, "answered | heard 1 | press 1");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > heard 1
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      stop
      play confirmed to its end
    "#);
}

#[test]
fn a_wrong_key_is_a_try() {
    let transcript = greeted("press 7 | heard | press 7 | cut | press 7 | heard | transferred");
    insta::assert_snapshot!(transcript, @r#"
    > press 7
      audit {"what":"key","digit":"7","menu":"general","meaning":"invalid"}
      play invalid_selection
      play welcome
      play support
      play hours
    > heard
    > press 7
      audit {"what":"key","digit":"7","menu":"general","meaning":"invalid"}
      play invalid_selection
      play welcome
      play support
      play hours
    > cut
    > press 7
      audit {"what":"key","digit":"7","menu":"general","meaning":"invalid"}
      audit {"what":"retries_exhausted","menu":"general"}
      play transferring to its end
    > heard
      audit {"what":"transferring","target":"ext:operator"}
      transfer ext:operator
    > transferred
      audit {"what":"finished","outcome":"transferred"}
    "#);
}

#[test]
fn a_hidden_option_is_a_wrong_key() {
    let transcript = greeted("press 2");
    insta::assert_snapshot!(transcript, @r#"
    > press 2
      audit {"what":"key","digit":"2","menu":"general","meaning":"invalid"}
      play invalid_selection
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn silence_is_a_try() {
    let transcript = greeted("deadline | heard | deadline | heard | deadline | heard");
    insta::assert_snapshot!(transcript, @r#"
    > deadline
      (after 3000 ms)
      audit {"what":"no_input","menu":"general"}
      play no_input
      play welcome
      play support
      play hours
    > heard
    > deadline
      (after 3000 ms)
      audit {"what":"no_input","menu":"general"}
      play no_input
      play welcome
      play support
      play hours
    > heard
    > deadline
      (after 3000 ms)
      audit {"what":"no_input","menu":"general"}
      audit {"what":"retries_exhausted","menu":"general"}
      play transferring to its end
    > heard
      audit {"what":"transferring","target":"ext:operator"}
      transfer ext:operator
    "#);
}

#[test]
fn a_choice_forgives_the_tries() {
    let transcript = greeted("press 7 | heard | press 7 | heard | press 3 | heard | press 7");
    insta::assert_snapshot!(transcript, @r#"
    > press 7
      audit {"what":"key","digit":"7","menu":"general","meaning":"invalid"}
      play invalid_selection
      play welcome
      play support
      play hours
    > heard
    > press 7
      audit {"what":"key","digit":"7","menu":"general","meaning":"invalid"}
      play invalid_selection
      play welcome
      play support
      play hours
    > heard
    > press 3
      audit {"what":"key","digit":"3","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"info"}
      play opening_hours
      play welcome
      play support
      play hours
    > heard
    > press 7
      audit {"what":"key","digit":"7","menu":"general","meaning":"invalid"}
      play invalid_selection
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn prompts_that_fail_are_skipped() {
    let transcript = run(None, "answered | unplayable 1 | heard 1 | unplayable | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > unplayable 1
      audit {"what":"prompt_failed","prompt":"welcome"}
    > heard 1
    > unplayable
      audit {"what":"prompt_failed","prompt":"hours"}
    > deadline
      (after 3000 ms)
      audit {"what":"no_input","menu":"general"}
      play no_input
      play welcome
      play support
      play hours
    "#);
}

/// In a menu whose prompts are heard to their ends, after its greeting.
fn strict(steps: &str) -> String {
    let steps = format!("answered | profile {{\"level\": \"strict\"}} | heard | {steps}");
    let transcript = run(Some("CRM-1"), &steps);
    let begin = transcript
        .find("> heard\n")
        .map_or(0, |at| at + "> heard\n".len());
    transcript[begin..].to_owned()
}

#[test]
fn what_comes_before_a_menu_that_is_heard_to_its_end_is_too() {
    // A key clears all that the platform has queued, also what it does not interrupt.
    let transcript = strict("press 7 | press 1 | heard 1 | heard 1 | heard");
    insta::assert_snapshot!(transcript, @r#"
    > press 7
      audit {"what":"key","digit":"7","menu":"strict","meaning":"invalid"}
      play invalid_selection to its end
      play legal_notice to its end
      play support
      play hours
    > press 1
    > heard 1
    > heard 1
      audit {"what":"key","digit":"1","menu":"strict","meaning":"option"}
      stop
      play confirmed to its end
    > heard
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    "#);
    let transcript = strict("deadline | heard | press 3");
    insta::assert_snapshot!(transcript, @r#"
    > deadline
      (after 3000 ms)
      audit {"what":"no_input","menu":"strict"}
      play no_input to its end
      play legal_notice to its end
      play support
      play hours
    > heard
    > press 3
      audit {"what":"key","digit":"3","menu":"strict","meaning":"option"}
      audit {"what":"menu_entered","menu":"strict","because":"info"}
      play opening_hours to its end
      play legal_notice to its end
      play support
      play hours
    "#);
}
