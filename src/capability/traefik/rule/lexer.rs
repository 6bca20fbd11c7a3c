//! The tokens of a rule, as Go's scanner tells them apart.

use std::ops::Range;

use super::{Problem, error, excerpt};

#[derive(Debug, PartialEq)]
pub(super) enum TokenKind {
    Name,
    Text(String),
    Open,
    Close,
    Comma,
    And,
    Or,
    Not,
    /// A line end after something that may end an expression, which ends it in Go.
    Line,
    Wrong,
    End,
}

pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: Range<usize>,
}

pub(super) struct Lexer<'r> {
    pub(super) rule: &'r str,
    pub(super) at: usize,
}

impl<'r> Lexer<'r> {
    fn rest(&self) -> &'r str {
        self.rule.get(self.at..).unwrap_or_default()
    }

    /// All tokens, the last being `End` or, where the problem is handed out too, `Wrong`.
    pub(super) fn tokens(mut self) -> (Vec<Token>, Option<Problem>) {
        let mut tokens: Vec<Token> = Vec::new();
        self.take("\u{feff}");
        loop {
            let last = tokens.last().map(|token| &token.kind);
            let complete =
                matches!(last, Some(TokenKind::Name | TokenKind::Text(_) | TokenKind::Close));
            let token = match self.blank(complete) {
                Ok(Some(line)) => Ok(Token { kind: TokenKind::Line, at: line }),
                Ok(None) => self.token(),
                Err(problem) => Err(problem),
            };
            match token {
                Ok(token) => {
                    let ends = token.kind == TokenKind::End;
                    tokens.push(token);
                    if ends {
                        return (tokens, None);
                    }
                }
                Err(problem) => {
                    tokens.push(Token { kind: TokenKind::Wrong, at: problem.at.clone() });
                    return (tokens, Some(problem));
                }
            }
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Passes blanks and comments; stops behind a line end that counts.
    fn blank(&mut self, complete: bool) -> Result<Option<Range<usize>>, Problem> {
        loop {
            let start = self.at;
            let rest = self.rest();
            if self.take("\n") {
                if complete {
                    return Ok(Some(start..self.at));
                }
            } else if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(length) = comment.find("*/") else {
                    return Err(error(start..self.rule.len(), "a comment without `*/`"));
                };
                self.at += length + 4;
                if complete && comment.get(..length).is_some_and(|text| text.contains('\n')) {
                    return Ok(Some(start..self.at));
                }
            } else if !(self.take(" ") || self.take("\t") || self.take("\r")) {
                return Ok(None);
            }
        }
    }

    fn token(&mut self) -> Result<Token, Problem> {
        let start = self.at;
        let signs = [
            ("(", TokenKind::Open),
            (")", TokenKind::Close),
            (",", TokenKind::Comma),
            ("&&", TokenKind::And),
            ("||", TokenKind::Or),
            ("!", TokenKind::Not),
        ];
        for (sign, kind) in signs {
            if self.take(sign) {
                return Ok(Token { kind, at: start..self.at });
            }
        }
        let kind = match self.rest().chars().next() {
            None => TokenKind::End,
            Some('`') => TokenKind::Text(self.raw()?),
            Some('"') => TokenKind::Text(self.quoted()?),
            Some(c) if c.is_alphabetic() || c == '_' => {
                let rest = self.rest();
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                self.at += end.unwrap_or(rest.len());
                TokenKind::Name
            }
            Some(c) => return Err(self.strange(c)),
        };
        Ok(Token { kind, at: start..self.at })
    }

    /// What no rule has: the likely slips get words of their own.
    fn strange(&self, c: char) -> Problem {
        let at = self.at..self.at + c.len_utf8();
        let rest = self.rest();
        match c {
            '&' | '|' => error(at, format!("`{c}` alone, `{c}{c}` is expected")),
            '\'' | '‘' | '’' | '“' | '”' | '´' => {
                let close = |other: &char| "'‘’“”´".contains(*other);
                let length = rest.char_indices().skip(1).find(|(_, other)| close(other));
                let length = length.map_or(rest.len(), |(start, last)| start + last.len_utf8());
                let text = excerpt(rest.get(..length).unwrap_or(rest));
                let quotes = if c == '\'' { "single quotes" } else { "typographic quotes" };
                let message =
                    format!("{text} in {quotes}, back-ticks or double quotes are expected");
                error(self.at..self.at + length, message)
            }
            '\\' => error(at, "`\\` stands before a text")
                .help("back-ticks and double quotes need no `\\` in the rule itself"),
            _ => error(at, format!("`{c}` is no part of a rule"))
                .help("a text stands in back-ticks, and matchers are joined by `&&` and `||`"),
        }
    }

    fn raw(&mut self) -> Result<String, Problem> {
        let rest = self.rest();
        let Some((text, _)) = rest.get(1..).and_then(|text| text.split_once('`')) else {
            let message = format!("{} has no closing back-tick", excerpt(rest));
            return Err(error(self.at..self.rule.len(), message));
        };
        self.at += text.len() + 2;
        Ok(text.replace('\r', ""))
    }

    fn quoted(&mut self) -> Result<String, Problem> {
        let start = self.at;
        self.take("\"");
        let mut text = Vec::new();
        while !self.take("\"") {
            match self.rest().chars().next() {
                None | Some('\n') => {
                    let found = excerpt(self.rule.get(start..self.at).unwrap_or_default());
                    let message = format!("{found} has no closing double quote");
                    return Err(error(start..self.at, message));
                }
                Some('\\') if self.rest().len() > 1 => self.escape(&mut text)?,
                Some(c) => {
                    self.at += c.len_utf8();
                    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// One escape of Go; bytes above ASCII may come in several.
    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Problem> {
        let start = self.at;
        let mut chars = self.rest().chars().skip(1);
        let name = chars.next().unwrap_or('\\');
        let simple = "abfnrtv\\\"".chars().zip(*b"\x07\x08\x0c\n\r\t\x0b\\\"");
        if let Some((_, byte)) = simple.into_iter().find(|(known, _)| *known == name) {
            text.push(byte);
            self.at += 2;
            return Ok(());
        }
        let (skipped, digits, radix) = match name {
            '0'..='7' => (1, 3, 8),
            'x' => (2, 2, 16),
            'u' => (2, 4, 16),
            'U' => (2, 8, 16),
            _ => (1, 0, 16),
        };
        let first = start + skipped;
        let number = self.rule.get(first..first + digits).unwrap_or_default();
        let valid = number.chars().all(|c| c.is_digit(radix));
        let number = u32::from_str_radix(number, radix).ok().filter(|_| valid);
        self.at = first + digits;
        if let (Some(byte), false) = (number.and_then(|n| u8::try_from(n).ok()), digits > 3) {
            text.push(byte);
        } else if let (Some(c), true) = (number.and_then(char::from_u32), digits > 3) {
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            let message = format!("`\\{name}` is no escape of a text in double quotes");
            return Err(error(start..start + 1 + name.len_utf8(), message)
                .help("write the text in back-ticks, where `\\` stands for itself"));
        }
        Ok(())
    }
}
