//! A leaf of the audit log, and its exports.
#![no_main]

use audit::export::{Exported, csv, jsonl, ocsf};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(entry) = Exported::new(text, &[]) {
        assert!(!jsonl::line(&entry).contains('\n'));
        let _ = (csv::line(&entry), ocsf::event(&entry, "log", "1"));
    }
});
