//! Follow-up tasks (contract section 7): `flow::task` decides, here it is kept.
//!
//! A task is a record; each change of it is one commit with its timers, its audit entries and the events of the desktops that learn
//! of it ([`Desks::commit`]). Nothing is kept in memory alone, so several centers can share a store.

mod api;
mod books;
mod closed;
mod erasing;
mod listed;
mod orphans;
mod timers;

#[cfg(test)]
mod tests;

pub(crate) use api::{change, create, find, list, parse_id};
pub(crate) use books::keepable;
pub(crate) use erasing::erase;
pub(crate) use timers::Timers;

use crate::{
    calls,
    clock::Clock,
    desk::Desks,
    once::{Looked, Once},
};
use flow::task::{Input, MOST_LINES_SHOWN, Policy, Refused, Roster, Unassignable, holders, shown};
use http::StatusCode;
use server::Refusal;
use sha2::{Digest, Sha256};
use std::{array, sync::Arc};
use store::{ClaimId, Commit, Committed, Expect, Finish, Put, Store};
use tokio::sync::{Mutex, MutexGuard};
use wire::{
    Faults, UtcTime,
    ids::{AgentId, CorrelationId, TaskId},
    task::{NewTask, Task},
};

/// How often a change is tried, when others change the same thing meanwhile.
pub(crate) const MOST_TRIES: usize = 32;
/// How many changes go on at a time, at most.
const LANES: usize = 64;
/// The most tasks of each kind (an agent's own, a team's) that a desktop has.
const MOST_SHOWN: usize = 500;

/// The tasks of a center.
#[derive(Clone)]
pub(crate) struct Tasks {
    store: Store,
    pub(crate) desks: Arc<Desks>,
    roster: Arc<Roster>,
    policy: Policy,
    /// Changes of one task go one after the other in this process, so that they seldom collide in the store.
    lanes: Arc<[Mutex<()>; LANES]>,
}

