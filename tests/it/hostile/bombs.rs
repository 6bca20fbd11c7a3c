//! Small files that mean large ones, deep files, long texts, and very many of everything.

use super::{Case, LARGE, accepted, count, fill, refused, run_all, service, stack};

const HALF: usize = LARGE / 2;

#[test]
fn aliases_and_merges_cannot_blow_up() {
    let nine = |name: char| vec![format!("*{name}"); 9].join(",");
    let steps: String =
        ('a'..'i').zip('b'..='i').map(|(a, b)| format!("x-{b}: &{b} [{}]\n", nine(a))).collect();
    let bomb = format!("x-a: &a [x,x,x,x,x,x,x,x,x]\n{steps}services: *i\n");
    let bases: String = (0..1000).map(|number| format!("k{number}: 1,")).collect();
    let merges: String = (0..30)
        .map(|step| {
            let (next, many) = (step + 1, vec![format!("*m{step}"); 50].join(","));
            format!("x-{next}: &m{next} {{<<: [{many}]}}\n")
        })
        .collect();
    let text = "x".repeat(1 << 20);
    let uses = ",*a".repeat(2000);
    let command = format!("    command: [&a \"{text}\"{uses}]\n");
    let key = format!("x-m: &m\n  ? \"{text}\"\n  : 1\n");
    let keys = count("- {name: a%, configuration: {environment: *m}}\n", 2000);
    let names = "x-n: &n {networks: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p]}\n";
    let nested = format!("{}{}{}", "[".repeat(50), "*b,".repeat(9), "]".repeat(50));
    run_all([
        refused("nine times nine aliases", &["SW006"], bomb),
        refused("an alias of 1 MB, 2000 times", &["SW006"], service(&command)),
        refused("an alias of a key of 1 MB", &["SW006"], key + &stack(&keys)),
        refused("a bomb of merges", &["SW006"], format!("x-0: &m0 {{{bases}}}\n{merges}")),
        accepted(
            "aliases at many depths",
            format!("x-b: &b [{}]\nx-c: {nested}\n{}", "1,".repeat(5000), stack("- name: w\n")),
        ),
        refused(
            "an alias in each of very many services",
            &["SW320"],
            format!("{names}{}", stack(&count("- {name: a%, configuration: *n}\n", 12_000))),
        ),
        refused("a merge of itself", &["SW009"], "x-a: &a {<<: *a}\nservices: [{name: w}]\n"),
        refused("a value in itself", &["SW009"], "services: &a [{name: w}, *a]\n"),
        refused("a merge of a text", &["SW013"], "x-a: &a b\nservices: [{<<: *a, name: w}]\n"),
        refused("an alias of nothing", &["SW008"], stack("- *b\n")),
        refused("very many aliases of nothing", &["SW008"], format!("x-a: [{}]", fill("*a,"))),
        refused("very many anchors", &["SW006"], format!("x-a: [{}]", count("&a% x,", 1 << 20))),
    ]);
}

#[test]
fn variables_cannot_blow_up() {
    let long = format!("A={}\n", "v".repeat(1 << 20));
    let quoted = |text: String| stack(&format!("- {{name: w, description: \"{text}\"}}\n"));
    let many = |value: &str| service(&format!("    command: [{value}]\n"));
    run_all([
        refused("a long variable in many values", &["SW020"], many(&"$A,".repeat(10_000)))
            .with(".env", long.as_str()),
        refused(
            "a long variable by many aliases",
            &["SW006"],
            many(&format!("&a $A{}", ",*a".repeat(5000))),
        )
        .with(".env", long.as_str()),
        refused("a long variable many times in a text", &["SW020"], quoted(fill("$A")))
            .with(".env", long.as_str()),
        accepted("a long variable that is only asked for", quoted(fill("${A:+}")))
            .with(".env", long.as_str()),
        refused(
            "a default in a default in a default",
            &["SW020"],
            quoted("${A:-".repeat(2000) + &"}".repeat(2000)),
        ),
        refused("open braces", &["SW020"], quoted(fill("${"))),
        refused(
            "very many unset variables, then too much",
            &["SW020", "SW022"],
            quoted(fill("$B ") + &"y".repeat(1 << 20) + "$B"),
        ),
        refused(
            "a long sign behind a variable",
            &["SW020"],
            quoted(format!("${{A!{}}}", "x".repeat(HALF))),
        ),
        accepted("very many unset variables", quoted("$B ".repeat(200_000))),
        accepted("very many dollars", quoted("$$".repeat(400_000))),
    ]);
}

