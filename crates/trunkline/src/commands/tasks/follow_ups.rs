//! What became of interactions: `tasks list`, `show` and `replay`.

use crate::{
    Done,
    cli::{StoreArgs, TasksListArgs, TasksReplayArgs},
    config::Config,
    output::Output,
    platform,
};
use anyhow::{Result, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use jobs::follow_up::{
    Step, Story, StoryState, TaskStory, Verdict, replay as again, replay_failed, replay_unjudged, stories,
    story,
};
use serde_json::json;
use store::ItemId;

pub(super) async fn list(args: TasksListArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(&args.store, config).await?;
    let before = args.before.map(ItemId);
    let found = stories(&store, args.failed, before, args.limit.into()).await?;
    store.close().await;
    if found.is_empty() {
        output.line("there are no such interactions");
    } else {
        output.line(table(&found));
        if found.len() == usize::from(args.limit)
            && let Some(last) = found.last()
        {
            output.note(format!("older ones: --before {}", last.item.0));
        }
    }
    output.json(&json!({"interactions": found, "before": found.last().map(|story| story.item.0)}));
    Ok(Done::Well)
}

pub(super) async fn show(
    interaction: &str,
    args: &StoreArgs,
    config: &Config,
    output: &Output,
) -> Result<Done> {
    let store = platform::existing_store(args, config).await?;
    let found = story(&store, interaction).await?;
    store.close().await;
    let Some(found) = found else {
        bail!(
            "nothing is known of the interaction {interaction:?}; 'trunkline tasks list' shows those there are"
        );
    };
    output.line(tell(&found));
    output.json(&serde_json::to_value(&found)?);
    Ok(Done::Well)
}

pub(super) async fn replay(args: TasksReplayArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(&args.store, config).await?;
    let mut replayed = 0;
    let mut missing = Vec::new();
    if args.failed {
        replayed += replay_failed(&store).await?;
    }
    if args.unjudged {
        replayed += replay_unjudged(&store).await?;
    }
    for interaction in &args.interactions {
        match again(&store, interaction).await? {
            0 => missing.push(interaction.as_str()),
            count => replayed += count,
        }
    }
    let which = json!({"failed": args.failed, "unjudged": args.unjudged, "interactions": args.interactions, "steps": replayed});
    platform::note_in_audit(&store, "follow_up.replayed", None, which).await?;
    output.line(match replayed {
        1 => "1 step is done again".to_owned(),
        count => format!("{count} steps are done again"),
    });
    for interaction in &missing {
        output.note(format!(
            "nothing of {interaction} has failed for good, and it could be judged"
        ));
    }
    output.json(&json!({"replayed": replayed, "refused": missing}));
    platform::close_signed(store, &args.store, config).await?;
    Ok(if missing.is_empty() {
        Done::Well
    } else {
        Done::Failed
    })
}

fn table(stories: &[Story]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["interaction", "received", "agent", "rule", "tasks", "state"]);
    for story in stories {
        let tasks: Vec<String> = story.tasks.iter().map(in_short).collect();
        table.add_row([
            story.interaction_id.to_string(),
            story.received_at.to_string(),
            story.agent_id.to_string(),
            story.rule().unwrap_or("-").to_owned(),
            tasks.join("\n"),
            story.state.words().to_owned(),
        ]);
    }
    table
}

fn in_short(task: &TaskStory) -> String {
    let order = &task.order.order;
    let id = task
        .created
        .as_ref()
        .map_or("not yet there", |created| created.task_id.as_str());
    format!("{id} ({}, due {})", order.priority, order.due_date)
}

/// The whole story, a line for each thing that is known.
fn tell(story: &Story) -> String {
    let mut lines = vec![
        format!("{}: {}", story.interaction_id, story.state.words()),
        format!(
            "  completed by {}, received {}",
            story.agent_id, story.received_at
        ),
        format!("  form: {}", told(&story.form)),
    ];
    match story.judged.as_ref().map(|judged| &judged.verdict) {
        Some(Verdict::Fired { reason, .. }) => lines.push(format!(
            "  rule: {} (line {} of rules {})",
            reason.sentence(),
            reason.line,
            reason.rules
        )),
        Some(Verdict::Unjudged { faults }) => {
            lines.extend(faults.iter().map(|fault| format!("  not judged: {fault}")));
        }
        Some(Verdict::NoForm) => lines.push("  there is no form".to_owned()),
        None => {}
    }
    for task in &story.tasks {
        lines.extend(tell_task(task));
    }
    if story.state == StoryState::Failed {
        let again = format!(
            "  to do again what failed: trunkline tasks replay {}",
            story.interaction_id
        );
        lines.push(again);
    }
    lines.join("\n")
}

fn tell_task(task: &TaskStory) -> Vec<String> {
    let order = &task.order.order;
    let mut lines = vec![
        format!("  task {}: {}", order.key, order.subject),
        format!(
            "    priority {}, due {}, for {}",
            order.priority, order.due_date, order.assignee
        ),
        format!("    creation: {}", told(&task.creation)),
    ];
    if let Some(created) = &task.created {
        lines.push(format!(
            "    it is {}, with {}",
            created.task_id, created.assignee_id
        ));
        let because = created.fallback_because.iter();
        lines.extend(because.map(|why| format!("    not with {}, because: {why}", order.assignee)));
    }
    let notification = task.notification.iter();
    lines.extend(notification.map(|step| format!("    notification: {}", told(step))));
    lines
}

fn told(step: &Step) -> String {
    let mut text = step.state.to_owned();
    if let Some(due_at) = step.due_at.filter(|_| step.failures > 0) {
        text.push_str(&format!(" until {due_at}"));
    }
    if step.failures > 0 {
        let attempts = if step.failures == 1 { "attempt" } else { "attempts" };
        text.push_str(&format!(", {} failed {attempts}", step.failures));
    }
    if let Some(error) = &step.error {
        text.push_str(&format!(": {error}"));
    }
    text
}
