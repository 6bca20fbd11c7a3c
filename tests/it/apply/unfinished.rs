//! What was begun and has not ended is told by whatever shows a stack, with the ways out of it.

#![expect(clippy::disallowed_methods, reason = "these tests spoil what is on the disk")]

use std::fs::File;
use std::path::Path;

use serde_json::Value;
use stackwright::state::{Action, Entry, GenerationName, Journal, Verdict};

use super::program::Site;
use crate::support::{list, text};

/// A root with two generations of which the second is in use, and a journal of it.
fn site() -> (Site, Journal) {
    let site = Site::new();
    site.up("one");
    site.up("two");
    let names = list(&site.store().join("generations")).into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        GenerationName::try_from(name).unwrap()
    });
    let [from, to] = names.collect::<Vec<_>>().try_into().unwrap();
    let mut journal = Journal::new(Action::Apply, Some(from), Some(to));
    (journal.user, journal.began) = ("ann".to_owned(), 1000);
    (site, journal)
}

fn put(site: &Site, file: &str, bytes: &[u8]) {
    for other in ["journal", "journal.committed", "journal.failed"] {
        drop(std::fs::remove_file(site.store().join(other)));
    }
    std::fs::write(site.store().join(file), bytes).unwrap();
}

fn told(site: &Site, command: &str) -> String {
    let run = site.run(&[command, "--root", "root"]);
    assert!([0, 2].contains(&run.code), "{}{}", run.out, run.err);
    run.out
}

/// What scripts are told; it is as its schema says.
fn document(site: &Site, command: &str) -> Value {
    let run = site.run(&[command, "--root", "root", "--format", "json"]);
    let document: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    let schema = text(Path::new(&format!("schema/{command}.schema.json")));
    let schema = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> = validator.iter_errors(&document).map(|one| one.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?} in {}", run.out);
    document
}

const CUT_SHORT: &str = "the apply of generation 2 that ann began was cut short";
const BOTH_WAYS: &str = "`apply --resume` goes on with it, `recover --back shop` goes back";

#[test]
fn what_was_cut_short_is_told_with_both_ways_out() {
    let (site, journal) = site();
    let before = told(&site, "status");
    assert!(!before.contains("cut short") && !told(&site, "list").contains("cut short"));
    put(&site, "journal", &journal.bytes());
    let status = told(&site, "status");
    let expected = format!(
        "shop: generation 2, 0 of 2 well\n  !! {CUT_SHORT}\n     {BOTH_WAYS}\n     SERVICE  "
    );
    assert!(status.starts_with(&expected), "{status}");
    assert!(told(&site, "health").starts_with(&format!("shop: {CUT_SHORT}; {BOTH_WAYS}\n")));
    assert!(told(&site, "list").contains(&format!("\n  {CUT_SHORT}\n")));
    for command in ["status", "health", "list"] {
        let unfinished = document(&site, command)["stacks"][0]["unfinished"].clone();
        let field = |name: &str| unfinished[name].clone();
        assert_eq!((field("state"), field("action")), ("cut-short".into(), "apply".into()));
        assert_eq!((field("generation"), field("began")), (2.into(), 1000.into()), "{command}");
        assert_eq!((field("user"), field("resumes")), ("ann".into(), true.into()), "{command}");
        assert_eq!((field("text"), field("help")), (CUT_SHORT.into(), BOTH_WAYS.into()));
    }
    // To look changes nothing.
    assert_eq!(std::fs::read(site.store().join("journal")).unwrap(), journal.bytes());
    // What only removes or goes back is not gone on with.
    put(&site, "journal", &Journal { action: Action::Rollback, ..journal }.bytes());
    let status = told(&site, "status");
    assert!(status.contains("was cut short\n     `recover --back shop` goes back\n"), "{status}");
}

#[test]
fn a_first_deployment_that_was_cut_short_is_told_too() {
    let (site, journal) = site();
    put(&site, "journal", &Journal { from: None, ..journal }.bytes());
    std::fs::remove_file(site.store().join("current")).unwrap();
    let status = told(&site, "status");
    assert!(
        status.starts_with(&format!("shop: nothing is in use\n  !! {CUT_SHORT}\n")),
        "{status}"
    );
    let document = document(&site, "status");
    assert_eq!(document["stacks"][0].get("generation"), None);
    assert_eq!(site.run(&["health", "--root", "root"]).code, 2);
}

#[test]
fn what_is_under_way_is_no_trouble() {
    let (site, journal) = site();
    put(&site, "journal", &journal.bytes());
    let lock = File::open(site.store().join("lock")).unwrap();
    lock.lock().unwrap();
    let status = told(&site, "status");
    let line = "  -- the apply of generation 2 that ann began is under way\n     SERVICE";
    assert!(status.contains(line), "{status}");
    assert!(!told(&site, "health").contains("under way"));
    assert_eq!(document(&site, "status")["stacks"][0]["unfinished"]["state"], "under-way");
    drop(lock);
    assert!(told(&site, "status").contains(CUT_SHORT));
}

#[test]
fn what_is_done_failed_or_cannot_be_read_is_told_as_it_is() {
    let (site, journal) = site();
    let state = || document(&site, "status")["stacks"][0]["unfinished"]["state"].clone();
    let back = "     `recover --back shop` goes back\n";
    put(&site, "journal.committed", &journal.bytes());
    let line = "  -- the apply of generation 2 that ann began is done but for tidying up";
    assert!(told(&site, "status").contains(line), "{}", told(&site, "status"));
    assert_eq!((state(), told(&site, "health").contains("tidying")), ("untidy".into(), false));
    put(&site, "journal", b"?");
    let line = "  !! something was cut short, and what is known about it cannot be read\n";
    assert!(told(&site, "status").contains(&format!("{line}{back}")));
    assert_eq!(state(), "cut-short");
    // Why it failed stands in the history.
    let mut entry = Entry::of(&journal, Verdict::NotRestored);
    (entry.cause, entry.failed) =
        (Some("web.service: it ended".to_owned()), Some("web.service".to_owned()));
    let history = site.store().join("history");
    let kept = std::fs::read(&history).unwrap();
    std::fs::write(&history, [kept, entry.line().into_bytes()].concat()).unwrap();
    put(&site, "journal.failed", &journal.bytes());
    let line = "  !! the apply of generation 2 that ann began failed and could not be put back: \
                web.service: it ended\n";
    assert!(told(&site, "status").contains(&format!("{line}{back}")), "{}", told(&site, "status"));
    assert_eq!(
        (state(), told(&site, "health").contains("put back")),
        ("not-restored".into(), true)
    );
    // Without a journal it was left so by whoever wanted that.
    std::fs::remove_file(site.store().join("journal.failed")).unwrap();
    let line = "  -- the apply of generation 2 that ann began failed and was left as it is: \
                web.service: it ended\n";
    assert!(told(&site, "status").contains(&format!("{line}{back}")), "{}", told(&site, "status"));
    assert_eq!((state(), told(&site, "health").contains("left")), ("left".into(), false));
    let failed = &document(&site, "status")["stacks"][0]["unfinished"]["failed"];
    assert_eq!(*failed, serde_json::json!(["web.service"]));
    // What was done since is what counts.
    site.up("three");
    assert!(!told(&site, "status").contains("left as it is"));
}
