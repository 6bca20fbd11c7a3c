//! What containers say to Traefik: the routers, services and middlewares that it makes of labels.

use std::collections::BTreeMap;
use std::fmt;

use super::part;
use crate::capability::traefik::keys::{self, Step};
use crate::capability::traefik::{Tree, decode, is_hidden};
use crate::check::View;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::label::{Label, labels, traefik_name};
use crate::model::meaning;
use crate::model::service::Service;
use crate::report::human::escape;
use crate::source::Span;

/// What one service says, for all of its containers.
pub struct Said<'v> {
    /// The stack that it belongs to.
    pub view: &'v View<'v>,
    /// The service.
    pub service: &'v At<Service>,
    /// How it runs.
    pub configuration: &'v Configuration,
    /// In which network Traefik is to find it, where that is said.
    pub network: Option<Label>,
    /// What Traefik makes of it.
    pub things: BTreeMap<Id, Thing>,
    /// The services that are named, by their protocols.
    pub named: BTreeMap<&'static str, Vec<String>>,
}

/// By what Traefik tells things apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// `http`, `tcp`, `udp` or `tls`.
    pub protocol: &'static str,
    /// `routers`, `services` or `middlewares`.
    pub section: &'static str,
    /// The name.
    pub name: String,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.section.strip_suffix('s').unwrap_or(self.section);
        write!(f, "{kind} `{}`", escape(&self.name))
    }
}

/// A router, a service or a middleware.
pub struct Thing {
    /// Where it is said first that there is one.
    pub place: Span,
    /// Its settings by their names in a file, such as `tls.certResolver`.
    pub settings: BTreeMap<String, Label>,
    /// All of it as a file has it.
    pub content: Tree,
}

impl Thing {
    /// The value of a setting.
    pub fn text(&self, setting: &str) -> Option<String> {
        self.settings.get(setting).map(Label::text)
    }

    /// The names in a list, each with its place.
    pub fn names(&self, setting: &str) -> Vec<At<String>> {
        let parts = self.settings.get(setting).into_iter().flat_map(|label| &label.parts);
        let names = parts.flat_map(|text| {
            let mut start = 0;
            text.value.split(',').map(move |item| {
                let name = item.trim();
                let begin = start + item.len() - item.trim_start().len();
                start += item.len() + 1;
                At::new(name.to_owned(), part(text, &(begin..begin + name.len())))
            })
        });
        names.filter(|name| !name.value.is_empty()).collect()
    }

    /// A setting of its content.
    pub fn setting(&self, name: &str) -> Option<&Tree> {
        match &self.content {
            Tree::Map(map) => map.get(name),
            _ => None,
        }
    }
}

impl Said<'_> {
    /// The things of one section, over all protocols.
    pub fn of(&self, section: &'static str) -> impl Iterator<Item = (&Id, &Thing)> {
        self.things.iter().filter(move |(id, _)| id.section == section)
    }

    /// The names of the services that Traefik makes for a protocol: one where none is named.
    pub fn services(&self, protocol: &str) -> Vec<String> {
        let containers = || meaning::containers(self.service).into_iter();
        match self.named.get(protocol) {
            Some(named) => named.clone(),
            None => containers().map(|(name, _)| traefik_name(&name)).collect(),
        }
    }

    /// Whether it is known which port of the container a router leads to.
    pub fn has_port(&self, router: (&Id, &Thing)) -> bool {
        let (protocol, section) = (router.0.protocol, "services");
        let only = || self.named.get(protocol).and_then(|named| named.first().cloned());
        let name = router.1.text("service").or_else(only).unwrap_or_default();
        let service = self.things.get(&Id { protocol, section, name });
        let server = |name: &str| format!("loadBalancer.servers[0].{name}");
        let said = |service: &Thing| {
            ["port", "url"].iter().any(|name| service.settings.contains_key(&server(name)))
        };
        service.is_some_and(said) || meaning::only_port(self.configuration).is_some()
    }
}

/// What the services of a stack say; those that Traefik is not to see say nothing.
pub fn said<'v>(view: &'v View<'v>) -> Vec<Said<'v>> {
    let services = view.configured().filter_map(|(service, configuration)| {
        let mut labels = labels(view.stack, service);
        labels.retain(|key, _| key.starts_with("traefik."));
        let texts: Vec<(&str, String)> =
            labels.iter().map(|(key, label)| (key.as_str(), label.text())).collect();
        let texts = texts.iter().map(|(key, text)| (*key, text.as_str()));
        if labels.is_empty() || is_hidden(texts.clone()) {
            return None;
        }
        let mut things = things(&labels);
        let content = decode(texts);
        for (id, thing) in &mut things {
            let path = [id.protocol, id.section, &id.name];
            let found = path.iter().try_fold(&content, |tree, name| match tree {
                Tree::Map(map) => map.get(*name),
                _ => None,
            });
            thing.content = found.cloned().unwrap_or(Tree::Bool(false));
        }
        let network = labels.remove("traefik.docker.network");
        let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for id in things.keys().filter(|id| id.section == "services") {
            named.entry(id.protocol).or_default().push(id.name.clone());
        }
        Some(Said { view, service, configuration, network, things, named })
    });
    services.collect()
}

fn things(labels: &BTreeMap<String, Label>) -> BTreeMap<Id, Thing> {
    let mut things: BTreeMap<Id, Thing> = BTreeMap::new();
    for (key, label) in labels {
        let Ok(known) = keys::check(key) else { continue };
        let [Step::Field(protocol), Step::Field(section), Step::Name(name), rest @ ..] =
            known.steps.as_slice()
        else {
            continue;
        };
        let id = Id { protocol, section, name: (*name).to_owned() };
        let thing = things.entry(id).or_insert_with(|| Thing {
            place: label.place,
            settings: BTreeMap::new(),
            content: Tree::Bool(false),
        });
        thing.settings.insert(keys::spelling(rest), label.clone());
    }
    things
}
