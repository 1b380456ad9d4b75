//! What is due later: one task with one heap over all conversations.

use super::{
    Conversations,
    changing::Cause,
    kept::{CONVERSATION, Kept, OWES, read},
    rooms::Room,
    trouble::Trouble,
};
use crate::clock::Clock;
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};
use store::Find;
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use wire::ids::ConversationId;

/// Most conversations that are looked after at a time.
const MOST_AT_ONCE: usize = 64;
/// How often the store is asked for what is overdue: what another center left behind, or what failed here.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What is due for so long is overdue, in milliseconds.
const OVERDUE_MS: i64 = 2_000;
/// Most that are looked at in the store at a time, and in all.
const PORTION: usize = 500;
const MOST_LOOKED_AT: usize = 1_000_000;
/// The longest time to sleep without looking at the clock, which may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// When conversations are to be looked after.
pub(super) struct Alarms {
    heap: Mutex<BinaryHeap<Reverse<(i64, ConversationId)>>>,
    /// There is an earlier one than before.
    earlier: Notify,
    /// Those that are being looked after.
    turns: Arc<Semaphore>,
}

impl Default for Alarms {
    fn default() -> Self {
        Self {
            heap: Mutex::default(),
            earlier: Notify::new(),
            turns: Arc::new(Semaphore::new(MOST_AT_ONCE)),
        }
    }
}

impl Alarms {
    /// Sets the alarm of a room, in milliseconds since 1970, unless it goes off before.
    pub(super) fn set(&self, room: &Room, id: &ConversationId, at_ms: i64) {
        if room.alarm.fetch_min(at_ms, Ordering::Relaxed) > at_ms {
            self.add(id.clone(), at_ms);
        }
    }

    fn add(&self, id: ConversationId, at_ms: i64) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = heap.peek().is_none_or(|Reverse((first, _))| at_ms < *first);
        heap.push(Reverse((at_ms, id)));
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// The next that is due by now; otherwise when the first one will be.
    fn next(&self, now_ms: i64) -> Result<ConversationId, Option<i64>> {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        match heap.peek() {
            Some(Reverse((at, _))) if *at <= now_ms => heap.pop().map(|Reverse((_, id))| id).ok_or(None),
            Some(Reverse((at, _))) => Err(Some(*at)),
            None => Err(None),
        }
    }
}

/// The tasks that look after conversations; they end when the center closes.
pub(crate) struct Ticking {
    alarms: JoinHandle<()>,
    overdue: JoinHandle<()>,
}

impl Ticking {
    /// Begins, with what was left behind first.
    pub(crate) fn start(conversations: &Arc<Conversations>) -> Self {
        let (alarms, overdue) = (conversations.clone(), conversations.clone());
        Self {
            alarms: tokio::spawn(async move {
                let closing = alarms.closing.clone();
                closing.run_until_cancelled(alarms.go_off()).await;
            }),
            overdue: tokio::spawn(async move {
                let closing = overdue.closing.clone();
                closing
                    .run_until_cancelled(Box::pin(overdue.look_for_overdue()))
                    .await;
            }),
        }
    }

    /// Ends both at once: for tests in virtual time.
    #[cfg(test)]
    pub(crate) fn abort(self) {
        self.alarms.abort();
        self.overdue.abort();
    }

    /// Waits for both; `closing` was cancelled.
    pub(crate) async fn close(self) {
        let _ = tokio::join!(self.alarms, self.overdue);
    }
}

impl Conversations {
    async fn go_off(self: &Arc<Self>) {
        loop {
            let now = Clock::utc().timestamp().as_millisecond();
            match self.alarms.next(now) {
                Ok(id) => self.look_after_soon(id).await,
                Err(at) => {
                    let wait = at.map_or(LONGEST_SLEEP, |at| {
                        Duration::from_millis(u64::try_from(at.saturating_sub(now)).unwrap_or(0))
                    });
                    tokio::select! {
                        () = sleep(wait.min(LONGEST_SLEEP)) => {}
                        () = self.alarms.earlier.notified() => {}
                    }
                }
            }
        }
    }

    /// Looks after a conversation as soon as it is its turn, which is waited for.
    async fn look_after_soon(self: &Arc<Self>, id: ConversationId) {
        let Ok(turn) = self.alarms.turns.clone().acquire_owned().await else {
            return;
        };
        let conversations = self.clone();
        tokio::spawn(async move {
            let _turn = turn;
            conversations.look_after(&id).await;
        });
    }

