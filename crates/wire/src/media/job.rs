//! A compilation: what `GET /api/v2/media/compile/{id}` answers, and what the webhook carries.

use super::Encoding;
use crate::{
    ids::{AssetId, CompileId, FlowId, JobId, NodeId},
    words::words,
};
use serde::{Deserialize, Serialize};

words! {
    /// Where a job is.
    JobStatus {
        /// It waits for a worker.
        Queued = "QUEUED",
        /// Assets are compiled.
        Running = "RUNNING",
        /// It is over, and at least one node is served.
        Completed = "COMPLETED",
        /// It is over, and nothing came of it.
        Failed = "FAILED",
    }
}

impl JobStatus {
    /// Whether nothing more will come.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

words! {
    /// What became of an asset.
    NodeStatus {
        /// It serves its node.
        Ready = "READY",
        /// It does not; the message says why.
        Failed = "FAILED",
    }
}

/// What became of one asset for one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeResult {
    /// The asset.
    pub asset_id: AssetId,
    /// The node.
    pub node_id: NodeId,
    /// Whether it is served.
    pub status: NodeStatus,
    /// Where the compiled file is: a path of the platform, or a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_uri: Option<String>,
    /// What it was compiled to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// How long it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How loud it is (integrated, ITU-R BS.1770); absent when it is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness_lufs: Option<f64>,
    /// Why it failed, or what is remarkable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompileJob {
    /// The platform's id, `comp_...`.
    pub id: CompileId,
    /// The id that its sender gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The flow whose nodes are served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<FlowId>,
    /// Where it is.
    pub status: JobStatus,
    /// What became of each asset, as far as that is known.
    #[serde(default)]
    pub results: Vec<NodeResult>,
    /// What is to be said of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_uri: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_is_written_and_unknown_states_are_refused() {
        let text = r#"{"id":"comp_1","flowId":"f","status":"COMPLETED","results":[{"assetId":"a","nodeId":"n","status":"READY","downloadUri":"/x","encoding":"ulaw","durationMs":1200,"loudnessLufs":-19.1}]}"#;
        let job: CompileJob = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&job).unwrap(), text);
        assert!(serde_json::from_str::<CompileJob>(&text.replace("READY", "DONE")).is_err());
    }
}
