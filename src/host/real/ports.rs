//! Ports that are listened on, out of the tables of the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::change::Listening;

/// The tables, below `/proc/net`, with whether each is of UDP.
pub const TABLES: [(&str, bool); 4] =
    [("tcp", false), ("tcp6", false), ("udp", true), ("udp6", true)];

/// A TCP port that waits for connections.
const LISTEN: &str = "0A";
/// A UDP port that nobody is connected to.
const UNCONNECTED: &str = "07";

/// What is listened on by one table; lines of another form are no ports.
pub fn read(table: &str, udp: bool) -> impl Iterator<Item = Listening> {
    table.lines().filter_map(move |line| {
        let mut words = line.split_whitespace().skip(1);
        let (local, _remote, state) = (words.next()?, words.next()?, words.next()?);
        if state != if udp { UNCONNECTED } else { LISTEN } {
            return None;
        }
        let (host, port) = local.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        Some(Listening { address: address(host)?, port, udp })
    })
}

/// An address, written as the numbers that hold its bytes on this machine.
fn address(digits: &str) -> Option<IpAddr> {
    let number = |at: usize| {
        let digits = digits.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match digits.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(number(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (at, part) in bytes.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&number(at)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}
