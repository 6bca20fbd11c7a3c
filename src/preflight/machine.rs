//! The machine and its user: whether services live on, have numbers, sockets and limits.

use super::{Finding, Scene, code};
use crate::host::known::{Known, Standing};

/// How many numbers of users an image may have.
const SUB_IDS: u64 = 1 << 16;

/// Judges what is so whatever the stack is.
pub fn judge(known: &Known, of_user: bool) -> Vec<Finding> {
    let user = of_user.then_some(known);
    let findings = [
        user.and_then(lingering),
        user.filter(|known| known.uid != 0).and_then(sub_ids),
        user.and_then(runtime_folder),
        clock(known),
    ];
    findings.into_iter().flatten().collect()
}

/// The services of a user who does not linger end with the last login.
fn lingering(known: &Known) -> Option<Finding> {
    let user = &known.user;
    let what = format!("the services of {user} end with the last login, they must live on");
    let help = format!("run `loginctl enable-linger {user}` once");
    (!known.lingers).then(|| Finding::new(&code::NO_LINGER, what, help))
}

fn sub_ids(known: &Known) -> Option<Finding> {
    let (user, count) = (&known.user, known.sub_ids.filter(|count| *count < SUB_IDS)?);
    let what = format!(
        "{user} has {count} numbers for users and groups inside of containers, images need \
         {SUB_IDS}"
    );
    let help = format!(
        "run `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}` \
         (another range where that one is taken), then `podman system migrate`"
    );
    Some(Finding::new(&code::SUBORDINATE_IDS, what, help))
}

fn runtime_folder(known: &Known) -> Option<Finding> {
    let folder = known.runtime_folder.display();
    let usual = format!("/run/user/{}", known.uid);
    let what = match known.paths.get(&known.runtime_folder) {
        None => format!("there is no folder {folder}, sockets of the user must lie there"),
        Some(Standing::There(owner)) if owner.uid == known.uid => {
            if known.runtime_folder.as_os_str() == usual.as_str() {
                return None;
            }
            format!("XDG_RUNTIME_DIR is {folder}, the units use {usual}")
        }
        Some(_) => format!("{folder} belongs to somebody else, sockets of the user must lie there"),
    };
    let help = format!("log in as {}, or set `XDG_RUNTIME_DIR={usual}`", known.user);
    Some(Finding::new(&code::RUNTIME_FOLDER, what, help))
}

fn clock(known: &Known) -> Option<Finding> {
    let what = "nothing sets the clock of this machine, certificates and logs rely on it";
    let help = "run `sudo timedatectl set-ntp true`, or let chrony do it";
    (known.is_clock_set == Some(false)).then(|| Finding::new(&code::CLOCK, what, help))
}

/// Limits that nothing holds.
pub fn controllers(scene: &Scene<'_>) -> Vec<Finding> {
    let known = &scene.seen.known;
    let Some(delegated) = &known.controllers else { return Vec::new() };
    let mut findings = Vec::new();
    for (service, asks) in scene.asks {
        for (controller, key) in &asks.controllers {
            if !delegated.contains(*controller) {
                let whose = if scene.request.of_user { "a user's services" } else { "services" };
                let what = format!(
                    "`{controller}` is not counted for {whose} here, {service} limits it by `{key}`"
                );
                let help = "let `Delegate=cpu cpuset io memory pids` stand below `[Service]` in \
                            /etc/systemd/system/user@.service.d/delegate.conf, and log in anew";
                findings.push(Finding::new(&code::NO_CONTROLLER, what, help));
            }
        }
    }
    findings
}
