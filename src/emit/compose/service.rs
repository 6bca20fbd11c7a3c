//! A container in the words of Compose.

use super::file::{
    Dependency, Deploy, Healthcheck, Logging, Membership, SecretUse, Service, Text, Texts, Ulimit,
};
use super::{build, mount, secret};
use crate::emit::words::{bytes, host_line, seconds};
use crate::model::command::{Command, HealthCommand};
use crate::model::configuration::{Configuration, KEEP_GROUPS, PullPolicy};
use crate::model::layer::{Additive, Map};
use crate::model::service::Condition;
use crate::model::value::restart::Restart;
use crate::model::value::size::Size;
use crate::model::value::ulimit::Limit;
use crate::model::variable::Plain;
use crate::resolve::network::Joined;
use crate::resolve::service::SecretForm;
use crate::resolve::{self, Resolved};

/// A service; of several replicas, the first one stands for all.
pub fn service(stack: &Resolved<'_>, resolved: &resolve::Service<'_>) -> Service {
    let configuration = resolved.configuration;
    let mut service = Service::default();
    identity(stack, resolved, &mut service);
    program(configuration, &mut service);
    values(stack, resolved, &mut service);
    order(resolved, &mut service);
    network(resolved, &mut service);
    storage(stack, resolved, &mut service);
    limits(configuration, &mut service);
    users(configuration, &mut service);
    security(configuration, &mut service);
    namespaces(configuration, &mut service);
    health(resolved, &mut service);
    service
}

/// Texts as Compose takes them.
fn texts<T: ToString>(items: &Additive<T>) -> Vec<Text> {
    items.iter().map(|item| Text::from(&item.to_string())).collect()
}

fn text(value: Option<&impl ToString>) -> Option<Text> {
    value.map(|value| Text::from(&value.to_string()))
}

/// Names with texts.
pub fn pairs(map: &Map<Plain>) -> Texts {
    map.iter().map(|(name, _, value)| (name.to_owned(), Text::from(&value.0.value))).collect()
}

/// A switch, which is said where it is on.
pub fn on(switch: Option<crate::model::at::At<bool>>) -> Option<bool> {
    switch.map(|switch| switch.value).filter(|on| *on)
}

fn identity(stack: &Resolved<'_>, resolved: &resolve::Service<'_>, service: &mut Service) {
    let configuration = resolved.configuration;
    service.image = text(configuration.image.as_ref());
    service.build = configuration.build.get().map(|build| build::build(stack, &build.value.0));
    service.platform = text(configuration.platform.as_ref());
    service.pull_policy = configuration.pull_policy.map(|policy| match policy.value {
        // Compose has no word for it, and a rule tells so; this comes closest.
        PullPolicy::Always | PullPolicy::Newer => "always",
        PullPolicy::Missing => "missing",
        PullPolicy::Never => "never",
    });
    match resolved.written.replicas.map(|count| count.value).filter(|count| *count > 1) {
        Some(count) => {
            service.deploy = Some(Deploy { mode: Some("replicated"), replicas: Some(count) });
        }
        // A name of one letter is refused, and a rule tells so.
        None if resolved.container.len() < 2 => {}
        None => service.container_name = Some(Text::from(&resolved.container)),
    }
    service.hostname = text(configuration.hostname.as_ref());
}

fn program(configuration: &Configuration, service: &mut Service) {
    let words = |command: &Command| command.words().iter().map(Text::from).collect();
    service.entrypoint = configuration.entrypoint.as_ref().map(|at| words(&at.value));
    service.command = configuration.command.as_ref().map(|at| words(&at.value));
    service.working_dir = text(configuration.working_dir.as_ref());
    service.init = on(configuration.init);
    service.stdin_open = on(configuration.stdin_open);
    service.tty = on(configuration.tty);
    service.stop_signal = text(configuration.stop_signal.as_ref());
    service.stop_grace_period = configuration.stop_timeout.map(|at| seconds(at.value));
}

