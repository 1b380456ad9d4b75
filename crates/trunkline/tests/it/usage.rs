//! Help, exit codes, configuration, completions.

use crate::support::{run, stderr, stdout, trunkline};
use std::fs;

#[test]
fn usage_errors_are_exit_code_2_and_help_is_0() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["fly"]).status.code(), Some(2));
    assert_eq!(
        run(folder.path(), &["menu", "call", "--do", "jump after 1s"])
            .status
            .code(),
        Some(2)
    );
    let help = run(folder.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(stdout(&help).contains("Examples:"));
}

#[test]
fn what_is_for_the_centre_in_this_process_is_a_mistake_beside_another_but_not_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let serve = &[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--platform",
        "http://127.0.0.1:9",
    ][..];
    let call = &["menu", "call", "--center", "http://127.0.0.1:9"][..];
    let play = &["play", "p", "--platform", "http://127.0.0.1:9"][..];
    for (command, typed, other) in [
        (serve, ["--tenant", "no.toml"], "--platform <URL>"),
        (serve, ["--limits", "off"], "--platform <URL>"),
        (serve, ["--completions", "1/s"], "--platform <URL>"),
        (call, ["--tenant", "no.toml"], "--center <URL>"),
        (play, ["--tenant", "no.toml"], "--platform <URL>"),
    ] {
        let output = run(folder.path(), &[command, &typed].concat());
        assert_eq!(output.status.code(), Some(2), "{typed:?}");
        let said = stderr(&output);
        assert!(said.contains(&format!("cannot be used with '{other}'")), "{said}");
        assert!(said.contains(&format!("the argument '{}", typed[0])), "{said}");
    }
    let environment = "TRUNKLINE_TENANT=no.toml\nTRUNKLINE_LIMITS=off\nTRUNKLINE_COMPLETIONS=1/s\n";
    fs::write(folder.path().join(".env"), environment).unwrap();
    for command in [serve, call, play] {
        let output = run(folder.path(), command);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("CLIENT_ID is not set"),
            "{}",
            stderr(&output)
        );
    }
    // The address comes from there, too, and what is typed is for nothing.
    fs::write(
        folder.path().join(".env"),
        "TRUNKLINE_PLATFORM=http://127.0.0.1:9",
    )
    .unwrap();
    let output = run(folder.path(), &["serve", "--limits", "off"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["demo"][..],
        &["center"],
        &["call"],
        &["play"],
        &["menu"],
        &["menu", "check"],
        &["menu", "graph"],
        &["menu", "call"],
        &["tasks"],
        &["tasks", "rules"],
        &["tasks", "rules", "check"],
        &["tasks", "rules", "try"],
        &["completions"],
    ] {
        let help = run(folder.path(), &[command, &["--help"]].concat());
        assert_eq!(help.status.code(), Some(0), "{command:?}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(folder.path(), &["completions", shell]);
        assert!(stdout(&output).contains("trunkline"), "{shell}");
    }
}

#[test]
fn a_faulty_configuration_names_every_fault() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[center]\nlisten = 'nowhere'\nlimits = 'much'\nlistne = 1\n";
    fs::write(folder.path().join("trunkline.toml"), text).unwrap();
    let output = run(folder.path(), &["center"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for fault in ["center.listne is unknown", "center.listen", "center.limits"] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
}

#[test]
fn unreadable_files_get_a_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (
            &["--config", "no.toml", "center"][..],
            "the configuration no.toml can't be read",
        ),
        (
            &["center", "--tenant", "no.toml"],
            "the tenant no.toml has faults:\n  it can't be read",
        ),
        (
            &["center", "--data-dir", "/dev/null/x"],
            "the data folder /dev/null/x can't be used",
        ),
        (
            &["menu", "graph", "no.toml"],
            "the menu file no.toml can't be read",
        ),
        (
            &["menu", "call", "--do", "say no.wav after 1s"],
            "no.wav can't be read",
        ),
    ] {
        let output = run(folder.path(), args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(
            stderr(&output).contains(expected),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn errors_are_json_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["--json", "menu", "graph", "no.toml"]);
    let error: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(error["error"], "the menu file no.toml can't be read");
}

#[test]
fn a_dotenv_file_is_read_and_its_secrets_are_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "TRUNKLINE_LIMITS=much\n").unwrap();
    let output = run(folder.path(), &["center"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is no limit"), "{}", stderr(&output));

    fs::write(folder.path().join(".env"), "CLIENT_SECRET='hunter2\nX=1").unwrap();
    let output = trunkline(folder.path()).args(["menu", "graph"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
}
