//! Keys that belong to a secret are acted on and not told.

use super::{Line, run};

/// The digits of the audit's keys.
fn audited(steps: &str) -> String {
    let transcript = run(None, steps);
    let told = transcript.lines().filter(|line| line.contains(r#""what":"key""#));
    let digit = |line: &str| line.split('"').nth(7).unwrap().to_owned();
    told.map(digit).collect::<Vec<_>>().join(" ")
}

#[test]
fn keys_after_a_sensitive_prompt_and_in_a_sensitive_menu_are_masked() {
    let transcript = run(
        None,
        "answered | press # | starts 0 | press 3 | heard | press 7 | heard | press 5 | heard | press 2",
    );
    insta::assert_snapshot!(transcript, @r##"
    > answered
      audit {"what":"menu_entered","menu":"general","because":"general"}
      play welcome
      play support
      play hours
    > press #
      audit {"what":"key","digit":"#","menu":"general","meaning":"option"}
      audit {"what":"menu_entered","menu":"code","because":"choice"}
      stop
      play hello_again
      play enter_pin
    > starts 0
    > press 3
      audit {"what":"key","digit":"masked","menu":"code","meaning":"invalid"}
      stop
      play invalid_selection
      play hello_again
      play enter_pin
    > heard
    > press 7
      audit {"what":"key","digit":"masked","menu":"code","meaning":"option"}
      audit {"what":"menu_entered","menu":"vault","because":"choice"}
      play confirmed to its end
    > heard
    > press 5
      audit {"what":"key","digit":"masked","menu":"vault","meaning":"option"}
      play verify_choice
    > heard
    > press 2
      audit {"what":"key","digit":"masked","menu":"vault","meaning":"no"}
      audit {"what":"menu_entered","menu":"vault","because":"not_verified"}
    "##);
}

#[test]
fn masking_ends_with_the_next_prompt_that_is_not_sensitive() {
    // The second 4 comes when the menu after the secret is open, but before anything of it was heard.
    assert_eq!(
        audited("answered | press # | heard | press 9 | press 4 | starts 0 | press 4"),
        "# masked masked 4"
    );
    assert_eq!(
        audited("answered | press # | heard | press 9 | starts 0 | press 4"),
        "# masked 4"
    );
}

#[test]
fn who_types_a_secret_ahead_is_protected_too() {
    assert_eq!(audited("answered | press #94"), "# masked masked");
    assert_eq!(
        audited("answered | press # | press 75 | heard | press 1"),
        "# masked masked masked"
    );
}

#[test]
fn a_session_as_text_shows_no_secret() {
    let mut line = Line::new(None);
    for step in "answered | press # | heard | press 7 | press 5AB".split(" | ") {
        line.step(step);
    }
    let text = format!("{:?}", line.session);
    assert!(text.contains("typed: Typed([masked, masked, masked])"), "{text}");
}
