//! What Traefik v3 would make of the arguments of a matcher.

use std::net::{IpAddr, Ipv6Addr};

use super::matcher::{Call, call, version_3};
use super::{Argument, Problem, Severity, error, excerpt, warning};

/// The first thing wrong with each argument; none is empty, and there are as many as it takes.
pub(super) fn check(matcher: &Call, name: &str) -> Vec<Problem> {
    let [first, others @ ..] = matcher.arguments.as_slice() else { return Vec::new() };
    let problem = match name {
        "Query" if others.iter().all(|other| other.text.contains('=')) => old_query(matcher),
        "Query" | "QueryRegexp" => None,
        _ if is_template(&first.text) => None,
        "Host" | "HostSNI" => host(first, name, matcher.tight),
        "HostRegexp" | "HostSNIRegexp" => ascii(first, name).or_else(|| braces(first, name)),
        "Path" | "PathPrefix" => path(first, name),
        "PathRegexp" => braces(first, name),
        "Method" => method(first, matcher.tight),
        "Header" | "HeaderRegexp" => header(first, others, name),
        "ClientIP" => client(first),
        "ALPN" if first.text == "acme-tls/1" => Some(error(
            first.at.clone(),
            "`acme-tls/1` is Traefik's own, another protocol is expected",
        )),
        _ => None,
    };
    problem.into_iter().collect()
}

/// Whether something else writes a part of the text later on.
fn is_template(text: &str) -> bool {
    text.contains("${") || text.contains("{{")
}

fn ascii(argument: &Argument, name: &str) -> Option<Problem> {
    if argument.text.is_ascii() {
        return None;
    }
    let found = excerpt(&argument.text);
    let message = format!("{found} has letters beyond ASCII");
    // Newer versions of Traefik convert them for `HostSNI`, and for nothing else.
    let problem = match name {
        "HostSNI" => warning(argument.at.clone(), message),
        _ => error(argument.at.clone(), message),
    };
    Some(problem.help("write its ASCII form, which begins with `xn--`"))
}

/// A host that Traefik would refuse, or that no request has.
fn host(argument: &Argument, name: &str, tight: bool) -> Option<Problem> {
    let text = argument.text.as_str();
    if let Some(problem) = ascii(argument, name) {
        return Some(problem);
    }
    if text.contains('*') {
        return wildcard(argument, name);
    }
    let word = |c: char| c.is_ascii_alphanumeric() || "_.-:".contains(c);
    let problem = |message: String| {
        // `HostSNI` is checked by Traefik for these characters, `Host` is not.
        let refused = name == "HostSNI" && !text.chars().all(word);
        let severity = if refused { Severity::Error } else { Severity::Warning };
        Problem { severity, ..error(argument.at.clone(), message) }
    };
    let found = excerpt(text);
    if is_address(text) {
        return None;
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        let message = format!("{found} has the scheme {}, a host is expected", excerpt(scheme));
        return Some(problem(message).help(format!("write {}", call(name, &[host]))));
    }
    if let Some((host, path)) = text.split_once('/') {
        let message = format!("{found} has a path, a host is expected");
        let path = format!("/{path}");
        let both = format!("{} && {}", call(name, &[host]), call("PathPrefix", &[&path]));
        let form = match (name, host) {
            (_, "") => call(name, &["a.org"]),
            ("Host", _) if path == "/" => call(name, &[host]),
            ("Host", _) if tight => format!("({both})"),
            ("Host", _) => both,
            _ => call(name, &[host]),
        };
        return Some(problem(message).help(format!("write {form}")));
    }
    if text.contains(',') {
        let hosts: Vec<&str> = text.split(',').map(str::trim).filter(|h| !h.is_empty()).collect();
        let message = format!("{found} is a list, one host is expected");
        return Some(problem(message).help(format!("write {}", version_3(name, &hosts, tight))));
    }
    host_letters(text, name, problem)
}

