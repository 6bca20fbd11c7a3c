//! Ports that are listened on, out of the tables of the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::known::Listening;

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
        // Behind two words about queues and timers, and one about what was sent again.
        let uid = words.nth(3).and_then(|word| word.parse().ok()).unwrap_or(0);
        let socket = words.nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Some(Listening { address: address(host)?, port, udp, uid, socket })
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TCP: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:1538 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 3
";
    const TCP6: &str = "\
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0
   1: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 0
";
    const UDP: &str = "   sl  local_address rem_address   st
  100: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   991        0 4
  101: 3500007F:0036 3500007F:0035 01 00000000:00000000 00:00000000 00000000   991        0 4
";

    /// The numbers are written in the order of the bytes of the machine.
    #[cfg(target_endian = "little")]
    #[test]
    fn ports_that_wait_are_read() {
        let all = |table, udp| -> Vec<String> {
            let told = |one: Listening| {
                format!("{} {} of {} by {}", one.address, one.port, one.uid, one.socket)
            };
            read(table, udp).map(told).collect()
        };
        assert_eq!(all(TCP, false), ["127.0.0.1 5432 of 1000 by 1", "0.0.0.0 80 of 0 by 2"]);
        assert_eq!(all(TCP6, false), ["::1 8080 of 0 by 0", "127.0.0.1 8081 of 0 by 0"]);
        assert_eq!(all(UDP, true), ["127.0.0.53 53 of 991 by 4"]);
    }

    proptest! {
        #[test]
        fn no_table_breaks_it(table in "[ :0-9A-Fa-f\n\u{e9}]{0,200}", udp: bool) {
            let _read = read(&table, udp).count();
        }

        #[test]
        fn no_line_breaks_it(host in "[0-9A-F]{0,40}", port in "[0-9A-F]{0,6}") {
            let _read = read(&format!("0: {host}:{port} 0:0 0A"), false).count();
        }
    }
}
