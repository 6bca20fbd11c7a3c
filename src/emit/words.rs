//! Lengths of time, amounts of memory and lines of the hosts file, as all targets read them.

use crate::model::text::Alias;
use crate::model::value::duration::Duration;
use crate::model::value::size::Size;

/// A length of time as Go and systemd both read it.
pub fn seconds(duration: Duration) -> String {
    let duration = duration.as_std();
    match (duration.subsec_nanos(), duration.as_secs()) {
        (0, seconds) => format!("{seconds}s"),
        _ if duration.as_micros().is_multiple_of(1000) => format!("{}ms", duration.as_millis()),
        _ => format!("{}us", duration.as_micros()),
    }
}

/// An amount of memory as Podman and systemd both read it.
pub fn bytes(size: Size) -> String {
    let units = [('T', 40), ('G', 30), ('M', 20), ('K', 10)];
    let bytes = size.bytes();
    let exact = units.into_iter().find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    match exact {
        Some((unit, shift)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// A line of the hosts file as Podman knows it: a colon behind the name, and no brackets.
pub fn host_line(host: &Alias) -> String {
    let (name, address) = host.as_str().split_once([':', '=']).unwrap_or((host.as_str(), ""));
    let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']'));
    format!("{name}:{}", bare.unwrap_or(address))
}
