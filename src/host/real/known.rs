//! What is known of this machine, out of the tables of the kernel and the files of the system.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the machine")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::super::change::Fault;
use super::super::disk;
use super::super::known::{Asked, Known, Listening, Memory};
use super::process::{Limits, Output, run};
use super::{Scope, clock, fault, paths, ports};

/// How long the servers of names may take; a name that takes longer is not judged.
const NAME_TIME: Duration = Duration::from_secs(2);

/// How many names are asked for.
const NAMES_MAX: usize = 32;

/// How long the service that knows about the clock may take to start and answer.
const CLOCK_TIME: Duration = Duration::from_secs(5);

/// Says that the clock belongs to another machine, and what systemd found that to be.
const CONTAINER: &str = "/run/systemd/container";

/// What this machine is called in images, beside what the compiler calls it.
const ARCHITECTURES: [(&str, &str); 6] = [
    ("x86_64", "amd64"),
    ("x86", "386"),
    ("aarch64", "arm64"),
    ("powerpc64", "ppc64le"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
];

/// Finds out all that is asked, what takes its time side by side.
pub fn known(scope: Scope, user: String, asked: &Asked<'_>) -> Result<Known, Fault> {
    let uid = disk::user();
    let given = |file: &str| sub_ids(&text(file), &user, uid);
    let (users, groups) = (given("/etc/subuid"), given("/etc/subgid"));
    let count = |ranges: &[Range<u64>]| ranges.iter().map(|range| range.end - range.start).sum();
    let fewest = u64::min(count(&users), count(&groups));
    let lingers = scope == Scope::System || is_there(&format!("/var/lib/systemd/linger/{user}"))?;
    let runtime_folder = PathBuf::from(super::runtime_folder());
    let mut paths = asked.paths.clone();
    paths.insert(&runtime_folder);
    let (is_clock_set, names) = thread::scope(|threads| {
        let clock = threads.spawn(|| asked.clock.then(is_clock_set).flatten());
        let names = addresses_of(&asked.names);
        (clock.join().unwrap_or_default(), names)
    });
    Ok(Known {
        uid,
        lingers,
        sub_ids: (fewest > 0 || !asks_a_directory(&text("/etc/nsswitch.conf"))).then_some(fewest),
        controllers: controllers(scope, uid),
        first_port: match uid {
            0 => 0,
            _ => number(&text("/proc/sys/net/ipv4/ip_unprivileged_port_start")).unwrap_or(1024),
        },
        memory: memory(&text("/proc/meminfo")),
        is_clock_set,
        architectures: architectures(),
        enforces_labels: text("/sys/fs/selinux/enforce").trim() == "1",
        addresses: addresses(&text("/proc/net/fib_trie"), &text("/proc/net/if_inet6")),
        listening: listening()?,
        names,
        paths: paths::standing(&paths, &users),
        runtime_folder,
        user,
    })
}

/// What a file of the system says; nothing where there is none.
fn text(path: &str) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn is_there(path: &str) -> Result<bool, Fault> {
    let path = Path::new(path);
    path.try_exists().map_err(|error| fault::at("look at", path, &error))
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

/// The numbers that a user may give away, out of `/etc/subuid` or `/etc/subgid`.
fn sub_ids(table: &str, user: &str, uid: u32) -> Vec<Range<u64>> {
    let ranges = table.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let owner = fields.next()?;
        let (first, count): (u64, u64) = (number(fields.next()?)?, number(fields.next()?)?);
        let is_own = owner == user || number(owner) == Some(uid);
        is_own.then(|| first..first.saturating_add(count))
    });
    ranges.collect()
}

/// Whether another directory than the files knows which numbers may be given away.
fn asks_a_directory(switch: &str) -> bool {
    switch.lines().any(|line| line.trim_start().starts_with("subid:"))
}

/// What the kernel limits for the services of this scope.
fn controllers(scope: Scope, uid: u32) -> Option<BTreeSet<String>> {
    let folder = match scope {
        Scope::System => "/sys/fs/cgroup".to_owned(),
        Scope::User => format!("/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service"),
    };
    let told = fs::read_to_string(Path::new(&folder).join("cgroup.controllers")).ok()?;
    Some(told.split_whitespace().map(str::to_owned).collect())
}

fn memory(told: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        number::<u64>(line.trim().trim_end_matches("kB")).map(|kib| kib << 10)
    };
    Some(Memory { total: bytes("MemTotal")?, available: bytes("MemAvailable")? })
}

