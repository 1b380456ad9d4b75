//! What a bot asks of others: how many of them at a time, and what happens when there are too many.

use super::{
    bot::Bot,
    draft::{Acts, Draft},
    entries::Note,
    kept::{Errand, What},
};
use crate::{bots, tasks::keepable};
use flow::bot::{Act, CallOutcome};
use serde_json::json;
use wire::ids::InteractionId;

/// Most errands of a conversation that are not answered; a further one has failed at once.
const MOST_ERRANDS: usize = 16;

impl Draft {
    /// Somebody else is to be asked.
    pub(super) fn send(&mut self, reply_to: Option<InteractionId>, what: What) {
        if self.kept.errands.len() >= MOST_ERRANDS {
            return self.fail(reply_to, what);
        }
        self.kept.errands_sent += 1;
        self.kept.errands.push(Errand {
            number: self.kept.errands_sent,
            reply_to,
            since: self.now,
            what,
        });
    }

    /// Forgets the call-outs that the dialogue has given up: their answers would change nothing.
    pub(super) fn give_up_calls(&mut self) {
        let mut errands = std::mem::take(&mut self.kept.errands);
        errands.retain(|errand| match errand.what {
            What::Call { call, .. } => self.awaits(call),
            What::Message { .. } => true,
        });
        self.kept.errands = errands;
    }

    /// Whether the dialogue waits for the outcome of this call-out.
    pub(super) fn awaits(&self, call: u64) -> bool {
        let dialogue = self.kept.dialogue.as_ref();
        dialogue.and_then(|dialogue| dialogue.awaits_call()) == Some(call)
    }

    /// Too many are being asked: the customer hears what is said when there is no answer.
    fn fail(&mut self, reply_to: Option<InteractionId>, what: What) {
        let action = match what {
            What::Call { .. } => bots::CALL_FAILED,
            What::Message { .. } => bots::WEBHOOK_FAILED,
        };
        let bot = keepable(self.kept.bot_id.as_deref().unwrap_or_default());
        let detail = json!({"bot": bot, "why": "too many at once"});
        self.notes.push(Note::of_failure(action, detail));
        let acts = match (what, &self.bot, &mut self.kept.dialogue) {
            (What::Message { .. }, Bot::Webhook { fallback, .. }, _) => {
                vec![Act::Say {
                    text: fallback.to_string(),
                    buttons: Vec::new(),
                    pause_ms: 0,
                }]
            }
            (What::Call { call, .. }, Bot::File { bot, .. }, Some(dialogue)) => {
                let nothing = CallOutcome {
                    number: call,
                    answer: None,
                };
                dialogue.called(bot, nothing)
            }
            _ => Vec::new(),
        };
        let trace = self.trace();
        self.act(Acts {
            acts,
            reply_to,
            trace,
        });
    }
}
