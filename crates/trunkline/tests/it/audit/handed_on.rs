//! Proofs and exports: what is handed to others.

use super::{ANI, PERSON, called, check, prove};
use crate::support::{has, json, redact, run, stderr, stdout};
use audit::note::SigningKey;
use serde_json::{Value, json};
use std::{fs, process::Command};

#[test]
fn a_proof_convinces_somebody_who_has_nothing_but_the_key() {
    let folder = called();
    let proof = prove(folder.path(), "1");
    assert!(!has(&proof, ANI) && !has(&proof, PERSON), "commitments only");
    fs::write(folder.path().join("proof.json"), &proof).unwrap();
    let here = check(folder.path(), &[]);
    let told = stdout(&here);
    assert_eq!(here.status.code(), Some(0), "{}", stderr(&here));
    assert!(
        told.starts_with("The proof holds: entry 1 (menu.taken at ") && told.contains("of 6 entries"),
        "{told}"
    );

    let auditor = tempfile::tempdir().unwrap();
    fs::write(auditor.path().join("proof.json"), &proof).unwrap();
    let key = fs::read_to_string(folder.path().join("trunkline-data/audit.pub")).unwrap();
    let there = check(auditor.path(), &["--key", &key]);
    assert_eq!((there.status.code(), stdout(&there)), (Some(0), told));
    let keyless = check(auditor.path(), &[]);
    assert_eq!(keyless.status.code(), Some(1));
    assert!(
        stderr(&keyless).contains("the proof does not hold"),
        "{}",
        stderr(&keyless)
    );
    let stranger = SigningKey::from_seed([7; 32], "trunkline-audit/00000000").unwrap();
    let strange = check(auditor.path(), &["--key", &stranger.verifying_key().to_string()]);
    assert_eq!(strange.status.code(), Some(1));
    assert_eq!(
        fs::read_dir(auditor.path()).unwrap().count(),
        1,
        "checking makes nothing"
    );

    let missing = run(folder.path(), &["audit", "prove", "6"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("there is no entry 6"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn a_proof_that_was_changed_is_refused() {
    let folder = called();
    let proof: Value = serde_json::from_slice(&prove(folder.path(), "2")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changed: [(&str, Value); 5] = [
        ("leaf", text(&proof["leaf"]).replace("found", "fount").into()),
        ("index", 3.into()),
        ("proof", json!([proof["proof"][1], proof["proof"][0]])),
        ("proof", json!([])),
        (
            "checkpoint",
            text(&proof["checkpoint"]).replacen("\n6\n", "\n7\n", 1).into(),
        ),
    ];
    for (member, value) in changed {
        let mut forged = proof.clone();
        assert_ne!(forged[member], value);
        forged[member] = value;
        fs::write(folder.path().join("proof.json"), forged.to_string()).unwrap();
        let refused = check(folder.path(), &[]);
        assert_eq!(refused.status.code(), Some(1), "{member}");
        assert!(
            stderr(&refused).contains("the proof does not hold"),
            "{member}: {}",
            stderr(&refused)
        );
    }
    for garbage in ["", "[]", "{}", "no proof"] {
        fs::write(folder.path().join("proof.json"), garbage).unwrap();
        let refused = check(folder.path(), &[]);
        assert_eq!(refused.status.code(), Some(1), "{garbage}");
        assert!(
            stderr(&refused).contains("proof.json is no proof"),
            "{garbage}: {}",
            stderr(&refused)
        );
    }
}

#[test]
fn entries_are_exported_in_three_formats() {
    let folder = called();
    let export = |format: &str| stdout(&run(folder.path(), &["audit", "export", "--format", format]));
    let lines = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let mut entries = lines(&export("jsonl"));
    assert_eq!(entries.len(), 6);
    for entry in &entries {
        assert!(entry["leaf"]["index"].is_u64() && entry["hash"].is_string());
    }
    redact(
        &mut entries[1],
        &["hash", "at", "subject", "correlationId", "personal", "salt"],
    );
    insta::assert_snapshot!(format!("{:#}", entries[1]), @r#"
    {
      "hash": "[hash]",
      "leaf": {
        "action": "menu.taken",
        "actor": "menu",
        "at": "[at]",
        "correlationId": "[correlationId]",
        "detail": {
          "dnis": "+18005550100"
        },
        "index": 1,
        "outcome": "success",
        "personal": "[personal]",
        "subject": "[subject]"
      },
      "texts": [
        {
          "field": "ani",
          "salt": "[salt]",
          "value": "+15550199"
        },
        {
          "field": "externalId",
          "salt": "[salt]",
          "value": "CRM-USER-98765"
        }
      ]
    }
    "#);

    let mut events = lines(&export("ocsf"));
    assert_eq!(events.len(), 6);
    redact(
        &mut events[1],
        &["correlation_uid", "log_name", "original_time", "uid", "time"],
    );
    events[1]["metadata"]["product"]["version"].take();
    insta::assert_snapshot!(format!("{:#}", events[1]), @r#"
    {
      "activity_id": 99,
      "activity_name": "menu.taken",
      "actor": {
        "app_name": "trunkline/menu"
      },
      "api": {
        "operation": "menu.taken",
        "service": {
          "name": "trunkline"
        }
      },
      "category_name": "Application Activity",
      "category_uid": 6,
      "class_name": "API Activity",
      "class_uid": 6003,
      "message": "menu.taken",
      "metadata": {
        "correlation_uid": "[correlation_uid]",
        "log_name": "[log_name]",
        "original_time": "[original_time]",
        "product": {
          "name": "Trunkline",
          "vendor_name": "Trunkline",
          "version": null
        },
        "sequence": 1,
        "uid": "[uid]",
        "version": "1.6.0"
      },
      "resources": [
        {
          "type": "menu",
          "uid": "[uid]"
        }
      ],
      "severity": "Informational",
      "severity_id": 1,
      "src_endpoint": {
        "name": "menu",
        "svc_name": "trunkline"
      },
      "status": "Success",
      "status_id": 1,
      "time": "[time]",
      "type_name": "API Activity: menu.taken",
      "type_uid": 600399,
      "unmapped": {
        "detail": {
          "dnis": "+18005550100"
        },
        "personal": {
          "ani": "+15550199",
          "externalId": "CRM-USER-98765"
        }
      }
    }
    "#);

    fs::write(folder.path().join("log.csv"), export("csv")).unwrap();
    let script = "import csv, json; print(json.dumps(list(csv.DictReader(open('log.csv', newline='')))))";
    let read = Command::new("python3")
        .args(["-c", script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let mut rows: Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 6);
    redact(&mut rows, &["at", "subject", "correlationId"]);
    insta::assert_snapshot!(format!("{:#}", rows[1]), @r#"
    {
      "action": "menu.taken",
      "actor": "menu",
      "at": "[at]",
      "correlationId": "[correlationId]",
      "detail": "{\"dnis\":\"+18005550100\"}",
      "index": "1",
      "outcome": "success",
      "personal": "{\"ani\":\"+15550199\",\"externalId\":\"CRM-USER-98765\"}",
      "subject": "[subject]"
    }
    "#);
}

#[test]
fn an_export_goes_to_a_file_of_its_own_and_can_be_filtered() {
    let folder = called();
    let args = ["audit", "export", "--to", "log.jsonl", "--action", "menu.taken"];
    assert_eq!(
        json(folder.path(), &args),
        json!({"file": "log.jsonl", "entries": 1, "expired": 0})
    );
    let first = fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    assert_eq!(first.lines().count(), 1);
    let again = run(folder.path(), &args);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains("log.jsonl can't be written"),
        "{}",
        stderr(&again)
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("log.jsonl")).unwrap(),
        first
    );
}
