//! What a build remembers, in the store: prompts as they were built, assets that were sent, jobs that were ordered.
//!
//! Each intent is written before the platform is asked, and what came of it afterwards, so a build that was killed is taken up
//! where it was.

use super::source::Stamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{Commit, Expect, Find, Put, Store, Terms};
use wire::{
    UtcTime,
    ids::{AssetId, CompileId, FlowId, IdempotencyKey, JobId, NodeId, PromptId},
    media::{Encoding, NewCompile},
};

/// The kinds of the records.
const BUILT: &str = "built-prompt";
const SENT: &str = "sent-asset";
const ORDERED: &str = "prompt-job";
/// Most records of a kind that are read for one flow.
const MOST_RECORDS: usize = 50_000;
/// Most records that are removed in one commit.
const MOST_REMOVED: usize = 500;

/// The books of one flow on one platform.
#[derive(Clone)]
pub(super) struct Books {
    store: Store,
    /// The platform and the flow in short, as a term.
    of: String,
    platform: String,
    flow: FlowId,
}

/// A prompt as it was built last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Built {
    /// The prompt.
    pub prompt: PromptId,
    /// What it was made from: SHA-256 over the file, or over the text and the command that says it.
    pub source_sha256: String,
    /// The file as it was then; `None` for texts, and for files that were only just written.
    pub stamp: Option<Stamp>,
    /// What else it depends on, in short.
    pub options: String,
    /// Whether it had to be converted, which a strict build refuses.
    #[serde(default)]
    pub converted: bool,
    /// What serves its nodes: several when it was split. Empty when it never was built.
    pub parts: Vec<BuiltPart>,
    /// When.
    pub at: UtcTime,
    /// Why the last build failed; then the rest is from the build before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A part of a prompt: one file, for one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuiltPart {
    /// The node.
    pub node: NodeId,
    /// What was uploaded.
    pub asset: AssetId,
    /// The compilation.
    pub compile: CompileId,
    /// SHA-256 over the compiled file, which is its name in the folder of compiled files.
    pub compiled_sha256: String,
    /// What it was compiled to.
    pub encoding: Encoding,
    /// How long it is.
    pub duration_ms: u64,
    /// How loud it is, measured here; `None` when it is silent.
    pub loudness_lufs: Option<f64>,
}

/// An upload: intended, and done when the id is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) sha256: String,
    pub(super) asset: Option<AssetId>,
}

/// A compilation: intended, and accepted when the platform's id is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ordered {
    /// When it was intended: of two for one node the later one counts.
    pub(super) at: UtcTime,
    pub(super) job: JobId,
    pub(super) order: NewCompile,
    pub(super) compile: Option<CompileId>,
}

#[derive(Serialize, Deserialize)]
struct OrderedRecord {
    at: UtcTime,
    /// The body of the POST as it was sent, so that a repeat is the same.
    order: String,
    compile: Option<CompileId>,
}

impl Books {
    pub(super) fn new(store: Store, platform: &str, flow: &FlowId) -> Self {
        Self {
            store,
            of: format!("flow:{}", hashed(&[platform, flow.as_str()])),
            platform: platform.to_owned(),
            flow: flow.clone(),
        }
    }

    /// A name for the flow on the platform that can be a file's.
    pub(super) fn name(&self) -> &str {
        self.of.trim_start_matches("flow:")
    }

    /// All prompts that were built for the flow.
    pub(super) async fn built(&self) -> Result<Vec<Built>, store::Error> {
        self.all(BUILT).await
    }

    /// A prompt is built, or failed; with what the audit log is told.
    pub(super) async fn put_built(
        &self,
        built: &Built,
        audit: Vec<audit::Entry>,
    ) -> Result<(), store::Error> {
        let id = hashed(&[&self.platform, self.flow.as_str(), built.prompt.as_str()]);
        self.put(BUILT, id, built, audit).await
    }

