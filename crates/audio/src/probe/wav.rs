//! RIFF/WAVE and RF64 (EBU Tech 3306): the format, and where the sound is.

use super::{
    Codec, Container, Finding, Media, Pcm, ProbeError,
    field::{array, u16_le, u32_le, u64_le},
    tags,
};

/// Where a WAV's sound is, and how it is written.
pub(crate) struct Layout<'a> {
    /// Whole frames only.
    pub(crate) data: &'a [u8],
    /// Bytes of one sample of one channel.
    pub(crate) width: usize,
}

/// A length that is not known: what programs write that stream.
const UNKNOWN: u32 = u32::MAX;
/// From here on a length that the file does not have was made up, too: to a pipe, eSpeak and SoX write the most that a signed number
/// holds in whole pages, 0x7ffff000, or somewhat less.
const MADE_UP: u32 = 0x7fff_8000;

pub(super) fn is_wav(bytes: &[u8]) -> bool {
    (bytes.starts_with(b"RIFF") || bytes.starts_with(b"RF64")) && bytes.get(8..12) == Some(b"WAVE")
}

pub(super) fn open(bytes: &[u8]) -> Result<(Media, Layout<'_>), ProbeError> {
    let chunks = Chunks::read(bytes);
    let format = chunks.format.ok_or(broken("it has no usable fmt chunk"))?;
    let data = chunks.data.ok_or(broken("it has no data chunk"))?;
    let mut media = Media::new(Container::Wav, format.codec, format.rate, format.channels);
    media.bits = Some(format.bits);
    media.findings = chunks.findings;
    let frame = format.width * usize::from(format.channels);
    // Of a codec that is not known, nothing of this can be judged.
    let known = !matches!(media.codec, Codec::Other(_));
    if known && frame > 0 && usize::from(format.block_align) != frame {
        let (declared, found) = (u64::from(format.block_align), frame as u64);
        media.find(Finding::Lie {
            field: "block align",
            declared,
            found,
        });
    }
    let frames = data.len().checked_div(frame).unwrap_or(0);
    let data = &data[..frames * frame];
    if let Some(declared) = chunks
        .fact
        .filter(|fact| known && *fact != frames as u64 && *fact != u64::from(UNKNOWN))
    {
        // Only compressed sound needs the chunk, and a truncated file has been reported already.
        if !media
            .findings
            .iter()
            .any(|f| matches!(f, Finding::Truncated { .. } | Finding::Streamed))
        {
            media.find(Finding::Lie {
                field: "number of samples (fact)",
                declared,
                found: frames as u64,
            });
        }
    }
    media.measured(frames as u64, data.len() as u64);
    match media.codec {
        Codec::Pcm(Pcm::Float) => find_no_numbers(&mut media, data, format.width),
        Codec::Other(_) => (media.duration_ms, media.bit_rate) = (None, None),
        _ => {}
    }
    (media.tags, media.findings) = tags::bounded(chunks.tags, media.findings);
    Ok((
        media,
        Layout {
            data,
            width: format.width,
        },
    ))
}

fn broken(fault: &'static str) -> ProbeError {
    ProbeError::Broken {
        container: Container::Wav,
        fault,
    }
}

fn find_no_numbers(media: &mut Media, data: &[u8], width: usize) {
    let count = match width {
        4 => data
            .as_chunks()
            .0
            .iter()
            .filter(|b| !f32::from_le_bytes(**b).is_finite())
            .count(),
        _ => data
            .as_chunks()
            .0
            .iter()
            .filter(|b| !(f64::from_le_bytes(**b) as f32).is_finite())
            .count(),
    };
    if count > 0 {
        media.find(Finding::NotNumbers(count as u64));
    }
}

struct Format {
    codec: Codec,
    rate: u32,
    channels: u16,
    bits: u16,
    block_align: u16,
    width: usize,
}

/// What is behind the first two bytes of the GUID of an extensible format.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

impl Format {
    fn read(chunk: &[u8]) -> Option<Self> {
        let mut tag = u16_le(chunk, 0)?;
        let container_bits = u16_le(chunk, 14)?;
        let mut bits = container_bits;
        if tag == 0xfffe {
            let valid = u16_le(chunk, 18)?;
            bits = if (1..=bits).contains(&valid) { valid } else { bits };
            let known = array::<14>(chunk, 26)? == GUID_TAIL;
            tag = if known { u16_le(chunk, 24)? } else { 0xfffe };
        }
        let width = usize::from(container_bits.div_ceil(8));
        let codec = match (tag, width) {
            (1, 1) if container_bits == 8 => Codec::Pcm(Pcm::Unsigned),
            (1, 2..=4) => Codec::Pcm(Pcm::Signed),
            (3, 4 | 8) if container_bits.is_multiple_of(32) => Codec::Pcm(Pcm::Float),
            (6, 1) => Codec::ALaw,
            (7, 1) => Codec::MuLaw,
            (1, _) => Codec::Other(format!("PCM of {container_bits} bits")),
            (3, _) => Codec::Other(format!("floating-point PCM of {container_bits} bits")),
            (tag, _) => Codec::Other(other(tag)),
        };
        Some(Self {
            codec,
            rate: u32_le(chunk, 4)?,
            channels: u16_le(chunk, 2)?,
            bits,
            block_align: u16_le(chunk, 12)?,
            width,
        })
    }
}

