//! The outbox against a simple model of it: random commits, claims, finishes and time.

use crate::{
    database::{Database, START_MS},
    make,
};
use proptest::{prelude::*, test_runner::TestRunner};
use std::{collections::BTreeMap, time::Duration};
use store::{Claim, Clock, Committed, Finish, ItemFilter, ItemId, Store, Worker};

/// A claim is safe for this long, whatever else happens.
const SAFE_MS: i64 = 900;

#[derive(Debug, Clone)]
enum Step {
    Commit { subject: Option<u8>, after_ms: u64 },
    Claim { worker: usize, most: usize },
    Finish { claim: usize, how: How },
    Replay,
    Pass { ms: u64 },
}

#[derive(Debug, Clone, Copy)]
enum How {
    Done,
    Dead,
    Again { after_ms: u64 },
    Released,
}

fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![
        4 => Just(How::Done),
        1 => Just(How::Dead),
        2 => (0..900_u64).prop_map(|after_ms| How::Again { after_ms }),
        1 => Just(How::Released),
    ];
    prop_oneof![
        6 => (proptest::option::weighted(0.8, 0..3_u8), prop_oneof![3 => Just(0), 1 => 0..900_u64])
            .prop_map(|(subject, after_ms)| Step::Commit { subject, after_ms }),
        6 => (0..2_usize, 1..6_usize).prop_map(|(worker, most)| Step::Claim { worker, most }),
        8 => (any::<usize>(), how).prop_map(|(claim, how)| Step::Finish { claim, how }),
        1 => Just(Step::Replay),
        3 => (1..1_500_u64).prop_map(|ms| Step::Pass { ms }),
    ]
}

/// What is known of an item.
#[derive(Debug, Default)]
struct Item {
    subject: Option<String>,
    due_ms: i64,
    failures: u32,
    /// The newest fence.
    fence: i64,
    /// When it was claimed, as long as nobody has finished that claim.
    held_ms: Option<i64>,
    end: Option<How>,
    replayed: bool,
}

#[derive(Default)]
struct Model {
    items: BTreeMap<ItemId, Item>,
    /// All claims ever.
    claims: Vec<Claim>,
}

struct World {
    clock: Clock,
    store: Store,
    workers: [Worker; 2],
    model: Model,
}

#[test]
fn the_outbox_does_what_its_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let steps = proptest::collection::vec(step(), 1..120);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(run(steps));
        Ok(())
    });
    outcome.unwrap();
}

async fn run(steps: Vec<Step>) {
    let database = Database::sqlite().await.unwrap();
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let workers = [store.join().await.unwrap(), store.join().await.unwrap()];
    let model = Model::default();
    let mut world = World {
        clock,
        store,
        workers,
        model,
    };
    for step in steps {
        world.step(step).await;
    }
    world.work_off().await;
}

impl World {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Commit { subject, after_ms } => self.commit(subject, after_ms).await,
            Step::Claim { worker, most } => {
                self.claim(worker, most).await;
            }
            Step::Finish { claim, how } if !self.model.claims.is_empty() => {
                // Mostly one of the last: the older are stale.
                let claims = self.model.claims.len();
                let claim = self.model.claims[claims - 1 - claim % claims.min(8)].clone();
                self.finish(&claim, how).await;
            }
            Step::Finish { .. } => {}
            Step::Replay => self.replay().await,
            Step::Pass { ms } => self.clock.pass(Duration::from_millis(ms)),
        }
    }

    async fn commit(&mut self, subject: Option<u8>, after_ms: u64) {
        let id = format!("e-{}", self.model.items.len());
        let subject = subject.map(|subject| format!("s-{subject}"));
        let mut commit = make::owed(&id, subject.as_deref());
        commit.intents[0].after = Duration::from_millis(after_ms);
        assert_eq!(self.store.commit(commit).await.unwrap(), Committed::Done);
        let kept = self.store.effect(&make::key(&id, "task")).await.unwrap().unwrap();
        let item = Item {
            subject,
            due_ms: self.clock.now_ms() + after_ms as i64,
            ..Item::default()
        };
        assert_eq!(kept.due_ms, item.due_ms);
        self.model.items.insert(kept.id, item);
    }

    async fn claim(&mut self, worker: usize, most: usize) -> Vec<Claim> {
        let now = self.clock.now_ms();
        let claims = self.workers[worker].claim("tasks", most).await.unwrap();
        assert!(claims.len() <= most);
        for claim in &claims {
            self.model.claimed(claim, now);
        }
        if claims.len() < most {
            self.model.check_none_left(now);
        }
        claims
    }

    async fn finish(&mut self, claim: &Claim, how: How) {
        let finish = match how {
            How::Done => make::done(),
            How::Dead => make::dead(),
            How::Again { after_ms } => make::again(Duration::from_millis(after_ms)),
            How::Released => Finish::Released,
        };
        let outcome = self.store.commit(make::finished(claim, finish)).await.unwrap();
        let now = self.clock.now_ms();
        match outcome {
            Committed::Done => self.model.finished(claim, how, now),
            Committed::Stale => self.model.refused(claim, now),
            other => panic!("{other:?}"),
        }
    }

    async fn replay(&mut self) {
        let now = self.clock.now_ms();
        let replayed = self.store.replay(&ItemFilter::default()).await.unwrap();
        assert_eq!(replayed, self.model.replay(now));
    }

    /// Does all that is left; then nothing may be missing.
    async fn work_off(&mut self) {
        for round in 0.. {
            self.clock.pass(Duration::from_secs(2));
            for claim in self.claim(0, 10).await {
                self.finish(&claim, How::Done).await;
            }
            if self.model.items.values().all(|item| item.end.is_some()) {
                break;
            }
            assert!(round < 500, "{:?}", self.model.items);
        }
        let counts = self.store.counts().await.unwrap();
        assert_eq!(counts.waiting + counts.held, 0);
        assert_eq!((counts.done + counts.dead) as usize, self.model.items.len());
    }
}