    pub(super) async fn sent(&self, sha256: &str) -> Result<Option<Sent>, store::Error> {
        let record = self.store.record(SENT, &self.id_of_sent(sha256)).await?;
        Ok(record.and_then(|record| serde_json::from_str(&record.body).ok()))
    }

    pub(super) async fn put_sent(&self, sent: &Sent, audit: Vec<audit::Entry>) -> Result<(), store::Error> {
        self.put(SENT, self.id_of_sent(&sent.sha256), sent, audit).await
    }

    /// Jobs that were ordered and whose outcome is not in the prompts yet.
    pub(super) async fn ordered(&self) -> Result<Vec<Ordered>, store::Error> {
        let records = self.store.find(&self.find(ORDERED), MOST_RECORDS).await?;
        let read = |found: store::Found| {
            let kept: OrderedRecord = serde_json::from_str(&found.record.body).ok()?;
            Some(Ordered {
                at: kept.at,
                job: found.record.id.parse().ok()?,
                order: NewCompile::parse_for(&kept.order, |_| true, |_| true).ok()?,
                compile: kept.compile,
            })
        };
        Ok(records.into_iter().filter_map(read).collect())
    }

    pub(super) async fn put_ordered(
        &self,
        ordered: &Ordered,
        audit: Vec<audit::Entry>,
    ) -> Result<(), store::Error> {
        let record = OrderedRecord {
            at: ordered.at,
            order: serde_json::to_string(&ordered.order).unwrap_or_default(),
            compile: ordered.compile.clone(),
        };
        self.put(ORDERED, ordered.job.to_string(), &record, audit).await
    }

    /// Jobs whose outcome is known to the prompts, or of no use.
    pub(super) async fn forget_ordered(&self, jobs: &[JobId]) -> Result<(), store::Error> {
        for some in jobs.chunks(MOST_REMOVED) {
            let remove = |job: &JobId| Put {
                kind: ORDERED.into(),
                id: job.to_string(),
                body: None,
                expect: Expect::Any,
            };
            let commit = Commit {
                records: some.iter().map(remove).collect(),
                ..Commit::default()
            };
            self.store.commit(commit).await?;
        }
        Ok(())
    }

    /// Tells the audit log alone.
    pub(super) async fn note(&self, audit: Vec<audit::Entry>) -> Result<(), store::Error> {
        let commit = Commit {
            audit,
            ..Commit::default()
        };
        self.store.commit(commit).await.map(drop)
    }

    /// The key of a job's POST: the same for its repeats, also after a restart.
    pub(super) fn key_of(job: &JobId) -> IdempotencyKey {
        IdempotencyKey::of_parts(&["compile", job.as_str()])
    }

    fn id_of_sent(&self, sha256: &str) -> String {
        hashed(&[&self.platform, sha256])
    }

    fn find(&self, kind: &str) -> Find {
        Find {
            kind: kind.into(),
            term: self.of.clone(),
            ..Find::default()
        }
    }

    async fn all<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, store::Error> {
        let found = self.store.find(&self.find(kind), MOST_RECORDS).await?;
        let read = found
            .iter()
            .filter_map(|found| serde_json::from_str(&found.record.body).ok());
        Ok(read.collect())
    }

    async fn put(
        &self,
        kind: &str,
        id: String,
        what: &impl Serialize,
        audit: Vec<audit::Entry>,
    ) -> Result<(), store::Error> {
        let put = Put {
            kind: kind.into(),
            id: id.clone(),
            body: Some(serde_json::to_string(what).unwrap_or_default()),
            expect: Expect::Any,
        };
        let terms = Terms {
            kind: kind.into(),
            id,
            terms: vec![(self.of.clone(), 0)],
        };
        let commit = Commit {
            records: vec![put],
            terms: vec![terms],
            audit,
            ..Commit::default()
        };
        self.store.commit(commit).await.map(drop)
    }
}

/// Parts as one short name.
fn hashed(parts: &[&str]) -> String {
    IdempotencyKey::of_parts(parts).as_str().to_owned()
}
