//! A sync from one platform to one sink: its walks, one after the other.

use super::{
    Settings, SyncError, Walked, Work,
    books::{self, Books},
    entries,
    lock::Lock,
    pages::{Page, Pages},
    pipeline::{Ack, Batch, Pipeline},
    sink::{Opening, Sink},
};
use client::{Conversations, Transport};
use flow::{
    retry::Policy,
    sync::{Ask, Change, Checkpoint, Sync},
};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::UtcTime;

/// How the platform is asked: nobody waits at a screen, and a large sync is bound to meet rate limits.
const PATIENT: Policy = Policy {
    attempts: 20,
    base: Duration::from_millis(250),
    cap: Duration::from_secs(10),
    total: Duration::from_secs(300),
};

/// What audit entries call it.
pub(super) struct Names {
    pub(super) platform: String,
    pub(super) sink: String,
    pub(super) masked: bool,
}

/// A sync, between two walks or in one.
pub(super) struct Job {
    work: Work,
    settings: Settings,
    names: Names,
    books: Books,
    conversations: Conversations,
    /// Where a new machine begins, after something failed.
    checkpoint: Checkpoint,
    /// What is kept instead of how far this sync has come, because what lies between is not delivered.
    held: Option<Checkpoint>,
    /// `None` when it has to be opened anew.
    open: Option<Open>,
    walked: Walked,
    is_behind: bool,
    _lock: Option<Lock>,
}

/// The machine and the sink belong together: one knows what the other has.
struct Open {
    sync: Sync,
    sink: Sink,
}

/// One walk under way.
struct Walk<'a> {
    sync: Sync,
    books: &'a mut Books,
    held: &'a mut Option<Checkpoint>,
    walked: &'a mut Walked,
    /// What is to be read next.
    next: Option<Ask>,
    /// Whether a page is on its way to us.
    asked: bool,
    /// A page that waits for its turn.
    waiting: Option<Batch>,
    /// Why nothing more is read. What was read before is delivered all the same.
    failed: Option<SyncError>,
}

impl Job {
    pub(super) async fn open(work: Work, settings: Settings) -> Result<Self, SyncError> {
        let names = Names {
            platform: work.platform.clone(),
            sink: work.target.name(),
            masked: settings.masked,
        };
        let sink = work.target.key(work.template.as_deref());
        // Before the books are read: whoever has the lock still writes them.
        let lock = work.lock_folder.as_deref();
        let lock = lock
            .map(|folder| Lock::take(folder, &books::name(&names.platform, &sink), &names.sink))
            .transpose()?;
        let mut books = Books::open(&work.store, &names.platform, &sink).await?;
        let (checkpoint, held) = match settings.since {
            Some(since) => begin_at(since, &mut books, settings.overlap).await?,
            None => (books.checkpoint()?.unwrap_or_default(), None),
        };
        let conversations = Conversations::new(&Transport::with_policy(&work.transport, PATIENT));
        let mut job = Self {
            work,
            settings,
            names,
            books,
            conversations,
            checkpoint,
            held,
            open: None,
            walked: Walked::default(),
            is_behind: false,
            _lock: lock,
        };
        // A sink that can't be used at all is told before the platform is asked.
        job.open = Some(job.begin().await?);
        Ok(job)
    }

    /// Walks through what changed, until its end or until `stop`.
    pub(super) async fn walk(
        &mut self,
        stop: &CancellationToken,
        progress: &(impl Fn(&Walked) + Send),
    ) -> Result<(), SyncError> {
        let begun = Instant::now();
        let before = self.walked.clone();
        let result = self.walk_through(stop, progress).await;
        let walked = since(&before, &self.walked);
        let entry = match &result {
            Ok(()) if walked.changes == 0 && self.settings.follow.is_some() => return result,
            Ok(()) => entries::walked(&self.names, &walked, begun.elapsed()),
            Err(error) => entries::failed(&self.names, &walked, begun.elapsed(), &error.to_string()),
        };
        let noted = self.books.note(entry).await;
        result.and(noted)
    }

    async fn walk_through(
        &mut self,
        stop: &CancellationToken,
        progress: &(impl Fn(&Walked) + Send),
    ) -> Result<(), SyncError> {
        let Open { mut sync, sink } = match self.open.take() {
            Some(open) => open,
            None => self.begin().await?,
        };
        let pages = Pages::new(self.conversations.clone(), self.settings.page_size);
        let mut pipeline = Pipeline::start(pages, self.conversations.clone(), self.settings.masked, sink);
        let next = Some(sync.begin());
        let mut walk = Walk {
            sync,
            books: &mut self.books,
            held: &mut self.held,
            walked: &mut self.walked,
            next,
            asked: false,
            waiting: None,
            failed: None,
        };
        let result = walk.run(&mut pipeline, stop, progress).await;
        let (sync, failed) = (walk.sync, walk.failed);
        self.checkpoint = sync.checkpoint();
        self.walked.reached = self.checkpoint.reached;
        self.is_behind = sync.is_behind();
        let sink = pipeline.finish().await;
        result?;
        // After an error the sink may have more than the machine knows of.
        match failed {
            Some(error) => Err(error),
            None => {
                self.open = sink.map(|sink| Open { sync, sink });
                Ok(())
            }
        }
    }

