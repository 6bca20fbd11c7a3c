//! The fixtures in `tests/diagnostics`: each says itself what must be told about it.
//!
//! A fixture is a file `SW201-unknown-dependency.yml` or a folder of that name: the code that it
//! proves, then what it shows. `clean-…` proves that nothing is said about what is right.
//!
//! What must be told stands under the line that it is about, the carets under the very place, and
//! may be followed by the help. Carets that touch the `#` take it in, for a place in the margin:
//! ```yaml
//! services:
//!   - name: web
//!     dependencies: [dbb]
//!     #              ^^^ SW201 error: `web` needs `dbb`, which is no service of this stack
//!     #   help: did you mean `db`?
//! ```
//! Where no comment can stand, it is said at the top of the file, by line and column:
//! ```yaml
//! # expect 7:13-7:20 SW004 error: …
//! ```
//! For a file that can hold no comment at all, it is said the same way, without the `# expect`, in
//! `NAME.expect` beside `NAME.yml`; in a folder in the file `expect`, the name of the file first.
//!
//! Everything that is told must be expected and everything expected must be told, hints too; only
//! the help may be left out. In a folder, `stack.yml` is checked, or what the file `run` says as
//! one would on the command line: `a.yml b.yml --overlay o.yml --env-file v.env --all-known
//! --max-file-size 1K --podman 4.9 --generates`, or `--target compose`. A `.stackwright.yml` in
//! the folder holds. The
//! environment is empty.
//!
//! `UPDATE=1 cargo test --test it diagnostics` writes what is told into the fixtures. Read it as
//! the person would who gets to see it at two in the morning, before you keep it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stackwright::capability::podman::Podman;
use stackwright::check::{Kind, Target};
use stackwright::config::{self, Config};
use stackwright::host::disk::Disk;
use stackwright::load::{FILE_SIZE_MAX, Request};
use stackwright::model::value::size::Size;
use stackwright::report::{Findings, code, github, human, json, sarif};
use stackwright::source::Sources;
use stackwright::threads::sharing;
use stackwright::{Input, compile};

use crate::support::{list, remove, text, updates, write};

const FOLDER: &str = "tests/diagnostics";

/// Codes that no input provokes, each with the reason.
const WITHOUT_FIXTURE: [(&str, &str); 2] = [
    ("SW199", "told only where the schema and the reader disagree, which would be our fault"),
    ("SW716", "told about a template and not about a stack; tests/it/generate.rs shows it"),
];

/// Codes of what a host lacks begin so: no stack file alone provokes them, and each is provoked by
/// one of these tests.
const OF_HOSTS: &str = "SW8[5-9]";
const HOST_TESTS: [&str; 2] = ["tests/it/apply/preflight.rs", "tests/it/real/apply/preflight.rs"];

/// Something that is told, or must be, about one file of a fixture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    file: String,
    /// Line and column where it begins, and where it ends.
    place: [usize; 4],
    /// Code, severity and message.
    what: String,
    help: Option<String>,
}

impl Told {
    fn is_expected_as(&self, expected: &Told) -> bool {
        let same = |told: &Told| (told.file.clone(), told.place, told.what.clone());
        same(self) == same(expected) && (expected.help.is_none() || expected.help == self.help)
    }

    /// The place and what is said of it, as headers have it.
    fn line(&self) -> String {
        let [line, column, end_line, end_column] = self.place;
        format!("{line}:{column}-{end_line}:{end_column} {}", self.what)
    }

    fn help_line(&self) -> String {
        self.help.as_ref().map(|help| format!("\n#   help: {help}")).unwrap_or_default()
    }
}

/// A fixture: its name, its folder, and the files in it that may say what is expected.
struct Fixture {
    name: String,
    root: PathBuf,
    /// The file, or the folder.
    path: PathBuf,
}

