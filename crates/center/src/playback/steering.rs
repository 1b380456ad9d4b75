//! Steering a session that lives.

use super::{
    Gateway,
    engine::{Directive, NotDone},
    session::Session,
    source,
    trouble::Trouble,
};
use flow::{Moment, playback::Refused};
use std::sync::Arc;
use wire::{
    Faults,
    ids::CorrelationId,
    playback::{Control, PlaybackState},
};

impl Gateway {
    /// Carries out a control; it takes effect with the next frame.
    pub(super) async fn control(
        &self,
        session: &Arc<Session>,
        control: Control,
        correlation: CorrelationId,
        received: Moment,
    ) -> Result<(), Trouble> {
        let config = &session.facts.config;
        if let Some(faults) = source::against(&control, config.codec) {
            return Err(faults.into());
        }
        let state = session.state();
        if state.is_over() && !is_done(control, state) {
            return Err(Trouble::Over(session.facts.id.clone(), state));
        }
        let rendered = match &control {
            Control::Volume(volume) => Some(self.prepared(&session.facts.source, config, *volume).await?),
            _ => None,
        };
        let directive = Directive {
            stream: session.facts.serial,
            control,
            rendered,
            received,
            correlation,
        };
        match self.engine.direct(directive).await? {
            Ok(()) => Ok(()),
            Err(NotDone::Gone) if is_done(control, session.state()) => Ok(()),
            Err(NotDone::Gone) => Err(Trouble::Over(session.facts.id.clone(), session.state())),
            Err(NotDone::Refused(Refused::State(state))) => {
                Err(Trouble::Over(session.facts.id.clone(), state))
            }
            Err(NotDone::Refused(beyond @ Refused::BeyondEnd(_))) => {
                Err(Faults::one(beyond.to_string()).into())
            }
        }
    }

    /// Stops a session; one that is over stays as it is.
    pub(super) async fn stop(
        &self,
        session: &Arc<Session>,
        correlation: CorrelationId,
        received: Moment,
    ) -> Result<(), Trouble> {
        match self.control(session, Control::Stop, correlation, received).await {
            Err(Trouble::Over(..)) => Ok(()),
            other => other,
        }
    }
}

/// Whether it is so already.
fn is_done(control: Control, state: PlaybackState) -> bool {
    control == Control::Stop && state == PlaybackState::Stopped
}
