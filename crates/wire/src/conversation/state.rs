//! The states of a conversation, and which may follow which.

use crate::words::words;

words! {
    /// Where a conversation is in its life.
    State {
        /// It waits for its turn.
        Queued = "queued",
        /// It waits for somebody: an agent, or the customer. Messages are taken.
        Pending = "pending",
        /// It goes on.
        Active = "active",
        /// It is over, and may be opened again.
        Closed = "closed",
        /// It is over for good.
        Ended = "ended",
    }
}

impl State {
    /// Whether a change to `next` is allowed. Staying is, and changes nothing; `ended` may become nothing else.
    pub fn may_become(self, next: Self) -> bool {
        use State::{Active, Closed, Ended, Pending, Queued};
        match self {
            Queued => matches!(next, Queued | Pending | Active | Ended),
            Pending => matches!(next, Pending | Active | Closed | Ended),
            Active => matches!(next, Active | Pending | Closed | Ended),
            Closed => matches!(next, Closed | Active | Ended),
            Ended => matches!(next, Ended),
        }
    }

    /// Whether messages are taken.
    pub fn takes_messages(self) -> bool {
        matches!(self, Self::Active | Self::Pending)
    }

    /// Whether it is over, for now or for good.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Ended)
    }

    /// The sentence for a change that is not allowed; it names both states.
    pub fn refused(self, next: Self) -> String {
        format!("Invalid state transition from {self} to {next}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_states_is_as_the_contract_says() {
        let allowed = |from: State| {
            let next = State::ALL.iter().filter(|next| from.may_become(**next));
            let words: Vec<&str> = next.map(|state| state.as_str()).collect();
            words.join(" ")
        };
        assert_eq!(allowed(State::Queued), "queued pending active ended");
        assert_eq!(allowed(State::Pending), "pending active closed ended");
        assert_eq!(allowed(State::Active), "pending active closed ended");
        assert_eq!(allowed(State::Closed), "active closed ended");
        assert_eq!(allowed(State::Ended), "ended");
    }

    #[test]
    fn two_states_take_messages_and_two_are_the_end() {
        let words = |is: fn(State) -> bool| {
            let those = State::ALL.iter().filter(|state| is(**state));
            those.map(|state| state.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(words(State::takes_messages), ["pending", "active"]);
        assert_eq!(words(State::is_over), ["closed", "ended"]);
        assert_eq!(
            State::Closed.refused(State::Pending),
            "Invalid state transition from closed to pending"
        );
    }
}
