//! One container of a stack with everything that follows from what the stack says.

use std::collections::BTreeMap;

use super::file::File;
use super::labels;
use super::mount::{self, Mount, Source};
use super::network::{self, Joined};
use crate::check::Checked;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::layer::Map;
use crate::model::meaning::{self, Health};
use crate::model::service::{self as model, Condition};
use crate::model::storage::{SecretType, SecretUse};
use crate::model::systemd::Notify;
use crate::model::variable::EnvValue;

/// How long Podman waits for a container to end, in seconds, where nothing is said.
const STOP_SECONDS: u64 = 10;

/// One container.
#[derive(Debug)]
pub struct Service<'c> {
    /// The name of its unit, without `.service`.
    pub unit: String,
    /// Its name in Podman.
    pub container: String,
    /// What the stack says about it.
    pub written: &'c model::Service,
    /// How it runs, as the stack says it.
    pub configuration: &'c Configuration,
    /// The units of services without which it does not start.
    pub requires: Vec<String>,
    /// The units of services that start before it, and whose failure is no matter.
    pub wants: Vec<String>,
    /// The services that it waits for, with what they must have reached.
    pub needs: Vec<Needed<'c>>,
    /// Its variables, in the order of their names.
    pub environment: BTreeMap<&'c str, &'c str>,
    /// Its secrets.
    pub secrets: Vec<Secret<'c>>,
    /// How it reaches others.
    pub joined: Joined<'c>,
    /// The name by which others reach it, where that is not the container's.
    pub alias: Option<&'c str>,
    /// What it sees of folders and volumes.
    pub mounts: Vec<Mount<'c>>,
    /// The port that others speak to, where it tells of one alone.
    pub port: Option<u16>,
    /// Its labels, those of its routes among them, in the order of their names.
    pub labels: BTreeMap<String, String>,
    /// Its health check.
    pub health: Option<Health<'c>>,
    /// What tells systemd that it is up.
    pub notify: Notify,
    /// Whether it runs to its end once.
    pub is_job: bool,
    /// How long its start may take, in seconds; without end for a job that says nothing.
    pub start_seconds: Option<u64>,
    /// How long its end may take, in seconds.
    pub stop_seconds: u64,
}

/// A service that a container waits for.
#[derive(Debug, Clone, Copy)]
pub struct Needed<'c> {
    /// Its name.
    pub name: &'c str,
    /// What it must have reached.
    pub condition: Condition,
    /// Whether its health tells when that is so.
    pub tells_health: bool,
}

/// A secret that a container gets.
#[derive(Debug)]
pub struct Secret<'c> {
    /// The name used in the file.
    pub key: &'c str,
    /// Its name in Podman.
    pub name: &'c str,
    /// As what.
    pub form: SecretForm<'c>,
}

/// As what a container gets a secret.
#[derive(Debug)]
pub enum SecretForm<'c> {
    /// As a variable.
    Variable(&'c str),
    /// As a file.
    File(&'c SecretUse),
}

/// What all services of a stack are settled by.
pub struct Scene<'c, 's> {
    /// The stack.
    pub checked: &'c Checked,
    /// Its files.
    pub files: &'s BTreeMap<&'c str, File<'c>>,
    /// Its services in their order.
    services: Vec<&'c At<model::Service>>,
    /// Their places by their names.
    places: BTreeMap<&'c str, usize>,
    /// What each service waits for.
    needs: Vec<Vec<(usize, Condition)>>,
}

impl<'c, 's> Scene<'c, 's> {
    /// Looks at a stack.
    pub fn new(checked: &'c Checked, files: &'s BTreeMap<&'c str, File<'c>>) -> Self {
        let services: Vec<_> = checked.stack().services.iter().collect();
        let mut needs = vec![Vec::new(); services.len()];
        for need in checked.needs() {
            if let Some(own) = needs.get_mut(need.from) {
                own.push((need.to, need.condition));
            }
        }
        let names = services.iter().map(|service| service.name.as_str());
        let places = names.zip(0..).collect();
        Self { checked, files, services, places, needs }
    }

    /// The units of the services that one waits for: those it requires, and those it only wants.
    fn gates(&self, place: usize) -> (Vec<String>, Vec<String>) {
        let (mut requires, mut wants) = (Vec::new(), Vec::new());
        for (to, condition) in self.needs.get(place).into_iter().flatten() {
            let Some(service) = self.services.get(*to) else { continue };
            let units = meaning::units(service);
            match condition {
                Condition::Started => wants.extend(units),
                Condition::Healthy | Condition::Ready | Condition::Completed => {
                    requires.extend(units);
                }
            }
        }
        (requires, wants)
    }

    /// The services that one waits for.
    fn needed(&self, place: usize) -> Vec<Needed<'c>> {
        let needs = self.needs.get(place).into_iter().flatten();
        let needed = needs.filter_map(|(to, condition)| {
            let service = self.services.get(*to)?;
            let tells_health = meaning::health(service).is_some();
            Some(Needed { name: service.name.as_str(), condition: *condition, tells_health })
        });
        needed.collect()
    }

    /// The unit and the container of a service, the first one of several.
    fn first_container(&self, name: &str) -> Option<(String, String)> {
        let service = self.services.get(*self.places.get(name)?)?;
        let unit = meaning::units(service).into_iter().next()?;
        let (container, _) = meaning::containers(service).into_iter().next()?;
        Some((unit, container))
    }
}

