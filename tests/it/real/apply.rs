//! The whole program on a real host: stacks come up with one command, and what fails, dies or is
//! cut off leaves the old state or the new one, and strangers as they were.

mod failures;
mod five;
mod gate;
mod ids;
mod kept;
mod killed;
mod pace;
mod preflight;
mod ready;
mod resumed;
mod score;
mod secrets;
mod servers;
mod stacks;
mod system;
mod together;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;

use super::{Host, lab, suite};
use crate::support::{Run, write};

/// Where the program lies on a host.
pub const PROGRAM: &str = "/opt/stackwright";

/// Tells what there is on a host, one thing a line. A line that begins with `id` tells which one it
/// is, and not only that it is there; the store of our stacks is left out.
const LOOK: &str = r#"#!/bin/bash
cd "$HOME"
find .config .local/state -path '*/stackwright/stacks' -prune -o ! -type d \
    -printf 'file %p %m %l\nid file:%p %i:%T@:%s\n'
units=$(cd "$XDG_RUNTIME_DIR/systemd/generator" 2> /dev/null && ls -d -- *.service)
for unit in $units; do
    systemctl --user show -p Id -p ActiveState -p SourcePath -p InvocationID "$unit" |
        awk -F= '{ v[$1] = $2 } END {
            sub(".*/stacks/", "", v["SourcePath"])
            print "unit", v["Id"], v["ActiveState"], v["SourcePath"]
            print "id unit:" v["Id"], v["InvocationID"] }'
done
podman ps -a --format \
    'container {{.Names}} {{.State}} {{.Image}} {{index .Labels "stackwright.digest"}}
id container:{{.Names}} {{.ID}} {{.StartedAt}}'
podman network ls --format 'network {{.Name}}
id network:{{.Name}} {{.ID}}'
podman volume ls --format 'volume {{.Name}}'
podman secret ls --format 'secret {{.Name}}
id secret:{{.Name}} {{.ID}}'
podman unshare sh -c 'cd ~/.local/share/containers/storage/volumes/other/_data && md5sum *' |
    sed 's/^/volume-of other /'
