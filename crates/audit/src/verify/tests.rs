//! A log with every kind of fault, and what is said of it.

use super::*;
use crate::{
    Actor, Entry, Outcome, Text,
    tree::{TILE, leaf_hash},
};
use proptest::prelude::*;
use serde_json::Map;

#[derive(Clone)]
struct Kept {
    index: u64,
    hash: Hash,
    leaf: Option<String>,
    at_ms: i64,
    action: String,
    subject: Option<String>,
    texts: Vec<Text>,
}

/// A log as the store keeps it.
#[derive(Clone, Default)]
struct Log {
    rows: Vec<Kept>,
    tiles: Vec<Tile>,
    checkpoints: Vec<(u64, Hash)>,
    head: Frontier,
    /// Below this index, retention may have dropped texts.
    expired_before: u64,
}

impl Log {
    /// A log of so many entries, with a checkpoint after every so many.
    fn of(size: u64, every: u64) -> Self {
        let mut log = Self::default();
        for index in 0..size {
            let row = row(index, "menu.key");
            log.tiles.extend(log.head.push(row.hash));
            log.rows.push(row);
            if (index + 1) % every == 0 {
                log.checkpoints.push((index + 1, log.head.root()));
            }
        }
        log
    }

    /// Changes an entry and everything that the database itself keeps of it.
    fn rewrite(&mut self, index: u64) {
        self.rows[index as usize] = row(index, "menu.forged");
        self.head = Frontier::default();
        self.tiles = self
            .rows
            .iter()
            .flat_map(|row| self.head.push(row.hash))
            .collect();
    }

    fn verify(&self) -> Verdict {
        let mut verifier = Verifier::default();
        verifier.expired(self.expired_before);
        let mut checkpoints = self.checkpoints.iter().peekable();
        for page in self.rows.chunks(1000) {
            let end = page.last().map_or(0, |row| row.index + 1);
            let span = |tile: &Tile| TILE.pow(tile.level.into());
            let due = |tile: &&Tile| {
                tile.index * span(tile) < end && (tile.index + 1) * span(tile) + 1000 > page[0].index
            };
            self.tiles
                .iter()
                .filter(due)
                .for_each(|tile| verifier.tile(*tile));
            while let Some((size, root)) = checkpoints.next_if(|(size, _)| *size <= end) {
                verifier.checkpoint(*size, *root);
            }
            for row in page {
                verifier.row(&VerifyRow {
                    index: row.index,
                    hash: row.hash,
                    leaf: row.leaf.as_deref(),
                    at_ms: row.at_ms,
                    action: &row.action,
                    subject: row.subject.as_deref(),
                    texts: &row.texts,
                });
            }
        }
        let rows = self.rows.last().map_or(0, |row| row.index + 1);
        let left = |tile: &&Tile| tile.index * TILE.pow(tile.level.into()) >= rows;
        self.tiles
            .iter()
            .filter(left)
            .for_each(|tile| verifier.tile(*tile));
        checkpoints.for_each(|(size, root)| verifier.checkpoint(*size, *root));
        verifier.finish(&self.head)
    }

    fn faults(&self) -> String {
        let verdict = self.verify();
        assert_eq!(verdict.holds(), verdict.faults.is_empty());
        assert_eq!(
            verdict.broken.min(MOST_FAULTS as u64),
            verdict.faults.len() as u64
        );
        let faults: Vec<String> = verdict.faults.iter().map(ToString::to_string).collect();
        faults.join("\n")
    }

    fn row(&mut self, index: usize) -> &mut Kept {
        &mut self.rows[index]
    }
}

fn row(index: u64, action: &str) -> Kept {
    let at_ms = 1_795_000_000_000 + index as i64;
    let entry = Entry {
        at: jiff::Timestamp::from_millisecond(at_ms).unwrap().into(),
        actor: Actor::Menu,
        action: action.into(),
        subject: Some(format!("call-{}", index / 3)),
        correlation: None,
        outcome: Outcome::Success,
        detail: Map::new(),
        personal: vec![("ani".into(), format!("+1555{index}"))],
    };
    let sealed = entry.seal(|| [index as u8; 16]);
    let leaf = sealed.leaf(index);
    Kept {
        index,
        hash: leaf_hash(leaf.as_bytes()),
        leaf: Some(leaf),
        at_ms,
        action: sealed.action,
        subject: sealed.subject,
        texts: sealed.texts,
    }
}

