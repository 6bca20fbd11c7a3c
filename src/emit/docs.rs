//! A guide to a stack for people: what runs, how it is reached, what must be kept, what to do.

mod markdown;

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value as Shown};
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior};
use serde_json::{Value, json};

use super::template::TemplateError;
use super::{File, UNIT_MODE, words};
use crate::model::at::At;
use crate::model::deployment::{Test, TestType};
use crate::model::layer::Additive;
use crate::model::meaning;
use crate::model::ready::{ReadyCriterion, ReadyType};
use crate::model::storage;
use crate::resolve::mount::{Mount, Source};
use crate::resolve::network::Joined;
use crate::resolve::service::SecretForm;
use crate::resolve::{Resolved, Service};

/// The name of the template.
pub const TEMPLATE: &str = "guide.j2";

/// The template that the program brings along.
pub const BUILT_IN: &str = include_str!("../../templates/docs/guide.j2");

/// What a guide tells beside what the stack says.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The order of its start, drawn for Mermaid.
    pub graph: String,
    /// The variables that its files name.
    pub variables: Vec<Variable>,
}

/// A variable that the files of a stack name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What stands for it where it is not set, as it is written; nothing where it must be set.
    pub unset: Option<String>,
}

/// The guide of a stack, by the template of the program or one in its place.
pub fn emit(
    stack: &Resolved<'_>,
    told: &Told,
    own: Option<&str>,
) -> Result<Vec<File>, TemplateError> {
    let fail = |error: Error| TemplateError::new(TEMPLATE, &error);
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    engine.set_syntax(syntax.build().map_err(fail)?);
    engine.set_formatter(escape);
    engine.add_function("row", |text: String| Shown::from_safe_string(markdown::row(&text)));
    engine.add_function("code", |text: String| Shown::from_safe_string(markdown::code(&text)));
    engine.add_function("cell", |text: String| Shown::from_safe_string(markdown::cell(&text)));
    engine.add_function("block", |language: String, text: String| {
        Shown::from_safe_string(markdown::block(&language, &text))
    });
    engine.add_template(TEMPLATE, own.unwrap_or(BUILT_IN)).map_err(fail)?;
    let template = engine.get_template(TEMPLATE).map_err(fail)?;
    let text = template.render(Shown::from(Serde(guide(stack, told)))).map_err(fail)?;
    let path = format!("{}.md", stack.name);
    Ok(vec![File { path, contents: text.into_bytes(), mode: UNIT_MODE }])
}

/// A value gets into the text as prose, unless a function made something else of it.
fn escape(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Shown) -> Result<(), Error> {
    let text = value.to_string();
    let text = if value.is_safe() { text } else { markdown::prose(&text) };
    out.write_str(&text).map_err(Error::from)
}

/// All that a template may name.
fn guide(stack: &Resolved<'_>, told: &Told) -> Value {
    let info = stack.stack.stack.get();
    let documentation = stack.stack.documentation.get();
    let tests = stack.stack.validation.get().into_iter().flat_map(|all| all.tests.iter());
    let steps = documentation.map(|page| texts(&page.post_deployment)).unwrap_or_default();
    let troubles = documentation.into_iter().flat_map(|page| page.troubleshooting.iter());
    let trouble = |trouble: &At<crate::model::deployment::Trouble>| {
        json!({
            "issue": trouble.issue.as_ref().map(ToString::to_string),
            "solution": trouble.solution.as_ref().map(ToString::to_string),
        })
    };
    let text = |text: Option<&At<String>>| text.map(|text| text.value.clone());
    let (folders, data) = data(stack);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "name": stack.name,
        "origin": stack.origin,
        "file": markdown::word(stack.origin),
        "description": text(info.and_then(|info| info.description.as_ref())),
        "facts": facts(stack),
        "services": services(stack),
        "graph": told.graph.trim_end(),
        "ports": ports(stack),
        "routes": routes(stack),
        "networks": networks(stack),
        "data": data,
        "folders": folders,
        "files": files(stack),
        "secrets": secrets(stack),
        "variables": told.variables.iter().map(variable).collect::<Value>(),
        "steps": steps,
        "tests": tests.map(test).collect::<Value>(),
        "troubles": troubles.map(trouble).collect::<Value>(),
    })
}

