//! How a conversation begins: what it is made of, and that it is made once, or closed again.

use super::{
    Platform, Talk, TalkError,
    talk::{fitting, patiently, with_fields},
};
use flow::scenario::{ContextFields, Customer, MAKING};
use serde_json::{Map, Value, json};
use std::{
    fmt,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::time::timeout;
use uuid::Uuid;
use wire::{
    conversation::{Context, ConversationType, Direction, NewConversation, Participant, State},
    ids::{ConversationId, CorrelationId, IdempotencyKey, ParticipantId},
};

/// What the customer talks by.
const CHANNEL: &str = "webchat";

/// What a conversation begins with.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// The bot instance; the tenant's own when there is none.
    pub bot: Option<String>,
    /// Who asks.
    pub customer: Customer,
    /// What a bot chooses its words by, where the platform lets it be told: `metadata.seed`. Made up when there is none.
    pub seed: Option<u64>,
    /// What its context has beside `metadata`.
    pub context: ContextFields,
}

impl Talk {
    /// Begins a conversation, unless `stop` comes first: then what was sent is let finish, and closed, and there is none. What of its
    /// context is too much is pruned before, the oldest keys of `botSession` first.
    pub async fn open(
        platform: &Platform,
        opening: &Opening,
        stop: impl Future<Output = ()>,
    ) -> Result<Option<Self>, TalkError> {
        let (talk, new) = Self::draft(platform, opening)?;
        let (made, is_stopped) = talk.create_unless(&new, stop).await;
        match made {
            Ok(()) if !is_stopped => return Ok(Some(talk)),
            Ok(()) => talk.close().await?,
            Err(error) if error.may_be_made() => {
                // What could not be closed may be open: that is worse than what kept it from being made.
                let closed = talk.close_if_made().await?;
                match error {
                    _ if is_stopped => closed,
                    TalkError::MaybeMade(error) => return Err(error.into()),
                    error => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        Ok(None)
    }

    /// Makes the conversation; when it is stopped, for [`MAKING`] at the most. Tells whether it was.
    async fn create_unless(
        &self,
        new: &NewConversation,
        stop: impl Future<Output = ()>,
    ) -> (Result<(), TalkError>, bool) {
        let mut making = pin!(self.create(new));
        tokio::select! {
            biased;
            // Asked first, so that whoever listens for a signal does so before anything is sent.
            () = stop => {
                let made = timeout(MAKING, making).await;
                (made.unwrap_or(Err(TalkError::Unanswered(MAKING))), true)
            }
            made = &mut making => (made, false),
        }
    }

    /// The conversation that is to be made, and how it is spoken to.
    pub(super) fn draft(
        platform: &Platform,
        opening: &Opening,
    ) -> Result<(Self, NewConversation), TalkError> {
        let name = Uuid::now_v7();
        let id: ConversationId = id(&format!("conv-{name}"))?;
        let customer = opening
            .customer
            .id
            .clone()
            .unwrap_or_else(|| format!("user-{name}"));
        let customer: ParticipantId = self::id(&customer)?;
        let bot = opening.bot.clone().or_else(|| platform.bot.clone());
        let mut participants = vec![Participant {
            id: customer.clone(),
            channel: Some(CHANNEL.into()),
            direction: Direction::Inbound,
            profile: opening.customer.profile.clone(),
        }];
        if let Some(bot) = bot {
            participants.push(Participant {
                id: self::id(&format!("bot-{bot}"))?,
                channel: None,
                direction: Direction::Outbound,
                profile: Map::from_iter([("botInstanceId".to_owned(), json!(bot))]),
            });
        }
        // Small enough for every reader of JSON.
        let seed = opening.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let new = NewConversation {
            id: id.clone(),
            kind: ConversationType::Webchat,
            state: State::Active,
            participants,
            context: fitting(context(&opening.context, seed), &platform.pinned)?,
        };
        let talk = Self {
            conversations: platform
                .conversations
                .with_correlation(CorrelationId::from_uuid(name)),
            clock: platform.clock.clone(),
            id,
            seed,
            customer,
            pinned: platform.pinned.clone(),
        };
        Ok((talk, new))
    }

    /// Makes the conversation of a draft, once, however often that is asked for.
    pub(super) async fn create(&self, new: &NewConversation) -> Result<(), TalkError> {
        let key = IdempotencyKey::from_uuid(Uuid::new_v4());
        let may_be_made = AtomicBool::new(false);
        let made = patiently(|| async {
            let made = self.conversations.create_keyed(new, key.clone()).await;
            let is_lost = made.as_ref().is_err_and(client::Error::may_be_done);
            may_be_made.fetch_or(is_lost, Ordering::Relaxed);
            Ok(made.map(drop)?)
        })
        .await;
        match made {
            Err(TalkError::Platform(error)) if may_be_made.into_inner() => {
                // There is one: the id is ours alone, so it was made by an attempt whose answer was lost.
                let is_there = error.status() == Some(409) && self.look().await.is_ok();
                if is_there {
                    Ok(())
                } else {
                    Err(TalkError::MaybeMade(error))
                }
            }
            other => other,
        }
    }
}

fn id<T: std::str::FromStr<Err: fmt::Display>>(text: &str) -> Result<T, TalkError> {
    text.parse()
        .map_err(|error| TalkError::Unsendable(format!("the id {text:?} {error}")))
}

fn context(fields: &ContextFields, seed: u64) -> Context {
    let mut metadata = Map::new();
    metadata.insert("source".into(), json!("trunkline"));
    metadata.insert("seed".into(), json!(seed));
    metadata.insert("createdAt".into(), json!(jiff::Timestamp::now().to_string()));
    let mut context = Context::default();
    context.session_mut();
    context.rest.insert("metadata".into(), Value::Object(metadata));
    with_fields(context, fields)
}
