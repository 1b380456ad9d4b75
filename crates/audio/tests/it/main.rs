//! The crate as others use it, on files that other programs wrote (`files/make.sh`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod bounds;
mod crafted;
mod decoded;
mod edited;
mod flac;
mod hostile;
mod ogg;
mod opus;
mod probed;

/// A file of `tests/files`.
fn file(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/files")
        .join(name);
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::io::Read::bytes(file).collect::<Result<_, _>>().unwrap()
}
