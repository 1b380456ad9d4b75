//! How calls end, and what cannot keep them from it.

use super::{greeted, run};

#[test]
fn a_transfer_waits_for_its_confirmation() {
    let transcript = greeted("press 1 | press 3 | heard | transferred | press 1 | tick");
    insta::assert_snapshot!(transcript, @r#"
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > press 3
    > heard
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    > transferred
      audit {"what":"finished","outcome":"transferred"}
    > press 1
    > tick
    "#);
}

#[test]
fn repeating_has_an_end() {
    let transcript = greeted("press 99999999999");
    insta::assert_snapshot!(transcript, @r#"
    > press 99999999999
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      stop
      play welcome
      play support
      play hours
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"going_round","menu":"general"}
      stop
      play transferring to its end
    "#);
}

#[test]
fn hanging_up_says_goodbye_first() {
    let transcript = greeted("press 8 | heard | hangup | tick");
    insta::assert_snapshot!(transcript, @r#"
    > press 8
      audit {"what":"key","digit":"8","menu":"general","meaning":"option"}
      play goodbye to its end
    > heard
      hang up
    > hangup
      audit {"what":"finished","outcome":"hung_up","cause":"caller_hangup"}
    > tick
    "#);
}

#[test]
fn hanging_up_at_once() {
    let transcript = greeted("press 6 | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > press 6
      audit {"what":"key","digit":"6","menu":"general","meaning":"option"}
      hang up
    > deadline
      (after 10000 ms)
      audit {"what":"finished","outcome":"abandoned"}
    "#);
}

#[test]
fn a_hang_up_that_is_refused_is_the_end() {
    let transcript = greeted("press 6 | refused no such call | hangup");
    insta::assert_snapshot!(transcript, @r#"
    > press 6
      audit {"what":"key","digit":"6","menu":"general","meaning":"option"}
      hang up
    > refused no such call
      audit {"what":"command_failed","reason":"no such call"}
      audit {"what":"finished","outcome":"abandoned"}
    > hangup
    "#);
}

#[test]
fn a_refused_transfer_goes_to_the_operator_then_ends() {
    let transcript =
        greeted("press 1 | heard | refused busy | heard | refused nobody there | heard | hangup");
    insta::assert_snapshot!(transcript, @r#"
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > heard
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    > refused busy
      audit {"what":"transfer_refused","target":"ext:support","reason":"busy"}
      play transferring to its end
    > heard
      audit {"what":"transferring","target":"ext:operator"}
      transfer ext:operator
    > refused nobody there
      audit {"what":"transfer_refused","target":"ext:operator","reason":"nobody there"}
      play goodbye to its end
    > heard
      hang up
    > hangup
      audit {"what":"finished","outcome":"hung_up","cause":"caller_hangup"}
    "#);
}

#[test]
fn a_transfer_without_an_answer_is_refused() {
    let transcript = greeted("press 1 | heard | deadline | heard | transferred");
    insta::assert_snapshot!(transcript, @r#"
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > heard
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    > deadline
      (after 30000 ms)
      audit {"what":"transfer_refused","target":"ext:support","reason":"the platform said nothing within 30 s"}
      play transferring to its end
    > heard
      audit {"what":"transferring","target":"ext:operator"}
      transfer ext:operator
    > transferred
      audit {"what":"finished","outcome":"transferred"}
    "#);
}

#[test]
fn the_operator_is_an_option() {
    let transcript = greeted("press 0 | heard");
    insta::assert_snapshot!(transcript, @r#"
    > press 0
      audit {"what":"key","digit":"0","menu":"general","meaning":"option"}
      play transferring to its end
    > heard
      audit {"what":"transferring","target":"ext:operator"}
      transfer ext:operator
    "#);
}

#[test]
fn a_play_without_an_end_is_given_up() {
    let transcript = run(None, "answered | heard 1 | starts | deadline | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > heard 1
    > starts
    > deadline
      (after 300000 ms)
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
fn a_play_without_an_end_does_not_keep_the_call() {
    let transcript = greeted("press 1 | starts | deadline");
    insta::assert_snapshot!(transcript, @r#"
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    > starts
    > deadline
      (after 300000 ms)
      stop
      audit {"what":"prompt_failed","prompt":"confirmed"}
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    "#);
}

#[test]
fn the_caller_may_hang_up_at_any_time() {
    let transcript = run(None, "answered | hangup | heard | press 1 | tick");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > hangup
      audit {"what":"finished","outcome":"hung_up","cause":"caller_hangup"}
    > heard
    > press 1
    > tick
    "#);
}

#[test]
fn another_refused_command_is_noted() {
    let transcript = run(None, "answered | refused what");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > refused what
      audit {"what":"command_failed","reason":"what"}
    "#);
}
