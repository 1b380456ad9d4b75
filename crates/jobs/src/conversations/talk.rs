//! One conversation, as its customer has it.

use super::TalkError;
use client::{Admin, Conversations, Said};
use flow::scenario::{CLOSING, ContextFields, Heard, View};
use serde_json::{Value, json};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;
use wire::{
    conversation::{
        Context, Conversation, ConversationChange, Interaction, InteractionsAsked, MAX_CONTEXT_BYTES,
        MOST_ASKED, NewInteraction, Order, Session, State,
    },
    ids::{ConversationId, IdempotencyKey, ParticipantId},
};

/// How long a long poll is held at the most, in seconds.
const POLL_S: u64 = 20;
/// How long a platform may be busy.
const LONGEST_BUSY: Duration = Duration::from_secs(15 * 60);
/// How often a change is tried again when others were faster.
const MOST_TRIES: u32 = 5;
/// The longest wait without a clock that can be moved on.
pub const LONGEST_REAL_WAIT: Duration = Duration::from_secs(15 * 60);
/// How long a conversation is asked for whose creation was not answered, and how often.
const COMING: Duration = Duration::from_secs(15);
const COMING_STEP: Duration = Duration::from_secs(1);

/// How time passes for a conversation.
#[derive(Clone)]
pub enum Clock {
    /// As for everybody.
    Real,
    /// The center moves it on when asked to.
    Virtual(Box<Admin>),
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "Real",
            Self::Virtual(_) => "Virtual",
        })
    }
}

/// A conversation that goes on. It is not closed by being dropped: [`Talk::close`] does that.
#[derive(Clone)]
pub struct Talk {
    pub(super) conversations: Conversations,
    pub(super) clock: Clock,
    pub(super) id: ConversationId,
    pub(super) seed: u64,
    pub(super) customer: ParticipantId,
    pub(super) pinned: Arc<[String]>,
}

impl Talk {
    /// Its id.
    pub fn id(&self) -> &ConversationId {
        &self.id
    }

    /// What its bot chooses its words by, where the platform lets it be told.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Says something for the customer, once, however often it is sent. Tells when the platform took it, in time since this was called.
    pub async fn say(&self, text: &str) -> Result<Said, TalkError> {
        let message = NewInteraction::message(self.customer.clone(), text);
        let key = IdempotencyKey::from_uuid(Uuid::new_v4());
        let began = Instant::now();
        patiently(|| async {
            let waited = began.elapsed();
            let said = self.conversations.post_keyed(&self.id, &message, key.clone());
            let said = said.await?;
            Ok(Said {
                held_up: waited + said.held_up,
                ..said
            })
        })
        .await
    }

    /// What is newer than `after`, from both sides, as soon as there is something; nothing after a while. May be dropped.
    pub async fn hear(&self, after: u64) -> Result<Vec<Interaction>, TalkError> {
        self.interactions(after, POLL_S).await
    }

    /// The same as it stands, without waiting.
    pub async fn news(&self, after: u64) -> Result<Vec<Interaction>, TalkError> {
        self.interactions(after, 0).await
    }

    async fn interactions(&self, after: u64, wait_s: u64) -> Result<Vec<Interaction>, TalkError> {
        let asked = InteractionsAsked {
            limit: MOST_ASKED,
            order: Order::Ascending,
            after: Some(after),
            wait_s,
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
    pub async fn set_context(&self, fields: &ContextFields) -> Result<Conversation, TalkError> {
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

    /// Closes it, whatever state it is in, within [`CLOSING`]; gives it as it is then. One that is over already stays as it is.
    pub async fn close(&self) -> Result<Conversation, TalkError> {
        let closed = timeout(CLOSING, self.close_once()).await;
        closed.unwrap_or(Err(TalkError::NotClosed(CLOSING)))
    }

    /// The same for one whose creation was not answered: it may come yet, and is asked for again for a while.
    pub(super) async fn close_if_made(&self) -> Result<Conversation, TalkError> {
        let until = Instant::now() + COMING;
        loop {
            match self.close().await {
                Err(TalkError::Gone) if Instant::now() < until => sleep(COMING_STEP).await,
                Err(TalkError::Gone) => return Err(TalkError::Unknown(COMING)),
                other => return other,
            }
        }
    }

    async fn close_once(&self) -> Result<Conversation, TalkError> {
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

/// A platform that is busy is asked again when it says so, for [`LONGEST_BUSY`] at the most: that costs time, and no attempt.
pub(super) async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, TalkError>
where
    F: Future<Output = Result<T, TalkError>>,
{
    let until = Instant::now() + LONGEST_BUSY;
    loop {
        let answer = ask().await;
        match answer.as_ref().err().and_then(TalkError::busy) {
            Some(wait) if Instant::now() + wait < until => sleep(wait).await,
            _ => return answer,
        }
    }
}

pub(super) fn with_fields(mut context: Context, fields: &ContextFields) -> Context {
    if fields.clears_session {
        context.session = Some(Session::default());
    }
    for (key, value) in fields.session.iter() {
        set_key(context.session_mut(), key, value);
    }
    for (name, value) in &fields.rest {
        match value {
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
pub(super) fn fitting(mut context: Context, pinned: &[String]) -> Result<Context, TalkError> {
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
        context_bytes: conversation.context.size_bytes(),
        context: conversation.context.to_value(),
    }
}
