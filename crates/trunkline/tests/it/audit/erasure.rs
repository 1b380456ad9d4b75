//! A person is taken out, and the log still holds.

use super::{ANI, PERSON, call, called, check, prove};
use crate::support::{files, has, json, run, stderr, stdout, trunkline};
use serde_json::json;
use std::fs;

#[test]
fn an_erased_person_is_gone_from_lists_and_exports_and_the_log_still_holds() {
    let folder = called();
    call(folder.path(), "+15550142", &[], "general_welcome");
    let exports = || {
        ["jsonl", "csv", "ocsf"]
            .map(|format| stdout(&run(folder.path(), &["audit", "export", "--format", format])))
    };
    assert!(
        exports()
            .iter()
            .all(|text| text.contains(ANI) && text.contains(PERSON))
    );

    let unsure = run(folder.path(), &["audit", "erase", PERSON]);
    assert_eq!(unsure.status.code(), Some(2));
    assert!(exports().iter().all(|text| text.contains(PERSON)));

    // The id in the CRM is enough: what else names the caller goes with it.
    let erased = json(folder.path(), &["audit", "erase", PERSON, "--yes"]);
    assert_eq!(
        (&erased["subjects"], &erased["calls"]),
        (&json!(1), &json!(1)),
        "{erased}"
    );
    let listed = stdout(&run(folder.path(), &["audit", "list"]));
    assert!(listed.contains("ani=(erased) externalId=(erased)"), "{listed}");
    for text in exports().into_iter().chain([listed]) {
        assert!(!text.contains(ANI) && !text.contains(PERSON), "{text}");
        assert!(text.contains("+15550142"), "somebody else's: {text}");
    }
    let found = json(folder.path(), &["audit", "verify"]);
    assert_eq!(found["signed"], found["entries"]);
    // What was proven before can be proven still.
    fs::write(folder.path().join("proof.json"), prove(folder.path(), "0")).unwrap();
    assert!(check(folder.path(), &[]).status.success());
    let again = json(folder.path(), &["audit", "erase", PERSON, "--yes"]);
    assert_eq!(again["texts"], 0);
}

#[test]
fn an_erased_person_is_gone_from_every_byte_and_the_recordings_are_deleted() {
    let folder = called();
    call(folder.path(), "+15550142", &[], "general_welcome");
    let recordings = || {
        fs::read_dir(folder.path().join("trunkline-data/recordings"))
            .unwrap()
            .count()
    };
    assert_eq!(recordings(), 2);
    let erased = json(folder.path(), &["audit", "erase", ANI, "--yes"]);
    assert_eq!(
        (&erased["calls"], &erased["recordings"]),
        (&json!(1), &json!(1)),
        "{erased}"
    );
    assert_eq!(recordings(), 1);
    json(folder.path(), &["store", "backup", "copy.db"]);
    // The person is the tenant's, too; that is not ours to forget.
    fs::remove_file(folder.path().join("tenant.toml")).unwrap();
    let kept = files(folder.path());
    assert!(kept.iter().any(|(path, _)| path.ends_with("trunkline.db")));
    for (path, bytes) in kept {
        assert!(!has(&bytes, ANI) && !has(&bytes, PERSON), "{}", path.display());
    }
    assert!(has(
        &fs::read(folder.path().join("copy.db")).unwrap(),
        "+15550142"
    ));
    json(folder.path(), &["audit", "verify"]);
}

#[test]
fn what_a_caller_is_called_is_not_in_the_programs_own_log() {
    let folder = tempfile::tempdir().unwrap();
    let output = trunkline(folder.path())
        .args(["-v", "menu", "call", "--ani", ANI, "--external-id", PERSON])
        .args(["--do", "hang up 50ms into premium_priority"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        !stderr(&output).contains(ANI) && !stderr(&output).contains(PERSON),
        "{}",
        stderr(&output)
    );
}
