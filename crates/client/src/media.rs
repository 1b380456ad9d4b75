//! Prompt assets, their compilation, and the prompts of a flow (contract section 6).

use crate::{
    error::Error,
    guard::Guard,
    multipart,
    request::{Request, found},
    transport::Transport,
};
use bytes::Bytes;
use http::StatusCode;
use std::time::Duration;
use url::Url;
use wire::{
    ids::{AssetId, CompileId, CorrelationId, FlowId, IdempotencyKey},
    media::{Asset, CompileJob, FlowPrompts, NewCompile},
    oauth::{Scope, Scopes},
    page::{LARGEST_PAGE, Page},
};

/// The time for one upload of 2 MiB, which is 300 kbit/s, and for all attempts together.
const UPLOAD_TIMEOUT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(180));
/// The same for a download.
const DOWNLOAD_TIMEOUT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(180));
/// The largest file that is downloaded: two hours of G.711 are 55 MiB.
const LARGEST_DOWNLOAD: usize = 64 * 1024 * 1024;
/// How many pages of assets are read in search of one.
const MOST_PAGES: usize = 100;
/// The prompts of a flow; an entry is some hundred bytes.
const LARGEST_MAP: usize = 32 * 1024 * 1024;

/// What a platform has for prompts.
#[derive(Debug, Clone)]
pub struct Media {
    transport: Transport,
}

/// What came of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The asset with these bytes.
    pub asset: Asset,
    /// Whether the platform did not have it before.
    pub is_new: bool,
}

impl Media {
    /// The media interface of a platform, with tokens of the scopes that it needs.
    pub fn new(transport: &Transport) -> Self {
        Self {
            transport: transport.with_scopes(Self::scopes()),
        }
    }

    /// The scopes that all of it needs.
    pub fn scopes() -> Scopes {
        let scopes = [
            Scope::MediaWrite,
            Scope::MediaRead,
            Scope::MediaCompile,
            Scope::FlowRead,
        ];
        scopes.into_iter().collect()
    }

    /// The same; its requests carry this correlation id.
    pub fn with_correlation(&self, id: CorrelationId) -> Self {
        Self {
            transport: self.transport.with_correlation(id),
        }
    }

    /// Uploads a file. The same bytes again, also after a restart and under another name, are the same asset.
    pub async fn upload(&self, name: &str, bytes: Bytes) -> Result<Uploaded, Error> {
        let form = multipart::file("file", name, &bytes);
        // Each upload has a key of its own, which holds for its attempts. One made from the bytes would outlive the asset: a
        // platform that remembers it would answer with the id of one that is deleted.
        let (attempt, total) = UPLOAD_TIMEOUT;
        let request = Request::post_bytes(["api", "v2", "media", "assets"], form.body, form.content_type)
            .with_timeouts(attempt, total);
        let answer = self.transport.send(request).await?;
        Ok(Uploaded {
            is_new: answer.status == StatusCode::CREATED,
            asset: answer.json()?,
        })
    }

    /// An asset; `None` when there is no such one.
    pub async fn asset(&self, id: &AssetId) -> Result<Option<Asset>, Error> {
        self.read(Request::get(asset_path(id))).await
    }

    /// The asset with these bytes, by their SHA-256 in hexadecimal. A platform that does not know the filter is searched page by
    /// page, 10,000 assets at most: `None` may mean that it was not found there. An upload finds it for certain.
    pub async fn find_by_sha256(&self, sha256: &str) -> Result<Option<Asset>, Error> {
        for number in 1..=MOST_PAGES {
            let request = Request::get(["api", "v2", "media", "assets"])
                .with_query("sha256", sha256)
                .with_query("pageSize", LARGEST_PAGE)
                .with_query("pageNumber", number);
            let page: Page<Asset> = self.transport.send(request).await?.json()?;
            let is_last = page.next_uri.is_none() || page.entities.is_empty();
            let mut found = page.entities.into_iter();
            if let Some(asset) = found.find(|asset| asset.sha256.eq_ignore_ascii_case(sha256)) {
                return Ok(Some(asset));
            }
            if is_last {
                break;
            }
        }
        Ok(None)
    }

    /// Deletes an asset; one that is not there is no error.
    pub async fn delete(&self, id: &AssetId) -> Result<(), Error> {
        found(self.transport.send(Request::delete(asset_path(id))).await).map(drop)
    }

    /// Orders a compilation; a repeat with the same key orders no second one, but gives the job as it was accepted.
    pub async fn compile(&self, order: &NewCompile, key: IdempotencyKey) -> Result<CompileJob, Error> {
        let request = Request::post(["api", "v2", "media", "compile"], order)?.with_key(key);
        self.transport.send(request).await?.json()
    }

    /// A compilation as it stands; `None` when there is no such one.
    pub async fn job(&self, id: &CompileId) -> Result<Option<CompileJob>, Error> {
        self.read(Request::get(["api", "v2", "media", "compile", id.as_str()]))
            .await
    }

    /// Which compiled prompt serves which node of a flow; `None` when there is no such flow.
    pub async fn flow_prompts(&self, flow: &FlowId) -> Result<Option<FlowPrompts>, Error> {
        let request = Request::get(["api", "v2", "flows", flow.as_str(), "prompts"]);
        self.read(request.with_answer_limit(LARGEST_MAP)).await
    }

    /// Downloads a file of at most 64 MiB from where the platform says it is (`downloadUri`): a path of its own, or a URL.
    ///
    /// The token goes to the platform's own origin only. Other hosts are asked by https alone, and never by the number of an
    /// internal address; a name that leads to one has no certificate there.
    pub async fn download(&self, uri: &str) -> Result<Bytes, Error> {
        let url = self.transport.resolve(uri)?;
        self.check_elsewhere(&url)?;
        let (attempt, total) = DOWNLOAD_TIMEOUT;
        let request = Request::get_address(url)
            .with_timeouts(attempt, total)
            .with_answer_limit(LARGEST_DOWNLOAD);
        Ok(self.transport.send(request).await?.body)
    }

    fn check_elsewhere(&self, url: &Url) -> Result<(), Error> {
        let refused = |why: &str| {
            let host = self.transport.host();
            Err(Error::BadRequest(format!(
                "{host} names a file that is not fetched: {why}"
            )))
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refused("its address must begin with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("its address holds a user name or password");
        }
        if self.transport.is_host_of(url) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return refused("it is on another host, and not by https");
        }
        match Guard::default().check_literal(url) {
            Ok(()) => Ok(()),
            Err(inward) => refused(&inward.to_string()),
        }
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, request: Request) -> Result<Option<T>, Error> {
        match found(self.transport.send(request).await)? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }
}

fn asset_path(id: &AssetId) -> [&str; 5] {
    ["api", "v2", "media", "assets", id.as_str()]
}
