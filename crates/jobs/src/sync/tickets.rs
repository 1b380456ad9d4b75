//! A ticketing system as a sink: a ticket for each conversation, a comment for each interaction, the status by the state.
//!
//! What was done is remembered in the store, so that nothing is asked for twice. What was under way when a process was killed is found
//! out by asking the system: the ticket by the conversation's id, the comments by their marks. So is what may have been carried out
//! though no good answer came, since hardly any such system knows repeats by an `Idempotency-Key`.

use super::{
    Changed,
    sending::{Letter, PATIENT, Patience, Sender, SignIn},
    sink::{Parcel, SinkError},
};
use bytes::Bytes;
use client::Http;
use flow::{
    retry::Safety,
    tickets::{Call, Facts, Listing, Method, Template, mark},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::HashSet, sync::Arc};
use store::{Commit, Committed, Expect, Put, Store};
use tokio::time::sleep;
use url::Url;

/// Conversations that are worked on at a time.
const AT_A_TIME: usize = 4;
/// Most pages of comments that are read of a ticket.
const MOST_PAGES: usize = 200;
/// The kind of the records that remember tickets.
const KIND: &str = "sync-ticket";

/// The way to the system, and what is remembered.
pub(super) struct Tickets {
    sender: Sender,
    base: Url,
    template: Arc<Template>,
    store: Store,
    /// The sink's name in the books, which begins the ids of records.
    name: String,
}

/// What is known of the ticket of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Ticket {
    id: String,
    /// The last interaction that is a comment for sure.
    commented: u64,
    /// Comments up to this interaction may be there: it was tried.
    #[serde(default)]
    tried: u64,
    /// The status that it was moved to last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

/// A ticket, and the version of its record.
struct Remembered {
    record: String,
    ticket: Ticket,
    version: Option<i64>,
}

/// Why a ticket is not up to date.
enum Failed {
    /// Nobody knows whether the last request was carried out.
    Unsure(SinkError),
    /// It was not.
    Sink(SinkError),
}

impl From<SinkError> for Failed {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}

impl Tickets {
    pub(super) fn new(
        http: Arc<dyn Http>,
        base: &Url,
        sign_in: SignIn,
        template: Arc<Template>,
        store: Store,
        name: &str,
    ) -> Self {
        Self {
            sender: Sender::new(http, sign_in, PATIENT),
            base: base.clone(),
            template,
            store,
            name: name.to_owned(),
        }
    }

    /// Brings the tickets of these conversations up to date. The changes must be of different conversations.
    pub(super) async fn file(&self, parcels: &[Parcel]) -> Result<(), SinkError> {
        let files: Vec<_> = parcels
            .iter()
            .map(|parcel| async { self.file_one(parcel.whole()?).await })
            .collect();
        stream::iter(files)
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await
    }

