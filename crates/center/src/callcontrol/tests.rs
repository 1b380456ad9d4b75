//! Silence and slowness, in virtual time, over a socket in memory.

use super::*;
use crate::{Center, Options, Tenant};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// Each wait ends with a whole millisecond.
const ROUNDING: Duration = Duration::from_millis(3);

/// A socket in memory. The test holds the other side.
struct Socket {
    incoming: mpsc::UnboundedReceiver<Message>,
    outgoing: mpsc::UnboundedSender<Message>,
    /// Whether what is written ever gets away.
    stuck: bool,
}

struct OtherSide {
    to_center: mpsc::UnboundedSender<Message>,
    from_center: mpsc::UnboundedReceiver<Message>,
}

fn socket() -> (Socket, OtherSide) {
    let (to_center, incoming) = mpsc::unbounded_channel();
    let (outgoing, from_center) = mpsc::unbounded_channel();
    let socket = Socket {
        incoming,
        outgoing,
        stuck: false,
    };
    let other = OtherSide {
        to_center,
        from_center,
    };
    (socket, other)
}

impl Stream for Socket {
    type Item = Result<Message, Infallible>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(cx).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for Socket {
    type Error = Infallible;
    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.stuck {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }
    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Infallible> {
        let _ = self.outgoing.send(message);
        Ok(())
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl OtherSide {
    fn say(&self, frame: Value) {
        self.to_center
            .send(Message::Text(frame.to_string().into()))
            .unwrap();
    }

    /// What was said so far, and the code of the close frame.
    fn heard(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut events = Vec::new();
        let mut code = None;
        while let Ok(message) = self.from_center.try_recv() {
            match message {
                Message::Text(text) => events.push(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => code = frame.map(|frame| frame.code),
                _ => {}
            }
        }
        (events, code)
    }
}

async fn center() -> (Center, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::local(folder.path().to_owned(), Tenant::small());
    let mut center = Center::start(options).await.unwrap();
    center.timers.take().unwrap().abort();
    center.compiling.take().unwrap().abort();
    center.ticking.take().unwrap().abort();
    // Virtual only from here on: a database is opened in real time.
    tokio::time::pause();
    (center, folder)
}

fn bearer() -> Bearer {
    Bearer {
        client: "alice".parse().unwrap(),
        scopes: wire::oauth::Scopes::all(),
    }
}

#[tokio::test]
async fn who_says_nothing_for_ten_seconds_is_refused() {
    let (center, _folder) = center().await;
    let (socket, mut other) = socket();
    // A ping is no first frame.
    other.to_center.send(Message::Ping(Default::default())).unwrap();
    let begun = Instant::now();
    serve(center.app.clone(), bearer(), "order-7".parse().unwrap(), socket).await;
    let (lasted, due) = (begun.elapsed(), HELLO_TIMEOUT + CLOSE_PATIENCE);
    assert!((due..=due + ROUNDING).contains(&lasted), "{lasted:?}");
    let (events, code) = other.heard();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event"], "error");
    assert!(
        events[0]["message"].as_str().unwrap().contains("10 s"),
        "{events:?}"
    );
    assert_eq!(code, Some(POLICY));
}

#[tokio::test]
async fn a_controller_that_answers_no_ping_is_gone() {
    let (center, _folder) = center().await;
    let (socket, mut other) = socket();
    other.say(json!({"callControlId": "on-demand", "capabilities": ["play"]}));
    let begun = Instant::now();
    serve(center.app.clone(), bearer(), "order-7".parse().unwrap(), socket).await;
    let lasted = begun.elapsed();
    assert!(
        (GONE_AFTER..=GONE_AFTER + PING_EVERY + CLOSE_PATIENCE + ROUNDING).contains(&lasted),
        "{lasted:?}"
    );
    let (events, code) = other.heard();
    assert_eq!(events[0]["event"], "connected");
    assert_eq!((events.len(), code), (1, None));
    let call = center.app.switch.record("on-demand".parse().unwrap()).await;
    assert_eq!(call.unwrap().unwrap().state, wire::calls::CallState::Orphaned);
}

#[tokio::test]
async fn a_controller_that_answers_pings_stays() {
    let (center, _folder) = center().await;
    let (socket, other) = socket();
    other.say(json!({"callControlId": "on-demand", "capabilities": ["play"]}));
    let app = center.app.clone();
    let session = tokio::spawn(serve(app, bearer(), "order-7".parse().unwrap(), socket));
    for _ in 0..30 {
        tokio::time::sleep(PING_EVERY).await;
        other.to_center.send(Message::Pong(Default::default())).unwrap();
    }
    assert!(!session.is_finished());
    drop(other);
    session.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_takes_nothing_is_given_up() {
    let (center, _folder) = center().await;
    let (mut socket, other) = socket();
    socket.stuck = true;
    other.say(json!({"callControlId": "on-demand", "capabilities": ["play"]}));
    let begun = Instant::now();
    serve(center.app.clone(), bearer(), "order-7".parse().unwrap(), socket).await;
    let lasted = begun.elapsed();
    assert!(lasted <= WRITE_PATIENCE + CLOSE_PATIENCE + ROUNDING, "{lasted:?}");
    let call = center.app.switch.record("on-demand".parse().unwrap()).await;
    assert_eq!(call.unwrap().unwrap().state, wire::calls::CallState::Orphaned);
}

#[test]
fn a_close_reason_fits_and_is_whole_text() {
    assert_eq!(close_reason("short"), "short");
    let reason = close_reason(&"ü".repeat(100));
    assert_eq!(reason, "ü".repeat(61));
}
