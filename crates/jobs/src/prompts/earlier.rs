//! Jobs that an earlier build ordered and whose outcome no prompt has: that build was killed.
//!
//! One that the platform accepted is asked for and serves whoever wishes for the same. One of which nobody knows is posted again,
//! under its key, once all of it is wished for again; otherwise it is dropped. So an old order never overtakes a new one.

use super::{
    books::Ordered,
    compiler::{Served, Wish},
    entries,
};
use audit::Entry;
use std::collections::HashSet;
use wire::{
    ids::{AssetId, CompileId, JobId, NodeId},
    media::{CompileJob, Encoding, MediaEntry, NodeStatus},
};

/// The jobs of an earlier build.
pub(super) struct Earlier {
    /// The newest first.
    jobs: Vec<Job>,
    /// Nodes for which earlier jobs are of no use: they are ordered anew, or the file does not have them any more.
    useless: HashSet<NodeId>,
}

struct Job {
    ordered: Ordered,
    /// Who waits for it.
    wishes: Vec<Wish>,
    state: State,
}

enum State {
    /// Nobody knows whether the platform has it.
    Unsure,
    /// The platform has it.
    Accepted,
    /// What became of it.
    Over(CompileJob),
}

/// What becomes of a wish.
pub(super) enum Taken {
    /// It waits for a job that is asked for; the first who does has it asked.
    Waits(Option<(JobId, CompileId)>),
    /// All of a job is wished for again: it is to be posted.
    Complete(Ordered, Vec<Wish>),
    /// No earlier job is of use.
    No(Wish),
}

impl Earlier {
    pub(super) fn new(mut ordered: Vec<Ordered>) -> Self {
        ordered.sort_by_key(|ordered| std::cmp::Reverse(ordered.at));
        let job = |ordered: Ordered| Job {
            state: match ordered.compile {
                Some(_) => State::Accepted,
                None => State::Unsure,
            },
            wishes: Vec::new(),
            ordered,
        };
        Self {
            jobs: ordered.into_iter().map(job).collect(),
            useless: HashSet::new(),
        }
    }

    /// Whether one of them may yet have something else serve the node: then it must be ordered anew, as the later order counts.
    pub(super) fn disturbs(&self, node: &NodeId, asset: &AssetId, encoding: Encoding) -> bool {
        let is_other = |job: &Job, entry: &MediaEntry| {
            entry.node_id == *node && (entry.asset_id != *asset || job.ordered.order.encoding != encoding)
        };
        let disturbs = |job: &Job| job.ordered.order.media.iter().any(|entry| is_other(job, entry));
        self.jobs.iter().any(disturbs)
    }

    /// They are of no use for these nodes.
    pub(super) fn leave_aside(&mut self, is_meant: impl Fn(&NodeId) -> bool) {
        let media = self.jobs.iter().flat_map(|job| &job.ordered.order.media);
        let meant = media.map(|entry| &entry.node_id).filter(|node| is_meant(node));
        self.useless.extend(meant.cloned());
    }

    /// Takes a wish, if the newest job for its node is for the same.
    pub(super) fn take(&mut self, wish: Wish) -> Taken {
        let is_for_node = |job: &&mut Job| {
            job.ordered
                .order
                .media
                .iter()
                .any(|entry| entry.node_id == wish.node)
        };
        let is_current = !self.useless.contains(&wish.node);
        let newest = self.jobs.iter_mut().find(is_for_node);
        let Some(job) = newest.filter(|job| is_current && job.holds(&wish)) else {
            self.useless.insert(wish.node.clone());
            return Taken::No(wish);
        };
        match &job.state {
            State::Over(told) => match told.served(&wish) {
                Some(served) => {
                    wish.answer(Ok(served));
                    Taken::Waits(None)
                }
                None => {
                    self.useless.insert(wish.node.clone());
                    Taken::No(wish)
                }
            },
            State::Accepted => {
                job.wishes.push(wish);
                let is_first = job.wishes.len() == 1;
                let id = job.ordered.compile.clone().filter(|_| is_first);
                Taken::Waits(id.map(|id| (job.ordered.job.clone(), id)))
            }
            State::Unsure => {
                job.wishes.push(wish);
                let name = job.ordered.job.clone();
                match job.wishes.len() == job.ordered.order.media.len() {
                    true => self.remove(&name),
                    false => Taken::Waits(None),
                }
            }
        }
    }

