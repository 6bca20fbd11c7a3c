//! A container, as the fields of its template.

use minijinja::Value;

use super::{DIGEST_LABEL, DIGEST_PLACE, SERVICE_LABEL, STACK_LABEL};
use super::{Target, gate, health, limits, pairs, raw, sentence, source};
use crate::capability::encode::{is_lost, json_words};
use crate::capability::podman::Podman;
use crate::emit::Scope;
use crate::emit::template::{Fields, Led};
use crate::emit::words::{bytes, host_line, seconds};
use crate::model::configuration::{AutoUpdate, Configuration, PullPolicy};
use crate::model::ready::OnUnhealthy;
use crate::model::storage::{SecretType, SecretUse};
use crate::model::systemd::Notify;
use crate::resolve::Resolved;
use crate::resolve::mount::Mount;
use crate::resolve::network::{Joined, Membership};
use crate::resolve::service::{Secret, SecretForm, Service};

/// The first Podman that takes `Notify=healthy`; the flag is older.
const NOTIFY_HEALTHY: Podman = Podman(5, 0);

/// The fields of a container's unit.
pub fn fields(stack: &Resolved<'_>, service: &Service<'_>, target: Target) -> Fields {
    let mut fields = Fields::default();
    let configuration = service.configuration;
    let mut arguments = Vec::new();
    unit(stack, service, &mut fields);
    image(service, &mut fields);
    program(configuration, &mut fields);
    values(stack, service, &mut fields);
    storage(stack, service, target, &mut fields);
    network(stack, service, &mut fields);
    users(configuration, &mut fields);
    security(configuration, &mut arguments, &mut fields);
    health_check(service, &mut arguments, &mut fields);
    logging(configuration, &mut fields);
    notify(service, target, &mut arguments, &mut fields);
    limits::set(configuration, &mut arguments, &mut fields);
    super::running::set(stack, service, target, &mut fields);
    fields.written("gate", gate::lines(stack, service, target));
    flags(configuration, &mut arguments);
    fields.list("arguments", arguments);
    raw::set(configuration, target.podman, &mut fields);
    fields
}

/// What is started when the manager of services is.
pub fn boot_target(scope: Scope) -> &'static str {
    match scope {
        Scope::User => "default.target",
        Scope::System => "multi-user.target",
    }
}

fn unit(stack: &Resolved<'_>, service: &Service<'_>, fields: &mut Fields) {
    let usual = || format!("{} of {}", service.unit, stack.name);
    let given = service.written.description.as_ref().map(|at| sentence(&at.value));
    fields.set("description", given.filter(|text| !text.is_empty()).unwrap_or_else(usual));
    let systemd = service.configuration.systemd.get();
    let names = |units: &[String]| units.iter().map(|unit| format!("{unit}.service")).collect();
    let (mut requires, mut wants): (Vec<String>, Vec<String>) =
        (names(&service.requires), names(&service.wants));
    let mut after: Vec<String> = requires.iter().chain(&wants).cloned().collect();
    if let Some(systemd) = systemd {
        requires.extend(systemd.requires.iter().map(ToString::to_string));
        wants.extend(systemd.wants.iter().map(ToString::to_string));
        after.extend(systemd.after.iter().map(ToString::to_string));
        fields.list("before", systemd.before.iter().map(ToString::to_string));
        fields.list("part_of", systemd.part_of.iter().map(ToString::to_string));
    }
    fields.list("requires", requires);
    fields.list("wants", wants);
    fields.list("after", after);
}

fn image(service: &Service<'_>, fields: &mut Fields) {
    let configuration = service.configuration;
    fields.set("name", service.container.as_str());
    match configuration.build.get() {
        Some(_) => fields.set("image", format!("{}.build", service.written.name)),
        None => fields.maybe("image", configuration.image.as_ref()),
    }
    // A digest says nothing to people; the day it was looked up stands beside it.
    let pinned = configuration.image_pinned_on.as_ref();
    fields.maybe("pinned", pinned.map(|day| format!("pinned on {day}")));
    fields.maybe("hostname", configuration.hostname.as_ref());
    let pull = configuration.pull_policy.map(|policy| match policy.value {
        PullPolicy::Always => "always",
        PullPolicy::Missing => "missing",
        PullPolicy::Never => "never",
        PullPolicy::Newer => "newer",
    });
    fields.maybe("pull", pull);
    let auto_update = configuration.auto_update.and_then(|auto_update| match auto_update.value {
        AutoUpdate::Registry => Some("registry"),
        AutoUpdate::Local => Some("local"),
        AutoUpdate::Disabled => None,
    });
    fields.maybe("auto_update", auto_update);
}

