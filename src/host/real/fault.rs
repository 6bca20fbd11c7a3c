//! Faults out of what the system says, in plain words.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::super::change::{Fault, FaultKind};

/// A fault of an operation on a path, such as `write /srv/x`.
pub fn at(verb: &str, path: &Path, error: &io::Error) -> Fault {
    of(format!("{verb} {}", path.display()), error)
}

/// A fault out of an error of the system.
pub fn of(doing: impl Into<String>, error: &io::Error) -> Fault {
    let kind = kind(error);
    let why = match Errno::from_io_error(error) {
        Some(Errno::NOSPC) => "there is no space left on its disk".to_owned(),
        Some(Errno::DQUOT) => "this user may take no more space on its disk".to_owned(),
        Some(Errno::ACCESS | Errno::PERM) => "this user may not".to_owned(),
        Some(Errno::ROFS) => "its disk is mounted to be read alone".to_owned(),
        Some(Errno::NOENT) => "there is no such file or folder".to_owned(),
        Some(Errno::NOTDIR) => "a part of its path is no folder".to_owned(),
        Some(Errno::EXIST) => "it is there already".to_owned(),
        Some(Errno::LOOP) => "it is a link".to_owned(),
        Some(Errno::XDEV) => "it would lie on another disk".to_owned(),
        _ => error.to_string(),
    };
    Fault { doing: doing.into(), why, kind }
}

/// What kind of trouble an error of the system is.
fn kind(error: &io::Error) -> FaultKind {
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => FaultKind::NoSpace,
        Some(Errno::ACCESS | Errno::PERM) => FaultKind::Denied,
        Some(Errno::ROFS) => FaultKind::ReadOnly,
        Some(Errno::NOENT | Errno::CONNREFUSED) => FaultKind::Missing,
        Some(Errno::TIMEDOUT) => FaultKind::TimedOut,
        _ if error.kind() == io::ErrorKind::NotFound => FaultKind::Missing,
        _ => FaultKind::Other,
    }
}

/// A fault because time is up.
pub fn timed_out(doing: impl Into<String>, limit: std::time::Duration) -> Fault {
    let why = format!("it was not done within {} seconds", limit.as_secs());
    Fault { doing: doing.into(), why, kind: FaultKind::TimedOut }
}

/// A fault because something is not there.
pub fn missing(doing: impl Into<String>, why: impl Into<String>) -> Fault {
    Fault { doing: doing.into(), why: why.into(), kind: FaultKind::Missing }
}
