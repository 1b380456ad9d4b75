//! A whole build: what there is to do, all of it at once within bounds, and what came of it.

use super::{
    books::{Books, Built, BuiltPart},
    compiler::{Compiler, Wish},
    earlier::Earlier,
    one::{self, Shared},
    persist::persist,
    receiver::Receiver,
    report::{Outcome, PromptReport, Report, Stage, Tally},
    source::{self, SourceFault, Stamp},
    uploads::Uploads,
};
use client::{Error, Media, Transport};
use flow::{
    prompts::{Manifest, Prompt, Source, Standing},
    retry::Policy,
};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::Store;
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinError, JoinSet, spawn_blocking},
    time::Instant,
};
use wire::{
    ids::{FlowId, NodeId, PromptId},
    media::FlowPrompt,
};

/// Most wishes that wait for the compiler.
const MOST_WISHES: usize = 64;
/// Most sounds that are in memory at a time, beside those that a core works on: they are uploaded.
const BESIDE: usize = 8;

/// Most compiled files that are downloaded and listened to at a time.
const DOWNLOADS: usize = 8;
/// How a build asks the platform: a large one is bound to meet rate limits.
const PATIENT: Policy = Policy {
    attempts: 20,
    base: Duration::from_millis(250),
    cap: Duration::from_secs(10),
    total: Duration::from_secs(300),
};

/// What is built, and where to.
pub struct Build {
    /// The prompts.
    pub manifest: Manifest,
    /// The folder that files are relative to.
    pub sources: PathBuf,
    /// Where compiled files and spoken texts are kept.
    pub folder: PathBuf,
    /// The platform.
    pub transport: Transport,
    /// Its name in the books: the same platform, the same name.
    pub books: String,
    /// Where the books are.
    pub store: Store,
}

