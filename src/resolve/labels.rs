//! The labels of a container: those that are given, and the routes in the words of Traefik.

use std::collections::BTreeMap;

use super::route::{Middleware, Route, Routes};
use crate::check::Checked;
use crate::model::meaning;
use crate::model::service::Service;

/// Labels by their names.
pub type Labels = BTreeMap<String, String>;

/// Labels: those that all share, the routes, and the service's own, the last one standing.
pub fn labels(checked: &Checked, service: &Service, routes: &Routes<'_>) -> Labels {
    let mut labels = Labels::new();
    if let Some(shared) = checked.stack().shared.get() {
        let shared = shared.labels.iter().map(|(name, _, value)| (name, &value.0.value));
        labels.extend(shared.map(|(name, value)| (name.to_owned(), value.clone())));
    }
    labels.extend(of_routes(routes));
    let own = meaning::configuration(service).labels.iter();
    labels.extend(own.map(|(name, _, value)| (name.to_owned(), value.0.value.clone())));
    labels
}

/// What Traefik reads of a container.
fn of_routes(routes: &Routes<'_>) -> Labels {
    let mut labels = Labels::new();
    if let Some(enabled) = routes.enabled {
        labels.insert("traefik.enable".to_owned(), enabled.to_string());
    }
    if let Some(network) = routes.network {
        labels.insert("traefik.docker.network".to_owned(), network.to_owned());
    }
    routes.list.iter().for_each(|route| route_labels(route, &mut labels));
    labels.extend(middlewares(&routes.middlewares));
    labels
}

fn route_labels(route: &Route, labels: &mut Labels) {
    let mut add = |key: String, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            labels.insert(format!("traefik.http.{key}"), value);
        }
    };
    let router = |key: &str| format!("routers.{}.{key}", route.name);
    let yes = |on: bool| on.then(|| "true".to_owned());
    add(router("rule"), route.rule.clone());
    add(router("entrypoints"), Some(route.entrypoints.join(",")));
    add(router("middlewares"), Some(route.middlewares.join(",")));
    add(router("tls"), yes(route.tls));
    add(router("tls.certresolver"), route.resolver.clone());
    add(router("priority"), route.priority.map(|priority| priority.to_string()));
    // A router without a service is dropped as soon as the container has a second one.
    add(router("service"), Some(route.service.clone()));
    let balancer = |key: &str| format!("services.{}.loadbalancer.{key}", route.service);
    add(balancer("server.port"), route.port.map(|port| port.to_string()));
    add(balancer("server.scheme"), route.scheme.map(|scheme| scheme.word().to_owned()));
    add(balancer("server.weight"), route.weight.map(|weight| weight.to_string()));
    add(balancer("sticky.cookie"), yes(route.sticky));
    let has_port = route.port.is_some() || route.scheme.is_some() || route.weight.is_some();
    if !has_port && !route.sticky {
        // Traefik makes the service of a container itself, by a name that it says here.
        add(balancer("passhostheader"), yes(true));
    }
}

/// Middlewares in the words of Traefik's labels.
pub fn middlewares(middlewares: &BTreeMap<String, Middleware<'_>>) -> Labels {
    let mut labels = Labels::new();
    for (name, middleware) in middlewares {
        let key = format!("traefik.http.middlewares.{name}.{}", middleware.kind);
        if middleware.options.is_empty() {
            labels.insert(key.clone(), "true".to_owned());
        }
        for (option, value) in &middleware.options {
            labels.insert(format!("{key}.{option}"), (*value).to_owned());
        }
    }
    labels
}
