//! Records that are found by terms, and records that go after their time.

use crate::{
    database::{Database, START_MS},
    make,
};
use std::time::Duration;
use store::{
    Clock, Commit, Committed, Expect, Find, Lease, MOST_NAME, MOST_PARTS, MOST_TERM, MOST_TERMS, Put, Store,
    Terms,
};

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) async fn records_are_found_by_a_term_in_the_order_of_their_places(database: &Database) {
    let store = database.open().await;
    for (id, place) in [("c-2", 5), ("c-1", 5), ("c-3", -7), ("c-4", 9)] {
        give(&store, id, &[("open", place), ("agent:a", 1)]).await;
    }
    give(&store, "c-5", &[("done", 0)]).await;
    let mut other = make::found_under("e-1", &[("open", 6)]);
    other.records[0].kind = "endpoint".into();
    other.terms[0].kind = "endpoint".into();
    assert_eq!(store.commit(other).await.unwrap(), Committed::Done);

    let found = store.find(&open(), 10).await.unwrap();
    let places: Vec<_> = found.iter().map(|found| found.place).collect();
    assert_eq!(places, [-7, 5, 5, 9]);
    assert_eq!(ids(&store, &open(), 10).await, ["c-3", "c-1", "c-2", "c-4"]);
    assert_eq!(ids(&store, &newest(), 10).await, ["c-4", "c-2", "c-1", "c-3"]);
    let record = store.record("call", "c-3").await.unwrap().unwrap();
    assert_eq!(found[0].record, record);
    for (kind, term, count) in [
        ("call", "open", 4),
        ("call", "agent:a", 4),
        ("endpoint", "open", 1),
        ("call", "ope", 0),
    ] {
        assert_eq!(store.count(kind, term).await.unwrap(), count, "{kind} {term}");
    }
}

pub(crate) async fn many_records_are_read_by_one_question(database: &Database) {
    let store = database.open().await;
    for (id, terms) in [
        ("c-1", &[("a", 3)][..]),
        ("c-2", &[("a", 1), ("b", 1)]),
        ("c-3", &[("a", 2)]),
    ] {
        give(&store, id, terms).await;
    }
    let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(ToString::to_string).collect() };
    let mut there = store
        .records_of("call", &texts(&["c-3", "c-9", "c-1"]))
        .await
        .unwrap();
    there.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(there.len(), 2);
    assert_eq!(
        Some(&there[0]),
        store.record("call", "c-1").await.unwrap().as_ref()
    );
    assert!(
        store
            .records_of("endpoint", &texts(&["c-1"]))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.records_of("call", &[]).await.unwrap().is_empty());

    let each = store
        .find_each("call", &texts(&["a", "none", "b", "a"]), 2)
        .await
        .unwrap();
    let ids: Vec<Vec<&str>> = each
        .iter()
        .map(|found| found.iter().map(|found| found.record.id.as_str()).collect())
        .collect();
    assert_eq!(ids, [vec!["c-2", "c-3"], vec![], vec!["c-2"], vec!["c-2", "c-3"]]);
    assert_eq!(each[0][1].place, 2);
    assert!(store.find_each("call", &[], 2).await.unwrap().is_empty());
}

pub(crate) async fn records_are_found_page_by_page(database: &Database) {
    let store = database.open().await;
    for (id, place) in [("c-1", 10), ("c-2", 20), ("c-3", 20), ("c-4", 30), ("c-5", 40)] {
        give(&store, id, &[("open", place)]).await;
    }
    let page = |from: Find, after, skip| Find { after, skip, ..from };
    let cases: [(Find, usize, &[&str]); 8] = [
        (page(open(), None, 0), 2, &["c-1", "c-2"]),
        (page(open(), None, 2), 2, &["c-3", "c-4"]),
        (page(open(), Some(20), 0), 9, &["c-4", "c-5"]),
        (page(open(), Some(19), 1), 1, &["c-3"]),
        (page(newest(), Some(30), 0), 9, &["c-3", "c-2", "c-1"]),
        (page(newest(), Some(40), 1), 2, &["c-3", "c-2"]),
        (page(newest(), None, 5), 2, &[]),
        (page(open(), None, 0), 0, &[]),
    ];
    for (find, most, expected) in cases {
        assert_eq!(ids(&store, &find, most).await, expected, "{find:?}");
    }
    let on = |from: Find, id: &str| Find {
        after: Some(20),
        after_id: Some(id.into()),
        ..from
    };
    let cases: [(Find, usize, &[&str]); 5] = [
        (on(open(), ""), 9, &["c-2", "c-3", "c-4", "c-5"]),
        (on(open(), "c-2"), 2, &["c-3", "c-4"]),
        (on(open(), "c-3"), 9, &["c-4", "c-5"]),
        (on(newest(), "c-3"), 9, &["c-2", "c-1"]),
        (on(newest(), "c-2"), 9, &["c-1"]),
    ];
    for (find, most, expected) in cases {
        assert_eq!(ids(&store, &find, most).await, expected, "{find:?}");
    }
}

