//! A call's life: ringing, controlled, orphaned, fallback, transferred, ended.
//!
//! The machine owns the caller's ear ([`leg`]) and the test caller ([`caller`]). Its driver calls [`Call::tick`] every 20 ms
//! for the two frames of that time, [`Call::act`] at [`Call::deadline`], and carries out the [`Output`]s.

pub mod caller;
mod inset;
pub mod leg;
mod parts;
mod secrecy;

pub use inset::{Inset, NotInset};
pub use parts::{Announcements, Controller, ControllerId, Facts, Left, Output, Tick};
pub use secrecy::SensitivePrompts;

use crate::{Moment, playback::Heard};
use audio::{Frame, PreparedPrompt};
use base64::{Engine, prelude::BASE64_STANDARD};
use caller::{Caller, Signal};
use inset::Inserted;
use leg::{Item, Leg, LegEvent, PlayId, Sound};
use secrecy::Secrecy;
use std::{collections::VecDeque, time::Duration};
use wire::{
    KeySet, ShownDigit, UtcTime,
    callcontrol::{
        Capability, Command, CommandFrame, Event, FinishReason, HangupCause, RecordState, Session,
    },
    calls::{CallState, Happening, recording_path},
    ids::{ClientId, CommandId, TransferTarget},
    limits::CONTROLLER_GRACE,
};

/// How long a call rings before it is given up.
pub const RING_TIME: Duration = Duration::from_secs(30);
/// Longest call.
pub const LONGEST_CALL: Duration = Duration::from_secs(3600);
/// Most events that are kept for a controller that went away.
const KEPT_EVENTS: usize = 256;

enum State {
    Ringing { until: Moment },
    Controlled(Controller),
    Orphaned(Orphan),
    Fallback,
    Transferred,
    Ended,
}

/// What is left of a controller that went away.
struct Orphan {
    until: Moment,
    client: ClientId,
    left: Left,
    /// What the controller is told when it comes back.
    kept: VecDeque<Event>,
}

/// One call. See the [module](self).
pub struct Call {
    facts: Facts,
    announcements: Announcements,
    state: State,
    leg: Leg,
    /// What is heard in the place of the leg's prompts.
    inserted: Option<Inserted>,
    caller: Caller,
    answered: Option<(Moment, UtcTime)>,
    latest_end: Moment,
    next_play: u64,
    media_sequence: u64,
    /// A key that cut off a prompt, until the first frame without it.
    cut: Option<(ShownDigit, Moment)>,
    secrecy: Secrecy,
    recording: bool,
}

impl Call {
    /// A call that begins to ring.
    pub fn new(
        now: Moment,
        facts: Facts,
        caller: Caller,
        announcements: Announcements,
        sensitive: SensitivePrompts,
    ) -> Self {
        Self {
            leg: Leg::new(facts.law()),
            inserted: None,
            facts,
            announcements,
            state: State::Ringing {
                until: now + RING_TIME,
            },
            caller,
            answered: None,
            latest_end: now + LONGEST_CALL,
            next_play: 0,
            media_sequence: 0,
            cut: None,
            secrecy: Secrecy::new(sensitive),
            recording: false,
        }
    }

    /// Who calls whom.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Where it is in its life.
    pub fn state(&self) -> CallState {
        match self.state {
            State::Ringing { .. } => CallState::Ringing,
            State::Controlled(_) => CallState::Controlled,
            State::Orphaned(_) => CallState::Orphaned,
            State::Fallback => CallState::Fallback,
            State::Transferred => CallState::Transferred,
            State::Ended => CallState::Ended,
        }
    }

    /// True when `client` could do nothing more with it: it was handed on, or this client left it on purpose and its caller
    /// has come to the end of the script.
    pub fn is_spent(&self, client: &ClientId) -> bool {
        match &self.state {
            State::Fallback | State::Transferred | State::Ended => true,
            State::Orphaned(orphan) => {
                orphan.left == Left::OnPurpose && orphan.client == *client && self.caller.is_done()
            }
            State::Ringing { .. } | State::Controlled(_) => false,
        }
    }

