//! Events in: who may send, what is taken, and what is kept of it.

use crate::{
    receiver::{Receiver, Reply},
    service::{Answer, Service, answer, exchange, head, post},
    support::{files, has, json, run, stderr, stdout, trunkline, wait_for},
};
use serde_json::json;
use standardwebhooks::Webhook;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Barrier, mpsc},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLlow";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const STRANGER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The largest body that is taken.
const LARGEST: usize = 1024 * 1024;

/// A folder with two sources: `open`, and `signed` with two keys.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[[serve.source]]\nname = 'open'\n[[serve.source]]\nname = 'signed'\nsecrets = ['{NEW}', '{OLD}']\n"
    );
    fs::write(folder.path().join("trunkline.toml"), text).unwrap();
    folder
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

/// Sends an event that was signed at this time for this id.
fn signed(service: &Service, secret: &str, id: &str, at: i64) -> Answer {
    let body = format!(r#"{{"type":"order.paid","of":"{id}"}}"#);
    let signature = Webhook::new(secret)
        .unwrap()
        .sign(id, at, body.as_bytes())
        .unwrap();
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", &at.to_string()),
        ("webhook-signature", &signature),
    ];
    service.post("signed", &headers, body.as_bytes())
}

#[test]
fn an_event_is_taken_once_and_its_correlation_id_is_in_the_audit_log() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let body = br#"{"eventId": "e-1", "type": "order.paid", "subject": "order-7"}"#;
    let named = service.post("open", &[("X-Correlation-Id", "corr-1")], body);
    assert_eq!((named.status, named.body.as_str()), (200, r#"{"received":true}"#));
    assert_eq!(named.headers["content-type"], "application/json");
    assert_eq!(named.headers["x-correlation-id"], "corr-1");
    let again = service.post("open", &[], body);
    assert_eq!((again.status, &again.body), (200, &named.body));
    assert_ne!(again.headers["x-correlation-id"], "corr-1");

    let listed = json(
        folder.path(),
        &["audit", "list", "--action", "event", "--subject", "order-7"],
    );
    let [entry] = listed["entries"].as_array().unwrap().as_slice() else {
        panic!("{listed}");
    };
    assert_eq!(entry["correlationId"], "corr-1");
    assert_eq!(
        entry["detail"],
        json!({"source": "open", "type": "order.paid", "eventId": "e-1"})
    );
    assert_eq!(service.settled()["events"], 1);
}

#[test]
fn the_same_event_id_of_two_sources_is_two_events() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    assert_eq!(signed(&service, NEW, "e-1", now()).status, 200);
    service.accept("open", &json!({"eventId": "e-1"}));
    // The header names the event, whatever the body says.
    let renamed = service.post("open", &[("webhook-id", "e-2")], br#"{"eventId": "e-1"}"#);
    assert_eq!(renamed.status, 200);
    assert_eq!(service.settled()["events"], 3);
}

#[test]
fn where_a_key_is_configured_only_what_it_signed_lately_is_taken() {
    let folder = folder();
    let service = Service::start(folder.path(), &["-vv"]);
    for (event, secret, shift) in [
        ("new-key", NEW, 0),
        ("old-key", OLD, 0),
        ("slow-clock", NEW, -290),
        ("fast-clock", OLD, 290),
    ] {
        let answer = signed(&service, secret, event, now() + shift);
        assert_eq!(answer.status, 200, "{event}: {}", answer.body);
    }
    let unsigned = service.send("signed", &json!({"eventId": "unsigned"}));
    let at = now().to_string();
    let other = Webhook::new(NEW).unwrap().sign("e", now(), b"{}").unwrap();
    let headers = [
        ("webhook-id", "e"),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", other.as_str()),
    ];
    let changed = service.post("signed", &headers, br#"{"paid": true}"#);
    let refused = [
        ("unsigned", unsigned),
        ("another body", changed),
        ("a strange key", signed(&service, STRANGER, "stranger", now())),
        ("too old", signed(&service, NEW, "old", now() - 310)),
        ("not yet", signed(&service, NEW, "early", now() + 310)),
    ];
    for (why, answer) in refused {
        assert_eq!(answer.status, 401, "{why}");
        assert_eq!(
            answer.errors(),
            ["the signature is missing or not valid"],
            "{why}"
        );
    }
    assert_eq!(service.settled()["events"], 4);
    for secret in [OLD, NEW] {
        let key = secret.strip_prefix("whsec_").unwrap();
        assert!(!service.said().contains(key));
    }
}

#[test]
fn a_repeat_needs_a_signature_too() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    assert_eq!(signed(&service, NEW, "e-1", now()).status, 200);
    let repeat = service.post(
        "signed",
        &[("webhook-id", "e-1")],
        br#"{"type":"order.paid","of":"e-1"}"#,
    );
    assert_eq!(repeat.status, 401);
    assert_eq!(signed(&service, OLD, "e-1", now()).status, 200);
    assert_eq!(service.settled()["events"], 1);
}

/// An event of exactly so many bytes.
fn event_of(bytes: usize) -> Vec<u8> {
    let (before, after) = (r#"{"eventId":"large","text":""#, r#""}"#);
    let filling = "x".repeat(bytes - before.len() - after.len());
    format!("{before}{filling}{after}").into_bytes()
}

#[test]
fn a_body_is_taken_up_to_its_bound_and_delivered_whole() {
    let folder = folder();
    let receiver = Receiver::start(|_| 200);
    json(folder.path(), &["webhooks", "endpoints", "add", &receiver.url()]);
    let service = Service::start(folder.path(), &[]);
    let largest = event_of(LARGEST);
    let taken = service.post("open", &[], &largest);
    assert_eq!(taken.status, 200, "{}", taken.body);
    assert_eq!(receiver.wait_for(1)[0].body.as_bytes(), largest);

    let larger = service.post("open", &[], &event_of(LARGEST + 1));
    assert_eq!(larger.status, 413, "{}", larger.body);
    let chunked = head("POST", "/webhooks/open", &[("Transfer-Encoding", "chunked")]);
    let mut body = format!("{:x}\r\n", LARGEST + 1).into_bytes();
    body.extend(event_of(LARGEST + 1));
    let chunked = exchange(&service.address, &chunked, &body);
    assert_eq!(chunked.status, 413, "{}", chunked.body);
    assert_eq!(service.settled()["events"], 1);
}

#[test]
fn what_is_no_event_is_refused_with_all_its_faults() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let cases = [
        (
            "not json".to_owned(),
            vec!["the body is not JSON: expected ident at line 1 column 2"],
        ),
        (
            String::new(),
            vec!["the body is not JSON: EOF while parsing a value at line 1 column 0"],
        ),
        (
            "[1]".to_owned(),
            vec!["the body must be a JSON object, not a list"],
        ),
        (
            "null".to_owned(),
            vec!["the body must be a JSON object, not null"],
        ),
        (
            format!(r#"{{"eventId": {{}}, "x": {}}}"#, nested(64)),
            vec![
                "the body is nested more than 64 deep",
                "eventId must be a text or a number, not an object",
            ],
        ),
        (
            nested(80),
            vec![
                "the body is nested more than 64 deep",
                "the body must be a JSON object, not a list",
            ],
        ),
        (
            nested(100_000),
            vec!["the body is not JSON: recursion limit exceeded at line 1 column 128"],
        ),
        (
            format!(r#"{{"eventId": "{}"}}"#, "x".repeat(129)),
            vec!["eventId must be 1 to 128 bytes long, without control characters"],
        ),
    ];
    for (body, faults) in cases {
        let answer = service.post("open", &[], body.as_bytes());
        assert_eq!(answer.status, 400, "{body:.60}");
        assert_eq!(answer.errors(), faults, "{body:.60}");
    }
    let latin = service.post("open", &[], b"{\"name\": \"M\xfcller\"}");
    assert_eq!(
        (latin.status, latin.errors()),
        (400, vec!["the body is not UTF-8".to_owned()])
    );
    let both = service.post("open", &[("webhook-id", &"x".repeat(200))], b"[1]");
    assert_eq!((both.status, both.errors().len()), (400, 2), "{}", both.body);
    assert_eq!(service.settled()["events"], 0);
}

#[test]
fn json_is_taken_whatever_the_content_type_says() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    for (number, kind) in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(r#"{{"interactionId": "int-1", "eventId": "e-{number}"}}"#);
        let answer = service.post("open", &[("Content-Type", kind)], body.as_bytes());
        assert_eq!(answer.status, 200, "{kind}: {}", answer.body);
    }
    let form = b"payload=%7B%22eventId%22%3A%22form%22%7D";
    let answer = service.post(
        "open",
        &[("Content-Type", "application/x-www-form-urlencoded")],
        form,
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(service.settled()["events"], 6);
}

#[test]
fn unknown_sources_and_methods_are_refused_with_a_remedy() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let unknown = service.send("crm", &json!({"eventId": "e-1"}));
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.errors(),
        [r#"there is no source "crm"; name it in trunkline.toml, [[serve.source]]"#]
    );
    assert!(unknown.headers.contains_key("x-correlation-id"));
    let read = exchange(&service.address, &head("GET", "/webhooks/open", &[]), b"");
    assert_eq!(read.status, 405);
    let elsewhere = exchange(&service.address, &head("GET", "/", &[]), b"");
    assert_eq!(elsewhere.status, 404);
    let health = exchange(&service.address, &head("GET", "/health", &[]), b"");
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"ok"}"#));
}

#[test]
fn a_thousand_repeats_at_once_are_one_event_one_delivery_and_one_entry() {
    let folder = folder();
    let receiver = Receiver::start(|_| 200);
    json(folder.path(), &["webhooks", "endpoints", "add", &receiver.url()]);
    let service = Service::start(folder.path(), &[]);
    const THREADS: usize = 64;
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, address) = (&start, &service.address);
            scope.spawn(move || {
                start.wait();
                for _ in (thread..1000).step_by(THREADS) {
                    let answer = post(address, "open", &[], br#"{"eventId":"e-1"}"#);
                    assert_eq!(
                        (answer.status, answer.body.as_str()),
                        (200, r#"{"received":true}"#)
                    );
                }
            });
        }
    });
    let info = service.settled();
    assert_eq!((&info["events"], &info["done"]), (&json!(1), &json!(1)));
    assert_eq!(receiver.events(), ["e-1"]);
    let listed = json(folder.path(), &["webhooks", "list"]);
    assert_eq!(listed["deliveries"].as_array().unwrap().len(), 1);
    for action in ["event.accepted", "webhook.delivered"] {
        let entries = json(folder.path(), &["audit", "list", "--action", action]);
        assert_eq!(entries["entries"].as_array().unwrap().len(), 1, "{action}");
    }
}

