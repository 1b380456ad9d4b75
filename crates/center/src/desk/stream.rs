//! `GET /agent/{id}/events`: an agent's events as server-sent events.

use super::{EVENT, Place, api::agent};
use crate::{app::App, tasks::Trouble};
use axum::{
    extract::{Path, Query, State},
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};
use http::HeaderMap;
use serde::Deserialize;
use server::Refusal;
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use store::Find;
use wire::{Faults, desk::DeskEvent, fault::shorten, ids::AgentId};

/// How often a stream says that it lives, when there is nothing else to say. The page counts on it (`SILENT_MS` in `live.js`).
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a desktop asks again after its stream broke.
const RETRY: Duration = Duration::from_secs(1);
/// How often a stream looks for events of other processes.
const POLL: Duration = Duration::from_secs(1);
/// Most events that are read at once.
const BATCH: usize = 64;
/// When a desktop may ask again that found no place.
const FULL_FOR_S: u64 = 10;

/// Where the stream begins, unless a header says so.
#[derive(Deserialize)]
pub(crate) struct Begin {
    after: Option<String>,
}

/// Follows a desktop from the event after `Last-Event-ID`, else after `?after=`, else from now on.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(Begin { after }): Query<Begin>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let (agent, _) = agent(&app, &id)?;
    let after = begin(&headers, after.as_deref()).map_err(Refusal::faults)?;
    let full = || Refusal::unavailable("too many desktops are open; close some", FULL_FOR_S);
    let place = app.desks.place(&agent).ok_or_else(full)?;
    let cursor = app
        .desks
        .cursor(&agent)
        .await
        .map_err(|error| Trouble::from(error).refusal())?;
    let mut follower = Follower {
        app,
        agent,
        place,
        after: after.unwrap_or(cursor),
        cursor,
        ready: VecDeque::from([Event::default().retry(RETRY)]),
    };
    if follower.after > cursor {
        follower.reset(cursor);
    }
    let events = stream::unfold(follower, async |mut follower| {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    // An event, not a comment: scripts can't see comments. It has no number, so that `Last-Event-ID` stays.
    let beat = Event::default().event("beat").data("{}");
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).event(beat)))
}

fn begin(headers: &HeaderMap, after: Option<&str>) -> Result<Option<i64>, Faults> {
    let last = headers
        .get("last-event-id")
        .map(|last| last.to_str().unwrap_or_default());
    let (name, given) = match last.filter(|last| !last.is_empty()) {
        Some(last) => ("Last-Event-ID", Some(last)),
        None => ("after", after),
    };
    let number = |given: &str| {
        let number = given.parse::<i64>().ok().filter(|number| *number >= 0);
        let fault = || {
            Faults::one(format!(
                "{name} must be the number of an event, not {:?}",
                shorten(given)
            ))
        };
        number.ok_or_else(fault)
    };
    given.map(number).transpose()
}

/// One stream.
struct Follower {
    app: Arc<App>,
    agent: AgentId,
    place: Place,
    /// The number of the last event that is ready or sent.
    after: i64,
    /// The number of the last event that there was when the stream began.
    cursor: i64,
    ready: VecDeque<Event>,
}

impl Follower {
    /// The next event; `None` when the center closes.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            // Before the look: what comes after it is told.
            self.place.news.mark_unchanged();
            let closing = self.app.closing.clone();
            match closing.run_until_cancelled(self.look()).await? {
                Ok(()) if !self.ready.is_empty() => continue,
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(agent = %self.agent, %error, "the events of a desktop can't be read");
                    closing.run_until_cancelled(tokio::time::sleep(POLL)).await?;
                }
            }
            tokio::select! {
                () = closing.cancelled() => return None,
                _ = self.place.news.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Makes ready what comes after the last event.
    async fn look(&mut self) -> Result<(), store::Error> {
        let find = Find {
            kind: EVENT.into(),
            term: self.agent.to_string(),
            after: Some(self.after),
            ..Find::default()
        };
        let found = self.app.store.find(&find, BATCH).await?;
        if found.is_empty() && self.after < self.cursor {
            self.reset(self.cursor);
        }
        for found in found {
            if found.place != self.after + 1 {
                // What is between is not kept any more.
                let cursor = self.app.desks.cursor(&self.agent).await?;
                self.reset(cursor);
                return Ok(());
            }
            self.after = found.place;
            self.ready.extend(event(&found.record.body, found.place));
        }
        Ok(())
    }

    /// The desktop is to be loaded anew.
    fn reset(&mut self, cursor: i64) {
        self.after = cursor;
        let reset = serde_json::to_string(&DeskEvent::Reset { cursor });
        self.ready
            .extend(reset.ok().and_then(|reset| event(&reset, cursor)));
    }
}

fn event(body: &str, number: i64) -> Option<Event> {
    let read = serde_json::from_str::<DeskEvent>(body);
    let event = read
        .inspect_err(|error| tracing::error!(%error, "an event of a desktop can't be read"))
        .ok()?;
    Some(
        Event::default()
            .id(number.to_string())
            .event(event.kind())
            .data(body),
    )
}
