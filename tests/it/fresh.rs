//! `new`: what it writes, what it refuses, and its questions, on a real terminal.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use stackwright::cli::READY;

use crate::support::{list, run, text, write};

const JELLYFIN: [&str; 8] = [
    "new",
    "jellyfin",
    "--pattern",
    "media-server-stack",
    "--image",
    "docker.io/jellyfin/jellyfin:10.11.11",
    "--hostname",
    "media.example.org",
];

#[test]
fn one_command_leads_from_nothing_to_units() {
    let folder = tempfile::tempdir().unwrap();
    let words = [&JELLYFIN[..], &["--memory", "6G", "--set", "media=/mnt/films", "--generate"]];
    let made = run(folder.path(), &words.concat());
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let expected = text(Path::new("snapshots/patterns/media-server-stack.yml"))
        .replace("jellyfin.example.org", "media.example.org")
        .replace("memory: 4G", "memory: 6G")
        .replace("/srv/media", "/mnt/films");
    assert_eq!(text(&folder.path().join("jellyfin.yml")), expected);
    let unit = text(&folder.path().join("build/jellyfin/quadlet/jellyfin.container"));
    assert!(unit.contains("Volume=/mnt/films:/media:ro\n"), "{unit}");
    for said in [
        "jellyfin.yml: written and checked\n",
        "the network systemd-reverse_proxy\n",
        "  stackwright apply jellyfin.yml",
    ] {
        assert!(made.out.contains(said), "{said}\n{}", made.out);
    }
    // What was written stays, whatever is asked for later.
    let again = run(folder.path(), &JELLYFIN);
    assert_eq!(again.code, 3);
    assert_eq!(again.err, "error: `jellyfin.yml` is there already; it is left as it is\n");
    assert_eq!(text(&folder.path().join("jellyfin.yml")), expected);
}

#[test]
fn a_folder_of_stacks_gets_the_file() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("stacks/.keep"), "");
    let made = run(folder.path(), &JELLYFIN);
    assert!(made.out.contains("  stackwright apply jellyfin  "), "{made:?}");
    let linted = run(folder.path(), &["lint", "jellyfin", "--deny-warnings"]);
    assert_eq!(linted.code, 0, "{linted:?}");
    let elsewhere = run(folder.path(), &[&JELLYFIN[..], &["--file", "deep/er/x.yml"]].concat());
    assert_eq!(elsewhere.code, 0, "{elsewhere:?}");
    assert!(folder.path().join("deep/er/x.yml").exists());
}

#[test]
fn what_is_said_wrong_is_told_and_nothing_written() {
    let folder = tempfile::tempdir().unwrap();
    let from = |pattern| ["new", "x", "--pattern", pattern];
    let media = from("media-server-stack");
    for (words, expected) in [
        (&["new"][..], "a name is needed"),
        (&["new", "x"], "a pattern is needed;"),
        (&["new", "redis"], "such as --pattern cache-service"),
        (&["new", "X y", "--pattern", "cache-service"], "cannot stand in a name; write `x-y`"),
        (&from("media-serverstack"), "did you mean `media-server-stack`?"),
        (&media, "needs --image and --hostname"),
        (&[&media[..], &["--set", "hostnam=a"]].concat(), "did you mean `hostname`?"),
        (&[&media[..], &["--set", "hostname"]].concat(), "write NAME=VALUE"),
        (&[&JELLYFIN[..], &["--memory", "4Q"]].concat(), "--memory: "),
        (&[&JELLYFIN[..], &["--set", "port=0"]].concat(), "`0` is no port"),
        (&[&JELLYFIN[..], &["--set", "media=films"]].concat(), "--set media: "),
        (&[&JELLYFIN[..], &["--set", "health=a\nb"]].concat(), "write one line"),
        (&["new", "x", "--from", "imich"], "did you mean `immich`?"),
        (&["new", "x", "--from", "immich", "--image", "a"], "cannot be used with"),
    ] {
        let told = run(folder.path(), words);
        assert_eq!(told.code, 64, "{words:?} {told:?}");
        assert!(told.err.contains(expected), "{words:?}: {expected}\n{}", told.err);
    }
    assert_eq!(list(folder.path()).len(), 0);
}