#[test]
fn every_fixture_is_told_as_it_expects() {
    let fixtures = fixtures();
    if updates() {
        fixtures.iter().for_each(update);
    }
    let failures: Vec<String> = fixtures.iter().filter_map(|one| check(one).err()).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_code_has_a_fixture() {
    let named: BTreeSet<String> =
        fixtures().iter().filter_map(|one| Some(one.name.split_once('-')?.0.to_owned())).collect();
    let excused: BTreeSet<&str> = WITHOUT_FIXTURE.iter().map(|(code, _)| *code).collect();
    let hosts = regex::Regex::new(OF_HOSTS).unwrap();
    let tests: String = HOST_TESTS.iter().map(|file| text(Path::new(file))).collect();
    let is_tested = |id: &str| hosts.is_match(id) && tests.contains(&format!("\"{id}\""));
    let missing = code::all().filter(|code| {
        !named.contains(code.id) && !excused.contains(code.id) && !is_tested(code.id)
    });
    let missing: Vec<&str> = missing.map(|code| code.id).collect();
    assert_eq!(missing, Vec::<&str>::new(), "codes without a fixture in {FOLDER}");
    let twice: Vec<_> = excused.iter().filter(|code| named.contains(**code)).collect();
    assert!(twice.is_empty(), "{twice:?} have fixtures and an excuse");
}

#[test]
fn the_table_of_codes_is_in_order() {
    let codes: Vec<_> = code::all().collect();
    for pair in codes.windows(2) {
        assert!(pair[0].id < pair[1].id, "{} stands before {}", pair[0].id, pair[1].id);
    }
    for code in codes {
        let digits = code.id.strip_prefix("SW").unwrap_or("");
        assert!(digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()), "{}", code.id);
        assert!(!code.title.is_empty(), "{} has no title", code.id);
        assert!(code.explanation.trim().len() > 20, "{} explains nothing", code.id);
        assert!(!code.explanation.trim_end().ends_with(|c: char| c.is_alphabetic()), "{}", code.id);
    }
}

/// All fixtures; anything else in their folder is a mistake.
fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    let mut strays: BTreeSet<PathBuf> = BTreeSet::new();
    for path in list(Path::new(FOLDER)) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let id = name.split_once('-').map_or("", |(id, _)| id);
        let is_named = id == "clean" || code::find(id).is_some();
        let is_file = path.extension().is_some_and(|extension| extension == "yml");
        match path.is_dir() {
            true if is_named => fixtures.push(Fixture { name, root: path.clone(), path }),
            false if is_named && is_file => {
                fixtures.push(Fixture { name, root: PathBuf::from(FOLDER), path });
            }
            _ => drop(strays.insert(path)),
        }
    }
    strays.retain(|path| {
        path.extension().is_none_or(|end| end != "expect") || !path.with_extension("yml").exists()
    });
    assert!(strays.is_empty(), "not fixtures, and never run: {strays:?}");
    fixtures
}

/// Holds what is told about a fixture against what it expects.
fn check(fixture: &Fixture) -> Result<(), String> {
    let mut expected: Vec<Told> = fixture.texts().iter().flat_map(expectations).collect();
    expected.extend(fixture.expect_file());
    let found = fixture.run();
    // The same is told, in the same order, when threads share the work.
    let shared = sharing(2, 64 << 10, || fixture.run());
    if shared != found {
        return Err(format!("  two threads tell {shared:#?}\n  and one tells {found:#?}"));
    }
    let id = fixture.name.split_once('-').map_or("", |(id, _)| id);
    let mut problems = Vec::new();
    if id == "clean" && expected.iter().any(|one| !one.what.contains(" hint: ")) {
        problems.push("  expects more than hints, and is called clean".to_owned());
    }
    if id != "clean" && !expected.iter().any(|one| one.what.starts_with(id)) {
        problems.push(format!("  expects no {id}"));
    }
    for told in found {
        match expected.iter().position(|one| told.is_expected_as(one)) {
            Some(place) => drop(expected.remove(place)),
            None => problems.push(format!(
                "  told and not expected: {} {}{}",
                told.file,
                told.line(),
                told.help_line()
            )),
        }
    }
    for told in expected {
        let help = told.help_line();
        problems.push(format!("  expected and not told: {} {}{help}", told.file, told.line()));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n{}", fixture.path.display(), problems.join("\n"))),
    }
}

