//! The process's environment: `.env` into it, secrets out of it.

use anyhow::{Context, Result, bail};
use secrecy::SecretString;

/// Reads `.env` of the current folder, if there is one. What the environment has already stays.
pub(crate) fn read_dotenv() -> Result<()> {
    match dotenvy::from_filename(".env") {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // The error quotes the line, which may hold a secret.
        Err(dotenvy::Error::LineParse(_, at)) => bail!("the file .env is faulty at character {at} of a line"),
        Err(error) => Err(error).context("the file .env can't be read"),
    }
}

/// A secret that must be there.
pub(crate) fn secret(name: &str) -> Result<SecretString> {
    match optional(name) {
        Some(value) => Ok(value),
        None => bail!(
            "{name} is not set\nhint: 'trunkline center' prints it; paste its lines, or put them into .env"
        ),
    }
}

/// A secret that may be there.
pub(crate) fn optional(name: &str) -> Option<SecretString> {
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty()).map(Into::into)
}
