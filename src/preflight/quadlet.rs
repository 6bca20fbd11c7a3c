//! What the generator of this host makes of the new units together with all that is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Finding, Request, Scene, code};
use crate::apply::rehearse;
use crate::host::change::Fault;
use crate::host::containers::Generated;
use crate::plan::facts;
use crate::unit_file::facts::Facts;

/// How many files are tried alone to find out which one breaks the generator.
const TRIED_MAX: usize = 500;

/// Lets the generator try, and tells why systemd would lose a unit, if so.
pub fn ask(
    request: &Request<'_>,
    new: &BTreeMap<String, Facts>,
) -> Result<(Generated, Option<String>), Fault> {
    if request.to.units.is_empty() {
        return Ok((Generated::default(), None));
    }
    let folders = rehearse::folders(request.places);
    let generated = request.host.containers.generate_with(&request.to.units, &folders)?;
    let own = facts(request.from).into_keys().chain(new.keys().cloned()).collect();
    let rehearsal = rehearse::Rehearsal {
        host: request.host,
        folders: &folders,
        generated: &generated,
        is_ours: &|path, facts| path == Path::new(&facts.file),
    };
    let lost = rehearsal.judge(new, &own).err().map(|failure| failure.why);
    let culprit = if generated.broke { culprit(request, &folders)? } else { None };
    let lost = lost.map(|why| match culprit {
        Some(path) => format!("{}: {why}", path.display()),
        None => why,
    });
    Ok((generated, lost))
}

/// The file at which the generator breaks down: it does not say so, but it does it alone too.
fn culprit(request: &Request<'_>, folders: &[&Path]) -> Result<Option<PathBuf>, Fault> {
    let files = request.host.files;
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    let mut tried = 0;
    while let Some(path) = open.pop().filter(|_| tried < TRIED_MAX) {
        tried += 1;
        if let (Some(name), Ok(Some(bytes))) = (path.file_name(), files.read(&path)) {
            let (name, text) = (name.to_string_lossy(), String::from_utf8_lossy(&bytes));
            let unit = BTreeMap::from([(name.into_owned(), text.into_owned())]);
            if request.host.containers.generate_with(&unit, &[])?.broke {
                return Ok(Some(path));
            }
        } else {
            // A folder, or a link to one; what can be neither read nor listed is passed over.
            let names = files.list(&path).unwrap_or_default();
            open.extend(names.into_iter().map(|name| path.join(name)));
        }
    }
    Ok(None)
}

/// Judges what it made and said.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let said = &scene.seen.generated.complaints;
    let names_ours =
        |line: &String| scene.new.values().any(|facts| line.contains(facts.file.as_str()));
    let Some(why) = &scene.seen.lost else {
        let help =
            "mend that file or move it away; where the line is an error, its service is not made";
        let complaint =
            |line: &String| Finding::new(&code::COMPLAINT, format!("Quadlet says: {line}"), help);
        return said.iter().map(complaint).collect();
    };
    let is_ours = said.iter().any(names_ours) || (said.is_empty() && !scene.seen.generated.broke);
    let (code, help) = match is_ours {
        true => (&code::QUADLET_REFUSES, "change what the stack file says there"),
        false => (&code::POISONED, "mend the file that it names, or move it away"),
    };
    vec![Finding::new(code, why, help)]
}
