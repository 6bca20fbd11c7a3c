//! Names of systemd, of which each has one owner, and the links by which it finds them.

use std::path::PathBuf;

use super::{Finding, Request, Scene, code};
use crate::apply::links;
use crate::host::change::Fault;
use crate::host::units::UnitState;

/// Files of others where our links have to be.
pub fn strangers(request: &Request<'_>) -> Result<Vec<PathBuf>, Fault> {
    let links = links::links(request.places, request.store, request.stack, request.to);
    let folder = request.places.inside(request.store.folder());
    links::strangers(request.host.files, &links, &folder)
}

/// Judges the states of the units that are to be.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let request = scene.request;
    let folders = [request.store.folder().to_owned(), request.places.quadlet.join(request.stack)];
    let owner = |state: &UnitState| {
        let file = state.source.as_ref().or(state.fragment.as_ref())?;
        let mut plain = scene.new.values().filter(|facts| !facts.is_quadlet());
        let is_link = plain.any(|facts| request.places.units.join(&facts.file) == *file);
        let is_ours = is_link || folders.iter().any(|folder| file.starts_with(folder));
        (state.is_loaded && !is_ours).then(|| file.display().to_string())
    };
    let mut findings = Vec::new();
    for service in scene.new.keys() {
        let Some(state) = request.observed.states.get(service) else { continue };
        if state.is_masked {
            let what = format!("{service} is masked, it must be free to start");
            let flag = if request.of_user { " --user" } else { "" };
            let help = format!("run `systemctl{flag} unmask {service}`");
            findings.push(Finding::new(&code::MASKED, what, help));
        } else if let Some(file) = owner(state) {
            let what = format!("{service} is made from {file}, which is not of this stack");
            let help = "rename the service, or move that file away";
            findings.push(Finding::new(&code::FOREIGN_UNIT, what, help));
        }
    }
    findings
}
