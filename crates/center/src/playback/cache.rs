//! Prepared prompts, as many as there is room for: each is made once, however many ask for it at once.

use super::prepared::{How, Prepared, Unprepared};
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};
use tokio::sync::{OnceCell, Semaphore};

/// Most bytes of prompts that are kept ready. Those that are played stay in memory besides, as long as they are.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The SHA-256 of a file.
pub(super) type Sha256 = [u8; 32];

/// What a prepared prompt is made of. A file that is replaced has another hash: old and new are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    file: Sha256,
    volume: [u64; 3],
    trim_ms: Option<u32>,
    codec: audio::codec::Codec,
}

impl Key {
    pub(super) fn new(file: Sha256, how: &How) -> Self {
        let volume = &how.volume;
        Self {
            file,
            volume: [
                volume.base_gain(),
                volume.peak_limit(),
                volume.compression_ratio(),
            ]
            .map(f64::to_bits),
            trim_ms: how.trim_ms,
            codec: how.codec,
        }
    }
}

/// Why a prompt is not to be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum CacheError {
    #[error(transparent)]
    Unprepared(#[from] Unprepared),
    #[error("the file of the prompt can't be read")]
    File(#[source] io::Error),
    #[error("the preparation of the prompt was broken off")]
    Broken(#[from] tokio::task::JoinError),
}

struct Entry {
    cell: Arc<OnceCell<Arc<Prepared>>>,
    /// When it was asked for last, by the cache's own count.
    used: u64,
    /// 0 while it is being made.
    bytes: usize,
}

#[derive(Default)]
struct Shelf {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    count: u64,
}

/// Prepared prompts by what they are made of.
pub(super) struct Cache {
    shelf: Mutex<Shelf>,
    /// One for each processor but the one that plays: preparing is nothing but work.
    processors: Arc<Semaphore>,
    most_bytes: usize,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            shelf: Mutex::default(),
            processors: Arc::new(Semaphore::new(
                thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1)),
            )),
            most_bytes: MOST_BYTES,
        }
    }

    /// The prompt, made by `make` on a thread that may block, unless it is there.
    pub(super) async fn get(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Prepared, CacheError> + Send + 'static,
    ) -> Result<Arc<Prepared>, CacheError> {
        let cell = self.shelf().ask(key.clone());
        if let Some(there) = cell.get() {
            return Ok(there.clone());
        }
        let waiting = Waiting {
            cache: self,
            key: key.clone(),
            cell,
        };
        let making = async {
            // The semaphore is never closed. The turn ends with the work, also when nobody waits for it any more.
            let turn = Arc::clone(&self.processors).acquire_owned().await.ok();
            let make = move || {
                let _turn = turn;
                make()
            };
            let made = tokio::task::spawn_blocking(make).await??;
            Ok::<_, CacheError>(Arc::new(made))
        };
        let made = waiting.cell.get_or_try_init(async || making.await).await;
        match made {
            Ok(prepared) => {
                self.shelf().keep(&key, prepared.bytes(), self.most_bytes);
                Ok(prepared.clone())
            }
            Err(error) => Err(error),
        }
    }

    /// How many prompts are ready, and how many bytes they take.
    pub(super) fn size(&self) -> (usize, usize) {
        let shelf = self.shelf();
        (shelf.entries.len(), shelf.bytes)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn ask(&mut self, key: Key) -> Arc<OnceCell<Arc<Prepared>>> {
        self.count += 1;
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            cell: Arc::default(),
            used: 0,
            bytes: 0,
        });
        entry.used = self.count;
        entry.cell.clone()
    }

    /// Counts what was made, and makes room: what was not asked for the longest goes first.
    fn keep(&mut self, key: &Key, bytes: usize, most_bytes: usize) {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.bytes == 0) else {
            return;
        };
        entry.bytes = bytes;
        self.bytes += bytes;
        while self.bytes > most_bytes {
            let ready = self.entries.iter().filter(|(_, entry)| entry.bytes > 0);
            let oldest = ready
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| self.entries.remove(&key)) else {
                break;
            };
            self.bytes -= gone.bytes;
        }
    }

    /// Forgets what nobody made and nobody waits for.
    fn forget_unmade(&mut self, key: &Key) {
        let is_left = |entry: &Entry| !entry.cell.initialized() && Arc::strong_count(&entry.cell) == 1;
        if self.entries.get(key).is_some_and(is_left) {
            self.entries.remove(key);
        }
    }
}