    /// A machine that goes on where it was, and the sink, with what that has already.
    async fn begin(&self) -> Result<Open, SyncError> {
        let mut sync = Sync::resume(self.checkpoint.clone(), self.settings.overlap);
        let opening = Opening {
            target: &self.work.target,
            platform: &self.names.platform,
            http: self.work.http.clone(),
            sign_in: self.work.sign_in.clone(),
            template: self.work.template.clone(),
            batch: self.settings.batch,
            store: self.work.store.clone(),
            since: sync.since(),
            in_any_order: sync.reads_again(),
        };
        let (sink, has) = Sink::open(opening).await?;
        has.iter().for_each(|delivered| sync.remember(delivered));
        Ok(Open { sync, sink })
    }

    /// Whether the next walk should begin at once.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    pub(super) fn into_walked(self) -> Walked {
        self.walked
    }
}

impl Walk<'_> {
    async fn run(
        &mut self,
        pipeline: &mut Pipeline,
        stop: &CancellationToken,
        progress: &(impl Fn(&Walked) + Send),
    ) -> Result<(), SyncError> {
        loop {
            if !self.asked
                && let Some(ask) = self.next.take()
            {
                pipeline.ask(ask)?;
                self.asked = true;
            }
            if !self.asked && self.waiting.is_none() && self.sync.is_settled() {
                return Ok(());
            }
            tokio::select! {
                ack = pipeline.acks.recv() => {
                    self.take_ack(ack.ok_or(SyncError::Broken)??).await?;
                    progress(self.walked);
                }
                page = pipeline.pages.recv(), if self.asked && self.waiting.is_none() => {
                    self.asked = false;
                    self.take_page(page.ok_or(SyncError::Broken)?);
                    if stop.is_cancelled() {
                        self.walked.interrupted |= self.next.take().is_some();
                    }
                }
                place = pipeline.batches.reserve(), if self.waiting.is_some() => {
                    let place = place.map_err(|_| SyncError::Broken)?;
                    if let Some(batch) = self.waiting.take() {
                        place.send(batch);
                    }
                }
            }
        }
    }

    /// Takes a page; the next one is asked for while this one is delivered.
    fn take_page(&mut self, page: Result<Page, client::Error>) {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                self.failed = Some(error.into());
                return;
            }
        };
        let changes: Vec<Change> = page.listed.iter().map(|listed| listed.change.clone()).collect();
        let taken = match self.sync.page(page.asked_at, &changes, page.next.as_deref()) {
            Ok(taken) => taken,
            Err(fault) => {
                self.failed = Some(fault.into());
                return;
            }
        };
        match taken.next {
            Ok(next) => self.next = next,
            Err(fault) => self.failed = Some(fault.into()),
        }
        self.walked.pages += 1;
        self.walked.known += (page.listed.len() - taken.wanted.len()) as u64;
        self.waiting = Some(Batch::of(taken.batch, page.listed, &taken.wanted));
    }

    /// The sink has a page: the checkpoint moves.
    async fn take_ack(&mut self, ack: Ack) -> Result<(), SyncError> {
        self.walked.changes += ack.changes;
        self.walked.interactions += ack.interactions;
        self.walked.gone += ack.gone;
        if self.sync.delivered(ack.batch) {
            let checkpoint = self.sync.checkpoint();
            self.walked.reached = checkpoint.reached;
            match self.held.take() {
                None => self.books.advance(&checkpoint).await?,
                Some(held) => {
                    let held = self.held.insert(held.beside(&checkpoint));
                    self.books.advance(held).await?;
                }
            }
        }
        Ok(())
    }
}

/// The beginning of a sync that begins at `since`, and what is kept instead of how far it comes, where it leaves a gap behind the
/// checkpoint: that stays, and the next sync delivers what lies between.
async fn begin_at(
    since: UtcTime,
    books: &mut Books,
    overlap: Duration,
) -> Result<(Checkpoint, Option<Checkpoint>), SyncError> {
    let now = jiff::Timestamp::now().into();
    // One that can't be read is overwritten.
    let Some(kept) = books.checkpoint().ok().flatten() else {
        return Ok((Checkpoint::default().anew(since, now, overlap).begin, None));
    };
    let anew = kept.anew(since, now, overlap);
    // Before anything is delivered: whoever goes on after a kill must know of it.
    books.advance(&anew.keep).await?;
    Ok((anew.begin, anew.leaves_gap.then_some(anew.keep)))
}

/// What was done in between.
fn since(before: &Walked, now: &Walked) -> Walked {
    Walked {
        pages: now.pages - before.pages,
        changes: now.changes - before.changes,
        interactions: now.interactions - before.interactions,
        known: now.known - before.known,
        gone: now.gone - before.gone,
        ..now.clone()
    }
}
