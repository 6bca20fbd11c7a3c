//! The real host behind its interface: this very program is put into a host of the lab and runs
//! the tests of [`inside`] there.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use super::{Host, lab, must, suite};

mod inside;

/// Where the program lies in the host.
const PROGRAM: &str = "/home/user/it";

/// Puts this program into a host.
fn settle(host: &Host) {
    let own = std::env::current_exe().unwrap();
    std::fs::copy(own, host.path(PROGRAM)).unwrap();
    host.own_home();
}

/// The arguments that run tests inside, in an environment that says so.
fn run<'a>(host: &'a Host, more: &'a str, tests: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["exec", host.name.as_str(), "env", INSIDE, more, PROGRAM];
    all.extend(["--ignored", "--nocapture", "--test-threads=1"]);
    all.extend(tests);
    all
}

/// Says to the program that it runs inside.
const INSIDE: &str = "STACKWRIGHT_LAB_INSIDE=1";

#[test]
fn everything_behind_the_interface_does_what_it_promises() {
    let Some(suite) = suite() else { return };
    let host = suite.host("behind");
    host.lab("image", &["docker.io/library/shop:1"]);
    settle(&host);
    let all = ["host::inside::manager::", "host::inside::bus::", "host::inside::rest::"];
    for (way, tests, count) in [("BY=bus", &all[..], 9), ("BY=program", &all[..1], 4)] {
        let said = must(&mut lab(&run(&host, way, tests)));
        assert!(said.contains(&format!("test result: ok. {count} passed;")), "{said}");
    }
}

#[test]
fn a_second_interrupt_ends_the_program_at_once() {
    let Some(suite) = suite() else { return };
    let host = suite.host("interrupted");
    settle(&host);
    let status = lab(&run(&host, "BY=bus", &["host::inside::interrupted_twice"])).status().unwrap();
    assert_eq!(status.signal(), Some(15), "{status}");
    let mark: PathBuf = host.path("/home/user/after-the-first");
    assert!(mark.exists(), "the first one ended it");
}
