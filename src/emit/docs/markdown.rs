//! Values as Markdown: prose, code and commands that show as they are, whatever is in them.

/// Signs that mean something to Markdown wherever they stand.
const SIGNS: &[char] = &['\\', '*', '[', ']', '<', '&', '|', '~', '$', '`'];

/// A sentence as people write it; what stands between two backquotes is code.
pub fn prose(text: &str) -> String {
    sentence(text, code)
}

/// The same in a table.
pub fn row(text: &str) -> String {
    sentence(text, cell)
}

fn sentence(text: &str, code: fn(&str) -> String) -> String {
    let text = one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    let is_odd = |part: &&str| part.trim().is_empty();
    if parts.len().is_multiple_of(2) || parts.iter().skip(1).step_by(2).any(is_odd) {
        return plain(&text);
    }
    let part = |(place, part): (usize, &&str)| match place % 2 {
        0 => plain(part),
        _ => code(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// A text in which nothing is code.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        let next = text.get(place + c.len_utf8()..).and_then(|rest| rest.chars().next());
        // Inside of a word, as names have it, it means nothing.
        let is_mark =
            c == '_' && !(before.is_alphanumeric() && next.is_some_and(char::is_alphanumeric));
        let is_list = place == 0 && ['#', '+', '-', '=', '>'].contains(&c);
        let is_number = ['.', ')'].contains(&c)
            && next.is_none_or(char::is_whitespace)
            && text.get(..place).is_some_and(is_digits);
        if SIGNS.contains(&c) || is_mark || is_list || is_number {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A value as code inside of a line.
pub fn code(text: &str) -> String {
    let text = one_line(text);
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A backquote at an edge would belong to the fence.
    let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// The same in a table, whose columns a bar would part.
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Lines of code.
pub fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let visible = |c: &char| !c.is_control() || ['\n', '\t'].contains(c);
    let text: String = text.chars().filter(visible).collect();
    format!("{fence}{language}\n{}\n{fence}", text.trim_end())
}

/// A word of a command line, quoted for a shell where that is needed.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A path in the home directory, for a shell.
pub fn home(path: &str) -> String {
    format!("~{}", if path.is_empty() { String::new() } else { word(path) })
}

fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}

/// The length of the longest run of backquotes.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_shows_as_it_was_written() {
        for (text, expected) in [
            ("Look at pg_dump, _this_ and *that*", "Look at pg_dump, \\_this\\_ and \\*that\\*"),
            ("a <b> & [c](d) | ~e~ $f$", "a \\<b> \\& \\[c\\](d) \\| \\~e\\~ \\$f\\$"),
            ("run `a|b` twice", "run `a|b` twice"),
            ("127.0.0.1 and 1.5", "127.0.0.1 and 1.5"),
            ("an odd ` one", "an odd \\` one"),
            ("# no heading", "\\# no heading"),
            ("1. no list", "1\\. no list"),
            ("two\n\nlines\u{7}", "two lines"),
            ("a `` b", "a \\`\\` b"),
        ] {
            assert_eq!(prose(text), expected, "{text}");
        }
        assert_eq!(row("run `a|b` | twice"), "run `a\\|b` \\| twice");
    }

    #[test]
    fn code_cannot_be_left() {
        for (text, expected) in
            [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\nb", "`a b`"), (" ", "")]
        {
            assert_eq!(code(text), expected, "{text}");
        }
        assert_eq!(cell("Host(`a`) || b"), "``Host(`a`) \\|\\| b``");
        assert_eq!(block("sh", "a\n```\nb\n"), "````sh\na\n```\nb\n````");
    }

    #[test]
    fn words_are_one_word_for_a_shell() {
        for (text, expected) in
            [("/srv/a", "/srv/a"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("", "''")]
        {
            assert_eq!(word(text), expected, "{text}");
        }
        assert_eq!((home("/a b").as_str(), home("").as_str()), ("~'/a b'", "~"));
    }
}
