//! `trunkline bot sync --template`: conversations as tickets, by the templates in `demo/sync`, against servers that answer as such systems do.

mod apis;

use crate::{
    bot_sync::Town,
    support::{stderr, stdout, wait_for},
};
use apis::{Desk, JIRA, System, ZENDESK};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Conversations of a town.
const CONVERSATIONS: u64 = 2;
/// What is said in each of them.
const SAID: [&str; 2] = ["where is my order?", "it is 4711"];
/// More requests than a sync of them needs.
const MOST_REQUESTS: u64 = 60;

/// `trunkline --json bot sync` to a system, in this data folder.
fn sync(town: &Town, folder: &str, desk: &Desk, system: System) -> Command {
    let template = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../demo/sync")
        .join(system.template);
    let mut command = town.sync_in(
        folder,
        &desk.url(),
        &["--template", &template.display().to_string()],
    );
    command.envs(system.environment.iter().copied());
    command
}

fn synced(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Some conversations with two messages each; the first is closed.
fn town() -> Town {
    let town = Town::of(CONVERSATIONS);
    for number in 0..CONVERSATIONS {
        SAID.iter().for_each(|text| town.say(number, text));
    }
    town.close(0);
    town
}

/// There is a ticket for each conversation, with a comment for each message, and in its status.
fn all_is_there_once(desk: &Desk, system: System, what: &str) {
    let state = desk.state();
    assert!(state.refused.is_empty(), "{what}: {:?}", state.refused);
    assert_eq!(
        state.tickets.len() as u64,
        CONVERSATIONS,
        "{what}: {:?}",
        state.tickets
    );
    for ticket in state.tickets.values() {
        let said: Vec<&str> = ticket
            .comments
            .iter()
            .filter_map(|text| text.strip_prefix("Customer: "))
            .map(|text| text.lines().next().unwrap())
            .collect();
        assert_eq!(said, SAID, "{what}: {ticket:?}");
    }
    let closed = state
        .tickets
        .values()
        .filter(|ticket| ticket.status == system.closed);
    assert_eq!(closed.count(), 1, "{what}: {:?}", state.tickets);
}

fn whole_life(system: System) {
    let (town, desk) = (town(), Desk::start(system));
    let told = synced(sync(&town, "synced", &desk, system));
    assert_eq!(told["changes"], CONVERSATIONS);
    all_is_there_once(&desk, system, "after the first sync");
    town.say(1, "thank you");
    assert_eq!(synced(sync(&town, "synced", &desk, system))["changes"], 1);
    let thanked = |desk: &Desk| {
        let state = desk.state();
        let all = state.tickets.values().flat_map(|ticket| ticket.comments.clone());
        all.filter(|text| text.starts_with("Customer: thank you")).count()
    };
    assert_eq!(thanked(&desk), 1);
    let requests = desk.state().requests;
    assert_eq!(synced(sync(&town, "synced", &desk, system))["changes"], 0);
    assert_eq!(
        desk.state().requests,
        requests,
        "nothing changed, nothing is asked"
    );
    // Who remembers nothing finds all of it by asking.
    assert_eq!(
        synced(sync(&town, "other", &desk, system))["changes"],
        CONVERSATIONS
    );
    assert_eq!(thanked(&desk), 1);
}

/// A sync is killed after each request in turn, which was carried out and not answered, and another goes on.
fn killed_everywhere(system: System) {
    let town = town();
    for hangs_at in 1..MOST_REQUESTS {
        let desk = Desk::start(system);
        desk.state().hangs_at = Some(hangs_at);
        let folder = format!("killed-{hangs_at}");
        let mut process = sync(&town, &folder, &desk, system)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ended = wait_for("a request that hangs, or the end", || {
            match desk.hangs.try_recv() {
                Ok(()) => Some(None),
                Err(_) => process.try_wait().unwrap().map(Some),
            }
        });
        process.kill().unwrap();
        process.wait().unwrap();
        let what = format!("killed at request {hangs_at}");
        if ended.is_none() {
            synced(sync(&town, &folder, &desk, system));
        }
        all_is_there_once(&desk, system, &what);
        if let Some(ended) = ended {
            assert!(ended.success());
            assert!(hangs_at > 5 * CONVERSATIONS, "it was killed at every request");
            return;
        }
    }
    panic!("there were more requests than kills");
}

#[test]
fn conversations_become_tickets_of_an_api_like_zendesks() {
    whole_life(ZENDESK);
}

#[test]
fn conversations_become_issues_of_an_api_like_jiras() {
    whole_life(JIRA);
}

#[test]
fn a_sync_to_an_api_like_zendesks_that_is_killed_anywhere_doubles_nothing() {
    killed_everywhere(ZENDESK);
}

#[test]
fn a_sync_to_an_api_like_jiras_that_is_killed_anywhere_doubles_nothing() {
    killed_everywhere(JIRA);
}

#[test]
fn a_sync_beside_another_is_told_at_once_and_doubles_nothing() {
    let (town, desk) = (town(), Desk::start(JIRA));
    desk.state().hangs_at = Some(3);
    let mut first = sync(&town, "synced", &desk, JIRA)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("a request that hangs", || desk.hangs.try_recv().ok());
    let requests = desk.state().requests;
    let second = sync(&town, "synced", &desk, JIRA).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&second.stdout).unwrap();
    let told = told["error"].as_str().unwrap();
    let process = format!(
        "another sync to {}/ is running (process {}); wait for its end",
        desk.url(),
        first.id()
    );
    assert!(told.contains(&process), "{told}");
    assert_eq!(desk.state().requests, requests, "the second one asks nothing");
    first.kill().unwrap();
    first.wait().unwrap();
    synced(sync(&town, "synced", &desk, JIRA));
    all_is_there_once(&desk, JIRA, "after both");
}

#[test]
fn a_system_that_does_not_know_us_is_told_as_such_and_the_secret_is_not_told() {
    let (town, desk) = (Town::of(1), Desk::start(JIRA));
    let mut command = sync(&town, "synced", &desk, JIRA);
    let output = command.env("JIRA_TOKEN", "hunter2").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output) + &stderr(&output);
    assert!(
        told.contains("401") && told.contains("check what it is to know us by"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
    assert!(desk.state().tickets.is_empty());
    let mut command = sync(&town, "synced", &desk, JIRA);
    let output = command.env_remove("JIRA_TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output) + &stderr(&output);
    assert!(told.contains("JIRA_TOKEN is not set"), "{told}");
}
