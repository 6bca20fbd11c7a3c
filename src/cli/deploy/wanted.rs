//! What a checked stack asks a host for: its files, how they are brought up, its secrets.

use std::collections::BTreeMap;
use std::path::Path;

use super::questions::{ready, tests};
use crate::apply::secrets::{Origin, Source};
use crate::check::Checked;
use crate::config::Config;
use crate::emit;
use crate::host::containers::SecretValue;
use crate::host::{Look, disk};
use crate::model::deployment;
use crate::model::layer::List;
use crate::model::storage::Alphabet;
use crate::model::{self, command::Command};
use crate::resolve::Resolved;
use crate::score::{Criticality, Thresholds};
use crate::state::manifest::OnFailure;
use crate::state::{ConfigurationFile, FileSet, Manifest, Settings};

/// How many generations are kept.
const KEPT: usize = 3;

/// How long services must stay up, in seconds, where the stack says nothing.
const SETTLE_SECONDS: u64 = 10;

/// How large the file of a secret may be, which is Podman's own limit.
const SECRET_MAX: u64 = 512_000;

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
}

impl Wanted {
    /// What is written about the files.
    pub fn manifest(&self, set: &FileSet) -> Manifest {
        Manifest::of(&self.name, set, self.settings.clone())
    }
}

/// Settles what a stack asks for, of which a part is meant or the whole; an error tells which
/// secret has no value.
pub fn wanted(
    checked: &Checked,
    (whole, resolved): (&Resolved<'_>, &Resolved<'_>),
    files: Vec<emit::File>,
    config: &Config,
) -> Result<Wanted, String> {
    let stack = checked.stack();
    let requires = stack.stack.get().into_iter().flat_map(|info| info.requires.iter());
    Ok(Wanted {
        name: checked.name().to_owned(),
        requires: requires.map(|name| name.as_str().to_owned()).collect(),
        is_deployed: checked.is_deployed(),
        set: file_set(files),
        settings: Settings { patterns: patterns(resolved), ..settings(checked, whole, config) },
        criticality: criticality(checked),
        thresholds: thresholds(config),
        secrets: secrets(resolved)?,
    })
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
    let mut settings = Settings {
        origin,
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
fn secrets(resolved: &Resolved<'_>) -> Result<Vec<Source>, String> {
    let mut sources = BTreeMap::new();
    for secret in resolved.services.iter().flat_map(|service| &service.secrets) {
        let declared = resolved.stack.secrets.get(secret.key);
        let Some(declared) = declared.and_then(|section| section.get()) else { continue };
        let origin = if let Some(file) = &declared.file {
            let path = resolved.beside(&file.value);
            let read = disk::Disk.read(Path::new(&path), SECRET_MAX);
            let bytes =
                read.map_err(|error| format!("secret `{}`: `{path}`: {error}", secret.key))?;
            Origin::Given(SecretValue(bytes))
        } else if let Some(variable) = &declared.environment {
            let name = variable.value.as_str();
            let value = disk::environment().remove(name);
            let missing = || format!("secret `{}`: the variable `{name}` is not set", secret.key);
            Origin::Given(SecretValue(value.ok_or_else(missing)?.into_bytes()))
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
    Ok(sources.into_values().collect())
}

fn characters(alphabet: Alphabet) -> &'static [u8] {
    const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    match alphabet {
        Alphabet::Alphanumeric => BASE64.get(..62).unwrap_or(BASE64),
        Alphabet::Hex => b"0123456789abcdef",
        Alphabet::Base64 => BASE64,
    }
}
