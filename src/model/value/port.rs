//! A published port such as `127.0.0.1:8080:80/tcp`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use crate::model::value::address::Address;
use crate::model::value::nearest::nearest;
use crate::model::value::{ValueError, check_plain, check_sign, excerpt, parse_part, whole};

/// Each port of a range costs Podman a rule or a process.
const MOST_PORTS: u32 = 4096;

/// The protocols, as written.
const PROTOCOLS: [(&str, Protocol); 3] =
    [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)];

/// A transport protocol with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Streams; what is meant when nothing is said.
    Tcp,
    /// Datagrams.
    Udp,
    /// Streams of messages.
    Sctp,
}

/// One port, or some in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port, which may be the lowest.
    pub last: u16,
}

/// Ports of the host that lead to as many ports of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortMapping {
    /// The address of the host to listen on; all of them if none.
    pub address: Option<IpAddr>,
    /// The ports of the host; Podman picks free ones if none.
    pub host: Option<PortRange>,
    /// The ports in the container.
    pub container: PortRange,
    /// The protocol.
    pub protocol: Protocol,
}

impl Protocol {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(tcp|udp|sctp)$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["tcp", "udp", "sctp"];
}

impl PortRange {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[0-9]+(-[0-9]+)?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["8080", "8000-8010"];

    /// Whether a port is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// How many ports there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::from(self.last.saturating_sub(self.first)) + 1
    }
}

impl PortMapping {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^((\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):([0-9]+(-[0-9]+)?)?:|\
                               [0-9]+(-[0-9]+)?:)?[0-9]+(-[0-9]+)?(/(tcp|udp|sctp))?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] =
        &["8080:80", "127.0.0.1:8080:80", "[::1]:8080:80", "8000-8010:8000-8010/udp", "80"];

    /// Whether both cannot listen on one host at once.
    #[must_use]
    pub fn clashes(&self, other: &Self) -> bool {
        let ports = self.host.zip(other.host).is_some_and(|(one, two)| one.overlaps(&two));
        self.protocol == other.protocol && ports && listen_alike(self.address, other.address)
    }
}

/// Whether a connection could reach both addresses; no address stands for all of them.
fn listen_alike(one: Option<IpAddr>, two: Option<IpAddr>) -> bool {
    let (Some(one), Some(two)) = (one, two) else { return true };
    let (one, two) = (one.to_canonical(), two.to_canonical());
    // `::` takes IPv4 too, `0.0.0.0` only its own family.
    let covers =
        |all: IpAddr, other: IpAddr| all.is_unspecified() && (all.is_ipv6() || other.is_ipv4());
    one == two || covers(one, two) || covers(two, one)
}

impl FromStr for Protocol {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "protocol", "tcp")?;
        let known = PROTOCOLS.into_iter().find(|(name, _)| *name == text);
        known.map(|(_, protocol)| protocol).ok_or_else(|| {
            let meant = nearest(text, PROTOCOLS.iter().map(|(name, _)| *name));
            ValueError::new(format!("`{}` is not a protocol", excerpt(text)))
                .help("use `tcp`, `udp` or `sctp`")
                .suggest::<Self>(text, meant.unwrap_or_default())
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

impl FromStr for PortRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "port", "8080")?;
        check_sign::<Self>(text)?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |part: &str| port(part).map_err(|error| error.inside(text, part));
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            return Err(ValueError::new(format!("`{}` runs backwards", excerpt(text)))
                .help("write the lower port first")
                .suggest::<Self>(text, &format!("{last}-{first}")));
        }
        let range = Self { first, last };
        if range.count() > MOST_PORTS {
            return Err(ValueError::new(format!("`{range}` holds {} ports", range.count()))
                .help(format!("write a range of at most {MOST_PORTS} ports")));
        }
        Ok(range)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.last > self.first { write!(f, "-{}", self.last) } else { Ok(()) }
    }
}

