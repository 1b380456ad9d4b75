//! `trunkline center`: its environment file, its end, its messages.

use crate::support::{Center, run, stderr, stdout, wait_for};
use serde_json::Value;
use std::{
    fs,
    io::Read,
    net::TcpListener,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

#[test]
fn the_environment_file_has_every_name_of_the_contract_and_is_private() {
    let center = Center::start(&[]);
    for name in [
        "CXONE_HOST",
        "CXONE_ORG",
        "CXONE_ORG_URL",
        "CXONE_CLIENT_ID",
        "CXONE_CLIENT_SECRET",
        "GENESYS_BASE_URL",
        "GENESYS_CLIENT_ID",
        "GENESYS_CLIENT_SECRET",
        "CLIENT_ID",
        "CLIENT_SECRET",
        "AUDIO_BASE_URL",
        "TRUNKLINE_URL",
        "TRUNKLINE_ADMIN_TOKEN",
        "TRUNKLINE_WEBHOOK_SECRET",
    ] {
        assert!(center.environment.contains_key(name), "{name}");
    }
    #[cfg(unix)]
    {
        let metadata = fs::metadata(center.folder.path().join("center.env")).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
            0o600
        );
    }
    let (code, printed) = center.interrupt();
    assert_eq!(code, Some(0));
    assert!(
        printed.contains("The center answers at http://127.0.0.1:"),
        "{printed}"
    );
    assert!(printed.contains("\nCLIENT_SECRET="), "{printed}");
}

#[test]
fn tls_names_its_authority_and_the_https_host() {
    let center = Center::start(&[
        "--tls",
        "--tls-listen",
        "127.0.0.1:0",
        "--tls-name",
        "acme.api.cxone.com",
    ]);
    assert!(center.environment["CXONE_HOST"].starts_with("https://acme.api.cxone.com:"));
    assert_eq!(center.environment["CXONE_ORG"], "acme");
    let ca = fs::read_to_string(&center.environment["TRUNKLINE_CA"]).unwrap();
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn a_menu_call_works_over_https_with_the_centers_own_authority() {
    let center = Center::start(&["--tls", "--tls-listen", "127.0.0.1:0"]);
    let mut command = center.client(&[
        "--json",
        "menu",
        "call",
        "--do",
        "press 0 100ms into general_welcome",
    ]);
    command.env("TRUNKLINE_URL", &center.environment["CXONE_HOST"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["call"]["transferredTo"], "ext:operator");
}

#[test]
fn a_port_in_use_gets_a_clear_message() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["center", "--listen", &address.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("port {} is in use already", address.port());
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
}

#[test]
fn ctrl_c_ends_calls_properly() {
    let mut center = Center::start(&[]);
    let mut caller = center
        .client(&["--json", "menu", "call"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("a recording", || {
        center
            .recordings()
            .into_iter()
            .find(|path| fs::metadata(path).unwrap().len() > 10_000)
    });
    let recording = center.recordings().remove(0);
    // The folder outlives the center, so that the recording can be looked at.
    let data = std::mem::replace(&mut center.folder, tempfile::tempdir().unwrap());
    let (code, _) = center.interrupt();
    assert_eq!(code, Some(0));
    let bytes = fs::read(&recording).unwrap();
    assert!(audio::wav::read_recording(&bytes).is_some());
    // The header counts every sample that was written.
    let counted = u32::from_le_bytes(bytes[54..58].try_into().unwrap()) as usize;
    assert_eq!(counted, bytes.len() - audio::wav::HEADER_BYTES);
    let mut told = String::new();
    caller.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    wait_for("the end of the controller", || caller.try_wait().unwrap());
    drop(data);
}

#[test]
fn the_caller_of_a_controller_that_stands_still_waits_five_seconds_only() {
    let center = Center::start(&[]);
    let mut controller = center
        .client(&["menu", "call"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let newest = || -> Option<String> {
        let status: Value = serde_json::from_str(&center.admin("GET", "/center/v1/status", "")).unwrap();
        Some(status["live"][0]["id"].as_str()?.to_owned())
    };
    let call = wait_for("a call", newest);
    wait_for("a recording", || {
        center
            .recordings()
            .into_iter()
            .find(|path| fs::metadata(path).unwrap().len() > 10_000)
    });
    let pid = controller.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-STOP", &pid])
            .status()
            .unwrap()
            .success()
    );
    let stopped = Instant::now();
    let story = || -> Value {
        serde_json::from_str(&center.admin("GET", &format!("/center/v1/calls/{call}"), "")).unwrap()
    };
    wait_for("the fallback", || (story()["state"] == "fallback").then_some(()));
    let waited = stopped.elapsed();
    controller.kill().unwrap();
    controller.wait().unwrap();
    // Pings come every second, so it may have been heard of up to a second before it stood still.
    assert!(
        (Duration::from_millis(3900)..Duration::from_millis(6500)).contains(&waited),
        "{waited:?}"
    );
}
