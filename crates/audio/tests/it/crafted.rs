//! Files made to harm, or by programs that do it in another way than most.

use crate::{file, flac, flac::Stereo, ogg};
use audio::{Codec, DecodeError, Finding, decode, probe};

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

#[test]
fn one_damaged_opus_packet_is_silence_and_many_are_damage() {
    let all = ogg::packets(&file("opus-voip.opus"));
    let whole = decode(ogg::opus(&all, 312 + 28_800)).unwrap();
    let with = |damaged: std::ops::Range<usize>| {
        let mut packets = all.clone();
        // 20 ms that are told in two frames, which an odd length cannot be.
        packets[damaged].fill(vec![17 << 3 | 1, 0]);
        decode(ogg::opus(&packets, 312 + 28_800))
    };
    assert_eq!(with(12..13).unwrap().duration_ms(), whole.duration_ms());
    assert!(matches!(with(4..20), Err(DecodeError::Opus(_))));
}

#[test]
fn three_channels_of_opus_are_no_damage() {
    let mut packets = ogg::packets(&file("opus-voip.opus"));
    packets[0][9] = 3;
    let refused = decode(ogg::opus(&packets, 312 + 28_800));
    assert!(
        matches!(refused, Err(DecodeError::Channels { channels: 3, max: 2 })),
        "{refused:?}"
    );
}

#[test]
fn an_ogg_without_its_last_page_does_not_break_off() {
    let packets = ogg::packets(&file("opus-voip.opus"));
    let page = |packets, flags, granule| ogg::Page {
        packets,
        flags,
        granule,
    };
    let bytes = ogg::file(&[
        page(&packets[..1], 2, 0),
        page(&packets[1..2], 0, 0),
        page(&packets[2..], 0, 312 + 28_800),
    ]);
    let media = probe(&bytes).unwrap();
    assert_eq!(media.findings, [Finding::NoEnd]);
    assert_eq!(media.duration_ms, Some(600));
}

#[test]
fn vorbis_that_was_cut_out_of_a_stream_has_no_duration_before_it_is_decoded() {
    let packets = ogg::packets(&file("vorbis.ogg"));
    let page = |packets, flags, granule| ogg::Page {
        packets,
        flags,
        granule,
    };
    let later = 100 * 16_000;
    let bytes = ogg::file(&[
        page(&packets[..1], 2, 0),
        page(&packets[1..3], 0, 0),
        page(&packets[3..6], 0, later),
        page(&packets[6..], 4, later + 9000),
    ]);
    let media = probe(&bytes).unwrap();
    assert_eq!((media.duration_ms, media.bit_rate), (None, None));
    assert_eq!(media.findings, []);
    let heard = decode(bytes).unwrap().duration_ms();
    assert!((550..750).contains(&heard), "{heard}");
}

#[test]
fn a_length_that_was_made_up_by_a_pipe_is_not_known() {
    // As eSpeak writes it; SoX has a little more in the first.
    let mut bytes = file("s16le.wav");
    let at = bytes.windows(4).position(|window| window == b"data").unwrap() + 4;
    bytes[4..8].copy_from_slice(&0x7fff_f024u32.to_le_bytes());
    bytes[at..at + 4].copy_from_slice(&0x7fff_f000u32.to_le_bytes());
    assert_eq!(probe(&bytes).unwrap().findings, [Finding::Streamed]);
    assert_eq!(decode(&bytes).unwrap().duration_ms(), 600);
}

#[test]
fn flac_of_32_bits_in_joint_stereo_is_refused_by_name() {
    let independent = flac::file(Stereo::Independent, 4);
    assert_eq!(probe(&independent).unwrap().codec, Codec::Flac);
    assert!(
        decode(independent)
            .unwrap()
            .samples
            .iter()
            .all(|sample| *sample == 0.0)
    );
    let refused = decode(flac::file(Stereo::LeftSide, 4)).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("FLAC of 32 bits in joint stereo is not decoded"),
        "{refused}"
    );
}

#[test]
fn flac_that_breaks_off_tells_its_samples() {
    let bytes = flac::file(Stereo::Independent, 4);
    let media = probe(&bytes[..bytes.len() - 100]).unwrap();
    let said = media.findings[0].to_string();
    assert_eq!(
        said,
        "the file breaks off: 1024 samples of sound are declared, 768 are there"
    );
}

/// A footer of an APE tag that claims so many bytes and items.
fn ape_footer(size: u32, items: u32) -> Vec<u8> {
    let numbers = [2000, size, items, 0, 0, 0].map(u32::to_le_bytes);
    [&b"APETAGEX"[..], &numbers.concat()].concat()
}

#[test]
fn an_ape_tag_hides_no_sound() {
    let sound = file("no-gaps-told.mp3");
    let whole = decode(&sound).unwrap();
    let item = b"\x06\0\0\0\0\0\0\0title\0A tone";
    let real = [&sound[..], item, &ape_footer(32 + item.len() as u32, 1)].concat();
    let media = probe(&real).unwrap();
    assert_eq!(
        (media.tags[0].name.as_str(), &media.findings[..]),
        ("ape", &[][..])
    );
    assert!(decode(real).unwrap() == whole);
    for (size, items) in [(0x7fff_ffff, 0), (4000, 0), (4000, 1), (32, 1)] {
        let lying = [&sound[..], &ape_footer(size, items)].concat();
        assert_eq!(probe(&lying).unwrap().findings, [Finding::Trailing(32)], "{size}");
        assert!(decode(lying).unwrap() == whole, "{size}");
    }
}

#[test]
fn nothing_is_said_of_a_codec_that_is_not_known() {
    let media = probe(&file("adpcm.wav")).unwrap();
    assert_eq!((media.bit_rate, media.duration_ms), (None, None));
    assert_eq!(media.findings, []);
}
