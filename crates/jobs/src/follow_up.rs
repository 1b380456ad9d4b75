//! Follows up what customers say after an interaction: fetches the form, judges it by rules, creates the tasks that the rules ask
//! for, and tells the agents (contract section 7).
//!
//! Each step is an item of the store's outbox, in a queue of its own: [`FORM`], then [`TASK`] for each task, then [`NOTIFY`]. A step
//! is finished in one commit with the steps that follow from it, so a process may be killed anywhere. What a step asks of the
//! platform carries an idempotency key made from the step's effect, so a repeat creates nothing twice.
//!
//! ```no_run
//! # async fn run(store: store::Store, platform: client::Transport) -> Result<(), Box<dyn std::error::Error>> {
//! use jobs::follow_up::{FollowUps, Options, Rulebook, Rules, accepted};
//! use wire::completion::Completion;
//!
//! let follow_ups = FollowUps::start(store.clone(), &platform, Rulebook::new(Rules::usual()?), Options::default()).await?;
//!
//! // A completion comes in: once this is committed, it is followed up, whatever happens.
//! let body = serde_json::json!({"interactionId": "int-1001", "agentId": "agent-1"});
//! let body = body.as_object().cloned().unwrap_or_default();
//! let completion = Completion::parse(&body)?;
//! store.commit(accepted(&completion, body, jiff::Timestamp::now().into(), "c-1".parse()?)).await?;
//! # follow_ups.shutdown().await;
//! # Ok(()) }
//! ```

mod again;
mod entries;
mod form_step;
mod item;
mod notify_step;
mod pause;
mod rulebook;
mod rush;
mod settle;
mod story;
mod task_step;

pub use again::{replay, replay_failed, replay_unjudged};
pub use item::{Created, Judged, Order, Reason, Told, Verdict};
pub use rulebook::{BadRules, Rulebook, Rules, keep_reading};
pub use rush::{Rush, Waiting};
pub use story::{Step, Story, StoryState, TaskStory, stories, story};

use client::Transport;
use entries::Entries;
use flow::delivery::Schedule;
use item::ToJudge;
use pause::Pause;
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use store::{Claim, Commit, EffectKey, Event, Intent, Store, Worker, work_through};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::{
    UtcTime,
    completion::Completion,
    ids::{CorrelationId, IdempotencyKey, InteractionId},
};

/// The source of completions in the inbox: its event ids are interaction ids, so each interaction is followed up once.
pub const SOURCE: &str = "interaction-completed";
/// What all queues of follow-up begin with.
pub const QUEUES: &str = "follow-up:";
/// The queue of forms to be fetched and judged.
pub const FORM: &str = "follow-up:form";
/// The queue of tasks to be created.
pub const TASK: &str = "follow-up:task";
/// The queue of agents to be told.
pub const NOTIFY: &str = "follow-up:notify";
/// What the sender of a completion is told.
pub const RECEIVED: &str = r#"{"received":true}"#;

/// How long a shutdown waits for steps under way. A request to the platform may take 20 s.
const DRAIN: Duration = Duration::from_secs(25);

/// How follow-ups are worked on.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a step that failed is tried again.
    pub schedule: Schedule,
    /// Most steps of one kind at a time.
    pub at_once: usize,
    /// What steps give way to.
    pub rush: Rush,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            at_once: 64,
            rush: Rush::default(),
        }
    }
}

/// The follow-ups of a store, carried out while this lives.
///
/// Dropped without [`FollowUps::shutdown`], they stop at once: what is under way is done again, under the same keys.
pub struct FollowUps {
    stop: CancellationToken,
    loops: JoinSet<()>,
    worker: Arc<Worker>,
}

/// What all steps have in common.
struct Shared {
    store: Store,
    platform: client::FollowUp,
    rules: Rulebook,
    schedule: Schedule,
    rush: Rush,
    pause: Pause,
}

impl FollowUps {
    /// Starts to work on what is owed, by what the platform has and the rules say.
    pub async fn start(
        store: Store,
        platform: &Transport,
        rules: Rulebook,
        options: Options,
    ) -> Result<Self, store::Error> {
        let worker = Arc::new(store.join().await?);
        let shared = Arc::new(Shared {
            store,
            platform: client::FollowUp::new(platform),
            rules,
            schedule: options.schedule,
            rush: options.rush,
            pause: Pause::default(),
        });
        let mut follow_ups = Self {
            stop: CancellationToken::new(),
            loops: JoinSet::new(),
            worker,
        };
        let at_once = options.at_once;
        follow_ups.work(FORM, at_once, &shared, form_step::take);
        follow_ups.work(TASK, at_once, &shared, task_step::take);
        follow_ups.work(NOTIFY, at_once, &shared, notify_step::take);
        Ok(follow_ups)
    }

    fn work<F>(
        &mut self,
        queue: &'static str,
        at_once: usize,
        shared: &Arc<Shared>,
        step: fn(Arc<Shared>, Claim) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (shared, worker, stop) = (shared.clone(), self.worker.clone(), self.stop.clone());
        self.loops.spawn(async move {
            let step = |claim| {
                let shared = shared.clone();
                async move {
                    shared.pause.over().await;
                    shared.rush.give_way().await;
                    step(shared, claim).await;
                }
            };
            work_through(&shared.store, &worker, queue, at_once, &stop, step).await;
        });
    }

    /// Takes up nothing more, and finishes what is under way.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        let finished = async { while self.loops.join_next().await.is_some() {} };
        if timeout(DRAIN, finished).await.is_err() {
            tracing::warn!("follow-ups under way did not end in time; they are done again");
            self.loops.shutdown().await;
        }
        if let Some(worker) = Arc::into_inner(self.worker) {
            worker.leave().await;
        }
    }
}

/// Accepts a completion: the event, the first step, and an audit entry. `body` is the completion as it came. An interaction that
/// was accepted before is a duplicate, whatever its event says.
pub fn accepted(
    completion: &Completion,
    body: Map<String, Value>,
    at: UtcTime,
    correlation: CorrelationId,
) -> Commit {
    let interaction = &completion.interaction_id;
    let audit = vec![Entries::accepted(at, completion, correlation.clone())];
    let text = serde_json::to_string(&body).unwrap_or_default();
    let to_judge = ToJudge {
        completion: body,
        received_at: at,
        correlation,
    };
    Commit {
        event: Some(Event {
            source: SOURCE.to_owned(),
            id: interaction.to_string(),
            body: text,
            answer: RECEIVED.to_owned(),
        }),
        intents: vec![intent(interaction, "form".to_owned(), FORM, &to_judge)],
        audit,
        ..Commit::default()
    }
}

/// A step that is owed at once.
fn intent(interaction: &InteractionId, step: String, queue: &str, body: &impl serde::Serialize) -> Intent {
    Intent {
        effect: EffectKey {
            source: SOURCE.to_owned(),
            event: interaction.to_string(),
            step,
        },
        queue: queue.to_owned(),
        subject: None,
        // Texts, numbers and maps with texts as keys: that always can be written as JSON.
        body: serde_json::to_string(body).unwrap_or_default(),
        after: Duration::ZERO,
    }
}

/// The key of what a step asks of the platform: the same after every restart and replay. `attempt` tells apart what differs in
/// its body, which no key may.
fn key_of(effect: &EffectKey, attempt: &str) -> IdempotencyKey {
    IdempotencyKey::of_parts(&[&effect.source, &effect.event, &effect.step, attempt])
}

/// The time of day, for audit entries.
fn now() -> UtcTime {
    jiff::Timestamp::now().into()
}
