//! What a session notes for the audit log.

use serde::Serialize;
use wire::{
    ShownDigit,
    callcontrol::HangupCause,
    ids::{PromptId, TransferTarget},
};

/// One entry for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AuditEvent {
    /// What came of looking the caller up.
    Profile {
        /// What came of it.
        outcome: ProfileOutcome,
        /// Why it failed, in time or late, or why the profile was not used.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// How long after the answer of the call.
        after_ms: u64,
    },
    /// A menu begins.
    MenuEntered {
        /// Its name.
        menu: String,
        /// Why this one.
        because: Because,
    },
    /// The caller pressed a key and it was acted on.
    Key {
        /// The key; masked where it was, or may have been, meant for a sensitive prompt or menu.
        digit: ShownDigit,
        /// The menu it was meant for.
        menu: String,
        /// What it was taken for.
        meaning: Meaning,
    },
    /// The caller was silent for too long.
    NoInput {
        /// The menu that waited.
        menu: String,
    },
    /// Too many wrong keys and silences: the operator takes over.
    RetriesExhausted {
        /// The menu the caller got stuck in.
        menu: String,
    },
    /// The caller went round in the menus for too long: the operator takes over.
    GoingRound {
        /// The menu the caller was in.
        menu: String,
    },
    /// A prompt could not be played, or the platform did not say that it began or ended.
    PromptFailed {
        /// The prompt.
        prompt: PromptId,
    },
    /// A condition could not be answered, so it counts as not holding. Told once per call.
    ConditionFailed {
        /// The condition.
        condition: String,
        /// What depends on it.
        place: String,
        /// Why.
        reason: String,
    },
    /// The call is handed on.
    Transferring {
        /// To whom.
        target: TransferTarget,
    },
    /// The call could not be handed on.
    TransferRefused {
        /// To whom.
        target: TransferTarget,
        /// Why.
        reason: String,
    },
    /// The platform refused something else, or reports an error that belongs to no command.
    CommandFailed {
        /// Why.
        reason: String,
    },
    /// The session is over.
    Finished {
        /// How.
        outcome: Outcome,
        /// Who hung up, if anybody did.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<HangupCause>,
        /// Why the call was lost.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// What came of looking the caller up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileOutcome {
    /// The profile is used.
    Found,
    /// There is no profile of this caller, a normal case.
    NotFound,
    /// It did not come in time; the call goes on without.
    TimedOut,
    /// It came after the call went on without it.
    Late,
    /// It could not be had.
    Failed,
}

/// Why a menu was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// An entry's condition holds for the caller.
    Entry,
    /// No entry's condition holds.
    General,
    /// The caller chose it.
    Choice,
    /// The caller went back.
    Back,
    /// The caller wants to hear it again.
    Repeat,
    /// An info was heard.
    Info,
    /// The caller took a choice back.
    NotVerified,
}

/// What a key was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// An option of the menu.
    Option,
    /// Yes, that is right.
    Yes,
    /// No, it is not.
    No,
    /// Nothing here.
    Invalid,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody else has the call.
    Transferred,
    /// The call ended.
    HungUp,
    /// The platform did not say that the call ended, though it was asked to end it.
    Abandoned,
    /// The connection to the platform is gone for good; the platform takes care of the caller.
    Lost,
}
