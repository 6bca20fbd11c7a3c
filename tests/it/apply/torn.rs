//! What is kept about a stack may be cut off or spoilt at any byte: nothing is done that was not
//! asked for, nothing is taken away, and what is wrong is said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stackwright::apply::Outcome;
use stackwright::host::change::Entry;

use super::driver::{Run, Want, run};
use super::failures::{CHAIN, more, runs};
use super::host::{Simulated, Trouble, World};
use super::stack::Stack;
use super::sweep::after;
use super::whole::{bystanders, generations, which};
use crate::support::is_thorough;

/// All that becomes of some bytes: cut off at each, and each another one.
fn spoilt(bytes: &[u8], sample: usize) -> Vec<(String, Vec<u8>)> {
    let places = || (0..bytes.len()).step_by(sample);
    let cut = places().map(|length| (format!("cut at {length}"), bytes[..length].to_vec()));
    let changed = places().map(|place| {
        let mut other = bytes.to_vec();
        other[place] ^= [1, 0x80, bytes[place]][place % 3];
        (format!("byte {place} is {:#x}", other[place]), other)
    });
    cut.chain(changed).collect()
}

/// Each so many, where time is short.
fn sample(each: usize) -> usize {
    if is_thorough() { 1 } else { each }
}

fn shop(version: u32) -> Stack {
    let lines = more(CHAIN, "b", &format!("env={version} vol=data"));
    Stack::new(&format!("{lines} data.volume\n tick.timer\n"))
}

fn path(world: &World, file: &str) -> PathBuf {
    world.places.stacks.join("shop").join(file)
}

/// The files of the store, but for those that every command writes.
fn store(world: &World) -> BTreeMap<PathBuf, String> {
    let mut tree = world.disk.tree(&world.places.stacks);
    tree.retain(|path, _| !path.ends_with("lock"));
    tree
}

/// Holds what must hold after any command on a spoilt store: all was done, or nothing was.
fn check(before: &World, host: &Simulated, result: &Run, to: &Stack) -> Result<(), String> {
    let now = host.world().clone();
    if bystanders(before, true) != bystanders(&now, true) {
        return Err("bystanders have changed".to_owned());
    }
    if before.podman.volumes != now.podman.volumes {
        return Err("a volume has changed".to_owned());
    }
    match &result.outcome {
        Ok(Outcome::Done { .. } | Outcome::Nothing) => match which(host, &[Some(to)]) {
            Ok(_) => Ok(()),
            Err(why) => Err(format!("it is done, and {why}")),
        },
        Ok(Outcome::Refused(_)) | Err(_) if runs(before) != runs(&now) => {
            Err("it is refused, and others run".to_owned())
        }
        Ok(Outcome::Refused(_)) | Err(_) if store(before) != store(&now) => {
            Err(format!("it is refused, and the store has changed: {:?}", now.done))
        }
        Ok(Outcome::Refused(_)) | Err(_) => Ok(()),
        Ok(_) => Err("it fails".to_owned()),
    }
}

/// What is said names what cannot be read.
fn names_it(result: &Run, words: &[&str]) -> Result<(), String> {
    let brief = result.brief();
    match &result.outcome {
        Err(_) if !words.iter().any(|word| brief.contains(word)) => {
            Err(format!("it does not say what is wrong: {brief}"))
        }
        _ => Ok(()),
    }
}

/// Spoils a file in all ways, and runs a command on each.
fn spoil((world, file): (&World, &str), each: usize, want: &Want, to: &Stack, words: &[&str]) {
    let path = path(world, file);
    let bytes = world.disk.read(&path).unwrap().unwrap();
    let mut counts = BTreeMap::new();
    for (how, other) in spoilt(&bytes, each) {
        let host = Simulated::of(world.clone());
        host.world().disk.replace(&path, &other, 0o600).unwrap();
        let before = host.world().clone();
        let result = run(&host, want);
        let checked = check(&before, &host, &result, to).and_then(|()| names_it(&result, words));
        checked.unwrap_or_else(|why| panic!("{file} {how}: {why}\n{}", result.brief()));
        *counts.entry(result.outcome.is_ok()).or_insert(0) += 1;
    }
    println!("{file}: done or refused {counts:?}");
}

#[test]
pub fn a_spoilt_manifest_does_no_harm_and_nothing_goes() {
    let (first, second, third) = (shop(1), shop(2), shop(3));
    let world = after(&[&first, &second]);
    let folder = world.places.stacks.join("shop/generations");
    let names = world.disk.list(&folder);
    let [old, current] = &names[..] else { panic!("{names:?}") };
    let manifest = |name: &String| format!("generations/{name}/manifest.json");
    let current_words = [current.as_str()];
    spoil(
        (&world, &manifest(current)),
        sample(41),
        &Want::Apply(third.clone()),
        &third,
        &current_words,
    );
    spoil((&world, &manifest(current)), 41, &Want::Rollback(1), &first, &current_words);
    // One that is not in use is in nobody's way, but cannot be gone back to.
    spoil((&world, &manifest(old)), sample(41), &Want::Apply(third.clone()), &third, &[]);
    spoil((&world, &manifest(old)), 41, &Want::Rollback(1), &first, &[old.as_str()]);
}