    /// A controller asks for the call. `Err` is the reason for the refusal; the call is unharmed.
    pub fn attach(
        &mut self,
        now: Moment,
        clock: UtcTime,
        controller: Controller,
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        let kept = self.make_way_for(&controller, out)?;
        if self.answered.is_none() {
            self.caller.answered(now);
        }
        let (_, started_at) = *self.answered.get_or_insert((now, clock));
        let session = Session {
            ani: self.facts.ani.clone(),
            dnis: self.facts.dnis.clone(),
            codec: self.facts.codec,
            started_at,
            external_id: self.facts.external_id.clone(),
        };
        let connected = Event::Connected {
            call_control_id: self.facts.id.clone(),
            session,
        };
        out.push(Output::Tell(controller.id, connected));
        let wanted = |event: &Event| !matches!(event, Event::Dtmf { .. }) || controller.has(Capability::Dtmf);
        out.extend(
            kept.into_iter()
                .filter(wanted)
                .map(|event| Output::Tell(controller.id, event)),
        );
        self.state = State::Controlled(controller);
        Ok(())
    }

    /// Decides whether the controller may have the call; gives the events that its predecessor missed.
    fn make_way_for(&mut self, new: &Controller, out: &mut Vec<Output>) -> Result<VecDeque<Event>, String> {
        match &mut self.state {
            State::Ringing { .. } => {
                out.push(Output::Happened(Happening::Answered));
                Ok(VecDeque::new())
            }
            State::Orphaned(orphan) if orphan.client == new.client => {
                out.push(Output::Happened(Happening::ControllerBack));
                Ok(std::mem::take(&mut orphan.kept))
            }
            State::Controlled(old) if old.client == new.client => {
                // The newest connection wins: the old one is most likely a dead socket.
                let reason = "another connection took control of the call";
                out.push(Output::Release(old.id, Some(reason.into())));
                Ok(VecDeque::new())
            }
            State::Controlled(_) | State::Orphaned { .. } => Err(format!(
                "the call {:?} is controlled by another client",
                self.facts.id
            )),
            State::Fallback | State::Transferred => Err(format!(
                "the call {:?} was handed on and can't be controlled any more",
                self.facts.id
            )),
            State::Ended => Err(format!("the call {:?} has ended", self.facts.id)),
        }
    }

    /// A controller's connection is gone without a hang-up. `since` is when it was last heard of: the caller's patience
    /// counts from there, however long it took to find out.
    pub fn detach(&mut self, since: Moment, id: ControllerId, left: Left, out: &mut Vec<Output>) {
        if let State::Controlled(controller) = &self.state
            && controller.id == id
        {
            let client = controller.client.clone();
            let until = since + CONTROLLER_GRACE;
            self.state = State::Orphaned(Orphan {
                until,
                client,
                left,
                kept: VecDeque::new(),
            });
            out.push(Output::Happened(Happening::ControllerLost));
        }
    }

    /// An event that could not be delivered: it is kept for the controller's return.
    pub fn undelivered(&mut self, event: Event) {
        if let State::Orphaned(orphan) = &mut self.state
            && orphan.kept.len() < KEPT_EVENTS
        {
            orphan.kept.push_back(event);
        }
    }

    /// A controller's command. `sound` gives the sound of a play that was accepted.
    pub fn command(
        &mut self,
        now: Moment,
        from: ControllerId,
        frame: CommandFrame,
        sound: impl FnOnce(PlayId) -> Sound,
        out: &mut Vec<Output>,
    ) {
        let State::Controlled(controller) = &self.state else {
            return;
        };
        if controller.id != from {
            return;
        }
        let CommandFrame { command_id, command } = frame;
        let needed = command.needs();
        if !controller.has(needed) {
            let message =
                format!("the command needs the capability {needed}, which the first frame did not declare");
            return self.refuse(command_id, message, out);
        }
        match command {
            Command::Play(_) if !self.leg.has_room() => {
                let message = "the queue of this call is full; wait for playback_finished";
                self.refuse(command_id, message.to_owned(), out);
            }
            Command::Play(play) => {
                let item = self.next_item(command_id, play.audio.to_string(), play.barge_in);
                let sound = sound(item.play);
                self.leg.enqueue(item, sound);
            }
            Command::Stop => {
                let events = self.leg.clear(FinishReason::Stopped);
                self.leg_events(now, events, out);
            }
            Command::Transfer(target) => self.transfer(now, command_id, target, out),
            Command::Hangup => self.end_by(now, HangupCause::Controller, command_id, out),
            Command::Record(state) => self.record(state, command_id, out),
        }
    }

