//! Tasks that were closed long ago are removed.

use super::{Tasks, books, listed, to_ms};
use std::time::Duration;
use store::{Commit, Committed, Expect, Find, Found, Put};
use wire::UtcTime;

/// How long a closed task is kept.
pub(super) const CLOSED_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Most that are removed in one commit.
const PORTION: usize = 200;
/// Most commits at a time; what is left is removed the next time.
const MOST_PORTIONS: usize = 100;

/// Removes the tasks that were closed long before `now`, with all that finds them; gives how many.
pub(super) async fn remove_closed(tasks: &Tasks, now: UtcTime) -> Result<u64, store::Error> {
    let kept_ms = i64::try_from(CLOSED_KEPT.as_millis()).unwrap_or(i64::MAX);
    let until = to_ms(now).saturating_sub(kept_ms);
    let mut removed = 0;
    for _ in 0..MOST_PORTIONS {
        let find = Find {
            kind: books::TASK.into(),
            term: listed::CLOSED.into(),
            ..Find::default()
        };
        let mut old = tasks.store.find(&find, PORTION).await?;
        old.retain(|found| found.place < until);
        if old.is_empty() || !remove(tasks, &old).await? {
            break;
        }
        removed += old.len() as u64;
    }
    Ok(removed)
}

/// `false` when somebody else removes them, too.
async fn remove(tasks: &Tasks, old: &[Found]) -> Result<bool, store::Error> {
    let mut commit = Commit::default();
    for found in old {
        commit.records.push(Put {
            kind: books::TASK.into(),
            id: found.record.id.clone(),
            body: None,
            expect: Expect::Version(found.record.version),
        });
        if let Some(task) = books::read(&found.record.body) {
            commit.records.extend(tasks.no_longer_open(&task).await?);
        }
    }
    Ok(tasks.store.commit(commit).await? == Committed::Done)
}
