//! What Podman tells about a container that is looked at closely.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Result;

use super::super::super::containers::{Inspected, Joined};
use super::{Labels, List, list};

/// How many characters of its own mark a container has as a name on every network.
const SHORT_LENGTH: usize = 12;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerTold {
    #[serde(default)]
    id: String,
    name: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    image: String,
    #[serde(default)]
    state: Option<StateTold>,
    #[serde(default)]
    config: Option<ConfigTold>,
    #[serde(default)]
    host_config: Option<HostConfigTold>,
    #[serde(default)]
    network_settings: Option<NetworksTold>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct StateTold {
    #[serde(default)]
    status: String,
    #[serde(default, alias = "Healthcheck")]
    health: Option<StatusTold>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatusTold {
    #[serde(default)]
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct ConfigTold {
    #[serde(default)]
    create_command: List<String>,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    env: List<String>,
    #[serde(default)]
    healthcheck: Option<HealthTold>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HealthTold {
    test: List<String>,
    interval: i64,
    timeout: i64,
    retries: i64,
    start_period: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfigTold {
    memory: i64,
    memory_swap: i64,
    memory_reservation: i64,
    nano_cpus: i64,
    cpu_shares: i64,
    cpuset_cpus: String,
    cpuset_mems: String,
    blkio_weight: i64,
    pids_limit: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct NetworksTold {
    #[serde(default)]
    networks: Option<BTreeMap<String, JoinedTold>>,
}

#[derive(Deserialize)]
struct JoinedTold {
    #[serde(rename = "Aliases", default)]
    aliases: List<String>,
    #[serde(rename = "IPAddress", default)]
    address: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    address6: String,
}

/// The containers in `podman container inspect`.
pub fn inspected(told: &[u8]) -> Result<Vec<Inspected>> {
    Ok(list::<ContainerTold>(told)?.into_iter().map(container).collect())
}

fn container(told: ContainerTold) -> Inspected {
    let state = told.state.unwrap_or_default();
    let config = told.config.unwrap_or_default();
    let mut settings = limits(told.host_config.unwrap_or_default());
    settings.extend(config.healthcheck.map(health).into_iter().flatten());
    let networks = told.network_settings.unwrap_or_default().networks.unwrap_or_default();
    let short = told.id.get(..SHORT_LENGTH).unwrap_or_default();
    let networks = networks.into_iter().map(|(name, told)| (name, joined(told, short)));
    let variable = |text: String| {
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        (name.to_owned(), value.to_owned())
    };
    Inspected {
        name: told.name,
        image_id: told.image,
        created: told.created,
        command: config.create_command.unwrap_or_default(),
        status: state.status,
        health: state.health.map(|health| health.status).filter(|word| !word.is_empty()),
        networks: networks.collect(),
        settings,
        environment: config.env.into_iter().flatten().map(variable).collect(),
        labels: config.labels.unwrap_or_default(),
        id: told.id,
    }
}

fn joined(told: JoinedTold, own: &str) -> Joined {
    let is_given = |text: &String| !text.is_empty() && text != own;
    let given =
        |texts: Vec<String>| -> BTreeSet<String> { texts.into_iter().filter(is_given).collect() };
    Joined {
        aliases: given(told.aliases.unwrap_or_default()),
        addresses: given(vec![told.address, told.address6]),
    }
}

fn limits(told: HostConfigTold) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("--memory", told.memory.to_string()),
        ("--memory-swap", told.memory_swap.to_string()),
        ("--memory-reservation", told.memory_reservation.to_string()),
        ("--cpus", told.nano_cpus.to_string()),
        ("--cpu-shares", told.cpu_shares.to_string()),
        ("--cpuset-cpus", told.cpuset_cpus),
        ("--cpuset-mems", told.cpuset_mems),
        ("--blkio-weight", told.blkio_weight.to_string()),
        ("--pids-limit", told.pids_limit.to_string()),
    ])
}

fn health(told: HealthTold) -> [(&'static str, String); 5] {
    let test = told.test.unwrap_or_default();
    let words = match test.split_first() {
        Some((first, rest)) if matches!(first.as_str(), "CMD" | "CMD-SHELL") => rest.join(" "),
        _ => test.join(" "),
    };
    [
        ("--health-cmd", words),
        ("--health-interval", told.interval.to_string()),
        ("--health-timeout", told.timeout.to_string()),
        ("--health-retries", told.retries.to_string()),
        ("--health-start-period", told.start_period.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &[u8] = br#"[{"Id":"0123456789abcdef","Name":"web","Image":"i","State":
        {"Status":"running","Health":{"Status":"healthy"}},"Config":{"CreateCommand":["podman"],
        "Env":["A=1=2","B="],"Healthcheck":{"Test":["CMD","a","b"],"Interval":5}},"HostConfig":
        {"Memory":7,"PidsLimit":-1},"NetworkSettings":{"Networks":{"inner":{"Aliases":
        ["shop","0123456789ab"],"IPAddress":"10.0.0.2","GlobalIPv6Address":""}}}},{"Name":"x"}]"#;

    #[test]
    fn what_can_be_changed_is_read_by_its_flag() {
        let all = inspected(TOLD).unwrap();
        let setting = |flag| all[0].settings[flag].as_str();
        assert_eq!((setting("--memory"), setting("--pids-limit")), ("7", "-1"));
        assert_eq!((setting("--health-cmd"), setting("--health-interval")), ("a b", "5"));
        assert_eq!((&*all[0].environment["A"], &*all[0].environment["B"]), ("1=2", ""));
        let inner = &all[0].networks["inner"];
        assert_eq!(inner.aliases, BTreeSet::from(["shop".to_owned()]));
        assert_eq!(inner.addresses, BTreeSet::from(["10.0.0.2".to_owned()]));
        assert_eq!(
            (all[1].name.as_str(), all[1].settings.contains_key("--health-cmd")),
            ("x", false)
        );
    }
}
