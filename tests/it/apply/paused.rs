//! What becomes of a failure that is held for somebody to look at it.

use std::collections::VecDeque;

use stackwright::apply::{Answer, Care, Manner};
use stackwright::state::manifest::OnFailure;

use super::driver::{How, Run, Want, run_how};
use super::host::Simulated;
use super::stack::Stack;
use super::sweep::{FIRST, after};
use super::whole::which;

/// An update whose second service ends at once, in so many of its starts.
fn pause(times: usize, ask: Option<&'static dyn Fn() -> Answer>) -> (Simulated, Run, Stack) {
    let before = Stack::new(FIRST);
    let host = Simulated::of(after(&[&before]));
    let ends = VecDeque::from(vec!["exits".to_owned(); times]);
    host.world().manager.next.insert("app.service".to_owned(), ends);
    let changed = FIRST.replace("db.container", "db.container env=2");
    let stack = Stack::new(&changed.replace("app.container", "app.container once"))
        .with(|settings| settings.on_failure = OnFailure::Pause);
    let manner = Manner { ask, ..Care::Full.into() };
    let how = How { manner, ..How::default() };
    let result = run_how(&host, "shop", &Want::Apply(stack.clone()), &how);
    (host, result, stack)
}

#[test]
fn what_is_down_is_started_again_as_often_as_somebody_says_so() {
    for times in 1..4 {
        let (host, result, stack) = pause(times, Some(&|| Answer::GoOn));
        result.done();
        assert_eq!(which(&host, &[Some(&stack)]), Ok(0), "{}", result.brief());
        // What came up the first time was left alone.
        let starts = |service| result.starts().iter().filter(|name| **name == service).count();
        assert_eq!((starts("db.service"), starts("app.service")), (1, times + 1));
    }
}

#[test]
fn it_stays_or_goes_back_as_somebody_says() {
    let (host, result, stack) = pause(9, Some(&|| Answer::Leave));
    let (failure, why) = result.not_restored();
    assert_eq!((failure.down.join(" "), why), ("app.service web.service".to_owned(), None));
    assert!(which(&host, &[Some(&stack)]).unwrap_err().contains("app.service is down"));
    let before = Stack::new(FIRST);
    let (host, result, _) = pause(1, Some(&|| Answer::Back));
    result.restored();
    assert_eq!(which(&host, &[Some(&before)]), Ok(0));
}

#[test]
fn without_anybody_to_ask_all_is_put_back() {
    let before = Stack::new(FIRST);
    let (host, result, _) = pause(1, None);
    result.restored();
    assert_eq!(which(&host, &[Some(&before)]), Ok(0));
}
