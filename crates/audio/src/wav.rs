//! WAV files: of G.711, also written piece by piece (the header first, patched when the length is known), and of 16-bit PCM.
//! Nothing is in them but the sound.

use crate::{Law, Sound, TELEPHONY_RATE};

/// Bytes before the first sample in a file written with [`g711_header`].
pub const HEADER_BYTES: usize = 58;

/// The header of a WAV file that holds `data_bytes` of G.711 at 8000 Hz, `channels` interleaved byte by byte.
///
/// The format tag is 7 (mu-law) or 6 (A-law), with the `fact` chunk that compressed WAV needs.
pub fn g711_header(law: Law, channels: u16, data_bytes: u32) -> [u8; HEADER_BYTES] {
    let tag: u16 = if law == Law::Mu { 7 } else { 6 };
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend(b"RIFF");
    header.extend(data_bytes.saturating_add(HEADER_BYTES as u32 - 8).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(18u32.to_le_bytes());
    header.extend(tag.to_le_bytes());
    header.extend(channels.to_le_bytes());
    header.extend(TELEPHONY_RATE.to_le_bytes());
    header.extend((TELEPHONY_RATE * u32::from(channels)).to_le_bytes());
    header.extend(channels.to_le_bytes());
    header.extend(8u16.to_le_bytes());
    header.extend(0u16.to_le_bytes());
    header.extend(b"fact");
    header.extend(4u32.to_le_bytes());
    header.extend((data_bytes / u32::from(channels.max(1))).to_le_bytes());
    header.extend(b"data");
    header.extend(data_bytes.to_le_bytes());
    let mut fixed = [0; HEADER_BYTES];
    fixed.copy_from_slice(&header);
    fixed
}

/// A WAV file of G.711 at 8000 Hz, mono.
pub fn g711(law: Law, codes: &[u8]) -> Vec<u8> {
    let mut file = g711_header(law, 1, codes.len() as u32).to_vec();
    file.extend(codes);
    if codes.len() % 2 == 1 {
        // Chunks are padded to whole words; the file counts the padding, the chunk does not.
        file.push(0);
        let counted = (file.len() as u32 - 8).to_le_bytes();
        file[4..8].copy_from_slice(&counted);
    }
    file
}

/// A mono WAV file of 16-bit PCM; what is beyond -1.0 to 1.0 is clipped, NaN is silence.
pub fn pcm16(sound: &Sound) -> Vec<u8> {
    let data_bytes = sound.samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + data_bytes as usize);
    file.extend(b"RIFF");
    file.extend((data_bytes + 36).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(sound.rate.to_le_bytes());
    file.extend((sound.rate.saturating_mul(2)).to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(data_bytes.to_le_bytes());
    for sample in &sound.samples {
        file.extend(((sample * 32768.0).round() as i16).to_le_bytes());
    }
    file
}

/// The law of a stereo recording, by the header that [`g711_header`] wrote. `None` when it is no such header.
pub fn recording_law(header: &[u8]) -> Option<Law> {
    match header.get(20..24)? {
        [7, 0, 2, 0] => Some(Law::Mu),
        [6, 0, 2, 0] => Some(Law::A),
        _ => None,
    }
}

/// The two channels of a stereo recording written with [`g711_header`]: what was heard, and what was said.
///
/// `None` when the bytes are no such file.
pub fn read_recording(bytes: &[u8]) -> Option<[Vec<f32>; 2]> {
    let (header, data) = bytes.split_at_checked(HEADER_BYTES)?;
    let law = recording_law(header)?;
    let channel =
        |side: usize| law.decode_all(&data.iter().skip(side).step_by(2).copied().collect::<Vec<_>>());
    Some([channel(0), channel(1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pcm_files_are_read_as_they_were_written() {
        let sound = Sound {
            rate: 16000,
            samples: vec![0.0, 0.5, -0.5, 0.25, -1.0],
        };
        let file = pcm16(&sound);
        assert_eq!(file.len(), 54);
        assert_eq!(crate::decode(file).unwrap(), sound);
    }

    #[test]
    fn what_is_beyond_16_bits_is_clipped() {
        let samples = vec![2.0, -2.0, f32::NAN];
        let file = pcm16(&Sound { rate: 8000, samples });
        assert_eq!(file[44..], [0xff, 0x7f, 0x00, 0x80, 0, 0]);
    }

    #[test]
    fn g711_files_of_odd_length_are_padded() {
        let codes = Law::Mu.encode_all(&[0.5, -0.5, 0.25]);
        let file = g711(Law::Mu, &codes);
        assert_eq!(file.len() % 2, 0);
        assert_eq!(crate::decode(file).unwrap().samples, Law::Mu.decode_all(&codes));
    }
}
