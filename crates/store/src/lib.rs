//! What is accepted is never lost, and never done twice.
//!
//! A [`Store`] is a SQLite file or a PostgreSQL database. One verb writes, [`Store::commit`]: an event, the effects it leads
//! to, records and audit entries happen as a whole or not at all, and when it returns they are durable. A [`Worker`] claims
//! the effects that are owed; it holds them as long as its process lives, and whoever lost a claim can't finish it.
//!
//! Records are found by kind and id, or by the terms that were committed with them: [`Store::find`] gives those with a term, by
//! a place that is the caller's to choose (a time, a priority). Whoever does work of a queue for long does it with
//! [`work_through`].
//!
//! ```
//! use store::{Commit, Committed, EffectKey, Event, Finish, Intent, Location, Store};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("trunkline.db");
//! let store = Store::open(&Location::Sqlite(path)).await?;
//!
//! // A survey comes in: it is kept, and a task is owed.
//! let survey = || Commit {
//!     event: Some(Event {
//!         source: "survey".into(),
//!         id: "e-1".into(),
//!         body: r#"{"score": 2}"#.into(),
//!         answer: r#"{"accepted": true}"#.into(),
//!     }),
//!     intents: vec![Intent {
//!         effect: EffectKey { source: "survey".into(), event: "e-1".into(), step: "task".into() },
//!         queue: "tasks".into(),
//!         subject: None,
//!         body: r#"{"priority": "high"}"#.into(),
//!         after: Duration::ZERO,
//!     }],
//!     ..Commit::default()
//! };
//! assert_eq!(store.commit(survey()).await?, Committed::Done);
//! // Its sender did not see the answer and sends it again.
//! let answer = r#"{"accepted": true}"#.to_owned();
//! assert_eq!(store.commit(survey()).await?, Committed::Duplicate { answer });
//!
//! // A worker makes the task; that it is done is known from then on.
//! let worker = store.join().await?;
//! let claims = worker.claim("tasks", 10).await?;
//! assert_eq!(claims.len(), 1);
//! let done = Finish::Done { result: Some("task-77".into()) };
//! store.commit(Commit { finish: Some((claims[0].id, done)), ..Commit::default() }).await?;
//! assert_eq!(store.counts().await?.done, 1);
//! # Ok(())
//! # }
//! ```

mod audit_log;
mod clock;
mod effect;
mod error;
mod hints;
mod model;
mod notary;
#[cfg(feature = "postgres")]
mod postgres;
mod prepared;
mod private;
mod proofs;
mod query;
mod sql;
mod sqlite;
mod store;
mod terms;
mod verification;
mod work;
mod worker;

pub use audit_log::{EntryFilter, Erased, KeptEntry, Row};
pub use clock::Clock;
pub use error::Error;
pub use hints::POLL;
pub use model::{
    Advance, Claim, ClaimId, Commit, Committed, Counts, EffectKey, Event, Expect, Finish, Intent, Item,
    ItemFilter, ItemId, ItemState, KeptEvent, Lease, Put, Record,
};
pub use notary::{Notary, NotaryError, vouchers};
#[cfg(feature = "postgres")]
pub use postgres::Elsewhere;
pub use prepared::{MOST_BODY, MOST_ERROR, MOST_NAME, MOST_PARTS, MOST_TERM, MOST_TERMS};
pub use private::{create_private, write_private};
pub use store::{Location, Settings, Store};
pub use terms::{Find, Found, Terms};
pub use verification::{Trust, Verified};
pub use work::work_through;
pub use worker::Worker;
