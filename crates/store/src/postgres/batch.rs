//! Many commits as one transaction of few statements: one statement for each kind of change, whatever the number of
//! commits.
//!
//! Everything is written at once, and what each statement found tells whether the commits' conditions hold. If all
//! do, the transaction is committed; if not, nothing of it happened.

use super::{
    claim::Claims,
    job::Job,
    session::{Given, Session},
    terms::Terms,
    text,
    trouble::Trouble,
};
use crate::{Advance, ClaimId, Expect, Finish, Intent, ItemState, Put, clock::millis, sql};
use futures_util::future::{join, join_all};

/// What a condition that does not hold means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    Stale,
    Known,
    Conflict,
}

/// A statement of the batch.
pub(super) struct Step<'a> {
    text: &'static str,
    given: Vec<Given<'a>>,
    /// How many rows it must concern, and what it means when it does not.
    expect: Option<(usize, Failed)>,
}

/// What identifies the transaction of a batch: see [`super::lanes`].
pub(super) struct Mark<'a> {
    pub lane: &'a str,
    pub number: i64,
}

/// Writes everything within the session's transaction, which it opens. Gives the first condition that does not hold.
pub(super) async fn write(
    session: &Session,
    jobs: &[Job],
    mark: &Mark<'_>,
    claims: &Claims,
    now: i64,
) -> Result<Option<Failed>, Trouble> {
    let mut columns = Columns::of(jobs, now);
    columns.are_plain = claims.are_plain(claims_of(jobs));
    let steps = columns.steps(mark, &now);
    let connection = session.connection()?;
    let mut prepared = Vec::with_capacity(steps.len());
    for step in &steps {
        prepared.push(session.prepare(step.text).await?);
    }
    // Sent one after the other without waiting for answers: a batch costs one round trip, and the commit another.
    let begin = connection.batch_execute("BEGIN");
    let mut writes = Vec::with_capacity(steps.len());
    for (step, statement) in steps.iter().zip(&prepared) {
        writes.push(connection.execute(statement, &step.given));
    }
    let (begun, written) = join(begin, join_all(writes)).await;
    begun?;
    let counts = first_error_last(written)?;
    let fails = |(step, count): (&Step<'_>, u64)| {
        step.expect
            .and_then(|(expected, failed)| (count != expected as u64).then_some(failed))
    };
    Ok(steps.iter().zip(counts).find_map(fails))
}

/// The claims that are finished.
pub(super) fn claims_of(jobs: &[Job]) -> impl Iterator<Item = &ClaimId> {
    jobs.iter()
        .filter_map(|job| job.commit.finish.as_ref().map(|(claim, _)| claim))
}

/// The counts; or the first error, which is the one that tells: after it, the server refuses all others.
fn first_error_last(written: Vec<Result<u64, tokio_postgres::Error>>) -> Result<Vec<u64>, Trouble> {
    Ok(written.into_iter().collect::<Result<Vec<u64>, _>>()?)
}

/// What is written, by column.
#[derive(Default)]
struct Columns<'a> {
    leases: Leases<'a>,
    finishes: Finishes<'a>,
    events: Events<'a>,
    intents: Intents<'a>,
    records: Vec<&'a Put>,
    terms: Terms<'a>,
    advances: Vec<&'a Advance>,
    audit: Audit<'a>,
    /// Whether nothing can be behind the items that are finished.
    are_plain: bool,
}

#[derive(Default)]
struct Leases<'a> {
    names: Vec<&'a str>,
    fences: Vec<i64>,
}

#[derive(Default)]
struct Finishes<'a> {
    items: Vec<i64>,
    fences: Vec<i64>,
    states: Vec<i64>,
    failed: Vec<i64>,
    due: Vec<Option<i64>>,
    finished: Vec<Option<i64>>,
    errors: Vec<Option<&'a str>>,
    results: Vec<Option<&'a str>>,
}

#[derive(Default)]
struct Events<'a> {
    sources: Vec<&'a str>,
    ids: Vec<&'a str>,
    bodies: Vec<&'a str>,
    answers: Vec<&'a str>,
}

