//! From the answer of the call to its first menu.

use super::{Action, AuditEvent, Because, ProfileAnswer, ProfileOutcome, Session, State};
use crate::{
    Moment,
    condition::{Condition, EvaluationError, Facts},
};
use wire::limits::PROFILE_PATIENCE;

impl Session {
    pub(super) fn answer(&mut self, now: Moment) {
        if self.state != State::Ringing {
            return;
        }
        self.answered_at = now;
        match self.call.external_id.clone() {
            Some(id) => {
                self.state = State::AwaitingProfile;
                self.profile_owed = true;
                self.deadline = now + PROFILE_PATIENCE;
                self.actions.push(Action::FetchProfile(id));
            }
            None => self.enter(now),
        }
    }

    pub(super) fn profile(&mut self, now: Moment, answer: ProfileAnswer) {
        if !std::mem::take(&mut self.profile_owed) {
            return;
        }
        if self.state != State::AwaitingProfile {
            let reason = match answer {
                ProfileAnswer::Failed(reason) => Some(reason),
                ProfileAnswer::Found(_) | ProfileAnswer::NotFound => None,
            };
            return self.audit_profile(now, ProfileOutcome::Late, reason);
        }
        match answer {
            ProfileAnswer::Found(profile) => match Facts::known(&self.call, &profile) {
                Ok(facts) => {
                    self.facts = facts;
                    self.audit_profile(now, ProfileOutcome::Found, None);
                }
                Err(error) => self.audit_profile(now, ProfileOutcome::Failed, Some(error.to_string())),
            },
            ProfileAnswer::NotFound => self.audit_profile(now, ProfileOutcome::NotFound, None),
            ProfileAnswer::Failed(reason) => self.audit_profile(now, ProfileOutcome::Failed, Some(reason)),
        }
        self.enter(now);
    }

    pub(super) fn profile_timed_out(&mut self, now: Moment) {
        let patience = PROFILE_PATIENCE.as_millis();
        self.audit_profile(
            now,
            ProfileOutcome::TimedOut,
            Some(format!("no answer within {patience} ms")),
        );
        self.enter(now);
    }

    fn audit_profile(&mut self, now: Moment, outcome: ProfileOutcome, reason: Option<String>) {
        let after = now.since(self.answered_at).as_millis();
        self.audit(AuditEvent::Profile {
            outcome,
            reason,
            after_ms: u64::try_from(after).unwrap_or(u64::MAX),
        });
    }

    /// Opens the first menu whose entry holds.
    fn enter(&mut self, now: Moment) {
        let menu = self.menu.clone();
        let taken = menu.entries.iter().zip(1..).find(|(entry, nth)| {
            let place = || format!("entry {nth}");
            self.holds(&entry.when, place)
        });
        match taken {
            Some((entry, _)) => self.open(now, entry.menu, Some(Because::Entry), Vec::new()),
            None => self.open(now, menu.general, Some(Because::General), Vec::new()),
        }
    }

    /// Whether a condition holds for this caller. One that cannot be answered does not, and is told once.
    pub(super) fn holds(&mut self, condition: &Condition, place: impl FnOnce() -> String) -> bool {
        let error = match condition.holds(&self.facts) {
            Ok(holds) => return holds,
            Err(error) => error,
        };
        // Of an unknown caller no attribute is known: that is no fault of the condition.
        let expected = matches!(error, EvaluationError::Missing(_)) && !self.facts.caller_is_known();
        let place = place();
        if !expected && self.told.insert(place.clone()) {
            let condition = condition.source().to_owned();
            self.audit(AuditEvent::ConditionFailed {
                condition,
                place,
                reason: error.to_string(),
            });
        }
        false
    }
}
