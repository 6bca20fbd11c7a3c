//! Routes: the labels and the file for Traefik say the same, by our own stacks and by the reference
//! of Traefik itself, and the rules of real projects are understood.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use stackwright::capability::traefik::keys::{self, Why};
use stackwright::capability::traefik::rule::{self, Kind as RuleKind, Severity};
use stackwright::capability::traefik::{Tree, decode, is_hidden};
use stackwright::check::{Kind, Target};
use stackwright::config::Config;
use stackwright::emit::traefik;
use stackwright::host::disk::Disk;
use stackwright::load::{FILE_SIZE_MAX, Request};
use stackwright::report::{Findings, Severity as Weight, human};
use stackwright::resolve::network::Joined;
use stackwright::resolve::{Part, Resolved, Service, resolve};
use stackwright::source::Sources;
use stackwright::{Input, compile};

use crate::support::{beside, list, text};

/// A tree as JSON.
fn value(tree: &Tree) -> Value {
    match tree {
        Tree::Map(map) => map.iter().map(|(name, tree)| (name.clone(), value(tree))).collect(),
        Tree::List(list) => list.iter().map(value).collect(),
        Tree::Text(text) => json!(text),
        Tree::Number(number) => json!(number),
        Tree::Bool(on) => json!(on),
    }
}

/// Our stacks, those for units and for Compose, and all fixtures of diagnostics.
fn stacks() -> Vec<PathBuf> {
    let folders =
        ["stacks", "snapshots/patterns", "tests/quadlet", "tests/compose", "tests/diagnostics"];
    let files = folders.iter().flat_map(|folder| list(Path::new(folder)));
    files.filter(|path| path.extension().is_some_and(|ending| ending == "yml")).collect()
}