#[derive(Default)]
struct Intents<'a> {
    effects: Vec<&'a [u8]>,
    sources: Vec<&'a str>,
    events: Vec<&'a str>,
    steps: Vec<&'a str>,
    queues: Vec<&'a str>,
    subjects: Vec<Option<&'a str>>,
    bodies: Vec<&'a str>,
    due: Vec<i64>,
}

#[derive(Default)]
struct Audit<'a> {
    bodies: Vec<&'a str>,
    at: Vec<i64>,
    actions: Vec<&'a str>,
    subjects: Vec<Option<&'a str>>,
    texts: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(jobs: &'a [Job], now: i64) -> Self {
        let mut columns = Self::default();
        for job in jobs {
            columns.add(job, now);
        }
        columns.terms.settle();
        columns
    }

    fn add(&mut self, job: &'a Job, now: i64) {
        let commit = &job.commit;
        if let Some(lease) = &commit.under {
            self.leases.add(&lease.name, lease.fence);
        }
        if let Some((claim, finish)) = &commit.finish {
            self.finishes.items.push(claim.item.0);
            self.finishes.fences.push(claim.fence);
            self.finishes.add(finish, now);
        }
        if let Some(event) = &commit.event {
            self.events.sources.push(&event.source);
            self.events.ids.push(&event.id);
            self.events.bodies.push(&event.body);
            self.events.answers.push(&event.answer);
        }
        for (effect, intent) in &commit.intents {
            self.intents.add(effect, intent, now);
        }
        self.records.extend(&commit.records);
        self.terms.add(commit);
        self.advances.extend(&commit.advance);
        for entry in &job.entries {
            self.audit.bodies.push(&entry.body);
            self.audit.at.push(entry.at_ms);
            self.audit.actions.push(&entry.action);
            self.audit.subjects.push(entry.subject.as_deref());
            self.audit.texts.push(&entry.texts);
        }
    }

    /// The statements, those with conditions first and in the order that decides the answer.
    fn steps<'b>(&'b self, mark: &'b Mark<'_>, now: &'b i64) -> Vec<Step<'b>> {
        let mut steps = vec![step(text::MARK, vec![&mark.lane, &mark.number, now])];
        let has_subjects = !self.are_plain || self.intents.subjects.iter().any(Option::is_some);
        if has_subjects {
            steps.push(step(text::LOCK_SUBJECTS, self.subjects()));
        }
        steps.extend(self.terms.lock());
        if !self.leases.names.is_empty() {
            let given: Vec<Given<'b>> = vec![&self.leases.names, &self.leases.fences, now];
            steps.push(step(text::CHECK_LEASES, given).must(self.leases.names.len(), Failed::Stale));
        }
        if !self.finishes.items.is_empty() {
            steps.push(self.finishes.step());
        }
        if !self.events.ids.is_empty() {
            steps.push(self.events.step(now));
        }
        steps.extend(self.records.iter().map(|put| put_step(put, now)));
        steps.extend(self.terms.steps());
        steps.extend(self.advances.iter().map(|advance| advance_step(advance, now)));
        if !self.intents.steps.is_empty() {
            steps.push(self.intents.step(now));
        }
        if has_subjects {
            steps.push(step(text::PROMOTE, self.subjects()));
        }
        if !self.audit.bodies.is_empty() {
            steps.push(self.audit.step());
        }
        steps
    }

    /// What names the subjects concerned: finished items, and queues and subjects of intents.
    fn subjects(&self) -> Vec<Given<'_>> {
        vec![&self.finishes.items, &self.intents.queues, &self.intents.subjects]
    }
}

pub(super) fn step<'a>(text: &'static str, given: Vec<Given<'a>>) -> Step<'a> {
    Step {
        text,
        given,
        expect: None,
    }
}

impl Step<'_> {
    fn must(mut self, rows: usize, failed: Failed) -> Self {
        self.expect = Some((rows, failed));
        self
    }
}

impl<'a> Leases<'a> {
    /// Several commits may be under the same lease: it is looked at once.
    fn add(&mut self, name: &'a str, fence: i64) {
        let known = self
            .names
            .iter()
            .zip(&self.fences)
            .any(|(n, f)| *n == name && *f == fence);
        if !known {
            self.names.push(name);
            self.fences.push(fence);
        }
    }
}

