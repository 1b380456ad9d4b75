//! The conversations in memory, and who waits for news of them.

use super::{live::Live, trouble::Trouble};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex as SyncMutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::{Mutex, watch};
use wire::ids::ConversationId;

/// Most conversations in memory, unless more are in use.
const MOST: usize = 10_000;
/// About how many bytes they may take, unless those in use take more.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// One of so many goes when there are too many.
const SHARE: usize = 8;
/// Most long polls of a conversation, and of all.
const MOST_POLLS: usize = 64;
const MOST_POLLS_OF_ALL: usize = 20_000;

/// A place for a conversation.
pub(super) struct Room {
    /// The conversation, once it was read from the store. Whoever changes it holds this until the store has the change.
    pub(super) live: Mutex<Option<Live>>,
    /// The number of its last interaction.
    news: watch::Sender<u64>,
    polls: AtomicUsize,
    bytes: AtomicUsize,
    used: AtomicU64,
    /// The earliest time that its timer was set to; `i64::MAX` when it is not.
    pub(super) alarm: AtomicI64,
}

/// All rooms.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: SyncMutex<HashMap<ConversationId, Arc<Room>>>,
    /// Grows with every use: the order of last uses.
    uses: AtomicU64,
    bytes: AtomicUsize,
    polls: Arc<AtomicUsize>,
}

impl Rooms {
    /// The conversation's room; made if it is not there.
    pub(super) fn room(&self, id: &ConversationId) -> Arc<Room> {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut rooms = self.lock();
        if let Some(room) = rooms.get(id) {
            room.used.store(used, Ordering::Relaxed);
            return room.clone();
        }
        if rooms.len() >= MOST || self.bytes.load(Ordering::Relaxed) >= MOST_BYTES {
            self.make_room(&mut rooms);
        }
        let room = Arc::new(Room {
            live: Mutex::new(None),
            news: watch::channel(0).0,
            polls: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            used: AtomicU64::new(used),
            alarm: AtomicI64::new(i64::MAX),
        });
        rooms.insert(id.clone(), room.clone());
        room
    }

    /// The conversation's room, if it is in memory.
    pub(super) fn existing(&self, id: &ConversationId) -> Option<Arc<Room>> {
        self.lock().get(id).cloned()
    }

    /// Takes out a room that is empty: nobody fills memory with ids that are none.
    pub(super) fn forget(&self, id: &ConversationId, room: Arc<Room>) {
        let mut rooms = self.lock();
        // The map and the caller have it, and others get it only under the lock.
        if Arc::strong_count(&room) == 2 && rooms.get(id).is_some_and(|known| Arc::ptr_eq(known, &room)) {
            rooms.remove(id);
            self.bytes
                .fetch_sub(room.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Takes out those that were not used for the longest time, and that nobody uses now.
    fn make_room(&self, rooms: &mut HashMap<ConversationId, Arc<Room>>) {
        // Others get a room only under the lock, so one that only the map has is nobody's.
        let idle = rooms.iter().filter(|(_, room)| Arc::strong_count(room) == 1);
        let mut idle: Vec<_> = idle
            .map(|(id, room)| (room.used.load(Ordering::Relaxed), id.clone()))
            .collect();
        let go = (rooms.len() / SHARE).max(1).min(idle.len());
        if go < idle.len() {
            idle.select_nth_unstable(go);
        }
        for (_, id) in idle.into_iter().take(go) {
            if let Some(room) = rooms.remove(&id) {
                self.bytes
                    .fetch_sub(room.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    }

    /// Counts what a conversation takes by now, and tells those who wait for news of it.
    pub(super) fn told(&self, room: &Room, live: &Live) {
        let bytes = live.bytes();
        let before = room.bytes.swap(bytes, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes.fetch_sub(before, Ordering::Relaxed);
        let last = live.kept.last_sequence;
        room.news
            .send_if_modified(|news| std::mem::replace(news, last) != last);
    }

    /// A seat for one who waits.
    pub(super) fn wait(&self, room: &Arc<Room>) -> Result<Seat, Trouble> {
        taken(&self.polls, MOST_POLLS_OF_ALL).ok_or(Trouble::TooManyPolls("here"))?;
        let all = Counted(self.polls.clone());
        taken(&room.polls, MOST_POLLS).ok_or(Trouble::TooManyPolls("for this conversation"))?;
        Ok(Seat {
            news: room.news.subscribe(),
            room: room.clone(),
            _all: all,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits for news.
pub(super) struct Seat {
    pub(super) news: watch::Receiver<u64>,
    room: Arc<Room>,
    _all: Counted,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.polls.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One more, if there may be one.
fn taken(count: &AtomicUsize, most: usize) -> Option<()> {
    let more = |count: usize| (count < most).then_some(count + 1);
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
        .ok()
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ConversationId {
        format!("c-{number}").parse().unwrap()
    }

    #[test]
    fn there_are_so_many_rooms_at_most_and_those_in_use_stay() {
        let rooms = Rooms::default();
        let held = rooms.room(&id(0));
        for number in 1..3 * MOST {
            rooms.room(&id(number));
            assert!(rooms.lock().len() <= MOST);
        }
        assert!(Arc::ptr_eq(&held, &rooms.room(&id(0))));
        assert!(
            rooms.existing(&id(3 * MOST - 1)).is_some(),
            "what was used last stays"
        );
        assert!(rooms.existing(&id(1)).is_none());
    }

    #[test]
    fn a_room_that_somebody_else_has_is_not_forgotten() {
        let rooms = Rooms::default();
        let (mine, other) = (rooms.room(&id(1)), rooms.room(&id(1)));
        rooms.forget(&id(1), mine);
        assert!(Arc::ptr_eq(&other, &rooms.room(&id(1))));
        rooms.forget(&id(1), other);
        assert!(rooms.existing(&id(1)).is_none());
    }

    #[test]
    fn seats_are_counted_and_given_back() {
        let rooms = Rooms::default();
        let room = rooms.room(&id(1));
        let seats: Vec<_> = (0..MOST_POLLS).map(|_| rooms.wait(&room).unwrap()).collect();
        assert!(matches!(rooms.wait(&room), Err(Trouble::TooManyPolls(_))));
        assert!(rooms.wait(&rooms.room(&id(2))).is_ok());
        drop(seats);
        assert_eq!(
            (
                room.polls.load(Ordering::Relaxed),
                rooms.polls.load(Ordering::Relaxed)
            ),
            (0, 0)
        );
    }
}
