//! The labels of a container, the routes among them in the words of Traefik, each with its place.

use std::collections::{BTreeMap, BTreeSet};

use super::Stack;
use super::at::At;
use super::meaning;
use super::route::{Middleware, Route};
use super::service::Service;
use super::variable::Plain;
use crate::source::Span;

/// The value of a label.
#[derive(Debug, Clone)]
pub struct Label {
    /// Where it is said that there is such a thing: the key, or the name of the route.
    pub place: Span,
    /// The value, in parts that stand in the file by themselves; commas join them.
    pub parts: Vec<At<String>>,
}

impl Label {
    /// The whole value.
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|part| part.value.as_str()).collect();
        parts.join(",")
    }

    /// Where the value stands, or its first part.
    pub fn span(&self) -> Span {
        self.parts.first().map_or(self.place, |part| part.span)
    }
}

/// Labels by their names.
pub type Labels = BTreeMap<String, Label>;

/// Labels: those that all share, the routes, and the service's own, the last one standing.
pub fn labels(stack: &Stack, service: &Service) -> Labels {
    let mut labels = Labels::new();
    let given = |labels: &mut Labels, name: &str, place, value: &Plain| {
        labels.insert(name.to_owned(), Label { place, parts: vec![value.0.clone()] });
    };
    if let Some(shared) = stack.shared.get() {
        shared.labels.iter().for_each(|(name, at, value)| given(&mut labels, name, at, value));
    }
    of_routes(stack, service, &mut labels);
    let own = meaning::configuration(service).labels.iter();
    own.for_each(|(name, at, value)| given(&mut labels, name, at, value));
    labels
}

/// What Traefik reads of a service; nothing is said where nothing was asked.
fn of_routes(stack: &Stack, service: &Service, labels: &mut Labels) {
    let routes = meaning::routes(service);
    let asked = meaning::configuration(service).traefik_labels.get();
    if let Some(place) = routes.first().map(|(_, place, _)| *place).or(asked.map(|at| at.span)) {
        let enabled = At::new((!routes.is_empty()).to_string(), place);
        labels.insert("traefik.enable".to_owned(), Label { place, parts: vec![enabled] });
    }
    let mut used = Vec::new();
    for (name, place, written) in &routes {
        route(stack, name, *place, written, labels);
        used.extend(written.middlewares.iter().map(|name| name.value.as_str()));
    }
    middlewares(stack, used, labels);
}

fn route(stack: &Stack, name: &str, place: Span, route: &Route, labels: &mut Labels) {
    let name = traefik_name(name);
    let mut add = |key: String, parts: Vec<At<String>>| {
        if parts.iter().any(|part| !part.value.is_empty()) {
            labels.insert(format!("traefik.http.{key}"), Label { place, parts });
        }
    };
    let said = |value: &str| vec![At::new(value.to_owned(), place)];
    let router = |key: &str| format!("routers.{name}.{key}");
    add(router("rule"), route.rule.iter().cloned().collect());
    add(router("entrypoints"), route.entrypoints.0.clone());
    let through = route.middlewares.iter();
    let through = through.map(|at| At::new(middleware_name(stack, &at.value), at.span));
    add(router("middlewares"), through.collect());
    add(router("tls"), one(route.tls, |tls| tls.to_string()));
    add(router("tls.certresolver"), route.tls_certresolver.iter().cloned().collect());
    add(router("priority"), one(route.priority, |priority| priority.to_string()));
    // A router without a service is dropped as soon as the container has a second one.
    let given = route.service.as_ref().map(|at| At::new(traefik_name(at.as_str()), at.span));
    let service = given.as_ref().map_or(name.clone(), |at| at.value.clone());
    add(router("service"), given.map_or(said(&service), |at| vec![at]));
    let balancer = |key: &str| format!("services.{service}.loadbalancer.{key}");
    add(balancer("server.port"), one(route.port, |port| port.to_string()));
    add(balancer("server.scheme"), one(route.scheme, |scheme| scheme.word().to_owned()));
    add(balancer("server.weight"), one(route.weight, |weight| weight.to_string()));
    let sticky = route.sticky.filter(|sticky| sticky.value);
    add(balancer("sticky.cookie"), one(sticky, |sticky| sticky.to_string()));
    let has_port = route.port.is_some() || route.scheme.is_some() || route.weight.is_some();
    if !has_port && sticky.is_none() {
        // Traefik makes the service of a container itself, by a name that it says here.
        add(balancer("passhostheader"), said("true"));
    }
}

fn one<T>(value: Option<At<T>>, text: impl Fn(T) -> String) -> Vec<At<String>> {
    value.into_iter().map(|at| At::new(text(at.value), at.span)).collect()
}

/// The middlewares of the stack that are used; those with `@` and of other stacks are only named.
fn middlewares<'s>(stack: &'s Stack, mut used: Vec<&'s str>, labels: &mut Labels) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(name) = used.pop() {
        let Some((name, place, written)) = own_middleware(stack, name) else { continue };
        let Some(kind) = written.kind.as_ref().filter(|_| seen.insert(name)) else {
            continue;
        };
        let key = format!("traefik.http.middlewares.{}.{}", traefik_name(name), kind.value);
        if written.options.is_empty() {
            let parts = vec![At::new("true".to_owned(), kind.span)];
            labels.insert(key.clone(), Label { place, parts });
        }
        for (option, _, Plain(value)) in written.options.iter() {
            let mut parts = vec![value.clone()];
            // A chain names middlewares that may be the stack's own too.
            if is_chain(written, option) {
                let names = value.value.split(',').map(str::trim);
                used.extend(names.clone());
                let names: Vec<String> = names.map(|name| middleware_name(stack, name)).collect();
                parts = vec![At::new(names.join(","), value.span)];
            }
            labels.insert(format!("{key}.{option}"), Label { place, parts });
        }
    }
}

fn is_chain(middleware: &Middleware, option: &str) -> bool {
    let kind = middleware.kind.as_ref().map_or("", |kind| kind.value.as_str());
    kind.eq_ignore_ascii_case("chain") && option.eq_ignore_ascii_case("middlewares")
}

/// The middleware of the stack that a name means, with its own name and place.
fn own_middleware<'s>(stack: &'s Stack, name: &str) -> Option<(&'s str, Span, &'s Middleware)> {
    // What labels define is `NAME@docker` for everybody, and `NAME` among themselves.
    let name = name.strip_suffix("@docker").unwrap_or(name);
    let (name, (span, written)) = stack.middlewares.0.get_key_value(name)?;
    Some((name, *span, written))
}

/// The name of a middleware, unless it is one of another provider, such as `auth@file`.
fn middleware_name(stack: &Stack, name: &str) -> String {
    match own_middleware(stack, name) {
        Some((name, ..)) => traefik_name(name),
        None if name.contains('@') => name.to_owned(),
        None => traefik_name(name),
    }
}

/// Traefik makes a `-` of every sign in a name; saying so ourselves keeps references whole.
pub fn traefik_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
