//! What a desktop asks for, and what is done on it.

use crate::{
    app::App,
    clock::Clock,
    notifications,
    page::{self, Page},
    tasks::{Trouble, parse_id},
};
use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use flow::task::Input;
use http::{HeaderMap, StatusCode, header};
use server::{Json, Refusal};
use std::sync::Arc;
use wire::{
    Faults,
    desk::{Deed, Desk},
    ids::{AgentId, CorrelationId},
    task::Task,
};

/// `GET /agent/{id}`: the page, which asks for all that it shows.
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let page = match agent(&app, &id) {
        Ok(_) => Page::Desktop,
        Err(_) => Page::Unknown,
    };
    page::show(page, &headers)
}

/// `GET /agent/{id}/desk`: the desktop as it stands.
pub(crate) async fn snapshot(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Desk>, Refusal> {
    let (agent_id, name) = agent(&app, &id)?;
    let desk = read(&app, agent_id, name).await;
    Ok(Json(
        StatusCode::OK,
        desk.map_err(|error| Trouble::from(error).refusal())?,
    ))
}

async fn read(app: &App, agent_id: AgentId, name: String) -> Result<Desk, store::Error> {
    // The cursor first: what happens meanwhile comes as an event, too, and nothing is missed.
    let cursor = app.desks.cursor(&agent_id).await?;
    let (tasks, more) = app.tasks.shown_to(&agent_id).await?;
    Ok(Desk {
        tasks,
        more,
        notifications: notifications::newest(&app.store, &agent_id).await?,
        now: Clock::utc_ms(),
        agent_id,
        name,
        cursor,
    })
}

/// `POST /agent/{id}/tasks/{task}/{accept|decline|snooze|complete}`.
pub(crate) async fn deed(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Path((id, task, verb)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Task>, Refusal> {
    let (agent, _) = agent(&app, &id)?;
    let task = parse_id(&task)?;
    check_type(&headers, &body)?;
    let unknown = || {
        let message = format!(
            "there is no deed {:?}; known are accept, decline, snooze, complete",
            wire::fault::shorten(&verb)
        );
        Refusal::new(StatusCode::NOT_FOUND, message)
    };
    let deed = Deed::parse(&verb, &body)
        .ok_or_else(unknown)?
        .map_err(Refusal::faults)?;
    let changed = app
        .tasks
        .change(&task, Input::Deed { agent, deed }, Some(&correlation), None)
        .await;
    Ok(Json(StatusCode::OK, changed.map_err(Trouble::refusal)?))
}

/// A form of another site can't send JSON as such.
fn check_type(headers: &HeaderMap, body: &str) -> Result<(), Refusal> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|given| given.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if body.is_empty() || essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the Content-Type must be application/json",
    ))
}

/// The agent of a path, and the name for people.
pub(super) fn agent(app: &App, id: &str) -> Result<(AgentId, String), Refusal> {
    let id: AgentId = id
        .parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("the agent's id {error}"))))?;
    match app.tenant.roster.get(&id) {
        Some(agent) => Ok((id, agent.name.clone())),
        None => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no agent {:?}", wire::fault::shorten(id.as_str())),
        )),
    }
}
