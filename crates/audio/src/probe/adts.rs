//! AAC in ADTS frames (ISO 13818-7).

use super::{
    Codec, Container, Finding, Media, aac,
    field::array,
    frames::{Frames, Header},
    tags,
};

/// Where an ADTS file's sound is.
pub(crate) struct Layout<'a> {
    pub(crate) frames: Frames<'a>,
    /// Samples a channel that they decode to.
    pub(crate) samples: u64,
    pub(crate) changes: bool,
}

/// The coded sound of a frame: what is behind its header.
pub(crate) fn payload(frame: &[u8]) -> &[u8] {
    let unprotected = frame.get(1).is_some_and(|byte| byte & 1 == 1);
    frame.get(if unprotected { 7 } else { 9 }..).unwrap_or_default()
}

pub(super) fn open<'a>(bytes: &'a [u8], tag_bytes: u64) -> Option<(Media, Layout<'a>)> {
    let mut collected = tags::Collected::default();
    let tag = bytes.get(..usize::try_from(tag_bytes).ok()?.min(bytes.len()))?;
    collected.id3(tag);
    let end = tags::without_tail(bytes, &mut collected);
    let start = Frames::find(bytes.get(tag.len()..end)?, header)?;
    let (first, frame) = start.clone().next()?;

    let replicates = aac::frames_replicate(start.clone().map(|(_, frame)| payload(frame)));
    let codec = match frame[2] >> 6 {
        1 if first.samples != 1024 => Codec::Other("AAC with several blocks a frame".to_owned()),
        1 if replicates => Codec::HeAac,
        1 => Codec::AacLc,
        profile => Codec::Other(aac::profile(u32::from(profile) + 1)),
    };
    let mut media = Media::new(Container::Adts, codec, first.rate, first.channels);
    let mut frames = start.clone();
    let (mut samples, mut coded, mut changes) = (0u64, 0u64, false);
    for (header, _) in &mut frames {
        samples += u64::from(header.samples);
        coded += header.len as u64;
        changes |=
            (header.rate, header.channels, header.samples) != (first.rate, first.channels, first.samples);
    }
    media.measured(samples, coded);
    let heard = samples.saturating_sub(super::AAC_PRIMING);
    media.duration_ms = Some(heard * 1000 / u64::from(first.rate));
    if let Some((declared, present)) = frames.cut {
        let (declared, present) = (coded + declared as u64, coded + present as u64);
        media.find(Finding::cut(declared, present));
    }
    for (bytes, finding) in [
        (frames.junk, Finding::Junk as fn(u64) -> Finding),
        (frames.left as u64, Finding::Trailing),
    ] {
        if bytes > 0 {
            media.find(finding(bytes));
        }
    }
    if changes {
        media.find(Finding::Changes);
    }
    (media.tags, media.findings) = tags::bounded(collected, media.findings);
    Some((
        media,
        Layout {
            frames: start,
            samples,
            changes,
        },
    ))
}

fn header(bytes: &[u8]) -> Option<Header> {
    let [sync, version, form, a, b, c, d] = array(bytes, 0)?;
    if sync != 0xff || version & 0xf6 != 0xf0 {
        return None;
    }
    let rate = *aac::RATES.get(usize::from(form >> 2 & 15))?;
    let channels = aac::channel_count(u32::from((form & 1) << 2 | a >> 6));
    let len = usize::from(a & 3) << 11 | usize::from(b) << 3 | usize::from(c >> 5);
    let head = if version & 1 == 1 { 7 } else { 9 };
    let samples = 1024 * (u32::from(d & 3) + 1);
    (len > head).then_some(Header {
        len,
        samples,
        rate,
        channels,
        kind: form >> 6,
    })
}
