//! The delta sync, against platforms and sinks that tests make up, with a real store and real files.

mod anew;
mod desk;
mod platform;
mod sinks;
mod tickets;

use client::{Http, testing::ScriptedHttp};
use flow::tickets::Template;
use jobs::sync::{Settings, SignIn, SyncError, Walked, Work, sync};
use platform::Platform;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc, time::Duration};
use store::{EntryFilter, Location, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A platform, a store, and a folder for files.
struct Rig {
    platform: Platform,
    store: Store,
    folder: TempDir,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("trunkline.db"));
        Self {
            platform: Platform::default(),
            store: Store::open(&location).await.unwrap(),
            folder,
        }
    }

    fn work(&self, to: &str) -> Work {
        Work::new(self.platform.transport(), self.store.clone(), to.parse().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("changes.jsonl")
    }

    /// Syncs to the file.
    async fn sync(&self, settings: Settings) -> Result<Walked, SyncError> {
        let to = format!("jsonl:{}", self.file().display());
        run(self.work(&to), settings).await
    }

    /// Syncs to a web address that is answered by `http`.
    async fn post(&self, http: &Arc<ScriptedHttp>, settings: Settings) -> Result<Walked, SyncError> {
        self.post_to("https://sink.example/hook", http, settings).await
    }

    async fn post_to(
        &self,
        to: &str,
        http: &Arc<ScriptedHttp>,
        settings: Settings,
    ) -> Result<Walked, SyncError> {
        let work = Work {
            http: Some(http.clone() as Arc<dyn Http>),
            ..self.work(to)
        };
        run(work, settings).await
    }

    /// Syncs to a ticketing system.
    async fn tickets(&self, http: &Arc<ScriptedHttp>, template: &Arc<Template>) -> Result<Walked, SyncError> {
        let work = Work {
            http: Some(http.clone() as Arc<dyn Http>),
            template: Some(template.clone()),
            sign_in: SignIn::bearer(&"desk-token".to_owned().into()),
            ..self.work("https://desk.example")
        };
        run(work, Settings::default()).await
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The conversations of the file, each with one line.
    fn each_once(&self) -> BTreeSet<String> {
        let ids = self.change_ids();
        let different: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
        different
    }

    fn change_ids(&self) -> Vec<String> {
        self.lines()
            .iter()
            .map(|line| line["changeId"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn run(work: Work, settings: Settings) -> Result<Walked, SyncError> {
    sync(work, settings, CancellationToken::new(), |_| {}).await
}

fn pages_of(size: usize) -> Settings {
    Settings {
        page_size: size,
        ..Settings::default()
    }
}

#[tokio::test]
async fn each_change_is_a_line_once_with_all_that_was_said() {
    let rig = Rig::new().await;
    for number in 0..7 {
        rig.platform.say(&format!("c{number}"), &["hi", "hello"]);
    }
    let walked = rig.sync(pages_of(3)).await.unwrap();
    assert_eq!((walked.pages, walked.changes, walked.interactions), (3, 7, 14));
    let first = &rig.lines()[0];
    assert_eq!(first["changeId"], "c0@1");
    assert_eq!(first["conversation"]["id"], "c0");
    assert_eq!(first["interactions"][1]["text"], "hello");

    let again = rig.sync(pages_of(3)).await.unwrap();
    assert_eq!(
        (again.changes, again.known),
        (0, 7),
        "what is in the overlap is known"
    );
    rig.platform.say("c3", &["again"]);
    let more = rig.sync(pages_of(3)).await.unwrap();
    assert_eq!((more.changes, more.interactions), (1, 3));
    assert_eq!(rig.change_ids().last().unwrap(), "c3@2");
}

#[tokio::test]
async fn a_platform_that_can_not_expand_is_asked_for_the_rest() {
    let rig = Rig::new().await;
    rig.platform.change(|state| state.expands = false);
    let many: Vec<String> = (0..250).map(|number| format!("text {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    rig.platform.say("long", &many);
    rig.platform.say("short", &["hi"]);
    let walked = rig.sync(Settings::default()).await.unwrap();
    assert_eq!((walked.changes, walked.interactions), (2, 251));
    assert_eq!(rig.lines()[0]["interactions"][249]["text"], "text 249");
}

#[tokio::test]
async fn a_conversation_that_is_longer_than_a_page_shows_is_read_to_its_end() {
    let rig = Rig::new().await;
    let many: Vec<String> = (0..230).map(|number| format!("text {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    rig.platform.say("long", &many);
    let walked = rig.sync(Settings::default()).await.unwrap();
    assert_eq!(walked.interactions, 230);
    let numbers: Vec<u64> = rig.lines()[0]["interactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|said| said["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=230).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_counted_and_the_rest_goes_on() {
    let rig = Rig::new().await;
    rig.platform.change(|state| state.expands = false);
    rig.platform.say("gone", &["hi"]);
    rig.platform.say("here", &["hi"]);
    rig.platform.change(|state| state.gone.push("gone".into()));
    let walked = rig.sync(Settings::default()).await.unwrap();
    assert_eq!((walked.changes, walked.gone), (1, 1));
    assert_eq!(rig.change_ids(), ["here@1"]);
}

#[tokio::test]
async fn what_tells_of_a_person_is_masked_unless_it_is_not_to_be() {
    let rig = Rig::new().await;
    rig.platform
        .say("c", &["I am ann@example.com, 4111 1111 1111 1111"]);
    rig.sync(Settings::default()).await.unwrap();
    assert_eq!(
        rig.lines()[0]["interactions"][0]["text"],
        "I am a**@example.com, 4111 11** **** 1111"
    );
    fs::remove_file(rig.file()).unwrap();
    let open = Settings {
        masked: false,
        since: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        ..Settings::default()
    };
    rig.sync(open).await.unwrap();
    assert_eq!(
        rig.lines()[0]["interactions"][0]["text"],
        "I am ann@example.com, 4111 1111 1111 1111"
    );
}

#[tokio::test]
async fn since_begins_there_and_doubles_nothing_in_a_file() {
    let rig = Rig::new().await;
    for number in 0..5 {
        rig.platform.say(&format!("c{number}"), &["hi"]);
    }
    rig.sync(Settings::default()).await.unwrap();
    let since = Settings {
        since: Some(rig.platform.updated("c2")),
        ..Settings::default()
    };
    let walked = rig.sync(since).await.unwrap();
    assert_eq!((walked.changes, walked.known), (0, 3));
    assert_eq!(rig.change_ids().len(), 5);
}

#[tokio::test]
async fn a_link_that_repeats_ends_with_an_error_and_what_came_before_is_synced() {
    let rig = Rig::new().await;
    for number in 0..6 {
        rig.platform.say(&format!("c{number}"), &["hi"]);
    }
    rig.platform
        .change(|state| state.link = Some("/api/v2/conversations?cursor=1&pageSize=2".into()));
    let failed = tokio::time::timeout(Duration::from_secs(20), rig.sync(pages_of(2))).await;
    let failed = failed.expect("it does not go on for ever").unwrap_err();
    assert!(failed.to_string().contains("was read"), "{failed}");
    assert!(rig.change_ids().len() >= 2);
    rig.platform.change(|state| state.link = None);
    rig.sync(pages_of(2)).await.unwrap();
    let mut ids = rig.change_ids();
    ids.sort();
    assert_eq!(ids, ["c0@1", "c1@1", "c2@1", "c3@1", "c4@1", "c5@1"]);
}

#[tokio::test]
async fn each_walk_is_in_the_audit_log() {
    let rig = Rig::new().await;
    rig.platform.say("c", &["secret words"]);
    rig.sync(Settings::default()).await.unwrap();
    rig.platform.change(|state| state.status = Some(403));
    rig.sync(Settings::default()).await.unwrap_err();
    let entries = rig.store.entries(&EntryFilter::default(), 10).await.unwrap();
    let mut shown: Vec<Value> = entries
        .iter()
        .map(|kept| serde_json::from_str(kept.leaf.as_deref().unwrap()).unwrap())
        .collect();
    shown.sort_by_key(|entry| entry["index"].as_u64());
    assert_eq!(
        (&shown[0]["action"], &shown[0]["outcome"]),
        (&"sync.walked".into(), &"success".into())
    );
    assert_eq!(shown[0]["detail"]["changes"], 1);
    assert_eq!(
        (&shown[1]["action"], &shown[1]["outcome"]),
        (&"sync.failed".into(), &"failure".into())
    );
    assert!(!format!("{shown:?}").contains("secret words"));
}

#[tokio::test]
async fn a_sync_that_is_stopped_delivers_what_is_on_its_way() {
    let rig = Rig::new().await;
    for number in 0..50 {
        rig.platform.say(&format!("c{number}"), &["hi"]);
    }
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let to = format!("jsonl:{}", rig.file().display());
    let walked = sync(rig.work(&to), pages_of(5), stop, move |_| stopping.cancel())
        .await
        .unwrap();
    assert!(walked.interrupted && walked.changes < 50, "{walked:?}");
    assert_eq!(rig.change_ids().len() as u64, walked.changes);
    rig.sync(pages_of(5)).await.unwrap();
    assert_eq!(rig.change_ids().len(), 50);
}

#[tokio::test]
async fn a_sync_that_follows_sees_what_comes_and_outlives_failures() {
    let rig = Rig::new().await;
    rig.platform.say("c0", &["hi"]);
    let stop = CancellationToken::new();
    let follow = Settings {
        follow: Some(Duration::from_millis(100)),
        ..Settings::default()
    };
    let to = format!("jsonl:{}", rig.file().display());
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let following = tokio::spawn(sync(rig.work(&to), follow, stop.clone(), move |walked| {
        let _ = told.send(walked.changes);
    }));
    let mut reaches = async |wanted: u64| {
        while heard.recv().await.expect("it goes on") < wanted {}
    };
    reaches(1).await;
    rig.platform.change(|state| state.failures = 2);
    rig.platform.say("c1", &["hi"]);
    reaches(2).await;
    rig.platform.say("c0", &["again"]);
    reaches(3).await;
    stop.cancel();
    assert_eq!(following.await.unwrap().unwrap().changes, 3);
    assert_eq!(rig.change_ids(), ["c0@1", "c1@1", "c0@2"]);
}
