//! One look at all of a host that is judged, what takes its time side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;

use super::asks::Asks;
use super::{Request, quadlet};
use crate::host::change::Fault;
use crate::host::containers::{Generated, Owned};
use crate::host::known::{Asked, Known, Listening};
use crate::threads::{joined, joined_or_default};
use crate::unit_file::facts::Facts;

/// What was found.
pub struct Seen {
    /// What is known of the machine.
    pub known: Known,
    /// The version of systemd.
    pub systemd: u32,
    /// What Quadlet would make of the new units, and why systemd would lose some.
    pub generated: Generated,
    pub lost: Option<String>,
    /// The secrets that are there, of those that are needed and not settled.
    pub secrets: BTreeSet<String>,
    /// The volumes that are there, where some are needed.
    pub volumes: Vec<Owned>,
    /// What images are made for, by their own marks.
    pub architectures: BTreeMap<String, String>,
    /// Files that stand where links of ours have to be.
    pub strangers: Vec<PathBuf>,
    /// Room in bytes, for what we keep and for images.
    pub room: u64,
    pub image_room: u64,
    /// Who listens on ports that are needed, as far as that can be seen.
    pub holders: BTreeMap<Listening, String>,
}

/// Looks at everything once.
pub fn look(
    request: &Request<'_>,
    (old, new): (&BTreeMap<String, Facts>, &BTreeMap<String, Facts>),
    asks: &BTreeMap<String, Asks>,
) -> Result<Seen, Fault> {
    let (host, places) = (request.host, request.places);
    let units = folders(request);
    let mut asked = Asked { clock: request.tells_all, ..Asked::default() };
    asked.paths = units.iter().copied().collect();
    for one in asks.values() {
        asked.paths.extend(one.mounts.keys().chain(&one.devices).map(PathBuf::as_path));
    }
    let is_new = |host: &&String| {
        request.tells_all || !request.from.all_units().any(|(_, text)| text.contains(*host))
    };
    asked.names = request.expected.hosts.iter().filter(is_new).map(String::as_str).collect();
    let secrets = super::objects::unknown_secrets(request, new);
    let volumes = super::objects::needs_volumes(request, new);
    let images = super::images::to_look_at(request, new);
    thread::scope(|threads| {
        let known = threads.spawn(|| host.machine.known(&asked));
        let secrets =
            (!secrets.is_empty()).then(|| threads.spawn(|| host.containers.secrets_of(&secrets)));
        let volumes = volumes.then(|| threads.spawn(|| host.containers.volumes()));
        let images =
            (!images.is_empty()).then(|| threads.spawn(|| host.containers.architectures(&images)));
        let (generated, lost) = quadlet::ask(request, new)?;
        let known = joined(known)?;
        let secrets = joined_or_default(secrets)?;
        Ok(Seen {
            generated,
            lost,
            systemd: host.units.manager_version()?,
            strangers: super::names::strangers(request)?,
            room: host.files.room(&places.stacks)?,
            image_room: host.files.room(&places.containers)?,
            secrets: secrets.into_iter().map(|secret| secret.name).collect(),
            volumes: joined_or_default(volumes)?,
            architectures: joined_or_default(images)?,
            holders: super::ports::holders(request, (old, new), &known),
            known,
        })
    })
}

/// The folders that units are read from, with all above them.
pub fn folders<'r>(request: &Request<'r>) -> BTreeSet<&'r Path> {
    let places = request.places;
    let own = [&places.quadlet, &places.units, &places.stacks].into_iter();
    own.flat_map(|folder| folder.ancestors()).collect()
}