fn texts<T: ToString>(list: &Additive<T>) -> Vec<String> {
    list.iter().map(|text| text.value.to_string()).collect()
}

/// What people keep about the stack, as pairs.
fn facts(stack: &Resolved<'_>) -> Value {
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(metadata) = stack.stack.metadata.get() {
        let tier = metadata.criticality.map(|tier| match tier.value {
            crate::model::Criticality::Tier1 => "critical",
            crate::model::Criticality::Tier2 => "important",
            crate::model::Criticality::Tier3 => "standard",
        });
        let documentation = metadata.documentation.as_ref().map(ToString::to_string);
        facts.extend(tier.map(|tier| ("How much it matters", tier.to_owned())));
        facts.extend(metadata.category.as_ref().map(|kind| ("Kind", kind.to_string())));
        facts.extend(documentation.map(|place| ("More about it", place)));
        let decisions = texts(&metadata.adr_references);
        if !decisions.is_empty() {
            facts.push(("Decisions", decisions.join(", ")));
        }
    }
    let info = stack.stack.stack.get();
    facts.extend(info.and_then(|info| info.author.as_ref()).map(|who| ("By", who.to_string())));
    let requires = info.map(|info| texts(&info.requires)).unwrap_or_default();
    if !requires.is_empty() {
        facts.push(("Stacks that must be up first", requires.join(", ")));
    }
    json!(facts)
}

/// The services, each once, however many of it run.
fn services(stack: &Resolved<'_>) -> Value {
    let mut seen = BTreeSet::new();
    let once = stack.services.iter().filter(|service| seen.insert(service.written.name.as_str()));
    let service = |service: &Service<'_>| {
        let (written, configuration) = (service.written, service.configuration);
        let image = configuration.image.as_ref().map(ToString::to_string);
        let needs = service
            .needs
            .iter()
            .map(|need| json!({ "name": need.name, "condition": need.condition.word() }));
        json!({
            "name": written.name.as_str(),
            "description": written.description.as_ref().map(ToString::to_string),
            "image": image.unwrap_or_else(|| "built here".to_owned()),
            "memory": configuration.memory.map(|memory| words::bytes(memory.value)),
            "replicas": written.replicas.map_or(1, |replicas| replicas.value),
            "groups": texts(&written.groups),
            "is_job": service.is_job,
            "needs": needs.collect::<Value>(),
            "ready": ready(service),
        })
    };
    once.map(service).collect()
}

/// What must hold before a service counts as ready.
fn ready(service: &Service<'_>) -> Vec<String> {
    let criteria = service.configuration.ready_criteria.iter();
    let own = criteria.filter_map(|criterion| {
        let ReadyCriterion { kind, url, port, pattern, .. } = &criterion.value;
        let text = match kind.as_ref()?.value {
            ReadyType::HealthCheck => return None,
            ReadyType::LogPattern => format!("its log says `{}`", pattern.as_ref()?.as_str()),
            ReadyType::HttpEndpoint => format!("`{}` answers", url.as_ref()?.as_str()),
            ReadyType::Tcp => format!("port {} is open", port.as_ref()?.value),
            ReadyType::Command => "a command in it ends well".to_owned(),
        };
        Some(text)
    });
    let health = service.health.map(|_| "its health check succeeds".to_owned());
    health.into_iter().chain(own).collect()
}

/// Ports of the machine that lead to services.
fn ports(stack: &Resolved<'_>) -> Value {
    let ports = stack.services.iter().flat_map(|service| {
        let own = service.configuration.ports.iter();
        own.map(|port| (service.unit.as_str(), &port.value.0))
    });
    let port = |(container, port): (&str, &crate::model::value::port::PortMapping)| {
        let address = port.address.map_or("all addresses".to_owned(), |one| one.to_string());
        json!({
            "address": address,
            "host": port.host.map_or("any free one".to_owned(), |host| host.to_string()),
            "service": container,
            "container": port.container.to_string(),
            "protocol": port.protocol.to_string(),
        })
    };
    ports.map(port).collect()
}

