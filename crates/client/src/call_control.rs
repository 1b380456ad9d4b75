//! Controlling calls over a WebSocket (contract section 4).

mod dial;
mod driver;
mod session;

pub use session::{CallSession, Commands, LostReason, SessionClosed, SessionEvent};

use crate::{error::Error, transport::Transport};
use driver::Driver;
use wire::{
    callcontrol::{Capability, Hello},
    ids::{CallId, CorrelationId},
};

/// The call control of a platform; the token needs `callcontrol:inbound`, and `callcontrol:media` for the audio.
#[derive(Debug, Clone)]
pub struct CallControl {
    transport: Transport,
}

impl CallControl {
    /// The call control of a platform.
    pub fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// The same call control; its requests carry this correlation id.
    pub fn with_correlation(&self, id: CorrelationId) -> Self {
        Self::new(self.transport.with_correlation(id))
    }

    /// Takes control of a call; a connection that is lost later is made again by itself while the call waits for it.
    ///
    /// Must be called within a tokio runtime, where the session's task then runs until the session is dropped.
    pub async fn connect(
        &self,
        call: &CallId,
        capabilities: impl IntoIterator<Item = Capability>,
    ) -> Result<CallSession, Error> {
        let hello = Hello {
            call: call.clone(),
            capabilities: capabilities.into_iter().collect(),
        };
        let policy = self.transport.policy();
        let (socket, info) = dial::dial(&self.transport, &hello, policy).await?;
        Ok(Driver::start(self.transport.clone(), hello, socket, info))
    }
}
