//! The program is killed or asked to stop at every step that it tells of, or the power goes: what
//! there is after the next command is the old state or the new one, whole.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{Ground, PROGRAM, shop};
use crate::real::lab;
use crate::support::Run;

/// Runs a command and sends it a signal when its line of that number comes, or after so many
/// milliseconds where the number is negative.
const SIGNAL: &str = r#"#!/bin/bash
signal=$1 at=$2 count=0
shift 2
coproc RUN { exec "$@" 2> /dev/null; }
pid=$RUN_PID
exec {lines}<&"${RUN[0]}"
if ((at < 0)); then
    sleep "$((-at / 1000)).$(printf %03d $((-at % 1000)))"
    kill "-$signal" "$pid" 2> /dev/null
fi
while IFS= read -r line <&"$lines"; do
    printf '%s\n' "$line"
    ((++count != at)) || kill "-$signal" "$pid"
done
wait "$pid"
"#;

type Changes = &'static [(&'static str, &'static str)];

/// A command that leads from one state to another.
struct Way {
    /// What is brought up before, one after the other; where it is nothing, all is taken away.
    states: &'static [Changes],
    /// What the stack file says then.
    file: Changes,
    command: &'static [&'static str],
}

const OLD: Changes = &[("WEB", "old")];
/// Another text for one service, and a new one in the place of another.
const NEW: Changes = &[("WEB", "new"), ("name: bot", "name: robot")];

const APPLY: &[&str] = &["apply", "/srv/shop.yml", "--yes", "--format", "json"];
const REMOVE: &[&str] = &["remove", "shop", "--yes", "--format", "json"];
const ROLLBACK: &[&str] = &["rollback", "shop", "--yes", "--format", "json"];

const FIRST: Way = Way { states: &[], file: NEW, command: APPLY };
const UPDATE: Way = Way { states: &[OLD], file: NEW, command: APPLY };
const REMOVAL: Way = Way { states: &[OLD], file: OLD, command: REMOVE };
const RETURN: Way = Way { states: &[OLD, NEW], file: NEW, command: ROLLBACK };

/// What is seen of a whole state. Numbers of generations differ from run to run.
type State = BTreeSet<String>;

fn state(ground: &Ground) -> State {
    let word = |word: &str| match word.split_once('-') {
        Some((number, digest)) if digest.len() == 12 && number.parse::<u64>().is_ok() => {
            digest.to_owned()
        }
        _ => word.to_owned(),
    };
    let plain = |line: String| line.split(['/', ' ']).map(word).collect::<Vec<String>>().join(" ");
    ground.look().without_data().shape.into_iter().map(plain).collect()
}

impl Way {
    /// Brings the host to where the way begins.
    fn begin(&self, ground: &Ground) {
        for changes in self.states {
            ground.stack("shop", &shop(changes));
            ground.up("shop");
        }
        if self.states.is_empty() {
            let remove = ground.program(&["remove", "shop", "--yes"]);
            assert!(remove.code == 0 || remove.err.contains("no stack"), "{}", remove.err);
        }
        ground.stack("shop", &shop(self.file));
    }

    /// Goes it, and sends a signal on the way.
    fn go(&self, ground: &Ground, signal: &str, at: i64) -> Run {
        let at = at.to_string();
        ground.run(&[&["/opt/signal", signal, &at, PROGRAM], self.command].concat())
    }

    /// The states at its ends, and the number of its lines.
    fn ends(&self, ground: &Ground) -> (State, State, i64) {
        self.begin(ground);
        let old = state(ground);
        let whole = ground.ends(0, self.command);
        let new = state(ground);
        assert_ne!(old, new);
        (old, new, i64::try_from(whole.out.lines().count()).unwrap())
    }

    /// Kills the program at every line, and a few times in between.
    fn is_killed_everywhere(&self, name: &str) {
        let Some(ground) = Ground::new(name) else { return };
        ground.script("signal", SIGNAL);
        let (old, new, lines) = self.ends(&ground);
        let (mut seen, mut is_old) = ([0, 0], false);
        for at in (1..=lines).chain([-40, -350, -700, -1100]) {
            if !is_old {
                self.begin(&ground);
            }
            let run = self.go(&ground, "KILL", at);
            assert!([0, 137].contains(&run.code), "{at}: {} {}", run.code, run.out);
            let now = recovered(&ground, at, &old, &new);
            seen[usize::from(now)] += 1;
            is_old = !now;
        }
        assert!(seen.iter().all(|times| *times > 0), "it was never cut short: {seen:?}");
        ground.strangers_are_untouched();
    }
}

