//! `trunkline bot sync`: to a file, a web hook, and a PostgreSQL database.

mod database;

use crate::{
    receiver::{Receiver, Reply},
    support::{Center, stderr, stdout, wait_for},
};
use client::{Conversations, Endpoint, Error, Platform, Transport};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};
use tokio::runtime::{Builder, Runtime};
use wire::{
    conversation::{
        ConversationChange, InteractionsAsked, MOST_ASKED, NewConversation, NewInteraction, State,
    },
    ids::ConversationId,
    oauth::Credentials,
};

/// Conversations of a town.
const CONVERSATIONS: u64 = 40;
/// Who changes them at the same time.
const WRITERS: u64 = 3;

/// A center in which people talk.
pub(crate) struct Town {
    center: Center,
    conversations: Conversations,
    runtime: Runtime,
}

/// Who talks until they are asked to end.
pub(crate) struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

impl Town {
    /// With some conversations.
    pub(crate) fn new() -> Self {
        Self::of(CONVERSATIONS)
    }

    /// With so many conversations.
    pub(crate) fn of(conversations: u64) -> Self {
        let center = Center::start(&["--limits", "off"]);
        let town = Self {
            conversations: crate::bot_sync::conversations(&center),
            runtime: runtime(),
            center,
        };
        for number in 0..conversations {
            town.runtime
                .block_on(change(&town.conversations, number, number))
                .unwrap();
        }
        town
    }

    /// `trunkline --json bot sync`, in a data folder of its own.
    pub(crate) fn sync(&self, to: &str, more: &[&str]) -> Command {
        self.sync_in("synced", to, more)
    }

    /// The same in this data folder.
    pub(crate) fn sync_in(&self, folder: &str, to: &str, more: &[&str]) -> Command {
        let place = ["--json", "bot", "sync", "--data-dir", folder, "--to", to];
        self.center.client(&[&place, more].concat())
    }

