//! Random writers change conversations of a platform while a sync reads them, and crashes.

use super::super::*;
use super::{at, change};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wire::ids::ConversationId;

/// The overlap, in seconds, and how late a change may become visible after its stamp.
const OVERLAP: u64 = 20;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A writer changes a conversation: its stamp is so far behind (or ahead of) the clock, and it is visible so much later.
    Write {
        conversation: u8,
        behind: i64,
        delay: u64,
    },
    /// Time goes on.
    Wait(u64),
    /// A page is read, unless a walk has to begin first.
    Read,
    /// The last page comes a second time.
    ReadAgain,
    /// The sink gets the oldest page that it does not have; perhaps its answer is lost.
    Deliver { answer_is_lost: bool },
    /// The checkpoint is written.
    Keep,
    /// The process is killed; the next one goes on from the checkpoint that was written.
    Crash,
    /// The process is killed, and the next one begins anew so long ago.
    Anew { ago: u64 },
    /// The writers pause until all is delivered.
    Pause,
}

fn step() -> impl Strategy<Value = Step> {
    // Stamp and delay together stay within the overlap.
    let write = (0u8..12, -30i64..10, 0u64..10).prop_map(|(conversation, behind, delay)| Step::Write {
        conversation,
        behind,
        delay,
    });
    prop_oneof![
        6 => write,
        2 => (0u64..15).prop_map(Step::Wait),
        6 => Just(Step::Read),
        1 => Just(Step::ReadAgain),
        5 => any::<bool>().prop_map(|answer_is_lost| Step::Deliver { answer_is_lost }),
        3 => Just(Step::Keep),
        1 => Just(Step::Crash),
        1 => (0u64..60).prop_map(|ago| Step::Anew { ago }),
        1 => Just(Step::Pause),
    ]
}

/// A conversation's newest state: what is visible, and what will be.
#[derive(Default)]
struct Row {
    visible: Option<Change>,
    coming: VecDeque<(u64, Change)>,
    version: u64,
}

/// A platform and a sink, and the process between them.
struct World {
    now: u64,
    page_size: usize,
    versions: bool,
    /// Whether the sink knows what it has, as a file does.
    remembers: bool,
    rows: BTreeMap<u8, Row>,
    sync: Sync,
    kept: Checkpoint,
    /// What is kept instead of how far the sync is, while it is one that left something out.
    held: Option<Checkpoint>,
    /// The next page, by the place that it comes after.
    next: Option<(UtcTime, ConversationId)>,
    walks: bool,
    last_page: Vec<Change>,
    on_the_way: VecDeque<(Batch, Vec<Change>)>,
    sink: BTreeMap<ConversationId, Change>,
    applied: Vec<Change>,
    /// What was listed when the writers paused.
    listed: BTreeSet<String>,
    crashes: usize,
    link: u64,
}

impl World {
    fn new(page_size: usize, versions: bool, remembers: bool) -> Self {
        Self {
            now: 1000,
            page_size,
            versions,
            remembers,
            rows: BTreeMap::new(),
            sync: Sync::new(Duration::from_secs(OVERLAP), None),
            kept: Checkpoint::default(),
            held: None,
            next: None,
            walks: false,
            last_page: Vec::new(),
            on_the_way: VecDeque::new(),
            sink: BTreeMap::new(),
            applied: Vec::new(),
            listed: BTreeSet::new(),
            crashes: 0,
            link: 0,
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Write {
                conversation,
                behind,
                delay,
            } => self.write(*conversation, *behind, *delay),
            Step::Wait(seconds) => self.now += seconds,
            Step::Read => self.read(),
            Step::ReadAgain => self.read_again(),
            Step::Deliver { answer_is_lost } => self.deliver(*answer_is_lost),
            Step::Keep => self.keep(),
            Step::Crash => self.crash(),
            Step::Anew { ago } => self.begin_anew(*ago),
            Step::Pause => self.settle(),
        }
        self.show();
    }

    fn write(&mut self, conversation: u8, behind: i64, delay: u64) {
        let row = self.rows.entry(conversation).or_default();
        row.version += 1;
        let stamp = self.now.saturating_add_signed(-behind);
        let mut change = change(&format!("c{conversation}"), stamp, row.version);
        if !self.versions {
            // Distinct stamps: without versions nothing else tells changes apart.
            change.version = None;
            change.updated = change.updated.after(Duration::from_micros(row.version));
        }
        // Versions of a conversation become visible one after the other.
        let earliest = row.coming.back().map_or(0, |(then, _)| *then);
        // A conversation that waits for an earlier change would be later than the overlap allows.
        if earliest <= self.now {
            row.coming.push_back((self.now + delay, change));
        } else {
            row.version -= 1;
        }
    }

    fn show(&mut self) {
        for row in self.rows.values_mut() {
            while row.coming.front().is_some_and(|(then, _)| *then <= self.now) {
                row.visible = row.coming.pop_front().map(|(_, change)| change);
            }
        }
    }

    fn read(&mut self) {
        if !self.walks {
            let Ask::Since(since) = self.sync.begin() else {
                panic!("a walk begins with a time")
            };
            self.walks = true;
            self.next = None;
            return self.take(since, None);
        }
        let after = self.next.clone();
        self.take(None, after);
    }

