//! What stands at paths of this machine, and who may do what with it.

#![expect(clippy::disallowed_methods, reason = "this is the place that looks at the disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, IFlags, access, getxattr, ioctl_getflags, statfs};
use rustix::process::getgid;

use super::super::known::{Owner, Standing};

/// The mark of btrfs.
const BTRFS: u64 = 0x9123_683e;

/// How long a label may be.
const LABEL_MAX: usize = 512;

/// Looks at paths; `given_away` are the numbers of users that ours may give away.
pub fn standing(paths: &BTreeSet<&Path>, given_away: &[Range<u64>]) -> BTreeMap<PathBuf, Standing> {
    let standing = paths.iter().filter_map(|path| {
        let standing = match fs::metadata(path) {
            Ok(metadata) => Standing::There(owner(path, &metadata, given_away)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Standing::Hidden,
            Err(_) => return None,
        };
        Some(((*path).to_owned(), standing))
    });
    standing.collect()
}

fn owner(path: &Path, metadata: &Metadata, given_away: &[Range<u64>]) -> Owner {
    let is_given = given_away.iter().any(|range| range.contains(&u64::from(metadata.uid())));
    Owner {
        uid: metadata.uid(),
        mode: metadata.mode() & 0o7777,
        is_own_group: metadata.gid() == getgid().as_raw(),
        is_readable: is_given || access(path, Access::READ_OK).is_ok(),
        label: label(path),
        copies_on_write: copies_on_write(path),
    }
}

fn label(path: &Path) -> Option<String> {
    let mut bytes = vec![0; LABEL_MAX];
    let length = getxattr(path, "security.selinux", &mut bytes[..]).ok()?;
    let label = String::from_utf8_lossy(bytes.get(..length)?).into_owned();
    Some(label.trim_end_matches('\0').to_owned())
}

/// Whether it lies on btrfs and was not taken out; what cannot be opened is not judged.
fn copies_on_write(path: &Path) -> bool {
    let is_btrfs = statfs(path).is_ok_and(|disk| u64::try_from(disk.f_type) == Ok(BTRFS));
    let flags = || ioctl_getflags(File::open(path).ok()?).ok();
    is_btrfs && flags().is_some_and(|flags| !flags.contains(IFlags::NOCOW))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_has_an_owner_and_what_is_not_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let (file, none) = (folder.path().join("file"), folder.path().join("none"));
        fs::write(&file, "x").unwrap();
        let found = standing(&BTreeSet::from([&*file, &*none]), &[]);
        let Some(Standing::There(owner)) = found.get(&file) else { panic!("{found:?}") };
        assert_eq!((owner.uid, owner.is_readable), (super::super::super::disk::user(), true));
        assert_eq!(found.len(), 1);
    }
}