/// Entry point and command. A command with an empty word or a `;` alone, which Quadlet loses, is
/// written behind the entry point where there is one: JSON keeps every word.
fn program(configuration: &Configuration, fields: &mut Fields) {
    let command = configuration.command.as_ref().map_or(&[][..], |command| command.words());
    let has_lost = configuration.entrypoint.is_some() && command.iter().any(|word| is_lost(word));
    let (behind, command) = if has_lost { (command, &[][..]) } else { (&[][..], command) };
    if let Some(program) = &configuration.entrypoint {
        let words: Vec<&str> = program.words().iter().chain(behind).map(String::as_str).collect();
        match words.is_empty() {
            // The key clears it since 5.8.2 alone, the flag always did.
            true => fields.set("no_entrypoint", "--entrypoint="),
            false => fields.set("entrypoint", json_words(words)),
        }
    }
    fields.list("command", command.iter().map(String::as_str));
    fields.maybe("working_dir", configuration.working_dir.as_ref());
    fields.maybe("timezone", configuration.timezone.as_ref());
    fields.maybe("init", configuration.init.filter(|init| init.value));
}

fn values(stack: &Resolved<'_>, service: &Service<'_>, fields: &mut Fields) {
    let variables = service.environment.iter().map(|(name, value)| format!("{name}={value}"));
    fields.list("environment", variables);
    fields.list("secrets", service.secrets.iter().map(secret));
    let labels = service.labels.iter().map(|(name, value)| format!("{name}={value}"));
    fields.list("labels", labels);
    fields.list("annotations", pairs(&service.configuration.annotations));
    let mark = format!(
        "Label={STACK_LABEL}={}\nLabel={SERVICE_LABEL}={}\nLabel={DIGEST_LABEL}={DIGEST_PLACE}\n",
        stack.name, service.written.name
    );
    fields.written("mark_labels", mark);
    fields.written("mark_service", format!("Service={}\n", service.written.name));
}

fn secret(secret: &Secret<'_>) -> String {
    let name = secret.name;
    let used: &SecretUse = match secret.form {
        SecretForm::Variable(target) => return format!("{name},type=env,target={target}"),
        SecretForm::File(used) => used,
    };
    let more = &used.more;
    debug_assert!(more.kind.is_none_or(|kind| kind.value == SecretType::File));
    // Under its own name where it has another one in Podman.
    let own = (used.name.as_str() != name).then(|| used.name.to_string());
    let target = more.target.as_ref().map(ToString::to_string).or(own);
    let parts = [
        target.map(|target| format!("target={target}")),
        more.uid.map(|uid| format!("uid={uid}")),
        more.gid.map(|gid| format!("gid={gid}")),
        more.mode.map(|mode| format!("mode={mode}")),
    ];
    let parts: String = parts.into_iter().flatten().map(|part| format!(",{part}")).collect();
    format!("{name},type=mount{parts}")
}

fn storage(stack: &Resolved<'_>, service: &Service<'_>, target: Target, fields: &mut Fields) {
    let configuration = service.configuration;
    fields.list("volumes", service.mounts.iter().map(|mount| volume(stack, mount, target)));
    fields.list("tmpfs", configuration.tmpfs.iter().map(|at| at.value.as_str()));
    fields.list("devices", configuration.devices.iter().map(ToString::to_string));
    fields.maybe("shm_size", configuration.shm_size.map(|size| bytes(size.value)));
    fields.maybe("read_only", configuration.read_only.filter(|read_only| read_only.value));
}

fn volume(stack: &Resolved<'_>, mount: &Mount<'_>, target: Target) -> Value {
    let Led { lead, text } = source(stack, target, &mount.source);
    let options = match mount.options.as_slice() {
        [] => String::new(),
        options => format!(":{}", options.join(",")),
    };
    Value::from(Led { lead, text: format!("{text}:{}{options}", mount.target) })
}

fn network(stack: &Resolved<'_>, service: &Service<'_>, fields: &mut Fields) {
    let configuration = service.configuration;
    if stack.in_pod {
        fields.set("pod", format!("{}.pod", stack.name));
        return;
    }
    match &service.joined {
        Joined::Networks(networks) => {
            fields.list("networks", networks.iter().map(|one| membership(one, service.alias)));
        }
        Joined::Of { container, .. } => fields.set("networks", format!("container:{container}")),
        Joined::Mode(mode) => fields.set("networks", *mode),
    }
    fields.list("ports", configuration.ports.iter().map(|port| port.0.to_string()));
    fields.list("expose", configuration.expose.iter().map(ToString::to_string));
    fields.list("dns", configuration.dns.iter().map(ToString::to_string));
    fields.list("dns_search", configuration.dns_search.iter().map(ToString::to_string));
    fields.list("dns_options", configuration.dns_options.iter().map(|at| at.value.as_str()));
    fields.list("extra_hosts", configuration.extra_hosts.iter().map(|host| host_line(host)));
}

