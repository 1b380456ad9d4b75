//! Tags of all kinds, bounded in number and length.

use super::{
    Finding, MAX_TAG_CHARS, MAX_TAGS, Tag,
    field::{array, u16_be, u24_be, u32_be, u32_le},
};

/// Tags as they are found; more than [`MAX_TAGS`] are only counted.
#[derive(Default)]
pub(crate) struct Collected {
    tags: Vec<Tag>,
    left_out: u64,
}

/// The tags, and the findings with one more if some were left out.
pub(super) fn bounded(collected: Collected, mut findings: Vec<Finding>) -> (Vec<Tag>, Vec<Finding>) {
    if collected.left_out > 0 {
        findings.push(Finding::TagsLeftOut(collected.left_out));
    }
    (collected.tags, findings)
}

impl Collected {
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if self.tags.len() >= MAX_TAGS {
            self.left_out += 1;
            return;
        }
        let kept = |text: &str| -> String {
            let visible = text.chars().filter(|c| !c.is_control());
            visible.take(MAX_TAG_CHARS).collect()
        };
        let (name, value) = (kept(name).to_lowercase(), kept(value));
        self.tags.push(Tag { name, value });
    }

    fn binary(&mut self, name: &str, bytes: usize) {
        self.add(name, &format!("{bytes} bytes"));
    }

    /// The chunks of a RIFF INFO list.
    pub(super) fn info(&mut self, list: &[u8]) {
        let mut at = 0;
        while let (Some(id), Some(size)) = (array::<4>(list, at), u32_le(list, at + 4)) {
            let rest = list.get(at + 8..).unwrap_or_default();
            let body = &rest[..rest.len().min(size as usize)];
            self.add(&latin(&id), latin(body).trim_end_matches('\0'));
            at += 8 + body.len() + body.len() % 2;
        }
    }

    /// The frames of an ID3v2 tag (2.2 to 2.4), its header included.
    pub(super) fn id3(&mut self, tag: &[u8]) {
        let Some(version) = tag.get(3).copied().filter(|_| tag.starts_with(b"ID3")) else {
            return;
        };
        let (name, header) = if version == 2 { (3, 6) } else { (4, 10) };
        let mut at = 10;
        while let Some(id) = tag
            .get(at..at + name)
            .filter(|id| id.iter().all(u8::is_ascii_alphanumeric))
        {
            let size = match version {
                2 => u24_be(tag, at + 3),
                3 => u32_be(tag, at + 4),
                _ => array(tag, at + 4).and_then(sync_safe),
            };
            let rest = tag.get(at + header..).unwrap_or_default();
            let Some(body) = size.and_then(|size| rest.get(..size as usize)) else {
                break;
            };
            let id = latin(id);
            match (id.as_str(), body.split_first()) {
                ("TXXX" | "TXX" | "COMM" | "COM", Some((encoding, text))) => {
                    self.add(&id, &text_of(*encoding, text).replace('\0', " "));
                }
                (text_id, Some((encoding, text))) if text_id.starts_with('T') => {
                    self.add(&id, text_of(*encoding, text).trim_end_matches('\0'));
                }
                _ => self.binary(&id, body.len()),
            }
            at += header + body.len();
        }
    }

    /// ID3v1: 128 bytes at the end of the file.
    pub(super) fn id3v1(&mut self, tag: &[u8]) {
        for (name, range) in [
            ("title", 3..33),
            ("artist", 33..63),
            ("album", 63..93),
            ("year", 93..97),
        ] {
            let text = latin(tag.get(range).unwrap_or_default());
            let text = text.trim_end_matches(['\0', ' ']);
            if !text.is_empty() {
                self.add(name, text);
            }
        }
    }

    /// Vorbis comments, as in Vorbis, Opus and FLAC.
    pub(super) fn comments(&mut self, block: &[u8]) {
        let text = |at: usize| -> Option<&[u8]> {
            let start = at.checked_add(4)?;
            block.get(start..start.checked_add(u32_le(block, at)? as usize)?)
        };
        let Some(vendor) = text(0) else { return };
        let mut at = 4 + vendor.len() + 4;
        let mut left = u32_le(block, at - 4).unwrap_or(0);
        while let Some(comment) = text(at).filter(|_| left > 0) {
            let comment_text = String::from_utf8_lossy(&comment[..comment.len().min(4 * MAX_TAG_CHARS)]);
            let (name, value) = comment_text.split_once('=').unwrap_or(("comment", &comment_text));
            if name.eq_ignore_ascii_case("metadata_block_picture") {
                self.binary("picture", comment.len());
            } else {
                self.add(name, value);
            }
            at += 4 + comment.len();
            left -= 1;
        }
    }

    pub(super) fn picture(&mut self, bytes: usize) {
        self.binary("picture", bytes);
    }

    /// A tag that is text in UTF-8.
    pub(super) fn utf8(&mut self, name: &[u8], value: &[u8]) {
        let value = &value[..value.len().min(4 * MAX_TAG_CHARS)];
        self.add(&latin(name), &String::from_utf8_lossy(value));
    }
}