/// 600 entries: two whole tiles and a rest; a checkpoint after every hundred.
fn log() -> Log {
    Log::of(600, 100)
}

#[test]
fn a_log_that_is_as_it_was_holds() {
    for (size, every) in [
        (0, 1),
        (1, 1),
        (255, 10),
        (256, 256),
        (257, 1000),
        (600, 100),
        (1500, 7),
    ] {
        let log = Log::of(size, every);
        let verdict = log.verify();
        assert!(verdict.holds(), "{:?}", verdict.faults);
        assert_eq!((verdict.entries, verdict.root), (size, Some(log.head.root())));
        assert_eq!(verdict.proven, size / every * every);
    }
}

#[test]
fn a_large_log_is_verified_with_tiles_of_the_second_level() {
    let mut log = Log::of(TILE * TILE + 300, 30_000);
    assert!(log.verify().holds());
    let second = log.tiles.iter().position(|tile| tile.level == 2).unwrap();
    log.tiles[second].hash[0] ^= 1;
    insta::assert_snapshot!(log.faults(), @"entries 0 to 65535: the tile over them was changed (they fit a signed checkpoint)");
    log.tiles.remove(second);
    insta::assert_snapshot!(log.faults(), @"entries 0 to 65535: the tile over them is missing");
}

#[test]
fn erased_and_expired_texts_are_no_fault() {
    let mut log = log();
    log.row(7).texts.clear();
    log.row(8).leaf = None;
    log.row(8).texts.clear();
    log.row(300).leaf = None;
    log.expired_before = 301;
    let verdict = log.verify();
    assert!(verdict.holds());
    assert_eq!(verdict.expired, 2);
}

#[test]
fn a_text_that_retention_did_not_drop_is_named() {
    let mut log = log();
    log.expired_before = 10;
    log.row(9).leaf = None;
    log.row(10).leaf = None;
    insta::assert_snapshot!(log.faults(), @"entry 10: its text was removed (and not by retention)");
}

#[test]
fn a_changed_text_is_named() {
    for index in [0, 17, 255, 256, 599] {
        let mut log = log();
        let leaf = log.rows[index].leaf.take().unwrap();
        log.row(index).leaf = Some(leaf.replace("success", "failure"));
        let expected =
            format!("entry {index}: its text was changed (it does not have the hash that was kept)");
        assert_eq!(log.faults(), expected);
        // Without anything that vouches for the hash, the text is still the likelier one.
        log.checkpoints.clear();
        assert_eq!(log.faults(), expected);
    }
}

#[test]
fn a_changed_hash_is_named() {
    for index in [0, 17, 255, 256, 599] {
        let mut log = log();
        log.row(index).hash[5] ^= 1;
        let expected = format!("entry {index}: the hash that was kept for it was changed (its text was not)");
        assert_eq!(log.faults(), expected);
    }
}

