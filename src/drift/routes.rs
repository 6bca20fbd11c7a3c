//! The routes that a running Traefik has loaded, held against the labels that ask for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Item, Layer, Remedy, State};

/// How labels of routers begin.
const ROUTERS: &str = "traefik.http.routers.";

/// What Traefik calls the one that reads labels of containers, those of Podman too.
const OF_LABELS: &str = "docker";

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
    let parts = parts(name, loaded);
    if parts.is_empty() {
        let rule = options.get("rule").copied().unwrap_or("a router of this name");
        let meaning = "Traefik has not loaded this router: nobody is led to the service";
        return vec![item(name, "router", rule, "is not there", meaning)];
    }
    let mut items = Vec::new();
    let mut compare = |aspect: &str, wanted: Option<String>, actual: String| {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != actual) {
            items.push(item(name, aspect, &wanted, &actual, "Traefik leads requests another way"));
        }
    };
    let option = |key: &str| options.get(key).map(|value| (*value).to_owned());
    let points = option("entrypoints").map(|points| list(&points).into_iter().collect());
    let sorted = |points: BTreeSet<String>| points.into_iter().collect::<Vec<_>>().join(", ");
    let actual = parts.iter().flat_map(|(_, part)| part.entry_points.iter().cloned()).collect();
    compare("entry points", points.map(sorted), sorted(actual));
    for (provider, part) in &parts {
        compare("rule", option("rule"), part.rule.clone());
        let full = |one: &String| match one.contains('@') {
            true => one.clone(),
            false => format!("{one}@{provider}"),
        };
        let wanted: Option<Vec<String>> =
            option("middlewares").map(|all| list(&all).iter().map(full).collect());
        // An entry point may have some of its own, which come first.
        let wanted = wanted.filter(|wanted| !part.middlewares.ends_with(wanted));
        let wanted = wanted.map(|wanted| wanted.join(", "));
        compare("middlewares", wanted, part.middlewares.join(", "));
        let resolver = part.tls.as_ref().map(|tls| tls.cert_resolver.clone());
        compare("certificate resolver", option("tls.certresolver"), resolver.unwrap_or_default());
    }
    let states = parts.iter().filter_map(|(_, part)| state(name, part));
    items.extend(states);
    items.sort();
    items.dedup();
    items
}

/// What Traefik has made of a router, with who told it. One with several entry points may become
/// as many routers, each with the name of its entry point in front.
fn parts<'l>(name: &str, loaded: &'l Loaded) -> Vec<(&'l str, &'l Router)> {
    let is_it = |known: &str, router: &Router| {
        let point = known.strip_suffix(name).and_then(|point| point.strip_suffix('-'));
        known == name || point.is_some_and(|point| router.entry_points == [point])
    };
    let all = loaded.routers.iter().filter_map(|(key, router)| {
        let (known, provider) = key.rsplit_once('@').unwrap_or((key, ""));
        is_it(known, router).then_some((provider, router))
    });
    let mut parts: Vec<(&str, &Router)> = all.collect();
    // Another of that name comes from elsewhere, and labels have nothing to say about it.
    if parts.iter().any(|(provider, _)| *provider == OF_LABELS) {
        parts.retain(|(provider, _)| *provider == OF_LABELS);
    }
    parts
}

/// What Traefik itself thinks of a router.
fn state(name: &str, router: &Router) -> Option<Item> {
    let said = [&[router.status.clone()][..], &router.error].concat().join(": ");
    let state = |meaning| item(name, "router", "enabled", &said, meaning);
    match router.status.as_str() {
        "enabled" => None,
        "warning" => {
            let item = state("Traefik uses this router, and has something to say about it");
            Some(Item { state: State::Warning, ..item })
        }
        _ => Some(state("Traefik does not use this router")),
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
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
        let used = one("\"enabled\",", "\"warning\", \"error\": [\"no domain\"],");
        assert_eq!(used, "router: warning: no domain");
        assert!(Loaded::read(b"<html>").is_err());
    }

    /// Where entry points have middlewares or certificates of their own, each has its own router.
    #[test]
    fn a_router_is_known_by_its_entry_points_too() {
        let part = |point: &str, rule: &str| {
            format!(
                r#""{point}-site@docker": {{"entryPoints": ["{point}"], "status": "enabled",
                "rule": "{rule}", "tls": {{"certResolver": "le"}},
                "middlewares": ["own@file", "auth@docker", "limit@file"]}}"#
            )
        };
        let other = r#""site@file": {"rule": "Path(`/`)"}, "not-site@docker": {"rule": "x"}"#;
        let loaded = |rule: &str| {
            let (web, secure) = (part("web", "Host(`a.example`)"), part("websecure", rule));
            format!(r#"{{"routers": {{{other}, {web}, {secure}}}}}"#)
        };
        assert_eq!(told(&loaded("Host(`a.example`)")), []);
        let [(aspect, _, actual)] = &told(&loaded("Host(`b.example`)"))[..] else { panic!() };
        assert_eq!((&**aspect, &**actual), ("rule", "Host(`b.example`)"));
        let web = part("web", "Host(`a.example`)");
        let [(aspect, wanted, actual)] = &told(&format!(r#"{{"routers": {{{web}}}}}"#))[..] else {
            panic!()
        };
        assert_eq!((&**aspect, &**wanted, &**actual), ("entry points", "web, websecure", "web"));
    }
}
