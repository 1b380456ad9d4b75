//! What only shows when all menus are read: who can reach which menu, and who can go back.

use super::model::{NodeId, OptionAction};
use crate::file::Faults;
use std::collections::BTreeSet;

/// The ways between the menus of a file, also those of options that have other faults.
#[derive(Default)]
pub(super) struct Ways {
    pub(super) entries: Vec<NodeId>,
    /// Some name leads to no menu: what it should lead to would look as if nobody could reach it.
    pub(super) unresolved: bool,
    submenus: BTreeSet<(NodeId, NodeId)>,
    backs: Vec<(NodeId, usize)>,
}

impl Ways {
    /// Notes where an action written at byte `at` of the file leads.
    pub(super) fn note(&mut self, from: NodeId, action: &OptionAction, at: usize) {
        match action {
            OptionAction::Menu(to) => {
                self.submenus.insert((from, *to));
            }
            OptionAction::Back => self.backs.push((from, at)),
            _ => {}
        }
    }

    pub(super) fn check(&self, names: &[(String, usize)], faults: &mut Faults<'_>) {
        if self.unresolved || self.entries.is_empty() {
            return;
        }
        let reached = self.reached();
        for (nth, (name, at)) in names.iter().enumerate() {
            if !reached.contains(&NodeId(nth)) {
                let hint = "name it in an [[entry]] or in an option's action, or remove it";
                faults.absent(*at, format!("no caller can reach menu {name:?}"), hint);
            }
        }
        for (from, at) in &self.backs {
            let is_submenu = self.submenus.iter().any(|(_, to)| to == from);
            if !is_submenu && reached.contains(from) {
                let name = names.get(from.0).map_or("", |(name, _)| name);
                let message = format!("\"back\" leads nowhere: no option leads to menu {name:?}");
                faults.absent(*at, message, "use \"repeat\", or remove the option");
            }
        }
    }

    fn reached(&self) -> BTreeSet<NodeId> {
        let mut reached = BTreeSet::new();
        let mut open = self.entries.clone();
        while let Some(menu) = open.pop() {
            if reached.insert(menu) {
                open.extend(
                    self.submenus
                        .iter()
                        .filter(|(from, _)| *from == menu)
                        .map(|(_, to)| *to),
                );
            }
        }
        reached
    }
}
