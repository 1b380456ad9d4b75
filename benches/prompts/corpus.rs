//! The files that prompts are made from: the same in every run.

use audio::{Lufs, Sound, decode, loudness, wav};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How many.
pub(crate) const COUNT: usize = 100;
const RATE: u32 = 16_000;
const VOICES: [&str; 8] = [
    "en-us", "en-gb", "en-us+f3", "en-gb+m4", "de", "fr", "es", "en-us+f5",
];

/// Makes a folder per format; gives the formats that could be made.
pub(crate) fn make(folder: &Path) -> Vec<&'static str> {
    let wavs = folder.join("wav");
    fs::create_dir(&wavs).expect("a folder");
    let demo = demo_prompts();
    let spoken = super::tools::has("espeak-ng");
    println!(
        "corpus: {}",
        if spoken {
            "espeak-ng"
        } else {
            "the demo's prompts (no espeak-ng)"
        }
    );
    let mut seconds = 0.0;
    for at in 0..COUNT {
        let speech = if spoken {
            speak(folder, at)
        } else {
            put_together(&demo, at)
        };
        let sound = at_level(speech, at);
        seconds += sound.duration_ms() as f64 / 1000.0;
        fs::write(wavs.join(format!("{at:03}.wav")), wav::pcm16(&sound)).expect("a file");
    }
    println!("{COUNT} files, {seconds:.0} s");
    if !super::tools::has("ffmpeg") {
        println!("no ffmpeg: no MP3, nothing to compare with but sox, no outside meter");
        return vec!["wav"];
    }
    make_mp3(&wavs, &folder.join("mp3"));
    vec!["wav", "mp3"]
}

fn make_mp3(wavs: &Path, mp3s: &Path) {
    fs::create_dir(mp3s).expect("a folder");
    for at in 0..COUNT {
        let made = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(wavs.join(format!("{at:03}.wav")))
            .args(["-ar", "44100", "-ac", "2", "-b:a", "128k"])
            .arg(mp3s.join(format!("{at:03}.mp3")))
            .status();
        assert!(made.is_ok_and(|status| status.success()), "ffmpeg makes no MP3");
    }
}

/// Sentences of different length, speed and voice.
fn speak(folder: &Path, at: usize) -> Sound {
    const TEXTS: [&str; 4] = [
        "Thank you for calling. For questions about your invoice, press one. To speak to an agent, press two at any time.",
        "Our offices are open from Monday to Friday, nine to five. Please leave a message after the tone, or call again later.",
        "Your ticket with the number four seven one one is being worked on. You will hear from us within two business days.",
        "All of our agents are busy at the moment. Please hold the line, or press star, and we call you back when it is your turn.",
    ];
    let file = folder.join("spoken.wav");
    let spoken = Command::new("espeak-ng")
        .args([
            "-v",
            VOICES[at % VOICES.len()],
            "-s",
            &(150 + at % 7 * 8).to_string(),
        ])
        .args(["-p", &(35 + at % 5 * 8).to_string(), "-w"])
        .arg(&file)
        .arg(TEXTS[at / VOICES.len() % TEXTS.len()])
        .status();
    assert!(
        spoken.is_ok_and(|status| status.success()),
        "espeak-ng does not speak"
    );
    let mut sound = decode(fs::read(&file).expect("a file"))
        .expect("a sound")
        .resampled(RATE);
    sound.samples.truncate(10 * RATE as usize);
    sound
}

fn demo_prompts() -> Vec<Sound> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/prompts");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the demo")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mp3"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| decode(fs::read(path).expect("a file")).expect("a sound");
    files.iter().map(read).collect()
}

/// Prompts one after the other, a little faster or slower, until there are five seconds.
fn put_together(prompts: &[Sound], at: usize) -> Sound {
    let mut samples = Vec::new();
    for step in 0.. {
        let prompt = &prompts[(at * 7 + step * 3) % prompts.len()];
        let speed = 90 + (at * 3 % 21) as u32;
        let other = Sound {
            rate: prompt.rate * speed / 100,
            samples: prompt.samples.clone(),
        };
        samples.extend(other.resampled(RATE).samples);
        if samples.len() > 5 * RATE as usize {
            break;
        }
    }
    samples.truncate(10 * RATE as usize);
    Sound { rate: RATE, samples }
}

/// From -40 to -20 LUFS, never clipped.
fn at_level(mut sound: Sound, at: usize) -> Sound {
    let level = -40.0 + 20.0 * (at * 37 % COUNT) as f64 / COUNT as f64;
    let Lufs(lufs) = loudness::integrated(&sound).expect("speech");
    let highest = sound
        .samples
        .iter()
        .fold(0.0f32, |most, sample| most.max(sample.abs()));
    let gain = (10f64.powf((level - lufs) / 20.0) as f32).min(0.99 / highest);
    sound.samples.iter_mut().for_each(|sample| *sample *= gain);
    sound
}