/// The containers of the service at a place: one, or one for each replica.
pub fn containers<'c>(scene: &Scene<'c, '_>, place: usize) -> Vec<Service<'c>> {
    let Some(written) = scene.services.get(place).map(|at| &at.value) else { return Vec::new() };
    let units = meaning::units(written).into_iter();
    let names = meaning::containers(written).into_iter().map(|(name, _)| name);
    units.zip(names).map(|(unit, name)| container(scene, place, written, unit, name)).collect()
}

fn container<'c>(
    scene: &Scene<'c, '_>,
    place: usize,
    written: &'c model::Service,
    unit: String,
    container: String,
) -> Service<'c> {
    let checked = scene.checked;
    let configuration = meaning::configuration(written);
    let (mut requires, wants) = scene.gates(place);
    let joined = network::joined(checked, configuration, &|name| scene.first_container(name));
    if let Joined::Of { unit, .. } = &joined
        && !requires.contains(unit)
    {
        requires.push(unit.clone());
    }
    let (environment, mut secrets) = variables(checked, configuration);
    secrets.extend(configuration.secrets.iter().map(|secret| secret_of(checked, secret)));
    let is_job = meaning::is_job(written);
    let health = meaning::health(written);
    let name = written.name.as_str();
    let given = meaning::given_start_timeout(checked.stack(), written);
    let start = meaning::start_seconds(checked.stack(), written);
    Service {
        labels: labels::labels(checked, written, &joined),
        port: meaning::only_port(configuration),
        alias: (container != name).then_some(name),
        mounts: mount::mounts(scene, configuration),
        notify: notify(configuration, health.is_some() && !is_job),
        start_seconds: (!is_job || given.is_some()).then_some(start),
        stop_seconds: configuration.stop_timeout.map_or(STOP_SECONDS, |at| at.seconds_rounded_up()),
        needs: scene.needed(place),
        unit,
        container,
        written,
        configuration,
        requires,
        wants,
        environment,
        secrets,
        joined,
        health,
        is_job,
    }
}

/// What tells that a service is up: what it says itself, or its health.
fn notify(configuration: &Configuration, has_health: bool) -> Notify {
    let said = configuration.systemd.get().and_then(|systemd| systemd.notify);
    let usual = if has_health { Notify::Healthy } else { Notify::Started };
    said.map_or(usual, |said| said.value)
}

/// A value of a variable while layers are laid over each other.
enum Variable<'c> {
    Text(&'c str),
    Secret(&'c str),
}

type Variables<'c> = BTreeMap<&'c str, Variable<'c>>;

/// Lays assignments over what there is.
fn lay<'c>(variables: &mut Variables<'c>, upper: &'c Map<EnvValue>) {
    for (name, _, value) in upper.iter() {
        match value {
            EnvValue::Text(text) => variables.insert(name, Variable::Text(&text.value)),
            EnvValue::Secret(secret) => variables.insert(name, Variable::Secret(&secret.value)),
            EnvValue::Unset(_) => variables.remove(name),
        };
    }
}

/// Variables: those that all share, those of files, and the service's own, the last one standing.
fn variables<'c>(
    checked: &'c Checked,
    configuration: &'c Configuration,
) -> (BTreeMap<&'c str, &'c str>, Vec<Secret<'c>>) {
    let mut variables = Variables::new();
    if let Some(shared) = checked.stack().shared.get() {
        lay(&mut variables, &shared.environment);
    }
    for file in configuration.env_file.iter() {
        let lines = checked.env_file(file.as_str()).iter();
        let texts = lines.map(|line| (line.name.as_str(), Variable::Text(&line.value)));
        variables.extend(texts);
    }
    lay(&mut variables, &configuration.environment);
    let (mut texts, mut secrets) = (BTreeMap::new(), Vec::new());
    for (name, value) in variables {
        match value {
            Variable::Text(text) => {
                texts.insert(name, text);
            }
            Variable::Secret(secret) => {
                let form = SecretForm::Variable(name);
                secrets.push(Secret { key: secret, name: secret_name(checked, secret), form });
            }
        }
    }
    (texts, secrets)
}
fn secret_of<'c>(checked: &'c Checked, used: &'c At<SecretUse>) -> Secret<'c> {
    let (name, more) = (used.name.as_str(), &used.more);
    let form = match (more.kind.map(|kind| kind.value), &more.target) {
        (Some(SecretType::Env), Some(target)) => SecretForm::Variable(target.value.as_str()),
        (Some(SecretType::Env), None) => SecretForm::Variable(name),
        _ => SecretForm::File(&used.value),
    };
    Secret { key: name, name: secret_name(checked, name), form }
}

/// The name of a secret in Podman.
fn secret_name<'c>(checked: &'c Checked, name: &'c str) -> &'c str {
    let declared = checked.stack().secrets.get(name).and_then(|secret| secret.get());
    let given = declared.and_then(|secret| secret.name.as_ref());
    given.map_or(name, |given| given.as_str())
}

impl<'c> Service<'c> {
    /// The names of the configuration files that it mounts.
    pub fn mounted_files(&self) -> impl Iterator<Item = &'c str> {
        self.mounts.iter().filter_map(|mount| match mount.source {
            Source::File { name, .. } => Some(name),
            _ => None,
        })
    }
}