#[test]
fn card_numbers_and_codes_are_kept_and_sent_nowhere() {
    let folder = folder();
    let receiver = Receiver::start(|_| 200);
    json(folder.path(), &["webhooks", "endpoints", "add", &receiver.url()]);
    let service = Service::start(folder.path(), &["-vv"]);
    let body = br#"{"eventId": "5555555555554444", "orderId": "6011111111111117", "said": "card 4111 1111 1111 1111, PIN 1234",
        "pan": "4012888888881881", "number": 378282246310005, "cvv": "123", "phone": "+15550100", "amount": 1234}"#;
    assert_eq!(service.post("open", &[], body).status, 200);
    // Once more with a fault, for what refusals quote.
    let faulty = br#"{"eventId": {"pan": "4012888888881881"}, "said": "4111 1111 1111 1111", "cvv": "123"}"#;
    assert_eq!(service.post("open", &[], faulty).status, 400);
    service.settled();

    let delivered: serde_json::Value = serde_json::from_str(&receiver.wait_for(1)[0].body).unwrap();
    let masked = json!({
        "eventId": "5555555555554444", "orderId": "6011111111111117",
        "said": "card 4111 11** **** 1111, PIN ****", "pan": "401288******1881", "number": "378282*****0005",
        "cvv": "***", "phone": "+15550100", "amount": 1234,
    });
    assert_eq!(delivered, masked);
    let listed = json(folder.path(), &["webhooks", "list"]);
    let id = listed["deliveries"][0]["id"].to_string();
    assert_eq!(json(folder.path(), &["webhooks", "show", &id])["body"], masked);
    let printed = [
        &["webhooks", "show", &id][..],
        &["audit", "export"],
        &["audit", "list"],
    ];
    let printed = printed.map(|args| stdout(&run(folder.path(), args)));
    assert!(service.said().contains("TRACE"));
    service.close();
    nowhere(folder.path(), &printed.concat());
}

