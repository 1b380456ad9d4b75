//! Conversations (contract section 5).
//!
//! Each conversation that is in use has a [room](rooms::Room) with a lock of its own. What happens to it is [drafted](draft::Draft) under
//! that lock without any IO: the customer speaks, the bot answers, time passes. The draft is one commit: the conversation's
//! record by its version, what was said, and the audit entry. Only then is anybody answered, and those who wait are woken.
//! What the bot owes (answers that are being typed, call-outs, idle paths) is in the record, so a kill loses nothing of it.

mod asking;
mod bot;
mod changing;
mod clock_route;
mod creating;
mod details;
mod draft;
mod entries;
mod erasing;
mod errands;
mod expanding;
mod kept;
mod listing;
mod live;
mod people;
mod reading;
mod rooms;
mod routes;
mod said;
mod stamps;
mod timers;
mod trouble;

pub(crate) use bot::{Bot, Outcome, Sent};
pub(crate) use clock_route::advance;
pub(crate) use erasing::erase;
pub(crate) use kept::What;
pub(crate) use routes::{change, create, details, find, interactions, list, mark_read, post};
pub(crate) use timers::Ticking;
pub(crate) use trouble::Trouble;

use crate::{bots::Bots, clock::Clock};
use rooms::Rooms;
use stamps::Stamps;
use std::{collections::HashSet, sync::Arc, sync::Mutex};
use store::{Find, Store};
use timers::Alarms;
use tokio_util::sync::CancellationToken;
use wire::ids::ConversationId;

/// Most interactions of a conversation; then messages are refused.
pub(super) const MOST_INTERACTIONS: u64 = 10_000;
/// How often a change is tried, when other centers change the same conversation meanwhile.
const MOST_TRIES: usize = 32;

/// The conversations of a center.
pub(crate) struct Conversations {
    store: Store,
    clock: Clock,
    stamps: Arc<Stamps>,
    rooms: Rooms,
    alarms: Alarms,
    bots: Arc<Bots>,
    masks_personal: bool,
    /// The errands that this process does.
    running: Mutex<HashSet<(ConversationId, u64)>>,
    closing: CancellationToken,
}

/// What they are made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) bots: Arc<Bots>,
    /// Whether the audit log gets what is said without e-mail addresses and telephone numbers.
    pub(crate) masks_personal: bool,
    pub(crate) closing: CancellationToken,
}

impl Conversations {
    /// The conversations in a store.
    pub(crate) async fn open(parts: Parts) -> Result<Arc<Self>, store::Error> {
        let Parts {
            store,
            clock,
            bots,
            masks_personal,
            closing,
        } = parts;
        let newest = Find {
            kind: kept::CONVERSATION.into(),
            term: kept::LIST.into(),
            descending: true,
            ..Find::default()
        };
        let last = store
            .find(&newest, 1)
            .await?
            .first()
            .map_or(0, |found| found.place);
        let stamps = Arc::new(Stamps::new(last, store.is_shared()));
        Ok(Arc::new(Self {
            store,
            clock,
            stamps,
            rooms: Rooms::default(),
            alarms: Alarms::default(),
            bots,
            masks_personal,
            running: Mutex::default(),
            closing,
        }))
    }
}