    fn synced(&self, to: &str, more: &[&str]) -> Value {
        let output = self.sync(to, more).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What `trunkline --json bot report` says.
    pub(crate) fn report(&self, more: &[&str]) -> Value {
        let report = ["--json", "bot", "report", "--data-dir", "synced"];
        let output = self.center.client(&[&report, more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A file that a command wrote.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.center.folder.path().join(name)
    }

    pub(crate) fn say(&self, number: u64, text: &str) {
        let message = NewInteraction::message("user-1".parse().unwrap(), text);
        let id = id(number);
        let posted = self.conversations.post(&id, &message);
        self.runtime.block_on(posted).unwrap();
    }

    /// Makes a conversation with this bot, whether there is one or not.
    pub(crate) fn begin_with_bot(&self, number: u64, bot: &str) {
        let body = json!({"id": id(number), "type": "webchat", "participants": [
            {"id": "user-1", "direction": "inbound"},
            {"id": format!("bot-{bot}"), "direction": "outbound", "profile": {"botInstanceId": bot}}]});
        let created = NewConversation::parse(&body.to_string()).unwrap();
        self.runtime
            .block_on(self.conversations.create(&created))
            .unwrap();
    }

    /// Another command against the center.
    pub(crate) fn client(&self, args: &[&str]) -> Command {
        self.center.client(args)
    }

    pub(crate) fn close(&self, number: u64) {
        let to_closed = ConversationChange::to(State::Closed);
        let id = id(number);
        let changed = self.conversations.change(&id, &to_closed, None);
        self.runtime.block_on(changed).unwrap();
    }

    /// The lines of the file `changes.jsonl`.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file("changes.jsonl")).unwrap();
        assert!(text.ends_with('\n'));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Changes conversations until it is ended.
    pub(crate) fn change_on(&self) -> Writers {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..WRITERS).map(|writer| {
            let (stop, conversations) = (stop.clone(), conversations(&self.center));
            thread::spawn(move || {
                let runtime = runtime();
                let mut changes = 0;
                while !stop.load(Ordering::Relaxed) {
                    // A walk through all of them that is another one for each writer.
                    let number = (changes * 7 + writer * 13) % CONVERSATIONS;
                    runtime.block_on(change(&conversations, number, changes)).unwrap();
                    changes += 1;
                }
                changes
            })
        });
        Writers {
            threads: threads.collect(),
            stop,
        }
    }

    /// The ids of the changes that are listed now.
    pub(crate) fn change_ids(&self) -> Vec<String> {
        let id_of = |number| {
            let id = id(number);
            let known = self
                .runtime
                .block_on(self.conversations.get(&id))
                .unwrap()
                .unwrap();
            format!("{id}@{}", known.version)
        };
        (0..CONVERSATIONS).map(id_of).collect()
    }

    /// Asserts that these are the newest changes of all conversations.
    pub(crate) fn is_equal_to(&self, newest: &BTreeMap<String, Value>) {
        assert_eq!(newest.len() as u64, CONVERSATIONS);
        for number in 0..CONVERSATIONS {
            let id = id(number);
            let (conversation, said) = self.runtime.block_on(whole(&self.conversations, &id));
            let change = &newest[id.as_str()];
            assert_eq!(change["conversation"]["version"], conversation["version"], "{id}");
            assert_eq!(change["conversation"]["state"], conversation["state"], "{id}");
            assert_eq!(change["interactions"], said, "{id}");
        }
    }
}

impl Writers {
    /// Ends it; gives how many changes were made.
    pub(crate) fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    }
}

/// The last line of each conversation.
pub(crate) fn last_lines(lines: &[Value]) -> BTreeMap<String, Value> {
    let of = |line: &Value| {
        (
            line["conversation"]["id"].as_str().unwrap().to_owned(),
            line.clone(),
        )
    };
    lines.iter().map(of).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn conversations(center: &Center) -> Conversations {
    let value = |name: &str| center.environment[name].clone();
    let credentials = Credentials {
        client_id: value("CLIENT_ID").parse().unwrap(),
        client_secret: value("CLIENT_SECRET").into(),
    };
    let endpoint = Endpoint::new(&value("TRUNKLINE_URL")).unwrap();
    Conversations::new(&Transport::connect(Platform::new(endpoint, credentials)).unwrap())
}

fn id(number: u64) -> ConversationId {
    format!("conv-{number}").parse().unwrap()
}

/// Makes the conversation, says something in it, or moves it to another state.
async fn change(conversations: &Conversations, number: u64, turn: u64) -> Result<(), Error> {
    let id = id(number);
    let Some(known) = conversations.get(&id).await? else {
        let body = json!({"id": id, "type": "webchat", "participants": [
            {"id": "user-1", "direction": "inbound", "profile": {"firstName": "Ann"}}]});
        return ignore_races(
            conversations
                .create(&NewConversation::parse(&body.to_string()).unwrap())
                .await,
        );
    };
    match (known.state, turn % 5) {
        (State::Active, 4) => ignore_races(
            conversations
                .change(&id, &ConversationChange::to(State::Closed), None)
                .await,
        ),
        (State::Closed, _) => ignore_races(
            conversations
                .change(&id, &ConversationChange::to(State::Active), None)
                .await,
        ),
        _ => {
            let message = NewInteraction::message("user-1".parse().unwrap(), format!("message {turn}"));
            ignore_races(conversations.post(&id, &message).await)
        }
    }
}

/// Another writer was faster.
fn ignore_races<T>(done: Result<T, Error>) -> Result<(), Error> {
    match done {
        Err(error) if matches!(error.status(), Some(400 | 409)) => Ok(()),
        other => other.map(drop),
    }
}

/// A conversation as the platform has it, and all that was said.
async fn whole(conversations: &Conversations, id: &ConversationId) -> (Value, Value) {
    let conversation = conversations.get(id).await.unwrap().unwrap();
    let mut said = Vec::new();
    loop {
        let asked = InteractionsAsked {
            limit: MOST_ASKED,
            after: Some(said.len() as u64),
            ..InteractionsAsked::default()
        };
        let more = conversations.interactions(id, &asked).await.unwrap();
        if more.is_empty() {
            break;
        }
        said.extend(more);
    }
    (
        serde_json::to_value(conversation).unwrap(),
        serde_json::to_value(said).unwrap(),
    )
}

#[test]
fn a_file_gets_each_change_once() {
    let town = Town::new();
    let first = town.synced("jsonl:changes.jsonl", &["--page-size", "7"]);
    assert_eq!(first["changes"], CONVERSATIONS);
    assert_eq!(town.synced("jsonl:changes.jsonl", &[])["changes"], 0);
    town.say(3, "where is my order? My card is 4111 1111 1111 1111");
    assert_eq!(town.synced("jsonl:changes.jsonl", &[])["changes"], 1);
    let lines = town.lines();
    assert_eq!(lines.len() as u64, CONVERSATIONS + 1);
    let said = &lines.last().unwrap()["interactions"];
    assert!(said.to_string().contains("4111 11** **** 1111"), "{said}");
}

#[test]
fn a_sync_that_follows_ends_with_ctrl_c_when_all_is_delivered() {
    let town = Town::new();
    let receiver = Receiver::start(|_| 200);
    let mut following = town.sync(&receiver.url(), &["--follow", "--every", "100ms"]);
    let following = following
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    receiver.wait_for(CONVERSATIONS as usize);
    town.say(1, "hi");
    let last = receiver.wait_for(CONVERSATIONS as usize + 1).pop().unwrap();
    let body: Value = serde_json::from_str(&last.body).unwrap();
    assert_eq!(body["changeId"], last.header("idempotency-key"));
    assert_eq!(body["conversation"]["id"], "conv-1");
    let pid = following.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = following.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["changes"], CONVERSATIONS + 1);
}

#[test]
fn a_sink_that_says_no_fails_the_sync_and_the_next_one_goes_on() {
    let town = Town::new();
    let refusing = Receiver::start(|body| if body.contains("\"conv-20\"") { 400 } else { 200 });
    let url = refusing.url();
    let failed = town.sync(&url, &["--page-size", "5"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert!(told["error"].as_str().unwrap().contains("400"), "{told}");
    let taken = refusing.requests().len();
    let again = town.sync(&url, &["--page-size", "5"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    let repeated = refusing.requests().len() - taken;
    assert!(
        repeated <= 15,
        "what was delivered is not sent again: {taken}, then {repeated}"
    );
}

#[test]
fn a_sink_that_asks_for_too_long_a_pause_is_told_as_such_and_not_asked_again() {
    let town = Town::of(1);
    let busy = Receiver::answering(|_, _| Reply::With(429, "Retry-After: 7200".into(), ""));
    let failed = town.sync(&busy.url(), &[]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&failed.stdout).unwrap();
    let told = told["error"].as_str().unwrap();
    assert!(
        told.contains("429") && told.contains("a pause of 7200 s"),
        "{told}"
    );
    assert_eq!(busy.requests().len(), 1);
}

#[test]
fn two_syncs_to_one_file_do_not_mix() {
    let town = Town::new();
    let mut following = town.sync("jsonl:changes.jsonl", &["--follow"]);
    let mut following = following
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the file", || fs::read_to_string(town.file("changes.jsonl")).ok());
    let second = town.sync("jsonl:changes.jsonl", &[]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(stdout(&second).contains("another sync"), "{}", stdout(&second));
    following.kill().unwrap();
    following.wait().unwrap();
    let third = town.synced("jsonl:changes.jsonl", &[]);
    assert!(third["changes"].as_u64().unwrap() <= CONVERSATIONS);
    assert_eq!(town.lines().len() as u64, CONVERSATIONS);
}

#[test]
fn what_can_not_be_done_is_told_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| crate::support::run(folder.path(), &[&["bot", "sync"], args].concat());
    for wrong in [
        &["--to", "changes.jsonl"][..],
        &["--to", "jsonl:"],
        &["--to", "jsonl:x", "--every", "soon"],
        &["--to", "jsonl:x", "--batch", "0"],
        &["--to", "jsonl:x", "--overlap", "2h"],
        &[],
    ] {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", stderr(&output));
    }
    let secret = run(&["--to", "postgre://u:hunter2@db/x"]);
    assert_eq!(secret.status.code(), Some(2));
    fs::write(folder.path().join("t.toml"), "[find]\npath = 'x'\n").unwrap();
    let template = run(&["--to", "http://127.0.0.1:9/", "--template", "t.toml"]);
    assert_eq!(template.status.code(), Some(1));
    assert!(
        stderr(&template).contains("t.toml:2:8: path must begin with /"),
        "{}",
        stderr(&template)
    );
    let pointless = run(&["--to", "jsonl:x", "--template", "t.toml"]);
    assert_eq!(pointless.status.code(), Some(1));
    assert!(!folder.path().join("trunkline-data").exists(), "nothing was made");
}
