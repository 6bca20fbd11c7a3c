//! Bytes to a stack: YAML, variables, shapes and layers, with every problem told at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::host::{Look, ReadError};
use crate::model::Stack;
use crate::model::layer::Layer;
use crate::model::text::{Name, RelativePath};
use crate::model::value::size::Size;
use crate::report::code::text as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::{Source, SourceId, Sources, Span};

pub mod advice;
pub mod attach;
pub mod decode;
pub mod env_file;
pub mod expand;
pub mod lost;
pub mod read;
pub mod shape;
pub mod syntax;
pub mod tree;
pub mod walk;
pub mod words;
pub mod yaml;

use attach::Attachments;
use expand::{Mentions, Names};
use tree::{Comment, NodeId, Tree};

/// How large a stack file may be, where nothing else is said.
pub const FILE_SIZE_MAX: u64 = 8 << 20;

/// How many files a stack may include, each of them counted every time.
const INCLUDES_MAX: usize = 200;

/// How many containers a stack may have, replicas included.
const CONTAINERS_MAX: u32 = 20_000;

/// What is to be loaded.
#[derive(Debug, Clone)]
pub struct Request<'r> {
    /// The stack file.
    pub path: &'r Path,
    /// Partial stack files that lie over it, the last one on top.
    pub overlays: &'r [PathBuf],
    /// Files with variables; the last one wins, and the environment wins over all.
    pub env_files: &'r [PathBuf],
    /// The variables of the environment.
    pub environment: &'r BTreeMap<String, String>,
    /// How large a file may be.
    pub size_max: u64,
}

/// A stack as it was read, with all of its layers merged.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What the files say.
    pub stack: Stack,
    /// The name of the stack file without its ending, for a stack that gives no name.
    pub file_name: String,
    /// The name of the stack file.
    pub origin: String,
    /// The folder of the stack file, as an absolute path.
    pub folder: PathBuf,
    /// The beginning of the stack file, for problems that have no better place.
    pub head: Span,
    /// The comments of all files, for the notes that silence a rule.
    pub comments: Vec<Comment>,
    /// Whether something was not read, so that nothing can be said to be missing.
    pub incomplete: bool,
    /// Sections, and what they name, that were left out because they are wrong.
    pub lost: BTreeSet<String>,
    /// The variables that the files name, with what stands for those that are not set.
    pub variables: Mentions,
    /// The files beside the stack file that it names.
    pub attachments: Attachments,
    /// The files that lie under it as includes, each under its one true path.
    pub includes: Vec<PathBuf>,
}

/// A file that was read as YAML and is not yet understood.
struct Layered {
    tree: Tree,
}

