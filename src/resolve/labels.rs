//! The labels of a container: those that are given, and the routes in the words of Traefik.

use std::collections::BTreeMap;

use super::network::Joined;
use crate::check::Checked;
use crate::model::at::At;
use crate::model::layer::Additive;
use crate::model::meaning;
use crate::model::route::{Route, Scheme, TraefikLabels};
use crate::model::service::Service;

type Labels = BTreeMap<String, String>;

/// Labels: those that all share, the routes, and the service's own, the last one standing.
pub fn labels(checked: &Checked, service: &Service, joined: &Joined<'_>) -> Labels {
    let mut labels = Labels::new();
    if let Some(shared) = checked.stack().shared.get() {
        let shared = shared.labels.iter().map(|(name, _, value)| (name, &value.0.value));
        labels.extend(shared.map(|(name, value)| (name.to_owned(), value.clone())));
    }
    routes(checked, service, joined, &mut labels);
    let own = meaning::configuration(service).labels.iter();
    labels.extend(own.map(|(name, _, value)| (name.to_owned(), value.0.value.clone())));
    labels
}

fn routes(checked: &Checked, service: &Service, joined: &Joined<'_>, labels: &mut Labels) {
    let configuration = meaning::configuration(service);
    let simple = configuration.traefik_labels.get().map(|at| &at.value);
    let is_on = |simple: &&TraefikLabels| simple.enabled.is_none_or(|enabled| enabled.value);
    let single = simple.filter(is_on).map(single_route);
    let own = single.iter().map(|route| (service.name.as_str(), route));
    let named = configuration.routes.iter().map(|(name, _, route)| (name, route));
    let mut routes = own.chain(named).peekable();
    if routes.peek().is_none() {
        if simple.is_some() {
            labels.insert("traefik.enable".to_owned(), "false".to_owned());
        }
        return;
    }
    labels.insert("traefik.enable".to_owned(), "true".to_owned());
    if let Joined::Networks(networks) = joined
        && let [first, _, ..] = networks.as_slice()
    {
        // With several networks, Traefik would take the address in any of them.
        labels.insert("traefik.docker.network".to_owned(), first.podman_name.to_owned());
    }
    for (name, route) in routes {
        route_labels(&traefik_name(name), route, labels);
        for name in route.middlewares.iter() {
            middleware(checked, &name.value, labels);
        }
    }
}

/// The one route of `traefik_labels` in the form of those that have names.
fn single_route(simple: &TraefikLabels) -> Route {
    let entrypoints = simple.router_entrypoints.iter().flat_map(|list| {
        let names = list.value.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| At::new(name.to_owned(), list.span))
    });
    Route {
        rule: simple.router_rule.clone(),
        entrypoints: Additive(entrypoints.collect()),
        middlewares: simple.middlewares.clone(),
        tls: simple.tls,
        tls_certresolver: simple.tls_certresolver.clone(),
        port: simple.port,
        scheme: simple.scheme,
        priority: simple.priority,
        ..Route::default()
    }
}

/// Traefik makes a `-` of every sign in a name; saying so ourselves keeps references whole.
fn traefik_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// The same for a middleware, unless it is one of another provider, such as `auth@file`.
fn middleware_name(name: &str) -> String {
    if name.contains('@') { name.to_owned() } else { traefik_name(name) }
}

fn route_labels(name: &str, route: &Route, labels: &mut Labels) {
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            labels.insert(format!("traefik.http.{key}"), value);
        }
    };
    let router_key = |key: &str| format!("routers.{name}.{key}");
    let is_on = |switch: Option<At<bool>>| switch.is_some_and(|switch| switch.value);
    let list = |names: Vec<String>| Some(names.join(","));
    add(&router_key("rule"), route.rule.as_ref().map(ToString::to_string));
    add(
        &router_key("entrypoints"),
        list(route.entrypoints.iter().map(ToString::to_string).collect()),
    );
    let named = route.middlewares.iter().map(|name| middleware_name(&name.value));
    add(&router_key("middlewares"), list(named.collect()));
    add(&router_key("tls"), is_on(route.tls).then(|| "true".to_owned()));
    add(&router_key("tls.certresolver"), route.tls_certresolver.as_ref().map(ToString::to_string));
    add(&router_key("priority"), route.priority.map(|priority| priority.to_string()));
    // A router without a service is dropped as soon as the container has a second one.
    let service = route.service.as_ref().map_or(name.to_owned(), |at| traefik_name(at.as_str()));
    add(&router_key("service"), Some(service.clone()));
    let balancer = format!("services.{service}.loadbalancer");
    add(&format!("{balancer}.server.port"), route.port.map(|port| port.to_string()));
    let scheme = route.scheme.map(|scheme| match scheme.value {
        Scheme::Http => "http",
        Scheme::Https => "https",
        Scheme::H2c => "h2c",
    });
    add(&format!("{balancer}.server.scheme"), scheme.map(str::to_owned));
    add(&format!("{balancer}.sticky.cookie"), is_on(route.sticky).then(|| "true".to_owned()));
    if route.port.is_none() && route.scheme.is_none() && !is_on(route.sticky) {
        // Traefik makes the service of a container itself, by a name that it says here.
        add(&format!("{balancer}.passhostheader"), Some("true".to_owned()));
    }
}

/// A middleware that the stack defines; one with `@` or of another stack is only named.
fn middleware(checked: &Checked, name: &str, labels: &mut Labels) {
    let Some(written) = checked.stack().middlewares.get(name) else { return };
    let Some(kind) = &written.kind else { return };
    let name = middleware_name(name);
    let key = format!("traefik.http.middlewares.{name}.{}", kind.value);
    if written.options.is_empty() {
        labels.insert(key.clone(), "true".to_owned());
    }
    for (option, _, value) in written.options.iter() {
        labels.insert(format!("{key}.{option}"), value.0.value.clone());
    }
}
