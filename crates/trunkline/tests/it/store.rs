//! The database as a whole: what is in it, and copies of it.

use crate::{
    service::{Service, post},
    support::{json, run, stderr, stdout},
};
use serde_json::json;
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};
use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("trunkline.toml"),
        "[[serve.source]]\nname = 'crm'\n",
    )
    .unwrap();
    folder
}

#[test]
fn info_says_what_is_in_the_database() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    for id in ["e-1", "e-2", "e-2"] {
        service.accept("crm", &json!({"eventId": id}));
    }
    assert_eq!(
        json(folder.path(), &["store", "info"]),
        json!({"events": 2, "waiting": 0, "held": 0, "done": 0, "dead": 0, "auditEntries": 2})
    );
    let told = stdout(&run(folder.path(), &["store", "info"]));
    assert!(told.starts_with("events taken in             2\n"), "{told}");
}

#[test]
fn a_copy_made_while_events_come_in_opens_and_holds() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let (over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = thread::scope(|scope| {
        for client in 0..4 {
            let (over, sent, address) = (&over, &sent, &service.address);
            scope.spawn(move || {
                for number in 0.. {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let body = format!(r#"{{"eventId":"e-{client}-{number}"}}"#);
                    assert_eq!(post(address, "crm", &[], body.as_bytes()).status, 200);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let some = || sent.load(Ordering::Relaxed);
        crate::support::wait_for("some events", || (some() > 50).then_some(()));
        let before = some();
        fs::create_dir(folder.path().join("copy")).unwrap();
        json(folder.path(), &["store", "backup", "copy/trunkline.db"]);
        crate::support::wait_for("more events", || (some() > before + 50).then_some(()));
        over.store(true, Ordering::Relaxed);
        before
    });
    service.close();

    let info = json(folder.path(), &["store", "info", "--data-dir", "copy"]);
    let events = info["events"].as_u64().unwrap();
    assert!(events >= before, "{events} of {before}");
    assert_eq!(
        info["auditEntries"], events,
        "an event and its entry are there together"
    );
    assert!(json(folder.path(), &["store", "info"])["events"].as_u64() > Some(events));
    let key = fs::read_to_string(folder.path().join("trunkline-data/audit.pub")).unwrap();
    let verified = json(
        folder.path(),
        &["audit", "verify", "--data-dir", "copy", "--key", &key],
    );
    assert_eq!(verified["unknownKeys"], 0, "{verified}");
    private(&folder.path().join("copy/trunkline.db"));
}

/// The file is for its owner only.
#[cfg(unix)]
fn private(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[test]
fn a_copy_never_goes_over_a_file() {
    let folder = folder();
    Service::start(folder.path(), &[]).close();
    fs::write(folder.path().join("precious.txt"), "precious").unwrap();
    let refused = run(folder.path(), &["store", "backup", "precious.txt"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("the database can't be copied to precious.txt"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("precious.txt")).unwrap(),
        "precious"
    );
    let nowhere = run(folder.path(), &["store", "backup", "no/such/folder.db"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(!folder.path().join("no").exists());
}

#[test]
fn commands_that_look_at_a_database_make_none() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["store", "info"][..],
        &["store", "backup", "copy.db"],
        &["webhooks", "list"],
        &["webhooks", "show", "1"],
        &["webhooks", "replay", "--dead"],
        &["webhooks", "endpoints", "list"],
        &["webhooks", "endpoints", "remove", "ep_1"],
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "prove", "0"],
        &["audit", "export", "--to", "log.jsonl"],
        &["audit", "erase", "+15550100", "--yes"],
    ] {
        let output = run(folder.path(), &[command, &["--data-dir", "slip"]].concat());
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let said = stderr(&output);
        assert!(
            said.contains("there is no database in slip\nhint: name the data folder with --data-dir"),
            "{command:?}: {said}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{command:?}");
    }
}

#[test]
fn a_file_that_is_no_database_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("trunkline-data");
    fs::create_dir(&data).unwrap();
    let text = "this is no database, and it is longer than a header of one hundred bytes. ".repeat(20);
    fs::write(data.join("trunkline.db"), &text).unwrap();
    let output = run(folder.path(), &["store", "info"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output)
            .contains("the data folder trunkline-data can't be used; choose another with --data-dir"),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read_to_string(data.join("trunkline.db")).unwrap(), text);
}
