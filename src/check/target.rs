//! What units cannot express: too new for their Podman, lost on the way, or parted where it must
//! not be.

use super::View;
use super::ports::mode_kind;
use crate::capability::encode::{Reader, Unwritable, is_lost, is_plain, unwritable_char};
use crate::capability::podman::Podman;
use crate::capability::quadlet;
use crate::model::configuration::{Configuration, KEEP_GROUPS};
use crate::model::layer::Map;
use crate::model::service::Service;
use crate::model::systemd::RawValue;
use crate::model::value::excerpt;
use crate::model::variable::{EnvValue, Plain};
use crate::report::code::{names, target as code};
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// The longest word that the kernel takes, in bytes: `MAX_ARG_STRLEN` in execve(2).
const WORD_MAX: usize = 128 << 10;
/// How long all words of a service may be together: systemd reads lines of at most 1 MiB.
const WORDS_MAX: usize = 900 << 10;

/// The first Podman with units for builds.
const BUILDS: Podman = Podman(5, 2);
/// The first Podman with units for pods.
const PODS: Podman = Podman(5, 0);

/// What is to be made of a stack.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The oldest Podman that must understand the units.
    pub podman: Podman,
    /// Whether units are to be written, and not only checked.
    pub generates: bool,
    /// What kind of files.
    pub kind: Kind,
}

/// What is made of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Units for Quadlet.
    #[default]
    Quadlet,
    /// Files for Compose.
    Compose,
    /// Routes for Traefik.
    Traefik,
    /// A guide for people.
    Docs,
}

impl Default for Target {
    fn default() -> Self {
        Self { podman: Podman::USUAL, generates: false, kind: Kind::Quadlet }
    }
}

/// Checks whether units can say all of a stack.
pub fn units(view: &View<'_>, target: Target, findings: &mut Findings) {
    let podman = target.podman;
    for (service, configuration) in view.configured() {
        if let Some(build) = configuration.build.get() {
            if podman < BUILDS {
                newer("a build", BUILDS, podman, build.span, findings);
            }
            for path in [&build.value.0.context, &build.value.0.containerfile].into_iter().flatten()
            {
                whole_line("a path of a build", path.as_str(), path.span, findings);
            }
        }
        command(configuration, findings);
        raw_keys(configuration, podman, findings);
        separators(configuration, findings);
        together(service, configuration, findings);
        lengths(view, service, configuration, findings);
    }
    env_files(view, findings);
    shared_labels(view, findings);
    file_names(view, findings);
    volumes(view, findings);
    pod(view, podman, findings);
}

fn newer(what: &str, since: Podman, podman: Podman, span: Span, findings: &mut Findings) {
    let message = format!("{what} needs Podman {since}, units are written for {podman}");
    let diagnostic = Diagnostic::new(&code::NEEDS_NEWER, span, message);
    findings.add(diagnostic.help(format!(
        "say `--podman {since}`, or `podman: \"{since}\"` in `.stackwright.yml`, if the machine \
         has it"
    )));
}

fn command(configuration: &Configuration, findings: &mut Findings) {
    let Some(command) = configuration.command.as_ref() else { return };
    if configuration.entrypoint.as_ref().is_some_and(|program| !program.words().is_empty()) {
        return; // Written as JSON behind the entry point, where every word is kept.
    }
    if let Some(word) = command.words().iter().find(|word| is_lost(word)) {
        let message = match word.as_str() {
            "" => "a command with an empty word, which Quadlet loses with all behind it",
            _ => "a command with a lone `;`, at which systemd ends it",
        };
        let diagnostic = Diagnostic::new(&code::LOST_WORD, command.span, message);
        findings.add(diagnostic.help("give the program as `entrypoint`, or write `sh -c '…'`"));
    }
}

fn raw_keys(configuration: &Configuration, podman: Podman, findings: &mut Findings) {
    let Some(keys) = configuration.quadlet.get() else { return };
    for (section, keys) in [("Container", &keys.container), ("Quadlet", &keys.quadlet)] {
        for (name, span, values) in keys.iter() {
            let known = quadlet::key_of(section, name).filter(|key| podman < key.since);
            let Some(key) = known else { continue };
            let by_flag = |values: &RawValue| values.0.iter().all(|value| is_plain(&value.value));
            if key.flag_for(podman).is_none() || !by_flag(values) {
                newer(&format!("`{name}`"), key.since, podman, span, findings);
            }
        }
    }
}

/// Tells a sign that parts values where it stands inside of one.
fn separator(sign: char, text: &str, what: &str, span: Span, findings: &mut Findings) {
    if text.contains(sign) {
        let message = format!("`{}` has a `{sign}`, which parts {what}", excerpt(text));
        let diagnostic = Diagnostic::new(&code::SEPARATOR, span, message);
        findings.add(diagnostic.help(format!("take another one, without `{sign}`")));
    }
}

