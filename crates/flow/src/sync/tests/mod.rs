use super::*;
use serde_json::json;

mod writers;

fn at(second: u64) -> UtcTime {
    let start: UtcTime = "2026-11-21T09:00:00Z".parse().unwrap();
    start.after(Duration::from_secs(second))
}

fn change(id: &str, second: u64, version: u64) -> Change {
    Change {
        id: id.parse().unwrap(),
        updated: at(second),
        version: Some(version),
    }
}

fn stamped(id: &str, second: u64) -> Change {
    Change {
        version: None,
        ..change(id, second, 0)
    }
}

fn minute() -> Sync {
    let mut sync = Sync::new(Duration::from_secs(60), None);
    sync.begin();
    sync
}

/// Takes a page and delivers it; gives what was wanted.
fn deliver(sync: &mut Sync, now: u64, changes: &[Change]) -> Vec<String> {
    let taken = sync.page(at(now), changes, None).unwrap();
    sync.delivered(taken.batch);
    taken
        .wanted
        .iter()
        .map(|place| changes[*place].change_id())
        .collect()
}

#[test]
fn equal_stamps_across_the_border_of_two_pages_lose_and_double_nothing() {
    let mut sync = minute();
    let first = [change("a", 5, 1), change("b", 5, 1)];
    let taken = sync.page(at(100), &first, Some("/2")).unwrap();
    assert_eq!(taken.next, Ok(Some(Ask::Next("/2".into()))));
    assert_eq!(
        deliver(&mut sync, 100, &[change("b", 5, 1), change("c", 5, 1)]),
        ["c@1"]
    );
    sync.delivered(taken.batch);
    sync.begin();
    let again = [
        change("a", 5, 1),
        change("b", 5, 1),
        change("c", 5, 1),
        change("d", 5, 1),
    ];
    assert_eq!(deliver(&mut sync, 101, &again), ["d@1"]);
}

#[test]
fn the_checkpoint_moves_in_the_order_of_the_pages_and_only_when_they_are_delivered() {
    let mut sync = minute();
    let first = sync.page(at(100), &[change("a", 10, 1)], Some("/2")).unwrap();
    let second = sync.page(at(100), &[change("b", 20, 1)], Some("/3")).unwrap();
    let third = sync.page(at(100), &[change("c", 30, 1)], None).unwrap();
    assert_eq!(sync.checkpoint(), Checkpoint::default());
    assert!(!sync.delivered(second.batch), "what comes before it is not there");
    assert_eq!(sync.checkpoint().reached, None);
    assert!(sync.delivered(first.batch));
    assert_eq!(sync.checkpoint().reached, Some(at(20)));
    assert!(!sync.is_settled());
    assert!(sync.delivered(third.batch));
    assert!(sync.is_settled());
    assert!(!sync.delivered(third.batch), "a second time is nothing new");
    let kept = serde_json::to_value(sync.checkpoint()).unwrap();
    assert_eq!(kept["reached"], json!("2026-11-21T09:00:30.000Z"));
    assert_eq!(
        kept["recent"][2],
        json!({"id": "c", "version": 1, "updated": "2026-11-21T09:00:30.000Z"})
    );
}

#[test]
fn what_was_on_its_way_at_a_crash_is_delivered_again_and_the_rest_is_not() {
    let mut sync = minute();
    let first = sync.page(at(100), &[change("a", 10, 1)], Some("/2")).unwrap();
    sync.page(at(100), &[change("b", 20, 1)], None).unwrap();
    sync.delivered(first.batch);
    let mut sync = Sync::resume(sync.checkpoint(), Duration::from_secs(60));
    sync.begin();
    assert_eq!(
        deliver(&mut sync, 101, &[change("a", 10, 1), change("b", 20, 1)]),
        ["b@1"]
    );
}

#[test]
fn what_becomes_visible_within_the_overlap_after_its_stamp_is_not_missed() {
    let mut sync = minute();
    deliver(&mut sync, 200, &[change("a", 199, 1)]);
    assert_eq!(sync.begin(), Ask::Since(Some(at(139))));
    assert_eq!(
        deliver(&mut sync, 205, &[change("late", 140, 1), change("a", 199, 1)]),
        ["late@1"]
    );
}

#[test]
fn stamps_from_the_future_do_not_hide_what_comes_before_them() {
    let mut sync = minute();
    deliver(&mut sync, 200, &[change("a", 190, 1), change("ahead", 4000, 1)]);
    assert_eq!(sync.begin(), Ask::Since(Some(at(140))));
    assert_eq!(
        deliver(&mut sync, 210, &[change("b", 205, 1), change("ahead", 4000, 1)]),
        ["b@1"]
    );
}

