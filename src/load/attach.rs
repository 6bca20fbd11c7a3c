//! The files beside a stack file that it names: env files, contents of `files` and of units.

use std::collections::BTreeMap;
use std::path::Path;

use super::expand::{self, Mentions, Names};
use super::{env_file, take_text, unread};
use crate::host::Look;
use crate::model::Stack;
use crate::model::at::At;
use crate::model::text::RelativePath;
use crate::report::Findings;
use crate::source::Sources;

/// What was read, by the path that the stack file gives.
#[derive(Debug, Default)]
pub struct Attachments {
    /// The variables of env files.
    pub env_files: BTreeMap<String, Vec<env_file::Line>>,
    /// The contents of files, by their [`key`].
    pub files: BTreeMap<String, Vec<u8>>,
    /// The variables that templates name.
    pub variables: Mentions,
}

/// Where files are looked for, and what their variables mean.
pub struct Place<'p> {
    /// The folder of the stack, which none may leave.
    pub folder: &'p Path,
    /// How large all of them together may be: a stack can name a hundred large ones.
    pub limit: u64,
    /// What the variables of templates stand for.
    pub names: &'p Names,
    /// The outside world.
    pub look: &'p dyn Look,
}

/// Reads every file once.
pub fn attach(
    stack: &Stack,
    place: &Place<'_>,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Attachments {
    let mut attachments = Attachments::default();
    let mut room = place.limit;
    let mut read = |path: &At<RelativePath>, findings: &mut Findings| {
        let result = place.look.read_inside(place.folder, Path::new(path.as_str()), room);
        if let Ok(bytes) = &result {
            room = room.saturating_sub(bytes.len() as u64);
        }
        let unread = |error| unread(path.as_str(), &error, place.limit, path.span);
        result.map_err(|error| findings.add(unread(error))).ok()
    };
    let mut lines_left = env_file::LINES_MAX;
    for (path, is_template) in contents(stack) {
        let name = key(path, is_template);
        if attachments.files.contains_key(&name) {
            continue;
        }
        let Some(mut bytes) = read(path, findings) else { continue };
        if is_template {
            let (text, variables) = expanded(path, bytes, place, sources, findings);
            expand::keep(variables, &mut attachments.variables);
            bytes = text.into_bytes();
        }
        attachments.files.insert(name, bytes);
    }
    for path in env_files(stack) {
        if attachments.env_files.contains_key(path.as_str()) {
            continue;
        }
        let Some(bytes) = read(path, findings) else { continue };
        let name = place.folder.join(path.as_str());
        let id = take_text(&name.to_string_lossy(), bytes, sources, findings);
        let source = id.and_then(|id| Some((id, std::sync::Arc::clone(sources.get(id)?))));
        let lines = source.map(|(id, source)| env_file::read(id, &source, lines_left, findings));
        let lines = lines.unwrap_or_default();
        lines_left -= lines.len();
        attachments.env_files.insert(path.as_str().to_owned(), lines);
    }
    attachments
}

/// The name under which the contents of a file are kept: as they are, or with variables expanded.
pub fn key(path: &RelativePath, is_template: bool) -> String {
    let mark = if is_template { "$" } else { "" };
    format!("{mark}{path}")
}

/// The text of a file with its variables expanded, and what these are.
fn expanded(
    path: &RelativePath,
    bytes: Vec<u8>,
    place: &Place<'_>,
    sources: &mut Sources,
    findings: &mut Findings,
) -> (String, Mentions) {
    let name = place.folder.join(path.as_str());
    let id = take_text(&name.to_string_lossy(), bytes, sources, findings);
    let source = id.and_then(|id| Some((id, std::sync::Arc::clone(sources.get(id)?))));
    let text = source.map(|(id, source)| expand::text(id, &source.text, place.names, findings));
    text.unwrap_or_default()
}

fn contents(stack: &Stack) -> impl Iterator<Item = (&At<RelativePath>, bool)> {
    let files = stack.files.iter().filter_map(|(_, _, file)| {
        let is_template = file.0.template.is_some_and(|template| template.value);
        Some((file.0.source.as_ref()?, is_template))
    });
    let units = stack.units.iter().filter_map(|(_, _, unit)| unit.get());
    files.chain(units.filter_map(|unit| Some((unit.source.as_ref()?, false))))
}

fn env_files(stack: &Stack) -> impl Iterator<Item = &At<RelativePath>> {
    let services = stack.services.iter().filter_map(|service| service.configuration.get());
    services.flat_map(|configuration| configuration.env_file.iter())
}