#[test]
pub fn without_its_manifest_a_generation_in_use_is_changed_and_removed_as_any_other() {
    let (first, second) = (shop(1), shop(2));
    let world = after(&[&first]);
    let folder = world.places.stacks.join("shop/generations");
    let manifest = folder.join(&world.disk.list(&folder)[0]).join("manifest.json");
    let spoilt = || {
        let host = Simulated::of(world.clone());
        host.world().disk.replace(&manifest, b"{", 0o600).unwrap();
        host
    };
    for stack in [&first, &second] {
        let host = spoilt();
        let result = run(&host, &Want::Apply(stack.clone()));
        assert_eq!(result.done().unwrap().number, 2, "{}", result.brief());
        assert_eq!(which(&host, &[Some(stack)]), Ok(0), "{}", result.brief());
        let others = if stack == &first { runs(&world) } else { runs(&host.world()) };
        assert_eq!(runs(&host.world()), others, "what is as it was goes on");
        host.world().begin_process();
        assert_eq!(run(&host, &Want::Apply(stack.clone())).outcome, Ok(Outcome::Nothing));
    }
    let host = spoilt();
    run(&host, &Want::Remove).done();
    assert_eq!(which(&host, &[None]), Ok(0));
    assert_eq!(host.world().podman.volumes, world.podman.volumes);
}

#[test]
pub fn a_spoilt_history_stops_nothing_and_no_number_is_used_twice() {
    let (first, second, third) = (shop(1), shop(2), shop(3));
    let world = after(&[&first, &second]);
    spoil((&world, "history"), 41, &Want::Apply(third.clone()), &third, &[]);
    let file = path(&world, "history");
    let bytes = world.disk.read(&file).unwrap().unwrap();
    for (how, other) in spoilt(&bytes, sample(41)) {
        let host = Simulated::of(world.clone());
        host.world().disk.replace(&file, &other, 0o600).unwrap();
        let result = run(&host, &Want::Apply(third.clone()));
        assert_eq!(result.done().unwrap().number, 3, "{how}");
        assert_eq!(generations(&host), [1, 2, 3], "{how}");
    }
}

#[test]
pub fn a_link_that_leads_elsewhere_is_refused() {
    let (first, second, third) = (shop(1), shop(2), shop(3));
    let world = after(&[&first, &second]);
    let link = path(&world, "current");
    let Some(Entry::Link(target)) = world.disk.entry(&link) else { panic!() };
    for (how, other) in spoilt(target.as_os_str().as_encoded_bytes(), 1) {
        let Some(other) = String::from_utf8(other).ok().filter(|other| !other.contains('\0'))
        else {
            continue;
        };
        for want in [Want::Apply(third.clone()), Want::Rollback(1), Want::Remove, Want::Recover] {
            let host = Simulated::of(world.clone());
            host.world().disk.link(&link, Path::new(&other)).unwrap();
            let before = host.world().clone();
            let result = run(&host, &want);
            let told = format!("{how}: {other}\n{}", result.brief());
            if matches!(want, Want::Recover) {
                assert!(result.outcome.is_ok(), "{told}");
                assert_eq!(store(&before), store(&host.world()), "{told}");
                continue;
            }
            assert!(result.outcome.is_err(), "{told}");
            let said = names_it(&result, &["which generation is in use", "read generation"]);
            said.unwrap_or_else(|why| panic!("{told}\n{why}"));
            check(&before, &host, &result, &third).unwrap_or_else(|why| panic!("{told}\n{why}"));
        }
    }
}

#[test]
pub fn a_spoilt_journal_leaves_the_generation_in_use_whole() {
    let (first, second) = (shop(1), shop(2));
    let world = after(&[&first]);
    let mut ends = [0, 0];
    for place in 1.. {
        let host = Simulated::of(world.clone());
        host.world().trouble = Trouble::DiesAfter(place);
        run(&host, &Want::Apply(second.clone()));
        if host.world().counts.operations < place {
            break;
        }
        host.world().pass(Duration::from_secs(30));
        let dead = host.world().clone();
        let files = ["journal", "journal.committed"].map(|file| path(&dead, file));
        for file in files {
            let Some(bytes) = dead.disk.read(&file).unwrap() else { continue };
            let all = spoilt(&bytes, sample(97));
            let turn = all.len() / if is_thorough() { 12 } else { 2 } + 1;
            for (how, other) in all.into_iter().skip(place % turn).step_by(turn) {
                let host = Simulated::of(dead.clone());
                host.world().begin_process();
                host.world().disk.replace(&file, &other, 0o600).unwrap();
                let recovery = run(&host, &Want::Recover);
                let told = format!("dead after {place}, {how}: {}", recovery.brief());
                assert!(recovery.outcome.is_ok() && recovery.recovered, "{told}");
                let found = which(&host, &[Some(&first), Some(&second)]);
                ends[*found.as_ref().unwrap_or_else(|why| panic!("{told}\n{why}"))] += 1;
                assert_eq!(bystanders(&world, true), bystanders(&host.world(), true), "{told}");
                assert_eq!(world.podman.volumes, host.world().podman.volumes, "{told}");
            }
        }
    }
    println!("old or new: {ends:?}");
    assert!(ends.iter().all(|times| *times > 0), "{ends:?}");
}
