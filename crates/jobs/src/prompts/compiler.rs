//! Compilations: prompts wish for nodes to be served, wishes become jobs, and the platform's words about jobs become answers.
//!
//! One task owns all of it. A job is written down before it is posted, so a build that was killed finds it: one that was accepted
//! is waited for, one that was not is posted again under its key, or dropped when it is not wanted as it was any more.

use super::{
    Tally,
    books::{Books, Ordered},
    entries,
    persist::persist,
    receiver::Receiver,
};
use client::{Error, Media};
use flow::{
    Moment,
    prompts::watch::{Act, Ended, Pace, Watch},
};
use std::{collections::BTreeMap, future::pending, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use wire::{
    ids::{AssetId, CompileId, FlowId, JobId, NodeId},
    media::{CompileJob, CompileOptions, Encoding, MediaEntry, NewCompile, NodeResult, NodeStatus, Rank},
};

/// Most entries of one job: progress comes job by job.
const MOST_IN_JOB: usize = 25;
/// How long a job waits for more entries.
const GATHERING: Duration = Duration::from_millis(150);

/// A node that is to be served.
pub(super) struct Wish {
    pub(super) node: NodeId,
    pub(super) asset: AssetId,
    pub(super) encoding: Encoding,
    pub(super) options: CompileOptions,
    pub(super) priority: Rank,
    pub(super) answer: oneshot::Sender<Result<Served, String>>,
    /// It was in a job that came to nothing, and is in another one.
    pub(super) is_second: bool,
}

/// A node that is served.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) compile: CompileId,
    pub(super) result: NodeResult,
}

/// What jobs have in common: wishes for other things are in other jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    encoding: Encoding,
    options: CompileOptions,
}

impl Kind {
    fn of(wish: &Wish) -> Self {
        Self {
            encoding: wish.encoding,
            options: wish.options,
        }
    }
}

struct Batch {
    kind: Kind,
    wishes: Vec<Wish>,
    until: Instant,
}

struct Job {
    ordered: Ordered,
    wishes: Vec<Wish>,
    begun: Instant,
    /// An earlier build ordered it.
    is_old: bool,
}

/// The compiler of one build.
pub(super) struct Compiler {
    media: Media,
    books: Books,
    flow: FlowId,
    tally: Arc<Tally>,
    receiver: Option<Receiver>,
    started: Instant,
    watch: Watch,
    batches: Vec<Batch>,
    /// Jobs that are posted, or waited for.
    jobs: BTreeMap<JobId, Job>,
    /// Jobs of an earlier build of which nobody knows whether they were posted; each waits until all of it is wished for again.
    unsure: Vec<Job>,
    posts: JoinSet<(JobId, Result<CompileJob, Error>)>,
    asks: JoinSet<(JobId, Result<Option<CompileJob>, Error>)>,
    /// Jobs whose outcome is told.
    over: Vec<JobId>,
}

impl Compiler {
    pub(super) fn new(
        media: Media,
        books: Books,
        flow: FlowId,
        receiver: Option<Receiver>,
        tally: Arc<Tally>,
    ) -> Self {
        let pace = if receiver.is_some() {
            Pace::TOLD
        } else {
            Pace::ASKED
        };
        Self {
            media,
            books,
            flow,
            tally,
            receiver,
            started: Instant::now(),
            watch: Watch::new(pace),
            batches: Vec::new(),
            jobs: BTreeMap::new(),
            unsure: Vec::new(),
            posts: JoinSet::new(),
            asks: JoinSet::new(),
            over: Vec::new(),
        }
    }

    /// Grants wishes until there are no more; gives the jobs that are over and can be forgotten.
    pub(super) async fn run(mut self, mut wishes: mpsc::Receiver<Wish>) -> Result<Vec<JobId>, store::Error> {
        self.take_up().await?;
        let mut is_open = true;
        while is_open || self.is_busy() {
            let (gathered, due) = (self.gathered(), self.due());
            tokio::select! {
                wish = wishes.recv(), if is_open => match wish {
                    Some(wish) => self.wish(wish).await?,
                    None => {
                        is_open = false;
                        self.close().await?;
                    }
                },
                Some(Ok((job, answer))) = self.posts.join_next() => self.posted(job, answer).await?,
                Some(Ok((job, answer))) = self.asks.join_next() => self.asked(job, answer).await?,
                told = told(&mut self.receiver) => self.told(told).await?,
                () = at(gathered) => self.order_gathered().await?,
                () = at(due) => self.act().await?,
            }
        }
        Ok(self.over)
    }

