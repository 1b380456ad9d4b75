//! `trunkline bot sync`.

use super::source::Source;
use crate::{
    Done,
    cli::{BotSyncArgs, When},
    commands::signals::{asked_to_end, end_at_once_when_asked_again},
    config::Config,
    environment,
    files::read_text,
    output::Output,
};
use anyhow::{Context, Result, anyhow, bail};
use client::{Endpoint, Http, ReqwestHttp};
use flow::tickets::{self, Template};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use jobs::sync::{Settings, SignIn, SyncError, Target, Walked, Work, sync};
use secrecy::SecretString;
use serde_json::json;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use url::Url;

/// What a web hook knows us by.
const TOKEN: &str = "TRUNKLINE_SINK_TOKEN";

pub(super) async fn run(args: BotSyncArgs, config: &Config, output: &Output) -> Result<Done> {
    let template = args.template.as_deref().map(read_template).transpose()?;
    let (http, sign_in) = match &args.to {
        Target::Web(url) => (Some(http_of(url)?), sign_in(template.as_ref())?),
        _ if template.is_some() => {
            bail!("--template is for ticketing systems: name one with --to https://...")
        }
        _ => (None, SignIn::Nobody),
    };
    let source = Source::open(&args.source, config).await?;
    let work = Work {
        transport: source.transport.clone(),
        platform: source.name.clone(),
        store: source.store.clone(),
        lock_folder: Some(source.data_dir.clone()),
        target: args.to.clone(),
        http,
        sign_in,
        template: template.map(Arc::new),
    };
    let begun = Instant::now();
    let synced = run_sync(work, settings(&args), output).await;
    source.close().await?;
    let walked = synced?;
    tell(&walked, &args.to, begun.elapsed(), output);
    Ok(Done::Well)
}

fn settings(args: &BotSyncArgs) -> Settings {
    Settings {
        since: args.since.map(When::resolve),
        overlap: args.overlap,
        page_size: args.page_size.into(),
        batch: args.batch.into(),
        masked: !args.no_mask,
        follow: args.follow.then_some(args.every),
    }
}

/// Syncs with a progress bar. The first Ctrl-C lets what is on its way arrive, a second one does not.
async fn run_sync(work: Work, settings: Settings, output: &Output) -> Result<Walked, SyncError> {
    let stop = CancellationToken::new();
    let asked = tokio::spawn({
        let (stop, output) = (stop.clone(), *output);
        async move {
            asked_to_end().await;
            end_at_once_when_asked_again();
            output.note("ending; what is on its way is delivered (Ctrl-C again ends at once)");
            stop.cancel();
        }
    });
    let bar = progress_bar(output);
    let shown = bar.clone();
    let synced = sync(work, settings, stop, move |walked| {
        shown.set_position(walked.changes);
        let up_to = walked
            .reached
            .map_or_else(String::new, |reached| format!("up to {reached}"));
        shown.set_message(up_to);
    });
    let synced = synced.await;
    asked.abort();
    bar.finish_and_clear();
    synced
}

fn progress_bar(output: &Output) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {human_pos} conversations  {per_sec}  {elapsed}  {msg}");
    let bar = ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let bar = bar.with_finish(ProgressFinish::AndClear);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn tell(walked: &Walked, to: &Target, took: Duration, output: &Output) {
    let seconds = took.as_secs_f64();
    let (changes, said) = (walked.changes, walked.interactions);
    output.line(match changes {
        0 => format!("nothing changed; {} is up to date", to.name()),
        1 => format!(
            "1 changed conversation with {said} interactions is in {}",
            to.name()
        ),
        _ => format!(
            "{changes} changed conversations with {said} interactions are in {}",
            to.name()
        ),
    });
    if walked.gone > 0 {
        output.note(format!("{} were gone when they were to be read", walked.gone));
    }
    if walked.interrupted {
        output.note("interrupted; the next sync goes on from there");
    }
    output.json(&json!({
        "to": to.name(), "changes": changes, "interactions": said, "pages": walked.pages, "known": walked.known,
        "gone": walked.gone, "reached": walked.reached, "interrupted": walked.interrupted,
        "seconds": (seconds * 1000.0).round() / 1000.0,
        "changesPerSecond": (changes as f64 / seconds.max(0.001)).round() as u64,
    }));
}

fn read_template(file: &Path) -> Result<Template> {
    let name = file.display().to_string();
    let text = read_text(file, tickets::MAX_FILE_BYTES)
        .with_context(|| format!("the template {name} can't be read"))?;
    tickets::parse(&text).map_err(|faults| {
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| fault.in_file(&name).to_string())
            .collect();
        anyhow!("the template has faults:\n{}", faults.join("\n"))
    })
}

fn http_of(url: &Url) -> Result<Arc<dyn Http>> {
    let endpoint = Endpoint::new(&url.origin().ascii_serialization())?;
    Ok(Arc::new(ReqwestHttp::new(&endpoint)?))
}

/// What the sink knows us by: what the template names, or the token of web hooks.
fn sign_in(template: Option<&Template>) -> Result<SignIn> {
    Ok(match template.map(|template| &template.sign_in) {
        Some(tickets::SignIn::Bearer(name)) => SignIn::bearer(&variable(name)?),
        Some(tickets::SignIn::Basic { user, password }) => {
            SignIn::basic(&variable(user)?, &variable(password)?)
        }
        Some(tickets::SignIn::Nobody) => SignIn::Nobody,
        None => environment::optional(TOKEN).map_or(SignIn::Nobody, |token| SignIn::bearer(&token)),
    })
}

fn variable(name: &str) -> Result<SecretString> {
    let value = environment::optional(name);
    value.with_context(|| {
        format!("{name} is not set\nhint: the template names it; set it, or put it into .env")
    })
}
