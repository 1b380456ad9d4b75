//! How a prompt is played.

use super::VolumeMatrix;
use crate::{Faults, fault::Object, words::words};
use serde::{Serialize, ser::SerializeStruct};

/// The shortest silence that can be trimmed, in milliseconds.
pub const SHORTEST_TRIM_MS: u32 = 300;
/// The longest, in milliseconds: nobody waits for it in a prompt.
pub const LONGEST_TRIM_MS: u32 = 10_000;

words! {
    /// What is on the line.
    CodecPreference {
        /// G.711 mu-law.
        G711U = "G711U",
        /// G.711 A-law.
        G711A = "G711A",
        /// G.729.
        G729 = "G729",
        /// Opus.
        Opus = "OPUS",
    }
}

words! {
    /// How a prompt ends that is interrupted.
    Cutoff {
        /// At the next frame.
        Immediate = "immediate",
        /// Ramped to zero in 150 ms.
        Fade = "fade",
        /// Played to the end of the phrase: the next pause of 120 ms or more, or the end.
        Drain = "drain",
    }
}

/// Who may interrupt, and what happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Interruptibility {
    /// Whether a key does.
    #[serde(rename = "allowDTMF")]
    pub dtmf: bool,
    /// Whether a voice does.
    #[serde(rename = "allowVoice")]
    pub voice: bool,
    /// How the prompt ends then.
    #[serde(rename = "cutoffBehavior")]
    pub cutoff: Cutoff,
}

impl Interruptibility {
    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let dtmf = body.truth("allowDTMF", faults);
        let voice = body.truth("allowVoice", faults);
        let cutoff = body.parsed("cutoffBehavior", faults);
        Some(Self {
            dtmf: dtmf?,
            voice: voice?,
            cutoff: cutoff?,
        })
    }
}

/// How a prompt is played. That it is prepared before the first frame is sent (`bufferPreload`) is no choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaybackConfig {
    /// How loud.
    pub volume: VolumeMatrix,
    /// Who may interrupt.
    pub interruptibility: Interruptibility,
    /// What is on the line.
    pub codec: CodecPreference,
    /// Whether the prepared prompt is checked against what was asked for.
    pub format_verification: bool,
    /// Leading and trailing silence that is longer is cut off, in milliseconds: [`SHORTEST_TRIM_MS`] to
    /// [`LONGEST_TRIM_MS`].
    pub silence_trim_ms: Option<u32>,
}

impl PlaybackConfig {
    pub(super) fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let volume = body.object("volumeMatrix", faults);
        let volume = volume.and_then(|volume| VolumeMatrix::read(&volume, faults));
        let who = body.object("interruptibility", faults);
        let interruptibility = who.and_then(|who| Interruptibility::read(&who, faults));
        let codec = body.parsed("codecPreference", faults);
        if body.truth("bufferPreload", faults) == Some(false) {
            faults.push(format!("{} must be true", body.name("bufferPreload")));
        }
        let format_verification = body.truth("formatVerification", faults);
        let trims = u64::from(SHORTEST_TRIM_MS)..=u64::from(LONGEST_TRIM_MS);
        let trim = body.optional_whole("silenceTrimMs", trims, faults);
        Some(Self {
            volume: volume?,
            interruptibility: interruptibility?,
            codec: codec?,
            format_verification: format_verification?,
            silence_trim_ms: trim.and_then(|trim| u32::try_from(trim).ok()),
        })
    }
}

impl Serialize for PlaybackConfig {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 5 + usize::from(self.silence_trim_ms.is_some());
        let mut body = serializer.serialize_struct("PlaybackConfig", fields)?;
        body.serialize_field("volumeMatrix", &self.volume)?;
        body.serialize_field("interruptibility", &self.interruptibility)?;
        body.serialize_field("codecPreference", &self.codec)?;
        body.serialize_field("bufferPreload", &true)?;
        body.serialize_field("formatVerification", &self.format_verification)?;
        if let Some(trim) = self.silence_trim_ms {
            body.serialize_field("silenceTrimMs", &trim)?;
        }
        body.end()
    }
}
