//! Which key of a Quadlet section came with which Podman, how it is read, and the flag that says
//! the same to an older one; one row a key.

use super::encode::Reader::{self, Line, Lines, Mounts, Plain, Switch, Word, Words};
use super::podman::Podman;

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The first Podman that knows it; before, it makes the whole unit vanish.
    pub since: Podman,
    /// How its value is read.
    pub reader: Reader,
    /// The flag of `podman` that says the same by `PodmanArgs=`; empty where there is none.
    pub flag: &'static str,
}

/// The keys of a section.
pub type Keys = &'static [Key];

const fn key(name: &'static str, major: u8, minor: u8, reader: Reader, flag: &'static str) -> Key {
    Key { name, since: Podman(major, minor), reader, flag }
}

/// The key of that name.
pub fn find(keys: Keys, name: &str) -> Option<&'static Key> {
    // The rows are in the order of their names, whatever the case.
    let found = keys.binary_search_by(|key| key.name.cmp(name));
    found.ok().and_then(|place| keys.get(place))
}

/// Flags that are younger than the oldest Podman that units are written for; others are as old.
const YOUNG_FLAGS: &[(&str, Podman)] = &[
    ("--health-log-destination", Podman(5, 3)),
    ("--health-max-log-count", Podman(5, 3)),
    ("--health-max-log-size", Podman(5, 3)),
    ("--retry", Podman(5, 0)),
    ("--retry-delay", Podman(5, 0)),
];

impl Key {
    /// The flag that says the same to this Podman.
    pub fn flag_for(&self, podman: Podman) -> Option<&'static str> {
        let young = YOUNG_FLAGS.iter().find(|(flag, _)| *flag == self.flag);
        let is_known = young.is_none_or(|(_, since)| podman >= *since);
        (!self.flag.is_empty() && is_known).then_some(self.flag)
    }
}

/// The key of a section, both by their names.
pub fn key_of(section: &str, name: &str) -> Option<&'static Key> {
    let (_, keys) = SECTIONS.iter().find(|(known, _)| *known == section)?;
    find(keys, name)
}

/// The sections of a unit with their keys, by the name of the section.
pub const SECTIONS: &[(&str, Keys)] = &[
    ("Container", CONTAINER),
    ("Pod", POD),
    ("Network", NETWORK),
    ("Volume", VOLUME),
    ("Build", BUILD),
    ("Image", IMAGE),
    ("Quadlet", QUADLET),
];

