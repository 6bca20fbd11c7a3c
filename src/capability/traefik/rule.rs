//! The rule of a Traefik router: what it says, and what Traefik v3 would make of it.
//!
//! Traefik reads a rule as an expression of Go; literals, comments and line ends follow that.

mod argument;
mod claim;
mod lexer;
mod matcher;

use std::fmt::{self, Write as _};
use std::ops::Range;

pub use claim::{Claim, PathClaim, claims};
use lexer::{Lexer, Token, TokenKind};
use matcher::{Call, call};

/// How deep parentheses and `!` may nest; deeper is hostile, and recursion must end.
const DEEPEST: usize = 64;
/// After how many problems the rest is kept back.
const MOST_PROBLEMS: usize = 32;
/// How long a quoted text in a message may be, in characters.
const LONGEST_EXCERPT: usize = 60;

/// What the router routes; each kind has its own matchers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Requests over HTTP.
    Http,
    /// Connections over TCP.
    Tcp,
}

/// Whether Traefik takes the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Traefik refuses the router.
    Error,
    /// Traefik takes the rule, which most likely does not do what is meant.
    Warning,
}

/// A rule that Traefik takes.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What has to match.
    pub expression: Expression,
}

/// A part of a rule.
#[derive(Debug, Clone)]
pub enum Expression {
    /// One of them matches.
    Any(Vec<Expression>),
    /// All of them match.
    All(Vec<Expression>),
    /// It does not match.
    Not(Box<Expression>),
    /// One matcher.
    Matcher(Matcher),
}

/// A matcher and its arguments.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Its name, as Traefik's documentation spells it.
    pub name: &'static str,
    /// Its arguments, as many as the matcher takes.
    pub arguments: Vec<Argument>,
    /// The bytes of the whole call in the rule.
    pub at: Range<usize>,
}

/// An argument of a matcher.
#[derive(Debug, Clone)]
pub struct Argument {
    /// The text, without quotes and escapes.
    pub text: String,
    /// The bytes of the literal in the rule, quotes included.
    pub at: Range<usize>,
}

/// Something wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether Traefik refuses the router for it.
    pub severity: Severity,
    /// What was found, and what was expected.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The bytes of the rule it is about; empty at the end of the rule.
    pub at: Range<usize>,
}

/// What came of reading a rule.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The rule, unless Traefik would refuse it.
    pub rule: Option<Rule>,
    /// What is wrong with it, in the order of the text.
    pub problems: Vec<Problem>,
}

/// Reads the rule of a router of that kind.
pub fn parse(rule: &str, kind: Kind) -> Parsed {
    let early = if rule.trim().is_empty() {
        Some(error(0..rule.len(), "an empty rule").help("write a matcher, such as Host(`a.org`)"))
    } else {
        matcher::version_1(rule)
    };
    if let Some(problem) = early {
        return Parsed { rule: None, problems: vec![problem] };
    }
    let (tokens, wrong) = Lexer { rule, at: 0 }.tokens();
    let told = Told { problems: Vec::new(), refused: false };
    let mut parser = Parser { rule, kind, tokens, wrong, next: 0, depth: 0, told };
    let expression = match parser.rule() {
        Ok(expression) => Some(expression),
        Err(problem) => {
            parser.told.add(problem);
            None
        }
    };
    let refused = parser.told.refused;
    let rule = expression.filter(|_| !refused).map(|expression| Rule { expression });
    Parsed { rule, problems: parser.told.problems }
}

struct Told {
    problems: Vec<Problem>,
    refused: bool,
}

impl Told {
    fn add(&mut self, problem: Problem) {
        self.refused |= problem.severity == Severity::Error;
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

impl Problem {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

fn error(at: Range<usize>, message: impl Into<String>) -> Problem {
    Problem { severity: Severity::Error, message: message.into(), help: None, at }
}

fn warning(at: Range<usize>, message: impl Into<String>) -> Problem {
    Problem { severity: Severity::Warning, ..error(at, message) }
}

/// The text as a message shows it; one that begins with a back-tick brings its own.
fn excerpt(text: &str) -> String {
    let short: String = text.chars().take(LONGEST_EXCERPT).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    let tick = if short.starts_with('`') { "" } else { "`" };
    format!("{tick}{short}{dots}{tick}")
}

struct Parser<'r> {
    rule: &'r str,
    kind: Kind,
    tokens: Vec<Token>,
    /// The problem that the token `Wrong` stands for.
    wrong: Option<Problem>,
    next: usize,
    depth: usize,
    told: Told,
}

impl<'r> Parser<'r> {
    fn rule(&mut self) -> Result<Expression, Problem> {
        let expression = self.any()?;
        let line = usize::from(self.peek() == &TokenKind::Line);
        match self.tokens.get(self.next + line) {
            Some(token) if token.kind != TokenKind::End => {
                Err(self.unexpected("`&&`, `||` or the end"))
            }
            _ => Ok(expression),
        }
    }

    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.next).map_or(&TokenKind::End, |token| &token.kind)
    }

    /// Where the next token stands.
    fn here(&self) -> Range<usize> {
        let end = self.rule.len()..self.rule.len();
        self.tokens.get(self.next).map_or(end, |token| token.at.clone())
    }

