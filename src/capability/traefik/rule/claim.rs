//! What a rule claims: the hosts and paths whose requests its router takes.

use std::ops::Range;

use super::{Expression, Matcher, Rule, call};

/// How many alternatives of a rule are told apart.
const MOST_ALTERNATIVES: usize = 64;

/// What one alternative of a rule claims; two that are equal but for the place collide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The host, in lower case and without a dot at the end; nothing where any will do.
    pub host: Option<String>,
    /// The path.
    pub path: PathClaim,
    /// The other conditions, each as rule, in order and without repetition.
    pub others: Vec<String>,
    /// The bytes of the rule from its first to its last matcher.
    pub at: Range<usize>,
}

/// The paths that are claimed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathClaim {
    /// Every path, as of the prefix `/`.
    Any,
    /// One path.
    Exact(String),
    /// Every path that begins with it.
    Prefix(String),
}

impl Claim {
    /// Whether the same requests meet both.
    pub fn collides_with(&self, other: &Self) -> bool {
        self.host == other.host && self.path == other.path && self.others == other.others
    }
}

/// The alternatives of a rule; none where there are too many to tell.
pub fn claims(rule: &Rule) -> Vec<Claim> {
    let alternatives = alternatives(&rule.expression).unwrap_or_default();
    alternatives.iter().map(|conditions| claim(conditions)).collect()
}

/// The conditions of each alternative: matchers, and what stands behind `!`.
fn alternatives(expression: &Expression) -> Option<Vec<Vec<&Expression>>> {
    match expression {
        Expression::Matcher(_) | Expression::Not(_) => Some(vec![vec![expression]]),
        Expression::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(alternatives(part)?);
                if all.len() > MOST_ALTERNATIVES {
                    return None;
                }
            }
            Some(all)
        }
        Expression::All(parts) => {
            let mut all = vec![Vec::new()];
            for part in parts {
                all = both(all, &alternatives(part)?)?;
            }
            Some(all)
        }
    }
}

fn both<'e>(
    mut left: Vec<Vec<&'e Expression>>,
    right: &[Vec<&'e Expression>],
) -> Option<Vec<Vec<&'e Expression>>> {
    // Without this, a long rule would be copied once for each of its matchers.
    if let [only] = right {
        for conditions in &mut left {
            conditions.extend(only);
        }
        return Some(left);
    }
    if left.len() * right.len() > MOST_ALTERNATIVES {
        return None;
    }
    let pair = |l: &Vec<&'e Expression>, r: &Vec<&'e Expression>| [l.as_slice(), r].concat();
    Some(left.iter().flat_map(|l| right.iter().map(move |r| pair(l, r))).collect())
}

fn claim(conditions: &[&Expression]) -> Claim {
    let (mut hosts, mut paths, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for condition in conditions {
        let Expression::Matcher(matcher) = condition else {
            others.push(condition.to_string());
            continue;
        };
        let text = matcher.arguments.first().map_or("", |argument| &*argument.text);
        match matcher.name {
            "Host" | "HostSNI" => {
                let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
                hosts.push((host, matcher.name));
            }
            "PathPrefix" if text == "/" => {}
            "PathPrefix" => paths.push(PathClaim::Prefix(text.to_owned())),
            "Path" => paths.push(PathClaim::Exact(text.to_owned())),
            _ => others.push(canonical(matcher)),
        }
    }
    // Of several, the least is told, so that their order in the rule does not matter.
    hosts.sort_unstable();
    hosts.dedup();
    paths.sort_unstable();
    paths.dedup();
    others.extend(hosts.iter().skip(1).map(|(host, name)| call(name, &[host])));
    others.extend(paths.iter().skip(1).map(path_rule));
    others.sort_unstable();
    others.dedup();
    let at = conditions.iter().filter_map(|condition| place(condition));
    let at = at.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0);
    let host = hosts.into_iter().next().map(|(host, _)| host);
    let path = paths.into_iter().next().unwrap_or(PathClaim::Any);
    Claim { host, path, others, at }
}

