//! One playback: followed by asking, and steered.

use super::{PlaybackError, telling::Teller};
use client::Playback;
use flow::follow::Pace;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use wire::playback::{Control, PlaybackState, Session};

/// A playback that was started. What the platform says of it decides how it ends.
///
/// Dropped before it is over, it plays on, and nobody hears of its end.
pub struct Playing {
    platform: Playback,
    teller: Teller,
    session: Session,
    /// When the platform said so.
    seen: Instant,
    pace: Pace,
    /// When it is asked next.
    due: Instant,
    /// How many events were told of.
    events: u64,
    /// The last of them was the end.
    is_told: bool,
}

/// A place in a prompt that is played, and when it was seen there.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    position_ms: u64,
    /// How long the prompt is, in milliseconds; 0 when the platform does not tell.
    pub duration_ms: u64,
    /// The state that it was seen in.
    pub state: PlaybackState,
    seen: Instant,
}

impl Place {
    /// Where it should be by now, in milliseconds.
    pub fn position_ms(&self) -> u64 {
        if self.state != PlaybackState::Playing {
            return self.position_ms;
        }
        let since = u64::try_from(self.seen.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A platform that does not tell the length is taken at its word.
        let end = self.duration_ms.max(self.position_ms);
        self.position_ms.saturating_add(since).min(end)
    }
}

impl Playing {
    pub(super) fn new(platform: Playback, teller: Teller, session: Session) -> Self {
        let now = Instant::now();
        let mut playing = Self {
            platform,
            teller,
            session,
            seen: now,
            pace: Pace::default(),
            due: now,
            // That it started.
            events: 1,
            is_told: false,
        };
        playing.plan();
        playing.tell_end();
        playing
    }

    /// The session as the platform described it last.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Where in the prompt it is.
    pub fn place(&self) -> Place {
        let session = &self.session;
        Place {
            position_ms: session.position_ms,
            duration_ms: session.duration_ms,
            state: session.playback_state,
            seen: self.seen,
        }
    }

    /// The session a moment later: 0.1 to 0.5 s, or when it should be over. At once when it is. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<&Session, PlaybackError> {
        if !self.session.playback_state.is_over() {
            sleep_until(self.due).await;
            let asked = self.platform.get(&self.session.id).await;
            let told = match asked {
                Ok(Some(session)) => Ok(session),
                Ok(None) => Err(PlaybackError::Forgotten),
                Err(error) => Err(error.into()),
            };
            match told {
                Ok(session) => self.see(session),
                Err(error) => {
                    self.teller.lost(&self.session.id, &error);
                    return Err(error);
                }
            }
        }
        Ok(&self.session)
    }

    /// Steers it; gives the session after it. A control that is refused changes nothing.
    pub async fn control(&mut self, control: &Control) -> Result<&Session, PlaybackError> {
        let begun = Instant::now();
        let answer = self.platform.control(&self.session.id, control).await;
        self.pace.hurry();
        match answer {
            Ok(session) => {
                let event = self.event_of(&session);
                self.teller.controlled(control, &session, begun.elapsed(), event);
                self.see(session);
                Ok(&self.session)
            }
            Err(error) => {
                self.plan();
                self.teller
                    .not_controlled(control, &self.session.id, &error, begun.elapsed());
                Err(error.into())
            }
        }
    }

    /// How many events were told of; each has a [webhook](super::webhook_effect).
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The number of a control's event. One that ends the session has none: the end is an event itself.
    fn event_of(&mut self, session: &Session) -> Option<u64> {
        if session.playback_state.is_over() {
            return None;
        }
        self.events += 1;
        Some(self.events)
    }

    fn see(&mut self, session: Session) {
        if session.playback_state != self.session.playback_state {
            self.pace.hurry();
        }
        self.session = session;
        self.seen = Instant::now();
        self.plan();
        self.tell_end();
    }

    fn plan(&mut self) {
        let session = &self.session;
        let is_playing = session.playback_state == PlaybackState::Playing && session.duration_ms > 0;
        let left = session.duration_ms.saturating_sub(session.position_ms);
        let left = is_playing.then(|| Duration::from_millis(left));
        self.due = Instant::now() + self.pace.wait(left);
    }

    fn tell_end(&mut self) {
        if self.session.playback_state.is_over() && !self.is_told {
            self.is_told = true;
            self.events += 1;
            self.teller.over(&self.session, self.events);
        }
    }
}
