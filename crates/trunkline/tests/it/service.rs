//! A running `trunkline serve`, and requests to it.

use crate::support::{json, trunkline, wait_for};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A running service in a folder of its own.
pub(crate) struct Service {
    process: Child,
    folder: PathBuf,
    pub(crate) address: String,
    /// What it wrote for other programs.
    pub(crate) environment: HashMap<String, String>,
}

impl Service {
    /// Starts it for a platform that is not there, with more arguments.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        let platform = ["--platform", "http://127.0.0.1:9"];
        Self::spawn(folder, &[&platform, more].concat())
    }

    /// Starts it with a center in the same process, with more arguments: with the tenant of the folder, which is the demo's with few
    /// prompts unless there is one.
    pub(crate) fn start_with_center(folder: &Path, more: &[&str]) -> Self {
        let tenant = folder.join("tenant.toml");
        if !tenant.exists() {
            fs::write(&tenant, quick_tenant(folder)).unwrap();
        }
        Self::spawn(folder, &[&["--tenant", "tenant.toml"], more].concat())
    }

    fn spawn(folder: &Path, more: &[&str]) -> Self {
        let env_file = folder.join("serve.env");
        let _ = fs::remove_file(&env_file);
        let listen = ["--listen", "127.0.0.1:0"];
        let listen = if more.contains(&"--listen") {
            &[][..]
        } else {
            &listen
        };
        let mut process = trunkline(folder)
            .args(["serve", "--env-file", "serve.env"])
            .args(listen)
            .args(more)
            .envs([("CLIENT_ID", "demo"), ("CLIENT_SECRET", "nobody-asks-for-it")])
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("serve.err")).unwrap())
            .spawn()
            .unwrap();
        let text = wait_for("the environment file", || {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "{}", said(folder));
            fs::read_to_string(&env_file).ok()
        });
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let environment: HashMap<String, String> = lines.map(|(n, v)| (n.into(), v.into())).collect();
        let url = environment["TRUNKLINE_SERVE_URL"].strip_prefix("http://");
        Self {
            process,
            folder: folder.to_owned(),
            address: url.unwrap().to_owned(),
            environment,
        }
    }

    /// Sends an event to a source.
    pub(crate) fn send(&self, source: &str, event: &Value) -> Answer {
        let body = event.to_string();
        self.post(source, &[("Content-Type", "application/json")], body.as_bytes())
    }

    /// Sends an event that must be accepted.
    pub(crate) fn accept(&self, source: &str, event: &Value) {
        let answer = self.send(source, event);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"received":true}"#)
        );
    }

    pub(crate) fn post(&self, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        post(&self.address, source, headers, body)
    }

    /// What `store info` says once nothing waits any more.
    pub(crate) fn settled(&self) -> Value {
        wait_for("the end of all work", || {
            let info = json(&self.folder, &["store", "info"]);
            (info["waiting"] == 0 && info["held"] == 0).then_some(info)
        })
    }

    /// What it wrote to standard error.
    pub(crate) fn said(&self) -> String {
        said(&self.folder)
    }

    /// Asks it to end, as a service manager does.
    pub(crate) fn terminate(&self) {
        let pid = self.process.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits for its end; gives the exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let status = wait_for("the end of the service", || self.process.try_wait().unwrap());
        status.code()
    }

    /// Ends it in good order.
    pub(crate) fn close(self) {
        self.terminate();
        assert_eq!(self.ended(), Some(0));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn said(folder: &Path) -> String {
    fs::read_to_string(folder.join("serve.err")).unwrap()
}

/// The demo tenant with the few prompts that the center itself needs: loaded in no time.
pub(crate) fn quick_tenant(folder: &Path) -> String {
    let demo = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo"));
    fs::create_dir_all(folder.join("prompts")).unwrap();
    for prompt in ["apology.wav", "operator_greeting.wav", "agent_greeting.wav"] {
        let there = folder.join("prompts").join(prompt);
        fs::copy(demo.join("prompts").join(prompt), there).unwrap();
    }
    fs::copy(demo.join("bot.toml"), folder.join("bot.toml")).unwrap();
    fs::read_to_string(demo.join("tenant.toml")).unwrap()
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    /// The faults that a refusal names.
    pub(crate) fn errors(&self) -> Vec<String> {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let errors = body["errors"].as_array().unwrap().iter();
        errors.map(|error| error.as_str().unwrap().to_owned()).collect()
    }
}

/// Posts to a source of the service at this address.
pub(crate) fn post(address: &str, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let length = body.len().to_string();
    let mut headers = headers.to_vec();
    headers.push(("Content-Length", &length));
    exchange(
        address,
        &head("POST", &format!("/webhooks/{source}"), &headers),
        body,
    )
}

/// The head of a request after which the connection is closed.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}\r\n",
        lines.concat()
    )
}

/// Sends a request as it is written.
pub(crate) fn exchange(address: &str, head: &str, body: &[u8]) -> Answer {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body).unwrap();
    answer(&mut socket)
}

/// Reads an answer to its end.
pub(crate) fn answer(socket: &mut TcpStream) -> Answer {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap();
    let headers = headers.lines().filter_map(|line| line.split_once(": "));
    Answer {
        status: first.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}
