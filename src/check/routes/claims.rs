//! Requests that two routers claim: which of the two gets them, and whether anybody knows.

use std::collections::{BTreeMap, BTreeSet};

use super::part;
use super::said::{Id, Said, Thing};
use crate::capability::traefik::rule::{self, PathClaim};
use crate::report::code::routes as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Among how many routers with the same claim one is compared; hostile input has thousands.
const COMPARED: usize = 8;

/// A router that claims requests.
struct Claimed<'s> {
    said: &'s Said<'s>,
    id: &'s Id,
    entrypoints: BTreeSet<String>,
    tls: bool,
    priority: Option<i64>,
    /// How long its rule is.
    length: i64,
    span: Span,
}

/// The protocol, the host, the path, and all other conditions.
type Claim = (&'static str, Option<String>, PathClaim, Vec<String>);

impl Claimed<'_> {
    /// What decides between routers: the priority, else how long the rule is.
    fn weight(&self) -> i64 {
        self.priority.unwrap_or(self.length)
    }

    /// Whether Traefik has to decide between the two.
    fn meets(&self, other: &Self) -> bool {
        let any = self.entrypoints.is_empty() || other.entrypoints.is_empty();
        let share = any || !self.entrypoints.is_disjoint(&other.entrypoints);
        // Where both say how much they weigh, the order is meant.
        let meant = self.priority.or(other.priority).is_some() && self.weight() != other.weight();
        self.id != other.id && share && self.tls == other.tls && !meant
    }
}

/// Tells requests that two routers claim, also of two stacks.
pub fn check(all: &[Said<'_>], findings: &mut Findings) {
    let mut seen: BTreeMap<Claim, Vec<Claimed<'_>>> = BTreeMap::new();
    for said in all {
        for (id, router) in said.of("routers") {
            for (claim, claimed) in claims(said, id, router) {
                let known = seen.entry(claim).or_default();
                if let Some(first) = known.iter().take(COMPARED).find(|one| one.meets(&claimed)) {
                    tell(first, &claimed, findings);
                }
                known.push(claimed);
            }
        }
    }
}

fn claims<'s>(said: &'s Said<'s>, id: &'s Id, router: &Thing) -> Vec<(Claim, Claimed<'s>)> {
    let kind = match id.protocol {
        "http" => rule::Kind::Http,
        _ => rule::Kind::Tcp,
    };
    let label = router.settings.get("rule");
    let Some(text) = label.and_then(|label| label.parts.first()) else { return Vec::new() };
    let Some(rule) = rule::parse(&text.value, kind).rule else { return Vec::new() };
    let names = router.names("entryPoints").into_iter();
    let entrypoints: BTreeSet<String> = names.map(|name| name.value).collect();
    let priority = router.text("priority").and_then(|text| text.parse().ok());
    let claimed = rule::claims(&rule).into_iter().map(|claim| {
        let claimed = Claimed {
            said,
            id,
            entrypoints: entrypoints.clone(),
            tls: router.setting("tls").is_some(),
            // To Traefik, 0 is no priority.
            priority: priority.filter(|priority| *priority != 0),
            length: i64::try_from(text.value.len()).unwrap_or(i64::MAX),
            span: part(text, &claim.at),
        };
        ((id.protocol, claim.host, claim.path, claim.others), claimed)
    });
    claimed.collect()
}

fn tell(first: &Claimed<'_>, second: &Claimed<'_>, findings: &mut Findings) {
    let named = |one: &Claimed<'_>| format!("route `{}`", escape(&one.id.name));
    let own = first.said.view.name == second.said.view.name;
    let other = |one: &Claimed<'_>| match own {
        true => named(one),
        false => format!("{} of stack `{}`", named(one), one.said.view.name),
    };
    if first.weight() == second.weight() {
        let message = format!("{} claims the same requests as {}", named(second), other(first));
        let diagnostic = Diagnostic::new(&code::CLAIMED_TWICE, second.span, message);
        let help = "give one of them another host, path or entry point, or both a `priority`";
        findings.add(diagnostic.label(first.span, "the other one").help(help));
        return;
    }
    let first_takes = first.weight() > second.weight();
    let (taker, loser) = if first_takes { (first, second) } else { (second, first) };
    let (loses, takes) = (named(loser), other(taker));
    let message = format!("{loses} gets none of these requests, {takes} has the longer rule");
    let diagnostic = Diagnostic::new(&code::NEVER_REACHED, loser.span, message);
    let help = "give one of them another host or path, or say by `priority` who comes first";
    findings.add(diagnostic.label(taker.span, "the longer one").help(help));
}