/// Whatever a value is, the file says that and nothing else.
#[test]
fn values_are_written_as_yaml_wants_them() {
    for value in ["a: b", "yes", "#x", "- x", "it's \"so\"", "a\\b", "[x]", "{x", "*x", "x #y", "ä"]
    {
        let folder = tempfile::tempdir().unwrap();
        let words = ["--set", &format!("health={value}"), "--set", &format!("kind={value}")];
        let made = ["new", "app", "--pattern", "web-app-with-database", "--image", "e.org/a:1"];
        let host = ["--hostname", "a.example.org", "--set", "kind_variable=KIND"];
        let made = run(folder.path(), &[&made[..], &host, &words].concat());
        assert_eq!((made.code, made.err.as_str()), (0, ""), "{value}: {made:?}");
        let stack = text(&folder.path().join("app.yml"));
        let stack: serde_json::Value = serde_yaml::from_str(&stack).unwrap();
        let configuration = &stack["services"][1]["configuration"];
        assert_eq!(configuration["health_check"]["command"], value);
        assert_eq!(configuration["environment"]["KIND"], value);
    }
}

#[test]
fn ready_stacks_are_those_of_the_folder() {
    let names: Vec<String> = list(Path::new("stacks"))
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let ready: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
    assert_eq!(ready, names, "src/cli/new/ready.rs lists the files of stacks/");
    for (name, _) in READY {
        let folder = tempfile::tempdir().unwrap();
        let made = run(folder.path(), &["new", "mine", "--from", name]);
        assert_eq!((made.code, made.err.as_str()), (0, ""), "{name}: {made:?}");
        let written = text(&folder.path().join("mine.yml"));
        assert!(written.contains("  name: mine\n"), "{written}");
        assert!(!written.contains("yaml-language-server"), "{written}");
        let listed = run(folder.path(), &["lint", "mine.yml", "--deny-warnings"]);
        assert_eq!(listed.code, 0, "{listed:?}");
    }
}

/// A program on a terminal of its own.
struct Terminal {
    screen: File,
    shown: String,
    /// How much of that was waited for.
    seen: usize,
    child: Child,
}

impl Terminal {
    fn run(folder: &Path, arguments: &[&str]) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let end = || Stdio::from(rustix::fs::open(&name, flags, Mode::empty()).unwrap());
        #[expect(clippy::disallowed_methods, reason = "the program needs a terminal of its own")]
        let mut command = Command::new("setsid");
        // Whoever runs the tests behind a shell may ignore what ^C sends.
        command.args(["--ctty", "--wait", "env", "--default-signal=INT"]);
        command.arg(env!("CARGO_BIN_EXE_stackwright")).args(arguments);
        command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        Self { screen: File::from(screen), shown: String::new(), seen: 0, child }
    }

    /// Reads what is shown until a text comes behind the one that was waited for before.
    fn until(&mut self, expected: &str) {
        loop {
            let new = self.shown.get(self.seen..).unwrap_or_default();
            if let Some(place) = new.find(expected) {
                self.seen += place + expected.len();
                return;
            }
            assert!(self.read(), "`{expected}` never comes\n{}", self.shown);
        }
    }

    fn read(&mut self) -> bool {
        // A program that waits for something else would keep the test for ever.
        let patience = Timespec::try_from(Duration::from_secs(60)).unwrap();
        let waited = poll(&mut [PollFd::new(&self.screen, PollFlags::IN)], Some(&patience));
        assert_ne!(waited, Ok(0), "nothing more comes\n{}", self.shown);
        let mut bytes = [0; 4096];
        match self.screen.read(&mut bytes) {
            Ok(length) => {
                self.shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
                length > 0
            }
            // The other end was closed by the last who had it.
            Err(error) if error.kind() != ErrorKind::Interrupted => false,
            Err(_) => true,
        }
    }

    fn answer(&mut self, question: &str, answer: &str) {
        self.until(question);
        self.screen.write_all(answer.as_bytes()).unwrap();
    }

    /// Reads to the end; tells the exit code, where it was not a signal.
    fn end(mut self) -> (Option<i32>, String) {
        while self.read() {}
        let code = self.child.wait().unwrap().code();
        (code, self.shown.replace("\r\n", "\n"))
    }
}

