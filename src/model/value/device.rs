//! A device that a container may use, such as `/dev/dri`.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, excerpt, first_char};

/// A device of the host, and how the container sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// The path on the host, or the name in the Container Device Interface.
    pub host: String,
    /// The path in the container, when it differs.
    pub container: Option<String>,
    /// What the container may do: some of `r`, `w` and `m`.
    pub permissions: Option<String>,
    /// Whether a missing device is left out instead of being an error (a leading `-`).
    pub optional: bool,
}

impl Device {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(-?/[^:]*(:/[^:]*)?(:[rwm]{1,3})?|[A-Za-z][A-Za-z0-9_.-]*/\
                               [A-Za-z][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*)$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] =
        &["/dev/dri", "/dev/ttyUSB0:/dev/ttyACM0:rwm", "-/dev/kvm", "nvidia.com/gpu=all"];

    /// Whether the device is named in the Container Device Interface, not by a path.
    #[must_use]
    pub fn is_cdi(&self) -> bool {
        !self.host.starts_with('/')
    }
}

impl FromStr for Device {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "device", "/dev/dri")?;
        if is_cdi_name(text) {
            let host = text.to_owned();
            return Ok(Self { host, container: None, permissions: None, optional: false });
        }
        let (optional, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (host, container, permissions) = fields(text, rest)?;
        if !host.starts_with('/') {
            return Err(not_absolute(text, host));
        }
        check_path(text, host)?;
        container.map_or(Ok(()), |path| check_path(text, path))?;
        let permissions = permissions.map(|letters| sorted(text, letters)).transpose()?;
        let container = container.map(str::to_owned);
        Ok(Self { host: host.to_owned(), container, permissions, optional })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.optional { "-" } else { "" }, self.host)?;
        let rest = [&self.container, &self.permissions];
        rest.into_iter().flatten().try_for_each(|part| write!(f, ":{part}"))
    }
}

/// The host path, container path and permissions, as written; the middle one may be left out.
type Fields<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn fields<'a>(text: &str, rest: &'a str) -> Result<Fields<'a>, ValueError> {
    let mut parts = rest.splitn(4, ':');
    let host = parts.next().unwrap_or_default();
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => Ok((host, None, None)),
        (Some(letters), None, _) if letters.len() <= 3 && !letters.contains('/') => {
            Ok((host, None, Some(letters)))
        }
        (path, letters, None) => Ok((host, path, letters)),
        _ => Err(ValueError::new(format!("`{}` has more than three parts", excerpt(text)))
            .help("write `/dev/host:/dev/container:rwm`")),
    }
}

/// Whether the text is `vendor/class=name`, as the Container Device Interface has it.
fn is_cdi_name(text: &str) -> bool {
    let word = |part: &str, extra: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || extra.as_bytes().contains(&b))
    };
    let letter = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
    let Some(((vendor, class), name)) =
        text.split_once('=').and_then(|(kind, name)| Some((kind.split_once('/')?, name)))
    else {
        return false;
    };
    let named = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let kind = letter(vendor) && word(vendor, "_.-") && letter(class) && word(class, "_-");
    kind && named && word(name, "_.:-")
}

fn not_absolute(text: &str, host: &str) -> ValueError {
    let error = ValueError::new(format!("`{}` is not an absolute path", excerpt(host)))
        .help("write a path such as `/dev/dri`, or a name such as `nvidia.com/gpu=all`")
        .inside(text, host);
    let bare = host.strip_prefix("dev/").unwrap_or(host);
    let named = bare.starts_with(|c: char| c.is_ascii_alphanumeric()) && !bare.contains('=');
    if named {
        error.suggest::<Device>(text, &text.replacen(host, &format!("/dev/{bare}"), 1))
    } else {
        error
    }
}

fn check_path(text: &str, path: &str) -> Result<(), ValueError> {
    let found = excerpt(path);
    let error = |message| Err(ValueError::new(message).help("write a path such as `/dev/dri`"));
    let checked = match path {
        _ if !path.starts_with('/') => error(format!("`{found}` is not an absolute path")),
        _ if path.split('/').any(|part| part == "..") => error(format!("`{found}` holds `..`")),
        _ if path.ends_with('/') => error(format!("`{found}` is a directory")),
        _ => Ok(()),
    };
    checked.map_err(|error| error.inside(text, path))
}