for stack in .local/state/stackwright/stacks/*/; do
    [ ! -e "$stack/current" ] || echo "current $(basename "$stack") $(readlink "$stack/current")"
    [ ! -e "$stack/journal" ] || echo "journal $stack"
done
"#;

/// What was there before us, and must be there as it was at any time.
const STRANGER: &str = r"set -e
mkdir -p ~/.config/containers/systemd/web.container.d ~/.config/systemd/user/db.service.d
cat > ~/.config/containers/systemd/other.container << END
[Container]
ContainerName=other
Image=docker.io/library/base:1
Pull=never
Exec=serve
Network=other.network
Volume=other.volume:/other
StopTimeout=1
[Install]
WantedBy=default.target
END
printf '[Network]\nNetworkName=other\n' > ~/.config/containers/systemd/other.network
printf '[Volume]\nVolumeName=other\n' > ~/.config/containers/systemd/other.volume
printf '[Service]\nNice=5\n' > ~/.config/containers/systemd/web.container.d/other.conf
printf '[Service]\nNice=6\n' > ~/.config/systemd/user/db.service.d/other.conf
echo key | podman secret create other - > /dev/null
systemctl --user daemon-reload
systemctl --user start other.service
podman exec other sh -c 'echo data > /other/kept'
";

/// A host with the program, an image, and something that is not ours.
pub struct Ground {
    /// The host.
    pub host: Host,
    strangers: Look,
}

impl Ground {
    /// A fresh one; nothing where no suite is tried.
    pub fn new(name: &str) -> Option<Self> {
        let host = suite()?.host(&format!("apply-{name}"));
        host.lab("image", &["docker.io/library/base:1"]);
        let program = host.path(PROGRAM);
        // One that a benchmark wants to be tried may be told.
        let tried = std::env::var_os("STACKWRIGHT_PROGRAM");
        let tried = tried.unwrap_or_else(|| env!("CARGO_BIN_EXE_stackwright").into());
        std::fs::copy(tried, program).unwrap();
        host.user(&["bash", "-c", STRANGER]);
        let mut ground = Self { host, strangers: Look::default() };
        ground.script("look", LOOK);
        // Disks and pressure are those of the machine below, which may be anything but well.
        ground.limits(0, 0);
        ground.strangers = ground.look().of_strangers();
        assert!(ground.strangers.shape.len() >= 9, "{:#?}", ground.strangers);
        Some(ground)
    }

    /// Puts a program onto the host.
    pub fn script(&self, name: &str, text: &str) {
        let path = self.host.path("opt").join(name);
        write(&path, text);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// How well the host must be for a deployment.
    pub fn limits(&self, refuse: u32, ask: u32) {
        let text = format!("health: {{ refuse: {refuse}, ask: {ask} }}\n");
        write(&self.host.path("srv/.stackwright.yml"), &text);
    }

    /// Puts a stack file onto the host, as `/srv/NAME.yml`.
    pub fn stack(&self, name: &str, text: &str) {
        write(&self.host.path("srv").join(format!("{name}.yml")), text);
    }

    /// Runs any command as the user.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["exec", &self.host.name];
        all.extend(arguments);
        let Output { status, stdout, stderr } = lab(&all).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Run { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    }

    /// Runs the program as the user.
    pub fn program(&self, arguments: &[&str]) -> Run {
        self.run(&[&[PROGRAM], arguments].concat())
    }

    /// Runs the program, which must end with a code.
    pub fn ends(&self, code: i32, arguments: &[&str]) -> Run {
        let run = self.program(arguments);
        assert_eq!(run.code, code, "{arguments:?}\n{}\n{}", run.out, run.err);
        run
    }

    /// Brings a stack file up.
    pub fn up(&self, name: &str) -> Run {
        self.ends(0, &["apply", &format!("/srv/{name}.yml"), "--yes"])
    }

    /// What the user's journal says of something, as soon as that is what is waited for: what a
    /// program says last may come there behind what is said of its end.
    pub fn log(&self, of: &[&str], is: impl Fn(&str) -> bool) -> String {
        for _ in 0..100 {
            let log = self.host.user(&[&["journalctl", "--user", "-o", "cat"], of].concat());
            if is(&log) {
                return log;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        panic!("{of:?}: {}", self.host.user(&["journalctl", "--user", "-n", "200"]));
    }

    /// What there is.
    pub fn look(&self) -> Look {
        Look::read(&self.host.user(&["/opt/look"]))
    }

    /// The same where the host was started anew: others run, in the same way.
    pub fn strangers_stand(&self) {
        let (mut now, mut before) = (self.look().of_strangers(), self.strangers.clone());
        for look in [&mut now, &mut before] {
            look.ids
                .retain(|name, _| !name.starts_with("container:") && !name.starts_with("unit:"));
        }
        assert_eq!(now, before);
    }

    /// Looks at the end of a test whether what is not ours is as it was.
    pub fn strangers_are_untouched(&self) {
        let now = self.look().of_strangers();
        assert_eq!(now, self.strangers);
    }
}

/// What there is on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// That it is there, and how.
    pub shape: BTreeSet<String>,
    /// Which one it is.
    pub ids: BTreeMap<String, String>,
}

impl Look {
    fn read(told: &str) -> Self {
        let mut look = Self::default();
        for line in told.lines() {
            match line.strip_prefix("id ").and_then(|id| id.split_once(' ')) {
                Some((name, id)) => {
                    look.ids.insert(name.to_owned(), id.to_owned());
                }
                None => {
                    look.shape.insert(line.trim_end().to_owned());
                }
            }
        }
        look
    }

    fn of_strangers(mut self) -> Self {
        self.shape.retain(|line| line.contains("other"));
        self.ids.retain(|name, _| name.contains("other"));
        self
    }

    /// Without volumes, and secrets and their data: they stay, whatever happens.
    pub fn without_data(mut self) -> Self {
        let is_data = |name: &str| name.starts_with("volume ") || name.starts_with("secret ");
        self.shape.retain(|line| !is_data(line));
        self.ids.retain(|name, _| !name.starts_with("secret:"));
        self
    }

    /// Which containers are others than before.
    pub fn restarted<'l>(&'l self, before: &'l Self) -> Vec<&'l str> {
        let containers = self.ids.iter().filter_map(|(name, id)| {
            let container = name.strip_prefix("container:")?;
            (before.ids.get(name) != Some(id)).then_some(container)
        });
        containers.collect()
    }
}

/// The lines that a run told for scripts.
pub fn events(run: &Run) -> Vec<Value> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A stack of three services, one after the other, that starts at once. What stands for `MORE`
/// is added to the last one, and `SETTLE` is how long all must stay up.
const SHOP: &str = r#"
stack: { name: shop, description: A shop }
deployment: { timeouts: { settle: SETTLE, per_service_deployment: 20s } }
shared: { networks: [inner] }
networks: { inner: {} }
volumes: { kept: {} }
services:
  - name: db
    description: DESCRIPTION
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, touch, /tmp/ready]
      volumes: ["kept:/kept"]
      environment: { VERSION: "DATABASE" }
      health_check: { command: [CMD, test, -e, /tmp/ready], interval: 1s, timeout: 2s }
  - name: bot
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      environment: { VERSION: "BOT" }
  - name: web
    dependencies: [db]
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, httpd, -f, -p, "8080"]
      environment: { VERSION: "WEB" }
      ports: ["127.0.0.1:8080:8080"]
      health_check:
        command: wget -q -O /dev/null http://127.0.0.1:8080/etc/passwd
        interval: 1s
        timeout: 2s
"#;

/// The shop with some words in it replaced by others.
pub fn shop(changes: &[(&str, &str)]) -> String {
    let mut text = SHOP.to_owned();
    let usual = [("SETTLE", "0s"), ("DESCRIPTION", "What it sells")];
    let usual = usual.into_iter().chain([("DATABASE", "1"), ("BOT", "1"), ("WEB", "1")]);
    for (word, by) in changes.iter().copied().chain(usual) {
        text = text.replace(word, by);
    }
    text
}
