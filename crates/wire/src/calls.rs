//! Test calls and what became of them: the center's own admin interface (`/center/v1/calls`).

use crate::{
    Faults, ShownDigit, UtcTime,
    callcontrol::{Codec, FinishReason, HangupCause},
    fault::{self, Object},
    form::{self, Response},
    ids::{AgentId, CallId, ExternalId, FlowId, InteractionId, PhoneNumber, TransferTarget},
    script::{MAX_STEPS, Step},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `POST /center/v1/calls`: a test caller rings.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceCall {
    /// The id to use; made up when absent.
    pub id: Option<CallId>,
    /// The caller's number.
    pub ani: PhoneNumber,
    /// The number called.
    pub dnis: PhoneNumber,
    /// The caller's id in the CRM.
    pub external_id: Option<ExternalId>,
    /// The G.711 law; mu-law when absent.
    pub codec: Codec,
    /// Whether to record from the answer on.
    pub record: bool,
    /// What the caller does.
    pub script: Vec<Step>,
    /// The agent who is said to have led it; one of the tenant's by turns when absent.
    pub agent_id: Option<AgentId>,
    /// What the customer answers when the call is over; no form when absent.
    pub form: Option<Vec<Response>>,
    /// The flow whose prompts it plays; the tenant's only one when absent.
    pub flow: Option<FlowId>,
}

impl PlaceCall {
    /// Reads the request body.
    pub fn parse(body: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let call = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &mut faults));
        faults.finish(call)
    }

    /// Reads the request from an object, wherever it came from.
    pub fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let id = body.optional_parsed("id", faults);
        let ani = body.parsed("ani", faults);
        let dnis = body.parsed("dnis", faults);
        let external_id = body.optional_parsed("externalId", faults);
        let codec = body.optional_parsed("codec", faults).unwrap_or(Codec::Pcmu);
        let record = body.optional_bool("record", faults).unwrap_or(false);
        let steps = body.optional_list("script", faults).unwrap_or_default();
        if steps.len() > MAX_STEPS {
            faults.push(format!(
                "script must have at most {MAX_STEPS} steps, not {}",
                steps.len()
            ));
        }
        let steps = steps.iter().take(MAX_STEPS).enumerate();
        let script = steps
            .filter_map(|(at, step)| Step::read(step, &format!("script[{at}]"), faults))
            .collect();
        let agent_id = body.optional_parsed("agentId", faults);
        let form = form::read_short(body, "form", faults);
        let flow = body.optional_parsed("flow", faults);
        Some(Self {
            id,
            ani: ani?,
            dnis: dnis?,
            external_id,
            codec,
            record,
            script,
            agent_id,
            form,
            flow,
        })
    }

    /// The request body.
    pub fn to_json(&self) -> Value {
        let script: Vec<Value> = self.script.iter().map(Step::to_json).collect();
        json!({"id": self.id, "ani": self.ani, "dnis": self.dnis, "externalId": self.external_id,
               "codec": self.codec, "record": self.record, "script": script,
               "agentId": self.agent_id, "form": self.form, "flow": self.flow})
    }
}

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Waiting for a controller.
    Ringing,
    /// A controller has it.
    Controlled,
    /// Its controller went away and may come back.
    Orphaned,
    /// The center plays its apology and then passes the call to the operator.
    Fallback,
    /// Handed on.
    Transferred,
    /// Over.
    Ended,
}

/// `GET /center/v1/calls/{id}`: a call and its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// The call.
    pub id: CallId,
    /// The caller's number.
    pub ani: PhoneNumber,
    /// The number called.
    pub dnis: PhoneNumber,
    /// The caller's id in the CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The flow whose prompts it plays before those of the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<FlowId>,
    /// Where it is in its life.
    pub state: CallState,
    /// When the caller dialled.
    pub placed_at: UtcTime,
    /// Where it was transferred to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_to: Option<TransferTarget>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<HangupCause>,
    /// The recording, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// The interaction that it was, once it is over; a call that nobody answered was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_id: Option<InteractionId>,
    /// What happened, in order.
    pub timeline: Vec<Moment>,
}

impl CallRecord {
    /// From the answer to the first frame of a prompt, in milliseconds.
    pub fn answer_to_sound_ms(&self) -> Option<f64> {
        let at = |wanted: fn(&Happening) -> bool| {
            let moment = self.timeline.iter().find(|moment| wanted(&moment.what));
            moment.map(|moment| moment.at_ms)
        };
        let sound = at(|what| matches!(what, Happening::PromptStarted { .. }))?;
        Some(sound - at(|what| matches!(what, Happening::Answered))?)
    }

