//! Where things stand on a host, for a user's services or the machine's.

use std::path::{Path, PathBuf};

/// The folders that stackwright installs into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// What stands before every path; `/` where this is the host itself.
    pub root: PathBuf,
    /// What is kept about stacks, one folder each.
    pub stacks: PathBuf,
    /// Where Quadlet looks for units.
    pub quadlet: PathBuf,
    /// Where systemd looks for units.
    pub units: PathBuf,
    /// Where else Quadlet looks, whose units can spoil ours.
    pub others: Vec<PathBuf>,
    /// The home folder of who runs the services.
    pub home: PathBuf,
    /// Where Podman keeps images and volumes, where nobody told it otherwise.
    pub containers: PathBuf,
    /// Where the machine keeps logs.
    pub logs: PathBuf,
}

impl Places {
    /// The link by which units call this program.
    pub fn program(&self) -> PathBuf {
        self.stacks.with_file_name("program")
    }

    /// Those of a user with this home folder; `root` stands before every path.
    pub fn of_user(root: &Path, home: &Path, configuration: &Path, uid: u32) -> Self {
        Self {
            root: root.to_owned(),
            // Mounted files are named by `%h` in the units, so no variable may move this.
            stacks: below(root, &home.join(".local/state/stackwright/stacks")),
            quadlet: below(root, &configuration.join("containers/systemd")),
            units: below(root, &configuration.join("systemd/user")),
            others: ["/etc/containers/systemd/users", "/usr/share/containers/systemd/users"]
                .iter()
                .flat_map(|folder| {
                    [
                        below(root, &Path::new(folder).join(uid.to_string())),
                        below(root, Path::new(folder)),
                    ]
                })
                .collect(),
            home: below(root, home),
            containers: below(root, &home.join(".local/share/containers")),
            logs: below(root, Path::new("/var/log")),
        }
    }

    /// A path as it is called where the root is `/`: links are followed there.
    pub fn inside(&self, path: &Path) -> PathBuf {
        Path::new("/").join(path.strip_prefix(&self.root).unwrap_or(path))
    }

    /// Those of the machine. They lie beside `/etc`, because generators run at boot before `/var`
    /// may be there (containers/podman#25215).
    pub fn of_system(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            stacks: below(root, Path::new("/etc/stackwright/stacks")),
            quadlet: below(root, Path::new("/etc/containers/systemd")),
            units: below(root, Path::new("/etc/systemd/system")),
            others: vec![below(root, Path::new("/usr/share/containers/systemd"))],
            home: below(root, Path::new("/root")),
            containers: below(root, Path::new("/var/lib/containers")),
            logs: below(root, Path::new("/var/log")),
        }
    }
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_stands_before_every_path() {
        let places = Places::of_user(
            Path::new("/mnt"),
            Path::new("/home/a"),
            Path::new("/home/a/.config"),
            1000,
        );
        assert_eq!(places.stacks, Path::new("/mnt/home/a/.local/state/stackwright/stacks"));
        assert_eq!(places.quadlet, Path::new("/mnt/home/a/.config/containers/systemd"));
        assert_eq!(places.inside(&places.quadlet), Path::new("/home/a/.config/containers/systemd"));
        assert_eq!(places.others[0], Path::new("/mnt/etc/containers/systemd/users/1000"));
        assert_eq!(Places::of_system(Path::new("/")).units, Path::new("/etc/systemd/system"));
    }
}
