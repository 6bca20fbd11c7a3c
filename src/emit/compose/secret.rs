//! Secrets: what has to be given in `.env`, and where Compose finds the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::file::{Secret, Text};
use crate::model::meaning::environment_name;
use crate::model::storage;
use crate::resolve::service::SecretForm;
use crate::resolve::{Resolved, Service};

fn declared<'s>(stack: &Resolved<'s>, key: &str) -> Option<&'s storage::Secret> {
    stack.stack.secrets.get(key).and_then(|secret| secret.get()).map(|at| &at.value)
}

/// The variable that holds a secret: the one that the stack names, or its own name.
pub fn variable(stack: &Resolved<'_>, key: &str) -> String {
    let named = declared(stack, key).and_then(|secret| secret.environment.as_ref());
    named.map_or_else(|| environment_name(key), ToString::to_string)
}

/// Where a secret comes from that is seen as a file. Of all that Compose files can say, a file is
/// what every tool takes: `docker compose` refuses those of Podman, `podman compose` variables.
fn source(stack: &Resolved<'_>, key: &str) -> Secret {
    let given = declared(stack, key).and_then(|secret| secret.file.as_ref());
    let file = given.map_or_else(|| own_file(key), |file| stack.beside(&file.value));
    Secret { file: Some(Text::from(&file)) }
}

/// The file that holds a secret where the stack names none.
fn own_file(key: &str) -> String {
    format!("./secrets/{key}")
}

/// The secrets that services get as files.
pub fn sources(stack: &Resolved<'_>, services: &[&Service<'_>]) -> Vec<(String, Secret)> {
    let used = services.iter().flat_map(|service| &service.secrets);
    let files = used.filter(|secret| matches!(secret.form, SecretForm::File(_)));
    let keys: BTreeSet<&str> = files.map(|secret| secret.key).collect();
    keys.into_iter().map(|key| (key.to_owned(), source(stack, key))).collect()
}

/// What `.env` must hold, as an example to fill in; nothing where nothing has to be given.
pub fn example(stack: &Resolved<'_>) -> Option<String> {
    let mut variables: BTreeMap<String, Wanted<'_>> = BTreeMap::new();
    let mut files: BTreeMap<String, Wanted<'_>> = BTreeMap::new();
    for service in &stack.services {
        for secret in &service.secrets {
            let has_file = || declared(stack, secret.key).is_some_and(|one| one.file.is_some());
            let wanted = match secret.form {
                SecretForm::Variable(_) => variables.entry(variable(stack, secret.key)),
                SecretForm::File(_) if has_file() => continue,
                SecretForm::File(_) => files.entry(own_file(secret.key)),
            };
            let wanted = wanted.or_insert_with(|| (secret.key, BTreeSet::new()));
            wanted.1.insert(service.written.name.as_str());
        }
    }
    if variables.is_empty() && files.is_empty() {
        return None;
    }
    let mut text = String::from(HEAD);
    for (variable, wanted) in variables {
        write!(text, "\n# Secret {}\n{variable}=''\n", users(&wanted)).unwrap_or_default();
    }
    for (file, wanted) in files {
        let users = users(&wanted);
        write!(text, "\n# Secret {users}: what the file {file} holds\n").unwrap_or_default();
    }
    Some(text)
}

/// A secret, and the services that get it.
type Wanted<'s> = (&'s str, BTreeSet<&'s str>);

fn users((key, users): &Wanted<'_>) -> String {
    let users: Vec<&str> = users.iter().copied().collect();
    format!("{key}, for {}", users.join(", "))
}

/// How the example begins.
const HEAD: &str = "\
# What the stack needs and no file of it holds: copy this to `.env`, fill it in, and let nobody else
# read it (chmod 600 .env). In single quotes, a value is taken as it is; podman-compose alone puts
# the value of a variable in place of ${NAME} even there.
";
