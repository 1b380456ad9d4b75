//! Steering a session: `POST /api/v2/media/sessions/{id}/control`.

use super::VolumeMatrix;
use crate::{
    Faults,
    fault::{self, Object},
    words::words,
};
use serde::{Serialize, ser::SerializeMap};

/// The last position that can be sought, in milliseconds.
pub const LONGEST_SEEK_MS: u64 = 600_000;

/// What a session is to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Control {
    /// Hold.
    Pause,
    /// Go on where it was.
    Resume,
    /// End.
    Stop,
    /// Go on elsewhere in the prompt.
    Seek {
        /// Where, 0 to [`LONGEST_SEEK_MS`].
        position_ms: u64,
    },
    /// Begin again.
    Restart,
    /// Sound otherwise from now on.
    Volume(VolumeMatrix),
}

words! {
    /// The words for what a session can be told.
    Action {
        /// Hold.
        Pause = "pause",
        /// Go on where it was.
        Resume = "resume",
        /// End.
        Stop = "stop",
        /// Go on elsewhere.
        Seek = "seek",
        /// Begin again.
        Restart = "restart",
        /// Sound otherwise.
        Volume = "volume",
    }
}

impl Control {
    /// Reads the request body; all faults at once.
    pub fn parse(body: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &mut faults));
        faults.finish(read)
    }

    /// Reads it from an object, wherever it came from.
    pub fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let action: Option<Action> = body.parsed("action", faults);
        let position = Self::read_position(body, action, faults);
        let volume = Self::read_volume(body, action, faults);
        Some(match action? {
            Action::Pause => Self::Pause,
            Action::Resume => Self::Resume,
            Action::Stop => Self::Stop,
            Action::Seek => Self::Seek {
                position_ms: position?,
            },
            Action::Restart => Self::Restart,
            Action::Volume => Self::Volume(volume?),
        })
    }

    fn read_position(body: &Object<'_>, action: Option<Action>, faults: &mut Faults) -> Option<u64> {
        belongs(body, "positionMs", Action::Seek, action, faults);
        body.optional_whole("positionMs", 0..=LONGEST_SEEK_MS, faults)
    }

    fn read_volume(body: &Object<'_>, action: Option<Action>, faults: &mut Faults) -> Option<VolumeMatrix> {
        belongs(body, "volumeMatrix", Action::Volume, action, faults);
        let volume = body.get("volumeMatrix")?;
        VolumeMatrix::read(&Object::at(volume, &body.name("volumeMatrix"), faults)?, faults)
    }

    /// Its word on the wire.
    pub fn action(&self) -> Action {
        match self {
            Self::Pause => Action::Pause,
            Self::Resume => Action::Resume,
            Self::Stop => Action::Stop,
            Self::Seek { .. } => Action::Seek,
            Self::Restart => Action::Restart,
            Self::Volume(_) => Action::Volume,
        }
    }
}

/// `field` must be there for one action, and for no other.
fn belongs(body: &Object<'_>, field: &str, owner: Action, action: Option<Action>, faults: &mut Faults) {
    let Some(action) = action else { return };
    let name = body.name(field);
    match (action == owner, body.has(field)) {
        (true, false) => faults.push(format!("{name} is missing")),
        (false, true) => faults.push(format!("{name} is for the action {owner} only, not for {action}")),
        _ => {}
    }
}

impl Serialize for Control {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("action", &self.action())?;
        match self {
            Self::Seek { position_ms } => body.serialize_entry("positionMs", position_ms)?,
            Self::Volume(volume) => body.serialize_entry("volumeMatrix", volume)?,
            Self::Pause | Self::Resume | Self::Stop | Self::Restart => {}
        }
        body.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<String> {
        Control::parse(body).unwrap_err().into_vec()
    }

    #[test]
    fn controls_are_read_as_they_are_written() {
        for text in [
            r#"{"action":"pause"}"#,
            r#"{"action":"resume"}"#,
            r#"{"action":"stop"}"#,
            r#"{"action":"seek","positionMs":0}"#,
            r#"{"action":"seek","positionMs":600000}"#,
            r#"{"action":"restart"}"#,
            r#"{"action":"volume","volumeMatrix":{"baseGain":0.5,"peakLimit":0.9,"compressionRatio":0.1}}"#,
        ] {
            let control = Control::parse(text).unwrap();
            assert_eq!(serde_json::to_string(&control).unwrap(), text);
        }
        let lenient = r#"{"action":"pause","positionMs":null,"volumeMatrix":null,"why":7}"#;
        assert_eq!(Control::parse(lenient), Ok(Control::Pause));
    }

    #[test]
    fn what_an_action_needs_must_be_there() {
        assert_eq!(faults(r#"{"action":"seek"}"#), ["positionMs is missing"]);
        assert_eq!(faults(r#"{"action":"volume"}"#), ["volumeMatrix is missing"]);
        assert_eq!(
            faults(r#"{"action":"volume","volumeMatrix":{"baseGain":1,"peakLimit":0.5}}"#),
            [
                "volumeMatrix.compressionRatio is missing",
                "volumeMatrix.peakLimit must be at least baseGain (1), not 0.5",
            ]
        );
    }

    #[test]
    fn what_belongs_to_another_action_must_not() {
        assert_eq!(
            faults(r#"{"action":"pause","positionMs":1,"volumeMatrix":[]}"#),
            [
                "positionMs is for the action seek only, not for pause",
                "volumeMatrix is for the action volume only, not for pause",
                "volumeMatrix must be an object, not a list",
            ]
        );
    }

    #[test]
    fn positions_are_whole_and_bounded() {
        for wrong in ["600001", "-1", "1.5", "1e999", "\"7\"", "18446744073709551616"] {
            let body = format!(r#"{{"action":"seek","positionMs":{wrong}}}"#);
            assert_eq!(faults(&body).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn there_is_one_of_six_actions() {
        let all = "pause, resume, stop, seek, restart, volume";
        assert_eq!(faults("{}"), ["action is missing"]);
        assert_eq!(
            faults(r#"{"action":"Play"}"#),
            [format!("action must be one of {all}, not \"Play\"")]
        );
        assert_eq!(faults("[]"), ["the body must be a JSON object, not a list"]);
    }
}
