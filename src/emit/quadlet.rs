//! A stack as units for Quadlet, with the plain units and files that it brings along.

mod build;
mod container;
pub mod gate;
mod health;
mod limits;
mod network;
mod pod;
mod raw;
mod running;
mod volume;

use minijinja::Value;

use super::template::{Fields, Filler, Led, TemplateError, Templates, comment};
use super::{File, Scope, UNIT_MODE};
use crate::capability::podman::Podman;
use crate::model::layer::Map;
use crate::model::variable::Plain;
use crate::resolve::file::digest;
use crate::resolve::mount::Source;
use crate::resolve::{self, Resolved, Service};
use crate::threads::each;

/// For whom units are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The oldest Podman that must understand them.
    pub podman: Podman,
    /// Whose systemd runs them.
    pub scope: Scope,
}

/// The label, and the word in units, by which what belongs to a stack is known.
pub const STACK_LABEL: &str = "stackwright.stack";
const SERVICE_LABEL: &str = "stackwright.service";
const DIGEST_LABEL: &str = "stackwright.digest";

/// Stands for the digest of a unit until that is known; no value can hold this character.
const DIGEST_PLACE: char = '\u{80}';

/// The files of a stack, in the order of their paths.
pub fn emit(
    stack: &Resolved<'_>,
    target: Target,
    templates: &Templates,
) -> Result<Vec<File>, TemplateError> {
    let filler = templates.filler(target.podman);
    let scene = Scene { stack, target, filler, banner: banner(stack, target), mark: mark(stack) };
    let mut files = containers(&scene)?;
    for (name, fields) in build::all(stack) {
        files.push(scene.unit(format!("{name}.build"), "build.j2", fields)?);
    }
    for network in &stack.networks {
        let fields = network::fields(stack, network);
        files.push(scene.unit(format!("{}.network", network.name), "network.j2", fields)?);
    }
    for volume in &stack.volumes {
        let fields = volume::fields(stack, volume);
        files.push(scene.unit(format!("{}.volume", volume.name), "volume.j2", fields)?);
    }
    if stack.in_pod {
        let fields = pod::fields(stack, target);
        files.push(scene.unit(format!("{}.pod", stack.name), "pod.j2", fields)?);
    }
    files.extend(stack.units.iter().map(plain_unit));
    files.extend(stack.files.values().map(super::configuration_file));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// What all units of a stack are made with.
struct Scene<'s> {
    stack: &'s Resolved<'s>,
    target: Target,
    filler: Filler<'s>,
    banner: Value,
    mark: Value,
}

impl Scene<'_> {
    fn unit(
        &self,
        path: String,
        template: &str,
        mut fields: Fields,
    ) -> Result<File, TemplateError> {
        fields.set("banner", self.banner.clone());
        fields.set("mark", self.mark.clone());
        let text = self.filler.render(template, fields)?;
        Ok(File { path, contents: seal(&text).into_bytes(), mode: UNIT_MODE })
    }

    fn container(&self, service: &Service<'_>) -> Result<File, TemplateError> {
        let fields = container::fields(self.stack, service, self.target);
        self.unit(format!("{}.container", service.unit), "container.j2", fields)
    }
}

/// The units of all services; each is made by itself, so that threads can share many of them.
fn containers(scene: &Scene<'_>) -> Result<Vec<File>, TemplateError> {
    each(&scene.stack.services, |service| scene.container(service)).into_iter().collect()
}

/// What every unit says about where it comes from.
fn banner(stack: &Resolved<'_>, target: Target) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let (origin, podman) = (stack.origin, target.podman);
    Value::from_safe_string(comment(&format!(
        "Made by stackwright {version} from {origin}, for Podman {podman} and newer.\n\
         A change made here is lost with the next one made there."
    )))
}

/// What every unit says about what it belongs to, as its own section has it.
fn mark(stack: &Resolved<'_>) -> Value {
    Value::from_safe_string(format!("Stack={}\nDigest={DIGEST_PLACE}\n", stack.name))
}

/// Writes the digest of a unit into it: of all that makes a difference to what runs.
fn seal(text: &str) -> String {
    let digest = digest(&matters(text));
    // All units of a stack are kept until they are written, so none takes more than it needs.
    let mut sealed = String::with_capacity(text.len() + 2 * digest.len());
    for (place, part) in text.split(DIGEST_PLACE).enumerate() {
        sealed.push_str(if place == 0 { "" } else { &digest });
        sealed.push_str(part);
    }
    sealed
}

/// The stretches of a unit that make a difference to what runs.
fn matters(text: &str) -> Vec<&[u8]> {
    let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        let next = end + line.len();
        if line.starts_with('#') || line.starts_with("Description=") {
            parts.extend(text.as_bytes().get(start..end));
            start = next;
        }
        end = next;
    }
    parts.extend(text.as_bytes().get(start..));
    parts
}

fn plain_unit(unit: &resolve::Plain<'_>) -> File {
    let mut contents = unit.text.as_bytes().to_vec();
    if let Some(target) = unit.wanted_by {
        let gap = if unit.text.ends_with('\n') { "" } else { "\n" };
        contents.extend(format!("{gap}\n[Install]\nWantedBy={target}\n").into_bytes());
    }
    File { path: format!("plain/{}", unit.name), contents, mode: UNIT_MODE }
}

/// Where a mount finds what it shows, as Quadlet writes it.
fn source(stack: &Resolved<'_>, target: Target, source: &Source<'_>) -> Led {
    let (lead, text) = match source {
        Source::Path(path) => ("", path.clone()),
        Source::Home(path) => ("%h", (*path).to_owned()),
        Source::Owned(name) => ("", format!("{name}.volume")),
        Source::External(name) => ("", (*name).to_owned()),
        Source::File { name, digest } => {
            let path = format!("{}/files/{digest}/{name}", stack.name);
            match target.scope {
                Scope::User => ("%h", format!("/.local/state/stackwright/stacks/{path}")),
                Scope::System => ("", format!("/etc/stackwright/stacks/{path}")),
            }
        }
    };
    Led { lead, text }
}

/// `name=value` for each entry.
fn pairs(map: &Map<Plain>) -> Vec<String> {
    map.iter().map(|(name, _, value)| format!("{name}={}", value.0.value)).collect()
}

/// A text as one line of words.
fn sentence(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    line.trim_matches(|c: char| matches!(c, '\\' | '\u{feff}') || c.is_whitespace()).to_owned()
}
