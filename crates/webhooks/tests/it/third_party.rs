//! Signatures across languages: npm's `standardwebhooks` judges the vectors, and we verify what it signs.
//!
//! Runs only with `TRUNKLINE_TEST_NODE=1`, after `npm ci` in `tests/third-party/node`.

use crate::vectors::headers;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
};
use webhooks::{Secret, SignatureError, TOLERANCE, verify};

#[derive(Deserialize)]
struct Signed {
    secret: String,
    headers: BTreeMap<String, String>,
    body: String,
}

#[test]
fn a_library_of_another_language_agrees_in_both_directions() {
    if !std::env::var("TRUNKLINE_TEST_NODE").is_ok_and(|value| value == "1") {
        println!("skipped: set TRUNKLINE_TEST_NODE=1, after `npm ci` in tests/third-party/node");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/third-party/node");
    assert!(
        folder.join("node_modules/standardwebhooks").exists(),
        "the packages are not there: run `npm ci` in tests/third-party/node"
    );
    let output = Command::new("node")
        .arg("check-webhooks.mjs")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    let signed: Vec<Signed> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(signed.len(), 5);
    for Signed {
        secret,
        headers: texts,
        body,
    } in signed
    {
        let secrets: [Secret; 1] = [secret.parse().unwrap()];
        let check = |body: &str| {
            let now = jiff::Timestamp::now().into();
            verify(&headers(&texts), body.as_bytes(), &secrets, now, TOLERANCE)
        };
        assert!(check(&body).is_ok(), "{body}");
        assert_eq!(check(&format!("{body} ")), Err(SignatureError::Wrong));
    }
}
