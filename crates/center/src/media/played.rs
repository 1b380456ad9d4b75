//! Assets as playback sessions have them.

use super::{Media, files::Kind};
use std::io;
use wire::ids::AssetId;

impl Media {
    /// The SHA-256 of an asset's file, in hexadecimal digits; `None` when there is no such asset.
    pub(crate) async fn sha256_of(&self, id: &AssetId) -> Result<Option<String>, store::Error> {
        Ok(self.asset(id).await?.map(|asset| asset.sha256))
    }

    /// The bytes of an asset's file. Blocks.
    pub(crate) fn read_asset(&self, sha256: &str) -> io::Result<Vec<u8>> {
        self.files.read(Kind::Asset, sha256)
    }
}