fn port(text: &str) -> Result<u16, ValueError> {
    let error =
        |message: String| Err(ValueError::new(message).help("write a port from 1 to 65535"));
    match whole(text).map(u16::try_from) {
        _ if text.is_empty() => error("a port is missing".to_owned()),
        Some(Ok(0)) | None => error(format!("`{}` is not a port", excerpt(text))),
        Some(Ok(port)) => Ok(port),
        Some(Err(_)) => error(format!("`{}` is above 65535", excerpt(text))),
    }
}

impl FromStr for PortMapping {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "port mapping", "8080:80")?;
        check_sign::<Self>(text)?;
        let (ports, protocol) = match text.split_once('/') {
            Some((ports, protocol)) => (ports, parse_part(text, protocol)?),
            None => (text, Protocol::Tcp),
        };
        let fields = fields(text, ports)?;
        let address = fields.address.map(|found| parse_part::<Address>(text, found)).transpose()?;
        let address = address.map(|address| address.0);
        let host = fields.host.map(|found| parse_part::<PortRange>(text, found)).transpose()?;
        let container = parse_part::<PortRange>(text, fields.container)?;
        let mapping = Self { address, host, container, protocol };
        match host.filter(|host| host.count() != container.count()) {
            Some(host) => Err(unequal(text, mapping, host)),
            None => Ok(mapping),
        }
    }
}

impl fmt::Display for PortMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:")?,
            Some(IpAddr::V4(address)) => write!(f, "{address}:")?,
            None => (),
        }
        match self.host {
            Some(host) => write!(f, "{host}:")?,
            None if self.address.is_some() => f.write_str(":")?,
            None => (),
        }
        write!(f, "{}", self.container)?;
        if self.protocol == Protocol::Tcp { Ok(()) } else { write!(f, "/{}", self.protocol) }
    }
}

/// The parts of a mapping before the protocol, as written.
struct Fields<'a> {
    address: Option<&'a str>,
    host: Option<&'a str>,
    container: &'a str,
}

fn fields<'a>(text: &str, ports: &'a str) -> Result<Fields<'a>, ValueError> {
    if let Some(rest) = ports.strip_prefix('[') {
        return bracketed(text, rest);
    }
    let mut fields = ports.splitn(4, ':');
    let first = fields.next().unwrap_or_default();
    match (fields.next(), fields.next(), fields.next()) {
        (None, ..) => Ok(Fields { address: None, host: None, container: first }),
        (Some(container), None, _) => {
            check_pair(text, first, container)?;
            Ok(Fields { address: None, host: Some(first), container })
        }
        (Some(_), Some(_), None) if first.is_empty() => {
            Err(ValueError::new(format!("`{}` has no address in front", excerpt(text)))
                .help("write an address, or leave the colon out")
                .suggest::<PortMapping>(text, text.trim_start_matches(':')))
        }
        (Some(host), Some(container), None) => {
            Ok(Fields { address: Some(first), host: some(host), container })
        }
        _ => Err(too_many(text, ports)),
    }
}

fn some(part: &str) -> Option<&str> {
    Some(part).filter(|part| !part.is_empty())
}

/// The parts after an opening bracket: the colons before the closing one belong to the address.
fn bracketed<'a>(text: &str, rest: &'a str) -> Result<Fields<'a>, ValueError> {
    let parts =
        rest.split_once("]:").and_then(|(address, rest)| Some((address, rest.split_once(':')?)));
    let Some((address, (host, container))) = parts else {
        return Err(ValueError::new(format!("`{}` lacks a part", excerpt(text)))
            .help("write `[address]:host:container`, such as `[::1]:8080:80`"));
    };
    if address.parse::<Ipv4Addr>().is_ok() {
        return Err(ValueError::new(format!("`{address}` stands in brackets"))
            .suggest::<PortMapping>(text, &text.replace(['[', ']'], ""))
            .inside(text, address));
    }
    Ok(Fields { address: Some(address), host: some(host), container })
}

