//! Compilations: prompts wish for nodes to be served, wishes become jobs, and the platform's words about jobs become answers.
//!
//! One task owns all of it. A job is written down before it is posted, so a build that was killed finds it: one that was accepted
//! is waited for, one that was not is posted again under its key, or dropped when it is not wanted as it was any more.

use super::{
    Tally,
    books::{Books, Ordered},
    build::BuildError,
    earlier::{Earlier, Serves as _, Taken},
    entries,
    persist::persist,
    receiver::Receiver,
};
use client::{Error, Media, Transport};
use flow::{
    Moment,
    prompts::watch::{Act, Ended, Pace, Watch},
    retry::Policy,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use wire::{
    ids::{AssetId, CompileId, FlowId, JobId, NodeId},
    media::{CompileJob, CompileOptions, Encoding, JobStatus, MediaEntry, NewCompile, NodeResult, Rank},
};

/// Most entries of one job: progress comes job by job.
const MOST_IN_JOB: usize = 25;
/// Most jobs that the platform has at a time: one that waits in its queue loses no patience here.
const MOST_JOBS: usize = 8;
/// How long a question may take; it is asked again anyway.
const ASKING: Duration = Duration::from_secs(10);
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
}

/// The compiler of one build.
pub(super) struct Compiler {
    media: Media,
    /// For questions, each of which is asked once.
    asking: Media,
    /// Jobs that are being asked for.
    asked: BTreeSet<JobId>,
    books: Books,
    flow: FlowId,
    tally: Arc<Tally>,
    receiver: Option<Receiver>,
    started: Instant,
    watch: Watch,
    batches: Vec<Batch>,
    /// Jobs that are posted, or waited for.
    jobs: BTreeMap<JobId, Job>,
    /// Those of a build that was killed.
    earlier: Earlier,
    posts: JoinSet<(JobId, Result<CompileJob, Error>)>,
    asks: JoinSet<(JobId, Result<Option<CompileJob>, Error>)>,
    /// Jobs whose outcome is told.
    over: Vec<JobId>,
}

impl Compiler {
    pub(super) fn new(
        transport: &Transport,
        books: Books,
        flow: FlowId,
        receiver: Option<Receiver>,
        earlier: Earlier,
        tally: Arc<Tally>,
    ) -> Self {
        let pace = if receiver.is_some() {
            Pace::TOLD
        } else {
            Pace::ASKED
        };
        Self {
            media: Media::new(transport),
            asking: Media::new(&transport.with_policy(Policy::single(ASKING))),
            asked: BTreeSet::new(),
            books,
            flow,
            tally,
            receiver,
            started: Instant::now(),
            watch: Watch::new(pace),
            batches: Vec::new(),
            jobs: BTreeMap::new(),
            earlier,
            posts: JoinSet::new(),
            asks: JoinSet::new(),
            over: Vec::new(),
        }
    }