fn separators(configuration: &Configuration, findings: &mut Findings) {
    for file in configuration.files.iter() {
        if let Some(target) = &file.target {
            separator(':', target.as_str(), "the sides of a mount", target.span, findings);
        }
    }
    if let Some(security) = configuration.security.get() {
        let paths = security.mask.iter().map(|at| (at.as_str(), at.span));
        let more = security.unmask.iter().map(|at| (at.value.as_str(), at.span));
        for (path, span) in paths.chain(more) {
            separator(':', path, "one path from the next", span, findings);
        }
    }
    labels(&configuration.labels, findings);
    labels(&configuration.annotations, findings);
    if let Some(build) = configuration.build.get() {
        labels(&build.value.0.labels, findings);
    }
}

fn labels(labels: &Map<Plain>, findings: &mut Findings) {
    for (name, span, _) in labels.iter() {
        separator('=', name, "a name from its value", span, findings);
        if name.is_empty() {
            let diagnostic = Diagnostic::new(&code::SEPARATOR, span, "a label without a name");
            findings.add(diagnostic.help("give it a name"));
        }
    }
}

/// What Podman refuses to do at once.
fn together(service: &Service, configuration: &Configuration, findings: &mut Findings) {
    let Configuration { dns, dns_search, dns_options, extra_hosts, .. } = configuration;
    let Configuration { network_mode, userns, uid_map, gid_map, group_add, .. } = configuration;
    let mut refuse = |what: &str, span: Span, other: &str, place: Span| {
        let message = format!("`{}` has `{what}` and `{other}`", service.name);
        let diagnostic = Diagnostic::new(&code::NOT_TOGETHER, span, message);
        let help = format!("take `{what}` away, or `{other}`");
        findings.add(diagnostic.label(place, "Podman takes only one of them").help(help));
    };
    let mode = network_mode.as_ref().map(|mode| (mode_kind(mode), mode.span));
    if let Some((mode @ ("none" | "service" | "container"), place)) = mode {
        let other = format!("network_mode: {mode}");
        for (what, span) in [
            ("dns", dns.iter().next().map(|at| at.span)),
            ("dns_search", dns_search.iter().next().map(|at| at.span)),
            ("dns_options", dns_options.iter().next().map(|at| at.span)),
            ("extra_hosts", extra_hosts.iter().next().map(|at| at.span)),
        ] {
            if let Some(span) = span.filter(|_| what != "extra_hosts" || mode != "none") {
                refuse(what, span, &other, place);
            }
        }
    }
    if let Some(userns) = userns {
        for (what, maps) in [("uid_map", uid_map), ("gid_map", gid_map)] {
            if let Some(map) = maps.iter().next() {
                refuse(what, map.span, "userns", userns.span);
            }
        }
    }
    let keep = group_add.iter().find(|group| group.as_str() == KEEP_GROUPS);
    let other = group_add.iter().find(|group| group.as_str() != KEEP_GROUPS);
    if let (Some(keep), Some(other)) = (keep, other) {
        refuse(other.as_str(), other.span, KEEP_GROUPS, keep.span);
    }
}

/// What the kernel and systemd take in one piece.
fn lengths(view: &View<'_>, service: &Service, configuration: &Configuration, to: &mut Findings) {
    let mut together = 0;
    let mut add = |length: usize, span: Span, findings: &mut Findings| {
        together += length;
        if length > WORD_MAX {
            let message = format!("a value of {length} bytes, {WORD_MAX} fit");
            let diagnostic = Diagnostic::new(&code::TOO_LONG, span, message);
            findings.add(diagnostic.help("put it into a file under `files`, and mount that"));
        }
    };
    for (name, span, value) in configuration.environment.iter() {
        if let EnvValue::Text(text) = value {
            add(name.len() + text.value.len(), span, to);
        }
    }
    for (name, span, Plain(value)) in configuration.labels.iter() {
        add(name.len() + value.value.len(), span, to);
    }
    for command in [&configuration.command, &configuration.entrypoint].into_iter().flatten() {
        command.words().iter().for_each(|word| add(word.len(), command.span, to));
    }
    for path in configuration.env_file.iter() {
        let lines = view.loaded.attachments.env_files.get(path.as_str());
        for line in lines.into_iter().flatten() {
            add(line.name.len() + line.value.len(), path.span, to);
        }
    }
    if together > WORDS_MAX {
        let message = format!("`{}` has {together} bytes of values, {WORDS_MAX} fit", service.name);
        let diagnostic = Diagnostic::new(&code::TOO_LONG, service.name.span, message);
        to.add(diagnostic.help("put what is long into files under `files`, and mount those"));
    }
}

/// Configuration files lie below the units where somebody copies all of them at once.
fn file_names(view: &View<'_>, findings: &mut Findings) {
    const UNITS: [&str; 9] =
        ["container", "volume", "network", "kube", "image", "pod", "build", "artifact", "quadlets"];
    for (name, span, _) in view.stack.files.iter() {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        if UNITS.contains(&ending) {
            let message = format!("a file called `{name}`, which Quadlet would read as a unit");
            let diagnostic = Diagnostic::new(&names::RESERVED_NAME, span, message);
            findings.add(
                diagnostic.help("give it another ending; where it is mounted, it may have any"),
            );
        }
    }
}

