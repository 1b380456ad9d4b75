//! Connections to addresses that others name: the guard over real sockets, and answers of which a part is enough.

use bytes::Bytes;
use client::{
    AnswerPart, FailureKind, Http, ReqwestHttp, any_host_config,
    guard::{Guard, allowed_hosts},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

fn guarded(guard: Guard) -> ReqwestHttp {
    ReqwestHttp::guarded(guard, any_host_config(None).unwrap()).unwrap()
}

fn post(url: &str) -> http::Request<Bytes> {
    http::Request::post(url)
        .extension(AnswerPart(5))
        .body(Bytes::from_static(b"{}"))
        .unwrap()
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut request, mut some) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n{}") {
        let read = stream.read(&mut some).await.unwrap();
        assert!(read > 0, "the request breaks off");
        request.extend_from_slice(&some[..read]);
    }
    stream
}

#[tokio::test]
async fn what_is_internal_is_refused_and_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let http = guarded(Guard::default());
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "127.1",
        "2130706433",
        "10.0.0.1",
    ] {
        let failure = http
            .execute(post(&format!("http://{host}:{port}/hook")))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused, "{host}: {failure}");
        assert!(failure.text.contains("internal address"), "{failure}");
        assert!(!failure.text.contains("/hook"), "{failure}");
    }
    // A connection would wait in the listener's queue.
    assert!(timeout(Duration::ZERO, listener.accept()).await.is_err());
}

#[tokio::test]
async fn hosts_that_the_configuration_names_are_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let http = guarded(Guard {
        hosts: allowed_hosts(&["localhost".to_owned()]).unwrap(),
        ..Guard::default()
    });
    let serve = async {
        let mut stream = accept(&listener).await;
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
    };
    let url = format!("http://localhost:{port}/hook");
    let (answer, ()) = tokio::join!(http.execute(post(&url)), serve);
    assert_eq!(answer.unwrap().status(), 204);
    let literal = http.execute(post(&format!("http://127.0.0.1:{port}/hook"))).await;
    assert_eq!(literal.unwrap_err().kind, FailureKind::Refused);
}

#[tokio::test]
async fn a_part_of_the_answer_is_enough() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    for (wire, wanted) in [
        // Longer than wanted, broken off, and never ending.
        (
            &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n012345678"[..],
            "01234",
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n012", "012"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense",
            "",
        ),
    ] {
        // A client of its own each: a connection whose answer was read to its end would be used again.
        let http = guarded(Guard {
            loopback: true,
            ..Guard::default()
        });
        let serve = async {
            let mut stream = accept(&listener).await;
            stream.write_all(wire).await.unwrap();
            stream
        };
        let (answer, _open) = tokio::join!(http.execute(post(&url)), serve);
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (200, wanted.as_bytes())
        );
    }
}
