//! What must hold of a host after every command: one generation and nothing of another, and
//! everything that is not ours as it was.

use std::collections::BTreeSet;
use std::path::Path;

use stackwright::host::change::Entry;
use stackwright::host::units::Active;
use stackwright::state::{GenerationName, Store};

use super::host::{Simulated, World};
use super::podman::definition;
use super::stack::Stack;
use super::unit::quadlet;

/// A service that belongs to nobody's stack, with what is around it.
pub fn foreign(world: &mut World) {
    let quadlet = world.places.quadlet.clone();
    let units = world.places.units.clone();
    let text = "[Container]\nContainerName=other\nImage=other:1\nNetwork=outer\n\
                [Service]\nRestart=always\n[Install]\nWantedBy=default.target\n";
    let disk = &mut world.disk;
    disk.make_folder(&quadlet.join("theirs")).unwrap();
    disk.replace(&quadlet.join("theirs/other.container"), text.as_bytes(), 0o644).unwrap();
    disk.replace(&quadlet.join("near.container"), text.replace("other", "near").as_bytes(), 0o644)
        .unwrap();
    disk.replace(&units.join("mine.service"), b"[Service]\n", 0o644).unwrap();
    disk.make_folder(&units.join("default.target.wants")).unwrap();
    disk.link(&units.join("default.target.wants/mine.service"), Path::new("../mine.service"))
        .unwrap();
    for name in ["outer", "foreign"] {
        let owned = || stackwright::host::containers::Owned {
            name: name.to_owned(),
            version: "theirs".to_owned(),
            ..Default::default()
        };
        world.podman.networks.insert(name.to_owned(), owned());
        world.podman.volumes.insert(name.to_owned(), owned());
    }
    for image in ["other:1", "near:1"] {
        world.podman.images.insert(image.to_owned(), format!("id-{image}"));
    }
    world.read_units();
    for name in ["other.service", "near.service", "mine.service"] {
        world.order_start(name).unwrap();
    }
    world.pass(std::time::Duration::from_secs(1));
    world.manager.wakes.clear();
}

/// Everything that is not of the stack, as one text.
pub fn bystanders(world: &World, with_runs: bool) -> String {
    let ours = "stackwright.stack=shop";
    let mut lines: Vec<String> = Vec::new();
    for folder in [&world.places.quadlet, &world.places.units] {
        for (path, text) in world.disk.tree(folder) {
            let is_ours = text.contains("/stackwright/stacks/")
                || path.to_string_lossy().contains(".passing")
                || path.parent().is_some_and(|parent| {
                    parent.extension().is_some_and(|end| end == "wants")
                        && leads_to_ours(world, &path)
                });
            let is_folder = text == "a folder";
            if !is_ours && !is_folder {
                lines.push(format!("{} {text}", path.display()));
            }
        }
    }
    for (name, run) in &world.manager.runs {
        let of_ours = run.unit.text.contains(ours) || run.unit.text.contains("Stack=shop");
        if !of_ours {
            let mark = if with_runs { run.invocation.as_str() } else { "" };
            lines.push(format!("{name} {:?} {} {mark}", run.active, run.unit.text));
        }
    }
    for things in [&world.podman.networks, &world.podman.volumes] {
        for thing in things.values().filter(|thing| thing.version == "theirs") {
            lines.push(format!("{thing:?}"));
        }
    }
    lines.join("\n")
}

/// Our own links name whole paths.
fn leads_to_ours(world: &World, path: &Path) -> bool {
    let entry = world.disk.entry(path);
    matches!(entry, Some(Entry::Link(target)) if target.starts_with(&world.places.units))
}

/// Which of some stacks a host has, wholly; an error tells what does not fit.
pub fn which(host: &Simulated, stacks: &[Option<&Stack>]) -> Result<usize, String> {
    let current = current(host)?;
    let found = stacks.iter().position(|stack| match (stack, &current) {
        (None, None) => true,
        (Some(stack), Some((_, set))) => stack.set == *set,
        _ => false,
    });
    let found = found.ok_or_else(|| format!("there is neither old nor new, but {current:?}"))?;
    let world = host.world();
    let stack = stacks[found];
    let set_units = stack.map(Stack::units).unwrap_or_default();
    let folder = current.map(|(name, _)| name.to_string());
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for (file, text) in &set_units {
        let service = quadlet(file).map_or(file.clone(), |(service, _)| service);
        check_unit(&world, &service, text, folder.as_deref(), &mut wrong);
        names.insert(service);
    }
    for other in stacks.iter().flatten() {
        for file in other.units().keys() {
            let service = quadlet(file).map_or(file.clone(), |(service, _)| service);
            if names.contains(&service) {
                continue;
            }
            if world.manager.units.contains_key(&service) {
                wrong.push(format!("{service} is still loaded"));
            }
            if world.run_of(&service).is_some() {
                wrong.push(format!("{service} still runs"));
            }
            if file.ends_with(".network") {
                let name = file.trim_end_matches(".network");
                if world.podman.networks.contains_key(name) {
                    wrong.push(format!("the network {name} is still there"));
                }
            }
        }
    }
    check_links(&world, stack, &mut wrong);
    check_store(&world, &mut wrong);
    if wrong.is_empty() { Ok(found) } else { Err(wrong.join("\n")) }
}

