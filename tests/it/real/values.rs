//! Every value comes out as it went in: stack file, units, the real Quadlet, systemd, podman.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use stackwright::emit::{Scope, quadlet};
use stackwright::host::memory::Memory;

use super::{Host, Suite, suite};
use crate::generate::{Wanted, files_of};
use crate::support::{text, write};

/// How many services are tried by the recorder, and how many by Podman itself.
const RECORDED: usize = 2000;
const INSPECTED: usize = 50;

/// What has hurt somebody: specifiers, variables, quotes, escapes, comments, blanks of all kinds,
/// controls, what is not ASCII.
const ALPHABET: &[&str] = &[
    "a",
    "Z",
    "0",
    "_",
    "-",
    ".",
    "/",
    ":",
    "=",
    ",",
    "@",
    "+",
    " ",
    "  ",
    "%",
    "%%",
    "%h",
    "%n",
    "%i",
    "%z",
    "%20",
    "$",
    "$$",
    "$HOME",
    "${HOME}",
    "${X:-y}",
    "${",
    "\"",
    "'",
    "\\",
    "\\n",
    "\\x41",
    "\\\\",
    ";",
    " ; ",
    "#",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    "|",
    "&",
    "&&",
    "*",
    "?",
    "!",
    "~",
    "^",
    "`",
    "\n",
    "\r",
    "\t",
    "\u{1}",
    "\u{1b}[0m",
    "\u{7f}",
    "é",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "😀",
    "\n[Service]\nExecStart=/bin/false\n",
    "\nEnvironment=X=1",
    "--privileged",
    "\\\n",
];

/// Random numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    /// A text of some letters that may be used.
    fn text(&mut self, length: usize, may: impl Fn(&str) -> bool) -> String {
        let letters: Vec<&&str> = ALPHABET.iter().filter(|letter| may(letter)).collect();
        let length = self.below(length + 1);
        (0..length).map(|_| *letters[self.below(letters.len())]).collect()
    }
}

/// What one service is given, and what must arrive.
pub struct Given {
    /// Variables.
    pub environment: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The command.
    pub command: Vec<String>,
    /// The health command, behind `CMD` or `CMD-SHELL`.
    pub health: Vec<String>,
    /// The folder that it sees at `/data`.
    pub source: String,
}

impl Given {
    /// Values of all kinds.
    pub fn new(random: &mut Random) -> Self {
        let any = |_: &str| true;
        let environment = (0..3 + random.below(2))
            .map(|number| (format!("KEY_{number}"), random.text(9, any)))
            .collect();
        let labels = (0..3 + random.below(2))
            .map(|number| (format!("org.example.{number}"), random.text(9, any)))
            .collect();
        let word = |random: &mut Random| loop {
            let word = random.text(6, any);
            if !word.is_empty() && word != ";" {
                break word;
            }
        };
        let command = (0..=random.below(6)).map(|_| word(random)).collect();
        let is_shell = random.below(2) == 0;
        let health = if is_shell {
            vec!["CMD-SHELL".to_owned(), word(random)]
        } else {
            let words = ["CMD", "test"].map(str::to_owned).into_iter();
            words.chain((0..=random.below(3)).map(|_| word(random))).collect()
        };
        // Paths of mounts end at a colon, and hold nothing that cannot be seen.
        let visible = |letter: &str| {
            !letter.contains(':')
                && letter.chars().all(|c| c == ' ' || (' '..'\u{7f}').contains(&c))
        };
        let source = format!("/srv/d{}x", random.text(6, visible).replace("/.", "/x"));
        Self { environment, labels, command, health, source }
    }

    /// Adds the service to a stack, with more lines of its configuration.
    pub fn write(&self, name: &str, more: &str, stack: &mut String) {
        write!(stack, "  - name: {name}\n    configuration:\n{more}").unwrap();
        let map = |key: &str, map: &BTreeMap<String, String>, stack: &mut String| {
            writeln!(stack, "      {key}:").unwrap();
            for (name, value) in map {
                writeln!(stack, "        {name}: {}", quoted(value)).unwrap();
            }
        };
        map("environment", &self.environment, stack);
        map("labels", &self.labels, stack);
        let list = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>();
        writeln!(stack, "      command: [{}]", list(&self.command).join(", ")).unwrap();
        writeln!(
            stack,
            "      health_check: {{ command: [{}], interval: 1h }}",
            list(&self.health).join(", ")
        )
        .unwrap();
        writeln!(stack, "      volumes: [{{ source: {}, target: /data }}]", quoted(&self.source))
            .unwrap();
    }
}

/// A text as YAML has it, with its dollars kept from being variables.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '$' => out.push_str("$$"),
            c if c.is_control() || !c.is_ascii() => write!(out, "\\U{:08x}", u32::from(c)).unwrap(),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Compiles services and gives them to a host.
fn install(suite: &Suite, host: &Host, given: &[Given], more: &str) {
    let mut stack = String::from("stack:\n  name: hostile\nservices:\n");
    for (number, given) in given.iter().enumerate() {
        given.write(&format!("svc-{number}"), more, &mut stack);
    }
    let look = Memory::with([("/srv/stacks/hostile.yml", stack.as_str())]);
    let wanted = Wanted::for_target(quadlet::Target { podman: suite.podman, scope: Scope::User });
    let files = files_of(Path::new("/srv/stacks/hostile.yml"), &look, &wanted);
    host.install("hostile", &files.unwrap_or_else(|told| panic!("{told}")));
}

