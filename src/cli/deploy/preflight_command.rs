//! `preflight`: tell what stands in the way of stacks, and change nothing.

use std::collections::BTreeSet;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Exit, output};
use super::wanted::Wanted;
use super::{DeployArguments, Format, Prepared, Site, open, prepare, show};
use crate::apply::Scene;
use crate::host::change::Fault;
use crate::plan::{Drifted, facts};
use crate::preflight::{self, Finding, Request};
use crate::report::human::escape;
use crate::state::{FileSet, Store};

pub const EXAMPLES: &str = "\
Examples:
  stackwright preflight immich             what this host lacks for it, or has in its way
  stackwright preflight stacks/ --format json | jq '.stacks[].findings[].code'
  stackwright explain SW866                what a code means

`apply` looks at the same before it changes anything. Errors end with 3; warnings are only told, and
those that `allow:` of .stackwright.yml names are not.";

#[derive(Debug, Args)]
pub struct PreflightArguments {
    #[command(flatten)]
    deploy: DeployArguments,
}

/// What a host lacks for stacks, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Findings of stackwright preflight")]
pub struct PreflightReport {
    /// The stacks, each after those that it requires.
    stacks: Vec<LookedAt>,
}

/// A stack.
#[derive(Debug, Serialize, JsonSchema)]
struct LookedAt {
    /// Its name; empty for what is wrong with the host alone.
    stack: String,
    /// What was found, the gravest first.
    findings: Vec<Found>,
}

/// Something that a host lacks, or has that is in the way.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Its code, for `explain`.
    code: &'static str,
    /// `error` where it refuses, `warning` where it is only told.
    severity: &'static str,
    /// What was found, before what was expected.
    what: String,
    /// What to do about it.
    help: String,
}

impl Found {
    /// A finding as scripts read it.
    pub fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code.id,
            severity: finding.severity.word(),
            what: finding.what.clone(),
            help: finding.help.clone(),
        }
    }
}

/// Runs the command.
pub fn run(arguments: &PreflightArguments) -> Exit {
    let place = &arguments.deploy.place;
    if place.root.is_some() {
        output::error("nothing runs below `--root`, there is no host to look at");
        return Exit::WrongUsage;
    }
    let site = match open(place) {
        Ok(site) => site,
        Err(fault) => {
            return tell(place.format, &[(String::new(), vec![Finding::unreachable(&fault)])]);
        }
    };
    let Some(mut all) = arguments.deploy.read(&site) else { return Exit::WrongInput };
    promise(&mut all);
    let is_part = !arguments.deploy.part().is_all();
    let looked = all.iter().map(|wanted| (wanted.name.clone(), look(&site, wanted, is_part)));
    tell(place.format, &looked.collect::<Vec<_>>())
}

/// Lets each stack know what those before it will have made, where none of them is brought up yet.
pub fn promise(all: &mut [Wanted]) {
    let mut promised = BTreeSet::new();
    for wanted in all {
        wanted.expected.promised.clone_from(&promised);
        promised.extend(wanted.makes());
    }
}

fn look(site: &Site, wanted: &Wanted, is_part: bool) -> Vec<Finding> {
    let host = site.real.host();
    let store = Store::of(host.files, &site.places, &wanted.name);
    let scene =
        Scene { host, places: &site.places, store: &store, stack: &wanted.name, tell: &|_| {} };
    let found = prepare(site, &scene, wanted, is_part, Drifted::default()).and_then(|prepared| {
        let starts = facts(&prepared.set).into_keys().collect();
        in_the_way(&scene, site, wanted, &prepared, Some(starts))
    });
    found.unwrap_or_else(|fault| {
        let rest = preflight::of_machine(host, site.of_user).unwrap_or_default();
        std::iter::once(Finding::unreachable(&fault)).chain(rest).collect()
    })
}

/// What stands in the way of a plan; of all services, whether they start or not, where they are
/// given.
pub(super) fn in_the_way(
    scene: &Scene<'_>,
    site: &Site,
    wanted: &Wanted,
    prepared: &Prepared,
    all: Option<BTreeSet<String>>,
) -> Result<Vec<Finding>, Fault> {
    let empty = FileSet::default();
    preflight::preflight(&Request {
        host: scene.host,
        places: scene.places,
        store: scene.store,
        stack: scene.stack,
        from: prepared.from.as_ref().map_or(&empty, |from| &from.set),
        to: &prepared.set,
        observed: &prepared.observed,
        secrets: &prepared.secrets,
        of_user: site.of_user,
        expected: &wanted.expected,
        tells_all: all.is_some() || prepared.from.is_none(),
        starts: all.unwrap_or_else(|| prepared.plan.start.iter().cloned().collect()),
    })
}

/// Tells what was found; an error among it refuses.
fn tell(format: Format, looked: &[(String, Vec<Finding>)]) -> Exit {
    let refuses = looked.iter().any(|(_, findings)| findings.iter().any(Finding::refuses));
    match format {
        Format::Json => {
            let looked_at = |(stack, findings): &(String, Vec<Finding>)| LookedAt {
                stack: stack.clone(),
                findings: findings.iter().map(Found::of).collect(),
            };
            let stacks = looked.iter().map(looked_at).collect();
            show::json_line(&PreflightReport { stacks });
        }
        Format::Human => {
            for (stack, findings) in looked {
                output::out(&show::findings(stack, findings));
                if findings.is_empty() {
                    output::out(&format!("{}: nothing stands in the way\n", escape(stack)));
                }
            }
        }
    }
    if refuses { Exit::Refused } else { Exit::Done }
}
