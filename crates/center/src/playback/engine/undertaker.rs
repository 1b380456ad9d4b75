//! What is left to do of streams that are over. It has a thread of its own, because it waits for locks and closes sockets.

use super::NotDone;
use crate::playback::{
    book::Book,
    line::Reports,
    session::Session,
    stream::Stream,
    telling::{Teller, Told},
};
use flow::Moment;
use std::{
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};
use tokio::sync::oneshot;
use wire::ids::CorrelationId;

/// A stream that is over.
pub(super) struct Ended {
    pub(super) session: Arc<Session>,
    /// `None` for one in a call, which has no line.
    pub(super) stream: Option<Stream>,
    pub(super) at: Moment,
    /// `None`: it ended by itself.
    pub(super) by: Option<Directed>,
}

/// The directive that ended a stream. Its answer comes when the place of the stream is free.
pub(super) struct Directed {
    pub(super) correlation: CorrelationId,
    pub(super) took: Duration,
    pub(super) reply: oneshot::Sender<Result<(), NotDone>>,
}

/// Works until no engine thread is left.
pub(super) fn run(inbox: &Receiver<Ended>, reports: &Reports, book: &Book, teller: &Teller) {
    for ended in inbox {
        bury(ended, reports, book, teller);
    }
}

/// Says goodbye to who listens, gives the place back, and tells.
fn bury(ended: Ended, reports: &Reports, book: &Book, teller: &Teller) {
    if let Some(stream) = &ended.stream {
        stream.hang_up(reports, ended.at);
    }
    let stability = book.over(&ended.session, ended.at);
    let told = Told::ended(&ended.session, stability);
    match ended.by {
        None => teller.tell(told),
        Some(by) => {
            teller.tell(told.by(by.correlation, by.took));
            let _ = by.reply.send(Ok(()));
        }
    }
}