pub type Current = Option<(GenerationName, stackwright::state::FileSet)>;

/// The generation in use, which must be whole.
pub fn current(host: &Simulated) -> Result<Current, String> {
    let places = host.world().places.clone();
    let store = Store::of(host, &places, "shop");
    let Some(name) = store.current().map_err(|fault| fault.to_string())? else { return Ok(None) };
    let generation = store.read(&name).map_err(|fault| fault.to_string())?;
    match generation.damage.as_slice() {
        [] => Ok(Some((name, generation.set))),
        damage => Err(format!("{name} is damaged: {damage:?}")),
    }
}

fn check_unit(
    world: &World,
    service: &str,
    text: &str,
    folder: Option<&str>,
    wrong: &mut Vec<String>,
) {
    let Some(unit) = world.manager.units.get(service) else {
        return wrong.push(format!("{service} is not loaded"));
    };
    if unit.text != text {
        wrong.push(format!("{service} is loaded with another text"));
    }
    let source = unit.source.as_ref().map(|path| path.to_string_lossy().into_owned());
    if source.is_some_and(|source| !source.contains(folder.unwrap())) {
        wrong.push(format!("{service} is loaded from {:?}", unit.source));
    }
    let run = world.run_of(service);
    let must_run = text.contains("WantedBy=");
    match run {
        None if must_run => wrong.push(format!("{service} is down")),
        Some(run) if run.active != Active::Active => {
            wrong.push(format!("{service} is {:?} ({})", run.active, run.sub));
        }
        // A volume that is there stays as it was made.
        Some(run)
            if unit.section != Some("Volume") && definition(&run.unit.text) != definition(text) =>
        {
            wrong.push(format!("{service} runs with another text"));
        }
        _ => {}
    }
    let things = match unit.section {
        Some("Network") => &world.podman.networks,
        _ => return,
    };
    let name = unit.name().unwrap();
    match things.get(name) {
        Some(thing) if thing.version == definition(text) => {}
        None if run.is_none() => {}
        other => wrong.push(format!("the network {name} is {other:?}")),
    }
}

/// Every link of ours leads to something, and none is missing.
fn check_links(world: &World, stack: Option<&Stack>, wrong: &mut Vec<String>) {
    for folder in [&world.places.quadlet, &world.places.units] {
        for (path, text) in world.disk.tree(folder) {
            let is_passing = path.to_string_lossy().contains(".passing");
            // Such a link does no harm, so that nobody waits until it is surely gone.
            let may_stay = is_passing || world.disk.is_lazy;
            if text.starts_with("-> ") && !may_stay && world.disk.real(&path).is_none() {
                wrong.push(format!("{} {text} leads nowhere", path.display()));
            }
        }
    }
    for (file, text) in stack.map(|stack| stack.set.plain.clone()).unwrap_or_default() {
        let target = if text.contains("[Install]\nWantedBy=timers") { "timers" } else { "default" };
        let wants = world.places.units.join(format!("{target}.target.wants")).join(&file);
        if text.contains("WantedBy=") && world.disk.text(&wants) != Some(text) {
            wrong.push(format!("{} does not lead to its unit", wants.display()));
        }
    }
}

/// Nothing half done is left in the folder of the stack.
fn check_store(world: &World, wrong: &mut Vec<String>) {
    let folder = world.places.stacks.join("shop");
    for (path, _) in world.disk.tree(&folder) {
        let path = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let is_half = path.starts_with("generations/.") || path.starts_with("journal");
        if is_half && !path.contains(".passing") {
            wrong.push(format!("{path} is left over"));
        }
    }
}

/// The generations that are kept.
pub fn generations(host: &Simulated) -> Vec<u64> {
    let places = host.world().places.clone();
    let names = Store::of(host, &places, "shop").generations().unwrap();
    names.into_iter().map(|name| name.number).collect()
}