/// Somebody who waits for a prompt; it may fail, and they may go away.
struct Waiting<'a> {
    cache: &'a Cache,
    key: Key,
    cell: Arc<OnceCell<Arc<Prepared>>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut shelf = self.cache.shelf();
        drop(std::mem::take(&mut self.cell));
        shelf.forget_unmade(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::codec::Codec;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use wire::playback::VolumeMatrix;

    fn key(file: u8, gain: f64) -> Key {
        let how = How {
            codec: Codec::G729,
            volume: VolumeMatrix::new(gain, 1.0, 1.0).unwrap(),
            trim_ms: None,
        };
        Key::new([file; 32], &how)
    }

    fn raw(bytes: usize) -> Result<Prepared, CacheError> {
        Ok(Prepared::of_g729(&vec![0; bytes]))
    }

    #[tokio::test]
    async fn a_prompt_is_made_once_for_all_who_wait() {
        let cache = Arc::new(Cache::new());
        let made = Arc::new(AtomicUsize::new(0));
        let ask = |_| {
            let (cache, made) = (cache.clone(), made.clone());
            tokio::spawn(async move {
                let make = move || {
                    made.fetch_add(1, Ordering::Relaxed);
                    raw(100)
                };
                cache.get(key(1, 1.0), make).await.unwrap()
            })
        };
        let asked: Vec<_> = (0..50).map(ask).collect();
        let mut all = Vec::new();
        for one in asked {
            all.push(one.await.unwrap());
        }
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert!(all.iter().all(|one| Arc::ptr_eq(one, &all[0])));
        assert_eq!(cache.size().0, 1);
    }

    #[tokio::test]
    async fn another_file_or_volume_is_another_prompt() {
        let cache = Cache::new();
        let old = cache.get(key(1, 1.0), || raw(100)).await.unwrap();
        let new = cache.get(key(2, 1.0), || raw(200)).await.unwrap();
        let soft = cache.get(key(2, 0.5), || raw(200)).await.unwrap();
        assert!(!Arc::ptr_eq(&old, &new) && !Arc::ptr_eq(&new, &soft));
        assert_eq!(old.shape().frames, 5);
        assert_eq!(new.shape().frames, 10);
    }

    #[tokio::test]
    async fn what_was_not_asked_for_the_longest_makes_room() {
        let one = raw(1000).unwrap().bytes();
        let cache = Cache {
            most_bytes: 2 * one,
            ..Cache::new()
        };
        let again = || panic!("it is there");
        for file in [1, 2] {
            cache.get(key(file, 1.0), || raw(1000)).await.unwrap();
        }
        cache.get(key(1, 1.0), again).await.unwrap();
        cache.get(key(3, 1.0), || raw(1000)).await.unwrap();
        assert_eq!(cache.size(), (2, 2 * one));
        cache.get(key(1, 1.0), again).await.unwrap();
        cache.get(key(3, 1.0), again).await.unwrap();
    }

    #[tokio::test]
    async fn what_failed_is_tried_again() {
        let cache = Cache::new();
        let fails = || Err(CacheError::File(io::Error::other("gone")));
        assert!(cache.get(key(1, 1.0), fails).await.is_err());
        assert_eq!(cache.size(), (0, 0));
        assert!(cache.get(key(1, 1.0), || raw(100)).await.is_ok());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_leaves_nothing_behind() {
        let cache = Cache::new();
        let (go_on, held_up) = std::sync::mpsc::channel::<()>();
        let slow = move || {
            let _ = held_up.recv();
            raw(100)
        };
        let gone = tokio::time::timeout(std::time::Duration::ZERO, cache.get(key(1, 1.0), slow)).await;
        assert!(gone.is_err());
        assert_eq!(cache.size(), (0, 0));
        drop(go_on);
    }
}
