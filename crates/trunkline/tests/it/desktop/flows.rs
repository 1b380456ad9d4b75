//! Tasks on desktops: they come and go, one window wins, and nothing is lost while a desktop is offline.

use super::{Desks, assert_clean, message, ready, row, says};
use crate::browser::{Browser, ENTER, is_wanted};
use serde_json::json;
use std::thread;

#[test]
fn a_task_appears_by_itself_and_is_accepted_and_completed_by_keys() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let desk = desks.open("agent-1");
    desk.eval("window.isTheSamePage = true");
    desk.wait("document.getElementById('list-state').textContent.includes('Nothing to do')");
    let id = desks.create("agent-1", "Call back: score 2");
    desk.wait(&row(&id, "offered"));
    assert!(desk.text("document.title").starts_with("(1) "));
    desk.wait("document.getElementById('announce').textContent.includes('New task: Call back: score 2, priority High')");
    assert!(
        desk.text(&format!("{}.textContent", row(&id, "")))
            .contains("left to accept")
    );

    desk.press("ja");
    desk.wait(&row(&id, "accepted"));
    says(&desk, "Accepted: Call back: score 2");
    assert_eq!(desks.task(&id)["state"], "accepted");
    desk.wait("document.querySelector('.clock').dataset.clock === 'met'");

    desk.press("c");
    desk.wait("document.getElementById('complete').open");
    desk.press("called back, and apologised");
    desk.press_with_control(ENTER);
    desk.wait(&format!("!{}", row(&id, "")));
    says(&desk, "Completed: Call back: score 2");
    let task = desks.task(&id);
    assert_eq!(task["state"], "completed");
    let last = task["history"].as_array().unwrap().last().unwrap();
    assert_eq!(last["note"], "called back, and apologised");
    assert_eq!(desk.eval("return window.isTheSamePage"), true);
    assert!(!desk.text("document.title").starts_with('('));
    assert_clean(&desk);
}

#[test]
fn what_a_task_says_is_text_and_never_part_of_the_page() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let desk = desks.open("agent-1");
    let subject = "<img src=x onerror=alert(1)><b>bold</b>";
    let id = desks.create("agent-1", subject);
    desks.notify("agent-1", subject);
    desk.wait(&row(&id, ""));
    desk.wait("document.querySelector('#notes-list li')");
    desk.wait("document.querySelector('#detail h2').textContent.includes('<b>')");
    let found = desk.eval("return document.querySelectorAll('main img, main b:not(h2 b)').length");
    assert_eq!(found, 0);
    assert_eq!(
        desk.text(&format!("{}.querySelector('.subject').textContent", row(&id, ""))),
        subject
    );
    assert_clean(&desk);
}

#[test]
fn of_two_windows_one_accepts_and_the_other_says_so() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let (one, other) = (desks.open("agent-1"), desks.open("agent-1"));
    let id = desks.create("agent-1", "Call back");
    one.wait(&row(&id, "offered"));
    other.wait(&row(&id, "offered"));
    one.press("ja");
    other.wait(&row(&id, "accepted"));
    says(&other, "accepted in another window");
    assert!(
        !other
            .text("document.querySelector('.actions').textContent")
            .contains("Accept")
    );
    says(&one, "Accepted: Call back");

    // What one completes, the other can't complete any more: its question about it goes away.
    other.press("jc");
    other.wait("document.getElementById('complete').open");
    one.press("c");
    one.wait("document.getElementById('complete').open");
    one.press_with_control(ENTER);
    other.wait("!document.getElementById('complete').open");
    says(&other, "completed in another window");
    other.wait("document.getElementById('detail').textContent.includes('Completed in another window')");
    assert_clean(&one);
    assert_clean(&other);
}

/// Holds back what is accepted until the test lets it go.
const HOLD: &str = r#"
const usual = window.fetch;
const gate = new Promise((resolve) => { window.letGo = resolve; });
window.fetch = async (address, options) => {
  if (String(address).endsWith("/accept")) { window.isHeld = true; await gate; }
  return usual(address, options);
};
"#;