/// After the next command, all is old or all is new; tells which.
fn recovered(ground: &Ground, at: i64, old: &State, new: &State) -> bool {
    let told = ground.program(&["recover"]);
    let now = state(ground);
    let is_whole = told.code == 0 && (now == *old || now == *new);
    assert!(
        is_whole,
        "at {at}: exit {}\n{}\n{now:#?}\nold: {old:#?}\nnew: {new:#?}\n{}",
        told.code,
        told.err,
        ground.host.user(&["sh", "-c", "journalctl --user -n 150 --no-pager | grep -v conmon"])
    );
    now == *new
}

#[test]
fn killed_in_a_first_deployment_it_leaves_nothing_or_all() {
    FIRST.is_killed_everywhere("kill-first");
}

#[test]
fn killed_in_an_update_it_leaves_the_old_or_the_new() {
    UPDATE.is_killed_everywhere("kill-update");
}

#[test]
fn killed_in_a_removal_it_leaves_all_or_nothing() {
    REMOVAL.is_killed_everywhere("kill-remove");
}

#[test]
fn killed_in_a_rollback_it_leaves_the_new_or_the_old() {
    RETURN.is_killed_everywhere("kill-rollback");
}

/// The next apply after a kill does not need `recover` first: it ends with all new.
#[test]
fn the_next_apply_recovers_by_itself_and_a_kill_while_it_does_is_no_harm() {
    let Some(ground) = Ground::new("again") else { return };
    ground.script("signal", SIGNAL);
    let (old, new, lines) = UPDATE.ends(&ground);
    for at in [lines / 3, lines / 2, lines - 2] {
        UPDATE.begin(&ground);
        UPDATE.go(&ground, "KILL", at);
        for after in [2, 4, 6] {
            ground.run(&[
                "/opt/signal",
                "KILL",
                &after.to_string(),
                PROGRAM,
                "recover",
                "--format",
                "json",
            ]);
        }
        ground.ends(0, &["apply", "/srv/shop.yml", "--yes"]);
        assert_eq!(state(&ground), new, "{at}");
    }
    assert_ne!(old, new);
    ground.strangers_are_untouched();
}

#[test]
fn asked_to_stop_it_puts_all_back_and_goes_on_without_its_terminal() {
    let Some(ground) = Ground::new("asked") else { return };
    ground.script("signal", SIGNAL);
    let (old, new, lines) = UPDATE.ends(&ground);
    for (signal, at) in [("INT", 2), ("TERM", 4), ("INT", lines / 2), ("TERM", lines - 3)] {
        UPDATE.begin(&ground);
        let run = UPDATE.go(&ground, signal, at);
        let now = state(&ground);
        match run.code {
            3 | 4 => assert_eq!(now, old, "{signal} at {at}: {}", run.out),
            0 => assert_eq!(now, new, "{signal} at {at}: {}", run.out),
            code => panic!("{signal} at {at}: {code} {}", run.out),
        }
        // Only at its very end it is too late to stop.
        assert!(run.code == 4 || at <= 2 || at >= lines - 3, "{signal} at {at}: {}", run.code);
    }
    for at in [1, lines / 2] {
        UPDATE.begin(&ground);
        let run = UPDATE.go(&ground, "HUP", at);
        assert_eq!((run.code, state(&ground)), (0, new.clone()), "{}", run.out);
    }
    ground.strangers_are_untouched();
}

/// Goes a way and cuts the power when the line of a number comes.
fn cut(ground: &Ground, way: &Way, at: usize) {
    let words = [&["exec", &ground.host.name, PROGRAM], way.command].concat();
    let mut run = lab(&words);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let told = lines.take(at).map_while(Result::ok).count();
    assert_eq!(told, at, "it ended before");
    ground.host.lab("cut", &[]);
    run.wait().unwrap();
    ground.host.lab("boot", &[]);
}

#[test]
fn a_power_cut_leaves_the_old_or_the_new() {
    let Some(ground) = Ground::new("cut") else { return };
    for way in [UPDATE, FIRST] {
        let (old, new, lines) = way.ends(&ground);
        let lines = usize::try_from(lines).unwrap();
        for at in [2, lines / 3, lines / 2, lines - 3] {
            way.begin(&ground);
            cut(&ground, &way, at);
            recovered(&ground, i64::try_from(at).unwrap(), &old, &new);
        }
    }
    ground.strangers_stand();
}
