//! Asks a service in the network of its own container, with nothing needed in its image.
//!
//! This runs in a process of its own, which has a single thread: no other may change the user
//! namespace that it is in (setns(2)). It enters the namespaces of users and of the network alone:
//! in those of files it would read, and even load, what a container lays out for it.

#![expect(clippy::disallowed_methods, reason = "this reads the names that a container knows")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex_lite::Regex;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, set_parent_process_death_signal};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};
use serde::{Deserialize, Serialize};

use super::super::probe::{Ask, Probe};
use super::{clock, http, names};

/// The command of this program that asks.
pub const COMMAND: &str = "inside";

/// This program itself, even where another one was installed in its place meanwhile.
pub const PROGRAM: &str = "/proc/self/exe";

/// How long one try may take.
const TRY_TIME: Duration = Duration::from_secs(10);

/// How long one may take even if the time is up.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// The pause between two tries where nothing is said; a question costs next to nothing.
const PAUSE: Duration = Duration::from_millis(25);

/// How much a question may say.
const QUESTION_MAX: u64 = 1 << 20;

/// What is asked, and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    /// Where.
    pub place: Place,
    /// Until when it is tried.
    pub until: Duration,
    /// The question.
    pub probe: Probe,
}

/// A container that can be entered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    /// A process of it.
    pub process: i32,
    /// The process that watches over it, in the user namespace that has its network.
    pub monitor: i32,
    /// The files that Podman shows to it as `/etc/hosts` and `/etc/resolv.conf`.
    pub hosts: PathBuf,
    /// The same.
    pub resolv: PathBuf,
}

impl Place {
    /// The machine itself, which needs not be entered.
    pub fn here() -> Self {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let (hosts, resolv) = ("/etc/hosts".into(), "/etc/resolv.conf".into());
        Self { process: own, monitor: own, hosts, resolv }
    }
}

/// Reads a question and asks it until the answer is right; an error tells the last answer.
pub fn run() -> Result<(), String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(QUESTION_MAX).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    let question: Question = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let names = Names::of(&question.place);
    enter(&question.place).map_err(|error| format!("its network cannot be entered: {error}"))?;
    // Who asked this may be gone; entering a namespace forgets what was said about that before.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    let Probe { ask, interval, .. } = &question.probe;
    let interval = interval.map_or(PAUSE, Duration::from_millis);
    loop {
        // The first try has a second, however late it is.
        let (now, end) = (clock::now(), question.until);
        let until = end.clamp(now.saturating_add(LEAST_TIME), now.saturating_add(TRY_TIME));
        let Err(answer) = try_once(ask, &names, until) else { return Ok(()) };
        if clock::left(question.until) <= interval {
            return Err(answer);
        }
        std::thread::sleep(interval);
    }
}

/// Enters the namespaces of users and of the network, where they are others than those of here.
fn enter(place: &Place) -> std::io::Result<()> {
    let (monitor, container) = (process(place.monitor)?, process(place.process)?);
    let steps = [
        (&monitor, place.monitor, "user", ThreadNameSpaceType::USER),
        (&container, place.process, "net", ThreadNameSpaceType::NETWORK),
    ];
    for (process, number, name, kind) in steps {
        let identity = |process: &str| {
            let path = Path::new("/proc").join(process).join("ns").join(name);
            rustix::fs::stat(path).map(|stat| (stat.st_dev, stat.st_ino))
        };
        if identity("self")? != identity(&number.to_string())? {
            move_into_thread_name_spaces(process.as_fd(), kind)?;
        }
    }
    Ok(())
}

fn process(number: i32) -> std::io::Result<OwnedFd> {
    let pid = Pid::from_raw(number).ok_or_else(|| std::io::Error::other("it does not run"))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Asks once; an error tells what was answered instead.
fn try_once(ask: &Ask, names: &Names, until: Duration) -> Result<(), String> {
    match ask {
        Ask::Port { port } => http::connect(&own(*port), until).map(drop),
        Ask::Page { url, status, body, headers } => {
            let address = http::Address::parse(url)?;
            let servers = names.servers(address.host, address.port, until)?;
            let page = http::get(&servers, &address, headers, until)?;
            if page.status != *status {
                return Err(format!("{url} answers {} instead of {status}", page.status));
            }
            let Some(pattern) = body else { return Ok(()) };
            let wanted = Regex::new(pattern).map_err(|error| error.to_string())?;
            let said = String::from_utf8_lossy(&page.body);
            match wanted.is_match(&said) {
                true => Ok(()),
                false => Err(format!("{url} answers {status}, and nothing matches `{pattern}`")),
            }
        }
        Ask::Ping { port, answer } => ping(*port, answer, until),
        Ask::Name { name } => names.servers(name, 0, until).map(drop),
        Ask::Log { .. } | Ask::Command { .. } => Err("that is not asked by the network".to_owned()),
    }
}

/// Asks for a page from here, once.
pub fn page(url: &str) -> Result<Vec<u8>, String> {
    let until = clock::now().saturating_add(TRY_TIME);
    let address = http::Address::parse(url)?;
    let servers = Names::of(&Place::here()).servers(address.host, address.port, until)?;
    let page = http::get(&servers, &address, &[], until)?;
    match page.status {
        200 => Ok(page.body),
        status => Err(format!("the answer is {status}")),
    }
}

/// Sends a ping as one line, which servers of this protocol take too.
fn ping(port: u16, wanted: &str, until: Duration) -> Result<(), String> {
    let mut stream = http::connect(&own(port), until)?;
    let asked = stream.write_all(b"PING\r\n");
    let mut said = [0; 256];
    let length = asked.and_then(|()| stream.read(&mut said)).map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(said.get(..length).unwrap_or_default()).into_owned();
    let said = said.lines().next().unwrap_or("");
    // A server that wants a password says so as an error, which may be the answer that is meant.
    match said.strip_prefix(['+', '-']) {
        Some(answer) if answer == wanted => Ok(()),
        Some(answer) => Err(format!("port {port} answers `{answer}` instead of `{wanted}`")),
        None => Err(format!("what answers on port {port} speaks not as Redis does: `{said}`")),
    }
}

/// The addresses by which a container reaches itself.
fn own(port: u16) -> [SocketAddr; 2] {
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    addresses.map(|address| SocketAddr::new(address, port))
}

/// What a container knows about names.
struct Names {
    hosts: String,
    servers: Vec<IpAddr>,
}

impl Names {
    /// Reads its files; one without them, as with no network, knows no names.
    fn of(place: &Place) -> Self {
        let read = |path: &Path| {
            let mut text = String::new();
            let file = std::fs::File::open(path);
            let read = file.and_then(|file| file.take(QUESTION_MAX).read_to_string(&mut text));
            read.map(|_| text).unwrap_or_default()
        };
        Self { hosts: read(&place.hosts), servers: names::servers(&read(&place.resolv)) }
    }

    fn servers(&self, host: &str, port: u16, until: Duration) -> Result<Vec<SocketAddr>, String> {
        if host.eq_ignore_ascii_case("localhost") {
            return Ok(own(port).to_vec());
        }
        let own = names::in_hosts(&self.hosts, host);
        let found = match host.parse() {
            Ok(address) => vec![address],
            Err(_) if !own.is_empty() => own,
            Err(_) => names::ask(&self.servers, host, until)?,
        };
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}
