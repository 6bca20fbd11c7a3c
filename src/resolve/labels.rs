//! The labels of a container: those that are given, and the routes in the words of Traefik.

use std::collections::BTreeMap;

use super::network::Joined;
use crate::check::Checked;
use crate::model::configuration::Configuration;
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

/// One router of Traefik, whatever it was written as.
struct Router<'c> {
    name: String,
    rule: Option<&'c str>,
    entrypoints: String,
    middlewares: Vec<&'c str>,
    tls: bool,
    resolver: Option<&'c str>,
    port: Option<u32>,
    scheme: Option<Scheme>,
    priority: Option<i64>,
    sticky: bool,
    service: String,
}

fn routes(checked: &Checked, service: &Service, joined: &Joined<'_>, labels: &mut Labels) {
    let configuration = meaning::configuration(service);
    let simple = configuration.traefik_labels.get().map(|at| &at.value);
    let is_on = |simple: &&TraefikLabels| simple.enabled.is_none_or(|enabled| enabled.value);
    let routers = routers(service, configuration, simple.filter(is_on));
    if routers.is_empty() {
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
    for router in &routers {
        router_labels(router, labels);
        for name in &router.middlewares {
            middleware(checked, name, labels);
        }
    }
}

fn routers<'c>(
    service: &'c Service,
    configuration: &'c Configuration,
    simple: Option<&'c TraefikLabels>,
) -> Vec<Router<'c>> {
    let own = traefik_name(service.name.as_str());
    let simple = simple.map(|simple| simple_router(&own, simple));
    let routes = configuration.routes.iter().map(|(name, _, route)| named_router(name, route));
    simple.into_iter().chain(routes).collect()
}

fn simple_router<'c>(name: &str, written: &'c TraefikLabels) -> Router<'c> {
    let entrypoints = written.router_entrypoints.as_ref().map(|at| at.value.as_str());
    let entrypoints = entrypoints.unwrap_or("").split(',').map(str::trim);
    Router {
        name: name.to_owned(),
        rule: written.router_rule.as_ref().map(|at| at.value.as_str()),
        entrypoints: entrypoints.filter(|one| !one.is_empty()).collect::<Vec<_>>().join(","),
        middlewares: written.middlewares.iter().map(|at| at.value.as_str()).collect(),
        tls: written.tls.is_some_and(|at| at.value),
        resolver: written.tls_certresolver.as_ref().map(|at| at.value.as_str()),
        port: written.port.map(|at| at.value),
        scheme: written.scheme.map(|at| at.value),
        priority: written.priority.map(|at| at.value),
        sticky: false,
        service: name.to_owned(),
    }
}

fn named_router<'c>(name: &str, written: &'c Route) -> Router<'c> {
    let name = traefik_name(name);
    let given = written.service.as_ref().map(|at| traefik_name(at.as_str()));
    let entrypoints: Vec<&str> = written.entrypoints.iter().map(|at| at.value.as_str()).collect();
    Router {
        rule: written.rule.as_ref().map(|at| at.value.as_str()),
        entrypoints: entrypoints.join(","),
        middlewares: written.middlewares.iter().map(|at| at.value.as_str()).collect(),
        tls: written.tls.is_some_and(|at| at.value),
        resolver: written.tls_certresolver.as_ref().map(|at| at.value.as_str()),
        port: written.port.map(|at| at.value),
        scheme: written.scheme.map(|at| at.value),
        priority: written.priority.map(|at| at.value),
        sticky: written.sticky.is_some_and(|at| at.value),
        service: given.unwrap_or_else(|| name.clone()),
        name,
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

fn router_labels(router: &Router<'_>, labels: &mut Labels) {
    let Router { name, rule, entrypoints, middlewares, tls, resolver, .. } = router;
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            labels.insert(format!("traefik.http.{key}"), value);
        }
    };
    let router_key = |key: &str| format!("routers.{name}.{key}");
    add(&router_key("rule"), rule.map(str::to_owned));
    add(&router_key("entrypoints"), Some(entrypoints.clone()));
    let named = middlewares.iter().map(|name| middleware_name(name));
    add(&router_key("middlewares"), Some(named.collect::<Vec<_>>().join(",")));
    add(&router_key("tls"), tls.then(|| "true".to_owned()));
    add(&router_key("tls.certresolver"), resolver.map(str::to_owned));
    add(&router_key("priority"), router.priority.map(|priority| priority.to_string()));
    // A router without a service is dropped as soon as the container has a second one.
    add(&router_key("service"), Some(router.service.clone()));
    let balancer = format!("services.{}.loadbalancer", router.service);
    add(&format!("{balancer}.server.port"), router.port.map(|port| port.to_string()));
    let scheme = router.scheme.map(|scheme| match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
        Scheme::H2c => "h2c",
    });
    add(&format!("{balancer}.server.scheme"), scheme.map(str::to_owned));
    add(&format!("{balancer}.sticky.cookie"), router.sticky.then(|| "true".to_owned()));
    if router.port.is_none() && router.scheme.is_none() && !router.sticky {
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
