//! Streams that are heard in calls: the switch plays them, the engine steers them and tells of them.

use crate::playback::{in_call::Shared, session::Serial};
use flow::Moment;
use std::{collections::HashMap, time::Duration};

/// How often it is looked which of them are over, should nobody have said so.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// These streams.
pub(super) struct Calls {
    streams: HashMap<Serial, Shared>,
    next_look: Moment,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            streams: HashMap::new(),
            next_look: Moment::START,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn add(&mut self, serial: Serial, stream: Shared, now: Moment) {
        if self.streams.is_empty() {
            self.next_look = now + LOOK_EVERY;
        }
        self.streams.insert(serial, stream);
    }

    pub(super) fn get(&self, serial: Serial) -> Option<&Shared> {
        self.streams.get(&serial)
    }

    pub(super) fn remove(&mut self, serial: Serial) -> Option<Shared> {
        self.streams.remove(&serial)
    }

    /// When to look which are over.
    pub(super) fn deadline(&self) -> Moment {
        match self.streams.is_empty() {
            true => Moment::NEVER,
            false => self.next_look,
        }
    }

    /// Those that are over, if it is time to look.
    pub(super) fn over(&mut self, now: Moment) -> Vec<Serial> {
        if now < self.deadline() {
            return Vec::new();
        }
        self.next_look = now + LOOK_EVERY;
        let over = self.streams.iter().filter(|(_, stream)| stream.lock().is_over());
        over.map(|(serial, _)| *serial).collect()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Shared> {
        self.streams.drain().map(|(_, stream)| stream)
    }
}
