//! What Compose has no words for, or its tools do not take: it is left out of files, and told.

use std::collections::BTreeMap;

use super::View;
use crate::model::at::At;
use crate::model::configuration::{AutoUpdate, Configuration, KEEP_GROUPS, PullPolicy};
use crate::model::layer::Map;
use crate::model::meaning;
use crate::model::ready::{OnUnhealthy, ReadyType};
use crate::model::service::{Condition, Service};
use crate::model::storage::{SecretType, SecretUse, VolumeUse};
use crate::model::systemd::{Quadlet, RawValue, Systemd};
use crate::model::value::mount::{MountOption, Source};
use crate::model::variable::EnvValue;
use crate::report::code::compose as code;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Options of mounts that Compose knows, or that are no matter of the mount.
const MOUNT_OPTIONS: [&str; 11] = [
    "ro", "rw", "nocopy", "nocow", "shared", "slave", "private", "rshared", "rslave", "rprivate",
    "rbind",
];

/// Why something is left out: Compose cannot say it, or one of its tools would stop there.
const NO_WORD: &str = "Compose has no word for it";
const NOT_TAKEN: &str = "not every tool for Compose takes it";

/// Tells what a Compose file cannot say.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (service, configuration) in view.configured() {
        let mut left_out = Vec::new();
        limits(configuration, &mut left_out);
        running(configuration, &mut left_out);
        storage(configuration, &mut left_out);
        if let Some(systemd) = configuration.systemd.get() {
            systemd_keys(systemd, &mut left_out);
        }
        if let Some(quadlet) = configuration.quadlet.get() {
            raw_keys(quadlet, &mut left_out);
        }
        let mut not_taken = Vec::new();
        refused(service, configuration, &mut not_taken);
        for (list, why) in [(left_out, NO_WORD), (not_taken, NOT_TAKEN)] {
            // What a pattern adds is nothing that the user asked for.
            for (what, span) in list.into_iter().filter(|(_, span)| view.is_own(*span)) {
                tell(&format!("{what} of `{}`", service.name), why, span, findings);
            }
        }
    }
    shared(view, findings);
    groups(view, findings);
    gates(view, findings);
    secrets(view, findings);
}

fn tell(what: &str, why: &str, span: Span, findings: &mut Findings) {
    let message = format!("{what} is left out, {why}");
    findings.add(Diagnostic::new(&code::LEFT_OUT, span, message));
}

type LeftOut = Vec<(String, Span)>;

fn limits(configuration: &Configuration, left_out: &mut LeftOut) {
    let mut add = |what: &str, span: Option<Span>| {
        left_out.extend(span.map(|span| (format!("`{what}`"), span)));
    };
    add("memory_high", configuration.memory_high.as_ref().map(|at| at.span));
    let swap = configuration.memory_swap.as_ref().filter(|_| configuration.memory.is_none());
    add("memory_swap", swap.map(|at| at.span));
    add("uid_map", configuration.uid_map.iter().next().map(|at| at.span));
    add("gid_map", configuration.gid_map.iter().next().map(|at| at.span));
    if let Some(security) = configuration.security.get() {
        add("mask", security.mask.iter().next().map(|at| at.span));
        add("unmask", security.unmask.iter().next().map(|at| at.span));
    }
    for member in configuration.networks.iter() {
        add("interface", member.more.interface.as_ref().map(|at| at.span));
    }
    let optional = configuration.devices.iter().find(|device| device.value.optional);
    add("the `-` before a device", optional.map(|device| device.span));
}

fn running(configuration: &Configuration, left_out: &mut LeftOut) {
    let mut add = |what: &str, span: Option<Span>| {
        left_out.extend(span.map(|span| (format!("`{what}`"), span)));
    };
    add("timezone", configuration.timezone.as_ref().map(|at| at.span));
    let renewed = configuration.auto_update.filter(|at| at.value != AutoUpdate::Disabled);
    add("auto_update", renewed.map(|at| at.span));
    let newer = configuration.pull_policy.filter(|at| at.value == PullPolicy::Newer);
    add("pull_policy: newer", newer.map(|at| at.span));
    add("restart_delay", configuration.restart_delay.map(|at| at.span));
    add("start_timeout", configuration.start_timeout.map(|at| at.span));
    let check = configuration.health_check.get();
    let on_failure = check.and_then(|check| check.on_failure);
    let acts = on_failure.filter(|at| at.value != OnUnhealthy::None);
    add("on_failure", acts.map(|at| at.span));
}

