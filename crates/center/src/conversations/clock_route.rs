//! `POST /center/v1/conversations/{id}/clock`: time passes for one conversation.

use super::{
    Conversations,
    changing::Cause,
    entries::Note,
    routes::{detached, parse_id},
    trouble::Trouble,
};
use crate::app::App;
use axum::{
    Extension,
    extract::{Path, State},
};
use http::StatusCode;
use serde_json::{Value, json};
use server::{Json, Refusal};
use std::{sync::Arc, time::Duration};
use wire::{
    Faults,
    fault::{self, Object},
    ids::{ConversationId, CorrelationId},
};

/// The most time that passes at once: a year.
const MOST_MS: u64 = 365 * 24 * 3_600 * 1_000;
/// How far a conversation's clock can be ahead.
const MOST_AHEAD_MS: u64 = 10 * MOST_MS;

/// Moves the clock on; what is due by then has happened when this answers.
pub(crate) async fn advance(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Path(id): Path<String>,
    body: String,
) -> Result<Json<Value>, Refusal> {
    let id = parse_id(&id)?;
    let by = read(&body).map_err(Refusal::faults)?;
    let cause = Cause {
        received: app.clock.now(),
        correlation: Some(correlation),
    };
    let ahead = detached(async move { app.conversations.advance(&id, by, &cause).await }).await?;
    Ok(Json(StatusCode::OK, json!({"aheadMs": ahead})))
}

fn read(body: &str) -> Result<u64, Faults> {
    let mut faults = Faults::new();
    let value = fault::json(body, &mut faults);
    let read = value.and_then(|value| {
        let body = Object::top(&value, &mut faults)?;
        if !body.has("advanceMs") {
            faults.push("advanceMs is missing");
        }
        body.optional_whole("advanceMs", 0..=MOST_MS, &mut faults)
    });
    faults.finish(read)
}

impl Conversations {
    /// Gives by how much the clock is ahead.
    async fn advance(
        self: &Arc<Self>,
        id: &ConversationId,
        by_ms: u64,
        cause: &Cause,
    ) -> Result<u64, Trouble> {
        self.alter(id, cause, |draft, _| {
            let ahead = draft.kept.ahead_ms + by_ms;
            if ahead > MOST_AHEAD_MS {
                return Err(Trouble::Faults(Faults::one(format!(
                    "advanceMs: the clock would be {ahead} ms ahead, at most {MOST_AHEAD_MS} are possible"
                ))));
            }
            draft.kept.ahead_ms = ahead;
            let moved = json!({"advanceMs": by_ms, "aheadMs": ahead});
            draft.notes.push(Note::of("conversation.clock", moved));
            draft.now = draft.now.after(Duration::from_millis(by_ms));
            draft.pass_time();
            Ok(ahead)
        })
        .await
    }
}
