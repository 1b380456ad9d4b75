//! The request to compile: `POST /api/v2/media/compile`.

use crate::{
    Faults,
    fault::{self, Object},
    ids::{AssetId, FlowId, JobId, NodeId},
    words::words,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Most entries of one request.
pub const MOST_MEDIA: usize = 200;
/// The longest `webhookUrl`, in characters.
pub const LONGEST_URL: usize = 2048;

words! {
    /// What prompts are compiled to: G.711 at 8000 Hz, under its common and its RFC 3551 names.
    Encoding {
        /// mu-law.
        Ulaw = "ulaw",
        /// A-law.
        Alaw = "alaw",
        /// mu-law.
        Pcmu = "pcmu",
        /// A-law.
        Pcma = "pcma",
    }
}

impl Encoding {
    /// Whether it is mu-law; otherwise it is A-law.
    pub fn is_mu_law(self) -> bool {
        matches!(self, Self::Ulaw | Self::Pcmu)
    }
}

/// Which of two entries for one node wins: the greater one. On the wire a number, or one of the words low (1), normal (2),
/// medium (3), high (4), critical (5); 0 when it is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rank(pub i32);

impl Rank {
    const WORDS: [&'static str; 5] = ["low", "normal", "medium", "high", "critical"];

    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let Some(value) = body.get("priority") else {
            return Some(Self::default());
        };
        let number = value
            .as_i64()
            .or_else(|| {
                value
                    .as_f64()
                    .filter(|n| n.fract() == 0.0 && n.abs() < 1e9)
                    .map(|n| n as i64)
            })
            .or_else(|| value.as_str().and_then(Self::of_text));
        let rank = number.and_then(|number| i32::try_from(number).ok());
        if rank.is_none() {
            faults.push(format!(
                "{} must be a whole number or one of {}, not {}",
                body.name("priority"),
                Self::WORDS.join(", "),
                fault::kind(value)
            ));
        }
        rank.map(Self)
    }

    fn of_text(text: &str) -> Option<i64> {
        let word = Self::WORDS
            .iter()
            .position(|word| text.eq_ignore_ascii_case(word));
        word.map(|at| at as i64 + 1).or_else(|| text.parse().ok())
    }
}

/// An asset that is to serve a node of the flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaEntry {
    /// The asset.
    pub asset_id: AssetId,
    /// The node.
    pub node_id: NodeId,
    /// What its sender takes the file for; the bytes decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The rate that its sender takes the file to have, in hertz; the bytes decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Which entry for a node wins.
    pub priority: Rank,
    /// What it is compiled to when the request's encoding can't be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_encoding: Option<Encoding>,
}

/// What is done besides decoding, mixing to mono, resampling and encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompileOptions {
    /// Silence at the beginning and at the end is cut off.
    pub enable_optimization: bool,
    /// Nothing but the sound is kept; a compiled prompt never has anything else.
    pub strip_metadata: bool,
    /// The loudness is brought to -19 LUFS, with true peaks of at most -2 dBTP.
    pub normalize_volume: bool,
}

impl CompileOptions {
    /// All of it.
    pub const ALL: Self = Self {
        enable_optimization: true,
        strip_metadata: true,
        normalize_volume: true,
    };

    /// What is left out is not done, as nobody asked for it.
    fn read(body: &Object<'_>, faults: &mut Faults) -> Self {
        let mut wanted = |name| body.optional_bool(name, faults).unwrap_or(false);
        let read = Self {
            enable_optimization: wanted("enableOptimization"),
            strip_metadata: wanted("stripMetadata"),
            normalize_volume: wanted("normalizeVolume"),
        };
        if body.has("maxChannels") {
            body.optional_whole("maxChannels", 1..=1, faults);
        }
        read
    }
}

/// The request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCompile {
    /// The flow whose nodes are served.
    pub flow_id: FlowId,
    /// The sender's own name for the job.
    pub job_id: Option<JobId>,
    /// At least one; no two of one node and rank.
    pub media: Vec<MediaEntry>,
    /// What they become.
    pub encoding: Encoding,
    /// Who is told when the job is over.
    pub webhook_url: Option<String>,
    /// What is done besides.
    pub options: CompileOptions,
}

/// What a request names that is looked at before it is judged as a whole, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedInCompile {
    /// Where the callback is to go, if it begins with http:// or https://.
    pub webhook_url: Option<String>,
    /// Assets, each once, at most [`MOST_MEDIA`].
    pub assets: BTreeSet<AssetId>,
}

