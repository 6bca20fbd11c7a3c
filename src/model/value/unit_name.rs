//! The name of a systemd unit, with its suffix, such as `traefik.service`.

use std::fmt;
use std::str::FromStr;

use crate::model::value::nearest::nearest;
use crate::model::value::{ValueError, check_plain, excerpt, first_char};

/// The unit types of systemd.
const SUFFIXES: [&str; 11] = [
    "service",
    "socket",
    "timer",
    "target",
    "mount",
    "automount",
    "path",
    "slice",
    "scope",
    "swap",
    "device",
];

/// Files that Quadlet turns into a service of the same name.
const QUADLETS: [&str; 2] = ["container", "kube"];

/// The longest name that systemd loads, in bytes.
const LONGEST: usize = 255;

/// The name of a systemd unit, with its suffix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(String);

impl UnitName {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[A-Za-z0-9:_.\\\\@-]+\\.\
                               (service|socket|timer|target|mount|automount|path|slice|scope|swap|\
                               device)$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["traefik.service", "app.socket", "mnt-data.mount"];

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UnitName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "unit name", "traefik.service")?;
        check_letters(text)?;
        let (base, suffix) = text.rsplit_once('.').unwrap_or((text, ""));
        if !SUFFIXES.contains(&suffix) {
            return Err(unknown_suffix(text, base, suffix));
        }
        check_base(text, base)?;
        if text.len() > LONGEST {
            return Err(ValueError::new(format!(
                "`{}` is {} bytes long",
                excerpt(text),
                text.len()
            ))
            .help(format!("write at most {LONGEST} bytes")));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares the name of a unit of one type.
macro_rules! typed {
    (
        $(#[$meta:meta])*
        $name:ident, $suffix:literal, $kind:literal, $pattern:literal, $example:literal
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(UnitName);

        impl $name {
            /// What editors accept: a superset of what parses.
            pub const PATTERN: &str = $pattern;

            /// Texts that parse.
            pub const EXAMPLES: &[&str] = &[$example];

            /// The whole name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                let base = text.rsplit_once('.').map_or(text, |(base, _)| base);
                let meant = format!("{base}{}", $suffix);
                match text.parse::<UnitName>() {
                    Ok(name) if text.ends_with($suffix) => Ok(Self(name)),
                    Ok(_) => Err(ValueError::new(format!("`{}` is no {}", excerpt(text), $kind))
                        .help(concat!("end it in `", $suffix, "`"))
                        .suggest::<Self>(text, &meant)),
                    Err(error) => Err(error.suggest::<Self>(text, &meant)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

typed!(
    /// The name of a slice, with its suffix.
    SliceName, ".slice", "slice", "^[A-Za-z0-9:_.\\\\@-]+\\.slice$", "apps.slice"
);
typed!(
    /// The name of a socket unit, with its suffix.
    SocketName, ".socket", "socket", "^[A-Za-z0-9:_.\\\\@-]+\\.socket$", "traefik.socket"
);

fn check_letters(text: &str) -> Result<(), ValueError> {
    let stray = |c: char| !c.is_ascii_alphanumeric() && !":-_.\\@".contains(c);
    first_char(text, stray).map_or(Ok(()), |found| {
        Err(ValueError::new(format!("`{}` holds `{found}`", excerpt(text)))
            .help("use letters, digits, `:`, `-`, `_`, `.`, `\\` and `@`")
            .inside(text, found))
    })
}

fn unknown_suffix(text: &str, base: &str, suffix: &str) -> ValueError {
    let meant =
        if QUADLETS.contains(&suffix) { Some("service") } else { nearest(suffix, SUFFIXES) };
    let candidate = match meant {
        Some(meant) => format!("{base}.{meant}"),
        None => format!("{}.service", text.trim_end_matches('.')),
    };
    ValueError::new(format!("`{}` does not end in a unit type", excerpt(text)))
        .help("end it in a unit type such as `.service`")
        .suggest::<UnitName>(text, &candidate)
}

/// Refuses a part before the suffix that would be hidden, read as an option, or only a template.
fn check_base(text: &str, base: &str) -> Result<(), ValueError> {
    let first = first_char(text, |_| true).unwrap_or_default();
    // The root of the file system and of all slices are called `-`.
    if first == "." || (first == "-" && base != "-") {
        return Err(ValueError::new(format!("`{}` starts with `{first}`", excerpt(text)))
            .help("start it with a letter or digit"));
    }
    match base.split_once('@') {
        Some(("", _)) => Err(ValueError::new(format!("`{}` starts with `@`", excerpt(text)))
            .help("start it with a letter or digit")),
        Some((_, "")) => Err(ValueError::new(format!("`{}` names no instance", excerpt(text)))
            .help("write the instance after the `@`")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        let names = [
            "traefik.service",
            "app.socket",
            "mnt-data.mount",
            "foo@bar.service",
            "dev-disk-by\\x2dlabel-data.swap",
            "-.mount",
            "a:b_c.target",
            "v1.2.service",
        ];
        let table: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
        check::good::<UnitName>(UnitName::PATTERN, UnitName::EXAMPLES, &table);
        assert_eq!("a.path".parse::<UnitName>().unwrap().as_str(), "a.path");
    }

    #[test]
    fn explains() {
        let letters = "use letters, digits, `:`, `-`, `_`, `.`, `\\` and `@`";
        let start = "start it with a letter or digit";
        check::bad::<UnitName>(&[
            ("", "", "the unit name is empty", "write one such as `traefik.service`"),
            (
                "traefik",
                "traefik",
                "`traefik` does not end in a unit type",
                "write `traefik.service`",
            ),
            ("a.", "a.", "`a.` does not end in a unit type", "write `a.service`"),
            ("v1.2", "v1.2", "`v1.2` does not end in a unit type", "write `v1.2.service`"),
            ("a.servce", "a.servce", "`a.servce` does not end in a unit type", "write `a.service`"),
            (
                "a.container",
                "a.container",
                "`a.container` does not end in a unit type",
                "write `a.service`",
            ),
            (
                "-rf",
                "-rf",
                "`-rf` does not end in a unit type",
                "end it in a unit type such as `.service`",
            ),
            ("-x.service", "-x.service", "`-x.service` starts with `-`", start),
            (".service", ".service", "`.service` starts with `.`", start),
            ("@a.service", "@a.service", "`@a.service` starts with `@`", start),
            (
                "a@.service",
                "a@.service",
                "`a@.service` names no instance",
                "write the instance after the `@`",
            ),
            ("a/b.service", "/", "`a/b.service` holds `/`", letters),
            ("a%i.service", "%", "`a%i.service` holds `%`", letters),
            ("é.service", "é", "`é.service` holds `é`", letters),
            (
                "a.service\n",
                "\n",
                "`a.service\\n` holds the control character U+000A",
                "write `a.service`",
            ),
            ("a .service", " ", "`a .service` holds a space", "write `a.service`"),
        ]);
        let error = format!("{}.service", "a".repeat(248)).parse::<UnitName>().unwrap_err();
        assert!(error.message.ends_with("is 256 bytes long"), "{error:?}");
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<UnitName>(UnitName::PATTERN);
    }
}