    fn refuse(&mut self, command_id: Option<CommandId>, message: String, out: &mut Vec<Output>) {
        self.tell(
            Event::Error {
                command_id,
                message,
                errors: Vec::new(),
            },
            out,
        );
    }

    /// Turns recording on or off.
    pub fn record(&mut self, state: RecordState, command_id: Option<CommandId>, out: &mut Vec<Output>) {
        self.recording = state == RecordState::Start;
        out.push(Output::Record(state));
        let uri = recording_path(&self.facts.id);
        self.tell(
            Event::Recorded {
                command_id,
                state,
                uri,
            },
            out,
        );
    }

    fn transfer(
        &mut self,
        now: Moment,
        command_id: Option<CommandId>,
        target: TransferTarget,
        out: &mut Vec<Output>,
    ) {
        self.take_inset_out(now, "the call was transferred", out);
        let events = self.leg.clear(FinishReason::Stopped);
        self.leg_events(now, events, out);
        self.tell(
            Event::Transferred {
                command_id,
                target: target.clone(),
            },
            out,
        );
        if let State::Controlled(controller) = &self.state {
            out.push(Output::Release(controller.id, None));
        }
        self.hand_on(target, out);
    }

    /// The extension answers with its greeting; the call ends when that is over.
    fn hand_on(&mut self, target: TransferTarget, out: &mut Vec<Output>) {
        let greeting = match target == self.announcements.operator {
            true => self.announcements.operator_greeting.clone(),
            false => self.announcements.agent_greeting.clone(),
        };
        out.push(Output::Happened(Happening::Transferred { target }));
        self.state = State::Transferred;
        self.announce(greeting);
    }

    /// Says something of the center's own; the queue was cleared before.
    fn announce(&mut self, (audio, prompt): (String, PreparedPrompt)) {
        let item = self.next_item(None, audio, KeySet::NONE);
        self.leg.enqueue(item, Sound::Ready(prompt));
    }

    fn next_item(&mut self, command_id: Option<CommandId>, audio: String, barge_in: KeySet) -> Item {
        let play = PlayId(self.next_play);
        self.next_play += 1;
        Item {
            play,
            command_id,
            audio,
            barge_in,
        }
    }

    /// Something is to be heard in the place of the call's prompts, from the next frame on.
    pub fn insert(&mut self, inset: Box<dyn Inset>) -> Result<(), NotInset> {
        let client = match &self.state {
            State::Controlled(controller) => &controller.client,
            State::Orphaned(orphan) => &orphan.client,
            State::Ringing { .. } | State::Fallback | State::Transferred | State::Ended => {
                return Err(NotInset::NotThere);
            }
        };
        if client != inset.client() {
            return Err(NotInset::NotThere);
        }
        let law = self.facts.law();
        if inset.law() != Some(law) {
            return Err(NotInset::Law(law));
        }
        if self.inserted.is_some() {
            return Err(NotInset::Busy);
        }
        self.inserted = Some(Inserted::new(inset));
        Ok(())
    }

    /// The sound of a play has arrived, or failed.
    pub fn loaded(&mut self, play: PlayId, sound: Sound) {
        self.leg.loaded(play, sound);
    }

    /// When [`Self::act`] is due; ticks come on their own.
    pub fn deadline(&self) -> Moment {
        let own = match &self.state {
            State::Ringing { until } | State::Orphaned(Orphan { until, .. }) => *until,
            State::Ended => return Moment::NEVER,
            State::Controlled(_) | State::Fallback | State::Transferred => Moment::NEVER,
        };
        own.min(self.caller.deadline()).min(self.latest_end)
    }