#[test]
fn depth_ends_where_it_should() {
    let steps: String = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    run_all([
        refused("lists in lists", &["SW005"], "x-a: ".to_owned() + &"[".repeat(10_000)),
        refused("mappings in mappings", &["SW005"], "x-a: ".to_owned() + &"{a: ".repeat(10_000)),
        refused("indented mappings", &["SW005"], steps),
        refused("dashes in a line", &["SW005"], fill("- ")),
        refused("question marks in a line", &["SW005"], fill("? ")),
        refused("colons in a line", &["SW005"], fill(": ")),
        refused("guarded quotes", &["SW004"], "x-a: ".to_owned() + &"\"\\\"".repeat(10_000)),
        refused("quotes in quotes", &["SW004"], "x-a: ".to_owned() + &"'\"".repeat(10_001)),
    ]);
}

#[test]
fn long_texts_are_told_shortly() {
    let x = "x".repeat(LARGE - 100);
    let long = |before: &str, after: &str| format!("{before}{x}{after}");
    run_all([
        refused("a long plain text", &["SW103"], long("stack: ", "")),
        refused("a long name", &["SW125"], long("services: [{name: \"", "\"}]")),
        refused("a long key", &["SW101"], long("? ", "\n: 1\n")),
        refused("a long tag", &["SW010"], long("x-a: !", " x\n")),
        refused("a long alias", &["SW008"], long("x-a: *", "\n")),
        accepted("a long anchor", long("services: []\nstack: &", " {}\n")),
        refused(
            "a long image",
            &["SW114"],
            long(
                "services: [{name: w, configuration: \
            {image: \"",
                "\"}}]",
            ),
        ),
        refused(
            "a long regular expression",
            &["SW129"],
            long(
                "services: [{name: w, \
            configuration: {ready_criteria: [{type: log_pattern, pattern: \"",
                "\"}]}}]",
            ),
        ),
        refused("an open quote", &["SW004"], "stack: \"".to_owned() + &fill("a b\n")),
        refused("a key of many lines", &["SW004"], format!("{{{}: b}}", fill("a\n"))),
        refused(
            "long keys given twice",
            &["SW007"],
            fill(&format!("? \"{}\"\n: 1\n", "k".repeat(5000))),
        ),
        accepted("a long block", stack("- {name: w}\n") + "x-a: |\n" + &fill("  a\n")),
        accepted("a long folded block", stack("- {name: w}\n") + "x-a: >\n" + &fill("  a\n\n")),
        accepted("a long text of many lines", stack("- {name: w}\n") + "x-a: a\n" + &fill("  b\n")),
        accepted(
            "a long text of escapes",
            stack("- {name: w}\n") + "x-a: \"" + &fill("\\n") + "\"",
        ),
    ]);
}

