//! Podman and systemd against what the units are written for.

use super::{Finding, Scene, code};
use crate::capability::podman::Podman;
use crate::capability::systemd::NEWER;
use crate::unit_file::UnitFile;

/// Judges both.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = podman(scene).into_iter().collect();
    let version = scene.seen.systemd;
    for (file, text) in scene.request.to.all_units() {
        for (section, key, _) in UnitFile::parse(text).essence() {
            let is_systemd = matches!(section, "Unit" | "Service" | "Install");
            let newer = NEWER.iter().find(|(name, since)| *name == key && version < *since);
            if let Some((_, since)) = newer.filter(|_| is_systemd) {
                let what = format!("systemd {version} runs here, `{key}` of {file} needs {since}");
                let help = "take the key away where it is not needed, or take a newer systemd";
                findings.push(Finding::new(&code::OLD_SYSTEMD, what, help));
            }
        }
    }
    findings
}

fn podman(scene: &Scene<'_>) -> Option<Finding> {
    let ((major, minor), written_for) = scene.request.expected.podman?;
    let number = |podman: Podman| (u32::from(podman.0), u32::from(podman.1));
    if (major, minor) < number(written_for) {
        let what =
            format!("Podman {major}.{minor} runs here, the units are written for {written_for}");
        let help = format!("take Podman {} or newer, from backports perhaps", Podman::OLDEST);
        return Some(Finding::new(&code::OLD_PODMAN, what, help));
    }
    let newest = Podman::NEWEST;
    ((major, minor) > number(newest)).then(|| {
        let what =
            format!("Podman {major}.{minor} runs here, {newest} is the newest that is known");
        let help = "look for a newer stackwright; where all works, nothing has to be done";
        Finding::new(&code::NEW_PODMAN, what, help)
    })
}
