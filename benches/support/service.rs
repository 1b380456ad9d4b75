//! Services under test, each a process of its own.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A running service, killed when dropped.
pub(crate) struct Service {
    pub(crate) child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// Removed with it.
    _folder: TempDir,
}

impl Service {
    /// A process that answers there, with the folder it works in.
    pub(crate) fn new(child: Child, address: String, folder: TempDir) -> Self {
        Self {
            child,
            address,
            _folder: folder,
        }
    }

    /// `trunkline serve` in this folder, with more arguments.
    pub(crate) fn trunkline(folder: TempDir, more: &[&str]) -> Self {
        let env_file = folder.path().join("serve.env");
        let child = Command::new(env!("CARGO_BIN_EXE_trunkline"))
            .current_dir(folder.path())
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--quiet",
                "--env-file",
                "serve.env",
            ])
            .args(more)
            .env("CLIENT_ID", "peer")
            .env("CLIENT_SECRET", "peer-secret-1")
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("trunkline starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        let address = loop {
            let lines = std::fs::read_to_string(&env_file).unwrap_or_default();
            let url = lines
                .lines()
                .find_map(|line| line.strip_prefix("TRUNKLINE_SERVE_URL=http://"));
            if let Some(address) = url {
                break address.to_owned();
            }
            assert!(Instant::now() < deadline, "trunkline serve does not start");
            std::thread::sleep(Duration::from_millis(20));
        };
        Self::new(child, address, folder)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
