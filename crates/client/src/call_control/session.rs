//! The caller's side of a controlled call. The socket is owned by a task, so nothing here is lost by `select!`.

use crate::error::Error;
use std::{fmt, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use wire::callcontrol::{CommandFrame, Event, Session};

/// How long [`CallSession::close`] waits for what is on its way.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(6);

/// What happens in a session.
#[derive(Debug, Clone)]
pub enum SessionEvent {
    /// The platform's event.
    Event(Event),
    /// The connection was lost and made again. Commands that were under way may be lost, and so may events.
    Reconnected,
    /// The connection is gone for good; the last event of a session that does not end with the call.
    Lost(LostReason),
}

/// Why a connection is gone for good.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LostReason {
    /// The platform closed it.
    #[error("the platform closed the connection ({code}): {reason:?}")]
    Closed {
        /// 1000, 1008 or 1011.
        code: u16,
        /// The platform's own words.
        reason: String,
    },
    /// The time in which a controller may come back is over.
    #[error("the connection was lost and could not be made again within 5 s (attempts: {tries}): {last}")]
    TooLate {
        /// How often it was tried.
        tries: u32,
        /// How the last try ended.
        last: String,
    },
    /// The platform does not give the call back.
    #[error("the connection was lost, and the platform does not give the call back: {0}")]
    Refused(Box<Error>),
    /// The platform sent a frame that is too large.
    #[error("the platform sent a frame of more than {0} bytes")]
    TooLarge(usize),
}

/// A command was not sent, since the session is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the command was not sent: the session is over")]
pub struct SessionClosed(
    /// The command.
    pub CommandFrame,
);

/// A controlled call. Dropping it closes the connection, after the commands that were sent already.
pub struct CallSession {
    pub(super) info: Session,
    pub(super) commands: mpsc::Sender<CommandFrame>,
    pub(super) events: mpsc::Receiver<SessionEvent>,
    pub(super) task: JoinHandle<()>,
}

impl CallSession {
    /// What the platform said of the call when the session began.
    pub fn session(&self) -> &Session {
        &self.info
    }

    /// Sends a command; waits only while 64 commands are waiting already. While the connection is being made again,
    /// commands wait and go out in order afterwards.
    ///
    /// Cancel-safe: a command is taken whole or not at all. A command that was on the wire when the connection broke may
    /// be lost.
    pub async fn send(&self, command: CommandFrame) -> Result<(), SessionClosed> {
        send(&self.commands, command).await
    }

    /// A handle for sending commands from elsewhere.
    pub fn commands(&self) -> Commands {
        Commands {
            commands: self.commands.clone(),
        }
    }

    /// The next event; `None` once the session is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<SessionEvent> {
        self.events.recv().await
    }

    /// Ends the session and waits until the commands sent so far are on their way and the connection is closed.
    pub async fn close(self) {
        let Self {
            commands,
            events,
            task,
            ..
        } = self;
        drop((commands, events));
        if timeout(CLOSE_TIMEOUT, task).await.is_err() {
            tracing::debug!("the connection of a call was not closed in time");
        }
    }
}

impl fmt::Debug for CallSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSession").finish_non_exhaustive()
    }
}

/// Sends commands of a session; it does not keep the session open.
#[derive(Debug, Clone)]
pub struct Commands {
    commands: mpsc::Sender<CommandFrame>,
}

impl Commands {
    /// Sends a command, as [`CallSession::send`] does.
    pub async fn send(&self, command: CommandFrame) -> Result<(), SessionClosed> {
        send(&self.commands, command).await
    }
}

async fn send(commands: &mpsc::Sender<CommandFrame>, command: CommandFrame) -> Result<(), SessionClosed> {
    commands
        .send(command)
        .await
        .map_err(|mpsc::error::SendError(command)| SessionClosed(command))
}
