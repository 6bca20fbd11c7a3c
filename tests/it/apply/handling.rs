//! What a stack says about a deployment that fails, for every value of `failure_handling`: a
//! service does not come up, or all is up and a test tells that it does not work.

use stackwright::apply::{Answer, Care, Manner, Step};
use stackwright::host::probe::{Ask, Probe};
use stackwright::state::manifest::{OnFailure, Test};
use stackwright::state::{Entry, Settings, Store, Verdict};

use super::driver::{How, Run, Want, run, run_how};
use super::host::Simulated;
use super::stack::Stack;
use super::sweep::{FIRST, after, bare};
use super::whole::which;

/// What is wrong with an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Service,
    Test,
}

/// An update of the first stack that does not work.
fn update(wrong: Wrong, on_failure: OnFailure) -> Stack {
    let lines = FIRST.replace("db.container", "db.container env=2");
    let lines = match wrong {
        Wrong::Service => lines.replace("needs=db", "needs=db once does:exits ready=300"),
        Wrong::Test => lines,
    };
    // Nobody ever listens there.
    let probe = Probe { ask: Ask::Port { port: 1 }, timeout: 2_000, interval: Some(50) };
    let test = Test {
        name: "it sells".to_owned(),
        service: "web.service".to_owned(),
        container: "web".to_owned(),
        probe,
        is_implied: false,
    };
    let tests = if wrong == Wrong::Test { vec![test] } else { Vec::new() };
    Stack::new(&lines).with(|settings| {
        settings.on_failure = on_failure;
        settings.tests = tests;
    })
}

fn history(host: &Simulated) -> Vec<Entry> {
    let places = host.world().places.clone();
    Store::of(host, &places, "shop").history().unwrap()
}

/// Applies an update that does not work to a host with the first stack.
fn fails(stack: &Stack, ask: Option<&'static dyn Fn() -> Answer>) -> (Simulated, Run) {
    let before = Stack::new(FIRST);
    let host = Simulated::of(after(&[&before]));
    let how = How { manner: Manner { ask, ..Care::Full.into() }, ..How::default() };
    let result = run_how(&host, "shop", &Want::Apply(stack.clone()), &how);
    (host, result)
}

#[test]
fn each_strategy_does_what_it_says_whatever_fails() {
    type Asked = Option<&'static dyn Fn() -> Answer>;
    let back: Asked = Some(&|| Answer::Back);
    let leave: Asked = Some(&|| Answer::Leave);
    let before = Stack::new(FIRST);
    for wrong in [Wrong::Service, Wrong::Test] {
        for (on_failure, asked, goes_back) in [
            (OnFailure::Rollback, None, true),
            // Nobody is asked who did not want to be.
            (OnFailure::Rollback, leave, true),
            (OnFailure::Leave, None, false),
            (OnFailure::Leave, back, false),
            (OnFailure::Pause, None, true),
            (OnFailure::Pause, back, true),
            (OnFailure::Pause, leave, false),
        ] {
            let stack = update(wrong, on_failure);
            let (host, result) = fails(&stack, asked);
            let told = format!("{wrong:?} {on_failure:?} {}: {}", asked.is_some(), result.brief());
            let failure = match goes_back {
                true => result.restored(),
                false => result.not_restored().0,
            };
            let (step, down) = match wrong {
                Wrong::Service => (Step::Start, "app.service web.service"),
                // All is up, and does not work.
                Wrong::Test => (Step::Test, ""),
            };
            assert_eq!(failure.step, step, "{told}");
            let last = history(&host).pop().unwrap();
            let has = which(&host, &[Some(&before), Some(&stack)]);
            if goes_back {
                assert_eq!((last.verdict, has), (Verdict::Restored, Ok(0)), "{told}");
            } else {
                assert_eq!(
                    (last.verdict, &*failure.down.join(" ")),
                    (Verdict::NotRestored, down),
                    "{told}"
                );
                assert_eq!(has.is_ok(), wrong == Wrong::Test, "{told}: {has:?}");
            }
        }
    }
}

