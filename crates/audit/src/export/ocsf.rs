//! OCSF, class API Activity (6003), for security monitoring: <https://schema.ocsf.io/1.6.0/classes/api_activity>.

use super::Exported;
use crate::Outcome;
use serde_json::{Map, Value, json};

/// The version of the schema that events follow. Later ones give `metadata.uid` (1.7) and `actor.app_name` (1.9) other
/// meanings, so it is pinned.
pub const SCHEMA_VERSION: &str = "1.6.0";

/// API Activity.
const CLASS: u32 = 6003;

/// What was done, in the schema's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Create,
    Read,
    Update,
    Delete,
    Other,
}

impl Activity {
    /// By the verb of an action: `placed` of `call.placed`.
    fn of(action: &str) -> Self {
        let verb = action.rsplit('.').next().unwrap_or(action);
        match verb {
            "placed" | "created" | "added" | "issued" | "registered" | "started" | "accepted"
            | "uploaded" => Self::Create,
            "read" | "listed" | "shown" | "viewed" | "exported" | "verified" | "proven" | "downloaded" => {
                Self::Read
            }
            "changed" | "updated" | "set" | "enabled" | "disabled" | "renamed" | "moved" | "paused"
            | "resumed" | "replayed" | "rotated" | "transferred" => Self::Update,
            "removed" | "erased" | "deleted" | "expired" | "purged" | "revoked" => Self::Delete,
            _ => Self::Other,
        }
    }

    fn id(self) -> u32 {
        match self {
            Self::Create => 1,
            Self::Read => 2,
            Self::Update => 3,
            Self::Delete => 4,
            Self::Other => 99,
        }
    }

    /// The name of the activity; of another one, the action itself.
    fn name(self, action: &str) -> &str {
        match self {
            Self::Create => "Create",
            Self::Read => "Read",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Other => action,
        }
    }
}

/// The event of an entry. `log` names the log (the origin of its checkpoints), `version` is Trunkline's.
///
/// `metadata.uid` is `log/index` and `metadata.sequence` the index; what the schema has no place for is in `unmapped`.
pub fn event(entry: &Exported<'_>, log: &str, version: &str) -> Value {
    let leaf = &entry.leaf;
    let activity = Activity::of(&leaf.action);
    let name = activity.name(&leaf.action);
    let (status_id, status, severity_id, severity) = match leaf.outcome {
        Outcome::Success => (1, "Success", 1, "Informational"),
        Outcome::Failure => (2, "Failure", 2, "Low"),
    };
    let mut event = json!({
        "activity_id": activity.id(),
        "activity_name": name,
        "category_uid": CLASS / 1000,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "type_uid": CLASS * 100 + activity.id(),
        "type_name": format!("API Activity: {name}"),
        "time": leaf.at.timestamp().as_millisecond(),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": leaf.action,
        "actor": actor(&leaf.actor),
        "api": {"operation": leaf.action, "service": {"name": "trunkline"}},
        "src_endpoint": {"svc_name": "trunkline", "name": leaf.actor},
        "metadata": {
            "version": SCHEMA_VERSION,
            "product": {"name": "Trunkline", "vendor_name": "Trunkline", "version": version},
            "uid": format!("{log}/{}", leaf.index),
            "sequence": leaf.index,
            "log_name": log,
            "original_time": leaf.at.to_string(),
        },
    });
    if let Some(subject) = &leaf.subject {
        let kind = leaf.action.split('.').next().unwrap_or_default();
        event["resources"] = json!([{"uid": subject, "type": kind}]);
    }
    if let Some(id) = &leaf.correlation_id {
        event["metadata"]["correlation_uid"] = json!(id);
    }
    let unmapped = unmapped(entry);
    if !unmapped.is_empty() {
        event["unmapped"] = Value::Object(unmapped);
    }
    event
}

/// A person is a user, a part of Trunkline an application.
fn actor(name: &str) -> Value {
    match name {
        "operator" => json!({"user": {"name": name}}),
        _ => json!({"app_name": format!("trunkline/{name}")}),
    }
}

fn unmapped(entry: &Exported<'_>) -> Map<String, Value> {
    let parts = [
        ("detail", entry.leaf.detail.clone()),
        ("personal", entry.personal()),
    ];
    let there = parts.into_iter().filter(|(_, members)| !members.is_empty());
    there
        .map(|(name, members)| (name.to_owned(), Value::Object(members)))
        .collect()
}