/// Looks at a stack as it is resolved for Traefik, unless there is an error in it.
fn resolved<T>(path: &Path, look: impl FnOnce(&Resolved<'_>) -> T) -> Result<T, String> {
    let environment = BTreeMap::new();
    let (overlays, env_files, size_max) = (&[], &[], FILE_SIZE_MAX);
    let requests = [Request { path, overlays, env_files, environment: &environment, size_max }];
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let target = Target { generates: true, kind: Kind::Traefik, ..Target::default() };
    let config = Config::default();
    let input = Input { requests: &requests, config: &config, all_known: false, target };
    let compiled = compile(&input, &Disk, &mut sources, &mut findings);
    findings.retain(|one| one.severity == Weight::Error);
    let told = || human::render(&findings, &sources, human::Style::default());
    compiled.stacks.first().map(|stack| look(&resolve(stack, Part::default()))).ok_or_else(told)
}

/// The file as Traefik reads it, once its templates are filled in; none where there is none.
fn file(resolved: &Resolved<'_>) -> Option<Value> {
    let file = traefik::emit(resolved).pop()?;
    let written = String::from_utf8(file.contents).unwrap();
    let filled = written.replace("{{`{{`}}", "{{");
    assert_eq!(filled.matches("{{").count(), written.matches("{{`{{`}}").count());
    Some(serde_yaml::from_str(&filled).unwrap())
}

/// What Traefik makes of the labels of all containers: their configurations one over the other,
/// with the address of each container as the server of its services.
fn from_labels(resolved: &Resolved<'_>) -> Value {
    let mut all = json!({});
    for service in &resolved.services {
        let labels = service.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        if is_hidden(labels.clone()) {
            continue;
        }
        let mut own = value(&decode(labels));
        for (protocol, sections) in own.as_object_mut().unwrap() {
            let sections = sections.as_object_mut().unwrap();
            name_services(sections, service);
            let services = sections.get_mut("services").and_then(Value::as_object_mut);
            for balancer in services.into_iter().flat_map(Map::values_mut) {
                put_address(protocol, &mut balancer["loadBalancer"], service);
            }
        }
        lay(&mut all, own);
    }
    all
}

/// The service of a router that names none: the only one, or one that is called as the container.
fn name_services(sections: &mut Map<String, Value>, service: &Service<'_>) {
    if !sections.contains_key("routers") {
        return;
    }
    let mut name = service.container.clone();
    match sections.get("services").and_then(Value::as_object) {
        Some(services) if services.len() == 1 => name.clone_from(services.keys().next().unwrap()),
        Some(_) => return,
        None => {
            let own = json!({ &name: { "loadBalancer": {} } });
            sections.insert("services".into(), own);
        }
    }
    let routers = sections.get_mut("routers").and_then(Value::as_object_mut);
    for router in routers.into_iter().flat_map(Map::values_mut) {
        let router = router.as_object_mut().unwrap();
        router.entry("service").or_insert_with(|| json!(name));
    }
}

/// The address of a container in place of the port that labels give.
fn put_address(protocol: &str, balancer: &mut Value, service: &Service<'_>) {
    let balancer = balancer.as_object_mut().unwrap();
    let mut server = balancer.remove("servers").map_or(json!({}), |all| all[0].clone());
    let own = server.as_object_mut().unwrap();
    let mut part = |name: &str| own.remove(name).map(|part| part.as_str().unwrap().to_owned());
    let port = part("port").or(service.port.map(|port| port.to_string())).unwrap();
    let scheme = part("scheme").unwrap_or("http".to_owned());
    let host = match &service.joined {
        Joined::Of { container, .. } => container,
        _ => &service.container,
    };
    match protocol {
        "http" => own.insert("url".into(), json!(format!("{scheme}://{host}:{port}"))),
        _ => own.insert("address".into(), json!(format!("{host}:{port}"))),
    };
    balancer.insert("servers".into(), json!([server]));
}

/// Lays one configuration over another; servers come together, all else is alike.
fn lay(all: &mut Value, own: Value) {
    match (all, own) {
        (Value::Object(all), Value::Object(own)) => {
            for (name, own) in own {
                match all.get_mut(&name) {
                    Some(all) => lay(all, own),
                    None => drop(all.insert(name, own)),
                }
            }
        }
        (Value::Array(all), Value::Array(own)) if own.iter().all(Value::is_object) => {
            let new: Vec<Value> = own.into_iter().filter(|one| !all.contains(one)).collect();
            all.extend(new);
        }
        (all, own) => assert_eq!(*all, own, "two containers say different things"),
    }
}

#[test]
fn labels_say_what_the_file_says() {
    let (mut compared, mut refused) = (Vec::new(), Vec::new());
    for path in stacks() {
        let name = path.display().to_string();
        match resolved(&path, |resolved| (from_labels(resolved), file(resolved))) {
            Ok((labels, Some(file))) => {
                assert_eq!(labels, file, "{name}");
                compared.push(name);
            }
            Ok((labels, None)) => assert_eq!(labels, json!({}), "{name} has no file"),
            Err(_) => refused.push(name),
        }
    }
    for path in stacks().iter().filter(|path| path.starts_with("stacks")) {
        let (name, text) = (path.display().to_string(), text(path));
        let has_routes = text.contains("      routes:") || text.contains("      traefik_labels:");
        assert_eq!(compared.contains(&name), has_routes, "{name}");
    }
    // A fixture of an error has no file; a stack or a fixture of units always has one.
    let strange: Vec<&String> =
        refused.iter().filter(|name| !name.starts_with("tests/diagnostics/SW")).collect();
    assert!(strange.is_empty(), "{strange:?}");
    println!("{} stacks with routes compared", compared.len());
    assert!(compared.len() >= 10, "{compared:?}");
}

/// The settings of a configuration by their paths, whose names count whatever their case.
fn paths(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                paths(value, &format!("{path}.{}", name.to_lowercase()), found);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (place, value) in list.iter().enumerate() {
                paths(value, &format!("{path}[{place}]"), found);
            }
        }
        _ => drop(found.insert(path.trim_start_matches('.').to_owned(), value.to_string())),
    }
}

/// Where the two forms of Traefik's own reference differ, by how the paths begin, and why.
const DIFFER: [(&str, &str); 19] = [
    ("http.serverstransports.", "a file alone has transports"),
    ("tcp.serverstransports.", "a file alone has transports"),
    ("http.services.service01.failover.", "labels have load balancers alone"),
    ("http.services.service02.highestrandomweight.", "labels have load balancers alone"),
    ("http.services.service04.mirroring.", "labels have load balancers alone"),
    ("http.services.service05.weighted.", "labels have load balancers alone"),
    ("tcp.services.tcpservice02.weighted.", "labels have load balancers alone"),
    ("udp.services.udpservice02.weighted.", "labels have load balancers alone"),
    ("http.services.service03.loadbalancer.servers[0].port", "a file has an address instead"),
    ("http.services.service03.loadbalancer.servers[0].scheme", "a file has an address instead"),
    ("http.services.service03.loadbalancer.servers[1].", "a container is one server"),
    ("tcp.services.tcpservice01.loadbalancer.servers[0].port", "a file has an address instead"),
    ("tcp.services.tcpservice01.loadbalancer.servers[0].address", "labels have a port instead"),
    ("tcp.services.tcpservice01.loadbalancer.servers[1].", "a container is one server"),
    ("udp.services.udpservice01.loadbalancer.servers[", "the same for UDP"),
    ("tls.certificates", "a file alone has certificates"),
    ("tls.options.", "a file alone has options of TLS"),
    ("tls.stores.default.defaultcertificate.", "a file alone has certificates"),
    ("tls.stores.store1.", "labels say what the default store is, and nothing of others"),
];

