//! The routes that a running Traefik has loaded, held against the labels that ask for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Item, Layer, Remedy, State};

/// How labels of routers begin.
const ROUTERS: &str = "traefik.http.routers.";

/// The label that takes a container out.
const ENABLE: &str = "traefik.enable";

/// A router as the API of Traefik tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Router {
    rule: String,
    entry_points: Vec<String>,
    middlewares: Vec<String>,
    status: String,
    error: Vec<String>,
    tls: Option<Tls>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Tls {
    cert_resolver: String,
}

/// What a running Traefik has loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Loaded {
    /// Its routers by `NAME@PROVIDER`.
    #[serde(default)]
    routers: BTreeMap<String, Router>,
}

impl Loaded {
    /// Reads the answer of `/api/rawdata`.
    pub fn read(answer: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(answer).map_err(|error| format!("it is none of Traefik: {error}"))
    }
}

/// What differs between what the labels of a container ask for and what Traefik has loaded.
pub fn routes(labels: &BTreeMap<String, String>, loaded: &Loaded) -> Vec<Item> {
    if labels.get(ENABLE).is_some_and(|enable| enable == "false") {
        return Vec::new();
    }
    let mut wanted: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
    for (key, value) in labels {
        let rest = key.strip_prefix(ROUTERS).and_then(|rest| rest.split_once('.'));
        if let Some((router, option)) = rest {
            wanted.entry(router).or_default().insert(option.to_ascii_lowercase(), value);
        }
    }
    wanted.iter().flat_map(|(name, options)| router(name, options, loaded)).collect()
}

fn router(name: &str, options: &BTreeMap<String, &str>, loaded: &Loaded) -> Vec<Item> {
    let is_it = |known: &&String| known.split('@').next() == Some(name);
    let Some(key) = loaded.routers.keys().find(is_it) else {
        let rule = options.get("rule").copied().unwrap_or("a router of this name");
        let meaning = "Traefik has not loaded this router: nobody is led to the service";
        return vec![item(name, "router", rule, "is not there", meaning)];
    };
    let router = loaded.routers.get(key).cloned().unwrap_or_default();
    let mut items = Vec::new();
    if router.status != "enabled" {
        let said = [&[router.status.clone()][..], &router.error].concat().join(": ");
        items.push(item(name, "router", "enabled", &said, "Traefik does not use this router"));
    }
    let provider = key.rsplit_once('@').map_or("", |(_, provider)| provider);
    let full = |one: &str| match one.contains('@') {
        true => one.to_owned(),
        false => format!("{one}@{provider}"),
    };
    let list = |text: &str| -> Vec<String> {
        text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
    };
    let mut compare = |aspect: &str, wanted: Option<String>, actual: String| {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != actual) {
            items.push(item(name, aspect, &wanted, &actual, "Traefik leads requests another way"));
        }
    };
    let option = |key: &str| options.get(key).map(|value| (*value).to_owned());
    compare("rule", option("rule"), router.rule);
    let points: Option<BTreeSet<String>> =
        options.get("entrypoints").map(|points| list(points).into_iter().collect());
    let sorted = |points: BTreeSet<String>| points.into_iter().collect::<Vec<_>>().join(", ");
    compare("entry points", points.map(sorted), sorted(router.entry_points.into_iter().collect()));
    let wanted = options.get("middlewares").map(|all| list(all));
    let wanted = wanted.map(|all| all.iter().map(|one| full(one)).collect::<Vec<_>>().join(", "));
    compare("middlewares", wanted, router.middlewares.join(", "));
    let resolver = router.tls.map(|tls| tls.cert_resolver).unwrap_or_default();
    compare("certificate resolver", option("tls.certresolver"), resolver);
    items
}

fn item(router: &str, aspect: &str, wanted: &str, actual: &str, meaning: &str) -> Item {
    let actual = if actual.is_empty() { "nothing" } else { actual };
    Item {
        subject: format!("router {router}"),
        aspect: aspect.to_owned(),
        layer: Layer::Running,
        state: State::Drift,
        wanted: wanted.to_owned(),
        actual: actual.to_owned(),
        meaning: meaning.to_owned(),
        mend: "look into the log of Traefik for why it does not take what the labels say"
            .to_owned(),
        since: None,
        remedy: Remedy::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    const SITE: [(&str, &str); 6] = [
        ("traefik.enable", "true"),
        ("traefik.http.routers.site.rule", "Host(`a.example`)"),
        ("traefik.http.routers.site.entrypoints", "web, websecure"),
        ("traefik.http.routers.site.middlewares", "auth,limit@file"),
        ("traefik.http.routers.site.tls.certresolver", "le"),
        ("traefik.http.services.site.loadbalancer.server.port", "80"),
    ];

    const LOADED: &str = r#"{"routers": {"site@docker": {"entryPoints": ["websecure", "web"],
        "middlewares": ["auth@docker", "limit@file"], "service": "site", "priority": 17,
        "rule": "Host(`a.example`)", "tls": {"certResolver": "le"}, "status": "enabled",
        "using": ["web"]}, "api@internal": {"rule": "PathPrefix(`/api`)", "status": "enabled"}},
        "services": {"site@docker": {}}}"#;

    fn told(loaded: &str) -> Vec<(String, String, String)> {
        let items = routes(&labels(&SITE), &Loaded::read(loaded.as_bytes()).unwrap());
        items.into_iter().map(|item| (item.aspect, item.wanted, item.actual)).collect()
    }

    #[test]
    fn what_is_loaded_as_it_is_asked_for_is_no_drift() {
        assert_eq!(told(LOADED), []);
        let mut off = labels(&SITE);
        off.insert(ENABLE.to_owned(), "false".to_owned());
        assert_eq!(routes(&off, &Loaded::default()), []);
        assert_eq!(routes(&labels(&SITE[..1]), &Loaded::default()), []);
    }

    #[test]
    fn each_difference_is_told() {
        let one = |from: &str, to: &str| {
            let all = told(&LOADED.replace(from, to));
            let [(aspect, _, actual)] = &all[..] else { panic!("{from}: {all:?}") };
            format!("{aspect}: {actual}")
        };
        assert_eq!(
            one("site@docker\": {\"entry", "other@docker\": {\"entry"),
            "router: is not there"
        );
        assert_eq!(one("(`a.example`)", "(`b.example`)"), "rule: Host(`b.example`)");
        assert_eq!(one("[\"websecure\", \"web\"]", "[]"), "entry points: nothing");
        let swapped = one("[\"auth@docker\", \"limit@file\"]", "[\"limit@file\", \"auth@docker\"]");
        assert_eq!(swapped, "middlewares: limit@file, auth@docker");
        assert_eq!(one("\"le\"", "\"other\""), "certificate resolver: other");
        let off = one("\"enabled\",", "\"disabled\", \"error\": [\"no entry point\"],");
        assert_eq!(off, "router: disabled: no entry point");
        assert!(Loaded::read(b"<html>").is_err());
    }
}
