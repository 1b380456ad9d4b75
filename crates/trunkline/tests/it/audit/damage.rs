//! What is wrong with a log is found, and named with its entry.

use super::{called, check, prove};
use crate::{
    service::Service,
    support::{files, json, run, stderr, stdout},
};
use audit::{
    checkpoint::Checkpoint,
    note::SigningKey,
    tree::{Frontier, Hash, leaf_hash},
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::{fs, path::Path, thread};
use tempfile::TempDir;

/// A copy of a folder's data, to be damaged.
fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let data = copy.path().join("trunkline-data");
    fs::create_dir(&data).unwrap();
    for (path, bytes) in files(&folder.join("trunkline-data")) {
        fs::write(data.join(path.file_name().unwrap()), bytes).unwrap();
    }
    copy
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("trunkline-data/trunkline.db")).unwrap()
}

/// What `audit verify --json` finds in a log that must not hold.
fn faults(folder: &Path, more: &[&str]) -> Vec<String> {
    let output = run(folder, &[&["--json", "audit", "verify"], more].concat());
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(found["holds"], false);
    let faults = found["faults"].as_array().unwrap().iter();
    let faults = faults.map(|fault| fault["message"].as_str().unwrap().to_owned());
    let forged = found["forged"].as_array().unwrap().iter();
    faults
        .chain(forged.map(|why| format!("forged: {}", why.as_str().unwrap())))
        .collect()
}

/// Sets the log's head back, or forth, to its first rows, as a careful forger would.
fn set_head(database: &Connection, size: u64) {
    let mut statement = database
        .prepare("SELECT hash FROM audit WHERE idx < ?1 ORDER BY idx")
        .unwrap();
    let mut head = Frontier::default();
    for hash in statement
        .query_map([size as i64], |row| row.get::<_, Hash>(0))
        .unwrap()
    {
        head.push(hash.unwrap());
    }
    let bytes = head.to_bytes();
    database
        .execute(
            "UPDATE audit_head SET size = ?1, frontier = ?2",
            params![head.size() as i64, bytes],
        )
        .unwrap();
}

/// Changes a leaf's text, and its hash too.
fn rewrite(database: &Connection, index: i64, from: &str, to: &str) {
    let leaf: String = database
        .query_row("SELECT leaf FROM audit WHERE idx = ?1", [index], |row| row.get(0))
        .unwrap();
    assert!(leaf.contains(from), "{leaf}");
    let leaf = leaf.replace(from, to);
    database
        .execute(
            "UPDATE audit SET leaf = ?2, hash = ?3 WHERE idx = ?1",
            params![index, leaf, leaf_hash(leaf.as_bytes())],
        )
        .unwrap();
}

/// A case: what is done to the database, and the fault that must be found first.
type Damage = (&'static str, fn(&Connection), &'static str);

const DAMAGES: [Damage; 14] = [
    (
        "a byte of a leaf",
        |database| {
            sql(
                database,
                "UPDATE audit SET leaf = replace(leaf, 'found', 'fount') WHERE idx = 2",
            )
        },
        "entry 2: its text was changed (it does not have the hash that was kept)",
    ),
    (
        "a byte of a hash",
        |database| {
            sql(
                database,
                "UPDATE audit SET hash = CAST(substr(hash, 1, 31) || x'00' AS BLOB) WHERE idx = 3",
            )
        },
        "entry 3: the hash that was kept for it was changed (its text was not)",
    ),
    (
        "a personal text",
        |database| {
            sql(
                database,
                "UPDATE audit_texts SET value = '+15550198' WHERE idx = 1 AND field = 'ani'",
            )
        },
        "entry 1: its personal text `ani` was changed (it does not fit the entry's commitment)",
    ),
    (
        "a personal text more",
        |database| {
            sql(
                database,
                "UPDATE audit_texts SET idx = 3 WHERE idx = 1 AND field = 'ani'",
            )
        },
        "entry 3: its personal text `ani` was added (the entry knows of none)",
    ),
    (
        "a text removed, as if retention had dropped it",
        |database| {
            sql(
                database,
                "UPDATE audit SET leaf = NULL, action = 'x', subject = 'y', at_ms = 5 WHERE idx = 2",
            )
        },
        "entry 2: its text was removed (and not by retention)",
    ),
    (
        "a row removed",
        |database| sql(database, "DELETE FROM audit WHERE idx = 2"),
        "entry 2: removed (there is no row)",
    ),
    (
        "rows exchanged",
        |database| {
            sql(
                database,
                "UPDATE audit SET idx = -1 WHERE idx = 2; UPDATE audit SET idx = 2 WHERE idx = 3",
            );
            sql(database, "UPDATE audit SET idx = 3 WHERE idx = -1");
        },
        "entry 2: it was moved (its text says it is entry 3)",
    ),
    (
        "the column action",
        |database| sql(database, "UPDATE audit SET action = 'menu.key' WHERE idx = 2"),
        "entry 2: its action for queries was changed (its text says otherwise)",
    ),
    (
        "the column subject",
        |database| sql(database, "UPDATE audit SET subject = NULL WHERE idx = 5"),
        "entry 5: its subject for queries was changed (its text says otherwise)",
    ),
    (
        "the column time",
        |database| sql(database, "UPDATE audit SET at_ms = at_ms + 1 WHERE idx = 0"),
        "entry 0: its time for queries was changed (its text says otherwise)",
    ),
    (
        "a tail cut off, and the head set back",
        |database| {
            sql(database, "DELETE FROM audit WHERE idx = 5");
            set_head(database, 5);
        },
        "entry 5: cut off (the log's head, a tile or a signed checkpoint vouches for more)",
    ),
    (
        "a tail cut off with all its checkpoints",
        |database| {
            sql(
                database,
                "DELETE FROM audit WHERE idx >= 4; DELETE FROM audit_checkpoints",
            );
            set_head(database, 4);
        },
        "entries 4 to 5: cut off (the log's head, a tile or a signed checkpoint vouches for more)",
    ),
    (
        "an entry rewritten with its hash and the head",
        |database| {
            rewrite(database, 2, "found", "fount");
            set_head(database, 6);
        },
        "entries 0 to 5: rewritten (the signed checkpoint of 6 entries has another root)",
    ),
    (
        "the head alone",
        |database| set_head(database, 5),
        "entry 5: added behind the end (the log's head does not reach so far)",
    ),
];