impl Fixture {
    /// The files that may hold expectations, by their names within the fixture.
    fn texts(&self) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        let mut open = vec![self.path.clone()];
        while let Some(path) = open.pop() {
            let is_link = path.symlink_metadata().is_ok_and(|data| data.is_symlink());
            let name = self.relative(&path.to_string_lossy());
            if path.is_dir() && !is_link {
                open.extend(list(&path));
            } else if !is_link && !["run", "expect"].contains(&name.as_str()) {
                #[expect(clippy::disallowed_methods, reason = "some fixtures are no text")]
                let text = std::fs::read_to_string(&path);
                texts.extend(text.ok().map(|text| (name, text)));
            }
        }
        texts
    }

    /// A name as the fixture has it: without the folder in which it stands.
    fn relative(&self, name: &str) -> String {
        let whole = self.root.canonicalize().unwrap();
        let path = Path::new(name);
        let path = path.strip_prefix(&self.root).or_else(|_| path.strip_prefix(whole));
        path.map_or(name.to_owned(), |path| path.to_string_lossy().into_owned())
    }

    /// Where it stands what is expected of files that cannot say it themselves.
    fn expect_path(&self) -> PathBuf {
        match self.path.is_dir() {
            true => self.path.join("expect"),
            false => self.path.with_extension("expect"),
        }
    }

    /// What is expected of files that cannot say it themselves.
    fn expect_file(&self) -> Vec<Told> {
        let (path, is_folder) = (self.expect_path(), self.path.is_dir());
        let text = if path.exists() { text(&path) } else { String::new() };
        let own = self.relative(&self.path.to_string_lossy());
        let mut all: Vec<Told> = Vec::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("#   help: ") {
                all.last_mut().expect("a help of nothing").help = Some(help.to_owned());
                continue;
            }
            let (file, line) = match is_folder {
                true => line.split_once(' ').unwrap_or_else(|| panic!("{line}")),
                false => (own.as_str(), line),
            };
            all.push(header(file, line).unwrap_or_else(|| panic!("{}: {line}", path.display())));
        }
        all
    }

    /// Checks the fixture, and lets every output say what was found.
    fn run(&self) -> Vec<Told> {
        let arguments = self.path.join("run");
        let arguments = match (self.path.is_dir(), arguments.exists()) {
            (true, true) => text(&arguments),
            (true, false) => "stack.yml".to_owned(),
            (false, _) => self.relative(&self.path.to_string_lossy()),
        };
        let Arguments { stacks, overlays, env_files, all_known, size_max, target } =
            Arguments::read(&arguments, &self.root);
        let (mut sources, mut findings) = (Sources::default(), Findings::default());
        let environment = BTreeMap::new();
        let request = |path| Request {
            path,
            overlays: &overlays,
            env_files: &env_files,
            environment: &environment,
            size_max,
        };
        let requests: Vec<Request<'_>> = stacks.iter().map(|path| request(path)).collect();
        let config = match self.root.join(config::FILE).exists() {
            true => config::find(&self.root, &Disk, &mut sources, &mut findings),
            false => Config::default(),
        };
        let podman = target.podman.unwrap_or_else(|| config.podman());
        let target = Target { podman, generates: target.generates, kind: target.kind };
        let input = Input { requests: &requests, config: &config, all_known, target };
        compile(&input, &Disk, &mut sources, &mut findings);
        assert!(!human::render(&findings, &sources, human::Style::default()).contains('\t'));
        let machines = [json::render, sarif::render, github::render];
        assert!(machines.iter().all(|render| !render(&findings, &sources).contains('\0')));
        self.told(&findings, &sources)
    }

    fn told(&self, findings: &Findings, sources: &Sources) -> Vec<Told> {
        let told = findings.iter().map(|one| {
            let (file, start, end) = sources.locate(one.span).unwrap();
            Told {
                file: self.relative(file),
                place: [start.line, start.column, end.line, end.column],
                what: format!("{} {}: {}", one.code.id, one.severity.word(), one.message),
                help: one.help.clone(),
            }
        });
        told.collect()
    }
}