/// How it is built.
pub struct Options {
    /// How many sounds are worked on at a time.
    pub cores: usize,
    /// Takes the platform's callbacks; without it the platform is asked.
    pub receiver: Option<Receiver>,
    /// Refuse what would have to be converted, whatever the file says.
    pub strict: bool,
    /// Build all of it, whether it changed or not.
    pub again: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            receiver: None,
            strict: false,
            again: false,
        }
    }
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The platform has no such flow.
    #[error("the platform has no flow {0:?}; check `flow` in the prompts file")]
    NoFlow(FlowId),
    /// The platform can't be asked.
    #[error(transparent)]
    Platform(#[from] Error),
    /// The books can't be read or written.
    #[error("the books of the build can't be kept")]
    Store(#[from] store::Error),
    /// Another process builds the same.
    #[error("another build of this flow is running; wait for its end")]
    Busy,
    /// The folder of compiled files can't be used.
    #[error("the folder {} can't be used; choose another data folder with --data-dir", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// A part of the build broke.
    #[error("the build broke; build again to go on where it was")]
    Broken(#[from] JoinError),
}

/// Builds prompts; `progress` hears of each step of each.
///
/// Dropping the future ends the build; the next one goes on where it was.
pub async fn build(
    work: Build,
    options: Options,
    progress: impl Fn(&PromptId, Stage) + Send + Sync + 'static,
) -> Result<Report, BuildError> {
    let begun = Instant::now();
    let flow = work.manifest.flow.clone();
    let books = Books::new(work.store.clone(), &work.books, &flow);
    let _lock = lock(&work.folder, books.name())?;
    let known = books.built().await?;
    let patient = work.transport.with_policy(PATIENT);
    let media = Media::new(&patient);
    let mut earlier = Earlier::new(books.ordered().await?);
    let serving = first_look(&work.transport, &media, &flow).await?;
    let (sources, prompts) = (work.sources.clone(), work.manifest.prompts.clone());
    let stamps = spawn_blocking(move || stamps(&sources, &prompts)).await?;

    let tally = Arc::new(Tally::default());
    let (wishes, wished) = mpsc::channel::<Wish>(MOST_WISHES);
    let nodes: Nodes = work
        .manifest
        .prompts
        .iter()
        .map(|prompt| prompt.node.clone())
        .collect();
    let disturbed = disturbed(&known, &earlier);
    let of_file = |node: &NodeId| nodes.iter().any(|ours| is_of(ours, node));
    earlier.leave_aside(|node| options.again || !of_file(node));
    let compiler = Compiler::new(
        &patient,
        books.clone(),
        flow.clone(),
        options.receiver,
        earlier,
        tally.clone(),
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(async { compiler.run(wished).await.map(Ended::Compiler) });
    let cores = options.cores.max(1);
    let shared = Arc::new(Shared {
        nodes,
        disturbed,
        speech: work.manifest.speech.clone(),
        sources: work.sources,
        folder: work.folder,
        uploads: Uploads::new(media.clone(), books.clone(), &serving, tally.clone()),
        media: media.clone(),
        books: books.clone(),
        serving,
        cores: Semaphore::new(cores),
        downloads: Semaphore::new(DOWNLOADS),
        reading: Arc::new(Semaphore::new(cores + BESIDE)),
        strict: options.strict,
        again: options.again,
        progress: Box::new(progress),
    });
    let mut known: HashMap<PromptId, Built> = known
        .into_iter()
        .map(|built| (built.prompt.clone(), built))
        .collect();
    let before: Vec<BuiltPart> = known.values().flat_map(|built| built.parts.clone()).collect();
    let standings = work.manifest.standings();
    for (at, ((prompt, standing), stamp)) in work
        .manifest
        .prompts
        .iter()
        .zip(standings)
        .zip(stamps)
        .enumerate()
    {
        let (shared, prompt, built) = (shared.clone(), prompt.clone(), known.remove(&prompt.id));
        let wishes = wishes.clone();
        tasks.spawn(async move {
            let begun = Instant::now();
            let report = match standing {
                Standing::Serves => one::build(&shared, &prompt, stamp, built, wishes).await?,
                Standing::GivesWay { to } => aside(&prompt, Outcome::GivesWay { to }),
                Standing::Tied { with } => aside(&prompt, tied(&prompt, &with)),
            };
            (shared.progress)(&prompt.id, Stage::Over);
            let took = begun.elapsed();
            Ok(Ended::Prompt(at, PromptReport { took, ..report }))
        });
    }
    drop(wishes);
    let (mut prompts, mut over) = (Vec::new(), Vec::new());
    while let Some(ended) = tasks.join_next().await {
        match ended?? {
            Ended::Prompt(at, report) => prompts.push((at, report)),
            Ended::Compiler(jobs) => over = jobs,
        }
    }
    prompts.sort_by_key(|(at, _)| *at);
    let mut prompts: Vec<PromptReport> = prompts.into_iter().map(|(_, report)| report).collect();
    books.forget_ordered(&over).await?;
    let is_built = |prompt: &PromptReport| matches!(prompt.outcome, Outcome::Built { .. });
    let mut stale = Vec::new();
    if prompts.iter().any(is_built) {
        let serving = self::serving(&media, &flow).await?;
        confirm(&mut prompts, &serving);
        stale = left_behind(&before, &prompts, &serving);
    }
    let mut left_over: Vec<PromptId> = known.into_keys().collect();
    left_over.sort();
    Ok(Report {
        prompts,
        left_over,
        stale,
        counts: tally.counts(),
        took: begun.elapsed(),
    })
}

enum Ended {
    Prompt(usize, PromptReport),
    Compiler(Vec<wire::ids::JobId>),
}

/// One build of a flow at a time; the system releases the lock of a process that was killed.
fn lock(folder: &Path, name: &str) -> Result<File, BuildError> {
    let failed = |error| BuildError::Folder(folder.to_owned(), error);
    fs::create_dir_all(folder).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(format!("{name}.lock")))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BuildError::Busy),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The first thing that is asked of the platform: one that is not there is told at once, one that is busy is waited for.
async fn first_look(
    transport: &Transport,
    patient: &Media,
    flow: &FlowId,
) -> Result<HashMap<NodeId, FlowPrompt>, BuildError> {
    match serving(&Media::new(transport), flow).await {
        Err(BuildError::Platform(Error::GaveUp { .. })) => serving(patient, flow).await,
        other => other,
    }
}

/// What serves each node now.
async fn serving(media: &Media, flow: &FlowId) -> Result<HashMap<NodeId, FlowPrompt>, BuildError> {
    let prompts = persist(|| media.flow_prompts(flow)).await?;
    let prompts = prompts.ok_or_else(|| BuildError::NoFlow(flow.clone()))?.prompts;
    Ok(prompts
        .into_iter()
        .map(|prompt| (prompt.node_id.clone(), prompt))
        .collect())
}

/// The stamps of all files at once.
fn stamps(sources: &Path, prompts: &[Prompt]) -> Vec<Option<Result<Stamp, SourceFault>>> {
    let stamp = |prompt: &Prompt| match &prompt.source {
        Source::File(path) => Some(source::stamp(&sources.join(path))),
        Source::Text(_) => None,
    };
    prompts.iter().map(stamp).collect()
}

fn aside(prompt: &Prompt, outcome: Outcome) -> PromptReport {
    PromptReport {
        prompt: prompt.id.clone(),
        node: prompt.node.clone(),
        outcome,
        parts: Vec::new(),
        took: Default::default(),
    }
}

fn tied(prompt: &Prompt, with: &PromptId) -> Outcome {
    Outcome::Failed {
        why: format!(
            "the prompt {with:?} is for the node {:?} too, with the same priority; give one of them a higher priority",
            prompt.node
        ),
    }
}

/// What was built must serve its node; somebody else may have changed it meanwhile.
fn confirm(prompts: &mut [PromptReport], serving: &HashMap<NodeId, FlowPrompt>) {
    for report in prompts {
        if !matches!(report.outcome, Outcome::Built { .. }) {
            continue;
        }
        let serves = |part: &BuiltPart| {
            serving
                .get(&part.node)
                .is_some_and(|now| now.asset_id == part.asset)
        };
        if let Some(part) = report.parts.iter().find(|part| !serves(part)) {
            report.outcome = Outcome::Failed {
                why: format!(
                    "it is compiled, but something else serves the node {:?} by now; build again",
                    part.node
                ),
            };
        }
    }
}

/// Nodes of earlier builds that still serve, and that no prompt is for any more: it moved, or was split, or is whole again.
fn left_behind(
    before: &[BuiltPart],
    prompts: &[PromptReport],
    serving: &HashMap<NodeId, FlowPrompt>,
) -> Vec<NodeId> {
    let now: HashSet<&NodeId> = prompts
        .iter()
        .flat_map(|prompt| prompt.parts.iter().map(|part| &part.node).chain([&prompt.node]))
        .collect();
    let is_left = |part: &&BuiltPart| {
        let serves = serving.get(&part.node);
        !now.contains(&part.node) && serves.is_some_and(|serves| serves.asset_id == part.asset)
    };
    let mut nodes: Vec<NodeId> = before
        .iter()
        .filter(is_left)
        .map(|part| part.node.clone())
        .collect();
    nodes.sort();
    nodes
}

/// Nodes of a manifest, to tell the nodes of split prompts from those of others.
pub(super) type Nodes = HashSet<NodeId>;

/// Whether a node is that of a prompt, or of one of its parts.
fn is_of(prompt: &NodeId, node: &NodeId) -> bool {
    let rest = node.as_str().strip_prefix(prompt.as_str());
    rest.is_some_and(|rest| rest.is_empty() || is_part(rest))
}

fn is_part(rest: &str) -> bool {
    let number = rest.strip_prefix('-');
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Prompts that an order of a build that was killed may yet replace, though they look as they were built.
fn disturbed(known: &[Built], earlier: &Earlier) -> HashSet<PromptId> {
    let is_disturbed = |built: &&Built| {
        let mut parts = built.parts.iter();
        parts.any(|part| earlier.disturbs(&part.node, &part.asset, part.encoding))
    };
    known
        .iter()
        .filter(is_disturbed)
        .map(|built| built.prompt.clone())
        .collect()
}
