//! The little that needs real sockets: reqwest, TLS, and the handshake over TCP.

use bytes::Bytes;
use client::{
    Admin, AnswerLimit, CallControl, Endpoint, FailureKind, Http, ReqwestHttp, SessionEvent, Transport,
};
use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use wire::callcontrol::Capability;

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Reads a request's head and writes `answer`.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await.unwrap();
        head.push(byte[0]);
    }
    stream.write_all(answer).await.unwrap();
    stream.shutdown().await.unwrap();
    String::from_utf8(head).unwrap()
}

fn get(url: &str) -> http::Request<Bytes> {
    http::Request::get(url)
        .extension(AnswerLimit(10))
        .body(Bytes::new())
        .unwrap()
}

#[tokio::test]
async fn an_answer_is_read_as_it_is() {
    let (listener, address) = listen().await;
    let http = ReqwestHttp::new(&Endpoint::new(&format!("http://{address}")).unwrap()).unwrap();
    let url = format!("http://{address}/x");
    for (wire, wanted) in [
        (
            &b"HTTP/1.1 302 Found\r\nlocation: /y\r\ncontent-length: 4\r\n\r\nmove"[..],
            Ok(302),
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789",
            Ok(200),
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n0123456789a",
            Err(FailureKind::TooLarge),
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n0123",
            Err(FailureKind::Broken),
        ),
        (b"", Err(FailureKind::Broken)),
    ] {
        let serve = async { answer(listener.accept().await.unwrap().0, wire).await };
        let (got, head) = tokio::join!(http.execute(get(&url)), serve);
        assert!(head.contains("user-agent: trunkline/"), "{head}");
        assert_eq!(
            got.map(|got| got.status().as_u16())
                .map_err(|failure| failure.kind),
            wanted
        );
    }
    drop(listener);
    let failure = http.execute(get(&url)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotConnected);
    assert!(!failure.text.contains("/x"), "{failure}");
}

#[tokio::test]
async fn a_call_is_controlled_over_tcp_and_again_after_a_drop() {
    let (listener, address) = listen().await;
    let endpoint = Endpoint::new(&format!("http://{address}")).unwrap();
    let http = Arc::new(ReqwestHttp::new(&endpoint).unwrap());
    let control = CallControl::new(Transport::with_bearer(http, endpoint, "t".into()).unwrap());
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = accept_async(stream).await.unwrap();
        peer.next().await.unwrap().unwrap();
        let connected = r#"{"event":"connected","callControlId":"c","session":{"ani":"1","dnis":"2","codec":"PCMA",
            "startedAt":"2026-11-21T09:30:00.000Z"}}"#;
        peer.send(Message::text(connected)).await.unwrap();
        peer
    };
    let call = "c".parse().unwrap();
    let (session, peer) = tokio::join!(control.connect(&call, [Capability::Play]), serve);
    let mut session = session.unwrap();
    drop(peer);
    let (stream, _) = listener.accept().await.unwrap();
    let mut peer = accept_async(stream).await.unwrap();
    let hello = peer.next().await.unwrap().unwrap();
    assert!(hello.to_text().unwrap().contains("callControlId"));
    let connected = r#"{"event":"connected","callControlId":"c","session":{"ani":"1","dnis":"2","codec":"PCMA",
        "startedAt":"2026-11-21T09:30:00.000Z"}}"#;
    peer.send(Message::text(connected)).await.unwrap();
    assert!(matches!(session.next().await, Some(SessionEvent::Reconnected)));
    let read_to_the_end = async { while let Some(Ok(_)) = peer.next().await {} };
    tokio::join!(session.close(), read_to_the_end);
}

#[tokio::test]
async fn the_whole_body_of_a_refused_handshake_is_read() {
    let (listener, address) = listen().await;
    let endpoint = Endpoint::new(&format!("http://{address}")).unwrap();
    let http = Arc::new(ReqwestHttp::new(&endpoint).unwrap());
    let control = CallControl::new(Transport::with_bearer(http, endpoint, "t".into()).unwrap());
    let body = format!(
        r#"{{"padding":"{}","status":403,"code":"forbidden","message":"no callcontrol:inbound","errors":[]}}"#,
        "x".repeat(90_000)
    );
    let wire = format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let serve = async { answer(listener.accept().await.unwrap().0, wire.as_bytes()).await };
    let call = "c".parse().unwrap();
    let (session, head) = tokio::join!(control.connect(&call, [Capability::Play]), serve);
    assert!(head.contains("sec-websocket-version: 13"), "{head}");
    let error = session.unwrap_err();
    assert!(error.to_string().contains("callcontrol:inbound"), "{error}");
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

impl Authority {
    fn acceptor(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

#[tokio::test]
async fn a_center_with_its_own_authority_is_trusted_only_when_told_so() {
    let (right, wrong) = (authority(), authority());
    let (listener, address) = listen().await;
    let acceptor = right.acceptor();
    let serve = tokio::spawn(async move {
        let mut heads = 0;
        while heads < 1 {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno").await;
                heads += 1;
            }
        }
    });
    let admin = |authority: &Authority| {
        let endpoint = Endpoint::new(&format!("https://{address}")).unwrap();
        Admin::connect(
            endpoint.with_authority(authority.pem.as_bytes()).unwrap(),
            "t".into(),
        )
        .unwrap()
    };
    let call = "c".parse().unwrap();
    let error = admin(&wrong).call(&call).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("give the certificate authority of the platform"),
        "{error}"
    );
    assert!(error.to_string().contains("attempts: 1"), "{error}");
    let error = admin(&right).call(&call).await.unwrap_err();
    assert_eq!(error.status(), Some(404), "{error}");
    serve.await.unwrap();
}