/// What is right by the standard, and yet ends a tool or is forgotten by it without a word.
fn refused(service: &Service, configuration: &Configuration, left_out: &mut LeftOut) {
    let mut add = |what: &str, span: Option<Span>| {
        left_out.extend(span.map(|span| (what.to_owned(), span)));
    };
    let short = meaning::containers(service).into_iter().find(|(name, _)| name.len() < 2);
    add("the container name", short.map(|(_, span)| span));
    let keep = configuration.group_add.iter().find(|group| group.as_str() == KEEP_GROUPS);
    add("`keep-groups`", keep.map(|at| at.span));
    for member in configuration.networks.iter() {
        add("`mac`", member.more.mac.as_ref().map(|at| at.span));
    }
    let check = configuration.health_check.get();
    let start_interval = check.and_then(|check| check.start_interval);
    add("`start_interval`", start_interval.map(|at| at.span));
}

fn storage(configuration: &Configuration, left_out: &mut LeftOut) {
    for mount in configuration.volumes.iter() {
        let VolumeUse(value) = &mount.value;
        let is_folder = !matches!(value.source, Source::Volume(_));
        for option in value.options.iter().map(MountOption::as_str) {
            let is_label = matches!(option, "z" | "Z") && is_folder;
            if !MOUNT_OPTIONS.contains(&option) && !is_label {
                left_out.push((format!("the mount option `{option}`"), mount.span));
            }
        }
    }
    for secret in configuration.secrets.iter() {
        let more = &secret.more;
        if more.kind.is_some_and(|kind| kind.value == SecretType::Env) {
            continue;
        }
        let owner = [more.uid.map(|at| ("uid", at.span)), more.gid.map(|at| ("gid", at.span))];
        let mode = more.mode.map(|at| ("mode", at.span));
        for (what, span) in owner.into_iter().chain([mode]).flatten() {
            left_out.push((format!("the `{what}` of a secret"), span));
        }
    }
}

fn systemd_keys(systemd: &Systemd, left_out: &mut LeftOut) {
    let by_hand = systemd.start_at_boot.filter(|at| !at.value);
    for (what, span) in [
        ("slice", systemd.slice.as_ref().map(|at| at.span)),
        ("cpu_weight", systemd.cpu_weight.map(|at| at.span)),
        ("startup_cpu_weight", systemd.startup_cpu_weight.map(|at| at.span)),
        ("io_weight", systemd.io_weight.map(|at| at.span)),
        ("startup_io_weight", systemd.startup_io_weight.map(|at| at.span)),
        ("oom_policy", systemd.oom_policy.map(|at| at.span)),
        ("nice", systemd.nice.map(|at| at.span)),
        ("wants", systemd.wants.iter().next().map(|at| at.span)),
        ("requires", systemd.requires.iter().next().map(|at| at.span)),
        ("after", systemd.after.iter().next().map(|at| at.span)),
        ("before", systemd.before.iter().next().map(|at| at.span)),
        ("part_of", systemd.part_of.iter().next().map(|at| at.span)),
        ("sockets", systemd.sockets.iter().next().map(|at| at.span)),
        ("notify", systemd.notify.map(|at| at.span)),
        ("start_at_boot: false", by_hand.map(|at| at.span)),
    ] {
        left_out.extend(span.map(|span| (format!("`systemd.{what}`"), span)));
    }
}

fn raw_keys(quadlet: &Quadlet, left_out: &mut LeftOut) {
    let sections: [(&str, &Map<RawValue>); 5] = [
        ("Unit", &quadlet.unit),
        ("Container", &quadlet.container),
        ("Service", &quadlet.service),
        ("Install", &quadlet.install),
        ("Quadlet", &quadlet.quadlet),
    ];
    for (section, keys) in sections {
        for (name, span, _) in keys.iter() {
            left_out.push((format!("`{name}` of [{section}]"), span));
        }
    }
}

