//! One conversation, as its customer has it.

use super::{Platform, TalkError};
use client::{Admin, Conversations};
use flow::scenario::{Customer, Heard, View};
use serde_json::{Map, Value, json};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::sleep;
use uuid::Uuid;
use wire::{
    conversation::{
        Context, Conversation, ConversationChange, ConversationType, Direction, Interaction,
        InteractionsAsked, MAX_CONTEXT_BYTES, MOST_ASKED, NewConversation, NewInteraction, Order,
        Participant, Posted, Session, State,
    },
    ids::{ConversationId, CorrelationId, ParticipantId},
};

/// How long a long poll is held at the most, in seconds.
const POLL_S: u64 = 20;
/// How often a change is tried again when others were faster.
const MOST_TRIES: u32 = 5;
/// The longest wait without a clock that can be moved on.
pub const LONGEST_REAL_WAIT: Duration = Duration::from_secs(15 * 60);
/// What the customer talks by.
const CHANNEL: &str = "webchat";
/// The member of the context whose keys have an age.
const BOT_SESSION: &str = "botSession";

/// How time passes for a conversation.
#[derive(Clone)]
pub enum Clock {
    /// As for everybody.
    Real,
    /// The center moves it on when asked to.
    Virtual(Admin),
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "Real",
            Self::Virtual(_) => "Virtual",
        })
    }
}

/// What a conversation begins with.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// The bot instance; the tenant's own when there is none.
    pub bot: Option<String>,
    /// Who asks.
    pub customer: Customer,
    /// What its context has beside `metadata`.
    pub context: Map<String, Value>,
}

/// A conversation that goes on. It is not closed by being dropped: [`Talk::close`] does that.
#[derive(Clone)]
pub struct Talk {
    conversations: Conversations,
    clock: Clock,
    id: ConversationId,
    customer: ParticipantId,
    pinned: Arc<[String]>,
}

impl Talk {
    /// Begins a conversation. What of its context is too much is pruned before, the oldest keys of `botSession` first.
    pub async fn open(platform: &Platform, opening: &Opening) -> Result<Self, TalkError> {
        let (talk, new) = Self::draft(platform, opening)?;
        talk.create(&new).await?;
        Ok(talk)
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
        let new = NewConversation {
            id: id.clone(),
            kind: ConversationType::Webchat,
            state: State::Active,
            participants,
            context: fitting(context(&opening.context), &platform.pinned)?,
        };
        let talk = Self {
            conversations: platform
                .conversations
                .with_correlation(CorrelationId::from_uuid(name)),
            clock: platform.clock.clone(),
            id,
            customer,
            pinned: platform.pinned.clone(),
        };
        Ok((talk, new))
    }

    /// Makes the conversation of a draft.
    pub(super) async fn create(&self, new: &NewConversation) -> Result<(), TalkError> {
        patiently(|| async { Ok(self.conversations.create(new).await.map(drop)?) }).await
    }

    /// Its id.
    pub fn id(&self) -> &ConversationId {
        &self.id
    }

    /// Says something for the customer.
    pub async fn say(&self, text: &str) -> Result<Posted, TalkError> {
        let message = NewInteraction::message(self.customer.clone(), text);
        patiently(|| async { Ok(self.conversations.post(&self.id, &message).await?) }).await
    }

    /// What is newer than `after`, from both sides, as soon as there is something; nothing after a while. May be dropped.
    pub async fn hear(&self, after: u64) -> Result<Vec<Interaction>, TalkError> {
        let asked = InteractionsAsked {
            limit: MOST_ASKED,
            order: Order::Ascending,
            after: Some(after),
            wait_s: POLL_S,
        };
        patiently(|| async { Ok(self.conversations.interactions(&self.id, &asked).await?) }).await
    }

    /// The conversation as it stands.
    pub async fn look(&self) -> Result<Conversation, TalkError> {
        patiently(|| async { self.conversations.get(&self.id).await?.ok_or(TalkError::Gone) }).await
    }

    /// Puts it into another state, if that is allowed, and only if nobody changed it meanwhile: then it is looked at again.
    pub async fn become_state(&self, next: State) -> Result<Conversation, TalkError> {
        self.change(|current| {
            if !current.state.may_become(next) {
                return Err(TalkError::Transition {
                    from: current.state,
                    to: next,
                });
            }
            Ok((current.state != next).then(|| ConversationChange::to(next)))
        })
        .await
    }

    /// Sets keys of its context, and takes away those that are `null`. Of `botSession` and `metadata`, too, single keys are set.
    pub async fn set_context(&self, fields: &Map<String, Value>) -> Result<Conversation, TalkError> {
        self.change(|current| {
            let context = with_fields(current.context.clone(), fields);
            Ok(Some(ConversationChange {
                state: None,
                context: Some(fitting(context, &self.pinned)?),
            }))
        })
        .await
    }

