//! The call-control WebSocket (contract section 4): one session per connection.

use crate::{
    admin,
    app::App,
    calls,
    keeping::Placed,
    switch::{AttachError, ToController},
    tokens::Bearer,
};
use axum::{
    Extension,
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocketUpgrade},
    },
    response::{IntoResponse, Response},
};
use flow::{
    Moment,
    call::{Controller, ControllerId, Left, leg::Sound},
};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use governor::{DefaultDirectRateLimiter, Quota};
use http::StatusCode;
use server::Refusal;
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};
use wire::{
    Faults,
    callcontrol::{AudioSource, Command, CommandFrame, Event, Hello, check_frame_size},
    ids::{CallId, CorrelationId, FlowId},
    limits::{HELLO_TIMEOUT, MAX_CONTROL_FRAME_BYTES},
};

/// What is read of a frame at the most, so that one that is too large can still be answered.
const MOST_READ_BYTES: usize = 4 * MAX_CONTROL_FRAME_BYTES;
/// What a connection holds in memory for each direction. A frame of the caller's voice is 300 bytes.
const BUFFER_BYTES: usize = 4 * 1024;
/// Most controllers at a time.
const MAX_CONTROLLERS: usize = 10_000;
/// Events that wait for a slow connection; then it is given up.
const EVENT_QUEUE: usize = 256;
/// Frames a second that a controller may send, and how many at once.
const FRAMES_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();
const FRAMES_AT_ONCE: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// How often a quiet connection is probed, and after what silence it counts as gone.
const PING_EVERY: Duration = Duration::from_secs(1);
const GONE_AFTER: Duration = Duration::from_millis(3500);
/// How long one frame may take to be written.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// How long the other side has for its half of the closing handshake.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

const NORMAL: u16 = 1000;
const POLICY: u16 = 1008;
const CENTER_FAULT: u16 = 1011;

/// `GET /api/v2/callcontrol/websocket`.
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    Extension(bearer): Extension<Bearer>,
    Extension(correlation): Extension<CorrelationId>,
    socket: WebSocketUpgrade,
) -> Response {
    let tracker = app.upgraded.clone();
    if tracker.len() >= MAX_CONTROLLERS {
        return Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the center takes no more controllers",
        )
        .into_response();
    }
    socket
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(MOST_READ_BYTES)
        .max_frame_size(MOST_READ_BYTES)
        .on_upgrade(move |socket| tracker.track_future(Box::pin(serve(app, bearer, correlation, socket))))
}

/// Why a connection is closed by the center.
struct Farewell {
    code: u16,
    faults: Option<Faults>,
    /// Nothing more can be read, so the other side's close will not be seen.
    unreadable: bool,
}

impl Farewell {
    fn new(code: u16, faults: Option<Faults>) -> Self {
        Self {
            code,
            faults,
            unreadable: false,
        }
    }

    fn faults(faults: Faults) -> Self {
        Self::new(POLICY, Some(faults))
    }

    fn policy(reason: impl Into<String>) -> Self {
        Self::faults(Faults::one(reason))
    }

    fn center_fault(reason: impl Into<String>) -> Self {
        Self::new(CENTER_FAULT, Some(Faults::one(reason)))
    }
}

/// What a session ends with: something to say, or nobody there to say it to.
type Ending = Option<Farewell>;

/// A session has no other end than an [`Ending`].
type Never = std::convert::Infallible;

async fn serve<S, E>(app: Arc<App>, bearer: Bearer, correlation: CorrelationId, mut socket: S)
where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
{
    let ending = match greet(&app, &bearer, correlation, &mut socket).await {
        Ok((call, flow, id, events)) => {
            let mut session = Session {
                app: &app,
                call,
                flow,
                id,
                last_heard: Instant::now(),
                left: Left::Lost,
            };
            let Err(ending) = session.run(&mut socket, events).await;
            session.detach();
            ending
        }
        Err(ending) => ending,
    };
    match ending {
        Some(farewell) => close(&mut socket, farewell).await,
        // The other side closed: reading on sends our half of the closing handshake.
        None => until_closed(&mut socket).await,
    }
}

type Greeted = (CallId, Option<FlowId>, ControllerId, mpsc::Receiver<ToController>);

