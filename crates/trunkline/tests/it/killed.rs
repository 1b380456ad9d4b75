//! A center that is killed in mid-call, and what the next one knows.

mod conversations;

use crate::{
    receiver::Receiver,
    support::{Center, wait_for},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    process::Stdio,
};

fn call(center: &Center, id: &str) -> Value {
    serde_json::from_str(&center.admin("GET", &format!("/center/v1/calls/{id}"), "")).unwrap()
}

#[test]
fn a_killed_center_knows_its_calls_when_it_starts_again() {
    let center = Center::start(&[]);
    // One call that is over, one that rings, and one that a menu leads.
    let place = |id: &str| json!({"id": id, "ani": "+1555", "dnis": "+1800"}).to_string();
    for id in ["over", "ringing"] {
        center.admin("POST", "/center/v1/calls", &place(id));
    }
    center.admin("DELETE", "/center/v1/calls/over", "");
    center.admin("GET", "/center/v1/calls/over?wait=10", "");
    let mut controller = center
        .client(&["menu", "call"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let recording = wait_for("a recording", || {
        let mut recordings = center.recordings().into_iter();
        recordings.find(|path| fs::metadata(path).unwrap().len() > 20_000)
    });
    let status: Value = serde_json::from_str(&center.admin("GET", "/center/v1/status", "")).unwrap();
    let live = status["live"].as_array().unwrap().iter();
    let led = live
        .map(|call| call["id"].as_str().unwrap())
        .find(|id| *id != "ringing");
    let led = led.unwrap().to_owned();

    let center = center.killed_and_started(|_| {
        // It was killed in the middle of a sample.
        let mut file = OpenOptions::new().append(true).open(&recording).unwrap();
        file.write_all(&[0xff]).unwrap();
    });
    controller.kill().unwrap();
    controller.wait().unwrap();

    assert_eq!(call(&center, "over")["cause"], "caller_hangup");
    let ringing = call(&center, "ringing");
    assert_eq!(
        (&ringing["state"], &ringing["cause"]),
        (&json!("ended"), &json!("center_restart"))
    );
    let broken = call(&center, &led);
    assert_eq!(
        (&broken["state"], &broken["cause"]),
        (&json!("ended"), &json!("center_restart"))
    );
    let timeline = broken["timeline"].as_array().unwrap();
    let happened: Vec<&str> = timeline
        .iter()
        .map(|moment| moment["what"].as_str().unwrap())
        .collect();
    assert_eq!((happened[0], happened[happened.len() - 1]), ("placed", "ended"));

    let bytes = fs::read(&recording).unwrap();
    let [heard, _] = audio::wav::read_recording(&bytes).unwrap();
    assert_eq!(
        bytes.len(),
        audio::wav::HEADER_BYTES + 2 * heard.len(),
        "half a sample is left"
    );
    let counted = u32::from_le_bytes(bytes[54..58].try_into().unwrap()) as usize;
    assert_eq!(counted, 2 * heard.len());
    let kept = &broken["recording"];
    assert_eq!(kept["durationMs"], heard.len() / 8);
    let sha256: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(kept["sha256"], sha256);
    assert!(kept["fault"].as_str().unwrap().contains("stopped"), "{kept}");
    let ended_ms = timeline[timeline.len() - 1]["atMs"].as_f64().unwrap();
    assert!(ended_ms >= (heard.len() / 8) as f64, "{ended_ms}");

    // The same id can be used again, and a third start finds nothing left to be closed.
    center.admin("POST", "/center/v1/calls", &place("ringing"));
    assert_eq!(call(&center, "ringing")["state"], "ringing");
    center.admin("DELETE", "/center/v1/calls/ringing", "");
    center.admin("GET", "/center/v1/calls/ringing?wait=10", "");
    let center = center.killed_and_started(|folder| {
        fs::remove_file(&recording).unwrap();
        assert_eq!(
            fs::read_dir(folder.join("trunkline-data/running"))
                .unwrap()
                .count(),
            1
        );
    });
    assert_eq!(call(&center, "ringing")["cause"], "caller_hangup");
    assert_eq!(call(&center, &led), broken);
}

#[test]
fn the_completion_of_a_call_that_a_killed_center_had_is_sent_by_the_next_one() {
    let receiver = Receiver::start(|_| 200);
    let folder = tempfile::tempdir().unwrap();
    let config = format!("[center]\ncompletions_to = \"{}\"\n", receiver.url());
    fs::write(folder.path().join("trunkline.toml"), config).unwrap();
    let center = Center::start_in(folder, &[]);
    let mut controller = center
        .client(&[
            "menu",
            "call",
            "--form",
            "overall_satisfaction=1",
            "--agent",
            "agent-7",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("a recording", || {
        let mut recordings = center.recordings().into_iter();
        recordings.find(|path| fs::metadata(path).unwrap().len() > 20_000)
    });
    let status: Value = serde_json::from_str(&center.admin("GET", "/center/v1/status", "")).unwrap();
    let led = status["live"][0]["id"].as_str().unwrap().to_owned();
    let center = center.killed_and_started(|_| {});
    controller.kill().unwrap();
    controller.wait().unwrap();
    let told: Value = serde_json::from_str(&receiver.wait_for(1)[0].body).unwrap();
    let ended = call(&center, &led);
    assert_eq!(
        (&told["interactionId"], &told["callId"], &told["agentId"]),
        (&ended["interactionId"], &json!(led), &json!("agent-7"))
    );
    // The next start has nothing to add.
    let center = center.killed_and_started(|_| {});
    let demand = json!({"interactionId": "int-1", "agentId": "agent-1"}).to_string();
    center.admin("POST", "/center/v1/completions", &demand);
    wait_for("the completion on demand", || {
        let events = receiver.requests();
        events
            .iter()
            .find(|request| request.body.contains("int-1\""))
            .cloned()
    });
    assert_eq!(receiver.seen().len(), 2);
}
