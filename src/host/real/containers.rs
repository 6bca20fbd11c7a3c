//! Podman by its command line, with a time and a limit for every call.

#![expect(clippy::disallowed_methods, reason = "this is the place that starts Podman")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::super::change::{Fault, FaultKind};
use super::super::containers::{
    Container, Containers, Generated, Image, Inspected, Owned, PullError, SecretValue, Stock,
};
use super::inside::Place;
use super::interrupts::Interrupts;
use super::machine::last_lines;
use super::podman_json as json;
use super::process::{Ended, Limits, Output, run};
use super::{Scope, journal, quadlet};
use crate::threads::joined;

/// How long a look may take: Podman's storage may be locked by somebody else for a while.
const LOOK_TIME: Duration = Duration::from_secs(60);
/// How long a change may take; a volume with much in it is removed file by file.
const CHANGE_TIME: Duration = Duration::from_secs(300);
/// How long an image may take to come.
const PULL_TIME: Duration = Duration::from_secs(3600);
/// How much Podman may tell.
const TELL_MAX: usize = 256 << 20;

/// What would make Podman talk to another machine than the one that the units run on.
const ELSEWHERE: [&str; 2] = ["CONTAINER_HOST", "CONTAINER_CONNECTION"];

/// Podman's word for what is not there, or is still in use.
const NOT_THERE: i32 = 1;
const IN_USE: i32 = 2;

/// The Podman of this machine.
#[derive(Debug)]
pub struct Podman {
    /// Whose units are meant.
    pub scope: Scope,
    /// What ends the pull of an image.
    pub interrupts: Interrupts,
}

impl Podman {
    /// Runs Podman, whatever it ends with.
    pub fn run<A: AsRef<OsStr>>(
        doing: &str,
        arguments: &[A],
        limits: &Limits<'_>,
    ) -> Result<Ended, Fault> {
        run(doing, Self::command().args(arguments), limits)
    }

    /// A call of Podman that says nothing yet.
    pub fn command() -> Command {
        let mut command = Command::new("podman");
        // From a folder that is always there and that every user may look at.
        command.env("LC_ALL", "C").current_dir("/");
        command.env("XDG_RUNTIME_DIR", super::runtime_folder());
        for variable in ELSEWHERE {
            command.env_remove(variable);
        }
        command
    }

    /// What Podman tells about something.
    fn look<A: AsRef<OsStr>>(doing: &str, arguments: &[A]) -> Result<Vec<u8>, Fault> {
        let limits =
            Limits { time: LOOK_TIME, input: &[], output: Output::All(TELL_MAX), interrupts: None };
        let ended = Self::run(doing, arguments, &limits)?;
        match ended.status.success() {
            true => Ok(ended.out),
            false => Err(failed(doing, &ended)),
        }
    }

    /// What Podman tells about those of some things that are there.
    fn inspect_some(kind: &str, names: &[&str]) -> Result<Vec<u8>, Fault> {
        let doing = format!("inspect {kind}s");
        let mut arguments = vec![kind, "inspect", "--format=json", "--"];
        arguments.extend(names);
        let limits =
            Limits { time: LOOK_TIME, input: &[], output: Output::All(TELL_MAX), interrupts: None };
        let ended = Self::run(&doing, &arguments, &limits)?;
        match ended.status.success() || is_missing(&ended) {
            true => Ok(ended.out),
            false => Err(failed(&doing, &ended)),
        }
    }

    /// Lets Podman change something; one of the `fine` exit codes is as good as success.
    fn change<A: AsRef<OsStr>>(
        doing: &str,
        arguments: &[A],
        input: &[u8],
        fine: &[i32],
    ) -> Result<i32, Fault> {
        let limits = Limits { time: CHANGE_TIME, input, output: Output::Last, interrupts: None };
        let ended = Self::run(doing, arguments, &limits)?;
        match ended.status.code() {
            Some(code) if code == 0 || fine.contains(&code) => Ok(code),
            _ => Err(failed(doing, &ended)),
        }
    }