#[test]
fn clocks_that_differ_between_pages_are_no_fault_within_the_overlap() {
    let mut sync = minute();
    sync.page(at(200), &[change("a", 190, 1)], Some("/2")).unwrap();
    assert_eq!(deliver(&mut sync, 200, &[change("b", 131, 1)]), ["b@1"]);
    let fault = sync.page(at(200), &[change("c", 100, 1)], None).unwrap_err();
    insta::assert_snapshot!(fault, @"the platform's changes are not in order: c of 2026-11-21T09:01:40.000Z comes after 2026-11-21T09:03:10.000Z; give an --overlap longer than the difference");
}

#[test]
fn changes_from_before_what_was_asked_for_are_a_fault() {
    let mut sync = Sync::new(Duration::from_secs(60), Some(at(1000)));
    assert_eq!(sync.begin(), Ask::Since(Some(at(1000))));
    assert!(matches!(
        sync.page(at(2000), &[change("a", 5, 1)], None),
        Err(Fault::Disorder { .. })
    ));
}

#[test]
fn nothing_before_the_first_time_is_asked_for_later_either() {
    let mut sync = Sync::new(Duration::from_secs(60), Some(at(1000)));
    sync.begin();
    deliver(&mut sync, 2000, &[change("a", 1010, 1)]);
    let mut sync = Sync::resume(sync.checkpoint(), Duration::from_secs(60));
    assert_eq!(sync.begin(), Ask::Since(Some(at(1000))));
}

#[test]
fn an_older_version_is_not_delivered_after_a_newer_one() {
    let mut sync = minute();
    assert_eq!(
        deliver(&mut sync, 100, &[change("a", 10, 2), change("a", 9, 1)]),
        ["a@2"]
    );
}

#[test]
fn without_versions_every_stamp_is_a_change_once_even_if_the_clock_jumps_back() {
    let mut sync = minute();
    let first = "a@2026-11-21T09:00:10Z";
    assert_eq!(deliver(&mut sync, 100, &[stamped("a", 10)]), [first]);
    assert_eq!(
        deliver(&mut sync, 100, &[stamped("a", 8), stamped("a", 10)]),
        ["a@2026-11-21T09:00:08Z"]
    );
    assert!(deliver(&mut sync, 100, &[stamped("a", 10), stamped("a", 8)]).is_empty());
}

#[test]
fn a_link_that_repeats_ends_the_walk_after_its_page() {
    let mut sync = minute();
    sync.page(at(100), &[change("a", 1, 1)], Some("/2")).unwrap();
    sync.page(at(100), &[change("b", 2, 1)], Some("/3")).unwrap();
    let taken = sync.page(at(100), &[change("c", 3, 1)], Some("/2")).unwrap();
    assert_eq!((taken.wanted, taken.next), (vec![0], Err(Fault::LinkRepeats)));
}

#[test]
fn a_page_that_repeats_is_no_fault_but_pages_that_lead_nowhere_are() {
    let mut sync = minute();
    let page = [change("a", 1, 1), change("b", 2, 1)];
    sync.page(at(100), &page, Some("/1")).unwrap();
    for number in 2..=MOST_IDLE {
        let taken = sync.page(at(100), &page, Some(&format!("/{number}"))).unwrap();
        assert!(taken.wanted.is_empty() && taken.next.is_ok());
    }
    let taken = sync.page(at(100), &page, Some("/more")).unwrap();
    assert_eq!(taken.next, Err(Fault::NoProgress));
}

#[test]
fn a_walk_ends_though_others_write_faster_than_it_reads() {
    let mut sync = minute();
    sync.page(at(50), &[change("a", 1, 1)], Some("/0")).unwrap();
    let mut pages = 0;
    loop {
        pages += 1;
        let page = [change(&format!("c{pages}"), 50 + u64::from(pages), 1)];
        let taken = sync.page(at(50), &page, Some(&format!("/{pages}"))).unwrap();
        sync.delivered(taken.batch);
        if taken.next.unwrap().is_none() {
            break;
        }
    }
    assert_eq!(pages, MOST_BEYOND);
    assert!(sync.is_behind());
}

#[test]
fn what_the_sink_has_already_is_not_delivered() {
    let mut sync = minute();
    sync.remember(&Delivered::of(&change("a", 10, 3)));
    assert_eq!(
        deliver(&mut sync, 100, &[change("a", 10, 3), change("b", 10, 1)]),
        ["b@1"]
    );
}

