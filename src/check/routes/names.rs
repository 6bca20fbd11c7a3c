//! Names in Traefik: what is referred to is there, and what is there has a name of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::middleware;
use super::said::{Id, Said, Thing};
use crate::capability::traefik::Tree;
use crate::check::{View, did_you_mean};
use crate::model::at::At;
use crate::model::label::traefik_name;
use crate::model::meaning;
use crate::model::route::Middleware;
use crate::report::code::routes as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks the names of all containers, which share one Traefik.
pub fn check(views: &[View<'_>], all: &[Said<'_>], all_known: bool, findings: &mut Findings) {
    for said in all {
        without_service(said, findings);
    }
    clashes(all, findings);
    if views.iter().any(|view| view.incomplete) {
        return;
    }
    let given = Given::new(views, all, all_known);
    for said in all {
        for (id, thing) in &said.things {
            let settings: &[(&str, &'static str)] = match id.section {
                "routers" => &[("middlewares", "middlewares"), ("service", "services")],
                _ => &[("chain.middlewares", "middlewares"), ("errors.service", "services")],
            };
            for (setting, section) in settings {
                for name in thing.names(setting) {
                    let id = Id { protocol: id.protocol, section, name: name.value.clone() };
                    given.refers(said, id, name.span, findings);
                }
            }
        }
    }
}

/// The names that are given.
struct Given<'v> {
    /// Those of Traefik, by protocol and section.
    names: BTreeMap<(&'static str, &'static str), BTreeSet<String>>,
    /// The middlewares of stacks, with the stack, whether a label speaks of them or not.
    middlewares: BTreeMap<String, (&'v str, &'v Middleware)>,
    /// The stacks that are read here.
    stacks: BTreeSet<&'v str>,
    /// Whether these are all that there are.
    all_known: bool,
}

impl<'v> Given<'v> {
    fn new(views: &'v [View<'v>], all: &[Said<'_>], all_known: bool) -> Self {
        let mut names: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for said in all {
            for id in said.things.keys() {
                names.entry((id.protocol, id.section)).or_default().insert(id.name.clone());
            }
            for protocol in ["http", "tcp", "udp"] {
                names.entry((protocol, "services")).or_default().extend(said.services(protocol));
            }
        }
        let middlewares = views.iter().flat_map(|view| {
            let middlewares = view.stack.middlewares.iter();
            middlewares.map(|(name, _, written)| (traefik_name(name), (view.name, written)))
        });
        let stacks = views.iter().map(|view| view.name).collect();
        Self { names, middlewares: middlewares.collect(), stacks, all_known }
    }

    /// What is referred to by a name is defined by somebody.
    fn refers(&self, said: &Said<'_>, mut id: Id, span: Span, findings: &mut Findings) {
        // What other providers have, nobody knows here.
        if let Some(bare) = id.name.strip_suffix("@docker") {
            id.name = bare.to_owned();
        }
        let known = self.names.get(&(id.protocol, id.section));
        let is_known = known.is_some_and(|known| known.contains(&id.name));
        if is_known || id.name.contains('@') || said.view.is_lost(id.section, &id.name) {
            return;
        }
        let told = |message| Diagnostic::new(&code::UNDEFINED, span, message);
        let unused = self.middlewares.get(&id.name).filter(|_| id.section == "middlewares");
        if let Some((stack, written)) = unused {
            // Of what Traefik does not know, that is told.
            if middleware::is_known(written) {
                let message = format!("{id} reaches Traefik by no label of stack `{stack}`");
                let help = format!("let a route of `{stack}` go through it, or define it here");
                findings.add(told(message).help(help));
            }
            return;
        }
        let names = known.into_iter().flatten().map(String::as_str);
        let near = did_you_mean(&id.name, names, findings).map(|help| escape(&help).into_owned());
        // A stack that is required, and is not read here, may have it.
        let info = said.view.stack.stack.get();
        let mut required = info.into_iter().flat_map(|info| info.requires.iter());
        let elsewhere = required.any(|name| !self.stacks.contains(name.as_str()));
        if near.is_none() && !self.all_known && elsewhere {
            return;
        }
        let message = format!("{id} is defined by no stack that is read here");
        let place = if id.section == "middlewares" { " under `middlewares`" } else { "" };
        let other = format!("`{}@file`", escape(&id.name));
        let usual = || format!("define it{place}, or say who has it, as in {other}");
        findings.add(told(message).help(near.unwrap_or_else(usual)));
    }
}

