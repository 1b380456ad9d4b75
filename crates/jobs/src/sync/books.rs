//! The checkpoint of a sync in the store: one for each platform and sink.

use super::SyncError;
use audit::Entry;
use flow::sync::Checkpoint;
use sha2::{Digest, Sha256};
use store::{Advance, Commit, Committed, MOST_NAME, Store};

/// The books of one platform and sink.
pub(super) struct Books {
    store: Store,
    name: String,
    /// What the store has: it is moved on by compare-and-set.
    kept: Option<String>,
}

impl Books {
    /// Reads what there is.
    pub(super) async fn open(store: &Store, platform: &str, sink: &str) -> Result<Self, SyncError> {
        let name = name(platform, sink);
        let kept = store.checkpoint(&name).await?;
        Ok(Self {
            store: store.clone(),
            name,
            kept,
        })
    }

    /// From where to go on; `None` the first time. One that can't be read was written by another Trunkline.
    pub(super) fn checkpoint(&self) -> Result<Option<Checkpoint>, SyncError> {
        let Some(text) = &self.kept else {
            return Ok(None);
        };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|_| SyncError::Checkpoint)
    }

    /// Moves on. Must not be called before the sink has what the checkpoint counts as delivered.
    pub(super) async fn advance(&mut self, checkpoint: &Checkpoint) -> Result<(), SyncError> {
        let to = serde_json::to_string(checkpoint).map_err(|_| SyncError::Checkpoint)?;
        if self.kept.as_ref() == Some(&to) {
            return Ok(());
        }
        let advance = Advance {
            name: self.name.clone(),
            from: self.kept.clone(),
            to: to.clone(),
        };
        let commit = Commit {
            advance: Some(advance),
            ..Commit::default()
        };
        match self.store.commit(commit).await? {
            Committed::Done => {
                self.kept = Some(to);
                Ok(())
            }
            _ => Err(SyncError::Overtaken),
        }
    }

    /// Notes what was done in the audit log.
    pub(super) async fn note(&self, entry: Entry) -> Result<(), SyncError> {
        let commit = Commit {
            audit: vec![entry],
            ..Commit::default()
        };
        self.store.commit(commit).await?;
        Ok(())
    }
}

/// The name of the books: readable while it fits.
pub(super) fn name(platform: &str, sink: &str) -> String {
    let name = format!("sync:{platform}:{sink}");
    if name.len() <= MOST_NAME {
        return name;
    }
    let hash = Sha256::digest(name.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sync:{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Location;

    async fn store(folder: &tempfile::TempDir) -> Store {
        let location = Location::Sqlite(folder.path().join("trunkline.db"));
        Store::open(&location).await.unwrap()
    }

    fn reached(time: &str) -> Checkpoint {
        Checkpoint {
            reached: Some(time.parse().unwrap()),
            ..Checkpoint::default()
        }
    }

    #[tokio::test]
    async fn two_syncs_to_one_sink_do_not_overwrite_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut one = Books::open(&store, "platform", "jsonl:/x").await.unwrap();
        let mut two = Books::open(&store, "platform", "jsonl:/x").await.unwrap();
        one.advance(&reached("2026-11-21T09:00:00Z")).await.unwrap();
        let refused = two.advance(&reached("2026-11-21T08:00:00Z")).await;
        assert!(matches!(refused, Err(SyncError::Overtaken)));
        one.advance(&reached("2026-11-21T09:30:00Z")).await.unwrap();
        let again = Books::open(&store, "platform", "jsonl:/x").await.unwrap();
        assert_eq!(again.checkpoint().unwrap(), Some(reached("2026-11-21T09:30:00Z")));
        let other = Books::open(&store, "platform", "jsonl:/y").await.unwrap();
        assert_eq!(other.checkpoint().unwrap(), None);
    }

    #[test]
    fn long_names_are_shortened_and_stay_different() {
        let (one, two) = (name("p", &"x".repeat(2000)), name("p", &"x".repeat(2001)));
        assert!(one.len() < 100 && one != two);
        assert_eq!(name("p", "jsonl:/x"), "sync:p:jsonl:/x");
    }
}
