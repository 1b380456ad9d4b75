//! Verdicts on files that are made here, and on the demo's recordings.

use super::*;
use audio::wav::pcm16;
use std::{f32::consts::TAU, path::Path};

/// A tone of 440 Hz at a level, in dB.
fn tone(rate: u32, seconds: f32, db: f32) -> Sound {
    let amplitude = 10f32.powf(db / 20.0);
    let sample = |n: u32| amplitude * (n as f32 * 440.0 * TAU / rate as f32).sin();
    Sound {
        rate,
        samples: (0..(rate as f32 * seconds) as u32).map(sample).collect(),
    }
}

fn verdict(name: &str, bytes: &[u8]) -> Verdict {
    judge(name, bytes).unwrap().verdict
}

fn plan(sound: &Sound) -> String {
    verdict("a.wav", &pcm16(sound)).plan.to_string()
}

#[test]
fn what_telephony_takes_is_uploaded_as_it_is_whatever_its_level() {
    for sound in [tone(8000, 1.0, -20.0), tone(16000, 1.0, -45.0)] {
        let verdict = verdict("a.wav", &pcm16(&sound));
        assert_eq!((verdict.plan, verdict.objections), (Plan::Upload, vec![]));
        assert!(verdict.loudness.unwrap().0 < -18.0);
    }
}

#[test]
fn what_it_does_not_take_is_converted() {
    insta::assert_snapshot!(plan(&tone(44100, 1.0, -20.0)), @"convert: 44100 -> 8000 Hz, +4.5 dB");
    let mut late = tone(48000, 1.0, -30.0);
    late.samples.splice(0..0, vec![0.0; 2 * 48000]);
    insta::assert_snapshot!(plan(&late), @"convert: 48000 -> 8000 Hz, +14.6 dB, 1.9 s of silence cut");
    insta::assert_snapshot!(plan(&tone(44100, 1.0, -66.0)), @"convert: 44100 -> 8000 Hz, +40.0 dB (no more: it is still too quiet)");
}

#[test]
fn what_is_too_long_is_split_into_pieces_that_telephony_takes() {
    let mut long = Sound {
        rate: 8000,
        samples: Vec::new(),
    };
    for _ in 0..4 {
        long.samples.extend(tone(8000, 69.0, -20.0).samples);
        long.samples.extend(vec![0.0; 8000]);
    }
    let judged = judge("a.wav", &pcm16(&long)).unwrap();
    insta::assert_snapshot!(judged.verdict.plan, @"convert: +4.5 dB, 0.9 s of silence cut, split in 4");
    for piece in judged.shaped.unwrap().pieces {
        let file = pcm16(&piece);
        assert_eq!(verdict("a.wav", &file).plan, Plan::Upload, "{} bytes", file.len());
    }
}

#[test]
fn the_longest_piece_fits() {
    let samples = vec![0.0; (LONGEST_PIECE_MS * 8) as usize];
    assert!(pcm16(&Sound { rate: 8000, samples }).len() as u64 <= MAX_ASSET_BYTES);
}

#[test]
fn a_file_that_breaks_off_is_refused_though_telephony_would_take_it() {
    let file = pcm16(&tone(8000, 1.0, -20.0));
    let verdict = verdict("a.wav", &file[..6000]);
    assert_eq!(verdict.objections, []);
    insta::assert_snapshot!(
        verdict.refusals(true).join("\n"),
        @"the file breaks off: 16000 bytes of sound are declared, 5956 are there; get the whole file"
    );
    assert_eq!(verdict.refusals(false), verdict.refusals(true));
    assert_eq!(verdict.notes(), Vec::<String>::new(), "it is told once");
}

#[test]
fn a_build_that_may_not_convert_refuses_with_every_objection() {
    let verdict = verdict("a.mp3", &pcm16(&tone(44100, 30.0, -20.0)));
    insta::assert_snapshot!(verdict.refusals(false).join("\n"), @"
    the file has 2646044 bytes; telephony takes at most 2097152 (2 MiB)
    the sample rate is 44100 Hz; telephony takes 8000 or 16000 Hz
    ");
    assert_eq!(verdict.refusals(true), Vec::<String>::new());
    insta::assert_snapshot!(verdict.notes().join("\n"), @"the name ends in .mp3, but the content is WAV (PCM)");
}

#[test]
fn silence_is_no_fault() {
    let silence = Sound {
        rate: 8000,
        samples: vec![0.0; 8000],
    };
    let verdict = verdict("pause.wav", &pcm16(&silence));
    assert_eq!((verdict.plan, verdict.loudness), (Plan::Upload, None));
}

#[test]
fn the_demos_recordings_are_what_their_list_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/recordings");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".sh") && !name.ends_with(".md"))
        .collect();
    names.sort();
    let line = |name: &String| {
        let verdict = verdict(name, &std::fs::read(folder.join(name)).unwrap());
        assert_eq!(verdict.mismatch, None);
        format!("{name}: {}", verdict.plan)
    };
    insta::assert_snapshot!(names.iter().map(line).collect::<Vec<_>>().join("\n"), @"
    confirmed.opus: convert: Opus in Ogg -> WAV (PCM), 48000 -> 8000 Hz, +0.6 dB, 1 tag removed
    general_operator.mp3: convert: MP3 -> WAV (PCM), 44100 -> 8000 Hz, stereo -> mono, +3.0 dB
    general_support.m4a: convert: AAC-LC in MP4 -> WAV (PCM), 44100 -> 8000 Hz, stereo -> mono, +3.2 dB
    general_welcome.flac: convert: FLAC -> WAV (PCM), 44100 -> 8000 Hz, stereo -> mono, +1.8 dB, 4 tags removed
    invalid_selection.wav: upload as it is
    no_input.wav: upload as it is
    option_billing.wav: convert: A-law in WAV -> WAV (PCM), -0.2 dB
    option_hours.wav: convert: PCM 24 bit -> 16 bit, 48000 -> 8000 Hz, -0.9 dB
    option_repeat.mp3: upload as it is
    premium_priority.wav: convert: floating-point PCM 32 bit -> 16 bit, 22050 -> 8000 Hz, -0.5 dB
    selection_confirmed.aac: upload as it is
    ticket_status.ogg: convert: Vorbis in Ogg -> WAV (PCM), 22050 -> 8000 Hz, -0.4 dB, 1 tag removed
    transferring.wav: upload as it is
    ");
}
