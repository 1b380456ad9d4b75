//! From the answer to the first menu.

use super::run;

#[test]
fn the_profile_chooses_the_menu() {
    let transcript = run(
        Some("CRM-1"),
        "answered | wait 300 | profile {\"level\": \"premium\"}",
    );
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > wait 300
    > profile {"level": "premium"}
      audit {"what":"profile","outcome":"found","afterMs":300}
      audit {"what":"menu_entered","menu":"premium","because":"entry"}
      play premium_priority
    "#);
}

#[test]
fn no_profile_is_a_normal_case() {
    let transcript = run(Some("CRM-1"), "answered | profile nobody");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > profile nobody
      audit {"what":"profile","outcome":"not_found","afterMs":0}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_failed_profile_starts_the_general_menu() {
    let transcript = run(Some("CRM-1"), "answered | profile broken");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > profile broken
      audit {"what":"profile","outcome":"failed","reason":"503 from the CRM","afterMs":0}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_profile_that_cannot_be_looked_at_starts_the_general_menu() {
    let transcript = run(Some("CRM-1"), "answered | profile {\"a\": [[[[[[[[[[1]]]]]]]]]]}");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > profile {"a": [[[[[[[[[[1]]]]]]]]]]}
      audit {"what":"profile","outcome":"failed","reason":"the profile's attribute `a` is nested over 8 deep; have the CRM send less","afterMs":0}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    "#);
}

#[test]
fn a_late_profile_is_ignored() {
    let transcript = run(
        Some("CRM-1"),
        "answered | deadline | wait 100 | profile {\"level\": \"premium\"} | profile nobody",
    );
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > deadline
      (after 800 ms)
      audit {"what":"profile","outcome":"timed_out","reason":"no answer within 800 ms","afterMs":800}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > wait 100
    > profile {"level": "premium"}
      audit {"what":"profile","outcome":"late","afterMs":900}
    > profile nobody
    "#);
}

#[test]
fn a_profile_is_late_even_when_the_tick_is() {
    let transcript = run(
        Some("CRM-1"),
        "answered | wait 801 | profile {\"level\": \"premium\"}",
    );
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > wait 801
    > profile {"level": "premium"}
      audit {"what":"profile","outcome":"timed_out","reason":"no answer within 800 ms","afterMs":801}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
      audit {"what":"profile","outcome":"late","afterMs":801}
    "#);
}

#[test]
fn without_an_external_id_the_menu_starts_at_once() {
    let transcript = run(None, "answered | answered | profile nobody");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > answered
    > profile nobody
    "#);
}

#[test]
fn a_condition_that_fails_hides_and_is_told_once() {
    let transcript = run(
        Some("CRM-1"),
        "answered | profile {\"level\": 7} | heard | press 9",
    );
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > profile {"level": 7}
      audit {"what":"profile","outcome":"found","afterMs":0}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      audit {"what":"condition_failed","condition":"profile.level > \"a\"","place":"menu \"general\", option 2 (key 2)","reason":"`>` does not work on (int, string); compare values of one kind"}
      play welcome
      play you_again
      play support
      play hours
    > heard
    > press 9
      audit {"what":"key","digit":"9","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"general","because":"repeat"}
      play welcome
      play you_again
      play support
      play hours
    "#);
}

#[test]
fn a_lookup_that_fails_late_says_why() {
    let transcript = run(Some("CRM-1"), "answered | deadline | wait 100 | profile broken");
    insta::assert_snapshot!(transcript, @r#"
    > answered
      fetch CRM-1
    > deadline
      (after 800 ms)
      audit {"what":"profile","outcome":"timed_out","reason":"no answer within 800 ms","afterMs":800}
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > wait 100
    > profile broken
      audit {"what":"profile","outcome":"late","reason":"503 from the CRM","afterMs":900}
    "#);
}