    /// Where a container that runs can be entered.
    pub fn place(container: &str) -> Result<Place, Fault> {
        let doing = format!("look for the processes of {container}");
        let format = "--format={{.State.Pid}}\n{{.State.ConmonPid}}\n{{.HostsPath}}\n\
                      {{.ResolvConfPath}}";
        let told = Self::look(&doing, &["container", "inspect", format, "--", container])?;
        let told = String::from_utf8_lossy(&told).into_owned();
        let mut lines = told.lines();
        let mut number = || lines.next()?.parse().ok().filter(|number| *number > 0);
        let (Some(process), Some(monitor)) = (number(), number()) else {
            return Err(Fault::other(doing, "it does not run"));
        };
        let mut path = || lines.next().unwrap_or_default().into();
        Ok(Place { process, monitor, hosts: path(), resolv: path() })
    }

    fn list<T>(
        what: &str,
        arguments: &[&str],
        read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, Fault> {
        let doing = format!("list the {what} of Podman");
        let told = Self::look(&doing, arguments)?;
        read(&told).map_err(|error| Fault::other(doing, error))
    }
}

impl Containers for Podman {
    fn version(&self) -> Result<(u32, u32), Fault> {
        let doing = "ask Podman for its version";
        let told = String::from_utf8_lossy(&Self::look(doing, &["--version"])?).into_owned();
        let version = told.split_whitespace().next_back().and_then(|version| {
            let mut numbers = version.split('.');
            Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
        });
        version.ok_or_else(|| Fault::other(doing, format!("it says `{}`", told.trim())))
    }

    fn images(&self) -> Result<Vec<Image>, Fault> {
        Self::list("images", &["image", "list", "--format=json"], json::images)
    }

    fn pull(&self, image: &str) -> Result<(), PullError> {
        let doing = format!("pull {image}");
        let limits = Limits {
            time: PULL_TIME,
            input: &[],
            output: Output::Last,
            interrupts: Some(&self.interrupts),
        };
        match Self::run(&doing, &["image", "pull", "--quiet", "--", image], &limits) {
            Ok(ended) if ended.status.success() => Ok(()),
            Ok(ended) => {
                let why = last_lines(&ended.err);
                Err(PullError { is_passing: is_passing(&why), why })
            }
            Err(fault) => {
                let is_passing = fault.kind == FaultKind::TimedOut;
                Err(PullError { is_passing, why: fault.why })
            }
        }
    }

    fn tag(&self, image: &str, names: &[&str]) -> Result<(), Fault> {
        let doing = format!("give the image {image} the name {}", names.join(" and "));
        let arguments = [&["image", "tag", "--", image], names].concat();
        Self::change(&doing, &arguments, &[], &[]).map(drop)
    }

    fn untag(&self, name: &str) -> Result<(), Fault> {
        let doing = format!("take the name {name} from its image");
        let remove = ["image", "rm", "--", name];
        if Self::change(&doing, &remove, &[], &[NOT_THERE, IN_USE])? == IN_USE {
            // A container keeps the image, but nothing keeps the name.
            let untag = ["image", "untag", "--", name, name];
            Self::change(&doing, &untag, &[], &[])?;
        }
        Ok(())
    }

    fn named_images(&self, names: &[&str]) -> Result<Vec<(Image, Vec<String>)>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let told = Self::inspect_some("image", names)?;
        json::named_images(&told).map_err(|error| Fault::other("inspect images", error))
    }

    fn architectures(&self, images: &[&str]) -> Result<BTreeMap<String, String>, Fault> {
        if images.is_empty() {
            return Ok(BTreeMap::new());
        }
        let format = "--format={{.Id}} {{.Architecture}}";
        let arguments = [&["image", "inspect", format, "--"], images].concat();
        let told = Self::look("look what images are made for", &arguments)?;
        let told = String::from_utf8_lossy(&told).into_owned();
        let lines = told.lines().filter_map(|line| line.split_once(' '));
        Ok(lines.map(|(id, name)| (id.to_owned(), name.to_owned())).collect())
    }

    fn containers(&self) -> Result<Vec<Container>, Fault> {
        Self::list("containers", &["container", "list", "--all", "--format=json"], json::containers)
    }

