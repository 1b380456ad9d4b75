//! `/api/v2/media/sessions`.

use super::{books, creating::Asked, session::PATH, session::Session, trouble::Trouble};
use crate::{app::App, tokens::Bearer};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Deserialize;
use server::{Json, Refusal};
use std::sync::Arc;
use url::form_urlencoded;
use wire::{
    Faults,
    ids::{CorrelationId, SessionId},
    page::PageAsked,
    playback::{Control, NewSession, Session as Wired, SessionFilter, SessionPage},
};

/// Who asks, in which request.
struct Request<'a> {
    app: &'a App,
    bearer: &'a Bearer,
    correlation: &'a CorrelationId,
    directive: &'static str,
}

impl Request<'_> {
    /// The refusal; that there was a directive is noted.
    fn refused(&self, session: Option<&SessionId>, trouble: Trouble) -> Refusal {
        let refusal = trouble.refusal();
        let subject = session.map(ToString::to_string);
        let status = refusal.status().as_u16();
        let entry = books::refused(
            self.directive,
            subject,
            &self.bearer.client,
            status,
            self.correlation,
        );
        self.app.playback.teller.note(entry);
        refusal
    }

    /// The client's session of that id.
    fn session(&self, id: &str) -> Result<Arc<Session>, Refusal> {
        let id: SessionId = id
            .parse()
            .map_err(|error| Refusal::faults(Faults::one(format!("the session's id {error}"))))?;
        let found = self.app.playback.book.find(&self.bearer.client, &id);
        found.ok_or_else(|| Trouble::Unknown(id).refusal())
    }
}

/// `POST /api/v2/media/sessions`: 201 when the first frame is ready.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    body: String,
) -> Result<Response, Refusal> {
    let received = app.clock.now();
    let request = Request {
        app: &app,
        bearer: &bearer,
        correlation: &correlation,
        directive: "create",
    };
    let directive = NewSession::parse(&body).map_err(|faults| request.refused(None, faults.into()))?;
    let id = directive.session.clone();
    let asked = Asked {
        directive,
        client: bearer.client.clone(),
        correlation: correlation.clone(),
        received,
    };
    let created = app.playback.create(&app.tenant.prompts, &app.switch, asked).await;
    let session = created.map_err(|trouble| request.refused(Some(&id), trouble))?;
    let view = session.view();
    let location = [(header::LOCATION, view.self_uri.clone())];
    Ok((location, Json(StatusCode::CREATED, view)).into_response())
}

/// `GET /api/v2/media/sessions/{id}`.
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    Path(id): Path<String>,
) -> Result<Json<Wired>, Refusal> {
    let request = Request {
        app: &app,
        bearer: &bearer,
        correlation: &correlation,
        directive: "find",
    };
    Ok(Json(StatusCode::OK, request.session(&id)?.view()))
}

/// `DELETE /api/v2/media/sessions/{id}`: it is stopped, unless it is over.
pub(crate) async fn stop(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let received = app.clock.now();
    let request = Request {
        app: &app,
        bearer: &bearer,
        correlation: &correlation,
        directive: "stop",
    };
    let session = request.session(&id)?;
    let stopped = app.playback.stop(&session, correlation.clone(), received).await;
    stopped.map_err(|trouble| request.refused(Some(&session.facts.id), trouble))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v2/media/sessions/{id}/control`: the session after it.
pub(crate) async fn control(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    Path(id): Path<String>,
    body: String,
) -> Result<Json<Wired>, Refusal> {
    let received = app.clock.now();
    let mut request = Request {
        app: &app,
        bearer: &bearer,
        correlation: &correlation,
        directive: "control",
    };
    let session = request.session(&id)?;
    let id = Some(&session.facts.id);
    let control = Control::parse(&body).map_err(|faults| request.refused(id, faults.into()))?;
    request.directive = control.action().as_str();
    let done = app
        .playback
        .control(&session, control, correlation.clone(), received);
    done.await.map_err(|trouble| request.refused(id, trouble))?;
    Ok(Json(StatusCode::OK, session.view()))
}

/// What a list is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListAsked {
    status: Option<String>,
    page_size: Option<String>,
    page_number: Option<String>,
}

/// `GET /api/v2/media/sessions?status=active`: the client's own, newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Extension(bearer): Extension<Bearer>,
    Query(asked): Query<ListAsked>,
) -> Result<Json<SessionPage>, Refusal> {
    let mut faults = Faults::new();
    let filter = SessionFilter::parse(asked.status.as_deref(), &mut faults);
    let (size, number) = (asked.page_size.as_deref(), asked.page_number.as_deref());
    let page = PageAsked::parse(size, number, &mut faults);
    faults.finish(Some(())).map_err(Refusal::faults)?;
    let now = app.clock.now();
    let (sessions, total) = app.playback.book.list(&bearer.client, filter, page, now);
    let uri_of = |next: PageAsked| {
        let mut query = form_urlencoded::Serializer::new(format!("{PATH}?"));
        query.append_pair("status", filter.as_str());
        query.append_pair("pageSize", &next.size.to_string());
        query.append_pair("pageNumber", &next.number.to_string());
        query.finish()
    };
    let entities = sessions.iter().map(|session| session.view()).collect();
    Ok(Json(StatusCode::OK, page.page(entities, total, uri_of)))
}