#[test]
fn a_changed_hash_of_an_expired_entry_is_narrowed_to_its_tile_or_checkpoint() {
    let mut log = log();
    log.row(300).leaf = None;
    log.row(300).hash[5] ^= 1;
    log.row(550).leaf = None;
    log.row(550).hash[5] ^= 1;
    log.expired_before = 600;
    insta::assert_snapshot!(log.faults(), @r"
entries 300 to 399: rewritten (the signed checkpoint of 400 entries has another root)
entries 300 to 599: rewritten (the signed checkpoint of 600 entries has another root)
");
}

#[test]
fn an_entry_that_was_changed_with_its_hash_is_narrowed_to_its_tile() {
    let mut log = log();
    *log.row(300) = row(300, "menu.forged");
    assert_eq!(log.verify().proven, 600, "the tile proves what comes after");
    insta::assert_snapshot!(log.faults(), @"entries 300 to 399: rewritten (the signed checkpoint of 400 entries has another root)");
}

#[test]
fn a_history_that_was_rewritten_as_a_whole_is_narrowed_by_checkpoints() {
    let mut log = log();
    log.rewrite(300);
    assert_eq!(log.verify().proven, 300);
    insta::assert_snapshot!(log.faults(), @"entries 300 to 399: rewritten (the signed checkpoint of 400 entries has another root)");
}

#[test]
fn a_removed_row_is_named() {
    let mut log = log();
    log.rows.remove(17);
    assert_eq!(log.faults(), "entry 17: removed (there is no row)");
    assert_eq!(log.verify().proven, 600);
    log.rows.remove(560);
    log.rows.drain(0..3);
    insta::assert_snapshot!(log.faults(), @r"
entries 0 to 2: removed (there is no row)
entry 17: removed (there is no row)
entry 561: removed (there is no row)
");
}

#[test]
fn many_removed_rows_are_one_fault() {
    let mut log = Log::of(2000, 100);
    log.rows.drain(100..1500);
    insta::assert_snapshot!(log.faults(), @"entries 100 to 1499: removed (there is no row)");
    log.tiles.clear();
    insta::assert_snapshot!(log.faults(), @r"
entries 100 to 1499: removed (there is no row)
entries 1536 to 1791: the tile over them is missing
");
    log.rows[200].index = u64::MAX - 1;
    assert!(log.faults().contains("removed"));
}

#[test]
fn rows_that_changed_places_are_named() {
    let mut log = log();
    log.rows.swap(17, 18);
    log.row(17).index = 17;
    log.row(18).index = 18;
    insta::assert_snapshot!(log.faults(), @r"
entry 17: it was moved (its text says it is entry 18)
entry 18: it was moved (its text says it is entry 17)
");
    let mut doubled = Log::of(20, 5);
    doubled.rows.swap(7, 8);
    insta::assert_snapshot!(doubled.faults(), @r"
entry 7: removed (there is no row)
entry 7: it comes after entry 8
");
}

#[test]
fn columns_that_say_something_else_are_named() {
    let mut log = log();
    log.row(3).at_ms += 1;
    log.row(4).action = "menu.other".into();
    log.row(5).subject = None;
    insta::assert_snapshot!(log.faults(), @r"
entry 3: its time for queries was changed (its text says otherwise)
entry 4: its action for queries was changed (its text says otherwise)
entry 5: its subject for queries was changed (its text says otherwise)
");
}

#[test]
fn a_changed_personal_text_is_told_from_an_erased_one() {
    let mut log = log();
    log.row(3).texts[0].value.push('0');
    log.row(4).texts[0].salt[0] ^= 1;
    log.row(5).texts[0].field = "name".into();
    log.row(6).texts.clear();
    insta::assert_snapshot!(log.faults(), @r"
entry 3: its personal text `ani` was changed (it does not fit the entry's commitment)
entry 4: its personal text `ani` was changed (it does not fit the entry's commitment)
entry 5: its personal text `name` was added (the entry knows of none)
");
}

#[test]
fn a_column_that_was_changed_hides_no_changed_history() {
    let mut log = log();
    log.row(301).action = "menu.other".into();
    *log.row(300) = row(300, "menu.forged");
    insta::assert_snapshot!(log.faults(), @r"
entry 301: its action for queries was changed (its text says otherwise)
entries 300 to 399: rewritten (the signed checkpoint of 400 entries has another root)
");
}

#[test]
fn a_cut_tail_is_found_by_whatever_vouches_for_it() {
    let cut = |size: usize| {
        let mut log = log();
        log.rows.truncate(size);
        log
    };
    insta::assert_snapshot!(cut(580).faults(), @"entries 580 to 599: cut off (the log's head, a tile or a signed checkpoint vouches for more)");
    // The head was cut too: the checkpoint knows.
    let mut with_head = cut(580);
    with_head.head = Log::of(580, 1000).head;
    insta::assert_snapshot!(with_head.faults(), @"entries 580 to 599: cut off (the log's head, a tile or a signed checkpoint vouches for more)");
    // The checkpoints were removed too: a tile knows.
    let mut with_checkpoints = cut(400);
    with_checkpoints.head = Log::of(400, 1000).head;
    with_checkpoints.checkpoints.retain(|(size, _)| *size <= 400);
    insta::assert_snapshot!(with_checkpoints.faults(), @"entries 400 to 511: cut off (the log's head, a tile or a signed checkpoint vouches for more)");
    assert_eq!(
        cut(0).faults(),
        "entries 0 to 599: cut off (the log's head, a tile or a signed checkpoint vouches for more)"
    );
}

#[test]
fn rows_behind_the_head_are_named() {
    let mut log = log();
    log.rows.push(row(600, "menu.key"));
    insta::assert_snapshot!(log.faults(), @"entry 600: added behind the end (the log's head does not reach so far)");
}

#[test]
fn a_head_that_does_not_fit_is_named() {
    let mut forged = Log::of(300, 250);
    let head = forged.head.clone();
    forged.rewrite(290);
    forged.head = head;
    insta::assert_snapshot!(forged.faults(), @"entries 288 to 295: changed together with the kept hash (the log's head has another root)");

    let mut changed = log();
    let mut bytes = changed.head.to_bytes();
    bytes[0] ^= 1;
    changed.head = Frontier::from_bytes(600, &bytes).unwrap();
    insta::assert_snapshot!(changed.faults(), @"entries 0 to 599: the log's head was changed (the entries fit a signed checkpoint)");
}

#[test]
fn a_changed_tile_is_told_from_changed_entries() {
    let mut log = log();
    log.tiles[1].hash[0] ^= 1;
    assert_eq!(log.verify().proven, 600);
    insta::assert_snapshot!(log.faults(), @"entries 256 to 511: the tile over them was changed (they fit a signed checkpoint)");
    log.tiles.remove(1);
    insta::assert_snapshot!(log.faults(), @"entries 256 to 511: the tile over them is missing");
}

#[test]
fn a_checkpoint_that_comes_too_late_is_not_taken_for_checked() {
    let mut verifier = Verifier::default();
    for row in log().rows.iter().take(2) {
        let leaf = row.leaf.as_deref();
        verifier.row(&VerifyRow {
            index: row.index,
            hash: row.hash,
            leaf,
            at_ms: row.at_ms,
            action: &row.action,
            subject: row.subject.as_deref(),
            texts: &row.texts,
        });
    }
    verifier.checkpoint(1, [0; 32]);
    let verdict = verifier.finish(&Log::of(2, 10).head);
    assert_eq!(verdict.faults[0].what, What::Late);
}

#[test]
fn many_faults_are_counted_but_few_are_named() {
    let mut log = Log::of(300, 100);
    log.rows.iter_mut().for_each(|row| row.at_ms += 1);
    let verdict = log.verify();
    assert_eq!((verdict.broken, verdict.faults.len()), (300, MOST_FAULTS));
    assert_eq!(verdict.faults[0].entry, 0);
}

#[derive(Debug, Clone)]
enum Damage {
    Text(usize),
    Hash(usize),
    Both(usize),
    Remove(usize),
    Swap(usize),
    Cut(usize),
    Rewrite(usize),
    PersonalText(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_damage_anywhere_is_found_where_it_is(
        size in 1u64..700,
        at in 0usize..700,
        kind in 0usize..8,
    ) {
        let mut log = Log::of(size, 50);
        log.checkpoints.push((size, log.head.root()));
        let at = at % size as usize;
        let damage = [
            Damage::Text(at), Damage::Hash(at), Damage::Both(at), Damage::Remove(at),
            Damage::Swap(at), Damage::Cut(at), Damage::Rewrite(at), Damage::PersonalText(at),
        ][kind].clone();
        match damage {
            Damage::Text(at) => log.row(at).leaf.as_mut().unwrap().push(' '),
            Damage::Hash(at) => log.row(at).hash[31] ^= 0x80,
            Damage::Both(at) => *log.row(at) = row(at as u64, "menu.forged"),
            Damage::Remove(at) => drop(log.rows.remove(at)),
            Damage::Swap(at) => {
                let other = (at + 1) % size as usize;
                log.rows.swap(at, other);
                (log.row(at).index, log.row(other).index) = (at as u64, other as u64);
            }
            Damage::Cut(at) => log.rows.truncate(at),
            Damage::Rewrite(at) => log.rewrite(at as u64),
            Damage::PersonalText(at) => log.row(at).texts[0].value.push('x'),
        }
        let verdict = log.verify();
        if matches!(damage, Damage::Swap(_)) && size == 1 {
            prop_assert!(verdict.holds());
            return Ok(());
        }
        prop_assert!(!verdict.holds(), "{:?}", damage);
        let first = &verdict.faults[0];
        let place = match damage {
            Damage::Swap(at) if at as u64 + 1 == size => 0,
            _ => at as u64,
        };
        prop_assert!((first.entry..=first.last).contains(&place), "{damage:?} {first}");
        prop_assert!(matches!(damage, Damage::Cut(_)) || first.last - first.entry < TILE, "{damage:?} {first}");
        if !matches!(damage, Damage::Both(_) | Damage::Rewrite(_) | Damage::Cut(_)) {
            prop_assert_eq!((first.entry, first.last, verdict.broken.min(2)), (place, place, if matches!(damage, Damage::Swap(_)) { 2 } else { 1 }));
        }
    }
}
