//! The folders of units and their links: whether others may write there, and what is in the way.

use std::path::Path;

use super::{Finding, Scene, code, look};
use crate::host::known::{Owner, Standing};

/// The bit that keeps what lies in a folder from others who may write there.
const STICKY: u32 = 0o1000;

/// Judges both.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let folders = look::folders(scene.request).into_iter();
    let open = folders.filter_map(|folder| match scene.seen.known.paths.get(folder) {
        Some(Standing::There(owner)) => open(folder, owner, scene.seen.known.uid),
        _ => None,
    });
    let strangers = scene.seen.strangers.iter().map(|path| {
        let what = format!("{} is there and is not of this stack", path.display());
        let help = "move it away, or rename what the stack file calls so";
        Finding::new(&code::FOREIGN_FILE, what, help)
    });
    open.chain(strangers).collect()
}

/// Whether others may change what lies in a folder.
fn open(folder: &Path, owner: &Owner, uid: u32) -> Option<Finding> {
    let by_all = owner.mode & 0o002 != 0;
    let by_group = owner.mode & 0o020 != 0 && !owner.is_own_group && owner.uid != 0;
    let is_foreign = owner.uid != 0 && owner.uid != uid;
    let is_kept = owner.mode & STICKY != 0;
    let folder = folder.display();
    let (what, help) = match (is_foreign, (by_all || by_group) && !is_kept) {
        (true, _) => (
            format!("{folder} belongs to user {}, units are read from there", owner.uid),
            format!("run `sudo chown {uid} {folder}`"),
        ),
        (false, true) => {
            let who = if by_all { "everybody" } else { "its group" };
            (
                format!("{who} may write into {folder}, units are read from there"),
                format!("run `chmod go-w {folder}`"),
            )
        }
        (false, false) => return None,
    };
    Some(Finding::new(&code::OPEN_FOLDER, what, help))
}
