//! The routes of a stack as a dynamic configuration for Traefik's file provider.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{File, UNIT_MODE, yaml};
use crate::capability::traefik::{Tree, decode};
use crate::resolve::network::Joined;
use crate::resolve::route::Route;
use crate::resolve::{Resolved, Service, labels};

/// The file of a stack, or none where it has no routes: Traefik refuses an empty one.
pub fn emit(stack: &Resolved<'_>) -> Vec<File> {
    let mut http = Http::default();
    for service in &stack.services {
        for route in &service.routes.list {
            http.routers.entry(route.name.clone()).or_insert_with(|| router(route));
            http.services.entry(route.service.clone()).or_default().add(service, route);
        }
        let words = labels::middlewares(&service.routes.middlewares);
        http.middlewares.extend(middlewares(&words));
    }
    if http.routers.is_empty() {
        return Vec::new();
    }
    let version = env!("CARGO_PKG_VERSION");
    let head = format!(
        "# Made by stackwright {version} from {}, for the file provider of Traefik.\n\
         # A change made here is lost with the next one made there.\n",
        stack.origin
    );
    // Traefik fills its files in as templates of Go before it reads them.
    let text = yaml::document(&http.finish()).replace("{{", "{{`{{`}}");
    let contents = (head + &text).into_bytes();
    vec![File { path: format!("{}.yml", stack.name), contents, mode: UNIT_MODE }]
}

/// What stands under `http`, by the names of each.
#[derive(Default)]
struct Http {
    routers: BTreeMap<String, Value>,
    services: BTreeMap<String, Balancer>,
    middlewares: BTreeMap<String, Value>,
}

impl Http {
    fn finish(self) -> Value {
        let mut http = Map::new();
        http.insert("routers".to_owned(), self.routers.into_iter().collect());
        let services = self.services.into_iter().map(|(name, one)| (name, one.finish()));
        http.insert("services".to_owned(), services.collect());
        if !self.middlewares.is_empty() {
            http.insert("middlewares".to_owned(), self.middlewares.into_iter().collect());
        }
        json!({ "http": http })
    }
}

fn router(route: &Route) -> Value {
    let mut router = Map::new();
    let mut add = |key: &str, value: Value| router.insert(key.to_owned(), value);
    if let Some(rule) = &route.rule {
        add("rule", json!(rule));
    }
    if !route.entrypoints.is_empty() {
        add("entryPoints", json!(route.entrypoints));
    }
    if !route.middlewares.is_empty() {
        add("middlewares", json!(route.middlewares));
    }
    add("service", json!(route.service));
    if let Some(priority) = route.priority {
        add("priority", json!(priority));
    }
    match &route.resolver {
        Some(resolver) => drop(add("tls", json!({ "certResolver": resolver }))),
        None if route.tls => drop(add("tls", json!({}))),
        None => {}
    }
    Value::Object(router)
}

/// The containers behind a service.
#[derive(Default)]
struct Balancer {
    servers: Vec<Value>,
    sticky: bool,
}

impl Balancer {
    fn add(&mut self, service: &Service<'_>, route: &Route) {
        let host = match &service.joined {
            Joined::Of { container, .. } => container,
            _ => &service.container,
        };
        let scheme = route.scheme.map_or("http", |scheme| scheme.word());
        let port = route.only_port.map(|port| format!(":{port}")).unwrap_or_default();
        let url = format!("{scheme}://{host}{port}");
        let server = match route.weight {
            Some(weight) => json!({ "url": url, "weight": weight }),
            None => json!({ "url": url }),
        };
        // Several routers may lead to the same service.
        if !self.servers.contains(&server) {
            self.servers.push(server);
        }
        self.sticky |= route.sticky;
    }

    fn finish(self) -> Value {
        match self.sticky {
            true => json!({
                "loadBalancer": { "servers": self.servers, "sticky": { "cookie": {} } }
            }),
            false => json!({ "loadBalancer": { "servers": self.servers } }),
        }
    }
}

/// Middlewares as a file has them: what labels say flatly, with the types of each option.
fn middlewares(words: &labels::Labels) -> BTreeMap<String, Value> {
    let words = words.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let Tree::Map(mut root) = decode(words) else { return BTreeMap::new() };
    let Some(Tree::Map(mut http)) = root.remove("http") else { return BTreeMap::new() };
    let Some(Tree::Map(middlewares)) = http.remove("middlewares") else { return BTreeMap::new() };
    middlewares.into_iter().map(|(name, tree)| (name, value(tree))).collect()
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
