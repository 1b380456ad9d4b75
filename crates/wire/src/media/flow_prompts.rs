//! Which compiled prompt serves which node: `GET /api/v2/flows/{id}/prompts`.

use super::Encoding;
use crate::{
    UtcTime,
    ids::{AssetId, CompileId, FlowId, NodeId},
};
use serde::{Deserialize, Serialize};

/// The prompt of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowPrompt {
    /// The node.
    pub node_id: NodeId,
    /// What it was compiled from.
    pub asset_id: AssetId,
    /// The compilation.
    pub compile_id: CompileId,
    /// Where the compiled file is.
    pub download_uri: String,
    /// What it was compiled to.
    pub encoding: Encoding,
    /// How long it is.
    pub duration_ms: u64,
    /// How loud it is; absent when it is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness_lufs: Option<f64>,
    /// Since when it serves the node.
    pub date_modified: UtcTime,
}

/// The prompts of a flow, by node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowPrompts {
    /// The flow.
    pub flow_id: FlowId,
    /// Each node once, in the order of their ids.
    pub prompts: Vec<FlowPrompt>,
}
