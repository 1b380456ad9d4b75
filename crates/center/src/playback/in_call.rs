//! A stream that is heard in a call: the switch asks for its frames, at its own pace, and tells it of keys.

use super::{engine::Listener, rendering, session::Session, stream::Stream};
use audio::{Frame, Law, silence, voice};
use flow::{
    call::Inset,
    playback::{Cause, Heard},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use wire::{Digit, KeySet, callcontrol::FinishReason, ids::ClientId, playback::PlaybackState};

/// A stream that the engine steers and the switch plays. Both hold it for a moment only.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Stream>>);

impl Shared {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that enters a call. Dropped before the engine has it, it fails: nobody could steer it.
pub(super) struct Entering(Option<Shared>);

impl Entering {
    pub(super) fn new(stream: &Shared) -> Self {
        Self(Some(stream.clone()))
    }

    /// The engine has it.
    pub(super) fn has_entered(mut self) {
        self.0 = None;
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            stream
                .lock()
                .fail("whoever asked for it went away before it began".to_owned());
        }
    }
}

/// A stream in a call.
pub(super) struct InCall {
    session: Arc<Session>,
    stream: Shared,
    law: Option<Law>,
    voice: Option<Box<voice::Detector>>,
    listener: Listener,
}

impl InCall {
    pub(super) fn new(session: Arc<Session>, stream: Shared, listener: Listener) -> Self {
        let config = &session.facts.config;
        let voice = config
            .interruptibility
            .voice
            .then(|| Box::new(voice::Detector::new(voice::Settings::default())));
        Self {
            law: rendering::law(super::codec(config.codec)),
            session,
            stream,
            voice,
            listener,
        }
    }

    /// Hears a cause; the engine dismisses what is over.
    fn hear(&self, cause: Cause) -> Heard {
        let mut stream = self.stream.lock();
        let heard = stream.hear(cause);
        let is_over = stream.is_over();
        drop(stream);
        if is_over {
            self.listener.over(self.session.facts.serial);
        }
        heard
    }
}

impl Inset for InCall {
    fn client(&self) -> &ClientId {
        &self.session.facts.client
    }

    fn law(&self) -> Option<Law> {
        self.law
    }

    fn prompt(&self) -> &str {
        self.session.facts.prompt.as_str()
    }

    fn keys(&self) -> KeySet {
        match self.session.facts.config.interruptibility.dtmf {
            true => KeySet::ALL,
            false => KeySet::NONE,
        }
    }

    fn next_frame(&mut self) -> Option<Frame> {
        let law = self.law?;
        let mut frame = silence(law);
        let goes_on = self.stream.lock().next_frame(&mut frame);
        if !goes_on {
            self.listener.over(self.session.facts.serial);
        }
        goes_on.then_some(frame)
    }

    fn said(&mut self, frame: &Frame) {
        let (Some(law), Some(voice)) = (self.law, &mut self.voice) else {
            return;
        };
        let mut began = false;
        let samples = frame.map(|code| f32::from(law.decode(code)) / 32768.0);
        voice.push(&samples, |event| {
            began |= matches!(event, voice::Event::Began { .. });
        });
        if began {
            self.hear(Cause::Voice);
        }
    }

    fn key(&mut self, digit: Digit) -> Heard {
        if !self.session.facts.config.interruptibility.dtmf {
            self.session.ignored_key();
        }
        self.hear(Cause::Key(digit))
    }

    fn fail(&mut self, why: &str) {
        let mut stream = self.stream.lock();
        if !stream.is_over() {
            stream.fail(why.to_owned());
        }
        drop(stream);
        self.listener.over(self.session.facts.serial);
    }

    fn outcome(&self) -> (FinishReason, u64) {
        let view = self.session.view();
        let reason = match view.playback_state {
            PlaybackState::Completed => FinishReason::Completed,
            PlaybackState::Interrupted => FinishReason::Interrupted,
            PlaybackState::Stopped => FinishReason::Stopped,
            _ => FinishReason::Failed,
        };
        (reason, view.played_ms)
    }
}

impl fmt::Debug for InCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InCall").field(&self.session.facts.id).finish()
    }
}
