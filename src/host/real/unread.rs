//! Which units may have other files than those that the manager read. To answer that for one unit,
//! the manager looks into every folder where a drop-in could lie: hundreds of files for each.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::units::UnitState;

/// What tells what was written since the manager read its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// When it began to read them; nothing where any unit may be another one.
    since: Option<SystemTime>,
}

impl Unread {
    /// Looks at the folders of units; when they were read is told in microseconds since 1970.
    pub fn of(read: u64, folders: &[String]) -> Self {
        let since = SystemTime::UNIX_EPOCH + Duration::from_micros(read);
        let has_changed = |folder: &Path| written(folder).is_some_and(|time| time >= since);
        let mut folders = folders.iter().map(Path::new).filter(|folder| !is_made(folder));
        let is_any = read == 0
            || folders.any(|folder| {
                has_changed(folder) || drop_ins(folder).iter().any(|folder| has_changed(folder))
            });
        Self { since: (!is_any).then_some(since) }
    }

    /// Whether the manager has to be asked about a unit.
    pub fn may_be(&self, unit: &UnitState) -> bool {
        let Some(since) = self.since else { return true };
        let is_older = |path: &Path| written(path).is_some_and(|time| time < since);
        let paths = unit.fragment.iter().chain(&unit.source).chain(&unit.drop_ins);
        let is_read = |path: &PathBuf| match path.parent().filter(|folder| is_made(folder)) {
            // It was made while the manager was reading, and the folder got its last file then.
            Some(folder) => written(path).is_some_and(|time| Some(time) <= written(folder)),
            None => is_older(path),
        };
        !paths.into_iter().all(is_read)
    }
}

/// Whether a folder is one that generators fill, or the manager itself.
fn is_made(folder: &Path) -> bool {
    let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name == "transient" || name.split('.').next() == Some("generator")
}

/// The folders of drop-ins in a folder of units.
fn drop_ins(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "d")).collect()
}

/// When something was written last; nothing where it is not there.
fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "files are made to be looked at")]

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Gives a file or folder a time, in hours after the manager began to read.
    fn set(path: &Path, read: SystemTime, hours: i32) {
        let by = HOUR * hours.unsigned_abs();
        let time = if hours < 0 { read - by } else { read + by };
        fs::File::open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn what_was_written_since_is_asked_about() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["units/a.service.d", "generator", "transient"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        let all = ["source", "generator/a.service", "units/a.service.d/x.conf"];
        for file in all {
            fs::write(path(file), "").unwrap();
        }
        let read = SystemTime::now();
        let micros = read.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
        let micros = u64::try_from(micros).unwrap();
        let folders = ["units", "generator", "transient", "none"];
        let folders = folders.map(|name| path(name).to_str().unwrap().to_owned());
        let unit = UnitState {
            fragment: Some(path("generator/a.service")),
            source: Some(path("source")),
            drop_ins: vec![path("units/a.service.d/x.conf")],
            ..UnitState::default()
        };
        let usual = || {
            for old in ["source", "units", "units/a.service.d", "units/a.service.d/x.conf"] {
                set(&path(old), read, -1);
            }
            for new in ["generator/a.service", "generator", "transient"] {
                set(&path(new), read, 1);
            }
        };
        let may_be = || Unread::of(micros, &folders).may_be(&unit);
        usual();
        assert!(!may_be());
        assert!(Unread::of(0, &folders).may_be(&unit), "it is not known when they were read");
        for changed in ["source", "units", "units/a.service.d", "units/a.service.d/x.conf"] {
            usual();
            set(&path(changed), read, 1);
            assert!(may_be(), "{changed}");
        }
        usual();
        set(&path("generator/a.service"), read, 2);
        assert!(may_be(), "somebody changed what was made");
        usual();
        fs::remove_file(path("source")).unwrap();
        assert!(may_be(), "it is gone");
    }
}
