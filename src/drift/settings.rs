//! What can be changed of a container while it runs, against how it was started: limits, health
//! checks and variables by `podman update`, networks by `podman network connect`.

use std::collections::{BTreeMap, BTreeSet};

use super::call::{Call, is_hidden, parse};
use crate::host::containers::{Inspected, Joined};

/// A difference: of what, how it should be, how it is.
pub type Difference = (&'static str, String, String);

/// How the value of a flag is written, so that two of them can be compared.
#[derive(Clone, Copy)]
enum Kind {
    Bytes,
    Processors,
    Number,
    Text,
    Time,
    Test,
}

/// Each flag with its kind, and what Podman takes where it is not said; nothing where that is up to
/// the image or the configuration of Podman.
const FLAGS: &[(&str, Kind, Option<&str>)] = &[
    ("--memory", Kind::Bytes, Some("0")),
    ("--memory-reservation", Kind::Bytes, Some("0")),
    ("--cpus", Kind::Processors, Some("0")),
    ("--cpu-shares", Kind::Number, Some("0")),
    ("--cpuset-cpus", Kind::Text, Some("")),
    ("--cpuset-mems", Kind::Text, Some("")),
    ("--blkio-weight", Kind::Number, Some("0")),
    ("--pids-limit", Kind::Number, None),
    ("--health-cmd", Kind::Test, None),
    ("--health-interval", Kind::Time, None),
    ("--health-timeout", Kind::Time, None),
    ("--health-retries", Kind::Number, None),
    ("--health-start-period", Kind::Time, None),
];

/// The limits of processes that Podman sets by itself: none, or its own default.
const USUAL_PIDS: [&str; 3] = ["0", "-1", "2048"];

/// Ways to be connected that are no network of Podman.
const MODES: [&str; 7] = ["host", "none", "private", "pasta", "slirp4netns", "bridge", "ns"];

/// What was changed while it ran.
pub fn differences(container: &Inspected) -> Vec<Difference> {
    let Some(call) = parse(&container.command) else { return Vec::new() };
    let mut differences = Vec::new();
    for (flag, kind, usual) in FLAGS {
        let Some(actual) = container.settings.get(flag) else { continue };
        let said = call.last(flag).or(match *flag {
            "--memory" => call.last("-m"),
            _ => None,
        });
        let wanted = match said {
            Some(said) => canonical(*kind, said),
            None if *flag == "--pids-limit" && !USUAL_PIDS.contains(&actual.as_str()) => {
                Some("the default".to_owned())
            }
            None => usual.map(str::to_owned),
        };
        let Some(wanted) = wanted else { continue };
        if wanted != *actual {
            let aspect = if flag.starts_with("--health") { "health check" } else { "limits" };
            let wanted = said.unwrap_or(if wanted == "the default" { &wanted } else { "nothing" });
            let wanted = format!("{flag} {wanted}");
            differences.push((aspect, wanted, format!("{flag} {}", shown(*kind, actual))));
        }
    }
    differences.extend(swap(&call, container));
    differences.extend(networks(&call, container));
    differences
}

/// Where nothing is said, as much swap as memory is added to the memory; systems without swap have
/// none to limit.
fn swap(call: &Call<'_>, container: &Inspected) -> Option<Difference> {
    let flag = "--memory-swap";
    let number = |flag: &str| container.settings.get(flag)?.parse::<i64>().ok();
    let (memory, actual) = (number("--memory")?, number(flag)?);
    let said = call.last(flag);
    let is_same = match said {
        Some(said) => canonical(Kind::Bytes, said)? == actual.to_string(),
        None => actual <= 0 || actual == memory.saturating_mul(2),
    };
    let wanted = said.map_or_else(|| memory.saturating_mul(2).to_string(), str::to_owned);
    (!is_same).then(|| ("limits", format!("{flag} {wanted}"), format!("{flag} {actual}")))
}

fn canonical(kind: Kind, said: &str) -> Option<String> {
    match kind {
        Kind::Bytes if said == "-1" => Some(said.to_owned()),
        Kind::Bytes => bytes(said).map(|bytes| bytes.to_string()),
        Kind::Processors => billionths(said).map(|number| number.to_string()),
        Kind::Number => said.parse::<i64>().ok().map(|number| number.to_string()),
        Kind::Text => Some(said.to_owned()),
        Kind::Time => nanoseconds(said).map(|time| time.to_string()),
        Kind::Test => Some(test(said)),
    }
}

/// A value as Podman has it, as people write it.
fn shown(kind: Kind, actual: &str) -> String {
    let number = actual.parse::<u64>().unwrap_or(0);
    match kind {
        Kind::Processors => format!("{}.{:03}", number / NANO, number % NANO / 1_000_000),
        Kind::Time => format!("{}ms", number / 1_000_000),
        _ if actual.is_empty() => "nothing".to_owned(),
        _ => actual.to_owned(),
    }
}

const NANO: u64 = 1_000_000_000;

/// The words of a health check, without how it is run.
fn test(said: &str) -> String {
    let Ok(words) = serde_json::from_str::<Vec<String>>(said) else {
        return said.strip_prefix("CMD ").unwrap_or(said).to_owned();
    };
    match words.split_first() {
        Some((first, rest)) if matches!(first.as_str(), "CMD" | "CMD-SHELL") => rest.join(" "),
        _ => words.join(" "),
    }
}

/// A size of Podman in bytes.
fn bytes(text: &str) -> Option<i64> {
    let text = text.trim_end_matches(['i', 'B']).trim_end_matches(['i', 'I']);
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..)?.chars().next().map(|c| c.to_ascii_lowercase()) {
        None | Some('b') => 1,
        Some('k') => 1 << 10,
        Some('m') => 1 << 20,
        Some('g') => 1 << 30,
        Some('t') => 1 << 40,
        Some(_) => return None,
    };
    match digits.split_once('.') {
        None => digits.parse::<i64>().ok()?.checked_mul(factor),
        Some((whole, part)) => {
            let whole = whole.parse::<i64>().ok()?.checked_mul(factor)?;
            let scale = 10_i64.checked_pow(u32::try_from(part.len()).ok()?)?;
            Some(whole + part.parse::<i64>().ok()?.checked_mul(factor)? / scale)
        }
    }
}

