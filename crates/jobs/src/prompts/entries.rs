//! What a build notes in the audit log: an entry for each asset, job and prompt, with how long it took and why it failed.

use super::books::Ordered;
use audit::{Actor, Entry, Outcome};
use client::Uploaded;
use serde_json::{Value, json};
use std::time::Duration;
use wire::{
    UtcTime,
    ids::PromptId,
    media::{CompileJob, NodeStatus},
};

/// The longest reason that is kept, in characters.
const LONGEST_WHY: usize = 1000;
/// Most reasons of one job that are kept.
const MOST_CAUSES: usize = 20;

pub(super) fn uploaded(name: &str, sha256: &str, bytes: usize, took: Duration, uploaded: &Uploaded) -> Entry {
    let asset = &uploaded.asset;
    let detail = json!({"sha256": sha256, "bytes": bytes, "latencyMs": ms(took), "isNew": uploaded.is_new,
        "durationMs": asset.duration_ms});
    named(
        name,
        entry("asset_uploaded", asset.id.as_str(), Outcome::Success, detail),
    )
}

pub(super) fn not_uploaded(name: &str, sha256: &str, took: Duration, why: &client::Error) -> Entry {
    let detail = json!({"latencyMs": ms(took), "cause": short(&why.to_string())});
    named(name, entry("asset_failed", sha256, Outcome::Failure, detail))
}

pub(super) fn ordered(ordered: &Ordered) -> Entry {
    let nodes: Vec<_> = ordered
        .order
        .media
        .iter()
        .map(|entry| entry.node_id.as_str())
        .collect();
    let detail = json!({"flowId": ordered.order.flow_id, "nodes": nodes, "encoding": ordered.order.encoding});
    entry("job_ordered", ordered.job.as_str(), Outcome::Success, detail)
}

/// A job is over: its availability is the share of its assets that serve their nodes.
pub(super) fn job_over(ordered: &Ordered, told: &CompileJob, took: Duration) -> Entry {
    let ready = told
        .results
        .iter()
        .filter(|result| result.status == NodeStatus::Ready)
        .count();
    let failed = told
        .results
        .iter()
        .filter(|result| result.status == NodeStatus::Failed);
    let causes: Vec<Value> = failed
        .take(MOST_CAUSES)
        .map(|result| json!({"nodeId": result.node_id, "cause": short(result.message.as_deref().unwrap_or("not told"))}))
        .collect();
    let all = ordered.order.media.len();
    let availability = ready as f64 / all.max(1) as f64;
    let outcome = if ready == all {
        Outcome::Success
    } else {
        Outcome::Failure
    };
    let detail = json!({"compileId": told.id, "status": told.status, "latencyMs": ms(took), "assets": all, "ready": ready,
        "availability": availability, "causes": causes});
    entry("job_over", ordered.job.as_str(), outcome, detail)
}

pub(super) fn job_failed(ordered: &Ordered, took: Duration, why: &str) -> Entry {
    let detail = json!({"latencyMs": ms(took), "assets": ordered.order.media.len(), "availability": 0.0, "cause": short(why)});
    entry("job_failed", ordered.job.as_str(), Outcome::Failure, detail)
}

pub(super) fn built(prompt: &PromptId, took: Duration, detail: Value) -> Entry {
    let mut detail = detail;
    detail["latencyMs"] = ms(took).into();
    entry("built", prompt.as_str(), Outcome::Success, detail)
}

pub(super) fn not_built(prompt: &PromptId, took: Duration, why: &str) -> Entry {
    let detail = json!({"latencyMs": ms(took), "cause": short(why)});
    entry("failed", prompt.as_str(), Outcome::Failure, detail)
}

/// With the name of a file: people write all kinds of things into those.
fn named(name: &str, entry: Entry) -> Entry {
    Entry {
        personal: vec![("name".to_owned(), short(name))],
        ..entry
    }
}

fn entry(verb: &str, subject: &str, outcome: Outcome, detail: Value) -> Entry {
    Entry {
        at: now(),
        actor: Actor::Prompts,
        action: format!("prompt.{verb}"),
        subject: Some(subject.to_owned()),
        correlation: None,
        outcome,
        detail: detail.as_object().cloned().unwrap_or_default(),
        personal: Vec::new(),
    }
}

pub(super) fn now() -> UtcTime {
    jiff::Timestamp::now().into()
}

fn ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn short(why: &str) -> String {
    why.chars().take(LONGEST_WHY).collect()
}
