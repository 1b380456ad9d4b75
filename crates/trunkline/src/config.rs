//! The configuration file: `trunkline.toml`. The environment goes over it, and flags over both.

use crate::files::read_text;
use anyhow::{Context, Result, bail};
use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use wire::{Faults, fault::Object};

/// Largest configuration file, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What the file says; what it does not say is left to the defaults.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) tls_listen: Option<SocketAddr>,
    pub(crate) tls_names: Vec<String>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) tenant: Option<PathBuf>,
    pub(crate) limits: Option<center::Limits>,
    pub(crate) allow_hosts: Vec<String>,
}

/// Reads the named file, which must be there, or `trunkline.toml`, which may be.
pub(crate) fn read(named: Option<&Path>) -> Result<Config> {
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
    let config = Object::top(&value, &mut faults).and_then(|file| {
        file.only(&["center"], &mut faults);
        match file.get("center") {
            Some(center) => read_center(&Object::at(center, "center", &mut faults)?, &mut faults),
            None => Some(Config::default()),
        }
    });
    faults.finish(config)
}

fn read_center(center: &Object<'_>, faults: &mut Faults) -> Option<Config> {
    let known = [
        "listen",
        "tls_listen",
        "tls_names",
        "data_dir",
        "tenant",
        "limits",
        "allow_hosts",
    ];
    center.only(&known, faults);
    Some(Config {
        listen: center.optional_parsed("listen", faults),
        tls_listen: center.optional_parsed("tls_listen", faults),
        tls_names: texts(center, "tls_names", faults),
        data_dir: center.optional_text("data_dir", faults).map(PathBuf::from),
        tenant: center.optional_text("tenant", faults).map(PathBuf::from),
        limits: center.optional_parsed("limits", faults),
        allow_hosts: texts(center, "allow_hosts", faults),
    })
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
            "[center]\nlisten = '127.0.0.1:9000'\nlimits = 'off'\ntls_names = ['a.example']\ndata_dir = '/srv/x'\n",
        );
        let config = config.unwrap();
        assert_eq!(config.listen, Some("127.0.0.1:9000".parse().unwrap()));
        assert_eq!(config.limits, Some(center::Limits::OFF));
        assert_eq!(config.tls_names, ["a.example"]);
        assert_eq!(parse(""), Ok(Config::default()));
    }

    #[test]
    fn all_faults_at_once() {
        let text = "speed = 3\n[center]\nlisten = 'here'\nlimits = 'much'\ntls_names = [1]\nlistne = ''\n";
        let faults = parse(text).unwrap_err().into_vec();
        assert_eq!(faults.len(), 5, "{faults:#?}");
    }
}