/// Refuses two parts of which one is empty or an address.
fn check_pair(text: &str, host: &str, container: &str) -> Result<(), ValueError> {
    let found = excerpt(text);
    if host.is_empty() {
        return Err(ValueError::new(format!("`{found}` has no host port"))
            .help("write the host port, or leave the colon out to let Podman pick one")
            .suggest::<PortMapping>(text, &format!("{container}{text}")));
    }
    if container.is_empty() {
        return Err(ValueError::new(format!("`{found}` has no container port"))
            .help("write the container port after the colon")
            .suggest::<PortMapping>(text, &format!("{host}:{host}")));
    }
    if host.parse::<IpAddr>().is_ok() {
        return Err(ValueError::new(format!("`{found}` has an address but only one port"))
            .help("write `address:host:container`")
            .suggest::<PortMapping>(text, &format!("{host}:{container}:{container}")));
    }
    Ok(())
}

fn too_many(text: &str, ports: &str) -> ValueError {
    let protocol = text.strip_prefix(ports).unwrap_or_default();
    let mut fields = ports.rsplitn(3, ':').map(str::to_owned);
    let mut field = || fields.next().unwrap_or_default();
    let (container, host, address) = (field(), field(), field());
    // An address of version 6 without its brackets looks like many parts.
    ValueError::new(format!("`{}` has more than three parts", excerpt(text)))
        .help("write `address:host:container`")
        .suggest::<PortMapping>(text, &format!("[{address}]:{host}:{container}{protocol}"))
}

