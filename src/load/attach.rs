//! The files beside a stack file that it names: env files, contents of `files` and of units.

use std::collections::BTreeMap;
use std::path::Path;

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
    /// The contents of files.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Reads every file once, by way of the folder that none may leave.
pub fn attach(
    stack: &Stack,
    folder: &Path,
    limit: u64,
    look: &dyn Look,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Attachments {
    let mut attachments = Attachments::default();
    // All of them together may be as large as one: a stack can name a hundred large ones.
    let mut room = limit;
    let mut read = |path: &At<RelativePath>, findings: &mut Findings| {
        let result = look.read_inside(folder, Path::new(path.as_str()), room);
        if let Ok(bytes) = &result {
            room = room.saturating_sub(bytes.len() as u64);
        }
        result.map_err(|error| findings.add(unread(path.as_str(), &error, limit, path.span))).ok()
    };
    let mut lines_left = env_file::LINES_MAX;
    for path in contents(stack) {
        if !attachments.files.contains_key(path.as_str())
            && let Some(bytes) = read(path, findings)
        {
            attachments.files.insert(path.as_str().to_owned(), bytes);
        }
    }
    for path in env_files(stack) {
        if attachments.env_files.contains_key(path.as_str()) {
            continue;
        }
        let Some(bytes) = read(path, findings) else { continue };
        let name = folder.join(path.as_str());
        let id = take_text(&name.to_string_lossy(), bytes, sources, findings);
        let source = id.and_then(|id| Some((id, std::sync::Arc::clone(sources.get(id)?))));
        let lines = source.map(|(id, source)| env_file::read(id, &source, lines_left, findings));
        let lines = lines.unwrap_or_default();
        lines_left -= lines.len();
        attachments.env_files.insert(path.as_str().to_owned(), lines);
    }
    attachments
}

fn contents(stack: &Stack) -> impl Iterator<Item = &At<RelativePath>> {
    let files = stack.files.iter().filter_map(|(_, _, file)| file.0.source.as_ref());
    let units = stack.units.iter().filter_map(|(_, _, unit)| unit.get());
    files.chain(units.filter_map(|unit| unit.source.as_ref()))
}

fn env_files(stack: &Stack) -> impl Iterator<Item = &At<RelativePath>> {
    let services = stack.services.iter().filter_map(|service| service.configuration.get());
    services.flat_map(|configuration| configuration.env_file.iter())
}
