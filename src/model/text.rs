//! Names, paths and other texts of a fixed form.

use std::fmt;
use std::str::FromStr;

use super::value::{ValueError, excerpt};

/// Declares a text that is kept as written once its form is known to be right.
macro_rules! text_form {
    ($(#[$meta:meta])* $name:ident, $check:ident, $pattern:literal, $examples:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The pattern for editors.
            pub const PATTERN: &str = $pattern;
            /// Examples for editors.
            pub const EXAMPLES: &[&str] = &$examples;

            /// The text as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_form!(
    /// The name of a stack, service, network, volume, secret, file or group.
    Name, check_name, "^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?$", ["web", "immich-server", "db_1"]
);
text_form!(
    /// The name of something that Podman has already.
    ObjectName, check_object_name, "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", ["systemd-reverse_proxy"]
);
text_form!(
    /// The name of an environment variable.
    EnvName, check_env_name, "^[A-Za-z_][A-Za-z0-9_]*$", ["TZ", "POSTGRES_USER"]
);
text_form!(
    /// A host name.
    HostName, check_host_name, "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9-]+)*\\.?$",
    ["photos", "photos.example.org"]
);
text_form!(
    /// A host name with its address, as in `/etc/hosts`.
    Alias, check_alias, "^[A-Za-z0-9.-]+[:=].+$", ["nas:192.168.1.10", "host.example:host-gateway"]
);
text_form!(
    /// An address of a web page or an endpoint.
    Url, check_url, "^https?://", ["http://localhost:3001/health", "https://example.org/"]
);
text_form!(
    /// A path from the root.
    AbsolutePath, check_absolute, "^/", ["/etc/app/config.yml"]
);
text_form!(
    /// A path inside the stack's folder.
    RelativePath, check_relative, "^[^/~]", ["config/prometheus.yml", "./app.env"]
);
text_form!(
    /// The name or the number of a group.
    GroupName, check_group, "^[A-Za-z0-9_.-]+$", ["video", "109", "keep-groups"]
);
text_form!(
    /// A regular expression.
    Regex, check_regex, "", ["ready to accept connections"]
);

impl Name {
    /// The name that a text most likely means; `stack` where nothing of it fits.
    pub fn likely(text: &str) -> String {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = |c: char| edge(c) || "_.-".contains(c);
        let tidy = tidied(&text.to_ascii_lowercase(), fits, '-');
        let short: String = tidy.trim_matches(|c| !edge(c)).chars().take(NAME_MAX).collect();
        match short.trim_matches(|c| !edge(c)) {
            "" => "stack".to_owned(),
            name => name.to_owned(),
        }
    }
}

/// The longest name: a label of DNS, which a service's name becomes.
const NAME_MAX: usize = 63;

fn check_name(text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        return Err(ValueError::new("an empty name").help("write one such as `web`"));
    }
    if text.len() > NAME_MAX {
        let message = format!("a name of {} characters, at most {NAME_MAX} fit", text.len());
        return Err(ValueError::new(message).help("write a shorter one"));
    }
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = |c: char| edge(c) || "_.-".contains(c);
    let tidy = tidied(&text.to_ascii_lowercase(), fits, '-');
    let tidy = tidy.trim_matches(|c| !edge(c));
    if let Some(error) = stray(text, "a name", fits) {
        let error = error.help("use lower-case letters, digits, `-`, `_` and `.`");
        return Err(error.suggest::<Name>(text, tidy));
    }
    if !text.starts_with(edge) || !text.ends_with(edge) {
        let error = ValueError::new(format!("`{}` begins or ends with a sign", excerpt(text)));
        let error = error.help("begin and end with a letter or a digit");
        return Err(error.suggest::<Name>(text, tidy));
    }
    Ok(())
}

/// The first character that does not fit, as an error that blames it.
fn stray(text: &str, place: &str, fits: impl Fn(char) -> bool) -> Option<ValueError> {
    let (at, c) = text.char_indices().find(|(_, c)| !fits(*c))?;
    let shown = match c {
        ' ' => "a space".to_owned(),
        c => format!("`{}`", excerpt(c.encode_utf8(&mut [0; 4]))),
    };
    let error = ValueError::new(format!("{shown} cannot stand in {place}"));
    Some(error.at(at..at + c.len_utf8()))
}

/// The text with what does not fit replaced.
fn tidied(text: &str, fits: impl Fn(char) -> bool, by: char) -> String {
    text.chars().map(|c| if fits(c) { c } else { by }).collect()
}

fn check_object_name(text: &str) -> Result<(), ValueError> {
    if text.is_empty() || text.len() > 255 {
        let message = format!("a name of {} characters, 1 to 255 fit", text.len());
        return Err(ValueError::new(message).help("write one such as `photos`"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let tidy = tidied(text, fits, '-');
    let tidy = tidy.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if let Some(error) = stray(text, "a name", fits) {
        let error = error.help("use letters, digits, `-`, `_` and `.`");
        return Err(error.suggest::<ObjectName>(text, tidy));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let error = ValueError::new(format!("`{}` begins with a sign", excerpt(text)));
        let error = error.help("begin with a letter or a digit");
        return Err(error.suggest::<ObjectName>(text, tidy));
    }
    Ok(())
}

fn check_env_name(text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        return Err(ValueError::new("an empty variable name").help("write one such as `TZ`"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(error) = stray(text, "a variable name", fits) {
        let error = error.help("use letters, digits and `_`");
        return Err(error.suggest::<EnvName>(text, &tidied(text, fits, '_')));
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let error = ValueError::new(format!("`{}` begins with a digit", excerpt(text)));
        return Err(error.help("begin with a letter or `_`"));
    }
    Ok(())
}

fn check_group(text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        return Err(ValueError::new("an empty group").help("write one such as `video`"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    match stray(text, "the name of a group", fits) {
        Some(error) => Err(error.help("use letters, digits, `-`, `_` and `.`")),
        None if text.starts_with('-') => {
            Err(ValueError::new(format!("`{}` begins with `-`", excerpt(text)))
                .help("begin with a letter or a digit"))
        }
        None => Ok(()),
    }
}

fn check_host_name(text: &str) -> Result<(), ValueError> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() || name.len() > 253 {
        let message = format!("a host name of {} characters, 1 to 253 fit", name.len());
        return Err(ValueError::new(message).help("write one such as `photos.example.org`"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if let Some(error) = stray(name, "a host name", fits) {
        return Err(match name.is_ascii() {
            true => {
                let error = error.help("use letters, digits, `-` and `.`");
                error.suggest::<HostName>(text, &tidied(text, fits, '-'))
            }
            false => error.help("write the name in its `xn--` form"),
        });
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 || label.starts_with('-') || label.ends_with('-') {
            let message = format!("`{}` has a part that DNS does not allow", excerpt(text));
            let error = ValueError::new(message);
            return Err(error.help("give each part 1 to 63 characters, no `-` at its ends"));
        }
    }
    Ok(())
}

fn check_alias(text: &str) -> Result<(), ValueError> {
    let Some((name, address)) = text.split_once([':', '=']) else {
        let error = ValueError::new(format!("`{}` has no address", excerpt(text)));
        return Err(error.help("write `name:address`, such as `nas:192.168.1.10`"));
    };
    check_host_name(name)?;
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    if bare == "host-gateway" || bare.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    let at = text.len() - address.len()..text.len();
    let error = ValueError::new(format!("`{}` is not an address", excerpt(address))).at(at);
    Err(error.help("write an IP address, or `host-gateway` for this machine"))
}

fn check_url(text: &str) -> Result<(), ValueError> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else {
        let error = ValueError::new(format!("`{}` does not begin with a scheme", excerpt(text)));
        return Err(error.help("begin with `http://` or `https://`"));
    };
    if let Some((at, c)) = text.char_indices().find(|(_, c)| c.is_whitespace() || c.is_control()) {
        let found = excerpt(c.encode_utf8(&mut [0; 4]));
        let error = ValueError::new(format!("`{found}` cannot stand in a URL"));
        return Err(error.at(at..at + c.len_utf8()).help("write `%20` for a space"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = split_port(host);
    if host.is_empty() {
        let error = ValueError::new(format!("`{}` names no host", excerpt(text)));
        return Err(error.help("write one such as `http://web:8080/`"));
    }
    match port {
        Some(port) if port.parse::<u16>().map_or(true, |port| port == 0) => {
            let error = ValueError::new(format!("`{}` is not a port", excerpt(port)));
            Err(error.help("write a port from 1 to 65535").inside(text, port))
        }
        _ => Ok(()),
    }
}

/// The host and the port of an authority; an IPv6 address keeps its brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    if authority.ends_with(']') {
        return (authority, None);
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

impl Url {
    /// The host that the URL names, without port and brackets.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        split_port(host).0
    }

    /// The port that the URL names, or that its scheme means.
    pub fn port(&self) -> u16 {
        let usual = if self.0.starts_with("https") { 443 } else { 80 };
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        split_port(authority).1.and_then(|port| port.parse().ok()).unwrap_or(usual)
    }
}

fn no_control(text: &str) -> Result<(), ValueError> {
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, c)) => {
            let found = excerpt(c.encode_utf8(&mut [0; 4]));
            let error = ValueError::new(format!("`{found}` cannot stand in a path"));
            Err(error.help("take it out").at(at..at + c.len_utf8()))
        }
        None => Ok(()),
    }
}

fn check_absolute(text: &str) -> Result<(), ValueError> {
    no_control(text)?;
    if !text.starts_with('/') {
        let error = ValueError::new(format!("`{}` does not begin at the root", excerpt(text)));
        return Err(error.help("begin with `/`"));
    }
    no_parent(text)
}

fn check_relative(text: &str) -> Result<(), ValueError> {
    no_control(text)?;
    if text.is_empty() {
        let error = ValueError::new("an empty path");
        return Err(error.help("write one such as `config/app.yml`"));
    }
    if text.starts_with('/') || text.starts_with('~') {
        let message = format!("`{}` leaves the stack's folder", excerpt(text));
        return Err(ValueError::new(message).help("name a file beside the stack file"));
    }
    Ok(())
}

fn no_parent(text: &str) -> Result<(), ValueError> {
    match text.split('/').any(|part| part == "..") {
        true => {
            let message = format!("`{}` goes up with `..`", excerpt(text));
            Err(ValueError::new(message).help("write the path out"))
        }
        false => Ok(()),
    }
}

/// How long a regular expression may be, and how many bytes it may take to follow it: an expression
/// of ten characters can ask for a million states.
const REGEX_MAX: (usize, usize) = (1000, 64 << 10);

fn check_regex(text: &str) -> Result<(), ValueError> {
    if text.len() > REGEX_MAX.0 {
        let message = format!("a text of {} bytes, {} fit", text.len(), REGEX_MAX.0);
        return Err(ValueError::new(message).help("look for a part of it"));
    }
    match regex_lite::RegexBuilder::new(text).size_limit(REGEX_MAX.1).build() {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = ValueError::new(format!("`{}` is broken: {error}", excerpt(text)));
            Err(error.help("write `\\` in front of a sign that is meant as such"))
        }
    }
}

/// A command in one text, split into words as a shell would, with nothing expanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// The pattern for editors.
    pub const PATTERN: &str = ".";
    /// Examples for editors.
    pub const EXAMPLES: &[&str] = &["redis-server --save 60 1"];

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for CommandLine {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let Some(words) = shlex::split(text) else {
            let error =
                ValueError::new(format!("`{}` has a quote that is not closed", excerpt(text)));
            return Err(error.help("close the quote, or give the command as a list of words"));
        };
        if words.is_empty() {
            return Err(ValueError::new("an empty command").help("leave the key out instead"));
        }
        Ok(Self(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_wrong_with_them() {
        for good in ["a", "immich-server", "db_1", "a.b", "0"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a b", "a/b", "..", "ä", &"x".repeat(64)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
        let error = "Web".parse::<Name>().unwrap_err();
        assert_eq!(error.help.as_deref(), Some("write `web`"));
        assert_eq!(error.at, Some(0..1));
    }

    #[test]
    fn urls_name_host_and_port() {
        let url: Url = "http://web:8080/a?b#c".parse().unwrap();
        assert_eq!((url.host(), url.port()), ("web", 8080));
        let url: Url = "https://user@[::1]/".parse().unwrap();
        assert_eq!((url.host(), url.port()), ("[::1]", 443));
        for bad in ["web", "ftp://a", "http://", "http://a b/", "http://a:0", "http://a:99999"] {
            assert!(bad.parse::<Url>().is_err(), "{bad}");
        }
    }

    #[test]
    fn commands_keep_their_words() {
        let command: CommandLine = r#"sh -c 'exec "$VAR"' """#.parse().unwrap();
        assert_eq!(command.words(), ["sh", "-c", "exec \"$VAR\"", ""]);
        assert!("sh -c 'x".parse::<CommandLine>().is_err());
        assert!("  ".parse::<CommandLine>().is_err());
    }
}
