//! The bot's own file, for what no scenario reached and for made-up dialogues.

use crate::files::read_text;
use flow::{
    bot::{self, Bot},
    file::FileFault,
};
use std::path::Path;

/// A bot, and what its customers say.
pub(super) struct BotFile {
    pub(super) bot: Bot,
    /// The examples of its intents.
    pub(super) examples: Vec<String>,
}

/// The bot of a file, or its faults.
pub(super) fn read(file: &Path) -> Result<BotFile, Vec<String>> {
    let name = file.display().to_string();
    let text = read_text(file, bot::MAX_FILE_BYTES)
        .map_err(|error| vec![format!("the bot file {name} can't be read: {error}")])?;
    let told = |fault: &FileFault| fault.in_file(&name).to_string();
    let bot = bot::parse(&text).map_err(|faults| faults.iter().map(told).collect::<Vec<_>>())?;
    Ok(BotFile {
        bot,
        examples: examples(&text),
    })
}

fn examples(text: &str) -> Vec<String> {
    let file: toml::Table = text.parse().unwrap_or_default();
    let intents = file.get("intent").and_then(toml::Value::as_table);
    let lists = intents
        .iter()
        .flat_map(|intents| intents.values())
        .filter_map(|intent| intent.get("examples")?.as_array());
    let texts = lists.flatten().filter_map(toml::Value::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_all_intents_are_found() {
        let text = "[intent.a]\nexamples = [\"one\", \"two\"]\n[intent.b]\npatterns = [\"x\"]\n";
        assert_eq!(examples(text), ["one", "two"]);
    }
}
