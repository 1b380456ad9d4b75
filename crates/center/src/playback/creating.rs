//! Starting a session: all of it takes effect, or nothing.

use super::{
    Gateway, address,
    address::RtpSocket,
    engine::{NewInCall, NewStream, Overloaded},
    how,
    in_call::{Entering, InCall, Shared},
    line::{Beginning, Line, Route},
    payload_type,
    prepared::Prepared,
    session::{Facts, Session},
    source::Source,
    stream::Stream,
    trouble::Trouble,
};
use crate::{clock::Clock, prompts::Prompts, switch::Switch};
use flow::{Moment, playback::FRAME_MS};
use rand::Rng as _;
use std::{net::SocketAddr, sync::Arc};
use wire::{
    Faults,
    ids::{CallId, ClientId, CorrelationId},
    playback::{Destination, NewSession, RtpTarget, VolumeMatrix},
};

/// A directive, and who gave it.
pub(super) struct Asked {
    pub(super) directive: NewSession,
    pub(super) client: ClientId,
    pub(super) correlation: CorrelationId,
    /// When it came.
    pub(super) received: Moment,
}

/// A receiver, and the address that was found for it.
struct Receiver {
    target: RtpTarget,
    address: SocketAddr,
}

impl Gateway {
    /// Starts a session; it plays when this returns.
    pub(super) async fn create(
        &self,
        prompts: &Prompts,
        switch: &Switch,
        asked: Asked,
    ) -> Result<Arc<Session>, Trouble> {
        let Asked {
            directive,
            client,
            correlation,
            received,
        } = asked;
        let config = directive.config;
        let source = Source::find(prompts, &self.media, &directive.prompt, &config).await?;
        let at_most = directive.metadata.max_concurrent_streams;
        let seat = self.book.reserve(&directive.session, &client, at_most, received);
        let seat = seat.map_err(|no_seat| Trouble::NoSeat(directive.session.clone(), no_seat))?;
        let receiver = self.receiver(&directive.destination).await?;
        let prepared = self.prepared(&source, &config, config.volume).await?;
        let facts = Facts {
            serial: seat.serial,
            id: directive.session,
            client,
            prompt: directive.prompt,
            source,
            config,
            created_at: Clock::utc(),
            correlation,
            format_verified: config.format_verification && prepared.is_verified(),
            // It was made whole before there was a stream.
            buffer_preloaded: prepared.is_whole(),
        };
        let duration_ms = u64::from(prepared.shape().frames) * FRAME_MS;
        let session = Arc::new(Session::new(facts, duration_ms));
        if let Destination::Call(call) = directive.destination {
            let stream = Shared::new(Stream::new(session.clone(), prepared, None, 0));
            let entering = Entering::new(&stream);
            self.play_in_call(switch, call, &session, &stream).await?;
            let begun = self.engine.begin_in_call(NewInCall {
                session: session.clone(),
                stream: stream.clone(),
                received,
                seat,
            });
            // The message goes out as soon as this is waited for.
            entering.has_entered();
            if let Err(overloaded) = begun.await {
                stream.lock().fail(overloaded.to_string());
                return Err(overloaded.into());
            }
            return Ok(session);
        }
        let line = match receiver {
            Some(receiver) => Some(self.line(&receiver, &session, &prepared)?),
            None => None,
        };
        let stream = NewStream {
            session: session.clone(),
            prepared,
            line,
            received,
            seat,
        };
        if let Err(overloaded) = self.engine.begin(stream).await {
            // Whoever listens to its caller must see that it is over.
            session.abandoned(overloaded.to_string());
            return Err(overloaded.into());
        }
        Ok(session)
    }

    async fn play_in_call(
        &self,
        switch: &Switch,
        call: CallId,
        session: &Arc<Session>,
        stream: &Shared,
    ) -> Result<(), Trouble> {
        let inset = InCall::new(session.clone(), stream.clone(), self.engine.listener());
        let inserted = switch.insert(call, Box::new(inset)).await;
        Ok(inserted.map_err(|_| Overloaded)??)
    }

    /// A prompt as it is to sound, made ready unless it is.
    pub(super) async fn prepared(
        &self,
        source: &Source,
        config: &wire::playback::PlaybackConfig,
        volume: VolumeMatrix,
    ) -> Result<Arc<Prepared>, Trouble> {
        let how = how(config, volume);
        let (source_of, media) = (source.clone(), self.media.clone());
        let made = self
            .cache
            .get(source.key(&how), move || source_of.prepare(&media, &how));
        Ok(made.await?)
    }

    async fn receiver(&self, destination: &Destination) -> Result<Option<Receiver>, Trouble> {
        let target = match destination {
            Destination::Nowhere | Destination::Call(_) => return Ok(None),
            Destination::Rtp(target) => target.clone(),
        };
        let address = address::resolve(target.address(), &self.guard).await;
        let address = address.map_err(Faults::one)?;
        Ok(Some(Receiver { target, address }))
    }

    fn line(
        &self,
        receiver: &Receiver,
        session: &Arc<Session>,
        prepared: &Prepared,
    ) -> Result<Line, Trouble> {
        let config = &session.facts.config;
        let who = &config.interruptibility;
        let is_heard = who.dtmf || who.voice;
        let socket = address::open(receiver.address, is_heard).map_err(Trouble::Socket)?;
        let socket = match is_heard {
            true => self
                .ears
                .listen(socket, session, &receiver.target)
                .map_err(Trouble::Socket)?,
            false => Arc::<RtpSocket>::new(socket),
        };
        let route = Route {
            address: receiver.address,
            payload_type: payload_type(config.codec, &receiver.target),
        };
        let mut random = rand::rng();
        let beginning = Beginning {
            ssrc: random.random(),
            sequence: random.random(),
            timestamp: random.random(),
        };
        Ok(Line::new(socket, route, prepared.codec(), beginning))
    }
}
