//! The one shape of every error body.

use crate::ids::CorrelationId;
use serde::{Deserialize, Serialize};

/// `{"status","code","message","errors","correlationId"}`: what every refused request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// A word for programs, such as `bad_request`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// One sentence per fault; always present.
    #[serde(default)]
    pub errors: Vec<String>,
    /// The request, as logs and audit name it.
    pub correlation_id: Option<CorrelationId>,
}
