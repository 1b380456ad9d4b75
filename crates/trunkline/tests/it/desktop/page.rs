//! The page: by keys alone, light and dark, narrow, in the background, and for whom it is.

use super::{Desks, assert_clean, looks::assert_readable, ready, row, says};
use crate::browser::{Browser, ENTER, ESCAPE, TAB, is_wanted};
use serde_json::{Value, json};

/// A stand-in for the browser's notifications, which keeps what it was told; and a page that says when it is hidden.
const NOTIFICATIONS: &str = r#"
window.shown = [];
window.cleared = [];
window.Notification = class {
  static permission = "default";
  static async requestPermission() { window.hasAsked = true; return (this.permission = "granted"); }
  constructor(title, options) { this.options = options; window.shown.push({ title, ...options }); window.last = this; }
  close() { window.cleared.push(this.options.tag); this.onclose?.(); }
};
Object.defineProperty(document, "hidden", { get: () => window.isHidden === true });
"#;

#[test]
fn browser_notifications_wait_for_permission_and_say_nothing_of_anybody() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let desk = Browser::start();
    desk.before_each_page(NOTIFICATIONS);
    desk.go(&desks.url("agent-1"));
    let desk = ready(desk);
    desk.eval("window.isHidden = true");
    let unseen = desks.create("agent-1", "Before it was permitted");
    desk.wait(&row(&unseen, ""));
    assert_eq!(
        desk.eval("return [window.shown.length, !!window.hasAsked]"),
        json!([0, false])
    );

    desk.eval("document.getElementById('permit-button').click()");
    desk.wait("window.hasAsked && document.getElementById('permit-button').textContent === 'Turn off'");
    let id = desks.create("agent-1", "Dana Premium is furious");
    desk.wait("window.shown.length === 1");
    assert_eq!(
        desk.eval("return window.shown[0]"),
        json!({"title": "A task is waiting", "body": "Priority High", "tag": id})
    );
    // Once somebody has it, its notification is taken away.
    desks.request(
        "PATCH",
        &format!("/api/v2/workflows/tasks/{id}"),
        r#"{"state":"accepted"}"#,
    );
    desk.wait("window.cleared.length === 1");
    let id = desks.create("agent-1", "Another one");
    desk.wait("window.shown.length === 2");
    // A click leads to the task.
    desk.eval("window.last.onclick()");
    desk.wait("document.querySelector('#detail h2').textContent === 'Another one'");
    assert_eq!(desk.eval("return window.cleared[1]"), id.as_str());
    // A page that is seen needs none.
    desk.eval("window.isHidden = false");
    let seen = desks.create("agent-1", "Seen");
    desk.wait(&row(&seen, ""));
    assert_eq!(desk.eval("return window.shown.length"), 2);
    assert_clean(&desk);
}

#[test]
fn everything_is_reached_by_keys_alone() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let ids = ["One", "Two", "Three"].map(|subject| desks.create("agent-1", subject));
    desks.notify("agent-1", "The team meets at three");
    let desk = desks.open("agent-1");
    desk.wait("document.querySelectorAll('.row').length === 3");
    let focused = "document.activeElement.dataset.task";
    let order: Vec<String> = serde_json::from_value(
        desk.eval("return [...document.querySelectorAll('.row')].map((row) => row.dataset.task)"),
    )
    .unwrap();

    // j, k and the arrows go through the list and stop at its ends.
    desk.press("j");
    let first = desk.text(focused);
    desk.press("jjjj");
    assert_eq!(desk.text(focused), order[2]);
    desk.press("kkkk\u{e015}");
    assert_eq!(desk.text(focused), order[1]);
    assert!(order.contains(&first));
    assert!(desk.text("document.querySelector('.row[aria-current]').dataset.task") == order[1]);
    // Only one row is in the tab order, then the task's buttons.
    assert_eq!(
        desk.eval("return document.querySelectorAll('.row[tabindex=\"0\"]').length"),
        1
    );
    desk.press(TAB);
    desk.wait("document.activeElement.dataset.deed === 'accept'");
    desk.press(ENTER);
    desk.wait(&row(&order[1], "accepted"));
    // The button is gone; the focus is still on the task.
    desk.wait("document.getElementById('detail').contains(document.activeElement)");

    desk.press("?");
    desk.wait("document.getElementById('help').open");
    desk.press(ESCAPE);
    desk.wait("!document.getElementById('help').open");
    desk.press("n");
    desk.wait("document.activeElement.id === 'notes-title'");
    assert_eq!(desk.text("document.getElementById('unread').textContent"), "1");
    desk.press(ESCAPE);
    desk.wait("document.getElementById('unread').hidden && document.activeElement.id === 'bell'");

    // While somebody types, and when keys are off, letters are letters.
    desk.press("c");
    desk.wait("document.activeElement.id === 'note'");
    desk.press("add just a text");
    assert_eq!(
        desk.text("document.getElementById('note').value"),
        "add just a text"
    );
    desk.press(ESCAPE);
    desk.wait("!document.getElementById('complete').open");
    desk.press("?");
    desk.eval("document.getElementById('shortcuts').click()");
    desk.press(ESCAPE);
    let theme = "getComputedStyle(document.documentElement).backgroundColor";
    let before = desk.text(theme);
    desk.press("t?");
    assert_eq!(desk.text(theme), before);
    assert_eq!(desk.eval("return document.getElementById('help').open"), false);

    // The focused task goes away: the focus goes to its neighbour, and nothing acts on that by itself.
    desk.eval("localStorage.removeItem('trunkline.keys.off')");
    desk.eval("document.querySelector('.row').focus()");
    desk.press("k");
    let focused_task = desk.text(focused);
    desks.request(
        "PATCH",
        &format!("/api/v2/workflows/tasks/{focused_task}"),
        r#"{"state":"canceled"}"#,
    );
    desk.wait(&format!("!{}", row(&focused_task, "")));
    desk.wait("document.activeElement.classList.contains('row')");
    desk.press("a");
    says(&desk, "Choose a task first");
    assert!(ids.contains(&focused_task));
    assert_clean(&desk);
}