/// The keys of `[Container]`.
pub const CONTAINER: Keys = &[
    key("AddCapability", 4, 4, Plain, "--cap-add"),
    key("AddDevice", 4, 4, Plain, "--device"),
    key("AddHost", 5, 3, Lines, "--add-host"),
    key("Annotation", 4, 4, Word, "--annotation"),
    key("AppArmor", 5, 8, Line, "--security-opt=apparmor"),
    key("AutoUpdate", 4, 6, Line, ""),
    key("CgroupsMode", 5, 3, Line, "--cgroups"),
    key("ContainerName", 4, 4, Line, ""),
    key("ContainersConfModule", 4, 8, Lines, ""),
    key("DNS", 4, 7, Lines, "--dns"),
    key("DNSOption", 4, 7, Lines, "--dns-option"),
    key("DNSSearch", 4, 7, Lines, "--dns-search"),
    key("DropCapability", 4, 4, Plain, "--cap-drop"),
    key("Entrypoint", 5, 0, Line, "--entrypoint"),
    key("Environment", 4, 4, Word, "--env"),
    key("EnvironmentFile", 4, 4, Word, "--env-file"),
    key("EnvironmentHost", 4, 4, Switch, "--env-host"),
    key("Exec", 4, 4, Words, ""),
    key("ExposeHostPort", 4, 4, Lines, "--expose"),
    key("GIDMap", 4, 8, Plain, "--gidmap"),
    key("GlobalArgs", 4, 8, Word, ""),
    key("Group", 4, 4, Line, ""),
    key("GroupAdd", 5, 1, Lines, "--group-add"),
    key("HealthCmd", 4, 5, Line, "--health-cmd"),
    key("HealthInterval", 4, 5, Line, "--health-interval"),
    key("HealthLogDestination", 5, 3, Line, "--health-log-destination"),
    key("HealthMaxLogCount", 5, 3, Line, "--health-max-log-count"),
    key("HealthMaxLogSize", 5, 3, Line, "--health-max-log-size"),
    key("HealthOnFailure", 4, 5, Line, "--health-on-failure"),
    key("HealthRetries", 4, 5, Line, "--health-retries"),
    key("HealthStartPeriod", 4, 5, Line, "--health-start-period"),
    key("HealthStartupCmd", 4, 5, Line, "--health-startup-cmd"),
    key("HealthStartupInterval", 4, 5, Line, "--health-startup-interval"),
    key("HealthStartupRetries", 4, 5, Line, "--health-startup-retries"),
    key("HealthStartupSuccess", 4, 5, Line, "--health-startup-success"),
    key("HealthStartupTimeout", 4, 5, Line, "--health-startup-timeout"),
    key("HealthTimeout", 4, 5, Line, "--health-timeout"),
    key("HostName", 4, 6, Line, "--hostname"),
    key("HttpProxy", 5, 7, Switch, "--http-proxy"),
    key("IP", 4, 5, Line, "--ip"),
    key("IP6", 4, 5, Line, "--ip6"),
    key("Image", 4, 4, Line, ""),
    key("ImageVolume", 6, 1, Line, "--image-volume"),
    key("Label", 4, 4, Word, "--label"),
    key("LogDriver", 4, 5, Line, "--log-driver"),
    key("LogOpt", 5, 2, Plain, "--log-opt"),
    key("Mask", 4, 6, Word, "--security-opt=mask"),
    key("Memory", 5, 5, Line, "--memory"),
    key("Mount", 4, 5, Word, "--mount"),
    key("Network", 4, 4, Lines, "--network"),
    key("NetworkAlias", 5, 2, Lines, "--network-alias"),
    key("NoNewPrivileges", 4, 4, Switch, "--security-opt=no-new-privileges"),
    key("Notify", 4, 4, Line, "--sdnotify"),
    key("PidsLimit", 4, 7, Line, "--pids-limit"),
    key("Pod", 5, 0, Line, ""),
    key("PodmanArgs", 4, 4, Word, ""),
    key("PublishPort", 4, 4, Lines, "--publish"),
    key("Pull", 4, 6, Line, "--pull"),
    key("ReadOnly", 4, 4, Switch, "--read-only"),
    key("ReadOnlyTmpfs", 4, 8, Switch, "--read-only-tmpfs"),
    key("ReloadCmd", 5, 5, Words, ""),
    key("ReloadSignal", 5, 5, Line, ""),
    key("RemapGid", 4, 4, Plain, ""),
    key("RemapUid", 4, 4, Plain, ""),
    key("RemapUidSize", 4, 4, Line, ""),
    key("RemapUsers", 4, 4, Plain, ""),
    key("Retry", 5, 5, Line, "--retry"),
    key("RetryDelay", 5, 5, Line, "--retry-delay"),
    key("Rootfs", 4, 5, Line, ""),
    key("RunInit", 4, 4, Switch, "--init"),
    key("SeccompProfile", 4, 4, Line, "--security-opt=seccomp"),
    key("Secret", 4, 5, Word, "--secret"),
    key("SecurityLabelDisable", 4, 5, Switch, ""),
    key("SecurityLabelFileType", 4, 5, Line, "--security-opt=label=filetype:"),
    key("SecurityLabelLevel", 4, 5, Line, "--security-opt=label=level:"),
    key("SecurityLabelNested", 4, 6, Switch, ""),
    key("SecurityLabelType", 4, 5, Line, "--security-opt=label=type:"),
    key("ServiceName", 5, 3, Line, ""),
    key("ShmSize", 4, 7, Line, "--shm-size"),
    key("StartWithPod", 5, 3, Switch, ""),
    key("StopSignal", 5, 2, Line, "--stop-signal"),
    key("StopTimeout", 5, 0, Line, "--stop-timeout"),
    key("SubGIDMap", 4, 8, Line, "--subgidname"),
    key("SubUIDMap", 4, 8, Line, "--subuidname"),
    key("Sysctl", 4, 6, Plain, "--sysctl"),
    key("Timezone", 4, 4, Line, "--tz"),
    key("Tmpfs", 4, 5, Lines, "--tmpfs"),
    key("UIDMap", 4, 8, Plain, "--uidmap"),
    key("Ulimit", 4, 7, Lines, "--ulimit"),
    key("Unmask", 4, 6, Word, "--security-opt=unmask"),
    key("User", 4, 4, Line, ""),
    key("UserNS", 4, 5, Line, "--userns"),
    key("VolatileTmp", 4, 4, Switch, ""),
    key("Volume", 4, 4, Mounts, "--volume"),
    key("WorkingDir", 4, 6, Line, "--workdir"),
];