/// Loads a stack with its includes and overlays.
pub fn load(
    request: &Request<'_>,
    look: &dyn Look,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Loaded {
    let mut reader = Reader::new(request, look, sources, findings);
    // The stack file is read first, so that of two places at odds the overlay's is the later one.
    let (mut lower, mut layers) = (Vec::new(), Vec::new());
    reader.file(request.path, &mut lower);
    for overlay in request.overlays.iter().rev() {
        reader.file(overlay, &mut layers);
    }
    let upper = layers.len();
    layers.append(&mut lower);
    let names = reader.names(&layers);
    let (folder, includes) = (reader.folder, reader.included);
    let mut loaded = understand(layers, upper, &names, findings);
    loaded.file_name = stem(request.path);
    loaded.origin = origin(request.path);
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
    loaded.folder = look.identity(here);
    loaded.includes = includes;
    let limit = request.size_max;
    let place = attach::Place { folder: &folder, limit, names: &names, look };
    loaded.attachments = attach::attach(&loaded.stack, &place, sources, findings);
    expand::keep(std::mem::take(&mut loaded.attachments.variables), &mut loaded.variables);
    loaded
}

/// Understands a stack that stands in a file of another kind; no variable is set.
pub fn inside(tree: Tree, findings: &mut Findings) -> Loaded {
    let mut names = Names::default();
    declared_secrets(&tree, &mut names.secrets);
    understand(vec![Layered { tree }], 0, &names, findings)
}

/// Expands, checks and reads each layer, and lays them over each other.
fn understand(
    layers: Vec<Layered>,
    upper: usize,
    names: &Names,
    findings: &mut Findings,
) -> Loaded {
    let mut loaded = Loaded::default();
    let declared = |name: &str| names.secrets.contains(name);
    let mut merged: Option<Stack> = None;
    for (place, Layered { mut tree }) in layers.into_iter().enumerate() {
        let mentions = expand::expand(&mut tree, names, findings);
        expand::keep(mentions, &mut loaded.variables);
        if place == upper {
            loaded.head = tree.root.map_or(Span::new(tree.id, 0, 0), |root| tree.head(root));
        }
        loaded.incomplete |= tree.truncated || tree.root.is_none();
        let (read, bad) = read::read::<Stack>(&tree, &shape::STACK, &declared, findings);
        loaded.incomplete |= read.as_ref().is_some_and(|stack| lost::has_service(&tree, stack));
        loaded.lost.append(&mut lost::names(&tree, &bad));
        loaded.comments.append(&mut tree.comments);
        merged = match (merged, read) {
            (Some(mut over), Some(under)) => {
                over.lay_over(&under);
                Some(over)
            }
            (over, under) => over.or(under),
        };
    }
    loaded.incomplete |= merged.is_none();
    loaded.stack = merged.unwrap_or_default();
    loaded.incomplete |= cut_services(&mut loaded.stack, findings);
    loaded
}

/// Leaves out the services that would make more containers than any machine runs.
fn cut_services(stack: &mut Stack, findings: &mut Findings) -> bool {
    let mut containers = 0;
    let mut past = stack.services.iter().skip_while(|service| {
        let replicas = service.replicas.map_or(1, |replicas| replicas.value.max(1));
        containers = replicas.saturating_add(containers);
        containers <= CONTAINERS_MAX
    });
    let Some(span) = past.next().map(|service| service.name.span) else { return false };
    let kept = stack.services.0.len() - 1 - past.count();
    let message = format!("more than {CONTAINERS_MAX} containers in one stack");
    let diagnostic = Diagnostic::new(&code::TOO_MANY_VALUES, span, message);
    findings.add(diagnostic.help("make several stacks of it"));
    stack.services.0.truncate(kept);
    true
}

/// Takes in bytes as a text, or tells why they are none.
pub fn take_text(
    name: &str,
    bytes: Vec<u8>,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Option<SourceId> {
    let utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    match String::from_utf8(bytes) {
        Ok(text) => Some(sources.add(name, text)),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            // What stands before the bad byte is shown, so that the place can be found.
            let before = String::from_utf8_lossy(bytes.get(..good).unwrap_or(&[])).into_owned();
            let id = sources.add(name, before);
            let found = bytes.get(good).copied().unwrap_or(0);
            let message = format!("byte {found:#04x} does not belong to UTF-8 text");
            let help = if utf16 {
                "the file is UTF-16: save it as UTF-8"
            } else {
                "save the file as UTF-8"
            };
            let span = Span::new(id, good, good);
            findings.add(Diagnostic::new(&code::NOT_TEXT, span, message).help(help));
            None
        }
    }
}

/// The same for a file that shares the limit with others.
fn unread(path: &str, error: &ReadError, limit: u64, span: Span) -> Diagnostic {
    match error {
        ReadError::TooLarge(room) if *room < limit => {
            let (path, limit) = (escape(path), Size(limit));
            let message = format!("`{path}` and the files before it are larger than {limit}");
            let diagnostic = Diagnostic::new(&code::TOO_LARGE, span, message);
            diagnostic.help("allow more by `--max-file-size`")
        }
        error => unreadable(path, error, span),
    }
}

/// The diagnostic of a file that was not read.
pub fn unreadable(path: &str, error: &ReadError, span: Span) -> Diagnostic {
    let code = match error {
        ReadError::TooLarge(_) => &code::TOO_LARGE,
        ReadError::Outside => &code::OUTSIDE,
        _ => &code::UNREADABLE,
    };
    let path = escape(path);
    let message = match error {
        ReadError::TooLarge(limit) => format!("`{path}` is larger than {}", Size(*limit)),
        _ => format!("`{path}`: {error}"),
    };
    let diagnostic = Diagnostic::new(code, span, message);
    match error {
        ReadError::Outside => diagnostic.help("put the file beside the stack file"),
        ReadError::TooLarge(_) => diagnostic.help("allow more by `--max-file-size`"),
        ReadError::NotFound => diagnostic.help("look whether its name is spelt right"),
        _ => diagnostic,
    }
}

struct Reader<'r, 'f> {
    request: &'r Request<'r>,
    look: &'r dyn Look,
    sources: &'f mut Sources,
    findings: &'f mut Findings,
    folder: PathBuf,
    /// The files that are being read, to find includes that include each other.
    reading: Vec<PathBuf>,
    /// The files that were included.
    included: Vec<PathBuf>,
    /// Whether too many includes were told already.
    is_full: bool,
    /// How large the includes that were not read yet may be together.
    room: u64,
    /// How many values were read from all files.
    values: usize,
    /// How many lines of files with variables may still be read.
    lines_left: usize,
}

impl<'r, 'f> Reader<'r, 'f> {
    fn new(
        request: &'r Request<'r>,
        look: &'r dyn Look,
        sources: &'f mut Sources,
        findings: &'f mut Findings,
    ) -> Self {
        let folder = request.path.parent().unwrap_or(Path::new("")).to_owned();
        let (reading, included, is_full) = (Vec::new(), Vec::new(), false);
        let (room, values, lines_left) = (request.size_max, 0, env_file::LINES_MAX);
        Self {
            request,
            look,
            sources,
            findings,
            folder,
            reading,
            included,
            is_full,
            room,
            values,
            lines_left,
        }
    }

    /// Reads a file that the user named, and what it includes under it.
    fn file(&mut self, path: &Path, layers: &mut Vec<Layered>) {
        let name = path.to_string_lossy().into_owned();
        match self.look.read(path, self.request.size_max) {
            Ok(bytes) => self.text(&name, path, bytes, layers),
            Err(error) => {
                let id = self.sources.add(name.clone(), "");
                self.findings.add(unreadable(&name, &error, Span::new(id, 0, 0)));
            }
        }
    }

    fn text(&mut self, name: &str, path: &Path, bytes: Vec<u8>, layers: &mut Vec<Layered>) {
        let Some(id) = take_text(name, bytes, self.sources, self.findings) else { return };
        let Some(source) = self.sources.get(id).map(Arc::clone) else { return };
        let Some(tree) = parse_document(id, &source, self.findings) else { return };
        self.values += tree.values;
        if self.values > yaml::VALUES_MAX && !layers.is_empty() {
            let message = format!("more than {} values in all files", yaml::VALUES_MAX);
            let span = tree.root.map_or(Span::new(id, 0, 0), |root| tree.head(root));
            self.findings.add(Diagnostic::new(&code::TOO_MANY_VALUES, span, message));
            return;
        }
        self.reading.push(self.look.identity(path));
        let includes = self.within_limit(include_nodes(&tree));
        layers.push(Layered { tree });
        for (include, span) in includes.into_iter().rev() {
            self.include(&include, span, layers);
        }
        self.reading.pop();
    }

    fn include(&mut self, include: &str, span: Span, layers: &mut Vec<Layered>) {
        if include.parse::<RelativePath>().is_err() {
            return; // The shape of the key tells what is wrong with it.
        }
        let path = self.folder.join(include);
        if self.reading.contains(&self.look.identity(&path)) {
            let message = format!("`{}` includes itself", escape(include));
            let diagnostic = Diagnostic::new(&code::INCLUDE_CYCLE, span, message);
            self.findings.add(diagnostic.help("take this include away"));
            return;
        }
        if self.included.len() >= INCLUDES_MAX {
            return self.too_many(span);
        }
        if self.values > yaml::VALUES_MAX {
            return; // It was told, and reading on would cost as much again for each file.
        }
        self.included.push(self.look.identity(&path));
        match self.look.read_inside(&self.folder, Path::new(include), self.room) {
            Ok(bytes) => {
                self.room = self.room.saturating_sub(bytes.len() as u64);
                self.text(&path.to_string_lossy(), &path, bytes, layers);
            }
            Err(error) => {
                self.findings.add(unread(include, &error, self.request.size_max, span));
            }
        }
    }

    /// The includes of one file, without those that are too many.
    fn within_limit(&mut self, mut includes: Vec<(String, Span)>) -> Vec<(String, Span)> {
        let room = INCLUDES_MAX.saturating_sub(self.included.len());
        if let Some((_, span)) = includes.get(room) {
            self.too_many(*span);
        }
        includes.truncate(room);
        includes
    }

    /// Tells, once, that there are too many includes.
    fn too_many(&mut self, span: Span) {
        if !std::mem::replace(&mut self.is_full, true) {
            let message = format!("more than {INCLUDES_MAX} includes");
            let diagnostic = Diagnostic::new(&code::TOO_MANY_VALUES, span, message);
            self.findings.add(diagnostic.help("put the contents of several files into one"));
        }
    }

    /// The variables and the declared secrets that values may name.
    fn names(&mut self, layers: &[Layered]) -> Names {
        let mut secrets = BTreeSet::new();
        for layer in layers {
            declared_secrets(&layer.tree, &mut secrets);
        }
        Names { variables: self.variables(), secrets }
    }

    /// The environment over the env files; `.env` beside the stack where none is named.
    fn variables(&mut self) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        if self.request.env_files.is_empty() {
            let path = self.folder.join(".env");
            if let Ok(bytes) = self.look.read(&path, self.request.size_max) {
                self.env_file(&path, bytes, &mut variables);
            }
        }
        for path in self.request.env_files {
            match self.look.read(path, self.request.size_max) {
                Ok(bytes) => self.env_file(path, bytes, &mut variables),
                Err(error) => {
                    let name = path.to_string_lossy();
                    let id = self.sources.add(name.clone(), "");
                    self.findings.add(unreadable(&name, &error, Span::new(id, 0, 0)));
                }
            }
        }
        let environment = self.request.environment.iter();
        variables.extend(environment.map(|(name, value)| (name.clone(), value.clone())));
        variables
    }

    fn env_file(&mut self, path: &Path, bytes: Vec<u8>, variables: &mut BTreeMap<String, String>) {
        let name = path.to_string_lossy();
        let Some(id) = take_text(&name, bytes, self.sources, self.findings) else { return };
        let Some(source) = self.sources.get(id) else { return };
        let lines = env_file::read(id, source, self.lines_left, self.findings);
        self.lines_left -= lines.len();
        variables.extend(lines.into_iter().map(|line| (line.name, line.value)));
    }
}

