//! What a checked stack asks a host for: its files, how they are brought up, its secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::questions::{ready, tests};
use crate::apply::secrets::{Origin, Source};
use crate::capability::traefik::rule;
use crate::check::Checked;
use crate::config::Config;
use crate::emit;
use crate::host::containers::SecretValue;
use crate::host::{Look, disk};
use crate::model::deployment;
use crate::model::layer::List;
use crate::model::storage::Alphabet;
use crate::model::{self, command::Command};
use crate::plan::facts;
use crate::preflight::Expected;
use crate::resolve::Resolved;
use crate::resolve::mount::{self, NO_COPY_ON_WRITE};
use crate::score::{Criticality, Thresholds};
use crate::state::manifest::OnFailure;
use crate::state::{ConfigurationFile, FileSet, Generation, Manifest, Settings, manifest};

/// How many generations are kept.
const KEPT: usize = 3;

/// How long services must stay up, in seconds, where the stack says nothing.
const SETTLE_SECONDS: u64 = 10;

/// How large the file of a secret may be, which is Podman's own limit.
const SECRET_MAX: u64 = 512_000;

/// How labels of routers for requests begin.
const ROUTERS: &str = "traefik.http.routers.";

/// How long a secret is that is made up, where nothing is said.
const SECRET_LENGTH: u32 = 32;

/// What a stack asks a host for.
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// The stacks that must be up before it.
    pub requires: Vec<String>,
    /// Whether it is to be there.
    pub is_deployed: bool,
    /// Its files.
    pub set: FileSet,
    /// How they are brought up.
    pub settings: Settings,
    /// How much it matters.
    pub criticality: Criticality,
    /// How well the host must be.
    pub thresholds: Thresholds,
    /// Its secrets that say where they come from.
    pub secrets: Vec<Source>,
    /// What it expects of the host beside that.
    pub expected: Expected,
}

impl Wanted {
    /// What is installed, to be brought back as it is.
    pub fn installed(name: &str, generation: &Generation) -> Self {
        Self {
            name: name.to_owned(),
            requires: Vec::new(),
            is_deployed: true,
            expected: Expected::default(),
            set: generation.set.clone(),
            settings: generation.manifest.settings.clone(),
            criticality: Criticality::Standard,
            thresholds: Thresholds::default(),
            secrets: Vec::new(),
        }
    }

    /// The first secret whose value cannot be had, with why.
    pub fn lost_secret(&self) -> Option<String> {
        self.secrets.iter().find_map(|secret| match &secret.origin {
            Origin::Lost(why) => Some(format!("secret `{}`: {why}", secret.name)),
            Origin::Given(_) | Origin::Made(..) => None,
        })
    }

    /// What it makes in Podman that other stacks may use.
    pub fn makes(&self) -> impl Iterator<Item = String> {
        let objects = facts(&self.set).into_values().filter_map(|facts| facts.name);
        objects.chain(self.secrets.iter().map(|secret| secret.name.clone()))
    }

    /// What is written about the files.
    pub fn manifest(&self, set: &FileSet) -> Manifest {
        Manifest::of(&self.name, set, self.settings.clone())
    }
}

/// Settles what a stack asks for, of which a part is meant or the whole.
pub fn wanted(
    checked: &Checked,
    (whole, resolved): (&Resolved<'_>, &Resolved<'_>),
    files: Vec<emit::File>,
    config: &Config,
) -> Wanted {
    let stack = checked.stack();
    let requires = stack.stack.get().into_iter().flat_map(|info| info.requires.iter());
    let settings = Settings { patterns: patterns(resolved), ..settings(checked, whole, config) };
    Wanted {
        expected: expected(resolved, &settings, config),
        name: checked.name().to_owned(),
        requires: requires.map(|name| name.as_str().to_owned()).collect(),
        is_deployed: checked.is_deployed(),
        set: file_set(files),
        settings,
        criticality: criticality(checked),
        thresholds: thresholds(config),
        secrets: secrets(resolved),
    }
}

