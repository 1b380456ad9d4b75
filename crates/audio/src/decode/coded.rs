//! MP3, AAC and FLAC: our own walk through the file gives the frames, symphonia decodes each.

use super::{DecodeError, Judged, mix::Mono};
use crate::probe::{AAC_PRIMING, adts, flac, mp4, mpeg};
use symphonia::core::{
    audio::{Channels, layouts},
    codecs::audio::{
        AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
        well_known::{CODEC_ID_AAC, CODEC_ID_FLAC, CODEC_ID_MP3},
    },
    packet::PacketRef,
    units::{Duration, Timestamp},
};

/// Most channels of AAC that are decoded.
const AAC_CHANNELS: u16 = 2;

pub(super) fn mp3(layout: mpeg::Layout<'_>, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    if layout.changes {
        return Err(DecodeError::Changes);
    }
    let mut blocks = Blocks::new(CODEC_ID_MP3, None, judged, layout.samples)?;
    for (header, frame) in layout.frames {
        blocks.decode(frame, header.samples as usize)?;
    }
    let keep = layout.samples.saturating_sub(layout.skip + layout.drop);
    Ok(blocks.finish()?.part(layout.skip, keep))
}

pub(super) fn adts(layout: adts::Layout<'_>, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    if layout.changes {
        return Err(DecodeError::Changes);
    }
    judged.channels_up_to(AAC_CHANNELS)?;
    let mut blocks = Blocks::new(CODEC_ID_AAC, None, judged, layout.samples)?;
    for (header, frame) in layout.frames {
        blocks.decode(adts::payload(frame), header.samples as usize)?;
    }
    Ok(blocks.finish()?.part(AAC_PRIMING, u64::MAX))
}

pub(super) fn mp4(layout: &mp4::Layout<'_>, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    judged.channels_up_to(AAC_CHANNELS)?;
    let frame = mp4::FRAME;
    let mut blocks = Blocks::new(CODEC_ID_AAC, None, judged, layout.frames.len() as u64 * frame)?;
    for payload in layout.payloads() {
        blocks.decode(payload, frame as usize)?;
    }
    Ok(blocks.finish()?.part(layout.skip, layout.keep))
}

pub(super) fn flac(layout: flac::Layout<'_>, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    if layout.changes {
        return Err(DecodeError::Changes);
    }
    let mut blocks = Blocks::new(CODEC_ID_FLAC, Some(layout.info), judged, layout.samples)?;
    for frame in layout.frames {
        blocks.decode(frame.bytes, frame.samples as usize)?;
    }
    Ok(blocks.finish()?.part(0, u64::MAX))
}

/// A decoder of blocks, and the mix of what came out.
pub(super) struct Blocks {
    decoder: Box<dyn AudioDecoder>,
    mono: Mono,
    tally: Tally,
    fault: Option<symphonia::core::errors::Error>,
}

/// How many blocks could be decoded, and how many not.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) good: u64,
    pub(super) bad: u64,
}

/// Of so many blocks, one may be damaged: it becomes silence, as players do it.
const GOOD_PER_BAD: u64 = 8;
/// So many may be damaged in any file: the first of a recording that was cut out of a longer one.
const BAD_IN_ANY: u64 = 2;

impl Tally {
    /// So many damaged blocks that the file is damaged.
    pub(super) fn is_bad(&self) -> bool {
        self.good == 0 || self.bad > (self.good / GOOD_PER_BAD).max(BAD_IN_ANY)
    }
}

impl Blocks {
    pub(super) fn new(
        codec: AudioCodecId,
        extra: Option<&[u8]>,
        judged: &Judged,
        samples: u64,
    ) -> Result<Self, DecodeError> {
        let mono = judged.mix(samples)?;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(codec)
            .with_sample_rate(judged.rate)
            .with_channels(channels(judged.channels));
        if let Some(extra) = extra {
            parameters.with_extra_data(extra.into());
        }
        let options = AudioDecoderOptions::default().gapless(false);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(&parameters, &options)
            .map_err(DecodeError::Damaged)?;
        Ok(Self {
            decoder,
            mono,
            tally: Tally::default(),
            fault: None,
        })
    }

    /// Adds the sound of a block that should have so many samples a channel.
    pub(super) fn decode(&mut self, block: &[u8], samples: usize) -> Result<(), DecodeError> {
        let packet = PacketRef::new(0, Timestamp::ZERO, Duration::from(samples as u64), block);
        match self.decoder.decode_ref(&packet) {
            Ok(sound) => {
                self.mono.add(&sound);
                self.tally.good += 1;
            }
            Err(error) => {
                self.mono.add_silence(samples);
                self.tally.bad += 1;
                self.fault.get_or_insert(error);
            }
        }
        Ok(())
    }

    /// Forgets the sound so far, and not the decoder's state.
    pub(super) fn restart(&mut self) {
        self.mono.clear();
    }

    pub(super) fn is_full(&self) -> bool {
        self.mono.is_full()
    }

    pub(super) fn finish(self) -> Result<Mono, DecodeError> {
        match self.fault {
            Some(fault) if self.tally.is_bad() => Err(DecodeError::Damaged(fault)),
            _ => Ok(self.mono),
        }
    }
}

fn channels(count: u16) -> Channels {
    match count {
        1 => layouts::CHANNEL_LAYOUT_MONO,
        2 => layouts::CHANNEL_LAYOUT_STEREO,
        more => Channels::Discrete(more),
    }
}
