//! How many sessions ran as they should.

use serde::{Deserialize, Serialize};
use store::{Expect, Put, Record, Store};
use wire::{
    ids::IdempotencyKey,
    playback::{PlaybackState, Session},
};

/// The kind of the records, one for each platform.
const KIND: &str = "playback-stability";

/// How many sessions are over, and how many of them ran as they should: verified, preloaded, and to their end without an underrun. To be
/// interrupted or stopped on purpose is an end like another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stability {
    /// Sessions that are over.
    pub sessions: u64,
    /// Those of them that ran as they should.
    pub stable: u64,
}

impl Stability {
    /// The same with one more session, if that is over.
    pub fn and(mut self, session: &Session) -> Self {
        if session.playback_state.is_over() {
            let is_prepared = session.format_verified && session.buffer_preloaded;
            let ran = session.playback_state != PlaybackState::Failed && session.underruns == 0;
            self.sessions += 1;
            self.stable += u64::from(is_prepared && ran);
        }
        self
    }

    /// The share, from 0 to 1; `None` while no session is over.
    pub fn rate(&self) -> Option<f64> {
        (self.sessions > 0).then(|| self.stable as f64 / self.sessions as f64)
    }
}

/// The stability of all sessions on a platform whose end is committed, by its name in the books.
pub async fn stability(store: &Store, books: &str) -> Result<Stability, store::Error> {
    Ok(Kept::read(store, &id_of(books)).await?.stability)
}

/// What is kept for a platform.
pub(super) struct Kept {
    pub(super) stability: Stability,
    expect: Expect,
}

impl Kept {
    pub(super) async fn read(store: &Store, id: &str) -> Result<Self, store::Error> {
        Ok(match store.record(KIND, id).await? {
            Some(record) => Self::of(&record),
            None => Self {
                stability: Stability::default(),
                expect: Expect::Absent,
            },
        })
    }

    fn of(record: &Record) -> Self {
        Self {
            // One that can't be read begins anew.
            stability: serde_json::from_str(&record.body).unwrap_or_default(),
            expect: Expect::Version(record.version),
        }
    }

    /// Keeps another in its place, if nobody else did so.
    pub(super) fn replaced_by(&self, stability: Stability, id: &str) -> Put {
        Put {
            kind: KIND.to_owned(),
            id: id.to_owned(),
            body: serde_json::to_string(&stability).ok(),
            expect: self.expect,
        }
    }
}

/// The id of a platform's record.
pub(super) fn id_of(platform: &str) -> String {
    IdempotencyKey::of_parts(&[platform]).as_str().to_owned()
}
