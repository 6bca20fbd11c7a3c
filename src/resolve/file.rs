//! Configuration files and plain units of a stack, with their contents.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::check::Checked;
use crate::model::value::mode::Mode;

/// A configuration file, which stands on the host by its content.
#[derive(Debug, Clone)]
pub struct File<'c> {
    /// Its name in the stack.
    pub name: &'c str,
    /// What it holds.
    pub contents: Cow<'c, [u8]>,
    /// Its mode.
    pub mode: u32,
    /// The digest of mode and contents.
    pub digest: String,
}

/// A plain systemd unit that a stack brings along.
#[derive(Debug, Clone)]
pub struct Plain<'c> {
    /// Its full name.
    pub name: &'c str,
    /// Its text.
    pub text: Cow<'c, str>,
    /// What starts it with the machine, where that is wanted and its text does not say it.
    pub wanted_by: Option<&'static str>,
}

/// The mode of a file where none is given.
const MODE: Mode = Mode(0o444);

/// The files of a stack by their names.
pub fn files(checked: &Checked) -> BTreeMap<&str, File<'_>> {
    let mut files = BTreeMap::new();
    for (name, _, file) in checked.stack().files.iter() {
        let (content, source) = (file.0.content.as_ref(), file.0.source.as_ref());
        let is_template = file.0.template.is_some_and(|template| template.value);
        let attached = source.and_then(|source| checked.file(source, is_template));
        let inline = content.map(|content| content.value.as_bytes());
        let contents = Cow::Borrowed(inline.or(attached).unwrap_or_default());
        let mode = file.0.mode.map_or(MODE, |mode| mode.value).bits();
        let digest = digest(&[mode.to_string().as_bytes(), b"\n", &contents]);
        files.insert(name, File { name, contents, mode, digest });
    }
    files
}

/// The plain units of a stack.
pub fn units(checked: &Checked) -> Vec<Plain<'_>> {
    let units = checked.stack().units.iter().filter_map(|(name, _, unit)| {
        let unit = unit.get()?;
        let attached = unit.source.as_ref().and_then(|source| checked.file(source, false));
        let text = match &unit.content {
            Some(content) => Cow::Borrowed(content.value.as_str()),
            None => String::from_utf8_lossy(attached.unwrap_or_default()),
        };
        let at_boot = unit.start_at_boot.is_some_and(|start| start.value);
        let says_so = text.lines().any(|line| line.trim() == "[Install]");
        Some(Plain { name, wanted_by: (at_boot && !says_so).then(|| starter(name)), text })
    });
    units.collect()
}

/// The target that starts units of the type of this one.
fn starter(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("timer") => "timers.target",
        Some("socket") => "sockets.target",
        Some("path") => "paths.target",
        _ => "default.target",
    }
}

/// The first 16 hexadecimal digits of the SHA-256 of all parts.
pub fn digest(parts: &[&[u8]]) -> String {
    use sha2::{Digest, Sha256};

    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let first = hash.finalize().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    format!("{first:016x}")
}
