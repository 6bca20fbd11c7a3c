//! What Podman tells in JSON. Only what is needed is read; whatever else is there may change.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Result;

use super::super::containers::{Container, Image, Owned};
pub use inspected::inspected;

mod inspected;

/// A list; Go writes an empty one as nothing.
type List<T> = Option<Vec<T>>;
type Labels = Option<BTreeMap<String, String>>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageTold {
    id: String,
    #[serde(default)]
    names: List<String>,
    #[serde(default)]
    repo_digests: List<String>,
}

/// The images in `podman image list`.
pub fn images(told: &[u8]) -> Result<Vec<Image>> {
    let mut images: Vec<Image> = Vec::new();
    for told in list::<ImageTold>(told)? {
        let names = [told.names, told.repo_digests].into_iter().flatten().flatten();
        // An image with two names is told once for each by some.
        match images.iter_mut().find(|image| image.id == told.id) {
            Some(image) => image.names.extend(names),
            None => images.push(Image { id: told.id, names: names.collect() }),
        }
    }
    for image in &mut images {
        image.names.sort();
        image.names.dedup();
    }
    Ok(images)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedTold {
    id: String,
    #[serde(default)]
    repo_tags: List<String>,
    #[serde(default)]
    repo_digests: List<String>,
    #[serde(default)]
    config: Option<ImageConfigTold>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfigTold {
    #[serde(default)]
    env: List<String>,
}

/// The images in `podman image inspect`, with their variables.
pub fn named_images(told: &[u8]) -> Result<Vec<(Image, Vec<String>)>> {
    let images = list::<NamedTold>(told)?.into_iter().map(|told| {
        let names = [told.repo_tags, told.repo_digests].into_iter().flatten().flatten().collect();
        let variables = told.config.and_then(|config| config.env).unwrap_or_default();
        (Image { id: told.id, names }, variables)
    });
    Ok(images.collect())
}

#[derive(Deserialize)]
struct ContainerTold {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Names", default)]
    names: List<String>,
    #[serde(rename = "ImageID", default)]
    image_id: String,
    #[serde(rename = "Labels", default)]
    labels: Labels,
    #[serde(rename = "State", default)]
    state: String,
    #[serde(rename = "Status", default)]
    status: String,
}

/// The containers in `podman container list`.
pub fn containers(told: &[u8]) -> Result<Vec<Container>> {
    let containers = list::<ContainerTold>(told)?.into_iter().map(|told| Container {
        id: told.id,
        name: told.names.into_iter().flatten().next().unwrap_or_default(),
        image_id: told.image_id,
        labels: told.labels.unwrap_or_default(),
        is_running: told.state == "running",
        // Such as `Up 2 hours (healthy)`; one that is starting is neither.
        is_healthy: match told.status.rsplit_once('(') {
            Some((_, "healthy)")) => Some(true),
            Some((_, "unhealthy)")) => Some(false),
            _ => None,
        },
    });
    Ok(containers.collect())
}

#[derive(Deserialize)]
struct NetworkTold {
    name: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    subnets: List<SubnetTold>,
    #[serde(default)]
    ipv6_enabled: bool,
    #[serde(default)]
    internal: bool,
    #[serde(default)]
    dns_enabled: bool,
    #[serde(default)]
    options: Labels,
}

#[derive(Deserialize)]
struct SubnetTold {
    #[serde(default)]
    subnet: String,
    #[serde(default)]
    gateway: String,
}

/// How something was made, by flags and what each says.
type Settings = BTreeMap<&'static str, BTreeSet<String>>;

impl NetworkTold {
    fn settings(&self) -> Settings {
        let subnets = || self.subnets.iter().flatten();
        BTreeMap::from([
            ("--driver", [self.driver.clone()].into()),
            ("--subnet", subnets().map(|one| one.subnet.clone()).collect()),
            ("--gateway", subnets().map(|one| one.gateway.clone()).collect()),
            ("--ipv6", [self.ipv6_enabled.to_string()].into()),
            ("--internal", [self.internal.to_string()].into()),
            ("--disable-dns", [(!self.dns_enabled).to_string()].into()),
            ("--opt", assignments(&self.options)),
            ("--label", assignments(&self.labels)),
        ])
    }
}

fn assignments(map: &Labels) -> BTreeSet<String> {
    map.iter().flatten().map(|(name, value)| format!("{name}={value}")).collect()
}

/// The networks in `podman network list`.
pub fn networks(told: &[u8]) -> Result<Vec<Owned>> {
    let networks = list::<NetworkTold>(told)?.into_iter().map(|told| Owned {
        settings: told.settings(),
        name: told.name,
        labels: told.labels.unwrap_or_default(),
        version: told.created,
    });
    Ok(networks.collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeTold {
    name: String,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    options: Labels,
}

/// The volumes in `podman volume list`.
pub fn volumes(told: &[u8]) -> Result<Vec<Owned>> {
    let volumes = list::<VolumeTold>(told)?.into_iter().map(|told| Owned {
        settings: BTreeMap::from([
            ("--driver", [told.driver].into()),
            ("--opt", assignments(&told.options)),
            ("--label", assignments(&told.labels)),
        ]),
        name: told.name,
        labels: told.labels.unwrap_or_default(),
        version: told.created_at,
    });
    Ok(volumes.collect())
}

#[derive(Deserialize)]
struct SecretTold {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(rename = "UpdatedAt", default)]
    updated_at: String,
    #[serde(rename = "Spec")]
    spec: SecretSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretSpec {
    name: String,
    #[serde(default)]
    labels: Labels,
}

/// The secrets in `podman secret inspect`.
pub fn secrets(told: &[u8]) -> Result<Vec<Owned>> {
    let secrets = list::<SecretTold>(told)?.into_iter().map(|told| Owned {
        name: told.spec.name,
        labels: told.spec.labels.unwrap_or_default(),
        version: format!("{} {}", told.id, told.updated_at),
        ..Owned::default()
    });
    Ok(secrets.collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StateTold {
    #[serde(default, alias = "Healthcheck")]
    health: Option<HealthTold>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthTold {
    #[serde(default)]
    log: List<CheckTold>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CheckTold {
    #[serde(default)]
    exit_code: i64,
    #[serde(default)]
    output: String,
}

/// What the health checks in the state of a container said.
pub fn health_log(told: &[u8]) -> Result<Vec<String>> {
    let state: Option<StateTold> = serde_json::from_slice(told)?;
    let health = state.and_then(|state| state.health);
    let checks = health.and_then(|health| health.log).unwrap_or_default();
    let line = |check: CheckTold| match (check.exit_code, check.output.trim()) {
        (code, "") => format!("exit code {code}"),
        (code, output) => format!("exit code {code}: {output}"),
    };
    Ok(checks.into_iter().map(line).collect())
}

fn list<'t, T: Deserialize<'t>>(told: &'t [u8]) -> Result<Vec<T>> {
    Ok(serde_json::from_slice::<List<T>>(told)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IMAGES: &[u8] = br#"[
        {"Id":"a","Names":["x:1","y:1"],"RepoDigests":["x@sha256:1"],"Size":1,"New":{"er":[]}},
        {"Id":"a","Names":["z:1"],"RepoDigests":null},
        {"Id":"b","RepoTags":null}
    ]"#;
    const CONTAINERS: &[u8] = br#"[
        {"Id":"c","Names":["web"],"ImageID":"a","Labels":{"stack":"shop"},"State":"running"},
        {"Id":"d","Names":null,"Labels":null,"State":"exited","Exited":true}
    ]"#;
    const SECRETS: &[u8] = br#"[{"ID":"1","UpdatedAt":"now","Spec":{"Name":"key","Labels":{}}}]"#;
    const STATE: &[u8] =
        br#"{"Health":{"Status":"unhealthy","Log":[{"ExitCode":1,"Output":"no\n"},{}]}}"#;

    #[test]
    fn what_is_needed_is_read_and_the_rest_is_not() {
        let images = images(IMAGES).unwrap();
        assert_eq!(images.len(), 2);
        assert_eq!(images[0].names, ["x:1", "x@sha256:1", "y:1", "z:1"]);
        let containers = containers(CONTAINERS).unwrap();
        assert_eq!((containers[0].name.as_str(), containers[0].is_running), ("web", true));
        assert_eq!((containers[1].name.as_str(), containers[1].is_running), ("", false));
        let secrets = secrets(SECRETS).unwrap();
        assert_eq!((secrets[0].name.as_str(), secrets[0].version.as_str()), ("key", "1 now"));
        assert_eq!(health_log(STATE).unwrap(), ["exit code 1: no", "exit code 0"]);
        assert_eq!(health_log(br#"{"Status":"running"}"#).unwrap(), Vec::<String>::new());
        for none in [&b"[]"[..], b"null"] {
            assert_eq!(volumes(none).unwrap(), []);
            assert_eq!(networks(none).unwrap(), []);
        }
        assert!(volumes(b"").is_err() && volumes(b"{}").is_err() && volumes(b"[{}]").is_err());
    }

    proptest! {
        /// Bytes that were lost, changed or added make an error or another answer, and no more.
        #[test]
        fn no_damage_breaks_it(at in 0usize..400, byte: u8, cut: bool) {
            for told in [IMAGES, CONTAINERS, SECRETS, STATE] {
                let mut told = told.to_vec();
                let at = at % told.len();
                if cut { told.truncate(at) } else { told[at] = byte }
                let _read = (images(&told), containers(&told), secrets(&told), health_log(&told));
                let _read = (volumes(&told), networks(&told));
            }
        }
    }
}
