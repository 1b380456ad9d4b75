//! One input to a task.

use super::{
    Agent, Input, LONGEST_SNOOZE, MOST_HISTORY, MOST_LINES_SHOWN, MOST_NOTES, Outcome, Policy, Refused,
    Roster, Timer, holders, shown,
};
use wire::{
    UtcTime,
    desk::{Deed, DeskEvent},
    ids::AgentId,
    task::{Happened, Offer, SlaClock, Task, TaskPatch, TaskState},
};

/// A task while something is done with it.
pub(super) struct Turn<'a> {
    task: Task,
    /// On whose desktops it was.
    before: Vec<AgentId>,
    now: UtcTime,
    policy: &'a Policy,
    roster: &'a Roster,
    outcome: Outcome,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        task: Task,
        before: Vec<AgentId>,
        now: UtcTime,
        policy: &'a Policy,
        roster: &'a Roster,
    ) -> Self {
        // A clock that was put back, or another machine's that is behind, does not put the history out of order.
        let now = now.max(task.updated_at);
        Self {
            task,
            before,
            now,
            policy,
            roster,
            outcome: Outcome::default(),
        }
    }

    pub(super) fn create(mut self, assignee: &Agent) -> (Task, Outcome) {
        self.happened("created", None, None);
        self.set(Timer::FirstResponse, self.task.sla.first_response.due_at);
        self.set(Timer::Resolution, self.task.sla.resolution.due_at);
        self.offer(assignee.id.clone());
        self.finish()
    }

    pub(super) fn take(mut self, input: Input) -> Result<(Task, Outcome), Refused> {
        match input {
            Input::Deed { agent, deed } => self.deed(agent, deed)?,
            Input::Patch(patch) => self.patch(patch)?,
            Input::Timer(timer) => self.due(timer),
            Input::AgentLeft => self.agent_left(),
        }
        Ok(self.finish())
    }

    fn deed(&mut self, agent: AgentId, deed: Deed) -> Result<(), Refused> {
        match deed {
            Deed::Accept if self.is_put_off() && self.own(&agent).is_ok() => self.wake(),
            Deed::Accept => {
                self.may_accept(&agent)?;
                self.accept(agent, None);
            }
            Deed::Decline => {
                if self.task.state != TaskState::Offered {
                    return Err(Refused::NoOffer {
                        from: self.task.state,
                    });
                }
                self.own(&agent)?;
                self.happened("declined", Some(agent), None);
                self.offer_next();
            }
            Deed::Snooze { until } => {
                self.must_be(
                    &[TaskState::Offered, TaskState::Accepted, TaskState::Snoozed],
                    TaskState::Snoozed,
                )?;
                self.own(&agent)?;
                self.snooze(until, None)?;
            }
            Deed::Complete { note } => {
                self.must_be(&[TaskState::Accepted, TaskState::Snoozed], TaskState::Completed)?;
                self.own(&agent)?;
                self.close(TaskState::Completed, note);
            }
        }
        Ok(())
    }

    fn patch(&mut self, patch: TaskPatch) -> Result<(), Refused> {
        let TaskPatch {
            state,
            assignee_id,
            note,
            snoozed_until,
        } = patch;
        if !self.task.state.is_open() {
            let from = self.task.state;
            return Err(state.map_or(Refused::Closed(from), |to| Refused::State { from, to }));
        }
        match (state, assignee_id) {
            (None | Some(TaskState::Offered), assignee) if state.is_some() || assignee.is_some() => {
                let assignee = assignee.or_else(|| self.task.assignee_id.clone());
                self.reassign(&assignee.ok_or(Refused::Nobody)?, note)?;
            }
            (Some(TaskState::Accepted), assignee) => self.have_accepted(assignee, note)?,
            (Some(TaskState::Snoozed), _) => {
                self.must_be(
                    &[TaskState::Offered, TaskState::Accepted, TaskState::Snoozed],
                    TaskState::Snoozed,
                )?;
                self.snooze(snoozed_until.ok_or(Refused::Until)?, note)?;
            }
            (Some(TaskState::Queued), _) => {
                self.must_be(
                    &[TaskState::Offered, TaskState::Accepted, TaskState::Snoozed],
                    TaskState::Queued,
                )?;
                self.queue(note);
            }
            (Some(to @ (TaskState::Completed | TaskState::Canceled)), _) => self.close(to, note),
            (None | Some(TaskState::Offered), _) => self.happened("noted", None, note),
        }
        Ok(())
    }

    /// A timer that does not count any more does nothing.
    fn due(&mut self, timer: Timer) {
        let (is_open, state) = (self.task.state.is_open(), self.task.state);
        match timer {
            Timer::Offer { number } => {
                if self
                    .task
                    .offer
                    .as_ref()
                    .is_some_and(|offer| offer.number == number)
                {
                    self.happened("offer_expired", self.task.assignee_id.clone(), None);
                    self.offer_next();
                }
            }
            Timer::Wake { number } => {
                if state == TaskState::Snoozed && self.task.snoozes == number {
                    self.wake();
                }
            }
            Timer::FirstResponse if is_open => self.late_response(),
            Timer::Resolution if is_open => self.late_resolution(),
            Timer::FirstResponse | Timer::Resolution => {}
        }
    }

    fn agent_left(&mut self) {
        let agent = self.task.assignee_id.clone();
        let left = agent.filter(|agent| self.roster.assignable(agent).is_err());
        if let (Some(agent), true) = (left, self.task.state.is_open()) {
            self.happened("agent_left", Some(agent), None);
            self.offer_next();
        }
    }

    fn must_be(&self, states: &[TaskState], to: TaskState) -> Result<(), Refused> {
        let from = self.task.state;
        match states.contains(&from) {
            true => Ok(()),
            false => Err(Refused::State { from, to }),
        }
    }

    fn own(&self, asking: &AgentId) -> Result<(), Refused> {
        match &self.task.assignee_id {
            Some(agent) if agent != asking => Err(Refused::NotYours {
                agent: agent.clone(),
                state: self.task.state,
                asking: asking.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn may_accept(&self, asking: &AgentId) -> Result<(), Refused> {
        self.not_accepted()?;
        if self.task.state != TaskState::Queued {
            return self.own(asking);
        }
        let team = &self.task.team;
        let is_member = self.roster.team(team).any(|agent| agent.id == *asking);
        match is_member {
            true => Ok(()),
            false => Err(Refused::OtherTeam {
                team: team.clone(),
                asking: asking.clone(),
            }),
        }
    }

    /// Nobody accepted it, and it is open.
    fn not_accepted(&self) -> Result<(), Refused> {
        let from = self.task.state;
        let was_accepted = [Some(from), self.task.snoozed_from].contains(&Some(TaskState::Accepted));
        match &self.task.assignee_id {
            _ if !from.is_open() => Err(Refused::State {
                from,
                to: TaskState::Accepted,
            }),
            Some(agent) if was_accepted => Err(Refused::Taken(agent.clone())),
            _ => Ok(()),
        }
    }

    /// A program says that an agent accepts it: the assignee, or another one, who may take it from the assignee.
    fn have_accepted(&mut self, assignee: Option<AgentId>, note: Option<String>) -> Result<(), Refused> {
        let current = self.task.assignee_id.clone();
        let agent = match assignee {
            Some(agent) if current.as_ref() != Some(&agent) => {
                self.task.team = self.roster.assignable(&agent)?.team.clone();
                agent
            }
            _ => {
                let agent = current.ok_or(Refused::Nobody)?;
                self.not_accepted()?;
                agent
            }
        };
        self.accept(agent, note);
        Ok(())
    }

    fn accept(&mut self, agent: AgentId, note: Option<String>) {
        self.respond();
        self.settle(TaskState::Accepted, Some(agent.clone()));
        self.task.asked.clear();
        self.happened("accepted", Some(agent), note);
    }

    fn reassign(&mut self, agent: &AgentId, note: Option<String>) -> Result<(), Refused> {
        self.task.team = self.roster.assignable(agent)?.team.clone();
        self.task.asked.clear();
        self.happened("reassigned", Some(agent.clone()), note);
        self.offer(agent.clone());
        Ok(())
    }

    fn offer(&mut self, agent: AgentId) {
        self.settle(TaskState::Offered, Some(agent.clone()));
        let (number, expires_at) = (
            self.task.offers.saturating_add(1),
            self.now.after(self.policy.accept_within),
        );
        self.task.offers = number;
        self.task.offer = Some(Offer { number, expires_at });
        if !self.task.asked.contains(&agent) {
            self.task.asked.push(agent.clone());
        }
        self.set(Timer::Offer { number }, expires_at);
        self.happened("offered", Some(agent), None);
    }

    fn offer_next(&mut self) {
        let task = &self.task;
        let next = self
            .roster
            .next(&task.team, task.assignee_id.as_ref(), &task.asked);
        match next.map(|agent| agent.id.clone()) {
            Some(agent) => self.offer(agent),
            None => self.queue(None),
        }
    }

    fn queue(&mut self, note: Option<String>) {
        self.settle(TaskState::Queued, None);
        self.task.asked.clear();
        self.happened("queued", None, note);
    }

    fn snooze(&mut self, until: UtcTime, note: Option<String>) -> Result<(), Refused> {
        if until <= self.now || until > self.now.after(LONGEST_SNOOZE) {
            return Err(Refused::Until);
        }
        let from = self.task.snoozed_from.unwrap_or(self.task.state);
        self.settle(TaskState::Snoozed, self.task.assignee_id.clone());
        self.task.snoozed_from = Some(from);
        self.task.snoozed_until = Some(until);
        let number = self.task.snoozes.saturating_add(1);
        self.task.snoozes = number;
        self.set(Timer::Wake { number }, until);
        self.happened("snoozed", self.task.assignee_id.clone(), note);
        Ok(())
    }

    /// Whether it was accepted, and is snoozed since: its agent may take it up again before its time.
    fn is_put_off(&self) -> bool {
        self.task.state == TaskState::Snoozed && self.task.snoozed_from == Some(TaskState::Accepted)
    }

    fn wake(&mut self) {
        let agent = self.task.assignee_id.clone();
        let was_accepted = self.task.snoozed_from == Some(TaskState::Accepted);
        self.happened("woke", agent.clone(), None);
        match agent {
            Some(agent) if was_accepted => self.settle(TaskState::Accepted, Some(agent)),
            Some(agent) => self.offer(agent),
            None => self.queue(None),
        }
    }

    fn close(&mut self, state: TaskState, note: Option<String>) {
        if state == TaskState::Completed {
            self.respond();
            if self.now > self.task.sla.resolution.due_at {
                self.late_resolution();
            }
            self.task.sla.resolution.met_at = Some(self.now);
        }
        self.settle(state, self.task.assignee_id.clone());
        self.task.asked.clear();
        self.happened(state.as_str(), self.task.assignee_id.clone(), note);
    }

    /// The first accept stops the clock.
    fn respond(&mut self) {
        if self.task.sla.first_response.met_at.is_some() {
            return;
        }
        if self.now > self.task.sla.first_response.due_at {
            self.late_response();
        }
        self.task.sla.first_response.met_at = Some(self.now);
    }

    fn late_response(&mut self) {
        if breach(&mut self.task.sla.first_response) {
            self.happened("first_response_late", self.task.assignee_id.clone(), None);
        }
    }

    fn late_resolution(&mut self) {
        if breach(&mut self.task.sla.resolution) {
            self.happened("resolution_late", self.task.assignee_id.clone(), None);
        }
    }

    /// The task is this now, and nothing of what it was.
    fn settle(&mut self, state: TaskState, assignee: Option<AgentId>) {
        self.task.state = state;
        self.task.assignee_id = assignee;
        self.task.offer = None;
        self.task.snoozed_until = None;
        self.task.snoozed_from = None;
    }

    fn set(&mut self, timer: Timer, at: UtcTime) {
        self.outcome.timers.push((timer, at));
    }

    fn happened(&mut self, what: &str, agent_id: Option<AgentId>, note: Option<String>) {
        let happened = Happened {
            at: self.now,
            what: what.to_owned(),
            agent_id,
            note,
        };
        self.outcome.happened.push(happened.clone());
        self.task.history.push(happened);
        self.task.updated_at = self.now;
        bound(&mut self.task.history);
    }

    /// The task, and who is told: who has it now learns how it is, who had it that it is gone, and why.
    fn finish(mut self) -> (Task, Outcome) {
        let (Some(first), Some(last)) = (self.outcome.happened.first(), self.outcome.happened.last()) else {
            return (self.task, self.outcome);
        };
        // A clock that ran out is noted first; it is not why the task is gone.
        let mut lines = self.outcome.happened.iter();
        let why = lines.find(|line| !line.what.ends_with("_late")).unwrap_or(first);
        let after = holders(&self.task, self.roster);
        let gone = self.before.into_iter().filter(|agent| !after.contains(agent));
        let gone = gone.map(|agent| {
            let event = DeskEvent::Gone {
                task_id: self.task.id.clone(),
                what: why.what.clone(),
            };
            (agent, event)
        });
        // Many get a copy each: the line that says what happened is enough for them.
        let lines = if after.len() > 1 { 1 } else { MOST_LINES_SHOWN };
        let told = after.iter().map(|agent| {
            let event = DeskEvent::Task {
                task: Box::new(shown(self.task.clone(), lines)),
                what: last.what.clone(),
            };
            (agent.clone(), event)
        });
        let told = told.chain(gone).collect();
        self.outcome.told = told;
        (self.task, self.outcome)
    }
}

/// Whether the clock ran out just now.
fn breach(clock: &mut SlaClock) -> bool {
    let ran = clock.met_at.is_none() && !clock.breached;
    clock.breached |= ran;
    ran
}

/// Leaves out the middle of a history that is too long.
fn bound(history: &mut Vec<Happened>) {
    let notes = |history: &[Happened]| -> usize {
        history
            .iter()
            .filter_map(|line| line.note.as_ref())
            .map(String::len)
            .sum()
    };
    while history.len() > 2 && (history.len() > MOST_HISTORY || notes(history) > MOST_NOTES) {
        history.remove(history.len() / 2);
    }
}
