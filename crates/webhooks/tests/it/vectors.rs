//! The published vectors, judged by our code and by the `standardwebhooks` crate.

use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use standardwebhooks::Webhook;
use std::{collections::BTreeMap, path::Path, time::Duration};
use webhooks::{ID, SIGNATURE, Secret, SignatureError, TIMESTAMP, TOLERANCE, sign, verify};
use wire::UtcTime;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    #[serde(rename = "standard")]
    _standard: String,
    tolerance_seconds: u64,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    secrets: Vec<String>,
    now: i64,
    headers: BTreeMap<String, String>,
    body: String,
    verdict: String,
    #[serde(default)]
    strict: bool,
}

fn file() -> File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/webhooks/signatures.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn headers(texts: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| -> (HeaderName, _) {
        (name.parse().unwrap(), value.parse().unwrap())
    };
    texts.iter().map(header).collect()
}

fn at(second: i64) -> UtcTime {
    jiff::Timestamp::from_second(second).unwrap().into()
}

#[test]
fn our_verdicts_are_those_of_the_vectors() {
    let file = file();
    assert_eq!(file.tolerance_seconds, TOLERANCE.as_secs());
    for vector in &file.vectors {
        let secrets: Vec<Secret> = vector.secrets.iter().map(|text| text.parse().unwrap()).collect();
        let tolerance = Duration::from_secs(file.tolerance_seconds);
        let headers = headers(&vector.headers);
        let verdict = match verify(
            &headers,
            vector.body.as_bytes(),
            &secrets,
            at(vector.now),
            tolerance,
        ) {
            Ok(verified) => {
                assert_eq!(verified.id, vector.headers[ID]);
                "valid"
            }
            Err(SignatureError::Missing(_)) => "missing",
            Err(SignatureError::Malformed(_)) => "malformed",
            Err(SignatureError::Wrong) => "wrong",
            Err(SignatureError::TooOld(_)) => "too old",
            Err(SignatureError::TooNew(_)) => "too new",
            Err(SignatureError::Repeated(name)) => panic!("{}: {name}", vector.name),
        };
        assert_eq!(verdict, vector.verdict, "{}", vector.name);
    }
    for verdict in ["valid", "missing", "malformed", "wrong", "too old", "too new"] {
        assert!(
            file.vectors.iter().any(|vector| vector.verdict == verdict),
            "{verdict}"
        );
    }
}

#[test]
fn what_we_sign_is_byte_for_byte_what_the_vectors_say() {
    let file = file();
    let alone = |vector: &&Vector| vector.verdict == "valid" && !vector.headers[SIGNATURE].contains(' ');
    let mut signed = 0;
    for vector in file
        .vectors
        .iter()
        .filter(alone)
        .filter(|vector| vector.secrets.len() == 1)
    {
        let sent = at(vector.headers[TIMESTAMP].parse().unwrap());
        let ours = sign(
            &vector.headers[ID],
            sent,
            &vector.body,
            &[vector.secrets[0].parse().unwrap()],
        );
        assert_eq!(ours.unwrap(), headers(&vector.headers), "{}", vector.name);
        signed += 1;
    }
    assert!(signed >= 10, "{signed}");
}

#[test]
fn the_crates_signatures_are_those_of_the_vectors() {
    // The crate's `verify` looks at the clock, so only what it signs can be compared with times that are over.
    let file = file();
    let compared = |vector: &&Vector| !vector.strict && !["missing", "malformed"].contains(&&*vector.verdict);
    for vector in file.vectors.iter().filter(compared) {
        let timestamp = vector.headers[TIMESTAMP].parse().unwrap();
        let is_signed = vector.secrets.iter().any(|secret| {
            let key = Webhook::new(secret).unwrap();
            let signature = key
                .sign(&vector.headers[ID], timestamp, vector.body.as_bytes())
                .unwrap();
            vector.headers[SIGNATURE]
                .split(' ')
                .any(|given| given == signature)
        });
        assert_eq!(is_signed, vector.verdict != "wrong", "{}", vector.name);
    }
}

#[test]
fn the_crate_verifies_what_we_sign_now() {
    let secrets = [Secret::generate(&[1; 32]), Secret::generate(&[2; 32])];
    let now = jiff::Timestamp::now().into();
    for body in ["", "{}", "{\"text\":\"日本語 🎧\"}"] {
        let headers = sign("msg_1", now, body, &secrets).unwrap();
        for secret in &secrets {
            let key = Webhook::new(secret.expose()).unwrap();
            key.verify(body.as_bytes(), &headers).unwrap();
            assert!(key.verify(b"tampered", &headers).is_err());
        }
    }
}
