//! Names for what is no audio, or audio of a kind that is not read.

/// Why bytes are no audio file that Trunkline reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// No bytes.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// Something else, and it is known what.
    #[error("this is {0}, not audio")]
    NotAudio(&'static str),
    /// Sound, of a kind that is not read.
    #[error("{0} is not read; save it as WAV, MP3, AAC, Ogg or FLAC")]
    NotRead(&'static str),
    /// Nobody knows.
    #[error("this is not an audio file Trunkline can read; use WAV, MP3, AAC, MP4, Ogg or FLAC")]
    Unknown,
    /// Begins like a container, and does not hold what it needs.
    #[error("the {container} file is damaged: {fault}")]
    Broken {
        /// Which.
        container: super::Container,
        /// What is wrong.
        fault: &'static str,
    },
}

const NOT_AUDIO: [(&[u8], &str); 16] = [
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an XZ archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"MThd", "a MIDI file (notes without sound)"),
    (b"MZ", "a program"),
];

const NOT_READ: [(&[u8], &str); 9] = [
    (b"FORM", "AIFF"),
    (b"#!AMR", "AMR"),
    (b"caff", "Apple CAF"),
    (b".snd", "Sun AU"),
    (b"\x30\x26\xb2\x75", "Windows Media"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (b"MAC ", "Monkey's Audio"),
    (b"wvpk", "WavPack"),
    (b"RIFX", "big-endian WAV (RIFX)"),
];

/// What bytes are that no reader takes, by how they begin.
pub(super) fn name(bytes: &[u8]) -> ProbeError {
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let begins = |what: &[u8]| {
        text.get(..what.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(what))
    };
    if bytes.is_empty() {
        return ProbeError::Empty;
    }
    if begins(b"<!doctype html") || begins(b"<html") {
        return ProbeError::NotAudio("an HTML page");
    }
    if let Some((_, name)) = NOT_AUDIO.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return ProbeError::NotAudio(name);
    }
    if let Some((_, name)) = NOT_READ.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return ProbeError::NotRead(name);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return ProbeError::NotAudio("nothing but zeros");
    }
    match is_text(text) {
        false => ProbeError::Unknown,
        true if begins(b"<?xml") || begins(b"<") => ProbeError::NotAudio("an XML or HTML text"),
        true if begins(b"{") || begins(b"[") => ProbeError::NotAudio("JSON"),
        true => ProbeError::NotAudio("a text"),
    }
}

/// How much of a file is looked at to tell a text.
const TEXT_BYTES: usize = 4096;

fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(TEXT_BYTES)];
    let whole = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character that is cut in two by the end of the part.
        Err(error) => error.error_len().is_none(),
    };
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    whole && !head.iter().any(control)
}
