//! Waiting for compilations: what the platform says of jobs, by webhook or when it is asked, in whatever order it comes.
//!
//! A callback may come twice, late, before the answer to the POST that began the job, or never. It is paired by the job's own
//! name, or by the platform's id once that is known; each job ends once.

use crate::Moment;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use wire::{
    ids::{CompileId, JobId},
    media::{CompileJob, JobStatus},
};

/// Most callbacks that are kept though nobody waits for them yet.
const MOST_EARLY: usize = 256;

/// How the platform is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long after the start of a job it is asked first. With callbacks, that is what it takes to lose patience with them.
    pub first: Duration,
    /// The longest time between two questions; it doubles up to that.
    pub longest: Duration,
    /// After this long the job counts as lost.
    pub patience: Duration,
}

impl Pace {
    /// For jobs whose end is told by webhook.
    pub const TOLD: Self = Self {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(8),
        patience: Duration::from_secs(600),
    };
    /// For jobs of which nothing is told.
    pub const ASKED: Self = Self {
        first: Duration::from_millis(250),
        longest: Duration::from_secs(4),
        patience: Duration::from_secs(600),
    };
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Ask the platform for the job.
    Ask {
        /// Its name.
        job: JobId,
        /// The platform's id.
        id: CompileId,
    },
    /// The platform has had its time; nothing more is expected.
    GiveUp {
        /// Its name.
        job: JobId,
    },
}

/// A job that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Its name.
    pub job: JobId,
    /// What became of it.
    pub told: CompileJob,
}

/// The jobs that are waited for.
#[derive(Debug)]
pub struct Watch {
    pace: Pace,
    waiting: BTreeMap<JobId, Waiting>,
    /// Callbacks about jobs whose id is not known yet, oldest first.
    early: VecDeque<CompileJob>,
}

#[derive(Debug)]
struct Waiting {
    /// Known once the POST is answered.
    id: Option<CompileId>,
    next: Moment,
    pause: Duration,
    until: Moment,
}

