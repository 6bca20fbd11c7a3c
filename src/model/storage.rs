//! Ports, mounts, volumes, secrets and files: what a container shares with its machine.

use std::borrow::Cow;

use super::at::At;
use super::layer::{Dented, HasKey, Law, Layer, layered};
use super::text::{AbsolutePath, EnvName, Name, ObjectName, RelativePath};
use super::union::{Assignments, Long, either};
use super::value::address::Address;
use super::value::mode::Mode;
use super::value::mount::{Mount, Options, Source, Target};
use super::value::port::{PortMapping, PortRange, Protocol};
use super::variable::Plain;

layered! {
    /// A port of this machine that leads to a port of the container, part by part.
    #[schemars(extend("required" = ["target"]))]
    pub struct PortLong {
        /// The port of the container, or a range.
        pub target: Option<At<PortRange>>,
        /// The port of this machine, or a range; any free one where it is left out.
        pub published: Option<At<PortRange>>,
        /// The address of this machine that it listens on; all of them where it is left out.
        #[serde(alias = "address")]
        #[schemars(extend("x-alias" = ["address"]))]
        pub host_ip: Option<At<Address>>,
        /// The protocol (`tcp`).
        pub protocol: Option<At<ProtocolWord>>,
    }
}

/// A protocol of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolWord {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// A port of this machine that leads to a port of the container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port(pub PortMapping);

either! {
    /// A port mapping such as `8080:80`, or a mapping that says it part by part.
    Port = short PortMapping, long PortLong
}

impl From<PortMapping> for Port {
    fn from(mapping: PortMapping) -> Self {
        Self(mapping)
    }
}

impl Long<PortLong> for Port {
    fn long(PortLong { target, published, host_ip, protocol }: PortLong) -> Option<Self> {
        Some(Self(PortMapping {
            address: host_ip.map(|address| address.value.0),
            host: published.map(|range| range.value),
            container: target?.value,
            protocol: match protocol.map(|word| word.value) {
                Some(ProtocolWord::Udp) => Protocol::Udp,
                Some(ProtocolWord::Sctp) => Protocol::Sctp,
                Some(ProtocolWord::Tcp) | None => Protocol::Tcp,
            },
        }))
    }
}

layered! {
    /// A mount, part by part.
    #[schemars(extend("required" = ["source", "target"]))]
    pub struct VolumeUseLong {
        /// A folder or file of this machine (`/srv`, `~/data`, `./config`), or a volume by name.
        pub source: Option<At<Source>>,
        /// Where the container sees it.
        pub target: Option<At<Target>>,
        /// Options, separated by commas: `ro`, `Z`, `z`, `U`, `nocow`, `rslave` and so on.
        pub options: Option<At<Options>>,
        /// Whether it cannot be written, as Compose says it.
        pub read_only: Option<At<bool>>,
    }
}

/// What a container sees of a folder, a file or a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeUse(pub Mount);

either! {
    /// A mount such as `/srv/photos:/photos:ro,Z`, or a mapping that says it part by part.
    VolumeUse = short Mount, long VolumeUseLong
}

impl From<Mount> for VolumeUse {
    fn from(mount: Mount) -> Self {
        Self(mount)
    }
}

impl Long<VolumeUseLong> for VolumeUse {
    fn long(long: VolumeUseLong) -> Option<Self> {
        let VolumeUseLong { source, target, options, read_only } = long;
        let mut options = options.map(|options| options.value.0).unwrap_or_default();
        let says_access = options.iter().any(|option| matches!(option.as_str(), "ro" | "rw"));
        if read_only.is_some_and(|read_only| read_only.value) && !says_access {
            options.push("ro".parse().ok()?);
        }
        Some(Self(Mount { source: source?.value, target: target?.value.0, options }))
    }
}

impl HasKey for VolumeUse {
    const KEY: &'static str = "target";

    fn key(&self) -> Cow<'_, str> {
        self.0.target.as_str().into()
    }
}

layered! {
    /// A volume of the stack; it becomes a unit, unless it is external.
    pub struct Volume {
        /// Whether somebody else makes it and it must exist.
        pub external: Option<At<bool>>,
        /// Its name in Podman, where it is not the name used here.
        pub name: Option<At<ObjectName>>,
        /// The driver (`local`).
        #[schemars(regex(pattern = "^[a-z0-9_-]+$"))]
        pub driver: Option<At<String>>,
        /// The device or folder that is mounted.
        pub device: Option<At<String>>,
        /// The type of its file system, such as `tmpfs` or `nfs`.
        #[serde(rename = "type")]
        #[schemars(regex(pattern = "^[a-z0-9]+$"))]
        pub kind: Option<At<String>>,
        /// The image that it shows.
        pub image: Option<At<super::value::image::ImageRef>>,
        /// The user who owns it, by number.
        #[schemars(range(min = 0))]
        pub uid: Option<At<u32>>,
        /// The group that owns it, by number.
        #[schemars(range(min = 0))]
        pub gid: Option<At<u32>>,
        /// Whether it is filled with what the image has at its place.
        pub copy: Option<At<bool>>,
        /// Options of the mount or the driver.
        #[serde(alias = "driver_opts")]
        #[schemars(extend("x-alias" = ["driver_opts"]))]
        pub options: Assignments<Plain>,
        /// Labels of the volume.
        pub labels: Assignments<Plain>,
    }
}