#[test]
fn memory_is_bounded_and_forgets_the_older_half() {
    let mut sync = minute();
    for number in 0..MOST_KNOWN {
        sync.remember(&Delivered::of(&change(
            &format!("c{number}"),
            number as u64 / 2,
            1,
        )));
    }
    sync.remember(&Delivered::of(&change("newest", 200_000, 1)));
    assert!(sync.known.len() <= MOST_KNOWN / 2 + 1);
    let newest = change(&format!("c{}", MOST_KNOWN - 1), 99_999, 1);
    assert!(deliver(&mut sync, 200_000, &[newest]).is_empty());
    let mut equal = minute();
    for number in 0..=MOST_KNOWN {
        equal.remember(&Delivered::of(&change(&format!("c{number}"), 7, 1)));
    }
    assert!(equal.known.len() <= MOST_KNOWN / 2 + 1);
}

#[test]
fn a_long_walk_remembers_no_more_than_an_overlap() {
    let mut sync = minute();
    for page in 0..100 {
        let from = page * 1_000;
        let changes: Vec<Change> = (from..from + 1_000)
            .map(|number| change(&format!("c{number}"), number, 1))
            .collect();
        let taken = sync
            .page(at(1_000_000), &changes, Some(&format!("/{page}")))
            .unwrap();
        assert_eq!(taken.wanted.len(), 1_000);
        sync.delivered(taken.batch);
        assert!(sync.known.len() <= 12_000, "{}", sync.known.len());
    }
    sync.begin();
    assert!(deliver(&mut sync, 1_000_000, &[change("c99999", 99_999, 1)]).is_empty());
}

#[test]
fn a_checkpoint_names_a_bounded_number_of_changes() {
    let mut sync = minute();
    let page: Vec<Change> = (0..3 * MOST_KEPT)
        .map(|n| change(&format!("c{n}"), 10, 1))
        .collect();
    deliver(&mut sync, 100, &page);
    let kept = sync.checkpoint();
    assert_eq!(kept.recent.len(), MOST_KEPT);
    assert_eq!(kept.recent.last().unwrap().id.as_str(), "c2999");
}

#[test]
fn a_sync_that_began_anew_reads_in_any_order_until_it_is_beyond_all_that_was_delivered() {
    let mut first = minute();
    deliver(&mut first, 1_000, &[change("a", 990, 1)]);
    let Anew {
        begin,
        keep,
        leaves_gap,
    } = first.checkpoint().anew(at(100), at(995), Duration::from_secs(60));
    assert_eq!(
        (begin.floor, begin.reached, begin.again),
        (Some(at(100)), None, Some(at(995)))
    );
    assert!(!leaves_gap);
    assert_eq!((keep.reached, keep.again), (Some(at(990)), Some(at(995))));
    let mut sync = Sync::resume(begin, Duration::from_secs(60));
    assert!(sync.reads_again());
    sync.begin();
    deliver(&mut sync, 1_100, &[change("b", 110, 1), change("c", 1_055, 1)]);
    assert!(sync.reads_again(), "the next walk begins in what was there");
    assert_eq!(sync.checkpoint().again, Some(at(995)));
    sync.begin();
    deliver(&mut sync, 1_100, &[change("d", 1_056, 1)]);
    assert!(!sync.reads_again());
    assert_eq!(sync.checkpoint().again, None);
}

#[test]
fn a_checkpoint_beside_another_stays_where_it_is_and_knows_of_what_is_there() {
    let mut early = minute();
    deliver(&mut early, 100, &[change("a", 90, 1)]);
    let anew = early.checkpoint().anew(at(500), at(600), Duration::from_secs(60));
    assert!(anew.leaves_gap);
    let mut ahead = Sync::resume(anew.begin, Duration::from_secs(60));
    ahead.begin();
    deliver(&mut ahead, 1_000, &[change("b", 900, 1)]);
    let kept = anew.keep.beside(&ahead.checkpoint());
    assert_eq!((kept.reached, kept.again), (Some(at(90)), Some(at(900))));
    assert_eq!(kept.since(Duration::from_secs(60)), Some(at(30)));
}

#[test]
fn of_many_stamps_the_last_ones_are_known() {
    let mut sync = minute();
    for second in 0..100 {
        sync.remember(&Delivered::of(&stamped("a", second)));
    }
    assert!(deliver(&mut sync, 200, &[stamped("a", 99), stamped("a", 40)]).is_empty());
}
