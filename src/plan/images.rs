//! What a plan does about images: those that are fetched, and the names that an older generation
//! gets back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scene, pin};
use crate::host::containers::Image;
use crate::state::Action;
use crate::unit_file::facts::Facts;

impl Scene<'_> {
    /// The images that Podman may fetch and has not.
    pub(super) fn missing_images(&self, tags: &BTreeMap<String, String>) -> Vec<String> {
        let images = &self.request.observed.images;
        let wanted = self.new.values().filter(|facts| facts.may_pull);
        let wanted: BTreeSet<&String> = wanted.filter_map(|facts| facts.image.as_ref()).collect();
        let is_there = |name: &String| {
            tags.contains_key(name) || images.iter().any(|image| image.has_name(name))
        };
        wanted.into_iter().filter(|name| !is_there(name)).cloned().collect()
    }

    /// The image that an older generation had for a service, where that one comes back.
    fn kept(&self, facts: &Facts) -> Option<&Image> {
        let name = self.request.to_name.filter(|_| self.request.action == Action::Rollback)?;
        let images = &self.request.observed.images;
        pin::kept(images, self.request.stack, &facts.service, name.number)
    }

    /// The services that name an image by a name that can be given to another one.
    fn named(&self) -> impl Iterator<Item = (&Facts, &String)> {
        let named = self.new.values().filter_map(|facts| Some((facts, facts.image.as_ref()?)));
        named.filter(|(_, name)| !name.contains('@'))
    }

    /// The names that stand for other images than an older generation had, with its own.
    pub(super) fn tags(&self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        for (facts, name) in self.named() {
            if let Some(kept) = self.kept(facts).filter(|kept| !kept.has_name(name)) {
                tags.entry(name.clone()).or_insert_with(|| kept.id.clone());
            }
        }
        tags
    }

    /// Whether a service runs another image than an older generation had.
    pub(super) fn has_other_image(&self, facts: &Facts) -> bool {
        let containers = &self.request.observed.containers;
        let container = containers.iter().find(|one| Some(&one.name) == facts.name.as_ref());
        let runs = container.filter(|container| container.is_running);
        let kept = self.kept(facts);
        kept.zip(runs).is_some_and(|(kept, container)| kept.id != container.image_id)
    }

    /// What somebody should know about the images of an older generation.
    pub(super) fn image_notes(&self, tags: &BTreeMap<String, String>) -> Vec<String> {
        let Some(to) = self.request.to_name.filter(|_| self.request.action == Action::Rollback)
        else {
            return Vec::new();
        };
        let number = to.number;
        let mut notes = Vec::new();
        for name in tags.keys() {
            notes.push(format!(
                "{name} stands for another image now: the name goes back to that of generation \
                 {number}, for all that use it"
            ));
        }
        for (facts, name) in self.named() {
            let service = &facts.service;
            match self.kept(facts) {
                None => notes.push(format!(
                    "the image that {service} had in generation {number} is not kept: it runs \
                     what {name} stands for now"
                )),
                Some(kept) if tags.get(name).is_some_and(|id| *id != kept.id) => {
                    notes.push(format!(
                        "{service} shares the name {name} with a service that had another image: \
                         it runs that one"
                    ));
                }
                Some(_) => {}
            }
        }
        notes
    }
}