    fn is_busy(&self) -> bool {
        !self.batches.is_empty()
            || !self.posts.is_empty()
            || self.jobs.values().any(|job| !job.wishes.is_empty())
    }

    /// What an earlier build left.
    async fn take_up(&mut self) -> Result<(), store::Error> {
        for ordered in self.books.ordered().await? {
            let job = Job {
                begun: Instant::now(),
                wishes: Vec::new(),
                is_old: true,
                ordered,
            };
            match job.ordered.compile.clone() {
                None => self.unsure.push(job),
                Some(id) => {
                    self.watch.expect(job.ordered.job.clone());
                    self.posted_as(&job.ordered.job, id);
                    self.jobs.insert(job.ordered.job.clone(), job);
                }
            }
        }
        Ok(())
    }

    /// The platform is asked for a job that it accepted before this build.
    fn posted_as(&mut self, job: &JobId, id: CompileId) {
        let queued = CompileJob {
            id,
            job_id: Some(job.clone()),
            flow_id: None,
            status: wire::media::JobStatus::Queued,
            results: Vec::new(),
            message: None,
            self_uri: None,
        };
        // It began long ago: it is due at once.
        self.watch.posted(Moment::START, job, queued);
        self.ask_now(job);
    }

    fn ask_now(&mut self, job: &JobId) {
        if let Some(id) = self.jobs.get(job).and_then(|job| job.ordered.compile.clone()) {
            self.ask(job.clone(), id);
        }
    }

    async fn wish(&mut self, wish: Wish) -> Result<(), store::Error> {
        if let Some(job) = self.jobs.values_mut().find(|job| job.is_old && job.holds(&wish)) {
            job.wishes.push(wish);
            let name = job.ordered.job.clone();
            self.ask_now(&name);
            return Ok(());
        }
        if let Some(at) = self.unsure.iter().position(|job| job.holds(&wish)) {
            self.unsure[at].wishes.push(wish);
            if self.unsure[at].wishes.len() == self.unsure[at].ordered.order.media.len() {
                let job = self.unsure.swap_remove(at);
                self.post(job);
            }
            return Ok(());
        }
        self.gather(wish);
        self.order_full().await
    }

    fn gather(&mut self, wish: Wish) {
        let kind = Kind::of(&wish);
        match self.batches.iter_mut().find(|batch| batch.takes(kind, &wish)) {
            Some(batch) => batch.wishes.push(wish),
            None => self.batches.push(Batch {
                kind,
                wishes: vec![wish],
                until: Instant::now() + GATHERING,
            }),
        }
    }

    /// No more wishes come: what is not whole any more is ordered anew.
    async fn close(&mut self) -> Result<(), store::Error> {
        for job in std::mem::take(&mut self.unsure) {
            self.over.push(job.ordered.job);
            job.wishes.into_iter().for_each(|wish| self.gather(wish));
        }
        // What nobody wished for again may end by itself.
        let idle: Vec<JobId> = self.idle().cloned().collect();
        for job in idle {
            self.watch.forget(&job);
            self.jobs.remove(&job);
            self.over.push(job);
        }
        self.order(|_| true).await
    }

    fn idle(&self) -> impl Iterator<Item = &JobId> {
        let idle = self
            .jobs
            .iter()
            .filter(|(_, job)| job.is_old && job.wishes.is_empty());
        idle.map(|(name, _)| name)
    }

    fn gathered(&self) -> Option<Instant> {
        self.batches.iter().map(|batch| batch.until).min()
    }

    async fn order_full(&mut self) -> Result<(), store::Error> {
        self.order(|batch| batch.wishes.len() >= MOST_IN_JOB).await
    }

    async fn order_gathered(&mut self) -> Result<(), store::Error> {
        let now = Instant::now();
        self.order(|batch| batch.until <= now).await
    }

