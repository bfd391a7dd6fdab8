//! Which cells are meant: `-k EXPR`, `--cell ID`, `--last-failed`.
//!
//! `EXPR` is made of `field~text` (holds it), `field=text` (is it), `field!=text`, `field!~text` and bare words (any
//! field holds it), joined by `&`, `|`, `!` and parentheses; `!` binds tightest, then `&`. Fields: `scenario`, `image`,
//! `patch`, `software`, `id`. A field with several values fits when one of them does; its negation when none does.

use std::collections::BTreeSet;

use patchbed_model::text::nearest;

use super::cell::{CellNames, Plan, PlanCell};
use super::expand::PlanError;

/// Which cells are meant. All conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `-k`.
    pub expression: Option<Expression>,
    /// `--cell`: beginnings of ids; any of them.
    pub cells: Vec<String>,
    /// `--last-failed`: the cells of these names.
    pub only: Option<BTreeSet<CellNames>>,
}

impl Selection {
    /// What is left of `plan`.
    ///
    /// # Errors
    /// [`PlanError::Ambiguous`] when a beginning fits several cells.
    pub(super) fn apply(&self, plan: Plan) -> Result<Plan, PlanError> {
        let mut named = BTreeSet::new();
        for prefix in &self.cells {
            let found = plan.find(prefix);
            if found.len() > 1 {
                let cells = found.iter().map(|cell| cell.id.0.clone()).collect();
                return Err(PlanError::Ambiguous { prefix: prefix.clone(), cells });
            }
            named.extend(found.into_iter().map(|cell| cell.id.clone()));
        }
        let wanted = |cell: &PlanCell| {
            (self.cells.is_empty() || named.contains(&cell.id))
                && self.only.as_ref().is_none_or(|only| only.contains(&cell.names()))
                && self.expression.as_ref().is_none_or(|expression| expression.fits(&cell.id.0, &cell.names()))
        };
        Ok(Plan { cells: plan.cells.into_iter().filter(wanted).collect() })
    }
}

/// A condition over cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(Term);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Any(Vec<Term>),
    All(Vec<Term>),
    Not(Box<Term>),
    Holds(Field, String),
    Is(Field, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Scenario,
    Image,
    Patch,
    Software,
    Id,
    Every,
}

const FIELDS: [(&str, Field); 5] = [
    ("scenario", Field::Scenario),
    ("image", Field::Image),
    ("patch", Field::Patch),
    ("software", Field::Software),
    ("id", Field::Id),
];

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// A field nobody knows.
    #[error("there is no field `{field}`{}", .meant.map(|meant| format!(", did you mean `{meant}`")).unwrap_or_default())]
    UnknownField {
        /// What was written.
        field: String,
        /// The nearest one.
        meant: Option<&'static str>,
    },
    /// Something is missing or too much.
    #[error("at character {at}: expected {wanted}")]
    Unexpected {
        /// Where, from 1.
        at: usize,
        /// What was wanted.
        wanted: &'static str,
    },
    /// Nested too deeply.
    #[error("nested deeper than {DEEPEST}")]
    TooDeep,
}

const DEEPEST: usize = 64;

impl Expression {
    /// The names of the fields.
    pub fn fields() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|(name, _)| *name)
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// See [`ExpressionError`].
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { characters: text.chars().collect(), at: 0 };
        let term = parser.any(0)?;
        parser.space();
        if parser.at < parser.characters.len() {
            return Err(parser.unexpected("`&`, `|` or the end"));
        }
        Ok(Self(term))
    }

    /// Whether it fits a cell.
    #[must_use]
    pub fn fits(&self, id: &str, names: &CellNames) -> bool {
        self.0.fits(id, names)
    }
}

impl Term {
    fn fits(&self, id: &str, names: &CellNames) -> bool {
        match self {
            Self::Any(terms) => terms.iter().any(|term| term.fits(id, names)),
            Self::All(terms) => terms.iter().all(|term| term.fits(id, names)),
            Self::Not(term) => !term.fits(id, names),
            Self::Holds(field, text) => field.values(id, names).iter().any(|value| value.contains(text.as_str())),
            Self::Is(field, text) => field.values(id, names).iter().any(|value| value == text),
        }
    }
}

