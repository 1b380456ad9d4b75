//! `trunkline menu check`.

use super::{
    checking::{Checked, check_files},
    menu_file::{Library, MenuFile},
};
use crate::{Done, cli::MenuCheckArgs, output::Output};
use anyhow::Result;
use std::path::Path;

pub(crate) fn run(args: &MenuCheckArgs, output: &Output) -> Result<Done> {
    check_files(&args.files, output, |path| {
        check(path, args.prompts.prompts.as_deref())
    })
}

fn check(path: &Path, prompts: Option<&Path>) -> Result<Checked> {
    let file = MenuFile::read(Some(path))?;
    let library = Library::find(prompts, Some(path))?;
    let (known, place) = (library.prompts.len(), &library.place);
    Ok(Checked {
        faults: file.parse(&library.prompts).err().unwrap_or_default(),
        notes: None,
        sound: format!("no faults ({known} prompts of {place})"),
    })
}