impl NamedInCompile {
    /// Finds them in the request body.
    pub fn find(body: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let id = |value: &Value| value.as_str().map(str::to_owned);
        let media = value["media"].as_array().map(Vec::as_slice).unwrap_or_default();
        let assets = media.iter().take(MOST_MEDIA);
        Self {
            webhook_url: id(&value["webhookUrl"]).filter(|text| is_web(text)),
            assets: assets
                .filter_map(|entry| id(&entry["assetId"])?.parse().ok())
                .collect(),
        }
    }
}

impl NewCompile {
    /// Reads the request body; all faults at once. `flow` and `asset` say whether there is such a one.
    pub fn parse_for(
        body: &str,
        flow: impl Fn(&FlowId) -> bool,
        asset: impl Fn(&AssetId) -> bool,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read = value
            .and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &flow, &asset, &mut faults));
        faults.finish(read)
    }

    fn read(
        body: &Object<'_>,
        flow: &impl Fn(&FlowId) -> bool,
        asset: &impl Fn(&AssetId) -> bool,
        faults: &mut Faults,
    ) -> Option<Self> {
        let flow_id: Option<FlowId> = body.parsed("flowId", faults);
        if let Some(unknown) = flow_id.as_ref().filter(|id| !flow(id)) {
            faults.push(format!("flowId: there is no flow {unknown:?}"));
        }
        let job_id = body.optional_parsed("jobId", faults);
        let media = read_media(body, asset, faults);
        let encoding = body.parsed("encoding", faults);
        let webhook_url = read_url(body, faults);
        let options = match body.get("options") {
            None => CompileOptions {
                enable_optimization: false,
                strip_metadata: true,
                normalize_volume: false,
            },
            Some(options) => CompileOptions::read(&Object::at(options, "options", faults)?, faults),
        };
        Some(Self {
            flow_id: flow_id?,
            job_id,
            media: media?,
            encoding: encoding?,
            webhook_url,
            options,
        })
    }

    /// The entries that win their nodes, in order, and those that give way.
    pub fn winners(&self) -> (Vec<&MediaEntry>, Vec<&MediaEntry>) {
        let mut best: HashMap<&NodeId, Rank> = HashMap::new();
        for entry in &self.media {
            let rank = best.entry(&entry.node_id).or_insert(entry.priority);
            *rank = (*rank).max(entry.priority);
        }
        self.media
            .iter()
            .partition(|entry| best.get(&entry.node_id) == Some(&entry.priority))
    }
}

impl Serialize for NewCompile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut options = serde_json::to_value(self.options).map_err(serde::ser::Error::custom)?;
        options["maxChannels"] = 1.into();
        let mut body = serde_json::json!({
            "flowId": self.flow_id,
            "media": self.media,
            "encoding": self.encoding,
            "options": options,
        });
        if let Some(job) = &self.job_id {
            body["jobId"] = job.as_str().into();
        }
        if let Some(url) = &self.webhook_url {
            body["webhookUrl"] = url.as_str().into();
        }
        body.serialize(serializer)
    }
}

fn read_url(body: &Object<'_>, faults: &mut Faults) -> Option<String> {
    let text = body
        .short_text("webhookUrl", LONGEST_URL, faults)
        .filter(|text| !text.is_empty())?;
    if !is_web(text) {
        faults.push(format!(
            "webhookUrl must begin with http:// or https://, not {:?}",
            fault::shorten(text)
        ));
        return None;
    }
    Some(text.to_owned())
}

