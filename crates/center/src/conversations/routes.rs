//! `/api/v2/conversations` and its analytics.

use super::{changing::Cause, kept::Key, trouble::Trouble};
use crate::{
    app::App,
    http::key_of,
    once::{Once, replayed},
    tokens::Bearer,
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use server::{Json, Refusal};
use std::sync::Arc;
use wire::{
    Faults,
    conversation::{
        Conversation, ConversationChange, ConversationPage, DetailsAnswer, DetailsQuery, IfMatch,
        Interaction, InteractionsAsked, ListAsked, NewConversation, NewInteraction, etag,
    },
    ids::{ConversationId, CorrelationId, InteractionId},
};

/// Where conversations are created, and listed.
pub(super) const PATH: &str = "/api/v2/conversations";

/// The conversation's id in a path.
pub(super) fn parse_id(id: &str) -> Result<ConversationId, Refusal> {
    id.parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("the conversation's id {error}"))))
}

fn cause(app: &App, correlation: CorrelationId) -> Cause {
    Cause {
        received: app.clock.now(),
        correlation: Some(correlation),
    }
}

/// The idempotency key of a message, if it has one. The store remembers it with what was said, for as long as that is there.
fn key(bearer: &Bearer, headers: &HeaderMap, body: &str) -> Result<Option<Key>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key_of(key)?;
    Ok(Some(Key::new(bearer.client.as_str(), key.as_str(), body)))
}

/// Runs to its end also when the client hangs up half-way: what is committed must be told to those who wait for it.
pub(super) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::spawn(work).await {
        Ok(done) => done.map_err(Trouble::refusal),
        Err(error) => Err(Trouble::BrokenOff(error).refusal()),
    }
}

fn shown(status: StatusCode, view: Conversation) -> Response {
    ([(header::ETAG, etag(view.version))], Json(status, view)).into_response()
}

/// `POST /api/v2/conversations`.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let cause = cause(&app, correlation);
    let new = NewConversation::parse(&body).map_err(Refusal::faults)?;
    let once = Once::of(&bearer, PATH, &headers, &body)?;
    let location = format!("{PATH}/{}", new.id);
    let (view, is_replayed) =
        detached(async move { app.conversations.create(new, once, &cause).await }).await?;
    let told = (replayed(is_replayed), [(header::LOCATION, location)]);
    Ok((told, shown(StatusCode::CREATED, view)).into_response())
}

/// `GET /api/v2/conversations/{id}`.
pub(crate) async fn find(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let view = app.conversations.view(&parse_id(&id)?).await;
    Ok(shown(StatusCode::OK, view.map_err(Trouble::refusal)?))
}

/// `PUT /api/v2/conversations/{id}`: state and context, with `If-Match` only of the version that it names.
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let cause = cause(&app, correlation);
    let id = parse_id(&id)?;
    let mut faults = Faults::new();
    let condition = headers.get(header::IF_MATCH).and_then(|value| {
        let value = value.to_str().unwrap_or_default();
        faults.keep(IfMatch::parse(value).map_err(|error| error.to_string()))
    });
    faults.finish(Some(())).map_err(Refusal::faults)?;
    let change = ConversationChange::parse_as_shown(&body).map_err(Refusal::faults)?;
    let changed = async move { app.conversations.change(&id, change, condition, &cause).await };
    Ok(shown(StatusCode::OK, detached(changed).await?))
}

/// `POST /api/v2/conversations/{id}/interactions`: 201 when the message and what is answered at once are durable.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let cause = cause(&app, correlation);
    let id = parse_id(&id)?;
    let new = NewInteraction::parse(&body).map_err(Refusal::faults)?;
    let key = key(&bearer, &headers, &body)?;
    let (posted, is_replayed) =
        detached(async move { app.conversations.say(&id, new, key, &cause).await }).await?;
    Ok((replayed(is_replayed), Json(StatusCode::CREATED, posted)).into_response())
}

/// Which interactions are asked for.
#[derive(Deserialize)]
pub(crate) struct Asked {
    limit: Option<String>,
    order: Option<String>,
    after: Option<String>,
    wait: Option<String>,
}

/// Interactions as they are shown, which memory shares.
pub(crate) struct Heard(Vec<Arc<Interaction>>);

impl Serialize for Heard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|one| &**one))
    }
}

/// `GET /api/v2/conversations/{id}/interactions`: marks nothing as read.
pub(crate) async fn interactions(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Heard>, Refusal> {
    let id = parse_id(&id)?;
    let mut faults = Faults::new();
    let parameters = [&asked.limit, &asked.order, &asked.after, &asked.wait];
    let [limit, order, after, wait] = parameters.map(Option::as_deref);
    let asked = InteractionsAsked::parse(limit, order, after, wait, &mut faults);
    faults.finish(Some(())).map_err(Refusal::faults)?;
    let heard = app
        .conversations
        .heard(&id, &asked)
        .await
        .map_err(Trouble::refusal)?;
    Ok(Json(StatusCode::OK, Heard(heard)))
}

/// `POST /api/v2/conversations/{id}/interactions/{interaction}/read`.
pub(crate) async fn mark_read(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Path((id, interaction)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let cause = cause(&app, correlation);
    let id = parse_id(&id)?;
    let interaction: InteractionId = interaction
        .parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("the interaction's id {error}"))))?;
    detached(async move { app.conversations.mark(&id, &interaction, &cause).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a list is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    updated_date_gte: Option<String>,
    page_size: Option<String>,
    cursor: Option<String>,
    expand: Option<String>,
}

/// `GET /api/v2/conversations`.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(asked): Query<Listed>,
) -> Result<Json<ConversationPage<Box<RawValue>>>, Refusal> {
    let mut faults = Faults::new();
    let since = asked.updated_date_gte.as_deref();
    let asked = ListAsked::parse(
        since,
        asked.page_size.as_deref(),
        asked.cursor.as_deref(),
        asked.expand.as_deref(),
        &mut faults,
    );
    faults.finish(Some(())).map_err(Refusal::faults)?;
    let page = app.conversations.list(asked).await.map_err(Trouble::refusal)?;
    Ok(Json(StatusCode::OK, page))
}

/// `POST /api/v2/analytics/conversations/details/query`.
pub(crate) async fn details(
    State(app): State<Arc<App>>,
    body: String,
) -> Result<Json<DetailsAnswer>, Refusal> {
    let query = DetailsQuery::parse(&body).map_err(Refusal::faults)?;
    let answer = app
        .conversations
        .details(&query)
        .await
        .map_err(Trouble::refusal)?;
    Ok(Json(StatusCode::OK, answer))
}
