//! Which stacks are meant by what the user names, and what differs between their layers: what
//! `diff`, `reconcile` and `watch` have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;

use super::super::StackArguments;
use super::wanted::Wanted;
use super::{Site, in_order, read};
use crate::apply::{Scene, links};
use crate::capability::podman::Podman;
use crate::drift::{self, Layer, StackDrift};
use crate::host::change::{Entry, Fault};
use crate::host::containers::{Container, Image, Inspected, Owned};
use crate::host::disk::{self, Disk};
use crate::host::units::{Details, UnitState};
use crate::host::{Look, ReadError};
use crate::plan::{STACK_LABEL, facts};
use crate::resolve::Part;
use crate::state::{FileSet, Generation, Store};
use crate::threads::{joined, joined_or_default};
use crate::unit_file::facts::Facts;

/// What is looked at.
pub struct Survey {
    /// The stacks that are all of them.
    pub known: BTreeMap<String, Generation>,
    /// The stacks that have a file and are meant, each behind those that it requires.
    pub wanted: Vec<Wanted>,
    /// The names of all that are meant, with those whose file is gone.
    pub names: BTreeSet<String>,
    /// Whether all that are installed are meant.
    pub is_all: bool,
    /// What the host has of them.
    pub seen: Seen,
}

/// Finds out which stacks are meant: by paths, by the names of those that are or all of
/// them; and what the host has of them, as far as some layers need it. Nothing where a file is
/// wrong, which is told.
pub fn survey(
    paths: &[PathBuf],
    arguments: &StackArguments,
    site: &Site,
    layers: &[Layer],
) -> Result<Option<Survey>, Fault> {
    let known = known(site)?;
    let is_all = paths.is_empty();
    let is_name = |path: &&PathBuf| {
        is_free(path) && path.to_str().is_some_and(|name| known.contains_key(name))
    };
    let (mut named, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(is_name);
    let all: Vec<PathBuf> = known.keys().map(PathBuf::from).collect();
    if is_all {
        named.extend(&all);
    }
    let mut named: BTreeSet<&str> = named.iter().filter_map(|path| path.to_str()).collect();
    let names: BTreeSet<String> = named.iter().map(|name| (*name).to_owned()).collect();
    let strange = strange(&named, &known, arguments);
    named.retain(|name| !strange.contains_key(*name));
    let mut calls = match layers.contains(&Layer::Files) {
        true => of_installed(&named, &known, arguments),
        false => Vec::new(),
    };
    // Which stacks are in files is not known yet.
    let looked: BTreeSet<String> = match files.is_empty() {
        true => names.clone(),
        false => known.keys().cloned().collect(),
    };
    if !files.is_empty() {
        let paths = files.into_iter().cloned().collect();
        calls.push(Call { paths, arguments: arguments.clone(), podman: None });
    }
    let (seen, wanted) = thread::scope(|threads| {
        let seen = threads.spawn(|| look(site, &known, &looked, is_all, layers));
        let wanted = read_all(calls, site);
        (joined(seen), wanted)
    });
    let Some(mut wanted) = wanted else { return Ok(None) };
    // What cannot be told stays as it is, where it is whole.
    let kept = strange.keys().filter_map(|name| Some((name, known.get(name)?)));
    let kept = kept.filter(|(_, generation)| generation.damage.is_empty());
    wanted.extend(kept.map(|(name, generation)| Wanted::installed(name, generation)));
    let names = names.into_iter().chain(wanted.iter().map(|one| one.name.clone())).collect();
    let seen = Seen { strange, ..seen? };
    Ok(Some(Survey { known, wanted, names, is_all, seen }))
}

/// Stack files that are read together.
struct Call {
    paths: Vec<PathBuf>,
    arguments: StackArguments,
    /// What their units were written for before.
    podman: Option<Podman>,
}

/// Reads stacks, each behind those that it requires; nothing where one is wrong.
fn read_all(calls: Vec<Call>, site: &Site) -> Option<Vec<Wanted>> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for Call { paths, arguments, podman } in calls {
        let read = read(&paths, Part::default(), &arguments, podman, site)?;
        let is_new = |one: &Wanted| !wanted.iter().any(|known| known.name == one.name);
        let new: Vec<Wanted> = read.into_iter().filter(is_new).collect();
        wanted.extend(new);
    }
    Some(in_order(wanted))
}

/// The variables of a shell that stacks had when they were applied and that are not the same here;
/// who says where variables are knows that.
fn strange(
    named: &BTreeSet<&str>,
    known: &BTreeMap<String, Generation>,
    arguments: &StackArguments,
) -> BTreeMap<String, Vec<String>> {
    if !arguments.env_files.is_empty() {
        return BTreeMap::new();
    }
    let environment = disk::environment();
    let known = known.iter().filter(|(name, _)| named.contains(name.as_str()));
    let strange = known.map(|(name, generation)| {
        (name.clone(), generation.manifest.settings.strange(&environment))
    });
    strange.filter(|(_, variables)| !variables.is_empty()).collect()
}