    fn inspect(&self, names: &[&str]) -> Result<Vec<Inspected>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let told = Self::inspect_some("container", names)?;
        json::inspected(&told).map_err(|error| Fault::other("inspect containers", error))
    }

    fn changed(&self, id: &str) -> Option<String> {
        journal::last_change(self.scope, id)
    }

    fn networks(&self) -> Result<Vec<Owned>, Fault> {
        Self::list("networks", &["network", "list", "--format=json"], json::networks)
    }

    fn stock(&self) -> Result<Stock, Fault> {
        // Podman takes its time for each of them, most of it to get going.
        thread::scope(|scope| {
            let (containers, images) =
                (scope.spawn(|| self.containers()), scope.spawn(|| self.images()));
            let networks = self.networks()?;
            Ok(Stock { containers: joined(containers)?, images: joined(images)?, networks })
        })
    }

    fn volumes(&self) -> Result<Vec<Owned>, Fault> {
        Self::list("volumes", &["volume", "list", "--format=json"], json::volumes)
    }

    fn secrets(&self) -> Result<Vec<Owned>, Fault> {
        // The list itself tells no labels.
        let ids = Self::list("secrets", &["secret", "list", "--quiet"], |told| {
            let told = String::from_utf8_lossy(told);
            Ok(told.split_whitespace().map(str::to_owned).collect::<Vec<String>>())
        })?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments = vec!["secret", "inspect", "--"];
        arguments.extend(ids.iter().map(String::as_str));
        Self::list("secrets", &arguments, json::secrets)
    }

    fn secrets_of(&self, names: &BTreeSet<String>) -> Result<Vec<Owned>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let doing = "look at the secrets of Podman";
        let mut arguments = vec!["secret", "inspect", "--"];
        arguments.extend(names.iter().map(String::as_str));
        let limits =
            Limits { time: LOOK_TIME, input: &[], output: Output::All(TELL_MAX), interrupts: None };
        let ended = Self::run(doing, &arguments, &limits)?;
        // Those that are there are told beside the complaint about others.
        match json::secrets(&ended.out) {
            Ok(mut secrets) if ended.status.success() || is_missing(&ended) => {
                // An identifier may begin like a name.
                secrets.retain(|secret| names.contains(&secret.name));
                Ok(secrets)
            }
            Err(_) if is_missing(&ended) => Ok(Vec::new()),
            _ => Err(failed(doing, &ended)),
        }
    }

    fn secret(&self, name: &str) -> Result<Option<SecretValue>, Fault> {
        let doing = format!("look at the secret {name}");
        // JSON could not hold a value that is no text.
        let show = ["secret", "inspect", "--showsecret", "--format={{.SecretData}}", "--", name];
        let limits =
            Limits { time: LOOK_TIME, input: &[], output: Output::All(TELL_MAX), interrupts: None };
        let ended = Self::run(&doing, &show, &limits)?;
        if ended.status.success() {
            let value = ended.out.strip_suffix(b"\n").unwrap_or(&ended.out);
            return Ok(Some(SecretValue(value.to_vec())));
        }
        match is_missing(&ended) {
            true => Ok(None),
            false => Err(failed(&doing, &ended)),
        }
    }

    fn set_secret(
        &self,
        name: &str,
        value: &SecretValue,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let doing = format!("set the secret {name}");
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("--label={key}={value}")).collect();
        let mut arguments = vec!["secret", "create", "--replace"];
        arguments.extend(labels.iter().map(String::as_str));
        arguments.extend(["--", name, "-"]);
        Self::change(&doing, &arguments, &value.0, &[]).map(drop)
    }

    fn remove_network(&self, name: &str) -> Result<(), Fault> {
        let doing = format!("remove the network {name}");
        Self::change(&doing, &["network", "rm", "--", name], &[], &[NOT_THERE]).map(drop)
    }

    fn remove_volume(&self, name: &str) -> Result<(), Fault> {
        let doing = format!("remove the volume {name}");
        Self::change(&doing, &["volume", "rm", "--", name], &[], &[NOT_THERE]).map(drop)
    }

    fn remove_secret(&self, name: &str) -> Result<(), Fault> {
        let doing = format!("remove the secret {name}");
        let arguments = ["secret", "rm", "--ignore", "--", name];
        Self::change(&doing, &arguments, &[], &[]).map(drop)
    }

    fn health_log(&self, container: &str) -> Result<Vec<String>, Fault> {
        let doing = format!("read the health checks of {container}");
        let show = ["container", "inspect", "--format={{json .State}}", "--", container];
        let told = Self::look(&doing, &show)?;
        json::health_log(&told).map_err(|error| Fault::other(doing, error))
    }

    fn generate(&self, folders: &[&Path]) -> Result<Generated, Fault> {
        quadlet::generate(self.scope, folders)
    }

    fn generate_with(
        &self,
        units: &BTreeMap<String, String>,
        folders: &[&Path],
    ) -> Result<Generated, Fault> {
        quadlet::generate_with(self.scope, units, folders)
    }
}