/// A decimal number in billionths.
fn billionths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = part.chars().chain("000000000".chars()).take(9).collect();
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    whole.checked_mul(NANO)?.checked_add(digits.parse().ok()?)
}

/// A time such as `1m30s` or `500ms`.
fn nanoseconds(text: &str) -> Option<u64> {
    if matches!(text, "0" | "disable") {
        return Some(0);
    }
    let mut sum: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(unit);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let factor: u64 = match unit {
            "h" => 3600 * NANO,
            "m" => 60 * NANO,
            "s" => NANO,
            "ms" => 1_000_000,
            "us" | "µs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        let number = u128::from(billionths(number)?) * u128::from(factor) / u128::from(NANO);
        sum = sum.checked_add(u64::try_from(number).ok()?)?;
        rest = after;
    }
    Some(sum)
}

/// The networks that it was to join, with what was said about each.
fn wanted(call: &Call<'_>) -> BTreeMap<String, Joined> {
    // What it calls itself is a name of it on every network.
    let names = ["--network-alias", "--hostname", "-h"].map(|flag| call.all(flag));
    let all: BTreeSet<String> = names.concat().into_iter().map(str::to_owned).collect();
    let mut wanted: BTreeMap<String, Joined> = BTreeMap::new();
    let said = call.all("--network").iter().chain(call.all("--net"));
    for network in said {
        let (name, options) = network.split_once(':').unwrap_or((network, ""));
        let joined = wanted.entry(name.to_owned()).or_default();
        joined.aliases.extend(all.iter().cloned());
        for option in options.split(',') {
            match option.split_once('=') {
                Some(("alias", alias)) => drop(joined.aliases.insert(alias.to_owned())),
                Some(("ip" | "ip6", address)) => drop(joined.addresses.insert(address.to_owned())),
                _ => {}
            }
        }
    }
    wanted
}

fn networks(call: &Call<'_>, container: &Inspected) -> Vec<Difference> {
    let wanted = wanted(call);
    let has_mode = wanted.keys().any(|name| MODES.contains(&name.as_str()));
    let is_other = wanted.keys().any(|name| name.starts_with("container"));
    // What runs in a pod, or in the network of another one, has none of its own.
    let is_guest = !call.all("--pod").is_empty() || is_other || has_mode || wanted.is_empty();
    if container.status != "running" || is_guest {
        return Vec::new();
    }
    let told = |names: &BTreeSet<String>| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let mut differences = Vec::new();
    for (name, wanted) in &wanted {
        let Some(actual) = container.networks.get(name) else {
            differences.push(("networks", name.clone(), "not joined".to_owned()));
            continue;
        };
        if !wanted.addresses.is_subset(&actual.addresses) {
            let texts = [&wanted.addresses, &actual.addresses].map(told);
            let [wanted, actual] = texts.map(|addresses| format!("{name}: {addresses}"));
            differences.push(("addresses", wanted, actual));
        }
        if wanted.aliases != actual.aliases {
            let texts = [&wanted.aliases, &actual.aliases].map(told);
            let [wanted, actual] = texts.map(|aliases| format!("{name}: {aliases}"));
            differences.push(("aliases", wanted, actual));
        }
    }
    for name in container.networks.keys().filter(|name| !wanted.contains_key(*name)) {
        differences.push(("networks", "not joined".to_owned(), name.clone()));
    }
    differences
}

