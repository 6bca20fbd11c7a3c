//! Images: those that must be there, and what they are made for.

use std::collections::BTreeMap;

use super::{Finding, Request, Scene, code};
use crate::host::containers::Image;
use crate::unit_file::facts::Facts;

/// The image of a service, where it is there.
fn image<'r>(request: &Request<'r>, facts: &Facts) -> Option<&'r Image> {
    let name = facts.image.as_ref()?;
    request.observed.images.iter().find(|image| image.has_name(name))
}

/// The marks of images of which it is not known whether they run here.
pub fn to_look_at<'r>(request: &Request<'r>, new: &BTreeMap<String, Facts>) -> Vec<&'r str> {
    let starts = new.values().filter(|facts| request.starts.contains(&facts.service));
    let mut images: Vec<&str> =
        starts.filter_map(|facts| image(request, facts)).map(|image| image.id.as_str()).collect();
    // What a container of ours was made from has run.
    let containers = &request.observed.containers;
    images.retain(|id| !containers.iter().any(|one| one.image_id == *id));
    images.sort_unstable();
    images.dedup();
    images
}

/// The services whose image is not there.
pub fn missing<'s>(scene: &Scene<'s>) -> impl Iterator<Item = &'s Facts> {
    let (request, new) = (scene.request, scene.new);
    let starts = new.values().filter(|facts| request.starts.contains(&facts.service));
    starts.filter(|facts| facts.image.is_some() && image(request, facts).is_none())
}

/// Judges all of them.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for facts in missing(scene).filter(|facts| !facts.may_pull) {
        let (service, name) = (&facts.service, facts.image.as_deref().unwrap_or_default());
        let what = format!("there is no image {name}, which {service} runs and does not fetch");
        let help = "load or build it, or take `pull_policy: never` away".to_owned();
        findings.push(scene.missing(&code::NO_IMAGE, what, help));
    }
    let runs = &scene.seen.known.architectures;
    for facts in scene.new.values() {
        let image = image(scene.request, facts);
        let made_for = image.and_then(|image| scene.seen.architectures.get(&image.id));
        let foreign = made_for.filter(|one| !one.is_empty() && !runs.contains(*one));
        if let (Some(made_for), Some(name)) = (foreign, &facts.image) {
            let here = runs.iter().cloned().collect::<Vec<_>>().join(", ");
            let service = &facts.service;
            let what = format!(
                "the image {name} of {service} is made for {made_for}, this machine runs {here}"
            );
            let help = format!("run `podman image rm {name}`, and let it be fetched anew");
            findings.push(Finding::new(&code::ARCHITECTURE, what, help));
        }
    }
    findings
}