/// What is expected of the host beside what the units say.
fn expected(resolved: &Resolved<'_>, settings: &Settings, config: &Config) -> Expected {
    let labels = resolved.services.iter().flat_map(|service| &service.labels);
    let rules = labels.filter_map(|(key, rule)| {
        let (_, option) = key.strip_prefix(ROUTERS)?.rsplit_once('.')?;
        let is_rule = option.eq_ignore_ascii_case("rule");
        is_rule.then(|| rule::parse(rule, rule::Kind::Http).rule).flatten()
    });
    let home = disk::environment().remove("HOME").unwrap_or_default();
    let mut without_copies = BTreeSet::new();
    for service in &resolved.services {
        // Those that are written come first.
        for (written, mount) in service.configuration.volumes.iter().zip(&service.mounts) {
            let options = &written.value.0.options;
            let is_meant = options.iter().any(|option| option.as_str() == NO_COPY_ON_WRITE);
            let path = match &mount.source {
                mount::Source::Path(path) => path.into(),
                mount::Source::Home(path) => PathBuf::from(format!("{home}{path}")),
                _ => continue,
            };
            without_copies.extend(is_meant.then_some(path));
        }
    }
    Expected {
        podman: None,
        promised: BTreeSet::new(),
        hosts: rules.flat_map(|rule| rule::claims(&rule)).filter_map(|one| one.host).collect(),
        without_copies,
        runs_commands: !settings.before.is_empty(),
        untold: config.allow.iter().map(|(id, _, _)| id.to_ascii_uppercase()).collect(),
    }
}

fn criticality(checked: &Checked) -> Criticality {
    let said = checked.stack().metadata.get().and_then(|metadata| metadata.criticality);
    match said.map(|said| said.value) {
        Some(model::Criticality::Tier1) => Criticality::Critical,
        Some(model::Criticality::Tier2) => Criticality::Important,
        Some(model::Criticality::Tier3) | None => Criticality::Standard,
    }
}

/// What a project says about how well a host must be.
pub fn thresholds(config: &Config) -> Thresholds {
    let (usual, said) = (Thresholds::default(), config.health.get());
    let refuse = said.and_then(|said| said.refuse).map_or(usual.refuse, |points| points.value);
    let ask = said.and_then(|said| said.ask).map_or(usual.ask, |points| points.value);
    Thresholds { refuse, ask }
}

/// The files of Quadlet's target by their kinds.
fn file_set(files: Vec<emit::File>) -> FileSet {
    let mut set = FileSet::default();
    for file in files {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if let Some(name) = file.path.strip_prefix("files/") {
            let kept = ConfigurationFile { bytes: file.contents, mode: file.mode };
            set.files.insert(name.to_owned(), kept);
        } else if let Some(name) = file.path.strip_prefix("plain/") {
            set.plain.insert(name.to_owned(), text(file.contents));
        } else {
            set.units.insert(file.path, text(file.contents));
        }
    }
    set
}

