//! Files that people write (menus, rules): read as a whole, with every fault at its line and column.

mod fault;
mod table;
pub(crate) mod yaml;

pub(crate) use fault::Faults;
pub use fault::{FileFault, suggest};
pub(crate) use table::{Table, Value, items, kind, shorten};

use toml::{Spanned, de::DeTable};

/// The document in `source`; what is no TOML is noted and left out. `None` when it is longer than `most_bytes`.
pub(crate) fn document<'s>(
    source: &'s str,
    most_bytes: usize,
    faults: &mut Faults<'_>,
) -> Option<Spanned<DeTable<'s>>> {
    if source.len() > most_bytes {
        let message = format!(
            "the file is {} bytes long, at most {most_bytes} are allowed",
            source.len()
        );
        faults.wrong(0, message, "split it");
        return None;
    }
    let (document, unread) = DeTable::parse_recoverable(source);
    for error in unread {
        faults.syntax(error.span().map_or(0, |span| span.start), error.message().trim());
    }
    Some(document)
}