/// The files of stacks that are together with how they were read then; what the user
/// says now goes before that.
fn of_installed(
    named: &BTreeSet<&str>,
    known: &BTreeMap<String, Generation>,
    arguments: &StackArguments,
) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for settings in known.iter().filter(|(name, _)| named.contains(name.as_str())) {
        let settings = &settings.1.manifest.settings;
        if !is_there(&settings.origin) {
            continue;
        }
        let or = |said: &[PathBuf], then: &[PathBuf]| {
            if said.is_empty() { then.to_vec() } else { said.to_vec() }
        };
        let own = StackArguments {
            overlays: or(&arguments.overlays, &settings.overlays),
            env_files: or(&arguments.env_files, &settings.env_files),
            patterns: arguments.patterns.clone().or_else(|| settings.patterns_from.clone()),
            max_file_size: arguments.max_file_size,
        };
        let podman = settings.podman.as_ref().and_then(|version| version.parse().ok());
        let same = |call: &&mut Call| {
            let parts = |of: &StackArguments| {
                (of.overlays.clone(), of.env_files.clone(), of.patterns.clone())
            };
            parts(&call.arguments) == parts(&own) && call.podman == podman
        };
        match calls.iter_mut().find(same) {
            Some(call) => call.paths.push(settings.origin.clone()),
            None => {
                calls.push(Call { paths: vec![settings.origin.clone()], arguments: own, podman });
            }
        }
    }
    calls
}

/// Whether nothing has this path, so that it can only be a name.
fn is_free(path: &Path) -> bool {
    matches!(Disk.read(path, 0), Err(ReadError::NotFound))
}

/// A file that is larger than nothing is there.
fn is_there(path: &Path) -> bool {
    matches!(Disk.read(path, 0), Ok(_) | Err(ReadError::TooLarge(_)))
}

/// The stacks that are installed.
pub fn known(site: &Site) -> Result<BTreeMap<String, Generation>, Fault> {
    in_use(site, site.real.host().files.list(&site.places.stacks)?)
}

/// The generations in use of some stacks; one that was removed has none.
pub fn in_use(site: &Site, names: Vec<String>) -> Result<BTreeMap<String, Generation>, Fault> {
    let files = site.real.host().files;
    let mut known = BTreeMap::new();
    for name in names {
        if let Some(generation) = Store::of(files, &site.places, &name).in_use()? {
            known.insert(name, generation);
        }
    }
    Ok(known)
}

/// What a host has of some stacks, asked once for all of them.
#[derive(Default)]
pub struct Seen {
    states: BTreeMap<String, UnitState>,
    details: BTreeMap<String, Details>,
    inspected: Vec<Inspected>,
    images: Vec<Image>,
    variables: BTreeMap<String, Vec<String>>,
    /// All containers, where orphans are looked for.
    pub containers: Vec<Container>,
    /// All networks.
    pub networks: Vec<Owned>,
    volumes: Vec<Owned>,
    secrets: Vec<Owned>,
    /// Variables that stacks had when they were applied and that are not the same here; the files
    /// of these stacks are not read.
    pub strange: BTreeMap<String, Vec<String>>,
}

impl Seen {
    /// The labels of the containers of a stack.
    pub fn labels_of(&self, stack: &str) -> impl Iterator<Item = &BTreeMap<String, String>> {
        let is_meant = move |labels: &&BTreeMap<String, String>| {
            labels.get(STACK_LABEL).is_some_and(|owner| owner == stack)
        };
        self.inspected.iter().map(|one| &one.labels).filter(is_meant)
    }
}

/// How many calls of Podman look at containers at the same time.
const INSPECTORS: usize = 2;