fn settings(checked: &Checked, whole: &Resolved<'_>, config: &Config) -> Settings {
    let origin = disk::Disk.identity(&checked.folder().join(checked.origin()));
    // Whatever part of a stack is meant, all of it is what the next generation holds.
    let (ready, tests) = (ready(whole), tests(whole));
    let variables = disk::environment().into_iter();
    let variables = variables.filter(|(name, _)| checked.variables().contains_key(name));
    let mut settings = Settings {
        origin,
        variables: variables.map(|(name, value)| (name, manifest::mark(&value))).collect(),
        ready,
        tests,
        settle_seconds: SETTLE_SECONDS,
        preserve_logs: true,
        keep: config.generations.map_or(KEPT, |number| number.value as usize),
        ..Settings::default()
    };
    let Some(said) = checked.stack().deployment.get() else { return settings };
    settings.max_parallel = match said.strategy.map(|strategy| strategy.value) {
        Some(deployment::Strategy::Sequential) => 1,
        _ => said.max_parallel.map_or(0, |number| number.value as usize),
    };
    if let Some(times) = said.timeouts.get() {
        settings.service_seconds =
            times.per_service_deployment.map(|one| one.value.seconds_rounded_up());
        settings.total_seconds =
            times.total_stack_deployment.map(|one| one.value.seconds_rounded_up());
        if let Some(settle) = times.settle {
            settings.settle_seconds = settle.value.seconds_rounded_up();
        }
    }
    if let Some(failure) = said.failure_handling.get() {
        settings.on_failure = match failure.strategy.map(|strategy| strategy.value) {
            None | Some(deployment::OnFailure::Rollback) => OnFailure::Rollback,
            Some(deployment::OnFailure::LeavePartial) => OnFailure::Leave,
            Some(deployment::OnFailure::PauseForDebug) => OnFailure::Pause,
        };
        settings.preserve_logs = failure.preserve_logs.is_none_or(|keep| keep.value);
        let rollback = checked.stack().rollback.get();
        let mut preserved = rollback.into_iter().flat_map(|rollback| rollback.preserve.iter());
        let is_kept = preserved.any(|kept| kept.value == deployment::Preserved::Volumes);
        settings.drop_volumes = !is_kept && failure.cleanup_volumes.is_some_and(|on| on.value);
    }
    if let Some(hooks) = said.hooks.get() {
        settings.before = commands(&hooks.before);
        settings.after = commands(&hooks.after);
        settings.after_failure = commands(&hooks.on_failure);
    }
    settings
}

/// The patterns of services by the names of their units.
fn patterns(resolved: &Resolved<'_>) -> BTreeMap<String, String> {
    let services = resolved.services.iter();
    let patterns = services.filter_map(|service| {
        let pattern = service.written.pattern.as_ref()?;
        Some((format!("{}.service", service.unit), pattern.value.as_str().to_owned()))
    });
    patterns.collect()
}

fn commands(list: &List<Command>) -> Vec<Vec<String>> {
    list.iter().map(|command| command.words().to_vec()).filter(|words| !words.is_empty()).collect()
}

/// The secrets that services use and that say where they come from.
fn secrets(resolved: &Resolved<'_>) -> Vec<Source> {
    let mut sources = BTreeMap::new();
    for secret in resolved.services.iter().flat_map(|service| &service.secrets) {
        let declared = resolved.stack.secrets.get(secret.key);
        let Some(declared) = declared.and_then(|section| section.get()) else { continue };
        let origin = if let Some(file) = &declared.file {
            let path = resolved.beside(&file.value);
            match disk::Disk.read(Path::new(&path), SECRET_MAX) {
                Ok(bytes) => Origin::Given(SecretValue(bytes)),
                Err(error) => Origin::Lost(format!("`{path}`: {error}")),
            }
        } else if let Some(variable) = &declared.environment {
            let name = variable.value.as_str();
            match disk::environment().remove(name) {
                Some(value) => Origin::Given(SecretValue(value.into_bytes())),
                None => Origin::Lost(format!("the variable `{name}` is not set")),
            }
        } else if let Some(made) = declared.generate.as_ref().filter(|made| made.value.on) {
            let how = &made.value.how;
            let length = how.length.map_or(SECRET_LENGTH, |length| length.value);
            let alphabet = how.alphabet.map_or(Alphabet::Alphanumeric, |alphabet| alphabet.value);
            Origin::Made(length as usize, characters(alphabet))
        } else {
            continue;
        };
        sources.insert(secret.name, Source { name: secret.name.to_owned(), origin });
    }
    sources.into_values().collect()
}

fn characters(alphabet: Alphabet) -> &'static [u8] {
    const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    match alphabet {
        Alphabet::Alphanumeric => BASE64.get(..62).unwrap_or(BASE64),
        Alphabet::Hex => b"0123456789abcdef",
        Alphabet::Base64 => BASE64,
    }
}
