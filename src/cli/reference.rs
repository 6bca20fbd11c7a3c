//! `schema`, `completions`, `man`: what is made from the definitions themselves.

use std::path::Path;

use clap::ValueEnum;

use super::{Exit, definition, output};
use crate::host::disk;
use crate::model::schema;
use crate::pattern;

pub const SCHEMA_EXAMPLES: &str = "\
Examples:
  stackwright schema > stack.schema.json
  stackwright schema pattern > pattern.schema.json

An editor with a YAML language server completes and checks a stack file that begins with:
  # yaml-language-server: $schema=stack.schema.json";

pub const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  stackwright completions bash > ~/.local/share/bash-completion/completions/stackwright
  stackwright completions fish > ~/.config/fish/completions/stackwright.fish";

pub const MAN_EXAMPLES: &str = "\
Examples:
  stackwright man ~/.local/share/man/man1 && man stackwright";

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// The stack file
    Stack,
    /// A pattern
    Pattern,
}

/// Prints a JSON schema.
pub fn schema(what: Described) -> Exit {
    let schema = match what {
        Described::Stack => schema::stack(),
        Described::Pattern => pattern::schema(),
    };
    output::out(&(serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"));
    Exit::Done
}

/// Prints the completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "stackwright", &mut script);
    output::raw([script.into()]);
    Exit::Done
}

/// Writes a manual page for the program and for each of its commands.
pub fn man(folder: &Path) -> Exit {
    for (name, page) in man_pages() {
        let path = folder.join(&name);
        if let Err(error) = disk::write(&path, &page) {
            output::error(&format!("cannot write `{}`: {error}", path.display()));
            return Exit::WrongInput;
        }
        output::out(&format!("{}\n", path.display()));
    }
    Exit::Done
}

/// The manual pages by the names of their files.
fn man_pages() -> Vec<(String, Vec<u8>)> {
    let definition = definition();
    let commands = definition
        .get_subcommands()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set());
    let commands = commands.map(|command| {
        let name = format!("stackwright-{}", command.get_name());
        (format!("{name}.1"), command.clone().name(name.clone()).bin_name(name))
    });
    let all = std::iter::once(("stackwright.1".to_owned(), definition.clone())).chain(commands);
    let page = |command| {
        let mut page = Vec::new();
        // Writing into memory cannot fail.
        clap_mangen::Man::new(command).render(&mut page).ok().map(|()| page)
    };
    all.filter_map(|(file, command)| Some((file, page(command)?))).collect()
}
