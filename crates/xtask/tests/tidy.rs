//! The house checks on this very project, and on projects with faults.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use xtask::{check, manifest_faults, source_faults};

#[test]
fn this_project_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let faults = check(&root).unwrap();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn arrows_point_down() {
    let faults = |text| manifest_faults("crates/client/Cargo.toml", text);
    assert_eq!(
        faults("[dependencies]\nflow.workspace = true\n"),
        Vec::<String>::new()
    );
    assert_eq!(
        faults("[dependencies]\njobs.workspace = true\n"),
        ["crates/client/Cargo.toml: the arrow to `jobs` points up"]
    );
}

#[test]
fn the_pure_ring_stays_pure() {
    let faults = manifest_faults(
        "crates/flow/Cargo.toml",
        "[dependencies]\ntokio.workspace = true\n",
    );
    assert_eq!(
        faults,
        ["crates/flow/Cargo.toml: a pure crate must not depend on `tokio`"]
    );
    let tests_may = "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { std::fs::read(\"x\"); } }\n";
    assert_eq!(
        source_faults("crates/audio/src/x.rs", tests_may),
        Vec::<String>::new()
    );
    assert_eq!(source_faults("crates/audio/src/x.rs", "use std::fs;\n").len(), 1);
    assert_eq!(
        source_faults("crates/center/src/x.rs", "use std::fs;\n"),
        Vec::<String>::new()
    );
}

#[test]
fn long_files_are_named() {
    assert_eq!(
        source_faults("crates/center/src/x.rs", &"\n".repeat(701)).len(),
        1
    );
}
