//! What containers see of folders, volumes and configuration files.

use std::collections::BTreeSet;

use super::service::{Scene, Service};
use crate::model::Stack;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::storage;
use crate::model::value::mount as value;

/// A mount with its source settled.
#[derive(Debug, Clone)]
pub struct Mount<'c> {
    /// What the container sees.
    pub source: Source<'c>,
    /// Where it sees it.
    pub target: &'c str,
    /// How it sees it, in the words of Podman.
    pub options: Vec<&'c str>,
}

/// What a container sees at a path.
#[derive(Debug, Clone)]
pub enum Source<'c> {
    /// An absolute path of the host.
    Path(String),
    /// A path in the home directory, without the `~`.
    Home(&'c str),
    /// A volume that the stack owns, by the name used in the file.
    Owned(&'c str),
    /// A volume that somebody else makes, by its name in Podman.
    External(&'c str),
    /// A configuration file of the stack.
    File {
        /// Its name.
        name: &'c str,
        /// The digest of what it holds.
        digest: String,
    },
}

/// A volume that the stack owns.
#[derive(Debug)]
pub struct Volume<'c> {
    /// The name used in the file, and of its unit.
    pub name: &'c str,
    /// Its name in Podman.
    pub podman_name: &'c str,
    /// What is said about it.
    pub written: Option<&'c At<storage::Volume>>,
}

/// Asked of the file system that holds the folder, before anything is started: no option of mounts.
pub const NO_COPY_ON_WRITE: &str = "nocow";

/// The mounts of a service, in their order; those of configuration files come last.
pub fn mounts<'c>(scene: &Scene<'c, '_>, configuration: &'c Configuration) -> Vec<Mount<'c>> {
    let stack = scene.checked.stack();
    let folders = configuration.volumes.iter().map(|mount| {
        let value::Mount { source, target, options } = &mount.value.0;
        let options = options.iter().map(value::MountOption::as_str);
        Mount {
            source: settle(scene, stack, source),
            target,
            options: options.filter(|option| *option != NO_COPY_ON_WRITE).collect(),
        }
    });
    let files = configuration.files.iter().filter_map(|file| {
        let (name, target) = (file.name.as_ref()?, file.target.as_ref()?);
        let file = scene.files.get(name.as_str())?;
        Some(Mount {
            source: Source::File { name: file.name, digest: file.digest.clone() },
            target: target.as_str(),
            // Several services may mount it, and none of them changes it.
            options: vec!["ro", "z"],
        })
    });
    folders.chain(files).collect()
}

fn settle<'c>(scene: &Scene<'c, '_>, stack: &'c Stack, source: &'c value::Source) -> Source<'c> {
    match source {
        value::Source::Path(path) => Source::Path(path.clone()),
        value::Source::Home(path) => Source::Home(path.strip_prefix('~').unwrap_or(path)),
        value::Source::Relative(path) => {
            let path = scene.checked.folder().join(path);
            Source::Path(plain_path(&path.to_string_lossy()))
        }
        value::Source::Volume(name) => match stack.volumes.get(name) {
            Some(volume) => {
                let volume = volume.get();
                let external = volume.and_then(|volume| volume.external);
                match external.is_some_and(|external| external.value) {
                    true => Source::External(podman_name(name, volume)),
                    false => Source::Owned(name),
                }
            }
            None => Source::External(name),
        },
    }
}

/// The path without `.` and `..`, which Quadlet would read from where the unit lies.
pub fn plain_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn podman_name<'c>(name: &'c str, volume: Option<&'c At<storage::Volume>>) -> &'c str {
    let given = volume.and_then(|volume| volume.name.as_ref());
    given.map_or(name, |given| given.as_str())
}

/// The volumes that a stack owns: all of them, or those that some services use.
pub fn owned<'c>(stack: &'c Stack, services: &[Service<'c>], all: bool) -> Vec<Volume<'c>> {
    let sources = services.iter().flat_map(|service| &service.mounts);
    let used: BTreeSet<&str> = sources
        .filter_map(|mount| match mount.source {
            Source::Owned(name) => Some(name),
            _ => None,
        })
        .collect();
    let volumes = stack.volumes.iter().filter_map(|(name, _, volume)| {
        let written = volume.get();
        let external = written.and_then(|volume| volume.external).is_some_and(|at| at.value);
        let wanted = !external && (all || used.contains(name));
        wanted.then(|| Volume { name, podman_name: podman_name(name, written), written })
    });
    volumes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_whole_and_plain() {
        for (path, expected) in
            [("/a/./b", "/a/b"), ("/a/../b/", "/b"), ("/../..", "/"), ("/a//b", "/a/b")]
        {
            assert_eq!(plain_path(path), expected);
        }
    }
}
