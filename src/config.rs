//! The project's configuration: `.stackwright.yml` beside the stack files or above them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::capability::podman::Podman;
use crate::host::{Look, ReadError};
use crate::load::shape::Shapes;
use crate::load::{FILE_SIZE_MAX, read, take_text, unreadable, yaml};
use crate::model::at::At;
use crate::model::layer::{Map, Section, layered};
use crate::model::schema;
use crate::report::code::{self, project, shape};
use crate::report::{Diagnostic, Findings, Severity};
use crate::silence;
use crate::source::{Sources, Span};

/// The folder of patterns beside it, where it names no other.
const PATTERNS: &str = "patterns";

/// The name of the file.
pub const FILE: &str = ".stackwright.yml";

layered! {
    /// What holds for all stacks of a project.
    pub struct Config {
        /// Hints and warnings that are not told, each with the reason why.
        pub allow: Map<At<String>>,
        /// The oldest Podman that the units must run on, such as `"5.4"`.
        #[schemars(regex(pattern = "^[0-9]+\\.[0-9]+(\\.[0-9]+)?$"))]
        pub podman: Option<At<String>>,
        /// How many generations of a stack are kept on a host, to go back to (3).
        #[schemars(range(min = 1, max = 1000))]
        pub generations: Option<At<u32>>,
        /// The folder with patterns of the project's own, `NAME.yml` each, beside this file
        /// (`patterns`).
        pub patterns: Option<At<PathBuf>>,
        /// How well a host must be for a deployment.
        pub health: Section<Health>,
        /// Whether warnings fail a check, as `--deny-warnings` says it.
        pub deny_warnings: Option<At<bool>>,
    }
}

layered! {
    /// How well a host must be for a deployment, in points of 100.
    pub struct Health {
        /// Nothing is deployed where it has fewer points (70).
        #[schemars(range(min = 0, max = 100))]
        pub refuse: Option<At<u32>>,
        /// What is at risk is deployed only where somebody agrees, where it has fewer points (85).
        #[schemars(range(min = 0, max = 100))]
        pub ask: Option<At<u32>>,
    }
}

/// Reads the nearest configuration at or above a folder.
pub fn find(
    folder: &Path,
    look: &dyn Look,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Config {
    let start = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let start = look.identity(start);
    for folder in start.ancestors() {
        let path = folder.join(FILE);
        match look.read(&path, FILE_SIZE_MAX) {
            Ok(bytes) => {
                let mut config = read(&path, bytes, sources, findings);
                config.place_patterns(folder, look, findings);
                return config;
            }
            Err(ReadError::NotFound) => {}
            Err(error) => {
                let name = path.to_string_lossy().into_owned();
                let id = sources.add(name.clone(), "");
                findings.add(unreadable(&name, &error, Span::new(id, 0, 0)));
                return Config::default();
            }
        }
    }
    Config::default()
}

fn read(path: &Path, bytes: Vec<u8>, sources: &mut Sources, findings: &mut Findings) -> Config {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    let shapes = SHAPES.get_or_init(|| Shapes::compile(schema::rounded::<Config>().as_value()));
    let name = path.to_string_lossy();
    let Some(id) = take_text(&name, bytes, sources, findings) else { return Config::default() };
    let Some(source) = sources.get(id).map(Arc::clone) else { return Config::default() };
    let tree = yaml::parse(id, &source, findings);
    let config: Config = read::read(&tree, shapes, &|_| false, findings).0.unwrap_or_default();
    for (id, span, reason) in config.allow.iter() {
        if let Some(diagnostic) = misuse(id, span, reason, findings) {
            findings.add(diagnostic);
        }
    }
    if let Some(podman) = &config.podman
        && let Err(message) = podman.value.parse::<Podman>()
    {
        let message = format!("Podman {}: {message}", podman.value);
        findings.add(Diagnostic::new(&shape::OUT_OF_RANGE, podman.span, message));
    }
    config
}

fn misuse(id: &str, span: Span, reason: &At<String>, findings: &Findings) -> Option<Diagnostic> {
    let Some(code) = code::find(id) else { return Some(silence::unknown(id, span, findings)) };
    if code.severity == Severity::Error {
        let message = format!("{id} is an error, it cannot be silenced");
        let diagnostic = Diagnostic::new(&project::SILENCE_ERROR, span, message);
        return Some(diagnostic.help("mend what it says, and take this line away"));
    }
    reason.value.trim().is_empty().then(|| {
        let message = format!("{id} is silenced without a reason");
        let diagnostic = Diagnostic::new(&project::SILENCE_WITHOUT_REASON, reason.span, message);
        diagnostic.help("write the reason as its value")
    })
}

impl Config {
    /// Settles where the patterns of the project are; a folder that is named must be there.
    fn place_patterns(&mut self, folder: &Path, look: &dyn Look, findings: &mut Findings) {
        let given = self.patterns.take();
        let path = folder.join(given.as_ref().map_or(Path::new(PATTERNS), |given| &given.value));
        let found = look.read(&path, 0);
        if let Some(given) = &given
            && !matches!(found, Err(ReadError::NotAFile("a folder")))
        {
            let error = found.err().unwrap_or(ReadError::NotAFile("no folder"));
            let message = given.value.to_string_lossy();
            findings.add(unreadable(&message, &error, given.span));
        }
        let span = given.map_or_else(Span::default, |given| given.span);
        self.patterns = Some(At::new(path, span));
    }

    /// The folder with patterns of the project's own, where there may be one.
    pub fn patterns(&self) -> Option<&Path> {
        self.patterns.as_ref().map(|path| path.value.as_path())
    }

    /// The Podman that units are written for.
    pub fn podman(&self) -> Podman {
        let given = self.podman.as_ref().and_then(|podman| podman.value.parse().ok());
        given.unwrap_or(Podman::USUAL)
    }

    /// Takes away the hints and warnings that the project does not want to hear.
    pub fn silence(&self, findings: &mut Findings) {
        if self.allow.is_empty() {
            return;
        }
        let allowed = |one: &Diagnostic| {
            self.allow.iter().any(|(id, _, _)| id.eq_ignore_ascii_case(one.code.id))
        };
        findings.retain(|one| one.severity == Severity::Error || !allowed(one));
    }
}