#[test]
fn very_many_of_anything_are_too_many() {
    let codes = format!("- name: w # stackwright: allow({}) x\n", fill("SW422,"));
    let unknown = format!("- name: w # stackwright: allow({}) x\n", count("SX%,", 1 << 20));
    let big = |line: &str| count(line, 1 << 20);
    let lint: [Case; 24] = [
        refused("a million keys", &["SW006", "SW101"], big("k%: 1\n")),
        refused("a million keys in a line", &["SW006"], format!("{{{}}}", big("\"k%\":1,"))),
        refused(
            "a million keys of a service",
            &["SW006", "SW101"],
            stack("- name: w\n") + &big("  k%: 1\n"),
        ),
        refused(
            "a million keys of a service without a name",
            &["SW006", "SW101"],
            stack(&format!("- {{{}}}\n", big("k%: 1,"))),
        ),
        refused(
            "a million variables",
            &["SW006"],
            service(&format!("    environment:\n{}", big("      K%: a\n"))),
        ),
        refused("the same key a million times", &["SW007"], fill("a: 1\n")),
        refused("a million empty services", &["SW006"], format!("services: [{}]", fill("{},"))),
        refused("a million services", &["SW006"], stack(&big("- {name: a%}\n"))),
        refused("services of one name", &["SW302"], stack(&"- {name: a}\n".repeat(11_000))),
        refused("a million empty lists", &["SW006"], format!("x-a: [{}]", fill("[],"))),
        refused("a million second documents", &["SW011"], fill("--- a\n")),
        refused("a million directives", &["SW004"], fill("%a\n")),
        refused(
            "a million tag directives",
            &["SW101"],
            big("\u{1}TAG !a%! tag:x\n").replace('\u{1}', "%") + "---\na: 1\n",
        ),
        refused("only lines", &["SW014"], fill("\n")),
        refused("only spaces", &["SW014"], fill(" ")),
        refused("only tabs", &["SW014"], fill("\t")),
        refused("only colons", &["SW004"], fill(":")),
        refused("only bangs", &["SW004"], fill("!")),
        accepted("a hundred thousand comments", "# c\n".repeat(90_000) + &stack("- {name: w}\n")),
        accepted("comments wherever they may be", stack("- {name: w}\n") + &fill("#\n")),
        refused("more comments than can be read", &["SW004"], stack(&fill("# c\n")) + "- a"),
        accepted(
            "a hundred thousand notes",
            "# stackwright: allow(SW422) x\n".repeat(90_000) + &stack("- {name: w}\n"),
        ),
        accepted("a note with a million codes", stack(&codes)),
        refused("a note with a million unknown codes", &["SW903"], stack(&unknown)),
    ];
    run_all(lint);
}

#[test]
fn lines_without_end_are_shown_in_part() {
    let wrong: String = (0..500).map(|number| format!("{{name: A{number}}},")).collect();
    let keys: String = (0..2000).map(|number| format!("k{number}: 1,")).collect();
    let wide = "ä".repeat(LARGE / 4);
    run_all([
        refused(
            "500 errors before a long end",
            &["SW125"],
            format!("{{services: [{wrong}], x-a: \"{wide}\"}}"),
        ),
        refused(
            "500 errors behind a long beginning",
            &["SW101"],
            format!("{{x-a: \"{wide}\", {keys}}}"),
        ),
        refused("a long line of brackets", &["SW004"], format!("x-a: [{}", fill(",a"))),
        refused(
            "a long line of errors everywhere",
            &["SW101"],
            format!("{{{}}}", count("\"k%\": ä, ", 11_000)),
        ),
    ]);
}

