//! How fast it goes on: from what makes a service ready to the start of what waits for it, from
//! what services write to what is shown of it, and to what is told of a hundred services.
//!
//! `STACKWRIGHT_BENCH=1` runs these, best with a program of the release profile in
//! `STACKWRIGHT_PROGRAM`; they print, and hold no time against a number.

use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::{Ground, PROGRAM};
use crate::support::write;

/// How often each kind of question is tried.
const RUNS: usize = 10;
/// How many services write, and how many lines each of them within a second and in all. Of more,
/// journald itself loses some: it takes 37,500 of a user within 30 s where there is room for 4 GB
/// (`RateLimitBurst=`).
const WRITERS: usize = 10;
const PART: usize = 1000;
const LINES: usize = 3 * PART;

/// The host of a benchmark, where one is wanted.
fn ground(name: &str) -> Option<Ground> {
    let is_wanted = std::env::var_os("STACKWRIGHT_BENCH").is_some_and(|value| value == "1");
    is_wanted.then(|| Ground::new(name)).flatten()
}

fn print(table: &str) {
    std::io::Write::write_all(&mut std::io::stderr(), table.as_bytes()).unwrap();
}

/// A service with an image, a command in a shell and what else is said of it.
fn service(name: &str, command: &str, more: &str) -> String {
    format!(
        "  - name: {name}\n    {more}\n    configuration:\n      \
         image: docker.io/library/base:1\n      pull_policy: never\n      stop_timeout: 1s\n      \
         command: [serve, sh, -c, \"{command}\"]\n"
    )
}

const HEAD: &str = "deployment: { timeouts: { settle: 0s } }\nservices:\n";

/// Each kind of question, what makes the answer right, and the question.
const KINDS: [(&str, &str, &str); 4] = [
    ("page", "echo now; exec httpd -f -p 80 -h /etc", "http_endpoint, url: 'http://page/passwd'"),
    ("port", "echo now; exec httpd -f -p 80 -h /etc", "tcp, port: 80"),
    ("line", "echo now", "log_pattern, pattern: '^now$$'"),
    ("file", "echo now; touch /tmp/x", "command, command: [test, -e, /tmp/x]"),
];

/// From the line that a service writes as it becomes ready to the start of what waits for it.
#[test]
fn bench_of_becoming_ready() {
    let Some(ground) = ground("pace") else { return };
    let mut delays = vec![Vec::new(); KINDS.len()];
    for run in 0..RUNS {
        let mut stack = format!("stack: {{ name: pace }}\n{HEAD}");
        for (kind, becomes, asks) in KINDS {
            // It is at another time of the pause between two tries each time.
            let command = format!("sleep 1.{run:02}7; {becomes}");
            stack.push_str(&service(kind, &command, ""));
            writeln!(stack, "      ready_criteria: [{{ type: {asks}, timeout: 20s }}]").unwrap();
            stack.push_str(&service(
                &format!("{kind}-next"),
                "true",
                &format!("dependencies: [{kind}]"),
            ));
        }
        ground.stack("pace", &stack);
        ground.up("pace");
        for (delays, (kind, ..)) in delays.iter_mut().zip(KINDS) {
            delays.push(started(&ground, kind) - said(&ground, kind));
        }
        ground.ends(0, &["remove", "pace", "--yes"]);
    }
    let mut table = String::from("kind   median   most  milliseconds\n");
    for (delays, (kind, ..)) in delays.iter_mut().zip(KINDS) {
        delays.sort_by(f64::total_cmp);
        let (median, most) = (delays[RUNS / 2], delays[RUNS - 1]);
        writeln!(table, "{kind}  {median:8.1} {most:6.1}").unwrap();
    }
    print(&table);
}

/// When a service wrote the line, in milliseconds since the machine started.
fn said(ground: &Ground, service: &str) -> f64 {
    let unit = format!("--user-unit={service}.service");
    let call = ["journalctl", "--user", &unit, "-n", "50", "-o", "json"];
    let lines = ground.host.user(&call);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_it = |line: &&Value| line["MESSAGE"].as_str().is_some_and(|text| text.trim() == "now");
    let line = lines.iter().rfind(is_it).unwrap();
    milliseconds(line["__MONOTONIC_TIMESTAMP"].as_str().unwrap())
}

