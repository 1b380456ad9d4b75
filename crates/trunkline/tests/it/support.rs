//! Running the binary: with a bound on time, and never leaving a process behind.

use serde_json::Value;
use std::{
    collections::HashMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long anything may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binary, in an environment without surprises.
pub(crate) fn trunkline(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    trunkline(folder).args(args).output().unwrap()
}

/// Standard output as text.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard error as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a command that must succeed prints with `--json`.
pub(crate) fn json(folder: &Path, args: &[&str]) -> Value {
    let output = run(folder, &[&["--json"], args].concat());
    assert!(
        output.status.success(),
        "{args:?}: {}{}",
        stdout(&output),
        stderr(&output)
    );
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// Puts a placeholder in the place of every member of these names that has a value: for snapshots.
pub(crate) fn redact(value: &mut Value, names: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, names)),
        Value::Object(members) => {
            for (name, member) in members {
                match names.contains(&name.as_str()) && !member.is_null() {
                    true => *member = format!("[{name}]").into(),
                    false => redact(member, names),
                }
            }
        }
        _ => {}
    }
}

/// The bytes of every file below a folder, by path.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

/// Whether the bytes of this text are somewhere in others.
pub(crate) fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Waits until something is there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{what} did not happen within {PATIENCE:?}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// A running `trunkline center` on free ports.
pub(crate) struct Center {
    pub(crate) process: Child,
    pub(crate) folder: TempDir,
    pub(crate) environment: HashMap<String, String>,
}

impl Center {
    pub(crate) fn start(more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), more)
    }

    /// Kills it, which no program can do anything about, and starts another on the same folder; `between` sees the folder.
    pub(crate) fn killed_and_started(mut self, between: impl FnOnce(&Path)) -> Self {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        between(folder.path());
        fs::remove_file(folder.path().join("center.env")).unwrap();
        Self::start_in(folder, &[])
    }

    /// Starts on a folder of one's own, which may have a configuration in it.
    pub(crate) fn start_in(folder: TempDir, more: &[&str]) -> Self {
        let env_file = folder.path().join("center.env");
        let free_port: &[&str] = match more.contains(&"--listen") {
            true => &[],
            false => &["--listen", "127.0.0.1:0"],
        };
        let process = trunkline(folder.path())
            .args(["center", "--env-file", "center.env"])
            .args(free_port)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut center = Self {
            process,
            folder,
            environment: HashMap::new(),
        };
        let text = wait_for("the environment file", || fs::read_to_string(&env_file).ok());
        center.environment = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        center
    }

    /// Another command with the environment that the center printed.
    pub(crate) fn client(&self, args: &[&str]) -> Command {
        let mut command = trunkline(self.folder.path());
        command.args(args).envs(&self.environment);
        command
    }

    /// A request with the admin token, over a plain socket; gives the answer's body.
    pub(crate) fn admin(&self, method: &str, path: &str, body: &str) -> String {
        let address = self.environment["TRUNKLINE_URL"].strip_prefix("http://").unwrap();
        let token = &self.environment["TRUNKLINE_ADMIN_TOKEN"];
        let mut socket = TcpStream::connect(address).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Asks the center to end, as Ctrl-C does, and gives its exit code and what it printed.
    pub(crate) fn interrupt(mut self) -> (Option<i32>, String) {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = wait_for("the end of the center", || self.process.try_wait().unwrap());
        let mut printed = String::new();
        self.process
            .stdout
            .as_mut()
            .unwrap()
            .read_to_string(&mut printed)
            .unwrap();
        (status.code(), printed)
    }

    /// The recordings in its data folder.
    pub(crate) fn recordings(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.folder.path().join("trunkline-data/recordings"));
        folder
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default()
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
