//! The name of a container image, with its registry, tag and digest.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, excerpt, first_char, split_run, whole};

/// Longer references, in bytes, are refused.
const LONGEST: usize = 512;

/// The longest tag, in bytes.
const LONGEST_TAG: usize = 128;

/// The digest algorithms and how many hexadecimal digits they have.
const DIGESTS: [(&str, usize); 2] = [("sha256", 64), ("sha512", 128)];

/// A reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    /// The host, and perhaps port, that serves the image.
    pub registry: Option<String>,
    /// The path of the image in the registry.
    pub path: String,
    /// The version, which may move.
    pub tag: Option<String>,
    /// The exact content, with its algorithm in front.
    pub digest: Option<String>,
}

impl ImageRef {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]+)?/)?\
                               [a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*\
                               (:[A-Za-z0-9_][A-Za-z0-9_.-]*)?\
                               (@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] =
        &["docker.io/library/nginx:1.29", "ghcr.io/immich-app/immich-server:v2", "localhost/app"];

    /// Whether the registry is left to the settings of the host.
    #[must_use]
    pub fn is_short_name(&self) -> bool {
        self.registry.is_none()
    }

    /// Whether neither tag nor digest says which version it is.
    #[must_use]
    pub fn has_no_version(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// Whether the tag is `latest`.
    #[must_use]
    pub fn says_latest(&self) -> bool {
        self.tag.as_deref() == Some("latest")
    }
}

impl FromStr for ImageRef {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "image", "docker.io/library/nginx:1.29")?;
        check_text(text)?;
        let (rest, digest) = ends(text, text.split_once('@'));
        let (name, tag) = ends(rest, rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')));
        let (registry, path) = match name.split_once('/').filter(|(host, _)| is_registry(host)) {
            Some((registry, path)) => (Some(registry), path),
            None => (None, name),
        };
        let checks = [
            registry.map(|registry| (registry, check_registry(registry))),
            Some((path, check_path(path))),
            tag.map(|tag| (tag, check_tag(tag))),
            digest.map(|digest| (digest, check_digest(digest))),
        ];
        let lower = |part: &str| part.to_ascii_lowercase();
        for (part, checked) in checks.into_iter().flatten() {
            let meant = || Self::from_parts(registry, &lower(path), tag, digest.map(lower));
            checked.map_err(|error| {
                error.suggest::<Self>(text, &meant().to_string()).inside(text, part)
            })?;
        }
        Ok(Self::from_parts(registry, path, tag, digest.map(str::to_owned)))
    }
}

impl ImageRef {
    fn from_parts(
        registry: Option<&str>,
        path: &str,
        tag: Option<&str>,
        digest: Option<String>,
    ) -> Self {
        let (registry, tag) = (registry.map(str::to_owned), tag.map(str::to_owned));
        Self { registry, path: path.to_owned(), tag, digest }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.registry.iter().try_for_each(|registry| write!(f, "{registry}/"))?;
        f.write_str(&self.path)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// The two halves of a text that may not have been split.
fn ends<'a>(text: &'a str, split: Option<(&'a str, &'a str)>) -> (&'a str, Option<&'a str>) {
    split.map_or((text, None), |(start, end)| (start, Some(end)))
}

/// Whether the part before the first slash is a host, as Podman tells.
fn is_registry(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':'])
}

/// Refuses what is wrong whatever part it stands in.
fn check_text(text: &str) -> Result<(), ValueError> {
    let error = |message: String| {
        ValueError::new(message).help("write a name such as `docker.io/library/nginx:1.29`")
    };
    if text.starts_with('-') {
        return Err(error(format!("`{}` starts with `-`", excerpt(text))));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return Err(error(format!("`{}://` is no part of an image name", excerpt(scheme)))
            .suggest::<ImageRef>(text, rest));
    }
    if let Some(found) = first_char(text, |c| !c.is_ascii()) {
        return Err(error(format!("`{found}` is not an ASCII character")).inside(text, found));
    }
    if text.len() > LONGEST {
        return Err(error(format!("`{}` is {} bytes long", excerpt(text), text.len()))
            .help(format!("write at most {LONGEST} bytes")));
    }
    Ok(())
}

fn check_registry(text: &str) -> Result<(), ValueError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => (text.strip_suffix(rest).unwrap_or(text), rest.strip_prefix(':')),
        None => ends(text, text.split_once(':')),
    };
    if !is_host(host) {
        return Err(ValueError::new(format!("`{}` is not a registry host", excerpt(host)))
            .help("write a host such as `ghcr.io`")
            .inside(text, host));
    }
    match port {
        Some(port) if !whole(port).is_some_and(|port| (1..=65535).contains(&port)) => {
            Err(ValueError::new(format!("`{}` is not a port", excerpt(port)))
                .help("write a port from 1 to 65535")
                .inside(text, port))
        }
        _ => Ok(()),
    }
}

fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[') {
        let address = inner.strip_suffix(']').map(str::parse::<std::net::Ipv6Addr>);
        return address.is_some_and(|address| address.is_ok());
    }
    text.split('.').all(|label| {
        let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    })
}

fn check_path(path: &str) -> Result<(), ValueError> {
    if path.is_empty() {
        return Err(ValueError::new("the name is empty")
            .help("write a name such as `docker.io/library/nginx:1.29`"));
    }
    path.split('/').try_for_each(|part| check_part(part).map_err(|error| error.inside(path, part)))
}

fn check_part(part: &str) -> Result<(), ValueError> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = part;
    loop {
        let (word, after) = split_run(rest, letter);
        let (joint, after) = split_run(after, |c| !letter(c));
        let joined = matches!(joint, "." | "_" | "__") || joint.bytes().all(|b| b == b'-');
        if word.is_empty() || !joined {
            return Err(part_error(part));
        }
        if joint.is_empty() {
            return Ok(());
        }
        rest = after;
    }
}

fn part_error(part: &str) -> ValueError {
    let found = excerpt(part);
    let message = if part.is_empty() {
        "a part of the name is empty".to_owned()
    } else if part.contains(|c: char| c.is_ascii_uppercase()) {
        format!("`{found}` has upper-case letters")
    } else {
        format!("`{found}` is not a part of a name")
    };
    ValueError::new(message)
        .help("write lower-case letters and digits, joined by `.`, `_`, `__` or `-`")
}

fn check_tag(tag: &str) -> Result<(), ValueError> {
    if tag.is_empty() {
        return Err(ValueError::new("the tag is empty")
            .help("write a tag after the colon, or leave the colon out"));
    }
    let stray = |c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c);
    if tag.starts_with(['.', '-']) || tag.contains(stray) {
        return Err(ValueError::new(format!("`{}` is not a tag", excerpt(tag)))
            .help("write letters, digits, `_`, `.` and `-`, the last two not in front"));
    }
    if tag.len() > LONGEST_TAG {
        return Err(ValueError::new(format!("the tag is {} bytes long", tag.len()))
            .help(format!("write at most {LONGEST_TAG} bytes")));
    }
    Ok(())
}

