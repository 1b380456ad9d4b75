//! Reading menu files, with the prompts they may name.

use crate::files::read_text;
use ::center::Tenant;
use anyhow::{Context, Result};
use flow::{
    file::FileFault,
    menu::{self, KnownPrompts, MAX_FILE_BYTES, Menu},
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use wire::ids::PromptId;

/// The menu of the demo tenant.
pub(super) const DEMO_MENU: &str = include_str!("../../../../demo/menu.toml");
pub(super) const DEMO_MENU_NAME: &str = "demo/menu.toml";

/// A menu file's text and the name that faults call it by.
pub(super) struct MenuFile {
    pub(super) name: String,
    pub(super) text: String,
}

impl MenuFile {
    /// Reads a file, or takes the demo's menu.
    pub(super) fn read(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            return Ok(Self {
                name: DEMO_MENU_NAME.into(),
                text: DEMO_MENU.into(),
            });
        };
        let name = file.display().to_string();
        let text =
            read_text(file, MAX_FILE_BYTES).with_context(|| format!("the menu file {name} can't be read"))?;
        Ok(Self { name, text })
    }

    /// The menu, or all its faults.
    pub(super) fn parse(&self, prompts: &BTreeSet<PromptId>) -> Result<Menu, Vec<FileFault>> {
        menu::parse(&self.text, KnownPrompts::Only(prompts))
    }

    /// The menu; its faults as an error.
    pub(super) fn parse_or_fail(&self, prompts: &BTreeSet<PromptId>) -> Result<Menu> {
        self.parse(prompts).map_err(|faults| {
            let faults: Vec<String> = faults
                .iter()
                .map(|fault| fault.in_file(&self.name).to_string())
                .collect();
            anyhow::anyhow!("the menu has faults:\n{}", faults.join("\n"))
        })
    }
}

/// The prompts that a menu may name, and where they were found.
pub(super) struct Library {
    pub(super) prompts: BTreeSet<PromptId>,
    pub(super) place: String,
}

impl Library {
    /// The audio files of the named folder, or of `prompts` beside the menu file, or else the demo's prompts.
    pub(super) fn find(named: Option<&Path>, menu: Option<&Path>) -> Result<Self> {
        let beside: Option<PathBuf> = menu
            .map(|menu| menu.with_file_name("prompts"))
            .filter(|folder| folder.is_dir());
        match named.map(Path::to_owned).or(beside) {
            Some(folder) => Self::of_folder(&folder),
            None => Ok(Self::of_tenant(&Tenant::demo()?, "the demo tenant")),
        }
    }

    /// The prompts of a tenant.
    pub(super) fn of_tenant(tenant: &Tenant, place: &str) -> Self {
        Self {
            prompts: tenant.prompt_ids().cloned().collect(),
            place: place.to_owned(),
        }
    }

    fn of_folder(folder: &Path) -> Result<Self> {
        let place = folder.display().to_string();
        let entries =
            fs::read_dir(folder).with_context(|| format!("the prompts folder {place} can't be read"))?;
        let names = entries
            .filter_map(Result::ok)
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        let prompts = names.filter_map(|name| {
            let (stem, ending) = name.rsplit_once('.')?;
            ["wav", "mp3"]
                .contains(&ending.to_ascii_lowercase().as_str())
                .then(|| stem.parse().ok())?
        });
        Ok(Self {
            prompts: prompts.collect(),
            place,
        })
    }
}