fn latin(bytes: &[u8]) -> String {
    let kept = &bytes[..bytes.len().min(2 * MAX_TAG_CHARS)];
    kept.iter().map(|byte| char::from(*byte)).collect()
}

fn text_of(encoding: u8, bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(4 * MAX_TAG_CHARS)];
    let wide = |read: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| read(*unit)).collect();
        String::from_utf16_lossy(&units).replace('\u{feff}', "")
    };
    match encoding {
        0 => latin(bytes),
        1 if u16_be(bytes, 0) == Some(0xfffe) => wide(u16::from_le_bytes),
        1 | 2 => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn sync_safe(bytes: [u8; 4]) -> Option<u32> {
    let valid = bytes.iter().all(|byte| byte & 0x80 == 0);
    valid.then(|| bytes.iter().fold(0, |size, byte| size << 7 | u32::from(*byte)))
}

/// The length of the ID3v2 tag at the start, its header included; 0 when there is none. It may exceed the bytes.
pub(super) fn id3_length(bytes: &[u8]) -> u64 {
    let Some(size) = array::<10>(bytes, 0).filter(|head| head.starts_with(b"ID3")) else {
        return 0;
    };
    let footer = if size[5] & 0x10 != 0 { 10 } else { 0 };
    array(bytes, 6)
        .and_then(sync_safe)
        .map_or(0, |size| u64::from(size) + 10 + footer)
}

/// Takes the tags off the end of a file of bare frames (ID3v1, APE, Lyrics3 is left): how long the rest is.
pub(super) fn without_tail(bytes: &[u8], collected: &mut Collected) -> usize {
    let mut end = bytes.len();
    let tag = end.checked_sub(128).map(|at| &bytes[at..]);
    if let Some(tag) = tag.filter(|tag| tag.starts_with(b"TAG")) {
        collected.id3v1(tag);
        end -= 128;
    }
    if let Some(size) = ape_length(&bytes[..end]) {
        collected.binary("ape", size);
        end -= size;
    }
    end
}

/// The length of the APE tag at the end, if its items really fill it: what only claims to be a tag must not hide sound.
fn ape_length(bytes: &[u8]) -> Option<usize> {
    let footer_at = bytes.len().checked_sub(32)?;
    let footer = bytes[footer_at..].strip_prefix(b"APETAGEX")?;
    let (size, items) = (u32_le(footer, 4)? as usize, u32_le(footer, 8)?);
    let header = if u32_le(footer, 12)? >> 31 == 1 { 32 } else { 0 };
    let mut at = bytes.len().checked_sub(size)?;
    let start = at.checked_sub(header)?;
    for _ in 0..items.min(footer_at as u32) {
        let value = u32_le(bytes, at)? as usize;
        // A name ends in a zero.
        let name = bytes.get(at + 8..footer_at)?.iter().position(|byte| *byte == 0)?;
        at = (at + 8 + name + 1).checked_add(value)?;
    }
    (at == footer_at).then_some(bytes.len() - start)
}
