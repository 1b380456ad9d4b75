//! How conversations went: `POST /api/v2/analytics/conversations/details/query`.
//!
//! All conversations that changed since the query's first moment are walked, page by page; of each, only its group's counts are
//! kept. One that changes meanwhile comes again later in the walk: it is known by a hash, and counted once.

use super::{
    Conversations,
    kept::{Brief, CONVERSATION, LIST, from_ms, read, to_ms},
    trouble::Trouble,
};
use std::{
    collections::{BTreeMap, HashSet, hash_map::RandomState},
    hash::BuildHasher,
};
use store::Find;
use wire::{
    UtcTime,
    conversation::{DetailsAnswer, DetailsQuery, Group, State, TimeGrouping},
};

/// How many conversations are read at a time, and in all.
const PORTION: usize = 500;
const MOST: usize = 10_000_000;
/// Times are counted in steps of about 2 %: so many for each doubling.
const STEPS: f64 = 32.0;

impl Conversations {
    pub(super) async fn details(&self, query: &DetailsQuery) -> Result<DetailsAnswer, Trouble> {
        self.stamps.horizon().await;
        let mut counts = Counts::of(query);
        let mut find = Find {
            kind: CONVERSATION.into(),
            term: LIST.into(),
            // Nothing changes before it is created.
            after: Some(to_ms(query.date_from).saturating_sub(1)),
            ..Find::default()
        };
        let hashes = RandomState::new();
        let mut seen = HashSet::new();
        for _ in 0..MOST / PORTION {
            let found = self.store.find(&find, PORTION).await?;
            let is_last = found.len() < PORTION;
            if let Some(last) = found.last() {
                (find.after, find.after_id) = (Some(last.place), Some(last.record.id.clone()));
            }
            for found in found
                .iter()
                .filter(|found| seen.insert(hashes.hash_one(&found.record.id)))
            {
                if let Some(brief) = read::<Brief>(&found.record.body) {
                    counts.add(query, &brief);
                }
            }
            if is_last {
                break;
            }
        }
        Ok(counts.answer(query))
    }
}

/// What is counted, by group.
struct Counts(BTreeMap<i64, Count>);

#[derive(Debug, Default)]
struct Count {
    conversations: u64,
    resolved: u64,
    contained: u64,
    escalated: u64,
    turns: u64,
    times: Times,
}

impl Counts {
    fn of(query: &DetailsQuery) -> Self {
        let mut groups = BTreeMap::new();
        if query.time_grouping == TimeGrouping::None {
            groups.insert(to_ms(query.date_from), Count::default());
        }
        Self(groups)
    }

    fn add(&mut self, query: &DetailsQuery, brief: &Brief) {
        let is_asked_for = query.date_from <= brief.created && brief.created < query.date_to;
        let traits = brief.traits();
        if !is_asked_for || !query.passes(&traits) {
            return;
        }
        let begin = group_of(query, brief.created);
        let count = self.0.entry(begin).or_default();
        count.conversations += 1;
        count.resolved += u64::from(traits.resolved);
        count.escalated += u64::from(traits.escalated);
        let is_over = matches!(traits.state, State::Closed | State::Ended);
        count.contained += u64::from(is_over && !traits.escalated);
        count.turns += brief.turns;
        brief.times_us.iter().for_each(|time| count.times.add(*time));
    }

    fn answer(self, query: &DetailsQuery) -> DetailsAnswer {
        let total_hits = self.0.values().map(|count| count.conversations).sum();
        let groups = self.0.into_iter().map(|(begin, count)| count.group(query, begin));
        DetailsAnswer {
            total_hits,
            groups: groups.collect(),
        }
    }
}

impl Count {
    fn group(self, query: &DetailsQuery, begin: i64) -> Group {
        let end = match span(query.time_grouping) {
            Some(span) => from_ms(begin.saturating_add(span)).min(query.date_to),
            None => query.date_to,
        };
        let rate = self.resolved as f64 / self.conversations.max(1) as f64;
        Group {
            from: from_ms(begin).max(query.date_from),
            to: end,
            conversations: self.conversations,
            resolved: self.resolved,
            resolution_rate: (rate * 10_000.0).round() / 10_000.0,
            contained: self.contained,
            escalated: self.escalated,
            turns: self.turns,
            median_response_ms: self.times.percentile(0.5),
            p95_response_ms: self.times.percentile(0.95),
        }
    }
}

/// When the group of a time begins.
fn group_of(query: &DetailsQuery, time: UtcTime) -> i64 {
    match span(query.time_grouping) {
        Some(span) => to_ms(time).div_euclid(span) * span,
        None => to_ms(query.date_from),
    }
}

fn span(grouping: TimeGrouping) -> Option<i64> {
    match grouping {
        TimeGrouping::None => None,
        TimeGrouping::Hour => Some(3_600_000),
        TimeGrouping::Day => Some(86_400_000),
    }
}

/// How many times there were of about each length, in microseconds.
#[derive(Debug, Default)]
struct Times {
    counts: BTreeMap<u32, u64>,
    total: u64,
}

impl Times {
    fn add(&mut self, us: u64) {
        // At most 64 doublings.
        let step = ((us as f64 + 1.0).log2() * STEPS).round() as u32;
        *self.counts.entry(step).or_default() += 1;
        self.total += 1;
    }

    /// The time that this share of them does not exceed, in milliseconds to the microsecond; within 1.1 %.
    fn percentile(&self, share: f64) -> Option<f64> {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut passed = 0;
        let step = self.counts.iter().find_map(|(step, count)| {
            passed += count;
            (passed >= wanted).then_some(*step)
        })?;
        let us = (f64::from(step) / STEPS).exp2() - 1.0;
        Some(us.round() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near_to_what_they_are() {
        let mut times = Times::default();
        assert_eq!(times.percentile(0.5), None);
        (1..=1_000u64).for_each(|ms| times.add(ms * 1_000));
        for (share, ms) in [(0.5, 500.0), (0.95, 950.0), (1.0, 1_000.0)] {
            let found = times.percentile(share).unwrap();
            assert!((found / ms - 1.0).abs() < 0.012, "{share}: {found}");
        }
        let mut none = Times::default();
        none.add(0);
        assert_eq!(none.percentile(0.95), Some(0.0));
        none.add(u64::MAX);
        assert!(none.percentile(0.95).unwrap() > 1e15);
    }
}