impl<'a> Finishes<'a> {
    fn add(&mut self, finish: &'a Finish, now: i64) {
        let (state, failed, due, finished, error, result) = match finish {
            Finish::Done { result } => (ItemState::Done, 0, None, Some(now), None, result.as_deref()),
            Finish::Again { after, error } => (
                ItemState::Ready,
                1,
                Some(later(now, *after)),
                None,
                Some(error.as_str()),
                None,
            ),
            Finish::Released => (ItemState::Ready, 0, None, None, None, None),
            Finish::Dead { error } => (ItemState::Dead, 1, None, Some(now), Some(error.as_str()), None),
        };
        self.states.push(state.code());
        self.failed.push(failed);
        self.due.push(due);
        self.finished.push(finished);
        self.errors.push(error);
        self.results.push(result);
    }

    fn step(&self) -> Step<'_> {
        let given: Vec<Given<'_>> = vec![
            &self.items,
            &self.fences,
            &self.states,
            &self.failed,
            &self.due,
            &self.finished,
            &self.errors,
            &self.results,
        ];
        step(text::FINISH, given).must(self.items.len(), Failed::Stale)
    }
}

impl Events<'_> {
    fn step<'b>(&'b self, now: &'b i64) -> Step<'b> {
        let given: Vec<Given<'b>> = vec![&self.sources, &self.ids, &self.bodies, &self.answers, now];
        step(text::ACCEPT, given).must(self.ids.len(), Failed::Known)
    }
}

impl<'a> Intents<'a> {
    fn add(&mut self, effect: &'a [u8], intent: &'a Intent, now: i64) {
        self.effects.push(effect);
        self.sources.push(&intent.effect.source);
        self.events.push(&intent.effect.event);
        self.steps.push(&intent.effect.step);
        self.queues.push(&intent.queue);
        self.subjects.push(intent.subject.as_deref());
        self.bodies.push(&intent.body);
        self.due.push(later(now, intent.after));
    }

    fn step<'b>(&'b self, now: &'b i64) -> Step<'b> {
        let given: Vec<Given<'b>> = vec![
            &self.effects,
            &self.sources,
            &self.events,
            &self.steps,
            &self.queues,
            &self.subjects,
            &self.bodies,
            &self.due,
            now,
        ];
        step(text::OWE, given)
    }
}

impl Audit<'_> {
    fn step(&self) -> Step<'_> {
        let given: Vec<Given<'_>> = vec![&self.bodies, &self.at, &self.actions, &self.subjects, &self.texts];
        step(text::NOTE, given)
    }
}

fn put_step<'a>(put: &'a Put, now: &'a i64) -> Step<'a> {
    let one = |text, given: Vec<Given<'a>>| step(text, given).must(1, Failed::Conflict);
    match (&put.body, &put.expect) {
        (Some(body), Expect::Any) => step(sql::PUT_RECORD, vec![&put.kind, &put.id, now, body]),
        (Some(body), Expect::Absent) => one(text::PUT_NEW, vec![&put.kind, &put.id, now, body]),
        (Some(body), Expect::Version(version)) => {
            one(text::PUT_NEXT, vec![&put.kind, &put.id, now, body, version])
        }
        (None, Expect::Any) => step(sql::REMOVE_RECORD, vec![&put.kind, &put.id]),
        (None, Expect::Absent) => {
            step(sql::RECORD_VERSION, vec![&put.kind, &put.id]).must(0, Failed::Conflict)
        }
        (None, Expect::Version(version)) => one(text::REMOVE_VERSION, vec![&put.kind, &put.id, version]),
    }
}

fn advance_step<'a>(advance: &'a Advance, now: &'a i64) -> Step<'a> {
    let step = match &advance.from {
        None => step(text::ADVANCE_FIRST, vec![&advance.name, &advance.to, now]),
        Some(from) => step(text::ADVANCE, vec![&advance.name, &advance.to, now, from]),
    };
    step.must(1, Failed::Conflict)
}

fn later(now: i64, after: std::time::Duration) -> i64 {
    now.saturating_add(millis(after))
}
