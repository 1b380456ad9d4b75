//! Two centers over one PostgreSQL: what one changes, the other knows.

use crate::{
    postgres::Database,
    service::Service,
    talker::{PATH, Talker},
};
use serde_json::{Value, json};
use std::{thread, time::Instant};
use tempfile::TempDir;

/// The two, until this is dropped, and somebody who talks to each.
struct Two {
    here: Talker,
    there: Talker,
    _services: [Service; 2],
    _folders: [TempDir; 2],
    _database: Database,
}

impl Two {
    /// `None` without a PostgreSQL.
    fn start() -> Option<Self> {
        let database = Database::new()?;
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let more = ["--database", database.url(), "--limits", "off"];
        let services = folders
            .each_ref()
            .map(|folder| Service::start_with_center(folder.path(), &more));
        let [here, there] = services.each_ref().map(|one| Talker::new(&one.environment));
        Some(Self {
            here,
            there,
            _services: services,
            _folders: folders,
            _database: database,
        })
    }

    /// A conversation that both have in memory.
    fn conversation(&self, id: &str) {
        let new =
            json!({"id": id, "type": "webchat", "participants": [{"id": "user-1", "direction": "inbound"}]});
        self.here.ask("POST", PATH, &new);
        assert_eq!(self.there.says(id, "hello").status, 201);
    }
}

fn put(talker: &Talker, id: &str, state: &str) -> Value {
    talker.ask("PUT", &format!("{PATH}/{id}"), &json!({"state": state}))
}

#[test]
fn what_one_center_remembers_is_not_what_it_answers_when_the_other_has_changed_it() {
    let Some(two) = Two::start() else { return };
    let (here, there) = (&two.here, &two.there);
    two.conversation("c");
    put(here, "c", "closed");
    assert_eq!(there.says("c", "too late").status, 400);
    // The one remembers that it is closed.
    put(there, "c", "active");
    assert_eq!(here.says("c", "are you there?").status, 201);
    put(here, "c", "closed");
    put(there, "c", "active");
    assert_eq!(put(here, "c", "closed")["state"], "closed");
    assert_eq!(there.view("c")["state"], "closed", "it was written");
    put(there, "c", "active");
    let version = there.view("c")["version"].to_string();
    let tag = format!("\"{version}\"");
    let condition = [("If-Match", tag.as_str())];
    let change = json!({"context": {"n": 1}});
    let changed = here.tried("PUT", &format!("{PATH}/c"), &change, &condition);
    assert_eq!(changed.status, 200, "{}", changed.body);
    let again = there.tried("PUT", &format!("{PATH}/c"), &change, &condition);
    assert_eq!(again.status, 412, "{}", again.body);
}

#[test]
fn changes_on_condition_at_two_centers_are_all_made_once() {
    const THREADS: usize = 3;
    const CHANGES: usize = 10;
    let Some(two) = Two::start() else { return };
    two.conversation("c");
    let path = format!("{PATH}/c");
    let count_on = |talker: &Talker| {
        for _ in 0..CHANGES {
            let changed = || {
                let view = talker.view("c");
                let count = view["context"]["count"].as_u64().unwrap_or(0);
                let tag = format!("\"{}\"", view["version"]);
                let change = json!({"context": {"count": count + 1}});
                talker.tried("PUT", &path, &change, &[("If-Match", &tag)]).status
            };
            let tries = std::iter::repeat_with(changed).take(1_000);
            let mut refused = tries.take_while(|status| *status != 200);
            assert!(refused.all(|status| status == 412));
        }
    };
    thread::scope(|scope| {
        for talker in [&two.here, &two.there] {
            for _ in 0..THREADS {
                scope.spawn(move || count_on(talker));
            }
        }
    });
    let changes = 2 * THREADS * CHANGES;
    for talker in [&two.here, &two.there] {
        let view = talker.view("c");
        assert_eq!(
            (&view["context"]["count"], &view["version"]),
            (&json!(changes), &json!(changes + 2))
        );
    }
}

#[test]
fn a_close_at_one_center_lets_no_message_in_at_the_other() {
    let Some(two) = Two::start() else { return };
    for round in 0..10 {
        let id = format!("race-{round}");
        two.conversation(&id);
        let said = thread::scope(|scope| {
            let saying = scope.spawn(|| {
                let said = (0..6).map(|_| two.there.says(&id, "hi").status);
                said.collect::<Vec<u16>>()
            });
            put(&two.here, &id, "closed");
            saying.join().unwrap()
        });
        let taken = said.iter().filter(|status| **status == 201).count();
        assert!(said.iter().skip(taken).all(|status| *status == 400), "{said:?}");
        for talker in [&two.here, &two.there] {
            let view = talker.view(&id);
            assert_eq!(
                (&view["state"], &view["version"]),
                (&json!("closed"), &json!(taken + 3)),
                "each change is one version"
            );
            assert_eq!(talker.heard(&id, "?limit=100").len(), taken + 1);
        }
    }
}

#[test]
fn a_long_poll_at_one_center_is_answered_with_what_is_said_at_the_other() {
    let Some(two) = Two::start() else { return };
    two.conversation("c");
    let begun = Instant::now();
    let heard = thread::scope(|scope| {
        let waiting = scope.spawn(|| two.here.heard("c", "?after=1&wait=20"));
        // It waits by now, or finds it at once.
        assert_eq!(two.there.says("c", "are you there?").status, 201);
        waiting.join().unwrap()
    });
    assert_eq!(heard[0]["text"], "are you there?");
    assert!(begun.elapsed().as_secs() < 15);
}
