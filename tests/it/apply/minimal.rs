//! What restarts is what has to, and nothing else.

use std::path::Path;

use stackwright::apply::Outcome;

use super::driver::{Want, run};
use super::host::Simulated;
use super::stack::Stack;
use super::sweep::after;
use super::whole::which;

const LINES: &str = "
    data.volume
    db.container vol=data file=aaa/db.conf
    web.container needs=db
    app.container file=bbb/app.conf
    files/aaa/db.conf one
    files/bbb/app.conf one
";

#[test]
fn another_definition_of_a_volume_restarts_nothing() {
    let host = Simulated::of(after(&[&Stack::new(LINES)]));
    let changed = Stack::new(&LINES.replace("data.volume", "data.volume options=x"));
    let result = run(&host, &Want::Apply(changed.clone()));
    result.done();
    let counts = host.world().counts;
    assert_eq!((counts.starts, counts.stops), (0, 0), "{}", result.brief());
    assert!(result.plan().notes.join("\n").contains("the volume data keeps its old options"));
    assert_eq!(which(&host, &[Some(&changed)]), Ok(0));
    // Another volume is another thing.
    host.world().begin_process();
    let other = Stack::new(&LINES.replace("data.volume", "data.volume name=other"));
    let result = run(&host, &Want::Apply(other.clone()));
    assert_eq!(result.starts(), ["data-volume.service", "db.service", "web.service"]);
    assert_eq!(which(&host, &[Some(&other)]), Ok(0));
}

#[test]
fn a_mounted_file_that_was_changed_by_hand_is_put_right_and_read_again() {
    let stack = Stack::new(LINES);
    for change in [Some(&b"by hand"[..]), None] {
        let host = Simulated::of(after(&[&stack]));
        let path = host.world().places.stacks.join("shop/files/aaa/db.conf");
        let path: &Path = &path;
        match change {
            Some(bytes) => host.world().disk.replace(path, bytes, 0o644).unwrap(),
            None => host.world().disk.remove(path).unwrap(),
        }
        let result = run(&host, &Want::Apply(stack.clone()));
        result.done();
        assert_eq!(result.starts(), ["db.service", "web.service"]);
        let why = result.plan().units.iter().find(|unit| unit.file == "db.container").unwrap();
        assert_eq!(why.why, "db.conf was changed by hand");
        assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
        assert_eq!(host.world().disk.text(path).as_deref(), Some("one"));
        host.world().begin_process();
        assert_eq!(run(&host, &Want::Apply(stack.clone())).outcome, Ok(Outcome::Nothing));
    }
}
