//! `trunkline prompts build`.

use super::{
    place::{ManifestFile, Place},
    printable,
};
use crate::{
    Done,
    cli::PromptsBuildArgs,
    commands::signals::{asked_to_end, end_at_once_when_asked_again},
    config::Config,
    output::Output,
};
use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use jobs::prompts::{self, Build, CALLBACK_PATH, Options, Outcome, PromptReport, Receiver, Report, Stage};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Mutex,
    time::Duration,
};
use wire::ids::PromptId;

pub(super) async fn run(args: PromptsBuildArgs, config: &Config, output: &Output) -> Result<Done> {
    let file = ManifestFile::read(&args.place.file)?;
    let place = Place::open(&args.place, config, true).await?;
    let built = tokio::select! {
        built = build(&args, file, &place, output) => built,
        () = asked_to_end() => {
            end_at_once_when_asked_again();
            Err(anyhow::anyhow!("interrupted; build again to go on where it was"))
        }
    };
    place.close().await?;
    let report = built?;
    tell(&report, output);
    Ok(if report.failures() == 0 {
        Done::Well
    } else {
        Done::Failed
    })
}

async fn build(
    args: &PromptsBuildArgs,
    file: ManifestFile,
    place: &Place,
    output: &Output,
) -> Result<Report> {
    let options = Options {
        receiver: receiver(args, place).await?,
        strict: args.strict,
        again: args.force,
        ..Options::default()
    };
    let work = Build {
        books: place.kept.name.clone(),
        transport: place.transport.clone(),
        store: place.kept.store.clone(),
        folder: place.kept.folder.clone(),
        sources: file.sources,
        manifest: file.manifest,
    };
    build_work(work, options, output).await
}

/// Builds with a progress bar.
pub(crate) async fn build_work(work: Build, options: Options, output: &Output) -> Result<Report> {
    let progress = Progress::new(work.manifest.prompts.len(), output);
    let bar = progress.bar.clone();
    let report = prompts::build(work, options, move |prompt, stage| progress.hear(prompt, stage)).await;
    bar.finish_and_clear();
    Ok(report?)
}

/// What takes callbacks, if the platform can reach it and signs them.
async fn receiver(args: &PromptsBuildArgs, place: &Place) -> Result<Option<Receiver>> {
    let usual = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let address = match args.callback_listen {
        _ if args.poll => return Ok(None),
        Some(address) => address,
        None if place.is_here && place.secret.is_some() => usual,
        None => return Ok(None),
    };
    let Some(secret) = place.secret.clone() else {
        bail!(
            "callbacks can't be checked: TRUNKLINE_WEBHOOK_SECRET is not set\nhint: set it to what the platform signs with, or use --poll"
        );
    };
    if address.ip().is_unspecified() && args.callback_url.is_none() {
        bail!(
            "the platform can't call back to {address}, which is every address of this machine\nhint: say how it reaches this machine, with --callback-url"
        );
    }
    let url = args.callback_url.as_ref().map(|url| match url.path() {
        "/" => format!("{}{CALLBACK_PATH}", url.as_str().trim_end_matches('/')),
        _ => url.to_string(),
    });
    let receiver = Receiver::listen(address, url, vec![secret]).await;
    let receiver = receiver.with_context(|| format!("callbacks can't be taken at {address}"))?;
    Ok(Some(receiver))
}

/// How far a build is.
struct Progress {
    bar: ProgressBar,
    /// How many prompts are at each stage.
    at: Mutex<HashMap<PromptId, Stage>>,
}

