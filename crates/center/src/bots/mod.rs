//! The bots of a tenant: those of files, and those of other people, who are asked by webhook.
//!
//! What a bot needs from others (answers of a webhook, call-outs of a file's bot) are *errands* of its conversation. They are done outside the
//! conversation's lock, by [`Bots::run`], which always comes to an end: with an answer, or with what a bot does without one.

mod caller;
mod configured;
mod route;
mod turns;
mod webhook;

pub(crate) use configured::{Configured, read_bots};
pub(crate) use route::find;

use crate::{
    clock::Clock,
    conversations::{Bot, Outcome, Sent, What},
    tasks::keepable,
};
use audit::{Actor, Entry, Outcome as CameOut};
use caller::{Caller, NoAnswer};
use configured::{Answers, Webhook};
use flow::bot::{Act, CallOutcome, CallRequest};
use serde_json::{Map, Value};
use std::{collections::HashMap, sync::Arc};
use store::{Commit, EffectKey, Store};
use webhooks::{Secret, message_id};

/// What the audit log calls an errand that came to nothing.
pub(crate) const CALL_FAILED: &str = "bot.call_failed";
pub(crate) const WEBHOOK_FAILED: &str = "bot.webhook_failed";

/// All bots of a center.
pub(crate) struct Bots {
    known: HashMap<String, Configured>,
    caller: Caller,
    store: Store,
    /// What webhooks are signed with that have no secret of their own.
    secret: Secret,
}

impl Bots {
    /// The tenant's bots; `http` is guarded.
    pub(crate) fn new(
        known: HashMap<String, Configured>,
        http: Arc<dyn client::Http>,
        store: Store,
        secret: Secret,
    ) -> Arc<Self> {
        Arc::new(Self {
            known,
            caller: Caller::new(http),
            store,
            secret,
        })
    }

    /// Who answers under this id; nobody, if it is not known.
    pub(crate) fn of(&self, id: &str) -> Bot {
        let Some(found) = self.known.get(id) else {
            return Bot::None;
        };
        match &found.answers {
            Answers::Webhook(webhook) => Bot::Webhook {
                fallback: webhook.fallback.clone(),
                typing_ms: found.typing_ms,
            },
            Answers::File(bot) => Bot::File {
                bot: bot.clone(),
                seed: found.seed,
                typing_ms: found.typing_ms,
            },
        }
    }

    /// The bot of this id, as it is configured.
    pub(crate) fn get(&self, id: &str) -> Option<&Configured> {
        self.known.get(id)
    }

    /// Does an errand, however long others take: there is an end to it. The same errand has the same key for its receiver, who may
    /// get it again.
    pub(crate) async fn run(&self, sent: Sent) -> Outcome {
        match &sent.errand.what {
            What::Call { call, request, .. } => {
                let answer = self.call(&sent, request).await;
                Outcome::Called(CallOutcome {
                    number: *call,
                    answer,
                })
            }
            What::Message { .. } => Outcome::Acts(self.answers(&sent).await),
        }
    }

    async fn call(&self, sent: &Sent, request: &CallRequest) -> Option<Value> {
        // Without it, there is nobody in the tenant any more who could use the answer.
        let bot = self.known.get(&sent.bot_id)?;
        let asked = async {
            let _turn = bot.turns.take().await?;
            self.caller.call(request, &key_of(sent)).await
        };
        match asked.await {
            Ok(answer) => Some(answer),
            Err(why) => {
                self.note(sent, CALL_FAILED, &why).await;
                None
            }
        }
    }

    async fn answers(&self, sent: &Sent) -> Vec<Act> {
        let known = self.known.get(&sent.bot_id);
        let Some((bot, webhook)) = known.and_then(|bot| Some((bot, bot.webhook()?))) else {
            // It was one when the message came, and the tenant has changed since.
            return Vec::new();
        };
        let asked = async {
            let _turn = bot.turns.take().await?;
            self.ask(webhook, sent).await
        };
        match asked.await {
            Ok(acts) => acts,
            Err(why) => {
                self.note(sent, WEBHOOK_FAILED, &why).await;
                vec![webhook::says(webhook.fallback.to_string())]
            }
        }
    }

    async fn ask(&self, webhook: &Webhook, sent: &Sent) -> Result<Vec<Act>, NoAnswer> {
        let body = webhook::body(sent);
        let secret = webhook.secret.as_ref().unwrap_or(&self.secret);
        let answer = self.caller.tell(webhook, secret, &key_of(sent), body).await?;
        webhook::read(&answer, &sent.context).map_err(NoAnswer::Garbage)
    }

    /// Notes in the audit log that an errand failed. That it can't be noted is no reason to leave a customer without an answer.
    async fn note(&self, sent: &Sent, action: &str, why: &NoAnswer) {
        let mut detail = Map::new();
        detail.insert("bot".into(), keepable(&sent.bot_id).into());
        detail.insert("errand".into(), sent.errand.number.into());
        detail.insert("why".into(), why.kind().into());
        let entry = Entry {
            at: Clock::utc(),
            actor: Actor::Center,
            action: action.to_owned(),
            subject: Some(sent.conversation.to_string()),
            correlation: None,
            outcome: CameOut::Failure,
            detail,
            personal: vec![("reason".to_owned(), keepable(&why.to_string()))],
        };
        let commit = Commit {
            audit: vec![entry],
            ..Commit::default()
        };
        if let Err(error) = self.store.commit(commit).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(
                error,
                action,
                "an errand of a bot failed, and that can't be noted"
            );
        }
    }
}

/// What the receiver knows an errand by: the same however often it is sent.
fn key_of(sent: &Sent) -> String {
    message_id(&EffectKey {
        source: "conversation".into(),
        event: sent.conversation.to_string(),
        step: format!("errand:{}", sent.errand.number),
    })
}
