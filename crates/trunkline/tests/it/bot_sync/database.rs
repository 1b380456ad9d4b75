//! A PostgreSQL database as a sink: as it should be, locked for a while, and lost half way. They run when `TRUNKLINE_TEST_POSTGRES` names
//! a server.

use super::{CONVERSATIONS, Town, last_lines};
use crate::{
    postgres::{Cluster, Database, rows},
    support::{stderr, wait_for},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

impl Town {
    /// Asserts that the table has the newest state of each conversation.
    pub(crate) fn is_in_table(&self, url: &str) {
        let select = "SELECT json_build_object('changeId', change_id, 'conversation', conversation, 'interactions', interactions) \
                      FROM trunkline_conversations ORDER BY id";
        let rows: Vec<Value> = rows(url, select)
            .iter()
            .map(|row| serde_json::from_str(row).unwrap())
            .collect();
        assert_eq!(rows.len() as u64, CONVERSATIONS);
        self.is_equal_to(&last_lines(&rows));
    }
}

/// A session that holds locks until it is dropped.
struct Holder(Child);

impl Holder {
    fn new(url: &str, statement: &str) -> Self {
        let mut psql = Command::new("psql")
            .args([url, "-qAt"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let asked = format!("BEGIN;\n{statement};\n\\echo held\n");
        psql.stdin.as_mut().unwrap().write_all(asked.as_bytes()).unwrap();
        let told = BufReader::new(psql.stdout.as_mut().unwrap()).lines();
        assert!(told.map_while(Result::ok).any(|line| line == "held"));
        Self(psql)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The beginnings of statements of a sync that wait for a lock.
fn waiting(url: &str) -> Vec<String> {
    rows(
        url,
        "SELECT query_start FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INTO trunkline_conversations%'",
    )
}

fn started(mut sync: Command) -> Child {
    sync.stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ended_well(sync: Child) -> Value {
    let output = sync.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_database_has_the_newest_state_of_each_conversation() {
    let Some(database) = Database::new() else { return };
    let town = Town::new();
    let writers = town.change_on();
    town.synced(database.url(), &["--page-size", "7"]);
    writers.end();
    town.synced(database.url(), &[]);
    assert_eq!(town.synced(database.url(), &[])["changes"], 0);
    town.is_in_table(database.url());
    // Begun anew, it changes nothing.
    town.synced(database.url(), &["--since", "1d"]);
    town.is_in_table(database.url());
}

#[test]
fn two_schemas_of_one_database_get_everything_each() {
    let Some(database) = Database::new() else { return };
    let town = Town::new();
    for schema in ["one", "two"] {
        rows(database.url(), &format!("CREATE SCHEMA {schema}"));
        let sign = if database.url().contains('?') { '&' } else { '?' };
        let url = format!("{}{sign}options=-csearch_path%3D{schema}", database.url());
        assert_eq!(town.synced(&url, &[])["changes"], CONVERSATIONS);
        let count = format!("SELECT count(*) FROM {schema}.trunkline_conversations");
        assert_eq!(rows(database.url(), &count), [CONVERSATIONS.to_string()]);
    }
}

#[test]
fn a_table_that_is_locked_for_long_is_waited_for() {
    let Some(database) = Database::new() else { return };
    let town = Town::new();
    town.synced(database.url(), &[]);
    (0..CONVERSATIONS).for_each(|number| town.say(number, "again"));
    let holder = Holder::new(
        database.url(),
        "LOCK TABLE trunkline_conversations IN ACCESS EXCLUSIVE MODE",
    );
    let sync = started(town.sync(database.url(), &["--page-size", "7"]));
    // Statements end after five seconds and are begun again; so the lock outlives the patience with a connection.
    let mut seen = BTreeSet::new();
    while seen.len() < 4 {
        seen.insert(wait_for("a statement that waits", || {
            waiting(database.url())
                .into_iter()
                .find(|begun| !seen.contains(begun))
        }));
    }
    drop(holder);
    assert_eq!(ended_well(sync)["changes"], CONVERSATIONS);
    town.is_in_table(database.url());
}

#[test]
fn a_server_that_is_lost_half_way_and_comes_back_has_every_change() {
    let Some(cluster) = Cluster::start() else { return };
    let town = Town::new();
    town.synced(&cluster.url, &[]);
    (0..CONVERSATIONS).for_each(|number| town.say(number, "again"));
    let holder = Holder::new(
        &cluster.url,
        "SELECT FROM trunkline_conversations WHERE id = 'conv-20' FOR UPDATE",
    );
    let sync = started(town.sync(&cluster.url, &["--page-size", "5"]));
    wait_for("a statement that waits", || waiting(&cluster.url).pop());
    let newer = "SELECT count(*) FROM trunkline_conversations WHERE interactions::text LIKE '%again%'";
    let half: u64 = rows(&cluster.url, newer)[0].parse().unwrap();
    assert!((1..CONVERSATIONS).contains(&half), "{half}");
    cluster.kill();
    cluster.start_again();
    drop(holder);
    assert_eq!(ended_well(sync)["changes"], CONVERSATIONS);
    town.is_in_table(&cluster.url);
    assert_eq!(town.synced(&cluster.url, &[])["changes"], 0);
}
