//! What an agent's desktop is told (`/agent/{id}`): the tasks as they stand, and then each change as an event.
//!
//! A desktop asks for a [`Desk`] once and follows `GET /agent/{id}/events?after=<cursor>`, a stream of server-sent events whose
//! ids are the agent's sequence; `Last-Event-ID` resumes it, so that every change comes exactly once.

use crate::{
    Faults, UtcTime,
    fault::{self, Object},
    ids::{AgentId, NotificationId, TaskId},
    notification::Urgency,
    task::{LONGEST_NOTE, Task, date},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `GET /agent/{id}/desk`: an agent's desktop as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desk {
    /// Whose it is.
    pub agent_id: AgentId,
    /// The agent's name.
    pub name: String,
    /// The number of the last event that is already in here.
    pub cursor: i64,
    /// What the center's clock says.
    pub now: UtcTime,
    /// The open tasks of the agent, by due date, then priority; each with the last lines of its history.
    pub tasks: Vec<Task>,
    /// Whether there are more tasks than these: the agent's own, or the team's.
    #[serde(default)]
    pub more: bool,
    /// The newest notifications, newest first.
    pub notifications: Vec<Notification>,
}

/// A notification as the agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// What is said.
    pub message: String,
    /// How it presses.
    pub priority: Urgency,
    /// When it came.
    pub at: UtcTime,
}

/// A change of a desktop. On the stream, `event` is the kind and `data` the whole as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum DeskEvent {
    /// A task of the agent is new or has changed.
    Task {
        /// As it is now.
        task: Box<Task>,
        /// The last line of its history: `offered`, `accepted`, `woke`, ...
        what: String,
    },
    /// A task is not the agent's any more.
    Gone {
        /// Which.
        task_id: TaskId,
        /// Why, as in its history: `accepted` (by somebody else), `completed`, `offer_expired`, ...
        what: String,
    },
    /// Somebody tells the agent something.
    Notification {
        /// What.
        notification: Notification,
    },
    /// What the desktop asked for is not kept any more: it is to load the [`Desk`] anew. The stream goes on after that.
    Reset {
        /// The number after which it goes on.
        cursor: i64,
    },
}

impl DeskEvent {
    /// The kind, as the stream names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Task { .. } => "task",
            Self::Gone { .. } => "gone",
            Self::Notification { .. } => "notification",
            Self::Reset { .. } => "reset",
        }
    }
}

/// What an agent does with a task: `POST /agent/{id}/tasks/{task}/{accept|decline|snooze|complete}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Takes it.
    Accept,
    /// Passes an offer on to the next agent.
    Decline,
    /// Puts it off.
    Snooze {
        /// Until when.
        until: UtcTime,
    },
    /// It is done.
    Complete {
        /// What came of it.
        note: Option<String>,
    },
}

impl Deed {
    /// The last part of the path.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Snooze { .. } => "snooze",
            Self::Complete { .. } => "complete",
        }
    }

    /// The request body.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Accept | Self::Decline => json!({}),
            Self::Snooze { until } => json!({"until": until}),
            Self::Complete { note } => json!({"note": note}),
        }
    }

    /// Reads the deed from the last part of the path and the body, which may be empty where nothing is asked for. `None` when
    /// there is no such deed.
    pub fn parse(verb: &str, body: &str) -> Option<Result<Self, Faults>> {
        let read = |read: &dyn Fn(&Object<'_>, &mut Faults) -> Option<Self>| {
            let mut faults = Faults::new();
            let body = if body.trim().is_empty() { "{}" } else { body };
            let value = fault::json(body, &mut faults);
            let deed = value.and_then(|value| read(&Object::top(&value, &mut faults)?, &mut faults));
            faults.finish(deed)
        };
        Some(match verb {
            "accept" => Ok(Self::Accept),
            "decline" => Ok(Self::Decline),
            "snooze" => read(&|body, faults| {
                let until = date(body, "until", faults)?;
                Some(Self::Snooze { until })
            }),
            "complete" => read(&|body, faults| {
                let note = body.short_text("note", LONGEST_NOTE, faults);
                let note = note
                    .map(str::trim)
                    .filter(|note| !note.is_empty())
                    .map(str::to_owned);
                Some(Self::Complete { note })
            }),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_are_read_from_path_and_body() {
        assert_eq!(Deed::parse("accept", ""), Some(Ok(Deed::Accept)));
        let done = Deed::parse("complete", r#"{"note":" called back "}"#);
        assert_eq!(
            done,
            Some(Ok(Deed::Complete {
                note: Some("called back".into())
            }))
        );
        let faults = Deed::parse("snooze", "{}").unwrap().unwrap_err();
        assert_eq!(faults.as_slice(), ["until is missing"]);
        assert_eq!(Deed::parse("burn", ""), None);
        let until = "2026-11-21T09:30:00Z".parse().unwrap();
        for deed in [
            Deed::Accept,
            Deed::Decline,
            Deed::Snooze { until },
            Deed::Complete { note: None },
        ] {
            assert_eq!(
                Deed::parse(deed.verb(), &deed.to_json().to_string()),
                Some(Ok(deed))
            );
        }
    }

    #[test]
    fn events_say_their_kind() {
        let event = DeskEvent::Gone {
            task_id: "task-1".parse().unwrap(),
            what: "completed".into(),
        };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(text, r#"{"kind":"gone","taskId":"task-1","what":"completed"}"#);
        assert_eq!(serde_json::from_str::<DeskEvent>(&text).unwrap(), event);
    }
}
