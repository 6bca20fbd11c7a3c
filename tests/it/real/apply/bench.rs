//! How soon who waits is started, and whether logs keep up. `STACKWRIGHT_BENCH=1` runs these, best
//! with a program of the release profile in `STACKWRIGHT_PROGRAM`; they print, and hold nothing
//! against a number.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Ground, PROGRAM};

fn is_wanted() -> bool {
    std::env::var_os("STACKWRIGHT_BENCH").is_some_and(|value| value == "1")
}

fn print(text: &str) {
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}

/// The kinds of criteria, and what makes each of them true.
const KINDS: [(&str, &str, &str); 4] = [
    ("log", "type: log_pattern, pattern: ^true$$", "true"),
    ("tcp", "type: tcp, port: 3000", "httpd -p 3000 -h /tmp"),
    (
        "http",
        "type: http_endpoint, url: \"http://localhost:3000/\", expected_status: 404",
        "httpd -p 3000 -h /tmp",
    ),
    ("command", "type: command, command: [test, -e, /tmp/x]", "touch /tmp/x"),
];

/// A service of each kind that tells in its log when its criterion is true, and one that waits for
/// it.
fn waiting() -> String {
    let mut text = String::from(
        "stack: { name: waiting }\ndeployment: { timeouts: { settle: 0s } }\nservices:\n",
    );
    for (place, (kind, criterion, makes)) in KINDS.iter().enumerate() {
        write!(
            text,
            "  - name: {kind}\n    configuration:\n      image: docker.io/library/base:1\n      \
             pull_policy: never\n      stop_timeout: 1s\n      command: [serve, sh, -c, \"sleep \
             {place}.7; sleep 2; {makes}; echo true\"]\n      ready_criteria: [{{ {criterion} }}]\n  \
             - name: after-{kind}\n    dependencies: [{kind}]\n    configuration:\n      \
             image: docker.io/library/base:1\n      pull_policy: never\n      stop_timeout: 1s\n      \
             command: [serve]\n"
        )
        .unwrap();
    }
    text
}

/// From the moment that the last criterion is true to the one at which systemd begins to start who
/// waits, both on the clock of the machine, by the journal and by systemd.
#[test]
fn bench_of_who_waits() {
    if !is_wanted() {
        return;
    }
    let Some(ground) = Ground::new("waiting") else { return };
    ground.stack("waiting", &waiting());
    let mut took: Vec<Vec<i64>> = vec![Vec::new(); KINDS.len()];
    for _ in 0..5 {
        ground.up("waiting");
        for ((kind, ..), took) in KINDS.iter().zip(&mut took) {
            let of = format!("CONTAINER_NAME={kind}");
            let ask = ["journalctl", "--user", "-o", "json", "-n", "1", "MESSAGE=true", &of];
            let line: serde_json::Value = serde_json::from_str(&ground.host.user(&ask)).unwrap();
            let is_true = line["__MONOTONIC_TIMESTAMP"].as_str().unwrap().parse::<i64>().unwrap();
            let unit = format!("after-{kind}.service");
            let begins = ground.host.property(&unit, "InactiveExitTimestampMonotonic");
            took.push(begins.parse::<i64>().unwrap() - is_true);
        }
        ground.ends(0, &["remove", "waiting", "--yes"]);
    }
    let mut table = String::from("kind     median  longest\n");
    let all = ("all", took.concat());
    let each = KINDS.iter().map(|(kind, ..)| *kind).zip(took).chain([all]);
    for (kind, mut took) in each {
        took.sort_unstable();
        let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
        writeln!(table, "{kind:8} {:6} {:8}", median / 1000, longest / 1000).unwrap();
    }
    print(&format!("{table}milliseconds\n"));
}

const WRITERS: usize = 10;
const LINES: usize = 5000;

/// A service that writes a thousand lines a second for five seconds.
const WRITER: &str = "sleep 4; i=0; while [ $$i -lt 5000 ]; do echo line $$i of many, as long as \
    lines are; i=$$((i+1)); [ $$((i % 100)) != 0 ] || sleep 0.1; done";

#[test]
fn bench_of_logs() {
    if !is_wanted() {
        return;
    }
    let Some(ground) = Ground::new("logs") else { return };
    // What the journal itself leaves out is no loss of ours.
    let limits = "mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nRateLimitBurst=0\\n' \
                  > /etc/systemd/journald.conf.d/lab.conf; systemctl restart systemd-journald";
    ground.host.user(&["--root", "sh", "-c", limits]);
    let mut text = String::from(
        "stack: { name: burst }\ndeployment: { timeouts: { settle: 0s } }\nservices:\n",
    );
    for number in 0..WRITERS {
        write!(
            text,
            "  - name: writer-{number}\n    configuration:\n      \
             image: docker.io/library/base:1\n      pull_policy: never\n      stop_timeout: 1s\n      \
             command: [serve, sh, -c, \"{WRITER}\"]\n"
        )
        .unwrap();
    }
    ground.stack("burst", &text);
    ground.up("burst");
    let wanted = WRITERS * LINES;
    let follow = format!("{PROGRAM} logs burst -f --format json | head -n {wanted}");
    let told = ground.run(&["timeout", "120", "sh", "-c", &follow]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let lines = told.out.lines().count();
    let last: serde_json::Value =
        serde_json::from_str(told.out.lines().last().unwrap_or("{}")).unwrap();
    let behind = now.saturating_sub(u128::from(last["time"].as_u64().unwrap_or(0))) / 1000;
    print(&format!(
        "{lines} of {wanted} lines of {WRITERS} services; the last was shown {behind} ms after it \
         was written\n"
    ));
}
