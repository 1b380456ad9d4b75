//! Assets as they are kept: a record each, one that says which has which bytes, and the file.

use super::{MOST_TRIES, Media, Trouble, books, files::Kind, sound::Judged, to_ms};
use crate::clock::Clock;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeSet, HashMap};
use store::{Commit, Committed, Expect, Find, Put, Terms};
use wire::{
    ids::{AssetId, CorrelationId},
    media::{Asset, sha256_hex},
    page::{Page, PageAsked},
};

/// The path of the assets.
pub(super) const PATH: &str = "/api/v2/media/assets";
/// The kind of the records.
pub(super) const ASSET: &str = "media-asset";
/// The kind of the records that name the asset of a SHA-256.
pub(super) const BY_SHA256: &str = "media-asset-sha256";
/// The term of all assets.
const ALL: &str = "all";
/// Most assets of a request that are looked up at a time.
const READS_AT_ONCE: usize = 8;

/// A file that was sent.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// An asset, and whether it is new.
pub(super) struct Kept {
    pub(super) asset: Asset,
    pub(super) is_new: bool,
}

fn of_sha256(sha256: &str) -> String {
    format!("sha256\n{sha256}")
}

impl Media {
    /// Keeps the bytes, then that they are an asset; or gives the asset that has them already.
    pub(super) async fn keep_asset(
        &self,
        upload: Upload,
        judged: Judged,
        correlation: &CorrelationId,
    ) -> Result<Kept, Trouble> {
        let files = self.files().await?;
        let _naming = files.naming().await;
        let size = upload.bytes.len() as u64;
        let keeping = files.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let sha256 = sha256_hex(&upload.bytes);
            keeping.keep(Kind::Asset, &sha256, &upload.bytes)?;
            Ok::<_, std::io::Error>(sha256)
        });
        let sha256 = writing.await.map_err(std::io::Error::other)??;
        for _ in 0..MOST_TRIES {
            if let Some(asset) = self.asset_with(&sha256).await? {
                return Ok(Kept { asset, is_new: false });
            }
            let id = AssetId::from_uuid(uuid::Uuid::new_v4());
            let asset = Asset {
                name: upload.name.clone(),
                format: judged.format.clone(),
                size,
                sample_rate: judged.sample_rate,
                channels: judged.channels,
                duration_ms: judged.duration_ms,
                sha256: sha256.clone(),
                self_uri: format!("{PATH}/{id}"),
                id,
            };
            match self.store.commit(created(&asset, correlation)).await? {
                Committed::Done | Committed::Duplicate { .. } => return Ok(Kept { asset, is_new: true }),
                // Somebody else sent the same bytes.
                Committed::Conflict | Committed::Stale => {}
            }
        }
        Err(Trouble::Busy)
    }

    /// The asset with these bytes.
    async fn asset_with(&self, sha256: &str) -> Result<Option<Asset>, store::Error> {
        let Some(record) = self.store.record(BY_SHA256, sha256).await? else {
            return Ok(None);
        };
        match record.body.parse() {
            Ok(id) => self.asset(&id).await,
            Err(_) => Ok(None),
        }
    }

    pub(super) async fn asset(&self, id: &AssetId) -> Result<Option<Asset>, store::Error> {
        let record = self.store.record(ASSET, id.as_str()).await?;
        Ok(record.and_then(|record| books::read(&record.body)))
    }

    /// Those of these assets that are there.
    pub(super) async fn assets(
        &self,
        ids: &BTreeSet<AssetId>,
    ) -> Result<HashMap<AssetId, Asset>, store::Error> {
        let looking_up = stream::iter(ids.clone()).map(async |id| self.asset(&id).await);
        let there = looking_up.buffer_unordered(READS_AT_ONCE);
        let there = there.try_filter_map(async |asset| Ok(asset));
        there
            .map_ok(|asset| (asset.id.clone(), asset))
            .try_collect()
            .await
    }

    /// An asset is no longer to be had; what was compiled from it is. Its file goes later.
    pub(super) async fn delete_asset(
        &self,
        id: &AssetId,
        correlation: &CorrelationId,
    ) -> Result<(), Trouble> {
        for _ in 0..MOST_TRIES {
            let record = self.store.record(ASSET, id.as_str()).await?;
            let record = record.ok_or_else(|| Trouble::NoAsset(id.clone()))?;
            let mut commit = Commit {
                records: vec![Put {
                    kind: ASSET.into(),
                    id: id.to_string(),
                    body: None,
                    expect: Expect::Version(record.version),
                }],
                audit: vec![books::asset_deleted(id, correlation)],
                ..Commit::default()
            };
            if let Some(asset) = books::read::<Asset>(&record.body) {
                commit.records.push(Put {
                    kind: BY_SHA256.into(),
                    id: asset.sha256,
                    body: None,
                    expect: Expect::Any,
                });
            }
            match self.store.commit(commit).await? {
                Committed::Done | Committed::Duplicate { .. } => return Ok(()),
                Committed::Conflict | Committed::Stale => {}
            }
        }
        Err(Trouble::Busy)
    }

    /// Newest first; of these bytes, if it is said which.
    pub(super) async fn page_of_assets(
        &self,
        sha256: Option<&str>,
        asked: PageAsked,
        uri_of: impl FnOnce(PageAsked) -> String,
    ) -> Result<Page<Asset>, store::Error> {
        let find = Find {
            kind: ASSET.into(),
            term: sha256.map_or(ALL.to_owned(), of_sha256),
            descending: true,
            skip: asked.skip(),
            ..Find::default()
        };
        let found = self.store.find(&find, asked.size).await?;
        let total = self.store.count(&find.kind, &find.term).await?;
        let assets = found.iter().filter_map(|found| books::read(&found.record.body));
        Ok(asked.page(assets.collect(), total, uri_of))
    }
}

fn created(asset: &Asset, correlation: &CorrelationId) -> Commit {
    let now = to_ms(Clock::utc());
    let put = |kind: &str, id: &str, body: String| Put {
        kind: kind.to_owned(),
        id: id.to_owned(),
        body: Some(body),
        expect: Expect::Absent,
    };
    Commit {
        records: vec![
            put(ASSET, asset.id.as_str(), books::text(asset)),
            put(BY_SHA256, &asset.sha256, asset.id.to_string()),
        ],
        terms: vec![Terms {
            kind: ASSET.into(),
            id: asset.id.to_string(),
            terms: vec![(ALL.into(), now), (of_sha256(&asset.sha256), now)],
        }],
        audit: vec![books::asset_uploaded(asset, correlation)],
        ..Commit::default()
    }
}
