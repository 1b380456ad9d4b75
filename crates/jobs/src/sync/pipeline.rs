//! Reading, making ready and delivering, each by a task of its own with short queues between them.
//!
//! The machine sits in the middle: pages come to it, batches go from it, and it hears when the sink has one.

use super::{
    SyncError,
    pages::{Listed, Page, Pages, fill},
    sink::{Parcel, Sink},
};
use client::{Conversations, Error};
use flow::sync::Ask;
use futures_util::TryStreamExt as _;
use std::{collections::HashSet, pin::pin};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};

/// How many bytes of JSON go to the sink at once. More than that is one conversation.
const PART_BYTES: usize = 4 * 1024 * 1024;
/// Parts that wait for the sink.
const MOST_PARTS: usize = 2;

/// The changes of a page that are to be delivered.
pub(super) struct Batch {
    batch: flow::sync::Batch,
    listed: Vec<Listed>,
}

/// The sink has a batch.
pub(super) struct Ack {
    pub(super) batch: flow::sync::Batch,
    pub(super) changes: u64,
    pub(super) interactions: u64,
    pub(super) gone: u64,
}

/// Changes that are ready; with the last of a batch, what is told once the sink has them.
struct Part {
    parcels: Vec<Parcel>,
    ends: Option<Ack>,
}

/// The three tasks and the ends of their queues.
pub(super) struct Pipeline {
    asks: Sender<Ask>,
    pub(super) pages: Receiver<Result<Page, Error>>,
    pub(super) batches: Sender<Batch>,
    pub(super) acks: Receiver<Result<Ack, SyncError>>,
    reader: JoinHandle<()>,
    packer: JoinHandle<()>,
    writer: JoinHandle<Option<Sink>>,
}

impl Batch {
    /// The wanted ones of a page; of a conversation that is listed twice, the last, so that all of a batch can go at once.
    pub(super) fn of(batch: flow::sync::Batch, listed: Vec<Listed>, wanted: &[usize]) -> Self {
        let wanted: HashSet<usize> = wanted.iter().copied().collect();
        let mut listed: Vec<Listed> = listed
            .into_iter()
            .enumerate()
            .filter(|(at, _)| wanted.contains(at))
            .map(|(_, listed)| listed)
            .collect();
        let mut seen = HashSet::new();
        listed.reverse();
        listed.retain(|listed| seen.insert(listed.change.id.clone()));
        listed.reverse();
        Self { batch, listed }
    }
}

impl Pipeline {
    /// Starts the tasks.
    pub(super) fn start(pages: Pages, conversations: Conversations, masked: bool, sink: Sink) -> Self {
        let (asks, asked) = mpsc::channel(1);
        let (read, pages_read) = mpsc::channel(1);
        let (batches, to_pack) = mpsc::channel(1);
        let (packed, to_write) = mpsc::channel(MOST_PARTS);
        let (told, acks) = mpsc::channel(MOST_PARTS);
        let packer = Packer {
            conversations,
            masked,
            whole: sink.wants_whole(),
            packed,
        };
        Self {
            asks,
            pages: pages_read,
            batches,
            acks,
            reader: tokio::spawn(read_pages(pages, asked, read)),
            packer: tokio::spawn(packer.run(to_pack, told.clone())),
            writer: tokio::spawn(write(sink, to_write, told)),
        }
    }

    /// Asks for a page; only when the one before is there.
    pub(super) fn ask(&self, ask: Ask) -> Result<(), SyncError> {
        self.asks.try_send(ask).map_err(|_| SyncError::Broken)
    }

    /// Ends the tasks; gives the sink back, unless it failed. What it works on, it finishes.
    pub(super) async fn finish(self) -> Option<Sink> {
        self.reader.abort();
        self.packer.abort();
        drop((self.asks, self.pages, self.batches, self.acks));
        self.writer.await.ok().flatten()
    }
}

async fn read_pages(mut pages: Pages, mut asked: Receiver<Ask>, read: Sender<Result<Page, Error>>) {
    while let Some(ask) = asked.recv().await {
        if read.send(pages.read(ask).await).await.is_err() {
            return;
        }
    }
}

/// Fills what the list does not hold, masks, and writes JSON.
struct Packer {
    conversations: Conversations,
    masked: bool,
    /// Whether the sink takes changes apart.
    whole: bool,
    packed: Sender<Part>,
}

impl Packer {
    async fn run(self, mut batches: Receiver<Batch>, told: Sender<Result<Ack, SyncError>>) {
        while let Some(batch) = batches.recv().await {
            if let Err(error) = self.pack(batch).await {
                // Nobody listens when the sink has failed before.
                let _ = told.send(Err(error)).await;
                return;
            }
        }
    }

    async fn pack(&self, batch: Batch) -> Result<(), SyncError> {
        let mut ack = Ack {
            batch: batch.batch,
            changes: 0,
            interactions: 0,
            gone: 0,
        };
        let mut parcels = Vec::with_capacity(batch.listed.len());
        let mut bytes = 0;
        let mut filled = pin!(fill(&self.conversations, batch.listed));
        while let Some(changed) = filled.try_next().await? {
            let Some(mut changed) = changed else {
                ack.gone += 1;
                continue;
            };
            if self.masked {
                changed.mask();
            }
            ack.changes += 1;
            ack.interactions += changed.interactions.len() as u64;
            let json = serde_json::to_string(&changed).map_err(|_| SyncError::Broken)?;
            bytes += json.len();
            parcels.push(Parcel {
                id: changed.change_id.clone(),
                json,
                whole: self.whole.then_some(changed),
            });
            if bytes >= PART_BYTES {
                let parcels = std::mem::take(&mut parcels);
                bytes = 0;
                self.send(Part { parcels, ends: None }).await?;
            }
        }
        let ends = Some(ack);
        self.send(Part { parcels, ends }).await
    }

    async fn send(&self, part: Part) -> Result<(), SyncError> {
        self.packed.send(part).await.map_err(|_| SyncError::Broken)
    }
}

async fn write(
    mut sink: Sink,
    mut parts: Receiver<Part>,
    told: Sender<Result<Ack, SyncError>>,
) -> Option<Sink> {
    while let Some(part) = parts.recv().await {
        if !part.parcels.is_empty()
            && let Err(error) = sink.take(part.parcels).await
        {
            let _ = told.send(Err(error.into())).await;
            return None;
        }
        if let Some(ack) = part.ends
            && told.send(Ok(ack)).await.is_err()
        {
            break;
        }
    }
    Some(sink)
}