/// The letters in the order of the kernel.
fn sorted(text: &str, letters: &str) -> Result<String, ValueError> {
    let sorted: String = "rwm".chars().filter(|letter| letters.contains(*letter)).collect();
    let message = match first_char(letters, |c| !"rwm".contains(c)) {
        _ if letters.is_empty() => "the permissions are empty".to_owned(),
        Some(found) => format!("`{}` holds `{found}`", excerpt(letters)),
        None if letters.len() > sorted.len() => format!("`{}` repeats a letter", excerpt(letters)),
        None => return Ok(sorted),
    };
    Err(ValueError::new(message)
        .help("write some of `r`, `w` and `m`, such as `rwm`")
        .inside(text, letters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Device>(
            Device::PATTERN,
            Device::EXAMPLES,
            &[
                ("/dev/dri", "/dev/dri"),
                ("/dev/dri:/dev/dri", "/dev/dri:/dev/dri"),
                ("/dev/ttyUSB0:/dev/ttyACM0:rwm", "/dev/ttyUSB0:/dev/ttyACM0:rwm"),
                ("/dev/sda:mr", "/dev/sda:rm"),
                ("-/dev/kvm", "-/dev/kvm"),
                ("nvidia.com/gpu=all", "nvidia.com/gpu=all"),
                ("nvidia.com/gpu=0:1", "nvidia.com/gpu=0:1"),
            ],
        );
    }

    #[test]
    fn splits() {
        let device: Device = "-/dev/a:/dev/b:rw".parse().unwrap();
        assert_eq!(device.host, "/dev/a");
        assert_eq!(device.container.as_deref(), Some("/dev/b"));
        assert_eq!(device.permissions.as_deref(), Some("rw"));
        assert!(device.optional && !device.is_cdi());
        let device: Device = "/dev/a:rw".parse().unwrap();
        assert_eq!((device.container, device.permissions), (None, Some("rw".to_owned())));
        assert!("nvidia.com/gpu=all".parse::<Device>().unwrap().is_cdi());
    }

    #[test]
    fn explains() {
        let path = "write a path such as `/dev/dri`";
        let name = "write a path such as `/dev/dri`, or a name such as `nvidia.com/gpu=all`";
        let letters = "write some of `r`, `w` and `m`, such as `rwm`";
        check::bad::<Device>(&[
            ("", "", "the device is empty", "write one such as `/dev/dri`"),
            ("-", "", "`` is not an absolute path", name),
            ("dev/kvm:rw", "dev/kvm", "`dev/kvm` is not an absolute path", "write `/dev/kvm:rw`"),
            ("-kvm", "kvm", "`kvm` is not an absolute path", "write `-/dev/kvm`"),
            ("./kvm", "./kvm", "`./kvm` is not an absolute path", name),
            (
                "nvidia.com/gpu=",
                "nvidia.com/gpu=",
                "`nvidia.com/gpu=` is not an absolute path",
                name,
            ),
            ("gpu=all", "gpu=all", "`gpu=all` is not an absolute path", name),
            ("/dev/../etc", "/dev/../etc", "`/dev/../etc` holds `..`", path),
            ("/dev/a:/x/..", "/x/..", "`/x/..` holds `..`", path),
            ("/dev/", "/dev/", "`/dev/` is a directory", path),
            ("/dev/a:dev/b", "dev/b", "`dev/b` is not an absolute path", path),
            ("/dev/a::rw", "", "`` is not an absolute path", path),
            ("/dev/a:", "", "the permissions are empty", letters),
            ("/dev/a:/dev/b:", "", "the permissions are empty", letters),
            ("/dev/a:rwx", "rwx", "`rwx` holds `x`", letters),
            ("/dev/a:rr", "rr", "`rr` repeats a letter", letters),
            (
                "/dev/a:/dev/b:rw:x",
                "/dev/a:/dev/b:rw:x",
                "`/dev/a:/dev/b:rw:x` has more than three parts",
                "write `/dev/host:/dev/container:rwm`",
            ),
            (
                "/dev/a\0",
                "\0",
                "`/dev/a\\u{0}` holds the control character U+0000",
                "write `/dev/a`",
            ),
            ("/dev/a b", " ", "`/dev/a b` holds a space", "remove it"),
        ]);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Device>(Device::PATTERN);
    }
}
