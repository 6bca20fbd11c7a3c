//! Stacks in short: one line for each unit.
//!
//! ```text
//! inner.network subnet=10.1.0.0/24
//! db.container image=db:1 net=inner does:ready=200
//! web.container needs=db env=2 about=The-site
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;

use stackwright::state::{ConfigurationFile, FileSet, Manifest, Settings, digest};

/// A stack as it comes out of the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub name: String,
    pub set: FileSet,
    pub settings: Settings,
}

impl Stack {
    /// Reads the lines; each is a file, and what is in it.
    pub fn new(lines: &str) -> Self {
        Self::named("shop", lines)
    }

    pub fn named(name: &str, lines: &str) -> Self {
        let mut set = FileSet::default();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (file, words) = line.split_once(' ').unwrap_or((line, ""));
            if let Some(path) = file.strip_prefix("files/") {
                let bytes = words.as_bytes().to_vec();
                set.files.insert(path.to_owned(), ConfigurationFile { bytes, mode: 0o644 });
                continue;
            }
            let text = unit(name, file, words);
            let (_, end) = file.rsplit_once('.').unwrap();
            let is_plain = ["service", "timer", "socket"].contains(&end);
            let units = if is_plain { &mut set.plain } else { &mut set.units };
            units.insert(file.to_owned(), text);
        }
        let settings = Settings {
            origin: format!("/home/a/{name}.yml").into(),
            settle_seconds: 5,
            keep: 3,
            ..Settings::default()
        };
        Self { name: name.to_owned(), set, settings }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub fn manifest(&self) -> Manifest {
        Manifest::of(&self.name, &self.set, self.settings.clone())
    }

    /// The names of all units with their texts.
    pub fn units(&self) -> BTreeMap<String, String> {
        self.set.all_units().map(|(file, text)| (file.to_owned(), text.to_owned())).collect()
    }
}

/// The text of a unit.
pub fn unit(stack: &str, file: &str, words: &str) -> String {
    let (stem, kind) = file.rsplit_once('.').unwrap();
    let section = match kind {
        "container" => "Container",
        "network" => "Network",
        "volume" => "Volume",
        _ => "Service",
    };
    let (words, does) = words.split_once("does:").unwrap_or((words, ""));
    let mut text = Sections::default();
    let is_quadlet = section != "Service";
    if is_quadlet {
        let name = words.split(' ').find_map(|word| word.strip_prefix("name=")).unwrap_or(stem);
        text.add(section, &format!("{section}Name={name}"));
    }
    if section == "Container" && !words.contains("image=") {
        text.add(section, &format!("Image={stem}:1"));
    }
    let mut is_manual = !matches!(section, "Container") && kind != "timer";
    let mut restarts = section == "Container";
    for word in words.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let value = value.replace('-', " ");
        match key {
            "needs" => {
                for other in value.split(',') {
                    text.add("Unit", &format!("Requires={other}.service"));
                    text.add("Unit", &format!("After={other}.service"));
                }
            }
            "wants" => {
                text.add("Unit", &format!("Wants={value}.service"));
                text.add("Unit", &format!("After={value}.service"));
            }
            "requires" => text.add("Unit", &format!("Requires={value}.service")),
            "binds" => {
                text.add("Unit", &format!("BindsTo={value}.service\nAfter={value}.service"));
            }
            "after" => {
                for other in value.split(',') {
                    text.add("Unit", &format!("After={other}.service"));
                }
            }
            "about" => text.add("Unit", &format!("Description={value}")),
            "image" => text.add(section, &format!("Image={value}")),
            "net" => text.add(section, &format!("Network={value}.network")),
            "outer-net" => text.add(section, &format!("Network={value}")),
            "vol" => text.add(section, &format!("Volume={value}.volume:/data")),
            "file" => text.add(section, &format!("Volume=%h/shop/files/{value}:/etc/x:ro")),
            "secret" => text.add(section, &format!("Secret={value},type=env,target=S")),
            "env" => text.add(section, &format!("Environment=V={value}")),
            "subnet" => text.add(section, &format!("Subnet={value}")),
            "options" => text.add(section, &format!("Options={value}")),
            "pull" => text.add(section, &format!("Pull={value}")),
            "start" => text.add("Service", &format!("TimeoutStartSec={value}")),
            "stop" => text.add("Service", &format!("TimeoutStopSec={value}")),
            "job" => text.add("Service", "Type=oneshot"),
            "stays" => text.add("Service", "RemainAfterExit=yes"),
            "direct" => text.add("Service", "RestartMode=direct"),
            "once" => restarts = false,
            "manual" => is_manual = true,
            "auto" => is_manual = false,
            "garbage" => text.add(section, "GARBAGE"),
            "name" => {}
            other => panic!("what is `{other}`?"),
        }
    }
    if restarts {
        text.add("Service", "Restart=always");
    }
    if !does.is_empty() {
        text.add("X-Test", &format!("Does={does}"));
    }
    if !is_manual {
        let target = if kind == "timer" { "timers.target" } else { "default.target" };
        text.add("Install", &format!("WantedBy={target}"));
    }
    let mut lines = text.text();
    // The section may be there for the description alone.
    let says_nothing = |line: &&str| line.starts_with("Description") || *line == "[Unit]";
    let essence: String = lines.lines().filter(|line| !says_nothing(line)).collect();
    let sum = digest(essence.as_bytes());
    let sum: String = sum.chars().take(16).collect();
    if is_quadlet {
        let labels = format!("Label=stackwright.stack={stack}\nLabel=stackwright.digest={sum}");
        text.add(section, &labels);
    }
    text.add("X-Stackwright", &format!("Stack={stack}\nDigest={sum}"));
    lines = text.text();
    lines
}

#[derive(Default)]
struct Sections(BTreeMap<String, String>);

impl Sections {
    fn add(&mut self, section: &str, line: &str) {
        let lines = self.0.entry(section.to_owned()).or_default();
        writeln!(lines, "{line}").unwrap();
    }

    fn text(&self) -> String {
        self.0.iter().map(|(section, lines)| format!("[{section}]\n{lines}")).collect()
    }
}
