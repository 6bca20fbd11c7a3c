//! Diagnostics for people: the look of rustc, safe for a terminal, small whatever the text holds.

use std::borrow::Cow;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Group, Level, Renderer};

use super::{Diagnostic, Findings, Severity};
use crate::source::Sources;
use excerpt::Excerpts;

mod excerpt;
mod window;

/// How many characters of a message are shown.
const MESSAGE_MAX: usize = 500;

/// How many characters of a help are shown; it may have several lines.
const HELP_MAX: usize = 1500;

/// How many characters of a note at a place are shown.
const LABEL_MAX: usize = 200;

/// How many characters of a file's name are shown.
const NAME_MAX: usize = 400;

/// How many other places of one diagnostic are shown.
const LABELS_MAX: usize = 8;

/// Wider than any excerpt, as those are already cut to what is to be seen.
const NO_CUT: usize = 10_000;

/// How diagnostics are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether there are colours, as terminal sequences.
    pub color: bool,
    /// Whether frames are drawn with box characters rather than with ASCII.
    pub unicode: bool,
    /// How many columns the terminal has.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, unicode: false, width: 100 }
    }
}

/// All diagnostics as text, with a blank line between two of them.
pub fn render(findings: &Findings, sources: &Sources, style: Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let decor = if style.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let renderer = renderer.decor_style(decor).term_width(NO_CUT);
    let blocks = findings.iter().map(|one| block(one, sources, style.width, &renderer));
    blocks.collect::<Vec<_>>().join("\n")
}

/// One line about the whole run, such as `2 errors, 1 warning in 1 file`.
pub fn summary(findings: &Findings, files: usize) -> String {
    let shown = |severity| findings.iter().filter(|one| one.severity == severity).count();
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Hint]
        .into_iter()
        .map(|severity| (shown(severity), severity.word()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    let found = if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") };
    let hidden_errors = findings.count(Severity::Error).saturating_sub(shown(Severity::Error));
    let hidden = match (findings.left_out(), hidden_errors) {
        (0, _) => String::new(),
        (count, 0) => format!(", {count} more not shown"),
        (count, errors) => format!(", {count} more not shown ({})", counted(errors, "error")),
    };
    format!("{found} in {}{hidden}", counted(files, "file"))
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn block(one: &Diagnostic, sources: &Sources, width: usize, renderer: &Renderer) -> String {
    let mut excerpts = Excerpts::new(sources, width);
    // A note of a place that cannot be shown is still said, below.
    let mut said = Vec::new();
    let note = one.note.as_deref();
    if one.private || !excerpts.add(one.span, note, true) {
        excerpts.name(one.span);
        said.extend(note.map(|note| clip(note, LABEL_MAX)));
    }
    for label in one.labels.iter().take(LABELS_MAX) {
        if !excerpts.add(label.span, Some(&label.message), false) {
            said.push(clip(&label.message, LABEL_MAX));
        }
    }
    if let Some(more @ 1..) = one.labels.len().checked_sub(LABELS_MAX) {
        said.push(format!("{} more not shown", counted(more, "place")));
    }
    let title = level(one.severity).primary_title(clip(&one.message, MESSAGE_MAX));
    let help = one.help.as_deref().map(|help| Level::HELP.message(clip_lines(help, HELP_MAX)));
    let group = Group::with_title(title.id(one.code.id))
        .elements(excerpts.elements())
        .elements(said.into_iter().map(|note| Level::NOTE.message(note)))
        .elements(help);
    excerpts.put_origins(&renderer.render(&[group])) + "\n"
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::NOTE.with_name(Severity::Hint.word()),
    }
}

/// The text in one line with nothing in it that acts on a terminal or hides from the eye.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|one| show(one, &mut out));
    Cow::Owned(out)
}

/// The first characters of a text, escaped; `…` says that there are more.
fn clip(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut rest = max;
    for one in text.chars() {
        let Some(left) = rest.checked_sub(cells(one).max(1)) else { return out + "…" };
        rest = left;
        show(one, &mut out);
    }
    out
}

