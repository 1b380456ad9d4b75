//! Conversations: `/api/v2/conversations` and their analytics (contract section 5).
//!
//! A conversation has participants, a state and a context. Its customer is the participant with the direction inbound, whatever
//! its place in the list; ids are used as they are given. Messages and answers are *interactions*, numbered from 1.

mod asked;
mod change;
mod context;
mod created;
mod details;
mod interaction;
mod listed;
mod participant;
mod session;
mod state;

pub use asked::{InteractionsAsked, LONGEST_WAIT_S, MOST_ASKED, Order, USUALLY_ASKED};
pub use change::{BadIfMatch, ConversationChange, IfMatch, etag};
pub use context::{Context, ContextTooLarge, MAX_CONTEXT_BYTES};
pub use created::{Conversation, ConversationType, NewConversation};
pub use details::{
    Attribute, DetailsAnswer, DetailsQuery, Filter, Group, LONGEST_WORD, MOST_FILTERS, MOST_GROUPS, Operator,
    TimeGrouping, Traits,
};
pub use interaction::{BotTrace, Button, Interaction, InteractionType, LONGEST_TEXT, NewInteraction, Posted};
pub use listed::{
    ConversationPage, ConversationSummary, Expanded, LARGEST_PAGE, ListAsked, MOST_EXPANDED, USUAL_PAGE,
};
pub use participant::{Direction, MAX_PROFILE_BYTES, MOST_PARTICIPANTS, Participant};
pub use session::Session;
pub use state::State;