#[test]
fn of_two_accepts_at_once_one_wins_and_the_other_is_told() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let windows = [desks.open("agent-1"), desks.open("agent-1")];
    let id = desks.create("agent-1", "Call back");
    for window in &windows {
        window.wait(&row(&id, "offered"));
        window.eval(HOLD);
        window.press("ja");
        window.wait("window.isHeld");
        // It can't be asked for twice meanwhile.
        window.wait("document.querySelector('[data-deed=accept]').getAttribute('aria-busy') === 'true'");
    }
    thread::scope(|scope| {
        for window in &windows {
            scope.spawn(|| window.eval("window.letGo()"));
        }
    });
    for window in &windows {
        window.wait("/^(Not a|A)ccepted: /.test(document.getElementById('message-words').textContent)");
        window.wait(&row(&id, "accepted"));
    }
    let said = windows.each_ref().map(message);
    let won = said
        .iter()
        .filter(|words| *words == "Accepted: Call back")
        .count();
    let lost = said
        .iter()
        .filter(|words| words.contains("accepted it already"))
        .count();
    assert_eq!((won, lost), (1, 1), "{said:?}");
    let task = desks.task(&id);
    let accepted = task["history"].as_array().unwrap().iter();
    assert_eq!(accepted.filter(|line| line["what"] == "accepted").count(), 1);
    windows.iter().for_each(assert_clean);
}

#[test]
fn a_task_that_all_declined_waits_for_anybody_and_the_first_gets_it() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let (one, two) = (desks.open("agent-1"), desks.open("agent-2"));
    let id = desks.create("agent-1", "Call back");
    one.wait(&row(&id, "offered"));
    one.press("jd");
    says(&one, "Declined: Call back");
    one.wait(&format!("!{}", row(&id, "")));
    two.wait(&row(&id, "offered"));
    two.press("jd");
    one.wait(&row(&id, "queued"));
    two.wait(&row(&id, "queued"));
    two.press("ja");
    two.wait(&row(&id, "accepted"));
    one.wait(&format!("!{}", row(&id, "")));
    says(&one, "accepted by another agent");
    assert_clean(&one);
    assert_clean(&two);
}

/// Holds back the answers to what is declined, or else the events about tasks, until the test lets them go.
const HOLD_BACK: &str = r#"
const gate = new Promise((resolve) => { window.letGo = resolve; });
const usual = window.fetch;
window.fetch = async (address, options) => {
  const answer = await usual(address, options);
  if (String(address).endsWith("/decline") && window.held === "answer") await gate;
  return answer;
};
const listen = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (kind, listener) {
  listen.call(this, kind, async (message) => {
    if (kind === "task" && JSON.parse(message.data).what === (window.heldWhat ?? "queued")) {
      if (window.held === "event") await gate;
      window.isTold = true;
    }
    listener(message);
  });
};
"#;

#[test]
fn an_agent_alone_in_a_team_can_decline_and_is_told_what_that_means() {
    if !is_wanted() {
        return;
    }
    let alone = (
        "name = \"Billie Agent\"",
        "name = \"Billie Agent\"\nteam = \"other\"",
    );
    let (desks, _folder) = Desks::with_tenant(alone.0, alone.1);
    let other = desks.open("agent-1");
    for held in ["answer", "event"] {
        let desk = Browser::start();
        desk.before_each_page(&format!("window.held = '{held}';{HOLD_BACK}"));
        desk.go(&desks.url("agent-1"));
        let desk = ready(desk);
        let id = desks.create("agent-1", "Call back");
        desk.wait(&row(&id, "offered"));
        other.wait(&row(&id, "offered"));
        desk.press("jd");
        // What comes first shows how the task stands; only the answer is said.
        desk.wait(&row(&id, "queued"));
        desk.eval("window.letGo()");
        desk.wait("window.isTold");
        says(
            &desk,
            "Declined: Call back. Nobody is left to ask: now anybody may take it",
        );
        other.wait(&row(&id, "queued"));
        says(&other, "declined in another window; now anybody may take it");
        // It is nobody's deed any more: what happens next is told.
        other.press("ja");
        desk.wait(&row(&id, "accepted"));
        says(&desk, "accepted in another window");
        // Each window has heard of it for itself before a key is pressed in it.
        other.wait(&row(&id, "accepted"));
        other.press("c");
        other.wait("document.getElementById('complete').open");
        other.press_with_control(ENTER);
        desk.wait(&format!("!{}", row(&id, "")));
        other.wait(&format!("!{}", row(&id, "")));
        assert_clean(&desk);
    }
    assert_clean(&other);
}

#[test]
fn a_refusal_stays_when_what_it_tells_of_is_heard_after_it() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let desk = Browser::start();
    desk.before_each_page(&format!(
        "window.held = 'event'; window.heldWhat = 'accepted';{HOLD_BACK}"
    ));
    desk.go(&desks.url("agent-1"));
    let (desk, other) = (ready(desk), desks.open("agent-1"));
    let id = desks.create("agent-1", "Call back");
    desk.wait(&row(&id, "offered"));
    other.wait(&row(&id, "offered"));
    other.press("ja");
    other.wait(&row(&id, "accepted"));
    desk.press("ja");
    says(&desk, "accepted it already");
    desk.eval("window.letGo()");
    desk.wait(&row(&id, "accepted"));
    assert!(
        message(&desk).contains("accepted it already"),
        "{}",
        message(&desk)
    );
    // What happens next is told again.
    other.press("c");
    other.wait("document.getElementById('complete').open");
    other.press_with_control(ENTER);
    says(&desk, "completed in another window");
    assert_clean(&desk);
    assert_clean(&other);
}

