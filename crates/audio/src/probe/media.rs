//! What a file is, as its bytes say it.

use std::fmt;

/// What an audio file is. Everything is measured on its bytes; what its headers claim against that is in `findings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// The wrapping.
    pub container: Container,
    /// How the sound is coded.
    pub codec: Codec,
    /// Samples a second, as declared: a faulty file may say 0. Ogg Opus is 48000, whatever it was made from.
    pub rate: u32,
    /// As declared: a faulty file may say 0 or 64.
    pub channels: u16,
    /// Bits of a sample; `None` for codecs that have none.
    pub bits: Option<u16>,
    /// Average bits a second of the coded sound, without tags and container; `None` where only decoding would tell the duration.
    pub bit_rate: Option<u32>,
    /// Milliseconds of sound that are there, without what encoders add at both ends.
    pub duration_ms: Option<u64>,
    /// At most [`MAX_TAGS`], texts cut at [`MAX_TAG_CHARS`] characters.
    pub tags: Vec<Tag>,
    /// What is odd about the file. It can be decoded nevertheless, unless `decode` says otherwise.
    pub findings: Vec<Finding>,
}

/// How many tags are kept of a file.
pub const MAX_TAGS: usize = 64;
/// How many characters are kept of a tag's name, and of its value.
pub const MAX_TAG_CHARS: usize = 256;

impl Media {
    pub(super) fn new(container: Container, codec: Codec, rate: u32, channels: u16) -> Self {
        Self {
            container,
            codec,
            rate,
            channels,
            bits: None,
            bit_rate: None,
            duration_ms: None,
            tags: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The contract's `format`: the container's short name.
    pub fn format(&self) -> &'static str {
        self.container.name()
    }

    /// Sets duration and average bit rate from the samples a channel and the bytes they are coded in.
    pub(super) fn measured(&mut self, samples: u64, coded_bytes: u64) {
        if self.rate == 0 {
            return;
        }
        let rate = u128::from(self.rate);
        self.duration_ms = u64::try_from(u128::from(samples) * 1000 / rate).ok();
        if samples > 0 {
            let bits = u128::from(coded_bytes) * 8 * rate / u128::from(samples);
            self.bit_rate = u32::try_from(bits).ok();
        }
    }

    pub(super) fn find(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// `WAV, PCM 16 bit, 44100 Hz, stereo, 2.50 s`; where the codec is the container, once: `MP3, 16000 Hz, mono, 2.50 s`.
impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (container, codec) = (self.container.to_string(), self.codec.to_string());
        // Bare frames of MP3 are MP3, and FLAC is FLAC.
        if container == codec {
            f.write_str(&codec)?;
        } else {
            write!(f, "{container}, {codec}")?;
        }
        if let (Some(bits), Codec::Pcm(_)) = (self.bits, &self.codec) {
            write!(f, " {bits} bit")?;
        }
        write!(f, ", {} Hz", self.rate)?;
        match self.channels {
            1 => f.write_str(", mono")?,
            2 => f.write_str(", stereo")?,
            more => write!(f, ", {more} channels")?,
        }
        if let Some(ms) = self.duration_ms {
            write!(f, ", {}.{:02} s", ms / 1000, ms % 1000 / 10)?;
        }
        Ok(())
    }
}

/// The wrapping of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// RIFF/WAVE, RF64 among it.
    Wav,
    /// Bare MPEG audio frames of layer III.
    Mp3,
    /// Bare AAC frames.
    Adts,
    /// ISO base media: .m4a, .mp4.
    Mp4,
    /// Ogg.
    Ogg,
    /// Native FLAC.
    Flac,
}

impl Container {
    /// The contract's short name: `wav`, `mp3`, `aac`, `mp4`, `ogg`, `flac`.
    pub fn name(self) -> &'static str {
        match self {
            Container::Wav => "wav",
            Container::Mp3 => "mp3",
            Container::Adts => "aac",
            Container::Mp4 => "mp4",
            Container::Ogg => "ogg",
            Container::Flac => "flac",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::Wav => "WAV",
            Container::Mp3 => "MP3",
            Container::Adts => "AAC (ADTS)",
            Container::Mp4 => "MP4",
            Container::Ogg => "Ogg",
            Container::Flac => "FLAC",
        })
    }
}