    fn take(&mut self, since: Option<UtcTime>, after: Option<(UtcTime, ConversationId)>) {
        let mut listed: Vec<Change> = self
            .rows
            .values()
            .filter_map(|row| row.visible.clone())
            .filter(|change| since.is_none_or(|since| change.updated >= since))
            .filter(|change| {
                after
                    .as_ref()
                    .is_none_or(|after| (change.updated, change.id.clone()) > *after)
            })
            .collect();
        listed.sort_by_key(|change| (change.updated, change.id.clone()));
        let more = listed.len() > self.page_size;
        listed.truncate(self.page_size);
        self.next = listed.last().map(|change| (change.updated, change.id.clone()));
        self.link += 1;
        let link = format!("/{}", self.link);
        let taken = self
            .sync
            .page(at(self.now), &listed, more.then_some(link.as_str()))
            .unwrap();
        let wanted = taken.wanted.iter().map(|place| listed[*place].clone()).collect();
        self.on_the_way.push_back((taken.batch, wanted));
        self.walks = taken.next.unwrap().is_some();
        self.last_page = listed;
    }

    fn read_again(&mut self) {
        if self.walks {
            self.link += 1;
            let taken = self
                .sync
                .page(at(self.now), &self.last_page.clone(), Some("/again"));
            // Answers to a link that was followed are a fault; the process begins anew.
            match taken {
                Ok(taken) if taken.next.is_ok() => {
                    let page = self.last_page.clone();
                    let wanted = taken.wanted.iter().map(|place| page[*place].clone()).collect();
                    self.on_the_way.push_back((taken.batch, wanted));
                }
                _ => self.crash(),
            }
        }
    }

    fn deliver(&mut self, answer_is_lost: bool) {
        let Some((batch, changes)) = self.on_the_way.front().cloned() else {
            return;
        };
        for change in &changes {
            self.applied.push(change.clone());
            let newest = self
                .sink
                .entry(change.id.clone())
                .or_insert_with(|| change.clone());
            // An idempotent upsert: where there are versions, the newest stays.
            if change.version.is_none() || change.version > newest.version {
                *newest = change.clone();
            }
        }
        if answer_is_lost {
            return self.crash();
        }
        self.on_the_way.pop_front();
        self.sync.delivered(batch);
    }

    fn keep(&mut self) {
        let reached = self.sync.checkpoint();
        self.kept = match &self.held {
            None => reached,
            Some(held) => held.clone().beside(&reached),
        };
    }

    fn crash(&mut self) {
        self.held = None;
        self.resume(self.kept.clone());
    }

    fn begin_anew(&mut self, ago: u64) {
        let since = at(self.now.saturating_sub(ago));
        let anew = self
            .kept
            .clone()
            .anew(since, at(self.now), Duration::from_secs(OVERLAP));
        self.kept = anew.keep.clone();
        self.held = anew.leaves_gap.then_some(anew.keep);
        self.resume(anew.begin);
    }

    fn resume(&mut self, checkpoint: Checkpoint) {
        self.crashes += 1;
        self.sync = Sync::resume(checkpoint, Duration::from_secs(OVERLAP));
        if self.remembers {
            let has = self.applied.iter().map(Delivered::of);
            has.for_each(|delivered| self.sync.remember(&delivered));
        }
        self.on_the_way.clear();
        self.walks = false;
    }

    fn visible(&self) -> impl Iterator<Item = &Change> {
        self.rows.values().filter_map(|row| row.visible.as_ref())
    }

    /// Nothing is written; the sync goes on until a walk has brought nothing new.
    fn settle(&mut self) {
        self.now += 60;
        self.show();
        if self.held.is_some() {
            self.crash();
        }
        let mut is_last = false;
        while !is_last {
            // One walk to its end, and one more whose beginning is after everything.
            is_last = !self.walks && self.on_the_way.is_empty();
            loop {
                self.read();
                if !self.walks {
                    break;
                }
            }
            while !self.on_the_way.is_empty() {
                self.deliver(false);
            }
        }
        let listed: Vec<String> = self.visible().map(Change::change_id).collect();
        self.listed.extend(listed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_sink_has_the_newest_state_of_everything_and_each_change_once_whatever_crashes(
        steps in proptest::collection::vec(step(), 1..200), page_size in 1usize..5, versions in any::<bool>(),
        remembers in any::<bool>()
    ) {
        let mut world = World::new(page_size, versions, remembers);
        for step in &steps {
            world.run(step);
        }
        world.settle();
        let platform: BTreeMap<ConversationId, Change> =
            world.visible().map(|change| (change.id.clone(), change.clone())).collect();
        prop_assert_eq!(&world.sink, &platform);
        let applied: BTreeSet<String> = world.applied.iter().map(Change::change_id).collect();
        let missed = world.listed.difference(&applied).next();
        prop_assert_eq!(missed, None, "what was listed when the writers paused was delivered");
        if world.crashes == 0 || world.remembers {
            prop_assert_eq!(applied.len(), world.applied.len(), "nothing is delivered twice");
        }
    }
}