/// Reads the first frame and gives the controller its call.
async fn greet<S, E>(
    app: &Arc<App>,
    bearer: &Bearer,
    correlation: CorrelationId,
    socket: &mut S,
) -> Result<Greeted, Ending>
where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
{
    let first = tokio::select! {
        first = timeout(HELLO_TIMEOUT, first_frame(socket)) => first,
        () = app.closing.cancelled() => return Err(Some(Farewell::center_fault("the center is shutting down"))),
    };
    let waited = HELLO_TIMEOUT.as_secs();
    let first =
        first.map_err(|_| Some(Farewell::policy(format!("no first frame came within {waited} s"))))??;
    let hello = Hello::parse(&first).map_err(|faults| Some(Farewell::faults(faults)))?;
    if let Some(on_demand) = app.tenant.calls.get(&hello.call) {
        // It fails when the call is under way already, which is just as well.
        let placed = Placed {
            correlation: Some(correlation),
            durable: None,
        };
        let _ = admin::place(app, on_demand.clone(), placed, Some(bearer.client.clone())).await;
    }
    let id = app.new_controller_id();
    let controller = Controller {
        id,
        client: bearer.client.clone(),
        capabilities: hello.capabilities,
    };
    let (link, events) = mpsc::channel(EVENT_QUEUE);
    let attached = match app.switch.attach(hello.call.clone(), controller, link).await {
        Err(AttachError::Unknown(call)) => Err(calls::not_there(app, call).await),
        attached => attached,
    };
    match attached {
        Ok(flow) => Ok((hello.call, flow, id, events)),
        Err(error @ AttachError::Busy) => Err(Some(Farewell::center_fault(error.to_string()))),
        Err(error) => Err(Some(Farewell::policy(error.to_string()))),
    }
}

/// The first text frame; pings before it do not count.
async fn first_frame<S, E>(socket: &mut S) -> Result<Utf8Bytes, Ending>
where
    S: Stream<Item = Result<Message, E>> + Unpin,
{
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                check_frame_size(text.len()).map_err(Farewell::faults)?;
                return Ok(text);
            }
            Some(Ok(Message::Binary(_))) => return Err(Some(binary())),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Err(_)) => return Err(Some(too_large())),
            Some(Ok(Message::Close(_))) | None => return Err(None),
        }
    }
}

fn binary() -> Farewell {
    Farewell::policy("frames must be text, not binary")
}

/// A frame that could not be read at all: larger than what is read at the most, or broken.
fn too_large() -> Farewell {
    Farewell {
        unreadable: true,
        ..Farewell::policy(format!(
            "a frame could not be read; it must be at most {MAX_CONTROL_FRAME_BYTES} bytes of UTF-8"
        ))
    }
}

struct Session<'a> {
    app: &'a Arc<App>,
    call: CallId,
    /// Whose nodes the call plays.
    flow: Option<FlowId>,
    id: ControllerId,
    last_heard: Instant,
    left: Left,
}

