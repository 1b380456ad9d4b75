//! Uploads that are refused, each for what it is.

use super::{ASSETS, asset, form_of, get, tone, upload, wav};
use crate::support::{Answer, PATIENCE, Rig, send};
use reqwest::{Body, Method};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const MIB: usize = 1024 * 1024;

async fn sent(rig: &Rig, token: &str, kind: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = rig.request(Method::POST, ASSETS).bearer_auth(token);
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    send(request.body(body.into())).await
}

#[tokio::test]
async fn every_fault_of_a_file_is_told_and_nothing_of_it_is_kept() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut flac = b"fLaC\0\0\0\x22".to_vec();
    flac.extend([0; 34]);
    for (bytes, words) in [
        (tone(440.0, 44_100, 200), vec!["44100 Hz"]),
        (wav(44_100, 64, &[1; 6400]), vec!["44100 Hz"]),
        (wav(0, 1, &[1; 100]), vec!["0 Hz"]),
        (wav(8000, 1, &[]), vec!["no sound"]),
        (
            b"<!doctype html><html><body>404</body></html>".to_vec(),
            vec!["HTML"],
        ),
        (b"{\"error\":\"not found\"}".to_vec(), vec!["JSON"]),
        (Vec::new(), vec!["empty"]),
        (flac, vec![""]),
        (b"RIFF\0\0\0\0WAVE".to_vec(), vec![""]),
        (vec![0x55; 5000], vec![""]),
    ] {
        let refused = upload(&rig, &token, "welcome.mp3", &bytes).await;
        refused.refused(400, "bad_request");
        for word in words {
            assert!(refused.text.contains(word), "{word}: {}", refused.text);
        }
    }
    assert_eq!(get(&rig, &token, ASSETS).await.body["totalCount"], 0);
    let folder = std::fs::read_dir(rig.folder.path().join("data/media")).unwrap();
    let own = folder.map(|own| own.unwrap().path().join("assets"));
    let files = own.map(|own| std::fs::read_dir(own).unwrap().count());
    assert_eq!(files.collect::<Vec<_>>(), [0]);
}

#[tokio::test]
async fn what_is_no_form_with_a_file_is_refused_for_that() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let bytes = tone(440.0, 8000, 200);
    let form = Some("multipart/form-data; boundary=boundary-7");
    let text = |body: &str| body.replace('\n', "\r\n");
    sent(&rig, &token, None, bytes.clone())
        .await
        .refused(415, "unsupported_media_type");
    sent(&rig, &token, Some("audio/wav"), bytes.clone())
        .await
        .refused(415, "unsupported_media_type");
    sent(&rig, &token, Some("application/x-www-form-urlencoded"), "file=x")
        .await
        .refused(415, "unsupported_media_type");
    let no_boundary = sent(&rig, &token, Some("multipart/form-data"), bytes.clone()).await;
    no_boundary.refused(400, "bad_request").mentions("boundary");
    let other = text("--boundary-7\nContent-Disposition: form-data; name=\"sound\"\n\nx\n--boundary-7--\n");
    sent(&rig, &token, form, other)
        .await
        .refused(400, "bad_request")
        .mentions("no part named");
    let cut = form_of("a.wav", &bytes);
    sent(&rig, &token, form, cut[..cut.len() / 2].to_vec())
        .await
        .refused(400, "bad_request");
    let one = form_of("a.wav", &bytes);
    let two = [&one[..one.len() - "--boundary-7--\r\n".len()], &one].concat();
    sent(&rig, &token, form, two)
        .await
        .refused(400, "bad_request")
        .mentions("several parts");
    let part = "--boundary-7\nContent-Disposition: form-data; name=\"x\"\n\nx\n";
    let many = [text(&part.repeat(100)).as_bytes(), &form_of("a.wav", &bytes)].concat();
    sent(&rig, &token, form, many)
        .await
        .refused(400, "bad_request")
        .mentions("64 parts");
    // What stands beside the file does not matter.
    let beside = [text(part).as_bytes(), &form_of("a.wav", &bytes)].concat();
    assert_eq!(sent(&rig, &token, form, beside).await.status, 201);
}