#[test]
fn on_a_terminal_it_asks() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::run(folder.path(), &["new", "--generate"]);
    terminal.answer("The name of the stack: ", "Jelly fin\n");
    terminal.until("write `jelly-fin`\r\n");
    terminal.answer("The name of the stack: ", "jellyfin\n");
    terminal.answer("The pattern [media-server-stack]: ", "media\n");
    terminal.answer("The pattern [media-server-stack]: ", "\n");
    terminal.answer("The image of the server [docker.io/jellyfin/jellyfin:10.11.11]: ", "\n");
    let address = "The address under which it is reached [jellyfin.example.org]: ";
    terminal.answer(address, "media.example.org\n");
    let memory = "The memory it may use; a conversion takes most of it [4G]: ";
    terminal.answer(memory, "much\n");
    terminal.answer(memory, "6G\n");
    terminal.answer("The folder with the films and the music [/srv/media]: ", "/mnt/films\n");
    terminal.answer("The port on which it listens [8096]: ", "\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("jellyfin.yml: written and checked\n"), "{shown}");
    let asked = text(&folder.path().join("jellyfin.yml"));
    let unit = text(&folder.path().join("build/jellyfin/quadlet/jellyfin.container"));
    // The same words on the command line come to the same file.
    let other = tempfile::tempdir().unwrap();
    let words = [&JELLYFIN[..], &["--memory", "6G", "--set", "media=/mnt/films", "--generate"]];
    assert_eq!(run(other.path(), &words.concat()).code, 0);
    assert_eq!(asked, text(&other.path().join("jellyfin.yml")));
    let same = text(&other.path().join("build/jellyfin/quadlet/jellyfin.container"));
    assert_eq!(unit, same);
}

#[test]
fn only_what_was_not_said_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["new", "wiki", "--image", "ghcr.io/requarks/wiki:2.5", "--memory", "2G"];
    let mut terminal = Terminal::run(folder.path(), &words);
    terminal.answer("The pattern [web-app-with-database]: ", "\n");
    let address = "The address under which it is reached [wiki.example.org]: ";
    terminal.answer(address, "\n");
    // The port and the variables are known of this image.
    terminal.answer("The database [postgresql]: ", "oracle\n");
    terminal.until("`oracle` is none of `postgresql`, `mariadb`; write one of these words\r\n");
    terminal.answer("The database [postgresql]: ", "\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    let stack = text(&folder.path().join("wiki.yml"));
    assert!(stack.contains("DB_PASS: \"${wiki_db_password}\"\n") && stack.contains("port: 3000\n"));
    // All is said: nothing is asked, though there is a terminal.
    let (code, shown) = Terminal::run(folder.path(), &JELLYFIN).end();
    assert!(code == Some(0) && !shown.contains("[4G]"), "{shown}");
}

#[test]
fn it_can_be_left_without_a_trace() {
    for (key, expected) in [("\x03", None), ("\x04", Some(3))] {
        for question in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let mut terminal = Terminal::run(folder.path(), &["new"]);
            let dialogue = [
                ("The name of the stack: ", "cache\n"),
                ("The pattern: ", "cache-service\n"),
                ("The image of the cache [docker.io/valkey/valkey:9]: ", "\n"),
            ];
            for (asked, answer) in &dialogue[..question] {
                terminal.answer(asked, answer);
            }
            terminal.answer(dialogue[question].0, key);
            let (code, shown) = terminal.end();
            // A shell tells the signal by 130, and so does `setsid --wait`, where it waits.
            assert!(code == expected || code == Some(130), "{key:?} {code:?} {shown}");
            assert_eq!(list(folder.path()).len(), 0, "{shown}");
        }
    }
}