    /// Tries again where nobody knows what was done: each time it looks first.
    async fn file_one(&self, changed: &Changed) -> Result<(), SinkError> {
        let mut patience = Patience::default();
        loop {
            let error = match self.try_one(changed).await {
                Ok(()) => return Ok(()),
                Err(Failed::Sink(error)) => return Err(error),
                Err(Failed::Unsure(error)) => error,
            };
            match patience.after_failure() {
                Some(wait) => sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    async fn try_one(&self, changed: &Changed) -> Result<(), Failed> {
        let conversation = value(&changed.conversation, &changed.change_id)?;
        let facts = Facts::of(&conversation);
        let status = self.template.states.get(&changed.conversation.state);
        let mut remembered = self.remembered(&changed.conversation.id.to_string()).await?;
        if remembered.ticket.id.is_empty() {
            let facts = status.map_or(facts, |status| facts.with_status(status));
            let (id, is_found) = self.ticket(&facts, changed).await?;
            remembered.ticket.id = id;
            if is_found {
                // By somebody who did not remember it: nobody knows which comments it has.
                remembered.ticket.tried = u64::MAX;
            }
            self.remember(&mut remembered).await?;
        }
        let id = remembered.ticket.id.clone();
        self.comment(&facts.with_ticket(&id), changed, &mut remembered)
            .await?;
        if let (Some(call), Some(status)) = (&self.template.status, status)
            && remembered.ticket.status.as_ref() != Some(status)
        {
            let facts = facts.with_ticket(&id).with_status(status);
            let key = format!("{}/{status}", changed.change_id);
            self.call(call, &facts, &key, &changed.change_id).await?;
            remembered.ticket.status = Some(status.clone());
            self.remember(&mut remembered).await?;
        }
        Ok(())
    }

    /// The id of the conversation's ticket, which is made if there is none; and whether it was there.
    async fn ticket(&self, facts: &Facts<'_>, changed: &Changed) -> Result<(String, bool), Failed> {
        let find = &self.template.find;
        let url = self.url(&find.call, facts, &changed.change_id)?;
        let found = match self.read(&url, &changed.change_id).await {
            Err(SinkError::Refused { status: 404, .. }) => None,
            answer => find.id.of(&answer?),
        };
        if let Some(id) = found {
            return Ok((id, true));
        }
        let create = &self.template.create;
        let key = format!("ticket/{}", changed.conversation.id);
        let answer = self
            .call_once(&create.call, facts, &key, &changed.change_id)
            .await?;
        let id = create.id.of(&answer).map(|id| (id, false));
        let unlike = || SinkError::Unlike {
            host: self.base.host_str().unwrap_or_default().to_owned(),
            about: format!("the creation of the ticket of {}", changed.change_id),
            what: format!("there is no id at {}", create.id),
        };
        Ok(id.ok_or_else(unlike)?)
    }

    /// Makes a comment of each interaction that is none yet.
    async fn comment(
        &self,
        facts: &Facts<'_>,
        changed: &Changed,
        remembered: &mut Remembered,
    ) -> Result<(), Failed> {
        let Some(call) = &self.template.comment else {
            return Ok(());
        };
        let from = remembered.ticket.commented;
        let Some(last) = changed.interactions.iter().map(|said| said.sequence).max() else {
            return Ok(());
        };
        if last <= from {
            return Ok(());
        }
        let mut there = HashSet::new();
        if let Some(listing) = self
            .template
            .comments
            .as_ref()
            .filter(|_| remembered.ticket.tried > from)
        {
            there = self.comments(listing, facts, changed, from).await?;
        }
        // From now on nobody knows, until it is remembered that they are there.
        remembered.ticket.tried = last;
        self.remember(remembered).await?;
        for said in changed.interactions.iter().filter(|said| said.sequence > from) {
            if !there.contains(said.id.as_str()) {
                let interaction = value(said, &changed.change_id)?;
                let facts = facts.with_interaction(&interaction);
                let key = format!("{}/{}", changed.conversation.id, said.id);
                let about = &changed.change_id;
                match self.template.comments {
                    Some(_) => self.call_once(call, &facts, &key, about).await?,
                    // Nothing tells whether it is there.
                    None => self.call(call, &facts, &key, about).await?,
                };
            }
        }
        (remembered.ticket.commented, remembered.ticket.tried) = (last, last);
        Ok(self.remember(remembered).await?)
    }

    /// The interactions that are comments already, by their marks.
    async fn comments(
        &self,
        listing: &Listing,
        facts: &Facts<'_>,
        changed: &Changed,
        from: u64,
    ) -> Result<HashSet<String>, SinkError> {
        let wanted = changed.interactions.iter().filter(|said| said.sequence > from);
        let marks: Vec<(String, String)> = wanted
            .map(|said| (said.id.to_string(), mark(said.id.as_str())))
            .collect();
        let mut there = HashSet::new();
        let mut url = self.url(&listing.call, facts, &changed.change_id)?;
        for _ in 0..MOST_PAGES {
            let answer = self.read(&url, &changed.change_id).await?;
            let items = listing.list.find(&answer).and_then(Value::as_array);
            for text in items
                .into_iter()
                .flatten()
                .filter_map(|item| listing.text.find(item))
            {
                let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
                there.extend(
                    marks
                        .iter()
                        .filter(|(_, mark)| text.contains(mark))
                        .map(|(id, _)| id.clone()),
                );
            }
            let next = listing.next.as_ref().and_then(|next| next.of(&answer));
            let next = next.and_then(|next| self.base.join(&next).ok());
            match next.filter(|next| next.origin() == self.base.origin() && *next != url) {
                Some(next) => url = next,
                None => break,
            }
        }
        Ok(there)
    }

    /// A request that does no harm when it comes twice.
    async fn call(&self, call: &Call, facts: &Facts<'_>, key: &str, about: &str) -> Result<Value, SinkError> {
        self.change(call, facts, key, about, Safety::Keyed).await
    }

    /// A request that is not repeated before it is known whether it was carried out.
    async fn call_once(
        &self,
        call: &Call,
        facts: &Facts<'_>,
        key: &str,
        about: &str,
    ) -> Result<Value, Failed> {
        let done = self.change(call, facts, key, about, Safety::Once).await;
        done.map_err(|error| match error.may_be_done() {
            true => Failed::Unsure(error),
            false => Failed::Sink(error),
        })
    }

    async fn change(
        &self,
        call: &Call,
        facts: &Facts<'_>,
        key: &str,
        about: &str,
        safety: Safety,
    ) -> Result<Value, SinkError> {
        let url = self.url(call, facts, about)?;
        let body = call.body(facts).map(|body| Bytes::from(body.to_string()));
        let key = short(key);
        let letter = Letter {
            method: method(call.method),
            url: &url,
            body: body.unwrap_or_default(),
            key: Some(&key),
            about,
            safety,
        };
        let answer = self.sender.send(&letter).await?;
        // What is not looked at may be anything.
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    async fn read(&self, url: &Url, about: &str) -> Result<Value, SinkError> {
        let letter = Letter {
            method: http::Method::GET,
            url,
            body: Bytes::new(),
            key: None,
            about,
            safety: Safety::Idempotent,
        };
        let answer = self.sender.send(&letter).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// The address of a request: what the template says, below the path of the target.
    fn url(&self, call: &Call, facts: &Facts<'_>, about: &str) -> Result<Url, SinkError> {
        let base = self.base.as_str().trim_end_matches('/');
        let unsendable = |_| SinkError::Unsendable {
            about: about.to_owned(),
        };
        format!("{base}{}", call.path(facts)).parse().map_err(unsendable)
    }

    async fn remembered(&self, conversation: &str) -> Result<Remembered, SinkError> {
        let record = format!("{}#{conversation}", self.name);
        let kept = self.store.record(KIND, &record).await?;
        let version = kept.as_ref().map(|kept| kept.version);
        let ticket = kept.and_then(|kept| serde_json::from_str(&kept.body).ok());
        Ok(Remembered {
            record,
            ticket: ticket.unwrap_or_default(),
            version,
        })
    }

    async fn remember(&self, remembered: &mut Remembered) -> Result<(), SinkError> {
        let put = Put {
            kind: KIND.to_owned(),
            id: remembered.record.clone(),
            body: serde_json::to_string(&remembered.ticket).ok(),
            expect: remembered.version.map_or(Expect::Absent, Expect::Version),
        };
        let commit = Commit {
            records: vec![put],
            ..Commit::default()
        };
        match self.store.commit(commit).await? {
            Committed::Done => {
                remembered.version = Some(remembered.version.map_or(1, |version| version + 1));
                Ok(())
            }
            _ => Err(SinkError::TicketsTaken),
        }
    }
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
    }
}

/// A key that every system takes: 40 characters of SHA-256 where it is longer than that.
fn short(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    match key.len() {
        0..=64 => key.to_owned(),
        _ => hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn value(whole: &impl Serialize, about: &str) -> Result<Value, SinkError> {
    serde_json::to_value(whole).map_err(|_| SinkError::Unsendable {
        about: about.to_owned(),
    })
}
