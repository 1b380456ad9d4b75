//! Uploads: the same bytes once, whatever happens.

use super::{
    Tally,
    books::{Books, Sent},
    entries,
    persist::persist,
};
use bytes::Bytes;
use client::Media;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::Instant,
};
use wire::{
    ids::{AssetId, NodeId},
    media::FlowPrompt,
};

/// Most uploads at a time.
const AT_ONCE: usize = 8;

/// Why a file is not on the platform.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error(transparent)]
    Platform(#[from] client::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the build is over")]
    Over,
}

/// The uploads of one build.
pub(super) struct Uploads {
    media: Media,
    books: Books,
    tally: Arc<Tally>,
    /// Assets that serve nodes: that they are there need not be asked.
    serving: HashSet<AssetId>,
    permits: Semaphore,
    /// By SHA-256: prompts with the same bytes wait for one upload.
    done: Mutex<HashMap<String, Arc<OnceCell<AssetId>>>>,
}

impl Uploads {
    pub(super) fn new(
        media: Media,
        books: Books,
        serving: &HashMap<NodeId, FlowPrompt>,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            serving: serving.values().map(|prompt| prompt.asset_id.clone()).collect(),
            media,
            books,
            tally,
            permits: Semaphore::new(AT_ONCE),
            done: Mutex::default(),
        }
    }

    /// The asset with these bytes, uploaded if the platform does not have it.
    pub(super) async fn upload(
        &self,
        name: &str,
        sha256: &str,
        bytes: Bytes,
    ) -> Result<AssetId, UploadError> {
        let cell = {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(done.entry(sha256.to_owned()).or_default())
        };
        let id = cell
            .get_or_try_init(|| self.find_or_send(name, sha256, bytes))
            .await?;
        Ok(id.clone())
    }

    async fn find_or_send(&self, name: &str, sha256: &str, bytes: Bytes) -> Result<AssetId, UploadError> {
        let _permit = self.permits.acquire().await.map_err(|_| UploadError::Over)?;
        if let Some(id) = self.sent_before(sha256).await? {
            self.tally.reused();
            return Ok(id);
        }
        let intended = Sent {
            sha256: sha256.to_owned(),
            asset: None,
        };
        self.books.put_sent(&intended, Vec::new()).await?;
        let (begun, size) = (Instant::now(), bytes.len());
        let uploaded = match persist(|| self.media.upload(name, bytes.clone())).await {
            Ok(uploaded) => uploaded,
            Err(error) => {
                self.books
                    .note(vec![entries::not_uploaded(name, sha256, begun.elapsed(), &error)])
                    .await?;
                return Err(error.into());
            }
        };
        self.tally.uploaded(uploaded.is_new, size);
        let sent = Sent {
            asset: Some(uploaded.asset.id.clone()),
            ..intended
        };
        let entry = entries::uploaded(name, sha256, size, begun.elapsed(), &uploaded);
        self.books.put_sent(&sent, vec![entry]).await?;
        Ok(uploaded.asset.id)
    }

    /// What an earlier build has sent, if the platform still has it. Of one that was broken off in the middle of an upload, only
    /// the platform knows whether it came to its end.
    async fn sent_before(&self, sha256: &str) -> Result<Option<AssetId>, UploadError> {
        let Some(sent) = self.books.sent(sha256).await? else {
            return Ok(None);
        };
        if let Some(id) = sent.asset.as_ref().filter(|id| self.serving.contains(id)) {
            return Ok(Some(id.clone()));
        }
        if let Some(id) = &sent.asset {
            return Ok(persist(|| self.media.asset(id)).await?.map(|asset| asset.id));
        }
        let Some(found) = persist(|| self.media.find_by_sha256(sha256)).await? else {
            return Ok(None);
        };
        let sent = Sent {
            asset: Some(found.id.clone()),
            ..sent
        };
        self.books.put_sent(&sent, Vec::new()).await?;
        Ok(Some(found.id))
    }
}