#[test]
fn files_beside_the_stack_have_limits_too() {
    let include =
        |count: usize| format!("include: [{}]\n{}", "b.yml,".repeat(count), stack("- name: w\n"));
    let list = |key: &str, count: usize| -> String {
        let lines = (0..count).map(|number| format!("      - e{number}.env\n"));
        service(&format!("    {key}:\n{}", lines.collect::<String>()))
    };
    let large = format!("x-a: [{}]\n", count("a%,", 11_000));
    let mut env_files = refused("many env files", &["SW006"], list("env_file", 20));
    let mut files = refused(
        "many large files",
        &["SW002"],
        format!("files:\n{}{}", count("  f%: e%.env\n", 20), stack("- name: w\n")),
    );
    for number in 0..20 {
        env_files = env_files.with(&format!("e{number}.env"), "A=x\n".repeat(6000));
        files = files.with(&format!("e{number}.env"), "A=x\n".repeat(LARGE / 8));
    }
    let plain = || stack("- name: w\n");
    run_all([
        refused("the same large include 200 times", &["SW006"], include(200))
            .with("b.yml", large.as_str()),
        refused("more includes than can be read", &["SW006"], include(10_000))
            .with("b.yml", "x-a: 1\n"),
        refused(
            "includes that are not there",
            &["SW001", "SW006"],
            format!("include: [{}]\n{}", count("b%.yml,", 10_000), plain()),
        ),
        refused("an include of itself", &["SW025"], include(1)).with("b.yml", "include: [b.yml]\n"),
        refused("includes in a circle", &["SW025"], include(1))
            .with("b.yml", "include: [c.yml]\n")
            .with("c.yml", "include: [b.yml, stack.yml]\n"),
        refused("includes that double", &["SW006"], include(2))
            .with("b.yml", "include: [c.yml, c.yml]\n")
            .with("c.yml", "include: [d.yml, d.yml, d.yml, d.yml, d.yml, d.yml, d.yml]\n")
            .with("d.yml", "include: [e.yml, e.yml, e.yml, e.yml, e.yml, e.yml, e.yml]\n")
            .with("e.yml", "x-a: 1\n"),
        env_files,
        files,
        refused("very many variables in .env", &["SW006"], plain()).with(".env", fill("A=\n")),
        refused("very many wrong lines in .env", &["SW023"], plain()).with(".env", fill("A\n")),
        refused("open quotes in .env", &["SW023"], plain()).with(".env", fill("A=\"\\\n")),
        refused("a .env that is no text", &["SW003"], plain()).with(".env", b"A=\xff\n"),
        refused("a very large configuration", &["SW006"], plain())
            .with(".stackwright.yml", "allow:\n".to_owned() + &count("  SW%x: a\n", 1 << 20)),
        refused("a deep overlay", &["SW005"], plain())
            .with("o.yml", "x-a: ".to_owned() + &"[".repeat(100))
            .arguments(&["--overlay", "o.yml"]),
    ]);
}

/// Patterns are files of anybody, and so are their parameters, which may grow by each other.
#[test]
fn patterns_have_limits_too() {
    let service = || stack("- name: w\n  pattern: p\n  configuration: { image: a.example/b:1 }\n");
    let pattern = |name: &str, codes: &[&'static str], text: String| {
        refused(name, codes, service())
            .with(".stackwright.yml", "{}\n")
            .with("patterns/p.yml", format!("pattern: {{ name: p }}\n{text}"))
    };
    let doubling = |last: usize| -> String {
        let lines = (1..=last).map(|now| {
            let before = now - 1;
            format!("  p{now}: {{ default: \"${{p{before}}}${{p{before}}}\" }}\n")
        });
        format!("parameters:\n  p0: {{ default: xxxxxxxxxxxxxxxx }}\n{}", lines.collect::<String>())
    };
    run_all([
        pattern("parameters that double", &["SW804"], doubling(500)),
        pattern(
            "a parameter in very many places",
            &["SW020"],
            format!(
                "parameters:\n  a: {{ default: {} }}\nnew:\n  x-a: [{}]\n",
                "x".repeat(4000),
                fill("\"${a}\",")
            ),
        ),
        pattern(
            "very many parameters",
            &["SW804"],
            format!("parameters:\n{}", count("  p%: {}\n", 1 << 20)),
        ),
        pattern("a pattern that nests deep", &["SW005"], format!("new: {}\n", "[".repeat(10_000))),
        pattern("a very large pattern", &["SW006"], format!("x-a: [{}]\n", fill("a,"))),
        refused("a pattern that is no text", &["SW003"], service())
            .with(".stackwright.yml", "{}\n")
            .with("patterns/p.yml", b"pattern: \xff\n"),
    ]);
}