/// No card number and no code is in the text, in the database or in the log.
fn nowhere(folder: &Path, printed: &str) {
    let secrets = [
        "4111 1111 1111 1111",
        "4111111111111111",
        "4012888888881881",
        "378282246310005",
        "PIN 1234",
        r#""cvv":"123""#,
        r#""cvv": "123""#,
    ];
    let kept = files(folder);
    let name = |name: &str| kept.iter().any(|(path, _)| path.ends_with(name));
    assert!(name("trunkline.db") && name("serve.err"));
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} in {printed}");
        for (path, bytes) in &kept {
            assert!(!has(bytes, secret), "{secret} in {}", path.display());
        }
    }
}

#[test]
fn asked_to_end_it_takes_no_more_and_finishes_what_is_under_way() {
    let folder = folder();
    let (release, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let receiver = Receiver::answering(move |_, _| {
        held.lock().unwrap().recv().unwrap();
        Reply::Status(200)
    });
    json(folder.path(), &["webhooks", "endpoints", "add", &receiver.url()]);
    let service = Service::start(folder.path(), &[]);
    service.accept("open", &json!({"eventId": "e-1"}));
    receiver.wait_for(1);
    let mut late = half_sent(&service.address);

    service.terminate();
    wait_for("the end of listening", || {
        TcpStream::connect(&service.address).err()
    });
    late.write_all(br#": "e-2"}"#).unwrap();
    assert_eq!(answer(&mut late).status, 200);
    // The second one, for what was taken at the end: this service delivers it, or the next.
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert_eq!(service.ended(), Some(0));

    let info = json(folder.path(), &["store", "info"]);
    assert_eq!(info["events"], 2, "{info}");
    assert_eq!((&info["held"], &info["dead"]), (&json!(0), &json!(0)), "{info}");
    let next = Service::start(folder.path(), &[]);
    assert_eq!(next.settled()["done"], 2);
    assert_eq!(receiver.events(), ["e-1", "e-2"]);
    next.close();
    let verified = json(folder.path(), &["audit", "verify"]);
    assert_eq!(verified["signed"], verified["entries"]);
}

/// A request that the service has begun to read.
fn half_sent(address: &str) -> TcpStream {
    let body = r#"{"eventId": "e-2"}"#;
    let length = body.len().to_string();
    let headers = [("Content-Length", length.as_str()), ("Expect", "100-continue")];
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .write_all(head("POST", "/webhooks/open", &headers).as_bytes())
        .unwrap();
    let mut interim = [0; 25];
    socket.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(&body.as_bytes()[..10]).unwrap();
    socket
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = |more: &[&str]| {
        let mut command = trunkline(folder.path());
        command.args(["serve", "--listen", &address]).args(more);
        let output = command
            .envs([("CLIENT_ID", "x"), ("CLIENT_SECRET", "x")])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        stderr(&output)
    };
    let alone = said(&["--platform", "http://127.0.0.1:9"]);
    let wanted = format!("{address} can't be listened on; choose another with --listen");
    assert!(alone.contains(&wanted), "{alone}");
    assert!(alone.contains("because: Address already in use"), "{alone}");
    let port = taken.local_addr().unwrap().port();
    let with_center = said(&[]);
    assert!(
        with_center.contains(&format!("port {port} is in use already")),
        "{with_center}"
    );
}

#[test]
fn all_faults_of_the_configuration_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[serve]\nlisten = 'here'\nkeep_days = 0\nschedule = '5s, soon'\nkeep = 3\n\
        [[serve.source]]\nname = 'crm'\nsecrets = ['whsec_hunter2']\n\
        [[serve.source]]\nname = 'a b'\ntolerance_s = 0\n\
        [[serve.source]]\nname = 'crm'\n";
    fs::write(folder.path().join("trunkline.toml"), text).unwrap();
    let output = run(folder.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for fault in [
        "serve.keep is unknown",
        "serve.listen",
        "serve.keep_days",
        "serve.schedule wait 2 must be written like",
        "serve.source[0]: secrets[0]",
        "serve.source[1]: name must be",
        "serve.source[1].tolerance_s",
        "serve.source[2]: there is another source \"crm\"; give each its own name",
    ] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!folder.path().join("trunkline-data").exists());
}

#[test]
fn what_starts_it_wrongly_is_told_before_anything_is_made() {
    let folder = folder();
    let output = run(
        folder.path(),
        &["serve", "--listen", "127.0.0.1:0", "--allow-host", "http://x/"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("no host names or addresses: http://x/; write them without scheme and port"),
        "{}",
        stderr(&output)
    );
}
