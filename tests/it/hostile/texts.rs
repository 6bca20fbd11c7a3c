//! Texts that other readers read differently, that cannot be seen, or that are no texts at all.

use super::{Case, accepted, refused, run_all, service, stack};

/// A stack whose one service is described so.
fn described(description: &str) -> String {
    stack(&format!("- {{name: w, description: {description}}}\n"))
}

/// A stack with these words under its one service.
fn worded(words: &str) -> String {
    stack(&format!("- name: w\n  {words}\n"))
}

#[test]
fn documents_tags_and_tabs() {
    let whole = stack("- {name: w}\n");
    let again = |words: &str| refused(words, &["SW007"], worded(words));
    run_all([
        refused("an empty file", &["SW014"], ""),
        refused("only a comment", &["SW014"], "# nothing\n"),
        refused("only a document mark", &["SW014"], "---\n"),
        refused("nothing", &["SW014"], "~\n"),
        refused("a list", &["SW103"], "- a\n"),
        refused("a word", &["SW103"], "a\n"),
        refused("two documents", &["SW011"], format!("{whole}---\n{whole}")),
        refused("a document behind an end", &["SW011"], format!("{whole}...\n---\na: 1\n")),
        refused("a text behind an end", &["SW011"], format!("{whole}...\na: 1\n")),
        accepted("one document with its marks", format!("%YAML 1.2\n---\n{whole}...\n")),
        again("groups: [a]\n  groups: [b]"),
        again("\"groups\": [a]\n  'groups': [b]"),
        refused(
            "a key and its other name",
            &["SW007"],
            worded("dependencies: []\n  depends_on: []"),
        ),
        refused("a list as a key", &["SW012"], worded("? [a]\n  : b")),
        refused("a mapping as a key", &["SW012"], worded("{a: b}: c")),
        refused("binary", &["SW010"], described("!!binary aGVsbG8=")),
        refused("an include", &["SW010"], described("!include /etc/passwd")),
        refused(
            "an object of Python",
            &["SW010"],
            described("!!python/object/apply:os.system [id]"),
        ),
        refused("a tag of its own", &["SW010"], "%TAG ! tag:x:\n---\nstack: !a {name: b}\n"),
        refused("a set", &["SW010"], "services: !!set {a, b}\n"),
        accepted("the tags of the core schema", described("!!str 1")),
        refused("a tag with an unknown handle", &["SW004"], described("!x!y a")),
        refused("a tab before a key", &["SW004"], "stack:\n\tname: a\n"),
        refused("a tab before an item", &["SW004"], "services:\n\t- name: a\n"),
        accepted("a tab behind a value", stack("- {name: w}\t# note\n")),
        refused("a merge that was not settled", &["SW004"], "<<<<<<< HEAD\nstack: {}\n=======\n"),
        refused("a brace of a template", &["SW004"], worded("groups: {{ a }}\n  {{ b }}")),
        refused("an unknown escape", &["SW004"], described("\"a\\qb\"")),
        refused("an open quote", &["SW004"], described("\"a")),
        refused("an open list", &["SW004"], worded("groups: [a")),
    ]);
}

/// Words that YAML 1.1 and YAML 1.2 read differently.
#[test]
fn words_with_two_readings() {
    let number = |word: &str| refused(word, &["SW106"], worded(&format!("replicas: {word}")));
    let wrong = |words: &str, code| refused(words, &[code], service(&format!("    {words}\n")));
    let truth = |word: &str| wrong(&format!("read_only: {word}"), "SW106");
    let good = |words: &str| accepted(words, service(&format!("    {words}\n")));
    let mut cases: Vec<Case> = ["no", "No", "NO", "yes", "on", "off", "y", "n"].map(truth).into();
    cases.extend(["017", "0o17", "0x1F", "1_0", "1e1", "0b11"].map(number));
    cases.extend([
        wrong("read_only: 1", "SW103"),
        wrong("read_only: \"true\"", "SW103"),
        wrong("memory: .inf", "SW111"),
        wrong("memory: .nan", "SW111"),
        wrong("memory: ~x", "SW111"),
        wrong("cpus: 1e400", "SW120"),
        wrong("hostname: 1.20", "SW103"),
        wrong("ports: [\"22:22:22:22\"]", "SW112"),
        wrong("=: a", "SW101"),
        // Where a text is wanted, a word is a text: it stays what is written.
        accepted("a stack called no", "stack: {name: no}\nservices: [{name: w}]\n"),
        accepted("a service called on", stack("- {name: on}\n")),
        good("hostname: on"),
        good("command: 2026-11-20"),
        good("environment: {A: no, B: yes, C: off, D: y}"),
        refused("version 3.10", &["SW130"], format!("version: 3.10\n{}", stack("- {name: w}\n"))),
        good("ports: [22:22]"),
        good("ports: [2222]"),
        good("environment: {A: \"no\", B: 'on', C: \"1_000\", D: \"22:22\", E: true, F: 10}"),
        good("hostname: \"1.20\""),
        good("memory: ~"),
    ]);
    run_all(cases);
}

