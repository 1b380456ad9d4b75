//! Call control over streams in memory, in virtual time.

use crate::support::{Watch, rig, seconds};
use bytes::Bytes;
use client::{
    BoxStream, CallControl, CallSession, Error, FailureKind, LostReason, SessionEvent,
    testing::{Reply, ScriptedHttp},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, Role},
    },
};
use wire::{
    callcontrol::{Capability, Command, CommandFrame, Event, HangupCause, Hello},
    ids::CallId,
};

/// The platform's side of the connections that the client makes.
struct Center {
    http: Arc<ScriptedHttp>,
    streams: mpsc::UnboundedReceiver<DuplexStream>,
}

type Peer = WebSocketStream<DuplexStream>;

/// A platform that switches protocols, unless `script` has another answer to the handshake of that number.
fn center(
    mut script: impl FnMut(usize, &http::Request<Bytes>) -> Answer + Send + 'static,
) -> (Center, CallControl) {
    let (sender, streams) = mpsc::unbounded_channel();
    let (http, transport) = rig(move |number, request| {
        let delay = match script(number, request) {
            Answer::Other(reply) => return reply,
            Answer::Switch(delay) => delay,
        };
        let (ours, theirs) = duplex(64 * 1024);
        sender.send(ours).unwrap();
        Reply::switch(Box::new(theirs) as BoxStream).after(delay)
    });
    (Center { http, streams }, CallControl::new(transport))
}

enum Answer {
    Switch(Duration),
    Other(Reply),
}

const SWITCH: Answer = Answer::Switch(Duration::ZERO);

impl Center {
    async fn accept(&mut self) -> Peer {
        let stream = self.streams.recv().await.unwrap();
        WebSocketStream::from_raw_socket(stream, Role::Server, None).await
    }

    /// Accepts a connection up to `connected`.
    async fn answer(&mut self) -> Peer {
        let mut peer = self.accept().await;
        let hello = Hello::parse(&text(&mut peer).await).unwrap();
        assert_eq!((hello.call, hello.capabilities.len()), (call(), 2));
        peer.send(Message::text(connected())).await.unwrap();
        peer
    }

    fn handshakes(&self) -> usize {
        self.http.seen_at("/api/v2/callcontrol/websocket").len()
    }
}

fn call() -> CallId {
    "call-1".parse().unwrap()
}

fn connected() -> String {
    json!({"event": "connected", "callControlId": "call-1", "session": {
        "ani": "+1555", "dnis": "+1800", "codec": "PCMU", "startedAt": "2026-11-21T09:30:00.000Z"}})
    .to_string()
}

fn digit(digit: &str) -> Message {
    Message::text(json!({"event": "dtmf", "digit": digit, "durationMs": 80}).to_string())
}

fn hangup() -> Message {
    Message::text(json!({"event": "hangup", "cause": "caller_hangup"}).to_string())
}

fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame {
        code: code.into(),
        reason: reason.into(),
    }))
}

/// The next text that the client sends.
async fn text(peer: &mut Peer) -> String {
    loop {
        if let Message::Text(text) = peer.next().await.unwrap().unwrap() {
            return text.to_string();
        }
    }
}

fn stop() -> CommandFrame {
    command(Command::Stop)
}

fn command(command: Command) -> CommandFrame {
    CommandFrame {
        command_id: None,
        command,
    }
}

async fn connect(control: &CallControl) -> Result<CallSession, Error> {
    control
        .connect(&call(), [Capability::Play, Capability::Dtmf])
        .await
}

async fn pair(center: &mut Center, control: &CallControl) -> (CallSession, Peer) {
    let (session, peer) = tokio::join!(connect(control), center.answer());
    (session.unwrap(), peer)
}

fn key(event: Option<SessionEvent>) -> char {
    match event {
        Some(SessionEvent::Event(Event::Dtmf { digit, .. })) => digit.sign(),
        other => panic!("{other:?}"),
    }
}

