//! Calls as others see them: from the switch while they live, from the store after that.

use crate::{
    app::App,
    keeping,
    switch::{AttachError, Overloaded},
};
use http::StatusCode;
use server::Refusal;
use wire::{calls::CallRecord, ids::CallId};

/// When a client may try again after the store failed, in seconds.
const RETRY_AFTER_S: u64 = 5;

/// The last call of that id.
pub(crate) async fn find(app: &App, id: CallId) -> Result<Option<CallRecord>, Refusal> {
    let live = app.switch.record(id.clone()).await;
    if let Some(live) = live.map_err(|error| overloaded(&error))? {
        return Ok(Some(live));
    }
    keeping::find(&app.store, &id).await.map_err(|error| {
        tracing::error!(%error, "a call can't be looked up");
        store_unavailable()
    })
}

/// Why there is no such call to be had: one that has ended is known to the store.
pub(crate) async fn not_there(app: &App, id: CallId) -> AttachError {
    match keeping::find(&app.store, &id).await {
        Ok(Some(_)) => AttachError::Refused(format!("the call {id:?} has ended")),
        _ => AttachError::Unknown(id),
    }
}

/// 503: nothing can be kept or looked up now.
pub(crate) fn store_unavailable() -> Refusal {
    Refusal::unavailable("the store does not answer; the log says why", RETRY_AFTER_S)
}

pub(crate) fn overloaded(error: &Overloaded) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}
