//! Events of a client's own: `POST /api/v2/analytics/events/custom`.

use super::PlaybackEvent;
use crate::{
    Faults,
    fault::{self, Object},
    task::date,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// The largest event, in bytes of its JSON (64 KiB).
pub const LARGEST_ANALYTICS_EVENT: usize = 64 * 1024;
/// The longest `eventType` and `sessionId`, in characters.
const LONGEST_WORD: usize = 100;

/// An event: any JSON object that has `eventType`, `sessionId`, `timestamp` and `metrics`, kept as it came.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AnalyticsEvent {
    fields: Map<String, Value>,
}

impl AnalyticsEvent {
    /// Reads the request body; all faults at once.
    pub fn parse(body: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read = value.map(|value| Self::of(value, &mut faults));
        faults.finish(read.flatten())
    }

    /// Takes an event that was made of parts.
    pub fn of(event: Value, faults: &mut Faults) -> Option<Self> {
        let body = Object::top(&event, faults)?;
        let kind = body.filled_text("eventType", LONGEST_WORD, faults).is_some();
        let session = body.filled_text("sessionId", LONGEST_WORD, faults).is_some();
        let time = date(&body, "timestamp", faults).is_some();
        let metrics = body.object("metrics", faults).is_some();
        match event {
            Value::Object(fields) if kind && session && time && metrics => Some(Self { fields }),
            _ => None,
        }
    }

    /// What kind of event it is: 1 to 100 characters.
    pub fn event_type(&self) -> &str {
        self.text("eventType")
    }

    /// The session that it tells of: 1 to 100 characters.
    pub fn session_id(&self) -> &str {
        self.text("sessionId")
    }

    /// All of it.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

impl From<&PlaybackEvent> for AnalyticsEvent {
    fn from(event: &PlaybackEvent) -> Self {
        Self {
            fields: event.fields(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> Value {
        json!({"eventType": "IVR_PLAYBACK_CONTROL", "sessionId": "s", "timestamp": "2026-11-21T09:30:00.123456Z",
            "metrics": {"any": [1, null]}, "more": true})
    }

    fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut event = event();
        change(&mut event);
        AnalyticsEvent::parse(&event.to_string()).map_or_else(Faults::into_vec, |_| Vec::new())
    }

    #[test]
    fn an_event_is_kept_as_it_came() {
        let read = AnalyticsEvent::parse(&event().to_string()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), event());
        assert_eq!(
            (read.event_type(), read.session_id()),
            ("IVR_PLAYBACK_CONTROL", "s")
        );
        assert_eq!(read.fields().len(), 5);
    }

    #[test]
    fn words_have_1_to_100_characters() {
        for field in ["eventType", "sessionId"] {
            assert_eq!(faults(|event| event[field] = "ä".repeat(100).into()), [""; 0]);
            assert_eq!(faults(|event| event[field] = "x".into()), [""; 0]);
            assert_eq!(
                faults(|event| event[field] = "ä".repeat(101).into()),
                [format!("{field} must be at most 100 characters long, not 101")]
            );
            assert_eq!(
                faults(|event| event[field] = "".into()),
                [format!("{field} must not be empty")]
            );
        }
    }

    #[test]
    fn all_faults_at_once() {
        assert_eq!(
            AnalyticsEvent::parse("{}").unwrap_err().as_slice(),
            [
                "eventType is missing",
                "sessionId is missing",
                "timestamp is missing",
                "metrics is missing",
            ]
        );
        assert_eq!(
            faults(|event| {
                event["timestamp"] = "yesterday".into();
                event["metrics"] = json!([]);
            }),
            [
                "timestamp must be a time such as 2026-11-21T09:30:00.000Z, not \"yesterday\"",
                "metrics must be an object, not a list",
            ]
        );
    }
}
