//! # stackwright
//!
//! One YAML file describes a stack of services. This crate reads it, checks it to the line, settles
//! everything about its services, and writes the units that Podman and systemd run them by. The
//! page you read is the map of the code.
//!
//! ## How data flows
//!
//! ```text
//! bytes -> load -> Stack -> pattern -> Stack -> check -> Checked
//! Checked -> resolve -> Resolved -> emit -> files
//! Checked -> resolve -> Order -> draw
//! files + what is installed + what is seen -> plan -> preflight -> apply
//! ```
//!
//! - [`load`] turns bytes into a tree that keeps the place of every value ([`load::yaml`]),
//!   expands variables ([`load::expand`]), holds the tree against the JSON schema
//!   ([`load::walk`]) and reads what is left into the model ([`load::decode`]). Layers (overlays,
//!   the file, its includes) are laid over each other by the law that the model's types carry.
//! - [`model`] is the stack file as written. Its types are the JSON schema (by schemars), the
//!   reader (by serde) and the merge law ([`model::layer`]) in one.
//! - [`pattern`] lays defaults under what the user says; [`pattern::draft`] is the stack that a
//!   pattern writes, and [`pattern::fits`] tells which pattern an image is of.
//! - [`check`] runs one file of rules per topic. Each rule has a stable code ([`report::code`]),
//!   an explanation and a fixture.
//! - [`silence`] takes away what a note in a file, or [`config`], says not to tell.
//! - [`resolve`] settles what follows from a checked stack: its order, and for every container its
//!   variables, networks, mounts, labels, gates and times, whatever the target.
//! - [`emit`] writes files for a target. A unit's shape is a template; a value gets into it by its
//!   key alone: [`capability::quadlet`] knows how it is read, since when, and by which flag else,
//!   and [`capability::encode`] writes it so.
//! - [`state`] is what is kept on a host about a stack: generations, the link to the one in use,
//!   the journal, the history. [`unit_file`] reads units, ours and those of others.
//! - [`plan`] compares two sets of files and what [`observe`] saw, and knows no stack: taking back
//!   and removing are the same call with other arguments. [`preflight`] tells what stands in the
//!   way, [`score`] how well the host is and what is at stake, and [`apply`] is the only part that
//!   changes a host, or puts it back.
//! - [`draw`] shows a graph as text, DOT, Mermaid or SVG.
//! - [`report`] is what is said about a text, for people, scripts, SARIF and GitHub.
//! - [`threads`] share the work on large stacks: the halves of a file, its check and its reading,
//!   services, units. A small stack is done before a thread is made.
//! - [`host`] is the outside world: what is read ([`host::Look`]) and what is changed
//!   ([`host::change`]), with [`host::real`] as the one form that does so. [`cli`] gathers, calls
//!   and shows.
//!
//! ## What never happens
//!
//! 1. No stage before `host` and `cli` reads a file, the environment or the clock: `load` asks a
//!    [`host::Look`], and gets variables as an argument.
//! 2. No stage stops at the first problem: findings are collected, wrong values are left out, and
//!    the rest is still read and checked.
//! 3. No diagnostic is without a code and a place; the place of a value is where the user wrote
//!    it, and a pattern's only where the user said nothing.
//! 4. Nothing after `check` can blame the stack: [`check::Checked`] is made by `check` alone, and
//!    what takes it returns plain values. Only a template of the user's own can still be wrong.
//! 5. No input, however hostile, makes the program panic, take more than linear time, or show raw
//!    control characters: sizes, depths and numbers are limited where bytes come in.
//! 6. No output depends on the order of a hash map, on time, locale, user or working directory.
//! 7. A code, once released, is never given another meaning.

pub mod apply;
pub mod capability;
pub mod check;
pub mod cli;
pub mod config;
pub mod draw;
pub mod drift;
pub mod emit;
pub mod graph;
pub mod host;
pub mod load;
pub mod model;
pub mod observe;
pub mod pattern;
pub mod plan;
pub mod preflight;
pub mod report;
pub mod resolve;
pub mod score;
pub mod silence;
pub mod source;
pub mod state;
pub mod threads;
pub mod unit_file;