#[test]
fn light_and_dark_can_be_read_and_the_choice_is_kept() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    for agent in ["agent-1", "agent-1", "agent-2"] {
        desks.create(agent, "Call back");
    }
    desks.notify("agent-1", "The team meets at three");
    let desk = desks.open("agent-1");
    desk.wait("document.querySelectorAll('.row').length === 2");
    desk.press("ja");
    desk.wait("document.querySelector('.row[data-state=accepted]')");
    let background = "getComputedStyle(document.documentElement).backgroundColor";
    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        desk.prefer(scheme);
        desk.wait(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches"));
        seen.push(desk.text(background));
        for dialog in ["", "help", "snooze", "complete"] {
            if !dialog.is_empty() {
                desk.eval(&format!("document.getElementById('{dialog}').showModal()"));
            }
            assert_readable(&desk, &format!("{scheme} {dialog}"));
            if !dialog.is_empty() {
                desk.eval(&format!("document.getElementById('{dialog}').close()"));
            }
        }
    }
    assert_ne!(seen[0], seen[1]);
    // The system prefers dark, the agent light: that is kept, and there from the first moment.
    desk.press("t");
    assert_eq!(desk.text(background), seen[0]);
    desk.go(&desks.url("agent-1"));
    assert_eq!(desk.text(background), seen[0]);
    assert_clean(&desk);
}

#[test]
fn a_narrow_page_has_all_of_it_and_never_scrolls_sideways() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let long = "Call_back_the_customer_who_was_transferred_".repeat(5);
    let id = desks.create("agent-1", &long);
    desks.notify("agent-1", &long);
    let desk = Browser::start();
    desk.size(360, 740);
    desk.go(&desks.url("agent-1"));
    let desk = ready(desk);
    desk.wait(&row(&id, ""));
    let fits = |what: &str| {
        let widths = desk.eval(
            "return [document.documentElement, document.body, ...document.querySelectorAll('.list, .detail, .notes, dialog[open]')]
                .map((part) => part.scrollWidth - part.clientWidth)",
        );
        let widths: Vec<i64> = serde_json::from_value(widths).unwrap();
        assert!(widths.iter().all(|more| *more <= 0), "{what}: {widths:?}");
    };
    fits("the list");
    desk.press("j");
    desk.press(ENTER);
    desk.wait("document.querySelector('.detail').checkVisibility() && !document.querySelector('.list').checkVisibility()");
    fits("the task");
    for (key, dialog) in [("?", "help"), ("s", "snooze")] {
        desk.press(key);
        desk.wait(&format!("document.getElementById('{dialog}').open"));
        fits(dialog);
        desk.press(ESCAPE);
        desk.wait(&format!("!document.getElementById('{dialog}').open"));
    }
    desk.press("n");
    desk.wait("document.querySelector('.notes').checkVisibility()");
    fits("notifications");
    desk.press(ESCAPE);
    desk.wait("!document.querySelector('.notes').checkVisibility()");
    desk.press(ESCAPE);
    desk.wait(&format!("document.activeElement === {}", row(&id, "")));
    assert_clean(&desk);
}

#[test]
fn a_long_list_scrolls_in_its_place_and_never_the_page() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&["--limits", "off"]);
    for at in 0..25 {
        desks.create("agent-1", &format!("Call back {at}"));
        desks.notify("agent-1", &format!("The team meets at {at}"));
    }
    let desk = desks.open("agent-1");
    desk.wait("document.querySelectorAll('.row').length === 25");
    desk.wait("document.querySelectorAll('#notes-list li[data-unread]').length === 25");
    for (width, height) in [(1440, 900), (1000, 700), (360, 740)] {
        desk.size(width, height);
        desk.wait(&format!("innerWidth === {width}"));
        let more = desk.eval(
            "const page = document.scrollingElement;
             return [page.scrollHeight - innerHeight, page.scrollWidth - innerWidth]",
        );
        assert_eq!(more, json!([0, 0]), "{width} x {height}");
        let list = desk.eval(
            "const list = document.getElementById('list'); return list.scrollHeight > list.clientHeight",
        );
        assert_eq!(list, true, "{width} x {height}");
    }
    assert_clean(&desk);
}

