//! Many runs at once: one wins, and nothing is lost.

use std::thread;

use super::{Ground, shop};

const RUNS: usize = 16;

#[test]
fn of_sixteen_applies_at_once_one_wins() {
    let Some(ground) = Ground::new("together") else { return };
    let (mut won, mut locked) = (0, 0);
    for (round, changes) in [&[("WEB", "1")][..], &[("WEB", "2")]].into_iter().enumerate() {
        ground.stack("shop", &shop(&[changes, &[("SETTLE", "3s")]].concat()));
        let apply = || ground.program(&["apply", "/srv/shop.yml", "--yes"]);
        let runs = thread::scope(|scope| {
            let runs: Vec<_> = (0..RUNS).map(|_| scope.spawn(apply)).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
        });
        for run in &runs {
            match run.code {
                0 if run.out.contains("is up after") => won += 1,
                6 => {
                    assert!(run.err.contains("another run works on `shop`"), "{}", run.err);
                    locked += 1;
                }
                code => panic!("{round}: {code}\n{}\n{}", run.out, run.err),
            }
        }
        ground.ends(0, &["apply", "/srv/shop.yml", "--yes"]);
    }
    assert_eq!((won, locked), (2, 2 * (RUNS - 1)));
    let history = ground.ends(0, &["history", "shop"]);
    assert_eq!(history.out.matches("apply").count(), 2, "{}", history.out);

    // Who waits for the lock gets it, and finds nothing left to do.
    ground.stack("shop", &shop(&[("WEB", "3")]));
    let apply = || ground.program(&["apply", "/srv/shop.yml", "--yes", "--wait-lock", "60s"]);
    let runs = thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(apply)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(runs.iter().all(|run| run.code == 0), "{runs:?}");
    let idle = runs.iter().filter(|run| run.out == "shop: nothing to do\n").count();
    assert_eq!(idle, 2, "{runs:?}");
    ground.strangers_are_untouched();
}
