//! FLAC files put together by hand: stereo of 32 bits, uncompressed, with right checksums.

const BLOCK: u16 = 256;

/// How the channels of a frame are coded.
#[derive(Clone, Copy)]
pub(crate) enum Stereo {
    Independent,
    /// Left, and left minus right in one bit more.
    LeftSide,
}

pub(crate) fn file(stereo: Stereo, blocks: u8) -> Vec<u8> {
    let rate = 16_000;
    let packed = rate << 44 | 1 << 41 | 31 << 36 | (u64::from(blocks) * u64::from(BLOCK));
    let mut bytes = b"fLaC\x80\0\0\x22".to_vec();
    bytes.extend([BLOCK.to_be_bytes(), BLOCK.to_be_bytes()].concat());
    bytes.extend([0; 6]);
    bytes.extend(packed.to_be_bytes());
    bytes.extend([0; 16]);
    bytes.extend((0..blocks).flat_map(|number| frame(stereo, number)));
    bytes
}

fn frame(stereo: Stereo, number: u8) -> Vec<u8> {
    let assignment = match stereo {
        Stereo::Independent => 1,
        Stereo::LeftSide => 8,
    };
    let mut frame = vec![0xff, 0xf8, 0x85, assignment << 4 | 7 << 1, number];
    frame.push(frame.iter().fold(0, |crc, byte| crc_8(crc, *byte)));
    let sample = |at: u16| i64::from(i32::MAX / 256) * i64::from(at);
    let mut bits = Vec::new();
    put(&mut bits, 1 << 1, 8);
    (0..BLOCK).for_each(|at| put(&mut bits, sample(at), 32));
    put(&mut bits, 1 << 1, 8);
    for at in 0..BLOCK {
        match stereo {
            Stereo::Independent => put(&mut bits, -sample(at), 32),
            Stereo::LeftSide => put(&mut bits, 2 * sample(at), 33),
        }
    }
    let byte = |bits: &[bool]| {
        let byte = bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        byte << (8 - bits.len())
    };
    frame.extend(bits.chunks(8).map(byte));
    let sum: u16 = frame.iter().fold(0, |crc, byte| crc_16(crc, *byte));
    frame.extend(sum.to_be_bytes());
    frame
}

fn put(bits: &mut Vec<bool>, value: i64, count: u32) {
    bits.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
}

fn crc_8(crc: u8, byte: u8) -> u8 {
    (0..8).fold(crc ^ byte, |crc, _| {
        crc << 1 ^ if crc >> 7 == 1 { 0x07 } else { 0 }
    })
}

fn crc_16(crc: u16, byte: u8) -> u16 {
    let crc = crc ^ u16::from(byte) << 8;
    (0..8).fold(crc, |crc, _| crc << 1 ^ if crc >> 15 == 1 { 0x8005 } else { 0 })
}
