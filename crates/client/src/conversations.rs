//! Conversations and their analytics (contract section 5).

mod changes;

pub use changes::Changes;

use crate::{
    error::Error,
    request::{Request, found},
    transport::Transport,
};
use std::time::Duration;
use wire::{
    Faults, UtcTime,
    conversation::{
        Conversation, ConversationChange, DetailsAnswer, DetailsQuery, Interaction, InteractionsAsked,
        NewConversation, NewInteraction, Posted, etag,
    },
    ids::{ConversationId, CorrelationId, IdempotencyKey, InteractionId},
    oauth::{Scope, Scopes},
};

/// How much longer than its `wait` a long poll may take, and all its attempts together once more.
const POLL_GRACE: Duration = Duration::from_secs(10);
/// The time for an answer about all conversations, and for all attempts.
const DETAILS_TIMEOUT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(120));

/// A message that the platform took.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its id and its place.
    pub posted: Posted,
    /// How long the platform had it wait before.
    pub held_up: Duration,
}

/// What a platform has for conversations.
#[derive(Debug, Clone)]
pub struct Conversations {
    transport: Transport,
}

impl Conversations {
    /// The conversations of a platform, with tokens of the scopes that they need.
    pub fn new(transport: &Transport) -> Self {
        Self {
            transport: transport.with_scopes(Self::scopes()),
        }
    }

    /// The scopes that all of it needs.
    pub fn scopes() -> Scopes {
        let scopes = [
            Scope::ConversationsRead,
            Scope::ConversationsWrite,
            Scope::AnalyticsRead,
        ];
        scopes.into_iter().collect()
    }

    /// The same; its requests carry this correlation id.
    pub fn with_correlation(&self, id: CorrelationId) -> Self {
        Self {
            transport: self.transport.with_correlation(id),
        }
    }

    /// Creates a conversation. One with faults, or with a context that is too large, is not sent.
    pub async fn create(&self, new: &NewConversation) -> Result<Conversation, Error> {
        self.create_keyed(new, new_key()).await
    }

    /// The same under a key: a call that failed can be repeated under its key, and creates no second one.
    pub async fn create_keyed(
        &self,
        new: &NewConversation,
        key: IdempotencyKey,
    ) -> Result<Conversation, Error> {
        new.check()
            .map_err(|faults| has_faults("conversation", &faults))?;
        let request = Request::post(["api", "v2", "conversations"], new)?.with_key(key);
        self.transport.send(request).await?.json()
    }

    /// A conversation as it stands; `None` when there is no such one.
    pub async fn get(&self, id: &ConversationId) -> Result<Option<Conversation>, Error> {
        match found(self.transport.send(Request::get(path(id))).await)? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    /// Changes state or context; with a version, only while the conversation still has it ([`Error::status`] is 412 otherwise).
    /// A context that is too large is not sent.
    pub async fn change(
        &self,
        id: &ConversationId,
        change: &ConversationChange,
        only_if: Option<u64>,
    ) -> Result<Conversation, Error> {
        change.check().map_err(|faults| has_faults("change", &faults))?;
        let request = Request::put(path(id), change)?;
        let request = match only_if {
            Some(version) => request.with_if_match(etag(version)),
            None => request,
        };
        self.transport.send(request).await?.json()
    }

    /// Says something. Repeats say it once. What has faults is not sent.
    pub async fn post(&self, id: &ConversationId, message: &NewInteraction) -> Result<Posted, Error> {
        Ok(self.post_keyed(id, message, new_key()).await?.posted)
    }

    /// The same under a key: a call that failed can be repeated under its key, and says nothing twice.
    pub async fn post_keyed(
        &self,
        id: &ConversationId,
        message: &NewInteraction,
        key: IdempotencyKey,
    ) -> Result<Said, Error> {
        message.check().map_err(|faults| has_faults("message", &faults))?;
        let path = path(id).into_iter().chain(["interactions"]);
        let answer = self
            .transport
            .send(Request::post(path, message)?.with_key(key))
            .await?;
        Ok(Said {
            posted: answer.json()?,
            held_up: answer.held_up,
        })
    }

    /// What was said. With `wait_s`, the platform holds the request until there is something newer than `after`, or the time is
    /// over, when the answer is empty.
    pub async fn interactions(
        &self,
        id: &ConversationId,
        asked: &InteractionsAsked,
    ) -> Result<Vec<Interaction>, Error> {
        let path = path(id).into_iter().chain(["interactions"]);
        let request = asked.query().fold(Request::get(path), |request, (name, value)| {
            request.with_query(name, value)
        });
        let attempt = Duration::from_secs(asked.wait_s) + POLL_GRACE;
        let total = attempt + self.transport.policy().total;
        self.transport
            .send(request.with_timeouts(attempt, total))
            .await?
            .json()
    }

    /// Marks an interaction as read.
    pub async fn read(&self, id: &ConversationId, interaction: &InteractionId) -> Result<(), Error> {
        let path = path(id)
            .into_iter()
            .chain(["interactions", interaction.as_str(), "read"]);
        let request = Request::post(path, &serde_json::json!({}))?;
        self.transport.send(request).await.map(drop)
    }

    /// The conversations that changed since then (all when it is not said) by when they changed, page by page.
    pub fn changes(&self, since: Option<UtcTime>, page_size: usize) -> Changes {
        Changes::begin(self.transport.clone(), list(since, page_size))
    }

    /// The same; each conversation comes with all there is of it, where the platform can do that.
    pub fn expanded(&self, since: Option<UtcTime>, page_size: usize) -> Changes {
        let request = list(since, page_size).with_query("expand", "all");
        Changes::begin(self.transport.clone(), request)
    }

    /// The same from a page's `next_uri` on, also after a restart.
    pub fn changes_from(&self, next_uri: &str) -> Result<Changes, Error> {
        Changes::follow(self.transport.clone(), next_uri)
    }

    /// How conversations went.
    pub async fn details(&self, query: &DetailsQuery) -> Result<DetailsAnswer, Error> {
        query.check().map_err(|faults| has_faults("query", &faults))?;
        let (attempt, total) = DETAILS_TIMEOUT;
        let path = ["api", "v2", "analytics", "conversations", "details", "query"];
        let request = Request::post(path, query)?.with_timeouts(attempt, total);
        self.transport.send(request).await?.json()
    }
}

fn new_key() -> IdempotencyKey {
    IdempotencyKey::from_uuid(uuid::Uuid::new_v4())
}

fn list(since: Option<UtcTime>, page_size: usize) -> Request {
    let request = Request::get(["api", "v2", "conversations"]).with_query("pageSize", page_size);
    match since {
        Some(since) => request.with_query("updatedDateGte", since),
        None => request,
    }
}

fn has_faults(what: &str, faults: &Faults) -> Error {
    Error::BadRequest(format!("the {what} has faults, correct them: {faults}"))
}

fn path(id: &ConversationId) -> [&str; 4] {
    ["api", "v2", "conversations", id.as_str()]
}