impl Progress {
    fn new(prompts: usize, output: &Output) -> Self {
        let bar = if output.shows_progress() {
            let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} prompts  {msg}  {elapsed}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(prompts as u64).with_style(style);
            // Also when the build is dropped.
            let bar = bar.with_finish(ProgressFinish::AndClear);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            at: Mutex::default(),
        }
    }

    fn hear(&self, prompt: &PromptId, stage: Stage) {
        if self.bar.is_hidden() {
            return;
        }
        let Ok(mut at) = self.at.lock() else { return };
        match stage {
            Stage::Over => {
                at.remove(prompt);
                self.bar.inc(1);
            }
            stage => {
                at.insert(prompt.clone(), stage);
            }
        }
        let count = |wanted: Stage| at.values().filter(|stage| **stage == wanted).count();
        let stages = [
            ("reading", Stage::Reading),
            ("uploading", Stage::Uploading),
            ("compiling", Stage::Compiling),
            ("listening", Stage::Verifying),
        ];
        let counts = stages.map(|(word, stage)| (word, count(stage)));
        let told: Vec<String> = counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{word} {count}"))
            .collect();
        self.bar.set_message(told.join(", "));
    }
}

fn tell(report: &Report, output: &Output) {
    output.line(table(report));
    output.line(summary(report));
    for node in &report.stale {
        output.note(format!(
            "the node {node} still plays what an earlier build put there; nothing in the file is for it any more"
        ));
    }
    for left in &report.left_over {
        output.note(format!(
            "{left} is not in the file any more; the platform still has it"
        ));
    }
    output.json(&to_json(report));
}

/// What was built, prompt by prompt; those that are unchanged in one line.
fn table(report: &Report) -> String {
    let unchanged = |prompt: &&PromptReport| prompt.outcome == Outcome::Unchanged;
    let shown: Vec<&PromptReport> = report
        .prompts
        .iter()
        .filter(|prompt| !unchanged(prompt))
        .collect();
    if shown.is_empty() {
        return "Nothing changed.".to_owned();
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["prompt", "node", "state", "length", "LUFS", "what was done"]);
    for prompt in shown {
        let (state, detail) = in_words(&prompt.outcome);
        let (length, loudness) = super::status::sound(&prompt.parts);
        let node = prompt.node.to_string();
        table.add_row([
            prompt.prompt.to_string(),
            node,
            state.to_owned(),
            length,
            loudness,
            printable(&detail),
        ]);
    }
    table.to_string()
}

/// What became of a prompt: the state, and more of it.
pub(crate) fn in_words(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Unchanged => ("unchanged", String::new()),
        Outcome::Built { did } => ("built", did.clone()),
        Outcome::GivesWay { to } => ("gives way", format!("to {to}, of higher priority")),
        Outcome::Failed { why } => ("failed", why.clone()),
    }
}

/// The whole build in a line.
pub(crate) fn summary(report: &Report) -> String {
    let count = |wanted: &str| {
        let states = report.prompts.iter().map(|prompt| in_words(&prompt.outcome).0);
        states.filter(|state| *state == wanted).count()
    };
    let (counts, tenths) = (&report.counts, report.took.as_millis() / 100);
    let states = ["built", "unchanged", "gives way", "failed"].map(|state| (state, count(state)));
    let states: Vec<String> = states
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let mut asked = vec![format!("{} uploaded", counts.uploaded)];
    if counts.reused > 0 {
        asked.push(format!("{} uploaded before", counts.reused));
    }
    if counts.uploaded_in_vain > 0 {
        asked.push(format!("{} the platform had", counts.uploaded_in_vain));
    }
    asked.push(format!("{} compilations", counts.jobs));
    format!(
        "{}; {}; {}.{} s",
        states.join(", "),
        asked.join(", "),
        tenths / 10,
        tenths % 10
    )
}

/// A build for programs.
pub(crate) fn to_json(report: &Report) -> Value {
    let prompt = |report: &PromptReport| {
        let (state, _) = in_words(&report.outcome);
        let mut told = json!({"prompt": report.prompt, "node": report.node, "state": state, "parts": report.parts,
            "tookMs": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX)});
        match &report.outcome {
            Outcome::Built { did } => told["did"] = json!(did),
            Outcome::Failed { why } => told["why"] = json!(why),
            Outcome::GivesWay { to } => told["to"] = json!(to),
            Outcome::Unchanged => {}
        }
        told
    };
    json!({
        "prompts": report.prompts.iter().map(prompt).collect::<Vec<_>>(),
        "leftOver": report.left_over,
        "stale": report.stale,
        "platform": report.counts,
        "failed": report.failures(),
        "tookMs": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
    })
}
