//! `GET /center/v1/bots/{id}`: what a bot is, and what scenarios can reach of it.

use super::configured::Answers;
use crate::app::App;
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use server::Refusal;
use std::sync::Arc;
use wire::fault::shorten;

/// A bot as administrators see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a str,
    /// What it is called; a webhook bot has only its id.
    name: &'a str,
    /// `file` or `webhook`.
    kind: &'static str,
    /// Where its file is, or its webhook.
    source: &'a str,
    /// What scenarios can reach; nothing is known of a webhook bot.
    coverage_items: Vec<String>,
}

/// A bot by its id.
pub(crate) async fn find(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Some(bot) = app.bots.get(&id) else {
        return Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no bot {:?}", shorten(&id)),
        )
        .into_response();
    };
    let (kind, name, coverage_items) = match &bot.answers {
        Answers::File(file) => ("file", file.name.as_str(), file.coverage_items()),
        Answers::Webhook(_) => ("webhook", id.as_str(), Vec::new()),
    };
    let shown = Shown {
        id: &id,
        name,
        kind,
        source: &bot.source,
        coverage_items,
    };
    Json(shown).into_response()
}
