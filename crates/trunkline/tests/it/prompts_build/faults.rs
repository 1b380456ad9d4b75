//! A platform that fails in all kinds of ways.

use super::{Workshop, speech};
use serde_json::json;

const LINES: [&str; 3] = [
    "id = \"a\"\nfile = \"a.wav\"",
    "id = \"b\"\nfile = \"b.wav\"",
    "id = \"c\"\nfile = \"c.wav\"",
];

fn three() -> Workshop {
    let workshop = Workshop::new();
    for (seed, name) in [(1, "a.wav"), (2, "b.wav"), (3, "c.wav")] {
        workshop.source(name, speech(seed, 16000, 1.0));
    }
    workshop.manifest("", &LINES);
    workshop
}

fn fault(workshop: &Workshop, fault: &str) {
    workshop.center.admin("POST", "/center/v1/faults", fault);
}

#[test]
fn callbacks_that_are_lost_doubled_early_or_late_change_nothing() {
    for kind in ["lost", "twice", "early", "late"] {
        let workshop = three();
        fault(
            &workshop,
            &match kind {
                "late" | "twice" => format!(r#"{{"callback": "{kind}", "delayMs": 3000}}"#),
                _ => format!(r#"{{"callback": "{kind}"}}"#),
            },
        );
        let (code, report) = workshop.build(&[]);
        assert_eq!(code, 0, "{kind}: {report}");
        assert_eq!(report["platform"]["jobs"], 1, "{kind}");
        let left = workshop.center.admin("GET", "/center/v1/faults", "");
        assert!(!left.contains("callback"), "{kind} did not strike: {left}");
    }
}

#[test]
fn without_callbacks_the_platform_is_asked() {
    let workshop = three();
    let (code, report) = workshop.build(&["--poll"]);
    assert_eq!((code, &report["failed"]), (0, &json!(0)), "{report}");
}

#[test]
fn an_asset_that_fails_fails_alone_and_is_built_the_next_time() {
    let workshop = three();
    fault(&workshop, r#"{"asset": "b"}"#);
    let (code, report) = workshop.build(&[]);
    let states = Workshop::states(&report);
    assert_eq!(code, 1);
    assert_eq!([&*states["a"], &states["c"]], ["built", "built"]);
    assert!(
        states["b"].starts_with("failed: the compilation failed: "),
        "{states:?}"
    );
    let status = workshop.prompts(&["status"]);
    assert_eq!(status.status.code(), Some(1));
    let (code, report) = workshop.build(&[]);
    let states = Workshop::states(&report);
    assert_eq!((code, [&*states["a"], &states["b"]]), (0, ["unchanged", "built"]));
    assert_eq!(report["platform"]["uploaded"], 0, "{report}");
}

#[test]
fn a_platform_that_is_busy_is_waited_for() {
    let workshop = three();
    for path in [
        "/api/v2/media/assets",
        "/api/v2/media/compile",
        "/api/v2/flows",
        "/media/",
    ] {
        fault(
            &workshop,
            &format!(r#"{{"path": "{path}", "status": 429, "retryAfterS": 1}}"#),
        );
        fault(&workshop, &format!(r#"{{"path": "{path}", "status": 500}}"#));
    }
    let (code, report) = workshop.build(&[]);
    assert_eq!(
        (code, &report["platform"]["uploaded"]),
        (0, &json!(3)),
        "{report}"
    );
    assert_eq!(report["platform"]["uploadedInVain"], 0);
}
