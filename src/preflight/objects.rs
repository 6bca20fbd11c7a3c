//! What Podman has: networks, volumes and secrets that must be there, and names that are taken.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Request, Scene, code};
use crate::plan::STACK_LABEL;
use crate::unit_file::facts::Facts;

/// Judges all of it.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let topics = [networks, volumes, secrets, taken];
    topics.iter().flat_map(|topic| topic(scene)).collect()
}

/// The secrets that are needed and of which it is not known whether they are there.
pub fn unknown_secrets(request: &Request<'_>, new: &BTreeMap<String, Facts>) -> BTreeSet<String> {
    let (known, made) = (&request.secrets.known, &request.secrets.new);
    let promised = &request.expected.promised;
    let is_settled = |name: &&String| [known, made, promised].iter().any(|all| all.contains(*name));
    let needed = new.values().flat_map(|facts| &facts.secrets);
    needed.filter(|name| !is_settled(name)).cloned().collect()
}

/// Whether it matters which volumes are there.
pub fn needs_volumes(request: &Request<'_>, new: &BTreeMap<String, Facts>) -> bool {
    let is_new = |facts: &&Facts| !request.from.units.contains_key(&facts.file);
    let mut new = new.values().filter(is_new);
    new.any(|facts| facts.file.ends_with(".volume") || !facts.volumes.is_empty())
}

/// The names in Podman of all that the stack makes, or one that comes up before it.
fn made<'s>(scene: &Scene<'s>) -> BTreeSet<&'s String> {
    let own = scene.new.values().filter_map(|facts| facts.name.as_ref());
    own.chain(&scene.request.expected.promised).collect()
}

fn networks(scene: &Scene<'_>) -> Vec<Finding> {
    let (made, there) = (made(scene), &scene.request.observed.networks);
    let mut findings = Vec::new();
    for facts in scene.new.values() {
        let missing = |name: &&String| !there.contains_key(*name) && !made.contains(name);
        for network in facts.networks.iter().filter(missing) {
            let what = format!("there is no network {network}, which {} joins", facts.service);
            let help = format!("run `podman network create {network}`, or apply its stack first");
            findings.push(scene.missing(&code::NO_NETWORK, what, help));
        }
    }
    findings
}

fn volumes(scene: &Scene<'_>) -> Vec<Finding> {
    let made = made(scene);
    let mut findings = Vec::new();
    // One that is mounted already is there.
    let is_new = |facts: &&Facts| !scene.request.from.units.contains_key(&facts.file);
    for facts in scene.new.values().filter(is_new) {
        let is_there = |name: &&String| {
            made.contains(name) || scene.seen.volumes.iter().any(|one| one.name == **name)
        };
        for volume in facts.volumes.iter().filter(|name| !is_there(name)) {
            let what = format!("there is no volume {volume}, which {} mounts", facts.service);
            let help = format!(
                "run `podman volume create {volume}` where it is to be empty, or take \
                 `external` away"
            );
            findings.push(scene.missing(&code::NO_VOLUME, what, help));
        }
    }
    findings
}

fn secrets(scene: &Scene<'_>) -> Vec<Finding> {
    let unknown = unknown_secrets(scene.request, scene.new);
    let mut findings = Vec::new();
    for facts in scene.new.values() {
        for secret in facts.secrets.intersection(&unknown) {
            if !scene.seen.secrets.contains(secret) {
                let what = format!("there is no secret {secret}, which {} takes", facts.service);
                let help = format!(
                    "make it by `podman secret create {secret} FILE`, or say in the stack file \
                     where it comes from"
                );
                findings.push(scene.missing(&code::NO_SECRET, what, help));
            }
        }
    }
    let foreign = scene.request.secrets.foreign.iter().map(|name| {
        let what = format!("the secret {name} has another value and is not of this stack");
        let help = "take `file` or `environment` away to use it as it is, or give it another name";
        Finding::new(&code::FOREIGN_SECRET, what, help)
    });
    findings.extend(foreign);
    findings
}

/// Names of new units that something else has in Podman.
fn taken(scene: &Scene<'_>) -> Vec<Finding> {
    let request = scene.request;
    let is_new = |facts: &&Facts| !request.from.units.contains_key(&facts.file);
    let mut findings = Vec::new();
    for facts in scene.new.values().filter(is_new) {
        let Some(name) = &facts.name else { continue };
        let labels = |kind: &str| match kind {
            "container" => request
                .observed
                .strangers
                .iter()
                .find(|one| one.name == *name)
                .map(|one| &one.labels),
            "network" => request.observed.networks.get(name).map(|one| &one.labels),
            _ => scene.seen.volumes.iter().find(|one| one.name == *name).map(|one| &one.labels),
        };
        let Some((_, kind)) = facts.file.rsplit_once('.') else { continue };
        let Some(labels) = labels(kind) else { continue };
        let owner = labels.get(STACK_LABEL).filter(|owner| *owner != request.stack);
        let whose = match (owner, kind) {
            (Some(owner), _) => format!("of the stack `{owner}`"),
            // Networks and volumes that were there before are used as they are.
            (None, "container") => "not of this stack".to_owned(),
            (None, _) => continue,
        };
        let what = format!("the {kind} {name} is there and {whose}, {} makes one", facts.service);
        let help = match kind {
            "container" => format!("give yours another `name`, or run `podman rm -f {name}`"),
            _ => "give yours another `name`, or declare it as `external`".to_owned(),
        };
        findings.push(Finding::new(&code::FOREIGN_OBJECT, what, help));
    }
    findings
}
