//! kill -9 of syncs at random moments, while others change conversations: every change is at the sink, and applied once.

use super::{Random, kills};
use crate::{
    bot_sync::{Town, last_lines},
    postgres::Database,
    receiver::{Receiver, Reply, Request},
    support::stderr,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// Kills that come before or after the sync do not count; so often it is tried for each that does.
const MOST_TRIES: u32 = 10;
/// How long kills may take; a machine that is too slow for all of them has had some.
const LONGEST: Duration = Duration::from_secs(90);
/// How often the writers pause, so that what is listed then must come.
const ROUNDS: u32 = 2;

#[test]
fn syncs_to_a_file_that_are_killed_lose_nothing_and_write_nothing_twice() {
    let town = Town::new();
    let command = || town.sync("jsonl:changes.jsonl", &["--page-size", "7"]);
    let listed = storm(&town, command);
    let lines = town.lines();
    let ids: BTreeSet<String> = lines
        .iter()
        .map(|line| line["changeId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), lines.len(), "each change is in the file once");
    assert_eq!(
        listed.difference(&ids).next(),
        None,
        "each change that stayed is there"
    );
    town.is_equal_to(&last_lines(&lines));
    eprintln!("{} changes in the file", lines.len());
}

#[test]
fn syncs_to_a_web_hook_that_are_killed_lose_nothing_and_are_applied_once() {
    let town = Town::new();
    let sink = Sink::default();
    let takes = sink.clone();
    // It is slow, fails, is busy, and its answers get lost.
    let receiver = Receiver::answering(move |request, _| takes.take(request));
    let url = receiver.url();
    let command = || town.sync(&url, &["--page-size", "20", "--batch", "3"]);
    let listed = storm(&town, command);
    let applied = sink.applied.lock().unwrap();
    let missed = listed.iter().find(|id| !applied.contains_key(*id));
    assert_eq!(missed, None, "each change that stayed is there");
    let mut newest: BTreeMap<String, Value> = BTreeMap::new();
    for change in applied.values() {
        let conversation = &change["conversation"];
        let id = conversation["id"].as_str().unwrap().to_owned();
        let version = |change: &Value| change["conversation"]["version"].as_u64();
        if newest
            .get(&id)
            .is_none_or(|known| version(known) < version(change))
        {
            newest.insert(id, change.clone());
        }
    }
    town.is_equal_to(&newest);
    eprintln!(
        "{} changes applied of {} that came",
        applied.len(),
        *sink.came.lock().unwrap()
    );
}

#[test]
fn syncs_to_a_database_that_are_killed_lose_nothing() {
    let Some(database) = Database::new() else { return };
    let town = Town::new();
    storm(&town, || town.sync(database.url(), &["--page-size", "7"]));
    town.is_in_table(database.url());
}

/// Syncs while conversations change, is killed and syncs again, until so many were killed in their midst, and to its end while nothing
/// changes; in several rounds. Gives the ids of the changes that were listed when nothing changed.
fn storm(town: &Town, command: impl Fn() -> Command) -> BTreeSet<String> {
    let mut random = Random::new();
    let until = Instant::now() + LONGEST;
    let mut listed = BTreeSet::new();
    for round in 1..=ROUNDS {
        storm_once(town, &command, &mut random, until);
        finish(&command);
        listed.extend(town.change_ids());
        eprintln!("round {round}: {} changes were listed in pauses", listed.len());
    }
    let again = finish(&command);
    assert_eq!(again["changes"], 0, "all is there: {again}");
    listed
}

fn storm_once(town: &Town, command: &impl Fn() -> Command, random: &mut Random, until: Instant) {
    let begun = Instant::now();
    finish(command);
    let longest = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let writers = town.change_on();
    let (wanted, mut killed) = (kills().div_ceil(ROUNDS), 0);
    for _ in 0..wanted * MOST_TRIES {
        if killed == wanted || Instant::now() > until {
            break;
        }
        let mut sync = command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(random.below(longest * 2)));
        killed += u32::from(sync.try_wait().unwrap().is_none());
        sync.kill().unwrap();
        sync.wait().unwrap();
    }
    assert!(
        killed == wanted || Instant::now() > until,
        "{killed} of {wanted} kills in the midst of a sync of {longest} us"
    );
    assert!(killed > 0, "a sync takes {longest} us");
    let changes = writers.end();
    eprintln!("{killed} kills while conversations were changed {changes} times");
}

/// A sync to its end.
fn finish(command: &impl Fn() -> Command) -> Value {
    let output = command().output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a web hook applied, by change id, and how many changes came.
#[derive(Clone, Default)]
struct Sink {
    applied: Arc<Mutex<BTreeMap<String, Value>>>,
    came: Arc<Mutex<u64>>,
    requests: Arc<Mutex<u64>>,
}

impl Sink {
    fn take(&self, request: &Request) -> Reply {
        let number = {
            let mut requests = self.requests.lock().unwrap();
            *requests += 1;
            *requests
        };
        assert!(!request.header("idempotency-key").is_empty());
        match number % 17 {
            3 => return Reply::Status(500),
            5 => return Reply::With(429, "Retry-After: 0".into(), ""),
            7 => thread::sleep(Duration::from_millis(30)),
            _ => {}
        }
        let body: Value = serde_json::from_str(&request.body).unwrap();
        for change in body["changes"].as_array().unwrap() {
            *self.came.lock().unwrap() += 1;
            let id = change["changeId"].as_str().unwrap().to_owned();
            self.applied
                .lock()
                .unwrap()
                .entry(id)
                .or_insert_with(|| change.clone());
        }
        // It was applied, and nobody hears of it.
        if number % 17 == 11 {
            Reply::Status(502)
        } else {
            Reply::Status(200)
        }
    }
}
