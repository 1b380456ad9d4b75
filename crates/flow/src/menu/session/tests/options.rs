//! What options do.

use super::{greeted, run};

#[test]
fn an_option_may_ask_first() {
    let transcript = greeted("press 5 | heard | press 1 | heard");
    insta::assert_snapshot!(transcript, @r#"
    > press 5
      audit {"what":"key","digit":"5","menu":"general","meaning":"option"}
      play verify_choice
    > heard
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"yes"}
      play confirmed to its end
    > heard
      audit {"what":"transferring","target":"ext:careful"}
      transfer ext:careful
    "#);
}

#[test]
fn no_takes_a_choice_back() {
    let transcript = greeted("press 5 | cut | press 2");
    insta::assert_snapshot!(transcript, @r#"
    > press 5
      audit {"what":"key","digit":"5","menu":"general","meaning":"option"}
      play verify_choice
    > cut
    > press 2
      audit {"what":"key","digit":"2","menu":"general","meaning":"no"}
      audit {"what":"menu_entered","menu":"general","because":"not_verified"}
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_question_counts_wrong_keys_and_silence() {
    let transcript = greeted("press 5 | press 9 | heard | deadline | heard | deadline | heard");
    insta::assert_snapshot!(transcript, @r#"
    > press 5
      audit {"what":"key","digit":"5","menu":"general","meaning":"option"}
      play verify_choice
    > press 9
      audit {"what":"key","digit":"9","menu":"general","meaning":"invalid"}
      stop
      play invalid_selection
      play verify_choice
    > heard
    > deadline
      (after 3000 ms)
      audit {"what":"no_input","menu":"general"}
      play no_input
      play verify_choice
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
fn keys_typed_ahead_answer_a_question() {
    let transcript = greeted("press 5 | press 1");
    insta::assert_snapshot!(transcript, @r#"
    > press 5
      audit {"what":"key","digit":"5","menu":"general","meaning":"option"}
      play verify_choice
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"yes"}
      stop
      play confirmed to its end
    "#);
}

#[test]
fn info_comes_back_to_the_menu() {
    let transcript = greeted("press 3 | heard 1 | heard");
    insta::assert_snapshot!(transcript, @r#"
    > press 3
      audit {"what":"key","digit":"3","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"info"}
      play opening_hours
      play welcome
      play support
      play hours
    > heard 1
    > heard
    "#);
}

#[test]
fn info_can_be_cut_off_by_a_choice() {
    let transcript = greeted("press 3 | cut | press 1");
    insta::assert_snapshot!(transcript, @r#"
    > press 3
      audit {"what":"key","digit":"3","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"info"}
      play opening_hours
      play welcome
      play support
      play hours
    > cut
    > press 1
      audit {"what":"key","digit":"1","menu":"general","meaning":"option"}
      play confirmed to its end
    "#);
}

#[test]
fn back_goes_to_the_menu_before() {
    let transcript = greeted("press 4 | press 4 | press * | press * | press *");
    insta::assert_snapshot!(transcript, @r#"
    > press 4
      audit {"what":"key","digit":"4","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"billing","because":"choice"}
      play billing
    > press 4
      audit {"what":"key","digit":"4","menu":"billing","meaning":"option"}
      audit {"what":"menu_entered","menu":"billing","because":"choice"}
      stop
      play billing
    > press *
      audit {"what":"key","digit":"*","menu":"billing","meaning":"option"}
      audit {"what":"menu_entered","menu":"billing","because":"back"}
      stop
      play billing
    > press *
      audit {"what":"key","digit":"*","menu":"billing","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"back"}
      stop
      play welcome
      play support
      play hours
    > press *
      audit {"what":"key","digit":"*","menu":"general","meaning":"invalid"}
      stop
      play invalid_selection
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_greeting_that_must_be_heard() {
    let transcript = run(
        Some("CRM-1"),
        "press 3 | answered | profile {\"level\": \"strict\"} | heard 1",
    );
    insta::assert_snapshot!(transcript, @r#"
    > press 3
    > answered
      fetch CRM-1
    > profile {"level": "strict"}
      audit {"what":"profile","outcome":"found","afterMs":0}
      audit {"what":"menu_entered","menu":"strict","because":"entry"}
      play legal_notice to its end
    > heard 1
      audit {"what":"key","digit":"3","menu":"strict","meaning":"option"}
      audit {"what":"menu_entered","menu":"strict","because":"info"}
      play opening_hours to its end
      play legal_notice to its end
      play support
      play hours
    "#);
}

#[test]
fn a_key_during_a_greeting_that_must_be_heard() {
    let transcript = run(
        Some("CRM-1"),
        "answered | profile {\"level\": \"strict\"} | press 1 | heard 1 | cut | heard",
    );
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > profile {"level": "strict"}
      audit {"what":"profile","outcome":"found","afterMs":0}
      audit {"what":"menu_entered","menu":"strict","because":"entry"}
      play legal_notice to its end
      play support
      play hours
    > press 1
    > heard 1
      audit {"what":"key","digit":"1","menu":"strict","meaning":"option"}
      stop
      play confirmed to its end
    > cut
      audit {"what":"transferring","target":"ext:support"}
      transfer ext:support
    > heard
    "#);
}
