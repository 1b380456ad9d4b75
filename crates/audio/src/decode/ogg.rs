//! Vorbis and Opus in Ogg.

use super::{DecodeError, Judged, codebooks, coded::Blocks, coded::Tally};
use crate::{
    Codec, opus,
    probe::ogg::{Layout, opus_samples},
};
use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;

pub(super) fn decode(layout: Layout<'_>, codec: &Codec, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    if layout.chained {
        return Err(DecodeError::Chained);
    }
    match codec {
        Codec::Opus => decode_opus(layout, judged),
        _ => decode_vorbis(layout, judged),
    }
}

/// Most channels of Opus in family 0.
const OPUS_CHANNELS: u16 = 2;

fn decode_opus(mut layout: Layout<'_>, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    if layout.family != 0 {
        return Err(DecodeError::Mapping(layout.family));
    }
    judged.channels_up_to(OPUS_CHANNELS)?;
    let channels = usize::from(judged.channels);
    let mut mono = judged.mix(layout.decoded)?;
    let mut decoder = opus::Decoder::new(judged.rate, judged.channels)?;
    let _headers = (
        layout.packets.next_packet().is_some(),
        layout.packets.next_packet().is_some(),
    );
    let (mut tally, mut fault) = (Tally::default(), None);
    while let Some(packet) = layout.packets.next_packet().filter(|_| !mono.is_full()) {
        // To the decoder, no bytes are a packet that was lost: it would make up 120 ms.
        if packet.is_empty() {
            continue;
        }
        match decoder.decode(packet) {
            Ok(sound) => {
                mono.add_interleaved(sound, channels);
                tally.good += 1;
            }
            Err(error) => {
                mono.add_silence(opus_samples(packet) as usize);
                tally.bad += 1;
                fault.get_or_insert(error);
            }
        }
    }
    if let Some(fault) = fault.filter(|_| tally.is_bad()) {
        return Err(fault.into());
    }
    let mut samples = mono.part(layout.skip, layout.keep);
    if layout.gain != 0 {
        let factor = 10f32.powf(f32::from(layout.gain) / 256.0 / 20.0);
        samples.iter_mut().for_each(|sample| *sample *= factor);
    }
    Ok(samples)
}

fn decode_vorbis(mut layout: Layout<'_>, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    let packets = &mut layout.packets;
    let mut headers = Vec::new();
    for index in 0..3 {
        let header = packets.next_packet().ok_or(DecodeError::Empty)?;
        if index == 2 {
            codebooks::judge(header)?;
        }
        // The comments are not needed.
        if index != 1 {
            headers.extend_from_slice(header);
        }
    }
    // The first packet only prepares the second.
    let mut blocks = Blocks::new(
        CODEC_ID_VORBIS,
        Some(&headers),
        judged,
        layout.decoded.min(layout.keep),
    )?;
    let mut first = true;
    while let Some(packet) = packets.next_packet() {
        blocks.decode(packet, 0)?;
        if std::mem::take(&mut first) {
            blocks.restart();
        }
        if blocks.is_full() {
            break;
        }
    }
    Ok(blocks.finish()?.part(0, layout.keep))
}
