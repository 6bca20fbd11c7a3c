//! Privileges: whole ones, broad ones, and words that the kernel does not know.

use super::{View, did_you_mean};
use crate::capability::linux;
use crate::model::at::At;
use crate::model::configuration::{Capability, Configuration};
use crate::model::service::Service;
use crate::report::code::mounts as code;
use crate::report::{Diagnostic, Findings};

/// Checks the privileges of all services.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (service, configuration) in view.configured() {
        privileged(service, configuration, findings);
        capabilities(service, configuration, findings);
        unconfined(service, configuration, findings);
        namespaces(service, configuration, findings);
        limits(configuration, findings);
    }
}

fn privileged(service: &Service, configuration: &Configuration, findings: &mut Findings) {
    let own = configuration.security.get().and_then(|security| security.privileged);
    let given = [configuration.privileged, own].into_iter().flatten().find(|at| at.value);
    if let Some(at) = given {
        let message = format!("`{}` is hardly separated from the machine", service.name);
        let diagnostic = Diagnostic::new(&code::PRIVILEGED, at.span, message);
        findings.add(diagnostic.help("give it only the devices and capabilities that it needs"));
    }
}

fn capabilities(service: &Service, configuration: &Configuration, findings: &mut Findings) {
    let security = configuration.security.get();
    let more = security.into_iter().flat_map(|security| security.capabilities.iter());
    let fewer = security.into_iter().flat_map(|security| security.drop_capabilities.iter());
    for capability in configuration.cap_add.iter().chain(more) {
        if known(capability, findings) && linux::BROAD.contains(&capability.bare().as_str()) {
            let name = capability.bare();
            let message = format!("`{name}` gives `{}` power over the whole machine", service.name);
            let diagnostic = Diagnostic::new(&code::BROAD_CAPABILITY, capability.span, message);
            findings.add(diagnostic.help("take a narrower one, or say why it is needed"));
        }
    }
    for capability in configuration.cap_drop.iter().chain(fewer) {
        known(capability, findings);
    }
}

fn known(capability: &At<Capability>, findings: &mut Findings) -> bool {
    let name = capability.bare();
    if name == "ALL" || linux::CAPABILITIES.contains(&name.as_str()) {
        return true;
    }
    let message = format!("`{}` is no capability of Linux", capability.value.0);
    let help = did_you_mean(&name, linux::CAPABILITIES.iter().copied(), findings);
    let diagnostic = Diagnostic::new(&code::UNKNOWN_CAPABILITY, capability.span, message);
    let look = || "look it up in capabilities(7)".to_owned();
    findings.add(diagnostic.help(help.unwrap_or_else(look)));
    false
}

fn unconfined(service: &Service, configuration: &Configuration, findings: &mut Findings) {
    let Some(security) = configuration.security.get() else { return };
    for (what, given) in [("system calls", &security.seccomp), ("AppArmor", &security.apparmor)] {
        if let Some(at) = given.as_ref().filter(|at| at.value == "unconfined") {
            let message = format!("no filter of {what} for `{}`", service.name);
            let diagnostic = Diagnostic::new(&code::UNCONFINED, at.span, message);
            findings.add(diagnostic.help("leave it out, or name a profile of your own"));
        }
    }
}

fn namespaces(service: &Service, configuration: &Configuration, findings: &mut Findings) {
    let cgroup = configuration.security.get().and_then(|security| security.cgroupns.as_ref());
    let namespaces = [
        ("network", configuration.network_mode.as_ref()),
        ("processes", configuration.pid.as_ref()),
        ("inter-process communication", configuration.ipc.as_ref()),
        ("control groups", cgroup),
    ];
    for (what, given) in namespaces {
        if let Some(at) = given.filter(|at| at.value == "host") {
            let message = format!("`{}` shares the {what} of the machine", service.name);
            let diagnostic = Diagnostic::new(&code::HOST_NAMESPACE, at.span, message);
            findings.add(diagnostic.help("leave it out if it works without"));
        }
    }
}

fn limits(configuration: &Configuration, findings: &mut Findings) {
    for (name, span, _) in configuration.ulimits.iter() {
        if !linux::ULIMITS.contains(&name) {
            let shown = crate::report::human::escape(name);
            let message = format!("`{shown}` is no limit of Linux");
            let help = did_you_mean(name, linux::ULIMITS.iter().copied(), findings);
            let diagnostic = Diagnostic::new(&code::UNKNOWN_ULIMIT, span, message);
            let look = || "look it up in getrlimit(2)".to_owned();
            findings.add(diagnostic.help(help.unwrap_or_else(look)));
        }
    }
}
