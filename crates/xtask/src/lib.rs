//! House checks ("tidy"): what reviewers would otherwise have to look for. They run as an ordinary test of this crate.
//!
//! ```
//! let faults = xtask::source_faults("crates/flow/src/x.rs", "fn f() { let now = std::time::Instant::now(); }");
//! assert_eq!(faults, ["crates/flow/src/x.rs:1: a pure crate must not use `Instant::now`"]);
//! ```

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The rings from the bottom up: a crate may use crates of its own ring and of those below.
const RINGS: [&[&str]; 4] = [
    &["wire", "audio", "audit", "rtp", "flow"],
    &["client", "store", "webhooks", "server"],
    &["center", "jobs", "service"],
    &["trunkline"],
];

/// What no crate of the pure ring may depend on.
const IMPURE_CRATES: [&str; 13] = [
    "axum",
    "futures-util",
    "getrandom",
    "governor",
    "hyper",
    "rand",
    "reqwest",
    "rusqlite",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tokio-tungstenite",
    "tracing-subscriber",
];

/// What no source of the pure ring may name outside its tests.
const IMPURE_NAMES: [&str; 9] = [
    "Instant::now",
    "SystemTime",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "Timestamp::now",
    "Uuid::now_v7",
];

/// The longest hand-written file, in lines.
const MAX_LINES: usize = 700;

/// All faults of the project whose root is given.
pub fn check(root: &Path) -> io::Result<Vec<String>> {
    let mut faults = Vec::new();
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    for manifest in manifests(root)? {
        let text = fs::read_to_string(root.join(&manifest))?;
        faults.extend(manifest_faults(&manifest, &text));
        let crate_name = folder_of(&manifest);
        if !architecture.contains(&format!("`{crate_name}`")) {
            faults.push(format!(
                "{manifest}: ARCHITECTURE.md does not name the crate `{crate_name}`"
            ));
        }
    }
    for file in rust_files(&root.join("crates"))? {
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        faults.extend(source_faults(&name, &fs::read_to_string(&file)?));
    }
    Ok(faults)
}

/// What is wrong with a crate's manifest: arrows that point up, and impure crates in the pure ring.
pub fn manifest_faults(manifest: &str, text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<toml::Table>() else {
        return vec![format!("{manifest}: this is not TOML")];
    };
    let dependencies = table
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .cloned()
        .unwrap_or_default();
    let rings: BTreeMap<&str, usize> = RINGS
        .iter()
        .enumerate()
        .flat_map(|(ring, names)| names.iter().map(move |name| (*name, ring)))
        .collect();
    let Some(own) = rings.get(folder_of(manifest)) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for name in dependencies.keys() {
        if rings.get(name.as_str()).is_some_and(|ring| ring > own) {
            faults.push(format!("{manifest}: the arrow to `{name}` points up"));
        }
        if *own == 0 && IMPURE_CRATES.contains(&name.as_str()) {
            faults.push(format!("{manifest}: a pure crate must not depend on `{name}`"));
        }
    }
    faults
}

/// What is wrong with a source file: too long, unfinished, or impure in the pure ring.
pub fn source_faults(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!(
            "{name}: {lines} lines are too many; split it by reason to change (most: {MAX_LINES})"
        ));
    }
    let pure = RINGS[0]
        .iter()
        .any(|crate_name| name.starts_with(&format!("crates/{crate_name}/src/")));
    if !pure || is_test(name) {
        return faults;
    }
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in code
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
    {
        for forbidden in IMPURE_NAMES.iter().filter(|forbidden| line.contains(**forbidden)) {
            faults.push(format!(
                "{name}:{}: a pure crate must not use `{forbidden}`",
                number + 1
            ));
        }
    }
    faults
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests.rs") || name.contains("/tests/")
}

fn folder_of(manifest: &str) -> &str {
    manifest.rsplit('/').nth(1).unwrap_or_default()
}

/// The manifests of all crates, relative to the root.
fn manifests(root: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join("crates"))? {
        let folder = entry?.file_name().to_string_lossy().into_owned();
        if root.join("crates").join(&folder).join("Cargo.toml").is_file() {
            found.push(format!("crates/{folder}/Cargo.toml"));
        }
    }
    found.sort();
    Ok(found)
}

fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}