    /// A job is over: those who wait are served, and whoever comes later. The wishes that it does not serve are given back, with
    /// what the audit log is told. `None` when it is no earlier job.
    pub(super) fn ended(&mut self, name: &JobId, told: CompileJob) -> Option<(Entry, Vec<Wish>)> {
        let job = self.jobs.iter_mut().find(|job| job.ordered.job == *name)?;
        let mut back = Vec::new();
        for wish in std::mem::take(&mut job.wishes) {
            match told.served(&wish) {
                Some(served) => wish.answer(Ok(served)),
                None => back.push(wish),
            }
        }
        let entry = entries::job_over(&job.ordered, &told, entries::now().since(job.ordered.at));
        job.state = State::Over(told);
        self.useless.extend(back.iter().map(|wish| wish.node.clone()));
        Some((entry, back))
    }

    /// The platform does not have the job, or does not finish it: the wishes are given back. `None` when it is no earlier job.
    pub(super) fn lost(&mut self, name: &JobId) -> Option<Vec<Wish>> {
        let at = self.jobs.iter().position(|job| job.ordered.job == *name)?;
        Some(self.jobs.remove(at).wishes)
    }

    /// No more wishes come: those that wait for a job that never becomes complete are given back.
    pub(super) fn close(&mut self) -> Vec<Wish> {
        let unsure = self
            .jobs
            .iter_mut()
            .filter(|job| matches!(job.state, State::Unsure));
        unsure.flat_map(|job| std::mem::take(&mut job.wishes)).collect()
    }

    /// Whether somebody waits for one of them.
    pub(super) fn is_waited_for(&self) -> bool {
        self.jobs.iter().any(|job| !job.wishes.is_empty())
    }

    /// The accepted ones.
    pub(super) fn accepted(&self) -> impl Iterator<Item = (&JobId, &CompileId)> {
        self.jobs
            .iter()
            .filter_map(|job| Some((&job.ordered.job, job.ordered.compile.as_ref()?)))
    }

    /// Those that the next build has no use for: they are over, or everything in them is ordered anew or not in the file any more.
    pub(super) fn into_useless(self) -> impl Iterator<Item = JobId> {
        let Self { jobs, useless } = self;
        let is_useless = move |job: &Job| {
            let mut media = job.ordered.order.media.iter();
            matches!(job.state, State::Over(_)) || media.all(|entry| useless.contains(&entry.node_id))
        };
        jobs.into_iter().filter(is_useless).map(|job| job.ordered.job)
    }

    fn remove(&mut self, name: &JobId) -> Taken {
        let at = self.jobs.iter().position(|job| job.ordered.job == *name);
        match at.map(|at| self.jobs.remove(at)) {
            Some(job) => Taken::Complete(job.ordered, job.wishes),
            None => Taken::Waits(None),
        }
    }
}

impl Job {
    fn holds(&self, wish: &Wish) -> bool {
        let order = &self.ordered.order;
        let is_wish = |entry: &MediaEntry| entry.node_id == wish.node && entry.asset_id == wish.asset;
        let is_kind = order.encoding == wish.encoding && order.options == wish.options;
        is_kind && order.media.iter().any(is_wish) && self.wishes.iter().all(|other| other.node != wish.node)
    }
}

/// What a job says of a wish.
pub(super) trait Serves {
    /// How it is served, if it is.
    fn served(&self, wish: &Wish) -> Option<Served>;
}