/// The words of a `run` file.
struct Arguments {
    stacks: Vec<PathBuf>,
    overlays: Vec<PathBuf>,
    env_files: Vec<PathBuf>,
    all_known: bool,
    size_max: u64,
    target: Wanted,
}

/// What the target is to be.
#[derive(Default)]
struct Wanted {
    podman: Option<Podman>,
    generates: bool,
    kind: Kind,
}

impl Arguments {
    fn read(line: &str, root: &Path) -> Self {
        let (stacks, overlays, env_files) = (Vec::new(), Vec::new(), Vec::new());
        let (size_max, target) = (FILE_SIZE_MAX, Wanted::default());
        let mut all = Self { stacks, overlays, env_files, all_known: false, size_max, target };
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} without a value"));
            match word {
                "--overlay" => all.overlays.push(root.join(value())),
                "--env-file" => all.env_files.push(root.join(value())),
                "--max-file-size" => all.size_max = value().parse::<Size>().unwrap().0,
                "--all-known" => all.all_known = true,
                "--podman" => all.target.podman = Some(value().parse().unwrap()),
                "--generates" => all.target.generates = true,
                "--target" => {
                    all.target.kind = match value() {
                        "compose" => Kind::Compose,
                        "traefik" => Kind::Traefik,
                        other => panic!("--target {other}"),
                    };
                }
                _ => all.stacks.push(root.join(word)),
            }
        }
        all
    }
}

/// What a file expects to be told about it.
fn expectations((file, text): (&String, &String)) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut about = 0;
    let mut follows = false;
    for (number, line) in (1..).zip(text.lines()) {
        let help = line.trim_start().strip_prefix("#   help: ").filter(|_| follows);
        if let Some(help) = help {
            told.last_mut().unwrap().help = Some(help.to_owned());
        } else if let Some(one) = expected_in(file, line, about) {
            told.push(one);
            follows = true;
        } else {
            (about, follows) = (number, false);
        }
    }
    told
}

/// What one line expects, where it is a line that expects anything.
fn expected_in(file: &str, line: &str, about: usize) -> Option<Told> {
    if let Some(rest) = line.strip_prefix("# expect ") {
        return Some(header(file, rest).unwrap_or_else(|| panic!("{file}: {line}")));
    }
    let margin = line.chars().take_while(|c| *c == ' ').count();
    let rest = line.trim_start().strip_prefix('#')?;
    let gap = rest.chars().take_while(|c| *c == ' ').count();
    let (carets, what) = rest.trim_start().split_once(" SW")?;
    if carets.is_empty() || carets.bytes().any(|b| b != b'^') {
        return None;
    }
    let start = if gap == 0 { margin + 1 } else { margin + gap + 2 };
    let end = margin + gap + 2 + carets.len();
    Some(Told {
        file: file.to_owned(),
        place: [about, start, about, end],
        what: format!("SW{what}"),
        help: None,
    })
}

/// Reads `7:13-7:20 SW004 error: …`.
fn header(file: &str, line: &str) -> Option<Told> {
    let (place, what) = line.split_once(' ')?;
    let numbers: Option<Vec<usize>> =
        place.split([':', '-']).map(|number| number.parse().ok()).collect();
    let place = numbers?.try_into().ok()?;
    Some(Told { file: file.to_owned(), place, what: what.to_owned(), help: None })
}