    fn accept(&mut self, kind: &TokenKind) -> bool {
        let found = self.peek() == kind;
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, Problem> {
        let mut parts = vec![self.all()?];
        while self.accept(&TokenKind::Or) {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, Problem> {
        let mut parts = vec![self.one()?];
        while self.accept(&TokenKind::And) {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, Problem> {
        if self.accept(&TokenKind::Not) {
            return Ok(Expression::Not(Box::new(self.nested(Self::one)?)));
        }
        if self.accept(&TokenKind::Open) {
            let inner = self.nested(Self::any)?;
            let closed = self.accept(&TokenKind::Close);
            return if closed { Ok(inner) } else { Err(self.unexpected("`)`")) };
        }
        if self.peek() == &TokenKind::Name {
            return self.call();
        }
        Err(self.unexpected("a matcher"))
    }

    fn nested(
        &mut self,
        part: fn(&mut Self) -> Result<Expression, Problem>,
    ) -> Result<Expression, Problem> {
        if self.depth == DEEPEST {
            let message = format!("more than {DEEPEST} levels of parentheses and `!`");
            return Err(error(self.here(), message));
        }
        self.depth += 1;
        let inner = part(self);
        self.depth -= 1;
        inner
    }

    fn call(&mut self) -> Result<Expression, Problem> {
        let name = self.next;
        let word_at = self.here();
        let word: &'r str = self.rule.get(word_at.clone()).unwrap_or_default();
        self.next += 1;
        if !self.accept(&TokenKind::Open) {
            return Err(self.unexpected("`(`"));
        }
        let arguments = self.arguments(word)?;
        let end = self.tokens.get(self.next - 1).map_or(self.rule.len(), |token| token.at.end);
        let before = name.checked_sub(1).and_then(|before| self.tokens.get(before));
        let tight = self.peek() == &TokenKind::And
            || before.is_some_and(|t| matches!(t.kind, TokenKind::And | TokenKind::Not));
        let at = word_at.start..end;
        let call = Call { word, word_at, at, arguments, tight };
        let matcher = matcher::resolve(call, self.kind, &mut self.told);
        // What holds no matcher stands in for a refused one: the rule is not handed out then.
        Ok(matcher.map_or(Expression::Any(Vec::new()), Expression::Matcher))
    }

    /// The arguments of a call and its `)`; as in Go, a comma may stand before that.
    fn arguments(&mut self, word: &str) -> Result<Vec<Argument>, Problem> {
        let mut arguments = Vec::new();
        while !self.accept(&TokenKind::Close) {
            let at = self.here();
            match self.tokens.get_mut(self.next).map(|token| &mut token.kind) {
                Some(TokenKind::Text(text)) => {
                    arguments.push(Argument { text: std::mem::take(text), at });
                }
                Some(TokenKind::Name) => return Err(self.bare(word)),
                _ => return Err(self.unexpected("a text in back-ticks")),
            }
            self.next += 1;
            if !self.accept(&TokenKind::Comma) && self.peek() != &TokenKind::Close {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        Ok(arguments)
    }

    /// An argument without quotes.
    fn bare(&self, word: &str) -> Problem {
        let start = self.here().start;
        let rest = self.rule.get(start..).unwrap_or_default();
        let text = rest.split([')', '`', '"', ',', '\n']).next().unwrap_or_default().trim_end();
        let message = format!("{} without quotes, a text in back-ticks is expected", excerpt(text));
        let problem = error(start..start + text.len(), message);
        let short = text.len() <= LONGEST_EXCERPT && word.len() <= LONGEST_EXCERPT;
        if short { problem.help(format!("write {word}(`{text}`)")) } else { problem }
    }

    fn unexpected(&mut self, expected: &str) -> Problem {
        let at = self.here();
        let text = self.rule.get(at.clone()).unwrap_or_default();
        let (found, help) = match self.peek() {
            TokenKind::Wrong => {
                return self.wrong.take().unwrap_or_else(|| error(at, "unreadable"));
            }
            TokenKind::End => ("the rule ends".to_owned(), None),
            TokenKind::Line => {
                let help = "end the line behind `&&`, `||`, `(` or `,`, not before them";
                ("the line ends".to_owned(), Some(help))
            }
            _ => (format!("{} stands", excerpt(text)), instead_of(text, self.depth)),
        };
        let problem = error(at, format!("{found} where {expected} is expected"));
        Problem { help: help.map(str::to_owned), ..problem }
    }
}

fn instead_of(text: &str, depth: usize) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "and" => Some("write `&&`"),
        "or" => Some("write `||`"),
        "not" => Some("write `!`"),
        ")" if depth == 0 => Some("no `(` is open here"),
        _ => None,
    }
}

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

/// Writes a text as literal, in back-ticks where they can hold it.
fn literal(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    if !text.contains(|c: char| c == '`' || c.is_control()) {
        return write!(out, "`{text}`");
    }
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            '\n' => out.write_str("\\n")?,
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, argument) in self.arguments.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            literal(&argument.text, f)?;
        }
        f.write_char(')')
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, join) = match self {
            Self::Matcher(matcher) => return matcher.fmt(f),
            Self::Not(inner) => {
                f.write_char('!')?;
                return inner.fmt_in(f, matches!(**inner, Self::Any(_) | Self::All(_)));
            }
            Self::Any(parts) => (parts, " || "),
            Self::All(parts) => (parts, " && "),
        };
        for (index, part) in parts.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { join })?;
            part.fmt_in(f, matches!((self, part), (Self::All(_), Self::Any(_))))?;
        }
        Ok(())
    }
}

impl Expression {
    fn fmt_in(&self, f: &mut fmt::Formatter<'_>, parentheses: bool) -> fmt::Result {
        if parentheses { write!(f, "({self})") } else { fmt::Display::fmt(self, f) }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}
