//! What can only be seen from inside: the order of ends, what a killed center left, what is removed.

use super::{
    Media, Trouble,
    assets::Upload,
    files::{Files, Kind},
    flow_prompts::{FLOW_PROMPT, MOST_NODES, NodePrompt},
    job::{Job, Made, Outcome},
    jobs::QUEUE,
    sound,
    working::{MOST_UNUSABLE, Working},
};
use crate::clock::Clock;
use audio::PreparedPrompt;
use client::guard::Guard;
use flow::call::leg::Sound;
use std::{collections::HashMap, fs, sync::Arc, time::Duration};
use store::{Commit, Expect, Location, Put, Store, Terms};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use webhooks::Secret;
use wire::{
    ids::{AssetId, CompileId, NodeId},
    media::{Asset, CompileJob, JobStatus, NewCompile, NodeStatus},
};

const PATIENCE: Duration = Duration::from_secs(60);

struct Desk {
    media: Arc<Media>,
    folder: Arc<TempDir>,
}

impl Desk {
    async fn open() -> Self {
        Self::open_in(Arc::new(tempfile::tempdir().unwrap()), "trunkline.db").await
    }

    /// With a database of that name.
    async fn open_in(folder: Arc<TempDir>, database: &str) -> Self {
        let location = Location::Sqlite(folder.path().join(database));
        let media = Media::open(
            Store::open(&location).await.unwrap(),
            folder.path(),
            ["f".parse().unwrap()].into(),
            "http://127.0.0.1:1".into(),
            Guard::default(),
            Secret::generate(&[7; 32]),
            Arc::default(),
        );
        Self {
            media: Arc::new(media.unwrap()),
            folder,
        }
    }

    async fn files(&self) -> Arc<Files> {
        self.media.files().await.unwrap()
    }

    async fn asset(&self, level: i16) -> Asset {
        let samples = (0..1600_i16).map(|n| (n % 40 - 20) * level);
        let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
        let mut bytes = b"RIFF\xa4\x0c\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x80\x0c\0\0".to_vec();
        bytes.extend(data);
        let judged = sound::judge(&bytes).unwrap();
        let upload = Upload {
            name: "a.wav".into(),
            bytes,
        };
        let kept = self.media.keep_asset(upload, judged, &"c".parse().unwrap()).await;
        kept.unwrap().asset
    }

