//! `trunkline prompts check`: what files are, what telephony would say, and what a build would do.

use crate::support::{json, run, stderr, stdout, trunkline};
use serde_json::{Value, json};
use std::{
    f32::consts::TAU,
    ffi::OsStr,
    fs::{self, File},
    os::unix::ffi::OsStrExt,
    path::Path,
    process::Command,
};

/// One second of a tone as WAV.
fn tone(rate: u32) -> Vec<u8> {
    let sample = |n: u32| 0.1 * (n as f32 * 440.0 * TAU / rate as f32).sin();
    audio::wav::pcm16(&audio::Sound {
        rate,
        samples: (0..rate).map(sample).collect(),
    })
}

/// A WAV file of these fields, whatever they say.
fn wav(tag: u16, channels: u16, rate: u32, bits: u16, declared: u32, data: &[u8]) -> Vec<u8> {
    let frame = channels.wrapping_mul(bits / 8);
    let mut file = b"RIFF".to_vec();
    file.extend(declared.saturating_add(36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend(rate.wrapping_mul(frame.into()).to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend(declared.to_le_bytes());
    file.extend(data);
    file
}

/// A recording of the demo.
fn recording(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../demo/recordings")
            .join(name),
    )
    .unwrap()
}

fn write(folder: &Path, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) {
    fs::write(folder.join(name.as_ref()), bytes).unwrap();
}

/// Everything that people have and telephony does not want.
fn write_bad_files(folder: &Path) {
    write(
        folder,
        "64-channels.wav",
        wav(1, 64, 8000, 16, 128 * 100, &[1; 128 * 100]),
    );
    write(folder, "0-hertz.wav", wav(1, 1, 0, 16, 200, &[1; 200]));
    write(folder, "cut-off.wav", &tone(8000)[..9000]);
    write(folder, "empty.wav", "");
    write(folder, "lies.wav", wav(1, 1, 8000, 16, 0x7fff_0000, &[1; 1600]));
    write(folder, "no-sound.wav", wav(1, 1, 8000, 16, 0, &[]));
    write(folder, "page.mp3", "<!DOCTYPE html><title>404 Not Found</title>");
    write(folder, "tag-bomb.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f and nothing");
    write(
        folder,
        "too-long.wav",
        wav(7, 1, 8000, 8, 8000 * 901, &vec![0xff; 8000 * 901]),
    );
    let numbers = [f32::NAN, 0.25, f32::INFINITY, -0.25]
        .map(f32::to_le_bytes)
        .concat();
    write(
        folder,
        "not-numbers.wav",
        wav(3, 1, 8000, 32, 16_000, &numbers.repeat(1000)),
    );
    write(folder, OsStr::from_bytes(b"l\xe9on\x1b[2J.wav"), tone(8000));
    File::create(folder.join("huge.wav"))
        .unwrap()
        .set_len(65 << 20)
        .unwrap();
    std::os::unix::fs::symlink("empty.wav", folder.join("link.wav")).unwrap();
    std::os::unix::fs::symlink(".", folder.join("loop")).unwrap();
    let made = Command::new("mkfifo")
        .arg(folder.join("pipe.wav"))
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn every_bad_file_has_its_fault_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write_bad_files(folder.path());
    write(folder.path(), "good.wav", tone(8000));
    write(folder.path(), "notes.txt", "what is said in good.wav");
    let output = run(folder.path(), &["prompts", "check", "."]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stdout(&output), @r"
    ┌───────────────────┬────────────────────────────────┬────────────────────────────────┬────────────────────────────────┐
    │ file              ┆ what it is                     ┆ telephony                      ┆ build                          │
    ╞═══════════════════╪════════════════════════════════╪════════════════════════════════╪════════════════════════════════╡
    │ ./0-hertz.wav     ┆ WAV, PCM 16 bit, 0 Hz, mono    ┆ the sample rate is 0 Hz;       ┆ refuse: the sample rate must   │
    │                   ┆                                ┆ telephony takes 8000 or 16000  ┆ be 1000 to 384000 Hz, not 0    │
    │                   ┆                                ┆ Hz                             ┆                                │
    │ ./64-channels.wav ┆ WAV, PCM 16 bit, 8000 Hz, 64   ┆ accepted                       ┆ refuse: the sound must have 1  │
    │                   ┆ channels, 0.01 s, 8192 kbit/s  ┆                                ┆ to 8 channels, not 64          │
    │ ./cut-off.wav     ┆ WAV, PCM 16 bit, 8000 Hz,      ┆ accepted                       ┆ refuse: the file breaks off:   │
    │                   ┆ mono, 0.55 s, 128 kbit/s,      ┆                                ┆ 16000 bytes of sound are       │
    │                   ┆ -23.5 LUFS                     ┆                                ┆ declared, 8956 are there; get  │
    │                   ┆                                ┆                                ┆ the whole file                 │
    │ ./empty.wav       ┆ the file is empty              ┆ -                              ┆ refuse                         │
    │ ./good.wav        ┆ WAV, PCM 16 bit, 8000 Hz,      ┆ accepted                       ┆ upload as it is; compiled:     │
    │                   ┆ mono, 1.00 s, 128 kbit/s,      ┆                                ┆ +4.5 dB                        │
    │                   ┆ -23.5 LUFS                     ┆                                ┆                                │
    │ ./huge.wav        ┆ the file has 68157440 bytes; a ┆ -                              ┆ refuse                         │
    │                   ┆ prompt's file must have at     ┆                                ┆                                │
    │                   ┆ most 67108864                  ┆                                ┆                                │
    │ ./lies.wav        ┆ WAV, PCM 16 bit, 8000 Hz,      ┆ accepted                       ┆ refuse: the file breaks off:   │
    │                   ┆ mono, 0.10 s, 128 kbit/s       ┆                                ┆ 2147418112 bytes of sound are  │
    │                   ┆                                ┆                                ┆ declared, 1600 are there; get  │
    │                   ┆                                ┆                                ┆ the whole file                 │
    │ ./link.wav        ┆ it is a symbolic link, which   ┆ -                              ┆ refuse                         │
    │                   ┆ is not followed; name the file ┆                                ┆                                │
    │                   ┆ itself                         ┆                                ┆                                │
    │ ./loop            ┆ it is a symbolic link, which   ┆ -                              ┆ refuse                         │
    │                   ┆ is not followed; name the file ┆                                ┆                                │
    │                   ┆ itself                         ┆                                ┆                                │
    │ ./l�on�[2J.wav    ┆ WAV, PCM 16 bit, 8000 Hz,      ┆ accepted                       ┆ upload as it is; compiled:     │
    │                   ┆ mono, 1.00 s, 128 kbit/s,      ┆                                ┆ +4.5 dB                        │
    │                   ┆ -23.5 LUFS                     ┆                                ┆                                │
    │ ./no-sound.wav    ┆ WAV, PCM 16 bit, 8000 Hz,      ┆ the file holds no sound        ┆ refuse: the file holds no      │
    │                   ┆ mono, 0.00 s                   ┆                                ┆ sound                          │
    │ ./not-numbers.wav ┆ WAV, floating-point PCM 32     ┆ the WAV file holds             ┆ convert: floating-point PCM 32 │
    │                   ┆ bit, 8000 Hz, mono, 0.50 s,    ┆ floating-point PCM; telephony  ┆ bit -> 16 bit, -6.8 dB         │
    │                   ┆ 256 kbit/s, -12.2 LUFS         ┆ takes PCM in WAV               ┆                                │
    │                   ┆ note: 2000 samples are NaN,    ┆                                ┆                                │
    │                   ┆ infinite or beyond 32 bits;    ┆                                ┆                                │
    │                   ┆ they become silence            ┆                                ┆                                │
    │ ./page.mp3        ┆ this is an HTML page, not      ┆ -                              ┆ refuse                         │
    │                   ┆ audio                          ┆                                ┆                                │
    │ ./pipe.wav        ┆ it is no regular file but a    ┆ -                              ┆ refuse                         │
    │                   ┆ device, a pipe or a socket     ┆                                ┆                                │
    │ ./tag-bomb.mp3    ┆ this is not an audio file      ┆ -                              ┆ refuse                         │
    │                   ┆ Trunkline can read; use WAV,   ┆                                ┆                                │
    │                   ┆ MP3, AAC, MP4, Ogg or FLAC     ┆                                ┆                                │
    │ ./too-long.wav    ┆ WAV, mu-law, 8000 Hz, mono,    ┆ the file has 7208044 bytes;    ┆ refuse: the sound must be at   │
    │                   ┆ 901.00 s, 64 kbit/s            ┆ telephony takes at most        ┆ most 900 seconds (43200000     │
    │                   ┆                                ┆ 2097152 (2 MiB)                ┆ samples) long                  │
    │                   ┆                                ┆ the WAV file holds mu-law;     ┆                                │
    │                   ┆                                ┆ telephony takes PCM in WAV     ┆                                │
    │                   ┆                                ┆ the sound is 901 s long;       ┆                                │
    │                   ┆                                ┆ telephony takes at most 600 s  ┆                                │
    └───────────────────┴────────────────────────────────┴────────────────────────────────┴────────────────────────────────┘
    16 files: 2 as telephony takes them, 1 that a build converts, 13 that can't be used
    ");
    assert_eq!(stderr(&output), "no audio, and left out: ./notes.txt\n");
}

#[test]
fn the_table_says_what_files_are_and_what_becomes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "general_welcome.flac",
        "general_support.m4a",
        "selection_confirmed.aac",
        "confirmed.opus",
    ] {
        write(folder.path(), name, recording(name));
    }
    write(folder.path(), "named.mp3", tone(16000));
    let output = run(folder.path(), &["prompts", "check", "."]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stdout(&output), @r"
    ┌───────────────────────────┬──────────────────────────────┬─────────────────────────────┬─────────────────────────────┐
    │ file                      ┆ what it is                   ┆ telephony                   ┆ build                       │
    ╞═══════════════════════════╪══════════════════════════════╪═════════════════════════════╪═════════════════════════════╡
    │ ./confirmed.opus          ┆ Ogg, Opus, 48000 Hz, mono,   ┆ the sample rate is 48000    ┆ convert: Opus in Ogg -> WAV │
    │                           ┆ 1.45 s, 32 kbit/s, -19.6     ┆ Hz; telephony takes 8000 or ┆ (PCM), 48000 -> 8000 Hz,    │
    │                           ┆ LUFS                         ┆ 16000 Hz                    ┆ +0.6 dB, 1 tag removed      │
    │ ./general_support.m4a     ┆ MP4, AAC-LC, 44100 Hz,       ┆ the format is MP4;          ┆ convert: AAC-LC in MP4 ->   │
    │                           ┆ stereo, 1.86 s, 94 kbit/s,   ┆ telephony takes WAV (PCM),  ┆ WAV (PCM), 44100 -> 8000    │
    │                           ┆ -22.2 LUFS                   ┆ MP3, AAC and Ogg            ┆ Hz, stereo -> mono, +3.2 dB │
    │                           ┆                              ┆ the sample rate is 44100    ┆                             │
    │                           ┆                              ┆ Hz; telephony takes 8000 or ┆                             │
    │                           ┆                              ┆ 16000 Hz                    ┆                             │
    │ ./general_welcome.flac    ┆ FLAC, 44100 Hz, stereo, 1.98 ┆ the format is FLAC;         ┆ convert: FLAC -> WAV (PCM), │
    │                           ┆ s, 342 kbit/s, -20.8 LUFS    ┆ telephony takes WAV (PCM),  ┆ 44100 -> 8000 Hz, stereo -> │
    │                           ┆                              ┆ MP3, AAC and Ogg            ┆ mono, +1.8 dB, 4 tags       │
    │                           ┆                              ┆ the sample rate is 44100    ┆ removed                     │
    │                           ┆                              ┆ Hz; telephony takes 8000 or ┆                             │
    │                           ┆                              ┆ 16000 Hz                    ┆                             │
    │ ./named.mp3               ┆ WAV, PCM 16 bit, 16000 Hz,   ┆ accepted                    ┆ upload as it is; compiled:  │
    │                           ┆ mono, 1.00 s, 256 kbit/s,    ┆                             ┆ +4.5 dB                     │
    │                           ┆ -23.5 LUFS                   ┆                             ┆                             │
    │                           ┆ note: the name ends in .mp3, ┆                             ┆                             │
    │                           ┆ but the content is WAV (PCM) ┆                             ┆                             │
    │ ./selection_confirmed.aac ┆ AAC (ADTS), AAC-LC, 16000    ┆ accepted                    ┆ upload as it is; compiled:  │
    │                           ┆ Hz, mono, 2.11 s, 64 kbit/s, ┆                             ┆ -0.3 dB                     │
    │                           ┆ -18.7 LUFS                   ┆                             ┆                             │
    └───────────────────────────┴──────────────────────────────┴─────────────────────────────┴─────────────────────────────┘
    5 files: 2 as telephony takes them, 3 that a build converts, 0 that can't be used
    ");
    let mended = run(folder.path(), &["prompts", "check", "--convert", "."]);
    assert_eq!((mended.status.code(), mended.stdout), (Some(0), output.stdout));
}

#[test]
fn programs_get_it_as_json() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("more")).unwrap();
    write(folder.path(), "more/a.wav", tone(44100));
    write(folder.path(), "b.wav", "");
    write(folder.path(), "list.txt", "a, b");
    let output = run(
        folder.path(),
        &["--json", "prompts", "check", "b.wav", "more", "."],
    );
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    insta::assert_snapshot!(format!("{:#}", told["files"][1]), @r#"
    {
      "build": {
        "does": "convert",
        "durationMs": 1000,
        "gainDb": 4.5,
        "how": "44100 -> 8000 Hz, +4.5 dB",
        "loudnessLufs": -19.0,
        "pieces": 1,
        "silenceCutMs": 0
      },
      "file": "more/a.wav",
      "media": {
        "bitRate": 705600,
        "bits": 16,
        "channels": 1,
        "codec": "PCM",
        "durationMs": 1000,
        "format": "wav",
        "loudnessLufs": -23.5,
        "sampleRate": 44100,
        "size": 88244,
        "tags": []
      },
      "notes": [],
      "telephony": {
        "accepted": false,
        "objections": [
          "the sample rate is 44100 Hz; telephony takes 8000 or 16000 Hz"
        ]
      }
    }
    "#);
    let names: Vec<_> = told["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["file"])
        .collect();
    assert_eq!(names, ["b.wav", "more/a.wav", "./b.wav", "./more/a.wav"]);
    assert_eq!(
        told["files"][0],
        json!({"file": "b.wav", "fault": "the file is empty"})
    );
    assert_eq!(
        (&told["noAudio"], &told["complete"]),
        (&json!(["./list.txt"]), &true.into())
    );
}

#[test]
fn what_telephony_takes_is_well() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["transferring.wav", "option_repeat.mp3", "selection_confirmed.aac"] {
        write(folder.path(), name, recording(name));
    }
    let told = json(folder.path(), &["prompts", "check", "."]);
    let files = told["files"].as_array().unwrap();
    assert!(
        files.iter().all(|file| file["telephony"]["accepted"] == true),
        "{told:#}"
    );
    assert!(
        files.iter().all(|file| file["build"]["does"] == "upload"),
        "{told:#}"
    );
}

#[test]
fn what_is_named_must_be_audio_and_be_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "notes.txt", "no sound");
    let output = run(
        folder.path(),
        &["--json", "prompts", "check", "notes.txt", "absent.wav"],
    );
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        told["files"],
        json!([
            {"file": "notes.txt", "fault": "this is a text, not audio"},
            {"file": "absent.wav", "fault": "there is no such file"},
        ])
    );
    assert_eq!(run(folder.path(), &["prompts", "check"]).status.code(), Some(2));
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "private.wav", tone(8000));
    let private = folder.path().join("private.wav");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o000)).unwrap();
    let output = trunkline(folder.path())
        .args(["--json", "prompts", "check", "."])
        .output()
        .unwrap();
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    match File::open(&private) {
        // Those who may read everything have no such files.
        Ok(_) => assert_eq!(told["files"][0]["build"]["does"], "upload"),
        Err(_) => {
            let fault = told["files"][0]["fault"].as_str().unwrap();
            assert!(fault.starts_with("it can't be read: "), "{fault}");
        }
    }
}
