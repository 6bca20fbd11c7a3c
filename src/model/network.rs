//! Networks of a stack, and how a service joins them.

use std::borrow::Cow;

use super::at::At;
use super::layer::{Additive, HasKey, layered};
use super::text::{HostName, ObjectName};
use super::union::{Assignments, Long, either};
use super::value::address::{Address, AddressRange, Subnet};
use super::variable::Plain;

layered! {
    /// A network of the stack; it becomes a unit, unless it is external.
    pub struct Network {
        /// Whether somebody else makes it and it must exist.
        pub external: Option<At<bool>>,
        /// Its name in Podman, where it is not the name used here.
        pub name: Option<At<ObjectName>>,
        /// The driver: `bridge`, `macvlan`, `ipvlan`.
        #[schemars(regex(pattern = "^[a-z0-9_-]+$"))]
        pub driver: Option<At<String>>,
        /// Its addresses.
        pub subnet: Option<At<Subnet>>,
        /// The address of the machine in it.
        pub gateway: Option<At<Address>>,
        /// The addresses that are given to containers without a fixed one.
        pub ip_range: Option<At<AddressRange>>,
        /// More subnets, such as one of IPv6 beside one of IPv4.
        pub more_subnets: Additive<MoreSubnet>,
        /// Whether containers in it get addresses of IPv6.
        pub ipv6: Option<At<bool>>,
        /// Whether it has no way to the outside.
        pub internal: Option<At<bool>>,
        /// Whether it cannot reach other networks of the machine.
        pub isolate: Option<At<bool>>,
        /// DNS servers that its own resolver asks.
        pub dns: Additive<Address>,
        /// Whether it has no resolver of its own.
        pub disable_dns: Option<At<bool>>,
        /// The name of its interface on the machine, of at most 15 characters.
        #[schemars(regex(pattern = "^[a-zA-Z0-9_.-]{1,15}$"))]
        pub interface: Option<At<String>>,
        /// Options of the driver, such as `mtu`.
        #[serde(alias = "driver_opts")]
        #[schemars(extend("x-alias" = ["driver_opts"]))]
        pub options: Assignments<Plain>,
        /// Labels of the network.
        pub labels: Assignments<Plain>,
    }
}

/// A further subnet with its gateway and range.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, schemars::JsonSchema,
)]
pub struct MoreSubnet {
    /// Its addresses.
    pub subnet: Subnet,
    /// The address of the machine in it.
    pub gateway: Option<Address>,
    /// The addresses that are given to containers without a fixed one.
    pub ip_range: Option<AddressRange>,
}

layered! {
    /// A network that a service joins, with its address and names in it.
    #[schemars(extend("required" = ["name"]))]
    pub struct NetworkUseLong {
        /// The network.
        pub name: Option<At<ObjectName>>,
        /// The fixed IPv4 address of the service in it.
        #[serde(alias = "ipv4_address")]
        #[schemars(extend("x-alias" = ["ipv4_address"]))]
        pub ip: Option<At<Address>>,
        /// The fixed IPv6 address of the service in it.
        #[serde(alias = "ipv6_address")]
        #[schemars(extend("x-alias" = ["ipv6_address"]))]
        pub ip6: Option<At<Address>>,
        /// The fixed hardware address of the service in it, such as `02:42:0a:09:00:05`.
        #[schemars(regex(pattern = "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"))]
        pub mac: Option<At<String>>,
        /// More names of the service in it.
        pub aliases: Additive<HostName>,
        /// The name of the interface inside the container, of at most 15 characters.
        #[schemars(regex(pattern = "^[a-zA-Z0-9_.-]{1,15}$"))]
        pub interface: Option<At<String>>,
    }
}

/// A network that a service joins.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkUse {
    /// The network.
    pub name: At<ObjectName>,
    /// What the long form says beside the name.
    pub more: NetworkUseLong,
}

either! {
    /// The name of a network, or a name with an address.
    NetworkUse = short At<ObjectName>, long NetworkUseLong
}

impl From<At<ObjectName>> for NetworkUse {
    fn from(name: At<ObjectName>) -> Self {
        Self { name, more: NetworkUseLong::default() }
    }
}

impl Long<NetworkUseLong> for NetworkUse {
    fn long(more: NetworkUseLong) -> Option<Self> {
        Some(Self { name: more.name.clone()?, more })
    }
}

impl HasKey for NetworkUse {
    const KEY: &'static str = "name";

    fn key(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }
}
