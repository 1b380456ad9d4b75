//! The agent's desktop in a real browser, against the real center.
//!
//! Runs only with `TRUNKLINE_TEST_BROWSER=1`, with Debian's packages `chromium` and `chromium-driver`.

use crate::{
    browser::{Browser, ENTER, ESCAPE, TAB, is_wanted},
    desk_looks::assert_readable,
    proxy::Proxy,
    service::{exchange, head},
    support::Center,
};
use serde_json::{Value, json};
use std::{fs, path::Path, thread};

/// A center, and a client that may create tasks.
struct Desks {
    center: Center,
    token: String,
}

impl Desks {
    fn start(more: &[&str]) -> Self {
        Self::of(Center::start(more))
    }

    /// The demo's tenant, whose agents have so long to accept.
    fn with_offers_of(seconds: u32) -> (Self, tempfile::TempDir) {
        const USUAL: &str = "acceptWithinS = 120";
        let folder = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
        let prompts = format!("prompts = {:?}", demo.join("prompts").display().to_string());
        let tenant = fs::read_to_string(demo.join("tenant.toml")).unwrap();
        assert!(tenant.contains(USUAL), "the demo's times have changed");
        let tenant = tenant.replace("prompts = \"prompts\"", &prompts);
        let tenant = tenant.replace(USUAL, &format!("acceptWithinS = {seconds}"));
        let file = folder.path().join("tenant.toml");
        fs::write(&file, tenant).unwrap();
        (Self::start(&["--tenant", file.to_str().unwrap()]), folder)
    }

    fn of(center: Center) -> Self {
        let (id, secret) = (
            &center.environment["CLIENT_ID"],
            &center.environment["CLIENT_SECRET"],
        );
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let length = body.len().to_string();
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", &length),
            ("Connection", "close"),
        ];
        let address = center.environment["TRUNKLINE_URL"]
            .strip_prefix("http://")
            .unwrap();
        let answer = exchange(address, &head("POST", "/oauth/token", &headers), body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { center, token }
    }

    fn address(&self) -> &str {
        self.center.environment["TRUNKLINE_URL"]
            .strip_prefix("http://")
            .unwrap()
    }

    fn url(&self, agent: &str) -> String {
        format!("http://{}/agent/{agent}", self.address())
    }

    /// A desktop that has loaded.
    fn open(&self, agent: &str) -> Browser {
        ready(Browser::at(&self.url(agent)))
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Value {
        let authorization = format!("Bearer {}", self.token);
        let length = body.len().to_string();
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("Content-Length", &length),
            ("Connection", "close"),
        ];
        let answer = exchange(self.address(), &head(method, path, &headers), body.as_bytes());
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// A new task, offered to an agent; gives its id.
    fn create(&self, agent: &str, subject: &str) -> String {
        let task = json!({
            "subject": subject,
            "description": "They waited long.\nCall back.",
            "dueDate": "2099-01-02T09:30:00.000Z",
            "priority": "High",
            "assigneeId": agent,
            "customFields": [{"id": "score", "value": "2"}],
        });
        let task = self.request("POST", "/api/v2/workflows/tasks", &task.to_string());
        task["id"].as_str().unwrap().to_owned()
    }

    fn task(&self, id: &str) -> Value {
        self.request("GET", &format!("/api/v2/workflows/tasks/{id}"), "")
    }

    fn notify(&self, agent: &str, message: &str) {
        let body = json!({"agentId": agent, "message": message, "type": "desktop", "priority": "high"});
        self.request("POST", "/api/v2/notifications/agents", &body.to_string());
    }
}

fn ready(desk: Browser) -> Browser {
    desk.wait("document.body.dataset.ready && document.getElementById('link').dataset.state === 'live'");
    desk
}

/// An expression for a task's row, with a state if one is named.
fn row(id: &str, state: &str) -> String {
    let state = match state {
        "" => String::new(),
        state => format!("[data-state={state}]"),
    };
    format!("document.querySelector('.row[data-task=\"{id}\"]{state}')")
}

fn message(desk: &Browser) -> String {
    desk.text("document.getElementById('message-words').textContent")
}

fn says(desk: &Browser, words: &str) {
    desk.wait(&format!(
        "document.getElementById('message-words').textContent.includes({words:?})"
    ));
}

fn assert_clean(desk: &Browser) {
    assert_eq!(desk.faults(), json!([]));
}

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

/// Notes the number of each event that the page is given.
const COUNT: &str = r#"
window.numbers = [];
const usual = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (kind, listener) {
  usual.call(this, kind, (message) => {
    if (message.lastEventId) window.numbers.push(Number(message.lastEventId));
    listener(message);
  });
};
"#;

#[test]
fn what_was_missed_while_offline_appears_once() {
    if !is_wanted() {
        return;
    }
    let mut desks = Desks::start(&[]);
    let proxy = Proxy::to(desks.address());
    let desk = Browser::start();
    desk.before_each_page(COUNT);
    desk.go(&format!("{}/agent/agent-1", proxy.url()));
    let desk = ready(desk);
    desk.eval("window.isTheSamePage = true");
    let before = desks.create("agent-1", "Before");
    desk.wait(&row(&before, "offered"));
    proxy.cut();
    desk.wait("document.getElementById('link').dataset.state !== 'live'");
    let missed = ["First", "Second", "Third"].map(|subject| desks.create("agent-1", subject));
    desks.notify("agent-1", "Told while away");
    desk.wait("!document.getElementById('offline').hidden");
    assert!(
        desk.text("document.getElementById('link').textContent")
            .contains("offline since")
    );
    // What is asked for now is refused in words, and nothing pretends to have happened.
    desk.press("ja");
    says(&desk, "the center did not answer");
    proxy.mend(desks.address());
    desk.wait("document.getElementById('link').dataset.state === 'live'");
    for id in &missed {
        desk.wait(&row(id, "offered"));
    }
    desk.wait("document.querySelectorAll('#notes-list li').length === 1");

    // The center ends and another takes its place: the page goes on with that.
    proxy.cut();
    desks = Desks::of(desks.center.killed_and_started(|_| {}));
    let after = desks.create("agent-1", "After");
    proxy.mend(desks.address());
    desk.wait(&row(&after, "offered"));
    desk.wait("document.getElementById('link').dataset.state === 'live'");
    let rows = desk.eval("return [...document.querySelectorAll('.row')].map((row) => row.dataset.task)");
    let mut rows: Vec<String> = serde_json::from_value(rows).unwrap();
    rows.sort();
    let mut wanted = [&[before, after][..], &missed].concat();
    wanted.sort();
    assert_eq!(rows, wanted);
    // Five tasks and a notification: no event came twice, and none was left out.
    assert_eq!(desk.eval("return window.numbers"), json!([1, 2, 3, 4, 5, 6]));
    assert_eq!(
        desk.eval("return document.querySelectorAll('#notes-list li').length"),
        1
    );
    assert_eq!(desk.eval("return window.isTheSamePage"), true);
    assert_clean(&desk);
}

#[test]
fn an_offer_that_nobody_accepts_goes_to_the_next_agent_and_then_to_all() {
    if !is_wanted() {
        return;
    }
    let (desks, _folder) = Desks::with_offers_of(2);
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