fn sql(database: &Connection, text: &str) {
    database.execute_batch(text).unwrap();
    assert!(database.changes() > 0, "{text}");
}

#[test]
fn every_damage_is_named_with_its_entry() {
    let folder = called();
    for (what, damage, first) in DAMAGES {
        let copy = copy(folder.path());
        damage(&database(copy.path()));
        let faults = faults(copy.path(), &[]);
        assert_eq!(
            faults.first().map(String::as_str),
            Some(first),
            "{what}: {faults:#?}"
        );
        let told = stdout(&run(copy.path(), &["audit", "verify"]));
        assert!(told.starts_with(first), "{what}: {told}");
        assert!(told.contains("The audit log does NOT hold"), "{what}: {told}");
    }
}

#[test]
fn a_head_that_is_garbage_is_told_and_not_believed() {
    let folder = called();
    sql(&database(folder.path()), "UPDATE audit_head SET frontier = x'00'");
    let output = run(folder.path(), &["audit", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    assert!(
        told.contains("beside the entries: the head of the log is damaged"),
        "{told}"
    );
}

#[test]
fn a_checkpoint_that_was_forged_is_told() {
    let folder = called();
    let forged = copy(folder.path());
    let connection = database(forged.path());
    let note: String = connection
        .query_row("SELECT note FROM audit_checkpoints WHERE size = 6", [], |row| {
            row.get(0)
        })
        .unwrap();
    let mut lines: Vec<&str> = note.lines().collect();
    lines[1] = "5";
    connection
        .execute(
            "UPDATE audit_checkpoints SET note = ?1 WHERE size = 6",
            [lines.join("\n") + "\n"],
        )
        .unwrap();
    let faults = faults(forged.path(), &[]);
    assert!(
        faults.iter().any(|fault| fault.starts_with("forged: ")),
        "{faults:#?}"
    );
    let told = stdout(&run(forged.path(), &["audit", "verify"]));
    assert!(told.contains("beside the entries: "), "{told}");
}

#[test]
fn a_history_that_a_stranger_signed_is_not_believed() {
    let folder = called();
    let forged = copy(folder.path());
    let connection = database(forged.path());
    rewrite(&connection, 2, "found", "fount");
    set_head(&connection, 6);
    let stranger = SigningKey::from_seed([7; 32], "trunkline-audit/00000000").unwrap();
    let mut head = Frontier::default();
    let mut statement = connection.prepare("SELECT hash FROM audit ORDER BY idx").unwrap();
    for hash in statement.query_map([], |row| row.get::<_, Hash>(0)).unwrap() {
        head.push(hash.unwrap());
    }
    let checkpoint = Checkpoint::new(stranger.name(), 6, head.root()).unwrap();
    let note = checkpoint.sign(&stranger).unwrap();
    connection
        .execute("UPDATE audit_checkpoints SET note = ?1", [&note])
        .unwrap();
    let rewritten = "entries 0 to 5: rewritten (the signed checkpoint of 6 entries has another root)";
    assert_eq!(faults(forged.path(), &[]), [rewritten]);
    let told = stdout(&run(forged.path(), &["audit", "verify"]));
    assert!(
        told.contains("checkpoints are of keys that are not known here"),
        "{told}"
    );
    // Nor when the forger is named: the data folder's copy does not fit.
    let key = stranger.verifying_key().to_string();
    let found = faults(forged.path(), &["--key", &key]);
    assert!(
        found[0].contains("rewritten (the signed checkpoint of 6 entries"),
        "{found:?}"
    );
}

#[test]
fn a_checkpoint_that_was_kept_elsewhere_shows_what_even_the_keeper_of_the_folder_did() {
    let folder = called();
    let data = folder.path().join("trunkline-data");
    fs::copy(data.join("audit.checkpoint"), folder.path().join("kept.txt")).unwrap();
    let connection = database(folder.path());
    sql(
        &connection,
        "DELETE FROM audit WHERE idx >= 4; DELETE FROM audit_checkpoints",
    );
    set_head(&connection, 4);
    fs::remove_file(data.join("audit.checkpoint")).unwrap();
    json(folder.path(), &["audit", "verify"]);
    assert_eq!(
        faults(folder.path(), &["--checkpoint", "kept.txt"]),
        ["entries 4 to 5: cut off (the log's head, a tile or a signed checkpoint vouches for more)"]
    );
}

#[test]
fn a_log_that_was_cut_is_not_signed_again() {
    let folder = called();
    let connection = database(folder.path());
    sql(
        &connection,
        "DELETE FROM audit WHERE idx = 5; DELETE FROM audit_checkpoints",
    );
    set_head(&connection, 5);
    drop(connection);
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["audit", "prove", "1"],
        &["webhooks", "endpoints", "add", "https://crm.example/"],
    ] {
        let output = run(folder.path(), command);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", stdout(&output));
        let said = stderr(&output);
        assert!(
            said.contains("the audit log does not continue what was signed at 6 entries"),
            "{said}"
        );
    }
}

#[test]
fn what_a_command_noted_can_not_be_cut_off_unseen() {
    let folder = called();
    let endpoint = json(
        folder.path(),
        &["webhooks", "endpoints", "add", "https://crm.example/"],
    );
    let id = endpoint["id"].as_str().unwrap();
    let commands = [
        &["webhooks", "endpoints", "rotate", id][..],
        &["webhooks", "endpoints", "disable", id],
        &["webhooks", "endpoints", "enable", id],
        &["webhooks", "endpoints", "remove", id],
        &["webhooks", "replay", "--dead"],
        &["audit", "erase", "nobody", "--yes"],
    ];
    for (index, command) in (7..).zip(commands) {
        json(folder.path(), command);
        let found = json(folder.path(), &["audit", "verify"]);
        assert_eq!(
            (&found["entries"], &found["signed"]),
            (&json!(index + 1), &json!(index + 1)),
            "{command:?}"
        );
        let copy = copy(folder.path());
        let connection = database(copy.path());
        connection
            .execute("DELETE FROM audit WHERE idx = ?1", [index])
            .unwrap();
        set_head(&connection, index);
        let faults = faults(copy.path(), &[]);
        assert!(
            faults[0].starts_with(&format!("entry {index}: cut off")),
            "{command:?}: {faults:?}"
        );
    }
}

const FAR_DAMAGES: [Damage; 4] = [
    (
        "an entry rewritten with its hash",
        |database| rewrite(database, 300, "crm", "crn"),
        "entries 256 to 511: one of them was changed together with its hash (the tile over them has another one)",
    ),
    (
        "a tile",
        |database| {
            sql(
                database,
                "UPDATE audit_tiles SET hash = zeroblob(32) WHERE idx = 1",
            )
        },
        "entries 256 to 511: the tile over them was changed (they fit a signed checkpoint)",
    ),
    (
        "a tile removed",
        |database| sql(database, "DELETE FROM audit_tiles WHERE idx = 0"),
        "entries 0 to 255: the tile over them is missing",
    ),
    (
        "many rows removed",
        |database| sql(database, "DELETE FROM audit WHERE idx BETWEEN 100 AND 399"),
        "entries 100 to 399: removed (there is no row)",
    ),
];

#[test]
fn damages_in_a_long_log_stay_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("trunkline.toml"),
        "[[serve.source]]\nname = 'crm'\n",
    )
    .unwrap();
    let service = Service::start(folder.path(), &[]);
    thread::scope(|scope| {
        for client in 0..20 {
            let service = &service;
            scope.spawn(move || {
                for number in 0..30 {
                    service.accept("crm", &json!({"eventId": format!("e-{client}-{number}")}));
                }
            });
        }
    });
    service.close();
    assert_eq!(json(folder.path(), &["audit", "verify"])["signed"], 600);
    for (what, damage, only) in FAR_DAMAGES {
        let copy = copy(folder.path());
        damage(&database(copy.path()));
        assert_eq!(faults(copy.path(), &[]), [only], "{what}");
    }
    // Proofs over tiles and single rows.
    for index in ["0", "255", "256", "599"] {
        let proof = prove(folder.path(), index);
        fs::write(folder.path().join("proof.json"), proof).unwrap();
        assert!(check(folder.path(), &[]).status.success(), "{index}");
    }
}
