//! A menu file that was read: every reference is resolved, so nothing here can be wrong.

use crate::condition::Condition;
use std::{collections::BTreeSet, time::Duration};
use wire::{
    Digit,
    ids::{PromptId, TransferTarget},
};

/// A whole menu file.
#[derive(Debug, Clone, PartialEq)]
pub struct Menu {
    /// What the line is called.
    pub name: String,
    /// Where a call goes when its caller gets no further.
    pub operator: TransferTarget,
    /// What holds for every menu.
    pub settings: Settings,
    /// The first whose condition holds chooses the menu.
    pub entries: Vec<Entry>,
    /// The menu of everybody else.
    pub general: NodeId,
    pub(super) nodes: Vec<Node>,
}

/// One of a file's menus. Only [`Menu::node`] of the same file takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) usize);

impl Menu {
    /// A menu of this file.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Whether keys are secret after this prompt.
    pub fn is_sensitive(&self, prompt: &PromptId) -> bool {
        self.settings.sensitive_prompts.contains(prompt)
    }

    /// All menus, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at), node))
    }
}

/// What holds for every menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Heard after a wrong key.
    pub invalid_prompt: PromptId,
    /// Heard after silence.
    pub no_input_prompt: PromptId,
    /// Heard before the operator.
    pub operator_prompt: PromptId,
    /// Heard before hanging up when not even the operator can be reached.
    pub closing_prompt: Option<PromptId>,
    /// After these, keys are secret.
    pub sensitive_prompts: BTreeSet<PromptId>,
}

/// A way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who takes it.
    pub when: Condition,
    /// Where it leads.
    pub menu: NodeId,
}

/// One menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name in the file.
    pub name: String,
    /// Heard first, in order.
    pub prompts: Vec<Prompt>,
    /// Whether its keys are secret, whatever its prompts.
    pub sensitive: bool,
    /// Whether a key cuts `prompts` off; the options' prompts can always be cut off.
    pub interruptible: bool,
    /// How long silence may last after the last prompt.
    pub no_input_timeout: Duration,
    /// How many wrong keys and silences are forgiven.
    pub retries: u32,
    /// The choices, in the order they are heard.
    pub options: Vec<MenuOption>,
}

/// A prompt that some callers hear.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// What is heard.
    pub id: PromptId,
    /// Who hears it; everybody without.
    pub when: Option<Condition>,
}

/// A choice of a menu.
#[derive(Debug, Clone, PartialEq)]
pub struct MenuOption {
    /// The key that takes it.
    pub key: Digit,
    /// What announces it.
    pub prompt: Option<PromptId>,
    /// Who has it; everybody without.
    pub when: Option<Condition>,
    /// Asked before acting.
    pub verify: Option<Verify>,
    /// Heard after the choice, before the action.
    pub confirmation: Option<PromptId>,
    /// What it does.
    pub action: OptionAction,
}

/// A question before an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// The question.
    pub prompt: PromptId,
    /// The key that goes on.
    pub yes: Digit,
    /// The key that goes back to the menu.
    pub no: Digit,
}

/// What an option does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionAction {
    /// Hands the call on.
    Transfer(TransferTarget),
    /// Opens another menu.
    Menu(NodeId),
    /// Plays prompts, then the menu again.
    Info(Vec<PromptId>),
    /// The menu again.
    Repeat,
    /// The menu before this one; the first menu repeats itself.
    Back,
    /// Hands the call to the operator.
    Operator,
    /// Plays prompts, then ends the call.
    Hangup(Vec<PromptId>),
}

/// Every prompt that a call through the menu may hear.
pub fn prompts(menu: &Menu) -> BTreeSet<PromptId> {
    let settings = &menu.settings;
    let mut all = BTreeSet::from([
        settings.invalid_prompt.clone(),
        settings.no_input_prompt.clone(),
        settings.operator_prompt.clone(),
    ]);
    all.extend(settings.closing_prompt.clone());
    for (_, node) in menu.nodes() {
        all.extend(node.prompts.iter().map(|prompt| prompt.id.clone()));
        for option in &node.options {
            all.extend(option.prompt.clone());
            all.extend(option.confirmation.clone());
            all.extend(option.verify.as_ref().map(|verify| verify.prompt.clone()));
            if let OptionAction::Info(heard) | OptionAction::Hangup(heard) = &option.action {
                all.extend(heard.iter().cloned());
            }
        }
    }
    all
}
