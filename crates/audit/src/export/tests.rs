//! Exports as other programs read them.

use super::*;
use crate::tree::{hex, leaf_hash};
use proptest::prelude::*;
use serde_json::json;

const LEAF: &str = r#"{"index":7,"at":"2026-11-21T09:30:00.123Z","actor":"menu","action":"call.placed","subject":"call-1","correlationId":"corr-1","outcome":"success","detail":{"to":"ext:support"},"personal":{"ani":"ab","name":"cd"}}"#;
const SHORT: &str = r#"{"index":8,"at":"2026-11-21T09:30:00.124Z","actor":"operator","action":"audit.erased","outcome":"failure"}"#;

/// The other text was erased.
fn texts() -> [Text; 1] {
    [Text {
        field: "ani".into(),
        salt: [7; 16],
        value: "+15550100".into(),
    }]
}

#[test]
fn a_json_line_has_the_leaf_as_it_is_hashed() {
    let texts = texts();
    let line = jsonl::line(&Exported::new(LEAF, &texts).unwrap());
    assert!(line.contains(LEAF));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["hash"], hex(&leaf_hash(LEAF.as_bytes())));
    assert_eq!(value["leaf"]["index"], 7);
    assert_eq!(
        value["texts"],
        json!([{"field": "ani", "salt": "07070707070707070707070707070707", "value": "+15550100"}])
    );
}

#[test]
fn a_csv_line_has_a_cell_per_column() {
    let texts = texts();
    insta::assert_snapshot!(csv::line(&Exported::new(LEAF, &texts).unwrap()), @r#"7,2026-11-21T09:30:00.123Z,menu,call.placed,call-1,corr-1,success,"{""to"":""ext:support""}","{""ani"":""+15550100""}""#);
    insta::assert_snapshot!(csv::line(&Exported::new(SHORT, &[]).unwrap()), @"8,2026-11-21T09:30:00.124Z,operator,audit.erased,,,failure,,");
}

#[test]
fn no_cell_is_a_formula() {
    for subject in ["=1+1", "+1", "-1", "@SUM(A1)"] {
        let leaf = LEAF.replace("call-1", subject);
        let line = csv::line(&Exported::new(&leaf, &[]).unwrap());
        assert!(line.contains(&format!(",'{subject},")), "{line}");
    }
    let leaf = LEAF.replace("call-1", "=A1,B1\\n\\\"x\\\"");
    let line = csv::line(&Exported::new(&leaf, &[]).unwrap());
    assert!(line.contains(",\"'=A1,B1\n\"\"x\"\"\","), "{line}");
}

#[test]
fn an_event_follows_the_schema() {
    let texts = texts();
    let event = |leaf, texts| ocsf::event(&Exported::new(leaf, texts).unwrap(), "example.com/audit", "0.1.0");
    let full = event(LEAF, &texts);
    insta::assert_snapshot!(serde_json::to_string_pretty(&full).unwrap(), @r#"
{
  "activity_id": 1,
  "activity_name": "Create",
  "actor": {
    "app_name": "trunkline/menu"
  },
  "api": {
    "operation": "call.placed",
    "service": {
      "name": "trunkline"
    }
  },
  "category_name": "Application Activity",
  "category_uid": 6,
  "class_name": "API Activity",
  "class_uid": 6003,
  "message": "call.placed",
  "metadata": {
    "correlation_uid": "corr-1",
    "log_name": "example.com/audit",
    "original_time": "2026-11-21T09:30:00.123Z",
    "product": {
      "name": "Trunkline",
      "vendor_name": "Trunkline",
      "version": "0.1.0"
    },
    "sequence": 7,
    "uid": "example.com/audit/7",
    "version": "1.6.0"
  },
  "resources": [
    {
      "type": "call",
      "uid": "call-1"
    }
  ],
  "severity": "Informational",
  "severity_id": 1,
  "src_endpoint": {
    "name": "menu",
    "svc_name": "trunkline"
  },
  "status": "Success",
  "status_id": 1,
  "time": 1795253400123,
  "type_name": "API Activity: Create",
  "type_uid": 600301,
  "unmapped": {
    "detail": {
      "to": "ext:support"
    },
    "personal": {
      "ani": "+15550100"
    }
  }
}
"#);
    let short = event(SHORT, &[]);
    assert_eq!(short["actor"], json!({"user": {"name": "operator"}}));
    assert_eq!(
        (&short["status_id"], &short["type_uid"]),
        (&json!(2), &json!(600_304))
    );
    for absent in ["resources", "unmapped"] {
        assert_eq!(short[absent], Value::Null);
    }
}

#[test]
fn the_verb_decides_the_activity() {
    for (action, activity) in [
        ("call.placed", 1),
        ("webhook.added", 1),
        ("audit.listed", 2),
        ("endpoint.changed", 3),
        ("audit.erased", 4),
        ("menu.key", 99),
        ("odd", 99),
    ] {
        let leaf = LEAF.replace("call.placed", action);
        let event = ocsf::event(&Exported::new(&leaf, &[]).unwrap(), "log", "1");
        assert_eq!(
            (&event["activity_id"], &event["type_uid"]),
            (&json!(activity), &json!(600_300 + activity))
        );
        assert_eq!(event["api"]["operation"], action);
    }
}

/// Reads one line of CSV by RFC 4180.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().unwrap();
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cell.push(c),
        }
    }
    cells
}

proptest! {
    #[test]
    fn any_subject_is_one_cell_again(subject in "(?s).{0,30}", quoted in "[=+@\",\r\n-]{0,8}") {
        for subject in [subject, quoted] {
            let mut leaf: Value = serde_json::from_str(LEAF).unwrap();
            leaf["subject"] = json!(subject);
            let leaf = leaf.to_string();
            let Ok(entry) = Exported::new(&leaf, &[]) else { continue };
            let cells = cells(&csv::line(&entry));
            prop_assert_eq!(cells.len(), csv::HEADER.split(',').count());
            let cell = &cells[4];
            prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), subject.strip_prefix('\'').unwrap_or(&subject));
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
            let line: Value = serde_json::from_str(&jsonl::line(&entry)).unwrap();
            prop_assert_eq!(&line["leaf"]["subject"], &json!(subject));
        }
    }
}