fn path_rule(path: &PathClaim) -> String {
    match path {
        PathClaim::Any => call("PathPrefix", &["/"]),
        PathClaim::Exact(text) => call("Path", &[text]),
        PathClaim::Prefix(text) => call("PathPrefix", &[text]),
    }
}

/// The matcher as rule; methods and the names of headers are compared whatever their case.
fn canonical(matcher: &Matcher) -> String {
    let mut texts: Vec<String> = matcher.arguments.iter().map(|a| a.text.clone()).collect();
    if let Some(first) = texts.first_mut() {
        match matcher.name {
            "Method" => first.make_ascii_uppercase(),
            "Header" | "HeaderRegexp" => first.make_ascii_lowercase(),
            _ => {}
        }
    }
    call(matcher.name, &texts.iter().map(String::as_str).collect::<Vec<&str>>())
}

/// From the first to the last matcher.
fn place(expression: &Expression) -> Option<Range<usize>> {
    match expression {
        Expression::Matcher(matcher) => Some(matcher.at.clone()),
        Expression::Not(inner) => place(inner),
        Expression::Any(parts) | Expression::All(parts) => {
            let mut places = parts.iter().filter_map(place);
            let first = places.next()?;
            Some(first.start..places.next_back().map_or(first.end, |last| last.end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, parse};
    use super::*;

    fn claimed(rule: &str, kind: Kind) -> Vec<String> {
        let line = |claim: &Claim| {
            let host = claim.host.as_deref().unwrap_or("-");
            format!("{:?} {host} {:?} {}", claim.at, claim.path, claim.others.join(" + "))
        };
        let rule = parse(rule, kind).rule;
        rule.map(|rule| claims(&rule).iter().map(line).collect()).unwrap_or_default()
    }

    #[test]
    fn what_a_rule_claims() {
        let http = |rule: &str| claimed(rule, Kind::Http);
        assert_eq!(http("Host(`A.org.`)"), ["0..14 a.org Any "]);
        assert_eq!(
            http("Host(`a`) && (Path(`/x`) || PathPrefix(`/y`)) || Method(`get`) && !Host(`b`)"),
            [
                "0..24 a Exact(\"/x\") ",
                "0..44 a Prefix(\"/y\") ",
                "49..76 - Any !Host(`b`) + Method(`GET`)",
            ]
        );
        assert_eq!(
            http("Query(`b`) && Host(`a`) && Host(`b`) && PathPrefix(`/`) && Header(`X-A`, `V`)"),
            ["0..77 a Any Header(`x-a`, `V`) + Host(`b`) + Query(`b`)"]
        );
        assert_eq!(claimed("HostSNI(`*`)", Kind::Tcp), ["0..12 * Any "]);
        let most = vec!["Host(`a`)"; MOST_ALTERNATIVES].join(" || ");
        assert_eq!(http(&most).len(), MOST_ALTERNATIVES);
        assert_eq!(http(&(most + " || Host(`b`)")).len(), 0);
    }

    #[test]
    fn which_rules_collide() {
        let cases = [
            ("PathPrefix(`/`) && host(`a`) && Method(`get`)", "Method(`GET`) && Host(`A`)", true),
            ("Host(`a`) && Host(`a`)", "Host(`a`)", true),
            ("Host(`b`) && Host(`a`)", "Host(`a`) && Host(`b`)", true),
            ("Path(`/b`) && PathPrefix(`/a`)", "PathPrefix(`/a`) && Path(`/b`)", true),
            ("!(Host(`a`))", "!Host(`a`)", true),
            ("Host(`a`)", "Host(`a`) && Path(`/`)", false),
            ("Path(`/x`)", "PathPrefix(`/x`)", false),
            ("Path(`/x`)", "Path(`/X`)", false),
        ];
        for (one, other, expected) in cases {
            let claim = |rule| claims(&parse(rule, Kind::Http).rule.unwrap()).remove(0);
            assert_eq!(claim(one).collides_with(&claim(other)), expected, "{one} {other}");
        }
    }
}
