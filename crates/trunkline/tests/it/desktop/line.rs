//! The line to the center: cut, refused, or dead without a word.

use super::{Desks, assert_clean, ready, row, says};
use crate::{
    browser::{Browser, is_wanted},
    proxy::Proxy,
};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

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

/// As many streams as an agent can have.
const MOST_STREAMS: usize = 8;

/// A stream of an agent's events, held open.
fn stream(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /agent/agent-1/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut status = String::new();
    BufReader::new(&stream).read_line(&mut status).unwrap();
    assert!(status.contains(" 200 "), "{status}");
    stream
}

#[test]
fn a_desktop_too_many_says_so_and_waits_until_there_is_a_place() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let id = desks.create("agent-1", "Call back");
    let streams: Vec<TcpStream> = (0..MOST_STREAMS).map(|_| stream(desks.address())).collect();
    let desk = Browser::at(&desks.url("agent-1"));
    desk.wait("document.getElementById('offline').textContent.includes('Too many desktops are open; close some. Next try in ')");
    // What it could load is there; it asked once why, and the next try is as far away as the center wants.
    desk.wait(&row(&id, "offered"));
    let asked = "performance.getEntriesByType('resource').filter(({ name }) => /[/](desk|events.*)$/.test(name)).map(({ name }) => name.split('/').at(-1).split('?')[0])";
    assert_eq!(
        desk.eval(&format!(
            "return {asked}.filter((name) => name === 'desk').length"
        )),
        1
    );
    let wait = "Number(/Next try in (\\d+) s/.exec(document.getElementById('offline').textContent)?.[1])";
    let wait = desk.eval(&format!("return {wait}"));
    assert!(wait.as_f64().unwrap() >= 5.0, "{wait}");
    drop(streams);
    // The center learns of it when it sends something.
    desks.notify("agent-1", "There is a place now");
    desk.wait("(document.getElementById('retry').click(), document.getElementById('link').dataset.state === 'live')");
    desk.wait("document.getElementById('offline').hidden");
    // A browser tells of each refused stream in its console; the page itself has no fault.
    assert_clean(&desk);
}

/// A center that shows no more than 60 tasks, as far as the page can tell; and how often it was asked.
const SHORT: &str = r#"
window.loads = 0;
const usual = window.fetch;
window.fetch = async (address, options) => {
  const answer = await usual(address, options);
  if (!String(address).endsWith("/desk")) return answer;
  const desk = await answer.json();
  window.loads += 1;
  return Response.json({ ...desk, tasks: desk.tasks.slice(0, 60), more: desk.tasks.length > 60 });
};
"#;

#[test]
fn of_a_list_that_is_cut_short_the_rest_comes_when_it_is_nearly_done() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&["--limits", "off"]);
    let ids: Vec<String> = (0..65)
        .map(|at| desks.create("agent-1", &format!("Task {at}")))
        .collect();
    let desk = Browser::start();
    desk.before_each_page(SHORT);
    desk.go(&desks.url("agent-1"));
    let desk = ready(desk);
    let rows = "document.querySelectorAll('.row').length";
    desk.wait(&format!("{rows} === 60"));
    desk.wait(
        "document.getElementById('list-more').checkVisibility() && document.title.startsWith('(60+) ')",
    );
    let shown = desk.eval("return [...document.querySelectorAll('.row')].map((row) => row.dataset.task)");
    let shown: Vec<String> = serde_json::from_value(shown).unwrap();
    let cancel = |id: &str| {
        let path = format!("/api/v2/workflows/tasks/{id}");
        desks.request("PATCH", &path, r#"{"state":"canceled"}"#);
    };
    shown[..10].iter().for_each(|id| cancel(id));
    desk.wait(&format!("{rows} === 50"));
    assert_eq!(desk.eval("return window.loads"), 1);
    cancel(&shown[10]);
    desk.wait(&format!(
        "{rows} === 54 && document.getElementById('list-more').hidden"
    ));
    for id in ids.iter().filter(|id| !shown[..11].contains(id)) {
        desk.wait(&row(id, "offered"));
    }
    // What was told in full is not asked for again.
    shown[11..20].iter().for_each(|id| cancel(id));
    desk.wait(&format!("{rows} === 45 && document.title.startsWith('(45) ')"));
    assert_eq!(desk.eval("return window.loads"), 2);
    assert_clean(&desk);
}

/// Notes beats; and a clock that can be put forward.
const BEATS: &str = r#"
window.beats = 0;
const listen = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (kind, listener) {
  listen.call(this, kind, (message) => {
    if (kind === "beat") window.beats += 1;
    listener(message);
  });
};
window.later = 0;
const now = Date.now;
Date.now = () => now() + window.later;
"#;

#[test]
fn a_line_that_is_dead_without_a_word_is_noticed() {
    if !is_wanted() {
        return;
    }
    let desks = Desks::start(&[]);
    let proxy = Proxy::to(desks.address());
    let desk = Browser::start();
    desk.before_each_page(BEATS);
    desk.go(&format!("{}/agent/agent-1", proxy.url()));
    let desk = ready(desk);
    // The center says that it is there, in words that a page can hear.
    desk.wait("window.beats > 0");
    proxy.deafen();
    let id = desks.create("agent-1", "Call back");
    // Nothing tells the page so but the silence.
    desk.eval("window.later = 41_000");
    desk.wait(&row(&id, "offered"));
    desk.wait("document.getElementById('link').dataset.state === 'live'");
    assert_clean(&desk);
}