#[test]
fn what_another_agent_accepts_first_is_not_said_to_be_accepted_here() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let (one, two) = (desks.open("agent-1"), desks.open("agent-2"));
    let id = desks.create("agent-1", "Call back");
    let queued = r#"{"state":"queued"}"#;
    desks.request("PATCH", &format!("/api/v2/workflows/tasks/{id}"), queued);
    one.wait(&row(&id, "queued"));
    two.wait(&row(&id, "queued"));
    one.eval(HOLD);
    one.press("ja");
    one.wait("window.isHeld");
    two.press("ja");
    two.wait(&row(&id, "accepted"));
    one.wait(&format!("!{}", row(&id, "")));
    one.eval("window.letGo()");
    says(&one, "Not accepted: ");
    one.wait("document.getElementById('detail').textContent.includes('Accepted by another agent.')");
    assert_clean(&one);
    assert_clean(&two);
}

#[test]
fn an_offer_that_nobody_accepts_goes_to_the_next_agent_and_then_to_all() {
    if !is_wanted() {
        return;
    }
    let (desks, _folder) = Desks::with_tenant("acceptWithinS = 120", "acceptWithinS = 2");
    let (one, two) = (desks.open("agent-1"), desks.open("agent-2"));
    let id = desks.create("agent-1", "Call back");
    one.wait(&row(&id, "offered"));
    two.wait(&row(&id, "offered"));
    one.wait(&format!("!{}", row(&id, "offered")));
    says(&one, "not accepted in time; it went to the next agent");
    one.wait(&row(&id, "queued"));
    two.wait(&row(&id, "queued"));
    says(&two, "now anybody may take it");
    assert_clean(&one);
    assert_clean(&two);
}

#[test]
fn a_snoozed_task_comes_back() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let desk = desks.open("agent-1");
    let id = desks.create("agent-1", "Call back");
    desk.wait(&row(&id, "offered"));
    desk.press("ja");
    desk.wait(&row(&id, "accepted"));
    desk.press("s");
    desk.wait("document.getElementById('snooze').open");
    // A time that is over is refused in the dialog.
    desk.eval("document.getElementById('snooze-time').value = '2001-01-01T00:00'");
    desk.eval("document.getElementById('snooze-own').click()");
    desk.wait("document.getElementById('snooze-fault').textContent.includes('is over')");
    // The field is for minutes; for a test, seconds.
    desk.eval(
        "const at = new Date(Date.now() + 3000);
         document.getElementById('snooze-time').value = new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
         document.getElementById('snooze-own').click()",
    );
    desk.wait(&row(&id, "snoozed"));
    says(&desk, "Snoozed: Call back");
    desk.wait(&row(&id, "accepted"));
    says(&desk, "back from snooze");
    assert_clean(&desk);
}

#[test]
fn an_offer_that_is_snoozed_can_be_accepted_though_somebody_had_the_task_before() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let (one, two) = (desks.open("agent-1"), desks.open("agent-2"));
    let id = desks.create("agent-1", "Call back");
    one.wait(&row(&id, "offered"));
    one.press("ja");
    one.wait(&row(&id, "accepted"));
    desks.request(
        "PATCH",
        &format!("/api/v2/workflows/tasks/{id}"),
        r#"{"assigneeId":"agent-2"}"#,
    );
    two.wait(&row(&id, "offered"));
    two.press("js");
    two.wait("document.getElementById('snooze').open");
    two.eval("document.querySelector('[data-snooze]').click()");
    two.wait(&row(&id, "snoozed"));
    two.wait("document.querySelector('#detail [data-deed=accept]')");
    assert_eq!(
        two.eval("return document.querySelector('#detail [data-deed=complete]')"),
        json!(null)
    );
    two.press("a");
    two.wait(&row(&id, "accepted"));
    // What was accepted before it was put off can be completed at any time.
    two.press("s");
    two.wait("document.getElementById('snooze').open");
    two.eval("document.querySelector('[data-snooze]').click()");
    two.wait(&row(&id, "snoozed"));
    two.wait("document.querySelector('#detail [data-deed=complete]')");
    assert_clean(&one);
    assert_clean(&two);
}
