//! The task that owns a session's socket.

use super::{
    dial::{LARGEST_FRAME, Socket, dial, is_final, is_too_large},
    session::{CallSession, LostReason, SessionEvent},
};
use crate::{error::Error, transport::Transport};
use flow::{
    Moment,
    reconnect::{Next, Reconnect},
    retry::Policy,
};
use futures_util::{SinkExt, StreamExt};
use std::{collections::VecDeque, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};
use wire::callcontrol::{CommandFrame, Event, Hello, Session};

const COMMAND_QUEUE: usize = 64;
const EVENT_QUEUE: usize = 256;
/// How often the platform is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(2);
/// A connection that was silent for so long is lost, as a machine that lost its power sends no end.
const SILENCE: Duration = Duration::from_secs(5);
/// How long a write, or the platform's close after the call's end, may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Driver {
    transport: Transport,
    hello: Hello,
    zero: Instant,
    commands: mpsc::Receiver<CommandFrame>,
    events: mpsc::Sender<SessionEvent>,
    /// Events that the session has not taken. While there are any, nothing more is read.
    pending: VecDeque<SessionEvent>,
    /// A command whose write failed; it goes first on the next connection.
    unsent: Option<CommandFrame>,
    /// The call's last event came: the time by which the connection is closed.
    over: Option<Instant>,
}

/// How a connection ended.
enum End {
    /// The session was dropped.
    Dropped,
    /// The call is over.
    Over,
    /// For good.
    Lost(LostReason),
    /// Without a word.
    Broken(String),
}

impl Driver {
    pub(super) fn start(transport: Transport, hello: Hello, socket: Socket, info: Session) -> CallSession {
        let (commands, command_queue) = mpsc::channel(COMMAND_QUEUE);
        let (event_queue, events) = mpsc::channel(EVENT_QUEUE);
        let driver = Driver {
            transport,
            hello,
            zero: Instant::now(),
            commands: command_queue,
            events: event_queue,
            pending: VecDeque::new(),
            unsent: None,
            over: None,
        };
        let task = tokio::spawn(driver.run(socket));
        CallSession {
            info,
            commands,
            events,
            task,
        }
    }

    async fn run(mut self, mut socket: Socket) {
        let mut tries = None::<Reconnect>;
        loop {
            let begun = self.now();
            let lost = match self.serve(&mut socket).await {
                End::Dropped => return self.leave(&mut socket).await,
                End::Over => break,
                End::Lost(reason) => reason,
                End::Broken(how) => {
                    let now = self.now();
                    let reconnect = tries
                        .take()
                        .map_or(Reconnect::new(now), |tries| tries.again(now.since(begun), now));
                    match self.reconnect(tries.insert(reconnect), how).await {
                        Ok(Some(again)) => {
                            socket = again;
                            self.pending.push_back(SessionEvent::Reconnected);
                            continue;
                        }
                        Ok(None) => return,
                        Err(reason) => reason,
                    }
                }
            };
            tracing::debug!(call = %self.hello.call, reason = %lost, "the connection of a call is gone");
            self.pending.push_back(SessionEvent::Lost(lost));
            break;
        }
        // First, so that nobody waits to send a command while this waits for an event to be taken.
        self.commands.close();
        drop(socket);
        while let Some(event) = self.pending.pop_front() {
            if self.events.send(event).await.is_err() {
                return;
            }
        }
    }

    /// Serves one connection to its end.
    async fn serve(&mut self, socket: &mut Socket) -> End {
        let mut heard = Instant::now();
        let mut ping = heard + PING_EVERY;
        let events = self.events.clone();
        loop {
            if let Some(command) = self.unsent.take()
                && let Err(how) = self.write(socket, command).await
            {
                return self.broken(how);
            }
            tokio::select! {
                permit = events.reserve(), if !self.pending.is_empty() => match (permit, self.pending.pop_front()) {
                    (Ok(permit), Some(event)) => permit.send(event),
                    _ => return End::Dropped,
                },
                () = events.closed(), if self.pending.is_empty() => return End::Dropped,
                message = socket.next(), if self.pending.is_empty() => {
                    heard = Instant::now();
                    if let Some(end) = self.read(message) {
                        return end;
                    }
                }
                Some(command) = self.commands.recv() => self.unsent = Some(command),
                () = sleep_until(self.over.unwrap_or(ping).min(ping)) => {
                    if !self.pending.is_empty() {
                        // The session is slow, not the platform.
                        heard = Instant::now();
                    }
                    if let Err(end) = self.tick(socket, heard).await {
                        return end;
                    }
                    ping = Instant::now() + PING_EVERY;
                }
            }
        }
    }

