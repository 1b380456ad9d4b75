//! A real browser for the tests of pages: ChromeDriver on a port of its own, Chromium with an empty profile, both ended with the test.
//!
//! Both are Debian's packages `chromium` and `chromium-driver`. WebDriver is JSON over HTTP, and the few commands that are needed
//! are sent as they are: the crates for it switch on features of `serde_json` that the shipped binary does not have.

use crate::support::wait_for;
use serde_json::{Value, json};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Keys that WebDriver names by a code point.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const TAB: &str = "\u{e004}";

/// Whether the tests in a browser are to run; says so if not.
pub(crate) fn is_wanted() -> bool {
    let wanted = env::var("TRUNKLINE_TEST_BROWSER").is_ok_and(|value| value == "1");
    if !wanted {
        eprintln!(
            "skipped: set TRUNKLINE_TEST_BROWSER=1, and have Debian's packages chromium and chromium-driver"
        );
    }
    wanted
}

/// How long a command may take: the browser's start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Without a screen, and without anything of its own over the network.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
    "--window-size=1440,900",
];

/// What the desktop says goes away after 9 s (`SHOWN_MS`); a test on a slow machine may come to read it later.
const STAY: &str = r#"
const usualTimeout = window.setTimeout;
window.setTimeout = (then, ms, ...rest) => (ms === 9_000 ? 0 : usualTimeout(then, ms, ...rest));
"#;

/// What a page is made to remember from its first moment on: what went wrong in it.
const WATCH: &str = r#"
window.faults = [];
addEventListener("error", (event) => faults.push(`error: ${event.message ?? `${event.target.src ?? event.target.href} can't be loaded`}`), true);
addEventListener("unhandledrejection", (event) => faults.push(`rejection: ${event.reason}`));
document.addEventListener("securitypolicyviolation", (event) => faults.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
for (const name of ["error", "warn", "assert"]) {
  const usual = console[name];
  console[name] = (...words) => { if (name !== "assert" || !words[0]) faults.push(`console: ${words.join(" ")}`); usual.apply(console, words); };
}
"#;

/// A window of a browser of its own.
pub(crate) struct Browser {
    chromedriver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let (chromedriver, port) = start_chromedriver();
        // From here on the processes are ended even by a panic.
        let mut browser = Self {
            chromedriver,
            port,
            session: String::new(),
            _profile: tempfile::tempdir().unwrap(),
        };
        let profile = format!("--user-data-dir={}", browser._profile.path().display());
        let args: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": args}}}});
        let made = browser.request("/session", &wanted);
        browser.session = made["sessionId"].as_str().unwrap().to_owned();
        browser.before_each_page(WATCH);
        browser.before_each_page(STAY);
        browser
    }

    /// A window that shows a page.
    pub(crate) fn at(url: &str) -> Self {
        let browser = Self::start();
        browser.go(url);
        browser
    }

    pub(crate) fn go(&self, url: &str) {
        self.command("url", json!({"url": url}));
    }

    /// Runs a script before those of each page that is loaded from now on.
    pub(crate) fn before_each_page(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": script}));
    }

    /// What a script returns.
    pub(crate) fn eval(&self, script: &str) -> Value {
        self.command("execute/sync", json!({"script": script, "args": []}))
    }

    /// What an expression is, as text; empty when it is nothing.
    pub(crate) fn text(&self, expression: &str) -> String {
        let value = self.eval(&format!("return {expression}"));
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&self, expression: &str) {
        let script = format!("return !!({expression})");
        wait_for(expression, || (self.eval(&script) == true).then_some(()));
    }

    /// Presses keys, one after the other.
    pub(crate) fn press(&self, keys: &str) {
        let strokes = keys
            .chars()
            .flat_map(|key| [stroke("keyDown", key), stroke("keyUp", key)]);
        self.keyboard(strokes.collect());
    }

    /// Presses a key with Control.
    pub(crate) fn press_with_control(&self, key: &str) {
        const CONTROL: char = '\u{e009}';
        let mut strokes = vec![stroke("keyDown", CONTROL)];
        strokes.extend(
            key.chars()
                .flat_map(|key| [stroke("keyDown", key), stroke("keyUp", key)]),
        );
        strokes.push(stroke("keyUp", CONTROL));
        self.keyboard(strokes);
    }

    fn keyboard(&self, strokes: Vec<Value>) {
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": strokes});
        self.command("actions", json!({"actions": [keyboard]}));
    }

    /// How large the page is, in CSS pixels.
    pub(crate) fn size(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// What the system prefers: `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features);
    }

    /// What went wrong in the page since it was loaded: errors, warnings, and what its policy forbade.
    pub(crate) fn faults(&self) -> Value {
        self.eval("return window.faults")
    }

    fn devtools(&self, method: &str, parameters: Value) {
        self.command("goog/cdp/execute", json!({"cmd": method, "params": parameters}));
    }

    /// A command of the session, and what comes of it.
    fn command(&self, name: &str, parameters: Value) -> Value {
        self.request(&format!("/session/{}/{name}", self.session), &parameters)
    }

    fn request(&self, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let (port, length) = (self.port, body.len());
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let (status, told) = answer(BufReader::new(socket));
        assert!(status.contains(" 200 "), "{path} {body}: {status} {told}");
        serde_json::from_str::<Value>(&told).unwrap()["value"].take()
    }
}

/// The first line and the body. ChromeDriver keeps connections open, so the length says where the answer ends.
fn answer(mut socket: impl BufRead) -> (String, String) {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or_default()];
    socket.read_exact(&mut body).unwrap();
    (head.swap_remove(0), String::from_utf8(body).unwrap())
}

impl Drop for Browser {
    fn drop(&mut self) {
        // ChromeDriver has a process group of its own, and Chromium is in it: neither survives the test, however it ends.
        let group = format!("-{}", self.chromedriver.id());
        let _ = Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
        let _ = self.chromedriver.wait();
    }
}

fn stroke(kind: &str, key: char) -> Value {
    json!({"type": kind, "value": key})
}

/// ChromeDriver takes a free port and says which.
fn start_chromedriver() -> (Child, u16) {
    let mut process = Command::new("chromedriver")
        .arg("--port=0")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver is not there; install Debian's packages chromium and chromium-driver");
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        line.split_once("started successfully on port ")?
            .1
            .trim_end_matches('.')
            .parse()
            .ok()
    });
    // It goes on writing now and then; nobody is to wait for it.
    std::thread::spawn(move || lines.for_each(drop));
    (process, port.expect("chromedriver says no port"))
}
