//! Conditions that administrators write, such as `profile.membership_level == "premium"`: the only place that knows the
//! expression engine (CEL).
//!
//! A condition is compiled once, when its file is read, and bounded there: the engine itself has no budget of time or
//! memory. Which names it may use is up to the file: those of a call ([`CALL_NAMES`]), or the fields of a rule set. What
//! it looks at is bounded when the [`Facts`] are made.
//!
//! ```
//! use flow::condition::{Condition, Facts};
//! use serde_json::json;
//!
//! let condition = Condition::compile("score < 3 && channel == \"chat\"", &["score", "channel"])?;
//! let facts = Facts::named([("score", &json!(2.5)), ("channel", &json!("chat"))])?;
//! assert_eq!(condition.holds(&facts), Ok(true));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod facts;
mod shape;
#[cfg(test)]
mod tests;

pub use facts::{
    CallFacts, Facts, FactsError, MAX_DEPTH, MAX_FIELD_BYTES, MAX_ITEMS, MAX_TEXT_BYTES, MAX_VALUES,
};
pub use shape::{Comparison, Constant, Shape};

use cel::{Env, ExecutionError, Program, Value};
use std::{
    fmt,
    sync::{Arc, LazyLock},
};

/// Longest condition, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4 * 1024;
/// Most parts (names, values, operators) of one condition.
pub const MAX_PARTS: usize = 500;
/// Most sums of names, texts or lists in one condition; one of them may be in a loop, if it is the only one.
pub const MAX_SUMS: usize = 32;
/// The names that conditions of a call may use.
pub const CALL_NAMES: [&str; 3] = ["profile", "known", "call"];
/// What the expression language keeps for itself.
pub(crate) const RESERVED_WORDS: [&str; 30] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "bytes",
    "list",
    "map",
    "type",
];
const FUNCTIONS: [&str; 8] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "int",
    "double",
    "string",
    "bool",
];
const MACROS: &str = "has, all, exists, exists_one, filter";
// Building an environment costs more than a thousand evaluations.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// A place in a condition's text, counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Why a text is no condition, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ConditionError {
    /// Where, when it is known.
    pub at: Option<Position>,
    /// What is wrong.
    pub problem: ConditionProblem,
}

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each text says what it is")]
pub enum ConditionProblem {
    #[error("the condition is empty; leave `when` out to have it always")]
    Empty,
    #[error("the condition is {0} bytes long, at most {MAX_SOURCE_BYTES} are allowed; split it")]
    TooLong(usize),
    #[error("the condition has more than {MAX_PARTS} parts; split it")]
    TooManyParts,
    #[error(
        "the condition has more than {MAX_SUMS} sums, or one beside that of a loop; compare the parts instead"
    )]
    TooManySums,
    #[error("the condition cannot be read: {0}")]
    Syntax(String),
    #[error("unknown name `{name}`; {known}")]
    UnknownVariable { name: String, known: String },
    #[error("unknown function `{}`; a condition may use {}, {MACROS}", .0, FUNCTIONS.join(", "))]
    UnknownFunction(String),
    #[error("a loop within a loop is too costly; use one of all, exists, filter at a time")]
    NestedLoop,
    #[error("map() is not available in conditions; use exists() or filter()")]
    MapLoop,
    #[error("a condition cannot build messages; compare with a text, a number, true or false")]
    Message,
}