/// Routes of Traefik that lead to services.
fn routes(stack: &Resolved<'_>) -> Value {
    let mut seen = BTreeSet::new();
    let once = stack.services.iter().filter(|service| seen.insert(service.written.name.as_str()));
    let routes = once.flat_map(|service| {
        meaning::routes(service.written).into_iter().map(|(name, _, route)| {
            let port = route.port.map(|port| port.value.to_string());
            json!({
                "name": name,
                "rule": route.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
                "entrypoints": texts(&route.entrypoints),
                "middlewares": texts(&route.middlewares),
                "tls": route.tls.is_some_and(|tls| tls.value),
                "service": service.written.name.as_str(),
                "port": port.or(service.port.map(|port| port.to_string())),
            })
        })
    });
    routes.collect()
}

/// The networks that services join, with who is in them.
fn networks(stack: &Resolved<'_>) -> Value {
    let mut all: BTreeMap<&str, (bool, Vec<&str>)> = BTreeMap::new();
    for network in &stack.networks {
        all.insert(network.podman_name, (true, Vec::new()));
    }
    for service in &stack.services {
        let Joined::Networks(joined) = &service.joined else { continue };
        for member in joined {
            let entry = all.entry(member.podman_name).or_insert((false, Vec::new()));
            entry.1.push(&service.unit);
        }
    }
    let network = |(name, (is_owned, members)): (&str, (bool, Vec<&str>))| {
        let word = markdown::word(name);
        json!({ "name": name, "word": word, "is_owned": is_owned, "members": members })
    };
    all.into_iter().map(network).collect()
}

/// Something that containers see and that outlives them.
#[derive(Default)]
struct Kept {
    /// For a volume, the name by which it is asked for.
    volume: bool,
    /// Whether the stack makes it.
    is_owned: bool,
    /// How it is written in a command.
    word: String,
    /// Whether some container may change it.
    is_written: bool,
    /// Who sees it, and where.
    users: Vec<String>,
}

/// Folders that must be there, and all data with who sees it.
fn data(stack: &Resolved<'_>) -> (Value, Value) {
    let mut all: BTreeMap<String, Kept> = BTreeMap::new();
    for service in &stack.services {
        for mount in &service.mounts {
            let Some((name, kept)) = kept(stack, mount) else { continue };
            let entry = all.entry(name).or_insert(kept);
            let is_read = mount.options.contains(&"ro");
            entry.is_written |= !is_read;
            let end = if is_read { ", read only" } else { "" };
            entry.users.push(format!("{} at `{}`{end}", service.unit, mount.target));
        }
    }
    let is_folder = |kept: &&Kept| !kept.volume;
    let folder = |kept: &Kept| json!({ "word": kept.word, "is_written": kept.is_written });
    let folders = all.values().filter(is_folder).map(folder).collect();
    let one = |(name, kept): (&String, &Kept)| {
        json!({
            "name": name,
            "word": kept.word,
            "volume": kept.volume,
            "is_owned": kept.is_owned,
            "is_written": kept.is_written,
            "users": kept.users,
        })
    };
    (folders, all.iter().map(one).collect())
}

fn kept(stack: &Resolved<'_>, mount: &Mount<'_>) -> Option<(String, Kept)> {
    let owned = |name: &str| {
        let volume = stack.volumes.iter().find(|volume| volume.name == name);
        volume.map_or(name, |volume| volume.podman_name).to_owned()
    };
    let (name, volume, is_owned, word) = match &mount.source {
        Source::Path(path) => (path.clone(), false, false, markdown::word(path)),
        Source::Home(path) => (format!("~{path}"), false, false, markdown::home(path)),
        Source::Owned(name) => (owned(name), true, true, markdown::word(&owned(name))),
        Source::External(name) => ((*name).to_owned(), true, false, markdown::word(name)),
        Source::File { .. } => return None,
    };
    Some((name, Kept { volume, is_owned, word, ..Kept::default() }))
}