fn failed(doing: &str, ended: &Ended) -> Fault {
    let said = last_lines(&ended.err);
    let kind = match &said {
        said if said.contains("no space left on device") => FaultKind::NoSpace,
        said if said.contains("disk quota exceeded") => FaultKind::NoSpace,
        said if said.contains("read-only file system") => FaultKind::ReadOnly,
        said if said.contains("permission denied") => FaultKind::Denied,
        _ if is_missing(ended) => FaultKind::Missing,
        _ => FaultKind::Other,
    };
    let why = match said.is_empty() {
        true => ended.status.to_string(),
        false => said.trim_start_matches("Error: ").to_owned(),
    };
    Fault { doing: doing.to_owned(), why, kind }
}

/// Whether Podman said that what is meant is not there.
fn is_missing(ended: &Ended) -> bool {
    let said = String::from_utf8_lossy(&ended.err);
    ["no such ", "no secret with name", "not known"].iter().any(|words| said.contains(words))
}

/// Whether what a registry or the way to it said can be another thing a while later.
fn is_passing(why: &str) -> bool {
    let why = why.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| why.contains(words));
    !says(&LASTING) && says(&PASSING)
}

/// Words of what stays as it is, even beside words of the other list.
const LASTING: [&str; 12] = [
    "manifest unknown",
    "name unknown",
    "not found: manifest",
    "repository does not exist",
    "unauthorized",
    "authentication required",
    "denied",
    "invalid reference",
    "no space left on device",
    "disk quota exceeded",
    "x509:",
    "no such host",
];

/// Words of what can pass.
const PASSING: [&str; 21] = [
    "timeout",
    "timed out",
    "deadline exceeded",
    "connection refused",
    "connection reset",
    "broken pipe",
    "unexpected eof",
    ": eof",
    "no route to host",
    "network is unreachable",
    "host is down",
    "temporary failure",
    "server misbehaving",
    "try again",
    "too many requests",
    "toomanyrequests",
    "internal server error",
    "bad gateway",
    "service unavailable",
    "gateway timeout",
    "status: 5",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_pass_is_told_from_what_cannot() {
        let passing = [
            "pinging container registry r.io: Get \"https://r.io/v2/\": dial tcp 1.2.3.4:443: \
             connect: connection refused",
            "Get \"https://r.io/v2/\": dial tcp 1.2.3.4:443: i/o timeout",
            "net/http: TLS handshake timeout",
            "dial tcp: lookup r.io: Temporary failure in name resolution",
            "dial tcp: lookup r.io on 10.0.0.1:53: server misbehaving",
            "reading manifest 1 in r.io/x: toomanyrequests: You have reached your pull rate limit",
            "received unexpected HTTP status: 502 Bad Gateway",
            "copying system image from manifest list: reading blob: unexpected EOF",
        ];
        let lasting = [
            "reading manifest 9 in docker.io/library/x: manifest unknown",
            "requested access to the resource is denied",
            "unable to retrieve auth token: invalid username/password: unauthorized: timeout",
            "dial tcp: lookup r.invalid: no such host",
            "writing blob: storing blob: write /var/x: no space left on device",
            "parsing reference \"A B\": invalid reference format",
            "something that nobody has heard of",
        ];
        for why in passing {
            assert!(is_passing(why), "{why}");
        }
        for why in lasting {
            assert!(!is_passing(why), "{why}");
        }
    }
}