#[test]
fn hostile_values_arrive_byte_for_byte() {
    let Some(suite) = suite() else { return };
    let host = suite.host("values");
    host.lab("record", &[]);
    let mut random = Random(0x5eed);
    let given: Vec<Given> = (0..RECORDED).map(|_| Given::new(&mut random)).collect();
    let image = "      image: docker.io/library/hostile:1\n      systemd: { notify: started }\n";
    install(&suite, &host, &given, image);
    let names: Vec<String> = (0..RECORDED).map(|number| format!("svc-{number}.service")).collect();
    for part in names.chunks(200) {
        let mut command = vec!["systemctl", "--user", "start", "--no-block"];
        command.extend(part.iter().map(String::as_str));
        host.user(&command);
    }
    host.user(&["sh", "-c", "while systemctl --user list-jobs | grep -q svc-; do sleep 0.2; done"]);
    let plain = keys_of(&host, "svc-0.service");
    let mut problems = Vec::new();
    for (number, given) in given.iter().enumerate() {
        let path = host.path(&format!("var/tmp/record/svc-{number}.service"));
        let recorded = if path.exists() { text_of(&path) } else { Vec::new() };
        if let Err(told) = arrived(given, &recorded) {
            problems.push(format!("svc-{number}: {told}\n  {recorded:?}"));
        }
        if keys_of(&host, &format!("svc-{number}.service")) != plain {
            problems.push(format!("svc-{number} has keys that are not meant"));
        }
    }
    assert!(
        problems.is_empty(),
        "{} of {RECORDED}\n{}",
        problems.len(),
        problems[..3.min(problems.len())].join("\n")
    );
}

/// The recorded words, each of which ends in a NUL.
fn text_of(path: &Path) -> Vec<String> {
    let text = text(path);
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// How often each key stands in a generated service.
fn keys_of(host: &Host, name: &str) -> BTreeMap<String, usize> {
    let folder = host.path("run/user/1000/systemd/generator");
    let path = folder.join(name);
    let text = if path.exists() {
        text(&path)
    } else {
        host.user(&["cat", &format!("/run/user/1000/systemd/generator/{name}")])
    };
    let mut keys = BTreeMap::new();
    let mut section = "";
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        if line.starts_with('[') {
            section = line;
        }
        // What the section of Quadlet itself holds is for people.
        if !section.starts_with("[X-") {
            let key = line.split('=').next().unwrap();
            *keys.entry(format!("{section}{key}")).or_insert(0) += 1;
        }
    }
    // Spaces keep a path from being one of these.
    keys.retain(|key, _| !key.ends_with("RequiresMountsFor"));
    keys
}

fn arrived(given: &Given, recorded: &[String]) -> Result<(), String> {
    let pairs = |flag: &str| -> BTreeMap<String, String> {
        let values = recorded.windows(2).filter(|pair| pair[0] == flag).map(|pair| &pair[1]);
        values
            .filter_map(|value| value.split_once('='))
            .map(|(k, v)| (k.into(), v.into()))
            .collect()
    };
    let image = recorded.iter().position(|word| word == "docker.io/library/hostile:1");
    let image = image.ok_or("nothing was recorded")?;
    let same = |what: &str, same: bool| if same { Ok(()) } else { Err(format!("{what} differs")) };
    same("command", recorded[image + 1..] == given.command)?;
    same("environment", pairs("--env") == given.environment)?;
    let mut labels = pairs("--label");
    labels.retain(|name, _| !name.starts_with("stackwright."));
    same("labels", labels == given.labels)?;
    let health = recorded.windows(2).find(|pair| pair[0] == "--health-cmd").map(|pair| &pair[1]);
    let health = health.ok_or("there is no health command")?;
    let health: Vec<String> = serde_json::from_str(health).map_err(|error| error.to_string())?;
    let words = match given.health[0].as_str() {
        "CMD" => &given.health[1..],
        _ => &given.health[..],
    };
    same("health command", health == words)?;
    let mount = format!("{}:/data", given.source);
    let by_key = recorded.windows(2).any(|pair| pair[0] == "-v" && pair[1] == mount);
    let by_flag = recorded.contains(&format!("--volume={mount}"));
    same("mount", by_key || by_flag)
}

#[test]
fn podman_shows_hostile_values_as_they_were_given() {
    let Some(suite) = suite() else { return };
    let host = suite.host("inspect");
    host.lab("image", &["docker.io/library/hostile:1"]);
    let mut random = Random(0xfeed);
    let given: Vec<Given> = (0..INSPECTED).map(|_| Given::new(&mut random)).collect();
    let more = "      image: docker.io/library/hostile:1\n      pull_policy: never\n      \
                entrypoint: [sh, -c, exec serve, sh]\n      systemd: { notify: started }\n";
    for given in &given {
        write(&host.path(&given.source).join("keep"), "");
    }
    install(&suite, &host, &given, more);
    for number in 0..INSPECTED {
        host.user(&["systemctl", "--user", "start", &format!("svc-{number}.service")]);
    }
    for (number, given) in given.iter().enumerate() {
        let shown = host.user(&["podman", "inspect", &format!("svc-{number}")]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let shown = &shown[0];
        let strings = |value: &Value| -> Vec<String> {
            let items = value.as_array().into_iter().flatten();
            items.map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        let environment = strings(&shown["Config"]["Env"]);
        for (name, value) in &given.environment {
            assert!(
                environment.contains(&format!("{name}={value}")),
                "svc-{number}: {environment:?}"
            );
        }
        for (name, value) in &given.labels {
            assert_eq!(shown["Config"]["Labels"][name], value.as_str(), "svc-{number}");
        }
        assert_eq!(strings(&shown["Config"]["Cmd"]), given.command, "svc-{number}");
        assert_eq!(strings(&shown["Config"]["Healthcheck"]["Test"]), given.health, "svc-{number}");
        assert_eq!(shown["Mounts"][0]["Source"], given.source.as_str(), "svc-{number}");
    }
}