impl Field {
    fn values<'a>(self, id: &'a str, names: &'a CellNames) -> Vec<&'a str> {
        let all = |list: &'a [String]| list.iter().map(String::as_str).collect::<Vec<_>>();
        match self {
            Self::Scenario => vec![&names.scenario],
            Self::Image => vec![&names.image],
            Self::Patch => all(&names.patches),
            Self::Software => all(&names.software),
            Self::Id => vec![id],
            Self::Every => FIELDS.iter().flat_map(|(_, field)| field.values(id, names)).collect(),
        }
    }
}

struct Parser {
    characters: Vec<char>,
    at: usize,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<Term, ExpressionError> {
        let mut terms = vec![self.all(depth)?];
        while self.eat('|') {
            terms.push(self.all(depth)?);
        }
        Ok(one_or(terms, Term::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Term, ExpressionError> {
        let mut terms = vec![self.one(depth)?];
        while self.eat('&') {
            terms.push(self.one(depth)?);
        }
        Ok(one_or(terms, Term::All))
    }

    fn one(&mut self, depth: usize) -> Result<Term, ExpressionError> {
        if depth > DEEPEST {
            return Err(ExpressionError::TooDeep);
        }
        if self.eat('!') {
            return Ok(Term::Not(Box::new(self.one(depth + 1)?)));
        }
        if !self.eat('(') {
            return self.comparison();
        }
        let term = self.any(depth + 1)?;
        if self.eat(')') { Ok(term) } else { Err(self.unexpected("`)`")) }
    }

    fn comparison(&mut self) -> Result<Term, ExpressionError> {
        let word = self.word()?;
        let not = self.peek() == Some('!') && matches!(self.characters.get(self.at + 1), Some('=' | '~'));
        if not {
            self.at += 1;
        }
        let whole = match self.peek() {
            Some('=') => true,
            Some('~') => false,
            _ => return Ok(Term::Holds(Field::Every, word)),
        };
        self.at += 1;
        let field = field(&word)?;
        let text = self.word()?;
        let term = if whole { Term::Is(field, text) } else { Term::Holds(field, text) };
        Ok(if not { Term::Not(Box::new(term)) } else { term })
    }

    fn word(&mut self) -> Result<String, ExpressionError> {
        self.space();
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote);
        }
        let start = self.at;
        while self.peek().is_some_and(|c| !c.is_whitespace() && !"&|!()=~\"'".contains(c)) {
            self.at += 1;
        }
        let word: String = self.characters[start..self.at].iter().collect();
        self.space();
        if word.is_empty() { Err(self.unexpected("a word")) } else { Ok(word) }
    }

    fn quoted(&mut self, quote: char) -> Result<String, ExpressionError> {
        let start = self.at + 1;
        let Some(length) = self.characters[start..].iter().position(|c| *c == quote) else {
            return Err(self.unexpected("a closing quote"));
        };
        self.at = start + length + 1;
        self.space();
        Ok(self.characters[start..start + length].iter().collect())
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.space();
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    const fn unexpected(&self, wanted: &'static str) -> ExpressionError {
        ExpressionError::Unexpected { at: self.at + 1, wanted }
    }
}

fn field(word: &str) -> Result<Field, ExpressionError> {
    let known = FIELDS.iter().find(|(name, _)| *name == word);
    known.map(|(_, field)| *field).ok_or_else(|| ExpressionError::UnknownField {
        field: word.to_owned(),
        meant: nearest(word, FIELDS.iter().map(|(name, _)| *name)),
    })
}

fn one_or(mut terms: Vec<Term>, join: fn(Vec<Term>) -> Term) -> Term {
    if terms.len() == 1 { terms.remove(0) } else { join(terms) }
}
