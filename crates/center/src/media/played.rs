//! Assets as playback sessions have them.

use super::{Media, files::Kind};
use std::io;
use wire::ids::AssetId;

impl Media {
    /// The SHA-256 of an asset's file, in hexadecimal digits; `None` when there is no such asset.
    pub(crate) async fn sha256_of(&self, id: &AssetId) -> Result<Option<String>, store::Error> {
        let asset = self.asset(id).await?;
        if asset.is_some()
            && let Err(error) = self.files().await
        {
            // Reading the file says it to whoever asked.
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the media folder can't be opened"
            );
        }
        Ok(asset.map(|asset| asset.sha256))
    }

    /// The bytes of an asset's file. Blocks.
    pub(crate) fn read_asset(&self, sha256: &str) -> io::Result<Vec<u8>> {
        let files = self.files.get();
        let files = files.ok_or_else(|| io::Error::other("the media folder can't be opened"))?;
        let bytes = files.read(Kind::Asset, sha256)?;
        bytes.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
