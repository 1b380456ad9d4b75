//! Secrets the center makes up: kept in the data folder, so that pasted environment lines stay true after a restart.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRngCore, rngs::OsRng};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use store::write_private;
use webhooks::Secret;
use wire::{ids::ClientId, oauth::Credentials};

/// A random text of `bytes` bytes of entropy.
pub(crate) fn random_text(bytes: usize) -> Result<String, io::Error> {
    let mut random = vec![0; bytes];
    OsRng.try_fill_bytes(&mut random).map_err(io::Error::other)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random))
}

/// The random bytes of a secret for webhooks.
fn random_bytes() -> io::Result<[u8; 32]> {
    let mut random = [0; 32];
    OsRng.try_fill_bytes(&mut random).map_err(io::Error::other)?;
    Ok(random)
}

/// The client of the process that the center runs in. Idempotency keys belong to a client, so it is the same one after a restart:
/// a step that is repeated then is the same step. A tenant can't name it.
pub(crate) const HOUSE: &str = "trunkline-house";

/// The client of the house, with a secret for as long as the process runs.
pub(crate) fn house_credentials() -> Result<Credentials, io::Error> {
    Ok(Credentials {
        client_id: HOUSE.parse().map_err(io::Error::other)?,
        client_secret: random_text(24)?.into(),
    })
}

/// Why secrets could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the secrets in {} can't be kept; delete the file to get new ones", .path.display())]
pub struct SecretsError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The made-up secrets by name.
pub(crate) struct Secrets {
    path: PathBuf,
    known: BTreeMap<String, String>,
}

impl Secrets {
    /// Reads the secrets of a data folder; a folder without any is new.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, SecretsError> {
        let path = data_dir.join("secrets.json");
        let error = |source| SecretsError {
            path: path.clone(),
            source,
        };
        let known = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| error(source.into()))?,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(error(source)),
        };
        Ok(Self { path, known })
    }

    /// The admin token.
    pub(crate) fn admin_token(&mut self) -> Result<SecretString, SecretsError> {
        self.named("admin".into(), || random_text(24))
    }

    /// The secret of a client whose tenant file has none.
    pub(crate) fn of_client(&mut self, client: &ClientId) -> Result<SecretString, SecretsError> {
        self.named(format!("client:{client}"), || random_text(24))
    }

    /// The secret that the keys of agents' desktops are made from.
    pub(crate) fn of_desks(&mut self) -> Result<SecretString, SecretsError> {
        self.named("desks".into(), || random_text(24))
    }

    /// What the center signs its completions with.
    pub(crate) fn of_webhooks(&mut self) -> Result<Secret, SecretsError> {
        let made = || Ok(Secret::generate(&random_bytes()?).expose().to_owned());
        let secret = self.named("webhook".into(), made)?;
        secret.expose_secret().parse().map_err(|fault| SecretsError {
            path: self.path.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, fault),
        })
    }

    fn named(
        &mut self,
        name: String,
        make: impl FnOnce() -> io::Result<String>,
    ) -> Result<SecretString, SecretsError> {
        if let Some(secret) = self.known.get(&name) {
            return Ok(secret.clone().into());
        }
        let error = |source| SecretsError {
            path: self.path.clone(),
            source,
        };
        let secret = make().map_err(error)?;
        self.known.insert(name, secret.clone());
        write_private(
            &self.path,
            &serde_json::to_vec_pretty(&self.known).unwrap_or_default(),
        )
        .map_err(|source| SecretsError {
            path: self.path.clone(),
            source,
        })?;
        Ok(secret.into())
    }
}

/// Compares two secrets without telling by the time taken how much of them agrees.
pub(crate) fn same_secret(a: &SecretString, b: &SecretString) -> bool {
    use sha2::{Digest, Sha256};
    let digest = |secret: &SecretString| Sha256::digest(secret.expose_secret().as_bytes());
    subtle::ConstantTimeEq::ct_eq(digest(a).as_slice(), digest(b).as_slice()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_survive_a_restart_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::open(folder.path()).unwrap().admin_token().unwrap();
        let again = Secrets::open(folder.path()).unwrap().admin_token().unwrap();
        assert!(same_secret(&first, &again));
        let webhooks = || Secrets::open(folder.path()).unwrap().of_webhooks().unwrap();
        assert_eq!(webhooks(), webhooks());
        #[cfg(unix)]
        {
            let metadata = fs::metadata(folder.path().join("secrets.json")).unwrap();
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
                0o600
            );
        }
        fs::write(folder.path().join("secrets.json"), "not json").unwrap();
        assert!(Secrets::open(folder.path()).is_err());
    }
}
