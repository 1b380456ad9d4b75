//! The bots of a tenant, by their ids.

use crate::conversations::{Bot, Outcome, Sent, What};
use flow::bot::CallOutcome;
use std::{collections::HashMap, sync::Arc};

/// The bots that answer in conversations.
#[derive(Debug, Default)]
pub(crate) struct Bots {
    known: HashMap<String, Bot>,
}

impl Bots {
    /// These bots.
    pub(crate) fn new(known: HashMap<String, Bot>) -> Arc<Self> {
        Arc::new(Self { known })
    }

    /// The bot of that id; nobody when there is none.
    pub(crate) fn of(&self, id: &str) -> Bot {
        self.known.get(id).cloned().unwrap_or_default()
    }

    /// Does an errand; whatever happens, it comes to an end.
    pub(crate) async fn run(&self, sent: Sent) -> Outcome {
        match sent.errand.what {
            What::Call { call, .. } => Outcome::Called(CallOutcome {
                number: call,
                answer: None,
            }),
            What::Message { .. } => Outcome::Acts(Vec::new()),
        }
    }
}
