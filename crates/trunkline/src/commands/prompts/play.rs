//! `trunkline prompts play`.

use super::place::{Kept, ManifestFile};
use crate::{Done, cli::PromptsPlayArgs, config::Config, output::Output};
use anyhow::{Context, Result, bail};
use audio::{Sound, TELEPHONY_RATE};
use jobs::prompts::{self, BuiltPart};
use serde_json::json;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};
use wire::media::sha256_hex;

/// Programs that play a WAV file, and their arguments before its name.
const PLAYERS: [(&str, &[&str]); 6] = [
    ("pw-play", &[]),
    ("paplay", &[]),
    ("aplay", &["-q"]),
    ("afplay", &[]),
    ("ffplay", &["-nodisp", "-autoexit", "-loglevel", "error"]),
    ("play", &["-q"]),
];

pub(super) async fn run(args: PromptsPlayArgs, config: &Config, output: &Output) -> Result<Done> {
    let file = ManifestFile::read(&args.place.file)?;
    let kept = Kept::open(&args.place, config).await?;
    let sound = compiled(&args, &file, &kept).await;
    kept.store.close().await;
    let sound = sound?;
    let wav = audio::wav::pcm16(&sound);
    match &args.out {
        Some(path) => {
            fs::write(path, wav).with_context(|| format!("{} can't be written", path.display()))?;
            output.line(format!("{} ms in {}", sound.duration_ms(), path.display()));
        }
        None => play(&wav, &kept.folder)?,
    }
    output.json(&json!({"prompt": args.prompt, "durationMs": sound.duration_ms(), "file": args.out.as_ref().map(|path| path.display().to_string())}));
    Ok(Done::Well)
}

/// The prompt as callers hear it; its parts one after the other.
async fn compiled(args: &PromptsPlayArgs, file: &ManifestFile, kept: &Kept) -> Result<Sound> {
    let told = prompts::status(&file.manifest, &file.sources, &kept.name, &kept.store, None).await?;
    let Some(status) = told.into_iter().find(|status| status.prompt == args.prompt) else {
        bail!("{} has no prompt {:?}", args.place.file.display(), args.prompt);
    };
    if status.parts.is_empty() {
        bail!(
            "the prompt {:?} is not built yet\nhint: trunkline prompts build",
            args.prompt
        );
    }
    let mut samples = Vec::new();
    for part in &status.parts {
        let bytes = whole(&kept.folder, part).with_context(|| {
            format!(
                "the compiled file of {:?} is not here any more\nhint: trunkline prompts build",
                part.node
            )
        })?;
        samples.extend(audio::decode(bytes)?.samples);
    }
    Ok(Sound {
        rate: TELEPHONY_RATE,
        samples,
    })
}

/// The compiled file as the build kept it, if it is still whole.
fn whole(folder: &Path, part: &BuiltPart) -> Option<Vec<u8>> {
    let bytes = fs::read(prompts::compiled_file(folder, &part.compiled_sha256)).ok()?;
    (sha256_hex(&bytes) == part.compiled_sha256).then_some(bytes)
}

/// Plays a WAV file on the speaker, by the first program that is there.
fn play(wav: &[u8], folder: &Path) -> Result<()> {
    let path = folder.join(format!("playing-{}.wav", std::process::id()));
    let write = || fs::create_dir_all(folder).and_then(|()| fs::write(&path, wav));
    write().with_context(|| format!("{} can't be written", path.display()))?;
    let played = play_file(&path);
    let _ = fs::remove_file(&path);
    played
}

fn play_file(path: &Path) -> Result<()> {
    let mut complaints = Vec::new();
    for (program, arguments) in PLAYERS {
        let run = Command::new(program)
            .args(arguments)
            .arg(path)
            .stdin(Stdio::null())
            .output();
        match run {
            Ok(done) if done.status.success() => return Ok(()),
            Ok(done) => complaints.push(format!(
                "{program}: {}",
                String::from_utf8_lossy(&done.stderr).trim()
            )),
            Err(_) => {}
        }
    }
    match complaints.is_empty() {
        true => bail!("there is no program here that plays sound\nhint: write a file with --out prompt.wav"),
        false => bail!(
            "no speaker can be used ({})\nhint: write a file with --out prompt.wav",
            complaints.join("; ")
        ),
    }
}
