//! Compiled prompts as calls play them: loaded off the switch's thread, kept by the hash of their bytes.
//!
//! A call holds the sound that it plays, so that a prompt that is compiled anew meanwhile is heard to its end.

use super::{Media, files::Kind};
use crate::prompts;
use audio::PreparedPrompt;
use flow::call::leg::Sound;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::timeout;
use wire::ids::{FlowId, PromptId};

/// How long it may take until it is known what to play; the caller hears silence meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the store may take to say whether a compiled prompt is to be played instead of that of the library.
const LIBRARY_PATIENCE: Duration = Duration::from_millis(500);
/// Most frames that are kept: of 20 ms, and 320 bytes in both laws, so 64 MiB.
const MOST_FRAMES: usize = 200_000;

/// The sounds that were played last.
#[derive(Default)]
pub(super) struct Heard {
    kept: Mutex<Kept>,
    /// One is loaded at a time: of many calls that want the same one, the first loads it.
    loading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    /// With the number of the use that was the last.
    by_sha256: HashMap<String, (PreparedPrompt, u64)>,
    frames: usize,
    uses: u64,
}

impl Kept {
    fn get(&mut self, sha256: &str) -> Option<PreparedPrompt> {
        let (prompt, used) = self.by_sha256.get_mut(sha256)?;
        self.uses += 1;
        *used = self.uses;
        Some(prompt.clone())
    }

    /// Keeps a sound; those that were not used for longest make room.
    fn put(&mut self, sha256: String, prompt: PreparedPrompt, most: usize) {
        let frames = prompt.frames();
        if frames > most || self.by_sha256.contains_key(&sha256) {
            return;
        }
        while self.frames + frames > most {
            let oldest = self.by_sha256.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(sha256, _)| sha256.clone()) else {
                break;
            };
            let gone = self.by_sha256.remove(&oldest);
            self.frames -= gone.map_or(0, |(prompt, _)| prompt.frames());
        }
        self.uses += 1;
        self.frames += frames;
        self.by_sha256.insert(sha256, (prompt, self.uses));
    }
}

impl Heard {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Media {
    /// What a call of the flow hears as this prompt: what was compiled for the node of that name; otherwise, or when that can't be
    /// had, `library`, which is the prompt of the library if there is one.
    pub(crate) async fn sound(
        &self,
        flow: &FlowId,
        prompt: &PromptId,
        library: Option<PreparedPrompt>,
    ) -> Sound {
        let patience = match library {
            Some(_) => LIBRARY_PATIENCE,
            None => PATIENCE,
        };
        let why = match timeout(PATIENCE, self.compiled_sound(flow, prompt, patience)).await {
            Ok(Ok(Some(prompt))) => return Sound::Ready(prompt),
            Ok(Ok(None)) => return library.map_or_else(|| none(prompt), Sound::Ready),
            Ok(Err(why)) => why,
            Err(_) => too_long("the compiled file", PATIENCE),
        };
        match library {
            Some(library) => {
                tracing::warn!(%flow, %prompt, why, "the library's prompt is played instead of a compiled one");
                Sound::Ready(library)
            }
            None => Sound::Failed(why),
        }
    }

    /// What was compiled for the node of that name; the store may take so long to say what that is.
    async fn compiled_sound(
        &self,
        flow: &FlowId,
        prompt: &PromptId,
        patience: Duration,
    ) -> Result<Option<PreparedPrompt>, String> {
        let found = timeout(patience, self.node_prompt(flow, prompt.as_str())).await;
        let found = found.map_err(|_| too_long("the store", patience))?;
        let Some(found) = found.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let sha256 = found.made.sha256;
        if let Some(prompt) = self.heard.kept().get(&sha256) {
            return Ok(Some(prompt));
        }
        let _turn = self.heard.loading.lock().await;
        if let Some(prompt) = self.heard.kept().get(&sha256) {
            return Ok(Some(prompt));
        }
        let loaded = self.load(sha256.clone()).await?;
        self.heard.kept().put(sha256, loaded.clone(), MOST_FRAMES);
        Ok(Some(loaded))
    }

    async fn load(&self, sha256: String) -> Result<PreparedPrompt, String> {
        let files = self.files().await.map_err(|error| error.to_string())?;
        let loading = tokio::task::spawn_blocking(move || {
            let bytes = files.read(Kind::Compiled, &sha256);
            let bytes = bytes.map_err(|error| format!("the compiled file can't be read: {error}"))?;
            let bytes = bytes.ok_or("the compiled file is gone; compile it again")?;
            prompts::prepare(bytes).map_err(|error| error.to_string())
        });
        loading.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

fn none(prompt: &PromptId) -> Sound {
    Sound::Failed(format!("there is no prompt {prompt:?}"))
}

fn too_long(what: &str, patience: Duration) -> String {
    format!("{what} took longer than {} ms", patience.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(frames: usize) -> PreparedPrompt {
        PreparedPrompt::new(&audio::Sound {
            rate: 8000,
            samples: vec![0.1; frames * 160],
        })
    }

    #[test]
    fn what_was_not_heard_for_longest_makes_room() {
        let mut kept = Kept::default();
        kept.put("a".into(), prompt(4), 10);
        kept.put("b".into(), prompt(4), 10);
        assert!(kept.get("a").is_some());
        kept.put("c".into(), prompt(5), 10);
        assert!(kept.get("b").is_none());
        assert!(kept.get("a").is_some() && kept.get("c").is_some());
        assert_eq!(kept.frames, 9);
        // One that is longer than all is played, but not kept.
        kept.put("d".into(), prompt(11), 10);
        assert!(kept.get("d").is_none() && kept.get("a").is_some());
        kept.put("e".into(), prompt(10), 10);
        assert_eq!((kept.frames, kept.by_sha256.len()), (10, 1));
    }
}