/// What this machine runs, by itself or by an emulator that the kernel knows.
fn architectures() -> BTreeSet<String> {
    let image = |name: &str| {
        let known = ARCHITECTURES.iter().find(|(ours, _)| *ours == name);
        known.map_or(name, |(_, theirs)| *theirs).to_owned()
    };
    let emulated = fs::read_dir("/proc/sys/fs/binfmt_misc").into_iter().flatten();
    let emulated = emulated.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.strip_prefix("qemu-").map(image)
    });
    emulated.chain([image(std::env::consts::ARCH)]).collect()
}

/// The addresses of this machine, out of the routes that lead to itself.
fn addresses(routes: &str, table: &str) -> BTreeSet<IpAddr> {
    let mut addresses = BTreeSet::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in routes.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line == "/32 host LOCAL" {
            addresses.extend(last.map(IpAddr::from));
        }
    }
    let v6 = table.lines().filter_map(|line| line.split_whitespace().next());
    let v6 = v6.filter_map(|digits| u128::from_str_radix(digits, 16).ok());
    addresses.extend(v6.map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits))));
    addresses
}

fn listening() -> Result<Vec<Listening>, Fault> {
    let mut all = Vec::new();
    for (name, udp) in ports::TABLES {
        let path = Path::new("/proc/net").join(name);
        match fs::read_to_string(&path) {
            Ok(table) => all.extend(ports::read(&table, udp)),
            // A kernel without IPv6 has half of them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fault::at("read", &path, &error)),
        }
    }
    all.sort();
    Ok(all)
}

/// The addresses of names, all of them asked at the same time.
fn addresses_of(names: &BTreeSet<&str>) -> BTreeMap<String, BTreeSet<IpAddr>> {
    let (sender, told) = mpsc::channel();
    for name in names.iter().take(NAMES_MAX) {
        let (sender, name) = (sender.clone(), (*name).to_owned());
        // Nothing ends a question that was asked, but nobody has to wait for its answer.
        thread::spawn(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            let addresses = match found {
                Ok(found) => Some(found.map(|one| one.ip().to_canonical()).collect()),
                Err(error) => (!is_passing(&error)).then(BTreeSet::new),
            };
            let _nobody_waits = sender.send((name, addresses));
        });
    }
    drop(sender);
    let until = clock::now() + NAME_TIME;
    let mut all = BTreeMap::new();
    while let Ok((name, addresses)) = told.recv_timeout(clock::left(until)) {
        all.extend(addresses.map(|addresses| (name, addresses)));
    }
    all
}

/// Whether a server of names did not answer, and did not say that there is no such name.
fn is_passing(error: &io::Error) -> bool {
    let why = error.to_string();
    ["Temporary failure", "Try again"].iter().any(|words| why.contains(words))
}

/// Whether somebody sets the clock; a container has that of its machine.
fn is_clock_set() -> Option<bool> {
    if Path::new(CONTAINER).exists() {
        return None;
    }
    let mut command = Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]).env("LC_ALL", "C");
    let limits =
        Limits { time: CLOCK_TIME, input: &[], output: Output::All(1 << 10), interrupts: None };
    let ended = run("ask whether the clock is set", &mut command, &limits).ok()?;
    match String::from_utf8_lossy(&ended.out).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROUTES: &str = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.7
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
";
    const TABLE: &str = "00000000000000000000000000000001 01 80 10 80       lo\n";

    #[test]
    fn the_tables_of_the_system_are_read() {
        let table = "root:1:2\nuser:100000:65536\n1000:300000:10\nuser:x:y\nuser:7\n";
        assert_eq!(sub_ids(table, "user", 1000), [100_000..165_536, 300_000..300_010]);
        assert_eq!(sub_ids(table, "other", 7), []);
        let told = "MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n";
        assert_eq!(memory(told), Some(Memory { total: 2 << 20, available: 1 << 20 }));
        assert_eq!(memory("MemTotal: lots\n"), None);
        let all: Vec<String> = addresses(ROUTES, TABLE).iter().map(ToString::to_string).collect();
        assert_eq!(all, ["127.0.0.1", "192.0.2.7", "::1"]);
        assert!(asks_a_directory("passwd: files\nsubid: sss\n") && !asks_a_directory("passwd: a"));
    }

    #[test]
    fn a_name_of_this_machine_has_its_address() {
        let names = BTreeSet::from(["localhost"]);
        let own = addresses(&text("/proc/net/fib_trie"), &text("/proc/net/if_inet6"));
        let found = addresses_of(&names);
        let found = found.get("localhost").into_iter().flatten().collect::<Vec<_>>();
        assert!(!found.is_empty() && found.iter().any(|one| own.contains(one)), "{found:?}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_breaks_it(
            told in "(:|/32 host LOCAL|\\|-- |[0-9a-f]{1,40}| |\n|\u{e9}|user|MemTotal|kB){0,40}",
        ) {
            let _read = (sub_ids(&told, "user", 1), memory(&told), addresses(&told, &told));
        }
    }
}