fn host_letters(text: &str, name: &str, problem: impl Fn(String) -> Problem) -> Option<Problem> {
    let found = excerpt(text);
    if text.contains(char::is_whitespace) {
        let bare: String = text.split_whitespace().collect();
        let message = format!("{found} has a space, a host is expected");
        return Some(problem(message).help(format!("write {}", call(name, &[&bare]))));
    }
    if text.contains(['^', '$', '(', ')', '[', ']', '{', '}', '|', '\\', '+', '?']) {
        let message = format!("{found} is a regular expression, a host is expected");
        let pattern = from_template(text, "[^.]+");
        let pattern = pattern.map_or_else(|| text.to_owned(), |pattern| anchored(&pattern));
        let form = call(&format!("{name}Regexp"), &[&pattern]);
        return Some(problem(message).help(format!("write {form}")));
    }
    if let Some((host, port)) = text.split_once(':') {
        let message = format!("{found} has the port {}, a host is expected", excerpt(port));
        return Some(problem(message).help(format!("write {}", call(name, &[host]))));
    }
    let strange = |c: &char| !c.is_ascii_alphanumeric() && !"_.-".contains(*c);
    if let Some(c) = text.chars().find(strange) {
        return Some(problem(format!("{found} has `{c}`, which no host has")));
    }
    let upper = text.contains(|c: char| c.is_ascii_uppercase());
    upper.then(|| {
        problem(format!("{found} has upper case, hosts are compared in lower case"))
            .help(format!("write {}", call(name, &[&text.to_ascii_lowercase()])))
    })
}

/// Whether it is an IP address, which a host may be; one of version 6 perhaps in brackets.
fn is_address(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    text.parse::<IpAddr>().is_ok() || inner.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// A host with `*`: all of it, or its first label from Traefik 3.7 on.
fn wildcard(argument: &Argument, name: &str) -> Option<Problem> {
    let text = argument.text.as_str();
    let at = argument.at.clone();
    if text == "*" {
        let problem = warning(at, "`*` does not stand for every host in each Traefik v3");
        let help = "leave `Host` out; PathPrefix(`/`) matches every request";
        return (name == "Host").then(|| problem.help(help));
    }
    let found = excerpt(text);
    let regexp = |labels: &str, rest: &str| {
        let pattern = format!("^{labels}\\.{}$", escaped(rest));
        format!("write {}", call(&format!("{name}Regexp"), &[&pattern]))
    };
    let plain = |rest: &str| rest.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    for (stars, labels, version) in [("**.", ".+", "3.8"), ("*.", "[^.]+", "3.7")] {
        if let Some(rest) = text.strip_prefix(stars).filter(|rest| plain(rest)) {
            let message = format!("{found} is a wildcard, which needs Traefik {version}");
            return Some(
                warning(at, message).help(format!("for any v3, {}", regexp(labels, rest))),
            );
        }
    }
    let message = format!("{found} has `*`, which may stand for the first label only");
    let help = format!("write {name}Regexp(`…`) with a regular expression of Go");
    let severity = if name == "HostSNI" { Severity::Error } else { Severity::Warning };
    Some(Problem { severity, ..error(at, message) }.help(help))
}

fn path(argument: &Argument, name: &str) -> Option<Problem> {
    let text = argument.text.as_str();
    let at = argument.at.clone();
    let found = excerpt(text);
    if !text.starts_with('/') {
        let problem = error(at, format!("{found} does not begin with `/`"));
        let host = text.contains("://");
        let fixed = format!("/{text}");
        return Some(if host {
            problem
        } else {
            problem.help(format!("write {}", call(name, &[&fixed])))
        });
    }
    if let Some(problem) = braces(argument, name) {
        return Some(problem);
    }
    if let Some(prefix) = text.strip_suffix('*').filter(|prefix| !prefix.contains('*')) {
        let prefix = prefix.strip_suffix('.').unwrap_or(prefix);
        let message = format!("{found} has `*`, which stands for itself in a path");
        return Some(warning(at, message).help(format!("write {}", call("PathPrefix", &[prefix]))));
    }
    if text.contains('*') {
        let message = format!("{found} has `*`, which stands for itself in a path");
        return Some(warning(at, message).help("write PathRegexp(`…`) with a regular expression"));
    }
    let query = text.contains('?');
    query.then(|| {
        warning(at, format!("{found} has `?`, which is no part of a path"))
            .help("match what follows it by Query(`key`, `value`)")
    })
}

/// The parts `{name:regexp}` of Traefik v2, whose braces v3 takes as they stand.
fn braces(argument: &Argument, name: &str) -> Option<Problem> {
    let (matcher, inner) = match name {
        "Path" | "PathPrefix" | "PathRegexp" => ("PathRegexp", "[^/]+"),
        other => (other, "[^.]+"),
    };
    let pattern = from_template(&argument.text, inner)?;
    let pattern = if name == "PathPrefix" { format!("^{pattern}") } else { anchored(&pattern) };
    let message = format!("{} has the braces of Traefik v2", excerpt(&argument.text));
    let help = format!("in v3: {}", call(matcher, &[&pattern]));
    Some(warning(argument.at.clone(), message).help(help))
}

fn anchored(pattern: &str) -> String {
    format!("^{pattern}$")
}

/// The regular expression of Go for a template of v2; nothing where it is none for sure.
fn from_template(text: &str, unnamed: &str) -> Option<String> {
    let mut pattern = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some((before, after)) = rest.split_once('{') {
        // `\{`, `\x{` and `\p{` are of Go's regular expressions, as is `{2}`.
        let of_go = before.ends_with('\\') || before.ends_with("\\x");
        if of_go || before.ends_with("\\p") || before.ends_with("\\P") {
            return None;
        }
        let (inner, behind) = after.split_at_checked(closing(after)?)?;
        let (name, regexp) = inner.split_once(':').unwrap_or((inner, unnamed));
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            || !name.chars().all(letter)
        {
            return None;
        }
        pattern.push_str(&escaped(before));
        let bare = regexp.contains('|') && !regexp.starts_with('(');
        pattern.push_str(if bare { "(?:" } else { "" });
        pattern.push_str(regexp);
        pattern.push_str(if bare { ")" } else { "" });
        rest = behind.strip_prefix('}')?;
        found = true;
    }
    pattern.push_str(&escaped(rest));
    found.then_some(pattern)
}

/// Where the brace that is open before the text is closed.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    text.char_indices().find_map(|(index, c)| {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(index)
    })
}