impl Watch {
    /// Waits for nothing yet.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            waiting: BTreeMap::new(),
            early: VecDeque::new(),
        }
    }

    /// Jobs that are posted from now on are asked for at another pace.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// A job is about to be posted.
    pub fn expect(&mut self, job: JobId) {
        let waiting = Waiting {
            id: None,
            next: Moment::NEVER,
            pause: self.pace.first,
            until: Moment::NEVER,
        };
        self.waiting.insert(job, waiting);
    }

    /// The platform has taken the job; what it said then may be its end already. A job that is over is not begun again.
    pub fn posted(&mut self, now: Moment, job: &JobId, answer: CompileJob) -> Option<Ended> {
        let waiting = self.waiting.get_mut(job)?;
        waiting.id = Some(answer.id.clone());
        waiting.next = now + self.pace.first;
        waiting.until = now + self.pace.patience;
        if answer.status.is_over() {
            return self.end(job.clone(), answer);
        }
        let at = self
            .early
            .iter()
            .position(|told| told.id == answer.id && told.status.is_over())?;
        let told = self.early.remove(at)?;
        self.end(job.clone(), told)
    }

    /// The job can't be posted, or its result is of no use any more.
    pub fn forget(&mut self, job: &JobId) {
        self.waiting.remove(job);
    }

    /// What a callback or an answer says. `None` when it is nothing new, or not for us.
    ///
    /// A job that runs has all its time again: the platform works on it.
    pub fn told(&mut self, now: Moment, told: CompileJob) -> Option<Ended> {
        let named = told.job_id.as_ref().filter(|job| {
            let waiting = self.waiting.get(*job);
            waiting.is_some_and(|waiting| waiting.id.as_ref().is_none_or(|id| *id == told.id))
        });
        let by_id = || {
            let mut waiting = self.waiting.iter();
            waiting.find_map(|(job, waiting)| (waiting.id.as_ref() == Some(&told.id)).then_some(job))
        };
        match named.or_else(by_id).cloned() {
            Some(job) if told.status.is_over() => self.end(job, told),
            Some(job) => {
                let waiting = self.waiting.get_mut(&job)?;
                if told.status == JobStatus::Running && waiting.until != Moment::NEVER {
                    waiting.until = now + self.pace.patience;
                }
                None
            }
            None => {
                self.keep_early(told);
                None
            }
        }
    }

    /// What is due now.
    pub fn due(&mut self, now: Moment) -> Vec<Act> {
        let (longest, mut acts, mut lost) = (self.pace.longest, Vec::new(), Vec::new());
        for (job, waiting) in &mut self.waiting {
            if waiting.until <= now {
                lost.push(job.clone());
            } else if waiting.next <= now
                && let Some(id) = &waiting.id
            {
                waiting.pause = (waiting.pause * 2).min(longest);
                waiting.next = now + waiting.pause;
                let (job, id) = (job.clone(), id.clone());
                acts.push(Act::Ask { job, id });
            }
        }
        for job in lost {
            self.waiting.remove(&job);
            acts.push(Act::GiveUp { job });
        }
        acts
    }

    /// When something is due next.
    pub fn deadline(&self) -> Moment {
        let dues = self
            .waiting
            .values()
            .map(|waiting| waiting.next.min(waiting.until));
        dues.min().unwrap_or(Moment::NEVER)
    }

    /// Whether a job is waited for.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn end(&mut self, job: JobId, told: CompileJob) -> Option<Ended> {
        self.waiting.remove(&job)?;
        self.early.retain(|early| early.id != told.id);
        Some(Ended { job, told })
    }

    fn keep_early(&mut self, told: CompileJob) {
        // Only a job whose POST is not answered can have an id that nobody knows.
        if self.waiting.values().all(|waiting| waiting.id.is_some()) {
            return;
        }
        if self.early.len() == MOST_EARLY {
            self.early.pop_front();
        }
        self.early.push_back(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn job(name: &str) -> JobId {
        name.parse().unwrap()
    }

    fn said(id: &str, name: Option<&str>, status: JobStatus) -> CompileJob {
        CompileJob {
            id: id.parse().unwrap(),
            job_id: name.map(job),
            flow_id: None,
            status,
            results: Vec::new(),
            message: None,
            self_uri: None,
        }
    }

    fn after(ms: u64) -> Moment {
        Moment::START + Duration::from_millis(ms)
    }

    #[test]
    fn a_callback_before_the_answer_to_the_post_ends_the_job_whatever_it_names() {
        for name in [Some("j"), None] {
            let mut watch = Watch::new(Pace::TOLD);
            watch.expect(job("j"));
            let told = watch.told(Moment::START, said("comp_1", name, JobStatus::Completed));
            let posted = watch.posted(after(5), &job("j"), said("comp_1", None, JobStatus::Queued));
            assert_eq!(
                [&told, &posted].iter().filter(|ended| ended.is_some()).count(),
                1,
                "{name:?}"
            );
            assert!(!watch.is_waiting());
            assert_eq!(watch.deadline(), Moment::NEVER);
        }
    }

    #[test]
    fn without_callbacks_the_platform_is_asked_ever_less_often_and_then_given_up() {
        let mut watch = Watch::new(Pace::ASKED);
        watch.expect(job("j"));
        assert_eq!(watch.deadline(), Moment::NEVER);
        watch.posted(Moment::START, &job("j"), said("comp_1", None, JobStatus::Queued));
        let ask = Act::Ask {
            job: job("j"),
            id: "comp_1".parse().unwrap(),
        };
        let mut asked = Vec::new();
        while watch.deadline() < after(20_000) {
            let now = watch.deadline();
            assert_eq!(watch.due(now), std::slice::from_ref(&ask));
            asked.push((now - Moment::START).as_millis());
        }
        assert_eq!(asked, [250, 750, 1750, 3750, 7750, 11750, 15750, 19750]);
        assert_eq!(watch.due(after(600_000)), [Act::GiveUp { job: job("j") }]);
        assert_eq!(
            watch.told(Moment::START, said("comp_1", None, JobStatus::Completed)),
            None
        );
    }

    #[test]
    fn a_job_that_runs_is_not_given_up() {
        let mut watch = Watch::new(Pace::ASKED);
        watch.expect(job("j"));
        watch.posted(Moment::START, &job("j"), said("comp_1", None, JobStatus::Queued));
        assert_eq!(
            watch.told(after(599_000), said("comp_1", None, JobStatus::Running)),
            None
        );
        let given_up = Act::GiveUp { job: job("j") };
        assert!(!watch.due(after(601_000)).contains(&given_up));
        assert!(watch.due(after(1_199_000)).contains(&given_up));
    }

    #[test]
    fn what_is_said_of_others_is_left_aside_and_does_not_pile_up() {
        let mut watch = Watch::new(Pace::TOLD);
        watch.expect(job("j"));
        for number in 0..1000 {
            assert_eq!(
                watch.told(
                    Moment::START,
                    said(&format!("comp_x{number}"), None, JobStatus::Completed)
                ),
                None
            );
        }
        assert_eq!(watch.early.len(), MOST_EARLY);
        let mine = said("comp_1", Some("j"), JobStatus::Queued);
        assert_eq!(watch.posted(Moment::START, &job("j"), mine), None);
        // A stranger who knows the name but not the id.
        assert_eq!(
            watch.told(Moment::START, said("comp_2", Some("j"), JobStatus::Completed)),
            None
        );
        assert!(
            watch
                .told(Moment::START, said("comp_1", None, JobStatus::Failed))
                .is_some()
        );
    }

    proptest! {
        /// Whatever order the words of the platform come in, and however often: each job ends exactly once.
        #[test]
        fn each_job_ends_once(order in proptest::collection::vec((0usize..3, 0usize..4), 0..40)) {
            let names = ["a", "b", "c"];
            let mut watch = Watch::new(Pace::TOLD);
            names.iter().for_each(|name| watch.expect(job(name)));
            let mut ended = [0; 3];
            let mut count = |what: Option<Ended>| {
                if let Some(what) = what {
                    ended[names.iter().position(|name| *name == what.job.as_str()).unwrap()] += 1;
                }
            };
            let last = (0..3).flat_map(|at| [(at, 0), (at, 1)]);
            for (at, what) in order.into_iter().chain(last) {
                let id = format!("comp_{at}");
                count(match what {
                    0 => watch.posted(Moment::START, &job(names[at]), said(&id, None, JobStatus::Queued)),
                    1 => watch.told(Moment::START, said(&id, None, JobStatus::Completed)),
                    2 => watch.told(Moment::START, said(&id, Some(names[at]), JobStatus::Completed)),
                    _ => watch.told(Moment::START, said(&id, Some(names[at]), JobStatus::Running)),
                });
            }
            prop_assert_eq!(ended, [1, 1, 1]);
            prop_assert!(!watch.is_waiting());
        }
    }
}
