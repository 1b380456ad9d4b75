//! Scenarios that were written for other programs.

mod botium;
mod web_messaging;

pub use botium::{Utterances, botium, utterances};
pub use web_messaging::web_messaging;

use super::model::Scenario;
use crate::file::FileFault;

/// What became of a file of another program.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// What of it has no counterpart here, with its place: it is left out.
    pub left_out: Vec<FileFault>,
}