    /// Does what is due: the caller's keys, a controller's absence, the end of a call that is too long.
    pub fn act(&mut self, now: Moment, out: &mut Vec<Output>) {
        if now >= self.latest_end {
            return self.end(now, HangupCause::TooLong, out);
        }
        for signal in self.caller.act(now) {
            self.signal(now, signal, out);
        }
        match &self.state {
            State::Ringing { until } if now >= *until => self.end(now, HangupCause::NoAnswer, out),
            State::Orphaned(orphan) if now >= orphan.until => self.fall_back(now, out),
            _ => {}
        }
    }

    fn signal(&mut self, now: Moment, signal: Signal, out: &mut Vec<Output>) {
        match signal {
            Signal::KeyDown(digit) => {
                // The controller gets the key when it is up; what is written down may be masked.
                let inserted = self.inserted.iter().map(|inserted| inserted.inset.prompt());
                let shown = self.secrecy.show(digit, inserted.chain(self.leg.prompts()));
                out.push(Output::Happened(Happening::KeyPressed { digit: shown }));
                if let Some(inserted) = &mut self.inserted {
                    inserted.drains |= inserted.inset.key(digit) == Heard::Later;
                    return;
                }
                let events = self.leg.key(digit);
                let cut_sound = events
                    .iter()
                    .any(|event| matches!(event, LegEvent::Finished { played_ms: 1.., .. }));
                if cut_sound {
                    self.cut = Some((shown, now));
                }
                self.leg_events(now, events, out);
            }
            Signal::KeyUp(digit, held) => {
                let duration_ms = u64::try_from(held.as_millis()).unwrap_or(u64::MAX);
                let is_held = self
                    .inserted
                    .as_mut()
                    .is_some_and(|inserted| inserted.holds(digit, duration_ms));
                if !is_held {
                    self.tell_if(Capability::Dtmf, || Event::Dtmf { digit, duration_ms }, out);
                }
            }
            Signal::Speaks(duration_ms) => out.push(Output::Happened(Happening::Speaks { duration_ms })),
            Signal::HungUp => self.end(now, HangupCause::Caller, out),
        }
    }

    fn fall_back(&mut self, now: Moment, out: &mut Vec<Output>) {
        self.take_inset_out(now, "the call lost its controller", out);
        let events = self.leg.clear(FinishReason::Stopped);
        self.state = State::Fallback;
        self.leg_events(now, events, out);
        out.push(Output::Happened(Happening::FallbackStarted));
        self.announce(self.announcements.apology.clone());
    }

    /// The next 20 ms in both directions.
    pub fn tick(&mut self, now: Moment, out: &mut Vec<Output>) -> Tick {
        let mut events = Vec::new();
        let inset = self.inset_frame(now, out);
        let heard = inset.unwrap_or_else(|| self.leg.next_frame(&mut events));
        if let Some((digit, pressed)) = self.cut.take() {
            let after_ms = (now - pressed).as_secs_f64() * 1000.0;
            out.push(Output::Happened(Happening::CutOff { digit, after_ms }));
        }
        self.leg_events(now, events, out);
        if self.leg.is_idle() {
            self.announcement_over(now, out);
        }
        let said = self.caller.next_frame();
        if let Some(inserted) = &mut self.inserted {
            inserted.inset.said(&said);
        }
        self.media(now, &said, out);
        Tick { heard, said }
    }

    /// The next 20 ms of what is heard in the place of the leg's prompts.
    fn inset_frame(&mut self, now: Moment, out: &mut Vec<Output>) -> Option<Frame> {
        let inserted = self.inserted.as_mut()?;
        if !std::mem::replace(&mut inserted.has_begun, true) {
            let (prompt, keys) = (inserted.inset.prompt().to_owned(), inserted.inset.keys());
            self.secrecy.began(&prompt);
            self.caller.heard_start(now, &prompt, keys);
            out.push(Output::Happened(Happening::PromptStarted { prompt }));
        }
        let frame = inserted.inset.next_frame();
        if frame.is_none() {
            self.inset_over(now, out);
        }
        frame
    }

    /// It is over, or has to be: why it must not go on.
    fn take_inset_out(&mut self, now: Moment, why: &str, out: &mut Vec<Output>) {
        if let Some(inserted) = &mut self.inserted {
            inserted.inset.fail(why);
            self.inset_over(now, out);
        }
    }

