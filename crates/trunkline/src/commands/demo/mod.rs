//! `trunkline demo`: the whole journey on a center in this process, with a report.
//!
//! Each part of the journey is a module; so far there is one: [`calls`].

mod calls;
mod judge;

use super::signals::asked_to_end;
use crate::commands::audit::verify::{story, to_json, verify};
use crate::{
    Done,
    cli::DemoArgs,
    config::Config,
    output::Output,
    platform::{self, Clients},
};
use anyhow::Result;
use serde_json::json;
use store::{Notary, Store, Trust, Verified};

pub(crate) async fn run(args: DemoArgs, config: Config, output: &Output) -> Result<Done> {
    let data_dir = platform::data_dir(args.data_dir, config.data_dir.clone());
    let (store, notary) = platform::usual_store(&data_dir, &config).await?;
    let center = platform::local_center(platform::tenant(None)?, data_dir, store.clone()).await?;
    let clients = Clients::of_center(&center)?;
    let journey = tokio::select! {
        journey = calls::run(&clients, &store, output) => journey,
        () = asked_to_end() => {
            output.note("hanging up ...");
            center.close().await;
            return Ok(Done::Failed);
        }
    };
    let done = match journey {
        Ok(calls) => report(&calls, &proof(&store, &notary, output).await?, output),
        Err(error) => {
            center.close().await;
            return Err(error);
        }
    };
    if args.keep {
        super::center::introduce(&center, output);
        asked_to_end().await;
    }
    center.close().await;
    notary.sign().await?;
    store.close().await;
    Ok(done)
}

/// What the calls left in the audit log is signed, and then verified as a stranger would.
async fn proof(store: &Store, notary: &Notary, output: &Output) -> Result<Verified> {
    let trust = Trust {
        notes: vec![notary.sign().await?],
        keys: vec![notary.verifying_key().clone()],
    };
    verify(store, &trust, output).await
}

fn report(calls: &[calls::CallReport], audit: &Verified, output: &Output) -> Done {
    for call in calls {
        output.line(call.story());
    }
    output.line(calls::table(calls));
    let faults: usize = calls.iter().map(|call| call.faults.len()).sum();
    output.line(match faults {
        0 => "All is well: every prompt is in its recording, in order, and every key cut at once.".to_owned(),
        1 => "1 thing is off.".to_owned(),
        several => format!("{several} things are off."),
    });
    story(audit).iter().for_each(|line| output.line(line));
    let calls: Vec<_> = calls.iter().map(calls::CallReport::to_json).collect();
    output.json(&json!({"calls": calls, "faults": faults, "audit": to_json(audit)}));
    if faults == 0 && audit.is_good() {
        Done::Well
    } else {
        Done::Failed
    }
}