fn other(tag: u16) -> String {
    let name = match tag {
        2 => "Microsoft ADPCM",
        0x11 => "IMA ADPCM",
        0x31 => "GSM 6.10",
        0x50 => "MPEG layer II",
        0x55 => "MP3 in WAV",
        0x83 => "G.729",
        0xff | 0x1610 => "AAC in WAV",
        _ => return format!("WAV format {tag:#06x}"),
    };
    name.to_owned()
}

#[derive(Default)]
struct Chunks<'a> {
    format: Option<Format>,
    data: Option<&'a [u8]>,
    fact: Option<u64>,
    /// The length of the data by the ds64 chunk of RF64.
    long_data: Option<u64>,
    tags: tags::Collected,
    findings: Vec<Finding>,
}

impl<'a> Chunks<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut chunks = Chunks::default();
        let declared = u32_le(bytes, 4).unwrap_or(0);
        let mut at = 12;
        while let (Some(id), Some(size)) = (array::<4>(bytes, at), u32_le(bytes, at + 4)) {
            if !id.iter().all(|byte| (0x20..0x7f).contains(byte)) {
                break;
            }
            let rest = bytes.get(at + 8..).unwrap_or_default();
            let body = &rest[..rest.len().min(size as usize)];
            let used = match &id {
                b"data" if chunks.data.is_none() => chunks.take_data(rest, size),
                _ => {
                    chunks.take(&id, body, size);
                    body.len()
                }
            };
            at += 8 + used + used % 2;
        }
        chunks.judge_length(bytes.len() as u64, at.min(bytes.len()) as u64, declared);
        chunks
    }

    fn take(&mut self, id: &[u8; 4], body: &[u8], size: u32) {
        match id {
            b"fmt " if self.format.is_none() => self.format = Format::read(body),
            b"fact" => self.fact = u32_le(body, 0).map(u64::from),
            b"ds64" => self.long_data = u64_le(body, 8),
            b"LIST" if body.starts_with(b"INFO") => self.tags.info(&body[4..]),
            b"id3 " | b"ID3 " => self.tags.id3(body),
            _ => {}
        }
        if (body.len() as u64) < u64::from(size) && id != b"data" {
            let (declared, present) = (u64::from(size), body.len() as u64);
            self.findings.push(Finding::TagBeyondFile {
                tag: "RIFF",
                declared,
                present,
            });
        }
    }

    fn take_data(&mut self, rest: &'a [u8], size: u32) -> usize {
        let declared = match (size, self.long_data) {
            (UNKNOWN, Some(long)) => long,
            (UNKNOWN, None) => return self.take_streamed(rest),
            (size, _) if size >= MADE_UP && size as usize > rest.len() => return self.take_streamed(rest),
            (0, _) if !rest.is_empty() && !another_chunk(rest) => return self.take_streamed(rest),
            (size, _) => u64::from(size),
        };
        let present = declared.min(rest.len() as u64);
        if present < declared {
            self.findings.push(Finding::cut(declared, present));
        }
        self.data = Some(&rest[..present as usize]);
        present as usize
    }

    fn take_streamed(&mut self, rest: &'a [u8]) -> usize {
        self.findings.push(Finding::Streamed);
        self.data = Some(rest);
        rest.len()
    }

    /// The length of the whole, as the first header has it, against the file's.
    fn judge_length(&mut self, present: u64, end: u64, declared: u32) {
        let trailing = present.saturating_sub(end);
        if trailing > 0 {
            self.findings.push(Finding::Trailing(trailing));
        }
        let known = |finding: &Finding| matches!(finding, Finding::Truncated { .. } | Finding::Streamed);
        let found = end.saturating_sub(8);
        let told = u64::from(declared);
        // An odd last chunk may or may not be padded.
        if declared != UNKNOWN && !self.findings.iter().any(known) && told.abs_diff(found) > 1 {
            self.findings.push(Finding::Lie {
                field: "RIFF size",
                declared: told,
                found,
            });
        }
    }
}

/// Whether a chunk of a plausible kind and size begins here.
fn another_chunk(bytes: &[u8]) -> bool {
    let id = array::<4>(bytes, 0).is_some_and(|id| id.iter().all(|byte| (0x20..0x7f).contains(byte)));
    id && u32_le(bytes, 4).is_some_and(|size| size as usize <= bytes.len() - 8)
}
