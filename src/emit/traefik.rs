//! The routes of a stack as a dynamic configuration for Traefik's file provider: what Traefik would
//! read from the labels, with the addresses that it would ask the engine for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{File, UNIT_MODE, yaml};
use crate::capability::traefik::{Tree, decode, is_hidden};
use crate::model::label::traefik_name;
use crate::resolve::network::Joined;
use crate::resolve::{Resolved, Service};

/// Settings by their names.
type Settings = BTreeMap<String, Tree>;

/// Routers, services and middlewares by their names.
type Sections = BTreeMap<String, Settings>;

/// The file of a stack, or none where it has no routes: Traefik refuses an empty one.
pub fn emit(stack: &Resolved<'_>) -> Vec<File> {
    let mut protocols: BTreeMap<String, Sections> = BTreeMap::new();
    for service in &stack.services {
        let labels = service.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        if is_hidden(labels.clone()) {
            continue;
        }
        for (protocol, sections) in maps(decode(labels)) {
            let mut own: Sections = maps(sections).map(|(name, of)| (name, settings(of))).collect();
            complete(&protocol, &mut own, service);
            lay(own, protocols.entry(protocol).or_default());
        }
    }
    if protocols.is_empty() {
        return Vec::new();
    }
    let version = env!("CARGO_PKG_VERSION");
    let head = format!(
        "# Made by stackwright {version} from {}, for the file provider of Traefik.\n\
         # A change made here is lost with the next one made there.\n",
        stack.origin
    );
    let map = |settings: Settings| value(Tree::Map(settings));
    let sections =
        |of: Sections| -> Value { of.into_iter().map(|(name, of)| (name, map(of))).collect() };
    let file: Value = protocols.into_iter().map(|(name, of)| (name, sections(of))).collect();
    // Traefik fills its files in as templates of Go before it reads them.
    let text = yaml::document(&file).replace("{{", "{{`{{`}}");
    let contents = (head + &text).into_bytes();
    vec![File { path: format!("{}.yml", stack.name), contents, mode: UNIT_MODE }]
}

fn settings(tree: Tree) -> Settings {
    match tree {
        Tree::Map(map) => map,
        _ => Settings::new(),
    }
}

fn maps(tree: Tree) -> impl Iterator<Item = (String, Tree)> {
    settings(tree).into_iter()
}

/// Adds what Traefik takes from the engine: a service for each router, and where it is.
fn complete(protocol: &str, own: &mut Sections, service: &Service<'_>) {
    let mut services = own.remove("services").unwrap_or_default();
    if let Some(routers) = own.get_mut("routers") {
        let only = match services.len() {
            0 => Some(traefik_name(&service.container)),
            1 => services.keys().next().cloned(),
            _ => None,
        };
        for router in routers.values_mut() {
            let (Tree::Map(router), Some(only)) = (router, &only) else { continue };
            router.entry("service".to_owned()).or_insert_with(|| Tree::Text(only.clone()));
        }
        if let Some(only) = only {
            services.entry(only).or_insert_with(|| Tree::Map(Settings::new()));
        }
    }
    for tree in services.values_mut() {
        let mut one = settings(std::mem::replace(tree, Tree::Bool(true)));
        let mut balancer = one.remove("loadBalancer").map(settings).unwrap_or_default();
        let server = match balancer.remove("servers") {
            Some(Tree::List(servers)) => servers.into_iter().next().map(settings),
            _ => None,
        };
        let server = address(protocol, server.unwrap_or_default(), service);
        balancer.insert("servers".to_owned(), Tree::List(vec![Tree::Map(server)]));
        one.insert("loadBalancer".to_owned(), Tree::Map(balancer));
        *tree = Tree::Map(one);
    }
    if !services.is_empty() {
        own.insert("services".to_owned(), services);
    }
}

/// A server as a file has it: its address in place of its port.
fn address(protocol: &str, mut server: Settings, service: &Service<'_>) -> Settings {
    let mut take = |name: &str| match server.remove(name) {
        Some(Tree::Text(text)) => Some(text),
        _ => None,
    };
    let host = match &service.joined {
        Joined::Of { container, .. } => container,
        _ => &service.container,
    };
    let port = take("port").or(service.port.map(|port| port.to_string()));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let (key, address) = match protocol {
        "http" => {
            let scheme = take("scheme").unwrap_or_else(|| "http".to_owned());
            ("url", take("url").unwrap_or_else(|| format!("{scheme}://{host}{port}")))
        }
        _ => ("address", format!("{host}{port}")),
    };
    server.insert(key.to_owned(), Tree::Text(address));
    server
}

/// Lays what one container says beside what others said; several may be behind one service.
fn lay(own: Sections, all: &mut Sections) {
    for (section, own) in own {
        let all = all.entry(section).or_default();
        for (name, mut tree) in own {
            match (all.get_mut(&name).and_then(servers), servers(&mut tree)) {
                (Some(known), Some(more)) => {
                    more.retain(|server| !known.contains(server));
                    known.append(more);
                }
                _ => drop(all.entry(name).or_insert(tree)),
            }
        }
    }
}

/// The servers of a service.
fn servers(tree: &mut Tree) -> Option<&mut Vec<Tree>> {
    let Tree::Map(service) = tree else { return None };
    let Some(Tree::Map(balancer)) = service.get_mut("loadBalancer") else { return None };
    match balancer.get_mut("servers") {
        Some(Tree::List(servers)) => Some(servers),
        _ => None,
    }
}

fn value(tree: Tree) -> Value {
    match tree {
        Tree::Map(map) => map.into_iter().map(|(name, tree)| (name, value(tree))).collect(),
        Tree::List(list) => list.into_iter().map(value).collect(),
        Tree::Text(text) => Value::String(text),
        Tree::Number(number) => json!(number),
        Tree::Bool(on) => json!(on),
    }
}
