//! What Quadlet would make of the new units beside what is there, before they are put in place: one
//! bad line of a neighbour can take every unit of a user away, and systemd calls that a success.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::event::{Failure, Step, at};
use crate::host::change::{Fault, Host};
use crate::host::containers::Generated;
use crate::observe::states;
use crate::state::Places;
use crate::unit_file::facts::Facts;

/// Runs the generator over the staged units, which come first, and all that it reads else. `own`
/// are the services of the stack, as it was and as it will be.
pub fn rehearse(
    host: Host<'_>,
    places: &Places,
    staged: &Path,
    facts: &BTreeMap<String, Facts>,
    own: &BTreeSet<String>,
) -> Result<(), Failure> {
    if !facts.values().any(Facts::is_quadlet) {
        return Ok(());
    }
    let folders = [vec![staged], folders(places)].concat();
    let generated = &host.containers.generate(&folders).map_err(at(Step::Rehearse))?;
    let is_ours = &|path: &Path, facts: &Facts| path.ends_with(tail(staged, facts));
    Rehearsal { host, folders: &folders, generated, is_ours }.judge(facts, own)
}

/// The folders that Quadlet reads.
pub fn folders(places: &Places) -> Vec<&Path> {
    std::iter::once(&places.quadlet).chain(&places.others).map(PathBuf::as_path).collect()
}

/// What the generator made of the new units and all that is there.
pub struct Rehearsal<'r> {
    /// The host.
    pub host: Host<'r>,
    /// The folders that it read.
    pub folders: &'r [&'r Path],
    /// What it made.
    pub generated: &'r Generated,
    /// Whether a path is that of a new unit.
    pub is_ours: &'r dyn Fn(&Path, &Facts) -> bool,
}

impl Rehearsal<'_> {
    /// Whether all units are made, and none of others is lost.
    pub fn judge(
        &self,
        facts: &BTreeMap<String, Facts>,
        own: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        let generated = self.generated;
        let wanted: Vec<&Facts> = facts.values().filter(|facts| facts.is_quadlet()).collect();
        // One that is lost may still be there from the units that are in use now.
        let is_there = |facts: &&&Facts| {
            let source = generated.services.get(&facts.service);
            source.is_some_and(|path| path.as_os_str().is_empty() || (self.is_ours)(path, facts))
        };
        let lost = wanted.iter().find(|facts| !is_there(facts));
        let named = |line: &&String| wanted.iter().any(|facts| line.contains(&facts.file));
        let complaint = generated.complaints.iter().find(named);
        let why = match (lost, complaint) {
            (None, None) if generated.broke => {
                format!("Quadlet breaks down: {}", generated.complaints.join("; "))
            }
            (None, None) => return self.strangers_stay(own),
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

    /// Whether Quadlet still makes what systemd has from the same folders: reading the units anew
    /// would take it away.
    fn strangers_stay(&self, own: &BTreeSet<String>) -> Result<(), Failure> {
        let (host, generated) = (self.host, self.generated);
        let lost = || -> Result<Option<String>, Fault> {
            let known = host.units.in_memory()?.into_keys();
            let foreign = known.filter(|name| !own.contains(name));
            let gone = foreign.filter(|name| !generated.services.contains_key(name)).collect();
            let mut states = states(host, &gone)?.into_iter();
            let is_made = states.find(|(_, state)| {
                let source = state.source.as_ref();
                source.is_some_and(|file| self.folders.iter().any(|one| file.starts_with(one)))
            });
            Ok(is_made.map(|(name, _)| name))
        };
        let Some(name) = lost().map_err(at(Step::Rehearse))? else { return Ok(()) };
        let said = generated.complaints.join("; ");
        let why = match said.as_str() {
            "" => format!("systemd would lose {name}, which Quadlet no longer makes"),
            said => format!("systemd would lose {name}, which is not of this stack: {said}"),
        };
        Err(Failure::at(Step::Rehearse, why))
    }
}

/// The end of the path of a staged unit: what stands before may be written with other links.
fn tail(staged: &Path, facts: &Facts) -> PathBuf {
    let parts: Vec<Component<'_>> = staged.components().rev().take(2).collect();
    parts.into_iter().rev().collect::<PathBuf>().join(&facts.file)
}
