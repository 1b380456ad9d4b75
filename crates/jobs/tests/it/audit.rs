//! The audit log in a file.

use crate::support::{Rig, end_of};
use flow::menu::session::AuditEvent;
use jobs::audit::{AuditLog, FileLog};
use serde_json::Value;
use std::{fs, path::Path, sync::Arc, thread};
use wire::UtcTime;

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .inspect(|entry| assert!(entry.is_object(), "{entry}"))
        .collect()
}

fn failed(reason: &str) -> AuditEvent {
    AuditEvent::CommandFailed {
        reason: reason.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_told_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let begun = jiff::Timestamp::now();
    let mut rig = Rig::audited(Arc::new(FileLog::open(&path).unwrap()));
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("1");
    line.plays(&["confirmed"]).await;
    line.transfers("ext:support").await;
    end_of(leading).await.unwrap();
    drop(rig);

    let entries = lines(&path);
    let whats: Vec<_> = entries
        .iter()
        .map(|entry| entry["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        whats,
        ["profile", "menu_entered", "key", "transferring", "finished"]
    );
    for entry in &entries {
        assert_eq!(entry["callId"], "call-1");
        let at: UtcTime = entry["at"].as_str().unwrap().parse().unwrap();
        // Times are cut to milliseconds.
        let begun = UtcTime::from(begun - jiff::SignedDuration::from_millis(1));
        assert!(
            at >= begun && at <= UtcTime::from(jiff::Timestamp::now()),
            "{entry}"
        );
    }
}

#[test]
fn a_file_is_continued_and_an_entry_is_one_line_whatever_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let reasons = ["first", "two\nlines\r\n", "\u{2028} \"quoted\" \u{0} \u{1f600}"];
    for reason in reasons {
        let log = FileLog::open(&path).unwrap();
        log.record(
            jiff::Timestamp::now().into(),
            &"call-1".parse().unwrap(),
            &failed(reason),
        );
    }
    let entries = lines(&path);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| entry["reason"].as_str().unwrap())
        .collect();
    assert_eq!(told, reasons);
}

#[test]
fn entries_of_many_calls_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    // Two of them, as two jobs might have.
    let logs = [FileLog::open(&path).unwrap(), FileLog::open(&path).unwrap()];
    let reason = "x".repeat(5000);
    thread::scope(|scope| {
        for at in 0..8 {
            let (log, reason) = (&logs[at % 2], &reason);
            scope.spawn(move || {
                let call = format!("call-{at}").parse().unwrap();
                for _ in 0..50 {
                    log.record(jiff::Timestamp::now().into(), &call, &failed(reason));
                }
            });
        }
    });
    drop(logs);
    let entries = lines(&path);
    for at in 0..8 {
        let call = format!("call-{at}");
        assert_eq!(entries.iter().filter(|entry| entry["callId"] == call).count(), 50);
    }
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    drop(FileLog::open(&path).unwrap());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_cannot_be_opened_is_told() {
    let folder = tempfile::tempdir().unwrap();
    assert!(FileLog::open(folder.path()).is_err());
    assert!(FileLog::open(&folder.path().join("no/such/folder.jsonl")).is_err());
}
