//! What a prompts file says.

use std::{collections::HashMap, fmt, str::FromStr, time::Duration};
use wire::{
    ids::{FlowId, NodeId, PromptId},
    media::{Encoding, Rank},
};

/// A language tag such as `en-US` (BCP 47): letters, digits and hyphens, at most 35 of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Language(String);

impl Language {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Language {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_tag = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && text.starts_with(|first: char| first.is_ascii_alphabetic());
        match is_tag && text.len() <= 35 {
            true => Ok(Self(text.to_owned())),
            false => Err("must be a language tag such as en-US"),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a prompt is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An audio file, relative to the prompts file.
    File(String),
    /// A text that the speech command says.
    Text(String),
}

/// The command that says texts: it gets the text on its standard input and writes an audio file to its standard output.
/// `{language}` in its arguments stands for the prompt's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take for one text.
    pub timeout: Duration,
}

/// One prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its id, once in the file.
    pub id: PromptId,
    /// What it is made from.
    pub source: Source,
    /// The node of the flow that it serves; its id unless the file says otherwise.
    pub node: NodeId,
    /// Its language.
    pub language: Option<Language>,
    /// Which of several prompts for one node serves it.
    pub priority: Rank,
    /// What it is compiled to.
    pub encoding: Encoding,
    /// Whether it may be converted when telephony would refuse it; otherwise that is a fault.
    pub convert: bool,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// A prompts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The flow whose nodes are served.
    pub flow: FlowId,
    /// What says texts.
    pub speech: Option<Speech>,
    /// At least one.
    pub prompts: Vec<Prompt>,
}

/// Whether a prompt serves its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Serves,
    /// Another one of the same node has a higher priority.
    GivesWay {
        /// That one.
        to: PromptId,
    },
    /// Another one of the same node has the same priority, so that neither serves.
    Tied {
        /// That one.
        with: PromptId,
    },
}

impl Manifest {
    /// Where each prompt stands, in the order of the file.
    pub fn standings(&self) -> Vec<Standing> {
        let mut of_node: HashMap<&NodeId, Vec<&Prompt>> = HashMap::new();
        for prompt in &self.prompts {
            of_node.entry(&prompt.node).or_default().push(prompt);
        }
        let standing = |prompt: &Prompt| {
            let rivals = of_node.get(&prompt.node).into_iter().flatten();
            let rivals = rivals.filter(|rival| rival.id != prompt.id && rival.priority >= prompt.priority);
            match rivals.max_by_key(|rival| rival.priority) {
                None => Standing::Serves,
                Some(rival) if rival.priority == prompt.priority => Standing::Tied {
                    with: rival.id.clone(),
                },
                Some(rival) => Standing::GivesWay { to: rival.id.clone() },
            }
        };
        self.prompts.iter().map(standing).collect()
    }
}