#[test]
fn who_looks_at_a_test_that_fails_can_have_it_made_again() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let answer: &dyn Fn() -> Answer = &|| match ASKED.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Answer::GoOn,
        _ => Answer::Back,
    };
    let stack = update(Wrong::Test, OnFailure::Pause);
    let (host, result) = fails(&stack, Some(answer));
    result.restored();
    assert_eq!(ASKED.load(Ordering::SeqCst), 3);
    assert_eq!(which(&host, &[Some(&Stack::new(FIRST))]), Ok(0));
    // Nothing was down, so that nothing was started for it.
    let starts = |service| result.starts().iter().filter(|name| **name == service).count();
    assert_eq!(starts("job.service"), 0, "{}", result.brief());
}

#[test]
fn logs_of_what_failed_are_kept_where_they_are_to_be() {
    for is_kept in [true, false] {
        let stack = update(Wrong::Service, OnFailure::Rollback);
        let (host, result) = fails(&stack.with(|all| all.preserve_logs = is_kept), None);
        let said = &result.restored().log;
        let last = history(&host).pop().unwrap();
        assert_eq!(said, &["app.service says so"]);
        assert_eq!(last.log.is_empty(), !is_kept, "{last:?}");
        assert_eq!(last.failed.as_deref(), Some("app.service"));
    }
}

/// The volumes of Podman.
fn volumes(host: &Simulated) -> Vec<String> {
    host.world().podman.volumes.keys().cloned().collect()
}

#[test]
fn volumes_that_a_failed_deployment_made_go_with_it_where_they_are_to() {
    let broken = |lines: &str, drops: bool| {
        let lines = lines.replace("needs=db", "needs=db once does:exits ready=300");
        Stack::new(&lines).with(|settings| settings.drop_volumes = drops)
    };
    for drops in [true, false] {
        // On a first deployment there is only what others have.
        let host = Simulated::of(bare());
        let before = volumes(&host);
        run(&host, &Want::Apply(broken(FIRST, drops))).restored();
        let made: Vec<String> =
            volumes(&host).into_iter().filter(|name| !before.contains(name)).collect();
        assert_eq!(made, if drops { vec![] } else { vec!["data"] });

        // On an update, and after a removal, what was there before has data.
        let first = Stack::new(FIRST);
        let more = format!("{FIRST}\nmore.volume\nd.container vol=more");
        for is_removed in [false, true] {
            let host = Simulated::of(after(&[&first]));
            if is_removed {
                run(&host, &Want::Remove).done();
                host.world().begin_process();
            }
            run(&host, &Want::Apply(broken(&more, drops))).restored();
            let all = volumes(&host);
            assert!(all.contains(&"data".to_owned()), "{all:?}");
            assert_eq!(all.contains(&"more".to_owned()), !drops, "{all:?}");
        }
    }
}

#[test]
fn volumes_of_a_deployment_that_was_cut_short_go_when_it_is_put_back() {
    let stack = Stack::new(FIRST).with(|settings| settings.drop_volumes = true);
    let twin = Simulated::of(bare());
    run(&twin, &Want::Apply(stack.clone())).done();
    let before = volumes(&Simulated::of(bare()));
    let doing = twin.world().done.clone();
    let at = doing.iter().position(|doing| doing == "start web.service").unwrap() + 1;
    let host = Simulated::of(bare());
    host.world().trouble = super::host::Trouble::DiesAfter(at);
    drop(run(&host, &Want::Apply(stack)));
    host.world().begin_process();
    assert!(volumes(&host).contains(&"data".to_owned()));
    assert!(run(&host, &Want::Recover).recovered);
    assert_eq!(volumes(&host), before);
}

#[test]
fn one_that_goes_well_keeps_its_volumes() {
    let host = Simulated::of(bare());
    let drops: fn(&mut Settings) = |settings| settings.drop_volumes = true;
    run(&host, &Want::Apply(Stack::new(FIRST).with(drops))).done();
    assert!(volumes(&host).contains(&"data".to_owned()));
}
