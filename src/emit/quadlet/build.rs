//! Images that are built on the machine, as the fields of their template.

use super::pairs;
use crate::emit::template::Fields;
use crate::model::build::BuildLong;
use crate::resolve::{Resolved, Service};

/// The name and the fields of each build: one for a service, however many replicas it has.
pub fn all(stack: &Resolved<'_>) -> Vec<(String, Fields)> {
    let mut builds: Vec<(String, Fields)> = Vec::new();
    for service in &stack.services {
        let name = service.written.name.as_str();
        let is_known = builds.last().is_some_and(|(known, _)| known == name);
        if let Some(build) = service.configuration.build.get().filter(|_| !is_known) {
            builds.push((name.to_owned(), fields(stack, service, &build.value.0)));
        }
    }
    builds
}

fn fields(stack: &Resolved<'_>, service: &Service<'_>, build: &BuildLong) -> Fields {
    let mut fields = Fields::default();
    let name = service.written.name.as_str();
    fields.set("description", format!("Image of {name} of {}", stack.name));
    let own = service.configuration.image.as_ref().map(ToString::to_string);
    let own = own.unwrap_or_else(|| format!("localhost/{}/{name}:latest", stack.name));
    let more = build.tags.iter().map(ToString::to_string);
    fields.list("tags", std::iter::once(own).chain(more));
    let context = build.context.as_ref().map_or(".", |context| context.as_str());
    fields.set("context", stack.beside(context));
    // Podman would look for a relative one where it is started, before it looks in the folder.
    let file = build.containerfile.as_ref().map(|file| stack.beside(&format!("{context}/{file}")));
    fields.maybe("file", file);
    fields.maybe("target", build.target.as_ref());
    fields.list("build_args", pairs(&build.args));
    fields.list("labels", pairs(&build.labels));
    fields
}