#[tokio::test]
async fn what_is_too_large_is_refused_however_it_comes() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let form = Some("multipart/form-data; boundary=boundary-7");
    // Just fits: 2 MiB of silence that telephony takes.
    let fits = wav(8000, 1, &vec![1; (2 * MIB - 44) / 2]);
    assert_eq!(fits.len(), 2 * MIB);
    asset(&rig, &token, &fits).await;
    for size in [2 * MIB + 1, 3 * MIB, 5 * MIB] {
        let refused = upload(&rig, &token, "a.wav", &vec![0; size]).await;
        refused.refused(413, "too_large").mentions("2097152");
    }
    // A part beside the file that has no end.
    let head = b"--boundary-7\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n".to_vec();
    let beside = [head, vec![b'x'; 3 * MIB]].concat();
    sent(&rig, &token, form, beside).await.refused(413, "too_large");
    assert_eq!(get(&rig, &token, ASSETS).await.body["totalCount"], 1);
}

/// The head of an upload, and perhaps a piece of its body, over a bare connection; gives what is answered.
async fn begun(rig: &Rig, token: &str, headers: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(rig.center.addresses().http).await.unwrap();
    let head = format!(
        "POST {ASSETS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=boundary-7\r\n{headers}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    let mut answer = [0; 512];
    let read = timeout(PATIENCE, socket.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn the_answer_does_not_wait_for_what_is_too_large() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let clock = std::time::Instant::now();
    for headers in [
        "Content-Length: 9000000000",
        "Content-Length: 3000000\r\nExpect: 100-continue",
    ] {
        let answer = begun(&rig, &token, headers, b"").await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    // A length that is a lie: the file is longer than it may be, and the body goes on.
    let form = form_of("a.wav", &vec![0; 2 * MIB + 1000]);
    let begun_form = &form[..form.len() - 30];
    let chunk = [
        format!("{:x}\r\n", begun_form.len()).as_bytes(),
        begun_form,
        b"\r\n",
    ]
    .concat();
    let answer = begun(&rig, &token, "Transfer-Encoding: chunked", &chunk).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(clock.elapsed() < Duration::from_secs(10), "{:?}", clock.elapsed());
}

#[tokio::test]
async fn whoever_is_refused_at_the_door_sees_that_though_it_writes_all_before_it_reads() {
    let rig = Rig::start_with(|options| options.limits = "other=3/min".parse().unwrap()).await;
    let token = rig.token().await;
    let reads = rig.token_of(crate::support::ALICE, "media:read").await;
    let body = form_of("a.wav", &vec![0; 16 * MIB]);
    let length = format!("Content-Length: {}", body.len());
    let refused = async |token: &str, status: u16| {
        let answer = begun(&rig, token, &length, &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        answer
    };
    refused("nobody", 401).await;
    refused(&reads, 403).await;
    // Two tokens were asked for, so that one request is left.
    refused(&token, 413).await;
    let limited = refused(&token, 429).await;
    assert!(limited.contains("retry-after: "), "{limited}");
    let fault = r#"{"path":"/api/v2/media/assets","status":503,"retryAfterS":7}"#;
    let asked = rig.admin(Method::POST, "/center/v1/faults").body(fault);
    assert_eq!(send(asked).await.status, 204);
    let struck = refused(&token, 503).await;
    assert!(struck.contains("retry-after: 7"), "{struck}");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_though_nothing_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let full = crate::kept::full_store(folder.path()).await;
    let rig = Rig::start_with(|options| options.store = Some(full)).await;
    let token = rig.token().await;
    let with_bytes = async |bytes: &[u8]| upload(&rig, &token, "a.wav", bytes).await;
    with_bytes(&vec![0; 3 * MIB]).await.refused(413, "too_large");
    with_bytes(&tone(440.0, 44_100, 200))
        .await
        .refused(400, "bad_request");
    with_bytes(&tone(440.0, 8000, 200))
        .await
        .refused(503, "unavailable");
}