pub(crate) async fn terms_that_are_given_replace_those_before(database: &Database) {
    let store = database.open().await;
    give(&store, "c-1", &[("open", 1), ("agent:a", 1)]).await;
    give(&store, "c-1", &[("open", 2), ("agent:b", 3)]).await;
    assert_eq!(store.find(&open(), 10).await.unwrap()[0].place, 2);
    assert_eq!(counts(&store, ["open", "agent:a", "agent:b"]).await, [1, 0, 1]);
    // A record that is only written keeps its terms; terms can be given without writing it.
    store.commit(make::put("c-1", "new", Expect::Any)).await.unwrap();
    assert_eq!(store.find(&open(), 10).await.unwrap()[0].record.body, "new");
    let mut terms = make::found_under("c-1", &[("done", 4)]);
    terms.records.clear();
    assert_eq!(store.commit(terms).await.unwrap(), Committed::Done);
    assert_eq!(counts(&store, ["open", "agent:b", "done"]).await, [0, 0, 1]);
    assert_eq!(store.record("call", "c-1").await.unwrap().unwrap().version, 3);
    give(&store, "c-1", &[]).await;
    assert_eq!(counts(&store, ["open", "agent:b", "done"]).await, [0, 0, 0]);
    // Of several lists for a record, the last holds; of several places for a term, the smallest.
    let mut twice = make::found_under("c-1", &[("open", 5)]);
    let more = [("done", 7), ("done", 6), ("done", 8)];
    twice.terms.extend(make::found_under("c-1", &more).terms);
    assert_eq!(store.commit(twice).await.unwrap(), Committed::Done);
    assert_eq!(counts(&store, ["open", "agent:b", "done"]).await, [0, 0, 1]);
    let done = Find {
        term: "done".into(),
        ..open()
    };
    assert_eq!(store.find(&done, 10).await.unwrap()[0].place, 6);
}

pub(crate) async fn a_record_that_is_removed_is_not_found(database: &Database) {
    let store = database.open().await;
    for id in ["c-1", "c-2", "c-3"] {
        give(&store, id, &[("open", 1)]).await;
    }
    assert_eq!(
        store.commit(removal("c-1", Expect::Any)).await.unwrap(),
        Committed::Done
    );
    assert_eq!(
        store.commit(removal("c-2", Expect::Version(1))).await.unwrap(),
        Committed::Done
    );
    assert_eq!(ids(&store, &open(), 10).await, ["c-3"]);
    assert_eq!(store.count("call", "open").await.unwrap(), 1);
    // One that comes again begins without.
    store
        .commit(make::put("c-1", "again", Expect::Absent))
        .await
        .unwrap();
    assert_eq!(store.count("call", "open").await.unwrap(), 1);
}

pub(crate) async fn a_record_that_is_not_there_gets_no_terms(database: &Database) {
    let store = database.open().await;
    let mut nobodys = make::found_under("c-1", &[("open", 1)]);
    nobodys.records.clear();
    let mut removed = removal("c-2", Expect::Any);
    removed.terms = make::found_under("c-2", &[("open", 2)]).terms;
    for commit in [nobodys, removed] {
        assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
    }
    for id in ["c-1", "c-2"] {
        store.commit(make::put(id, "late", Expect::Absent)).await.unwrap();
    }
    assert_eq!(store.count("call", "open").await.unwrap(), 0);
    assert_eq!(ids(&store, &open(), 10).await, [""; 0]);
}

pub(crate) async fn a_commit_that_is_refused_leaves_the_terms_as_they_are(database: &Database) {
    let store = database.open().await;
    give(&store, "c-1", &[("open", 1)]).await;
    let changed = || make::found_under("c-1", &[("done", 2)]);
    let mut conflict = changed();
    conflict.records[0].expect = Expect::Version(7);
    assert_eq!(store.commit(conflict).await.unwrap(), Committed::Conflict);
    let mut conflict = changed();
    conflict
        .records
        .extend(removal("c-2", Expect::Version(1)).records);
    assert_eq!(store.commit(conflict).await.unwrap(), Committed::Conflict);
    let stale = Commit {
        under: Some(Lease {
            name: "nobody".into(),
            fence: 1,
        }),
        ..changed()
    };
    assert_eq!(store.commit(stale).await.unwrap(), Committed::Stale);
    let conflict = removal("c-1", Expect::Version(7));
    assert_eq!(store.commit(conflict).await.unwrap(), Committed::Conflict);
    assert_eq!(counts(&store, ["open", "done"]).await, [1, 0]);
    // Too much is refused before anything is written.
    let many: Vec<_> = (0..=MOST_TERMS as i64).map(|place| ("many", place)).collect();
    assert!(store.commit(make::found_under("c-1", &many)).await.is_err());
    let mut lists = changed();
    lists.terms = vec![lists.terms[0].clone(); MOST_PARTS + 1];
    assert!(store.commit(lists).await.is_err());
    assert_eq!(counts(&store, ["open", "done"]).await, [1, 0]);
}