fn is_web(url: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

fn read_media(
    body: &Object<'_>,
    asset: &impl Fn(&AssetId) -> bool,
    faults: &mut Faults,
) -> Option<Vec<MediaEntry>> {
    if !body.has("media") {
        faults.push("media is missing");
    }
    let listed = body.optional_list("media", faults)?;
    if listed.is_empty() || listed.len() > MOST_MEDIA {
        faults.push(format!(
            "media must have 1 to {MOST_MEDIA} items, not {}",
            listed.len()
        ));
        return None;
    }
    let read = |(at, item): (usize, &Value)| {
        let entry = read_entry(&Object::at(item, &format!("media[{at}]"), faults)?, faults)?;
        if !asset(&entry.asset_id) {
            faults.push(format!(
                "media[{at}].assetId: there is no asset {:?}",
                entry.asset_id
            ));
        }
        Some((at, entry))
    };
    let read: Vec<(usize, MediaEntry)> = listed.iter().enumerate().filter_map(read).collect();
    let mut first: HashMap<(&NodeId, Rank), usize> = HashMap::new();
    for (at, entry) in &read {
        let earlier = *first.entry((&entry.node_id, entry.priority)).or_insert(*at);
        if earlier != *at {
            faults.push(format!(
                "media[{earlier}] and media[{at}] are both for the node {:?} with priority {}; give one of them a higher priority",
                entry.node_id, entry.priority.0
            ));
        }
    }
    Some(read.into_iter().map(|(_, entry)| entry).collect())
}

fn read_entry(item: &Object<'_>, faults: &mut Faults) -> Option<MediaEntry> {
    let asset_id = item.parsed("assetId", faults);
    let node_id = item.parsed("nodeId", faults);
    let format = item.short_text("format", 64, faults);
    let sample_rate = item.optional_whole("sampleRate", 0..=u64::from(u32::MAX), faults);
    let priority = Rank::read(item, faults);
    let fallback_encoding = item.optional_parsed("fallbackEncoding", faults);
    Some(MediaEntry {
        asset_id: asset_id?,
        node_id: node_id?,
        format: format.map(str::to_owned),
        sample_rate: sample_rate.and_then(|rate| u32::try_from(rate).ok()),
        priority: priority?,
        fallback_encoding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<NewCompile, Faults> {
        let asset = |id: &AssetId| id.as_str().starts_with("a-");
        NewCompile::parse_for(body, |flow| flow.as_str() == "f", asset)
    }

    #[test]
    fn a_request_is_read_as_it_is_written() {
        let request = NewCompile {
            flow_id: "f".parse().unwrap(),
            job_id: Some("j".parse().unwrap()),
            media: vec![MediaEntry {
                asset_id: "a-1".parse().unwrap(),
                node_id: "welcome".parse().unwrap(),
                format: Some("wav".into()),
                sample_rate: Some(8000),
                priority: Rank(3),
                fallback_encoding: Some(Encoding::Alaw),
            }],
            encoding: Encoding::Ulaw,
            webhook_url: Some("http://127.0.0.1:9/x".into()),
            options: CompileOptions::ALL,
        };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(parse(&text).unwrap(), request);
    }

    #[test]
    fn all_faults_at_once() {
        let body = r#"{"flowId":"g","encoding":"mp3","webhookUrl":"ftp://x","options":{"maxChannels":2},
            "media":[{"assetId":"b","nodeId":"n","priority":1},{"assetId":"a-2","nodeId":"n","priority":"low"},
                     {"assetId":"a-3","priority":[],"fallbackEncoding":"opus"}]}"#;
        let faults = parse(body).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            [
                "flowId: there is no flow \"g\"",
                "media[0].assetId: there is no asset \"b\"",
                "media[2].nodeId is missing",
                "media[2].priority must be a whole number or one of low, normal, medium, high, critical, not a list",
                "media[2].fallbackEncoding must be one of ulaw, alaw, pcmu, pcma, not \"opus\"",
                "media[0] and media[1] are both for the node \"n\" with priority 1; give one of them a higher priority",
                "encoding must be one of ulaw, alaw, pcmu, pcma, not \"mp3\"",
                "webhookUrl must begin with http:// or https://, not \"ftp://x\"",
                "options.maxChannels must be 1 to 1, not 2",
            ]
        );
        let empty = parse(r#"{"flowId":"f","encoding":"ulaw","media":[]}"#).unwrap_err();
        assert_eq!(empty.as_slice(), ["media must have 1 to 200 items, not 0"]);
    }

    #[test]
    fn the_higher_priority_wins_a_node() {
        let body = r#"{"flowId":"f","encoding":"pcma","media":[{"assetId":"a-1","nodeId":"n"},
            {"assetId":"a-2","nodeId":"n","priority":"high"},{"assetId":"a-3","nodeId":"m"}]}"#;
        let request = parse(body).unwrap();
        let (won, lost) = request.winners();
        let ids = |entries: Vec<&MediaEntry>| {
            let ids = entries.iter().map(|entry| entry.asset_id.to_string());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(
            (ids(won), ids(lost)),
            (vec!["a-2".into(), "a-3".into()], vec!["a-1".into()])
        );
    }

    #[test]
    fn what_must_be_looked_at_is_found_in_faulty_requests_too() {
        let named = |url: &str| {
            let media = r#"[{"assetId":"a-1"},7,{"assetId":"a-1"}]"#;
            NamedInCompile::find(&format!(r#"{{"webhookUrl":"{url}","media":{media}}}"#))
        };
        assert_eq!(named("").assets.len(), 1);
        assert_eq!(named("https://x").webhook_url.unwrap(), "https://x");
        assert_eq!(named("httpx://x").webhook_url, None);
        assert_eq!(NamedInCompile::find("no json"), NamedInCompile::default());
    }
}