async fn lost(session: &mut CallSession) -> LostReason {
    match session.next().await {
        Some(SessionEvent::Lost(reason)) => {
            assert!(session.next().await.is_none());
            assert!(session.send(stop()).await.is_err());
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_controlled_to_its_end() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, mut peer) = pair(&mut center, &control).await;
    assert_eq!(session.session().ani.as_str(), "+1555");
    let handshake = &center.http.seen_at("websocket")[0];
    assert_eq!(handshake.header("authorization"), "Bearer token-1");
    assert_eq!(handshake.header("upgrade"), "websocket");

    session.send(stop()).await.unwrap();
    assert_eq!(
        CommandFrame::parse(&text(&mut peer).await, &call()).unwrap(),
        stop()
    );
    peer.send(Message::Ping(Bytes::from_static(b"hi"))).await.unwrap();
    peer.send(Message::text(r#"{"event":"from_the_future"}"#))
        .await
        .unwrap();
    peer.send(digit("7")).await.unwrap();
    assert_eq!(key(session.next().await), '7');
    assert_eq!(
        peer.next().await.unwrap().unwrap(),
        Message::Pong(Bytes::from_static(b"hi"))
    );

    peer.send(hangup()).await.unwrap();
    peer.close(None).await.unwrap();
    let last = session.next().await;
    assert!(
        matches!(
            last,
            Some(SessionEvent::Event(Event::Hangup {
                cause: HangupCause::Caller,
                ..
            }))
        ),
        "{last:?}"
    );
    assert!(session.next().await.is_none());
    assert_eq!(center.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_call_is_the_end_even_without_a_close() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, mut peer) = pair(&mut center, &control).await;
    peer.send(hangup()).await.unwrap();
    assert!(session.next().await.is_some());
    let watch = Watch::start();
    assert!(session.next().await.is_none());
    assert!(watch.ms() <= 2002, "{}", watch.ms());
    assert_eq!(center.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_in_the_handshake() {
    let (mut center, control) = center(|_, request| match request.headers()["authorization"].to_str() {
        Ok("Bearer token-2") => SWITCH,
        _ => Answer::Other(Reply::answer(401, "")),
    });
    pair(&mut center, &control).await;
    assert_eq!((center.handshakes(), center.http.seen_at("token").len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_lacking_scope_is_named_by_the_platforms_own_words() {
    let body =
        r#"{"status":403,"code":"forbidden","message":"the token lacks callcontrol:inbound","errors":[]}"#;
    let (center, control) = center(move |_, _| Answer::Other(Reply::answer(403, body)));
    let error = connect(&control).await.unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert!(
        error
            .to_string()
            .contains("the token lacks callcontrol:inbound; grant"),
        "{error}"
    );
    assert_eq!(center.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_platform_is_asked_again() {
    let (mut center, control) = center(|number, _| match number {
        1 => Answer::Other(Reply::answer(503, "").with_header("retry-after", "2")),
        2 => Answer::Other(Reply::fail(FailureKind::NotConnected)),
        _ => SWITCH,
    });
    pair(&mut center, &control).await;
    assert_eq!(center.handshakes(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_call_is_refused_with_all_faults() {
    let (mut center, control) = center(|_, _| SWITCH);
    let refuse = async {
        let mut peer = center.accept().await;
        text(&mut peer).await;
        let error =
            json!({"event": "error", "message": "no such call", "errors": ["no such call", "also this"]});
        peer.send(Message::text(error.to_string())).await.unwrap();
        peer.send(close(1008, "policy")).await.unwrap();
        peer
    };
    let (session, _peer) = tokio::join!(connect(&control), refuse);
    let error = session.unwrap_err();
    assert!(
        matches!(
            error,
            Error::CallRefused {
                close_code: Some(1008),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "the call call-1 can't be controlled: no such call; also this; check the call's id, that it is live, and the \
         capabilities asked for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_does_not_answer_the_hello_is_left() {
    let (mut center, control) = center(|_, _| SWITCH);
    let watch = Watch::start();
    let (session, _peer) = tokio::join!(connect(&control), center.accept());
    let error = session.unwrap_err();
    assert!(
        error.to_string().contains("no connected event within 10.0 s"),
        "{error}"
    );
    assert!((10_000..=10_002).contains(&watch.ms()), "{}", watch.ms());
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_made_again_and_waiting_commands_go_out() {
    let (mut center, control) = center(|number, _| match number {
        1 => SWITCH,
        2 | 3 => Answer::Other(Reply::fail(FailureKind::NotConnected)),
        _ => Answer::Switch(Duration::from_millis(700)),
    });
    let (mut session, peer) = pair(&mut center, &control).await;
    drop(peer);
    sleep(Duration::from_millis(10)).await;
    let targets = ["ext:one", "ext:two", "ext:three"];
    for target in targets {
        session
            .send(command(Command::Transfer(target.parse().unwrap())))
            .await
            .unwrap();
    }
    let mut peer = center.answer().await;
    for target in targets {
        let frame = CommandFrame::parse(&text(&mut peer).await, &call()).unwrap();
        assert_eq!(frame.command, Command::Transfer(target.parse().unwrap()));
    }
    peer.send(digit("5")).await.unwrap();
    assert!(matches!(session.next().await, Some(SessionEvent::Reconnected)));
    assert_eq!(key(session.next().await), '5');
    assert_eq!(center.handshakes(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_first_try_is_at_once() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, peer) = pair(&mut center, &control).await;
    let watch = Watch::start();
    drop(peer);
    let _peer = center.answer().await;
    assert!(matches!(session.next().await, Some(SessionEvent::Reconnected)));
    assert!(watch.ms() <= 2, "{}", watch.ms());
}

#[tokio::test(start_paused = true)]
async fn it_is_given_up_when_the_grace_is_over() {
    for reply in [
        || Reply::fail(FailureKind::NotConnected),
        Reply::nothing,
        || Reply::answer(503, ""),
    ] {
        let (mut center, control) = center(move |number, _| match number {
            1 => SWITCH,
            _ => Answer::Other(reply()),
        });
        let (mut session, peer) = pair(&mut center, &control).await;
        let watch = Watch::start();
        drop(peer);
        let reason = lost(&mut session).await;
        assert!(matches!(reason, LostReason::TooLate { .. }), "{reason}");
        assert!((3900..=5002).contains(&watch.ms()), "{}", watch.ms());
        assert!(center.handshakes() <= 16, "{}", center.handshakes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_only_drops_connections_is_given_up() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, peer) = pair(&mut center, &control).await;
    let watch = Watch::start();
    drop(peer);
    let mut times = 0;
    let reason = loop {
        tokio::select! {
            event = session.next() => match event {
                Some(SessionEvent::Reconnected) => {}
                Some(SessionEvent::Lost(reason)) => break reason,
                other => panic!("{other:?}"),
            },
            peer = center.answer() => {
                times += 1;
                drop(peer);
            }
        }
    };
    assert!(matches!(reason, LostReason::TooLate { .. }), "{reason}");
    assert!(
        (3900..=5002).contains(&watch.ms()) && times <= 16,
        "{} {times}",
        watch.ms()
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_given_back_is_lost_at_once() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, peer) = pair(&mut center, &control).await;
    drop(peer);
    let refuse = async {
        let mut peer = center.accept().await;
        text(&mut peer).await;
        peer.send(close(1008, "the call has ended")).await.unwrap();
        peer
    };
    let (reason, _peer) = tokio::join!(lost(&mut session), refuse);
    assert!(matches!(&reason, LostReason::Refused(_)), "{reason}");
    assert!(reason.to_string().contains("the call has ended"), "{reason}");
    assert_eq!(center.handshakes(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_vanishes_is_noticed() {
    let (mut center, control) = center(|_, _| SWITCH);
    // The connection stays, but nobody reads or writes it any more.
    let (mut session, _vanished) = pair(&mut center, &control).await;
    let watch = Watch::start();
    let _peer = center.answer().await;
    assert!(matches!(session.next().await, Some(SessionEvent::Reconnected)));
    assert!((5000..=7000).contains(&watch.ms()), "{}", watch.ms());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_is_kept() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, mut peer) = pair(&mut center, &control).await;
    let answer_pings = async { while let Some(Ok(_)) = peer.next().await {} };
    tokio::select! {
        event = session.next() => panic!("{event:?}"),
        () = answer_pings => panic!("closed"),
        () = sleep(seconds(120)) => {}
    }
    assert_eq!(center.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_close_for_good_is_the_end() {
    for code in [1000, 1008, 1011] {
        let (mut center, control) = center(|_, _| SWITCH);
        let (mut session, mut peer) = pair(&mut center, &control).await;
        peer.send(close(code, "why")).await.unwrap();
        let reason = lost(&mut session).await;
        assert!(
            matches!(&reason, LostReason::Closed { code: got, reason } if *got == code && reason == "why"),
            "{reason}"
        );
        assert_eq!(center.handshakes(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_restarts_is_connected_again() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, mut peer) = pair(&mut center, &control).await;
    peer.send(close(1012, "restart")).await.unwrap();
    let _peer = center.answer().await;
    assert!(matches!(session.next().await, Some(SessionEvent::Reconnected)));
}

#[tokio::test(start_paused = true)]
async fn a_frame_over_a_mebibyte_is_refused() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, mut peer) = pair(&mut center, &control).await;
    let flood = tokio::spawn(async move { peer.send(Message::text("x".repeat(1024 * 1024 + 1))).await });
    let reason = lost(&mut session).await;
    assert!(matches!(reason, LostReason::TooLarge(_)), "{reason}");
    flood.abort();
    assert_eq!(center.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_session_loses_nothing_and_its_commands_go_out() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, peer) = pair(&mut center, &control).await;
    let serve = tokio::spawn(async move {
        let (mut sink, mut stream) = peer.split();
        let flood = async {
            for at in 0..1000 {
                sink.send(digit(&(at % 10).to_string())).await.unwrap();
            }
            sink
        };
        let count = async {
            let mut commands = 0;
            while commands < 500 {
                commands += usize::from(matches!(stream.next().await, Some(Ok(Message::Text(_)))));
            }
            stream
        };
        tokio::join!(flood, count)
    });
    // Nothing is taken while many times the queue's length is sent, for longer than a silence would last.
    for _ in 0..500 {
        session.send(stop()).await.unwrap();
    }
    sleep(seconds(20)).await;
    for at in 0..1000_u32 {
        assert_eq!(key(session.next().await).to_digit(10), Some(at % 10));
    }
    let _peer = serve.await.unwrap();
    assert_eq!(center.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_an_event_can_be_cancelled() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (mut session, mut peer) = pair(&mut center, &control).await;
    let feed = tokio::spawn(async move {
        for at in 0..9 {
            sleep(Duration::from_millis(7)).await;
            peer.send(digit(&at.to_string())).await.unwrap();
        }
        peer
    });
    let mut keys = String::new();
    while keys.len() < 9 {
        if let Ok(event) = timeout(Duration::from_millis(2), session.next()).await {
            keys.push(key(event));
        }
    }
    assert_eq!(keys, "012345678");
    feed.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_the_session_is_dropped_goes_out() {
    let (mut center, control) = center(|_, _| SWITCH);
    let (session, mut peer) = pair(&mut center, &control).await;
    let commands = session.commands();
    session.send(stop()).await.unwrap();
    commands.send(command(Command::Hangup)).await.unwrap();
    let (closed, ()) = tokio::join!(
        async {
            let (one, other) = (text(&mut peer).await, text(&mut peer).await);
            assert!(one.contains("stop") && other.contains("hangup"), "{one} {other}");
            matches!(peer.next().await, Some(Ok(Message::Close(_))))
        },
        session.close()
    );
    assert!(closed);
    assert!(commands.send(stop()).await.is_err());
    assert_eq!(center.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hangup_that_waits_for_the_connection_goes_out_after_the_drop() {
    let (mut center, control) = center(|number, _| match number {
        1 => SWITCH,
        _ => Answer::Switch(seconds(1)),
    });
    let (session, peer) = pair(&mut center, &control).await;
    drop(peer);
    sleep(Duration::from_millis(10)).await;
    session.send(command(Command::Hangup)).await.unwrap();
    drop(session);
    let mut peer = center.answer().await;
    assert!(text(&mut peer).await.contains("hangup"));
}
