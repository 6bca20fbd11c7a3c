//! The matchers: their names, how many arguments they take, and what older versions wrote.

use std::ops::Range;

use super::{Argument, Kind, Matcher, Problem, Told, argument, error, excerpt, literal};

/// Up to how many arguments the form for v3 is written out.
const MOST_REWRITTEN: usize = 8;

/// A matcher of Traefik v3 with the fewest and the most arguments it takes.
type Known = (&'static str, usize, usize);

const HTTP: &[Known] = &[
    ("Host", 1, 1),
    ("HostRegexp", 1, 1),
    ("Path", 1, 1),
    ("PathPrefix", 1, 1),
    ("PathRegexp", 1, 1),
    ("Method", 1, 1),
    ("Header", 2, 2),
    ("HeaderRegexp", 2, 2),
    ("Query", 1, 2),
    ("QueryRegexp", 1, 2),
    ("ClientIP", 1, 1),
];

const TCP: &[Known] =
    &[("HostSNI", 1, 1), ("HostSNIRegexp", 1, 1), ("ClientIP", 1, 1), ("ALPN", 1, 1)];

/// Matchers of v2 that v3 has under another name.
const RENAMED: &[(&str, &str)] =
    &[("HostHeader", "Host"), ("Headers", "Header"), ("HeadersRegexp", "HeaderRegexp")];

/// What the other kind of router has in place of a matcher.
const COUNTERPARTS: &[(&str, &str)] = &[("Host", "HostSNI"), ("HostRegexp", "HostSNIRegexp")];

impl Kind {
    fn matchers(self) -> &'static [Known] {
        match self {
            Self::Http => HTTP,
            Self::Tcp => TCP,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Http => Self::Tcp,
            Self::Tcp => Self::Http,
        }
    }

    fn find(self, word: &str) -> Option<Known> {
        self.matchers().iter().find(|(name, ..)| is_spelling(word, name)).copied()
    }
}

/// A call as the rule has it.
pub(super) struct Call<'r> {
    pub(super) word: &'r str,
    pub(super) word_at: Range<usize>,
    pub(super) at: Range<usize>,
    pub(super) arguments: Vec<Argument>,
    /// Whether `!` or `&&` stands beside it, so that `||` in its place needs parentheses.
    pub(super) tight: bool,
}

impl Call<'_> {
    /// What v3 would write for these arguments.
    pub(super) fn version_3(&self, name: &str) -> String {
        let texts: Vec<&str> = self.arguments.iter().map(|argument| &*argument.text).collect();
        version_3(name, &texts, self.tight)
    }
}

/// The matcher that is meant; nothing where Traefik would refuse the call as such.
pub(super) fn resolve(call: Call, kind: Kind, told: &mut Told) -> Option<Matcher> {
    let Some((name, least, most)) = kind.find(call.word) else {
        told.add(unknown(&call, kind));
        return None;
    };
    if !(least..=most).contains(&call.arguments.len()) {
        told.add(miscounted(&call, name, least, most));
        return None;
    }
    let empty = call.arguments.iter().filter(|argument| argument.text.is_empty());
    let mut problems: Vec<Problem> = empty
        .map(|argument| error(argument.at.clone(), format!("an empty argument of `{name}`")))
        .collect();
    if problems.is_empty() {
        problems.extend(argument::check(&call, name));
    }
    for problem in problems {
        told.add(problem);
    }
    Some(Matcher { name, arguments: call.arguments, at: call.at })
}

/// The four spellings that Traefik knows of each name: its own, lower, upper and title case.
fn is_spelling(word: &str, name: &str) -> bool {
    let capitals = word.chars().filter(char::is_ascii_uppercase).count();
    let title = capitals == 1 && word.starts_with(|c: char| c.is_ascii_uppercase());
    let regular = capitals == 0 || capitals == word.len() || title;
    word == name || regular && word.eq_ignore_ascii_case(name)
}

fn unknown(call: &Call, kind: Kind) -> Problem {
    let word = excerpt(call.word);
    let at = call.word_at.clone();
    let renamed = RENAMED.iter().find(|(old, _)| is_spelling(call.word, old));
    if let Some((_, name)) = renamed.filter(|_| kind == Kind::Http) {
        let form = call.version_3(name);
        return error(at, format!("{word} is a matcher of Traefik v2"))
            .help(format!("in v3: {form}"));
    }
    if let Some((name, ..)) = kind.other().find(call.word) {
        let (this, other) = if kind == Kind::Http { ("HTTP", "TCP") } else { ("TCP", "HTTP") };
        let message = format!("{word} is a matcher of {other} routers, this is one of {this}");
        let counterpart = COUNTERPARTS.iter().find_map(|(http, tcp)| match kind {
            Kind::Http => (*tcp == name).then_some(http),
            Kind::Tcp => (*http == name).then_some(tcp),
        });
        let help = counterpart.map_or_else(|| list(kind), |name| format!("write `{name}`"));
        return error(at, message).help(help);
    }
    let names = || kind.matchers().iter().map(|(name, ..)| *name);
    let problem = error(at, format!("{word} is no matcher"));
    if let Some(name) = names().find(|name| name.eq_ignore_ascii_case(call.word)) {
        return problem.help(format!("write `{name}`: Traefik minds the case"));
    }
    let near = names().find(|name| is_near(call.word, name));
    let near = near.or_else(|| names().rfind(|name| call.word.starts_with(name)));
    problem.help(near.map_or_else(|| list(kind), |name| format!("did you mean `{name}`?")))
}

