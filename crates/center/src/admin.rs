//! The center's own interface, for administrators: test calls, recordings, faults, status (`/center/v1`).

use crate::{
    app::App,
    calls,
    faults::Fault,
    keeping::{self, Foreseen, Placed},
    prompts, recordings,
    switch::{Overloaded, PlaceError, Placement},
};
use audio::Law;
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use flow::call::{
    Facts,
    caller::{Caller, Deed},
};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use server::{Json, Refusal};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;
use wire::{
    Faults,
    callcontrol::HangupCause,
    calls::{CallRecord, PlaceCall},
    ids::{CallId, ClientId, CorrelationId},
    script::Step,
};

/// Longest long poll, in seconds.
const MAX_WAIT_S: u64 = 30;
/// How long the store may take to keep a call that is placed.
const KEEPING_PATIENCE: Duration = Duration::from_secs(10);
/// How many of the calls that ended last the status has.
const RECENT: usize = 100;
/// Most live calls that are passed over in the store while looking for those that ended.
const MOST_LIVE: usize = 1_000;

/// `POST /center/v1/calls`: a test caller rings. Answered when the call is durable.
pub(crate) async fn place_call(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    body: String,
) -> Result<Json<CallRecord>, Refusal> {
    let call = PlaceCall::parse(&body).map_err(Refusal::faults)?;
    let (durable, kept) = oneshot::channel();
    let placed = Placed {
        correlation: Some(correlation),
        durable: Some(durable),
    };
    let record = place(&app, call, placed, None).await?;
    match tokio::time::timeout(KEEPING_PATIENCE, kept).await {
        Ok(Ok(())) => Ok(Json(StatusCode::CREATED, record)),
        _ => {
            // Who is told that there is no call must not find one.
            app.switch.end(record.id, HangupCause::Caller).await;
            Err(calls::store_unavailable())
        }
    }
}

/// Places a call; speech in its script is decoded first.
pub(crate) async fn place(
    app: &App,
    call: PlaceCall,
    placed: Placed,
    on_demand_for: Option<ClientId>,
) -> Result<CallRecord, Refusal> {
    let flow = app.tenant.flow_of(call.flow.as_ref()).map_err(Refusal::faults)?;
    let facts = Facts {
        id: call.id.unwrap_or_else(|| CallId::from_uuid(uuid::Uuid::now_v7())),
        ani: call.ani,
        dnis: call.dnis,
        external_id: call.external_id,
        codec: call.codec,
    };
    let law = facts.law();
    let decoded = tokio::task::spawn_blocking(move || decode_script(call.script, law)).await;
    let caller = decoded
        .map_err(|error| Refusal::internal(&error))?
        .map_err(Refusal::faults)?;
    let placement = Placement {
        facts,
        caller,
        record: call.record,
        placed,
        foreseen: Foreseen {
            agent_id: call.agent_id,
            responses: call.form,
        },
        on_demand_for,
        flow,
    };
    app.switch.place(placement).await.map_err(|error| match error {
        PlaceError::Live(_) => Refusal::new(StatusCode::CONFLICT, error.to_string()),
        PlaceError::Full => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    })
}

fn decode_script(script: Vec<Step>, law: Law) -> Result<Caller, Faults> {
    let mut faults = Faults::new();
    let steps = script.into_iter().enumerate().filter_map(|(at, step)| {
        let deed = Deed::from_act(&step.act, |bytes| prompts::prepare(bytes.to_vec()));
        let deed = faults.keep(deed.map_err(|error| format!("script[{at}].do.speak: {error}")));
        deed.map(|deed| (step.when, deed))
    });
    let steps: Vec<_> = steps.collect();
    faults.finish(Some(Caller::new(law, steps)))
}

/// `?wait=SECONDS`.
#[derive(Deserialize)]
pub(crate) struct Wait {
    wait: Option<u64>,
}

