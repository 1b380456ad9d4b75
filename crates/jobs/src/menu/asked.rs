//! The commands of a call that are no plays, by their ids: an error is taken for the answer to the right one only.

use wire::ids::CommandId;

/// What the platform was asked to do.
#[derive(Debug, Default)]
pub(super) struct Asked {
    last: u64,
    /// The last transfer or hang-up.
    end: Option<CommandId>,
    /// A stop was sent, and nothing was heard of any play since.
    stopping: bool,
}

impl Asked {
    /// The id of a stop.
    pub(super) fn stop(&mut self) -> CommandId {
        self.stopping = true;
        self.next("stop")
    }

    /// The id of a transfer, which takes the place of what was to end the call before.
    pub(super) fn transfer(&mut self) -> CommandId {
        self.ending("transfer")
    }

    /// The id of a hang-up, which takes the place of what was to end the call before.
    pub(super) fn hangup(&mut self) -> CommandId {
        self.ending("hangup")
    }

    /// A play began or ended, so the platform is through with a stop.
    pub(super) fn heard_of_plays(&mut self) {
        self.stopping = false;
    }

    /// Whether an error that names this command is the answer to the last transfer or hang-up. One that names none is
    /// taken for it unless it may as well belong to a stop.
    pub(super) fn is_to_end(&self, command: Option<&CommandId>) -> bool {
        match command {
            Some(_) => command == self.end.as_ref(),
            None => self.end.is_some() && !self.stopping,
        }
    }

    fn ending(&mut self, kind: &'static str) -> CommandId {
        let id = self.next(kind);
        self.end = Some(id.clone());
        id
    }

    fn next(&mut self, kind: &'static str) -> CommandId {
        self.last += 1;
        CommandId::numbered(kind, self.last)
    }
}
