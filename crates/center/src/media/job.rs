//! A job and its results as they are kept, and as they are told.

use super::{Media, files::compiled_name};
use serde::{Deserialize, Serialize};
use wire::{
    UtcTime,
    ids::{AssetId, CompileId, CorrelationId, FlowId, JobId, NodeId},
    media::{
        Asset, CompileJob, CompileOptions, Encoding, JobStatus, MediaEntry, NewCompile, NodeResult,
        NodeStatus,
    },
};

/// The path of the jobs.
pub(super) const PATH: &str = "/api/v2/media/compile";
/// Where compiled files are.
const COMPILED: &str = "/media/compiled";
/// Most entries that give way that a message names.
const MOST_NAMED: usize = 10;

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    pub(super) id: CompileId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job_id: Option<JobId>,
    pub(super) flow_id: FlowId,
    /// Of two jobs of a flow, the one that was accepted later has the greater number.
    pub(super) order: i64,
    pub(super) status: JobStatus,
    pub(super) accepted: UtcTime,
    pub(super) entries: Vec<Entry>,
    pub(super) encoding: Encoding,
    pub(super) options: CompileOptions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) webhook_url: Option<String>,
    /// What is to be said of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) correlation: Option<CorrelationId>,
}

/// An asset that is to serve a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) asset_id: AssetId,
    pub(super) node_id: NodeId,
    /// The bytes, which stay until the job is over.
    pub(super) sha256: String,
    /// What the file is, and what the request takes it for when that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    pub(super) asset_id: AssetId,
    pub(super) node_id: NodeId,
    /// `None` when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) made: Option<Made>,
    /// Why it failed, or what is remarkable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

/// A compiled file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    /// Of the file's bytes, which is its name, too.
    pub(super) sha256: String,
    pub(super) encoding: Encoding,
    pub(super) duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) loudness_lufs: Option<f64>,
}

