//! Opus (RFC 6716), mono or stereo: one place that knows which implementation it is.

use opus_pure::{
    Application, Error as Fault, MAX_PACKET_BYTES, MAX_PACKET_SAMPLES, OpusDecoder, OpusEncoder,
};

/// Why a packet could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum OpusError {
    /// Opus knows five rates.
    #[error("Opus works at 8000, 12000, 16000, 24000 or 48000 Hz, not at {0} Hz")]
    Rate(u32),
    /// More than two need a mapping.
    #[error("Opus takes 1 or 2 channels here, not {0}")]
    Channels(u16),
    /// Not what an encoder takes.
    #[error("an Opus encoder takes frames of 2.5, 5, 10, 20, 40 or 60 ms, not {0} samples")]
    Frame(usize),
    /// Beyond what Opus can do.
    #[error("Opus takes {MIN_BIT_RATE} to {MAX_BIT_RATE} bit/s, not {0}")]
    BitRate(u32),
    /// The packet is damaged.
    #[error("the Opus packet is damaged")]
    Packet(#[source] Fault),
    /// The encoder gave up.
    #[error("the sound could not be encoded as Opus")]
    Encoder(#[source] Fault),
}

/// Lowest bit rate, in bit/s.
pub const MIN_BIT_RATE: u32 = 6_000;
/// Highest bit rate, in bit/s.
pub const MAX_BIT_RATE: u32 = 510_000;

/// Longest packet in samples a channel at 48 kHz: 120 ms.
pub const LONGEST_PACKET: usize = MAX_PACKET_SAMPLES;

/// From packets to sound.
#[derive(Debug)]
pub struct Decoder {
    decoder: OpusDecoder,
    channels: usize,
    rate: u32,
    block: Vec<f32>,
}

impl Decoder {
    /// A decoder to a rate that Opus knows; 1 or 2 channels.
    pub fn new(rate: u32, channels: u16) -> Result<Self, OpusError> {
        let decoder =
            OpusDecoder::new(known(rate)?, usize::from(one_or_two(channels)?)).map_err(OpusError::Packet)?;
        let channels = usize::from(channels);
        Ok(Self {
            decoder,
            channels,
            rate,
            block: vec![0.0; LONGEST_PACKET * channels],
        })
    }

    /// The samples of a packet, the channels of each together. They are valid until the next call.
    pub fn decode(&mut self, packet: &[u8]) -> Result<&[f32], OpusError> {
        let longest = LONGEST_PACKET * self.rate as usize / 48_000;
        let samples = self
            .decoder
            .decode(packet, longest, &mut self.block)
            .map_err(OpusError::Packet)?;
        Ok(&self.block[..(samples * self.channels).min(self.block.len())])
    }

    /// Sound in place of a packet that was lost: `samples` a channel, of the time that is missing.
    pub fn conceal(&mut self, samples: usize) -> Result<&[f32], OpusError> {
        let samples = samples.min(LONGEST_PACKET);
        let samples = self
            .decoder
            .decode(&[], samples, &mut self.block)
            .map_err(OpusError::Packet)?;
        Ok(&self.block[..(samples * self.channels).min(self.block.len())])
    }
}

/// From sound to packets, tuned for speech.
#[derive(Debug)]
pub struct Encoder {
    encoder: OpusEncoder,
    rate: u32,
    packet: Vec<u8>,
}

impl Encoder {
    /// A mono encoder for sound at a rate that Opus knows, at about `bit_rate` bit/s.
    pub fn new(rate: u32, bit_rate: u32) -> Result<Self, OpusError> {
        let mut encoder = OpusEncoder::new(known(rate)?, 1, Application::Voip).map_err(OpusError::Encoder)?;
        if !(MIN_BIT_RATE..=MAX_BIT_RATE).contains(&bit_rate) {
            return Err(OpusError::BitRate(bit_rate));
        }
        encoder.bitrate_bps = bit_rate as i32;
        Ok(Self {
            encoder,
            rate,
            packet: vec![0; MAX_PACKET_BYTES],
        })
    }

    /// Samples by which the decoded sound is late.
    pub fn delay(&self) -> usize {
        self.encoder.lookahead()
    }

    /// The packet of one frame, usually of 20 ms. It is valid until the next call.
    pub fn encode(&mut self, frame: &[f32]) -> Result<&[u8], OpusError> {
        let tenths_of_ms = frame.len() * 10_000;
        let length = [25, 50, 100, 200, 400, 600].map(|tenths| tenths * self.rate as usize);
        if !length.contains(&tenths_of_ms) {
            return Err(OpusError::Frame(frame.len()));
        }
        let length = self
            .encoder
            .encode(frame, frame.len(), &mut self.packet)
            .map_err(OpusError::Encoder)?;
        Ok(&self.packet[..length.min(self.packet.len())])
    }
}

fn known(rate: u32) -> Result<i32, OpusError> {
    match rate {
        8_000 | 12_000 | 16_000 | 24_000 | 48_000 => Ok(rate as i32),
        other => Err(OpusError::Rate(other)),
    }
}

fn one_or_two(channels: u16) -> Result<u16, OpusError> {
    if (1..=2).contains(&channels) {
        Ok(channels)
    } else {
        Err(OpusError::Channels(channels))
    }
}
