//! One prompt: read, prepared, uploaded, compiled, listened to, written down.

use super::{
    books::{Books, Built, BuiltPart},
    build::Nodes,
    compiled_file,
    compiler::{Served, Wish},
    entries,
    persist::persist,
    prepare::{Piece, Prepared, prepare},
    report::{Outcome, PromptReport, Stage},
    source::{self, SourceFault, Stamp},
    speech::Saying,
    uploads::{UploadError, Uploads},
    verify::{self, Envelope},
};
use bytes::Bytes;
use client::Media;
use flow::prompts::{Prompt, Source, Speech};
use serde_json::json;
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::write_private;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::spawn_blocking,
    time::Instant,
};
use wire::{
    ids::{AssetId, NodeId, PromptId},
    media::{CompileOptions, FlowPrompt, sha256_hex},
};

/// Changes when the same source would be converted to something else: everything is built again then.
const CONVERSION: u32 = 1;
/// Where spoken texts are, below the folder of prompts.
const SPOKEN: &str = "spoken";

/// Hears of each step.
pub(super) type Progress = Box<dyn Fn(&PromptId, Stage) + Send + Sync>;

/// What all prompts of a build have in common.
pub(super) struct Shared {
    pub(super) nodes: Nodes,
    pub(super) speech: Option<Speech>,
    pub(super) sources: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) uploads: Uploads,
    pub(super) media: Media,
    pub(super) books: Books,
    /// What serves the nodes, before the build.
    pub(super) serving: HashMap<NodeId, FlowPrompt>,
    /// Prompts whose nodes an earlier order may yet change.
    pub(super) disturbed: HashSet<PromptId>,
    pub(super) cores: Semaphore,
    /// Compiled files in memory.
    pub(super) downloads: Semaphore,
    /// Sounds in memory.
    pub(super) reading: Arc<Semaphore>,
    pub(super) strict: bool,
    pub(super) again: bool,
    pub(super) progress: Progress,
}

/// Why a prompt is not built: the sentence for people, or the books failed and all ends.
enum Stop {
    Why(String),
    Books(store::Error),
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Books(error)
    }
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Why(why)
    }
}

impl From<SourceFault> for Stop {
    fn from(fault: SourceFault) -> Self {
        Self::Why(fault.to_string())
    }
}

impl From<UploadError> for Stop {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Store(error) => Self::Books(error),
            other => Self::Why(format!("it can't be uploaded: {other}")),
        }
    }
}

/// A source that was read.
struct Read {
    bytes: Vec<u8>,
    sha256: String,
    stamp: Option<Stamp>,
    /// What said it just now; it is kept once it proves to be a sound.
    said_by: Option<Saying>,
    /// Held while the sound is in memory: until it is uploaded.
    permit: OwnedSemaphorePermit,
}

/// A piece that is on the platform.
struct OnPlatform {
    node: NodeId,
    asset: AssetId,
    envelopes: Vec<Envelope>,
}

/// Builds a prompt if it changed.
pub(super) async fn build(
    shared: &Arc<Shared>,
    prompt: &Prompt,
    stamp: Option<Result<Stamp, SourceFault>>,
    known: Option<Built>,
    wishes: mpsc::Sender<Wish>,
) -> Result<PromptReport, store::Error> {
    let begun = Instant::now();
    let mut job = Job {
        shared,
        prompt,
        options: options_of(prompt),
        converts: prompt.convert && !shared.strict,
        known,
    };
    let (outcome, parts) = match job.build(stamp, wishes).await {
        Ok(done) => done,
        Err(Stop::Books(error)) => return Err(error),
        Err(Stop::Why(why)) => {
            job.failed(&why, begun.elapsed()).await?;
            let parts = job.known.map(|built| built.parts).unwrap_or_default();
            (Outcome::Failed { why }, parts)
        }
    };
    Ok(PromptReport {
        prompt: prompt.id.clone(),
        node: prompt.node.clone(),
        outcome,
        parts,
        took: Duration::ZERO,
    })
}

