//! A file's name against its content.

use super::{Codec, Container, Media};

/// A name whose extension promises something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name ends in .{extension}, but the content is {container} ({codec})")]
pub struct Mismatch {
    /// In lower case, without the dot.
    pub extension: String,
    /// What the bytes are.
    pub container: Container,
    /// How they are coded.
    pub codec: Codec,
}

/// Says if a file's name promises something else than its content. Extensions that stand for no audio format promise nothing.
pub fn mismatch(name: &str, media: &Media) -> Option<Mismatch> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let keeps = match extension.as_str() {
        "wav" | "wave" => media.container == Container::Wav,
        "mp3" => media.container == Container::Mp3,
        "aac" | "adts" => media.container == Container::Adts,
        "mp4" | "m4a" | "m4b" | "m4r" => media.container == Container::Mp4,
        "ogg" | "oga" => media.container == Container::Ogg,
        "opus" => media.container == Container::Ogg && media.codec == Codec::Opus,
        "flac" => media.container == Container::Flac,
        "aif" | "aiff" | "amr" | "au" | "caf" | "wma" | "webm" | "mka" => false,
        _ => true,
    };
    (!keeps).then(|| Mismatch {
        extension,
        container: media.container,
        codec: media.codec.clone(),
    })
}