fn unequal(text: &str, mapping: PortMapping, host: PortRange) -> ValueError {
    let first = mapping.container.first;
    let extent = host.last.saturating_sub(host.first);
    let container = PortRange { first, last: first.saturating_add(extent) };
    let (wanted, given) = (host.count(), mapping.container.count());
    ValueError::new(format!("`{host}` and `{}` hold {wanted} and {given} ports", mapping.container))
        .help("write two ranges of one length")
        .suggest::<PortMapping>(text, &PortMapping { container, ..mapping }.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<PortMapping>(
            PortMapping::PATTERN,
            PortMapping::EXAMPLES,
            &[
                ("2283:3001", "2283:3001"),
                ("127.0.0.1:80:80/tcp", "127.0.0.1:80:80"),
                ("[::1]:80:80", "[::1]:80:80"),
                ("[::1]::80", "[::1]::80"),
                ("8000-8010:8000-8010/udp", "8000-8010:8000-8010/udp"),
                ("80-80:081", "80:81"),
                ("80", "80"),
                ("80/sctp", "80/sctp"),
                ("8000-8010", "8000-8010"),
                ("127.0.0.1::80", "127.0.0.1::80"),
                ("0.0.0.0:65535:1", "0.0.0.0:65535:1"),
                ("1-4096:1-4096", "1-4096:1-4096"),
            ],
        );
        check::good::<PortRange>(PortRange::PATTERN, PortRange::EXAMPLES, &[("7-7", "7")]);
        check::good::<Protocol>(Protocol::PATTERN, Protocol::EXAMPLES, &[("udp", "udp")]);
    }

    #[test]
    fn explains() {
        let port = "write a port from 1 to 65535";
        let parts = "write `address:host:container`";
        let brackets = "write `[address]:host:container`, such as `[::1]:8080:80`";
        let address = "write an address such as `192.168.1.10` or `fd00::10`";
        let pick = "write the host port, or leave the colon out to let Podman pick one";
        check::bad::<PortMapping>(&[
            ("", "", "the port mapping is empty", "write one such as `8080:80`"),
            ("0", "0", "`0` is not a port", port),
            ("80:0", "0", "`0` is not a port", port),
            ("65536:80", "65536", "`65536` is above 65535", port),
            (
                "99999999999999999999:80",
                "99999999999999999999",
                "`99999999999999999999` is above 65535",
                port,
            ),
            ("-1", "-1", "`-1` is negative", "write `1`"),
            ("80:-1", "-1", "`-1` is negative", "write `1`"),
            ("http:80", "http", "`http` is not a port", port),
            ("80:", "80:", "`80:` has no container port", "write `80:80`"),
            (":80", ":80", "`:80` has no host port", "write `80:80`"),
            (":", ":", "`:` has no host port", pick),
            (":80:80", ":80:80", "`:80:80` has no address in front", "write `80:80`"),
            ("80:80:", "80", "`80` is not four numbers", "write an address such as `192.168.1.10`"),
            ("10.0.0.1:80:", "", "the port is empty", "write one such as `8080`"),
            ("80-:80", "", "a port is missing", port),
            ("90-80:90-80", "90-80", "`90-80` runs backwards", "write `80-90`"),
            (
                "8000-8010:80",
                "8000-8010:80",
                "`8000-8010` and `80` hold 11 and 1 ports",
                "write `8000-8010:80-90`",
            ),
            (
                "1-9:65535",
                "1-9:65535",
                "`1-9` and `65535` hold 9 and 1 ports",
                "write two ranges of one length",
            ),
            (
                "1-65535:1-65535",
                "1-65535",
                "`1-65535` holds 65535 ports",
                "write a range of at most 4096 ports",
            ),
            ("80:80:80:80", "80:80:80:80", "`80:80:80:80` has more than three parts", parts),
            (
                "::1:80:80/udp",
                "::1:80:80/udp",
                "`::1:80:80/udp` has more than three parts",
                "write `[::1]:80:80/udp`",
            ),
            ("80/tpc", "tpc", "`tpc` is not a protocol", "write `tcp`"),
            ("80/UDP", "UDP", "`UDP` is not a protocol", "write `udp`"),
            ("80/quic", "quic", "`quic` is not a protocol", "use `tcp`, `udp` or `sctp`"),
            ("80/", "", "the protocol is empty", "write one such as `tcp`"),
            (
                "localhost:80:80",
                "localhost",
                "`localhost` is a name, not an address",
                "write `127.0.0.1`",
            ),
            ("*:80:80", "*", "`*` is not an address", address),
            (
                "127.0.0.1:80",
                "127.0.0.1:80",
                "`127.0.0.1:80` has an address but only one port",
                "write `127.0.0.1:80:80`",
            ),
            ("[::1]:80", "[::1]:80", "`[::1]:80` lacks a part", brackets),
            ("[::1:80:80", "[::1:80:80", "`[::1:80:80` lacks a part", brackets),
            (
                "[127.0.0.1]:80:80",
                "127.0.0.1",
                "`127.0.0.1` stands in brackets",
                "write `127.0.0.1:80:80`",
            ),
            ("[]:80:80", "", "the address is empty", "write one such as `192.168.1.10`"),
            ("[x]:80:80", "x", "`x` is a name, not an address", address),
            ("80 :80", " ", "`80 :80` holds a space", "write `80:80`"),
            (
                "22:22
",
                "
",
                "`22:22\\n` holds the control character U+000A",
                "write `22:22`",
            ),
        ]);
    }

    #[test]
    fn finds_clashes() {
        for (one, two, clash) in [
            ("80:80", "80:81", true),
            ("80:80", "80:80/udp", false),
            ("80:80", "81:80", false),
            ("80", "80", false),
            ("80-90:80-90", "90-95:1-6", true),
            ("80:80", "127.0.0.1:80:80", true),
            ("0.0.0.0:80:80", "127.0.0.1:80:80", true),
            ("0.0.0.0:80:80", "[::1]:80:80", false),
            ("[::]:80:80", "[::1]:80:80", true),
            ("[::]:80:80", "127.0.0.1:80:80", true),
            ("[::]:80:80", "0.0.0.0:80:80", true),
            ("[::1]:80:80", "127.0.0.1:80:80", false),
            ("[::ffff:127.0.0.1]:80:80", "127.0.0.1:80:80", true),
            ("127.0.0.1:80:80", "127.0.0.2:80:80", false),
            ("127.0.0.1::80", "127.0.0.1:80:80", false),
        ] {
            let mapping = |text: &str| text.parse::<PortMapping>().unwrap();
            assert_eq!(mapping(one).clashes(&mapping(two)), clash, "{one} {two}");
            assert_eq!(mapping(two).clashes(&mapping(one)), clash, "{two} {one}");
        }
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Protocol>(Protocol::PATTERN);
        check::laws::<PortRange>(PortRange::PATTERN);
        check::laws::<PortMapping>(PortMapping::PATTERN);
    }
}