#[test]
fn times_and_the_order_of_tasks_are_told_rightly() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let desk = desks.open("agent-1");
    desk.eval(
        "import('/agent-assets/words.js').then((words) => { window.words = words; });
         import('/agent-assets/model.js').then((model) => { window.model = model; });",
    );
    desk.wait("window.words && window.model");
    let said = desk.eval(
        "const minute = 60000, hour = 60 * minute;
         const { span, due, timeLeft } = window.words;
         return [0, 59999, minute, 59.9 * minute, hour, 2 * hour + 5 * minute, 30 * hour, 72 * hour].map(span)
           .concat([2 * hour, 30000, -1000, -10 * minute].map((at) => due(at, 0)))
           .concat([92000, 120000, 1, 0, -5].map((at) => timeLeft(at, 0)))",
    );
    assert_eq!(
        said,
        json!([
            "0 s",
            "59 s",
            "1 min",
            "59 min",
            "1 h",
            "2 h 5 min",
            "30 h",
            "3 days",
            "in 2 h",
            "in less than 1 min",
            "overdue just now",
            "overdue by 10 min",
            "1 min 32 s left to accept",
            "2 min left to accept",
            "1 s left to accept",
            "time is up",
            "time is up",
        ])
    );
    let kept = desk.eval(
        "const { Desk } = window.model;
         const task = (id, dueDate, priority, more) => ({ id, dueDate, priority, state: 'accepted', assigneeId: 'me', updatedAt: '1', history: [], ...more });
         const desk = new Desk('me');
         desk.load({ agentId: 'me', name: 'Me', cursor: 5, notifications: [], tasks: [
           task('late', '2026-01-03T00:00:00Z', 'Critical'), task('low', '2026-01-02T00:00:00Z', 'Low'),
           task('high', '2026-01-02T00:00:00Z', 'High'), task('offer', '2027-01-01T00:00:00Z', 'Low', { state: 'offered' })] });
         const order = () => desk.inOrder().map((task) => task.id).join(' ');
         const found = [order()];
         const gone = { kind: 'gone', taskId: 'low', what: 'completed' };
         found.push(desk.apply(6, gone)?.kind, desk.apply(6, gone), order());
         found.push(desk.answered(task('low', '2026-01-02T00:00:00Z', 'Low', { updatedAt: '2' })), order());
         found.push(desk.put(task('high', '2026-01-04T00:00:00Z', 'High', { updatedAt: '0' })), order());
         const told = { kind: 'notification', notification: { id: 'n', at: '1' } };
         found.push(desk.apply(7, told)?.kind, desk.apply(8, told), desk.notifications.length, desk.cursor);
         return found",
    );
    assert_eq!(
        kept,
        json!([
            "offer high low late",
            "gone",
            null,
            "offer high late",
            null,
            "offer high late",
            null,
            "offer high late",
            "notification",
            null,
            1,
            8,
        ])
    );
    assert_clean(&desk);
}

#[test]
fn an_agent_that_is_not_there_gets_a_page_that_says_so() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let page = Browser::at(&desks.url("nobody"));
    assert_eq!(
        page.text("document.querySelector('h1').textContent"),
        "There is no such agent"
    );
    assert_clean(&page);
}

#[test]
fn where_others_reach_the_center_a_desktop_opens_with_its_link_only() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&["--listen", "0.0.0.0:0"]);
    let desk = Browser::at(&desks.url("agent-1"));
    assert_eq!(
        desk.text("document.querySelector('h1').textContent"),
        "This desktop is locked"
    );
    assert_clean(&desk);
    let links: Value = serde_json::from_str(&desks.center.admin("GET", "/center/v1/agents", "")).unwrap();
    desk.go(links["agents"][0]["desktop"].as_str().unwrap());
    let desk = ready(desk);
    // The key is in a cookie now, not in the address; it opens this desktop and no other.
    assert_eq!(desk.text("location.search"), "");
    desk.go(&desks.url("agent-1"));
    let desk = ready(desk);
    let id = desks.create("agent-1", "Call back");
    desk.wait(&row(&id, "offered"));
    desk.press("ja");
    desk.wait(&row(&id, "accepted"));
    desk.go(&desks.url("agent-2"));
    assert_eq!(
        desk.text("document.querySelector('h1').textContent"),
        "This desktop is locked"
    );
    assert_clean(&desk);
}
