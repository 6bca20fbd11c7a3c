//! The forms of single values: each is a type with a reader, an editor's pattern and a code.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

use super::text::{
    AbsolutePath, Alias, CommandLine, EnvName, GroupName, HostName, Name, ObjectName, Regex,
    RelativePath, Url,
};
use super::value::ValueError;
use super::value::address::{Address, AddressRange, Subnet};
use super::value::cpu::Cpus;
use super::value::device::Device;
use super::value::duration::Duration;
use super::value::image::ImageRef;
use super::value::mode::Mode;
use super::value::mount::{Mount, Options, Source, Target};
use super::value::port::{PortMapping, PortRange};
use super::value::restart::Restart;
use super::value::size::Size;
use super::value::ulimit::Ulimit;
use super::value::unit_name::{SliceName, SocketName, UnitName};
use super::value::user::UserSpec;
use super::version::FormatVersion;
use crate::report::Code;
use crate::report::code::shape as code;

/// A form that a text can have.
pub struct Form {
    /// The `format` of the JSON schema.
    pub format: &'static str,
    /// The code of a text that does not have it.
    pub code: &'static Code,
    /// Tells whether a text has the form, and why not.
    pub check: fn(&str) -> Result<(), ValueError>,
}

fn parses<T: FromStr<Err = ValueError>>(text: &str) -> Result<(), ValueError> {
    text.parse::<T>().map(|_| ())
}

/// Reads a value of a form from the text of a scalar.
pub(super) fn read<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = ValueError>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<T: FromStr<Err = ValueError>> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|error: ValueError| E::custom(error.message))
    }
}

/// An editor's pattern that lets variables pass, which are expanded before the value is read.
pub fn editor_pattern(pattern: &str) -> Cow<'_, str> {
    format!("(?:{pattern})|\\$").into()
}

/// The pattern that an editor's pattern was made from.
pub fn own_pattern(pattern: &str) -> &str {
    let own = pattern.strip_prefix("(?:").and_then(|rest| rest.strip_suffix(")|\\$"));
    own.unwrap_or(pattern)
}

/// Declares the forms: the schema and the reader of each type, and the table of all.
macro_rules! forms {
    ($(
        $type:ident, $format:literal, $code:ident, [$($kind:literal),+],
        $pattern:expr, $examples:expr;
    )+) => {
        $(
            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    read(deserializer)
                }
            }

            impl schemars::JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($type).into()
                }
                fn inline_schema() -> bool {
                    true
                }
                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    let kinds: &[&str] = &[$($kind),+];
                    let kinds = match kinds {
                        [one] => serde_json::json!(one),
                        more => serde_json::json!(more),
                    };
                    schemars::json_schema!({
                        "type": kinds,
                        "format": $format,
                        "pattern": editor_pattern($pattern),
                        "examples": $examples,
                    })
                }
            }
        )+

        /// All forms.
        pub const FORMS: &[Form] = &[
            $(Form { format: $format, code: &code::$code, check: parses::<$type> }),+
        ];
    };
}

forms! {
    Duration, "duration", DURATION, ["string"], Duration::PATTERN, Duration::EXAMPLES;
    Size, "size", SIZE, ["string"], Size::PATTERN, Size::EXAMPLES;
    PortMapping, "port-mapping", PORT, ["string", "integer"],
        PortMapping::PATTERN, PortMapping::EXAMPLES;
    PortRange, "port-range", PORT, ["string", "integer"], PortRange::PATTERN, PortRange::EXAMPLES;
    Mount, "mount", MOUNT, ["string"], Mount::PATTERN, Mount::EXAMPLES;
    Source, "mount-source", MOUNT, ["string"], Source::PATTERN, Source::EXAMPLES;
    Target, "mount-target", MOUNT, ["string"], Target::PATTERN, Target::EXAMPLES;
    Options, "mount-options", MOUNT, ["string"], Options::PATTERN, Options::EXAMPLES;
    ImageRef, "image", IMAGE, ["string"], ImageRef::PATTERN, ImageRef::EXAMPLES;
    Subnet, "subnet", ADDRESS, ["string"], Subnet::PATTERN, Subnet::EXAMPLES;
    Address, "address", ADDRESS, ["string"], Address::PATTERN, Address::EXAMPLES;
    AddressRange, "address-range", ADDRESS, ["string"],
        AddressRange::PATTERN, AddressRange::EXAMPLES;
    Mode, "file-mode", MODE, ["string", "integer"], Mode::PATTERN, Mode::EXAMPLES;
    UserSpec, "user", USER, ["string", "integer"], UserSpec::PATTERN, UserSpec::EXAMPLES;
    Restart, "restart", RESTART, ["string"], Restart::PATTERN, Restart::EXAMPLES;
    Cpus, "cpus", CPUS, ["string", "number"], Cpus::PATTERN, Cpus::EXAMPLES;
    Ulimit, "ulimit", ULIMIT, ["string", "integer"], Ulimit::PATTERN, Ulimit::EXAMPLES;
    Device, "device", DEVICE, ["string"], Device::PATTERN, Device::EXAMPLES;
    FormatVersion, "format-version", VERSION, ["integer"],
        FormatVersion::PATTERN, FormatVersion::EXAMPLES;
    SliceName, "slice", UNIT, ["string"], SliceName::PATTERN, SliceName::EXAMPLES;
    SocketName, "socket", UNIT, ["string"], SocketName::PATTERN, SocketName::EXAMPLES;
    UnitName, "unit", UNIT, ["string"], UnitName::PATTERN, UnitName::EXAMPLES;
    Name, "name", NAME, ["string"], Name::PATTERN, Name::EXAMPLES;
    ObjectName, "object-name", NAME, ["string"], ObjectName::PATTERN, ObjectName::EXAMPLES;
    EnvName, "variable-name", VARIABLE_NAME, ["string"], EnvName::PATTERN, EnvName::EXAMPLES;
    HostName, "host", HOST, ["string"], HostName::PATTERN, HostName::EXAMPLES;
    Alias, "host-alias", HOST, ["string"], Alias::PATTERN, Alias::EXAMPLES;
    Url, "url", URL, ["string"], Url::PATTERN, Url::EXAMPLES;
    CommandLine, "command", COMMAND, ["string"], CommandLine::PATTERN, CommandLine::EXAMPLES;
    AbsolutePath, "absolute-path", PATH, ["string"],
        AbsolutePath::PATTERN, AbsolutePath::EXAMPLES;
    RelativePath, "relative-path", PATH, ["string"],
        RelativePath::PATTERN, RelativePath::EXAMPLES;
    GroupName, "group", USER, ["string", "number"], GroupName::PATTERN, GroupName::EXAMPLES;
    Regex, "regular-expression", PATTERN, ["string"], Regex::PATTERN, Regex::EXAMPLES;
}