/// Why a task is not created or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("there is no task {:?}", wire::fault::shorten(.0.as_str()))]
    NoTask(TaskId),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Unassignable(#[from] Unassignable),
    #[error("this Idempotency-Key was used with another body; use a new key")]
    OtherBody,
    #[error("too many change it at once; try again")]
    Busy,
    /// Another process has the timer.
    #[error("the claim is no longer held")]
    Stale,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A task that was asked for.
pub(crate) struct Created {
    pub(crate) task: Task,
    /// Not an open one that was there before.
    pub(crate) is_new: bool,
    /// It was made for the same key before.
    pub(crate) replayed: bool,
}

impl Tasks {
    pub(crate) fn new(store: Store, desks: Arc<Desks>, roster: Arc<Roster>, policy: Policy) -> Self {
        let lanes = Arc::new(array::from_fn(|_| Mutex::new(())));
        Self {
            store,
            desks,
            roster,
            policy,
            lanes,
        }
    }

    /// Creates a task; or gives the one that was created for the same key, or is open for the same interaction and rule.
    pub(crate) async fn create(
        &self,
        new: NewTask,
        once: Option<Once>,
        correlation: &CorrelationId,
    ) -> Result<Created, Trouble> {
        let open = listed::open_task(&new);
        let alone = open.as_deref().or(once.as_ref().map(Once::id));
        let _turn = match alone {
            Some(name) => Some(self.turn(name).await),
            None => None,
        };
        for _ in 0..MOST_TRIES {
            let key = match &once {
                None => None,
                Some(once) => match once.look::<TaskId>(&self.store).await? {
                    Looked::Made { id, is_new } => return self.made_before(id, is_new).await,
                    Looked::OtherBody => return Err(Trouble::OtherBody),
                    Looked::Unused(expect) => Some((once, expect)),
                },
            };
            let (place, there) = self.open_task(open.as_deref()).await?;
            let (task, commit, told) = match there {
                Some(task) => (task, Commit::default(), None),
                None => {
                    let id = TaskId::from_uuid(uuid::Uuid::now_v7());
                    let (task, outcome) =
                        flow::task::create(new.clone(), id, Clock::utc_ms(), &self.policy, &self.roster)?;
                    let mut commit = books::changed(&task, Expect::Absent, &outcome, Some(correlation));
                    commit.records.extend(
                        open.iter()
                            .map(|open| listed::put_open(open, Some(&task.id), place)),
                    );
                    (task, commit, Some(outcome.told))
                }
            };
            let is_new = told.is_some();
            let mut commit = commit;
            commit
                .records
                .extend(key.map(|(once, expect)| once.put(task.id.as_str(), is_new, expect)));
            if commit.records.is_empty() {
                return Ok(Created::now(task, is_new));
            }
            match self.desks.commit(commit, told.unwrap_or_default()).await? {
                Committed::Done | Committed::Duplicate { .. } => return Ok(Created::now(task, is_new)),
                Committed::Conflict | Committed::Stale => {}
            }
        }
        Err(Trouble::Busy)
    }

    /// What was created for a key before, if it was: that counts, whatever would be said to the request by now.
    pub(crate) async fn created_for(&self, once: &Once) -> Result<Option<Created>, Trouble> {
        match once.look::<TaskId>(&self.store).await? {
            Looked::Made { id, is_new } => self.made_before(id, is_new).await.map(Some),
            Looked::OtherBody => Err(Trouble::OtherBody),
            Looked::Unused(_) => Ok(None),
        }
    }

    async fn made_before(&self, id: TaskId, is_new: bool) -> Result<Created, Trouble> {
        let (task, _) = self.read(&id).await?.ok_or(Trouble::NoTask(id))?;
        Ok(Created {
            task,
            is_new,
            replayed: true,
        })
    }

    /// Does something with a task. A timer comes with its claim, which is finished with it.
    pub(crate) async fn change(
        &self,
        id: &TaskId,
        input: Input,
        correlation: Option<&CorrelationId>,
        claim: Option<ClaimId>,
    ) -> Result<Task, Trouble> {
        let _turn = self.turn(id.as_str()).await;
        for _ in 0..MOST_TRIES {
            let (mut task, version) = self.read(id).await?.ok_or_else(|| Trouble::NoTask(id.clone()))?;
            let was_open = task.state.is_open();
            let outcome = flow::task::handle(
                &mut task,
                Clock::utc_ms(),
                input.clone(),
                &self.policy,
                &self.roster,
            )?;
            let mut commit = match outcome.happened.last() {
                Some(_) => books::changed(&task, Expect::Version(version), &outcome, correlation),
                None => Commit::default(),
            };
            if was_open && !task.state.is_open() {
                commit.records.extend(self.no_longer_open(&task).await?);
            }
            let came_to = outcome
                .happened
                .last()
                .map_or("nothing", |line| line.what.as_str());
            let done = Finish::Done {
                result: Some(came_to.to_owned()),
            };
            commit.finish = claim.map(|claim| (claim, done));
            match self.desks.commit(commit, outcome.told).await? {
                Committed::Done | Committed::Duplicate { .. } => return Ok(task),
                Committed::Conflict => {}
                Committed::Stale => return Err(Trouble::Stale),
            }
        }
        Err(Trouble::Busy)
    }

    /// A task, and its version.
    async fn read(&self, id: &TaskId) -> Result<Option<(Task, i64)>, store::Error> {
        let record = self.store.record(books::TASK, id.as_str()).await?;
        Ok(record.and_then(|record| Some((books::read(&record.body)?, record.version))))
    }

    /// The open task of an interaction and rule, and what a commit that creates another one must find in its place.
    async fn open_task(&self, name: Option<&str>) -> Result<(Expect, Option<Task>), store::Error> {
        let Some(name) = name else {
            return Ok((Expect::Any, None));
        };
        let Some(record) = self.store.record(listed::OPEN_TASK, name).await? else {
            return Ok((Expect::Absent, None));
        };
        let task = match record.body.parse::<TaskId>() {
            Ok(id) => self.read(&id).await?,
            Err(_) => None,
        };
        let open = task.map(|(task, _)| task).filter(|task| task.state.is_open());
        Ok((Expect::Version(record.version), open))
    }

    /// What removes a task from the open ones of its interaction and rule, if it is that one.
    async fn no_longer_open(&self, task: &Task) -> Result<Option<Put>, store::Error> {
        let Some(name) = listed::open_task_of(task) else {
            return Ok(None);
        };
        let record = self.store.record(listed::OPEN_TASK, &name).await?;
        let own = record.filter(|record| record.body == task.id.as_str());
        Ok(own.map(|record| listed::put_open(&name, None, Expect::Version(record.version))))
    }

    /// The open tasks on an agent's desktop, by due date, then priority; and whether there are more.
    pub(crate) async fn shown_to(&self, agent: &AgentId) -> Result<(Vec<Task>, bool), store::Error> {
        let (mut tasks, mut more) = self.found(&listed::of_agent(agent)).await?;
        if let Some(member) = self.roster.get(agent).filter(|agent| agent.active) {
            let (everybodys, more_of_them) = self.found(&listed::of_team(&member.team)).await?;
            tasks.extend(everybodys);
            more |= more_of_them;
        }
        // One that changed between the two looks may be in both, or not be there any more.
        tasks.retain(|task| holders(task, &self.roster).contains(agent));
        tasks.sort_by(|a, b| (a.due_date, b.priority, &a.id).cmp(&(b.due_date, a.priority, &b.id)));
        tasks.dedup_by(|a, b| a.id == b.id);
        Ok((tasks, more))
    }

    /// The first tasks with a term, as they are shown; and whether there are more.
    async fn found(&self, term: &str) -> Result<(Vec<Task>, bool), store::Error> {
        let find = store::Find {
            kind: books::TASK.into(),
            term: term.into(),
            ..store::Find::default()
        };
        let found = self.store.find(&find, MOST_SHOWN + 1).await?;
        let tasks = found
            .iter()
            .take(MOST_SHOWN)
            .filter_map(|found| books::read(&found.record.body))
            .map(|task| shown(task, MOST_LINES_SHOWN));
        Ok((tasks.collect(), found.len() > MOST_SHOWN))
    }

    async fn turn(&self, name: &str) -> MutexGuard<'_, ()> {
        let hash = Sha256::digest(name.as_bytes());
        self.lanes[usize::from(hash[0]) % LANES].lock().await
    }
}

impl Created {
    fn now(task: Task, is_new: bool) -> Self {
        Self {
            task,
            is_new,
            replayed: false,
        }
    }
}

impl Trouble {
    /// As it is answered.
    pub(crate) fn refusal(self) -> Refusal {
        let message = self.to_string();
        match self {
            Self::NoTask(_) => Refusal::new(StatusCode::NOT_FOUND, message),
            Self::Refused(refused) if refused.is_fault() => Refusal::faults(Faults::one(message)),
            Self::Refused(_) => Refusal::new(StatusCode::CONFLICT, message),
            Self::Unassignable(_) => Refusal::faults(Faults::one(format!("assigneeId: {message}"))),
            Self::OtherBody => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message),
            Self::Busy | Self::Stale => Refusal::unavailable(&message, 1),
            Self::Store(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a task can't be kept or looked up"
                );
                calls::store_unavailable()
            }
        }
    }
}

/// The time of day as it is written: to the millisecond.
pub(crate) fn to_ms(time: UtcTime) -> i64 {
    time.timestamp().as_millisecond()
}
