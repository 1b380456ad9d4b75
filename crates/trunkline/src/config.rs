//! The configuration file: `trunkline.toml`. The environment goes over it, and flags over both.

use crate::{cli::parse_destination, files::read_text};
use anyhow::{Context, Result, bail};
use flow::delivery::Schedule;
use jobs::follow_up;
use secrecy::SecretString;
use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use url::Url;
use webhooks::Source;
use wire::{Faults, fault::Object};

/// Largest configuration file, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What the file says; what it does not say is left to the defaults.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Where data is kept.
    pub(crate) data_dir: Option<PathBuf>,
    /// A PostgreSQL database; its URL may hold a password.
    pub(crate) database: Option<SecretString>,
    pub(crate) center: CenterConfig,
    pub(crate) serve: ServeConfig,
}

/// `[center]`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CenterConfig {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) tls_listen: Option<SocketAddr>,
    pub(crate) tls_names: Vec<String>,
    pub(crate) tenant: Option<PathBuf>,
    pub(crate) limits: Option<center::Limits>,
    pub(crate) allow_hosts: Vec<String>,
    pub(crate) completions: Option<center::CompletionRate>,
    pub(crate) completions_to: Option<Url>,
}

/// `[serve]`.
#[derive(Debug, Default)]
pub(crate) struct ServeConfig {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) allow_hosts: Vec<String>,
    /// How long events and finished effects are kept.
    pub(crate) keep_days: Option<u16>,
    /// How long the texts of audit entries are kept; their hashes stay for ever.
    pub(crate) keep_audit_days: Option<u16>,
    /// When a webhook is tried again.
    pub(crate) schedule: Option<Schedule>,
    pub(crate) sources: Vec<Source>,
    /// Who sends completions: anybody, unless there are secrets.
    pub(crate) completions: Option<Source>,
    /// The rules of follow-up.
    pub(crate) rules: Option<PathBuf>,
    /// The platform; a center in the same process when there is none.
    pub(crate) platform: Option<String>,
}

/// Reads the named file, which must be there, or `trunkline.toml`, which may be. `TRUNKLINE_DATABASE` goes over its
/// database, for commands without that flag too.
pub(crate) fn read(named: Option<&Path>) -> Result<Config> {
    let mut config = read_file(named)?;
    if let Ok(url) = std::env::var("TRUNKLINE_DATABASE")
        && !url.is_empty()
    {
        config.database = Some(url.into());
    }
    Ok(config)
}

fn read_file(named: Option<&Path>) -> Result<Config> {
    let file = named.unwrap_or(Path::new("trunkline.toml"));
    let text = match read_text(file, MAX_BYTES) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            return Ok(Config::default());
        }
        Err(error) => {
            return Err(error).with_context(|| format!("the configuration {} can't be read", file.display()));
        }
    };
    match parse(&text) {
        Ok(config) => Ok(config),
        Err(faults) => {
            bail!(
                "the configuration {} has faults:\n  {}",
                file.display(),
                faults.as_slice().join("\n  ")
            )
        }
    }
}

fn parse(text: &str) -> Result<Config, Faults> {
    let table: toml::Table = toml::from_str(text).map_err(|error| Faults::one(error.to_string()))?;
    let value = serde_json::to_value(table).map_err(|error| Faults::one(error.to_string()))?;
    let mut faults = Faults::new();
    let config = Object::top(&value, &mut faults).map(|file| {
        file.only(&["data_dir", "database", "center", "serve"], &mut faults);
        Config {
            data_dir: file.optional_text("data_dir", &mut faults).map(PathBuf::from),
            database: file
                .optional_text("database", &mut faults)
                .map(SecretString::from),
            center: section(&file, "center", &mut faults, read_center),
            serve: section(&file, "serve", &mut faults, read_serve),
        }
    });
    faults.finish(config)
}