fn shared_labels(view: &View<'_>, findings: &mut Findings) {
    if let Some(shared) = view.stack.shared.get() {
        labels(&shared.labels, findings);
    }
    for (_, _, network) in view.stack.networks.iter() {
        network.get().into_iter().for_each(|network| labels(&network.labels, findings));
    }
    for (_, _, volume) in view.stack.volumes.iter() {
        volume.get().into_iter().for_each(|volume| labels(&volume.labels, findings));
    }
}

/// Values of files, which were not looked at as those of the stack file were.
fn env_files(view: &View<'_>, findings: &mut Findings) {
    for line in view.loaded.attachments.env_files.values().flatten() {
        if let Some(c) = unwritable_char(&line.value) {
            unwritable(&line.name, Unwritable::Character(c), line.span, findings);
        }
    }
}

fn unwritable(name: &str, why: Unwritable, span: Span, findings: &mut Findings) {
    let message = match why {
        Unwritable::Character(c) => {
            format!("`{name}` holds `{}`, which no unit can", c.escape_unicode())
        }
        Unwritable::Empty => format!("`{name}` is empty, which no unit can say"),
        Unwritable::Semicolon | Unwritable::Edge | Unwritable::Space => {
            format!("`{name}` begins or ends with what Quadlet takes away")
        }
    };
    let diagnostic = Diagnostic::new(&code::UNWRITABLE, span, message);
    findings.add(diagnostic.help("write it without that sign"));
}

/// Volumes have keys of whole lines, and no flags that would say the same.
fn volumes(view: &View<'_>, findings: &mut Findings) {
    for (_, _, volume) in view.stack.volumes.iter() {
        let Some(volume) = volume.get() else { continue };
        let driver = volume.driver.as_ref().filter(|driver| driver.value == "image");
        let is_missing = volume.image.is_none() && !view.stack.dented.0 && !view.incomplete;
        if let Some(driver) = driver.filter(|_| is_missing) {
            let message = "a volume that shows an image, and no image";
            let diagnostic = Diagnostic::new(&code::UNWRITABLE, driver.span, message);
            findings.add(diagnostic.help("add `image:`, or take `driver` away"));
        }
        if let Some(device) = &volume.device {
            whole_line("device", &device.value, device.span, findings);
        }
        if let Some(Plain(options)) = volume.options.get("o") {
            whole_line("o", &options.value, options.span, findings);
        }
    }
}

fn whole_line(name: &str, text: &str, span: Span, findings: &mut Findings) {
    if let Err(why) = Reader::Line.write("", text, &mut String::new()) {
        unwritable(name, why, span, findings);
    }
}

/// What services of a pod cannot decide each on their own.
fn pod(view: &View<'_>, podman: Podman, findings: &mut Findings) {
    let Some(pod) = view.stack.shared.get().and_then(|shared| shared.pod) else { return };
    if !pod.value {
        return;
    }
    if podman < PODS {
        newer("a pod", PODS, podman, pod.span, findings);
    }
    for (service, configuration) in view.configured() {
        for (key, span) in decided_by_pod(configuration) {
            let message =
                format!("`{key}` of `{}`, which runs in the pod of the stack", service.name);
            let diagnostic = Diagnostic::new(&code::POD_DECIDES, span, message);
            let help = format!("take `{key}` away, or `pod`");
            findings.add(diagnostic.label(pod.span, "the pod").help(help));
        }
        let is_name = |name: &(String, Span)| name.0 == view.name;
        let taken = crate::model::meaning::containers(service).into_iter().find(is_name);
        if let Some((name, span)) = taken {
            let message = format!("container `{name}` has the name of the pod");
            let diagnostic = Diagnostic::new(&code::POD_DECIDES, span, message);
            findings.add(diagnostic.help("give the service or the stack another name"));
        }
    }
}

fn decided_by_pod(configuration: &Configuration) -> Vec<(&'static str, Span)> {
    let Configuration { networks, network_mode, hostname, userns, dns, dns_search, .. } =
        configuration;
    let Configuration { dns_options, extra_hosts, uid_map, gid_map, .. } = configuration;
    let given = [
        ("networks", networks.span()),
        ("network_mode", network_mode.as_ref().map(|at| at.span)),
        ("hostname", hostname.as_ref().map(|at| at.span)),
        ("userns", userns.as_ref().map(|at| at.span)),
        ("uid_map", uid_map.iter().next().map(|at| at.span)),
        ("gid_map", gid_map.iter().next().map(|at| at.span)),
        ("dns", dns.iter().next().map(|at| at.span)),
        ("dns_search", dns_search.iter().next().map(|at| at.span)),
        ("dns_options", dns_options.iter().next().map(|at| at.span)),
        ("extra_hosts", extra_hosts.iter().next().map(|at| at.span)),
    ];
    given.into_iter().filter_map(|(key, span)| Some((key, span?))).collect()
}
