//! Which compiled prompt serves which node: `GET /api/v2/flows/{id}/prompts`.

use super::{
    Media, Trouble, books,
    job::{Job, Made, Outcome},
    jobs::of_file,
    parse_id,
};
use crate::{app::App, clock::Clock};
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use server::{Json, Refusal};
use std::sync::Arc;
use store::{Expect, Find, Put, Terms};
use wire::{
    UtcTime,
    ids::{AssetId, CompileId, FlowId, NodeId},
    media::{FlowPrompt, FlowPrompts},
};

/// The kind of the records.
pub(super) const FLOW_PROMPT: &str = "flow-prompt";
/// Most nodes of a flow that prompts are compiled for.
pub(super) const MOST_NODES: usize = 10_000;

/// The prompt of a node as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodePrompt {
    pub(super) node_id: NodeId,
    pub(super) asset_id: AssetId,
    pub(super) compile_id: CompileId,
    /// The number of its job: one with a greater number takes its place.
    pub(super) order: i64,
    pub(super) made: Made,
    pub(super) date_modified: UtcTime,
}

/// What a result does to the flow.
pub(super) enum Serving {
    /// It serves its node with this.
    Now(Box<Served>),
    /// A job that was accepted later does.
    Later,
    /// The flow has too many nodes.
    Full(String),
    /// It failed: whatever served the node goes on.
    Nothing,
}

/// What lets a result serve its node.
pub(super) struct Served {
    pub(super) record: Put,
    pub(super) terms: Terms,
}

fn of_flow_term(flow: &FlowId) -> String {
    format!("flow\n{flow}")
}

/// The id of a node's record. Ids have no control characters, so that the parts don't run together.
fn record_id(flow: &FlowId, node: &str) -> String {
    format!("{flow}\n{node}")
}

impl Media {
    /// What the result of an entry does to the flow as it is now.
    pub(super) async fn serving(&self, job: &Job, outcome: &Outcome) -> Result<Serving, store::Error> {
        let Some(made) = outcome.made.clone() else {
            return Ok(Serving::Nothing);
        };
        let id = record_id(&job.flow_id, outcome.node_id.as_str());
        let expect = match self.store.record(FLOW_PROMPT, &id).await? {
            Some(record) => {
                let there: Option<NodePrompt> = books::read(&record.body);
                if there.is_some_and(|there| there.order > job.order) {
                    return Ok(Serving::Later);
                }
                Expect::Version(record.version)
            }
            None => {
                let nodes = self.store.count(FLOW_PROMPT, &of_flow_term(&job.flow_id)).await?;
                if nodes >= MOST_NODES as u64 {
                    let why = format!(
                        "the flow {:?} has prompts for {MOST_NODES} nodes, which is the most",
                        job.flow_id
                    );
                    return Ok(Serving::Full(why));
                }
                Expect::Absent
            }
        };
        let terms = vec![(of_flow_term(&job.flow_id), 0), (of_file(&made.sha256), 0)];
        let prompt = NodePrompt {
            node_id: outcome.node_id.clone(),
            asset_id: outcome.asset_id.clone(),
            compile_id: job.id.clone(),
            order: job.order,
            made,
            date_modified: Clock::utc_ms(),
        };
        Ok(Serving::Now(Box::new(Served {
            record: Put {
                kind: FLOW_PROMPT.into(),
                id: id.clone(),
                body: Some(books::text(&prompt)),
                expect,
            },
            terms: Terms {
                kind: FLOW_PROMPT.into(),
                id,
                terms,
            },
        })))
    }

    /// What serves a node, if a prompt was compiled for it.
    pub(super) async fn node_prompt(
        &self,
        flow: &FlowId,
        node: &str,
    ) -> Result<Option<NodePrompt>, store::Error> {
        let record = self.store.record(FLOW_PROMPT, &record_id(flow, node)).await?;
        Ok(record.and_then(|record| books::read(&record.body)))
    }

    /// The prompts of a flow, by node.
    async fn node_prompts(&self, flow: &FlowId) -> Result<Vec<NodePrompt>, store::Error> {
        let find = Find {
            kind: FLOW_PROMPT.into(),
            term: of_flow_term(flow),
            ..Find::default()
        };
        let found = self.store.find(&find, MOST_NODES).await?;
        let read = found.iter().filter_map(|found| books::read(&found.record.body));
        let mut prompts: Vec<NodePrompt> = read.collect();
        // Databases have orders of their own for texts.
        prompts.sort_by(|a, b| a.node_id.cmp(&b.node_id));
        Ok(prompts)
    }

    /// The nodes of every flow that compiled prompts serve.
    pub(crate) async fn nodes_by_flow(&self) -> Result<Vec<(FlowId, Vec<NodeId>)>, store::Error> {
        let mut all = Vec::new();
        for flow in &self.flows {
            let nodes = self
                .node_prompts(flow)
                .await?
                .into_iter()
                .map(|prompt| prompt.node_id);
            all.push((flow.clone(), nodes.collect()));
        }
        Ok(all)
    }
}

/// `GET /api/v2/flows/{id}/prompts`.
pub(crate) async fn of_flow(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<FlowPrompts>, Refusal> {
    let media = &app.media;
    let flow_id: FlowId = parse_id("flow", &id)?;
    if !media.has_flow(&flow_id) {
        return Err(Trouble::NoFlow(flow_id).refusal());
    }
    let kept = media.node_prompts(&flow_id).await;
    let kept = kept.map_err(|error| Trouble::from(error).refusal())?;
    let prompt = |kept: NodePrompt| FlowPrompt {
        download_uri: media.uri_of(&kept.made.sha256),
        node_id: kept.node_id,
        asset_id: kept.asset_id,
        compile_id: kept.compile_id,
        encoding: kept.made.encoding,
        duration_ms: kept.made.duration_ms,
        loudness_lufs: kept.made.loudness_lufs,
        date_modified: kept.date_modified,
    };
    let prompts = kept.into_iter().map(prompt).collect();
    Ok(Json(StatusCode::OK, FlowPrompts { flow_id, prompts }))
}