/// Parses a text; an empty one is told.
fn parse_document(id: SourceId, source: &Arc<Source>, findings: &mut Findings) -> Option<Tree> {
    let tree = yaml::parse(id, source, findings);
    let empty = tree.root.is_none_or(|root| tree.is_null(root));
    if empty && !tree.truncated {
        let message = "the file holds nothing";
        let help = "begin with `stack:` and `services:`";
        findings.add(Diagnostic::new(&code::EMPTY, Span::new(id, 0, 0), message).help(help));
        return None;
    }
    tree.root.is_some().then_some(tree)
}

/// The paths under `include`, before anything else of the file is understood.
fn include_nodes(tree: &Tree) -> Vec<(String, Span)> {
    let include = tree.root.and_then(|root| tree.get(root, "include"));
    let items: &[NodeId] = include.map_or(&[], |include| tree.items(include));
    let path = |id: &NodeId| Some((tree.scalar_text(*id)?.to_owned(), tree.span(*id)));
    items.iter().filter_map(path).collect()
}

/// The names under `secrets` and `shared.secrets`, before anything else is understood.
fn declared_secrets(tree: &Tree, secrets: &mut BTreeSet<String>) {
    let Some(root) = tree.root else { return };
    let named = tree.get(root, "secrets").map_or(&[][..], |map| tree.entries(map));
    let named = named.iter().filter_map(|entry| tree.scalar_text(entry.key));
    secrets.extend(named.map(str::to_owned));
    let shared = tree.get(root, "shared").and_then(|shared| tree.get(shared, "secrets"));
    let listed = shared.map_or(&[][..], |list| tree.items(list));
    secrets.extend(listed.iter().filter_map(|id| tree.scalar_text(*id)).map(str::to_owned));
}

/// The name of a file without `.yml`, `.yaml` and `.stack`; of its folder for `stack.yml`.
fn stem(path: &Path) -> String {
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".stack").map_or(name.clone(), str::to_owned);
    let folder = path.parent().and_then(Path::file_name);
    Name::likely(&match folder {
        Some(folder) if name == "stack" => folder.to_string_lossy().into_owned(),
        _ => name,
    })
}

/// The name of a file, with that of its folder for `stack.yml`.
fn origin(path: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = name(path).unwrap_or_default();
    match path.parent().and_then(name) {
        Some(folder) if matches!(own.as_str(), "stack.yml" | "stack.yaml") => {
            format!("{folder}/{own}")
        }
        _ => own,
    }
}
