//! Room on the disks that are written to.

use super::{Finding, Scene, code, size};

/// What must be left beside what is written, for journals and links.
const SPARE: u64 = 1 << 20;

/// What images take at least, as it is seldom less.
const FOR_IMAGES: u64 = 1 << 30;

/// Judges both disks.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let (request, seen) = (scene.request, scene.seen);
    let mut findings = Vec::new();
    let needed = request.to.size() * 2 + SPARE;
    if seen.room < needed {
        let (room, folder) = (size(seen.room), request.places.stacks.display());
        let what = format!("{room} are free on the disk of {folder}, {} are needed", size(needed));
        findings.push(Finding::new(&code::NO_ROOM, what, "make room on that disk"));
    }
    let missing = super::images::missing(scene).filter(|facts| facts.may_pull).count();
    if missing > 0 && seen.image_room < FOR_IMAGES {
        let (room, folder) = (size(seen.image_room), request.places.containers.display());
        let what = format!("{room} are free on the disk of {folder}, {missing} images are to come");
        let help = "make room by `podman image prune`, or elsewhere on that disk";
        findings.push(Finding::new(&code::LITTLE_ROOM, what, help));
    }
    findings
}