/// Traefik leaves out a router that could mean several services.
fn without_service(said: &Said<'_>, findings: &mut Findings) {
    for (id, router) in said.of("routers") {
        let services = said.named.get(id.protocol).map_or(&[][..], Vec::as_slice);
        if router.settings.contains_key("service") || services.len() < 2 {
            continue;
        }
        let message =
            format!("{id} does not say which of the {} services it means", services.len());
        let diagnostic = Diagnostic::new(&code::WITHOUT_SERVICE, router.place, message);
        let some = services.iter().take(4).map(|name| format!("`{}`", escape(name)));
        let some: Vec<String> = some.collect();
        let label = format!("traefik.{}.routers.{}.service", id.protocol, escape(&id.name));
        findings.add(diagnostic.help(format!("add the label `{label}`: {}", some.join(", "))));
    }
}

/// Tells what two containers define by one name and not alike.
fn clashes(all: &[Said<'_>], findings: &mut Findings) {
    let mut seen: BTreeMap<&Id, (&Said<'_>, &Thing)> = BTreeMap::new();
    for said in all {
        for (id, thing) in said.things.iter().filter(|(id, _)| id.protocol != "tls") {
            let Some((other, first)) = seen.get(id).copied() else {
                seen.insert(id, (said, thing));
                continue;
            };
            if shared(id, thing) == shared(id, first) {
                continue;
            }
            let stack = match other.view.name == said.view.name {
                true => String::new(),
                false => format!(" of stack `{}`", other.view.name),
            };
            let service = &other.service.name;
            let message = format!("{id} is another one in `{service}`{stack}, Traefik drops both");
            let diagnostic = Diagnostic::new(&code::SAME_NAME, thing.place, message);
            let help = "give one of them another name, or let both say the same";
            findings.add(diagnostic.label(first.place, "the other one").help(help));
        }
    }
}

/// What has to be alike where several containers define one thing: of services, all but servers.
fn shared(id: &Id, thing: &Thing) -> Tree {
    let mut content = thing.content.clone();
    if let (Tree::Map(map), "services") = (&mut content, id.section)
        && let Some(Tree::Map(balancer)) = map.get_mut("loadBalancer")
    {
        balancer.remove("servers");
        // That is what holds anyway.
        balancer.retain(|name, value| name != "passHostHeader" || *value != Tree::Bool(true));
    }
    content
}

/// Tells names of one stack of which Traefik would make one, and ports that one service cannot
/// have at once.
pub fn of_stack(view: &View<'_>, findings: &mut Findings) {
    let middlewares = view.stack.middlewares.iter();
    alike("middleware", middlewares.map(|(name, at, _)| (name, at)), findings);
    for service in &view.services {
        let routes = meaning::routes(service);
        alike("route", routes.iter().map(|(name, at, _)| (*name, *at)), findings);
        let mut ports: BTreeMap<String, At<u32>> = BTreeMap::new();
        for (_, _, route) in &routes {
            let (Some(name), Some(port)) = (&route.service, route.port) else { continue };
            let first = *ports.entry(traefik_name(name.as_str())).or_insert(port);
            if first.value != port.value {
                let message = format!("service `{name}` of Traefik has port {first} already");
                let diagnostic = Diagnostic::new(&code::SAME_NAME, port.span, message);
                let help = "give this route a `service` of its own, or the same port";
                findings.add(diagnostic.label(first.span, "said here").help(help));
            }
        }
    }
}

fn alike<'n>(kind: &str, names: impl Iterator<Item = (&'n str, Span)>, findings: &mut Findings) {
    let mut seen: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for (name, span) in names {
        if let Some((other, first)) = seen.insert(traefik_name(name), (name, span)) {
            let (name, other) = (escape(name), escape(other));
            let message = format!("{kind} `{name}` is `{other}` to Traefik, signs are `-` there");
            let message = match name == other {
                true => format!("{kind} `{name}` is given twice"),
                false => message,
            };
            let diagnostic = Diagnostic::new(&code::SAME_NAME, span, message);
            findings.add(diagnostic.label(first, "the other one").help("give it another name"));
        }
    }
}