fn check_digest(digest: &str) -> Result<(), ValueError> {
    let (name, digits) = digest.split_once(':').unwrap_or((digest, ""));
    let Some((_, length)) = DIGESTS.into_iter().find(|(known, _)| *known == name) else {
        return Err(ValueError::new(format!("`{}` is not a digest", excerpt(digest)))
            .help("write `sha256:` and 64 hexadecimal digits"));
    };
    if let Some(found) = first_char(digits, |c| !matches!(c, '0'..='9' | 'a'..='f')) {
        return Err(ValueError::new(format!("`{found}` is not a lower-case hexadecimal digit"))
            .help(format!("write `{name}:` and {length} hexadecimal digits"))
            .inside(digest, found));
    }
    if digits.len() != length {
        return Err(ValueError::new(format!("the digest has {} digits", digits.len()))
            .help(format!("write all {length} digits after `{name}:`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        let digest = format!("nginx@sha256:{}", "0a".repeat(32));
        let both = format!("docker.io/library/nginx:1.29@sha512:{}", "0a".repeat(64));
        let texts = [
            "nginx",
            "nginx:1.29",
            "library/nginx",
            "docker.io/library/nginx:1.29",
            "ghcr.io/immich-app/immich-server:v2.0.1-rc.1",
            "localhost/app",
            "localhost:5000/app:dev",
            "registry:5000/a__b/c.d/e--f:_x",
            "[::1]:5000/app",
            "Docker.io/library/nginx",
            "localhost:5000",
            &digest,
            &both,
        ];
        let table: Vec<_> = texts.iter().map(|text| (*text, *text)).collect();
        check::good::<ImageRef>(ImageRef::PATTERN, ImageRef::EXAMPLES, &table);
    }

    #[test]
    fn splits_and_judges() {
        for (text, registry, path, tag) in [
            ("nginx:latest", None, "nginx", Some("latest")),
            ("library/nginx", None, "library/nginx", None),
            ("localhost/a", Some("localhost"), "a", None),
            ("a.b:1/c/d:2", Some("a.b:1"), "c/d", Some("2")),
        ] {
            let image: ImageRef = text.parse().unwrap();
            let found = (image.registry.as_deref(), image.path.as_str(), image.tag.as_deref());
            assert_eq!(found, (registry, path, tag), "{text}");
            assert_eq!(image.is_short_name(), registry.is_none(), "{text}");
            assert_eq!(image.has_no_version(), tag.is_none(), "{text}");
            assert_eq!(image.says_latest(), tag == Some("latest"), "{text}");
        }
    }

    #[test]
    fn explains() {
        let name = "write a name such as `docker.io/library/nginx:1.29`";
        let part = "write lower-case letters and digits, joined by `.`, `_`, `__` or `-`";
        let tag = "write letters, digits, `_`, `.` and `-`, the last two not in front";
        let sha = "write `sha256:` and 64 hexadecimal digits";
        check::bad::<ImageRef>(&[
            ("", "", "the image is empty", "write one such as `docker.io/library/nginx:1.29`"),
            (
                "ghcr.io/Owner/App:V1",
                "Owner",
                "`Owner` has upper-case letters",
                "write `ghcr.io/owner/app:V1`",
            ),
            ("Nginx", "Nginx", "`Nginx` has upper-case letters", "write `nginx`"),
            ("N@x", "N", "`N` has upper-case letters", part),
            ("x:", "", "the tag is empty", "write a tag after the colon, or leave the colon out"),
            (":1", "", "the name is empty", name),
            ("docker.io/", "", "the name is empty", name),
            ("a//b", "", "a part of the name is empty", part),
            ("a/b/", "", "a part of the name is empty", part),
            ("a..b", "a..b", "`a..b` is not a part of a name", part),
            ("a___b", "a___b", "`a___b` is not a part of a name", part),
            ("a/-b", "-b", "`-b` is not a part of a name", part),
            ("a_", "a_", "`a_` is not a part of a name", part),
            ("a/${TAG}", "${TAG}", "`${TAG}` has upper-case letters", part),
            ("--privileged", "--privileged", "`--privileged` starts with `-`", name),
            ("a b", " ", "`a b` holds a space", "remove it"),
            ("nginx ", " ", "`nginx ` holds a space", "write `nginx`"),
            (
                "https://ghcr.io/a/b",
                "https://ghcr.io/a/b",
                "`https://` is no part of an image name",
                "write `ghcr.io/a/b`",
            ),
            ("https://x/_/y", "https://x/_/y", "`https://` is no part of an image name", name),
            ("nginх", "х", "`х` is not an ASCII character", name),
            ("a:-b", "-b", "`-b` is not a tag", tag),
            ("a:b:c", "a:b", "`a:b` is not a part of a name", part),
            ("a:b+c", "b+c", "`b+c` is not a tag", tag),
            ("-.io/a", "-.io/a", "`-.io/a` starts with `-`", name),
            (
                "a_b.io/a",
                "a_b.io",
                "`a_b.io` is not a registry host",
                "write a host such as `ghcr.io`",
            ),
            ("a.io:0/a", "0", "`0` is not a port", "write a port from 1 to 65535"),
            (
                "[::x]/a",
                "[::x]",
                "`[::x]` is not a registry host",
                "write a host such as `ghcr.io`",
            ),
            (
                "a@sha256:abc",
                "sha256:abc",
                "the digest has 3 digits",
                "write all 64 digits after `sha256:`",
            ),
            ("a@sha256:xyz", "x", "`x` is not a lower-case hexadecimal digit", sha),
            ("a@md5:abc", "md5:abc", "`md5:abc` is not a digest", sha),
            ("a@", "", "`` is not a digest", sha),
        ]);
    }

    #[test]
    fn limits_lengths() {
        let (upper, lower) = ("A".repeat(64), "a".repeat(64));
        for (text, message, help) in [
            (
                format!("x@sha256:{upper}"),
                "`A` is not a lower-case hexadecimal digit",
                format!("write `x@sha256:{lower}`"),
            ),
            (
                format!("x:{}", "a".repeat(129)),
                "the tag is 129 bytes long",
                "write at most 128 bytes".to_owned(),
            ),
            (
                "a".repeat(513),
                "`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…` is 513 bytes long",
                "write at most 512 bytes".to_owned(),
            ),
        ] {
            let error = text.parse::<ImageRef>().unwrap_err();
            assert_eq!((error.message.as_str(), error.help), (message, Some(help)));
        }
        assert!("a".repeat(512).parse::<ImageRef>().is_ok());
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<ImageRef>(ImageRef::PATTERN);
    }
}