/// What a built prompt depends on besides its source.
pub(super) fn options_of(prompt: &Prompt) -> String {
    format!(
        "{CONVERSION} {} {} {}",
        prompt.node, prompt.encoding, prompt.priority.0
    )
}

/// The text of a prompt with what says it; `None` for a file.
pub(super) fn saying(prompt: &Prompt, speech: Option<&Speech>) -> Option<Result<Saying, String>> {
    let Source::Text(text) = &prompt.source else {
        return None;
    };
    let saying = Saying::new(text, speech, prompt.language.as_ref());
    Some(saying.map_err(|error| error.to_string()))
}

/// Whether what was built is what serves.
pub(super) fn serves(built: &Built, serving: &HashMap<NodeId, FlowPrompt>) -> bool {
    let is_served = |part: &BuiltPart| {
        let now = serving.get(&part.node);
        now.is_some_and(|now| {
            now.asset_id == part.asset && now.encoding.is_mu_law() == part.encoding.is_mu_law()
        })
    };
    !built.parts.is_empty() && built.parts.iter().all(is_served)
}

struct Job<'a> {
    shared: &'a Arc<Shared>,
    prompt: &'a Prompt,
    options: String,
    /// Whether it may be converted.
    converts: bool,
    known: Option<Built>,
}

type Done = (Outcome, Vec<BuiltPart>);

