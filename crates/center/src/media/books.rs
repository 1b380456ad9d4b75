//! Prompts in the audit log, and records as texts.

use super::{
    job::{Job, Outcome},
    sound,
};
use crate::{clock::Clock, tasks::keepable};
use audit::{Actor, Entry, Outcome as CameOut};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::time::Duration;
use wire::{
    Faults, UtcTime,
    ids::{AssetId, CorrelationId},
    media::{Asset, JobStatus},
};

/// A record's text: texts and numbers can always be written as JSON.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What a record says.
pub(super) fn read<T: DeserializeOwned>(body: &str) -> Option<T> {
    serde_json::from_str(body)
        .inspect_err(|error| tracing::error!(%error, "a record of prompts can't be read"))
        .ok()
}

fn entry(action: &str, at: UtcTime, subject: Option<String>, outcome: CameOut, detail: Value) -> Entry {
    let detail = match detail {
        Value::Object(detail) => detail,
        _ => Map::new(),
    };
    Entry {
        at,
        actor: Actor::Center,
        action: action.to_owned(),
        subject,
        correlation: None,
        outcome,
        detail,
        personal: Vec::new(),
    }
}

/// `asset.uploaded`. People write all kinds of things into the names of files.
pub(super) fn asset_uploaded(asset: &Asset, correlation: &CorrelationId) -> Entry {
    let detail = json!({"sha256": asset.sha256, "format": asset.format, "size": asset.size,
                        "sampleRate": asset.sample_rate, "channels": asset.channels,
                        "durationMs": asset.duration_ms});
    let subject = Some(asset.id.to_string());
    Entry {
        correlation: Some(correlation.clone()),
        personal: vec![("name".to_owned(), keepable(&asset.name))],
        ..entry(
            "asset.uploaded",
            Clock::utc_ms(),
            subject,
            CameOut::Success,
            detail,
        )
    }
}

/// `asset.repeated`: somebody sent what is an asset already.
pub(super) fn asset_repeated(asset: &Asset, correlation: &CorrelationId) -> Entry {
    let subject = Some(asset.id.to_string());
    let detail = json!({"sha256": asset.sha256});
    Entry {
        correlation: Some(correlation.clone()),
        ..entry(
            "asset.repeated",
            Clock::utc_ms(),
            subject,
            CameOut::Success,
            detail,
        )
    }
}

/// `asset.refused`, with everything that is wrong with it.
pub(super) fn asset_refused(
    name: Option<&str>,
    sha256: Option<&str>,
    faults: &Faults,
    correlation: &CorrelationId,
) -> Entry {
    let causes: Vec<String> = faults.as_slice().iter().map(|fault| keepable(fault)).collect();
    let detail = json!({"sha256": sha256, "causes": causes});
    Entry {
        correlation: Some(correlation.clone()),
        personal: name
            .map(|name| ("name".to_owned(), keepable(name)))
            .into_iter()
            .collect(),
        ..entry("asset.refused", Clock::utc_ms(), None, CameOut::Failure, detail)
    }
}

/// `asset.deleted`.
pub(super) fn asset_deleted(id: &AssetId, correlation: &CorrelationId) -> Entry {
    Entry {
        correlation: Some(correlation.clone()),
        ..entry(
            "asset.deleted",
            Clock::utc_ms(),
            Some(id.to_string()),
            CameOut::Success,
            json!({}),
        )
    }
}

/// `compile.asked`.
pub(super) fn job_asked(job: &Job) -> Entry {
    let detail = json!({"flowId": job.flow_id, "jobId": job.job_id, "encoding": job.encoding,
                        "entries": job.entries.len(), "callback": job.webhook_url.is_some()});
    of_job(job, "compile.asked", job.accepted, CameOut::Success, detail)
}

/// `compile.result`: of one asset for one node. `took` is what it took to compile.
pub(super) fn came_out(job: &Job, outcome: &Outcome, took: Duration) -> Entry {
    let mut detail =
        json!({"assetId": outcome.asset_id, "nodeId": outcome.node_id, "latencyMs": millis(took)});
    let came_out = match &outcome.made {
        Some(made) => {
            detail["sha256"] = json!(made.sha256);
            detail["durationMs"] = json!(made.duration_ms);
            CameOut::Success
        }
        None => {
            detail["cause"] = json!(outcome.message.as_deref().map(keepable));
            CameOut::Failure
        }
    };
    of_job(job, "compile.result", Clock::utc_ms(), came_out, detail)
}

/// `compile.over`: availability is the share of the entries that are ready; latency is counted from the request.
pub(super) fn job_over(job: &Job, outcomes: &[Outcome], at: UtcTime) -> Entry {
    let ready = outcomes.iter().filter(|outcome| outcome.made.is_some()).count();
    let availability = ready as f64 / outcomes.len().max(1) as f64;
    let detail = json!({"flowId": job.flow_id, "jobId": job.job_id, "entries": outcomes.len(), "ready": ready,
                        "availability": sound::rounded(availability, 1000.0),
                        "latencyMs": millis(at.since(job.accepted))});
    let came_out = match job.status {
        JobStatus::Failed => CameOut::Failure,
        _ => CameOut::Success,
    };
    of_job(job, "compile.over", at, came_out, detail)
}

fn of_job(job: &Job, action: &str, at: UtcTime, outcome: CameOut, detail: Value) -> Entry {
    Entry {
        correlation: job.correlation.clone(),
        ..entry(action, at, Some(job.id.to_string()), outcome, detail)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
