//! `trunkline prompts status`.

use super::{
    place::{Kept, ManifestFile, Place},
    printable,
};
use crate::{Done, cli::PromptsStatusArgs, config::Config, output::Output};
use anyhow::{Context, Result};
use client::Media;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use jobs::prompts::{self, BuiltPart, Standing, Status};
use serde_json::{Value, json};
use wire::media::FlowPrompt;

pub(super) async fn run(args: PromptsStatusArgs, config: &Config, output: &Output) -> Result<Done> {
    let file = ManifestFile::read(&args.place.file)?;
    let told = match args.offline {
        true => {
            let kept = Kept::open(&args.place, config).await?;
            let told = status(&file, &kept, None).await;
            kept.store.close().await;
            told?
        }
        false => {
            let place = Place::open(&args.place, config, false).await?;
            let told = status_on(&file, &place).await;
            place.close().await?;
            told?
        }
    };
    output.line(table(&told));
    output.json(&json!({"prompts": told.iter().map(to_json).collect::<Vec<_>>()}));
    let is_fine = |status: &Status| matches!(status.standing, Standing::Ready | Standing::GivesWay(_));
    Ok(if told.iter().all(is_fine) {
        Done::Well
    } else {
        Done::Failed
    })
}

async fn status_on(file: &ManifestFile, place: &Place) -> Result<Vec<Status>> {
    let flow = &file.manifest.flow;
    let prompts = Media::new(&place.transport).flow_prompts(flow).await?;
    let prompts = prompts.with_context(|| format!("the platform has no flow {flow:?}"))?;
    status(file, &place.kept, Some(prompts.prompts)).await
}

async fn status(file: &ManifestFile, kept: &Kept, serving: Option<Vec<FlowPrompt>>) -> Result<Vec<Status>> {
    let told = prompts::status(&file.manifest, &file.sources, &kept.name, &kept.store, serving);
    Ok(told.await?)
}

fn table(told: &[Status]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["prompt", "node", "state", "length", "LUFS", "built"]);
    for status in told {
        let (state, why) = in_words(&status.standing);
        let state = if why.is_empty() {
            state.to_owned()
        } else {
            printable(&format!("{state}: {why}"))
        };
        let (length, loudness) = sound(&status.parts);
        let built = status
            .built_at
            .map_or_else(|| "-".to_owned(), |at| at.to_string());
        table.add_row([
            status.prompt.to_string(),
            status.node.to_string(),
            state,
            length,
            loudness,
            built,
        ]);
    }
    table
}

fn in_words(standing: &Standing) -> (&'static str, String) {
    match standing {
        Standing::Ready => ("ready", String::new()),
        Standing::New => ("new", String::new()),
        Standing::Changed => ("changed", String::new()),
        Standing::Replaced => (
            "replaced",
            "something else serves the node, or nothing".to_owned(),
        ),
        Standing::Failed(why) => ("failed", why.clone()),
        Standing::GivesWay(to) => ("gives way", format!("to {to}")),
        Standing::Unusable(why) => ("unusable", why.clone()),
    }
}

fn to_json(status: &Status) -> Value {
    let (state, why) = in_words(&status.standing);
    let mut told = json!({"prompt": status.prompt, "node": status.node, "state": state, "parts": status.parts,
        "builtAt": status.built_at});
    if !why.is_empty() {
        told["why"] = json!(why);
    }
    told
}

/// Length and loudness of what was built, in words.
pub(crate) fn sound(parts: &[BuiltPart]) -> (String, String) {
    if parts.is_empty() {
        return ("-".to_owned(), "-".to_owned());
    }
    let ms = parts.iter().map(|part| part.duration_ms).sum::<u64>();
    let length = format!("{:.1} s", ms as f64 / 1000.0);
    let length = match parts.len() {
        1 => length,
        count => format!("{length} in {count}"),
    };
    let loudness = |part: &BuiltPart| {
        part.loudness_lufs
            .map_or_else(|| "silent".to_owned(), |lufs| format!("{lufs:.1}"))
    };
    let loudness: Vec<String> = parts.iter().map(loudness).collect();
    (length, loudness.join(", "))
}
