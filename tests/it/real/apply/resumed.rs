//! A deployment that was killed, or failed and was left: gone on with, or taken back.

use super::{Ground, PROGRAM, shop};

/// Kills a command when it tells that the database is up.
const KILL: &str = r#"#!/bin/bash
coproc RUN { exec "$@" 2> /dev/null; }
pid=$RUN_PID
while IFS= read -r line <&"${RUN[0]}"; do
    if [[ $line == *'"event":"ready"'*db.service* ]]; then
        kill -9 "$pid"
        exit 0
    fi
done
exit 1
"#;

const APPLY: [&str; 3] = ["apply", "/srv/shop.yml", "--yes"];

fn killed(ground: &Ground, changes: &[(&str, &str)]) {
    ground.stack("shop", &shop(changes));
    let run = ground.run(&[&["/opt/kill", PROGRAM], &APPLY[..], &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "it was not killed: {}", run.err);
}

#[test]
fn what_stopped_half_way_is_gone_on_with_or_taken_back() {
    let Some(ground) = Ground::new("resumed") else { return };
    ground.script("kill", KILL);
    let resume = [&APPLY[..], &["--resume"]].concat();
    ground.stack("shop", &shop(&[]));
    ground.up("shop");
    assert_eq!(ground.ends(0, &resume).out, "shop: nothing was cut short\n");
    let second = [("DATABASE", "2"), ("WEB", "2")];
    killed(&ground, &second);
    let before = ground.look();
    let cut = "the apply of generation 2 that user began was cut short; brought up: db.service; \
               left to do: web.service";
    let ways = "`apply --resume` goes on with it, `recover --back shop` goes back";
    let status = ground.ends(0, &["status"]).out;
    assert!(status.contains(&format!("  !! {cut}\n     {ways}\n")), "{status}");
    let health = ground.ends(2, &["health", "shop"]).out;
    assert!(health.contains(&format!("shop: {cut}; {ways}\n")), "{health}");
    assert!(ground.ends(0, &["list"]).out.contains(&format!("\n  {cut}\n")));
    assert_eq!(ground.look(), before);
    // Another stack file is another deployment.
    ground.stack("shop", &shop(&[("BOT", "2")]));
    ground.ends(7, &resume);
    assert_eq!(ground.look(), before);
    ground.stack("shop", &shop(&second));
    let told = ground.ends(0, &resume).out;
    let text = "shop: the apply of generation 2 that user began was cut short; brought up: \
                db.service; left to do: web.service\n";
    assert!(told.starts_with(text), "{told}");
    let now = ground.look();
    assert_eq!(now.restarted(&before), ["web"]);
    assert!(!now.shape.iter().any(|line| line.starts_with("journal")), "{now:#?}");
    assert!(!ground.ends(0, &["status"]).out.contains("cut short"));
    assert_eq!(ground.up("shop").out, "shop: nothing to do\n");
    // The other way out.
    killed(&ground, &[("DATABASE", "3"), ("WEB", "3")]);
    let told = ground.ends(0, &["recover", "--back", "shop"]).err;
    assert!(told.contains("the apply of generation 3 that user began was cut short"), "{told}");
    assert_eq!(ground.look().shape, now.shape);
    // What failed and was left as it is goes back too.
    ground.stack("shop", &shop(&[second[0], second[1], ("[serve]", "[nowhere]")]));
    ground.ends(5, &[&APPLY[..], &["--no-rollback"]].concat());
    assert_ne!(ground.look().shape, now.shape);
    ground.ends(0, &["recover", "shop"]);
    let status = ground.ends(0, &["status"]).out;
    assert!(status.contains("  -- the apply of generation "), "{status}");
    assert!(status.contains(" that user began failed and was left as it is: "), "{status}");
    assert_ne!(ground.look().shape, now.shape);
    ground.ends(0, &["recover", "--back", "shop"]);
    assert_eq!(ground.look().shape, now.shape);
    ground.ends(0, &["remove", "shop", "--yes"]);
    ground.strangers_are_untouched();
}
