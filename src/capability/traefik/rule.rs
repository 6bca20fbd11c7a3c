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
        if parentheses { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rule: &str, kind: Kind) -> Vec<String> {
        let parsed = parse(rule, kind);
        let refused = parsed.problems.iter().any(|p| p.severity == Severity::Error);
        assert_eq!(parsed.rule.is_none(), refused, "{rule}");
        let line = |problem: &Problem| {
            assert!(rule.get(problem.at.clone()).is_some(), "{rule}: {problem:?}");
            let sign = if problem.severity == Severity::Error { 'E' } else { 'W' };
            let help = problem.help.as_ref().map_or(String::new(), |help| format!(" | {help}"));
            format!("{sign} {:?} {}{help}", problem.at, problem.message)
        };
        parsed.problems.iter().map(line).collect()
    }

    fn shown(rule: &str, kind: Kind) -> String {
        let parsed = parse(rule, kind);
        assert_eq!(parsed.problems, [], "{rule}");
        parsed.rule.map(|rule| rule.to_string()).unwrap_or_default()
    }

    #[test]
    fn good_rules() {
        let same = [
            "Host(`example.org`)",
            "Host(`a.org`) && PathPrefix(`/x`)",
            "Host(`a.org`) && (Path(`/x`) || Path(`/y`)) || !Method(`GET`)",
            "!(Host(`a.org`) || Host(`b.org`))",
            "!!Host(`a.org`)",
            "Header(`X-A`, `b`) && HeaderRegexp(`X-A`, `^b$`)",
            "Query(`a`) && Query(`a`, `b`) && QueryRegexp(`a`, `^.*$`)",
            "ClientIP(`10.0.0.0/8`) || ClientIP(`::1`) || ClientIP(`fe80::/10`)",
            r"Host(`${DOMAIN}`) && HostRegexp(`^.+\.${DOMAIN}$`)",
            "Host(`{{ .Name }}.a.org`)",
            r"HostRegexp(`^[a-z]{2,3}\.a\.org$`) && PathRegexp(`\p{Greek}+`)",
            "Host(`a.org.`) && Host(`127.0.0.1`) && Host(`::1`) && Host(`[::1]`)",
            r#"Path(`/it's "here"`)"#,
            "Method(`get`)",
        ];
        for rule in same {
            assert_eq!(shown(rule, Kind::Http), rule);
        }
        for rule in ["HostSNI(`*`)", "HostSNI(`a.org`) && ALPN(`h2`) && !ClientIP(`10.0.0.1`)"] {
            assert_eq!(shown(rule, Kind::Tcp), rule);
        }
    }

    #[test]
    fn other_ways_to_write_them() {
        let cases = [
            ("(((Host(`a.org`))))", "Host(`a.org`)"),
            ("  host ( `a.org` , )\n", "Host(`a.org`)"),
            ("HOSTREGEXP(`a`)||Hostregexp(`b`)", "HostRegexp(`a`) || HostRegexp(`b`)"),
            (
                "Host(\"a.org\") &&\r\n  Path(\"/\\x41\\u00e9\\n\")",
                r#"Host(`a.org`) && Path("/Aé\n")"#,
            ),
            (r#"Path("/`")"#, r#"Path("/`")"#),
            (r#"Path("/\\\101\t`\"")"#, r#"Path("/\\A\u0009`\"")"#),
            ("Host(`a`) /* b */ || // c\n Host(`b`) // d", "Host(`a`) || Host(`b`)"),
            ("\u{feff}Host(`a.org`)", "Host(`a.org`)"),
            ("(Host(`a`) || Host(`b`)) || Host(`c`)", "Host(`a`) || Host(`b`) || Host(`c`)"),
        ];
        for (rule, expected) in cases {
            let first = shown(rule, Kind::Http);
            assert_eq!(first, expected);
            assert_eq!(shown(&first, Kind::Http), expected);
        }
    }

    #[test]
    fn where_a_matcher_stands() {
        let parsed = parse("!Host(`a.org`) && Path(\"/\")", Kind::Http);
        let Some(Rule { expression: Expression::All(parts) }) = parsed.rule else { panic!() };
        let [Expression::Not(_), Expression::Matcher(path)] = &*parts else { panic!() };
        assert_eq!((path.name, &path.at), ("Path", &(18..27)));
        let [argument] = &*path.arguments else { panic!() };
        assert_eq!((&*argument.text, &argument.at), ("/", &(23..26)));
    }

    #[test]
    fn what_is_wrong_with_the_form() {
        let line = "end the line behind `&&`, `||`, `(` or `,`, not before them";
        let lost = "write Host(`…`); a shell takes back-ticks in double quotes for a command";
        let quotes = "back-ticks or double quotes are expected";
        let raw = r"write the text in back-ticks, where `\` stands for itself";
        let slash = r"back-ticks and double quotes need no `\` in the rule itself";
        let part = "a text stands in back-ticks, and matchers are joined by `&&` and `||`";
        let cases = [
            ("", "E 0..0 an empty rule | write a matcher, such as Host(`a.org`)".to_owned()),
            (" \n", "E 0..2 an empty rule | write a matcher, such as Host(`a.org`)".to_owned()),
            ("foobar", "E 6..6 the rule ends where `(` is expected".to_owned()),
            ("Host(`a`", "E 8..8 the rule ends where `,` or `)` is expected".to_owned()),
            ("Host(`a`) &&", "E 12..12 the rule ends where a matcher is expected".to_owned()),
            ("(Host(`a`)", "E 10..10 the rule ends where `)` is expected".to_owned()),
            (
                "Host(`a`))",
                "E 9..10 `)` stands where `&&`, `||` or the end is expected | no `(` is open here"
                    .to_owned(),
            ),
            ("()", "E 1..2 `)` stands where a matcher is expected".to_owned()),
            ("Host(`a`) & Host(`b`)", "E 10..11 `&` alone, `&&` is expected".to_owned()),
            (
                "Host(`a`) and Host(`b`)",
                "E 10..13 `and` stands where `&&`, `||` or the end is expected | write `&&`"
                    .to_owned(),
            ),
            ("Host('a.org')", format!("E 5..12 `'a.org'` in single quotes, {quotes}")),
            ("Host(“a.org”)", format!("E 5..16 `“a.org”` in typographic quotes, {quotes}")),
            (
                "Host(a.org)",
                "E 5..10 `a.org` without quotes, a text in back-ticks is expected \
                 | write Host(`a.org`)"
                    .to_owned(),
            ),
            ("Host(`a.org)", "E 5..12 `a.org) has no closing back-tick".to_owned()),
            ("Host(\"a.org)", "E 5..12 `\"a.org)` has no closing double quote".to_owned()),
            (r#"Host("a\"#, r#"E 5..8 `"a\` has no closing double quote"#.to_owned()),
            (
                r#"HostRegexp("a\.b")"#,
                format!(r"E 13..15 `\.` is no escape of a text in double quotes | {raw}"),
            ),
            (
                r#"Path("/\ud800")"#,
                format!(r"E 7..9 `\u` is no escape of a text in double quotes | {raw}"),
            ),
            (r"Host(\`a\`)", format!(r"E 5..6 `\` stands before a text | {slash}")),
            (
                "Host(`a`)\n|| Host(`b`)",
                format!("E 9..10 the line ends where `&&`, `||` or the end is expected | {line}"),
            ),
            ("(Host(`a`)\n)", format!("E 10..11 the line ends where `)` is expected | {line}")),
            (
                "Host(\n`a`\n)",
                format!("E 9..10 the line ends where `,` or `)` is expected | {line}"),
            ),
            ("Host(`a`) /* b", "E 10..14 a comment without `*/`".to_owned()),
            ("Host()", format!("E 0..6 `Host` has no argument, 1 is expected | {lost}")),
            ("Host(`a`);", format!("E 9..10 `;` is no part of a rule | {part}")),
            ("`a`", "E 0..3 `a` stands where a matcher is expected".to_owned()),
        ];
        for (rule, expected) in cases {
            assert_eq!(told(rule, Kind::Http), [expected], "{rule}");
        }
    }

    #[test]
    fn unknown_matchers() {
        let all = "the matchers are `HostSNI`, `HostSNIRegexp`, `ClientIP`, `ALPN`";
        let http = [
            ("Hosts(`a`)", "E 0..5 `Hosts` is no matcher | did you mean `Host`?"),
            ("Hots(`a`)", "E 0..4 `Hots` is no matcher | did you mean `Host`?"),
            ("Hst(`a`)", "E 0..3 `Hst` is no matcher | did you mean `Host`?"),
            (
                "pathPrefix(`/`)",
                "E 0..10 `pathPrefix` is no matcher | write `PathPrefix`: Traefik minds the case",
            ),
            (
                "PathPrefixStrip(`/`)",
                "E 0..15 `PathPrefixStrip` is no matcher | did you mean `PathPrefix`?",
            ),
            (
                "HostSNI(`a`)",
                "E 0..7 `HostSNI` is a matcher of TCP routers, this is one of HTTP | write `Host`",
            ),
            (
                "Headers(`a`, `b`)",
                "E 0..7 `Headers` is a matcher of Traefik v2 | in v3: Header(`a`, `b`)",
            ),
            (
                "!HostHeader(`a`, `b`)",
                "E 1..11 `HostHeader` is a matcher of Traefik v2 \
                 | in v3: (Host(`a`) || Host(`b`))",
            ),
        ];
        for (rule, expected) in http {
            assert_eq!(told(rule, Kind::Http), [expected], "{rule}");
        }
        let other = "is a matcher of HTTP routers, this is one of TCP";
        let tcp = [
            ("Host(`a`)", format!("`Host` {other} | write `HostSNI`")),
            ("Path(`/`)", format!("`Path` {other} | {all}")),
            ("Zzzz(`/`)", format!("`Zzzz` is no matcher | {all}")),
        ];
        for (rule, expected) in tcp {
            assert_eq!(told(rule, Kind::Tcp), [format!("E 0..4 {expected}")], "{rule}");
        }
        let three = told("Hosts(`a`) && Paths(`/`) && Host(`b`", Kind::Http);
        assert_eq!(three.len(), 3, "{three:?}");
    }

    #[test]
    fn older_versions() {
        let two = "`Host` has 2 arguments, 1 is expected | in v3:";
        let key = "`a=b` is the form of Traefik v2, a key is expected | in v3:";
        let v1 = "is the form of Traefik v1 | in v3:";
        let braces = "has the braces of Traefik v2 | in v3:";
        let cases = [
            ("Host(`a`, `b`)", format!("E 0..14 {two} Host(`a`) || Host(`b`)")),
            ("Host(`a`, `b`) && Path(`/`)", format!("E 0..14 {two} (Host(`a`) || Host(`b`))")),
            ("!Host(`a`, `b`)", format!("E 1..15 {two} (Host(`a`) || Host(`b`))")),
            ("Path(`/`) || Host(`a`, `b`)", format!("E 13..27 {two} Host(`a`) || Host(`b`)")),
            ("Header(`a`)", "E 0..11 `Header` has 1 argument, 2 are expected".to_owned()),
            ("Query(`a=b`)", format!("W 6..11 {key} Query(`a`, `b`)")),
            ("Query(`a=b`, `c=d`)", format!("W 6..11 {key} Query(`a`, `b`) && Query(`c`, `d`)")),
            (
                "Query(`a=b`, `c=`, `d`)",
                "E 0..23 `Query` has 3 arguments, 1 or 2 are expected \
                 | in v3: Query(`a`, `b`) && Query(`c`) && Query(`d`)"
                    .to_owned(),
            ),
            (
                "HostRegexp(`{sub:[a-z]+}.a.org`)",
                format!(r"W 11..31 `{{sub:[a-z]+}}.a.org` {braces} HostRegexp(`^[a-z]+\.a\.org$`)"),
            ),
            (
                "PathPrefix(`/{a:x|y}/{b}`)",
                format!("W 11..25 `/{{a:x|y}}/{{b}}` {braces} PathRegexp(`^/(?:x|y)/[^/]+`)"),
            ),
            (
                "Host:a.org,b.org;PathPrefix:/x",
                format!(
                    "E 0..30 `Host:` {v1} (Host(`a.org`) || Host(`b.org`)) && PathPrefix(`/x`)"
                ),
            ),
            ("Host: a.org", format!("E 0..11 `Host:` {v1} Host(`a.org`)")),
            (
                "PathStrip:/x",
                format!("E 0..12 `PathStrip:` {v1} Host(`example.org`) && PathPrefix(`/path`)"),
            ),
        ];
        for (rule, expected) in cases {
            assert_eq!(told(rule, Kind::Http), [expected], "{rule}");
        }
        let many = told(&format!("Host({}`z`)", "`a`, ".repeat(50)), Kind::Http).concat();
        assert!(many.ends_with("one Host(`…`) for each, with `||` between them"), "{many}");
    }

    #[test]
    fn hosts() {
        let cases = [
            ("", "E an empty argument of `Host`"),
            (
                "müller.de",
                "E `müller.de` has letters beyond ASCII \
                 | write its ASCII form, which begins with `xn--`",
            ),
            (
                "https://a.org:1/x",
                "W `https://a.org:1/x` has the scheme `https`, a host is expected \
                 | write Host(`a.org`)",
            ),
            (
                "a.org/x",
                "W `a.org/x` has a path, a host is expected \
                 | write Host(`a.org`) && PathPrefix(`/x`)",
            ),
            (
                "a.org:80",
                "W `a.org:80` has the port `80`, a host is expected | write Host(`a.org`)",
            ),
            (
                "a.org, b.org",
                "W `a.org, b.org` is a list, one host is expected \
                 | write Host(`a.org`) || Host(`b.org`)",
            ),
            (" a.org", "W ` a.org` has a space, a host is expected | write Host(`a.org`)"),
            (
                "^a.org$",
                "W `^a.org$` is a regular expression, a host is expected \
                 | write HostRegexp(`^a.org$`)",
            ),
            (
                "{s:x}.a",
                "W `{s:x}.a` is a regular expression, a host is expected \
                 | write HostRegexp(`^x\\.a$`)",
            ),
            ("a@b", "W `a@b` has `@`, which no host has"),
            (
                "A.org",
                "W `A.org` has upper case, hosts are compared in lower case \
                 | write Host(`a.org`)",
            ),
            (
                "*.a.org",
                "W `*.a.org` is a wildcard, which needs Traefik 3.7 \
                 | for any v3, write HostRegexp(`^[^.]+\\.a\\.org$`)",
            ),
            (
                "a.*",
                "W `a.*` has `*`, which may stand for the first label only \
                 | write HostRegexp(`…`) with a regular expression of Go",
            ),
            (
                "*",
                "W `*` does not stand for every host in each Traefik v3 \
                 | leave `Host` out; PathPrefix(`/`) matches every request",
            ),
        ];
        for (host, expected) in cases {
            let (sign, rest) = expected.split_at(2);
            let rule = format!("Host(`{host}`)");
            assert_eq!(told(&rule, Kind::Http), [format!("{sign}5..{} {rest}", host.len() + 7)]);
        }
        let either = told("Host(`a.org/x`) || Path(`/`) && Host(`a,b`)", Kind::Http).concat();
        assert!(either.contains("write (Host(`a`) || Host(`b`))"), "{either}");
    }

    #[test]
    fn hosts_of_connections() {
        let tcp = [
            ("HostSNI(`a/b`)", "E 8..13 `a/b` has a path, a host is expected | write HostSNI(`a`)"),
            (
                "HostSNI(`ä.de`)",
                "W 8..15 `ä.de` has letters beyond ASCII \
                 | write its ASCII form, which begins with `xn--`",
            ),
            (
                "ALPN(`acme-tls/1`)",
                "E 5..17 `acme-tls/1` is Traefik's own, another protocol is expected",
            ),
        ];
        for (rule, expected) in tcp {
            assert_eq!(told(rule, Kind::Tcp), [expected], "{rule}");
        }
        let regexp = told("HostSNIRegexp(`ä`)", Kind::Tcp).concat();
        assert!(regexp.starts_with("E 14..18"), "{regexp}");
    }

    #[test]
    fn other_arguments() {
        let network = "is no address, nor a network \
                       | write an address as 10.0.0.1, or a network as 10.0.0.0/8";
        let star = "has `*`, which stands for itself in a path | write";
        let cases = [
            ("Path(`x`)", "E 5..8 `x` does not begin with `/` | write Path(`/x`)".to_owned()),
            ("PathPrefix(`/x/*`)", format!("W 11..17 `/x/*` {star} PathPrefix(`/x/`)")),
            (
                "Path(`/*/x`)",
                format!("W 5..11 `/*/x` {star} PathRegexp(`…`) with a regular expression"),
            ),
            (
                "Path(`/x?y`)",
                "W 5..11 `/x?y` has `?`, which is no part of a path \
                 | match what follows it by Query(`key`, `value`)"
                    .to_owned(),
            ),
            (
                "Method(`GET,POST`)",
                "W 7..17 `GET,POST` is no method of a request \
                 | write Method(`GET`) || Method(`POST`)"
                    .to_owned(),
            ),
            (
                "Header(`Host`, `a.org`)",
                "W 7..13 `Host` is not among the headers that Traefik compares \
                 | write Host(`a.org`)"
                    .to_owned(),
            ),
            ("Header(`a b`, `c`)", "W 7..12 `a b` is no name of a header".to_owned()),
            ("Header(`a`, ``)", "E 12..14 an empty argument of `Header`".to_owned()),
            ("ClientIP(`1`)", format!("E 9..12 `1` {network}")),
            ("ClientIP(`10.0.0.0/33`)", format!("E 9..22 `10.0.0.0/33` {network}")),
            ("ClientIP(`10.0.0.0/08`)", format!("E 9..22 `10.0.0.0/08` {network}")),
        ];
        for (rule, expected) in cases {
            assert_eq!(told(rule, Kind::Http), [expected], "{rule}");
        }
    }

    #[test]
    fn hostile_rules_end_soon() {
        let n = 100_000;
        let parts = ["(", "!", "!(", "Host(", "`", "\"", "\\", "/*", "{", "a,", "a:", "\n", "/**/"];
        for part in parts {
            let parsed = parse(&part.repeat(n / part.len()), Kind::Http);
            assert!(parsed.rule.is_none() && parsed.problems.len() == 1, "{part}");
        }
        let deep = format!("{}Host(`a`){}", "(".repeat(DEEPEST), ")".repeat(DEEPEST));
        assert_eq!(shown(&deep, Kind::Http), "Host(`a`)");
        let deeper = told(&format!("({deep})"), Kind::Http);
        assert_eq!(deeper, ["E 65..69 more than 64 levels of parentheses and `!`"]);
        let unknown = parse(&"Hosts(`a`)||".repeat(9_000), Kind::Http).problems;
        assert_eq!(unknown.len(), MOST_PROBLEMS);
        for text in ["{", "{a", "{a}", "{a:", "*", "\\{", "*.", ",", "://"] {
            let text = text.repeat(n / text.len());
            for name in ["Host", "HostRegexp", "Path(`/`) || PathPrefix", "Method", "ClientIP"] {
                let problems = parse(&format!("{name}(`/{text}`)"), Kind::Http).problems;
                assert!(problems.len() <= 1, "{name} {}", problems.len());
            }
        }
        let wide = "Host(`a`) && (Path(`/x`) || Path(`/y`)) && ".repeat(2_000) + "Host(`b`)";
        let rule = parse(&wide, Kind::Http).rule;
        assert_eq!(rule.map(|rule| claims(&rule)), Some(Vec::new()));
        let long = "Host(`a`) && Query(`q`, `v`) && ".repeat(5_000) + "Host(`a`)";
        let rule = parse(&long, Kind::Http).rule;
        assert_eq!(rule.map(|rule| claims(&rule).len()), Some(1));
    }
}
