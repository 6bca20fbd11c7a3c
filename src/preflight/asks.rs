//! What the services of a stack take from their host, as their units say it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Request;
use crate::plan::facts;
use crate::state::Places;
use crate::unit_file::UnitFile;

/// What one service takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// The paths of the host that it mounts, with whether they get a label of SELinux.
    pub mounts: BTreeMap<PathBuf, bool>,
    /// The devices that must be there.
    pub devices: BTreeSet<PathBuf>,
    /// How much memory it may take, and how much is kept for it, in bytes.
    pub memory: Option<u64>,
    pub kept_memory: Option<u64>,
    /// What limits it, by a key or flag that says so.
    pub controllers: BTreeMap<&'static str, String>,
}

/// What controls what keys of systemd, keys of Quadlet and flags of Podman say, by how they begin.
const CONTROLLERS: [(&str, &str, &str); 16] = [
    ("Service", "CPUQuota", "cpu"),
    ("Service", "CPUWeight", "cpu"),
    ("Service", "StartupCPUWeight", "cpu"),
    ("Service", "AllowedCPUs", "cpuset"),
    ("Service", "Memory", "memory"),
    ("Service", "TasksMax", "pids"),
    ("Service", "IOWeight", "io"),
    ("Service", "IORead", "io"),
    ("Service", "IOWrite", "io"),
    ("Service", "StartupIOWeight", "io"),
    ("Container", "PidsLimit", "pids"),
    ("Container", "Memory", "memory"),
    ("", "--cpus=", "cpu"),
    ("", "--cpu-shares=", "cpu"),
    ("", "--cpuset-cpus=", "cpuset"),
    ("", "--memory", "memory"),
];

/// What the services that start take.
pub fn asks(request: &Request<'_>) -> BTreeMap<String, Asks> {
    let asks = facts(request.to).into_values().filter_map(|facts| {
        let text = request.to.units.get(&facts.file)?;
        let is_meant = request.starts.contains(&facts.service);
        let own = request.store.folder();
        let asks = is_meant.then(|| Asks::of(text, request.places, own))?;
        Some((facts.service, asks))
    });
    asks.collect()
}

impl Asks {
    /// Reads them out of a unit; what lies in a folder of ours is put there in time.
    fn of(text: &str, places: &Places, own: &Path) -> Self {
        let unit = UnitFile::parse(text);
        let last = |key| unit.last("Service", key).and_then(bytes);
        let mut asks = Self { memory: last("MemoryMax"), ..Self::default() };
        asks.kept_memory = last("MemoryLow").or(last("MemoryMin"));
        asks.controllers = controllers(&unit);
        let has_no_label = unit.last("Container", "SecurityLabelDisable") == Some("true");
        for volume in unit.values("Container", "Volume") {
            let mut parts = volume.splitn(3, ':');
            let (source, options) = (parts.next().unwrap_or(""), parts.nth(1).unwrap_or(""));
            let gets_label = options.split(',').any(|one| matches!(one, "z" | "Z"));
            asks.mount(source, gets_label || has_no_label, places);
        }
        for mount in unit.values("Container", "Mount") {
            let mut options = mount.split(',').filter_map(|one| one.split_once('='));
            if options.clone().any(|one| one == ("type", "bind")) {
                let gets_label = options.clone().any(|(key, _)| key == "relabel");
                let source = options.find(|(key, _)| matches!(*key, "source" | "src"));
                let source = source.map_or("", |(_, source)| source);
                asks.mount(source, gets_label || has_no_label, places);
            }
        }
        asks.mounts.retain(|path, _| !path.starts_with(own));
        for device in unit.values("Container", "AddDevice") {
            let host = device.split(':').next().unwrap_or(device);
            asks.devices.extend(host.starts_with('/').then(|| PathBuf::from(host)));
        }
        asks
    }

    fn mount(&mut self, source: &str, gets_label: bool, places: &Places) {
        if let Some(path) = path(source, places) {
            *self.mounts.entry(path).or_default() |= gets_label;
        }
    }
}

/// The path that a source means; nothing for a volume, and for what systemd alone can tell.
fn path(source: &str, places: &Places) -> Option<PathBuf> {
    let (above, rest) = match source.strip_prefix("%h") {
        Some(rest) => (places.home.to_string_lossy().into_owned(), rest),
        None => (String::new(), source),
    };
    let is_plain = !rest.replace("%%", "").contains(['%', '"', '\\', '$']);
    let path = above + &rest.replace("%%", "%");
    (is_plain && path.starts_with('/')).then(|| PathBuf::from(path))
}

fn controllers(unit: &UnitFile<'_>) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    for (section, key, value) in unit.essence() {
        for (wanted, begin, controller) in CONTROLLERS {
            let said = match wanted {
                "" if key == "PodmanArgs" => {
                    value.split_whitespace().find(|w| w.starts_with(begin))
                }
                wanted if wanted == section && key.starts_with(begin) => Some(key),
                _ => None,
            };
            if let Some(said) = said {
                let name = said.split('=').next().unwrap_or(said);
                found.entry(controller).or_insert_with(|| name.to_owned());
            }
        }
    }
    found
}

/// A size as systemd reads it; nothing for a part of the whole, or without end.
fn bytes(text: &str) -> Option<u64> {
    let shift = match text.bytes().last()? {
        b'K' => 10,
        b'M' => 20,
        b'G' => 30,
        b'T' => 40,
        _ => 0,
    };
    let digits = text.trim_end_matches(['K', 'M', 'G', 'T']);
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = "[Container]\nVolume=/srv/a:/a:ro,Z\nVolume=%h/b%%c:/b\nVolume=x.volume:/x\n\
        Volume=%t/odd:/odd\nVolume=%h/own/files/f:/f:ro,z\n\
        Mount=type=bind,source=/srv/d,target=/d\n\
        Mount=type=tmpfs,destination=/t\nAddDevice=/dev/dri:/dev/dri:rw\nAddDevice=-/dev/kvm\n\
        AddDevice=nvidia.com/gpu=all\nPodmanArgs=--init --cpuset-cpus=0-3\nPidsLimit=5\n\
        [Service]\nMemoryMax=2G\nMemoryLow=100000\nCPUQuota=50%\n";

    #[test]
    fn what_a_unit_takes_is_read_from_its_keys() {
        let home = Path::new("/home/a");
        let places = Places::of_user(Path::new("/"), home, &home.join(".config"), 1000);
        let asks = Asks::of(UNIT, &places, &home.join("own"));
        let mounts: Vec<(&str, bool)> =
            asks.mounts.iter().map(|(path, label)| (path.to_str().unwrap(), *label)).collect();
        assert_eq!(mounts, [("/home/a/b%c", false), ("/srv/a", true), ("/srv/d", false)]);
        assert_eq!(asks.devices, BTreeSet::from([PathBuf::from("/dev/dri")]));
        assert_eq!((asks.memory, asks.kept_memory), (Some(2 << 30), Some(100_000)));
        let controllers: Vec<(&str, &str)> =
            asks.controllers.iter().map(|(name, key)| (*name, key.as_str())).collect();
        let expected = [
            ("cpu", "CPUQuota"),
            ("cpuset", "--cpuset-cpus"),
            ("memory", "MemoryMax"),
            ("pids", "PidsLimit"),
        ];
        assert_eq!(controllers, expected);
        assert_eq!((bytes("infinity"), bytes("10%"), bytes("")), (None, None, None));
    }
}
