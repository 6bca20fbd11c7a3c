//! Network addresses, subnets and ranges of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, excerpt, parse_part, whole};

/// An address of either family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub IpAddr);

/// All addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    /// The first address.
    pub address: IpAddr,
    /// How many bits are shared.
    pub prefix: u8,
}

/// Some addresses in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressRange {
    /// From the first to the last, of one family.
    Span(IpAddr, IpAddr),
    /// All of a subnet.
    Subnet(Subnet),
}

impl Address {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[0-9A-Fa-f:.]+$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["192.168.1.10", "fd00::10"];
}

impl Subnet {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[0-9A-Fa-f:.]+/[0-9]+$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["10.89.0.0/24", "fd00:1::/64"];

    /// Whether the address is in the subnet.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && first_of(address, self.prefix) == first_of(self.address, self.prefix)
    }

    /// Whether an address is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }
}

impl AddressRange {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[0-9A-Fa-f:.]+(/[0-9]+|-[0-9A-Fa-f:.]+)$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["10.0.0.10-10.0.0.99", "10.0.0.128/25"];

    /// Whether the address is in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::Subnet(subnet) => subnet.contains(address),
            Self::Span(first, last) => {
                address.is_ipv4() == first.is_ipv4() && (first..=last).contains(&&address)
            }
        }
    }
}

impl FromStr for Address {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "address", "192.168.1.10")?;
        text.parse().map(Self).map_err(|_| explain(text))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Subnet {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "subnet", "10.89.0.0/24")?;
        let Some((start, length)) = text.split_once('/') else { return Err(no_prefix(text)) };
        let address = address(text, start)?;
        let prefix = prefix(address, length).map_err(|error| error.inside(text, length))?;
        let first = first_of(address, prefix);
        if first != address {
            return Err(ValueError::new(format!("`{}` is not the first address", excerpt(text)))
                .suggest::<Self>(text, &format!("{first}/{prefix}")));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for AddressRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "address range", "10.0.0.10-10.0.0.99")?;
        let Some((first, last)) = text.split_once('-') else {
            return match text.parse::<Address>() {
                Ok(Address(only)) => {
                    Err(ValueError::new(format!("`{}` is a single address", excerpt(text)))
                        .suggest::<Self>(text, &format!("{only}/{}", bits(only))))
                }
                Err(error) if !text.contains('/') => Err(error),
                Err(_) => text.parse().map(Self::Subnet),
            };
        };
        let (first, last) = (address(text, first)?, address(text, last)?);
        if first.is_ipv4() != last.is_ipv4() {
            return Err(ValueError::new(format!("`{}` mixes IPv4 and IPv6", excerpt(text)))
                .help("write two addresses of one family"));
        }
        if first > last {
            return Err(ValueError::new(format!("`{}` runs backwards", excerpt(text)))
                .suggest::<Self>(text, &format!("{last}-{first}")));
        }
        Ok(Self::Span(first, last))
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span(first, last) => write!(f, "{first}-{last}"),
            Self::Subnet(subnet) => subnet.fmt(f),
        }
    }
}

/// The address written in a part of a text.
fn address(text: &str, part: &str) -> Result<IpAddr, ValueError> {
    parse_part::<Address>(text, part).map(|address| address.0)
}