impl Job<'_> {
    async fn build(
        &mut self,
        stamp: Option<Result<Stamp, SourceFault>>,
        wishes: mpsc::Sender<Wish>,
    ) -> Result<Done, Stop> {
        let stamp = stamp.transpose()?;
        if let Some(done) = self.unchanged_by(|built| stamp.is_some() && built.stamp == stamp) {
            return Ok(done);
        }
        let saying = saying(self.prompt, self.shared.speech.as_ref()).transpose()?;
        let said = saying.as_ref().map(Saying::sha256);
        if let Some(done) = self.unchanged_by(|built| Some(&built.source_sha256) == said.as_ref()) {
            return Ok(done);
        }
        let begun = Instant::now();
        self.tell(Stage::Reading);
        let read = self.read(saying).await?;
        if let Some(done) = self.unchanged_by(|built| built.source_sha256 == read.sha256) {
            self.refresh(read.stamp).await?;
            return Ok(done);
        }
        let Read {
            bytes,
            sha256: source_sha256,
            stamp,
            said_by,
            permit,
        } = read;
        let bytes = Bytes::from(bytes);
        let prepared = self.prepare(bytes.clone()).await?;
        if let Some(saying) = said_by {
            let kept = saying.keep(&self.shared.folder.join(SPOKEN), &bytes);
            kept.map_err(|error| error.to_string())?;
        }
        drop(bytes);
        let (did, converted) = (prepared.did.clone(), prepared.converted);
        let on_platform = self.upload(prepared).await?;
        drop(permit);
        self.tell(Stage::Compiling);
        let served = self.compile(&on_platform, wishes).await?;
        self.tell(Stage::Verifying);
        let mut parts = Vec::with_capacity(served.len());
        for (piece, served) in on_platform.into_iter().zip(served) {
            parts.push(self.verify(piece, served).await?);
        }
        let built = Built {
            prompt: self.prompt.id.clone(),
            source_sha256,
            stamp,
            options: self.options.clone(),
            converted,
            parts,
            at: entries::now(),
            failure: None,
        };
        let told = json!({"nodeId": self.prompt.node, "did": did, "parts": built.parts.len(),
            "encoding": self.prompt.encoding});
        let entry = entries::built(&self.prompt.id, begun.elapsed(), told);
        self.shared.books.put_built(&built, vec![entry]).await?;
        Ok((Outcome::Built { did }, built.parts))
    }

    fn unchanged_by(&self, is_same: impl Fn(&Built) -> bool) -> Option<Done> {
        let built = self.known.as_ref().filter(|_| !self.shared.again)?;
        let is_current = built.failure.is_none()
            && built.options == self.options
            && (self.converts || !built.converted)
            && !self.shared.disturbed.contains(&self.prompt.id)
            && is_kept(built, &self.shared.folder)
            && is_same(built)
            && serves(built, &self.shared.serving);
        is_current.then(|| (Outcome::Unchanged, built.parts.clone()))
    }

    async fn read(&self, saying: Option<Saying>) -> Result<Read, Stop> {
        let permit = Arc::clone(&self.shared.reading).acquire_owned().await;
        let permit = permit.map_err(|_| "the build is over".to_owned())?;
        if let Some(saying) = saying {
            return self.read_said(saying, permit).await;
        }
        let Source::File(file) = &self.prompt.source else {
            return Err(Stop::Why("it has no source".to_owned()));
        };
        let path = self.shared.sources.join(file);
        let read = spawn_blocking(move || {
            let (bytes, stamp) = source::read(&path)?;
            Ok::<_, SourceFault>((sha256_hex(&bytes), bytes, stamp))
        });
        let (sha256, bytes, stamp) = read.await.map_err(|error| error.to_string())??;
        Ok(Read {
            bytes,
            sha256,
            stamp,
            said_by: None,
            permit,
        })
    }

    /// What the text sounds like: as it was said before, unless all is to be built again.
    async fn read_said(&self, saying: Saying, permit: OwnedSemaphorePermit) -> Result<Read, Stop> {
        let kept = match self.shared.again {
            true => None,
            false => saying.kept(&self.shared.folder.join(SPOKEN)),
        };
        let sha256 = saying.sha256();
        let (bytes, said_by) = match kept {
            Some(kept) => (kept, None),
            None => (
                saying.say().await.map_err(|error| error.to_string())?,
                Some(saying),
            ),
        };
        Ok(Read {
            bytes,
            sha256,
            stamp: None,
            said_by,
            permit,
        })
    }

    /// The file was written again, with the same in it.
    async fn refresh(&mut self, stamp: Option<Stamp>) -> Result<(), Stop> {
        if let Some(built) = self.known.as_mut().filter(|built| built.stamp != stamp) {
            built.stamp = stamp;
            self.shared.books.put_built(built, Vec::new()).await?;
        }
        Ok(())
    }

    async fn prepare(&self, bytes: Bytes) -> Result<Prepared, Stop> {
        let _core = self
            .shared
            .cores
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        let name = match &self.prompt.source {
            Source::File(file) => Path::new(file)
                .file_name()
                .map(|name| name.to_string_lossy().into_owned()),
            Source::Text(_) => None,
        };
        let name = name.unwrap_or_else(|| format!("{}.wav", self.prompt.id));
        let converts = self.converts;
        let prepared = spawn_blocking(move || prepare(bytes, &name, converts));
        Ok(prepared.await.map_err(|error| error.to_string())??)
    }

    async fn upload(&self, prepared: Prepared) -> Result<Vec<OnPlatform>, Stop> {
        self.tell(Stage::Uploading);
        let is_split = prepared.pieces.len() > 1;
        let mut on_platform = Vec::with_capacity(prepared.pieces.len());
        for (at, piece) in prepared.pieces.into_iter().enumerate() {
            let node = self.node_of(is_split.then_some(at + 1))?;
            let Piece {
                name,
                bytes,
                envelopes,
            } = piece;
            let sha256 = sha256_hex(&bytes);
            let asset = self.shared.uploads.upload(&name, &sha256, bytes).await?;
            on_platform.push(OnPlatform {
                node,
                asset,
                envelopes,
            });
        }
        Ok(on_platform)
    }

    /// The node of a piece: that of the prompt, or the one with its number.
    fn node_of(&self, number: Option<usize>) -> Result<NodeId, String> {
        let Some(number) = number else {
            return Ok(self.prompt.node.clone());
        };
        let node: NodeId = format!("{}-{number}", self.prompt.node)
            .parse()
            .map_err(|error| format!("it must be split, and the node of a part {error}"))?;
        match self.shared.nodes.contains(&node) {
            true => Err(format!(
                "it must be split, and its part {number} would be for the node {node:?}, which another prompt serves"
            )),
            false => Ok(node),
        }
    }

    async fn compile(&self, pieces: &[OnPlatform], wishes: mpsc::Sender<Wish>) -> Result<Vec<Served>, Stop> {
        let mut answers = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let (answer, answered) = oneshot::channel();
            let wish = Wish {
                node: piece.node.clone(),
                asset: piece.asset.clone(),
                encoding: self.prompt.encoding,
                options: CompileOptions::ALL,
                priority: self.prompt.priority,
                answer,
                is_second: false,
            };
            wishes.send(wish).await.map_err(|error| error.to_string())?;
            answers.push(answered);
        }
        // The compiler waits for more wishes as long as there may be some.
        drop(wishes);
        let mut served = Vec::with_capacity(answers.len());
        for answer in answers {
            served.push(answer.await.map_err(|error| error.to_string())??);
        }
        Ok(served)
    }

    async fn verify(&self, piece: OnPlatform, served: Served) -> Result<BuiltPart, Stop> {
        let uri = served.result.download_uri.as_deref();
        let uri = uri.ok_or_else(|| "the platform does not say where the compiled file is".to_owned())?;
        let permit = self.shared.downloads.acquire().await;
        let _permit = permit.map_err(|error| error.to_string())?;
        let bytes = persist(|| self.shared.media.download(uri)).await;
        let bytes = bytes.map_err(|error| format!("the compiled file can't be downloaded: {error}"))?;
        let encoding = self.prompt.encoding;
        let _core = self
            .shared
            .cores
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        let folder = self.shared.folder.clone();
        let checked = spawn_blocking(move || {
            let checked = verify::check(&bytes, encoding, &piece.envelopes)?;
            let sha256 = sha256_hex(&bytes);
            keep(&folder, &sha256, &bytes)?;
            Ok::<_, String>((checked, sha256))
        });
        let (checked, compiled_sha256) = checked.await.map_err(|error| error.to_string())??;
        Ok(BuiltPart {
            node: piece.node,
            asset: piece.asset,
            compile: served.compile,
            compiled_sha256,
            encoding,
            duration_ms: checked.duration_ms,
            loudness_lufs: checked.loudness_lufs,
        })
    }

    async fn failed(&mut self, why: &str, took: Duration) -> Result<(), store::Error> {
        let entry = entries::not_built(&self.prompt.id, took, why);
        let built = match &self.known {
            Some(built) => Built {
                failure: Some(why.to_owned()),
                ..built.clone()
            },
            None => Built {
                prompt: self.prompt.id.clone(),
                source_sha256: String::new(),
                stamp: None,
                options: String::new(),
                converted: false,
                parts: Vec::new(),
                at: entries::now(),
                failure: Some(why.to_owned()),
            },
        };
        self.shared.books.put_built(&built, vec![entry]).await
    }

    fn tell(&self, stage: Stage) {
        (self.shared.progress)(&self.prompt.id, stage);
    }
}

/// Whether the compiled files are still here.
fn is_kept(built: &Built, folder: &Path) -> bool {
    let mut parts = built.parts.iter();
    parts.all(|part| compiled_file(folder, &part.compiled_sha256).exists())
}

/// Keeps a compiled file under its own hash.
fn keep(folder: &Path, sha256: &str, bytes: &[u8]) -> Result<(), String> {
    let path = compiled_file(folder, sha256);
    let write = || match (path.exists(), path.parent()) {
        (false, Some(parent)) => fs::create_dir_all(parent).and_then(|()| write_private(&path, bytes)),
        _ => Ok(()),
    };
    write().map_err(|error| format!("the compiled file can't be kept in {}: {error}", folder.display()))
}