/// When what waits for a service began to start.
fn started(ground: &Ground, service: &str) -> f64 {
    let unit = format!("{service}-next.service");
    let call = ["systemctl", "--user", "show", "-P", "InactiveExitTimestampMonotonic", &unit];
    milliseconds(ground.host.user(&call).trim())
}

fn milliseconds(micros: &str) -> f64 {
    micros.parse::<f64>().unwrap() / 1000.0
}

/// Ten services that write 10,000 lines a second together, all of which are shown as they come.
#[test]
fn bench_of_following_logs() {
    let Some(ground) = ground("lines") else { return };
    let command = format!(
        "until [ -e /go/now ]; do sleep 0.1; done; \
         for i in 0 1 2; do seq $$((i*{PART}+1)) $$((i*{PART}+{PART})); sleep 1; done"
    );
    let mut stack = format!("stack: {{ name: lines }}\nvolumes: {{ go: {{}} }}\n{HEAD}");
    for writer in 0..WRITERS {
        stack.push_str(&service(&format!("w{writer}"), &command, ""));
        stack.push_str("      volumes: [\"go:/go\"]\n");
    }
    ground.stack("lines", &stack);
    ground.up("lines");
    let follow = format!("setsid {PROGRAM} logs lines -f --format json > ~/told 2> ~/wrong &");
    ground.host.user(&["bash", "-c", &follow]);
    ground.host.user(&["podman", "exec", "w0", "touch", "/go/now"]);
    let path = ground.host.path("home/user/told");
    let all = WRITERS * LINES;
    let began = Instant::now();
    let (told, now) = loop {
        let told = std::fs::read_to_string(&path).unwrap();
        if told.lines().count() >= all || began.elapsed() > Duration::from_secs(60) {
            break (told, SystemTime::now());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    ground.run(&["pkill", "-f", "stackwright logs"]);
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for writer in 0..WRITERS {
        let name = format!("w{writer}");
        let own = lines.iter().filter(|line| line["service"] == *name);
        let own: Vec<usize> =
            own.map(|line| line["text"].as_str().unwrap().parse().unwrap()).collect();
        assert!(own.iter().copied().eq(1..=LINES), "{name}: {} lines", own.len());
    }
    let times = || lines.iter().map(|line| Duration::from_micros(line["time"].as_u64().unwrap()));
    let (first, last) = (times().min().unwrap(), times().max().unwrap());
    let behind = now.duration_since(UNIX_EPOCH).unwrap().abs_diff(last);
    let rate = LINES * WRITERS * 1000 / usize::try_from(last.abs_diff(first).as_millis()).unwrap();
    print(&format!("{all} lines, {rate} a second; the last was shown after {behind:.0?}\n"));
}

/// What is told of a hundred services that run.
#[test]
fn bench_of_a_hundred_services() {
    let Some(ground) = ground("hundred") else { return };
    let mut stack = format!("stack: {{ name: hundred }}\n{HEAD}");
    for number in 0..100 {
        stack.push_str(&service(&format!("s{number}"), "true", ""));
        writeln!(stack, "      environment: {{ NUMBER: '{number}' }}").unwrap();
    }
    ground.stack("hundred", &stack);
    ground.ends(0, &["apply", "/srv/hundred.yml", "--yes"]);
    let script = "for i in $(seq 21); do a=$(date +%s%N); \"$@\" > ~/told || exit 1; \
                  echo $((($(date +%s%N) - a) / 1000)); done | sort -n | sed -n '1p;11p;21p'";
    write(&ground.host.path("opt/time"), script);
    let mut table = String::from("milliseconds: least, median and most of 21\n");
    for words in [&["--version"][..], &["diff"], &["diff", "--running"], &["status"], &["health"]] {
        let told = ground.host.user(&[&["bash", "/opt/time", PROGRAM][..], words].concat());
        let times: Vec<String> =
            told.lines().map(|time| format!("{:7.1}", milliseconds(time))).collect();
        writeln!(table, "{:<16} {}", words.join(" "), times.join(" ")).unwrap();
    }
    print(&table);
}