impl Model {
    fn claimed(&mut self, claim: &Claim, now: i64) {
        let id = claim.id.item;
        assert!(!self.is_behind(id), "claimed before an earlier one: {claim:?}");
        assert!(!self.has_company(id, now), "two of a subject at once: {claim:?}");
        let item = self.items.get_mut(&id).unwrap();
        assert!(item.end.is_none(), "claimed after its end: {claim:?}");
        assert!(item.due_ms <= now, "claimed before it is due: {claim:?}");
        assert!(claim.id.fence > item.fence, "the fence did not grow: {claim:?}");
        assert!(!item.is_safe(now), "claimed while another has it: {claim:?}");
        assert_eq!((claim.failures, &claim.subject), (item.failures, &item.subject));
        item.fence = claim.id.fence;
        item.held_ms = Some(now);
        self.claims.push(claim.clone());
    }

    /// Whether an earlier item of the subject is unfinished. Those that were replayed may have been overtaken.
    fn is_behind(&self, id: ItemId) -> bool {
        let subject = &self.items[&id].subject;
        let mut before = self.items.range(..id).map(|(_, item)| item);
        subject.is_some()
            && before.any(|item| item.subject == *subject && item.end.is_none() && !item.replayed)
    }

    /// Whether somebody has another item of the subject for sure.
    fn has_company(&self, id: ItemId, now: i64) -> bool {
        let subject = &self.items[&id].subject;
        let mut others = self.items.iter().filter(|(other, _)| **other != id);
        subject.is_some() && others.any(|(_, item)| item.subject == *subject && item.is_safe(now))
    }

    /// A claim that gave less than it might have has left nothing that is free for sure.
    fn check_none_left(&self, now: i64) {
        let is_free = |item: &Item| {
            item.subject.is_none() && item.end.is_none() && item.held_ms.is_none() && item.due_ms <= now
        };
        let left = self.items.iter().find(|(_, item)| is_free(item));
        assert!(left.is_none(), "left at {now}: {left:?}");
    }

    fn finished(&mut self, claim: &Claim, how: How, now: i64) {
        let item = self.items.get_mut(&claim.id.item).unwrap();
        assert_eq!(claim.id.fence, item.fence, "finished under an old fence");
        assert!(item.held_ms.take().is_some(), "finished twice: {claim:?}");
        match how {
            How::Done | How::Dead => item.end = Some(how),
            How::Again { after_ms } => {
                item.failures += 1;
                item.due_ms = now + after_ms as i64;
            }
            How::Released => {}
        }
    }

    fn refused(&mut self, claim: &Claim, now: i64) {
        let item = self.items.get_mut(&claim.id.item).unwrap();
        if item.fence == claim.id.fence {
            assert!(!item.is_safe(now), "refused too early: {claim:?}");
            item.held_ms = None;
        }
    }

    fn replay(&mut self, now: i64) -> u64 {
        let dead = self
            .items
            .values_mut()
            .filter(|item| matches!(item.end, Some(How::Dead)));
        let mut replayed = 0;
        for item in dead {
            item.end = None;
            item.failures = 0;
            item.due_ms = now;
            item.replayed = true;
            replayed += 1;
        }
        replayed
    }
}

impl Item {
    /// Whether its worker has it for sure.
    fn is_safe(&self, now: i64) -> bool {
        self.held_ms.is_some_and(|held_ms| now - held_ms <= SAFE_MS)
    }
}
