//! Which file a session plays.

use super::{
    cache::{CacheError, Key, Sha256},
    prepared::{How, Prepared},
};
use crate::{
    media::Media,
    prompts::{AudioFile, Prompts},
};
use wire::{
    Faults,
    ids::{AssetId, PromptId},
    playback::{CodecPreference, Control, Cutoff, PlaybackConfig, VolumeMatrix},
};

/// A file, by its bytes: whatever becomes of the prompt's name, a session that plays it goes on with the same.
#[derive(Clone)]
pub(super) enum Source {
    /// Of the library.
    Library(AudioFile),
    /// Raw G.729 of the library.
    G729(AudioFile),
    /// Of an asset, by its name in hexadecimal digits, and as bytes.
    Asset(String, Sha256),
}

/// Why there is nothing to play.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSource {
    #[error(
        "there is no prompt {:?}, neither in the library nor among the assets",
        wire::fault::shorten(.0.as_str())
    )]
    Unknown(PromptId),
    #[error(transparent)]
    Faults(#[from] Faults),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Source {
    /// Looks for a prompt in the library, then among the assets.
    pub(super) async fn find(
        prompts: &Prompts,
        media: &Media,
        id: &PromptId,
        config: &PlaybackConfig,
    ) -> Result<Self, NoSource> {
        let in_library = prompts.source(id);
        if config.codec == CodecPreference::G729 {
            let raw = prompts.g729(id);
            let is_known = raw.is_some() || in_library.is_some() || asset(media, id).await?.is_some();
            if !is_known {
                return Err(NoSource::Unknown(id.clone()));
            }
            let mut faults = g729_faults(config);
            if raw.is_none() {
                faults.push(format!(
                    "playbackConfig.codecPreference: the prompt {id} is not there as raw G.729, and this build has no encoder for it; put {id}.g729 beside it in the prompts folder, or use G711U, G711A or OPUS"
                ));
            }
            let raw = faults.finish(raw)?;
            return Ok(Self::G729(raw.clone()));
        }
        match in_library {
            Some(file) => Ok(Self::Library(file.clone())),
            None => asset(media, id)
                .await?
                .ok_or_else(|| NoSource::Unknown(id.clone())),
        }
    }

    /// What it is called in the cache when it is to sound like this.
    pub(super) fn key(&self, how: &How) -> Key {
        let hash = match self {
            Self::Library(file) | Self::G729(file) => file.sha256,
            Self::Asset(_, hash) => *hash,
        };
        Key::new(hash, how)
    }

    /// Makes it ready. Blocks.
    pub(super) fn prepare(&self, media: &Media, how: &How) -> Result<Prepared, CacheError> {
        Ok(match self {
            Self::Library(file) => Prepared::of_file(&file.bytes, how)?,
            Self::G729(file) => Prepared::of_g729(&file.bytes),
            Self::Asset(name, _) => {
                let file = media.read_asset(name).map_err(CacheError::File)?;
                Prepared::of_file(&file, how)?
            }
        })
    }
}

async fn asset(media: &Media, id: &PromptId) -> Result<Option<Source>, store::Error> {
    let Ok(id) = id.as_str().parse::<AssetId>() else {
        return Ok(None);
    };
    let sha256 = media.sha256_of(&id).await?;
    Ok(sha256.and_then(|name| {
        let hash = bytes_of_hex(&name)?;
        Some(Source::Asset(name, hash))
    }))
}

fn bytes_of_hex(text: &str) -> Option<Sha256> {
    let mut bytes = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digit = |sign: u8| char::from(sign).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

const INSTEAD: &str = "G.729 is sent as it is, and nothing here can change it; use G711U, G711A or OPUS";

/// What can't be had with G.729.
fn g729_faults(config: &PlaybackConfig) -> Faults {
    let mut faults = Faults::new();
    if config.volume != VolumeMatrix::FLAT {
        faults.push(not_flat("playbackConfig.volumeMatrix"));
    }
    if config.silence_trim_ms.is_some() {
        faults.push(format!(
            "playbackConfig.silenceTrimMs must be absent: {INSTEAD}, or trim the file"
        ));
    }
    let who = &config.interruptibility;
    if who.cutoff == Cutoff::Fade {
        faults.push(format!(
            "playbackConfig.interruptibility.cutoffBehavior must be immediate or drain: {INSTEAD} to fade"
        ));
    }
    if who.voice {
        faults.push(format!(
            "playbackConfig.interruptibility.allowVoice must be false: voices can't be heard in G.729; {INSTEAD}"
        ));
    }
    faults
}

fn not_flat(field: &str) -> String {
    format!(
        "{field} must be baseGain 1, peakLimit 1 and compressionRatio 1: {INSTEAD}, or make the file as loud as it is to be"
    )
}

/// Why a control can't be had with this codec.
pub(super) fn against(control: &Control, codec: CodecPreference) -> Option<Faults> {
    match control {
        Control::Volume(volume) if codec == CodecPreference::G729 && *volume != VolumeMatrix::FLAT => {
            Some(Faults::one(not_flat("volumeMatrix")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_from_its_digits() {
        let name = wire::media::sha256_hex(b"abc");
        let bytes = bytes_of_hex(&name).unwrap();
        assert_eq!((bytes[0], bytes[31]), (0xba, 0xad));
        assert_eq!(bytes_of_hex(&name[2..]), None);
        assert_eq!(bytes_of_hex(&"g".repeat(64)), None);
    }
}
