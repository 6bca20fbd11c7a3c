//! How a container was started, against how its unit would start it: two calls of `podman run`.

use std::collections::{BTreeMap, BTreeSet};

/// Which part of a container a flag is about.
const ASPECTS: &[(&str, &[&str])] = &[
    ("environment", &["-e", "--env", "--env-file", "--env-host"]),
    ("mounts", &["-v", "--volume", "--mount", "--tmpfs", "--volumes-from"]),
    ("ports", &["-p", "--publish", "--expose"]),
    ("networks", &["--network", "--net", "--ip", "--ip6", "--mac-address"]),
    ("aliases", &["--network-alias"]),
    ("labels", &["-l", "--label", "--annotation"]),
    ("limits", &["-m", "--memory", "--memory-swap", "--memory-reservation", "--cpus", "--ulimit"]),
    ("limits", &["--pids-limit", "--cpu-shares", "--cpuset-cpus", "--shm-size"]),
    ("user", &["-u", "--user", "--userns", "--group-add", "--uidmap", "--gidmap"]),
    ("capabilities", &["--cap-add", "--cap-drop", "--security-opt", "--privileged"]),
    ("devices", &["--device", "--gpus"]),
    ("secrets", &["--secret"]),
];

/// Flags that take no value.
const ALONE: &[&str] = &[
    "-d",
    "--detach",
    "--rm",
    "--replace",
    "--init",
    "--read-only",
    "--privileged",
    "-i",
    "-t",
    "-it",
    "--interactive",
    "--tty",
    "--no-healthcheck",
    "--env-host",
    "--no-hosts",
    "--publish-all",
    "-P",
];

/// Flags by which Quadlet keeps its books: an upgrade of Podman changes them, and no container is
/// another one with them.
const BOOKS: &[&str] = &["--cidfile"];

/// Words in the names of variables whose values are never shown.
const HIDDEN: &[&str] = &["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"];

/// A call of `podman run` by its parts.
pub struct Call<'c> {
    /// Each flag with its values, in their order.
    flags: BTreeMap<&'c str, Vec<&'c str>>,
    image: &'c str,
    command: &'c [String],
}

impl<'c> Call<'c> {
    /// What a flag says that counts once.
    pub fn last(&self, flag: &str) -> Option<&'c str> {
        self.all(flag).last().copied()
    }

    /// All that a flag says.
    pub fn all(&self, flag: &str) -> &[&'c str] {
        self.flags.get(flag).map_or(&[], Vec::as_slice)
    }
}

/// Takes a call apart; nothing where it is none that starts a container.
pub fn parse(words: &[String]) -> Option<Call<'_>> {
    let run = words.iter().position(|word| word == "run" || word == "create")?;
    let mut flags: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut rest = words.get(run + 1..)?;
    while let [word, after @ ..] = rest {
        if !word.starts_with('-') {
            break;
        }
        rest = after;
        if let Some((flag, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
            flags.entry(flag).or_default().push(value);
        } else if ALONE.contains(&word.as_str()) {
            flags.entry(word).or_default().push("");
        } else if let [value, after @ ..] = rest {
            flags.entry(word).or_default().push(value);
            rest = after;
        }
    }
    let [image, command @ ..] = rest else { return None };
    Some(Call { flags, image, command })
}

/// Each part that differs: what it is about, how the unit would say it, how it was said.
pub fn differences(unit: &[String], container: &[String]) -> Vec<(&'static str, String, String)> {
    // The path of podman may be another one after an upgrade.
    if unit.get(1..) == container.get(1..) {
        return Vec::new();
    }
    let (Some(unit), Some(container)) = (parse(unit), parse(container)) else { return Vec::new() };
    let mut by_aspect: BTreeMap<&'static str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    let flags = unit.flags.keys().chain(container.flags.keys());
    let flags: BTreeSet<&&str> = flags.filter(|flag| !BOOKS.contains(flag)).collect();
    for flag in flags {
        let (wanted, actual) = (unit.all(flag), container.all(flag));
        let only = |one: &[&str], other: &[&str]| -> Vec<String> {
            let kept = one.iter().filter(|value| !other.contains(value));
            kept.map(|value| shown(flag, value)).collect()
        };
        let (missing, added) = (only(wanted, actual), only(actual, wanted));
        if !missing.is_empty() || !added.is_empty() {
            let both = by_aspect.entry(aspect(flag)).or_default();
            both.0.extend(missing);
            both.1.extend(added);
        }
    }
    let told = by_aspect.into_iter().map(|(aspect, (old, new))| (aspect, told(&old), told(&new)));
    let mut differences: Vec<_> = told.collect();
    if unit.image != container.image {
        differences.push(("image", unit.image.to_owned(), container.image.to_owned()));
    }
    if unit.command != container.command {
        differences.push(("command", unit.command.join(" "), container.command.join(" ")));
    }
    differences
}

fn aspect(flag: &str) -> &'static str {
    let known = ASPECTS.iter().find(|(_, flags)| flags.contains(&flag));
    match known {
        Some((aspect, _)) => aspect,
        None if flag.starts_with("--health") => "health check",
        None if flag.starts_with("--log") => "logging",
        None if flag.starts_with("--dns") || flag == "--add-host" => "names",
        None => "options",
    }
}

/// A value with its flag; that of a variable which sounds like a secret is not shown.
fn shown(flag: &str, value: &str) -> String {
    let name = value.split('=').next().unwrap_or(value);
    match (aspect(flag), is_hidden(name)) {
        ("environment", true) => format!("{flag} {name}=(hidden)"),
        _ if value.is_empty() => flag.to_owned(),
        _ => format!("{flag} {value}"),
    }
}

/// Whether the value of a variable may be one that nobody is to see.
pub fn is_hidden(name: &str) -> bool {
    let name = name.to_uppercase();
    HIDDEN.iter().any(|word| name.contains(word))
}

fn told(values: &[String]) -> String {
    if values.is_empty() { "nothing".to_owned() } else { values.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn another_quadlet_makes_no_other_container() {
        let container = words(
            "/usr/bin/podman run --name a --cidfile=/run/user/1000/a.cid --replace --rm \
             --cgroups=split --entrypoint [\"find\"] --stop-timeout 10 --network n \
             --pull newer img",
        );
        let unit = words(
            "/usr/bin/podman run --name a --replace --rm --cgroups=split --pull newer \
             --entrypoint=[\"find\"] --stop-timeout 10 --network n img",
        );
        assert_eq!(differences(&unit, &container), []);
    }

    #[test]
    fn a_call_is_compared_flag_by_flag() {
        let unit =
            words("/usr/bin/podman run --name web --rm -d --env A=1 -v /a:/b:ro img:1 serve");
        assert_eq!(differences(&unit, &unit), []);
        let other =
            words("podman run --name web -d --env=A=2 --env MY_TOKEN=x -v /a:/b img:2 serve -v");
        let found = differences(&unit, &other);
        let lines: Vec<String> = found
            .iter()
            .map(|(aspect, wanted, actual)| format!("{aspect}: {wanted} / {actual}"))
            .collect();
        assert_eq!(
            lines,
            [
                "environment: --env A=1 / --env A=2, --env MY_TOKEN=(hidden)",
                "mounts: -v /a:/b:ro / -v /a:/b",
                "options: --rm / nothing",
                "image: img:1 / img:2",
                "command: serve / serve -v",
            ]
        );
    }
}
