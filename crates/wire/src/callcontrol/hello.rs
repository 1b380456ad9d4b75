//! The first frame.

use super::words::{Capability, words_in};
use crate::{
    Faults,
    fault::{self, Object},
    ids::CallId,
};
use serde_json::json;
use std::collections::BTreeSet;

/// The first frame of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The call to control.
    pub call: CallId,
    /// What the controller will use.
    pub capabilities: BTreeSet<Capability>,
}

impl Hello {
    /// Reads the first frame.
    pub fn parse(frame: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(frame, &mut faults);
        let hello = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &mut faults));
        faults.finish(hello)
    }

    fn read(frame: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let call = frame.parsed("callControlId", faults);
        if let Some(media) = frame.optional_text("media", faults)
            && media != "audio"
        {
            faults.push(format!(
                "media must be \"audio\", not {:?}",
                fault::shorten(media)
            ));
        }
        if !frame.has("capabilities") {
            faults.push("capabilities is missing");
        }
        let capabilities = words_in(frame, "capabilities", faults).unwrap_or_default();
        Some(Self {
            call: call?,
            capabilities,
        })
    }

    /// The frame as text.
    pub fn to_json(&self) -> String {
        json!({"callControlId": self.call, "media": "audio", "capabilities": self.capabilities}).to_string()
    }
}
