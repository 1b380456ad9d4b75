//! Interactions and the forms that customers filled in about them: `GET /api/v2/interactions/{id}/postinteractionforms`
//! (contract section 7).

use crate::{app::App, calls};
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use server::{Json, Refusal};
use std::sync::Arc;
use store::{Expect, Put, Store};
use wire::{
    Faults, UtcTime,
    fault::Object,
    form::{self, Form, Response},
    ids::{AgentId, CallId, InteractionId},
};

/// The kind of the records of calls' interactions.
pub(crate) const INTERACTION: &str = "interaction";
/// The kind of the records of interactions that are made up; these are removed after a day.
pub(crate) const MADE_UP: &str = "made-up-interaction";

/// An interaction that is over, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Interaction {
    pub(crate) id: InteractionId,
    /// Who led it.
    pub(crate) agent_id: AgentId,
    /// The call that it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) call_id: Option<CallId>,
    pub(crate) completed_at: UtcTime,
    /// What the customer answered; `None` when no form was filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) responses: Option<Vec<Response>>,
}

impl Interaction {
    /// The write that keeps it.
    pub(crate) fn put(&self, kind: &str) -> Put {
        Put {
            kind: kind.to_owned(),
            id: self.id.to_string(),
            // Texts and times: that always can be written as JSON.
            body: Some(serde_json::to_string(self).unwrap_or_default()),
            expect: Expect::Any,
        }
    }
}

/// An interaction of the tenant's past: `[[interaction]]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PastInteraction {
    pub(crate) agent_id: AgentId,
    /// What the customer answered; `None` when no form was filled in.
    pub(crate) responses: Option<Vec<Response>>,
}

impl PastInteraction {
    /// Reads an interaction of a tenant file.
    pub(crate) fn read(interaction: &Object<'_>, faults: &mut Faults) -> Option<(InteractionId, Self)> {
        interaction.only(&["id", "agentId", "responses"], faults);
        let id = interaction.parsed("id", faults);
        let agent_id = interaction.parsed("agentId", faults);
        let responses = form::read_short(interaction, "responses", faults);
        let agent_id = agent_id?;
        Some((id?, Self { agent_id, responses }))
    }
}

/// `GET /api/v2/interactions/{id}/postinteractionforms`: what the customer answered.
pub(crate) async fn form(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Form>, Refusal> {
    let id: InteractionId = id
        .parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("the interaction's id {error}"))))?;
    let missing = |message| Refusal::new(StatusCode::NOT_FOUND, message);
    let interaction = match app.tenant.interactions.get(&id) {
        Some(past) => Some(past.responses.clone()),
        None => kept(&app.store, &id).await?,
    };
    let responses = interaction.ok_or_else(|| missing(format!("there is no interaction {id:?}")))?;
    let responses = responses.ok_or_else(|| missing(format!("the interaction {id:?} has no form")))?;
    let form = Form {
        interaction_id: id,
        responses,
    };
    Ok(Json(StatusCode::OK, form))
}

/// The responses of an interaction in the store, if it is there.
async fn kept(store: &Store, id: &InteractionId) -> Result<Option<Option<Vec<Response>>>, Refusal> {
    for kind in [INTERACTION, MADE_UP] {
        let record = store.record(kind, id.as_str()).await.map_err(|error| {
            tracing::error!(%error, "an interaction can't be looked up");
            calls::store_unavailable()
        })?;
        let Some(record) = record else { continue };
        let interaction: Interaction =
            serde_json::from_str(&record.body).map_err(|error| Refusal::internal(&error))?;
        return Ok(Some(interaction.responses));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_interaction_without_responses_has_no_form_and_one_with_none_has_an_empty_one() {
        let read = |value| {
            let mut faults = Faults::new();
            let object = Object::at(&value, "interaction[0]", &mut faults)?;
            let read = PastInteraction::read(&object, &mut faults)?;
            Some((read.1.responses, faults))
        };
        let (without, _) = read(json!({"id": "int-1", "agentId": "agent-1"})).unwrap();
        assert_eq!(without, None);
        let (empty, faults) =
            read(json!({"id": "int-1", "agentId": "a", "responses": [], "score": 2})).unwrap();
        assert_eq!(empty, Some(Vec::new()));
        assert_eq!(
            faults.to_string(),
            "interaction[0].score is unknown; known are id, agentId, responses"
        );
    }
}
