//! How a value is written so that Quadlet and systemd read it back as it is, reader by reader.
//!
//! Quadlet reads a key in one of a few ways and writes what it read into `ExecStart=`; systemd then
//! takes quotes and C escapes away, replaces `%` specifiers, and at last `$` variables. So `%` and
//! `$` are doubled whatever the reader: an escape such as `\x25` is gone before specifiers are
//! looked for. See podman-systemd.unit(5), systemd.syntax(7), systemd.service(5).

use std::fmt::Write;

/// How Quadlet, or systemd itself, reads the value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Several words in one line, with quotes and C escapes.
    Words,
    /// One word in a line of its own, with quotes and C escapes.
    Word,
    /// The whole line; of several lines the last one stands.
    Line,
    /// The whole line; each line is one more value.
    Lines,
    /// As [`Reader::Lines`], for mounts.
    Mounts,
    /// Words without escapes, of which only plain ones are safe.
    Plain,
    /// A truth value.
    Switch,
    /// A line that goes to systemd as it is and never to `ExecStart=`: no variables in there.
    Passed,
    /// The same, without specifiers.
    Literal,
}

/// Why a value cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwritable {
    /// It is empty, and the reader would not see it.
    Empty,
    /// A lone `;`, where systemd begins another command.
    Semicolon,
    /// A character that no unit can hold.
    Character(char),
    /// It begins or ends with what the reader takes away.
    Edge,
    /// A space, at which the reader parts it.
    Space,
}

impl Reader {
    /// Adds a value to a line that has its key already; `lead` is a specifier in front of it.
    pub fn write(self, lead: &str, text: &str, line: &mut String) -> Result<(), Unwritable> {
        match self {
            Self::Words if lead.is_empty() && text.is_empty() => Err(Unwritable::Empty),
            Self::Words | Self::Word if lead.is_empty() && text == ";" => {
                Err(Unwritable::Semicolon)
            }
            Self::Words | Self::Word => word(lead, text, line),
            Self::Plain | Self::Switch => plain(lead, text, line),
            // The path becomes one of RequiresMountsFor=, which takes a space for the next one.
            Self::Mounts if text.contains(char::is_whitespace) => Err(Unwritable::Space),
            Self::Line | Self::Lines | Self::Mounts => whole_line(lead, text, "%$", line),
            Self::Passed => whole_line(lead, text, "%", line),
            Self::Literal => whole_line(lead, text, "", line),
        }
    }
}

/// Whether a word of a command is lost on the way: Quadlet sees no empty word and none behind it,
/// and writes a `;` bare into `ExecStart=`, so that what follows would run on the host.
pub fn is_lost(word: &str) -> bool {
    matches!(word, "" | ";")
}

/// Whether a word needs no quotes and no escapes for any reader.
pub fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:=@,+-".contains(&b);
    !text.is_empty() && text.bytes().all(plain)
}

/// The first character that no unit can hold.
///
/// Quadlet writes U+0080 to U+009F as an escape of one byte, which systemd reads as broken UTF-8.
pub fn unwritable_char(text: &str) -> Option<char> {
    text.chars().find(|c| *c == '\0' || ('\u{80}'..='\u{9f}').contains(c))
}

/// A word with quotes where it needs them.
fn word(lead: &str, text: &str, line: &mut String) -> Result<(), Unwritable> {
    if is_plain(text) {
        line.push_str(lead);
        line.push_str(text);
        return Ok(());
    }
    if let Some(c) = unwritable_char(text) {
        return Err(Unwritable::Character(c));
    }
    line.push('"');
    line.push_str(lead);
    for c in text.chars() {
        match c {
            '\\' => line.push_str("\\\\"),
            '"' => line.push_str("\\\""),
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            '\r' => line.push_str("\\r"),
            '%' => line.push_str("%%"),
            '$' => line.push_str("$$"),
            // Octal escapes were read wrongly before Podman 5.4.
            c if c.is_ascii_control() => {
                write!(line, "\\x{:02x}", u32::from(c)).unwrap_or_default();
            }
            c => line.push(c),
        }
    }
    line.push('"');
    Ok(())
}

