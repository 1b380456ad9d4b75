//! Customer profiles (contract section 4).

use crate::{UtcTime, ids::ExternalId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a CRM knows of a caller; conditions in menus look at `attributes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The platform's id of the profile.
    pub id: String,
    /// The CRM's id of the customer.
    pub external_id: ExternalId,
    /// Free attributes, such as `membership_level` or `open_tickets`.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// When the profile last changed.
    pub date_modified: UtcTime,
}
