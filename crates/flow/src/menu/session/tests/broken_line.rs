//! Commands and events that get lost with a connection, and connections that do not come back.

use super::{greeted, run};

#[test]
fn prompts_that_do_not_begin_are_given_up() {
    let transcript = run(None, "answered | wait 1000 | heard 1 | deadline | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > wait 1000
    > heard 1
    > deadline
      (after 10000 ms)
      stop
      audit {"what":"prompt_failed","prompt":"support"}
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

#[test]
fn a_prompt_that_does_not_begin_does_not_keep_the_call() {
    let transcript = greeted("press 1 | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > deadline
      (after 10000 ms)
      stop
      audit {"what":"prompt_failed","prompt":"confirmed"}
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    "#);
}

#[test]
fn a_prompt_lost_with_the_connection_is_soon_given_up() {
    let transcript = greeted("press 1 | wait 3000 | reconnected | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > wait 3000
    > reconnected
    > deadline
      (after 2000 ms)
      stop
      audit {"what":"prompt_failed","prompt":"confirmed"}
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    "#);
}

#[test]
fn a_line_that_breaks_again_and_again_does_not_prolong_the_silence() {
    let transcript = greeted("press 1 | reconnected | wait 1500 | reconnected | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > reconnected
    > wait 1500
    > reconnected
    > deadline
      (after 500 ms)
      stop
      audit {"what":"prompt_failed","prompt":"confirmed"}
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    "#);
}

#[test]
fn a_prompt_that_goes_on_over_a_broken_connection_is_heard_to_its_end() {
    let transcript = run(
        None,
        "answered | starts | reconnected | wait 20000 | tick | heard 1 | deadline",
    );
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > starts
    > reconnected
    > wait 20000
    > tick
    > heard 1
    > deadline
      (after 2000 ms)
      stop
      audit {"what":"prompt_failed","prompt":"support"}
      audit {"what":"prompt_failed","prompt":"hours"}
    "#);
}

#[test]
fn missed_events_end_the_doubt() {
    let transcript = run(
        None,
        "answered | reconnected | starts | wait 20000 | tick | heard",
    );
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > reconnected
    > starts
    > wait 20000
    > tick
    > heard
    "#);
}

#[test]
fn a_prompt_that_begins_shows_what_was_lost_before_it() {
    let transcript = run(None, "answered | reconnected | starts 1 | heard | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > reconnected
    > starts 1
      audit {"what":"prompt_failed","prompt":"welcome"}
    > heard
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
fn a_reconnect_while_the_caller_may_choose_changes_nothing() {
    let transcript = greeted("wait 1000 | reconnected | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > wait 1000
    > reconnected
    > deadline
      (after 2000 ms)
      audit {"what":"no_input","menu":"general"}
      play no_input
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_transfer_that_may_be_lost_is_sent_again() {
    let transcript = greeted("press 0 | heard | wait 5000 | reconnected | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > press 0
      audit {"what":"key","digit":"0","menu":"general","meaning":"option"}
      play transferring to its end
    > heard
      audit {"what":"transferring","target":"ext:operator"}
      transfer ext:operator
    > wait 5000
    > reconnected
      transfer ext:operator
    > deadline
      (after 25000 ms)
      audit {"what":"transfer_refused","target":"ext:operator","reason":"the platform said nothing within 30 s"}
      play goodbye to its end
    "#);
}

#[test]
fn a_hang_up_that_may_be_lost_is_sent_again() {
    let transcript = greeted("press 6 | reconnected | hangup | reconnected");
    insta::assert_snapshot!(transcript, @r#"
    > press 6
      audit {"what":"key","digit":"6","menu":"general","meaning":"option"}
      hang up
    > reconnected
      hang up
    > hangup
      audit {"what":"finished","outcome":"hung_up","cause":"caller_hangup"}
    > reconnected
    "#);
}

#[test]
fn a_reconnect_does_not_keep_the_profile_waiting() {
    let transcript = run(Some("CRM-1"), "answered | wait 300 | reconnected | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > wait 300
    > reconnected
    > deadline
      (after 500 ms)
      audit {"what":"profile","outcome":"timed_out","reason":"no answer within 800 ms","afterMs":800}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_lost_call_is_over() {
    let transcript = greeted("wait 9000 | lost taken over | press 1 | tick");
    insta::assert_snapshot!(transcript, @r#"
    > wait 9000
    > lost taken over
      audit {"what":"finished","outcome":"lost","reason":"taken over"}
    > press 1
    > tick
    "#);
}
