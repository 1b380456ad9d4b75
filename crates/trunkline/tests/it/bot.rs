//! `trunkline bot`: the real binary, with the demo's bot on a center in its process.

mod page;
#[cfg(target_os = "linux")]
mod terminal;

use crate::support::{Center, run, stderr, stdout, trunkline, wait_for};
use flow::scenario::{Scenario, Turn};
use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/scenarios")
}

/// The demo's scenario files, without the one that is to fail.
fn good() -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(scenarios())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| path.display().to_string())
        .collect();
    files.sort();
    files
}

fn failing() -> String {
    scenarios().join("failing").display().to_string()
}

fn bot_file() -> String {
    scenarios().join("../bot.toml").display().to_string()
}

#[test]
fn the_demos_scenarios_pass_and_what_they_reach_of_the_bot_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (files, bot) = (good(), bot_file());
    let mut words = vec!["--json", "bot", "test", "--bot", &bot];
    words.extend(files.iter().map(String::as_str));
    let output = run(folder.path(), &words);
    let tested: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(output.status.success(), "{tested:#}");
    let results = tested["results"].as_array().unwrap();
    assert!(results.len() >= 5);
    for result in results {
        assert_eq!(result["tally"]["verdict"], "passed", "{result:#}");
        assert_eq!(result["runs"][0]["isClosed"], true);
    }
    let reached = &tested["coverage"];
    for item in [
        "intent:track_order",
        "step:to_agent",
        "fallback",
        "idle:1",
        "idle:2",
    ] {
        assert!(reached[item].as_u64().unwrap() > 0, "{item} in {reached:#}");
    }
    assert_eq!(reached["step:not_found"], 0);
}

#[test]
fn a_failure_is_shown_with_expected_and_got_and_written_to_the_reports() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "bot",
        "test",
        &failing(),
        "--junit",
        "r.xml",
        "--html",
        "r.html",
        "--record",
        "as-it-went.yaml",
    ];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let shown = stdout(&output);
    for text in [
        "The bot sells pizza",
        "customer: I want a pizza",
        "expected: an answer that contains \"margherita\"",
        "got: \"",
        "expected: the intent order_pizza",
        "0 passed, 1 failed",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(
        read("r.xml")
            .contains("<failure message=\"say &quot;I want a pizza&quot;: expected an answer that contains")
    );
    assert!(read("r.html").contains("<h1>The scenario failed</h1>"));
    // What the bot did is a scenario of its own.
    flow::scenario::parse(&read("as-it-went.yaml")).unwrap();
    // Everything is in the audit log, by turns.
    let entries = crate::support::json(folder.path(), &["audit", "list"]);
    assert!(entries.to_string().contains("scenario.turn"));
}

