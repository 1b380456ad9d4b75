//! WAV files of G.711, written piece by piece: the header first, patched when the length is known.

use crate::{Law, TELEPHONY_RATE};

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