#[test]
fn the_reference_labels_mean_what_the_reference_file_says() {
    let Some(corpora) = beside("STACKWRIGHT_CORPORA", "corpora") else { return };
    let folder = corpora.join("traefik-reference/files");
    // Traefik takes what labels say for the store `default` alone, which the reference calls so.
    let read = |name: &str| text(&folder.join(name)).replace("store0", "default");
    let labels: Vec<String> = serde_yaml::from_str(&read("docker-labels.yml")).unwrap();
    let labels: Vec<(&str, &str)> =
        labels.iter().map(|label| label.split_once('=').unwrap()).collect();
    let file: Value =
        serde_yaml::from_str(&read("file.yaml").replace("Store0", "default")).unwrap();
    for (key, _) in &labels {
        let of_other_store = key.starts_with("traefik.tls.stores.store1.");
        assert_eq!(keys::check(key).is_err(), of_other_store, "{key}");
    }
    let (mut ours, mut theirs) = (BTreeMap::new(), BTreeMap::new());
    paths(&value(&decode(labels.iter().copied())), "", &mut ours);
    paths(&file, "", &mut theirs);
    let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let (same, differ): (Vec<&String>, Vec<&String>) =
        all.into_iter().partition(|path| ours.get(*path) == theirs.get(*path));
    let reason = |path: &str| DIFFER.iter().position(|(start, _)| path.starts_with(start));
    let mut unused: BTreeSet<usize> = (0..DIFFER.len()).collect();
    for path in &differ {
        let place = reason(path).unwrap_or_else(|| {
            panic!("{path}: labels {:?}, file {:?}", ours.get(*path), theirs.get(*path))
        });
        unused.remove(&place);
    }
    assert!(unused.is_empty(), "exceptions that none needs: {unused:?}");
    println!("{} labels, {} settings alike, {} not", labels.len(), same.len(), differ.len());
    assert_eq!((labels.len(), same.len()), (282, 264));
}

#[test]
fn the_files_fit_the_schema_of_others() {
    let Some(corpora) = beside("STACKWRIGHT_CORPORA", "corpora") else { return };
    let path = "schemastore-traefik/files/src/schemas/json/traefik-v3-file-provider.json";
    let schema: Value = serde_json::from_str(&text(&corpora.join(path))).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let wrong = json!({ "http": { "routers": { "a": { "rule": 7, "entryPoint": ["web"] } } } });
    assert!(!schema.is_valid(&wrong), "a schema that takes everything says nothing");
    let (mut checked, mut deviations) = (0, 0);
    for path in stacks() {
        let Ok(Some(file)) = resolved(&path, file) else { continue };
        checked += 1;
        for error in schema.iter_errors(&file) {
            // The schema lags Traefik, so that this is to be looked at, and no failure by itself.
            let told = format!("{}: {}: {error}\n", path.display(), error.instance_path());
            std::io::stderr().write_all(format!("WARNING: {told}").as_bytes()).unwrap();
            deviations += 1;
        }
    }
    println!("{checked} files, {deviations} deviations from the schema of others");
    assert!(checked >= 10 && deviations == DEVIATIONS, "{checked} files, {deviations} deviations");
}

/// How many deviations from that schema were looked at and found right.
const DEVIATIONS: usize = 0;

/// The labels that services of a compose file have.
fn labels_of(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match (name.as_str(), value) {
                    ("labels", Value::Array(list)) => found.extend(pairs(list)),
                    ("labels", Value::Object(map)) => {
                        let text = |value: &Value| {
                            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                        };
                        found.extend(map.iter().map(|(key, value)| (key.clone(), text(value))));
                    }
                    _ => labels_of(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| labels_of(value, found)),
        _ => {}
    }
}

