//! Podman as the applier sees it: what there is, and the few things that are changed directly.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::change::Fault;

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its own mark, which is the digest of its configuration.
    pub id: String,
    /// The names it has, with tags or digests.
    pub names: Vec<String>,
}

impl Image {
    /// Whether it is meant by a name; a name without a tag means `latest`.
    pub fn has_name(&self, wanted: &str) -> bool {
        let bare = wanted.rsplit('/').next().unwrap_or(wanted);
        let latest = (!bare.contains([':', '@'])).then(|| format!("{wanted}:latest"));
        let wanted = latest.as_deref().unwrap_or(wanted);
        // A name with tag and digest is kept by its digest alone.
        let by_digest = wanted.split_once('@').map(|(name, digest)| {
            let place = name.rfind('/').map_or(0, |place| place + 1);
            let (path, last) = name.split_at(place);
            format!("{path}{}@{digest}", last.split(':').next().unwrap_or(last))
        });
        let is_it = |name: &String| name == wanted || by_digest.as_ref() == Some(name);
        self.id == wanted || self.names.iter().any(is_it)
    }
}

/// Why an image was not pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullError {
    /// Whether it can go away by itself, such as a registry that does not answer.
    pub is_passing: bool,
    /// What Podman said.
    pub why: String,
}

/// A container that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its own mark.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image_id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it runs.
    pub is_running: bool,
    /// Whether its health check succeeds, where it has one that has come to an end.
    pub is_healthy: Option<bool>,
}

/// A container looked at closely.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// Its own mark.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image_id: String,
    /// When it was made, as Podman writes it.
    pub created: String,
    /// The call that made it.
    pub command: Vec<String>,
    /// How it is, such as `running` or `paused`.
    pub status: String,
    /// What its health checks say, where it has any.
    pub health: Option<String>,
    /// The networks that it is joined to.
    pub networks: BTreeMap<String, Joined>,
    /// What can be changed while it runs, by the flag of `podman run` that says it: numbers of
    /// bytes, nanoseconds, billionths of processors.
    pub settings: BTreeMap<&'static str, String>,
    /// Its variables.
    pub environment: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// How a container is joined to a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joined {
    /// The names that it was given there.
    pub aliases: BTreeSet<String>,
    /// Its addresses.
    pub addresses: BTreeSet<String>,
}

/// A network, volume or secret that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Another one after each change, where Podman tells that.
    pub version: String,
    /// How it was made, by the flag of `podman network create` or `podman volume create` that says
    /// it.
    pub settings: BTreeMap<&'static str, BTreeSet<String>>,
}

/// What Quadlet would make of folders of units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generated {
    /// The services with the file that each comes from.
    pub services: BTreeMap<String, PathBuf>,
    /// What it complained about, line by line.
    pub complaints: Vec<String>,
    /// Whether it broke down: what it makes then depends on the order in which it reads.
    pub broke: bool,
}

/// The value of a secret, which never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(pub Vec<u8>);

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(..)")
    }
}

/// All that a plan looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock {
    /// The containers that are there.
    pub containers: Vec<Container>,
    /// The images that are there.
    pub images: Vec<Image>,
    /// The networks that are there.
    pub networks: Vec<Owned>,
}

/// Podman and its Quadlet.
pub trait Containers: Sync {
    /// The version of Podman, as major and minor number.
    fn version(&self) -> Result<(u32, u32), Fault>;

    /// The images that are there.
    fn images(&self) -> Result<Vec<Image>, Fault>;

    /// The images that have one of these names, each with the variables that it brings along; that
    /// of names without an image says nothing.
    fn named_images(&self, _names: &[&str]) -> Result<Vec<(Image, Vec<String>)>, Fault> {
        Ok(self.images()?.into_iter().map(|image| (image, Vec::new())).collect())
    }

    /// What images are made for, such as `amd64`, by their own marks.
    fn architectures(&self, images: &[&str]) -> Result<BTreeMap<String, String>, Fault>;

    /// Fetches an image; several may be fetched at the same time.
    fn pull(&self, image: &str) -> Result<(), PullError>;

    /// Gives an image more names.
    fn tag(&self, image: &str, names: &[&str]) -> Result<(), Fault>;

    /// Takes a name away from an image, and the image with its last name.
    fn untag(&self, name: &str) -> Result<(), Fault>;

    /// The containers that are there.
    fn containers(&self) -> Result<Vec<Container>, Fault>;

    /// Some containers looked at closely; those that are gone are left out.
    fn inspect(&self, names: &[&str]) -> Result<Vec<Inspected>, Fault>;

    /// When somebody changed a container while it ran, by its own mark, where that is known.
    fn changed(&self, _id: &str) -> Option<String> {
        None
    }

    /// The networks that are there.
    fn networks(&self) -> Result<Vec<Owned>, Fault>;

    /// Containers, images and networks in one look.
    fn stock(&self) -> Result<Stock, Fault> {
        let (containers, images) = (self.containers()?, self.images()?);
        Ok(Stock { containers, images, networks: self.networks()? })
    }

    /// The volumes that are there.
    fn volumes(&self) -> Result<Vec<Owned>, Fault>;

    /// The secrets that are there.
    fn secrets(&self) -> Result<Vec<Owned>, Fault>;

    /// Those of some secrets that are there.
    fn secrets_of(&self, names: &BTreeSet<String>) -> Result<Vec<Owned>, Fault> {
        let mut secrets = self.secrets()?;
        secrets.retain(|secret| names.contains(&secret.name));
        Ok(secrets)
    }

    /// The value of a secret; nothing where it is not there.
    fn secret(&self, name: &str) -> Result<Option<SecretValue>, Fault>;

    /// Whether a secret has this value.
    fn secret_is(&self, name: &str, value: &SecretValue) -> Result<bool, Fault> {
        Ok(self.secret(name)?.as_ref() == Some(value))
    }

    /// Makes a secret, or gives it another value.
    fn set_secret(
        &self,
        name: &str,
        value: &SecretValue,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Fault>;

    /// Takes a network away, which nothing may use any more.
    fn remove_network(&self, name: &str) -> Result<(), Fault>;

    /// Takes a volume away with its data.
    fn remove_volume(&self, name: &str) -> Result<(), Fault>;

    /// Takes a secret away.
    fn remove_secret(&self, name: &str) -> Result<(), Fault>;

    /// What the last health checks of a container said, where it has any.
    fn health_log(&self, container: &str) -> Result<Vec<String>, Fault>;

    /// What Quadlet makes of folders, of which the first with a name wins; nothing is written.
    fn generate(&self, folders: &[&Path]) -> Result<Generated, Fault>;

    /// The same with units before all folders that are not there yet; the services made from them
    /// come from their names alone.
    fn generate_with(
        &self,
        units: &BTreeMap<String, String>,
        folders: &[&Path],
    ) -> Result<Generated, Fault>;
}
