//! Files made to harm, or by programs that do it in another way than most.

use crate::{file, ogg};
use audio::{DecodeError, decode};

/// Bits, least significant first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).map(|bit| value >> bit & 1 == 1));
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        self.0.chunks(8).map(byte).collect()
    }
}

/// A Vorbis file with so many codebooks, each of a few bytes and of so many entries of 32 dimensions.
fn vorbis_of_codebooks(count: u32, entries: u32) -> Vec<u8> {
    let mut setup = Bits::default();
    setup.put(count - 1, 8);
    for _ in 0..count {
        setup.put(0x56_43_42, 24);
        setup.put(32, 16);
        setup.put(entries, 24);
        // In order: all code words have the same length.
        setup.put(1, 1);
        setup.put(entries.ilog2() - 1, 5);
        setup.put(entries, entries.ilog2() + 1);
        // A lattice of a single number.
        setup.put(1, 4);
        setup.put(0x6000_0001, 32);
        setup.put(0x6000_0001, 32);
        setup.put(0, 4 + 1 + 1);
    }
    let mut head = b"\x01vorbis\0\0\0\0\x01".to_vec();
    head.extend(16_000u32.to_le_bytes());
    head.extend([0; 12]);
    head.extend([0xb8, 1]);
    let headers = [
        b"\x03vorbis\0\0\0\0\0\0\0\0\x01".to_vec(),
        [&b"\x05vorbis"[..], &setup.bytes(), &[0; 8]].concat(),
    ];
    let page = |packets, flags, granule| ogg::Page {
        packets,
        flags,
        granule,
    };
    ogg::file(&[
        page(&[head], 2, 0),
        page(&headers, 0, 0),
        page(&[b"\0abc".to_vec()], 4, 4000),
    ])
}

#[test]
fn codebooks_that_unfold_are_refused_before_they_do() {
    for (count, entries) in [(1, 131_072), (256, 131_072), (31, 1024), (256, 512)] {
        let bytes = vorbis_of_codebooks(count, entries);
        assert!(bytes.len() < 8000);
        let refused = decode(bytes);
        assert!(
            matches!(refused, Err(DecodeError::Codebooks { .. })),
            "{count} of {entries}: {refused:?}"
        );
    }
    // They are not large, but no mode follows.
    let refused = decode(vorbis_of_codebooks(2, 256));
    assert!(matches!(refused, Err(DecodeError::Damaged(_))), "{refused:?}");
}

#[test]
fn empty_opus_packets_are_no_sound() {
    let all = ogg::packets(&file("opus-voip.opus"));
    let whole = decode(ogg::opus(&all, 312 + 28_800)).unwrap();
    let mut with = all.clone();
    for _ in 0..200 {
        with.insert(12, Vec::new());
    }
    assert!(decode(ogg::opus(&with, 312 + 28_800)).unwrap() == whole);
}