fn pairs(list: &[Value]) -> impl Iterator<Item = (String, String)> {
    let texts = list.iter().filter_map(Value::as_str);
    let pairs = texts.map(|text| text.split_once('=').unwrap_or((text, "")));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in list(folder) {
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
            found.push(path);
        }
    }
}

/// The labels for Traefik in the compose files of a set, a dollar being written twice there.
fn labels_in(corpora: &Path, set: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    yaml_files(&corpora.join(set), &mut files);
    assert!(files.len() > 20, "{set} has {} files", files.len());
    let mut found = Vec::new();
    for path in files {
        let read = serde_yaml::from_str::<Value>(&text(&path));
        if let Ok(value) = read {
            labels_of(&value, &mut found);
        }
    }
    found.retain(|(key, _)| key.starts_with("traefik."));
    found.iter().map(|(key, value)| (key.clone(), value.replace("$$", "$"))).collect()
}

/// Whether a rule is understood; if it is not, it is said where and why.
fn is_understood(rule: &str, kind: RuleKind) -> bool {
    let parsed = rule::parse(rule, kind);
    for problem in &parsed.problems {
        assert!(!problem.message.is_empty() && rule.get(problem.at.clone()).is_some(), "{rule}");
    }
    let refused = parsed.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(parsed.rule.is_none(), refused, "{rule}: {:?}", parsed.problems);
    !refused
}

fn kind_of(key: &str) -> RuleKind {
    if key.starts_with("traefik.tcp.") { RuleKind::Tcp } else { RuleKind::Http }
}

#[test]
fn labels_and_rules_of_real_projects_are_understood() {
    let Some(corpora) = beside("STACKWRIGHT_CORPORA", "corpora") else { return };
    let sets = ["dokploy-templates", "docker-awesome-compose", "compose2nix-testdata"];
    let labels: Vec<Vec<(String, String)>> =
        sets.iter().map(|set| labels_in(&corpora, set)).collect();
    let keys: Vec<&str> = labels.iter().flatten().map(|(key, _)| key.as_str()).collect();
    let distinct: BTreeSet<&str> = keys.iter().copied().collect();
    let unknown: Vec<(&str, Why)> =
        distinct.iter().filter_map(|key| Some((*key, keys::check(key).err()?.why))).collect();
    println!("{} labels, {} distinct, unknown: {unknown:?}", keys.len(), distinct.len());
    assert_eq!((keys.len(), distinct.len()), (53, 39));
    assert_eq!(unknown, [("traefik.constraint-label-stack", Why::Unread)]);

    let rules = |labels: &[(String, String)]| -> Vec<(RuleKind, String)> {
        let rules = labels.iter().filter(|(key, _)| key.split('.').next_back() == Some("rule"));
        rules.map(|(key, rule)| (kind_of(key), rule.clone())).collect()
    };
    let mut all: Vec<Vec<(RuleKind, String)>> = labels.iter().map(|one| rules(one)).collect();
    all.push(reference_rules(&corpora, rules));
    let counts: Vec<usize> = all.iter().map(Vec::len).collect();
    let (understood, refused): (Vec<_>, Vec<_>) =
        all.iter().flatten().partition(|(kind, rule)| is_understood(rule, *kind));
    println!("rules {counts:?}: {} understood, {} refused", understood.len(), refused.len());
    assert_eq!(counts, [5, 1, 4, 8]);
    assert_eq!((understood.len(), refused.len()), (10, 8));
    // The reference has a word that is no rule in the place of each.
    assert!(refused.iter().all(|(_, rule)| rule == "foobar"), "{refused:?}");
}

/// The rules of Traefik's reference, of its labels and of its file.
fn reference_rules(
    corpora: &Path,
    rules: impl Fn(&[(String, String)]) -> Vec<(RuleKind, String)>,
) -> Vec<(RuleKind, String)> {
    let folder = corpora.join("traefik-reference/files");
    let labels: Vec<Value> =
        serde_yaml::from_str(&text(&folder.join("docker-labels.yml"))).unwrap();
    let file: Value = serde_yaml::from_str(&text(&folder.join("file.yaml"))).unwrap();
    let mut found = rules(&pairs(&labels).collect::<Vec<_>>());
    for (protocol, kind) in [("http", RuleKind::Http), ("tcp", RuleKind::Tcp)] {
        let routers = file[protocol]["routers"].as_object().unwrap().values();
        found.extend(routers.map(|router| (kind, router["rule"].as_str().unwrap().to_owned())));
    }
    found
}