/// Like `clip`, but line breaks stay; the renderer indents the lines after the first.
fn clip_lines(text: &str, max: usize) -> String {
    let mut lines = Vec::new();
    let mut rest = max;
    for line in text.trim_end().lines() {
        if rest == 0 {
            lines.push("…".to_owned());
            break;
        }
        lines.push(clip(line, rest));
        // A line costs something even if empty, so that their number has a limit, too.
        rest = rest.saturating_sub(line.len().max(40));
    }
    lines.join("\n")
}

/// Whether a character acts on a terminal or cannot be seen: controls, text direction, zero
/// width, and what no text may hold.
pub(super) fn hides(one: char) -> bool {
    let code = u32::from(one);
    let no_character = code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
    let invisible = matches!(one,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    one.is_control() || no_character || invisible
}

/// Writes a character so that it can be seen: `␛`, `\u{202e}`, or as it is.
fn show(one: char, out: &mut String) {
    match one {
        '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(one))),
        '\x7f' => out.push('␡'),
        _ if hides(one) => out.extend(one.escape_unicode()),
        _ => out.push(one),
    }
}

/// How many columns `show` takes at most; what might be wide counts as wide.
fn cells(one: char) -> usize {
    match one {
        '\0'..='\x7f' => 1,
        _ if hides(one) => one.escape_unicode().len(),
        '\u{1100}'.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::code::order::UNKNOWN_DEPENDENCY;
    use crate::report::{Code, DIAGNOSTICS_MAX, github, json, sarif};
    use crate::source::{SourceId, Span};

    static ODD: Code = Code {
        id: "SW901",
        severity: Severity::Warning,
        title: "odd, for a test",
        explanation: " A test says so.\n\n It has {braces}.\n",
    };
    static FINE: Code = Code {
        id: "SW902",
        severity: Severity::Hint,
        title: "could be better",
        explanation: " Not bad.\n",
    };
    static UNKNOWN: Code = UNKNOWN_DEPENDENCY;

    const STACK: &str = "stack: shop\nservices:\n  web:\n    dependencies: [db, cache]\n  db: {}\n";

    /// Where `needle` first stands in the text.
    fn find(sources: &Sources, id: SourceId, needle: &str) -> Span {
        let start = sources.get(id).unwrap().text.find(needle).unwrap();
        Span::new(id, start, start + needle.len())
    }

    fn all(list: impl IntoIterator<Item = Diagnostic>) -> Findings {
        let mut findings = Findings::default();
        list.into_iter().for_each(|one| findings.add(one));
        findings
    }

    /// A diagnostic of one text at one word.
    fn at(text: &str, needle: &str) -> (Sources, Diagnostic) {
        let mut sources = Sources::default();
        let id = sources.add("a.yml", text);
        let span = find(&sources, id, needle);
        (sources, Diagnostic::new(&ODD, span, "this is odd"))
    }

    fn plain(one: Diagnostic, sources: &Sources) -> String {
        render(&all([one]), sources, Style { width: 80, ..Style::default() })
    }

    /// Diagnostics as they usually are.
    pub(in crate::report) fn sample() -> (Findings, Sources) {
        let mut sources = Sources::default();
        let stack = sources.add("shop/stack.yml", STACK);
        let base = sources.add("shop/base layer.yml", "defaults:\n  cache: redis\n");
        let cache = find(&sources, stack, "cache");
        let unknown = Diagnostic::new(&UNKNOWN, cache, "`cache` is no service of this stack")
            .note("not in this stack")
            .label(find(&sources, base, "cache"), "only a default has this name")
            .help("declare it,\nor drop it");
        let odd = Diagnostic::new(&ODD, find(&sources, stack, "web:\n    dep"), "100% odd: {x}");
        let mut others = Sources::default();
        let nowhere = (0..9).map(|_| others.add("", "")).last().unwrap();
        let fine = Diagnostic::new(&FINE, Span::new(nowhere, 0, 0), "could be shorter");
        (all([unknown, odd, fine]), sources)
    }

    /// Diagnostics whose texts try to do harm.
    pub(in crate::report) fn hostile() -> (Findings, Sources) {
        let mut sources = Sources::default();
        let text = "a: \u{1b}[2J\u{202e}evil\u{200b}\u{7f}\u{9b}31m\u{feff} tail\n";
        let id = sources.add("x,y:\u{1b}%\n.yml", text);
        let message = "bad\r\n::error::fake \u{1b}]8;;x\u{7} \u{202e}\u{e0041}\u{fdd0}:1:1 100%";
        let one = Diagnostic::new(&ODD, find(&sources, id, "evil"), message)
            .note("here\n\u{1b}[0m")
            .label(find(&sources, id, "\u{9b}31m"), "there\t\u{fdd0}")
            .help("do\u{8} this\n::warning::\u{85}");
        (all([one]), sources)
    }

    /// More diagnostics than are kept.
    pub(in crate::report) fn too_many() -> (Findings, Sources) {
        let (sources, one) = at(STACK, "web");
        (all(std::iter::repeat_n(one, DIAGNOSTICS_MAX + 3)), sources)
    }

    #[test]
    fn labels_in_two_files() {
        let (findings, sources) = sample();
        insta::assert_snapshot!(render(&findings, &sources, Style::default()), @r"
        error[SW201]: `cache` is no service of this stack
         --> shop/stack.yml:4:24
          |
        4 |     dependencies: [db, cache]
          |                        ^^^^^ not in this stack
          |
         ::: shop/base layer.yml:2:3
          |
        2 |   cache: redis
          |   ----- only a default has this name
          |
          = help: declare it,
                  or drop it

        warning[SW901]: 100% odd: {x}
         --> shop/stack.yml:3:3
          |
        3 |   web:
          |   ^^^^

        hint[SW902]: could be shorter
        ");
    }

    #[test]
    fn boxes() {
        let (findings, sources) = sample();
        let style = Style { unicode: true, ..Style::default() };
        insta::assert_snapshot!(render(&findings, &sources, style), @r"
        error[SW201]: `cache` is no service of this stack
          ╭▸ shop/stack.yml:4:24
          │
        4 │     dependencies: [db, cache]
          │                        ━━━━━ not in this stack
          │
          ⸬  shop/base layer.yml:2:3
          │
        2 │   cache: redis
          │   ───── only a default has this name
          │
          ╰ help: declare it,
                  or drop it

        warning[SW901]: 100% odd: {x}
          ╭▸ shop/stack.yml:3:3
          │
        3 │   web:
          ╰╴  ━━━━

        hint[SW902]: could be shorter
        ");
    }

    #[test]
    fn labels_in_one_file() {
        let (sources, one) = at(STACK, "cache");
        let stack = one.span.source;
        let near = one
            .note("this")
            .label(find(&sources, stack, "db,"), "beside")
            .label(find(&sources, stack, "services"), "above, with a line between");
        insta::assert_snapshot!(plain(near, &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:4:24
          |
        2 | services:
          | -------- above, with a line between
        3 |   web:
        4 |     dependencies: [db, cache]
          |                    --- ^^^^^ this
          |                    |
          |                    beside
        ");
    }

    #[test]
    fn labels_far_away() {
        let far = format!("first: 1\n{}last: 2 {} end", "x: 1\n".repeat(300), "word ".repeat(90));
        let (sources, one) = at(&far, "last");
        let id = one.span.source;
        let one =
            one.label(find(&sources, id, "first"), "first").label(find(&sources, id, "end"), "end");
        insta::assert_snapshot!(plain(one, &sources), @r"
        warning[SW901]: this is odd
           --> a.yml:302:1
            |
        302 | last: 2 word word word word word word word word word word word word wo…
            | ^^^^
            |
           ::: a.yml:1:1
            |
          1 | first: 1
            | ----- first
            |
           ::: a.yml:302:460
            |
        302 | … word word word word word word word word word word word word word  end
            |                                                                     --- end
        ");
    }

    #[test]
    fn wide_characters_and_tabs_before_the_caret() {
        let (sources, one) = at("ä: 漢字 🦀 q\u{301} bad\n", "bad");
        insta::assert_snapshot!(plain(one.note("here"), &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:1:12
          |
        1 | ä: 漢字 🦀 q́ bad
          |              ^^^ here
        ");
        let (sources, one) = at("\ta:\t漢\tbad\n", "bad");
        insta::assert_snapshot!(plain(one.note("here"), &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:1:7
          |
        1 |     a:    漢    bad
          |                 ^^^ here
        ");
    }

    #[test]
    fn line_breaks_of_windows() {
        let (sources, one) = at("a: 1\r\nb: bad\r\nc: 3\r\n", "bad\r\nc");
        insta::assert_snapshot!(plain(one, &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:2:4
          |
        2 | b: bad
          |    ^^^
        ");
        let (sources, one) = at("a: 1\r\nb: bad\r\nc: 3\r\n", "\nb");
        insta::assert_snapshot!(plain(one, &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:1:6
          |
        1 | a: 1
          |     ^
        ");
    }

    #[test]
    fn empty_places() {
        let (mut sources, one) = at("a: 1\n", "1");
        let end = Diagnostic { span: Span::new(one.span.source, 5, 5), ..one.clone() };
        insta::assert_snapshot!(plain(end.note("expected more"), &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:2:1
          |
        2 |
          | ^ expected more
        ");
        let empty = sources.add("empty.yml", "");
        let empty = Diagnostic { span: Span::new(empty, 0, 0), ..one };
        insta::assert_snapshot!(plain(empty, &sources), @r"
        warning[SW901]: this is odd
         --> empty.yml:1:1
          |
        1 |
          | ^
        ");
    }

    #[test]
    fn places_outside_of_the_text() {
        let (sources, one) = at("a: 1\n", "1");
        let id = one.span.source;
        let beyond = Diagnostic { span: Span::new(id, 99, 100), ..one.clone() };
        let beyond = beyond.note("a note").label(Span::new(id, 0, 99), "a label").help("a help");
        insta::assert_snapshot!(plain(beyond, &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:2:1
          |
         ::: a.yml:1:1
          |
        1 | a: 1
          | ---- a label
          |
          = note: a note
          = help: a help
        ");
        insta::assert_snapshot!(plain(one.help("a help"), &Sources::default()), @r"
        warning[SW901]: this is odd
         |
         = help: a help
        ");
    }

    #[test]
    fn hostile_texts() {
        let (findings, sources) = hostile();
        insta::assert_snapshot!(render(&findings, &sources, Style::default()), @r"
        warning[SW901]: bad␍␊::error::fake ␛]8;;x␇ \u{202e}\u{e0041}\u{fdd0}:1:1 100%
         --> x,y:␛%␊.yml:1:9
          |
        1 | a: ␛[2J\u{202e}evil\u{200b}␡\u{9b}31m\u{feff} tail
          |                ^^^^         --------- there␉\u{fdd0}
          |                |
          |                here␊␛[0m
          |
          = help: do␈ this
                  ::warning::
        ");
        let colored = render(&findings, &sources, Style { color: true, ..Style::default() });
        let codes = colored.matches('\u{1b}').count();
        assert_eq!(codes, colored.matches("\u{1b}[").count());
        assert!(codes > 0 && !colored.contains("\u{1b}[2J"));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}bad{}", "abcdefghi ".repeat(50), " klmnopqrs".repeat(50));
        let (sources, one) = at(&text, "bad");
        insta::assert_snapshot!(plain(one, &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:1:501
          |
        1 | …ghi abcdefghi abcdefghi bad klmnopqrs klmnopqrs klmnopqrs klmnopqrs kl…
          |                          ^^^
        ");
        let (sources, one) = at(&text, text.get(400..700).unwrap());
        insta::assert_snapshot!(plain(one, &sources), @r"
        warning[SW901]: this is odd
         --> a.yml:1:401
          |
        1 | …ghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdef…
          |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        ");
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test has to take the time")]
    fn huge_lines_are_fast() {
        let mut sources = Sources::default();
        let id = sources.add("huge.yml", "key: äöü ".repeat(5 << 16));
        let places = (0..DIAGNOSTICS_MAX).map(|n| n * 7_000);
        let list = places.map(|start| {
            let one = Diagnostic::new(&ODD, Span::new(id, start, 4_000_000), "odd".repeat(600));
            one.label(Span::new(id, 0, 1), "a").help("help\n".repeat(400))
        });
        let findings = all(list);
        let before = std::time::Instant::now();
        let text = render(&findings, &sources, Style::default());
        let others = [json::render, sarif::render, github::render];
        assert!(others.iter().all(|render| render(&findings, &sources).len() > 1_000_000));
        assert!(before.elapsed().as_secs() < 20, "took {:?}", before.elapsed());
        assert!(text.len() < DIAGNOSTICS_MAX * 4_000, "{} bytes", text.len());
    }

    #[test]
    fn no_place_is_too_odd() {
        let pieces =
            ["a", " ", "\t", "\r", "\n", "\r\n", "ä", "漢", "🦀", "\u{301}", "\u{1b}", "\u{202e}"];
        let mut seed = 1_u64;
        let mut dice = |sides: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % sides
        };
        for _ in 0..2_000 {
            let mut sources = Sources::default();
            let texts: Vec<String> = (0..2)
                .map(|_| (0..dice(300)).map(|_| pieces[dice(pieces.len())]).collect())
                .collect();
            let ids = texts.iter().map(|text| sources.add("a.yml", text)).collect::<Vec<_>>();
            let mut span = || {
                let start = dice(320);
                Span::new(ids[dice(2)], start, start + dice(40))
            };
            let one =
                Diagnostic::new(&ODD, span(), "m").note("n").label(span(), "l").label(span(), "k");
            let style = Style { color: false, unicode: true, width: 60 };
            let text = render(&all([one]), &sources, style);
            assert_eq!(text.chars().find(|one| *one != '\n' && hides(*one)), None);
        }
    }

    #[test]
    fn carets_stand_under_their_place() {
        let pieces = ["a", "b ", "\t", "\r", "ä", "\u{1b}", "\u{202e}", "c: d", "\u{feff}"];
        for length in 0..400 {
            let mut line: String = (0..length).map(|n| pieces[n * n * 7 % 31 % 9]).collect();
            let column = line.chars().count() + 1;
            line += "ZZ";
            line.extend((0..length * 5 % 300).map(|n| pieces[n * 11 % 9]));
            let (sources, one) = at(&format!("x\n{line}\ny"), "ZZ");
            let text = plain(one, &sources);
            assert!(text.contains(&format!("--> a.yml:2:{column}\n")), "{text}");
            let place = |needle: &str| {
                let line = text.lines().find(|line| line.contains(needle)).unwrap();
                line.chars().position(|one| needle.starts_with(one))
            };
            assert_eq!(place("^^"), place("ZZ"), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }

    #[test]
    fn the_summary_counts() {
        let (findings, _) = sample();
        assert_eq!(summary(&findings, 1), "1 error, 1 warning, 1 hint in 1 file");
        assert_eq!(summary(&Findings::default(), 3), "no problems in 3 files");
        let (mut many, _) = too_many();
        assert_eq!(summary(&many, 1), "500 warnings in 1 file, 3 more not shown");
        many.add(Diagnostic::new(&UNKNOWN, Span::default(), "x"));
        assert_eq!(summary(&many, 2), "1 error, 499 warnings in 2 files, 4 more not shown");
    }

    #[test]
    fn escapes_are_visible() {
        assert_eq!(escape("ä 漢字 🦀"), "ä 漢字 🦀");
        assert!(matches!(escape("plain"), Cow::Borrowed("plain")));
        assert_eq!(escape("\u{1b}\n\t\u{7f}\u{9b}\u{202e}"), "␛␊␉␡\\u{9b}\\u{202e}");
    }
}
