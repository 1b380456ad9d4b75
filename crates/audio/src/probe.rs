//! What an audio file is, by its bytes alone: container, codec, rate, length, tags, and what is odd about it.
//!
//! Nothing that a header declares is believed without the bytes: frames are counted, lengths compared. Each reader goes through
//! the file once or twice and keeps no more than a bounded part of it.

mod aac;
pub(crate) mod adts;
mod field;
pub(crate) mod flac;
mod frames;
mod media;
pub(crate) mod mp4;
pub(crate) mod mpeg;
mod name;
pub(crate) mod ogg;
mod sniff;
mod tags;
pub(crate) mod wav;

pub use media::{Codec, Container, Finding, MAX_TAG_CHARS, MAX_TAGS, Media, Pcm, Tag, Unit};
pub use name::{Mismatch, mismatch};
pub use sniff::ProbeError;

/// Samples that every AAC encoder puts before the sound; some put more and say so in an edit list.
pub(crate) const AAC_PRIMING: u64 = 1024;

/// Says what an audio file is. The file's name has no part in it: see [`mismatch`].
///
/// ```
/// let page = b"<!DOCTYPE html><title>404</title>";
/// assert_eq!(audio::probe(page).unwrap_err().to_string(), "this is an HTML page, not audio");
/// ```
pub fn probe(bytes: &[u8]) -> Result<Media, ProbeError> {
    open(bytes).map(|(media, _)| media)
}

/// Where the sound is, for the decoder of its kind.
pub(crate) enum Layout<'a> {
    Wav(wav::Layout<'a>),
    Mp3(mpeg::Layout<'a>),
    Adts(adts::Layout<'a>),
    Mp4(mp4::Layout<'a>),
    Ogg(Box<ogg::Layout<'a>>),
    Flac(flac::Layout<'a>),
}

pub(crate) fn open(bytes: &[u8]) -> Result<(Media, Layout<'_>), ProbeError> {
    if wav::is_wav(bytes) {
        return wav::open(bytes).map(|(media, layout)| (media, Layout::Wav(layout)));
    }
    if mp4::is_mp4(bytes) {
        return mp4::open(bytes).map(|(media, layout)| (media, Layout::Mp4(layout)));
    }
    // ID3 tags stand before frames, and sometimes before FLAC.
    let tag = tags::id3_length(bytes);
    let after = bytes
        .get(usize::try_from(tag).unwrap_or(usize::MAX)..)
        .unwrap_or_default();
    if after.starts_with(b"OggS") {
        return ogg::open(after).map(|(media, layout)| (media, Layout::Ogg(Box::new(layout))));
    }
    if after.starts_with(b"fLaC") {
        return flac::open(after).map(|(media, layout)| (media, Layout::Flac(layout)));
    }
    open_frames(bytes, tag).ok_or_else(|| sniff::name(bytes))
}

/// Bare frames have no magic: the one whose chain begins first.
fn open_frames(bytes: &[u8], mut tag: u64) -> Option<(Media, Layout<'_>)> {
    let mut lie = None;
    if tag >= bytes.len() as u64 {
        // A tag that claims the whole file is no reason not to look for sound.
        lie = Some(Finding::TagBeyondFile {
            tag: "ID3v2",
            declared: tag,
            present: bytes.len() as u64,
        });
        tag = 0;
    }
    // Texts and archives may hold anything.
    if tag == 0 && !matches!(sniff::name(bytes), ProbeError::Unknown) {
        return None;
    }
    let mp3 = mpeg::open(bytes, tag).map(|(media, layout)| (media, Layout::Mp3(layout)));
    let found = mp3.or_else(|| adts::open(bytes, tag).map(|(media, layout)| (media, Layout::Adts(layout))));
    let (mut media, layout) = found?;
    media.findings.extend(lie);
    Some((media, layout))
}
