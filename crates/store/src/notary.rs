//! Vouching for the audit log: its size and root, signed.

use crate::{Error, Store, write_private};
use audit::{
    checkpoint::{Checkpoint, CheckpointError},
    note::{NoteError, SigningKey, VerifyingKey},
    proof::verify_consistency,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, MissedTickBehavior, interval},
};

/// The key that signs: its name and, in hexadecimal, its seed. A secret.
const KEY: &str = "audit.key";
/// What verifies the signatures; to be handed out.
const PUBLIC: &str = "audit.pub";
/// A copy of the newest checkpoint, outside the database.
const COPY: &str = "audit.checkpoint";

/// How often the log is signed, if it has grown.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// How often it is told that it can't be signed.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Why the audit log was not signed.
#[derive(Debug, thiserror::Error)]
pub enum NotaryError {
    /// A file of the key or the copy can't be used.
    #[error("the file {} can't be used", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file of the key has been changed.
    #[error("{} is no signing key; put the right one back, or remove it to begin with a new one", .0.display())]
    Key(PathBuf),
    /// The log is not what was signed before: somebody has changed it.
    #[error(
        "the audit log does not continue what was signed at {signed} entries (it has {found}): it was changed; \
         'trunkline audit verify' says where"
    )]
    Changed {
        /// The entries of the last checkpoint.
        signed: u64,
        /// The entries now.
        found: u64,
    },
    /// The signature can't be made.
    #[error("the checkpoint can't be signed")]
    Sign(#[source] CheckpointError),
    /// The database does not do its part.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Signs the audit log of a store with a key of its own, and never what does not continue what it signed before.
pub struct Notary {
    store: Store,
    key: SigningKey,
    copy: PathBuf,
    /// The last checkpoint of this key, and one signature at a time.
    last: Mutex<Option<Checkpoint>>,
}

impl Notary {
    /// The notary whose key is in this folder; the key is made if there is none.
    pub async fn open(store: Store, folder: &Path) -> Result<Self, NotaryError> {
        let key = open_key(folder)?;
        let copy = folder.join(COPY);
        let mut notes: Vec<String> = read(&copy)?.into_iter().collect();
        notes.extend(store.last_checkpoint().await?);
        let known = [key.verifying_key().clone()];
        let own = notes
            .iter()
            .filter_map(|note| Checkpoint::open(note, key.name(), &known).ok());
        let last = own.max_by_key(Checkpoint::size);
        Ok(Self {
            store,
            key,
            copy,
            last: Mutex::new(last),
        })
    }

    /// Whether a notary's key is in this folder.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(KEY).exists()
    }

    /// What verifies its signatures.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.key.verifying_key()
    }

    /// Signs the log as it is now, if it has grown; gives the newest checkpoint as a signed note.
    pub async fn sign(&self) -> Result<String, NotaryError> {
        let mut last = self.last.lock().await;
        let log = self.store.log().await?;
        let now = Checkpoint::new(self.key.name(), log.size(), log.root()).map_err(NotaryError::Sign)?;
        if let Some(last) = &*last {
            self.check_continues(last, &now).await?;
        }
        let note = now
            .sign(&self.key)
            .map_err(|error| NotaryError::Sign(error.into()))?;
        if last.as_ref() != Some(&now) {
            self.store.keep_checkpoint(now.size(), &note).await?;
            write(&self.copy, &note)?;
            *last = Some(now);
        }
        Ok(note)
    }

    /// Signs the log once a second, if it has grown. Never returns.
    pub async fn keep_signing(&self) {
        let mut ticks = interval(SIGN_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = None;
        loop {
            ticks.tick().await;
            let Err(error) = self.sign().await else {
                told = None;
                continue;
            };
            if told.is_none_or(|told: Instant| told.elapsed() > TELL_EVERY) {
                told = Some(Instant::now());
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the audit log is not signed"
                );
            }
        }
    }

    async fn check_continues(&self, last: &Checkpoint, now: &Checkpoint) -> Result<(), NotaryError> {
        let proof = match last.size() == 0 || last.size() == now.size() {
            true => Some(Vec::new()),
            false => self.store.consistency_proof(last.size(), now.size()).await?,
        };
        let continues = proof.is_some_and(|proof| {
            verify_consistency(last.size(), last.root(), now.size(), now.root(), &proof)
        });
        match continues {
            true => Ok(()),
            false => Err(NotaryError::Changed {
                signed: last.size(),
                found: now.size(),
            }),
        }
    }
}

/// The verifying key of a folder, and its copy of the newest checkpoint.
pub fn vouchers(folder: &Path) -> Result<(Option<VerifyingKey>, Option<String>), NotaryError> {
    let public = folder.join(PUBLIC);
    let key = match read(&public)? {
        Some(text) => Some(
            text.trim()
                .parse()
                .map_err(|_: NoteError| NotaryError::Key(public))?,
        ),
        None => None,
    };
    Ok((key, read(&folder.join(COPY))?))
}

fn open_key(folder: &Path) -> Result<SigningKey, NotaryError> {
    let path = folder.join(KEY);
    let text = match read(&path)? {
        Some(text) => text,
        None => new_key(&path)?,
    };
    let key = parse_key(text.trim()).ok_or(NotaryError::Key(path))?;
    let public = format!("{}\n", key.verifying_key());
    if read(&folder.join(PUBLIC))?.as_deref() != Some(&public) {
        write(&folder.join(PUBLIC), &public)?;
    }
    Ok(key)
}

/// Makes a key. Of several processes that try at once, one makes it, and all read that one.
fn new_key(path: &Path) -> Result<String, NotaryError> {
    let file = |source| NotaryError::File {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file)?;
    }
    let seed: [u8; 32] = rand::random();
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("trunkline-audit/{:08x} {hex}\n", rand::random::<u32>());
    let made = path.with_extension(format!("{:08x}", rand::random::<u32>()));
    write(&made, &text)?;
    // A link is made whole or not at all, and never over another.
    let linked = fs::hard_link(&made, path);
    fs::remove_file(&made).map_err(file)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(file(error)),
        _ => fs::read_to_string(path).map_err(file),
    }
}

fn parse_key(text: &str) -> Option<SigningKey> {
    let (name, hex) = text.split_once(' ')?;
    let mut seed = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    SigningKey::from_seed(seed, name).ok()
}

fn read(path: &Path) -> Result<Option<String>, NotaryError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(NotaryError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a file that only its owner can read; the old content stays if anything fails.
fn write(path: &Path, text: &str) -> Result<(), NotaryError> {
    write_private(path, text.as_bytes()).map_err(|source| NotaryError::File {
        path: path.to_owned(),
        source,
    })
}