    fn inset_over(&mut self, now: Moment, out: &mut Vec<Output>) {
        let Some(inserted) = self.inserted.take() else {
            return;
        };
        let (reason, played_ms) = inserted.inset.outcome();
        let prompt = inserted.inset.prompt().to_owned();
        self.caller.heard_end(now, &prompt);
        if inserted.has_begun {
            out.push(Output::Happened(Happening::PromptFinished {
                prompt,
                reason,
                played_ms,
            }));
        }
        for (digit, duration_ms) in inserted.held_keys {
            self.tell_if(Capability::Dtmf, || Event::Dtmf { digit, duration_ms }, out);
        }
    }

    fn announcement_over(&mut self, now: Moment, out: &mut Vec<Output>) {
        match self.state {
            State::Fallback => self.hand_on(self.announcements.operator.clone(), out),
            State::Transferred => self.end(now, HangupCause::Completed, out),
            _ => {}
        }
    }

    fn media(&mut self, now: Moment, said: &Frame, out: &mut Vec<Output>) {
        let Some((answered, _)) = self.answered else {
            return;
        };
        let sequence = self.media_sequence;
        let event = || Event::Media {
            payload: BASE64_STANDARD.encode(said),
            sequence,
            timestamp_ms: u64::try_from((now - answered).as_millis()).unwrap_or(u64::MAX),
        };
        if matches!(self.state, State::Controlled(_)) {
            self.tell_if(Capability::Media, event, out);
        }
        self.media_sequence += 1;
    }

    /// Ends the call. Without effect when it is over already.
    pub fn end(&mut self, now: Moment, cause: HangupCause, out: &mut Vec<Output>) {
        self.end_by(now, cause, None, out);
    }

    fn end_by(
        &mut self,
        now: Moment,
        cause: HangupCause,
        command_id: Option<CommandId>,
        out: &mut Vec<Output>,
    ) {
        if matches!(self.state, State::Ended) {
            return;
        }
        self.take_inset_out(now, "the call has ended", out);
        let events = self.leg.clear(FinishReason::Stopped);
        self.leg_events(now, events, out);
        if let State::Controlled(controller) = &self.state {
            out.push(Output::Tell(controller.id, Event::Hangup { command_id, cause }));
            out.push(Output::Release(controller.id, None));
        }
        self.state = State::Ended;
        out.push(Output::Happened(Happening::Ended { cause }));
        out.push(Output::Over);
    }

    fn leg_events(&mut self, now: Moment, events: Vec<LegEvent>, out: &mut Vec<Output>) {
        for event in events {
            self.secrecy.note(&event);
            match event {
                LegEvent::Started(Item {
                    command_id,
                    audio,
                    barge_in,
                    ..
                }) => {
                    self.caller.heard_start(now, &audio, barge_in);
                    out.push(Output::Happened(Happening::PromptStarted {
                        prompt: audio.clone(),
                    }));
                    self.tell(Event::PlaybackStarted { command_id, audio }, out);
                }
                LegEvent::Finished {
                    item: Item {
                        command_id, audio, ..
                    },
                    reason,
                    played_ms,
                    message,
                } => {
                    self.caller.heard_end(now, &audio);
                    let prompt = audio.clone();
                    out.push(Output::Happened(Happening::PromptFinished {
                        prompt,
                        reason,
                        played_ms,
                    }));
                    self.tell(
                        Event::PlaybackFinished {
                            command_id,
                            audio,
                            reason,
                            played_ms,
                            message,
                        },
                        out,
                    );
                }
            }
        }
    }

    fn tell_if(&mut self, capability: Capability, event: impl FnOnce() -> Event, out: &mut Vec<Output>) {
        let wanted = match &self.state {
            State::Controlled(controller) => controller.has(capability),
            // What the next connection declares is not known yet; keys must not be lost.
            State::Orphaned(_) => true,
            _ => false,
        };
        if wanted {
            self.tell(event(), out);
        }
    }

    fn tell(&mut self, event: Event, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Controlled(controller) => out.push(Output::Tell(controller.id, event)),
            _ => self.undelivered(event),
        }
    }
}

#[cfg(test)]
mod tests;
