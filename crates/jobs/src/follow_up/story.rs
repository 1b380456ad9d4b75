//! What became of an interaction, read from the items of its steps.

use super::{
    FORM, QUEUES, SOURCE, TASK,
    item::{Created, Judged, Order, ToJudge, Verdict},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashSet;
use store::{Item, ItemFilter, ItemId, ItemState, Store};
use wire::{
    UtcTime,
    completion::Completion,
    ids::{AgentId, InteractionId},
};

/// Most steps of one interaction that are read: its form, and at most 8 tasks and their notifications.
const MOST_STEPS: usize = 32;

/// What became of an interaction.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Its number, for the next page of a list.
    #[serde(skip)]
    pub item: ItemId,
    /// The item of its first step.
    #[serde(skip)]
    pub form_item: ItemId,
    /// The interaction.
    pub interaction_id: InteractionId,
    /// Who led it.
    pub agent_id: AgentId,
    /// The members of its completion.
    #[serde(skip)]
    pub completion: Map<String, Value>,
    /// When its completion came in.
    pub received_at: UtcTime,
    /// How far it is.
    pub state: StoryState,
    /// How its form was fetched and judged.
    pub form: Step,
    /// What the rules said, once they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Judged>,
    /// The tasks that the rules asked for.
    pub tasks: Vec<TaskStory>,
}

impl Story {
    /// The rule that fired, if one did.
    pub fn rule(&self) -> Option<&str> {
        match &self.judged.as_ref()?.verdict {
            Verdict::Fired { reason, .. } => Some(&reason.rule),
            Verdict::NoForm | Verdict::Unjudged { .. } => None,
        }
    }
}

/// How far an interaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoryState {
    /// Something is still to be done.
    UnderWay,
    /// Something failed, and is tried again.
    Retrying,
    /// Something failed for good: a dead letter.
    Failed,
    /// There is no form.
    NoForm,
    /// The form lacks what the rules need.
    Unjudged,
    /// The rules want no task.
    NoTask,
    /// All tasks are created, and their agents know.
    Done,
}

impl StoryState {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::UnderWay => "under way",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::NoForm => "no form",
            Self::Unjudged => "unjudged",
            Self::NoTask => "no task",
            Self::Done => "done",
        }
    }
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// `waiting`, `held`, `done` or `dead`.
    pub state: &'static str,
    /// Failed attempts so far.
    pub failures: u32,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// While it waits: when it is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<UtcTime>,
}

/// A task that the rules asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStory {
    /// What was asked for, and why.
    #[serde(flatten)]
    pub order: Order,
    /// How its creation stands.
    pub creation: Step,
    /// The task on the platform, once it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// Whether the agent knows, once the task is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification: Option<Step>,
}

/// What became of one interaction; `None` when nothing is known of it.
pub async fn story(store: &Store, interaction: &str) -> Result<Option<Story>, store::Error> {
    let filter = ItemFilter {
        event: Some((SOURCE.to_owned(), interaction.to_owned())),
        ..ItemFilter::default()
    };
    let mut items = store.items(&filter, MOST_STEPS).await?;
    // The order in which they were owed.
    items.reverse();
    Ok(tell(&items))
}

/// What became of the interactions that came in last, newest first; `before` begins the next page. Or only of those of which
/// something failed for good.
pub async fn stories(
    store: &Store,
    failed: bool,
    before: Option<ItemId>,
    most: usize,
) -> Result<Vec<Story>, store::Error> {
    let (queue, states) = if failed {
        (QUEUES, vec![ItemState::Dead])
    } else {
        (FORM, Vec::new())
    };
    let filter = ItemFilter {
        queue_prefix: Some(queue.to_owned()),
        states,
        before,
        ..ItemFilter::default()
    };
    let mut seen = HashSet::new();
    let mut stories = Vec::new();
    for item in store.items(&filter, most).await? {
        if seen.insert(item.effect.event.clone())
            && let Some(story) = story(store, &item.effect.event).await?
        {
            stories.push(Story {
                item: item.id,
                ..story
            });
        }
    }
    Ok(stories)
}

fn tell(items: &[Item]) -> Option<Story> {
    let first = items.iter().find(|item| item.queue == FORM)?;
    let to_judge: ToJudge = read(&first.body)?;
    let completion = Completion::parse(&to_judge.completion).ok()?;
    let judged: Option<Judged> = first.result.as_deref().and_then(read);
    let tasks = items.iter().filter(|item| item.queue == TASK);
    let tasks: Vec<TaskStory> = tasks.filter_map(|task| tell_task(task, items)).collect();
    Some(Story {
        item: first.id,
        form_item: first.id,
        interaction_id: completion.interaction_id,
        agent_id: completion.agent_id,
        received_at: to_judge.received_at,
        completion: to_judge.completion,
        state: state_of(items, judged.as_ref()),
        form: step(first),
        judged,
        tasks,
    })
}

fn tell_task(task: &Item, items: &[Item]) -> Option<TaskStory> {
    let order: Order = read(&task.body)?;
    let notify = format!("notify:{}", order.order.key);
    let notification = items.iter().find(|item| item.effect.step == notify);
    Some(TaskStory {
        order,
        creation: step(task),
        created: task.result.as_deref().and_then(read),
        notification: notification.map(step),
    })
}

fn state_of(items: &[Item], judged: Option<&Judged>) -> StoryState {
    let any = |wanted: fn(&Item) -> bool| items.iter().any(wanted);
    if any(|item| item.state == ItemState::Dead) {
        return StoryState::Failed;
    }
    if any(|item| item.state != ItemState::Done && item.failures > 0) {
        return StoryState::Retrying;
    }
    if any(|item| item.state != ItemState::Done) {
        return StoryState::UnderWay;
    }
    match judged.map(|judged| &judged.verdict) {
        Some(Verdict::NoForm) => StoryState::NoForm,
        Some(Verdict::Unjudged { .. }) => StoryState::Unjudged,
        Some(Verdict::Fired { tasks, .. }) if tasks.is_empty() => StoryState::NoTask,
        _ => StoryState::Done,
    }
}

fn step(item: &Item) -> Step {
    let waits = matches!(item.state, ItemState::Ready | ItemState::Behind);
    Step {
        state: match item.state {
            ItemState::Ready | ItemState::Behind => "waiting",
            ItemState::Held => "held",
            ItemState::Done => "done",
            ItemState::Dead => "dead",
        },
        failures: item.failures,
        error: item.error.clone(),
        due_at: waits
            .then(|| Timestamp::from_millisecond(item.due_ms).ok())
            .flatten()
            .map(UtcTime::from),
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text)
        .inspect_err(|error| tracing::error!(%error, "a step of a follow-up can't be read"))
        .ok()
}
