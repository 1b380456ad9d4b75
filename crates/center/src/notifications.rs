//! Telling an agent something: `POST /api/v2/notifications/agents` (contract section 7).

use crate::{
    app::App,
    clock::Clock,
    once::{Looked, Once, replayed},
    tasks::{MOST_TRIES, Trouble, keepable, to_ms},
    tokens::Bearer,
};
use audit::{Actor, Entry, Outcome};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, json};
use server::{Json, Refusal};
use std::{sync::Arc, time::Duration};
use store::{Commit, Committed, Expect, Find, Put, Store, Terms};
use wire::{
    desk::{DeskEvent, Notification},
    ids::{AgentId, CorrelationId, NotificationId},
    notification::NewNotification,
};

/// The kind of the records.
pub(crate) const NOTIFICATION: &str = "notification";
/// How long notifications are kept.
pub(crate) const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many a desktop has.
const MOST_SHOWN: usize = 50;
const PATH: &str = "/api/v2/notifications/agents";

/// `POST /api/v2/notifications/agents`: 201 with the id, when it is durable.
pub(crate) async fn notify(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let once = Once::of(&bearer, PATH, &headers, &body)?;
    let before = match &once {
        Some(once) => sent_for(&app, once).await.map_err(Trouble::refusal)?,
        None => None,
    };
    if let Some(before) = before {
        return Ok(answer(&before));
    }
    let check = |agent: &AgentId| {
        app.tenant
            .roster
            .assignable(agent)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let new = NewNotification::parse_for(&body, check).map_err(Refusal::faults)?;
    let sent = send(&app, &new, once.as_ref(), &correlation).await;
    Ok(answer(&sent.map_err(Trouble::refusal)?))
}

/// A notification that is durable.
struct Sent {
    id: NotificationId,
    /// It was sent for the same key before.
    replayed: bool,
}

fn answer(sent: &Sent) -> Response {
    (
        replayed(sent.replayed),
        Json(StatusCode::CREATED, json!({"id": sent.id})),
    )
        .into_response()
}

/// What was sent for a key before.
async fn sent_for(app: &App, once: &Once) -> Result<Option<Sent>, Trouble> {
    match once.look(&app.store).await? {
        Looked::Made { id, .. } => Ok(Some(Sent { id, replayed: true })),
        Looked::OtherBody => Err(Trouble::OtherBody),
        Looked::Unused(_) => Ok(None),
    }
}

async fn send(
    app: &App,
    new: &NewNotification,
    once: Option<&Once>,
    correlation: &CorrelationId,
) -> Result<Sent, Trouble> {
    for _ in 0..MOST_TRIES {
        let key = match once {
            None => None,
            Some(once) => match once.look(&app.store).await? {
                Looked::Made { id, .. } => return Ok(Sent { id, replayed: true }),
                Looked::OtherBody => return Err(Trouble::OtherBody),
                Looked::Unused(expect) => Some((once, expect)),
            },
        };
        let notification = Notification {
            id: NotificationId::from_uuid(uuid::Uuid::now_v7()),
            message: new.message.clone(),
            priority: new.priority,
            at: Clock::utc_ms(),
        };
        let id = notification.id.clone();
        let mut commit = commit(&new.agent_id, &notification, correlation);
        commit
            .records
            .extend(key.map(|(once, expect)| once.put(id.as_str(), true, expect)));
        let told = vec![(new.agent_id.clone(), DeskEvent::Notification { notification })];
        if app.desks.commit(commit, told).await? == Committed::Done {
            return Ok(Sent { id, replayed: false });
        }
    }
    Err(Trouble::Busy)
}

fn commit(agent: &AgentId, notification: &Notification, correlation: &CorrelationId) -> Commit {
    let (kind, id) = (NOTIFICATION.to_owned(), notification.id.to_string());
    let put = Put {
        kind: kind.clone(),
        id: id.clone(),
        body: Some(serde_json::to_string(notification).unwrap_or_default()),
        expect: Expect::Absent,
    };
    let terms = Terms {
        kind,
        id: id.clone(),
        terms: vec![(agent.to_string(), to_ms(notification.at))],
    };
    let mut detail = Map::new();
    detail.insert("agentId".into(), json!(agent));
    detail.insert("priority".into(), json!(notification.priority));
    let entry = Entry {
        at: notification.at,
        actor: Actor::Center,
        action: "notification.sent".into(),
        subject: Some(id),
        correlation: Some(correlation.clone()),
        outcome: Outcome::Success,
        detail,
        personal: vec![("message".into(), keepable(&notification.message))],
    };
    Commit {
        records: vec![put],
        terms: vec![terms],
        audit: vec![entry],
        ..Commit::default()
    }
}

/// The newest notifications of an agent, newest first.
pub(crate) async fn newest(store: &Store, agent: &AgentId) -> Result<Vec<Notification>, store::Error> {
    let find = Find {
        kind: NOTIFICATION.into(),
        term: agent.to_string(),
        descending: true,
        ..Find::default()
    };
    let found = store.find(&find, MOST_SHOWN).await?;
    Ok(found
        .iter()
        .filter_map(|found| serde_json::from_str(&found.record.body).ok())
        .collect())
}