/// `GET /center/v1/calls/{id}?wait=N`: a call; with `wait`, answers when it is over, at the latest after N seconds.
pub(crate) async fn call(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<CallRecord>, Refusal> {
    let id = parse_id(&id)?;
    if let Some(seconds) = wait {
        let patience = Duration::from_secs(seconds.min(MAX_WAIT_S));
        let ended = tokio::time::timeout(patience, app.switch.ended(id.clone())).await;
        if let Ok(Some(record)) = ended {
            return Ok(Json(StatusCode::OK, record));
        }
    }
    Ok(Json(StatusCode::OK, find(&app, id).await?))
}

/// `DELETE /center/v1/calls/{id}`: the caller hangs up.
pub(crate) async fn end_call(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let id = parse_id(&id)?;
    find(&app, id.clone()).await?;
    app.switch.end(id, HangupCause::Caller).await;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /center/v1/calls/{id}/recording`: the WAV file.
pub(crate) async fn recording(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = parse_id(&id)?;
    let record = find(&app, id).await?;
    let none = || Refusal::new(StatusCode::NOT_FOUND, "the call was not recorded");
    let path = recordings::file_in(&app.recordings, &record.recording.ok_or_else(none)?);
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|error| Refusal::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], Body::from(bytes)).into_response())
}

async fn find(app: &App, id: CallId) -> Result<CallRecord, Refusal> {
    let missing = Refusal::new(StatusCode::NOT_FOUND, format!("there is no call {id:?}"));
    calls::find(app, id).await?.ok_or(missing)
}

fn parse_id(id: &str) -> Result<CallId, Refusal> {
    id.parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("the call's id {error}"))))
}

/// `GET /center/v1/prompts`: the ids of the library, and the nodes of flows that compiled prompts serve: those are heard first.
pub(crate) async fn prompts(State(app): State<Arc<App>>) -> Result<Json<Value>, Refusal> {
    let ids: Vec<_> = app.tenant.prompt_ids().collect();
    let flows = app.media.nodes_by_flow().await.map_err(|error| {
        tracing::error!(%error, "the prompts of flows can't be looked up");
        calls::store_unavailable()
    })?;
    let flows = flows
        .into_iter()
        .map(|(flow, nodes)| json!({"flowId": flow, "nodes": nodes}));
    let flows: Vec<Value> = flows.collect();
    let body = json!({"tenant": app.tenant.name, "prompts": ids, "flows": flows});
    Ok(Json(StatusCode::OK, body))
}

/// `GET /center/v1/status`: calls, live and recent, and the punctuality of frames.
pub(crate) async fn status(State(app): State<Arc<App>>) -> Result<Json<Value>, Refusal> {
    let status = app.switch.status().await;
    let status = status.ok_or_else(|| calls::overloaded(&Overloaded))?;
    let live = status.live_calls.min(MOST_LIVE);
    let mut body = serde_json::to_value(status).map_err(|error| Refusal::internal(&error))?;
    // How the center does can be asked even while the store does not answer.
    match keeping::recent(&app.store, RECENT, live).await {
        Ok(recent) => body["recent"] = json!(recent),
        Err(error) => {
            body["recent"] = json!([]);
            body["storeFault"] = error.to_string().into();
        }
    }
    body["controllers"] = app.upgraded.len().into();
    body["playback"] = json!(app.playback.status());
    Ok(Json(StatusCode::OK, body))
}

/// `GET /center/v1/faults`.
pub(crate) async fn faults(State(app): State<Arc<App>>) -> Json<Value> {
    Json(StatusCode::OK, json!({"faults": app.faults.list()}))
}

/// `POST /center/v1/faults`: a route is to be slow or to fail.
pub(crate) async fn add_fault(State(app): State<Arc<App>>, body: String) -> Result<StatusCode, Refusal> {
    let fault = Fault::parse(&body).map_err(Refusal::faults)?;
    if app.faults.add(fault) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(
        StatusCode::CONFLICT,
        "there are too many faults; DELETE /center/v1/faults ends them",
    ))
}

/// `DELETE /center/v1/faults`.
pub(crate) async fn clear_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

/// `DELETE /center/v1/tokens`: every token becomes invalid, as if all had been revoked.
pub(crate) async fn revoke_tokens(State(app): State<Arc<App>>) -> StatusCode {
    app.tokens.revoke_all();
    StatusCode::NO_CONTENT
}