/// Configuration files, with who mounts them.
fn files(stack: &Resolved<'_>) -> Value {
    let file = |name: &&str| {
        let users = stack.services.iter().flat_map(|service| {
            let mounts = service.mounts.iter();
            let own = mounts.filter(
                |mount| matches!(mount.source, Source::File { name: other, .. } if other == *name),
            );
            own.map(|mount| format!("{} at `{}`", service.unit, mount.target))
        });
        json!({ "name": name, "users": users.collect::<Vec<_>>() })
    };
    stack.files.keys().map(file).collect()
}

/// Secrets: where each comes from, who gets it, and how it is made. A value is never known here.
fn secrets(stack: &Resolved<'_>) -> Value {
    let mut all: BTreeMap<&str, (&str, BTreeSet<String>)> = BTreeMap::new();
    for service in &stack.services {
        for secret in &service.secrets {
            let form = match secret.form {
                SecretForm::Variable(name) => format!("{} as `{name}`", service.unit),
                SecretForm::File(used) => {
                    let usual = || format!("/run/secrets/{}", secret.key);
                    let target = used.more.target.as_ref().map_or_else(usual, ToString::to_string);
                    format!("{} at `{target}`", service.unit)
                }
            };
            let entry = all.entry(secret.key).or_insert((secret.name, BTreeSet::new()));
            entry.1.insert(form);
        }
    }
    let secret = |(key, (name, users)): (&str, (&str, BTreeSet<String>))| {
        let declared = stack.stack.secrets.get(key).and_then(|secret| secret.get());
        let (source, is_made) = declared.map_or(PODMAN, |secret| source(&secret.value));
        let place = declared.and_then(|secret| {
            let file = secret.file.as_ref().map(ToString::to_string);
            file.or(secret.environment.as_ref().map(ToString::to_string))
        });
        let word = markdown::word(name);
        json!({
            "name": name, "word": word, "source": source, "place": place.unwrap_or_default(),
            "is_made": is_made, "users": users,
        })
    };
    all.into_iter().map(secret).collect()
}

/// A secret that has to be there.
const PODMAN: (&str, bool) = ("has to be made before", false);

/// Where a secret comes from, and whether that happens by itself.
fn source(secret: &storage::Secret) -> (&'static str, bool) {
    match secret {
        storage::Secret { generate: Some(generate), .. } if generate.on => {
            ("made up by the first `apply`", true)
        }
        storage::Secret { file: Some(_), .. } => ("taken from the file", true),
        storage::Secret { environment: Some(_), .. } => ("taken from the variable", true),
        _ => PODMAN,
    }
}

fn variable(variable: &Variable) -> Value {
    let unset = variable.unset.as_deref();
    json!({
        "name": variable.name,
        "is_required": unset.is_none(),
        "unset": unset.unwrap_or_default(),
    })
}

/// A test, with what it looks at.
fn test(test: &At<Test>) -> Value {
    let looks_at = match test.kind.map(|kind| kind.value) {
        Some(TestType::HttpGet) => test.url.as_ref().map(|url| format!("`{}`", url.as_str())),
        Some(TestType::Tcp) => test.port.map(|port| format!("port {}", port.value)),
        Some(TestType::SqlQuery) => test.query.as_ref().map(|query| format!("`{query}`")),
        Some(TestType::LogPattern) => {
            test.pattern.as_ref().map(|pattern| format!("a line like `{}`", pattern.as_str()))
        }
        Some(TestType::Command) => test.command.as_ref().map(|command| {
            let words = command.words().iter().map(|word| markdown::word(word));
            format!("`{}`", words.collect::<Vec<_>>().join(" "))
        }),
        Some(TestType::RedisPing) => Some("answers a ping".to_owned()),
        None => None,
    };
    json!({
        "name": test.name.as_ref().map(ToString::to_string).unwrap_or_default(),
        "target": test.target.as_ref().map(ToString::to_string),
        "looks_at": looks_at,
    })
}