impl Serves for CompileJob {
    fn served(&self, wish: &Wish) -> Option<Served> {
        let mut results = self.results.iter();
        let result = results.find(|result| {
            result.node_id == wish.node && result.asset_id == wish.asset && result.status == NodeStatus::Ready
        })?;
        Some(Served {
            compile: self.id.clone(),
            result: result.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot::{self, Receiver};
    use wire::media::{CompileOptions, JobStatus, NewCompile, NodeResult, Rank};

    type Answer = Receiver<Result<Served, String>>;

    fn wish(node: &str, asset: &str) -> (Wish, Answer) {
        let (answer, answered) = oneshot::channel();
        let wish = Wish {
            node: node.parse().unwrap(),
            asset: asset.parse().unwrap(),
            encoding: Encoding::Ulaw,
            options: CompileOptions::ALL,
            priority: Rank(0),
            answer,
            is_second: false,
        };
        (wish, answered)
    }

    fn job(name: &str, minute: u8, media: &[(&str, &str)], compile: Option<&str>) -> Ordered {
        let entry = |(node, asset): &(&str, &str)| MediaEntry {
            asset_id: asset.parse().unwrap(),
            node_id: node.parse().unwrap(),
            format: None,
            sample_rate: None,
            priority: Rank(0),
            fallback_encoding: None,
        };
        Ordered {
            at: format!("2026-11-21T09:{minute:02}:00Z").parse().unwrap(),
            job: name.parse().unwrap(),
            order: NewCompile {
                flow_id: "f".parse().unwrap(),
                job_id: None,
                media: media.iter().map(entry).collect(),
                encoding: Encoding::Ulaw,
                webhook_url: None,
                options: CompileOptions::ALL,
            },
            compile: compile.map(|id| id.parse().unwrap()),
        }
    }

    fn over(id: &str, served: &[(&str, &str)]) -> CompileJob {
        let result = |(node, asset): &(&str, &str)| NodeResult {
            asset_id: asset.parse().unwrap(),
            node_id: node.parse().unwrap(),
            status: NodeStatus::Ready,
            download_uri: None,
            encoding: None,
            duration_ms: None,
            loudness_lufs: None,
            message: None,
        };
        CompileJob {
            id: id.parse().unwrap(),
            job_id: None,
            flow_id: None,
            status: JobStatus::Completed,
            results: served.iter().map(result).collect(),
            message: None,
            self_uri: None,
        }
    }

    #[test]
    fn an_accepted_job_is_asked_for_once_and_serves_who_comes_before_and_after_its_end() {
        let media = [("n", "a"), ("m", "b"), ("o", "c")];
        let mut earlier = Earlier::new(vec![job("j", 1, &media, Some("comp_1"))]);
        let ((first, mut one), (second, mut two), (third, mut three)) =
            (wish("n", "a"), wish("m", "b"), wish("o", "c"));
        assert!(matches!(earlier.take(first), Taken::Waits(Some(_))));
        assert!(matches!(earlier.take(third), Taken::Waits(None)));
        assert!(earlier.is_waited_for());
        let (_, back) = earlier
            .ended(&"j".parse().unwrap(), over("comp_1", &[("n", "a"), ("m", "b")]))
            .unwrap();
        assert_eq!(back.len(), 1, "what failed then is given back");
        assert!(matches!(earlier.take(second), Taken::Waits(None)));
        assert!(one.try_recv().unwrap().is_ok() && two.try_recv().unwrap().is_ok());
        assert!(three.try_recv().is_err() && !earlier.is_waited_for());
    }

    #[test]
    fn only_the_newest_job_for_a_node_counts() {
        let jobs = vec![
            job("old", 1, &[("n", "a")], Some("comp_1")),
            job("new", 2, &[("n", "b")], Some("comp_2")),
        ];
        let mut earlier = Earlier::new(jobs);
        let is_disturbed =
            |asset: &str| earlier.disturbs(&"n".parse().unwrap(), &asset.parse().unwrap(), Encoding::Ulaw);
        assert!(is_disturbed("a") && is_disturbed("b"), "each by the other");
        assert!(matches!(earlier.take(wish("n", "b").0), Taken::Waits(Some(_))));
    }

    #[test]
    fn a_job_of_which_nobody_knows_is_posted_again_when_all_of_it_is_wished_for() {
        let media = [("n", "a"), ("m", "b")];
        let mut earlier = Earlier::new(vec![job("j", 1, &media, None)]);
        assert!(matches!(earlier.take(wish("n", "a").0), Taken::Waits(None)));
        let Taken::Complete(ordered, wishes) = earlier.take(wish("m", "b").0) else {
            panic!("it is complete");
        };
        assert_eq!((ordered.job.as_str(), wishes.len()), ("j", 2));

        let mut earlier = Earlier::new(vec![job("j", 1, &media, None)]);
        assert!(matches!(earlier.take(wish("n", "a").0), Taken::Waits(None)));
        assert_eq!(earlier.close().len(), 1);
        assert!(!earlier.is_waited_for());
    }
}