fn list(kind: Kind) -> String {
    let names: Vec<String> = kind.matchers().iter().map(|(name, ..)| format!("`{name}`")).collect();
    format!("the matchers are {}", names.join(", "))
}

/// Whether one letter more, less or other makes them equal, or two that are swapped.
fn is_near(word: &str, name: &str) -> bool {
    let longest = word.len().max(name.len());
    if longest > name.len() + 1 {
        return false;
    }
    let (word, name) = (word.to_ascii_lowercase(), name.to_ascii_lowercase());
    let same =
        |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    let start = same(&mut word.bytes().zip(name.bytes()));
    let end = same(&mut word.bytes().rev().zip(name.bytes().rev()));
    let swapped = word.len() == name.len() && start + end + 2 == longest && {
        let pair = |text: &str| text.get(start..start + 2).map(|two| two.bytes().collect());
        let swapped = pair(&name).map(|two: Vec<u8>| two.into_iter().rev().collect::<Vec<u8>>());
        pair(&word) == swapped
    };
    swapped || start + end + 1 >= longest
}

fn miscounted(call: &Call, name: &str, least: usize, most: usize) -> Problem {
    let found = match call.arguments.len() {
        0 => "no argument".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    };
    let expected = match (least, most) {
        (1, 1) => "1 is",
        (1, _) => "1 or 2 are",
        _ => "2 are",
    };
    let problem = error(call.at.clone(), format!("`{name}` has {found}, {expected} expected"));
    if call.arguments.is_empty() {
        let lost = "a shell takes back-ticks in double quotes for a command";
        return problem.help(format!("write {name}(`…`); {lost}"));
    }
    if call.arguments.len() <= most || name.starts_with("Header") || name == "QueryRegexp" {
        return problem;
    }
    problem.help(format!("in v3: {}", call.version_3(name)))
}

/// The form of v3, whose matchers take one value each.
pub(super) fn version_3(name: &str, texts: &[&str], tight: bool) -> String {
    if texts.len() > MOST_REWRITTEN || texts.iter().any(|text| text.len() > 200) {
        return format!("one {name}(`…`) for each, with `||` between them");
    }
    let calls: Vec<String> = match name {
        "Header" | "HeaderRegexp" => vec![call(name, texts)],
        "Query" => texts
            .iter()
            .map(|text| call(name, &text.splitn(2, '=').collect::<Vec<&str>>()))
            .collect(),
        _ => texts.iter().map(|text| call(name, &[text])).collect(),
    };
    let joined = calls.join(if name == "Query" { " && " } else { " || " });
    if tight && calls.len() > 1 { format!("({joined})") } else { joined }
}

pub(super) fn call(name: &str, texts: &[&str]) -> String {
    let mut literals: Vec<String> = Vec::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let mut written = String::new();
        // Writing to a string does not fail.
        let _ = literal(text, &mut written);
        literals.push(written);
    }
    format!("{name}({})", literals.join(", "))
}

/// The rules of Traefik v1, such as `Host:example.org;PathPrefix:/x`.
pub(super) fn version_1(rule: &str) -> Option<Problem> {
    let (name, _) = rule.split_once(':')?;
    let name = name.trim();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let problem = error(0..rule.len(), format!("`{name}:` is the form of Traefik v1"));
    let matchers: Option<Vec<String>> =
        rule.split(';').take(MOST_REWRITTEN + 1).map(from_version_1).collect();
    let help = match matchers {
        Some(matchers) if matchers.len() <= MOST_REWRITTEN => {
            format!("in v3: {}", matchers.join(" && "))
        }
        _ => "in v3: Host(`example.org`) && PathPrefix(`/path`)".to_owned(),
    };
    Some(problem.help(help))
}

fn from_version_1(part: &str) -> Option<String> {
    let (name, texts) = part.split_once(':')?;
    let name = ["Host", "Path", "PathPrefix", "Method"].into_iter().find(|n| *n == name.trim())?;
    let texts: Vec<&str> = texts.split(',').map(str::trim).take(MOST_REWRITTEN + 1).collect();
    let plain = |text: &&str| !text.is_empty() && !text.contains(['`', '{']);
    if texts.len() > MOST_REWRITTEN || !texts.iter().all(plain) {
        return None;
    }
    Some(version_3(name, &texts, true))
}
