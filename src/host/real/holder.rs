//! Who holds a socket: a process that this user may look at, and the unit that it belongs to.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the machine")]

use std::fs;
use std::path::Path;

/// The ends of the names of units that processes belong to.
const UNITS: [&str; 3] = [".service", ".scope", ".socket"];

/// The process that holds a socket, in words.
pub fn holder(socket: u64) -> Option<String> {
    let wanted = format!("socket:[{socket}]");
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let mut processes = processes.filter(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let process = processes.find(|entry| holds(&entry.path(), &wanted))?;
    let read = |name: &str| fs::read_to_string(process.path().join(name)).unwrap_or_default();
    let program = read("comm");
    let number = process.file_name().to_string_lossy().into_owned();
    let of = match unit(&read("cgroup")) {
        Some(unit) => format!(" of {unit}"),
        None => String::new(),
    };
    Some(format!("{} (process {number}){of}", program.trim_end()))
}

/// Whether one of the open files of a process is that one; those of others cannot be seen.
fn holds(process: &Path, wanted: &str) -> bool {
    let open = fs::read_dir(process.join("fd")).into_iter().flatten().filter_map(Result::ok);
    let mut targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.any(|target| target.as_os_str() == wanted)
}

/// The unit in the groups of a process: the innermost one that is not the manager of a user.
fn unit(groups: &str) -> Option<String> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let is_unit =
        |part: &&str| UNITS.iter().any(|end| part.ends_with(end)) && !part.starts_with("user@");
    path.split('/').rev().find(is_unit).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_the_innermost_one() {
        let user = "/user.slice/user-1000.slice/user@1000.service";
        let of = |rest: &str| unit(&format!("1:cpu:/\n0::{user}{rest}\n"));
        assert_eq!(of("/app.slice/web.service").as_deref(), Some("web.service"));
        assert_eq!(of("/app.slice/web.service/runtime").as_deref(), Some("web.service"));
        assert_eq!(of("/init.scope").as_deref(), Some("init.scope"));
        assert_eq!((of(""), unit("")), (None, None));
    }

    #[test]
    fn a_socket_of_this_process_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
        let number = own.filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            let inside = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            inside.parse::<u64>().ok()
        });
        let told: Vec<String> = number.filter_map(holder).collect();
        let process = format!("(process {})", std::process::id());
        assert!(told.iter().any(|one| one.contains(&process)), "{told:?}");
        drop(listener);
        assert_eq!(holder(0), None);
    }
}