layered! {
    /// Where a secret comes from: an existing secret of Podman, unless one source is given.
    pub struct Secret {
        /// Its name in Podman, where it is not the name used here.
        pub name: Option<At<ObjectName>>,
        /// Whether it must exist already, as Compose says it; this is the usual case.
        pub external: Option<At<bool>>,
        /// A file with its value, on the machine that the stack is applied on.
        pub file: Option<At<String>>,
        /// The environment variable with its value, at the time the stack is applied.
        pub environment: Option<At<EnvName>>,
        /// It is made up once, when it does not exist.
        pub generate: Option<At<Generate>>,
    }
}

layered! {
    /// How a secret is made up.
    pub struct GenerateLong {
        /// How many characters it has (32).
        #[schemars(range(min = 8, max = 4096))]
        pub length: Option<At<u32>>,
        /// The characters it is made of.
        pub alphabet: Option<At<Alphabet>>,
    }
}

/// The characters that a made up secret has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// Letters and digits.
    Alphanumeric,
    /// Digits and `a` to `f`.
    Hex,
    /// The characters of base 64.
    Base64,
}

/// Whether and how a secret is made up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Generate {
    /// Whether it is.
    pub on: bool,
    /// How.
    pub how: GenerateLong,
}

either! {
    /// `true`, or a mapping with length and alphabet.
    Generate = short bool, long GenerateLong
}

impl From<bool> for Generate {
    fn from(on: bool) -> Self {
        Self { on, how: GenerateLong::default() }
    }
}

impl Long<GenerateLong> for Generate {
    fn long(how: GenerateLong) -> Option<Self> {
        Some(Self { on: true, how })
    }
}

layered! {
    /// A secret that a service gets, and as what.
    #[schemars(extend("required" = ["name"]))]
    pub struct SecretUseLong {
        /// The secret.
        #[serde(alias = "source", alias = "secret")]
        #[schemars(extend("x-alias" = ["source", "secret"]))]
        pub name: Option<At<Name>>,
        /// Whether it comes as a file or as a variable (`file`).
        #[serde(rename = "type")]
        pub kind: Option<At<SecretType>>,
        /// The path of the file, or the name of the variable.
        pub target: Option<At<String>>,
        /// The user who owns the file, by number.
        #[schemars(range(min = 0))]
        pub uid: Option<At<u32>>,
        /// The group that owns the file, by number.
        #[schemars(range(min = 0))]
        pub gid: Option<At<u32>>,
        /// The mode of the file (0444).
        pub mode: Option<At<Mode>>,
    }
}

/// As what a service gets a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretType {
    /// As a file.
    File,
    /// As a variable.
    Env,
}

/// A secret that a service gets.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretUse {
    /// The secret.
    pub name: At<Name>,
    /// What the long form says beside the name.
    pub more: SecretUseLong,
}

either! {
    /// The name of a secret, seen at `/run/secrets/NAME`, or a mapping that says more.
    SecretUse = short At<Name>, long SecretUseLong
}

impl From<At<Name>> for SecretUse {
    fn from(name: At<Name>) -> Self {
        Self { name, more: SecretUseLong::default() }
    }
}

impl Long<SecretUseLong> for SecretUse {
    fn long(more: SecretUseLong) -> Option<Self> {
        Some(Self { name: more.name.clone()?, more })
    }
}

impl HasKey for SecretUse {
    const KEY: &'static str = "name and target";

    fn key(&self) -> Cow<'_, str> {
        match &self.more.target {
            Some(target) => format!("{} {}", self.name, target).into(),
            None => self.name.as_str().into(),
        }
    }
}

layered! {
    /// A file of the stack that a service sees, part by part.
    #[schemars(extend("required" = ["name", "target"]))]
    pub struct FileUse {
        /// The file, as `files` names it.
        #[serde(alias = "file", alias = "source")]
        #[schemars(extend("x-alias" = ["file", "source"]))]
        pub name: Option<At<Name>>,
        /// Where the container sees it.
        pub target: Option<At<AbsolutePath>>,
    }
}

impl HasKey for FileUse {
    const KEY: &'static str = "target";

    fn key(&self) -> Cow<'_, str> {
        self.target.as_ref().map_or("", |target| target.as_str()).into()
    }
}

layered! {
    /// A configuration file of the stack, placed on the host by content.
    pub struct StackFileLong {
        /// The text of the file.
        pub content: Option<At<String>>,
        /// A file with the text, beside the stack file.
        pub source: Option<At<RelativePath>>,
        /// Whether variables in the text are expanded.
        pub template: Option<At<bool>>,
        /// The mode of the file (0444).
        pub mode: Option<At<Mode>>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}

/// A configuration file of the stack.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StackFile(pub StackFileLong);

impl Layer for StackFile {
    fn lay_over(&mut self, under: &Self) {
        self.0.lay_over(&under.0);
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        StackFileLong::laws(path, table);
    }
}

either! {
    /// The path of a file beside the stack file, or a mapping with its text.
    StackFile = short At<RelativePath>, long StackFileLong
}

impl From<At<RelativePath>> for StackFile {
    fn from(source: At<RelativePath>) -> Self {
        Self(StackFileLong { source: Some(source), ..StackFileLong::default() })
    }
}

impl Long<StackFileLong> for StackFile {
    fn long(long: StackFileLong) -> Option<Self> {
        Some(Self(long))
    }
}