#[test]
fn all_faults_of_all_files_are_told_and_nothing_is_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), "name: A\nturns: [{say: ''}]\n").unwrap();
    fs::write(folder.path().join("b.yaml"), "turns:\n  - expct: x\n").unwrap();
    fs::write(folder.path().join("bot.toml"), "name = 3\n").unwrap();
    let output = run(folder.path(), &["bot", "test", ".", "--bot", "bot.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    for text in [
        "a.yaml:2:15: say must not be empty",
        "b.yaml:2:5: unknown field `expct`",
        "did you mean `expect`?",
        "bot.toml:1:8:",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    assert!(!folder.path().join("trunkline-data").exists());
    let none = run(
        folder.path(),
        &["bot", "test", &good()[0], "--tags", "nobody-has-this"],
    );
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn files_that_cannot_be_read_are_faults_and_hide_none_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("a.yaml", b"name: \xff\n");
    write("b.yaml", b"turns:\n  - expct: x\n");
    let words = [
        "bot",
        "test",
        "missing.yaml",
        "a.yaml",
        "b.yaml",
        "--bot",
        "missing.toml",
    ];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    for text in [
        "missing.yaml can't be read",
        "the scenario file a.yaml can't be read",
        "b.yaml:2:5: unknown field `expct`",
        "the bot file missing.toml can't be read",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    let empty = run(folder.path(), &["bot", "test", "empty"]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(stderr(&empty).contains("there is no scenario file below empty"));
}

#[test]
fn a_talk_in_a_pipe_is_plain_lines_and_is_recorded_as_a_scenario_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let mut chat = trunkline(folder.path())
        .args(["bot", "chat", "--record", "talk.yaml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = "where is my order AB-12345\n1\n/state\n/context\n/nonsense\nyes\n";
    chat.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = chat.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let shown = stdout(&output);
    for text in [
        "bot: AB-12345, is that right?",
        "     1 Yes\n     2 No\n",
        "you: Yes\n",
        "bot: Order AB-12345 has been shipped",
        "\"status\": \"shipped\"",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(
        stderr(&output).contains("closed, resolved"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("/nonsense is not known"));
    let recorded = fs::read_to_string(folder.path().join("talk.yaml")).unwrap();
    let scenario = flow::scenario::parse(&recorded).unwrap().remove(0);
    assert!(recorded.contains("press: \"Yes\""), "{recorded}");
    assert!(
        scenario
            .turns
            .iter()
            .any(|turn| turn.expect.view.resolved == Some(true))
    );
    let replayed = run(folder.path(), &["bot", "test", "talk.yaml"]);
    assert!(replayed.status.success(), "{recorded}{}", stdout(&replayed));
}

#[test]
fn what_a_test_records_passes_when_it_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let all = r"
name: All of it
customer: { id: ann, firstName: Ann }
context: { botSession: { z: 1, a: 2 }, note: web }
vars: { order: AB-12345 }
setup:
  - set_context: { metadata: { channel: test } }
turns:
  - say: where is my order {{order}}
    expect: { contains: '{{order}}' }
  - press: 'Yes'
    expect: [{ capture: { arrival: 'arrives (\w+)' } }, { slot: { order_number: AB-12345 } }]
  - say: 'it arrives {{arrival}} and not \{{braces}}'
    expect: something that the bot never says
  - wait: 5m
teardown:
  - close: true
";
    fs::write(folder.path().join("all.yaml"), all).unwrap();
    let mut words = vec!["bot", "test", "all.yaml", "--record", "as-it-went.yaml"];
    let (files, failing) = (good(), failing());
    words.extend(files.iter().chain([&failing]).map(String::as_str));
    assert_eq!(run(folder.path(), &words).status.code(), Some(1));
    let recorded = fs::read_to_string(folder.path().join("as-it-went.yaml")).unwrap();
    let (before, after) = (parsed(all).remove(0), parsed(&recorded).remove(0));
    assert_eq!(
        (&after.customer, &after.context, &after.vars),
        (&before.customer, &before.context, &before.vars)
    );
    let deeds = |turns: &[Turn]| turns.iter().map(|turn| turn.deed.clone()).collect::<Vec<_>>();
    for (after, before) in [
        (&after.setup, &before.setup),
        (&after.turns, &before.turns),
        (&after.teardown, &before.teardown),
    ] {
        assert_eq!(deeds(after), deeds(before));
    }
    let replayed = run(folder.path(), &["bot", "test", "as-it-went.yaml"]);
    assert!(replayed.status.success(), "{recorded}{}", stdout(&replayed));
}

fn parsed(text: &str) -> Vec<Scenario> {
    flow::scenario::parse(text).unwrap()
}

#[test]
fn ctrl_c_ends_a_test_with_every_conversation_closed() {
    let center = Center::start(&[]);
    let text = "name: Slow\npatience_s: 60\nturns:\n  - say: hello\n    expect: a thing that is never said\n";
    fs::write(center.folder.path().join("slow.yaml"), text).unwrap();
    let test = center
        .client(&[
            "--json",
            "bot",
            "test",
            "slow.yaml",
            "--data-dir",
            "of-the-test",
            "--instance",
            "your-bot-instance-id",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let noted = || stdout(&run(center.folder.path(), &["--json", "audit", "list"]));
    wait_for("a message", || {
        noted().contains("conversation.turn").then_some(())
    });
    let id = test.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = test.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let tested: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(tested["wasInterrupted"], true);
    assert_eq!(tested["results"][0]["runs"][0]["isClosed"], true, "{tested:#}");
}

#[test]
fn tests_of_other_programs_become_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "hours.convo.txt",
        "Opening hours\n\n#me\nUTT_HOURS\n\n#bot\nMonday to Saturday\nCARDS none\n",
    );
    write(
        "hours.utterances.txt",
        "UTT_HOURS\nwhen are you open\nopening hours\n",
    );
    write(
        "survey.yml",
        "scenarios:\n  Refund:\n    - say: I want a refund\n    - waitForReplyContaining: within 30 days\n",
    );
    let words = [
        "bot",
        "import",
        "hours.convo.txt",
        "hours.utterances.txt",
        "survey.yml",
        "--out",
        "imported.yaml",
    ];
    let output = run(folder.path(), &words);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("hours.convo.txt:8:1: `CARDS` has no counterpart, so it is left out"));
    let tested = run(folder.path(), &["bot", "test", "imported.yaml"]);
    assert!(tested.status.success(), "{}", stdout(&tested));
    assert!(stdout(&tested).contains("2 passed, 0 failed"));
}

#[test]
fn made_up_dialogues_are_held_and_reach_more_of_the_bot() {
    let folder = tempfile::tempdir().unwrap();
    let bot = bot_file();
    let words = [
        "--json",
        "bot",
        "test",
        "--fuzz",
        "6",
        "--seed",
        "2",
        "--parallel",
        "6",
        "--skip-typing",
        "--bot",
        &bot,
    ];
    let output = run(folder.path(), &words);
    let tested: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(tested["fuzzed"]["dialogues"], 6, "{}", stderr(&output));
    assert_eq!(tested["fuzzed"]["failed"], 0, "{:#}", tested["fuzzed"]);
    assert!(
        tested["coverage"]
            .as_object()
            .unwrap()
            .values()
            .any(|count| count.as_u64() > Some(0))
    );
}

#[test]
fn made_up_dialogues_against_nobody_fail_and_are_in_the_junit_report() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "bot",
        "test",
        "--fuzz",
        "200",
        "--platform",
        "http://127.0.0.1:9",
        "--junit",
        "r.xml",
    ];
    let output = trunkline(folder.path())
        .args(words)
        .env("CLIENT_ID", "demo")
        .env("CLIENT_SECRET", "secret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let told = stderr(&output);
    assert!(
        told.contains("made-up dialogues could not be held") && told.contains("can't be reached"),
        "{told}"
    );
    let shown = stdout(&output);
    assert!(
        shown.contains("made-up dialogues could not be held in") && !shown.contains("0 failed"),
        "{shown}"
    );
    let xml = fs::read_to_string(folder.path().join("r.xml")).unwrap();
    assert!(xml.contains("<testsuite name=\"fuzz\" tests=\"1\""), "{xml}");
}

/// A tenant with two bots, so that none is the usual one.
fn two_bots(folder: &Path) {
    let bot = "name = \"B\"\nfallback.say = \"what?\"\n[intent.go]\nexamples = [\"go\"]\nsay = \"gone\"\n\
        [intent.bye]\nexamples = [\"goodbye\"]\nstep = \"bye\"\n[step.bye]\nsay = \"Bye!\"\nclose = true\n";
    fs::write(folder.join("b.toml"), bot).unwrap();
    let demo = scenarios().join("..").canonicalize().unwrap();
    let tenant = fs::read_to_string(demo.join("tenant.toml")).unwrap();
    let prompts = demo.join("prompts");
    let tenant = tenant
        .replace("prompts = \"prompts\"", &format!("prompts = {prompts:?}"))
        .replace("\"your-bot-instance-id\"", "\"shop\"")
        .replace("\"bot.toml\"", "\"b.toml\"");
    let tenant = format!("{tenant}\n[[bot]]\nid = \"hotel\"\nfile = \"b.toml\"\n");
    fs::write(folder.join("own.toml"), tenant).unwrap();
}

#[test]
fn who_would_talk_to_nobody_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    two_bots(folder.path());
    let go = "name: Go\nturns: [{say: go, expect: gone}]\n";
    fs::write(folder.path().join("go.yaml"), go).unwrap();
    fs::write(folder.path().join("no.yaml"), format!("bot: motel\n{go}")).unwrap();
    let told = |words: &[&str]| {
        let mut all = vec!["bot"];
        all.extend(words);
        all.extend(["--tenant", "own.toml"]);
        let output = run(folder.path(), &all);
        (output.status.code(), stderr(&output))
    };
    let nobody = "the conversation has no bot: name its instance with --instance (hotel, shop)";
    for words in [&["chat"][..], &["test", "go.yaml"], &["test", "--fuzz", "2"]] {
        let (code, told) = told(words);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(nobody), "{told}");
    }
    for words in [
        &["chat", "--instance", "hotell"][..],
        &["test", "go.yaml", "--instance", "hotell"],
    ] {
        let (code, told) = told(words);
        assert_eq!(code, Some(2), "{told}");
        assert!(
            told.contains("no bot \"hotell\"; its bots are: hotel, shop"),
            "{told}"
        );
    }
    let (code, faults) = told(&["test", "no.yaml", "--instance", "hotel"]);
    assert_eq!(code, Some(2), "{faults}");
    assert!(
        faults.contains("no.yaml:1: the tenant has no bot \"motel\""),
        "{faults}"
    );
    assert_eq!(told(&["test", "go.yaml", "--instance", "hotel"]).0, Some(0));
}

#[test]
fn a_silent_conversation_elsewhere_that_has_no_bot_is_told_as_such() {
    let center = Center::start(&[]);
    let mut chat = center
        .client(&["bot", "chat", "--data-dir", "of-the-chat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    chat.stdin.take().unwrap().write_all(b"hi\n").unwrap();
    let output = chat.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let nobody = "the conversation has no bot: name its instance with --instance";
    assert!(stderr(&output).contains(nobody), "{}", stderr(&output));
    let text = "name: Go\npatience_s: 1\nturns: [{say: go, expect: gone}]\n";
    fs::write(center.folder.path().join("go.yaml"), text).unwrap();
    let output = center
        .client(&["bot", "test", "go.yaml", "--data-dir", "of-the-test"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = stdout(&output);
    assert!(
        shown.contains("if the conversation has no bot, name its instance"),
        "{shown}"
    );
}

#[test]
fn a_talk_ends_with_a_word_when_the_bot_closes_it() {
    let folder = tempfile::tempdir().unwrap();
    two_bots(folder.path());
    let mut chat = trunkline(folder.path())
        .args(["bot", "chat", "--tenant", "own.toml", "--instance", "hotel"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    chat.stdin
        .take()
        .unwrap()
        .write_all(b"goodbye\nare you there\n")
        .unwrap();
    let output = chat.wait_with_output().unwrap();
    let told = stderr(&output);
    assert!(output.status.success(), "{told}");
    assert!(stdout(&output).contains("bot: Bye!"), "{}", stdout(&output));
    assert!(told.contains("the bot closed the conversation"), "{told}");
    assert!(!told.contains("Invalid state transition"), "{told}");
}
