//! Where a sync goes.

use flow::tickets::Template;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::{fmt, path::PathBuf, str::FromStr};
use url::Url;

/// The most of a name that stands in a key, in characters.
const LONGEST_NAME: usize = 200;

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
    /// Its name on the screen: without user, password and query.
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

    /// Its name in the books: what goes elsewhere has another one, also where only the query, the user or the template differs; a
    /// new password changes nothing. It ends with a hash of all that, so that no secret of a query is in it.
    pub(super) fn key(&self, template: Option<&Template>) -> String {
        let mut hash = Sha256::new();
        hash.update(self.whole());
        if let Some(template) = template {
            hash.update([0]);
            hash.update(template.identity());
        }
        let hash: String = hash.finalize()[..20]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name: String = self.name().chars().take(LONGEST_NAME).collect();
        format!("{name}#{hash}")
    }

    /// All that says where it is.
    fn whole(&self) -> String {
        match self {
            Self::Jsonl(_) => self.name(),
            Self::Web(url) => without_password(url.clone()),
            Self::Postgres(text) => match text.expose_secret().parse() {
                Ok(url) => without_password(url),
                Err(_) => text.expose_secret().to_owned(),
            },
        }
    }
}

fn without_password(mut url: Url) -> String {
    // A URL that can't have one has none.
    let _ = url.set_password(None);
    url.set_fragment(None);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "password")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut whole = url.clone();
    whole.set_query(None);
    format!("{whole} {kept:?}")
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
    use std::collections::BTreeSet;

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

    fn key(text: &str) -> String {
        text.parse::<Target>().unwrap().key(None)
    }

    fn template(path: &str) -> Template {
        let file = format!(
            "[find]\npath = '{path}'\nid = '/id'\n[create]\npath = '/tickets'\nid = '/id'\nbody = {{}}\n"
        );
        flow::tickets::parse(&file).unwrap()
    }

    #[test]
    fn what_goes_elsewhere_has_books_of_its_own() {
        let different = [
            "https://h/hook",
            "https://h/hook?dest=a",
            "https://h/hook?dest=b",
            "https://ann@h/hook",
            "postgres://crm@db/crm",
            "postgres://other@db/crm",
            "postgres://crm@db/crm?options=-csearch_path%3Dother",
            "jsonl:a",
            "jsonl:b",
        ];
        let keys: BTreeSet<String> = different.iter().map(|text| key(text)).collect();
        assert_eq!(keys.len(), different.len(), "{keys:?}");
        let web: Target = "https://h".parse().unwrap();
        let (one, two) = (
            template("/a?id={conversation.id}"),
            template("/b?id={conversation.id}"),
        );
        let keys: BTreeSet<String> = [None, Some(&one), Some(&two)]
            .map(|template| web.key(template))
            .into();
        assert_eq!(keys.len(), 3, "{keys:?}");
    }

    #[test]
    fn books_are_found_again_and_hold_no_secrets() {
        assert_eq!(
            key("https://u:hunter2@h/hook?key=hunter2"),
            key("https://u:changed@h/hook?key=hunter2")
        );
        assert_eq!(
            key("postgres://crm:hunter2@db/crm?password=hunter2"),
            key("postgres://crm@db/crm?password=changed")
        );
        let shown = key("https://u:hunter2@h/hook?key=hunter2");
        assert!(
            shown.starts_with("https://h/hook#") && !shown.contains("hunter2"),
            "{shown}"
        );
        assert!(key(&format!("https://h/{}", "x".repeat(5000))).len() < 300);
    }

    #[test]
    fn what_is_no_target_is_refused_without_being_quoted() {
        for wrong in ["changes.jsonl", "ftp:hunter2", "jsonl:", "https://", "http:///"] {
            let error = wrong.parse::<Target>().map(|_| ()).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