#[test]
fn bytes_that_are_no_text() {
    let with = |bytes: &[u8]| {
        [b"stack: {name: a}\nservices: [{name: w, description: \"", bytes, b"\"}]\n"].concat()
    };
    let wide = |big: bool| -> Vec<u8> {
        let units = "\u{feff}stack: {}\n".encode_utf16();
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let mut cases = vec![
        refused("UTF-16, small end first", &["SW003"], wide(false)),
        refused("UTF-16, big end first", &["SW003"], wide(true)),
        accepted("UTF-8 with a mark", format!("\u{feff}{}", stack("- {name: w}\n"))),
        refused("only a mark", &["SW014"], "\u{feff}"),
        refused("a raw zero", &["SW004"], with(b"\0")),
        refused("a raw bell", &["SW004"], with(b"\x07")),
        refused("a raw escape", &["SW004"], with(b"\x1b]0;a\x07")),
        refused("a raw delete", &["SW004"], with(b"\x7f")),
        refused("only zeros", &["SW004"], vec![0; 5000]),
        refused("random bytes", &["SW003"], (0..=255).collect::<Vec<u8>>()),
    ];
    for (name, bytes) in [
        ("a lone byte", &b"\xff"[..]),
        ("an overlong slash", b"\xc0\xaf"),
        ("an overlong zero", b"\xe0\x80\x80"),
        ("a surrogate", b"\xed\xa0\x80"),
        ("behind the last character", b"\xf4\x90\x80\x80"),
        ("half a character", b"\xe2\x82"),
        ("Latin-1", b"caf\xe9"),
    ] {
        cases.push(refused(name, &["SW003"], with(bytes)));
    }
    for (name, text, code) in [
        ("an escaped surrogate", "\\uD800", "SW004"),
        ("an escape behind the last character", "\\U00110000", "SW004"),
        ("an escaped zero", "\\0", "SW108"),
        ("a line break of two bytes", "\\N", "SW108"),
        ("an escaped zero in hex", "\\x00", "SW108"),
        ("a control character of two bytes", "\\x9b31m", "SW108"),
    ] {
        cases.push(refused(name, &[code], with(text.as_bytes())));
    }
    run_all(cases);
}

/// Characters that hide, turn the text around, or look like others.
#[test]
fn characters_that_deceive() {
    let mut cases = Vec::new();
    for (name, c) in [
        ("right to left", '\u{202e}'),
        ("isolate", '\u{2067}'),
        ("zero width", '\u{200b}'),
        ("joiner", '\u{200d}'),
        ("soft hyphen", '\u{ad}'),
        ("mark", '\u{feff}'),
        ("line separator", '\u{2028}'),
        ("tag", '\u{e0041}'),
        ("filler", '\u{3164}'),
        ("no-break space", '\u{a0}'),
    ] {
        let code = u32::from(c);
        let text = format!("\"a\\U{code:08x}b\"");
        cases.push(refused(
            format!("{name} in a name"),
            &["SW125"],
            stack(&format!("- name: {text}\n")),
        ));
        let key = format!("networks:\n  {text}: {{}}\n{}", stack("- name: w\n"));
        cases.push(refused(format!("{name} in a key"), &["SW125"], key));
        for (place, code) in [("hostname", "SW126"), ("image", "SW114"), ("user", "SW118")] {
            let text = service(&format!("    {place}: {text}\n")).replace("    image: d", "    #d");
            cases.push(refused(format!("{name} in {place}"), &[code], text));
        }
    }
    for (name, text, code) in [
        ("right to left in a text", "a\u{202e}b", "SW308"),
        ("a zero width space in a text", "a\u{200b}b", "SW308"),
        ("a turn that ends again", "a\u{2067}b\u{2069}c", "SW308"),
    ] {
        cases.push(refused(name, &[code], described(&format!("\"{text}\""))));
    }
    for (name, text) in [
        ("a Cyrillic letter", "\u{430}pp"),
        ("a letter of full width", "\u{ff41}pp"),
        ("a letter with its accent apart", "cafe\u{301}"),
        ("a letter with its accent", "caf\u{e9}"),
        ("a large letter", "Web"),
        ("a large letter elsewhere", "weB"),
        ("a dotless i", "w\u{131}n"),
        ("a sharp s", "gro\u{df}"),
    ] {
        cases.push(refused(name, &["SW125"], stack(&format!("- name: \"{text}\"\n- name: web\n"))));
    }
    cases.extend([
        refused(
            "networks that differ in case",
            &["SW303"],
            format!("networks: {{web: {{}}, Web: {{}}}}\n{}", stack("- name: w\n")),
        ),
        refused(
            "a long line of turns",
            &["SW125"],
            stack(&format!("- name: \"{}\"\n", "\u{202e}".repeat(100_000))),
        ),
        refused(
            "many keys of turns",
            &["SW101"],
            (0..1000).map(|number| format!("\"\u{202e}\\e{number}\": 1\n")).collect::<String>(),
        ),
        refused("terminal sequences in a key", &["SW101"], worded("\"\\e]0;x\\a\\r\\n\": 1")),
        refused("terminal sequences in an alias", &["SW008"], worded("groups: *\u{202e}a")),
        refused(
            "terminal sequences in a variable",
            &["SW020"],
            worded("groups: [\"${\\e]0;x\\a}\"]"),
        ),
        refused(
            "terminal sequences behind a variable",
            &["SW021"],
            worded("groups: [\"${A?\\e]0;x\\a}\"]"),
        ),
        accepted("texts of all the world", described("\"Größe 漢字 🦀 العربية\"")),
    ]);
    run_all(cases);
}
