//! The addresses of names as a container sees them: by its own files, then by its own servers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::clock;

/// How long a server may take for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// The port of name servers.
const PORT: u16 = 53;

/// The types of records that hold addresses, and the class of the internet (RFC 1035, RFC 3596).
const A: u16 = 1;
const AAAA: u16 = 28;
const INTERNET: u16 = 1;

/// How much an answer by UDP may hold.
const ANSWER_MAX: usize = 4096;

/// The addresses of a name in a file like `/etc/hosts`.
pub fn in_hosts(hosts: &str, name: &str) -> Vec<IpAddr> {
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or(""));
    let addresses = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    });
    addresses.collect()
}

/// The servers that a file like `/etc/resolv.conf` names.
pub fn servers(resolv: &str) -> Vec<IpAddr> {
    let named = resolv.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    named.filter_map(|server| server.trim().parse().ok()).collect()
}

/// Asks servers for the addresses of a name; an error tells why there are none.
pub fn ask(servers: &[IpAddr], name: &str, until: Duration) -> Result<Vec<IpAddr>, String> {
    let mut last = format!("nobody knows `{name}`: there is no name server");
    for server in servers {
        let mut found = Vec::new();
        for kind in [A, AAAA] {
            match ask_one(SocketAddr::new(*server, PORT), name, kind, until) {
                Ok(addresses) => found.extend(addresses),
                Err(error) => last = format!("name server {server}: {error}"),
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
        if !last.starts_with("name server") {
            last = format!("name server {server} does not know `{name}`");
        }
    }
    Err(last)
}

fn ask_one(server: SocketAddr, name: &str, kind: u16, until: Duration) -> io::Result<Vec<IpAddr>> {
    let own = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(own)?;
    socket.connect(server)?;
    let left = clock::left(until).min(ANSWER_TIME).max(Duration::from_millis(1));
    socket.set_read_timeout(Some(left))?;
    // The low bits of the clock: an answer to another question is not taken for one to this.
    let number = (clock::now().subsec_nanos() & 0xffff).try_into().unwrap_or(1);
    socket.send(&question(number, name, kind))?;
    let mut answer = vec![0; ANSWER_MAX];
    loop {
        let length = socket.recv(&mut answer)?;
        let told = answer.get(..length).unwrap_or_default();
        if told.get(..2) == Some(&number.to_be_bytes()) {
            return Ok(addresses(told, kind).unwrap_or_default());
        }
    }
}

/// A question for the records of a name.
fn question(number: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    // It may be asked on, and holds one question.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let label: Vec<u8> = label.bytes().take(63).collect();
        bytes.push(u8::try_from(label.len()).unwrap_or(63));
        bytes.extend(label);
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    bytes
}

/// The addresses in an answer; none where it is cut short.
fn addresses(answer: &[u8], kind: u16) -> Option<Vec<IpAddr>> {
    let number = |at: usize| Some(u16::from_be_bytes(*answer.get(at..)?.first_chunk()?));
    let (questions, records) = (number(4)?, number(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = behind_name(answer, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..records {
        at = behind_name(answer, at)?;
        let length = usize::from(number(at + 8)?);
        let value = answer.get(at + 10..at + 10 + length)?;
        if number(at)? == kind {
            found.extend(match kind {
                A => value.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
                _ => value.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
            });
        }
        at += 10 + length;
    }
    Some(found)
}

/// Where a name ends: behind its last label, or behind what points to the rest of it.
fn behind_name(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn files_of_a_container_are_read() {
        let hosts = "127.0.0.1 localhost # own\n10.89.0.5\tweb  Web.example\n::1 localhost\nx y\n";
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(in_hosts(hosts, "localhost"), [address("127.0.0.1"), address("::1")]);
        assert_eq!(in_hosts(hosts, "web.EXAMPLE"), [address("10.89.0.5")]);
        assert_eq!(in_hosts(hosts, "own"), Vec::<IpAddr>::new());
        let resolv = "search dns.podman\nnameserver 10.89.0.1\n nameserver fd00::1\nnameserver x\n";
        assert_eq!(servers(resolv), [address("10.89.0.1"), address("fd00::1")]);
    }

    /// An answer with one record of another kind and one address.
    fn answer() -> Vec<u8> {
        let mut bytes = question(7, "db", A);
        bytes[7] = 2;
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 12]);
        bytes.extend([1, b'x', 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 89, 0, 7]);
        bytes
    }

    #[test]
    fn answers_are_read() {
        let db: IpAddr = "10.89.0.7".parse().unwrap();
        assert_eq!(addresses(&answer(), A), Some(vec![db]));
        for length in 0..answer().len() {
            assert_eq!(addresses(&answer()[..length], A), None, "{length}");
        }
    }

    #[test]
    fn a_server_is_asked_and_believed_only_in_its_own_answer() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let place = server.local_addr().unwrap();
        let serving = std::thread::spawn(move || {
            let mut asked = [0; 512];
            let (_, who) = server.recv_from(&mut asked).unwrap();
            let mut told = answer();
            told[..2].copy_from_slice(&asked[..2]);
            let mut other = told.clone();
            other[0] ^= 1;
            *other.last_mut().unwrap() = 66;
            server.send_to(&other, who).unwrap();
            server.send_to(&told, who).unwrap();
        });
        let until = clock::now() + Duration::from_secs(20);
        let found = ask_one(place, "db", A, until).unwrap();
        serving.join().unwrap();
        assert_eq!(found, ["10.89.0.7".parse::<IpAddr>().unwrap()]);
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _addresses = addresses(&bytes, AAAA);
        }
    }
}
