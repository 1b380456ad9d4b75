//! Assets as playback sessions have them.

use super::{Media, files::Kind};
use std::io;
use tokio::runtime::Handle;
use wire::ids::AssetId;

impl Media {
    /// The SHA-256 of an asset's file, in hexadecimal digits; `None` when there is no such asset.
    pub(crate) async fn sha256_of(&self, id: &AssetId) -> Result<Option<String>, store::Error> {
        Ok(self.asset(id).await?.map(|asset| asset.sha256))
    }

    /// The bytes of an asset's file. Blocks, on a thread of the runtime that may.
    pub(crate) fn read_asset(&self, sha256: &str) -> io::Result<Vec<u8>> {
        let files = Handle::current().block_on(self.files());
        let file = files.map_err(io::Error::other)?.read(Kind::Asset, sha256)?;
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
