//! Where a sync goes.

use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, path::PathBuf, str::FromStr};
use url::Url;

/// Another system that is kept in step, as a user names it.
#[derive(Clone)]
pub enum Target {
    /// A file, a line for each change: `jsonl:changes.jsonl`.
    Jsonl(PathBuf),
    /// A web hook, or with a template the API of a ticketing system: `https://host/path`.
    Web(Url),
    /// A table in a PostgreSQL database: `postgres://user:password@host/database`. The URL may hold a password.
    Postgres(SecretString),
}

/// Why a text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// It begins with none of the known words. The text is not quoted: it may hold a password.
    #[error("it must be jsonl:FILE, http://..., https://... or postgres://...")]
    Kind,
    /// There is no file name.
    #[error("jsonl: needs the name of a file, such as jsonl:changes.jsonl")]
    File,
    /// The address can't be read.
    #[error("it is no address: {0}")]
    Url(url::ParseError),
}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(BadTarget::Kind);
        };
        match scheme {
            "jsonl" if rest.is_empty() => Err(BadTarget::File),
            "jsonl" => Ok(Self::Jsonl(rest.into())),
            "http" | "https" => text.parse().map(Self::Web).map_err(BadTarget::Url),
            // `postgres:URL` is taken too.
            "postgres" | "postgresql" if rest.starts_with("postgres") => {
                Ok(Self::Postgres(rest.to_owned().into()))
            }
            "postgres" | "postgresql" => Ok(Self::Postgres(text.to_owned().into())),
            _ => Err(BadTarget::Kind),
        }
    }
}

impl Target {
    /// Its name in the books and on the screen: the same place, the same name; without user, password and query.
    pub fn name(&self) -> String {
        match self {
            Self::Jsonl(path) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                format!("jsonl:{}", path.display())
            }
            Self::Web(url) => shown(url),
            Self::Postgres(url) => {
                let url = url.expose_secret().parse().ok();
                url.as_ref().map_or_else(|| "postgres".into(), shown)
            }
        }
    }
}

fn shown(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        text.parse::<Target>().unwrap().name()
    }

    #[test]
    fn targets_have_names_without_secrets() {
        assert_eq!(
            name("https://u:hunter2@desk.example/hook?key=hunter2"),
            "https://desk.example/hook"
        );
        assert_eq!(name("http://127.0.0.1:9/"), "http://127.0.0.1:9/");
        assert_eq!(
            name("postgres://u:hunter2@db:5433/crm?sslmode=require"),
            "postgres://db:5433/crm"
        );
        assert_eq!(name("postgres:postgres://u:hunter2@db/crm"), "postgres://db/crm");
        let file: Target = "jsonl:changes.jsonl".parse().unwrap();
        assert!(file.name().starts_with("jsonl:/") && file.name().ends_with("/changes.jsonl"));
        let secret: Target = "postgres://u:hunter2@db/crm".parse().unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_target_is_refused_without_being_quoted() {
        for wrong in ["changes.jsonl", "ftp:hunter2", "jsonl:", "https://", "http:///"] {
            let error = wrong.parse::<Target>().map(|_| ()).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