fn section<T: Default>(
    file: &Object<'_>,
    name: &'static str,
    faults: &mut Faults,
    read: impl FnOnce(&Object<'_>, &mut Faults) -> T,
) -> T {
    let value = file.get(name);
    let section = value.and_then(|value| Object::at(value, name, faults));
    section.map(|section| read(&section, faults)).unwrap_or_default()
}

fn read_center(center: &Object<'_>, faults: &mut Faults) -> CenterConfig {
    let known = [
        "listen",
        "tls_listen",
        "tls_names",
        "tenant",
        "limits",
        "allow_hosts",
        "completions",
        "completions_to",
    ];
    center.only(&known, faults);
    CenterConfig {
        listen: center.optional_parsed("listen", faults),
        tls_listen: center.optional_parsed("tls_listen", faults),
        tls_names: texts(center, "tls_names", faults),
        tenant: center.optional_text("tenant", faults).map(PathBuf::from),
        limits: center.optional_parsed("limits", faults),
        allow_hosts: texts(center, "allow_hosts", faults),
        completions: center.optional_parsed("completions", faults),
        completions_to: read_destination(center, faults),
    }
}

fn read_destination(center: &Object<'_>, faults: &mut Faults) -> Option<Url> {
    let text = center.optional_text("completions_to", faults)?;
    let name = center.name("completions_to");
    faults.keep(parse_destination(text).map_err(|fault| format!("{name}: {fault}")))
}

fn read_serve(serve: &Object<'_>, faults: &mut Faults) -> ServeConfig {
    let known = [
        "listen",
        "allow_hosts",
        "keep_days",
        "keep_audit_days",
        "schedule",
        "source",
        "completions",
        "rules",
        "platform",
    ];
    serve.only(&known, faults);
    ServeConfig {
        listen: serve.optional_parsed("listen", faults),
        allow_hosts: texts(serve, "allow_hosts", faults),
        keep_days: days(serve, "keep_days", faults),
        keep_audit_days: days(serve, "keep_audit_days", faults),
        schedule: serve.optional_parsed("schedule", faults),
        sources: read_sources(serve, faults),
        completions: read_completions(serve, faults),
        rules: serve.optional_text("rules", faults).map(PathBuf::from),
        platform: serve.optional_text("platform", faults).map(str::to_owned),
    }
}

fn read_sources(serve: &Object<'_>, faults: &mut Faults) -> Vec<Source> {
    let listed = serve.optional_list("source", faults).unwrap_or_default();
    let mut names = HashSet::new();
    let mut read = |(at, source)| {
        let source = Object::at(source, &format!("serve.source[{at}]"), faults)?;
        let name = source.get("name").and_then(serde_json::Value::as_str);
        if let Some(name) = name.filter(|name| !names.insert(*name)) {
            let itself = source.itself();
            faults.push(format!(
                "{itself}: there is another source {name:?}; give each its own name"
            ));
        }
        read_source(&source, faults)
    };
    listed.iter().enumerate().filter_map(&mut read).collect()
}

fn read_completions(serve: &Object<'_>, faults: &mut Faults) -> Option<Source> {
    let completions = Object::at(serve.get("completions")?, "serve.completions", faults)?;
    completions.only(&["secrets", "tolerance_s"], faults);
    signed(&completions, follow_up::SOURCE, faults)
}

fn days(serve: &Object<'_>, field: &str, faults: &mut Faults) -> Option<u16> {
    let days = serve.optional_whole(field, 1..=36_500, faults)?;
    u16::try_from(days).ok()
}

fn read_source(source: &Object<'_>, faults: &mut Faults) -> Option<Source> {
    source.only(&["name", "secrets", "tolerance_s"], faults);
    let name = source.text("name", faults)?;
    if name == follow_up::SOURCE {
        let itself = source.itself();
        faults.push(format!(
            "{itself}: {name:?} is there already; name its secrets under [serve.completions]"
        ));
    }
    signed(source, name, faults)
}

/// A source by this name, with its secrets and tolerance.
fn signed(source: &Object<'_>, name: &str, faults: &mut Faults) -> Option<Source> {
    let secrets = texts(source, "secrets", faults);
    let tolerance_s = source
        .optional_whole("tolerance_s", 1..=86_400, faults)
        .unwrap_or(300);
    let tolerance = Duration::from_secs(tolerance_s);
    match Source::parse(name, &secrets, tolerance) {
        Ok(read) => Some(read),
        Err(wrong) => {
            for fault in wrong.as_slice() {
                faults.push(format!("{}: {fault}", source.itself()));
            }
            None
        }
    }
}

fn texts(object: &Object<'_>, field: &str, faults: &mut Faults) -> Vec<String> {
    let items = object.optional_list(field, faults).unwrap_or_default();
    let text = |item: &serde_json::Value| {
        faults.keep(
            item.as_str()
                .map(str::to_owned)
                .ok_or(format!("{} must be a list of texts", object.name(field))),
        )
    };
    items.iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_is_read() {
        let config = parse(
            "data_dir = '/srv/x'\n[center]\nlisten = '127.0.0.1:9000'\nlimits = 'off'\ntls_names = ['a.example']\n\
             completions = '3/s'\ncompletions_to = 'https://a.example/hook'\n\
             [serve]\nkeep_days = 7\nschedule = '5s, 1m'\n[[serve.source]]\nname = 'crm'\n",
        );
        let config = config.unwrap();
        assert_eq!(config.data_dir, Some("/srv/x".into()));
        assert_eq!(config.center.listen, Some("127.0.0.1:9000".parse().unwrap()));
        assert_eq!(config.center.limits, Some(center::Limits::OFF));
        assert_eq!(config.center.tls_names, ["a.example"]);
        assert_eq!(config.center.completions, "3/s".parse().ok());
        assert_eq!(
            config.center.completions_to,
            "https://a.example/hook".parse().ok()
        );
        assert_eq!(config.serve.keep_days, Some(7));
        assert_eq!(config.serve.schedule, Some("5s, 1m".parse().unwrap()));
        assert_eq!(config.serve.sources.len(), 1);
        assert!(parse("").is_ok());
    }

    #[test]
    fn all_faults_at_once() {
        let text = "speed = 3\n[center]\nlisten = 'here'\nlimits = 'much'\ntls_names = [1]\nlistne = ''\n\
            completions = 'fast'\ncompletions_to = 'here'\n\
            [serve]\nkeep_days = 0\nschedule = 'soon'\n[[serve.source]]\nsecrets = ['x']\n";
        let faults = parse(text).unwrap_err().into_vec();
        assert_eq!(faults.len(), 10, "{faults:#?}");
    }
}