/// How the sound is coded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Uncompressed.
    Pcm(Pcm),
    /// G.711 mu-law.
    MuLaw,
    /// G.711 A-law.
    ALaw,
    /// MPEG audio layer III.
    Mp3,
    /// AAC, low complexity.
    AacLc,
    /// AAC with spectral band replication (and perhaps parametric stereo).
    HeAac,
    /// Vorbis.
    Vorbis,
    /// Opus.
    Opus,
    /// FLAC.
    Flac,
    /// Known by name, and not decoded.
    Other(String),
}

/// How uncompressed samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pcm {
    /// Whole numbers of both signs.
    Signed,
    /// Whole numbers from 0: WAV with 8 bits.
    Unsigned,
    /// IEEE floating point.
    Float,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Codec::Pcm(Pcm::Signed) => "PCM",
            Codec::Pcm(Pcm::Unsigned) => "unsigned PCM",
            Codec::Pcm(Pcm::Float) => "floating-point PCM",
            Codec::MuLaw => "mu-law",
            Codec::ALaw => "A-law",
            Codec::Mp3 => "MP3",
            Codec::AacLc => "AAC-LC",
            Codec::HeAac => "HE-AAC",
            Codec::Vorbis => "Vorbis",
            Codec::Opus => "Opus",
            Codec::Flac => "FLAC",
            Codec::Other(name) => name,
        })
    }
}

/// A tag: title, artist, comment, picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// As the file has it, in lower case: `title`, `tit2`, `inam`.
    pub name: String,
    /// The text; for pictures and other binary values their size: `1234 bytes`.
    pub value: String,
}

/// What a length is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Bytes of coded sound.
    Bytes,
    /// Samples of each channel.
    Samples,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Bytes => "bytes",
            Unit::Samples => "samples",
        })
    }
}

/// Something odd about a file, with a sentence for whoever has to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// Less sound than the header declares.
    #[error("the file breaks off: {declared} {unit} of sound are declared, {present} are there")]
    Truncated {
        /// What the header says.
        declared: u64,
        /// What is there.
        present: u64,
        /// What is counted.
        unit: Unit,
    },
    /// An Ogg stream without its last page. Some programs never write one.
    #[error("the Ogg stream has no end mark: it may have been longer")]
    NoEnd,
    /// Another header field that does not agree with the bytes.
    #[error("the header lies: its {field} is {declared}, but really {found}")]
    Lie {
        /// Which field.
        field: &'static str,
        /// What it says.
        declared: u64,
        /// What is true.
        found: u64,
    },
    /// Written by a program that could not go back to fill in the length.
    #[error("the header does not say how long the sound is (a streamed file)")]
    Streamed,
    /// Bytes after the sound.
    #[error("{0} bytes after the end are no part of the file's format")]
    Trailing(u64),
    /// Bytes among the frames.
    #[error("{0} bytes before or between the frames are no sound")]
    Junk(u64),
    /// MP3 of varying bit rate that no Xing or VBRI header announces.
    #[error("the bit rate varies and no header says so: many players show a wrong duration")]
    VbrWithoutHeader,
    /// A tag that claims more than the file has.
    #[error("the {tag} tag claims {declared} bytes, and the file has {present}")]
    TagBeyondFile {
        /// Which kind.
        tag: &'static str,
        /// Bytes.
        declared: u64,
        /// Bytes.
        present: u64,
    },
    /// More tags than are kept.
    #[error("{0} more tags are not listed")]
    TagsLeftOut(u64),
    /// Floating-point samples that are no numbers.
    #[error("{0} samples are NaN, infinite or beyond 32 bits; they become silence")]
    NotNumbers(u64),
    /// Sample rate or channels change.
    #[error("sample rate or channels change in mid-file")]
    Changes,
    /// Several logical streams, one after the other.
    #[error("several Ogg streams are chained in one file")]
    Chained,
    /// Checksums that do not agree.
    #[error("{0} pages or frames have a wrong checksum")]
    Checksums(u64),
}

impl Finding {
    /// So many bytes of sound are declared, and so many are there.
    pub(super) fn cut(declared: u64, present: u64) -> Self {
        Finding::Truncated {
            declared,
            present,
            unit: Unit::Bytes,
        }
    }
}