fn values(stack: &Resolved<'_>, resolved: &resolve::Service<'_>, service: &mut Service) {
    let texts = resolved.environment.iter();
    service.environment =
        texts.map(|(name, value)| ((*name).to_owned(), Text::from(*value))).collect();
    for used in &resolved.secrets {
        match used.form {
            SecretForm::Variable(name) => {
                let value = Text::given(&secret::variable(stack, used.key));
                service.environment.insert(name.to_owned(), value);
            }
            SecretForm::File(file) => service.secrets.push(SecretUse {
                source: Some(used.key.to_owned()),
                target: text(file.more.target.as_ref()),
            }),
        }
    }
    service.environment.sort_keys();
    let labels = resolved.labels.iter();
    service.labels = labels.map(|(name, value)| (name.clone(), Text::from(value))).collect();
    service.annotations = pairs(&resolved.configuration.annotations);
    service.logging = resolved.configuration.logging.get().map(|logging| Logging {
        driver: text(logging.driver.as_ref()),
        options: pairs(&logging.options),
    });
}

fn order(resolved: &resolve::Service<'_>, service: &mut Service) {
    for needed in &resolved.needs {
        let condition = match needed.condition {
            // What else belongs to readiness is told by a rule.
            Condition::Healthy | Condition::Ready if needed.tells_health => "service_healthy",
            Condition::Started | Condition::Healthy | Condition::Ready => "service_started",
            Condition::Completed => "service_completed_successfully",
        };
        let dependency = Dependency { condition: Some(condition) };
        service.depends_on.insert(needed.name.to_owned(), dependency);
    }
    let mode = resolved.configuration.network_mode.as_ref();
    if let Some(shared) = mode.and_then(|mode| mode.value.strip_prefix("service:")) {
        let started = || Dependency { condition: Some("service_started") };
        service.depends_on.entry(shared.to_owned()).or_insert_with(started);
    }
    service.restart = Some(restart(resolved));
}

/// systemd never starts again what somebody stopped; in Compose that is a policy of its own.
fn restart(resolved: &resolve::Service<'_>) -> String {
    let usual = if resolved.is_job { Restart::No } else { Restart::UnlessStopped };
    let policy = resolved.configuration.restart.map_or(usual, |restart| restart.value);
    match policy {
        Restart::Always | Restart::UnlessStopped if resolved.is_job => {
            Restart::OnFailure(None).to_string()
        }
        policy => policy.to_string(),
    }
}

fn network(resolved: &resolve::Service<'_>, service: &mut Service) {
    let configuration = resolved.configuration;
    match &resolved.joined {
        Joined::Networks(networks) => {
            for (place, member) in networks.iter().enumerate() {
                let several = networks.len() > 1;
                let mut membership = Membership {
                    // The first one gives the default route.
                    priority: several.then(|| (networks.len() - place) * 100),
                    ..Membership::default()
                };
                if let Some(written) = member.written {
                    membership.aliases = texts(&written.more.aliases);
                    membership.ipv4_address = text(written.more.ip.as_ref());
                    membership.ipv6_address = text(written.more.ip6.as_ref());
                }
                service.networks.insert(member.name.to_owned(), membership);
            }
        }
        Joined::Of { .. } | Joined::Mode(_) => {
            service.network_mode = text(configuration.network_mode.as_ref());
        }
    }
    let ports = configuration.ports.iter();
    service.ports = ports.map(|port| Text::from(&port.0.to_string())).collect();
    service.expose = texts(&configuration.expose);
    service.dns = texts(&configuration.dns);
    service.dns_search = texts(&configuration.dns_search);
    service.dns_opt = texts(&configuration.dns_options);
    let hosts = configuration.extra_hosts.iter();
    service.extra_hosts = hosts.map(|host| Text::from(&host_line(host))).collect();
}

fn storage(stack: &Resolved<'_>, resolved: &resolve::Service<'_>, service: &mut Service) {
    let configuration = resolved.configuration;
    service.volumes = resolved.mounts.iter().map(|one| mount::mount(stack, one)).collect();
    service.tmpfs = texts(&configuration.tmpfs);
    service.devices = configuration.devices.iter().map(|device| mount::device(device)).collect();
    service.shm_size = configuration.shm_size.map(|size| Text::from(&bytes(size.value)));
    service.read_only = on(configuration.read_only);
}

