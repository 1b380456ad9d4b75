//! The audit log: read, proven, handed on, and with a person taken out of it.

mod damage;
mod erasure;
mod handed_on;

use crate::support::{json, redact, run, stderr, stdout};
use serde_json::json;
use std::{fs, path::Path, process::Output};
use tempfile::TempDir;

const ANI: &str = "+15550199";
const PERSON: &str = "CRM-USER-98765";

/// A folder with the log of one call, which has six entries: `call.placed`, `menu.taken`, `menu.profile`, `menu.menu_entered`,
/// and the two that end it.
fn called() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tenant.toml"), tenant()).unwrap();
    call(folder.path(), ANI, &["--external-id", PERSON], "premium_priority");
    folder
}

/// The demo tenant without bots and agents: so nobody completes the call, and its log is as short as it can be.
fn tenant() -> String {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo");
    let mut tenant: toml::Table = fs::read_to_string(format!("{demo}/tenant.toml"))
        .unwrap()
        .parse()
        .unwrap();
    for more in ["agent", "bot", "interaction"] {
        tenant.remove(more).unwrap();
    }
    tenant.insert("prompts".into(), format!("{demo}/prompts").into());
    tenant.to_string()
}

/// Calls the demo menu, and hangs up in the prompt.
fn call(folder: &Path, ani: &str, more: &[&str], prompt: &str) {
    let step = format!("hang up 50ms into {prompt}");
    let caller = [
        "menu",
        "call",
        "--tenant",
        "tenant.toml",
        "--ani",
        ani,
        "--do",
        &step,
    ];
    let output = run(folder, &[&caller[..], more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn entries_are_listed_by_action_subject_and_time() {
    let folder = called();
    json(
        folder.path(),
        &["webhooks", "endpoints", "add", "https://crm.example/"],
    );
    let list = |more: &[&str]| -> Vec<u64> {
        let listed = json(folder.path(), &[&["audit", "list"], more].concat());
        let entries = listed["entries"].as_array().unwrap().iter();
        entries.map(|entry| entry["index"].as_u64().unwrap()).collect()
    };
    assert_eq!(list(&[]), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(list(&["--limit", "2"]), [5, 6]);
    assert_eq!(list(&["--action", "call"]).len(), 2);
    assert_eq!(list(&["--action", "menu"]).len(), 4);
    assert_eq!(list(&["--action", "menu.menu_entered"]), [3]);
    assert_eq!(list(&["--action", "endpoint", "--limit", "1"]), [6]);
    assert_eq!(list(&["--action", "webhook"]), [0; 0]);
    let entered = &json(folder.path(), &["audit", "list", "--action", "menu.menu_entered"])["entries"][0];
    let (call, at) = (
        entered["subject"].as_str().unwrap(),
        entered["at"].as_str().unwrap(),
    );
    assert_eq!(list(&["--subject", call]), [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        list(&["--subject", call, "--action", "menu", "--limit", "3"]).len(),
        3
    );
    assert_eq!(list(&["--subject", "call"]), [0; 0], "not a prefix");
    assert_eq!(list(&["--since", "1h"]).len(), 7);
    assert_eq!(list(&["--since", "2100-01-01T00:00:00Z"]), [0; 0]);
    assert_eq!(list(&["--until", "1h"]), [0; 0]);
    let (before, after) = (list(&["--until", at]), list(&["--since", at]));
    assert!(
        before.starts_with(&[0]) && after.ends_with(&[3, 4, 5, 6]),
        "{before:?} {after:?}"
    );
    assert_eq!([before, after].concat(), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(
        run(folder.path(), &["audit", "list", "--since", "soon"])
            .status
            .code(),
        Some(2)
    );

    let mut taken = json(folder.path(), &["audit", "list", "--action", "menu.taken"]);
    redact(&mut taken, &["at", "correlationId", "subject"]);
    insta::assert_snapshot!(format!("{taken:#}"), @r#"
    {
      "entries": [
        {
          "action": "menu.taken",
          "actor": "menu",
          "at": "[at]",
          "correlationId": "[correlationId]",
          "detail": {
            "dnis": "+18005550100"
          },
          "index": 1,
          "outcome": "success",
          "personal": {
            "ani": "+15550199",
            "externalId": "CRM-USER-98765"
          },
          "subject": "[subject]"
        }
      ]
    }
    "#);
    let table = stdout(&run(folder.path(), &["audit", "list"]));
    assert!(
        table.contains("ani=+15550199 externalId=CRM-USER-98765"),
        "{table}"
    );
}

#[test]
fn a_log_that_was_left_alone_holds_and_all_of_it_is_signed() {
    let folder = called();
    json(
        folder.path(),
        &["webhooks", "endpoints", "add", "https://crm.example/"],
    );
    let found = json(folder.path(), &["audit", "verify"]);
    let expected = json!({"holds": true, "entries": 7, "signed": 7, "broken": 0, "faults": [], "forged": [], "unknownKeys": 0});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found[name], value, "{found:#}");
    }
    // What it prints for others to keep is the copy in the data folder.
    let copy = fs::read_to_string(folder.path().join("trunkline-data/audit.checkpoint")).unwrap();
    assert_eq!(found["checkpoint"], copy.as_str());
    let told = stdout(&run(folder.path(), &["audit", "verify"]));
    assert!(
        told.starts_with("The audit log holds: 7 entries, all of them signed."),
        "{told}"
    );
    assert!(told.contains(copy.trim()), "{told}");
}

fn prove(folder: &Path, index: &str) -> Vec<u8> {
    let output = run(folder, &["audit", "prove", index]);
    assert!(output.status.success(), "{}", stderr(&output));
    output.stdout
}

fn check(folder: &Path, more: &[&str]) -> Output {
    run(
        folder,
        &[&["audit", "prove", "--check", "proof.json"], more].concat(),
    )
}
