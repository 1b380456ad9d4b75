//! What came of a build.

use super::books::BuiltPart;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use wire::ids::{NodeId, PromptId};

/// Where a prompt is in a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is looked at: read, or said.
    Reading,
    /// It is on its way to the platform.
    Uploading,
    /// The platform works on it.
    Compiling,
    /// What came back is listened to.
    Verifying,
    /// It is over, well or not.
    Over,
}

/// What became of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is as it was built before.
    Unchanged,
    /// It was built.
    Built {
        /// What was done to the sound, in a line.
        did: String,
    },
    /// Another prompt serves the node.
    GivesWay {
        /// That one.
        to: PromptId,
    },
    /// It was not built; what was built before goes on serving.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
}

/// One prompt of a build.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptReport {
    /// The prompt.
    pub prompt: PromptId,
    /// Its node.
    pub node: NodeId,
    /// What became of it.
    pub outcome: Outcome,
    /// What serves its node now; several when it was split.
    pub parts: Vec<BuiltPart>,
    /// How long it took, waiting included.
    pub took: Duration,
}

/// What came of a build.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Every prompt of the file, in its order.
    pub prompts: Vec<PromptReport>,
    /// Prompts that were built once and are not in the file any more; the platform still has them.
    pub left_over: Vec<PromptId>,
    /// Nodes that prompts of the file served before, and none does now: the platform still plays there what was built then.
    pub stale: Vec<NodeId>,
    /// What was asked of the platform.
    pub counts: Counts,
    /// How long it took.
    pub took: Duration,
}

/// What was asked of the platform.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Files that were uploaded.
    pub uploaded: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// Files that were uploaded though the platform had them.
    pub uploaded_in_vain: u64,
    /// Files that an earlier build had uploaded.
    pub reused: u64,
    /// Compilations that were ordered.
    pub jobs: u64,
}

impl Report {
    /// How many prompts failed.
    pub fn failures(&self) -> usize {
        let failed = |prompt: &&PromptReport| matches!(prompt.outcome, Outcome::Failed { .. });
        self.prompts.iter().filter(failed).count()
    }
}

/// Counts what a build asks of the platform.
#[derive(Debug, Default)]
pub(super) struct Tally {
    uploaded: AtomicU64,
    uploaded_bytes: AtomicU64,
    uploaded_in_vain: AtomicU64,
    reused: AtomicU64,
    jobs: AtomicU64,
}

impl Tally {
    pub(super) fn uploaded(&self, is_new: bool, bytes: usize) {
        let count = if is_new {
            &self.uploaded
        } else {
            &self.uploaded_in_vain
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.uploaded_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn reused(&self) {
        self.reused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ordered(&self) {
        self.jobs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            uploaded: of(&self.uploaded),
            uploaded_bytes: of(&self.uploaded_bytes),
            uploaded_in_vain: of(&self.uploaded_in_vain),
            reused: of(&self.reused),
            jobs: of(&self.jobs),
        }
    }
}
