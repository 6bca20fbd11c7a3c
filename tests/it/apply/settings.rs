//! How a stack is brought up is kept with its files, and is no reason to restart anything.

use stackwright::apply::{Care, Manner, Outcome};
use stackwright::state::Settings;
use stackwright::state::manifest::OnFailure;

use super::driver::{How, Want, run, run_how};
use super::host::Simulated;
use super::stack::Stack;
use super::sweep::{FIRST, after};
use super::whole::generations;

#[test]
fn a_change_of_settings_alone_is_kept_and_restarts_nothing() {
    let stack = Stack::new(FIRST);
    let changes: [fn(&mut Settings); 3] = [
        |settings| settings.after = vec![vec!["tell".to_owned()]],
        |settings| settings.total_seconds = Some(7),
        |settings| settings.keep = 9,
    ];
    for change in changes {
        let host = Simulated::of(after(&[&stack]));
        let changed = stack.clone().with(change);
        let result = run(&host, &Want::Apply(changed.clone()));
        result.done();
        let counts = host.world().counts;
        assert_eq!((counts.starts, counts.stops, counts.pulls), (0, 0, 0), "{}", result.brief());
        assert!(result.plan().notes.iter().any(|note| note.contains("nothing restarts")));
        assert_eq!(generations(&host), [1, 2]);
        host.world().begin_process();
        assert_eq!(run(&host, &Want::Apply(changed)).outcome, Ok(Outcome::Nothing));
    }
}

#[test]
fn what_is_asked_for_one_run_leaves_no_mark_in_what_is_kept() {
    let stack = Stack::new(FIRST);
    let host = Simulated::of(after(&[&stack]));
    let manner =
        Manner { care: Care::Full, on_failure: Some(OnFailure::Leave), ..Care::Full.into() };
    let how = How { manner, ..How::default() };
    let result = run_how(&host, "shop", &Want::Apply(stack), &how);
    assert_eq!(result.outcome, Ok(Outcome::Nothing), "{}", result.brief());
    let broken = Stack::new(&FIRST.replace("needs=app", "needs=app does:exits"));
    host.world().begin_process();
    run_how(&host, "shop", &Want::Apply(broken), &how).not_restored();
    assert_eq!(generations(&host), [1, 2]);
}
