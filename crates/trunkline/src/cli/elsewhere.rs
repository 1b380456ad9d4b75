//! What is said of the centre in this process means nothing beside the address of another one. Typed, it is a mistake. From the
//! environment it is left aside: `.env` is there for all commands.

use super::Cli;
use clap::{
    ArgMatches, Command, CommandFactory as _, Error, FromArgMatches as _,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use std::ffi::OsString;

/// A command, the argument that names another centre, and those that are for the one in this process.
type Pair = (&'static [&'static str], &'static str, &'static [&'static str]);

const PAIRS: [Pair; 10] = [
    (&["bot", "chat"], "platform", &["tenant"]),
    (&["bot", "test"], "platform", &["tenant"]),
    (&["prompts", "build"], "platform", &["tenant"]),
    (&["prompts", "status"], "platform", &["tenant"]),
    (&["prompts", "play"], "platform", &["tenant"]),
    (&["play"], "platform", &["tenant"]),
    (&["serve"], "platform", &["tenant", "limits", "completions"]),
    (&["menu", "call"], "center", &["tenant"]),
    (&["bot", "sync"], "platform", &["tenant"]),
    (&["bot", "report"], "platform", &["tenant"]),
];

impl Cli {
    /// Reads what was typed, and the environment.
    pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(words)?;
        for pair in &PAIRS {
            check(pair, &command, &matches)?;
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

fn check((path, other, local): &Pair, command: &Command, matches: &ArgMatches) -> Result<(), Error> {
    let below = path
        .iter()
        .try_fold((command, matches), |(command, matches), name| {
            Some((command.find_subcommand(name)?, matches.subcommand_matches(name)?))
        });
    let Some((command, matches)) = below else {
        return Ok(());
    };
    if matches.value_source(other).is_none() {
        return Ok(());
    }
    let typed = |name: &&&str| matches.value_source(name) == Some(ValueSource::CommandLine);
    match local.iter().find(typed) {
        Some(name) => Err(conflict(command, name, other)),
        None => Ok(()),
    }
}

fn conflict(command: &Command, name: &str, other: &str) -> Error {
    let shown = |name: &str| {
        let arg = command.get_arguments().find(|arg| arg.get_id() == name);
        ContextValue::String(arg.map_or_else(|| name.to_owned(), ToString::to_string))
    };
    let mut error = Error::new(ErrorKind::ArgumentConflict).with_cmd(command);
    error.insert(ContextKind::InvalidArg, shown(name));
    error.insert(ContextKind::PriorArg, shown(other));
    error
}
