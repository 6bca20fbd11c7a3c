//! Images that stay with the generations that run them, each under a name of its own, so that a
//! generation comes back with the very images that it had.

use std::collections::{BTreeMap, BTreeSet};

use super::Scene;
use super::event::Event;
use crate::host::change::{Fault, Host};
use crate::host::containers::{Image, Stock};
use crate::plan::{Plan, pin};
use crate::threads::joined;
use crate::unit_file::facts::Facts;

/// The image of each service that names one: what it runs, else what its name stands for. Names
/// that a plan lends and services that it starts are taken as they will be.
pub fn of_services(
    stock: &Stock,
    plan: Option<&Plan>,
    services: &BTreeMap<String, Facts>,
) -> BTreeMap<String, String> {
    let image = |facts: &Facts| {
        let name = facts.image.as_ref()?;
        let goes_on = plan.is_none_or(|plan| !plan.start.contains(&facts.service));
        let runs = stock.containers.iter().filter(|_| goes_on);
        let mut runs = runs.filter(|one| facts.name.as_ref() == Some(&one.name));
        let runs = runs.next().map(|container| container.image_id.clone());
        let named = || stock.images.iter().find(|image| image.has_name(name));
        let id = runs.or_else(|| plan?.tags.get(name).cloned());
        Some((facts.service.clone(), id.or_else(|| named().map(|image| image.id.clone()))?))
    };
    services.values().filter_map(image).collect()
}

/// Lets a generation keep the images of its services.
pub fn keep(scene: &Scene<'_>, number: u64, known: &[Image], of: &BTreeMap<String, String>) {
    let has = |name: &String, id: &String| {
        known.iter().any(|image| image.id == *id && image.names.contains(name))
    };
    let names = of.iter().map(|(service, id)| (pin::pin(scene.stack, service, number), id.clone()));
    let missing = names.filter(|(name, id)| !has(name, id)).collect();
    if let Err(fault) = tag(scene.host, &missing) {
        let text = format!("an image is not kept for generation {number}: {fault}");
        (scene.tell)(&Event::Note { text });
    }
}

/// Gives images more names; all at the same time, because Podman takes its time for each image.
pub fn tag(host: Host<'_>, names: &BTreeMap<String, String>) -> Result<(), Fault> {
    let mut images: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, id) in names {
        images.entry(id).or_default().push(name);
    }
    std::thread::scope(|scope| {
        let threads = images.iter();
        let threads = threads.map(|(id, names)| scope.spawn(|| host.containers.tag(id, names)));
        let threads: Vec<_> = threads.collect();
        // Each is waited for, whatever became of the others.
        threads.into_iter().map(joined).fold(Ok(()), Result::and)
    })
}

/// Lets the images go that generations kept which are no longer there.
pub fn let_go(scene: &Scene<'_>, known: Option<&[Image]>) -> Result<(), Fault> {
    let listed = if known.is_none() { scene.host.containers.images()? } else { Vec::new() };
    let images = known.unwrap_or(&listed);
    let generations = scene.store.generations()?;
    let kept: BTreeSet<u64> = generations.into_iter().map(|name| name.number).collect();
    let is_useless = |name: &&String| {
        let number = pin::generation_of(scene.stack, name);
        number.is_some_and(|number| !kept.contains(&number))
    };
    let mut useless = images.iter().flat_map(|image| &image.names).filter(is_useless);
    useless.try_for_each(|name| scene.host.containers.untag(name))
}

/// Names that stand for other images than some services ran.
pub fn moved(
    images: &[Image],
    services: &[String],
    facts: &BTreeMap<String, Facts>,
    ran: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let moved = services.iter().filter_map(|service| {
        let (name, id) = (facts.get(service)?.image.as_ref()?, ran.get(service)?);
        let image = images.iter().find(|image| image.id == *id)?;
        let is_moved = !name.contains('@') && !image.has_name(name);
        is_moved.then(|| (name.clone(), id.clone()))
    });
    moved.collect()
}

/// The names of images that no longer stand for what they stood for, when some were lent to
/// others.
pub fn to_give_back(
    images: &[Image],
    lent: &BTreeMap<String, String>,
    before: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let is_moved = |(name, id): &(&String, &String)| {
        let has_name = |image: &Image| image.id == **id && image.has_name(name);
        let is_there = images.iter().any(|image| image.id == **id);
        let stays = lent.get(*name).map_or_else(|| images.iter().any(has_name), |to| to == *id);
        is_there && !stays
    };
    let moved = before.iter().filter(is_moved);
    moved.map(|(name, id)| (name.clone(), id.clone())).collect()
}
