//! What is told of an event is one commit: the audit entry, the stability that follows from it, and the webhook as something that is
//! owed. Delivered it is like every webhook, and tried again ([`webhooks::Deliveries`]).

use super::{
    entries,
    stability::{self, Kept},
    telling::{Lost, Told, What},
};
use std::{sync::Arc, time::Duration};
use store::{Commit, Committed, EffectKey, Intent, Store};
use tokio::{sync::mpsc, time::sleep};
use webhooks::{CallbackUrl, Signer, callback};
use wire::{ids::SessionId, playback::PlaybackEvent};

/// How long a receiver of webhooks has to answer (contract section 3).
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a commit is tried, and the pause between.
const MOST_TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// Who is called back after each control event.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Where.
    pub url: CallbackUrl,
    /// What signs it.
    pub signer: Signer,
}

/// The name of the webhook of an event; the events of a session are counted from 1.
pub fn webhook_effect(session: &SessionId, event: u64) -> EffectKey {
    EffectKey {
        source: "playback".to_owned(),
        event: session.to_string(),
        step: format!("webhook:{event}"),
    }
}

/// What commits, and where.
pub(super) struct Commits {
    store: Store,
    /// The record of the platform's stability.
    books: String,
    hook: Option<Hook>,
}

impl Commits {
    pub(super) fn new(store: Store, platform: &str, hook: Option<Hook>) -> Self {
        Self {
            store,
            books: stability::id_of(platform),
            hook,
        }
    }

    pub(super) async fn run(self, mut told: mpsc::Receiver<Told>, lost: Arc<Lost>) {
        while let Some(told) = told.recv().await {
            if let Err(why) = self.persist(&told).await {
                lost.entry(&why);
            }
        }
    }

    async fn persist(&self, told: &Told) -> Result<(), String> {
        let mut why = String::new();
        for _ in 0..MOST_TRIES {
            match self.commit(told).await {
                Ok(Committed::Done | Committed::Duplicate { .. }) => return Ok(()),
                // Another process counted a session: at once with what it counted.
                Ok(Committed::Conflict | Committed::Stale) => why = "others were always faster".to_owned(),
                Err(error) => {
                    tracing::warn!(%error, "what happened to a playback waits for the store");
                    why = error.to_string();
                    sleep(PAUSE).await;
                }
            }
        }
        Err(why)
    }

    async fn commit(&self, told: &Told) -> Result<Committed, store::Error> {
        let mut commit = Commit {
            intents: self.owed(told).into_iter().collect(),
            ..Commit::default()
        };
        match &told.what {
            What::Noted(entry) => commit.audit.push(entry.clone()),
            What::Over(session) => {
                let kept = Kept::read(&self.store, &self.books).await?;
                let stability = kept.stability.and(session);
                commit.audit.push(entries::over(session, &stability));
                commit.records.push(kept.replaced_by(stability, &self.books));
            }
        }
        self.store.commit(commit).await
    }

    fn owed(&self, told: &Told) -> Option<Intent> {
        let hook = self.hook.as_ref()?;
        let (event, number) = told.event.as_ref()?;
        let session = &event.session_id;
        let effect = webhook_effect(session, *number);
        // It is far smaller than a body may be.
        callback(
            &hook.signer,
            effect,
            Some(session.as_str()),
            &hook.url,
            body(event),
        )
        .ok()
    }
}

fn body(event: &PlaybackEvent) -> String {
    serde_json::to_string(event).unwrap_or_default()
}
