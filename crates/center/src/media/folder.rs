//! Which folder of the data folder is a database's own.
//!
//! Several databases may be used over one data folder, one after the other or at once. Each has its own files, so that none removes
//! what another one names.

use super::{MOST_TRIES, Media, Trouble, files::Files};
use std::{io, sync::Arc};
use store::{Commit, Expect, Put};
use uuid::Uuid;

/// The kind and the id of the record that names the folder.
const KIND: &str = "media-folder";
const ID: &str = "own";

impl Media {
    /// The files. Their folder is named when it is needed first: a center starts over a store that is full, too.
    pub(super) async fn files(&self) -> Result<Arc<Files>, Trouble> {
        let open = async || {
            let name = self.folder_name().await?;
            Ok::<_, Trouble>(Arc::new(Files::open(&self.data_dir, &name)?))
        };
        self.files.get_or_try_init(open).await.cloned()
    }

    /// The name that the database has for the folder: made up once, and the same for all who share the database.
    async fn folder_name(&self) -> Result<String, Trouble> {
        for _ in 0..MOST_TRIES {
            if let Some(record) = self.store.record(KIND, ID).await? {
                // Nothing else becomes a part of a path.
                let id: Uuid = record.body.parse().map_err(io::Error::other)?;
                return Ok(id.simple().to_string());
            }
            let put = Put {
                kind: KIND.into(),
                id: ID.into(),
                body: Some(Uuid::new_v4().simple().to_string()),
                expect: Expect::Absent,
            };
            let commit = Commit {
                records: vec![put],
                ..Commit::default()
            };
            self.store.commit(commit).await?;
        }
        Err(Trouble::Busy)
    }
}
