//! `trunkline demo`: the whole journey on a center in this process, with a report.
//!
//! Each part of the journey is a module: [`prompts`] builds what callers hear, [`playback`] sends it over RTP, [`calls`] leads three callers through a menu, [`follow_up`] is what comes of what they
//! say afterwards, and [`conversations`] talks with the bot.

mod calls;
mod conversations;
mod follow_up;
mod judge;
mod playback;
mod prompts;

use super::signals::asked_to_end;
use crate::commands::audit::verify::{story, to_json, verify};
use crate::{
    Done,
    cli::DemoArgs,
    config::Config,
    output::Output,
    platform::{self, Clients},
};
use ::center::Center;
use anyhow::Result;
use jobs::follow_up::{Rulebook, Rules};
use serde_json::json;
use service::{FollowUp, Intake, Options, Service};
use std::path::Path;
use store::{Notary, Store, Trust, Verified};

pub(crate) async fn run(args: DemoArgs, config: Config, output: &Output) -> Result<Done> {
    let data_dir = platform::data_dir(args.data_dir, config.data_dir.clone());
    let (store, notary) = platform::usual_store(&data_dir, &config).await?;
    let intake = Intake::new(store.clone(), Vec::new(), service::completions(Vec::new()))?;
    let tenant = platform::tenant(None)?;
    let center =
        platform::local_center(tenant, data_dir.clone(), store.clone(), Some(&intake), false).await?;
    let service = Service::start(store.clone(), notary, options(&center, &intake)?).await?;
    let journey = tokio::select! {
        journey = journey(&center, &service, &store, &data_dir, output) => journey,
        () = asked_to_end() => {
            output.note("hanging up ...");
            Ok(Done::Failed)
        }
    };
    if args.keep && journey.is_ok() {
        super::center::introduce(&center, output);
        asked_to_end().await;
    }
    let notary = service.close().await;
    center.close().await;
    notary.sign().await?;
    store.close().await;
    journey
}

/// The prompts, the calls, what follows them, and the proof of it all.
async fn journey(
    center: &Center,
    service: &Service,
    store: &Store,
    data_dir: &Path,
    output: &Output,
) -> Result<Done> {
    let clients = Clients::of_center(center)?;
    let prompts = prompts::run(center, store, data_dir, output).await?;
    let playback = playback::run(center, store, &prompts).await?;
    let calls = calls::run(&clients, store, &prompts.sounds, output).await?;
    let follow_up = follow_up::run(&calls, &clients, store).await?;
    let conversations = Box::pin(conversations::run(center, store, data_dir)).await?;
    let audit = proof(store, service.notary(), output).await?;
    let journey = Journey {
        prompts,
        playback,
        calls,
        follow_up,
        conversations,
        audit,
    };
    Ok(journey.tell(output))
}

fn options(center: &Center, intake: &Intake) -> Result<Options> {
    let follow_up = FollowUp {
        platform: platform::transport_of_center(center)?,
        rules: Rulebook::new(Rules::usual()?),
        rush: intake.rush(),
        rules_file: None,
    };
    Ok(Options {
        allow_loopback: true,
        own_url: Some(center.addresses().base_url()),
        follow_up: Some(follow_up),
        ..Options::default()
    })
}

/// What the calls left in the audit log is signed, and then verified as a stranger would.
async fn proof(store: &Store, notary: &Notary, output: &Output) -> Result<Verified> {
    let trust = Trust {
        notes: vec![notary.sign().await?],
        keys: vec![notary.verifying_key().clone()],
    };
    verify(store, &trust, output).await
}

/// What came of every part.
struct Journey {
    prompts: prompts::PromptsReport,
    playback: playback::PlaybackReport,
    calls: Vec<calls::CallReport>,
    follow_up: follow_up::FollowUpReport,
    conversations: conversations::ConversationsReport,
    audit: Verified,
}

impl Journey {
    fn tell(&self, output: &Output) -> Done {
        output.line(self.prompts.table());
        output.line(self.playback.table());
        for call in &self.calls {
            output.line(call.story());
        }
        output.line(calls::table(&self.calls));
        output.line(self.follow_up.table());
        output.line(self.conversations.table());
        let told = [
            &self.prompts.faults,
            &self.playback.faults,
            &self.conversations.faults,
        ];
        told.into_iter().flatten().for_each(|fault| output.line(fault));
        let faults = self.faults();
        output.line(match faults {
            0 => "All is well: every prompt is built, came over RTP as it was built, and is in its recording, in order, every key cut at once, who was unhappy is followed up, and the bot did what it should."
                .to_owned(),
            1 => "1 thing is off.".to_owned(),
            several => format!("{several} things are off."),
        });
        story(&self.audit).iter().for_each(|line| output.line(line));
        output.json(&self.to_json(faults));
        if faults == 0 && self.audit.is_good() {
            Done::Well
        } else {
            Done::Failed
        }
    }

    fn faults(&self) -> usize {
        let of_calls: usize = self.calls.iter().map(|call| call.faults.len()).sum();
        let others = [
            &self.prompts.faults,
            &self.playback.faults,
            &self.follow_up.faults,
            &self.conversations.faults,
        ];
        of_calls + others.into_iter().map(Vec::len).sum::<usize>()
    }

    fn to_json(&self, faults: usize) -> serde_json::Value {
        let calls: Vec<_> = self.calls.iter().map(calls::CallReport::to_json).collect();
        json!({
            "prompts": self.prompts.to_json(),
            "playback": self.playback.to_json(),
            "calls": calls,
            "followUp": self.follow_up.to_json(),
            "conversations": self.conversations.to_json(),
            "faults": faults,
            "audit": to_json(&self.audit),
        })
    }
}