/// A line without quotes, with what would be expanded doubled. A `$` would be in keys of Quadlet,
/// and there podman before 5.8.2 also takes all quotes at the ends away, even single ones.
fn whole_line(lead: &str, text: &str, doubled: &str, line: &mut String) -> Result<(), Unwritable> {
    if is_plain(text) {
        line.push_str(lead);
        line.push_str(text);
        return Ok(());
    }
    if lead.is_empty() && text.is_empty() {
        return Err(Unwritable::Empty);
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(Unwritable::Character(c));
    }
    let is_quadlet = doubled.contains('$');
    let taken = |c: char| c.is_whitespace() || c == '\u{feff}' || (is_quadlet && c == '"');
    let edge = |c: Option<char>| c.is_some_and(taken);
    let first = if lead.is_empty() { text.chars().next() } else { None };
    // Both trim more than they say; a backslash at the end takes in the next line.
    if edge(first) || edge(text.chars().next_back()) || text.ends_with('\\') {
        return Err(Unwritable::Edge);
    }
    if is_quadlet && lead.is_empty() && text == ";" {
        return Err(Unwritable::Semicolon);
    }
    line.push_str(lead);
    for part in text.split_inclusive(|c| doubled.contains(c)) {
        line.push_str(part);
        line.extend(part.chars().next_back().filter(|c| doubled.contains(*c)));
    }
    Ok(())
}

fn plain(lead: &str, text: &str, line: &mut String) -> Result<(), Unwritable> {
    if !is_plain(text) {
        let odd = text.chars().find(|c| !is_plain(c.encode_utf8(&mut [0; 4])));
        return Err(odd.map_or(Unwritable::Empty, Unwritable::Character));
    }
    line.push_str(lead);
    line.push_str(text);
    Ok(())
}

/// Words as a JSON array without `%`, `$` and anything beyond ASCII, for readers of whole lines.
///
/// Quadlet and systemd leave JSON escapes alone; Podman reads them.
pub fn json_words<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let mut out = String::from("[");
    for word in words {
        if out.len() > 1 {
            out.push(',');
        }
        json_text(word, &mut out);
    }
    out.push(']');
    out
}

fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '%' | '$' => write!(out, "\\u{:04x}", u32::from(c)).unwrap_or_default(),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").unwrap_or_default();
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reader: Reader, text: &str) -> Result<String, Unwritable> {
        let mut line = String::new();
        reader.write("", text, &mut line).map(|()| line)
    }

    #[test]
    fn words_are_quoted_where_they_need_it() {
        for (text, expected) in [
            ("a-b_c.d/e:f=g@h,i+j", "a-b_c.d/e:f=g@h,i+j"),
            ("two words", "\"two words\""),
            ("50%", "\"50%%\""),
            ("$HOME", "\"$$HOME\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("a\nb\tc\rd\u{1}e\u{7f}", "\"a\\nb\\tc\\rd\\x01e\\x7f\""),
            ("é\u{feff}", "\"é\u{feff}\""),
            ("", "\"\""),
            (";x", "\";x\""),
        ] {
            assert_eq!(written(Reader::Word, text).as_deref(), Ok(expected), "{text:?}");
        }
        assert_eq!(written(Reader::Words, ""), Err(Unwritable::Empty));
        assert_eq!(written(Reader::Words, ";"), Err(Unwritable::Semicolon));
        assert_eq!(written(Reader::Word, "\u{85}"), Err(Unwritable::Character('\u{85}')));
        assert_eq!(written(Reader::Word, "\0"), Err(Unwritable::Character('\0')));
    }

    #[test]
    fn lines_are_never_quoted() {
        for (text, expected) in [
            ("/a b:/c", "/a b:/c"),
            ("100%", "100%%"),
            ("$x", "$$x"),
            ("[\"a\"]", "[\"a\"]"),
            ("it's \\ so", "it's \\ so"),
        ] {
            assert_eq!(written(Reader::Lines, text).as_deref(), Ok(expected), "{text:?}");
        }
        assert_eq!(written(Reader::Passed, "$MAINPID 100%").as_deref(), Ok("$MAINPID 100%%"));
        for text in ["", " a", "a\u{a0}", "\"a", "a\"", "a\\", ";", "a\nb", "a\u{85}"] {
            assert!(written(Reader::Line, text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn specifiers_of_ours_stay_what_they_are() {
        let mut line = String::new();
        assert_eq!(Reader::Lines.write("%h", "/50%:/x", &mut line), Ok(()));
        assert_eq!(line, "%h/50%%:/x");
        let mut line = String::new();
        assert_eq!(Reader::Word.write("%t", "/a b", &mut line), Ok(()));
        assert_eq!(line, "\"%t/a b\"");
    }

    #[test]
    fn json_holds_nothing_that_systemd_reads() {
        assert_eq!(
            json_words(["CMD-SHELL", "a \"$b\" 5%\\\n😀é"]),
            r#"["CMD-SHELL","a \"\u0024b\" 5\u0025\\\n\ud83d\ude00\u00e9"]"#
        );
        assert_eq!(json_words([]), "[]");
    }
}