/// The keys of `[Pod]`.
pub const POD: Keys = &[
    key("AddHost", 5, 3, Lines, "--add-host"),
    key("ContainersConfModule", 5, 0, Lines, ""),
    key("DNS", 5, 3, Lines, "--dns"),
    key("DNSOption", 5, 3, Lines, "--dns-option"),
    key("DNSSearch", 5, 3, Lines, "--dns-search"),
    key("ExitPolicy", 5, 6, Line, "--exit-policy"),
    key("GIDMap", 5, 3, Plain, "--gidmap"),
    key("GlobalArgs", 5, 0, Word, ""),
    key("HostName", 5, 5, Line, "--hostname"),
    key("IP", 5, 3, Line, "--ip"),
    key("IP6", 5, 3, Line, "--ip6"),
    key("Label", 5, 6, Word, "--label"),
    key("Network", 5, 0, Lines, "--network"),
    key("NetworkAlias", 5, 2, Lines, "--network-alias"),
    key("PodName", 5, 0, Line, ""),
    key("PodmanArgs", 5, 0, Word, ""),
    key("PublishPort", 5, 0, Lines, "--publish"),
    key("RemapGid", 5, 3, Plain, ""),
    key("RemapUid", 5, 3, Plain, ""),
    key("RemapUidSize", 5, 3, Line, ""),
    key("RemapUsers", 5, 3, Plain, ""),
    key("ServiceName", 5, 3, Line, ""),
    key("ShmSize", 5, 4, Line, "--shm-size"),
    key("StopTimeout", 5, 7, Line, ""),
    key("SubGIDMap", 5, 3, Line, "--subgidname"),
    key("SubUIDMap", 5, 3, Line, "--subuidname"),
    key("UIDMap", 5, 3, Plain, "--uidmap"),
    key("UserNS", 5, 3, Line, "--userns"),
    key("Volume", 5, 0, Lines, "--volume"),
];

/// The keys of `[Network]`.
pub const NETWORK: Keys = &[
    key("ContainersConfModule", 4, 8, Lines, ""),
    key("DNS", 4, 7, Lines, "--dns"),
    key("DisableDNS", 4, 4, Switch, "--disable-dns"),
    key("Driver", 4, 4, Line, "--driver"),
    key("Gateway", 4, 4, Lines, "--gateway"),
    key("GlobalArgs", 4, 8, Word, ""),
    key("IPAMDriver", 4, 4, Line, "--ipam-driver"),
    key("IPRange", 4, 4, Lines, "--ip-range"),
    key("IPv6", 4, 4, Switch, "--ipv6"),
    key("InterfaceName", 5, 6, Line, "--interface-name"),
    key("Internal", 4, 4, Switch, "--internal"),
    key("Label", 4, 4, Word, "--label"),
    key("NetworkDeleteOnStop", 5, 5, Switch, ""),
    key("NetworkName", 4, 7, Line, ""),
    key("Options", 4, 4, Word, "--opt"),
    key("PodmanArgs", 4, 6, Word, ""),
    key("ServiceName", 5, 3, Line, ""),
    key("Subnet", 4, 4, Lines, "--subnet"),
];