/// Looks at a host, as far as some layers need it. Podman takes its time for each question, most of
/// it to get going.
pub fn look(
    site: &Site,
    known: &BTreeMap<String, Generation>,
    names: &BTreeSet<String>,
    looks_for_orphans: bool,
    layers: &[Layer],
) -> Result<Seen, Fault> {
    if !site.runs {
        return Ok(Seen::default());
    }
    let runs = layers.contains(&Layer::Running);
    let looks_for_orphans = looks_for_orphans && runs;
    let host = site.real.host();
    let meant = known.iter().filter(|(name, _)| names.contains(*name));
    let facts: BTreeMap<String, Facts> =
        meant.flat_map(|(_, generation)| facts(&generation.set)).collect();
    let is =
        |end: &'static str| facts.values().filter(move |facts| runs && facts.file.ends_with(end));
    let container_names: Vec<&str> =
        is(".container").filter_map(|facts| facts.name.as_deref()).collect();
    let image_names: BTreeSet<&str> =
        is(".container").filter_map(|facts| facts.image.as_deref()).collect();
    let image_names: Vec<&str> = image_names.into_iter().collect();
    let (has_volumes, has_networks) =
        (is(".volume").next().is_some(), is(".network").next().is_some());
    let has_secrets = is(".container").any(|facts| !facts.secrets.is_empty());
    let podman = host.containers;
    thread::scope(|threads| -> Result<Seen, Fault> {
        let part = container_names.len().div_ceil(INSPECTORS).max(1);
        let parts = container_names.chunks(part);
        let inspected: Vec<_> =
            parts.map(|names| threads.spawn(move || podman.inspect(names))).collect();
        let images = threads.spawn(|| podman.named_images(&image_names));
        let networks =
            (has_networks || looks_for_orphans).then(|| threads.spawn(|| podman.networks()));
        let volumes = has_volumes.then(|| threads.spawn(|| podman.volumes()));
        let secrets = has_secrets.then(|| threads.spawn(|| podman.secrets()));
        let containers = looks_for_orphans.then(|| threads.spawn(|| podman.containers()));
        let names: Vec<&str> = match runs || layers.contains(&Layer::Loaded) {
            true => facts.keys().map(String::as_str).collect(),
            false => Vec::new(),
        };
        let states = host.units.states(&names)?;
        let details = host.units.details(&names, &states.iter().collect::<Vec<_>>())?;
        let of_units = || names.iter().map(|name| (*name).to_owned());
        let (images, variables): (Vec<Image>, Vec<Vec<String>>) =
            joined(images)?.into_iter().unzip();
        let marks = images.iter().map(|image| image.id.clone());
        Ok(Seen {
            variables: marks.zip(variables).collect(),
            states: of_units().zip(states).collect(),
            details: of_units().zip(details).collect(),
            inspected: inspected.into_iter().map(joined).collect::<Result<Vec<_>, _>>()?.concat(),
            images,
            containers: joined_or_default(containers)?,
            networks: joined_or_default(networks)?,
            volumes: joined_or_default(volumes)?,
            secrets: joined_or_default(secrets)?,
            strange: BTreeMap::new(),
        })
    })
}

/// What differs between the layers of one stack.
pub fn drift(
    site: &Site,
    name: &str,
    wanted: Option<&Wanted>,
    known: Option<&Generation>,
    seen: &Seen,
    layers: &[Layer],
) -> Result<StackDrift, Fault> {
    let host = site.real.host();
    let store = Store::of(host.files, &site.places, name);
    let scene = Scene { host, places: &site.places, store: &store, stack: name, tell: &|_| {} };
    let lost_links = lost_links(&scene, known)?;
    let drop_ins = drop_ins(&scene, known)?;
    let nothing = FileSet::default();
    let containers = seen.inspected.iter().map(|one| (one.name.as_str(), one)).collect();
    let origin = match (wanted, known) {
        (Some(wanted), _) => wanted.settings.origin.clone(),
        (None, Some(known)) => known.manifest.settings.origin.clone(),
        (None, None) => PathBuf::new(),
    };
    Ok(drift::drift(&drift::Request {
        stack: name,
        origin: &origin,
        is_system: !site.of_user,
        units: &site.places.units,
        wanted: wanted.map(|one| if one.is_deployed { &one.set } else { &nothing }),
        strange: seen.strange.get(name).map_or(&[], Vec::as_slice),
        installed: known,
        lost_links: &lost_links,
        drop_ins: &drop_ins,
        states: &seen.states,
        details: &seen.details,
        containers: &containers,
        variables: &seen.variables,
        images: &seen.images,
        networks: &seen.networks,
        volumes: &seen.volumes,
        secrets: &seen.secrets,
        changed: &|id| host.containers.changed(id),
        layers,
    }))
}

fn lost_links(scene: &Scene<'_>, known: Option<&Generation>) -> Result<Vec<PathBuf>, Fault> {
    let mut lost = Vec::new();
    let Some(known) = known else { return Ok(lost) };
    for (path, target) in links::links(scene.places, scene.store, scene.stack, &known.set) {
        if scene.host.files.entry(&path)? != Some(Entry::Link(target)) {
            lost.push(path);
        }
    }
    Ok(lost)
}

/// Files that change what Quadlet makes of a unit, with the unit.
fn drop_ins(
    scene: &Scene<'_>,
    known: Option<&Generation>,
) -> Result<Vec<(String, PathBuf)>, Fault> {
    let mut drop_ins = Vec::new();
    let folders = || std::iter::once(&scene.places.quadlet).chain(&scene.places.others);
    for file in known.iter().flat_map(|known| known.set.units.keys()) {
        for folder in folders().map(|folder| folder.join(format!("{file}.d"))) {
            let names = scene.host.files.list(&folder)?.into_iter();
            let paths = names.map(|name| folder.join(name));
            let paths = paths.filter(|path| path.extension().is_some_and(|end| end == "conf"));
            drop_ins.extend(paths.map(|path| (file.clone(), path)));
        }
    }
    Ok(drop_ins)
}

/// The stack whose mark something carries, if that is not installed.
pub fn stranger<'l>(
    labels: &'l BTreeMap<String, String>,
    known: &BTreeMap<String, Generation>,
) -> Option<&'l String> {
    labels.get(STACK_LABEL).filter(|stack| !known.contains_key(*stack))
}
