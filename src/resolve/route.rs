//! What Traefik is to know about a container: routers, the services behind them, middlewares.

use std::collections::BTreeMap;

use super::network::Joined;
use crate::check::Checked;
use crate::model::configuration::Configuration;
use crate::model::meaning;
use crate::model::route::{Route as Written, Scheme};
use crate::model::service::Service;

/// What Traefik is to know about one container.
#[derive(Debug, Default)]
pub struct Routes<'c> {
    /// Whether Traefik looks at the container; nothing is said where nothing was asked.
    pub enabled: Option<bool>,
    /// The network in which Traefik finds it, where it is in several.
    pub network: Option<&'c str>,
    /// Its routes, each a router with the service behind it.
    pub list: Vec<Route>,
    /// The middlewares of the stack that its routes go through, in the order of their names.
    pub middlewares: BTreeMap<String, Middleware<'c>>,
}

/// A router, and the service that it leads to.
#[derive(Debug)]
pub struct Route {
    /// Its name in Traefik.
    pub name: String,
    /// Which requests it takes.
    pub rule: Option<String>,
    /// The entry points it listens on.
    pub entrypoints: Vec<String>,
    /// The middlewares a request goes through.
    pub middlewares: Vec<String>,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Who resolves its certificate.
    pub resolver: Option<String>,
    /// Its weight against other routers.
    pub priority: Option<i64>,
    /// The name of the service in Traefik.
    pub service: String,
    /// The port of the container, where it is given.
    pub port: Option<u32>,
    /// The port of the container, also where there is only one that can be meant.
    pub only_port: Option<u32>,
    /// How the container is spoken to.
    pub scheme: Option<Scheme>,
    /// Its share of the requests, against others behind the same service.
    pub weight: Option<u32>,
    /// Whether a visitor stays with one container.
    pub sticky: bool,
}

/// A middleware that the stack defines.
#[derive(Debug)]
pub struct Middleware<'c> {
    /// Its kind.
    pub kind: &'c str,
    /// Its options by their dotted names.
    pub options: Vec<(&'c str, &'c str)>,
}

/// The routes of a service.
pub fn routes<'c>(checked: &'c Checked, service: &'c Service, joined: &Joined<'c>) -> Routes<'c> {
    let configuration = meaning::configuration(service);
    let simple = configuration.traefik_labels.get();
    let written = meaning::routes(service);
    let mut routes = Routes::default();
    if written.is_empty() {
        routes.enabled = simple.is_some().then_some(false);
        return routes;
    }
    routes.enabled = Some(true);
    if let Joined::Networks(networks) = joined
        && networks.len() > 1
    {
        // Traefik would take the address in any of them. It is of another stack most of the time,
        // so that a network which must exist is the likelier one to lead to it.
        let outer = networks.iter().find(|network| network.unit.is_none());
        routes.network = outer.or(networks.first()).map(|network| network.podman_name);
    }
    for (name, route) in &written {
        for name in route.middlewares.iter() {
            middleware(checked, &name.value, &mut routes);
        }
        routes.list.push(settle(name, route, configuration));
    }
    routes
}

fn settle(name: &str, route: &Written, configuration: &Configuration) -> Route {
    let name = traefik_name(name);
    let is_on = |switch: Option<crate::model::at::At<bool>>| switch.is_some_and(|at| at.value);
    Route {
        rule: route.rule.as_ref().map(ToString::to_string),
        entrypoints: route.entrypoints.iter().map(ToString::to_string).collect(),
        middlewares: route.middlewares.iter().map(|name| middleware_name(&name.value)).collect(),
        tls: is_on(route.tls),
        resolver: route.tls_certresolver.as_ref().map(ToString::to_string),
        priority: route.priority.map(|priority| priority.value),
        service: route.service.as_ref().map_or(name.clone(), |at| traefik_name(at.as_str())),
        port: route.port.map(|port| port.value),
        only_port: meaning::route_port(route, configuration),
        scheme: route.scheme.map(|scheme| scheme.value),
        weight: route.weight.map(|weight| weight.value),
        sticky: is_on(route.sticky),
        name,
    }
}

/// A middleware that the stack defines; one with `@` or of another stack is only named.
fn middleware<'c>(checked: &'c Checked, name: &str, routes: &mut Routes<'c>) {
    let Some(written) = checked.stack().middlewares.get(name) else { return };
    let Some(kind) = &written.kind else { return };
    let options = written.options.iter();
    let options = options.map(|(name, _, value)| (name, value.0.value.as_str())).collect();
    routes.middlewares.insert(middleware_name(name), Middleware { kind: &kind.value, options });
    // A chain names middlewares that may be the stack's own too.
    if kind.value.eq_ignore_ascii_case("chain")
        && let Some(crate::model::variable::Plain(names)) = written.options.get("middlewares")
    {
        for name in names.value.split(',').map(str::trim) {
            if !routes.middlewares.contains_key(&middleware_name(name)) {
                middleware(checked, name, routes);
            }
        }
    }
}

/// Traefik makes a `-` of every sign in a name; saying so ourselves keeps references whole.
pub fn traefik_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// The same for a middleware, unless it is one of another provider, such as `auth@file`.
fn middleware_name(name: &str) -> String {
    if name.contains('@') { name.to_owned() } else { traefik_name(name) }
}