/// The value of `Network=` for one network. The service is known there by its own name too: Podman
/// knows the name of the container alone, and an alias by this way is older than its key.
pub fn membership(member: &Membership<'_>, alias: Option<&str>) -> String {
    let name = match member.unit {
        Some(unit) => format!("{unit}.network"),
        None => member.podman_name.to_owned(),
    };
    let more = member.written.map(|written| &written.more);
    let mut options: Vec<String> = Vec::new();
    options.extend(alias.map(|alias| format!("alias={alias}")));
    if let Some(more) = more {
        options.extend(more.ip.map(|ip| format!("ip={ip}")));
        options.extend(more.ip6.map(|ip| format!("ip6={ip}")));
        options.extend(more.mac.as_ref().map(|mac| format!("mac={mac}")));
        options.extend(more.aliases.iter().map(|alias| format!("alias={alias}")));
        let interface = more.interface.as_ref();
        options.extend(interface.map(|interface| format!("interface_name={interface}")));
    }
    match options.is_empty() {
        true => name,
        false => format!("{name}:{}", options.join(",")),
    }
}

fn users(configuration: &Configuration, fields: &mut Fields) {
    if let Some(user) = &configuration.user {
        fields.set("user", user.user.as_str());
        fields.maybe("group", user.group.as_ref());
    }
    fields.list("groups", configuration.group_add.iter().map(|group| group.as_str()));
    fields.maybe("userns", configuration.userns.as_ref());
    fields.list("uid_map", configuration.uid_map.iter().map(|at| at.value.as_str()));
    fields.list("gid_map", configuration.gid_map.iter().map(|at| at.value.as_str()));
}

fn security(configuration: &Configuration, arguments: &mut Vec<String>, fields: &mut Fields) {
    let security = configuration.security.get();
    let (gained, lost) = configuration.capabilities();
    if let Some(security) = security {
        fields.maybe("no_new_privileges", security.no_new_privileges.filter(|on| on.value));
        fields.maybe("label_disable", security.label_disable.filter(|on| on.value));
        fields.maybe("label_type", security.label_type.as_ref());
        fields.maybe("seccomp", security.seccomp.as_ref());
        fields.maybe("apparmor", security.apparmor.as_ref());
        let masked: Vec<&str> = security.mask.iter().map(|at| at.as_str()).collect();
        fields.maybe("mask", (!masked.is_empty()).then(|| masked.join(":")));
        let unmasked: Vec<&str> = security.unmask.iter().map(|at| at.value.as_str()).collect();
        fields.maybe("unmask", (!unmasked.is_empty()).then(|| unmasked.join(":")));
        arguments.extend(security.cgroupns.as_ref().map(|at| format!("--cgroupns={at}")));
    }
    fields.list("capabilities", gained);
    fields.list("dropped", lost);
    if configuration.is_privileged() {
        arguments.push("--privileged".to_owned());
    }
    fields.list("sysctls", pairs(&configuration.sysctls));
}

fn health_check(service: &Service<'_>, arguments: &mut Vec<String>, fields: &mut Fields) {
    let Some(check) = service.configuration.health_check.get() else { return };
    let Some(health) = &service.health else {
        // Also not the one of the image.
        arguments.push("--no-healthcheck".to_owned());
        return;
    };
    let command = health::value(health.command);
    fields.set("health_interval", seconds(health.interval));
    fields.set("health_timeout", seconds(health.timeout));
    fields.set("health_retries", health.retries.to_string());
    fields.set("health_start_period", seconds(health.start_period));
    if let Some(interval) = check.start_interval {
        fields.set("health_startup_command", command.as_str());
        fields.set("health_startup_interval", seconds(interval.value));
        fields.set("health_startup_timeout", seconds(health.timeout));
    }
    fields.set("health_command", command);
    let on_failure = check.on_failure.map(|action| match action.value {
        OnUnhealthy::None => "none",
        OnUnhealthy::Kill => "kill",
        OnUnhealthy::Stop => "stop",
    });
    fields.maybe("health_on_failure", on_failure);
}

fn logging(configuration: &Configuration, fields: &mut Fields) {
    let Some(logging) = configuration.logging.get() else { return };
    fields.maybe("log_driver", logging.driver.as_ref());
    fields.list("log_options", pairs(&logging.options));
}

fn notify(service: &Service<'_>, target: Target, arguments: &mut Vec<String>, fields: &mut Fields) {
    match service.notify {
        Notify::Started => {}
        Notify::Container => fields.set("notify", "true"),
        Notify::Healthy if target.podman >= NOTIFY_HEALTHY => fields.set("notify", "healthy"),
        Notify::Healthy => arguments.push("--sdnotify=healthy".to_owned()),
    }
}

/// What no Quadlet has a key for.
fn flags(configuration: &Configuration, arguments: &mut Vec<String>) {
    arguments.extend(configuration.platform.as_ref().map(|at| format!("--platform={at}")));
    arguments.extend(configuration.ipc.as_ref().map(|at| format!("--ipc={at}")));
    arguments.extend(configuration.pid.as_ref().map(|at| format!("--pid={at}")));
    if configuration.stdin_open.is_some_and(|open| open.value) {
        arguments.push("--interactive".to_owned());
    }
    if configuration.tty.is_some_and(|tty| tty.value) {
        arguments.push("--tty".to_owned());
    }
}