    /// A job for these nodes, each with an asset of its own.
    async fn accept(&self, nodes: &[&str]) -> CompileId {
        let (mut assets, mut entries) = (HashMap::new(), Vec::new());
        for (at, node) in nodes.iter().enumerate() {
            let asset = self.asset(i16::try_from(at).unwrap() + 200).await;
            entries.push(format!(r#"{{"assetId":{:?},"nodeId":{node:?}}}"#, asset.id));
            assets.insert(asset.id.clone(), asset);
        }
        let body = format!(
            r#"{{"flowId":"f","encoding":"pcma","media":[{}]}}"#,
            entries.join(",")
        );
        let request = NewCompile::parse_for(&body, |_| true, |_| true).unwrap();
        let correlation = "c".parse().unwrap();
        let accepted = self.media.accept(&request, &assets, None, &correlation).await;
        accepted.unwrap().id
    }

    async fn job(&self, id: &CompileId) -> Job {
        self.media.job(id).await.unwrap().unwrap().0
    }

    async fn publish(&self, job: &Job, at: usize, sha256: &str) {
        let made = Made {
            sha256: sha256.into(),
            encoding: job.encoding,
            duration_ms: 200,
            loudness_lufs: None,
        };
        let outcome = Outcome::new(&job.entries[at], Ok((made, None)));
        self.media
            .publish(job, at, outcome, Duration::ZERO)
            .await
            .unwrap();
    }

    async fn serving(&self, node: &str) -> NodePrompt {
        let flow = "f".parse().unwrap();
        self.media.node_prompt(&flow, node).await.unwrap().unwrap()
    }

    /// Works until the job is over.
    async fn work(&self, id: &CompileId) -> CompileJob {
        let closing = CancellationToken::new();
        let worker = self.media.store.join().await.unwrap();
        let working = Working::start(self.media.clone(), worker, closing.clone());
        let over = loop {
            let told = self.media.tell(id).await.unwrap();
            if told.status.is_over() {
                break told;
            }
            tokio::task::yield_now().await;
        };
        closing.cancel();
        working.close().await;
        over
    }
}

fn sha(letter: char) -> String {
    letter.to_string().repeat(64)
}

#[tokio::test]
async fn a_job_that_ends_last_does_not_replace_one_that_was_accepted_later() {
    let desk = Desk::open().await;
    let (first, second) = (desk.accept(&["n", "m"]).await, desk.accept(&["n"]).await);
    let (first, second) = (desk.job(&first).await, desk.job(&second).await);
    assert!(first.order < second.order);
    desk.publish(&second, 0, &sha('b')).await;
    desk.publish(&first, 0, &sha('a')).await;
    desk.publish(&first, 1, &sha('c')).await;
    assert_eq!(desk.serving("n").await.made.sha256, sha('b'));
    assert_eq!(desk.serving("m").await.made.sha256, sha('c'));
    let told = desk.media.tell(&first.id).await.unwrap();
    assert_eq!(told.results[0].status, NodeStatus::Ready);
    assert!(told.results[0].message.as_ref().unwrap().contains("later"));
    assert_eq!(told.results[1].message, None);
}

#[tokio::test]
async fn a_job_goes_on_where_a_killed_center_left_it() {
    let desk = Desk::open().await;
    let id = desk.accept(&["a", "b", "c"]).await;
    // Another process claimed it, did one entry, and was killed.
    let dead = desk.media.store.join().await.unwrap();
    let claims = dead.claim(QUEUE, 1).await.unwrap();
    assert_eq!(claims[0].effect.event, id.to_string());
    let mut job = desk.job(&id).await;
    job.status = JobStatus::Running;
    desk.media
        .store
        .commit(super::jobs::running(&job, 1))
        .await
        .unwrap();
    desk.publish(&job, 1, &sha('b')).await;
    drop(dead);
    // Meanwhile an asset is deleted: its bytes stay as long as the job needs them.
    let asset = job.entries[0].asset_id.clone();
    desk.media
        .delete_asset(&asset, &"c".parse().unwrap())
        .await
        .unwrap();
    desk.media.remove_old(Duration::ZERO).await.unwrap();
    let told = desk.work(&id).await;
    assert_eq!(told.status, JobStatus::Completed);
    let uri = |at: usize| told.results[at].download_uri.clone().unwrap();
    assert_eq!(told.results.len(), 3);
    assert!(
        uri(1).ends_with(&format!("{}.wav", sha('b'))),
        "what was done is not done again"
    );
    assert!(
        told.results
            .iter()
            .all(|result| result.status == NodeStatus::Ready)
    );
}

#[tokio::test]
async fn an_asset_whose_file_is_gone_fails_alone() {
    let desk = Desk::open().await;
    let id = desk.accept(&["a", "b"]).await;
    let job = desk.job(&id).await;
    fs::remove_file(desk.files().await.path(Kind::Asset, &job.entries[0].sha256)).unwrap();
    let told = desk.work(&id).await;
    assert_eq!(told.status, JobStatus::Completed);
    assert_eq!(told.results[0].status, NodeStatus::Failed);
    assert!(told.results[0].message.as_ref().unwrap().contains("is gone"));
    assert_eq!(told.results[1].status, NodeStatus::Ready);
}

#[tokio::test]
async fn a_call_hears_the_library_when_what_was_compiled_can_not_be_had() {
    let desk = Desk::open().await;
    let id = desk.accept(&["n"]).await;
    desk.work(&id).await;
    let library = PreparedPrompt::new(&audio::Sound {
        rate: 8000,
        samples: vec![0.1; 160],
    });
    let hears = async |library: Option<&PreparedPrompt>| {
        let (flow, prompt) = ("f".parse().unwrap(), "n".parse().unwrap());
        match desk.media.sound(&flow, &prompt, library.cloned()).await {
            Sound::Ready(prompt) => Ok(prompt.frames()),
            Sound::Failed(why) => Err(why),
            Sound::Loading => panic!("it is there"),
        }
    };
    let path = {
        let sha256 = desk.serving("n").await.made.sha256;
        desk.files().await.path(Kind::Compiled, &sha256)
    };
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(hears(Some(&library)).await, Ok(1));
    assert!(hears(None).await.unwrap_err().contains("is gone"));
    fs::write(&path, bytes).unwrap();
    for library in [Some(&library), None] {
        assert!(hears(library).await.unwrap() > 1);
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_read_now_may_be_later() {
    let desk = Desk::open().await;
    let id = desk.accept(&["a", "b"]).await;
    let path = {
        let sha256 = &desk.job(&id).await.entries[0].sha256;
        desk.files().await.path(Kind::Asset, sha256)
    };
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    // What stands there is no file.
    fs::create_dir(&path).unwrap();
    let worker = desk.media.store.join().await.unwrap();
    let mut claim = worker.claim(QUEUE, 1).await.unwrap().remove(0);
    let closing = CancellationToken::new();
    for _ in 0..2 {
        let trouble = desk.media.work_on(&claim, PATIENCE, &closing).await;
        assert!(matches!(trouble, Err(Trouble::Files(_))), "{trouble:?}");
    }
    let told = desk.media.tell(&id).await.unwrap();
    assert_eq!(told.status, JobStatus::Running);
    let states: Vec<_> = told
        .results
        .iter()
        .map(|result| (result.node_id.as_str(), result.status))
        .collect();
    assert_eq!(states, [("b", NodeStatus::Ready)]);
    drop(worker);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    assert_eq!(desk.work(&id).await.results[0].status, NodeStatus::Ready);

    // In the end it is given up.
    let id = desk.accept(&["c"]).await;
    let path = desk
        .files()
        .await
        .path(Kind::Asset, &desk.job(&id).await.entries[0].sha256);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let worker = desk.media.store.join().await.unwrap();
    claim = worker.claim(QUEUE, 1).await.unwrap().remove(0);
    claim.body = MOST_UNUSABLE.to_string();
    desk.media.work_on(&claim, PATIENCE, &closing).await.unwrap();
    let told = desk.media.tell(&id).await.unwrap();
    assert_eq!(told.status, JobStatus::Failed);
    let message = told.results[0].message.clone().unwrap();
    assert!(message.contains("can't be read"), "{message}");
}

#[tokio::test]
async fn after_its_slice_a_job_lets_those_that_wait_go_first() {
    let desk = Desk::open().await;
    let (first, second) = (desk.accept(&["a"]).await, desk.accept(&["b"]).await);
    let worker = desk.media.store.join().await.unwrap();
    let closing = CancellationToken::new();
    for turn in [&first, &second, &first] {
        let claim = worker.claim(QUEUE, 1).await.unwrap().remove(0);
        assert_eq!(claim.effect.event, turn.to_string());
        desk.media
            .work_on(&claim, Duration::ZERO, &closing)
            .await
            .unwrap();
    }
    let claim = worker.claim(QUEUE, 1).await.unwrap().remove(0);
    // At the end of the process it keeps its place.
    closing.cancel();
    desk.media
        .work_on(&claim, Duration::ZERO, &closing)
        .await
        .unwrap();
    assert_eq!(worker.claim(QUEUE, 1).await.unwrap()[0].effect, claim.effect);
}

#[tokio::test]
async fn files_go_when_no_record_names_them() {
    let desk = Desk::open().await;
    let id = desk.accept(&["n"]).await;
    let told = desk.work(&id).await;
    let asset: AssetId = told.results[0].asset_id.clone();
    let file = desk.serving("n").await.made.sha256;
    let files = desk.files().await;
    let there = |kind: Kind| files_in(&files, kind);
    assert_eq!(desk.media.remove_old(Duration::ZERO).await.unwrap(), 0);
    desk.media
        .delete_asset(&asset, &"c".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        desk.media.remove_old(Duration::from_secs(60)).await.unwrap(),
        0,
        "it is young"
    );
    assert_eq!(desk.media.remove_old(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(
        (there(Kind::Asset), there(Kind::Compiled)),
        (0, 1),
        "it serves a node"
    );
    // The next compilation takes its place; the job's results still name the file, for a month.
    let next = desk.job(&desk.accept(&["n"]).await).await;
    desk.publish(&next, 0, &sha('d')).await;
    desk.media.remove_old(Duration::ZERO).await.unwrap();
    assert!(files.path(Kind::Compiled, &file).exists());
    desk.media.remove_jobs(Duration::ZERO).await.unwrap();
    desk.media.remove_old(Duration::ZERO).await.unwrap();
    assert!(!files.path(Kind::Compiled, &file).exists());
    assert!(desk.media.job(&id).await.unwrap().is_none());
    assert!(desk.media.outcomes(&id).await.unwrap().is_empty());
}

fn files_in(files: &Files, kind: Kind) -> usize {
    files.old(kind, Duration::ZERO).unwrap().len()
}

#[tokio::test]
async fn databases_over_one_folder_remove_nothing_of_each_other() {
    let one = Desk::open().await;
    let other = Desk::open_in(one.folder.clone(), "other.db").await;
    let id = one.accept(&["n"]).await;
    other.asset(1).await;
    let told = one.work(&id).await;
    assert_eq!(other.media.remove_old(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(one.media.remove_old(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(told.results[0].status, NodeStatus::Ready);
    let again = Desk::open_in(one.folder.clone(), "trunkline.db").await;
    for desk in [&one, &again] {
        let files = desk.files().await;
        assert_eq!(
            (files_in(&files, Kind::Asset), files_in(&files, Kind::Compiled)),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn a_job_that_is_not_over_stays_however_old_it_is() {
    let desk = Desk::open().await;
    let (open, over) = (desk.accept(&["n"]).await, desk.accept(&["m"]).await);
    // Only one is worked on: the other's item is held by somebody else.
    let other = desk.media.store.join().await.unwrap();
    let claims = other.claim(QUEUE, 1).await.unwrap();
    assert_eq!(claims[0].effect.event, open.to_string());
    desk.work(&over).await;
    desk.media.remove_jobs(Duration::from_secs(60)).await.unwrap();
    assert!(
        desk.media.job(&over).await.unwrap().is_some(),
        "it was over just now"
    );
    desk.media.remove_jobs(Duration::ZERO).await.unwrap();
    assert!(desk.media.job(&over).await.unwrap().is_none());
    assert!(desk.media.outcomes(&over).await.unwrap().is_empty());
    assert!(desk.media.job(&open).await.unwrap().is_some());
}

#[tokio::test]
async fn all_open_jobs_are_seen_however_many_there_are_and_though_some_have_one_time() {
    let desk = Desk::open().await;
    let template = desk.job(&desk.accept(&["n"]).await).await;
    let accepted = template.accepted;
    // Seven of one millisecond, then one each.
    for at in 0..12_i64 {
        let later = Duration::from_millis(u64::try_from((at - 6).max(0)).unwrap());
        let mut job = Job {
            id: CompileId::from_uuid(uuid::Uuid::now_v7()),
            accepted: accepted.after(later),
            ..template.clone()
        };
        job.entries[0].sha256 = format!("{at:064}");
        let commit = Commit {
            intents: Vec::new(),
            ..super::jobs::accepted(&job)
        };
        desk.media.store.commit(commit).await.unwrap();
    }
    for portion in [1, 2, 3, 5, 8, 13, 100] {
        let seen = desk.media.in_open_jobs(portion).await.unwrap();
        assert_eq!(seen.len(), 13, "in portions of {portion}");
    }
}

#[tokio::test]
async fn a_flow_has_so_many_nodes_and_no_more() {
    let desk = Desk::open().await;
    let job = desk.job(&desk.accept(&["one more", "node-1"]).await).await;
    let nodes: Vec<usize> = (0..MOST_NODES).collect();
    for portion in nodes.chunks(1000) {
        let mut commit = Commit::default();
        for node in portion {
            let node: NodeId = format!("node-{node}").parse().unwrap();
            let (record, terms) = seeded(&node);
            commit.records.push(record);
            commit.terms.push(terms);
        }
        desk.media.store.commit(commit).await.unwrap();
    }
    desk.publish(&job, 0, &sha('a')).await;
    desk.publish(&job, 1, &sha('b')).await;
    let told = desk.media.tell(&job.id).await.unwrap();
    assert_eq!(told.results[0].status, NodeStatus::Failed);
    assert!(told.results[0].message.as_ref().unwrap().contains("10000"));
    assert_eq!(told.results[0].download_uri, None);
    assert_eq!(
        told.results[1].status,
        NodeStatus::Ready,
        "it has that node already"
    );
    assert_eq!(desk.serving("node-1").await.made.sha256, sha('b'));
}

/// A node that was served before.
fn seeded(node: &NodeId) -> (Put, Terms) {
    let prompt = NodePrompt {
        node_id: node.clone(),
        asset_id: "a".parse().unwrap(),
        compile_id: "comp_0".parse().unwrap(),
        order: 0,
        made: Made {
            sha256: sha('0'),
            encoding: "ulaw".parse().unwrap(),
            duration_ms: 1,
            loudness_lufs: None,
        },
        date_modified: Clock::utc_ms(),
    };
    let id = format!("f\n{node}");
    let put = Put {
        kind: FLOW_PROMPT.into(),
        id: id.clone(),
        body: Some(super::books::text(&prompt)),
        expect: Expect::Absent,
    };
    let terms = Terms {
        kind: FLOW_PROMPT.into(),
        id,
        terms: vec![("flow\nf".into(), 0)],
    };
    (put, terms)
}
