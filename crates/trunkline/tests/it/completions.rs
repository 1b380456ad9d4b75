//! `trunkline center --completions`.

use crate::{
    receiver::Receiver,
    support::{Center, run, stderr},
};
use std::{collections::BTreeSet, fs};
use webhooks::{Secret, TOLERANCE, verify};

#[test]
fn completions_come_at_a_rate_and_are_signed_with_the_secret_that_was_printed() {
    let receiver = Receiver::start(|_| 200);
    let center = Center::start(&["--completions", "50/s", "--completions-to", &receiver.url()]);
    let secret: Secret = center.environment["TRUNKLINE_WEBHOOK_SECRET"].parse().unwrap();
    let requests = receiver.wait_for(50);
    let mut interactions = BTreeSet::new();
    for request in &requests[..50] {
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let now = jiff::Timestamp::now().into();
        let body = request.body.as_bytes();
        verify(
            &headers.collect(),
            body,
            std::slice::from_ref(&secret),
            now,
            TOLERANCE,
        )
        .unwrap();
        let told: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        interactions.insert(told["interactionId"].as_str().unwrap().to_owned());
    }
    assert_eq!(interactions.len(), 50);
    let (code, printed) = center.interrupt();
    assert_eq!(code, Some(0), "{printed}");
}

#[test]
fn completions_that_would_go_nowhere_are_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["center", "--completions", "50/s"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("add --completions-to URL"),
        "{}",
        stderr(&output)
    );
    assert!(
        !folder.path().join("trunkline-data").exists(),
        "nothing was begun"
    );
    fs::write(
        folder.path().join("trunkline.toml"),
        "[center]\ncompletions = '5/s'\n",
    )
    .unwrap();
    assert_eq!(run(folder.path(), &["center"]).status.code(), Some(2));

    for (flag, value) in [
        ("--completions", "5000/s"),
        ("--completions-to", "ftp://a.example/"),
        ("--completions-to", "here"),
    ] {
        let output = run(folder.path(), &["center", flag, value]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{flag} {value}: {}",
            stderr(&output)
        );
    }
}
