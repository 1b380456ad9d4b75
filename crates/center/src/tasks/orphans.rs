//! Open tasks of agents who take none: the tenant has changed, or an agent in it.

use super::{Tasks, Trouble, books, listed::Filter};
use flow::task::Input;
use std::collections::BTreeMap;
use store::Find;
use wire::{
    ids::TaskId,
    task::{Task, TaskState},
};

/// Most tasks that are looked at together.
const PORTION: usize = 500;

/// Passes the open tasks of agents who take none to the next of the team, or to all of it; gives how many. Says so when there is
/// nobody in a team.
pub(super) async fn pass_on(tasks: &Tasks) -> Result<u64, Trouble> {
    let mut orphans: Vec<TaskId> = Vec::new();
    for state in [TaskState::Offered, TaskState::Accepted, TaskState::Snoozed] {
        let is_orphan = |task: &Task| {
            let assignee = task.assignee_id.as_ref();
            assignee.is_some_and(|agent| tasks.roster.assignable(agent).is_err())
        };
        each(tasks, state, |task| {
            orphans.extend(is_orphan(&task).then_some(task.id))
        })
        .await?;
    }
    for orphan in &orphans {
        match tasks.change(orphan, Input::AgentLeft, None, None).await {
            // Another center has removed it.
            Ok(_) | Err(Trouble::NoTask(_)) => {}
            Err(error) => return Err(error),
        }
    }
    tell_of_nobody(tasks).await?;
    Ok(orphans.len() as u64)
}

/// Says so when tasks wait for a team that has nobody.
async fn tell_of_nobody(tasks: &Tasks) -> Result<(), store::Error> {
    let mut waiting: BTreeMap<String, u64> = BTreeMap::new();
    each(tasks, TaskState::Queued, |task| {
        if tasks.roster.team(&task.team).next().is_none() {
            *waiting.entry(task.team).or_default() += 1;
        }
    })
    .await?;
    for (team, waiting) in waiting {
        tracing::warn!(
            team,
            waiting,
            "tasks wait for a team that has no active agent; give them to an agent, or add one to the tenant file"
        );
    }
    Ok(())
}

/// Looks at all tasks of a state.
async fn each(tasks: &Tasks, state: TaskState, mut look: impl FnMut(Task)) -> Result<(), store::Error> {
    let filter = Filter {
        state: Some(state),
        ..Filter::default()
    };
    let mut find = Find {
        kind: books::TASK.into(),
        term: filter.term(),
        ..Find::default()
    };
    loop {
        let found = tasks.store.find(&find, PORTION).await?;
        found
            .iter()
            .filter_map(|found| books::read(&found.record.body))
            .for_each(&mut look);
        if found.len() < PORTION {
            return Ok(());
        }
        find.skip += found.len();
    }
}