    async fn order(&mut self, is_due: impl Fn(&Batch) -> bool) -> Result<(), store::Error> {
        let (due, waiting) = std::mem::take(&mut self.batches).into_iter().partition(is_due);
        self.batches = waiting;
        for Batch { kind, wishes, .. } in due {
            self.order_one(kind, wishes).await?;
        }
        Ok(())
    }

    async fn order_one(&mut self, kind: Kind, wishes: Vec<Wish>) -> Result<(), store::Error> {
        let name = JobId::from_uuid(uuid::Uuid::new_v4());
        let entry = |wish: &Wish| MediaEntry {
            asset_id: wish.asset.clone(),
            node_id: wish.node.clone(),
            format: Some("wav".into()),
            sample_rate: None,
            priority: wish.priority,
            fallback_encoding: None,
        };
        let ordered = Ordered {
            order: NewCompile {
                flow_id: self.flow.clone(),
                job_id: Some(name.clone()),
                media: wishes.iter().map(entry).collect(),
                encoding: kind.encoding,
                webhook_url: self.receiver.as_ref().map(|receiver| receiver.url().to_owned()),
                options: kind.options,
            },
            job: name,
            compile: None,
        };
        self.books
            .put_ordered(&ordered, vec![entries::ordered(&ordered)])
            .await?;
        self.tally.ordered();
        self.post(Job {
            begun: Instant::now(),
            is_old: false,
            ordered,
            wishes,
        });
        Ok(())
    }

    fn post(&mut self, job: Job) {
        let (media, name, order) = (
            self.media.clone(),
            job.ordered.job.clone(),
            job.ordered.order.clone(),
        );
        let key = Books::key_of(&name);
        self.watch.expect(name.clone());
        self.jobs.insert(name.clone(), job);
        self.posts.spawn(async move {
            let answer = persist(|| media.compile(&order, key.clone())).await;
            (name, answer)
        });
    }

    async fn posted(&mut self, name: JobId, answer: Result<CompileJob, Error>) -> Result<(), store::Error> {
        match answer {
            Ok(told) => {
                if let Some(job) = self.jobs.get_mut(&name) {
                    job.ordered.compile = Some(told.id.clone());
                    self.books.put_ordered(&job.ordered, Vec::new()).await?;
                }
                let now = self.now();
                match self.watch.posted(now, &name, told) {
                    Some(ended) => self.ended(ended).await,
                    None => Ok(()),
                }
            }
            Err(error) => self.not_posted(name, &error).await,
        }
    }

    /// One entry that the platform refuses must not take the others down: each gets a job of its own.
    async fn not_posted(&mut self, name: JobId, error: &Error) -> Result<(), store::Error> {
        self.watch.forget(&name);
        let Some(job) = self.jobs.remove(&name) else {
            return Ok(());
        };
        self.books
            .note(vec![entries::job_failed(
                &job.ordered,
                job.begun.elapsed(),
                &error.to_string(),
            )])
            .await?;
        let is_refused = matches!(error.status(), Some(400 | 404 | 409 | 413 | 422));
        if is_refused {
            self.over.push(name);
        }
        if is_refused && job.wishes.len() > 1 {
            let kind = Kind {
                encoding: job.ordered.order.encoding,
                options: job.ordered.order.options,
            };
            for wish in job.wishes {
                self.order_one(kind, vec![wish]).await?;
            }
            return Ok(());
        }
        let why = format!("it can't be compiled: {error}");
        job.wishes
            .into_iter()
            .for_each(|wish| wish.answer(Err(why.clone())));
        Ok(())
    }

    async fn asked(
        &mut self,
        name: JobId,
        answer: Result<Option<CompileJob>, Error>,
    ) -> Result<(), store::Error> {
        match answer {
            Ok(Some(told)) => self.told(told).await,
            Ok(None) => {
                self.lost(&name, "the platform does not know the job any more")
                    .await
            }
            Err(error) => {
                // It is asked again.
                tracing::warn!(job = %name, %error, "a compilation can't be asked for");
                Ok(())
            }
        }
    }