use std::collections::BTreeSet;
use std::path::PathBuf;

use check::{Checked, Target, View};
use config::Config;
use host::Look;
use load::{Loaded, Request};
use pattern::{Library, Pattern};
use report::Findings;
use source::{SourceId, Sources};

/// What is to be compiled together.
pub struct Input<'i> {
    /// The stacks.
    pub requests: &'i [Request<'i>],
    /// The project's configuration.
    pub config: &'i Config,
    /// Whether these are all stacks that there are.
    pub all_known: bool,
    /// What is to be made of them.
    pub target: Target,
}

/// Stacks that were read and checked together.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The stacks about which nothing was said that forbids to go on.
    pub stacks: Vec<Checked>,
    /// How many stack files there were, those that others include left out.
    pub files: usize,
}

/// A stack on its way through the front stages.
struct Front {
    loaded: Loaded,
    path: PathBuf,
    findings: Findings,
}

/// Reads and checks stacks; all that is to be said about them ends up in the findings.
pub fn compile(
    input: &Input<'_>,
    look: &dyn Look,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Compiled {
    let mut fronts: Vec<Front> = Vec::new();
    let mut library = Library::new(input.config.patterns(), look);
    for request in input.requests {
        let mut own = Findings::default();
        let mut loaded = load::load(request, look, sources, &mut own);
        pattern::apply(&mut loaded.stack, &mut library, sources, &mut own);
        let path = look.identity(request.path);
        fronts.push(Front { loaded, path, findings: own });
    }
    let patterns = library.texts();
    let parts: BTreeSet<PathBuf> =
        fronts.iter().flat_map(|front| front.loaded.includes.iter().cloned()).collect();
    fronts.retain(|front| !parts.contains(&front.path));
    let mut together = Findings::default();
    for front in &mut fronts {
        let view = View::new(&front.loaded, patterns);
        check::check(&view, input.target, &mut front.findings);
    }
    let views: Vec<View<'_>> =
        fronts.iter().map(|front| View::new(&front.loaded, patterns)).collect();
    check::together::check(&views, input.all_known, &mut together);
    drop(views);
    finish((fronts, patterns), together, input.config, sources, findings)
}

/// Reads a pattern as a whole and checks the stack that it writes with its examples; what is left
/// of both where it is wrong, which is told.
pub fn compile_pattern(
    name: &str,
    config: &Config,
    look: &dyn Look,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Option<(Pattern, Loaded)> {
    let mut library = Library::new(config.patterns(), look);
    let mut own = Findings::default();
    let mut draft = library.draft(name, sources, &mut own)?;
    let pattern = draft.checked(name, &mut own);
    let mut loaded = draft.stack(&mut own).unwrap_or_default();
    if !own.has_errors() && !loaded.stack.services.is_empty() {
        pattern::apply(&mut loaded.stack, &mut library, sources, &mut own);
        let target = Target { podman: config.podman(), ..Target::default() };
        check::check(&View::new(&loaded, library.texts()), target, &mut own);
    }
    own.settle();
    findings.append(own);
    pattern.map(|pattern| (pattern, loaded))
}

/// Silences what is to be silenced and lets pass what has no errors.
fn finish(
    (fronts, patterns): (Vec<Front>, &BTreeSet<SourceId>),
    together: Findings,
    config: &Config,
    sources: &Sources,
    findings: &mut Findings,
) -> Compiled {
    let mut compiled = Compiled { files: fronts.len(), ..Compiled::default() };
    let comments: Vec<load::tree::Comment> =
        fronts.iter().flat_map(|front| front.loaded.comments.iter().cloned()).collect();
    for Front { loaded, findings: own, .. } in fronts {
        let checked = check::pass(loaded, patterns, &own);
        compiled.stacks.extend(checked);
        findings.append(own);
    }
    findings.append(together);
    silence::notes(comments.iter(), sources, findings);
    config.silence(findings);
    findings.settle();
    // Stacks that are given together are compiled together or not at all.
    if findings.has_errors() {
        compiled.stacks.clear();
    }
    compiled
}
