//! Where the prompts of a file stand: built, changed since, failed, or served by something else.

use super::{
    books::{Books, Built, BuiltPart},
    one,
    source::{self, SourceFault},
    speech::Saying,
};
use flow::prompts::{self, Manifest, Prompt, Source};
use std::{collections::HashMap, path::Path};
use store::Store;
use wire::{
    UtcTime,
    ids::{NodeId, PromptId},
    media::{FlowPrompt, sha256_hex},
};

/// Where a prompt stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It serves its node as it is.
    Ready,
    /// It never was built.
    New,
    /// Its source or its options changed since it was built.
    Changed,
    /// The last build failed.
    Failed(String),
    /// Something else serves its node, or nothing.
    Replaced,
    /// Another prompt serves its node by the file.
    GivesWay(PromptId),
    /// Its source can't be used.
    Unusable(String),
}

/// Where a prompt stands, and what there is of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The prompt.
    pub prompt: PromptId,
    /// Its node.
    pub node: NodeId,
    /// Where it stands.
    pub standing: Standing,
    /// What was built last.
    pub parts: Vec<BuiltPart>,
    /// When.
    pub built_at: Option<UtcTime>,
}

/// Where the prompts of a manifest stand. `serving` is what the platform says of the flow; without it, what it serves is not
/// looked at.
pub async fn status(
    manifest: &Manifest,
    sources: &Path,
    platform: &str,
    store: &Store,
    serving: Option<Vec<FlowPrompt>>,
) -> Result<Vec<Status>, store::Error> {
    let books = Books::new(store.clone(), platform, &manifest.flow);
    let built = books.built().await?;
    let mut built: HashMap<PromptId, Built> = built
        .into_iter()
        .map(|built| (built.prompt.clone(), built))
        .collect();
    let serving = serving.map(|prompts| {
        let by_node = prompts.into_iter().map(|prompt| (prompt.node_id.clone(), prompt));
        by_node.collect::<HashMap<_, _>>()
    });
    let prompts = manifest.prompts.iter().zip(manifest.standings());
    let status = prompts.map(|(prompt, standing)| {
        let built = built.remove(&prompt.id);
        let standing = match standing {
            prompts::Standing::GivesWay { to } => Standing::GivesWay(to),
            prompts::Standing::Tied { with } => {
                Standing::Unusable(format!("the prompt {with:?} has the same node and priority"))
            }
            prompts::Standing::Serves => {
                standing_of(manifest, prompt, built.as_ref(), sources, serving.as_ref())
            }
        };
        let was_built = built.as_ref().is_some_and(|built| !built.parts.is_empty());
        Status {
            prompt: prompt.id.clone(),
            node: prompt.node.clone(),
            standing,
            built_at: built.as_ref().filter(|_| was_built).map(|built| built.at),
            parts: built.map(|built| built.parts).unwrap_or_default(),
        }
    });
    Ok(status.collect())
}

fn standing_of(
    manifest: &Manifest,
    prompt: &Prompt,
    built: Option<&Built>,
    sources: &Path,
    serving: Option<&HashMap<NodeId, FlowPrompt>>,
) -> Standing {
    let changed = match is_changed(manifest, prompt, built, sources) {
        Ok(changed) => changed,
        Err(why) => return Standing::Unusable(why),
    };
    match built {
        None => Standing::New,
        Some(Built {
            failure: Some(why), ..
        }) => Standing::Failed(why.clone()),
        Some(_) if changed => Standing::Changed,
        Some(built) if serving.is_some_and(|serving| !one::serves(built, serving)) => Standing::Replaced,
        Some(_) => Standing::Ready,
    }
}

fn is_changed(
    manifest: &Manifest,
    prompt: &Prompt,
    built: Option<&Built>,
    sources: &Path,
) -> Result<bool, String> {
    let fault = |fault: SourceFault| fault.to_string();
    let is_same_source = match &prompt.source {
        Source::Text(_) => {
            let saying = one::saying(prompt, manifest.speech.as_ref()).transpose()?;
            let sha256 = saying.as_ref().map(Saying::sha256);
            built.is_some_and(|built| Some(&built.source_sha256) == sha256.as_ref())
        }
        Source::File(file) => {
            let path = sources.join(file);
            let stamp = source::stamp(&path).map_err(fault)?;
            match built {
                Some(built) if built.stamp.as_ref() == Some(&stamp) => true,
                Some(built) => sha256_hex(&source::read(&path).map_err(fault)?.0) == built.source_sha256,
                None => false,
            }
        }
    };
    let is_as_asked =
        |built: &Built| built.options == one::options_of(prompt) && (prompt.convert || !built.converted);
    let is_same = is_same_source && built.is_some_and(is_as_asked);
    Ok(!is_same)
}