    async fn told(&mut self, told: CompileJob) -> Result<(), store::Error> {
        match self.watch.told(told) {
            Some(ended) => self.ended(ended).await,
            None => Ok(()),
        }
    }

    fn due(&self) -> Option<Instant> {
        let due = self.watch.deadline();
        (due != Moment::NEVER).then(|| self.started + due.since_start())
    }

    async fn act(&mut self) -> Result<(), store::Error> {
        for act in self.watch.due(self.now()) {
            match act {
                Act::Ask { job, id } => self.ask(job, id),
                Act::GiveUp { job } => {
                    let Some(lost) = self.jobs.remove(&job) else {
                        continue;
                    };
                    let why =
                        "the platform did not finish the compilation in time; build again to go on waiting";
                    let entry = entries::job_failed(&lost.ordered, lost.begun.elapsed(), why);
                    self.books.note(vec![entry]).await?;
                    lost.wishes
                        .into_iter()
                        .for_each(|wish| wish.answer(Err(why.to_owned())));
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, job: JobId, id: CompileId) {
        let media = self.media.clone();
        self.asks.spawn(async move { (job, media.job(&id).await) });
    }

    async fn ended(&mut self, ended: Ended) -> Result<(), store::Error> {
        let Some(job) = self.jobs.remove(&ended.job) else {
            return Ok(());
        };
        self.over.push(ended.job);
        let entry = entries::job_over(&job.ordered, &ended.told, job.begun.elapsed());
        self.books.note(vec![entry]).await?;
        for wish in job.wishes {
            let mut results = ended.told.results.iter();
            let result = results.find(|result| result.node_id == wish.node && result.asset_id == wish.asset);
            match result.filter(|result| result.status == NodeStatus::Ready) {
                Some(result) => {
                    let served = Served {
                        compile: ended.told.id.clone(),
                        result: result.clone(),
                    };
                    wish.answer(Ok(served));
                }
                // That was then; the platform may be well now.
                None if job.is_old => self.wish_again(wish),
                None => {
                    let message = result.and_then(|result| result.message.clone());
                    let message = message.or_else(|| ended.told.message.clone());
                    let why = message.unwrap_or_else(|| "the platform does not say why".to_owned());
                    wish.answer(Err(format!("the compilation failed: {why}")));
                }
            }
        }
        Ok(())
    }

    /// The job is not there any more: what it was for is ordered once more.
    async fn lost(&mut self, name: &JobId, why: &str) -> Result<(), store::Error> {
        self.watch.forget(name);
        let Some(job) = self.jobs.remove(name) else {
            return Ok(());
        };
        self.over.push(name.clone());
        let entry = entries::job_failed(&job.ordered, job.begun.elapsed(), why);
        self.books.note(vec![entry]).await?;
        for wish in job.wishes {
            match wish.is_second {
                false => self.wish_again(wish),
                true => wish.answer(Err(why.to_owned())),
            }
        }
        Ok(())
    }

    fn wish_again(&mut self, wish: Wish) {
        self.gather(Wish {
            is_second: true,
            ..wish
        });
    }

    fn now(&self) -> Moment {
        Moment::at(self.started.elapsed())
    }
}

impl Batch {
    /// Whether the wish can join: a node is once in a job.
    fn takes(&self, kind: Kind, wish: &Wish) -> bool {
        self.kind == kind
            && self.wishes.len() < MOST_IN_JOB
            && self.wishes.iter().all(|other| other.node != wish.node)
    }
}

impl Job {
    fn holds(&self, wish: &Wish) -> bool {
        let order = &self.ordered.order;
        let is_wish = |entry: &MediaEntry| entry.node_id == wish.node && entry.asset_id == wish.asset;
        let is_kind = order.encoding == wish.encoding && order.options == wish.options;
        is_kind && order.media.iter().any(is_wish) && self.wishes.iter().all(|other| other.node != wish.node)
    }
}

impl Wish {
    fn answer(self, answer: Result<Served, String>) {
        // Nobody waits any more when the build was interrupted.
        let _ = self.answer.send(answer);
    }
}

async fn told(receiver: &mut Option<Receiver>) -> CompileJob {
    match receiver {
        Some(receiver) => receiver.next().await,
        None => pending().await,
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}
