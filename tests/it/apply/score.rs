//! How well the host is, before something is done to it: what is looked at, and what is remembered.

use std::collections::BTreeSet;
use std::path::Path;

use stackwright::apply::Manner;
use stackwright::host::units::FailedUnit;
use stackwright::host::vitals::Disk;
use stackwright::score::{self, Part, Score};
use stackwright::state::{Assessed, Entry, Risk, Store, Verdict};

use super::driver::{How, Want, run, run_how};
use super::host::{Simulated, Trouble};
use super::seeded::Defective;
use super::stack::Stack;
use super::sweep::{FIRST, bare};
use crate::support::text;

/// What is remembered of the stack.
fn history(host: &Simulated) -> Vec<Entry> {
    let places = host.world().places.clone();
    Store::of(host, &places, "shop").history().unwrap()
}

/// The score for a deployment of the stack with the services.
fn score_of(host: &Simulated, services: &[&str]) -> Score {
    let places = host.world().places.clone();
    let services: BTreeSet<String> = services.iter().map(|name| (*name).to_owned()).collect();
    let seen = Defective::of(host);
    let history = [history(host)];
    score::score(&score::look(seen.host(), &places, true, &services, &history).unwrap())
}

fn failed(name: &str, of_machine: bool) -> FailedUnit {
    FailedUnit { name: name.to_owned(), of_machine }
}

#[test]
fn what_failed_of_the_stack_itself_is_not_held_against_the_host() {
    let host = Simulated::of(bare());
    host.world().failed =
        vec![failed("a.service", false), failed("a.service", true), failed("z.service", false)];
    assert_eq!(score_of(&host, &[]).score, 85);
    let score = score_of(&host, &["a.service"]);
    assert_eq!(score.score, 90);
    assert_eq!(score.losses[0].what, "2 units have failed: a.service, z.service");
}

#[test]
fn to_look_at_a_host_changes_nothing_of_it() {
    let host = Simulated::of(bare());
    host.world().vitals.disks = vec![Disk { folder: "/".into(), size: 100, free: 1 }];
    assert_eq!(score_of(&host, &[]).score, 60);
    assert_eq!(host.world().counts.changes(), 0);
}

#[test]
fn the_readme_tells_every_part_of_the_score_with_its_rule() {
    let readme = text(Path::new("README.md"));
    for part in Part::ALL {
        let row = format!("| {} | {} | {} |", part.word(), part.rule(), part.most());
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}

#[test]
fn deployments_that_failed_cost_points_until_one_goes_well() {
    let host = Simulated::of(bare());
    let good = Stack::new(FIRST);
    let bad = Stack::new("a.container does:never-ready");
    run(&host, &Want::Apply(good.clone())).done();
    for count in 1..=2 {
        host.world().begin_process();
        run(&host, &Want::Apply(bad.clone())).restored();
        let score = score_of(&host, &[]);
        assert_eq!(score.score, 100 - 5 * count);
        assert_eq!(score.losses[0].part, Part::Failures);
    }
    let other = Stack::new(&format!("{FIRST}\nd.container"));
    host.world().begin_process();
    run(&host, &Want::Apply(other)).done();
    assert_eq!(score_of(&host, &[]).score, 100);
    // Yesterday's failures say nothing about today.
    host.world().begin_process();
    run(&host, &Want::Apply(bad)).restored();
    assert_eq!(score_of(&host, &[]).score, 95);
    host.world().wall += 24 * 60 * 60;
    assert_eq!(score_of(&host, &[]).score, 100);
}

#[test]
fn score_and_risk_are_remembered_of_what_goes_well_fails_or_is_cut_short() {
    let assessed: &'static Assessed = Box::leak(Box::new(Assessed {
        score: 78,
        risk: Risk::Medium,
        lost: [("units".to_owned(), 5), ("disk".to_owned(), 17)].into(),
    }));
    let manner = Manner { assessed: Some(assessed), ..How::default().manner };
    let how = How { manner, ..How::default() };
    let host = Simulated::of(bare());
    let apply = |stack: Stack| run_how(&host, "shop", &Want::Apply(stack), &how);
    apply(Stack::new(FIRST)).done();
    host.world().begin_process();
    apply(Stack::new("a.container does:never-ready")).restored();
    host.world().begin_process();
    let another = Stack::new(&format!("{FIRST}\nd.container"));
    let twin = Simulated::of(host.world().clone());
    run(&twin, &Want::Apply(another.clone())).done();
    let start = twin.world().done.iter().position(|doing| doing == "start d.service");
    host.world().trouble = Trouble::DiesAfter(start.unwrap() + 1);
    apply(another.clone());
    host.world().begin_process();
    assert!(run(&host, &Want::Recover).recovered);
    let entries = history(&host);
    let verdicts: Vec<Verdict> = entries.iter().map(|entry| entry.verdict).collect();
    assert_eq!(verdicts, [Verdict::Done, Verdict::Restored, Verdict::Restored]);
    for entry in &entries {
        assert_eq!(entry.assessed.as_ref(), Some(assessed), "{entry:?}");
    }
    // What is remembered is a line of the history, and one of before knows nothing of it.
    let line = entries[0].line();
    assert!(line.contains(r#""assessed":{"score":78,"risk":"medium","lost":{"#), "{line}");
    host.world().begin_process();
    run(&host, &Want::Apply(another)).done();
    assert!(!history(&host).last().unwrap().line().contains("assessed"));
}