/// The keys of `[Volume]`.
pub const VOLUME: Keys = &[
    key("ContainersConfModule", 4, 8, Lines, ""),
    key("Copy", 4, 4, Switch, ""),
    key("Device", 4, 4, Line, ""),
    key("Driver", 4, 8, Line, "--driver"),
    key("GID", 6, 0, Line, ""),
    key("GlobalArgs", 4, 8, Word, ""),
    key("Group", 4, 4, Line, ""),
    key("Image", 4, 8, Line, ""),
    key("Label", 4, 4, Word, "--label"),
    key("Options", 4, 4, Line, ""),
    key("PodmanArgs", 4, 6, Word, ""),
    key("ServiceName", 5, 3, Line, ""),
    key("Type", 4, 4, Line, ""),
    key("UID", 6, 0, Line, ""),
    key("User", 4, 4, Line, ""),
    key("VolumeName", 4, 7, Line, ""),
];

/// The keys of `[Build]`.
pub const BUILD: Keys = &[
    key("Annotation", 5, 2, Word, "--annotation"),
    key("Arch", 5, 2, Line, "--arch"),
    key("AuthFile", 5, 2, Line, "--authfile"),
    key("BuildArg", 5, 7, Word, "--build-arg"),
    key("ContainersConfModule", 5, 2, Lines, ""),
    key("DNS", 5, 2, Lines, "--dns"),
    key("DNSOption", 5, 2, Lines, "--dns-option"),
    key("DNSSearch", 5, 2, Lines, "--dns-search"),
    key("Environment", 5, 2, Word, "--env"),
    key("File", 5, 2, Line, "--file"),
    key("ForceRM", 5, 2, Switch, "--force-rm"),
    key("GlobalArgs", 5, 2, Word, ""),
    key("GroupAdd", 5, 2, Lines, "--group-add"),
    key("IgnoreFile", 5, 7, Line, "--ignorefile"),
    key("ImageTag", 5, 2, Lines, "--tag"),
    key("Label", 5, 2, Word, "--label"),
    key("Network", 5, 2, Lines, "--network"),
    key("PodmanArgs", 5, 2, Word, ""),
    key("Pull", 5, 2, Line, "--pull"),
    key("Retry", 5, 5, Line, "--retry"),
    key("RetryDelay", 5, 5, Line, "--retry-delay"),
    key("Secret", 5, 2, Word, "--secret"),
    key("ServiceName", 5, 3, Line, ""),
    key("SetWorkingDirectory", 5, 2, Line, ""),
    key("TLSVerify", 5, 2, Switch, "--tls-verify"),
    key("Target", 5, 2, Line, "--target"),
    key("Variant", 5, 2, Line, "--variant"),
    key("Volume", 5, 2, Lines, "--volume"),
];

/// The keys of `[Image]`.
pub const IMAGE: Keys = &[
    key("AllTags", 4, 8, Switch, "--all-tags"),
    key("Arch", 4, 8, Line, "--arch"),
    key("AuthFile", 4, 8, Line, "--authfile"),
    key("CertDir", 4, 8, Line, "--cert-dir"),
    key("ContainersConfModule", 4, 8, Lines, ""),
    key("Creds", 4, 8, Line, "--creds"),
    key("DecryptionKey", 4, 8, Line, "--decryption-key"),
    key("GlobalArgs", 4, 8, Word, ""),
    key("Image", 4, 8, Line, ""),
    key("ImageTag", 4, 8, Line, ""),
    key("OS", 4, 8, Line, "--os"),
    key("PodmanArgs", 4, 8, Word, ""),
    key("Policy", 5, 6, Line, "--policy"),
    key("Retry", 5, 5, Line, "--retry"),
    key("RetryDelay", 5, 5, Line, "--retry-delay"),
    key("ServiceName", 5, 3, Line, ""),
    key("TLSVerify", 4, 8, Switch, "--tls-verify"),
    key("Variant", 4, 8, Line, "--variant"),
];

/// The keys of `[Quadlet]`.
pub const QUADLET: Keys = &[key("DefaultDependencies", 5, 3, Switch, "")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_in_which_they_are_looked_for() {
        for (_, keys) in SECTIONS {
            assert!(keys.is_sorted_by_key(|key| key.name));
        }
    }
}
