//! What a unit says that matters for installing and starting it: its service, its order, what it
//! takes from the host.

use std::collections::BTreeSet;

use super::UnitFile;

/// The marks that stackwright leaves in its units, in a section that nobody else reads.
const MARKS: &str = "X-Stackwright";

/// What is known about a unit from its text alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The name of its file.
    pub file: String,
    /// What systemd calls it.
    pub service: String,
    /// Tells two texts apart that mean different things.
    pub digest: String,
    /// Units without which it does not run.
    pub requires: BTreeSet<String>,
    /// Units that it starts with, if they are there.
    pub wants: BTreeSet<String>,
    /// Units that must be up before it.
    pub after: BTreeSet<String>,
    /// The targets that it starts with.
    pub wanted_by: BTreeSet<String>,
    /// Its name in Podman.
    pub name: Option<String>,
    /// The image that it runs, if it is not built here.
    pub image: Option<String>,
    /// Whether Podman may fetch the image.
    pub may_pull: bool,
    /// Whether each start may fetch another one.
    pub pulls_anew: bool,
    /// The ports that it publishes, as they are written.
    pub ports: Vec<String>,
    /// The secrets of Podman that it takes.
    pub secrets: BTreeSet<String>,
    /// The networks of Podman that it joins and that no unit makes.
    pub networks: BTreeSet<String>,
    /// The volumes of Podman that it mounts and that no unit makes.
    pub volumes: BTreeSet<String>,
    /// How long its start may take, in seconds, where it says so.
    pub start_seconds: Option<u64>,
    /// How long its end may take, in seconds, where it says so.
    pub stop_seconds: Option<u64>,
}

/// The kinds of units of Quadlet: the end of the file, the section, the end of the service.
const KINDS: &[(&str, &str, &str)] = &[
    (".container", "Container", ""),
    (".network", "Network", "-network"),
    (".volume", "Volume", "-volume"),
    (".pod", "Pod", "-pod"),
    (".build", "Build", "-build"),
    (".image", "Image", "-image"),
];

/// What systemd calls the service of a file of Quadlet, or a plain unit.
pub fn service_of(file: &str) -> String {
    for (end, _, service_end) in KINDS {
        if let Some(stem) = file.strip_suffix(end) {
            return format!("{stem}{service_end}.service");
        }
    }
    file.to_owned()
}

impl Facts {
    /// Reads them out of a unit.
    pub fn of(file: &str, text: &str) -> Self {
        let unit = UnitFile::parse(text);
        let section =
            KINDS.iter().find(|(end, _, _)| file.ends_with(end)).map_or("", |kind| kind.1);
        let words = |key| -> BTreeSet<String> {
            unit.words("Unit", key).into_iter().map(service_of).collect()
        };
        let mut facts = Self {
            file: file.to_owned(),
            service: unit
                .last(section, "ServiceName")
                .map_or_else(|| service_of(file), |name| format!("{name}.service")),
            digest: digest(&unit),
            requires: words("Requires"),
            wants: words("Wants"),
            after: words("After"),
            wanted_by: BTreeSet::new(),
            name: name(&unit, section),
            image: None,
            may_pull: !matches!(unit.last(section, "Pull"), Some("never")),
            pulls_anew: matches!(unit.last(section, "Pull"), Some("always" | "newer")),
            ports: owned(unit.values(section, "PublishPort")),
            secrets: secrets(&unit, section),
            networks: BTreeSet::new(),
            volumes: BTreeSet::new(),
            start_seconds: seconds(&unit, "TimeoutStartSec"),
            stop_seconds: seconds(&unit, "TimeoutStopSec"),
        };
        facts.requires.extend(words("BindsTo"));
        for key in ["WantedBy", "RequiredBy", "UpheldBy"] {
            facts.wanted_by.extend(unit.words("Install", key).into_iter().map(str::to_owned));
        }
        facts.read_references(&unit, section);
        facts
    }

    /// Quadlet orders a service behind the networks, volumes, pods and images that it names.
    fn read_references(&mut self, unit: &UnitFile<'_>, section: &str) {
        for network in unit.values(section, "Network") {
            let name = network.split(':').next().unwrap_or(network);
            if !self.refers(name, ".network") && !is_mode_of_network(name) {
                self.networks.insert(name.to_owned());
            }
        }
        for volume in unit.values(section, "Volume") {
            let source = volume.split_once(':').map_or("", |(source, _)| source);
            if !self.refers(source, ".volume") && is_name(source) {
                self.volumes.insert(source.to_owned());
            }
        }
        for mount in unit.values(section, "Mount") {
            let option = |part: &&str| part.starts_with("source=") || part.starts_with("src=");
            let source = mount.split(',').find(option).and_then(|part| part.split_once('='));
            let source = source.map_or("", |(_, source)| source);
            let is_owned = self.refers(source, ".volume") || self.refers(source, ".image");
            if !is_owned && mount.contains("type=volume") && is_name(source) {
                self.volumes.insert(source.to_owned());
            }
        }
        if let Some(pod) = unit.last(section, "Pod") {
            self.refers(pod, ".pod");
        }
        if let Some(image) = unit.last(section, "Image") {
            let image = image.trim_matches('"');
            if !self.refers(image, ".build") && !self.refers(image, ".image") {
                self.image = Some(image.to_owned());
            }
        }
    }

