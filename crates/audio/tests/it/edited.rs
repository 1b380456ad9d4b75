//! MP4 whose lists and tables say odd things.

use crate::file;
use audio::{ProbeError, decode, probe};

fn boxed(kind: &[u8; 4], bodies: &[&[u8]]) -> Vec<u8> {
    let body = bodies.concat();
    [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], &body].concat()
}

/// `mono.m4a` with another box for its edit list; its movie box is behind the sound.
fn with_edits(list: &[u8]) -> Vec<u8> {
    let mut bytes = file("mono.m4a");
    let find = |bytes: &[u8], kind: &[u8]| bytes.windows(4).position(|window| window == kind).unwrap() - 4;
    let size = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let at = find(&bytes, b"edts");
    let old = size(&bytes, at) as usize;
    let new = boxed(b"edts", &[&boxed(b"elst", &[list])]);
    for kind in [b"moov", b"trak"] {
        let parent = find(&bytes, kind);
        let grown = size(&bytes, parent) + new.len() as u32 - old as u32;
        bytes[parent..parent + 4].copy_from_slice(&grown.to_be_bytes());
    }
    bytes.splice(at..at + old, new);
    bytes
}

/// A list of durations in milliseconds and starts in samples.
fn list(edits: &[(u32, u32)]) -> Vec<u8> {
    let entry =
        |(duration, start): &(u32, u32)| [duration.to_be_bytes(), start.to_be_bytes(), [0, 1, 0, 0]].concat();
    let count = (edits.len() as u32).to_be_bytes();
    [
        &[0; 4][..],
        &count,
        &edits.iter().flat_map(entry).collect::<Vec<u8>>(),
    ]
    .concat()
}

#[test]
fn an_edit_of_no_end_goes_to_the_end() {
    let long = [
        &b"\x01\0\0\0\0\0\0\x01"[..],
        &[0xff; 8],
        &1024u64.to_be_bytes(),
        &[0, 1, 0, 0],
    ]
    .concat();
    let whole = decode(with_edits(&list(&[(0, 1024)]))).unwrap();
    assert!(whole.duration_ms() >= 600);
    for edits in [long, list(&[(u32::MAX, 1024)])] {
        assert_eq!(
            decode(with_edits(&edits)).unwrap().duration_ms(),
            whole.duration_ms()
        );
    }
}

#[test]
fn nothing_between_the_first_edit_and_the_last_is_lost() {
    let sound = decode(with_edits(&list(&[
        (50, u32::MAX),
        (100, 1024),
        (200, 1024 + 3200),
    ])))
    .unwrap();
    assert_eq!(sound.duration_ms(), 401);
}

#[test]
fn gaps_of_zeros_are_not_known() {
    let value = b" 00000000 00000000 00000000 0000000000000000";
    let name = [b"\0\0\0\0", &b"iTunSMPB"[..]].concat();
    let data = [&[0, 0, 0, 1, 0, 0, 0, 0][..], value].concat();
    let item = boxed(b"----", &[&boxed(b"name", &[&name]), &boxed(b"data", &[&data])]);
    let meta = boxed(b"meta", &[&[0; 4], &boxed(b"ilst", &[&item])]);
    let mut bytes = file("mono.m4a");
    let at = bytes.windows(4).position(|window| window == b"udta").unwrap() - 4;
    let udta = boxed(b"udta", &[&meta]);
    let moov = bytes.windows(4).position(|window| window == b"moov").unwrap() - 4;
    bytes.truncate(at);
    bytes.extend(udta);
    let size = (bytes.len() - moov) as u32;
    bytes[moov..moov + 4].copy_from_slice(&size.to_be_bytes());
    assert_eq!(decode(bytes).unwrap().duration_ms(), 601);
}

#[test]
fn tables_of_frames_without_end_are_refused() {
    let original = file("mono.m4a");
    let at = original.windows(4).position(|window| window == b"stsd").unwrap() - 4;
    let size = u32::from_be_bytes(original[at..at + 4].try_into().unwrap()) as usize;
    let numbers =
        |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_be_bytes()).collect() };
    // Each frame has one byte, and all are in one chunk.
    let table = boxed(
        b"stbl",
        &[
            &original[at..at + size],
            &boxed(b"stsz", &[&numbers(&[0, 1, u32::MAX])]),
            &boxed(b"stsc", &[&numbers(&[0, 1, 1, u32::MAX, 1])]),
            &boxed(b"stco", &[&numbers(&[0, 1, 0])]),
        ],
    );
    let handler = boxed(b"hdlr", &[&[0; 8], b"soun", &[0; 12]]);
    let header = boxed(b"mdhd", &[&numbers(&[0, 0, 0, 16_000, 16_000, 0])]);
    let track = boxed(
        b"trak",
        &[&boxed(b"mdia", &[&header, &handler, &boxed(b"minf", &[&table])])],
    );
    let movie = [boxed(b"ftyp", &[b"M4A \0\0\0\0"]), boxed(b"moov", &[&track])].concat();
    let of = |sound: usize| [movie.clone(), boxed(b"mdat", &[&vec![0; sound]])].concat();
    assert!(probe(&of(1 << 20)).is_err_and(|error| matches!(error, ProbeError::Broken { .. })));
    let few = probe(&of(1 << 10)).unwrap();
    assert!(
        few.findings
            .iter()
            .any(|finding| matches!(finding, audio::Finding::Truncated { .. }))
    );
}
