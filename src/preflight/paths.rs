//! Paths and devices of the host that services see.

use std::path::Path;

use super::asks::Asks;
use super::{Finding, Scene, code};
use crate::host::known::{Owner, Standing};

/// How the types begin that SELinux lets containers use.
const TYPES: [&str; 2] = ["container_", "svirt_sandbox_"];

/// Judges each of them.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let asks = scene.asks.iter();
    asks.flat_map(|(service, asks)| of_service(scene, service, asks)).collect()
}

fn of_service(scene: &Scene<'_>, service: &str, asks: &Asks) -> Vec<Finding> {
    let mut findings = Vec::new();
    let standing = |path: &Path| scene.seen.known.paths.get(path);
    for (path, gets_label) in &asks.mounts {
        let name = path.display();
        match standing(path) {
            None => {
                let what = format!("there is no {name}, which {service} mounts");
                findings.push(scene.missing(&code::NO_SOURCE, what, way_to(path)));
            }
            Some(Standing::Hidden) => findings.push(closed(path, service)),
            Some(Standing::There(owner)) => {
                findings.extend((!owner.is_readable).then(|| closed(path, service)));
                let is_foreign = scene.seen.known.enforces_labels && !gets_label;
                findings.extend(is_foreign.then(|| label(path, owner, service)).flatten());
                let is_slow = scene.request.expected.without_copies.contains(path);
                findings.extend((is_slow && owner.copies_on_write).then(|| slow(path, service)));
            }
        }
    }
    for path in &asks.devices {
        let name = path.display();
        let usable = standing(path).map(|standing| match standing {
            Standing::Hidden => false,
            Standing::There(owner) => owner.is_readable,
        });
        if usable.is_none() {
            let what = format!("there is no device {name}, which {service} uses");
            let help =
                format!("look whether its driver is loaded, or write `-{name}` to do without");
            findings.push(scene.missing(&code::NO_DEVICE, what, help));
        } else if usable == Some(false) {
            let user = &scene.seen.known.user;
            let what = format!("{user} may not read {name}, which {service} uses");
            let help =
                format!("run `sudo usermod -aG GROUP {user}` with the group of `ls -l {name}`");
            findings.push(Finding::new(&code::CLOSED_DEVICE, what, help));
        }
    }
    findings
}

/// How a path comes to be.
fn way_to(path: &Path) -> String {
    if path.ends_with("podman.sock") {
        return "run `systemctl --user enable --now podman.socket`, without `--user` for the \
                machine's"
            .to_owned();
    }
    format!("run `mkdir -p {}`, or mount the disk that it is on", path.display())
}

fn closed(path: &Path, service: &str) -> Finding {
    let name = path.display();
    let what = format!("this user may not read {name}, which {service} mounts");
    let help = format!("give {name} to the user, or open it and the folders above");
    Finding::new(&code::CLOSED_SOURCE, what, help)
}

fn label(path: &Path, owner: &Owner, service: &str) -> Option<Finding> {
    let label = owner.label.as_ref()?;
    let kind = label.split(':').nth(2)?;
    let may = TYPES.iter().any(|begin| kind.starts_with(begin));
    let what =
        format!("{} has the label {kind}, which SELinux keeps from {service}", path.display());
    let help = "write `:z` behind the mount to label it for all containers, `:Z` for this one";
    (!may).then(|| Finding::new(&code::FOREIGN_LABEL, what, help))
}

fn slow(path: &Path, service: &str) -> Finding {
    let name = path.display();
    let what = format!("{name} copies each change on btrfs, {service} mounts it with `nocow`");
    let help = format!("run `chattr +C {name}` while it is empty, else on a new folder and move");
    Finding::new(&code::COPY_ON_WRITE, what, help)
}