impl Session<'_> {
    /// The controller is gone, from the moment on at which it was last heard of.
    fn detach(self) {
        let now = self.app.clock.now().since_start();
        let since = Moment::at(now.saturating_sub(self.last_heard.elapsed()));
        self.app.switch.detach(self.call, self.id, since, self.left);
    }

    /// Runs until one side ends the connection, which is the error.
    async fn run<S, E>(
        &mut self,
        socket: &mut S,
        mut events: mpsc::Receiver<ToController>,
    ) -> Result<Never, Ending>
    where
        S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
    {
        let quota = Quota::per_second(FRAMES_PER_SECOND).allow_burst(FRAMES_AT_ONCE);
        let flood = DefaultDirectRateLimiter::direct(quota);
        let mut ping = tokio::time::interval(PING_EVERY);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(ToController::Event(event)) => send(socket, &event).await?,
                    Some(ToController::Release(None)) => return Err(Some(Farewell::new(NORMAL, None))),
                    Some(ToController::Release(Some(reason))) => return Err(Some(Farewell::policy(reason))),
                    None => return Err(Some(Farewell::policy("the connection is too slow for its events"))),
                },
                frame = socket.next() => {
                    self.last_heard = Instant::now();
                    if flood.check().is_err() {
                        let most = FRAMES_PER_SECOND;
                        return Err(Some(Farewell::policy(format!("too many frames; send at most {most} a second"))));
                    }
                    match frame {
                        Some(Ok(Message::Text(text))) => self.frame(socket, &text).await?,
                        Some(Ok(Message::Binary(_))) => return Err(Some(binary())),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Err(_)) => return Err(Some(too_large())),
                        Some(Ok(Message::Close(_))) => {
                            self.left = Left::OnPurpose;
                            return Err(None);
                        }
                        None => return Err(None),
                    }
                },
                _ = ping.tick() => {
                    if self.last_heard.elapsed() > GONE_AFTER {
                        return Err(None);
                    }
                    write(socket, Message::Ping(Default::default())).await?;
                },
            }
        }
    }

    /// Carries out a command; a faulty one is answered and harms nothing.
    async fn frame<S, E>(&self, socket: &mut S, text: &str) -> Result<(), Ending>
    where
        S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
    {
        check_frame_size(text.len()).map_err(Farewell::faults)?;
        match CommandFrame::parse(text, &self.call) {
            Ok(frame) => self.command(frame).map_err(Some),
            Err(bad) => {
                let message = bad.faults.to_string();
                let event = Event::Error {
                    command_id: bad.command_id,
                    message,
                    errors: bad.faults.into_vec(),
                };
                send(socket, &event).await
            }
        }
    }

    fn command(&self, frame: CommandFrame) -> Result<(), Farewell> {
        let mut started = None;
        let sound = match &frame.command {
            Command::Play(play) => match &play.audio {
                AudioSource::Prompt(id) => {
                    let library = self.app.tenant.prompts.get(id).cloned();
                    match (&self.flow, library) {
                        (Some(flow), library) => {
                            let (app, flow, id) = (self.app.clone(), flow.clone(), id.clone());
                            let sound = async move { app.media.sound(&flow, &id, library).await };
                            started = Some(self.load(sound));
                            Sound::Loading
                        }
                        (None, Some(prompt)) => Sound::Ready(prompt),
                        (None, None) => Sound::Failed(format!("there is no prompt {id:?}")),
                    }
                }
                AudioSource::Url(url) => {
                    let (app, url) = (self.app.clone(), url.clone());
                    started = Some(self.load(async move { app.fetcher.fetch(&url).await }));
                    Sound::Loading
                }
            },
            _ => Sound::Loading,
        };
        match self
            .app
            .switch
            .command(self.call.clone(), self.id, frame, sound, started)
        {
            true => Ok(()),
            false => Err(Farewell::center_fault("the center is overloaded")),
        }
    }

    /// Loads a sound as soon as the play has its number; nothing is loaded for a play that was refused.
    fn load(
        &self,
        sound: impl Future<Output = Sound> + Send + 'static,
    ) -> oneshot::Sender<(u64, flow::call::leg::PlayId)> {
        let (started, play) = oneshot::channel();
        let (app, call) = (self.app.clone(), self.call.clone());
        tokio::spawn(async move {
            if let Ok(play) = play.await {
                tokio::select! {
                    sound = sound => app.switch.loaded(call, play, sound),
                    () = app.closing.cancelled() => {}
                }
            }
        });
        started
    }
}

async fn send<S, E>(socket: &mut S, event: &Event) -> Result<(), Ending>
where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
{
    let text = serde_json::to_string(event).map_err(|_| Farewell::new(CENTER_FAULT, None))?;
    write(socket, Message::Text(text.into())).await
}

/// Writes a frame; a connection that does not take it in time is gone.
async fn write<S>(socket: &mut S, message: Message) -> Result<(), Ending>
where
    S: Sink<Message> + Unpin,
{
    match timeout(WRITE_PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(None),
    }
}

/// Says why, closes, and gives the other side a moment to close too, so that what was said arrives.
async fn close<S, E>(socket: &mut S, farewell: Farewell)
where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
{
    let mut reason = String::new();
    if let Some(faults) = farewell.faults {
        let message = faults.to_string();
        reason = close_reason(&message);
        if send(
            socket,
            &Event::Error {
                command_id: None,
                message,
                errors: faults.into_vec(),
            },
        )
        .await
        .is_err()
        {
            return;
        }
    }
    let frame = CloseFrame {
        code: farewell.code,
        reason: reason.into(),
    };
    if write(socket, Message::Close(Some(frame))).await.is_err() {
        return;
    }
    if farewell.unreadable {
        // Closing now, with what was sent still unread, would reset the connection and might lose what was said.
        tokio::time::sleep(CLOSE_PATIENCE).await;
    } else {
        until_closed(socket).await;
    }
}

/// Reads on for a moment, until the other side has closed too.
async fn until_closed<S, E>(socket: &mut S)
where
    S: Stream<Item = Result<Message, E>> + Unpin,
{
    let _ = timeout(CLOSE_PATIENCE, async {
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
}

/// A close frame has room for 123 bytes.
fn close_reason(message: &str) -> String {
    let mut end = message.len().min(123);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}

#[cfg(test)]
mod tests;
