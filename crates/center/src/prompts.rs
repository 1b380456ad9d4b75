//! The prompt library: every audio file of a folder, decoded and encoded once at the start.

use audio::{Limits, PreparedPrompt, Sound};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, collections::BTreeMap, fs, path::Path, sync::Arc};
use wire::{Faults, ids::PromptId};

/// The longest sound that is decoded, in seconds: small files can hold hours, which take memory.
pub(crate) const LONGEST_S: u32 = 600;
/// Largest prompt file, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The content type of raw G.729 (RFC 4856), and the bytes of 10 ms of it.
const G729: &str = "audio/G729";
const G729_FRAME_BYTES: usize = 10;

/// An audio file as it is served under the audio base URL.
#[derive(Debug, Clone)]
pub(crate) struct AudioFile {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) content_type: &'static str,
    /// The SHA-256 of the bytes.
    pub(crate) sha256: [u8; 32],
}

/// Prompts by id and files by name.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    ready: BTreeMap<PromptId, PreparedPrompt>,
    files: BTreeMap<String, AudioFile>,
}

impl Prompts {
    /// Reads a folder; files that are not `.wav`, `.mp3` or `.g729` are passed over, links are not followed.
    pub(crate) fn read_folder(folder: &Path) -> Result<Self, Faults> {
        let entries = fs::read_dir(folder).map_err(|error| {
            Faults::one(format!(
                "the prompts folder {} can't be read: {error}",
                folder.display()
            ))
        })?;
        let mut files = Vec::new();
        let mut faults = Faults::new();
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if content_type(&name).is_none() || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            if size > MAX_FILE_BYTES {
                faults.push(format!(
                    "{name}: a prompt file must be at most {MAX_FILE_BYTES} bytes, not {size}"
                ));
                continue;
            }
            files.extend(faults.keep(match fs::read(entry.path()) {
                Ok(bytes) => Ok((name, Cow::Owned(bytes))),
                Err(error) => Err(format!("{name} can't be read: {error}")),
            }));
        }
        let prompts = Self::from_files(files).map_err(|more| {
            more.into_vec()
                .into_iter()
                .for_each(|sentence| faults.push(sentence));
        });
        faults.finish(prompts.ok())
    }

    /// Takes named files; where there are a `.wav` and an `.mp3` of one name, the prompt is made from the `.wav`. A `.g729` of that name is
    /// what playback sends in that codec, as it is.
    pub(crate) fn from_files<'a>(
        files: impl IntoIterator<Item = (String, Cow<'a, [u8]>)>,
    ) -> Result<Self, Faults> {
        let mut prompts = Self::default();
        let mut faults = Faults::new();
        for (name, bytes) in files {
            let Some(content_type) = content_type(&name) else {
                continue;
            };
            let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
            let id = faults.keep(
                stem.parse::<PromptId>()
                    .map_err(|error| format!("{name}: the name {error}")),
            );
            if content_type == G729 {
                faults.keep(check_g729(&bytes).map_err(|error| format!("{name}: {error}")));
            } else {
                let prompt = faults.keep(prepare(bytes.to_vec()).map_err(|error| format!("{name}: {error}")));
                if let (Some(id), Some(prompt)) = (id, prompt) {
                    let from_wav = content_type == "audio/wav";
                    if from_wav || !prompts.ready.contains_key(&id) {
                        prompts.ready.insert(id, prompt);
                    }
                }
            }
            prompts.files.insert(
                name,
                AudioFile {
                    sha256: Sha256::digest(&bytes).into(),
                    bytes: bytes.into(),
                    content_type,
                },
            );
        }
        faults.finish(Some(prompts))
    }

    /// A prompt by id. The name of one of its files serves as well.
    pub(crate) fn get(&self, id: &PromptId) -> Option<&PreparedPrompt> {
        self.ready.get(id).or_else(|| {
            let stem = self
                .files
                .contains_key(id.as_str())
                .then(|| id.as_str().rsplit_once('.'))??
                .0;
            self.ready.get(&stem.parse().ok()?)
        })
    }

    /// The file that a prompt is made from.
    pub(crate) fn source(&self, id: &PromptId) -> Option<&AudioFile> {
        let named = || {
            self.files
                .get(id.as_str())
                .filter(|file| file.content_type != G729)
        };
        let by_ending = |ending: &str| self.files.get(&format!("{id}.{ending}"));
        by_ending("wav").or_else(|| by_ending("mp3")).or_else(named)
    }

    /// A prompt in G.729.
    pub(crate) fn g729(&self, id: &PromptId) -> Option<&AudioFile> {
        let stem = id
            .as_str()
            .rsplit_once('.')
            .map_or(id.as_str(), |(stem, ending)| match content_type_of(ending) {
                Some(_) => stem,
                None => id.as_str(),
            });
        self.files.get(&format!("{stem}.g729"))
    }

    /// A file by name.
    pub(crate) fn file(&self, name: &str) -> Option<&AudioFile> {
        self.files.get(name)
    }

    /// All prompt ids, sorted.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &PromptId> {
        self.ready.keys()
    }
}

/// Decodes and encodes an audio file for calls: work for a thread that may block.
pub(crate) fn prepare(bytes: Vec<u8>) -> Result<PreparedPrompt, audio::DecodeError> {
    Ok(PreparedPrompt::new(&decode(&bytes)?))
}

/// Decodes an audio file that is no longer than a prompt may be.
pub(crate) fn decode(bytes: &[u8]) -> Result<Sound, audio::DecodeError> {
    let limits = Limits {
        max_seconds: LONGEST_S,
        max_samples: u64::from(LONGEST_S) * 48_000,
        ..Limits::default()
    };
    audio::decode_within(bytes, &limits)
}

fn content_type(name: &str) -> Option<&'static str> {
    content_type_of(name.rsplit_once('.')?.1)
}

fn content_type_of(ending: &str) -> Option<&'static str> {
    match ending.to_ascii_lowercase().as_str() {
        "wav" => Some("audio/wav"),
        "mp3" => Some("audio/mpeg"),
        "g729" => Some(G729),
        _ => None,
    }
}

/// Nothing here can decode it, but frames have one length.
fn check_g729(bytes: &[u8]) -> Result<(), String> {
    match bytes.len() {
        0 => Err("the file is empty".to_owned()),
        length if length % G729_FRAME_BYTES > 0 => Err(format!(
            "raw G.729 has {G729_FRAME_BYTES} bytes for each 10 ms, so {length} bytes are no whole number of frames; write it without a header"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_faulty_files_names_them_all() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("page.mp3"), "<html>").unwrap();
        fs::write(folder.path().join("empty.wav"), "").unwrap();
        fs::write(folder.path().join("cut.g729"), [0; 25]).unwrap();
        fs::write(folder.path().join("notes.txt"), "no audio, no fault").unwrap();
        let mut faults = Prompts::read_folder(folder.path()).unwrap_err().into_vec();
        faults.sort();
        assert_eq!(faults.len(), 3);
        for (fault, file) in faults.iter().zip(["cut.g729: ", "empty.wav: ", "page.mp3: "]) {
            assert!(fault.starts_with(file), "{faults:?}");
        }
    }
}
