//! `/api/v2/workflows/tasks`.

use super::{Created, Tasks, Trouble, books, listed::Filter};
use crate::{
    app::App,
    once::{Once, replayed},
    tokens::Bearer,
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use flow::task::Input;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use server::{Json, Refusal};
use std::sync::Arc;
use store::Find;
use url::form_urlencoded;
use wire::{
    Faults,
    ids::{AgentId, CorrelationId, InteractionId, TaskId},
    page::{Page, PageAsked},
    task::{NewTask, Task, TaskPatch, TaskState},
};

/// The path of the tasks.
const PATH: &str = "/api/v2/workflows/tasks";

/// `POST /api/v2/workflows/tasks`: 201 with the task, or 200 with the open one of the same interaction and rule.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let once = Once::of(&bearer, PATH, &headers, &body)?;
    let before = match &once {
        Some(once) => app.tasks.created_for(once).await.map_err(Trouble::refusal)?,
        None => None,
    };
    if let Some(before) = before {
        return Ok(answer(before));
    }
    let new = NewTask::parse_for(&body, |agent| app.tasks.check(agent)).map_err(Refusal::faults)?;
    let created = app.tasks.create(new, once, &correlation).await;
    Ok(answer(created.map_err(Trouble::refusal)?))
}

fn answer(created: Created) -> Response {
    let status = match created.is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let location = [(header::LOCATION, format!("{PATH}/{}", created.task.id))];
    let replayed = replayed(created.replayed);
    (location, replayed, Json(status, created.task)).into_response()
}

/// `GET /api/v2/workflows/tasks/{id}`.
pub(crate) async fn find(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Task>, Refusal> {
    let id = parse_id(&id)?;
    let found = app
        .tasks
        .read(&id)
        .await
        .map_err(|error| Trouble::from(error).refusal())?;
    let (task, _) = found.ok_or_else(|| Trouble::NoTask(id).refusal())?;
    Ok(Json(StatusCode::OK, task))
}

/// `PATCH /api/v2/workflows/tasks/{id}`.
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Path(id): Path<String>,
    body: String,
) -> Result<Json<Task>, Refusal> {
    let id = parse_id(&id)?;
    let patch = TaskPatch::parse_for(&body, |agent| app.tasks.check(agent)).map_err(Refusal::faults)?;
    let changed = app
        .tasks
        .change(&id, Input::Patch(patch), Some(&correlation), None)
        .await;
    Ok(Json(StatusCode::OK, changed.map_err(Trouble::refusal)?))
}

/// What a list is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    interaction_id: Option<String>,
    assignee_id: Option<String>,
    state: Option<String>,
    page_size: Option<String>,
    page_number: Option<String>,
}

/// `GET /api/v2/workflows/tasks`: newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Page<Task>>, Refusal> {
    let mut faults = Faults::new();
    let interaction: Option<InteractionId> =
        read("interactionId", asked.interaction_id.as_deref(), &mut faults);
    let assignee: Option<AgentId> = read("assigneeId", asked.assignee_id.as_deref(), &mut faults);
    let state: Option<TaskState> = read("state", asked.state.as_deref(), &mut faults);
    let page = PageAsked::parse(
        asked.page_size.as_deref(),
        asked.page_number.as_deref(),
        &mut faults,
    );
    let filter = Filter {
        interaction: interaction.as_ref(),
        assignee: assignee.as_ref(),
        state,
    };
    faults.finish(Some(())).map_err(Refusal::faults)?;
    let listed = app.tasks.page(&filter, page).await;
    Ok(Json(
        StatusCode::OK,
        listed.map_err(|error| Trouble::from(error).refusal())?,
    ))
}

impl Tasks {
    /// What is wrong with an assignee.
    fn check(&self, agent: &AgentId) -> Result<(), String> {
        self.roster
            .assignable(agent)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    async fn page(&self, filter: &Filter<'_>, asked: PageAsked) -> Result<Page<Task>, store::Error> {
        let find = Find {
            kind: books::TASK.into(),
            term: filter.term(),
            descending: true,
            skip: asked.skip(),
            ..Find::default()
        };
        let found = self.store.find(&find, asked.size).await?;
        let total = self.store.count(&find.kind, &find.term).await?;
        let tasks = found
            .iter()
            .filter_map(|found| books::read(&found.record.body))
            .collect();
        Ok(asked.page(tasks, total, |next| uri(filter, next)))
    }
}

fn uri(filter: &Filter<'_>, page: PageAsked) -> String {
    let mut query = form_urlencoded::Serializer::new(format!("{PATH}?"));
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    };
    add("interactionId", filter.interaction.map(InteractionId::as_str));
    add("assigneeId", filter.assignee.map(AgentId::as_str));
    add("state", filter.state.map(TaskState::as_str));
    add("pageSize", Some(&page.size.to_string()));
    add("pageNumber", Some(&page.number.to_string()));
    query.finish()
}

/// Reads a query parameter; an empty one is as good as none (contract section 7).
fn read<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<&str>,
    faults: &mut Faults,
) -> Option<T> {
    let text = text.filter(|text| !text.is_empty())?;
    faults.keep(text.parse().map_err(|error| format!("{name} {error}")))
}

/// The id in a path.
pub(crate) fn parse_id(id: &str) -> Result<TaskId, Refusal> {
    id.parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("the task's id {error}"))))
}