    /// Grants wishes until there are no more; gives the jobs that are over and can be forgotten.
    pub(super) async fn run(mut self, mut wishes: mpsc::Receiver<Wish>) -> Result<Vec<JobId>, BuildError> {
        self.take_up();
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
                Some(posted) = self.posts.join_next() => {
                    // Whoever waits is told by the end of this task.
                    let (job, answer) = posted?;
                    self.posted(job, answer).await?;
                }
                Some(asked) = self.asks.join_next() => {
                    let (job, answer) = asked?;
                    self.asked(job, answer).await?;
                }
                told = told(&mut self.receiver) => self.told(told).await?,
                () = at(gathered) => self.order_gathered().await?,
                () = at(due) => self.act().await?,
            }
        }
        self.over.extend(self.earlier.into_useless());
        Ok(self.over)
    }

    fn is_busy(&self) -> bool {
        !self.batches.is_empty()
            || !self.posts.is_empty()
            || !self.jobs.is_empty()
            || self.earlier.is_waited_for()
    }

    /// What an earlier build left.
    fn take_up(&mut self) {
        for (job, id) in self.earlier.accepted() {
            self.watch.expect(job.clone());
            let queued = CompileJob {
                id: id.clone(),
                job_id: Some(job.clone()),
                flow_id: None,
                status: JobStatus::Queued,
                results: Vec::new(),
                message: None,
                self_uri: None,
            };
            self.watch.posted(Moment::START, job, queued);
        }
    }

    async fn wish(&mut self, wish: Wish) -> Result<(), BuildError> {
        match self.earlier.take(wish) {
            Taken::Waits(ask) => {
                if let Some((job, id)) = ask {
                    self.ask(job, id);
                }
                Ok(())
            }
            Taken::Complete(ordered, wishes) => {
                self.post(Job {
                    begun: Instant::now(),
                    ordered,
                    wishes,
                });
                Ok(())
            }
            Taken::No(wish) => {
                self.gather(wish);
                self.order_full().await
            }
        }
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

    /// No more wishes come: nothing is gathered any longer.
    async fn close(&mut self) -> Result<(), BuildError> {
        let back = self.earlier.close();
        back.into_iter().for_each(|wish| self.gather(wish));
        let now = Instant::now();
        self.batches.iter_mut().for_each(|batch| batch.until = now);
        self.order_gathered().await
    }

    /// When a job is to be ordered next, if there is room for one.
    fn gathered(&self) -> Option<Instant> {
        let has_room = self.jobs.len() < MOST_JOBS;
        self.batches
            .iter()
            .map(|batch| batch.until)
            .min()
            .filter(|_| has_room)
    }

    async fn order_full(&mut self) -> Result<(), BuildError> {
        self.order(|batch| batch.wishes.len() >= MOST_IN_JOB).await
    }

    async fn order_gathered(&mut self) -> Result<(), BuildError> {
        let now = Instant::now();
        self.order(|batch| batch.until <= now).await
    }

    async fn order(&mut self, is_due: impl Fn(&Batch) -> bool) -> Result<(), BuildError> {
        while self.jobs.len() < MOST_JOBS
            && let Some(at) = self.batches.iter().position(&is_due)
        {
            let Batch { kind, wishes, .. } = self.batches.remove(at);
            self.order_one(kind, wishes).await?;
        }
        Ok(())
    }

    async fn order_one(&mut self, kind: Kind, wishes: Vec<Wish>) -> Result<(), BuildError> {
        let name = JobId::from_uuid(uuid::Uuid::new_v4());
        let entry = |wish: &Wish| MediaEntry {
            asset_id: wish.asset.clone(),
            node_id: wish.node.clone(),
            format: None,
            sample_rate: None,
            priority: wish.priority,
            fallback_encoding: None,
        };
        let ordered = Ordered {
            at: entries::now(),
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

    async fn posted(&mut self, name: JobId, answer: Result<CompileJob, Error>) -> Result<(), BuildError> {
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
    async fn not_posted(&mut self, name: JobId, error: &Error) -> Result<(), BuildError> {
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
        if is_refused && job.refuses_callbacks(error) {
            tracing::warn!(%error, "the platform takes no such callback; it is asked instead");
            self.receiver = None;
            self.watch.set_pace(Pace::ASKED);
            return self.order_one(job.kind(), job.wishes).await;
        }
        if is_refused && job.wishes.len() > 1 {
            let kind = job.kind();
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
    ) -> Result<(), BuildError> {
        self.asked.remove(&name);
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

    async fn told(&mut self, told: CompileJob) -> Result<(), BuildError> {
        match self.watch.told(self.now(), told) {
            Some(ended) => self.ended(ended).await,
            None => Ok(()),
        }
    }

    fn due(&self) -> Option<Instant> {
        let due = self.watch.deadline();
        (due != Moment::NEVER).then(|| self.started + due.since_start())
    }

    async fn act(&mut self) -> Result<(), BuildError> {
        for act in self.watch.due(self.now()) {
            match act {
                Act::Ask { job, id } => self.ask(job, id),
                Act::GiveUp { job } => {
                    if let Some(back) = self.earlier.lost(&job) {
                        self.over.push(job);
                        back.into_iter().for_each(|wish| self.wish_again(wish));
                        continue;
                    }
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
        if !self.asked.insert(job.clone()) {
            return;
        }
        let media = self.asking.clone();
        self.asks.spawn(async move { (job, media.job(&id).await) });
    }

    async fn ended(&mut self, ended: Ended) -> Result<(), BuildError> {
        let Some(job) = self.jobs.remove(&ended.job) else {
            // The platform may be well now: what failed then is wished for again.
            if let Some((entry, back)) = self.earlier.ended(&ended.job, ended.told) {
                self.books.note(vec![entry]).await?;
                back.into_iter().for_each(|wish| self.wish_again(wish));
            }
            return Ok(());
        };
        self.over.push(ended.job);
        let entry = entries::job_over(&job.ordered, &ended.told, job.begun.elapsed());
        self.books.note(vec![entry]).await?;
        for wish in job.wishes {
            match ended.told.served(&wish) {
                Some(served) => wish.answer(Ok(served)),
                None => {
                    let why = why_not(&ended.told, &wish);
                    wish.answer(Err(format!("the compilation failed: {why}")));
                }
            }
        }
        Ok(())
    }

    /// The job is not there any more: what it was for is ordered once more.
    async fn lost(&mut self, name: &JobId, why: &str) -> Result<(), BuildError> {
        self.watch.forget(name);
        self.over.push(name.clone());
        if let Some(back) = self.earlier.lost(name) {
            back.into_iter().for_each(|wish| self.wish_again(wish));
            return Ok(());
        }
        let Some(job) = self.jobs.remove(name) else {
            return Ok(());
        };
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
    fn kind(&self) -> Kind {
        Kind {
            encoding: self.ordered.order.encoding,
            options: self.ordered.order.options,
        }
    }

    /// Whether it is the address of the callback that the platform refuses.
    fn refuses_callbacks(&self, error: &Error) -> bool {
        self.ordered.order.webhook_url.is_some() && error.to_string().contains("webhookUrl")
    }
}

impl Wish {
    pub(super) fn answer(self, answer: Result<Served, String>) {
        // Nobody waits any more when the build was interrupted.
        let _ = self.answer.send(answer);
    }
}

/// Why a job does not serve a wish, in the platform's own words.
fn why_not(told: &CompileJob, wish: &Wish) -> String {
    let mut results = told.results.iter();
    let result = results.find(|result| result.node_id == wish.node && result.asset_id == wish.asset);
    let message = result
        .and_then(|result| result.message.as_ref())
        .or(told.message.as_ref());
    message.map_or_else(|| "the platform does not say why".to_owned(), String::clone)
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