    /// From each key that cut off a prompt to the silence, in milliseconds.
    pub fn cut_offs_ms(&self) -> impl Iterator<Item = f64> {
        self.timeline.iter().filter_map(|moment| match moment.what {
            Happening::CutOff { after_ms, .. } => Some(after_ms),
            _ => None,
        })
    }
}

/// Where a call's recording is served: the path on the center, with the id escaped.
pub fn recording_path(call: &CallId) -> String {
    let mut path = "/center/v1/calls/".to_owned();
    for byte in call.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => path.push(byte.into()),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path + "/recording"
}

/// A recording of a call: WAV, stereo, G.711 at 8000 Hz; left what the caller heard, right what the caller said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// The file.
    pub path: String,
    /// Where it is served (admin token).
    pub uri: String,
    /// Its length so far.
    pub duration_ms: u64,
    /// The SHA-256 of the file in hexadecimal, once it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why frames are missing, if any are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Something that happened in a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// Milliseconds since the caller dialled, with microseconds.
    pub at_ms: f64,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What can happen in a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Happening {
    /// The caller dialled.
    Placed,
    /// A controller took the call.
    Answered,
    /// A prompt's first frame went to the caller.
    PromptStarted {
        /// The prompt.
        prompt: String,
    },
    /// A prompt is over.
    PromptFinished {
        /// The prompt.
        prompt: String,
        /// Why.
        reason: FinishReason,
        /// How much of it was heard.
        played_ms: u64,
    },
    /// The first event of a key.
    KeyPressed {
        /// The key; masked after a sensitive prompt.
        digit: ShownDigit,
    },
    /// The last frame of a prompt that a key cut off.
    CutOff {
        /// The key; masked after a sensitive prompt.
        digit: ShownDigit,
        /// From the key's first event to the first frame without the prompt.
        after_ms: f64,
    },
    /// The caller speaks.
    Speaks {
        /// For how long.
        duration_ms: u64,
    },
    /// The controller went away without hanging up.
    ControllerLost,
    /// A controller came back.
    ControllerBack,
    /// No controller came back; the center takes over.
    FallbackStarted,
    /// The call was handed on.
    Transferred {
        /// Where to.
        target: TransferTarget,
    },
    /// The call is over.
    Ended {
        /// Why.
        cause: HangupCause,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_as_it_is_written() {
        let text = r#"{"ani":"+1555","dnis":"+1800","script":[{"when":{"afterMs":5},"do":{"press":"1"}}],
            "agentId":"agent-1","flow":"your-flow-id","form":[{"fieldName":"overall_satisfaction","value":"2"}]}"#;
        let call = PlaceCall::parse(text).unwrap();
        assert_eq!(PlaceCall::parse(&call.to_json().to_string()).unwrap(), call);
    }

    #[test]
    fn the_path_of_a_recording_is_escaped() {
        let path = |id: &str| recording_path(&id.parse().unwrap());
        assert_eq!(path("call-1"), "/center/v1/calls/call-1/recording");
        assert_eq!(
            path("my call/1?x#%é"),
            "/center/v1/calls/my%20call%2F1%3Fx%23%25%C3%A9/recording"
        );
    }

    #[test]
    fn all_faults_at_once() {
        let text = r#"{"ani":"","codec":"OPUS","record":"yes","script":[{"when":{},"do":{"press":"x"}},7],
            "agentId":7,"form":[{"value":1}]}"#;
        let faults = PlaceCall::parse(text).unwrap_err().into_vec();
        assert_eq!(
            faults,
            [
                "ani must not be empty",
                "dnis is missing",
                "codec must be one of PCMU, PCMA, not \"OPUS\"",
                "record must be true or false, not \"yes\"",
                "script[0].when must have one of afterMs, starts, ends, nthPrompt",
                "script[0].do.press must be one of 0-9 * # A-D, not \"x\"",
                "script[1] must be an object, not the number 7",
                "agentId must be a text, not the number 7",
                "form[0].fieldName is missing",
            ]
        );
    }

    #[test]
    fn a_form_is_bounded_as_a_whole() {
        let answer = json!({"fieldName": "comment", "value": "\u{1}".repeat(12 * 1024)});
        let call = json!({"ani": "+1", "dnis": "+2", "form": [answer]}).to_string();
        let fault = PlaceCall::parse(&call).unwrap_err().to_string();
        assert!(
            fault.starts_with("form must be at most 65536 bytes long, not "),
            "{fault}"
        );
    }
}