/// What belongs to the stack as a whole.
fn shared(view: &View<'_>, findings: &mut Findings) {
    if let Some(shared) = view.stack.shared.get() {
        if let Some(slice) = &shared.slice {
            tell("`slice`", NO_WORD, slice.span, findings);
        }
        if let Some(pod) = shared.pod.filter(|pod| pod.value) {
            let message = "a pod, Compose has none: the services would not reach each other";
            let diagnostic = Diagnostic::new(&code::NO_POD, pod.span, message);
            findings
                .add(diagnostic.help("take `pod` away, and let services call each other by name"));
        }
    }
    for (name, span, _) in view.stack.units.iter() {
        tell(&format!("the unit `{name}`"), NO_WORD, span, findings);
    }
    for (name, _, network) in view.stack.networks.iter() {
        let Some(network) = network.get() else { continue };
        for (what, span) in [
            ("dns", network.dns.iter().next().map(|at| at.span)),
            ("disable_dns", network.disable_dns.filter(|at| at.value).map(|at| at.span)),
        ] {
            if let Some(span) = span {
                tell(&format!("`{what}` of network `{name}`"), NO_WORD, span, findings);
            }
        }
    }
    for (name, _, volume) in view.stack.volumes.iter() {
        let Some(volume) = volume.get() else { continue };
        for (what, span) in [
            ("uid", volume.uid.map(|at| at.span)),
            ("gid", volume.gid.map(|at| at.span)),
            ("copy: false", volume.copy.filter(|at| !at.value).map(|at| at.span)),
        ] {
            if let Some(span) = span {
                tell(&format!("`{what}` of volume `{name}`"), NO_WORD, span, findings);
            }
        }
    }
}

/// Groups whose files would be those of the base and of the whole.
fn groups(view: &View<'_>, findings: &mut Findings) {
    for group in view.services.iter().flat_map(|service| service.groups.iter()) {
        let holds = match group.as_str() {
            "base" => "what all groups need",
            "all" => "the whole stack",
            _ => continue,
        };
        let message = format!("the group `{group}`, but `compose.{group}.yml` is {holds}");
        let diagnostic = Diagnostic::new(&code::GROUP_IS_A_FILE, group.span, message);
        findings.add(diagnostic.help("call the group something else"));
    }
}

/// Compose waits for health, and for nothing else that makes a service ready.
fn gates(view: &View<'_>, findings: &mut Findings) {
    for need in view.needs.iter().filter(|need| need.condition == Condition::Ready) {
        let service = |place: usize| view.services.get(place).map(|at| &at.value);
        let (Some(from), Some(to)) = (service(need.from), service(need.to)) else { continue };
        let Some(more) = more_than_health(to) else { continue };
        let until = if meaning::health(to).is_some() { "healthy" } else { "started" };
        let message = format!(
            "`{}` waits until `{}` is ready, with Compose only until it is {until}",
            from.name, to.name
        );
        let diagnostic = Diagnostic::new(&code::NOT_WAITED_FOR, need.span, message);
        findings.add(diagnostic.label(more, "Compose does not look at this"));
    }
}

/// A criterion that is not the health check, or the health check where there is none.
fn more_than_health(service: &Service) -> Option<Span> {
    let has_health = meaning::health(service).is_some();
    let is_health = |kind: Option<ReadyType>| kind == Some(ReadyType::HealthCheck) && has_health;
    let mut criteria = meaning::configuration(service).ready_criteria.iter();
    criteria.find(|one| !is_health(one.kind.map(|at| at.value))).map(|one| one.span)
}

/// Secrets whose names differ in signs that variables cannot have.
fn secrets(view: &View<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    let configured = view.configured().map(|(_, configuration)| configuration);
    let shared = view.stack.shared.get().into_iter().flat_map(|shared| shared.environment.iter());
    let used = shared.filter_map(|(_, _, value)| secret_of(value));
    for (name, span) in used.chain(configured.flat_map(as_variables)) {
        let declared = view.stack.secrets.get(name).and_then(|secret| secret.get());
        let given = declared.and_then(|secret| secret.environment.as_ref());
        let variable = given.map_or_else(|| meaning::environment_name(name), ToString::to_string);
        let (first, place) = *seen.entry(variable.clone()).or_insert((name, span));
        if first != name {
            let message = format!("secrets `{first}` and `{name}` both are `{variable}`");
            let diagnostic = Diagnostic::new(&code::ONE_VARIABLE, span, message);
            let help = "give one of them another name";
            findings.add(diagnostic.label(place, "the other one").help(help));
        }
    }
}

/// The secrets that a service gets as variables, in either way that a stack can say so.
fn as_variables(configuration: &Configuration) -> impl Iterator<Item = (&str, Span)> {
    let values = configuration.environment.iter().filter_map(|(_, _, value)| secret_of(value));
    let is_variable =
        |secret: &&At<SecretUse>| secret.more.kind.is_some_and(|at| at.value == SecretType::Env);
    let listed = configuration.secrets.iter().filter(is_variable);
    values.chain(listed.map(|secret| (secret.name.as_str(), secret.span)))
}

fn secret_of(value: &EnvValue) -> Option<(&str, Span)> {
    match value {
        EnvValue::Secret(name) => Some((name.value.as_str(), name.span)),
        _ => None,
    }
}
