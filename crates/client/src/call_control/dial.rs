//! From nothing to a controlled call: handshake, first frame, `connected`.

use crate::{
    attempts::late,
    error::Error,
    http::{BoxStream, FailureKind, HttpFailure},
    request::Request,
    transport::Transport,
};
use flow::retry::Policy;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};
use wire::callcontrol::{Event, Hello, Session};

/// The largest frame that is accepted from a platform.
pub(crate) const LARGEST_FRAME: usize = 1024 * 1024;
/// How long the platform may take for `connected`.
const CONNECTED_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a close frame may follow an `error` event.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) type Socket = WebSocketStream<BoxStream>;

/// Connects and says hello.
pub(crate) async fn dial(
    transport: &Transport,
    hello: &Hello,
    policy: Policy,
) -> Result<(Socket, Session), Error> {
    let request = Request::get(["api", "v2", "callcontrol", "websocket"]);
    let reply = transport.upgrade(&request, policy).await?;
    let broken = |failure| Error::Unreachable {
        host: transport.host(),
        attempts: 1,
        may_be_done: true,
        failure,
    };
    let no_stream = || {
        broken(HttpFailure::new(
            FailureKind::Broken,
            "there is no connection after the handshake",
        ))
    };
    let stream = reply.stream.ok_or_else(no_stream)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST_FRAME))
        .max_frame_size(Some(LARGEST_FRAME));
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await;
    let greeted = timeout(CONNECTED_TIMEOUT, greet(transport, hello, &mut socket)).await;
    let info = greeted.unwrap_or_else(|_| Err(broken(late("connected event", CONNECTED_TIMEOUT))))?;
    Ok((socket, info))
}

async fn greet(transport: &Transport, hello: &Hello, socket: &mut Socket) -> Result<Session, Error> {
    let broken = |text: String| Error::Unreachable {
        host: transport.host(),
        attempts: 1,
        may_be_done: true,
        failure: HttpFailure::new(FailureKind::Broken, text),
    };
    socket
        .send(Message::text(hello.to_json()))
        .await
        .map_err(|error| broken(error.to_string()))?;
    loop {
        let message = match socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(broken(error.to_string())),
            None => return Err(broken("the connection ended before the connected event".into())),
        };
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(Event::Connected {
                    call_control_id,
                    session,
                }) if call_control_id == hello.call => {
                    return Ok(session);
                }
                Ok(Event::Error { message, errors, .. }) => {
                    return Err(refused(hello, message, errors, close_code(socket).await));
                }
                _ => return Err(not_agreed(transport)),
            },
            Message::Close(Some(frame)) if is_final(&frame) => {
                let code = Some(frame.code.into());
                return Err(refused(hello, frame.reason.to_string(), Vec::new(), code));
            }
            Message::Close(_) => return Err(broken("the platform closed the connection".into())),
            Message::Binary(_) => return Err(not_agreed(transport)),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// Whether the platform ended the connection for good: done, refused, or its own fault.
pub(crate) fn is_final(frame: &CloseFrame) -> bool {
    matches!(u16::from(frame.code), 1000 | 1008 | 1011)
}

/// Whether a frame of the platform was larger than allowed.
pub(crate) fn is_too_large(error: &tungstenite::Error) -> bool {
    matches!(error, tungstenite::Error::Capacity(_))
}

async fn close_code(socket: &mut Socket) -> Option<u16> {
    let close = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.code.into());
            }
        }
        None
    };
    timeout(CLOSE_TIMEOUT, close).await.unwrap_or_default()
}

fn refused(hello: &Hello, message: String, errors: Vec<String>, close_code: Option<u16>) -> Error {
    let rest = errors
        .into_iter()
        .filter(|error| *error != message)
        .collect::<Vec<_>>();
    let texts: Vec<_> = std::iter::once(message.clone()).chain(rest).collect();
    Error::CallRefused {
        call: hello.call.clone(),
        message: texts.join("; "),
        close_code,
    }
}

fn not_agreed(transport: &Transport) -> Error {
    let what = "its first frame is neither this call's connected event nor an error";
    Error::BadAnswer {
        host: transport.host(),
        what: what.into(),
        correlation_id: None,
    }
}
