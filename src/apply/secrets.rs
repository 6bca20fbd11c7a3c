//! Secrets that a stack says where to take from: made when they are missing, given another value
//! when their source has one. A value goes to Podman through a pipe and is kept nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::change::{Fault, Host};
use crate::host::containers::SecretValue;
use crate::plan::STACK_LABEL;

/// A secret with its source.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in Podman.
    pub name: String,
    /// Where its value comes from.
    pub origin: Origin,
}

/// Where the value of a secret comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// It is known.
    Given(SecretValue),
    /// It is made up once, of so many characters out of these.
    Made(usize, &'static [u8]),
    /// It cannot be had here, and this is why: one that is there stays as it is.
    Lost(String),
}

/// What is to be done about the secrets of a stack.
#[derive(Debug, Default)]
pub struct Settled {
    /// The secrets that get a value.
    set: Vec<(String, SecretValue)>,
    /// Those of them that have another one now.
    pub rotated: BTreeSet<String>,
    /// Those of them that are not there yet.
    pub new: BTreeSet<String>,
    /// Secrets that are there with another value and are not of this stack.
    pub foreign: BTreeSet<String>,
    /// Those of them that are there.
    pub known: BTreeSet<String>,
}

/// Looks at the secrets of a stack; nothing is changed yet.
pub fn settle(host: Host<'_>, stack: &str, sources: &[Source]) -> Result<Settled, Fault> {
    let mut settled = Settled::default();
    if sources.is_empty() {
        return Ok(settled);
    }
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let known = host.containers.secrets_of(&names)?;
    settled.known = known.iter().map(|secret| secret.name.clone()).collect();
    for Source { name, origin } in sources {
        let there = known.iter().find(|secret| secret.name == *name);
        let value = match (there, origin) {
            (Some(_), Origin::Made(..) | Origin::Lost(_)) => continue,
            (Some(secret), Origin::Given(value)) => {
                if host.containers.secret_is(name, value)? {
                    continue;
                }
                if secret.labels.get(STACK_LABEL).is_none_or(|owner| owner != stack) {
                    settled.foreign.insert(name.clone());
                    continue;
                }
                settled.rotated.insert(name.clone());
                value.clone()
            }
            (None, origin) => {
                settled.new.insert(name.clone());
                match origin {
                    Origin::Given(value) => value.clone(),
                    Origin::Made(length, alphabet) => made_up(host, *length, alphabet)?,
                    Origin::Lost(why) => {
                        return Err(Fault::other(format!("make the secret `{name}`"), why));
                    }
                }
            }
        };
        settled.set.push((name.clone(), value));
    }
    Ok(settled)
}

impl Settled {
    /// Gives them to Podman, with the mark of their stack.
    pub fn store(&self, host: Host<'_>, stack: &str) -> Result<(), Fault> {
        let mut secrets = self.set.iter();
        secrets.try_for_each(|(name, value)| set(host, stack, name, value))
    }

    /// Puts the values aside that get lost. Podman alone keeps them, as it keeps all others.
    pub fn put_aside(&self, host: Host<'_>, stack: &str) -> Result<(), Fault> {
        self.rotated.iter().try_for_each(|name| match host.containers.secret(name)? {
            Some(value) => set(host, stack, &aside(stack, name), &value),
            None => Ok(()),
        })
    }
}

/// Gives secrets the values back that were put aside.
pub fn give_back(host: Host<'_>, stack: &str, names: &BTreeSet<String>) -> Result<(), Fault> {
    names.iter().try_for_each(|name| match host.containers.secret(&aside(stack, name))? {
        Some(value) => set(host, stack, name, &value),
        None => Ok(()),
    })
}

/// Forgets the values that were put aside.
pub fn forget(host: Host<'_>, stack: &str, names: &BTreeSet<String>) -> Result<(), Fault> {
    names.iter().try_for_each(|name| host.containers.remove_secret(&aside(stack, name)))
}

/// The name of the secret that keeps the value before.
fn aside(stack: &str, name: &str) -> String {
    format!("stackwright-before.{stack}.{name}")
}

fn set(host: Host<'_>, stack: &str, name: &str, value: &SecretValue) -> Result<(), Fault> {
    let labels = BTreeMap::from([(STACK_LABEL.to_owned(), stack.to_owned())]);
    host.containers.set_secret(name, value, &labels)
}

/// Characters at random, each as likely as any other.
fn made_up(host: Host<'_>, length: usize, alphabet: &[u8]) -> Result<SecretValue, Fault> {
    let fair = 256 - 256 % alphabet.len().max(1);
    let mut value = Vec::with_capacity(length);
    while value.len() < length {
        for byte in host.machine.random(length)? {
            let place = usize::from(byte);
            let character = alphabet.get(place % alphabet.len().max(1));
            if let Some(character) = character.filter(|_| place < fair && value.len() < length) {
                value.push(*character);
            }
        }
    }
    Ok(SecretValue(value))
}
