//! What the real Quadlet, systemd and Podman make of our units, in the lab of `tests/lab`.
//!
//! They run where `STACKWRIGHT_LAB=1` says so, for the suite of `STACKWRIGHT_LAB_SUITE`: start them
//! by `tests/lab/run`, as root. Anywhere else they are skipped, aloud.

#![expect(clippy::disallowed_methods, reason = "these tests start programs and hosts")]

mod apply;
mod compose;
mod drift;
mod fixtures;
mod host;
mod hostile;
mod keys;
mod started;
mod values;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use stackwright::capability::podman::Podman;
use stackwright::emit::{File, Scope};

use crate::support::write;

/// One of the worlds in which everything is tried.
#[derive(Debug, Clone)]
pub struct Suite {
    name: String,
    /// The Podman that it has.
    pub podman: Podman,
}

/// The suite that is tried in this run; none is told aloud.
pub fn suite() -> Option<Suite> {
    if std::env::var_os("STACKWRIGHT_LAB").is_none_or(|value| value != "1") {
        let said = "SKIPPED: this test needs a real host; run tests/lab/run as root\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return None;
    }
    let name = std::env::var("STACKWRIGHT_LAB_SUITE").unwrap_or_else(|_| "trixie".to_owned());
    let podman = match name.as_str() {
        "trixie" => Podman(5, 4),
        "forky" => Podman(5, 8),
        other => panic!("nobody knows the Podman of {other}"),
    };
    Some(Suite { name, podman })
}

fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new("tests/lab/lab");
    command.args(arguments);
    command
}

/// Runs a command to its end; whatever it says on failure is told.
fn must(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{out}\n{said}");
    out
}

/// What a generator made of a folder of units.
#[derive(Debug)]
pub struct Services {
    /// The services by their names.
    pub units: BTreeMap<String, String>,
    /// What it said, beside what it loads.
    pub said: Vec<String>,
}

impl Suite {
    /// Lets the real generator read units.
    pub fn generate(&self, units: &Path, scope: Scope) -> Services {
        let mut words = vec!["generate", &self.name, units.to_str().unwrap()];
        words.extend((scope == Scope::System).then_some("--system"));
        let output = lab(&words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let is_news = |line: &&str| !line.contains("Loading source unit file");
        let said: Vec<String> = said.lines().filter(is_news).map(str::to_owned).collect();
        assert!(output.status.success() || !said.is_empty(), "it fails and says nothing");
        let mut units: BTreeMap<String, String> = BTreeMap::new();
        let mut name = String::new();
        for line in String::from_utf8(output.stdout).unwrap().split_inclusive('\n') {
            let header = line.trim_end().strip_prefix("---").and_then(|l| l.strip_suffix("---"));
            match header {
                Some(unit) => unit.clone_into(&mut name),
                None => units.entry(name.clone()).or_default().push_str(line),
            }
        }
        Services { units, said }
    }

    /// What systemd says about services, of which nothing may be missing.
    pub fn verify(&self, folder: &Path) -> String {
        let output = lab(&["verify", &self.name, folder.to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let failed = if output.status.success() { "" } else { "it fails\n" };
        format!("{failed}{}{said}", String::from_utf8_lossy(&output.stdout))
    }

    /// A fresh host, which is gone with the value.
    pub fn host(&self, name: &str) -> Host {
        let name = format!("{}-{name}", self.name);
        must(&mut lab(&["down", &name]));
        must(&mut lab(&["up", &self.name, &name]));
        Host { name }
    }
}

/// A host that runs.
pub struct Host {
    name: String,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _told = lab(&["down", &self.name]).status();
    }
}

impl Host {
    /// Runs a command as the user; it must end well.
    pub fn user(&self, arguments: &[&str]) -> String {
        let mut all = vec!["exec", &self.name];
        all.extend(arguments);
        must(&mut lab(&all))
    }

    /// Does something with the host as a whole: `cut`, `boot`, `record`, `image REFERENCE...`.
    pub fn lab(&self, word: &str, more: &[&str]) {
        let mut all = vec![word, &self.name];
        all.extend(more);
        must(&mut lab(&all));
    }

    /// A path of the host as this machine sees it.
    pub fn path(&self, inside: &str) -> PathBuf {
        let hosts = std::env::var_os("STACKWRIGHT_LAB_RUN");
        let hosts = hosts.map_or(PathBuf::from("/var/tmp/stackwright-lab"), PathBuf::from);
        hosts.join(&self.name).join("root").join(inside.trim_start_matches('/'))
    }

    /// Puts units where the user's Quadlet and systemd read them, and configuration files where
    /// the units look for them.
    pub fn install(&self, stack: &str, files: &[File]) {
        for file in files {
            let home = self.path("home/user");
            let path = if let Some(plain) = file.path.strip_prefix("plain/") {
                home.join(".config/systemd/user").join(plain)
            } else if file.path.starts_with("files/") {
                home.join(".local/state/stackwright/stacks").join(stack).join(&file.path)
            } else {
                home.join(".config/containers/systemd").join(stack).join(&file.path)
            };
            write(&path, &String::from_utf8(file.contents.clone()).unwrap());
        }
        self.own_home();
        self.user(&["systemctl", "--user", "daemon-reload"]);
    }

    /// Gives the user all that was put into the home directory from outside.
    pub fn own_home(&self) {
        must(&mut lab(&["exec", &self.name, "--root", "chown", "-R", "user:user", "/home/user"]));
    }

    /// What systemd says of one property of a unit.
    pub fn property(&self, unit: &str, property: &str) -> String {
        let shown = self.user(&["systemctl", "--user", "show", "-P", property, "--", unit]);
        shown.trim_end().to_owned()
    }
}

/// Writes the files of a stack into a folder, for a generator that reads one.
pub fn unfold(folder: &Path, files: &[File]) {
    for file in files {
        write(&folder.join(&file.path), &String::from_utf8(file.contents.clone()).unwrap());
    }
}

/// The arguments of a command line in a generated service, as systemd would give them to podman.
pub fn arguments(service: &str, key: &str) -> Vec<String> {
    let mut lines = service.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let line = lines.next_back().unwrap_or_else(|| panic!("no {key} in\n{service}"));
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, after) = next_word(rest);
        words.push(word.replace("%%", "%").replace("$$", "$"));
        rest = after.trim_start();
    }
    words
}

/// One word with its quotes and escapes understood, and what follows it.
fn next_word(text: &str) -> (String, &str) {
    let (mut word, mut quote) = (String::new(), None);
    let mut chars = text.char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            '\\' => word.push(escape(&mut chars)),
            '"' | '\'' if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            ' ' if quote.is_none() => return (word, text.get(place..).unwrap()),
            c => word.push(c),
        }
    }
    (word, "")
}

fn escape(chars: &mut std::str::CharIndices<'_>) -> char {
    match chars.next().unwrap().1 {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        's' => ' ',
        'x' => code(chars, 2),
        'u' => code(chars, 4),
        'U' => code(chars, 8),
        same => same,
    }
}

fn code(chars: &mut std::str::CharIndices<'_>, digits: usize) -> char {
    let digits: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
}