fn limits(configuration: &Configuration, service: &mut Service) {
    let size = |size: Size| Text::from(&bytes(size));
    service.mem_limit = configuration.memory.map(|at| size(at.value));
    service.mem_reservation = configuration.memory_reservation.map(|at| size(at.value));
    if let (Some(memory), Some(swap)) = (configuration.memory, configuration.memory_swap) {
        // Compose counts memory and swap together, as Podman does.
        let both = Size(memory.value.bytes().saturating_add(swap.value.bytes()));
        service.memswap_limit = Some(size(both));
    }
    service.cpus = configuration.cpus.map(|cpus| f64::from(cpus.value.percent()) / 100.0);
    service.cpu_shares = configuration.cpu_shares.map(|shares| shares.value);
    service.cpuset = text(configuration.cpuset.as_ref());
    // Without limit: a nought would be left out by who reads it.
    let pids = |limit| if limit == 0 { -1 } else { limit };
    service.pids_limit = configuration.pids_limit.map(|limit| pids(limit.value));
    service.oom_score_adj = configuration.oom_score_adj.map(|score| score.value);
    let limit = |limit: &Limit| match limit {
        Limit::Unlimited => -1,
        Limit::Count(count) => i64::try_from(*count).unwrap_or(i64::MAX),
    };
    for (name, _, both) in configuration.ulimits.iter() {
        let (soft, hard) = (Some(limit(&both.value.soft)), Some(limit(&both.value.hard)));
        service.ulimits.insert(name.to_owned(), Ulimit { soft, hard });
    }
}

fn users(configuration: &Configuration, service: &mut Service) {
    service.user = text(configuration.user.as_ref());
    // Compose looks every name up in the image, and a rule tells so.
    let groups = configuration.group_add.iter().filter(|group| group.as_str() != KEEP_GROUPS);
    service.group_add = groups.map(|group| Text::from(group.as_str())).collect();
    service.userns_mode = text(configuration.userns.as_ref());
}

fn security(configuration: &Configuration, service: &mut Service) {
    let (gained, lost) = configuration.capabilities();
    service.cap_add = gained.iter().map(Text::from).collect();
    service.cap_drop = lost.iter().map(Text::from).collect();
    service.privileged = configuration.is_privileged().then_some(true);
    service.sysctls = pairs(&configuration.sysctls);
    let Some(security) = configuration.security.get() else { return };
    let mut options: Vec<String> = Vec::new();
    options.extend(on(security.no_new_privileges).map(|_| "no-new-privileges".to_owned()));
    options.extend(on(security.label_disable).map(|_| "label=disable".to_owned()));
    options.extend(security.label_type.as_ref().map(|at| format!("label=type:{at}")));
    options.extend(security.seccomp.as_ref().map(|at| format!("seccomp={at}")));
    options.extend(security.apparmor.as_ref().map(|at| format!("apparmor={at}")));
    service.security_opt = options.iter().map(Text::from).collect();
    service.cgroup = text(security.cgroupns.as_ref());
}

fn namespaces(configuration: &Configuration, service: &mut Service) {
    service.ipc = text(configuration.ipc.as_ref());
    service.pid = text(configuration.pid.as_ref());
}

fn health(resolved: &resolve::Service<'_>, service: &mut Service) {
    if resolved.configuration.health_check.get().is_none() {
        return;
    }
    let Some(health) = &resolved.health else {
        // Also not the one of the image.
        service.healthcheck = Some(Healthcheck { disable: Some(true), ..Healthcheck::default() });
        return;
    };
    let test: Vec<Text> = match &health.command.value {
        HealthCommand::None => vec![Text::new("NONE")],
        HealthCommand::Shell(text) => vec![Text::new("CMD-SHELL"), Text::from(text)],
        HealthCommand::Exec(words) => exec(words),
    };
    service.healthcheck = Some(Healthcheck {
        test,
        interval: Some(seconds(health.interval)),
        timeout: Some(seconds(health.timeout)),
        retries: Some(health.retries),
        start_period: Some(seconds(health.start_period)),
        disable: None,
    });
}

/// A command without a shell. Where a word would need quotes, a shell is better: of a list, Podman
/// 5.4 splits each word at its blanks and loses the empty ones, and `podman-compose` 1.3 has it
/// read by a shell anyway.
fn exec(words: &[String]) -> Vec<Text> {
    let line = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    if line == words.join(" ") {
        return std::iter::once(Text::new("CMD")).chain(words.iter().map(Text::from)).collect();
    }
    vec![Text::new("CMD-SHELL"), Text::from(&line)]
}