/// Writes what is told into the fixture: under the lines, else at the top, else beside it.
fn update(fixture: &Fixture) {
    if check(fixture).is_ok() {
        return;
    }
    let beside = fixture.expect_path();
    if beside.exists() {
        remove(&beside);
    }
    let bare: BTreeMap<String, String> =
        fixture.texts().into_iter().map(|(file, text)| (file, without(&text))).collect();
    let put = |texts: &BTreeMap<String, String>| {
        for (file, text) in texts {
            write(&fixture.root.join(file), text);
        }
    };
    put(&bare);
    let told = fixture.run();
    let of = |file: &String| -> Vec<Told> {
        told.iter().filter(|one| one.file == *file).cloned().collect()
    };
    put(&bare.iter().map(|(file, text)| (file.clone(), under(text, &of(file)))).collect());
    if check(fixture).is_err() {
        put(&bare.iter().map(|(file, text)| (file.clone(), on_top(text, &of(file)))).collect());
    }
    if check(fixture).is_err() {
        put(&bare);
        let file = |one: &Told| match fixture.path.is_dir() {
            true => format!("{} ", one.file),
            false => String::new(),
        };
        let lines = told.iter().map(|one| file(one) + &one.line() + &one.help_line() + "\n");
        write(&beside, &lines.collect::<String>());
    }
}

/// A text without its expectations.
fn without(text: &str) -> String {
    let mut kept = String::new();
    let mut follows = false;
    for line in text.split_inclusive('\n') {
        let is_help = follows && line.trim_start().starts_with("#   help: ");
        follows = is_help || expected_in("", line.trim_end(), 0).is_some();
        if !follows {
            kept.push_str(line);
        }
    }
    kept
}

/// The text with each expectation under its line, as far as it fits there.
fn under(text: &str, told: &[Told]) -> String {
    let fits = |one: &&Told| {
        let [line, start, end_line, end] = one.place;
        let margin = start == 1 && end > 2;
        line == end_line && start < end && (start > 2 || margin)
    };
    let mut out: String = told
        .iter()
        .filter(|one| !fits(one))
        .fold(String::new(), |out, one| out + "# expect " + &one.line() + &one.help_line() + "\n");
    let headers = out.lines().count();
    // The places of headers count the lines that are added above them.
    let added = |line: usize| {
        let before = told.iter().filter(fits).filter(|one| one.place[0] < line);
        headers + before.map(|one| 1 + usize::from(one.help.is_some())).sum::<usize>()
    };
    for one in told.iter().filter(|one| !fits(one)) {
        let mut moved = one.clone();
        moved.place[0] += added(one.place[0]);
        moved.place[2] += added(one.place[2]);
        out = out.replacen(&one.line(), &moved.line(), 1);
    }
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        out.push_str(line);
        for one in told.iter().filter(fits).filter(|one| one.place[0] == number) {
            let indent = line.chars().take_while(|c| *c == ' ').count();
            out.push_str(&annotation(one, indent));
        }
    }
    out
}

fn annotation(one: &Told, indent: usize) -> String {
    let [_, start, _, end] = one.place;
    let help = |margin: usize| {
        let help = one.help.as_ref();
        help.map(|help| format!("{:margin$}#   help: {help}\n", "")).unwrap_or_default()
    };
    if start == 1 {
        return format!("#{} {}\n{}", "^".repeat(end - 2), one.what, help(0));
    }
    let margin = indent.min(start - 3);
    let gap = start - margin - 2;
    format!("{:margin$}#{:gap$}{} {}\n{}", "", "", "^".repeat(end - start), one.what, help(margin))
}

/// The text with all expectations at its top.
fn on_top(text: &str, told: &[Told]) -> String {
    let lines: usize = told.iter().map(|one| 1 + usize::from(one.help.is_some())).sum();
    let mut out = String::new();
    for one in told {
        let mut moved = one.clone();
        moved.place[0] += lines;
        moved.place[2] += lines;
        out = out + "# expect " + &moved.line() + &moved.help_line() + "\n";
    }
    out + text
}
