//! What came of a step, committed with what follows from it.

use super::{Shared, entries::Entries};
use audit::Entry;
use flow::delivery::LONGEST_WAIT;
use std::time::Duration;
use store::{Claim, Commit, Committed, Finish, Intent};
use tokio::time::sleep;
use wire::ids::CorrelationId;

/// How often an outcome is committed at most, while the store fails.
const MOST_TRIES: u32 = 8;
/// The wait after the first failure of the store; it doubles, so all together last 13 s: less than a shutdown waits.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest reason that is kept, in characters.
const LONGEST_WHY: usize = 1000;

/// What came of a step.
pub(super) enum Ended {
    /// It is done.
    Done {
        /// What it came to, as JSON.
        result: Option<String>,
        /// The steps that follow.
        intents: Vec<Intent>,
        /// What is noted.
        entry: Entry,
    },
    /// It failed.
    Failed {
        /// Why.
        why: String,
        /// Whether it may go better the next time.
        passing: bool,
        /// When the platform wants to be asked again.
        retry_after: Option<Duration>,
        correlation: Option<CorrelationId>,
    },
}

impl Ended {
    /// The platform did not do what it was asked for.
    pub(super) fn failed(correlation: CorrelationId, error: &client::Error) -> Self {
        Failed::because(error).ended(correlation)
    }

    /// The item is not what a step writes: nobody can do it.
    pub(super) fn broken(why: &dyn std::fmt::Display) -> Self {
        Self::Failed {
            why: format!("the item can't be read: {why}"),
            passing: false,
            retry_after: None,
            correlation: None,
        }
    }
}

/// What the platform did not do.
pub(super) struct Failed {
    pub(super) why: String,
    /// Whether it may go better the next time.
    pub(super) passing: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Failed {
    pub(super) fn because(error: &client::Error) -> Self {
        Self {
            why: with_causes(error),
            passing: !is_final(error),
            retry_after: error.retry_after(),
        }
    }

    pub(super) fn ended(self, correlation: CorrelationId) -> Ended {
        let Self {
            why,
            passing,
            retry_after,
        } = self;
        Ended::Failed {
            why,
            passing,
            retry_after,
            correlation: Some(correlation),
        }
    }
}

/// Whether the same request will be refused again, whenever it is sent. A path that is not there may be, once somebody has mended
/// the address.
fn is_final(error: &client::Error) -> bool {
    match error {
        client::Error::Refused(refusal) => {
            matches!(refusal.status, 400 | 409 | 413 | 415 | 422)
        }
        client::Error::BadRequest(_) => true,
        _ => false,
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    without_zeros(&text).chars().take(LONGEST_WHY).collect()
}

/// Says in the program's own log that a step failed; why may name a person, and is in the store.
fn tell(claim: &Claim, why: &str, wait: Option<Duration>) {
    let (interaction, step) = (&claim.effect.event, &claim.effect.step);
    let attempt = claim.failures.saturating_add(1);
    tracing::debug!(interaction, step, why, "a step failed");
    match wait {
        Some(again_after) => tracing::warn!(
            interaction,
            step,
            attempt,
            ?again_after,
            "a step failed; it is tried again"
        ),
        None => tracing::error!(
            interaction,
            step,
            attempt,
            "a step failed for good; 'trunkline tasks show' says why, 'tasks replay' does it again"
        ),
    }
}

/// Somebody's words as every database keeps them.
pub(super) fn without_zeros(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Commits what came of a step. When that can't be done, the item stays held until its time is over, and is done again.
pub(super) async fn settle(shared: &Shared, claim: &Claim, ended: Ended) {
    let commit = outcome(shared, claim, ended);
    for number in 0..MOST_TRIES {
        match shared.store.commit(commit()).await {
            Ok(Committed::Stale) => {
                tracing::warn!(item = claim.id.item.0, "another process has this step by now");
                return;
            }
            // It has no event, no record and no checkpoint that could be anything else.
            Ok(_) => return,
            Err(error @ (store::Error::TooLarge { .. } | store::Error::ZeroByte { .. })) => {
                // It will never be taken. What is said of it instead will be.
                return bury(shared, claim, &error).await;
            }
            Err(error) => {
                tracing::warn!(item = claim.id.item.0, %error, "the outcome of a step can't be kept yet");
            }
        }
        if number + 1 < MOST_TRIES {
            sleep(FIRST_WAIT * 2_u32.pow(number)).await;
        }
    }
    tracing::error!(
        item = claim.id.item.0,
        "the outcome of a step is not kept; it is done again"
    );
}

/// Makes a dead letter of a step whose outcome the store does not take.
async fn bury(shared: &Shared, claim: &Claim, why: &store::Error) {
    let error = format!("what came of it can't be kept: {why}");
    let entries = Entries::of_effect(&claim.effect, None);
    let commit = Commit {
        audit: vec![entries.failed(&claim.effect.step, claim.failures, &error, None)],
        finish: Some((claim.id, Finish::Dead { error })),
        ..Commit::default()
    };
    if let Err(error) = shared.store.commit(commit).await {
        tracing::error!(item = claim.id.item.0, %error, "the outcome of a step is not kept; it is done again");
    }
}

/// The commit of an outcome, as often as it is needed.
fn outcome(shared: &Shared, claim: &Claim, ended: Ended) -> impl Fn() -> Commit {
    let (finish, intents, entry) = match ended {
        Ended::Done {
            result,
            intents,
            entry,
        } => (Finish::Done { result }, intents, entry),
        Ended::Failed {
            why,
            passing,
            retry_after,
            correlation,
        } => {
            let asked = retry_after.unwrap_or_default().min(LONGEST_WAIT);
            let wait = shared.schedule.wait_after(claim.failures, rand::random());
            let wait = wait.filter(|_| passing).map(|wait| wait.max(asked));
            shared.pause.until(asked);
            tell(claim, &why, wait);
            let entries = Entries::of_effect(&claim.effect, correlation);
            let entry = entries.failed(&claim.effect.step, claim.failures, &why, wait);
            let finish = match wait {
                Some(after) => Finish::Again { after, error: why },
                None => Finish::Dead { error: why },
            };
            (finish, Vec::new(), entry)
        }
    };
    let id = claim.id;
    move || Commit {
        finish: Some((id, finish.clone())),
        intents: intents.clone(),
        audit: vec![entry.clone()],
        ..Commit::default()
    }
}