/// Variables that are other ones than it was started with: how each should be, and is. Without
/// knowing the image, what is there beside them is not told.
pub fn variables(
    container: &Inspected,
    image: Option<&Vec<String>>,
    own: &[&str],
) -> Vec<(String, String)> {
    let Some(call) = parse(&container.command) else { return Vec::new() };
    let mut said: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let (long, short) = (call.all("--env"), call.all("-e"));
    for text in image.into_iter().flatten().map(String::as_str).chain(long.iter().copied()) {
        match text.split_once('=') {
            Some((name, value)) => said.insert(name, Some(value)),
            None => said.insert(text, None),
        };
    }
    for text in short {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        said.insert(name, Some(value).filter(|_| text.contains('=')));
    }
    let shown = |name: &str, value: &str| match is_hidden(name) {
        true => format!("{name}=(hidden)"),
        false => format!("{name}={value}"),
    };
    let mut differences = Vec::new();
    for (name, wanted) in &said {
        let Some(wanted) = wanted.filter(|_| !own.contains(name)) else { continue };
        match container.environment.get(*name) {
            Some(actual) if actual != wanted => {
                differences.push((shown(name, wanted), shown(name, actual)));
            }
            None => differences.push((shown(name, wanted), "nothing".to_owned())),
            Some(_) => {}
        }
    }
    // Podman shows the variable of a secret, without its value.
    let of_secret = |text: &&str| {
        let options = || text.split(',').filter_map(|option| option.split_once('='));
        let target = options().find(|(key, _)| *key == "target").map(|(_, value)| value.to_owned());
        [text.split(',').next().unwrap_or(text).to_owned()].into_iter().chain(target)
    };
    let secrets: BTreeSet<String> = call.all("--secret").iter().flat_map(of_secret).collect();
    let reads_files = ["--env-file", "--env-host"].iter().any(|flag| !call.all(flag).is_empty());
    if image.is_some() && !reads_files {
        let known =
            |name: &str| said.contains_key(name) || own.contains(&name) || secrets.contains(name);
        for (name, value) in container.environment.iter().filter(|(name, _)| !known(name)) {
            differences.push(("nothing".to_owned(), shown(name, value)));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_compared_with_what_podman_has() {
        for (kind, said, expected) in [
            (Kind::Bytes, "3G", "3221225472"),
            (Kind::Bytes, "512m", "536870912"),
            (Kind::Bytes, "1.5g", "1610612736"),
            (Kind::Bytes, "-1", "-1"),
            (Kind::Processors, "0.5", "500000000"),
            (Kind::Processors, "2", "2000000000"),
            (Kind::Time, "1m30s", "90000000000"),
            (Kind::Time, "500ms", "500000000"),
            (Kind::Time, "1.5s", "1500000000"),
            (Kind::Time, "0s", "0"),
            (Kind::Test, r#"["test","-e","/x"]"#, "test -e /x"),
            (Kind::Test, r#"["CMD-SHELL","true"]"#, "true"),
            (Kind::Test, "CMD /bin/check", "/bin/check"),
            (Kind::Test, "true", "true"),
        ] {
            assert_eq!(canonical(kind, said).as_deref(), Some(expected), "{said}");
        }
        assert_eq!((canonical(Kind::Time, "soon"), canonical(Kind::Bytes, "x")), (None, None));
    }

    #[test]
    fn what_podman_adds_is_no_difference() {
        let call = "podman run --memory=256M --network inner:alias=shop,ip=10.0.0.2 -d img";
        let joined = Joined {
            aliases: BTreeSet::from(["shop".to_owned()]),
            addresses: BTreeSet::from(["10.0.0.2".to_owned(), "fd00::2".to_owned()]),
        };
        let mut container = Inspected {
            command: call.split(' ').map(str::to_owned).collect(),
            status: "running".to_owned(),
            networks: BTreeMap::from([("inner".to_owned(), joined)]),
            settings: BTreeMap::from([
                ("--memory", "268435456".to_owned()),
                ("--memory-swap", "536870912".to_owned()),
                ("--pids-limit", "2048".to_owned()),
                ("--cpus", "0".to_owned()),
            ]),
            environment: BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]),
            ..Inspected::default()
        };
        assert_eq!(differences(&container), []);
        assert_eq!(variables(&container, Some(&Vec::new()), &["PATH"]), []);
        container.settings.insert("--pids-limit", "7".to_owned());
        container.settings.insert("--cpus", "1500000000".to_owned());
        container.networks.entry("inner".to_owned()).or_default().aliases.clear();
        container.networks.insert("outer".to_owned(), Joined::default());
        container.environment.insert("A_TOKEN".to_owned(), "x".to_owned());
        let lines: Vec<String> = differences(&container)
            .into_iter()
            .map(|(aspect, wanted, actual)| format!("{aspect}: {wanted} / {actual}"))
            .collect();
        assert_eq!(
            lines,
            [
                "limits: --cpus nothing / --cpus 1.500",
                "limits: --pids-limit the default / --pids-limit 7",
                "aliases: inner: shop / inner: none",
                "networks: not joined / outer",
            ]
        );
        let hidden = ("nothing".to_owned(), "A_TOKEN=(hidden)".to_owned());
        assert_eq!(variables(&container, Some(&Vec::new()), &["PATH"]), [hidden]);
    }
}
