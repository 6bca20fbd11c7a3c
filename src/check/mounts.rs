//! Mounts: relative, dangerous, over each other, and with labels that take from others.

use std::collections::BTreeMap;

use super::View;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::service::Service;
use crate::model::storage::VolumeUse;
use crate::model::value::mount::Source;
use crate::report::code::mounts as code;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Folders of the machine that no container should be able to write.
const SYSTEM: [&str; 12] = [
    "/", "/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/sbin", "/sys", "/usr", "/var",
];

/// Folders in which container engines keep everything.
const ENGINES: [&str; 4] = ["/var/lib/containers", "/var/lib/docker", "/run/containers", "/home"];

/// A mount with the service that has it.
type Used<'v> = (&'v Service, &'v At<VolumeUse>);

/// Checks the mounts of all services.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (service, configuration) in view.configured() {
        targets(service, configuration, findings);
        for mount in configuration.volumes.iter() {
            relative(mount, findings);
            dangerous(service, mount, findings);
            label(mount, findings);
        }
    }
}

/// Checks the labels of folders that services share, also those of different stacks.
pub fn labels(views: &[View<'_>], findings: &mut Findings) {
    let mut users: BTreeMap<(&str, Option<usize>), Vec<Used<'_>>> = BTreeMap::new();
    for (stack, view) in views.iter().enumerate() {
        for (service, configuration) in view.configured() {
            for mount in configuration.volumes.iter() {
                // A volume, and a path beside the stack file, are another one in another stack.
                let is_own = matches!(mount.0.source, Source::Volume(_) | Source::Relative(_));
                let key = (folder(&mount.0.source), is_own.then_some(stack));
                users.entry(key).or_default().push((service, mount));
            }
        }
    }
    for users in users.values() {
        shared_label(users, findings);
    }
}

/// The path of a source without a slash at its end.
fn folder(source: &Source) -> &str {
    let text = source.as_str();
    match text.trim_end_matches('/') {
        "" => text,
        trimmed => trimmed,
    }
}

fn targets(service: &Service, configuration: &Configuration, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mounts = configuration.volumes.iter().map(|mount| (mount.0.target.as_str(), mount.span));
    let files = configuration.files.iter().filter_map(|file| file.target.as_ref());
    let files = files.map(|target| (target.as_str(), target.span));
    let tmpfs = configuration.tmpfs.iter();
    let tmpfs = tmpfs.map(|at| (at.value.split(':').next().unwrap_or(""), at.span));
    for (target, span) in mounts.chain(files).chain(tmpfs) {
        if let Some(first) = seen.insert(target, span) {
            let message = format!("`{}` has two mounts at `{target}`", service.name);
            let diagnostic = Diagnostic::new(&code::TARGET_TAKEN, span, message);
            findings.add(diagnostic.label(first, "the other one").help("keep one of the two"));
        }
    }
}

fn relative(mount: &At<VolumeUse>, findings: &mut Findings) {
    if let Source::Relative(path) = &mount.0.source {
        let message = format!("`{path}` is read as beside the stack file");
        let diagnostic = Diagnostic::new(&code::RELATIVE_MOUNT, mount.span, message);
        findings
            .add(diagnostic.help("write the whole path, or give a configuration file by `files`"));
    }
}

fn dangerous(service: &Service, mount: &At<VolumeUse>, findings: &mut Findings) {
    let Source::Path(_) = &mount.0.source else { return };
    let path = folder(&mount.0.source);
    let is_socket = path.ends_with("/podman.sock") || path.ends_with("/docker.sock");
    if is_socket {
        let message = format!("`{}` can start any container through `{path}`", service.name);
        let diagnostic = Diagnostic::new(&code::ENGINE_SOCKET, mount.span, message);
        findings.add(diagnostic.help("do without it if you can: Traefik can read files instead"));
        return;
    }
    let writable = !mount.0.read_only();
    let whole = path == "/" || ENGINES.contains(&path);
    if whole || (writable && SYSTEM.contains(&path)) {
        let how = if writable { "writable" } else { "readable" };
        let message = format!("`{path}` of the machine, {how} for `{}`", service.name);
        let diagnostic = Diagnostic::new(&code::DANGEROUS_MOUNT, mount.span, message);
        findings.add(diagnostic.help(match writable {
            true => "mount the folder that is needed, or add `:ro`",
            false => "mount the folder that is needed",
        }));
    }
}

fn label(mount: &At<VolumeUse>, findings: &mut Findings) {
    let path = folder(&mount.0.source);
    let labelled = mount.0.private_label() || mount.0.shared_label();
    let is_system = SYSTEM.contains(&path)
        || ["/etc/", "/usr/", "/proc/", "/sys/", "/dev/", "/boot/"]
            .iter()
            .any(|top| path.starts_with(top));
    if labelled && is_system && matches!(mount.0.source, Source::Path(_)) {
        let message = format!("a new label on `{path}`, which the machine itself needs");
        let diagnostic = Diagnostic::new(&code::LABEL_ON_SYSTEM, mount.span, message);
        findings.add(diagnostic.help("take `z` and `Z` away"));
    }
}

fn shared_label(users: &[Used<'_>], findings: &mut Findings) {
    let Some(first) = users.first() else { return };
    let is_first = |service: &Service| service.name.span == first.0.name.span;
    let Some(second) = users.iter().find(|(service, _)| !is_first(service)) else {
        return users.iter().for_each(|used| replicas(used, findings));
    };
    for (service, mount) in users.iter().filter(|(_, mount)| mount.0.private_label()) {
        let (other, place) = if is_first(service) { second } else { first };
        let path = folder(&mount.0.source);
        let message = format!(
            "`{path}` is labelled for `{}` alone, `{}` has it too",
            service.name, other.name
        );
        let diagnostic = Diagnostic::new(&code::PRIVATE_LABEL_SHARED, mount.span, message);
        let used = format!("`{}` mounts it here", other.name);
        findings.add(diagnostic.label(place.span, used).help("write `z` in both"));
    }
}

/// The replicas of a service take the label from each other.
fn replicas((service, mount): &Used<'_>, findings: &mut Findings) {
    let Some(count) = service.replicas.filter(|count| count.value > 1) else { return };
    if mount.0.private_label() {
        let path = folder(&mount.0.source);
        let message = format!("`{path}` is labelled for one of the replicas of `{}`", service.name);
        let diagnostic = Diagnostic::new(&code::PRIVATE_LABEL_SHARED, mount.span, message);
        findings.add(diagnostic.label(count.span, "the replicas").help("write `z`"));
    }
}
