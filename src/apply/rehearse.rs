//! What Quadlet would make of the new units beside what is there, before they are put in place: one
//! bad line of a neighbour can take every unit of a user away, and systemd calls that a success.

use std::collections::BTreeMap;
use std::path::Path;

use super::event::{Failure, Step, at};
use crate::host::change::Host;
use crate::state::Places;
use crate::unit_file::facts::Facts;

/// Runs the generator over the staged units, which come first, and all that it reads else.
pub fn rehearse(
    host: Host<'_>,
    places: &Places,
    staged: &Path,
    facts: &BTreeMap<String, Facts>,
) -> Result<(), Failure> {
    let wanted: Vec<&Facts> = facts.values().filter(|facts| facts.is_quadlet()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut folders = vec![staged, places.quadlet.as_path()];
    folders.extend(places.others.iter().map(std::path::PathBuf::as_path));
    let generated = host.containers.generate(&folders).map_err(at(Step::Rehearse))?;
    let lost = wanted.iter().find(|facts| !generated.services.contains_key(&facts.service));
    let named = |line: &&String| wanted.iter().any(|facts| line.contains(&facts.file));
    let complaint = generated.complaints.iter().find(named);
    let why = match (lost, complaint) {
        (None, None) => return Ok(()),
        (Some(facts), Some(line)) => format!("Quadlet makes no {}: {line}", facts.service),
        (Some(facts), None) => match generated.complaints.as_slice() {
            [] => format!("Quadlet makes no {}", facts.service),
            lines => format!("Quadlet makes no {}: {}", facts.service, lines.join("; ")),
        },
        (None, Some(line)) => format!("Quadlet complains: {line}"),
    };
    let service = lost.map(|facts| facts.service.clone());
    Err(Failure { service, ..Failure::at(Step::Rehearse, why) })
}
