//! Texts with variables: `My number is {{order}}`. `\{{` stands for braces that begin none.

use std::collections::BTreeMap;

/// What the variables stand for.
pub type Vars = BTreeMap<String, String>;

/// The longest name of a variable, in bytes.
const LONGEST_NAME: usize = 64;

/// A text with places for variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

/// Why a text is no template, at which of its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TemplateFault {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Template {
    /// The text as it is, without variables.
    pub fn plain(text: impl Into<String>) -> Self {
        let source: String = text.into();
        Self {
            pieces: vec![Piece::Text(source.clone())],
            source,
        }
    }

    /// A text in which `\{{` is `{{` and no variable.
    pub(super) fn parse(text: &str) -> Result<Self, TemplateFault> {
        Self::parse_with(text, "{{")
    }

    /// The same of a regular expression.
    pub(super) fn parse_pattern(text: &str) -> Result<Self, TemplateFault> {
        Self::parse_with(text, r"\{\{")
    }

    fn parse_with(text: &str, braces: &str) -> Result<Self, TemplateFault> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            if let Some(before) = rest[..at].strip_suffix('\\') {
                pieces.push(Piece::Text(format!("{before}{braces}")));
                rest = &rest[at + 2..];
                continue;
            }
            let offset = text.len() - rest.len() + at;
            let Some((name, after)) = rest[at + 2..].split_once("}}") else {
                return Err(TemplateFault {
                    at: offset,
                    message: "`{{` has no `}}`".into(),
                });
            };
            let name = name.trim();
            if !is_name(name) {
                return Err(TemplateFault {
                    at: offset,
                    message: format!("`{}` is no name of a variable", crate::file::shorten(name)),
                });
            }
            pieces.push(Piece::Text(rest[..at].to_owned()));
            pieces.push(Piece::Variable(name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self {
            source: text.to_owned(),
            pieces,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text as a file has it: reading that gives the same template.
    pub(super) fn written(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.replace("{{", r"\{{"),
            Piece::Variable(name) => format!("{{{{{name}}}}}"),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// A regular expression, as a file has it, that finds the text as it is.
    pub(super) fn as_pattern(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => regex::escape(text),
            // In a group of its own: a backslash before the braces would take them for text.
            Piece::Variable(name) => format!("(?:{{{{{name}}}}})"),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with the variables put in. One that is not known stays as it is written: nothing was captured for it.
    pub fn fill(&self, vars: &Vars) -> String {
        self.fill_as(vars, str::to_owned)
    }

    /// The same; what is put in is written by `written` before.
    pub(super) fn fill_as(&self, vars: &Vars, written: impl Fn(&str) -> String) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable(name) => match vars.get(name) {
                Some(value) => written(value),
                None => written(&format!("{{{{{name}}}}}")),
            },
        };
        self.pieces.iter().map(piece).collect()
    }
}

/// Whether a variable may be called so: a letter or `_` first, then letters, digits, `_` and `-`.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    name.len() <= LONGEST_NAME
        && chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_and_unknown_ones_stay() {
        let vars = Vars::from([("order".to_owned(), "A-17".to_owned())]);
        let text = Template::parse("Order {{order}} of {{ customer }}.").unwrap();
        assert_eq!(text.fill(&vars), "Order A-17 of {{customer}}.");
        assert_eq!(text.variables().collect::<Vec<_>>(), ["order", "customer"]);
    }

    #[test]
    fn braces_that_begin_no_variable_are_written_with_a_backslash() {
        let vars = Vars::from([("x".to_owned(), "1".to_owned())]);
        for text in ["{{x}}", r"\{{x", "{{{{", "{{{", r"a\\{{ {{b}} }}{{", "{"] {
            let written = Template::plain(text).written();
            let read = Template::parse(&written).unwrap();
            assert_eq!(read.fill(&vars), text, "{written}");
            assert_eq!(read.written(), written);
        }
        let mixed = Template::parse(r"{{x}} and \{{x}}").unwrap();
        assert_eq!(mixed.fill(&vars), "1 and {{x}}");
        assert_eq!(mixed.written(), r"{{x}} and \{{x}}");
    }

    #[test]
    fn a_brace_that_is_not_closed_and_a_bad_name_are_faults_at_their_places() {
        assert_eq!(Template::parse("a {{order").unwrap_err().at, 2);
        let fault = Template::parse("{{a}} {{1 x}}").unwrap_err();
        assert_eq!(
            (fault.at, fault.message.as_str()),
            (6, "`1 x` is no name of a variable")
        );
    }
}