    async fn change(
        &self,
        decide: impl Fn(&Conversation) -> Result<Option<ConversationChange>, TalkError>,
    ) -> Result<Conversation, TalkError> {
        for _ in 0..MOST_TRIES {
            let current = self.look().await?;
            let Some(change) = decide(&current)? else {
                return Ok(current);
            };
            // A platform without versions can't be asked to compare.
            let only_if = (current.version > 0).then_some(current.version);
            let changed =
                patiently(|| async { Ok(self.conversations.change(&self.id, &change, only_if).await?) });
            match changed.await {
                Err(TalkError::Platform(error)) if error.status() == Some(412) => {}
                other => return other,
            }
        }
        Err(TalkError::Contended(MOST_TRIES))
    }

    /// Lets time pass for it.
    pub async fn wait(&self, time: Duration) -> Result<(), TalkError> {
        match &self.clock {
            Clock::Virtual(admin) => {
                patiently(|| async { Ok(admin.advance_clock(&self.id, time).await?) }).await
            }
            Clock::Real if time > LONGEST_REAL_WAIT => Err(TalkError::TooLong {
                asked: time,
                most: LONGEST_REAL_WAIT,
            }),
            Clock::Real => {
                sleep(time).await;
                Ok(())
            }
        }
    }

    /// Closes it, whatever state it is in; gives it as it is then. One that is over already stays as it is.
    pub async fn close(&self) -> Result<Conversation, TalkError> {
        self.change(|current| {
            let next = if current.state.may_become(State::Closed) {
                State::Closed
            } else {
                State::Ended
            };
            Ok((!current.state.is_over()).then(|| ConversationChange::to(next)))
        })
        .await
    }
}

/// A platform that is busy is asked again when it says so: that costs time, and no attempt. Whoever waits has a deadline.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, TalkError>
where
    F: Future<Output = Result<T, TalkError>>,
{
    loop {
        let answer = ask().await;
        match answer.as_ref().err().and_then(TalkError::busy) {
            Some(wait) => sleep(wait).await,
            None => return answer,
        }
    }
}

fn id<T: std::str::FromStr<Err: fmt::Display>>(text: &str) -> Result<T, TalkError> {
    text.parse()
        .map_err(|error| TalkError::Unsendable(format!("the id {text:?} {error}")))
}

fn context(fields: &Map<String, Value>) -> Context {
    let mut metadata = Map::new();
    metadata.insert("source".into(), json!("trunkline"));
    metadata.insert("createdAt".into(), json!(jiff::Timestamp::now().to_string()));
    let mut context = Context::default();
    context.session_mut();
    context.rest.insert("metadata".into(), Value::Object(metadata));
    with_fields(context, fields)
}

fn with_fields(mut context: Context, fields: &Map<String, Value>) -> Context {
    for (name, value) in fields {
        match value {
            Value::Object(keys) if name == BOT_SESSION => keys
                .iter()
                .for_each(|(key, value)| set_key(context.session_mut(), key, value)),
            Value::Null if name == BOT_SESSION => context.session = Some(Session::default()),
            Value::Null => drop(context.rest.remove(name)),
            Value::Object(keys) if name == "metadata" => {
                let metadata = context.rest.entry(name.clone()).or_insert_with(|| json!({}));
                if let Some(metadata) = metadata.as_object_mut() {
                    metadata.extend(keys.clone());
                    metadata.retain(|_, value| !value.is_null());
                }
            }
            value => drop(context.rest.insert(name.clone(), value.clone())),
        }
    }
    context
}

fn set_key(session: &mut Session, key: &str, value: &Value) {
    match value {
        Value::Null => drop(session.remove(key)),
        value => session.set(key, value.clone()),
    }
}

/// The context, pruned if it must be.
fn fitting(mut context: Context, pinned: &[String]) -> Result<Context, TalkError> {
    let removed = context.prune(MAX_CONTEXT_BYTES, pinned);
    if !removed.is_empty() {
        tracing::info!(
            keys = removed.len(),
            "old keys of the context are left out: it was too large"
        );
    }
    context.check_size()?;
    Ok(context)
}

/// An answer as scenarios see it.
pub fn heard(interaction: &Interaction) -> Heard {
    let bot = interaction.bot.clone().unwrap_or_default();
    Heard {
        id: interaction.id.to_string(),
        sequence: interaction.sequence,
        in_reply_to: interaction.in_reply_to.as_ref().map(ToString::to_string),
        text: interaction.text.clone(),
        buttons: interaction.buttons.clone(),
        intent: bot.intent,
        confidence: bot.confidence,
        steps: bot.steps,
    }
}

/// A conversation as scenarios see it.
pub(super) fn view(conversation: &Conversation) -> View {
    View {
        state: conversation.state,
        resolved: conversation.resolved,
        escalated: conversation.escalated,
        context: conversation.context.to_value(),
    }
}