    /// Asks the platform for a sign of life, unless the last one is too old.
    async fn tick(&self, socket: &mut Socket, heard: Instant) -> Result<(), End> {
        if self.over.is_some_and(|over| over <= Instant::now()) {
            return Err(End::Over);
        }
        if heard.elapsed() >= SILENCE {
            return Err(self.broken(format!("the platform was silent for {} s", SILENCE.as_secs())));
        }
        send(socket, Message::Ping(bytes::Bytes::new()))
            .await
            .map_err(|how| self.broken(how))
    }

    fn read(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Option<End> {
        match message {
            Some(Ok(Message::Text(text))) => {
                match serde_json::from_str::<Event>(&text) {
                    Ok(event) => self.take(event),
                    // A later platform may say more. The text may be personal, so it is not logged.
                    Err(_) => tracing::warn!(bytes = text.len(), "an event of the platform is not known"),
                }
                None
            }
            Some(Ok(Message::Close(frame))) => Some(self.closed(frame)),
            Some(Ok(_)) => None,
            Some(Err(error)) if is_too_large(&error) => Some(End::Lost(LostReason::TooLarge(LARGEST_FRAME))),
            Some(Err(error)) => Some(self.broken(error.to_string())),
            None => Some(self.broken("the connection ended".into())),
        }
    }

    fn take(&mut self, event: Event) {
        if matches!(event, Event::Hangup { .. } | Event::Transferred { .. }) {
            self.over = Some(Instant::now() + PATIENCE);
        }
        self.pending.push_back(SessionEvent::Event(event));
    }

    fn closed(&self, frame: Option<CloseFrame>) -> End {
        match frame {
            _ if self.over.is_some() => End::Over,
            Some(frame) if is_final(&frame) => End::Lost(LostReason::Closed {
                code: frame.code.into(),
                reason: frame.reason.to_string(),
            }),
            Some(frame) => End::Broken(format!(
                "the platform closed the connection ({})",
                u16::from(frame.code)
            )),
            None => End::Broken("the platform closed the connection".into()),
        }
    }

    fn broken(&self, how: String) -> End {
        if self.over.is_some() {
            End::Over
        } else {
            End::Broken(how)
        }
    }

    /// Writes a command; one that could not be written whole is kept, since the platform can't have done it.
    async fn write(&mut self, socket: &mut Socket, command: CommandFrame) -> Result<(), String> {
        let frame = command.to_json(&self.hello.call);
        let written = send(socket, Message::text(frame)).await;
        if written.is_err() {
            self.unsent = Some(command);
        }
        written
    }

    /// Gets the call back; `None` when nobody wants it any more.
    async fn reconnect(
        &mut self,
        reconnect: &mut Reconnect,
        mut last: String,
    ) -> Result<Option<Socket>, LostReason> {
        tracing::info!(call = %self.hello.call, how = %last, "the connection of a call is lost; connecting again");
        loop {
            let Next::TryAfter(wait) = reconnect.next(self.now(), rand::random()) else {
                return Err(LostReason::TooLate {
                    tries: reconnect.tries(),
                    last,
                });
            };
            sleep(wait).await;
            // A hangup that waits must still go out; without commands, nobody misses the call.
            if self.events.is_closed() && self.commands.is_empty() && self.unsent.is_none() {
                return Ok(None);
            }
            let left = reconnect.left(self.now());
            let dialled = timeout(left, dial(&self.transport, &self.hello, Policy::single(left))).await;
            match dialled {
                Ok(Ok((socket, _))) => return Ok(Some(socket)),
                Ok(Err(error)) if worth_another_try(&error) => last = error.to_string(),
                Ok(Err(error)) => return Err(LostReason::Refused(Box::new(error))),
                Err(_) => last = "the platform does not answer".into(),
            }
        }
    }

    fn now(&self) -> Moment {
        Moment::at(self.zero.elapsed())
    }

    /// Sends what was sent before the session was dropped, and says goodbye.
    async fn leave(&mut self, socket: &mut Socket) {
        self.commands.close();
        let goodbye = async {
            while let Some(command) = self.unsent.take().or_else(|| self.commands.try_recv().ok()) {
                socket
                    .send(Message::text(command.to_json(&self.hello.call)))
                    .await?;
            }
            socket.close(None).await?;
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() {
                    break;
                }
            }
            Ok::<(), tungstenite::Error>(())
        };
        if !matches!(timeout(PATIENCE, goodbye).await, Ok(Ok(()))) {
            tracing::debug!(call = %self.hello.call, "the connection of a call was not closed in order");
        }
    }
}

/// The platform being away or busy passes; all else would be the same again.
fn worth_another_try(error: &Error) -> bool {
    !matches!(error, Error::CallRefused { .. }) && error.is_passing()
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), String> {
    match timeout(PATIENCE, socket.send(message)).await {
        Ok(sent) => sent.map_err(|error| error.to_string()),
        Err(_) => Err("the platform takes no more".into()),
    }
}
