//! `trunkline bot chat` as a person has it: on a terminal of its own, typed into key by key.

use crate::support::{json, trunkline, wait_for};
use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex},
    thread,
};

struct Terminal {
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
    process: Child,
}

impl Terminal {
    /// Runs a command on a new terminal, whose Ctrl-C is its own.
    fn run(command: &Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 40,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let line: File = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())
            .unwrap()
            .into();
        let mut on_terminal = Command::new("/usr/bin/setsid");
        on_terminal
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("TERM", "xterm")
            .current_dir(command.get_current_dir().unwrap())
            .stdin(line.try_clone().unwrap())
            .stdout(line.try_clone().unwrap())
            .stderr(line);
        let process = on_terminal.spawn().unwrap();
        let keys = File::from(master);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, kept) = (keys.try_clone().unwrap(), shown.clone());
        thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut some) {
                kept.lock().unwrap().extend_from_slice(&some[..count]);
            }
        });
        Self { keys, shown, process }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until this is shown after what was shown before.
    fn shows(&self, from: usize, text: &str) {
        let shown = || self.shown().get(from..).unwrap_or_default().to_owned();
        wait_for(&format!("{text:?} on the screen"), || {
            shown().contains(text).then_some(())
        });
    }

    /// Types; gives how much was shown before.
    fn types(&mut self, keys: &str) -> usize {
        let before = self.shown().len();
        self.keys.write_all(keys.as_bytes()).unwrap();
        before
    }

    fn ends(&mut self) -> ExitStatus {
        wait_for("the end of the chat", || self.process.try_wait().unwrap())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_person_talks_presses_buttons_looks_and_leaves_by_ctrl_c_with_nothing_left_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = trunkline(folder.path());
    command.args(["bot", "chat"]);
    let mut terminal = Terminal::run(&command);
    // The prompt, once the bot has greeted.
    terminal.shows(0, "Track my order");
    terminal.shows(0, "you");
    let from = terminal.types("where is my order AB-12345\n");
    terminal.shows(from, "AB-12345, is that right?");
    terminal.shows(from, "Yes");
    terminal.shows(from, "you");
    let from = terminal.types("1\n");
    terminal.shows(from, "you press Yes");
    terminal.shows(from, "Did that solve it?");
    let from = terminal.types("/state\n");
    terminal.shows(from, "active, version");
    let from = terminal.types("\u{3}");
    let status = terminal.ends();
    assert!(status.success(), "{status}: {}", terminal.shown());
    terminal.shows(from, "closed");
    // The turns were noted, and the conversation was closed.
    let entries = json(folder.path(), &["audit", "list", "--limit", "100"]);
    let noted = |action: &str| {
        let all = entries["entries"].as_array().unwrap().iter();
        all.filter(|entry| entry["action"] == action)
            .map(|entry| entry["detail"].clone())
            .collect::<Vec<_>>()
    };
    let turns = noted("chat.turn");
    assert_eq!(turns.len(), 2, "{entries:#}");
    assert_eq!(
        (&turns[0]["state"], turns[0]["contextBytes"].is_u64()),
        (&"active".into(), true)
    );
    let closed = noted("conversation.state");
    assert!(closed.iter().any(|change| change["to"] == "closed"), "{closed:?}");
}

#[test]
fn after_a_hand_over_nobody_waits_for_the_bot_and_commands_work_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = trunkline(folder.path());
    command.args(["bot", "chat"]);
    let mut terminal = Terminal::run(&command);
    terminal.shows(0, "Track my order");
    terminal.shows(0, "you");
    let from = terminal.types("I want to talk to a human\n");
    terminal.shows(from, "handed over to a person");
    // Each would take 20 s if the bot were awaited: more than is waited here for the end.
    let from = terminal.types("hello\nare you there\n/state\n");
    terminal.shows(from, "escalated, version");
    assert!(!terminal.shown()[from..].contains("no answer"));
    terminal.types("/quit\n");
    assert!(terminal.ends().success(), "{}", terminal.shown());
}
