//! Interactions that are made up at a rate, for demonstrations and load tests: `--completions 50/s`.

use super::{
    Audience,
    event::Completed,
    rate::{Beat, CompletionRate},
    turns::Turns,
};
use crate::{
    clock::Clock,
    interactions::{Interaction, MADE_UP},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use store::{Commit, MOST_PARTS, Store};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wire::{
    form::Response,
    ids::{AgentId, InteractionId},
};

/// Those that are due within this time are one commit.
const TICK: Duration = Duration::from_millis(50);
/// While so many deliveries wait, nothing more is made up.
const MOST_WAITING: u64 = 100_000;
/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often those that are too old are removed.
const REMOVE_EVERY: Duration = Duration::from_secs(600);
/// How long those that were made up are kept.
const KEPT: Duration = Duration::from_secs(86_400);
/// One of so many has no form.
const ONE_WITHOUT_FORM: u64 = 20;
/// The field of the score.
const SCORE: &str = "overall_satisfaction";
/// Where the scores begin: the same ones after each start.
const SEED: u64 = 20_261_121;

/// What is needed to make interactions up.
pub(crate) struct MadeUp {
    pub(crate) store: Store,
    pub(crate) audience: Audience,
    pub(crate) rate: CompletionRate,
}

/// Completes interactions at the rate until it is stopped. What can't be written down did not happen.
pub(crate) async fn keep_completing(made_up: MadeUp, stop: CancellationToken) {
    let start = Instant::now();
    let mut beat = Beat::new(made_up.rate, Duration::ZERO);
    let mut scores = Scores(SEED);
    let mut upkeep = Upkeep::default();
    loop {
        let wake = beat.next().max(start.elapsed() + TICK);
        if stop
            .run_until_cancelled(sleep_until(start + wake))
            .await
            .is_none()
        {
            return;
        }
        let due = beat.take(start.elapsed());
        upkeep.remove_old(&made_up.store).await;
        if upkeep.has_room(&made_up.store).await {
            let completed = complete(&made_up, &mut scores, due).await;
            upkeep.note(completed);
        }
    }
}

/// Completes so many interactions, in one commit unless there are too many endpoints for that.
async fn complete(made_up: &MadeUp, scores: &mut Scores, count: u64) -> Result<(), Arc<store::Error>> {
    let endpoints = made_up.audience.subscribers.current().await?;
    let per_commit = Completed::per_commit(&endpoints, MOST_PARTS);
    let all: Vec<Completed> = (0..count)
        .filter_map(|_| make_up(&made_up.audience.turns, scores))
        .collect();
    for some in all.chunks(per_commit) {
        let mut commit = Commit::default();
        for completed in some {
            commit.records.push(completed.interaction.put(MADE_UP));
            completed.announce(&mut commit, &endpoints, None);
        }
        made_up.store.commit(commit).await?;
    }
    Ok(())
}

/// `None` when the tenant has no agents.
fn make_up(turns: &Turns, scores: &mut Scores) -> Option<Completed> {
    let agent_id: AgentId = turns.next()?;
    let response = |score: u64| Response {
        field_name: SCORE.to_owned(),
        value: json!(score.to_string()),
    };
    let interaction = Interaction {
        id: InteractionId::from_uuid(uuid::Uuid::now_v7()),
        agent_id,
        call_id: None,
        completed_at: Clock::utc(),
        responses: scores.next_score().map(|score| vec![response(score)]),
    };
    Some(Completed::new(interaction))
}

/// Scores 1 to 5 as if by chance, now and then none: SplitMix64, which needs no more than a number to go on from.
struct Scores(u64);

impl Scores {
    fn next_score(&mut self) -> Option<u64> {
        let chance = self.next_number();
        let score = self.next_number() % 5 + 1;
        (!chance.is_multiple_of(ONE_WITHOUT_FORM)).then_some(score)
    }

    fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What is looked after meanwhile.
#[derive(Default)]
struct Upkeep {
    looked: Option<Instant>,
    removed: Option<Instant>,
    is_full: bool,
    fails: bool,
}

impl Upkeep {
    /// Whether there is room for more deliveries, by what was seen last.
    async fn has_room(&mut self, store: &Store) -> bool {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return !self.is_full;
        }
        self.looked = Some(Instant::now());
        // Deliveries only: the timers of tasks wait for hours, and nothing is late because of them.
        let Ok(waiting) = store.waiting(&webhooks::queue_prefix(None)).await else {
            return !self.is_full;
        };
        let was_full = std::mem::replace(&mut self.is_full, waiting >= MOST_WAITING);
        if self.is_full && !was_full {
            tracing::warn!(
                waiting,
                "too much waits to be delivered; no more completions are made up until it is less"
            );
        }
        !self.is_full
    }

    async fn remove_old(&mut self, store: &Store) {
        if self
            .removed
            .is_some_and(|removed| removed.elapsed() < REMOVE_EVERY)
        {
            return;
        }
        self.removed = Some(Instant::now());
        if let Err(error) = store.purge_records(MADE_UP, KEPT).await {
            tracing::warn!(%error, "old interactions that were made up are not removed yet");
        }
    }

    /// Says so when completions begin to fail, and when they go well again.
    fn note(&mut self, completed: Result<(), Arc<store::Error>>) {
        let failed = std::mem::replace(&mut self.fails, completed.is_err());
        match completed {
            Err(error) if !failed => tracing::warn!(%error, "completions can't be made up for now"),
            Ok(()) if failed => tracing::info!("completions are made up again"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use store::{EffectKey, Intent, Location};

    #[tokio::test]
    async fn timers_that_wait_for_days_leave_room_and_deliveries_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("trunkline.db"));
        let store = Store::open(&location).await.unwrap();
        let owe = async |queue: &str| {
            for first in (0..MOST_WAITING).step_by(MOST_PARTS) {
                let last = (first + MOST_PARTS as u64).min(MOST_WAITING);
                let intent = |number: u64| Intent {
                    effect: EffectKey {
                        source: queue.to_owned(),
                        event: number.to_string(),
                        step: "s".to_owned(),
                    },
                    queue: queue.to_owned(),
                    subject: None,
                    body: String::new(),
                    after: KEPT,
                };
                let commit = Commit {
                    intents: (first..last).map(intent).collect(),
                    ..Commit::default()
                };
                store.commit(commit).await.unwrap();
            }
        };
        owe("task-timer").await;
        assert!(Upkeep::default().has_room(&store).await);
        owe("webhook:ep_1").await;
        assert!(!Upkeep::default().has_room(&store).await);
        store.close().await;
    }

    #[test]
    fn every_score_comes_about_as_often_and_now_and_then_there_is_no_form() {
        let mut scores = Scores(SEED);
        let mut counts = BTreeMap::new();
        for _ in 0..10_000 {
            *counts.entry(scores.next_score()).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6, "{counts:?}");
        assert!((400..600).contains(&counts[&None]), "{counts:?}");
        for score in 1..=5 {
            assert!((1700..2100).contains(&counts[&Some(score)]), "{counts:?}");
        }
    }
}