    /// Notes that another unit is needed, where a value names one of that kind.
    fn refers(&mut self, value: &str, kind: &str) -> bool {
        let is_unit = value.len() > kind.len() && value.ends_with(kind);
        if is_unit {
            let service = service_of(value);
            self.requires.insert(service.clone());
            self.after.insert(service);
        }
        is_unit
    }

    /// Whether it is started with the machine or the user, and not on demand.
    pub fn starts_by_itself(&self) -> bool {
        !self.wanted_by.is_empty()
    }

    /// Whether it is a unit that Quadlet turns into a service.
    pub fn is_quadlet(&self) -> bool {
        KINDS.iter().any(|(end, _, _)| self.file.ends_with(end))
    }
}

/// What the unit says of itself, else all that it says and that matters.
fn digest(unit: &UnitFile<'_>) -> String {
    if let Some(digest) = unit.last(MARKS, "Digest") {
        return digest.to_owned();
    }
    let lines = unit.essence().into_iter();
    lines.map(|(section, key, value)| format!("[{section}]{key}={value}\n")).collect()
}

fn name(unit: &UnitFile<'_>, section: &str) -> Option<String> {
    let key = format!("{section}Name");
    unit.last(section, &key).map(str::to_owned)
}

fn owned(values: Vec<&str>) -> Vec<String> {
    values.into_iter().map(|value| value.trim_matches('"').to_owned()).collect()
}

fn secrets(unit: &UnitFile<'_>, section: &str) -> BTreeSet<String> {
    let values = unit.values(section, "Secret").into_iter();
    let name = |value: &str| value.split(',').next().unwrap_or(value).trim_matches('"').to_owned();
    values.map(name).collect()
}

/// Whether a value is the name of a volume, and neither a path nor a variable of systemd.
fn is_name(source: &str) -> bool {
    source.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// Whether a network is one of the ways to do without, and not the name of one.
fn is_mode_of_network(name: &str) -> bool {
    const MODES: &[&str] = &[
        "",
        "host",
        "none",
        "private",
        "pasta",
        "slirp4netns",
        "bridge",
        "container",
        "ns",
        "podman",
    ];
    MODES.contains(&name) || name.ends_with(".container")
}

/// A time of systemd, as stackwright writes it: a number, with `s` or without. What is written
/// otherwise, such as `infinity` or `5min`, is for systemd alone to measure.
fn seconds(unit: &UnitFile<'_>, key: &str) -> Option<u64> {
    let value = unit.last("Service", key)?;
    Some(value.strip_suffix('s').unwrap_or(value).parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str = "[Unit]\nRequires=db.service\nAfter=db.service other.container\n\
        [Container]\nContainerName=web\nImage=docker.io/library/web:1\nNetwork=inner.network:ip=1\n\
        Network=outer\nNetwork=host\nVolume=data.volume:/data\nVolume=old:/old\nVolume=/srv:/srv\n\
        Mount=type=volume,source=mine.volume,destination=/m\nSecret=key,type=env,target=KEY\n\
        PublishPort=127.0.0.1:80:80\n[Service]\nTimeoutStartSec=30s\n[Install]\n\
        WantedBy=default.target\n[X-Stackwright]\nDigest=d1\n";

    #[test]
    fn what_a_container_needs_is_read_from_its_keys() {
        let facts = Facts::of("web.container", WEB);
        let text = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(facts.service, "web.service");
        assert_eq!(
            text(&facts.requires),
            "data-volume.service db.service inner-network.service mine-volume.service"
        );
        assert_eq!(
            text(&facts.after),
            "data-volume.service db.service inner-network.service mine-volume.service other.service"
        );
        assert_eq!((text(&facts.networks), text(&facts.volumes)), ("outer".into(), "old".into()));
        assert_eq!(facts.image.as_deref(), Some("docker.io/library/web:1"));
        assert_eq!((text(&facts.secrets), facts.ports.len()), ("key".into(), 1));
        assert_eq!((facts.digest.as_str(), facts.start_seconds), ("d1", Some(30)));
        assert!(facts.starts_by_itself() && facts.is_quadlet());
    }

    #[test]
    fn a_built_image_is_a_unit_and_a_plain_unit_is_itself() {
        let facts = Facts::of("web.container", "[Container]\nImage=web.build\n");
        assert_eq!(facts.image, None);
        assert!(facts.requires.contains("web-build.service"));
        let timer = Facts::of("a.timer", "[Timer]\nOnCalendar=daily\n[Unit]\nDescription=x\n");
        assert_eq!((timer.service.as_str(), timer.is_quadlet()), ("a.timer", false));
        assert_eq!(timer.digest, "[Timer]OnCalendar=daily\n");
    }
}
