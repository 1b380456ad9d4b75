//! What happens in a conversation: the customer speaks, the bot acts, time passes. Nothing is written here.

use super::{
    MOST_INTERACTIONS,
    bot::{Bot, Outcome},
    entries::Note,
    kept::{Facts, Kept, Key, Owed, What},
    trouble::Trouble,
};
use crate::clock::Clock;
use flow::{
    Moment,
    bot::{Act, Dialogue},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use wire::{
    UtcTime,
    conversation::{
        BotTrace, Button, Direction, Interaction, InteractionType, NewInteraction, Posted, State,
    },
    ids::{ConversationId, InteractionId, ParticipantId},
};

/// Most things that happen when time passes at once; what is due besides happens with the next tick.
const MOST_AT_ONCE: usize = 1_000;
/// Most acts that a conversation may owe; further ones are left out.
const MOST_OWED: usize = 500;

/// A conversation while something happens in it.
pub(super) struct Draft {
    pub(super) id: ConversationId,
    pub(super) kept: Kept,
    /// What is said, in order.
    pub(super) said: Vec<Interaction>,
    /// The idempotency key of a message that is among them, and its number.
    pub(super) key: Option<(Key, u64)>,
    /// What is noted in the audit log beside what is said.
    pub(super) notes: Vec<Note>,
    /// The facts, if they change.
    pub(super) new_facts: Option<Facts>,
    pub(super) bot: Bot,
    pub(super) facts: Arc<Facts>,
    /// The client's context as a value, for the bot.
    pub(super) context: Arc<Value>,
    /// The conversation's own time.
    pub(super) now: UtcTime,
    pub(super) clock: Clock,
    /// When the request came that leads to it.
    pub(super) received: Moment,
    pub(super) masks_personal: bool,
}

/// What the bot does at once, and why.
pub(super) struct Acts {
    pub(super) acts: Vec<Act>,
    pub(super) reply_to: Option<InteractionId>,
    pub(super) trace: Option<BotTrace>,
}

impl Draft {
    /// Somebody says something; the bot hears what a customer says.
    pub(super) fn say(&mut self, new: NewInteraction) -> Result<Posted, Trouble> {
        if !self.kept.state.takes_messages() {
            return Err(Trouble::TakesNone(self.kept.state));
        }
        if self.kept.last_sequence >= MOST_INTERACTIONS {
            return Err(Trouble::Full);
        }
        let direction = self.facts.direction_of(&new.participant_id);
        let in_reply_to = new.in_reply_to.filter(|_| direction == Direction::Outbound);
        let posted = self.push(direction, new.participant_id, new.text.clone(), in_reply_to);
        if direction == Direction::Inbound {
            self.kept.turns += 1;
            self.kept.silent_since = Some(self.now);
            self.kept.asked(posted.id.clone(), self.now);
            self.hear(&posted, new.text);
        }
        Ok(posted)
    }

    /// The conversation goes to another state.
    pub(super) fn go_to(&mut self, next: State) -> Result<(), Trouble> {
        let now = self.kept.state;
        if !now.may_become(next) {
            return Err(Trouble::Transition(now, next));
        }
        if now != next {
            self.enter(next);
        }
        Ok(())
    }

    /// The bot may speak first, once the conversation takes messages.
    pub(super) fn begin(&mut self) {
        let Bot::File { bot, seed, .. } = &self.bot else {
            return;
        };
        if self.kept.dialogue.is_some() || !self.kept.state.takes_messages() {
            return;
        }
        let seed = seed_of(*seed, &self.id, &self.context);
        let (dialogue, acts) = Dialogue::begin_in(bot, seed, &self.context);
        self.kept.dialogue = Some(dialogue);
        self.kept.silent_since = Some(self.now);
        let trace = self.trace();
        self.act(Acts {
            acts,
            reply_to: None,
            trace,
        });
    }

    /// Somebody did an errand; one that nobody waits for any more changes nothing.
    pub(super) fn done(&mut self, number: u64, outcome: Outcome) {
        let Some(at) = self
            .kept
            .errands
            .iter()
            .position(|errand| errand.number == number)
        else {
            return;
        };
        let errand = self.kept.errands.remove(at);
        let mut acts = match (outcome, &self.bot, &mut self.kept.dialogue) {
            (Outcome::Acts(acts), ..) => acts,
            (Outcome::Called(outcome), Bot::File { bot, .. }, Some(dialogue)) => {
                dialogue.called(bot, outcome)
            }
            (Outcome::Called(_), ..) => Vec::new(),
        };
        if self.kept.escalated {
            // A human has taken over meanwhile, and decides; what the bot has learned may be of use.
            acts.retain(|act| matches!(act, Act::Set { .. }));
        }
        let trace = self.trace();
        self.act(Acts {
            acts,
            reply_to: errand.reply_to,
            trace,
        });
    }

    /// Lets what is due by now happen, each at its time.
    pub(super) fn pass_time(&mut self) {
        let until = self.now;
        for _ in 0..MOST_AT_ONCE {
            let Some(due) = self.due().filter(|due| *due <= until) else {
                break;
            };
            self.now = due;
            let is_owed = self.kept.owed.front().is_some_and(|owed| owed.due <= due);
            match self.kept.owed.pop_front_if(|_| is_owed) {
                Some(owed) => self.do_one(owed.act, owed.reply_to, owed.trace),
                None => self.idle(),
            }
        }
        self.now = until;
    }

    /// When something is due, by the conversation's clock.
    pub(super) fn due(&self) -> Option<UtcTime> {
        let owed = self.kept.owed.front().map(|owed| owed.due);
        let idle = idle_due(&self.kept, &self.bot);
        [owed, idle].into_iter().flatten().min()
    }

    fn hear(&mut self, message: &Posted, text: String) {
        if self.kept.escalated {
            return;
        }
        self.begin();
        let acts = match (&self.bot, &mut self.kept.dialogue) {
            (Bot::File { bot, .. }, Some(dialogue)) => dialogue.hear(bot, &text, &self.context),
            (Bot::Webhook { .. }, _) => {
                let (interaction, sequence) = (message.id.clone(), message.sequence);
                let what = What::Message {
                    interaction,
                    sequence,
                    text,
                };
                return self.send(Some(message.id.clone()), what);
            }
            _ => return,
        };
        let (reply_to, trace) = (Some(message.id.clone()), self.trace());
        self.act(Acts {
            acts,
            reply_to,
            trace,
        });
    }

    fn idle(&mut self) {
        self.kept.silent_since = Some(self.now);
        let (Bot::File { bot, .. }, Some(dialogue)) = (&self.bot, &mut self.kept.dialogue) else {
            return;
        };
        let acts = dialogue.idle(bot);
        let trace = self.trace();
        self.act(Acts {
            acts,
            reply_to: None,
            trace,
        });
    }

    /// What the bot understood, and where that led.
    pub(super) fn trace(&self) -> Option<BotTrace> {
        let dialogue = self.kept.dialogue.as_ref()?;
        let trace = BotTrace {
            intent: dialogue.intent().map(str::to_owned),
            confidence: dialogue.confidence(),
            steps: dialogue.steps_and_more(),
        };
        (trace != BotTrace::default()).then_some(trace)
    }

    /// Acts happen in order: after one that is put off, all that follow are, too.
    pub(super) fn act(
        &mut self,
        Acts {
            acts,
            reply_to,
            mut trace,
        }: Acts,
    ) {
        self.give_up_calls();
        let typing = self.bot.typing_ms();
        let mut at = self
            .kept
            .owed
            .back()
            .map_or(self.now, |last| last.due.max(self.now));
        for act in acts {
            if self.kept.state.is_over() {
                return;
            }
            let is_said = matches!(act, Act::Say { .. });
            if let Act::Say { pause_ms, .. } = &act {
                at = at.after(Duration::from_millis((*pause_ms).max(typing)));
            }
            let trace = if is_said { trace.take() } else { None };
            if at <= self.now && self.kept.owed.is_empty() {
                self.do_one(act, reply_to.clone(), trace);
            } else if self.kept.owed.len() < MOST_OWED {
                let (due, reply_to) = (at, reply_to.clone());
                self.kept.owed.push_back(Owed {
                    due,
                    reply_to,
                    trace,
                    act,
                });
            }
        }
    }

    fn do_one(&mut self, act: Act, reply_to: Option<InteractionId>, trace: Option<BotTrace>) {
        match act {
            // Also of what was put off: a human has taken over before it was due.
            Act::Say { .. } | Act::Call { .. } | Act::Escalate { .. } if self.kept.escalated => {}
            Act::Say { text, buttons, .. } => self.answer(text, buttons, reply_to, trace),
            // It was put off, and the customer has said something else since.
            Act::Call { number, .. } if !self.awaits(number) => {}
            Act::Call {
                name,
                number,
                request,
            } => {
                let what = What::Call {
                    call: number,
                    name,
                    request,
                };
                self.send(reply_to, what);
            }
            Act::Set { slot, value } => {
                // A dialogue has its slots itself.
                if self.kept.dialogue.is_none() {
                    match value {
                        Value::Null => drop(self.kept.slots.remove(&slot)),
                        value => drop(self.kept.slots.insert(slot, value)),
                    }
                }
            }
            Act::Escalate { reason } => {
                self.kept.escalated = true;
                // What was put off for other messages is the human's to decide now.
                let stays = |owed: &Owed| owed.reply_to == reply_to || matches!(owed.act, Act::Set { .. });
                self.kept.owed.retain(stays);
                self.notes.push(Note::because("conversation.escalated", reason));
                if self.kept.state == State::Active {
                    self.enter(State::Pending);
                }
            }
            Act::Resolve => self.settle(true),
            Act::Unresolve => self.settle(false),
            Act::Close if self.kept.state.may_become(State::Closed) => self.enter(State::Closed),
            Act::Close => {}
        }
    }

    fn settle(&mut self, is_resolved: bool) {
        if self.kept.resolved != is_resolved {
            self.kept.resolved = is_resolved;
            let detail = serde_json::json!({"resolved": is_resolved});
            self.notes.push(Note::of("conversation.resolved", detail));
        }
    }

    fn answer(
        &mut self,
        text: String,
        buttons: Vec<Button>,
        reply_to: Option<InteractionId>,
        trace: Option<BotTrace>,
    ) {
        let Some(bot) = self.facts.bot().map(|bot| bot.id.clone()) else {
            return;
        };
        let asked = reply_to.as_ref().and_then(|id| self.kept.answered(id));
        if let Some(asked) = asked {
            // Between the two, the conversation's clock; within the request, the center's, which is finer.
            let time = self.now.since(asked) + self.clock.now().since(self.received);
            self.kept.took(time);
        }
        self.push(Direction::Outbound, bot, text, reply_to);
        if let Some(answer) = self.said.last_mut() {
            answer.buttons = buttons;
            answer.bot = trace;
        }
    }

    fn push(
        &mut self,
        direction: Direction,
        participant_id: ParticipantId,
        text: String,
        in_reply_to: Option<InteractionId>,
    ) -> Posted {
        self.kept.last_sequence += 1;
        let posted = Posted {
            id: InteractionId::from_uuid(uuid::Uuid::now_v7()),
            sequence: self.kept.last_sequence,
        };
        self.said.push(Interaction {
            id: posted.id.clone(),
            sequence: posted.sequence,
            direction,
            kind: InteractionType::Message,
            text,
            read: false,
            created_date: self.now.to_the_millisecond(),
            in_reply_to,
            participant_id,
            buttons: Vec::new(),
            bot: None,
        });
        posted
    }

    fn enter(&mut self, next: State) {
        let before = std::mem::replace(&mut self.kept.state, next);
        let change = serde_json::json!({"from": before, "to": next});
        self.notes.push(Note::of("conversation.state", change));
        if next.is_over() {
            // Who is gone is told nothing more.
            self.kept.owed.clear();
            self.kept.errands.clear();
            self.kept.silent_since = None;
        } else if next.takes_messages() {
            self.kept.silent_since = Some(self.now);
            self.begin();
        }
    }
}

/// When the bot's next idle path is due, by the conversation's clock.
pub(super) fn idle_due(kept: &Kept, bot: &Bot) -> Option<UtcTime> {
    let (Bot::File { bot, .. }, Some(dialogue)) = (bot, &kept.dialogue) else {
        return None;
    };
    if kept.escalated || !kept.state.takes_messages() {
        return None;
    }
    Some(kept.silent_since?.after(dialogue.idle_after(bot)?))
}

/// The same conversation has the same seed, also at another center; so have those that say so by the whole number `metadata.seed`.
fn seed_of(seed: u64, id: &ConversationId, context: &Value) -> u64 {
    let chosen = context.pointer("/metadata/seed").and_then(Value::as_u64);
    let hash = Sha256::new().chain_update(seed.to_be_bytes());
    let hash = match chosen {
        Some(chosen) => hash.chain_update(chosen.to_be_bytes()),
        None => hash.chain_update(id.as_str()),
    };
    let hash = hash.finalize();
    hash.first_chunk::<8>()
        .map_or(seed, |first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_conversation_has_the_seed_of_its_id_or_the_one_that_its_context_names() {
        let of = |seed, id: &str, context| seed_of(seed, &id.parse().unwrap(), &context);
        let named = |seed: i64| json!({"metadata": {"seed": seed}});
        assert_eq!(of(1, "a", json!({})), of(1, "a", json!({"metadata": {}})));
        assert_ne!(of(1, "a", json!({})), of(1, "b", json!({})));
        assert_eq!(of(1, "a", named(7)), of(1, "b", named(7)));
        assert_ne!(of(1, "a", named(7)), of(1, "a", named(8)));
        assert_ne!(of(1, "a", named(7)), of(2, "a", named(7)));
        // Anything else is none.
        assert_eq!(of(1, "a", named(-7)), of(1, "a", json!({})));
    }
}
