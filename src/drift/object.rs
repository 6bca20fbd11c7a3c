//! Networks and volumes of a stack, against how their units would make them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, Layer, Remedy, Request, State};
use crate::host::containers::Owned;
use crate::plan::STACK_LABEL;
use crate::unit_file::facts::Facts;

/// Flags of `podman network create` that take no value.
const SWITCHES: [&str; 4] = ["--ignore", "--ipv6", "--internal", "--disable-dns"];

/// Other words for the same flags.
const SHORT: [(&str, &str); 2] = [("-d", "--driver"), ("-o", "--opt")];

/// The differences of a network.
pub fn network(request: &Request<'_>, facts: &Facts, is_used: bool) -> Vec<Item> {
    let Some(name) = &facts.name else { return Vec::new() };
    let there = request.networks.iter().find(|one| one.name == *name);
    let mut items = Vec::new();
    let remedy = || Remedy::Network(facts.service.clone(), name.clone());
    match there {
        None if is_used => {
            let item = missing(request, name, "network", "what uses it cannot start again");
            items.push(Item { remedy: remedy(), ..item });
        }
        None => {}
        Some(one) => {
            let is_ours = one.labels.get(STACK_LABEL).is_some_and(|owner| owner == request.stack);
            let differences = differences(request, facts, one);
            if !is_ours {
                items.push(stranger(request, one, "network"));
            }
            items.extend(differences.into_iter().map(|(flag, wanted, actual)| {
                let meaning = "the network is another one than its unit would make";
                let item = item(request, name, flag, wanted, actual, meaning);
                match is_ours {
                    true => Item { remedy: remedy(), ..item },
                    false => Item { mend: by_hand(request, "network", name), ..item },
                }
            }));
        }
    }
    items
}

/// The differences of a volume, which is never made anew: it holds data.
pub fn volume(request: &Request<'_>, facts: &Facts, is_used: bool) -> Vec<Item> {
    let Some(name) = &facts.name else { return Vec::new() };
    let there = request.volumes.iter().find(|one| one.name == *name);
    let Some(one) = there else {
        let item = missing(request, name, "volume", "what was in it is gone");
        let remedy = Remedy::Restart(facts.service.clone());
        return is_used.then_some(Item { remedy, ..item }).into_iter().collect();
    };
    let is_ours = one.labels.get(STACK_LABEL).is_some_and(|owner| owner == request.stack);
    let stranger = (!is_ours).then(|| stranger(request, one, "volume"));
    let differences = differences(request, facts, one).into_iter().map(|(flag, wanted, actual)| {
        let meaning = "the volume was made otherwise, and Podman changes none that is there";
        let mend = by_hand(request, "volume", name);
        Item { state: State::Warning, mend, ..item(request, name, flag, wanted, actual, meaning) }
    });
    stranger.into_iter().chain(differences).collect()
}

fn item(
    request: &Request<'_>,
    name: &str,
    aspect: &str,
    wanted: String,
    actual: String,
    meaning: &str,
) -> Item {
    request.item(Layer::Running, name, aspect, (wanted, actual), meaning)
}

fn missing(request: &Request<'_>, name: &str, kind: &str, meaning: &str) -> Item {
    item(request, name, kind, "there".to_owned(), "missing".to_owned(), meaning)
}

/// What was there before the stack, or was made by somebody else since.
fn stranger(request: &Request<'_>, one: &Owned, kind: &str) -> Item {
    let owner = one.labels.get(STACK_LABEL).map_or("nobody", String::as_str).to_owned();
    let meaning = "it was made by something else than the stack, and is left alone";
    let mend = by_hand(request, kind, &one.name);
    let item = item(request, &one.name, "owner", request.stack.to_owned(), owner, meaning);
    Item { state: State::Warning, mend, ..item }
}

fn by_hand(request: &Request<'_>, kind: &str, name: &str) -> String {
    let reconcile = request.reconcile();
    match kind {
        "volume" => format!(
            "keep its data elsewhere, take it away by `podman volume rm --force {name}`, and run \
             `{reconcile}`"
        ),
        _ => format!(
            "take it away by `podman network rm --force {name}` if nothing else needs it, and run \
             `{reconcile}`"
        ),
    }
}

/// What its unit says otherwise than it is: what, how it should be, how it is.
fn differences(
    request: &Request<'_>,
    facts: &Facts,
    one: &Owned,
) -> Vec<(&'static str, String, String)> {
    let details = request.details.get(&facts.service);
    let wanted = details.map(|details| said(&details.call)).unwrap_or_default();
    let mut differences = Vec::new();
    for (flag, actual) in &one.settings {
        let said = wanted.get(*flag);
        let is_wrong = match (*flag, said) {
            // What it has beside that is Podman's own.
            ("--opt" | "--label", Some(said)) => !said.is_subset(actual),
            (_, Some(said)) => said != actual,
            // A network without these words has none of it.
            ("--internal" | "--ipv6" | "--disable-dns", None) if !wanted.is_empty() => {
                actual.contains("true") && !is_implied(flag, &wanted)
            }
            _ => false,
        };
        if is_wrong {
            let told = |set: &BTreeSet<String>| {
                let words: Vec<&str> = set.iter().map(String::as_str).collect();
                if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
            };
            let wanted = said.map_or_else(|| "false".to_owned(), told);
            differences.push((aspect(flag), wanted, told(actual)));
        }
    }
    differences
}

/// A subnet of IPv6 makes a network one of IPv6; a driver without a bridge has no names.
fn is_implied(flag: &str, wanted: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let says = |flag: &str, is: &dyn Fn(&str) -> bool| {
        wanted.get(flag).is_some_and(|values| values.iter().any(|value| is(value)))
    };
    match flag {
        "--ipv6" => says("--subnet", &|subnet| subnet.contains(':')),
        _ => says("--driver", &|driver| driver != "bridge"),
    }
}

fn aspect(flag: &str) -> &'static str {
    match flag {
        "--driver" => "driver",
        "--subnet" => "subnet",
        "--gateway" => "gateway",
        "--ipv6" => "ipv6",
        "--internal" => "internal",
        "--disable-dns" => "names",
        "--label" => "labels",
        _ => "options",
    }
}

/// The flags of a call of `podman network create` or `podman volume create`.
fn said(call: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let begin = call.iter().position(|word| word == "create").map_or(call.len(), |at| at + 1);
    let mut words = call.iter().skip(begin);
    while let Some(word) = words.next().filter(|word| word.starts_with('-')) {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, value.to_owned()),
            None if SWITCHES.contains(&word.as_str()) => (word.as_str(), "true".to_owned()),
            None => (word.as_str(), words.next().cloned().unwrap_or_default()),
        };
        let flag = SHORT.iter().find(|(short, _)| *short == flag).map_or(flag, |(_, long)| long);
        said.entry(flag.to_owned()).or_default().insert(value);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_a_call_are_read() {
        let call = "/usr/bin/podman network create --ignore --subnet 10.0.0.0/24 --internal \
                    --label a=b --opt=mtu=1400 -d bridge inner";
        let call: Vec<String> = call.split_whitespace().map(str::to_owned).collect();
        let said = said(&call);
        let one = |flag: &str| said[flag].iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!((one("--subnet"), one("--internal")), ("10.0.0.0/24".into(), "true".into()));
        assert_eq!((one("--label"), one("--opt")), ("a=b".into(), "mtu=1400".into()));
        assert_eq!((one("--driver"), said.len()), ("bridge".into(), 6));
    }
}