/// How many bits an address of this family has.
fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first address of the subnet around `address`.
fn first_of(address: IpAddr, prefix: u8) -> IpAddr {
    let host = u32::from(bits(address).saturating_sub(prefix));
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

fn no_prefix(text: &str) -> ValueError {
    let address = match text.parse::<Address>() {
        Ok(Address(address)) => address,
        Err(error) => return error,
    };
    let prefix = if address.is_ipv4() { 24 } else { 64 };
    let first = first_of(address, prefix);
    ValueError::new(format!("`{}` has no prefix length", excerpt(text)))
        .suggest::<Subnet>(text, &format!("{first}/{prefix}"))
}

/// The prefix length, which must fit the address.
fn prefix(address: IpAddr, text: &str) -> Result<u8, ValueError> {
    let bits = bits(address);
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    let Some(length) = whole(text) else {
        let error = ValueError::new(format!("`{}` is not a prefix length", excerpt(text)))
            .help(format!("write a number from 0 to {bits}"));
        return Err(match text.parse::<Ipv4Addr>().map(Ipv4Addr::to_bits) {
            Ok(mask) if address.is_ipv4() && mask.leading_ones() == mask.count_ones() => {
                error.help(format!("write `{}`", mask.leading_ones()))
            }
            _ => error,
        });
    };
    u8::try_from(length).ok().filter(|length| *length <= bits).ok_or_else(|| {
        ValueError::new(format!("`{}` is more than the {bits} bits of {family}", excerpt(text)))
            .help(format!("write a number from 0 to {bits}"))
    })
}

/// Why a text without spaces is not an address.
fn explain(text: &str) -> ValueError {
    let found = excerpt(text);
    let error = |message: String| {
        ValueError::new(message).help("write an address such as `192.168.1.10` or `fd00::10`")
    };
    if let Some((address, _)) = text.split_once('/') {
        return error(format!("`{found}` has a prefix length")).suggest::<Address>(text, address);
    }
    if let Some((address, _)) = text.split_once('%') {
        return error(format!("`{found}` has a zone")).suggest::<Address>(text, address);
    }
    if let Some((inner, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let what = if rest.is_empty() { "stands in brackets" } else { "has a port" };
        return error(format!("`{found}` {what}")).suggest::<Address>(text, inner);
    }
    match text.split_once(':') {
        Some((host, port)) if whole(port).is_some() => {
            error(format!("`{found}` has a port")).suggest::<Address>(text, host)
        }
        Some(_) => error(format!("`{found}` is not an IPv6 address")),
        None if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => explain_v4(text),
        None if text == "localhost" => {
            error("`localhost` is a name, not an address".to_owned()).help("write `127.0.0.1`")
        }
        None if text.contains(|c: char| c.is_alphabetic()) => {
            error(format!("`{found}` is a name, not an address"))
        }
        None => error(format!("`{found}` is not an address")),
    }
}

/// Why digits and dots are not an IPv4 address.
fn explain_v4(text: &str) -> ValueError {
    let count = text.split('.').count();
    if count != 4 || text.split('.').any(str::is_empty) {
        return ValueError::new(format!("`{}` is not four numbers", excerpt(text)))
            .help("write an address such as `192.168.1.10`");
    }
    if let Some(large) = text.split('.').find(|part| whole(part).is_none_or(|n| n > 255)) {
        return ValueError::new(format!("`{}` is above 255", excerpt(large)))
            .help("write numbers from 0 to 255")
            .inside(text, large);
    }
    let padded = text.split('.').find(|part| part.len() > 1 && part.starts_with('0'));
    let numbers: Vec<_> = text.split('.').filter_map(whole).map(|n| n.to_string()).collect();
    let padded = padded.unwrap_or(text);
    // Some programs read such a number as octal.
    ValueError::new(format!("`{}` has a leading zero", excerpt(padded)))
        .suggest::<Address>(text, &numbers.join("."))
        .inside(text, padded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Address>(
            Address::PATTERN,
            Address::EXAMPLES,
            &[
                ("127.0.0.1", "127.0.0.1"),
                ("::1", "::1"),
                ("FD00:0:0::0001", "fd00::1"),
                ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ],
        );
        check::good::<Subnet>(
            Subnet::PATTERN,
            Subnet::EXAMPLES,
            &[
                ("10.89.0.0/24", "10.89.0.0/24"),
                ("0.0.0.0/0", "0.0.0.0/0"),
                ("::/0", "::/0"),
                ("10.0.0.1/032", "10.0.0.1/32"),
                ("FD00::/64", "fd00::/64"),
            ],
        );
        check::good::<AddressRange>(
            AddressRange::PATTERN,
            AddressRange::EXAMPLES,
            &[
                ("10.0.0.10-10.0.0.99", "10.0.0.10-10.0.0.99"),
                ("fd00::1-FD00::9", "fd00::1-fd00::9"),
                ("10.0.0.128/25", "10.0.0.128/25"),
            ],
        );
    }

    #[test]
    fn explains_addresses() {
        let any = "write an address such as `192.168.1.10` or `fd00::10`";
        let v4 = "write an address such as `192.168.1.10`";
        check::bad::<Address>(&[
            ("", "", "the address is empty", "write one such as `192.168.1.10`"),
            ("010.0.0.1", "010", "`010` has a leading zero", "write `10.0.0.1`"),
            ("256.0.0.1", "256", "`256` is above 255", "write numbers from 0 to 255"),
            ("10.0.0", "10.0.0", "`10.0.0` is not four numbers", v4),
            ("10.0.0.", "10.0.0.", "`10.0.0.` is not four numbers", v4),
            ("127.0.0.1:80", "127.0.0.1:80", "`127.0.0.1:80` has a port", "write `127.0.0.1`"),
            ("[::1]:80", "[::1]:80", "`[::1]:80` has a port", "write `::1`"),
            ("[::1]", "[::1]", "`[::1]` stands in brackets", "write `::1`"),
            ("10.0.0.1/24", "10.0.0.1/24", "`10.0.0.1/24` has a prefix length", "write `10.0.0.1`"),
            ("fe80::1%eth0", "fe80::1%eth0", "`fe80::1%eth0` has a zone", "write `fe80::1`"),
            (
                "localhost",
                "localhost",
                "`localhost` is a name, not an address",
                "write `127.0.0.1`",
            ),
            ("db.lan", "db.lan", "`db.lan` is a name, not an address", any),
            ("db:5432", "db:5432", "`db:5432` has a port", any),
            ("1::2::3", "1::2::3", "`1::2::3` is not an IPv6 address", any),
            ("*", "*", "`*` is not an address", any),
            ("::1 ", " ", "`::1 ` holds a space", "write `::1`"),
        ]);
    }

    #[test]
    fn explains_subnets() {
        check::bad::<Subnet>(&[
            ("", "", "the subnet is empty", "write one such as `10.89.0.0/24`"),
            (
                "10.0.0.5/24",
                "10.0.0.5/24",
                "`10.0.0.5/24` is not the first address",
                "write `10.0.0.0/24`",
            ),
            (
                "fd00::5/64",
                "fd00::5/64",
                "`fd00::5/64` is not the first address",
                "write `fd00::/64`",
            ),
            ("10.0.0.5", "10.0.0.5", "`10.0.0.5` has no prefix length", "write `10.0.0.0/24`"),
            (
                "lan",
                "lan",
                "`lan` is a name, not an address",
                "write an address such as `192.168.1.10` or `fd00::10`",
            ),
            (
                "10.0.0.0/33",
                "33",
                "`33` is more than the 32 bits of IPv4",
                "write a number from 0 to 32",
            ),
            (
                "::/129",
                "129",
                "`129` is more than the 128 bits of IPv6",
                "write a number from 0 to 128",
            ),
            ("10.0.0.0/", "", "`` is not a prefix length", "write a number from 0 to 32"),
            ("10.0.0.0/-1", "-1", "`-1` is not a prefix length", "write a number from 0 to 32"),
            (
                "10.0.0.0/255.255.255.0",
                "255.255.255.0",
                "`255.255.255.0` is not a prefix length",
                "write `24`",
            ),
            (
                "10.0.0.0/255.0.255.0",
                "255.0.255.0",
                "`255.0.255.0` is not a prefix length",
                "write a number from 0 to 32",
            ),
            ("10.0.0.00/24", "00", "`00` has a leading zero", "write `10.0.0.0`"),
        ]);
    }

    #[test]
    fn explains_ranges() {
        check::bad::<AddressRange>(&[
            ("", "", "the address range is empty", "write one such as `10.0.0.10-10.0.0.99`"),
            (
                "10.0.0.9-10.0.0.1",
                "10.0.0.9-10.0.0.1",
                "`10.0.0.9-10.0.0.1` runs backwards",
                "write `10.0.0.1-10.0.0.9`",
            ),
            (
                "10.0.0.9-::1",
                "10.0.0.9-::1",
                "`10.0.0.9-::1` mixes IPv4 and IPv6",
                "write two addresses of one family",
            ),
            ("10.0.0.9", "10.0.0.9", "`10.0.0.9` is a single address", "write `10.0.0.9/32`"),
            (
                "10.0.0.9-99",
                "99",
                "`99` is not four numbers",
                "write an address such as `192.168.1.10`",
            ),
            (
                "10.0.0.9/24",
                "10.0.0.9/24",
                "`10.0.0.9/24` is not the first address",
                "write `10.0.0.0/24`",
            ),
            (
                "10.0.0.1 - 10.0.0.9",
                " ",
                "`10.0.0.1 - 10.0.0.9` holds a space",
                "write `10.0.0.1-10.0.0.9`",
            ),
        ]);
    }

    #[test]
    fn tells_what_is_inside() {
        let subnet = |text: &str| text.parse::<Subnet>().unwrap();
        for (a, b, overlap) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/24", "10.0.1.0/24", false),
            ("0.0.0.0/0", "192.168.0.0/16", true),
            ("0.0.0.0/0", "::/0", false),
            ("fd00::/64", "fd00::/48", true),
        ] {
            assert_eq!(subnet(a).overlaps(&subnet(b)), overlap, "{a} {b}");
            assert_eq!(subnet(b).overlaps(&subnet(a)), overlap, "{b} {a}");
        }
        for (range, address, inside) in [
            ("10.0.0.10-10.0.0.99", "10.0.0.10", true),
            ("10.0.0.10-10.0.0.99", "10.0.0.99", true),
            ("10.0.0.10-10.0.0.99", "10.0.0.100", false),
            ("10.0.0.10-10.0.0.99", "::1", false),
            ("10.0.0.128/25", "10.0.0.127", false),
            ("10.0.0.128/25", "10.0.0.255", true),
            ("::/0", "10.0.0.1", false),
        ] {
            let found: AddressRange = range.parse().unwrap();
            assert_eq!(found.contains(address.parse().unwrap()), inside, "{range} {address}");
        }
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Address>(Address::PATTERN);
        check::laws::<Subnet>(Subnet::PATTERN);
        check::laws::<AddressRange>(AddressRange::PATTERN);
    }
}