/// Why a condition could not be answered for a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// What is looked at has no such attribute.
    #[error("there is no attribute `{0}`; ask with has(...) first if not every profile has it")]
    Missing(String),
    /// The result is neither true nor false.
    #[error("the result is {0}, not true or false; compare it with something")]
    NotABool(&'static str),
    /// An operator or function got values it does not work on.
    #[error("`{function}` does not work on ({types}); compare values of one kind")]
    Types {
        /// The operator or function.
        function: String,
        /// The kinds of values it got.
        types: String,
    },
    /// Anything else, such as a division by zero.
    #[error("{0}")]
    Other(&'static str),
}

/// A compiled condition; cheap to clone.
#[derive(Clone)]
pub struct Condition(Arc<Compiled>);

struct Compiled {
    source: String,
    program: Program,
    names: Vec<String>,
    parts: usize,
}

impl Condition {
    /// Reads and checks a condition that may use `names`.
    pub fn compile(source: &str, names: &[&str]) -> Result<Self, ConditionError> {
        let nowhere = |problem| ConditionError { at: None, problem };
        if source.trim().is_empty() {
            return Err(nowhere(ConditionProblem::Empty));
        }
        if source.len() > MAX_SOURCE_BYTES {
            return Err(nowhere(ConditionProblem::TooLong(source.len())));
        }
        let program = ENV.compile(source).map_err(|errors| syntax_error(&errors))?;
        let (used, parts) = check::program(source, &program, names)?;
        Ok(Self(Arc::new(Compiled {
            source: source.to_owned(),
            names: used,
            parts,
            program,
        })))
    }

    /// Whether the condition holds.
    pub fn holds(&self, facts: &Facts) -> Result<bool, EvaluationError> {
        match self.0.program.execute(&facts.context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(EvaluationError::NotABool(kind(&other))),
            Err(error) => Err(evaluation_error(&error)),
        }
    }

    /// The condition as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The names it looks at, each once, in the order of the text.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Of how many parts (names, values, operators) it is made; the time it takes grows with them.
    pub fn parts(&self) -> usize {
        self.0.parts
    }

    /// The members of `name` that it names (`slots.size`), and where.
    pub fn members(&self, name: &str) -> Vec<(String, Option<Position>)> {
        shape::members(&self.0.source, &self.0.program, name)
    }

    /// What its names are compared with.
    pub fn shape(&self) -> Shape {
        shape::of(&self.0.source, &self.0.program)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source()).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

fn syntax_error(errors: &cel::ParseErrors) -> ConditionError {
    let first = errors.errors.first();
    let at = first.and_then(|error| {
        let (line, column) = (
            usize::try_from(error.pos.0).ok()?,
            usize::try_from(error.pos.1).ok()?,
        );
        (line > 0 && column > 0).then_some(Position { line, column })
    });
    let message = first.map_or_else(|| "no reason given".to_owned(), |error| plain(&error.msg));
    ConditionError {
        at,
        problem: ConditionProblem::Syntax(message),
    }
}

/// The parser's message without its list of every token that would have fitted.
fn plain(message: &str) -> String {
    if message.contains("token recognition error at: '= ") {
        return "a single `=`; compare with `==`".into();
    }
    let message = message.trim_start_matches("Syntax error: ");
    let end = message.find(" expecting {").unwrap_or(message.len());
    message[..end].chars().take(200).collect()
}

// The engine's own texts show the values, which are a customer's: say the kinds only.
fn evaluation_error(error: &ExecutionError) -> EvaluationError {
    match error {
        ExecutionError::NoSuchKey(name) => EvaluationError::Missing(name.chars().take(100).collect()),
        ExecutionError::NoSuchOverload(overload) => EvaluationError::Types {
            function: overload.function().trim_matches(['_', '@']).to_owned(),
            types: overload.argument_types().join(", ").replace("null_type", "null"),
        },
        ExecutionError::UnsupportedBinaryOperator(function, left, right) => EvaluationError::Types {
            function: (*function).to_owned(),
            types: format!("{}, {}", kind(left), kind(right)),
        },
        ExecutionError::ValuesNotComparable(left, right) => EvaluationError::Types {
            function: "comparison".to_owned(),
            types: format!("{}, {}", kind(left), kind(right)),
        },
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            EvaluationError::Other("a division by zero; check the divisor first")
        }
        ExecutionError::Overflow(..) => EvaluationError::Other("a number grew too large"),
        ExecutionError::IndexOutOfBounds(_) => {
            EvaluationError::Other("an index is beyond the end of its list; compare with size(...) first")
        }
        _ => EvaluationError::Other("the values do not fit the condition; check the kinds of the attributes"),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
        Value::String(_) => "a text",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
        _ => "something else",
    }
}
