//! The demo's prompts: recordings as people have them become compiled prompts, which the calls then play.

use crate::{
    commands::prompts::{build_work, in_words, sound, summary},
    output::Output,
    platform,
};
use ::center::Center;
use anyhow::{Context, Result};
use audio::Sound;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use flow::prompts;
use jobs::prompts::{Build, BuiltPart, Options, Outcome, PromptReport, Receiver, Report, compiled_file};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use store::Store;
use wire::ids::{AssetId, PromptId};

/// How far from the target a compiled prompt may be, in LU.
const MOST_OFF_LU: f64 = 0.5;
/// What prompts are brought to.
const TARGET_LUFS: f64 = -19.0;
/// Where the recordings are put, in the data folder.
const FOLDER: &str = "demo";

#[derive(rust_embed::RustEmbed)]
#[folder = "../../demo"]
#[include = "prompts.toml"]
#[include = "recordings/*"]
#[exclude = "recordings/*.md"]
#[exclude = "recordings/*.sh"]
struct Recordings;

/// What came of the demo's prompts.
pub(super) struct PromptsReport {
    report: Report,
    /// As callers hear them.
    pub(super) sounds: BTreeMap<PromptId, Vec<f32>>,
    pub(super) faults: Vec<String>,
}

/// Builds the prompts on the center, and listens to them.
pub(super) async fn run(
    center: &Center,
    store: &Store,
    data_dir: &Path,
    output: &Output,
) -> Result<PromptsReport> {
    let sources = data_dir.join(FOLDER);
    unpack(&sources).with_context(|| format!("the recordings can't be put into {}", sources.display()))?;
    let manifest = fs::read_to_string(sources.join("prompts.toml"))?;
    let manifest =
        prompts::parse(&manifest).map_err(|faults| anyhow::anyhow!("the demo's prompts: {faults:?}"))?;
    let folder = data_dir.join(platform::PROMPTS);
    let work = Build {
        manifest,
        sources,
        folder: folder.clone(),
        books: platform::OWN_CENTER.to_owned(),
        transport: platform::transport_of_center(center)?,
        store: store.clone(),
    };
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let secrets = platform::webhook_secret_of(center).into_iter().collect();
    let options = Options {
        receiver: Some(Receiver::listen(address, None, secrets).await?),
        ..Options::default()
    };
    let report = build_work(work, options, output).await?;
    let mut sounds = BTreeMap::new();
    let built = |prompt: &&PromptReport| !matches!(prompt.outcome, Outcome::Failed { .. });
    for prompt in report.prompts.iter().filter(built) {
        sounds.insert(prompt.prompt.clone(), heard(&folder, prompt)?.samples);
    }
    let faults = report.prompts.iter().filter_map(fault).collect();
    Ok(PromptsReport {
        report,
        sounds,
        faults,
    })
}

/// Writes what differs, so that what was built before is known again.
fn unpack(folder: &Path) -> std::io::Result<()> {
    for name in Recordings::iter() {
        let path: PathBuf = folder.join(&*name);
        let Some(file) = Recordings::get(&name) else {
            continue;
        };
        if fs::read(&path).is_ok_and(|there| there == *file.data) {
            continue;
        }
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, &file.data)?;
    }
    Ok(())
}

/// A compiled prompt as callers hear it.
fn heard(folder: &Path, prompt: &PromptReport) -> Result<Sound> {
    let mut whole = Sound {
        rate: audio::TELEPHONY_RATE,
        samples: Vec::new(),
    };
    for part in &prompt.parts {
        let path = compiled_file(folder, &part.compiled_sha256);
        let bytes = fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
        whole.samples.extend(audio::decode(bytes)?.samples);
    }
    Ok(whole)
}

/// What is wrong with a prompt.
fn fault(prompt: &PromptReport) -> Option<String> {
    if let Outcome::Failed { why } = &prompt.outcome {
        return Some(format!("the prompt {} is not built: {why}", prompt.prompt));
    }
    let is_off = |part: &&BuiltPart| {
        part.loudness_lufs
            .is_none_or(|lufs| (lufs - TARGET_LUFS).abs() > MOST_OFF_LU)
    };
    let part = prompt.parts.iter().find(is_off)?;
    Some(format!(
        "the prompt {} came out at {:?} LUFS",
        prompt.prompt, part.loudness_lufs
    ))
}

impl PromptsReport {
    /// The asset that a prompt was uploaded as; of one in parts the first.
    pub(super) fn asset_of(&self, prompt: &PromptId) -> Option<&AssetId> {
        let mut prompts = self.report.prompts.iter();
        let found = prompts.find(|report| report.prompt == *prompt)?;
        found.parts.first().map(|part| &part.asset)
    }

    /// One row per prompt: what it was made from, what was done, what came out.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["prompt", "state", "length", "LUFS", "what was done"]);
        for prompt in &self.report.prompts {
            let (state, did) = in_words(&prompt.outcome);
            let (length, loudness) = sound(&prompt.parts);
            table.add_row([prompt.prompt.to_string(), state.to_owned(), length, loudness, did]);
        }
        format!("{table}\n{}\n", summary(&self.report))
    }

    pub(super) fn to_json(&self) -> Value {
        let mut told = crate::commands::prompts::to_json(&self.report);
        told["faults"] = json!(self.faults);
        told
    }
}