impl Job {
    /// A job that waits. `asset` gives those that the request names, which were looked up before.
    pub(super) fn new<'a>(
        id: CompileId,
        order: i64,
        request: &NewCompile,
        asset: impl Fn(&AssetId) -> Option<&'a Asset>,
        accepted: UtcTime,
        correlation: &CorrelationId,
    ) -> Self {
        let (winners, others) = request.winners();
        let entry = |entry: &&MediaEntry| {
            let asset = asset(&entry.asset_id)?;
            Some(Entry {
                asset_id: entry.asset_id.clone(),
                node_id: entry.node_id.clone(),
                sha256: asset.sha256.clone(),
                note: contradiction(entry, asset),
            })
        };
        Self {
            id,
            job_id: request.job_id.clone(),
            flow_id: request.flow_id.clone(),
            order,
            status: JobStatus::Queued,
            accepted,
            entries: winners.iter().filter_map(entry).collect(),
            encoding: request.encoding,
            options: request.options,
            webhook_url: request.webhook_url.clone(),
            message: give_way(&others),
            correlation: Some(correlation.clone()),
        }
    }

    pub(super) fn self_uri(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

impl Outcome {
    pub(super) fn new(entry: &Entry, made: Result<(Made, Option<String>), String>) -> Self {
        let outcome = |made, message| Self {
            asset_id: entry.asset_id.clone(),
            node_id: entry.node_id.clone(),
            made,
            message,
        };
        match made {
            Ok((made, Some(note))) => outcome(Some(made), entry.note.clone()).noting(&note),
            Ok((made, None)) => outcome(Some(made), entry.note.clone()),
            Err(why) => outcome(None, Some(why)),
        }
    }

    /// The same with something more to say.
    pub(super) fn noting(self, note: &str) -> Self {
        let message = match self.message {
            Some(message) => format!("{message}; {note}"),
            None => note.to_owned(),
        };
        Self {
            message: Some(message),
            ..self
        }
    }
}

impl Media {
    /// Where a compiled file is, for everybody.
    pub(super) fn uri_of(&self, sha256: &str) -> String {
        format!("{}{COMPILED}/{}", self.base_url, compiled_name(sha256))
    }

    /// The job as it is told.
    pub(super) fn told(&self, job: &Job, outcomes: &[Outcome]) -> CompileJob {
        CompileJob {
            id: job.id.clone(),
            job_id: job.job_id.clone(),
            flow_id: Some(job.flow_id.clone()),
            status: job.status,
            results: outcomes.iter().map(|outcome| self.result(outcome)).collect(),
            message: job.message.clone(),
            self_uri: Some(job.self_uri()),
        }
    }

    fn result(&self, outcome: &Outcome) -> NodeResult {
        let made = outcome.made.as_ref();
        NodeResult {
            asset_id: outcome.asset_id.clone(),
            node_id: outcome.node_id.clone(),
            status: match made {
                Some(_) => NodeStatus::Ready,
                None => NodeStatus::Failed,
            },
            download_uri: made.map(|made| self.uri_of(&made.sha256)),
            encoding: made.map(|made| made.encoding),
            duration_ms: made.map(|made| made.duration_ms),
            loudness_lufs: made.and_then(|made| made.loudness_lufs),
            message: outcome.message.clone(),
        }
    }
}

/// What the request says of a file, if its bytes say something else.
fn contradiction(entry: &MediaEntry, asset: &Asset) -> Option<String> {
    let said = entry.format.as_ref().map(|format| format.to_ascii_lowercase());
    let said = said.as_deref().map(short_format);
    let format = said
        .filter(|said| *said != asset.format)
        .map(|said| format!("the request says {said:?}, the file is {}", asset.format));
    let rate = entry
        .sample_rate
        .filter(|rate| *rate != asset.sample_rate)
        .map(|rate| {
            format!(
                "the request says {rate} Hz, the file has {} Hz",
                asset.sample_rate
            )
        });
    let notes: Vec<String> = [format, rate].into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The contract's word for a format that is written as a MIME type or as an ending.
fn short_format(said: &str) -> &str {
    let said = said.strip_prefix("audio/").unwrap_or(said);
    let said = said.strip_prefix("x-").unwrap_or(said);
    match said.strip_prefix('.').unwrap_or(said) {
        "wave" | "vnd.wave" | "pcm" => "wav",
        "mpeg" => "mp3",
        "aacp" | "adts" => "aac",
        "vorbis" | "opus" | "oga" => "ogg",
        other => other,
    }
}

fn give_way(others: &[&MediaEntry]) -> Option<String> {
    if others.is_empty() {
        return None;
    }
    let named = others
        .iter()
        .take(MOST_NAMED)
        .map(|entry| format!("{:?} for the node {:?}", entry.asset_id, entry.node_id));
    let named: Vec<String> = named.collect();
    let more = match others.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "entries of lower priority gave way: {}{more}",
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(format: &str, rate: u32) -> Asset {
        let text = r#"{"id":"a-1","sha256":"00"}"#;
        let asset: Asset = serde_json::from_str(text).unwrap();
        Asset {
            format: format.into(),
            sample_rate: rate,
            ..asset
        }
    }

    fn request(entries: &str) -> NewCompile {
        let body = format!(r#"{{"flowId":"f","encoding":"ulaw","media":[{entries}]}}"#);
        NewCompile::parse_for(&body, |_| true, |_| true).unwrap()
    }

    #[test]
    fn what_the_request_guesses_is_a_note_and_no_refusal() {
        let note = |entry: &str, asset: &Asset| contradiction(&request(entry).media[0], asset);
        let guess = r#"{"assetId":"a-1","nodeId":"n","format":"audio/mpeg","sampleRate":16000}"#;
        assert_eq!(note(guess, &asset("mp3", 16_000)), None);
        assert_eq!(
            note(guess, &asset("wav", 8000)).unwrap(),
            "the request says \"mp3\", the file is wav; the request says 16000 Hz, the file has 8000 Hz"
        );
        assert_eq!(
            note(r#"{"assetId":"a-1","nodeId":"n"}"#, &asset("wav", 8000)),
            None
        );
    }

    #[test]
    fn entries_that_give_way_are_named() {
        let request =
            request(r#"{"assetId":"a-1","nodeId":"n"},{"assetId":"a-2","nodeId":"n","priority":"high"}"#);
        let asset = asset("wav", 8000);
        let (id, now) = ("comp_1".parse().unwrap(), "2026-11-21T09:30:00Z".parse().unwrap());
        let correlation = "order-7".parse().unwrap();
        let job = Job::new(id, 1, &request, |_| Some(&asset), now, &correlation);
        assert_eq!(job.entries.len(), 1);
        assert_eq!(
            job.message.unwrap(),
            "entries of lower priority gave way: \"a-1\" for the node \"n\""
        );
    }
}