/// The text as a regular expression that matches it alone.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn method(argument: &Argument, tight: bool) -> Option<Problem> {
    let text = argument.text.as_str();
    let letter = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`~".contains(c);
    if text.chars().all(letter) {
        return None;
    }
    let methods: Vec<&str> = text.split([',', '|', ' ']).filter(|m| !m.is_empty()).collect();
    let found = excerpt(text);
    let problem = warning(argument.at.clone(), format!("{found} is no method of a request"));
    let list = methods.len() > 1 && methods.iter().all(|method| method.chars().all(letter));
    let form = version_3("Method", &methods, tight);
    Some(if list { problem.help(format!("write {form}")) } else { problem })
}

fn header(key: &Argument, others: &[Argument], name: &str) -> Option<Problem> {
    let found = excerpt(&key.text);
    if key.text.eq_ignore_ascii_case("host") {
        let other = if name == "Header" { "Host" } else { "HostRegexp" };
        let value = others.first().map_or("", |value| &*value.text);
        let message = format!("{found} is not among the headers that Traefik compares");
        let help = format!("write {}", call(other, &[value]));
        return Some(warning(key.at.clone(), message).help(help));
    }
    let letter = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let message = || format!("{found} is no name of a header");
    (!key.text.chars().all(letter)).then(|| warning(key.at.clone(), message()))
}

/// `key=value` in one text, which v3 takes for the key alone.
fn old_query(matcher: &Call) -> Option<Problem> {
    let first = matcher.arguments.first()?;
    if !first.text.contains('=') || is_template(&first.text) {
        return None;
    }
    let found = excerpt(&first.text);
    let message = format!("{found} is the form of Traefik v2, a key is expected");
    let help = format!("in v3: {}", matcher.version_3("Query"));
    Some(warning(first.at.clone(), message).help(help))
}

fn client(argument: &Argument) -> Option<Problem> {
    let text = argument.text.as_str();
    let valid = match text.split_once('/') {
        None => text.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok()),
        Some((address, length)) => address.parse::<IpAddr>().is_ok_and(|address| {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let plain = length.chars().all(|c| c.is_ascii_digit());
            let leading = length.len() > 1 && length.starts_with('0');
            plain && !leading && length.parse::<u8>().is_ok_and(|length| length <= most)
        }),
    };
    let message = || format!("{} is no address, nor a network", excerpt(text));
    let help = "write an address as 10.0.0.1, or a network as 10.0.0.0/8";
    (!valid).then(|| error(argument.at.clone(), message()).help(help))
}
