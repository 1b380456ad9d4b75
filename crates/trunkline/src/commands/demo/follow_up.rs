//! What follows the calls: their forms are judged, tasks appear, agents are told, and one task is completed.

use super::calls::CallReport;
use crate::platform::Clients;
use anyhow::{Context, Result};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use jobs::follow_up::{Story, StoryState, TaskStory, story};
use serde_json::{Value, json};
use std::time::Duration;
use store::Store;
use tokio::time::{sleep, timeout};
use wire::{
    desk::{Deed, Desk},
    ids::{AgentId, InteractionId},
    task::{Priority, Task, TaskState},
};

/// How long the follow-up of all calls may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the agent notes when the first task is done.
const NOTE: &str = "Called back; the demo is over.";

/// What became of the calls.
pub(super) struct FollowUpReport {
    rows: Vec<Row>,
    /// The task that was completed.
    completed: Option<Task>,
    pub(super) faults: Vec<String>,
}

/// One call's follow-up.
struct Row {
    caller: &'static str,
    score: &'static str,
    story: Story,
    /// From the completion to the notification on the agent's desktop.
    told_after_ms: Option<i64>,
}

/// Waits for the follow-up of each call, judges it, and completes the first task as its agent would.
pub(super) async fn run(calls: &[CallReport], clients: &Clients, store: &Store) -> Result<FollowUpReport> {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for call in calls {
        let caller = call.caller;
        let Some(interaction) = &call.record.interaction_id else {
            faults.push(format!("the call of {} was never completed", caller.name));
            continue;
        };
        let story = timeout(PATIENCE, finished(store, interaction)).await;
        let story =
            story.with_context(|| format!("{interaction} is not followed up within {PATIENCE:?}"))??;
        let desk = clients.admin.desk(&story.agent_id).await?;
        faults.extend(judge(&story, caller.wants, &desk));
        let told_after_ms = story
            .tasks
            .first()
            .and_then(|task| told_after_ms(&story, task, &desk));
        rows.push(Row {
            caller: caller.name,
            score: caller.score,
            story,
            told_after_ms,
        });
    }
    let completed = complete_first(&rows, clients).await?;
    if completed
        .as_ref()
        .is_none_or(|task| task.state != TaskState::Completed)
    {
        faults.push("no task was completed".to_owned());
    }
    Ok(FollowUpReport {
        rows,
        completed,
        faults,
    })
}

/// The story, once nothing more is to be done.
async fn finished(store: &Store, interaction: &InteractionId) -> Result<Story> {
    loop {
        let story = story(store, interaction.as_str()).await?;
        if let Some(story) = story
            && !matches!(story.state, StoryState::UnderWay | StoryState::Retrying)
        {
            return Ok(story);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// What is off in the follow-up of a call that wants a task of this priority, or none.
fn judge(story: &Story, wants: Option<Priority>, desk: &Desk) -> Vec<String> {
    let interaction = &story.interaction_id;
    let mut faults = Vec::new();
    let got: Vec<Priority> = story.tasks.iter().map(|task| task.order.order.priority).collect();
    if got != Vec::from_iter(wants) {
        faults.push(format!("{interaction} led to tasks {got:?} instead of {wants:?}"));
    }
    let state = if wants.is_some() {
        StoryState::Done
    } else {
        StoryState::NoTask
    };
    if story.state != state {
        faults.push(format!(
            "the follow-up of {interaction} is {}, not {}",
            story.state.words(),
            state.words()
        ));
    }
    for task in &story.tasks {
        let created = task.created.as_ref().map(|created| &created.task_id);
        if !desk.tasks.iter().any(|shown| Some(&shown.id) == created) {
            faults.push(format!(
                "the task of {interaction} is not on the desktop of {}",
                desk.agent_id
            ));
        }
        if told_after_ms(story, task, desk).is_none() {
            faults.push(format!(
                "{} was not told of the task of {interaction}",
                desk.agent_id
            ));
        }
    }
    faults
}

fn told_after_ms(story: &Story, task: &TaskStory, desk: &Desk) -> Option<i64> {
    let told = desk.notifications.iter().rfind(|notification| {
        notification.at >= story.received_at && notification.message.ends_with(&task.order.order.subject)
    })?;
    let took = told.at.timestamp().duration_since(story.received_at.timestamp());
    i64::try_from(took.as_millis()).ok()
}

/// Accepts the first task and completes it.
async fn complete_first(rows: &[Row], clients: &Clients) -> Result<Option<Task>> {
    let mut created = rows
        .iter()
        .flat_map(|row| &row.story.tasks)
        .filter_map(|task| task.created.as_ref());
    let Some(created) = created.next() else {
        return Ok(None);
    };
    let agent: &AgentId = &created.assignee_id;
    let done = Deed::Complete {
        note: Some(NOTE.to_owned()),
    };
    clients.admin.act(agent, &created.task_id, &Deed::Accept).await?;
    Ok(Some(clients.admin.act(agent, &created.task_id, &done).await?))
}

impl FollowUpReport {
    /// One row per call, and what was off.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["caller", "score", "rule", "task", "agent", "told after"]);
        for row in &self.rows {
            let task = row.story.tasks.first();
            let created = task.and_then(|task| task.created.as_ref());
            let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            table.add_row([
                row.caller.to_owned(),
                row.score.to_owned(),
                row.story.rule().unwrap_or("-").to_owned(),
                text(task.map(|task| {
                    let order = &task.order.order;
                    format!("{}, due {}", order.priority, order.due_date)
                })),
                text(created.map(|created| created.assignee_id.to_string())),
                text(row.told_after_ms.map(|ms| format!("{ms} ms"))),
            ]);
        }
        let mut text = format!("{table}\n");
        if let Some(task) = &self.completed {
            let agent = task.assignee_id.as_ref().map_or("nobody", |agent| agent.as_str());
            text.push_str(&format!("{agent} accepted {} and completed it.\n", task.id));
        }
        let red = anstyle::Style::new().fg_color(Some(anstyle::AnsiColor::Red.into()));
        for fault in &self.faults {
            text.push_str(&format!("  {red}off:{red:#} {fault}\n"));
        }
        text
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({"caller": row.caller, "score": row.score, "followUp": row.story, "toldAfterMs": row.told_after_ms})
        });
        json!({"calls": rows.collect::<Vec<_>>(), "completed": self.completed, "faults": self.faults})
    }
}