pub(crate) async fn terms_that_many_give_a_record_at_once_are_those_of_one(database: &Database) {
    let stores = [database.open().await, database.open().await];
    give(&stores[0], "c-0", &[]).await;
    give(&stores[0], "c-1", &[]).await;
    let tasks: Vec<_> = (0..120)
        .map(|n| {
            let store = stores[n % 2].clone();
            let id = format!("c-{}", n / 2 % 2);
            let mut commit = make::found_under(&id, &[("open", n as i64), (&format!("by:{n}"), 0)]);
            // Some come without the record, some with a new state of it, some remove it and make it anew.
            match n % 3 {
                0 => commit.records.clear(),
                1 => {}
                _ => commit
                    .records
                    .splice(0..0, removal(&id, Expect::Any).records)
                    .for_each(drop),
            }
            tokio::spawn(async move { store.commit(commit).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Committed::Done);
    }
    let found = stores[0].find(&open(), 10).await.unwrap();
    let mut ids: Vec<_> = found.iter().map(|found| found.record.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["c-0", "c-1"]);
    for n in 0..120 {
        let is_last = found.iter().any(|found| found.place == n);
        let count = stores[0].count("call", &format!("by:{n}")).await.unwrap();
        assert_eq!(count, u64::from(is_last), "by:{n}");
    }
}

pub(crate) async fn names_and_terms_of_the_greatest_length_are_found(database: &Database) {
    let store = database.open().await;
    // Nothing that could be compressed.
    let digits = (0..).map(|number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string());
    let text: String = digits.take(MOST_NAME).collect();
    let (kind, id, term) = (&text[..MOST_NAME], &text[1..=MOST_NAME], &text[2..2 + MOST_TERM]);
    let commit = Commit {
        records: vec![Put {
            kind: kind.into(),
            id: id.into(),
            body: Some(String::new()),
            expect: Expect::Absent,
        }],
        terms: vec![Terms {
            kind: kind.into(),
            id: id.into(),
            terms: vec![(term.into(), i64::MIN)],
        }],
        ..Commit::default()
    };
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
    let find = Find {
        kind: kind.into(),
        term: term.into(),
        ..Find::default()
    };
    assert_eq!(ids(&store, &find, 10).await, [id]);
}

pub(crate) async fn old_records_of_a_kind_are_purged_with_their_terms(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    for id in ["old", "renewed"] {
        give(&store, id, &[("open", 1)]).await;
    }
    let mut other = make::put("old", "x", Expect::Any);
    other.records[0].kind = "endpoint".into();
    store.commit(other).await.unwrap();
    clock.pass(DAY * 2);
    give(&store, "young", &[("open", 2)]).await;
    store
        .commit(make::put("renewed", "x", Expect::Any))
        .await
        .unwrap();
    assert_eq!(store.purge_records("call", DAY * 3).await.unwrap(), 0);
    assert_eq!(store.purge_records("call", DAY).await.unwrap(), 1);
    assert_eq!(ids(&store, &open(), 10).await, ["renewed", "young"]);
    assert_eq!(store.count("call", "open").await.unwrap(), 2);
    assert_eq!(store.record("call", "old").await.unwrap(), None);
    assert!(store.record("endpoint", "old").await.unwrap().is_some());
}

pub(crate) async fn a_long_list_of_records_is_purged_as_a_whole(database: &Database) {
    const RECORDS: usize = 1_100;
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    for first in (0..RECORDS).step_by(100) {
        let mut commit = Commit::default();
        for n in first..first + 100 {
            let one = make::found_under(&format!("c-{n}"), &[("open", n as i64)]);
            commit.records.extend(one.records);
            commit.terms.extend(one.terms);
        }
        assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
    }
    assert_eq!(store.count("call", "open").await.unwrap(), RECORDS as u64);
    clock.pass(DAY * 2);
    assert_eq!(store.purge_records("call", DAY).await.unwrap(), RECORDS as u64);
    assert_eq!(store.count("call", "open").await.unwrap(), 0);
}

fn open() -> Find {
    Find {
        kind: "call".into(),
        term: "open".into(),
        ..Find::default()
    }
}

fn newest() -> Find {
    Find {
        descending: true,
        ..open()
    }
}

fn removal(id: &str, expect: Expect) -> Commit {
    let mut commit = make::put(id, "", expect);
    commit.records[0].body = None;
    commit
}

async fn give(store: &Store, id: &str, terms: &[(&str, i64)]) {
    let committed = store.commit(make::found_under(id, terms)).await.unwrap();
    assert_eq!(committed, Committed::Done);
}

async fn ids(store: &Store, find: &Find, most: usize) -> Vec<String> {
    let found = store.find(find, most).await.unwrap();
    found.into_iter().map(|found| found.record.id).collect()
}

async fn counts<const N: usize>(store: &Store, terms: [&str; N]) -> [u64; N] {
    let mut counts = [0; N];
    for (count, term) in counts.iter_mut().zip(terms) {
        *count = store.count("call", term).await.unwrap();
    }
    counts
}