    /// Lets happen what is due in a conversation.
    pub(super) async fn look_after(self: &Arc<Self>, id: &ConversationId) {
        self.rooms.room(id).alarm.store(i64::MAX, Ordering::Relaxed);
        let cause = Cause {
            received: self.clock.now(),
            correlation: None,
        };
        match self.alter(id, &cause, |_, _| Ok(())).await {
            Ok(()) | Err(Trouble::Unknown(_)) => {}
            // The look for what is overdue tries again.
            Err(error) => tracing::warn!(%id, %error, "what a conversation owes waits"),
        }
    }

    async fn look_for_overdue(self: &Arc<Self>) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_first = !self.store.is_shared();
        loop {
            ticks.tick().await;
            match self.look(is_first).await {
                Ok(()) => is_first = false,
                Err(error) => tracing::warn!(%error, "what conversations owe can't be looked for"),
            }
        }
    }

    /// Looks after what is overdue. At the start of a center that is alone, errands are done again at once, and alarms are set.
    async fn look(self: &Arc<Self>, is_start: bool) -> Result<(), store::Error> {
        let begun = Instant::now();
        let mut find = Find {
            kind: CONVERSATION.into(),
            term: OWES.into(),
            ..Find::default()
        };
        for _ in 0..MOST_LOOKED_AT / PORTION {
            let overdue = Clock::utc()
                .timestamp()
                .as_millisecond()
                .saturating_sub(OVERDUE_MS);
            let found = self.store.find(&find, PORTION).await?;
            let is_last = found.len() < PORTION;
            if let Some(last) = found.last() {
                (find.after, find.after_id) = (Some(last.place), Some(last.record.id.clone()));
            }
            for found in found {
                let Ok(id) = found.record.id.parse::<ConversationId>() else {
                    continue;
                };
                let has_errands =
                    || read::<Kept>(&found.record.body).is_some_and(|kept| !kept.errands.is_empty());
                if found.place <= overdue || (is_start && has_errands()) {
                    self.look_after_soon(id).await;
                } else if is_start {
                    self.alarms.add(id, found.place);
                } else {
                    return Ok(());
                }
            }
            if is_last {
                break;
            }
        }
        tracing::debug!(took = ?begun.elapsed(), "looked for what conversations owe");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bots::Bots, conversations::Parts};
    use client::{Exchange, Http, Upgraded};
    use store::{Commit, Location, Store, Terms};
    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;

    struct Nobody;

    impl Http for Nobody {
        fn execute(&self, _: http::Request<bytes::Bytes>) -> Exchange<'_, http::Response<bytes::Bytes>> {
            Box::pin(std::future::pending())
        }

        fn upgrade(&self, _: http::Request<bytes::Bytes>) -> Exchange<'_, Upgraded> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_conversation_that_is_held_up_holds_up_no_other_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("t.db"));
        let store = Store::open(&location).await.unwrap();
        let http = Arc::new(Nobody);
        let bots = Bots::new(
            Default::default(),
            http,
            store.clone(),
            webhooks::Secret::generate(&[7; 32]),
        );
        let parts = Parts {
            store: store.clone(),
            clock: Clock::start(),
            bots,
            masks_personal: true,
            closing: CancellationToken::new(),
        };
        let conversations = Conversations::open(parts).await.unwrap();
        let cause = Cause {
            received: conversations.clock.now(),
            correlation: None,
        };
        for id in ["a", "b"] {
            let new = serde_json::json!({"id": id, "type": "webchat", "participants": [{"id": "u", "direction": "inbound"}]});
            let new = wire::conversation::NewConversation::parse(&new.to_string()).unwrap();
            conversations.create(new, None, &cause).await.unwrap();
            let terms = Terms {
                kind: CONVERSATION.into(),
                id: id.into(),
                terms: vec![(OWES.into(), 1)],
            };
            let overdue = Commit {
                terms: vec![terms],
                ..Commit::default()
            };
            store.commit(overdue).await.unwrap();
        }
        let held_up = conversations.rooms.room(&"a".parse().unwrap());
        let _held = held_up.live.lock().await;
        let looked = timeout(Duration::from_secs(20), conversations.look(true));
        looked.await.expect("it does not wait for that one").unwrap();
    }
}
