//! Regular expressions of scenarios: they run in linear time, so no text of a bot can make one hang.

use super::{
    model::Pattern,
    template::{Template, Vars},
};
use regex::{Regex, RegexBuilder};

/// The largest compiled expression, in bytes.
const MOST_COMPILED: usize = 1 << 20;
/// What stands for a variable while an expression is checked.
const STAND_IN: &str = "x";

impl Pattern {
    pub(super) fn compile(template: Template, ignores_case: bool) -> Result<Self, String> {
        let has_variables = template.variables().next().is_some();
        let tried = build(&template.fill_as(&Vars::new(), |_| STAND_IN.into()), ignores_case)?;
        Ok(Self {
            template,
            compiled: (!has_variables).then_some(tried),
        })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        self.template.source()
    }

    /// The expression with the variables put in, as texts.
    pub(super) fn with(&self, vars: &Vars, ignores_case: bool) -> Option<Regex> {
        match &self.compiled {
            Some(compiled) => Some(compiled.clone()),
            None => build(&self.template.fill_as(vars, regex::escape), ignores_case).ok(),
        }
    }

    /// What it captures of `text`: its first group that took part, or all that it finds.
    pub(super) fn captured(&self, text: &str, vars: &Vars) -> Option<String> {
        let regex = self.with(vars, false)?;
        let found = regex.captures(text)?;
        let group = found.iter().skip(1).flatten().next();
        group
            .or_else(|| found.get(0))
            .map(|found| found.as_str().to_owned())
    }
}

fn build(source: &str, ignores_case: bool) -> Result<Regex, String> {
    let built = RegexBuilder::new(source)
        .case_insensitive(ignores_case)
        .size_limit(MOST_COMPILED)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large".to_owned(),
        // The last line says what; those before draw the place.
        other => {
            let text = other.to_string();
            let reason = text.lines().last().unwrap_or_default();
            format!(
                "is no regular expression: {}",
                reason.trim_start_matches("error: ")
            )
        }
    })
}

/// An expression without variables, whatever braces are in it.
pub(super) fn plain_pattern(source: &str) -> Result<Pattern, String> {
    Pattern::compile(Template::plain(source), false)
}

/// The same, in any case perhaps.
pub(super) fn cased_pattern(source: &str, ignores_case: bool) -> Result<Pattern, String> {
    Pattern::compile(Template::plain(source), ignores_case)
}
