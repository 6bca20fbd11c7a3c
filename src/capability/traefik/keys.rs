//! The labels from which Traefik v3 reads its routing, and what its file provider calls the same.
//!
//! Traefik reads a label by its segments, whatever their case. One segment that it does not know
//! makes it leave out the whole container, so a misspelt key is worth more than a hint.

use std::fmt::Write;
use std::ops::Range;

use super::table::{FILE_ONLY, Kind, PATTERNS, Part, VERSION_1};

/// No key of Traefik comes near this, and a plugin has no need of it; nesting stays bounded.
const MOST_SEGMENTS: usize = 32;

/// Past this a key is not a slip of the hand, and no other key is sought for it.
const MOST_SEGMENTS_MENDED: usize = 12;

/// How far a proposed key may be from the one that is there.
const FARTHEST: usize = 4;

/// One step on the way to a setting in the file provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A setting, as the file spells it.
    Field(&'static str),
    /// A name that the user gave.
    Name(&'a str),
    /// A place in a list.
    Index(u32),
}

/// A key that Traefik knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// What its value is.
    pub kind: Kind,
    /// The way to the same setting in a file, without `traefik`.
    pub steps: Vec<Step<'a>>,
}

/// Why a key is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No setting has this name; Traefik leaves out the whole container.
    Misspelt,
    /// The key ends before it names a setting; Traefik leaves out the whole container.
    Unfinished,
    /// Segments are empty, too many, or have brackets where Traefik takes none.
    Malformed,
    /// Traefik v1 had it, and v3 passes over it.
    Version1,
    /// Only a file can say it.
    FileOnly,
    /// Traefik looks at no label that begins like this, and none that it does look at is near.
    Unread,
}

/// A key that Traefik does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Why it is not known.
    pub why: Why,
    /// Which bytes of the key are wrong: a segment without its dots.
    pub segment: Range<usize>,
    /// The key that may have been meant, with the names of the user or else `<name>`.
    pub nearest: Option<String>,
}

/// A segment of a key, its index apart.
#[derive(Debug, Clone)]
struct Segment<'a> {
    name: &'a str,
    index: Option<u32>,
    bytes: Range<usize>,
}

/// Looks up a key that begins with `traefik.`.
pub fn check(key: &str) -> Result<Known<'_>, Unknown> {
    let segments = segments(key)?;
    let wrong = |why, at: usize, nearest| {
        let last = segments.last().map_or(0..key.len(), |segment| segment.bytes.clone());
        let segment = segments.get(at).map_or(last, |segment| segment.bytes.clone());
        Err(Unknown { why, segment, nearest })
    };
    let Some((root, rest)) = segments.split_first() else {
        return wrong(Why::Malformed, 0, None);
    };
    if root.name != "traefik" || root.index.is_some() {
        // Settings are found whatever their case, the word in front is not.
        let meant = key.get(root.bytes.end..).filter(|_| root.is("traefik"));
        let why = if meant.is_some() { Why::Misspelt } else { Why::Unread };
        return wrong(why, 0, meant.map(|rest| format!("traefik{rest}")));
    }
    let depth = match lookup(rest) {
        Ok(known) => return Ok(known),
        Err(depth) => depth,
    };
    if let (true, nearest) = version_1(key, rest) {
        return wrong(Why::Version1, 1, nearest);
    }
    let file_only = |segment: &Segment| FILE_ONLY.iter().any(|name| segment.is(name));
    if depth > 0 && rest.get(depth).is_some_and(file_only) {
        return wrong(Why::FileOnly, depth + 1, None);
    }
    let nearest = nearest(rest);
    let passed_over = match rest.first() {
        // Of TLS, labels can only say what the default store is.
        Some(first) if first.is("tls") => depth < 3,
        _ => depth == 0,
    };
    let why = match depth {
        _ if passed_over && nearest.is_none() => Why::Unread,
        _ if depth == rest.len() => Why::Unfinished,
        _ => Why::Misspelt,
    };
    wrong(why, depth + 1, nearest)
}

impl Segment<'_> {
    fn is(&self, name: &str) -> bool {
        self.index.is_none() && self.name.eq_ignore_ascii_case(name)
    }

    fn fits(&self, part: Part) -> bool {
        match part {
            Part::Name => self.index.is_none(),
            Part::Field { name, indexed } => {
                self.index.is_some() == indexed && self.name.eq_ignore_ascii_case(name)
            }
        }
    }
}

fn segments(key: &str) -> Result<Vec<Segment<'_>>, Unknown> {
    let mut start = 0;
    let mut found = Vec::new();
    for text in key.split('.') {
        let bytes = start..start + text.len();
        start = bytes.end + 1;
        let read = segment(text, bytes.clone()).filter(|_| found.len() < MOST_SEGMENTS);
        let Some(read) = read else {
            return Err(Unknown { why: Why::Malformed, segment: bytes, nearest: None });
        };
        found.push(read);
    }
    Ok(found)
}

fn segment(text: &str, bytes: Range<usize>) -> Option<Segment<'_>> {
    let Some(indexed) = text.strip_suffix(']') else {
        let plain = !text.is_empty() && !text.starts_with('[');
        return plain.then_some(Segment { name: text, index: None, bytes });
    };
    let (name, index) = indexed.split_once('[')?;
    let index = index.parse().ok().filter(|_| !name.is_empty() && !index.starts_with('+'))?;
    Some(Segment { name, index: Some(index), bytes })
}

/// The known key, or how many segments are right.
fn lookup<'a>(segments: &[Segment<'a>]) -> Result<Known<'a>, usize> {
    let mut deepest = 0;
    for pattern in PATTERNS.iter() {
        let pairs = segments.iter().zip(&pattern.parts);
        let right = pairs.take_while(|(segment, part)| segment.fits(**part)).count();
        let whole = right == segments.len() || pattern.kind == Kind::Free;
        if whole && right == pattern.parts.len() {
            return Ok(Known { kind: pattern.kind, steps: steps(segments, &pattern.parts) });
        }
        deepest = deepest.max(right);
    }
    Err(deepest)
}

fn steps<'a>(segments: &[Segment<'a>], parts: &[Part]) -> Vec<Step<'a>> {
    let mut steps = Vec::with_capacity(segments.len() + 1);
    for (at, segment) in segments.iter().enumerate() {
        match parts.get(at) {
            // A label has one server, for which a file has a list.
            Some(Part::Field { name: "server", .. }) => {
                steps.extend([Step::Field("servers"), Step::Index(0)]);
            }
            Some(Part::Field { name, .. }) => steps.push(Step::Field(name)),
            Some(Part::Name) | None => steps.push(Step::Name(segment.name)),
        }
        steps.extend(segment.index.map(Step::Index));
    }
    steps
}

impl Known<'_> {
    /// The setting as a file spells it: `http.routers.web.tls.domains[0].main`.
    pub fn spelling(&self) -> String {
        spelling(&self.steps)
    }

    /// Whether it is part of the routing, and not only a word to the provider of labels.
    pub fn is_routing(&self) -> bool {
        matches!(self.steps.first(), Some(Step::Field("http" | "tcp" | "udp" | "tls")))
    }
}

/// Steps as a file spells them.
pub fn spelling(steps: &[Step<'_>]) -> String {
    let mut written = String::new();
    for step in steps {
        let dot = if written.is_empty() { "" } else { "." };
        match step {
            Step::Field(name) | Step::Name(name) => written.extend([dot, name]),
            Step::Index(index) => at(*index, &mut written),
        }
    }
    written
}

/// Whether it is a key of Traefik v1, and what says the same now.
fn version_1(key: &str, segments: &[Segment]) -> (bool, Option<String>) {
    let now = |segment: &Segment| {
        let old = key.get(segment.bytes.start..)?;
        VERSION_1.iter().find(|(v1, _)| v1.eq_ignore_ascii_case(old)).map(|(_, v3)| *v3)
    };
    let Some((first, others)) = segments.split_first() else {
        return (false, None);
    };
    let v3 = now(first);
    if v3.is_some() || first.is("frontend") || first.is("backend") {
        return (true, v3.map(|v3| format!("traefik.{v3}")));
    }
    // `traefik.web.frontend.rule`: one of several services of a container. `traefik.http.port` is
    // no such thing.
    let roots = ["http", "tcp", "udp", "tls", "docker", "swarm"];
    let service = others.first().filter(|_| !roots.iter().any(|root| first.is(root)));
    let v3 = service.and_then(now).map(|v3| v3.replace("<name>", first.name));
    (v3.is_some(), v3.map(|v3| format!("traefik.{v3}")))
}

/// The key that costs least to make of these segments.
fn nearest(segments: &[Segment]) -> Option<String> {
    if segments.len() > MOST_SEGMENTS_MENDED {
        return None;
    }
    // Each segment too many or too few costs two at the least.
    let near = |parts: &[Part]| parts.len().abs_diff(segments.len()) * 2 <= FARTHEST;
    let plain = PATTERNS.iter().filter(|it| it.kind != Kind::Free && near(&it.parts));
    let grids = plain.map(|pattern| (Grid::new(segments, &pattern.parts), &pattern.parts));
    let grids = grids.filter(|(grid, _)| grid.cost() <= FARTHEST && !grid.is_far_fetched());
    // Of equal ones the first counts.
    let (grid, parts) = grids.min_by_key(|(grid, _)| grid.cost())?;
    Some(grid.write(segments, parts))
}

/// How a segment of the key and one of the pattern come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mend {
    /// The segment stands, or is corrected.
    Take,
    /// A segment is missing.
    Insert,
    /// A segment is too much.
    Drop,
    /// A name has a dot in it, which parts it in two.
    Join,
}

/// The cheapest way to each pair of a segment and a part, row by row; the first of each is the
/// empty one.
struct Grid {
    rows: usize,
    width: usize,
    cells: Vec<(usize, Option<Mend>)>,
}

impl Grid {
    fn new(segments: &[Segment], parts: &[Part]) -> Self {
        let width = parts.len() + 1;
        let rows = segments.len() + 1;
        let mut grid = Self { rows, width, cells: Vec::with_capacity(rows * width) };
        for row in 0..rows {
            for column in 0..width {
                let segment = row.checked_sub(1).and_then(|at| segments.get(at));
                let part = column.checked_sub(1).and_then(|at| parts.get(at));
                let cell = grid.best(row, column, segment, part.zip(Some(parts)));
                grid.cells.push(cell);
            }
        }
        grid
    }

    fn best(
        &self,
        row: usize,
        column: usize,
        segment: Option<&Segment>,
        part: Option<(&Part, &[Part])>,
    ) -> (usize, Option<Mend>) {
        let mut best = if row + column == 0 { (0, None) } else { (FARTHEST + 1, None) };
        let mut offer = |from: usize, cost: usize, mend| {
            if from + cost < best.0 {
                best = (from + cost, Some(mend));
            }
        };
        if let (Some(segment), Some((part, _))) = (segment, part)
            && let Some(cost) = correction(segment, *part)
        {
            offer(self.at(row - 1, column - 1).0, cost, Mend::Take);
        }
        if let Some((part, parts)) = part {
            offer(self.at(row, column - 1).0, insertion(*part, parts.get(column..)), Mend::Insert);
        }
        if let Some(segment) = segment {
            let above = self.at(row - 1, column);
            if matches!(part, Some((Part::Name, _)))
                && matches!(above.1, Some(Mend::Take | Mend::Join))
            {
                offer(above.0, 2, Mend::Join);
            }
            offer(above.0, removal(segment, row + 1 == self.rows), Mend::Drop);
        }
        best
    }

    fn at(&self, row: usize, column: usize) -> (usize, Option<Mend>) {
        self.cells.get(row * self.width + column).copied().unwrap_or((FARTHEST + 1, None))
    }

    fn cost(&self) -> usize {
        self.cells.last().map_or(FARTHEST + 1, |cell| cell.0)
    }

    /// Whether a name is joined and a segment put in: each alone may be meant, both are a guess.
    fn is_far_fetched(&self) -> bool {
        let mends: Vec<_> = self.mends().into_iter().map(|(mend, ..)| mend).collect();
        mends.contains(&Mend::Join) && mends.contains(&Mend::Insert)
    }

    /// What is done, from the end to the start, and to which row and column.
    fn mends(&self) -> Vec<(Mend, usize, usize)> {
        let (mut row, mut column) = (self.rows - 1, self.width - 1);
        let mut mends = Vec::new();
        while let Some(mend) = self.at(row, column).1 {
            mends.push((mend, row, column));
            row -= usize::from(mend != Mend::Insert);
            column -= usize::from(matches!(mend, Mend::Take | Mend::Insert));
        }
        mends
    }

    fn write(&self, segments: &[Segment], parts: &[Part]) -> String {
        let mut written = "traefik".to_owned();
        for (mend, row, column) in self.mends().into_iter().rev() {
            let segment = row.checked_sub(1).and_then(|at| segments.get(at));
            let part = column.checked_sub(1).and_then(|at| parts.get(at));
            match mend {
                Mend::Drop => {}
                Mend::Join => written.extend(["-", &name_of(segment)]),
                Mend::Take => written.extend([".", &corrected(segment, part)]),
                Mend::Insert => written.extend([".", &corrected(None, part)]),
            }
        }
        written
    }
}

/// What it costs to take a segment for a part, if they have anything in common.
fn correction(segment: &Segment, part: Part) -> Option<usize> {
    let Part::Field { name, indexed } = part else {
        // Where `routers` itself is taken for a name, the name is more likely to be missing.
        let section = ["routers", "services", "middlewares"].iter().any(|name| segment.is(name));
        return Some(usize::from(segment.index.is_some() || section) * 2);
    };
    let limit = match name.len() {
        0..=3 => 1,
        4..=6 => 2,
        _ => 3,
    };
    let index = usize::from(indexed != segment.index.is_some());
    distance(segment.name, name, limit).map(|cost| cost + index)
}

/// What it costs to add a part in front of others.
fn insertion(part: Part, behind: Option<&[Part]>) -> usize {
    match (part, behind) {
        // Any misspelt header option would else be taken for a header of the user.
        (Part::Field { .. }, Some([Part::Name])) => FARTHEST + 1,
        (Part::Field { .. }, _) => 2,
        (Part::Name, _) => 3,
    }
}

/// What it costs to leave a segment out.
fn removal(segment: &Segment, last: bool) -> usize {
    // `tls.enabled` is another word for `tls`, whereas any other setting is not said without it.
    let says_nothing = ["enable", "enabled"].iter().any(|name| segment.is(name));
    if last && !says_nothing { FARTHEST + 1 } else { 3 }
}

fn corrected(segment: Option<&Segment>, part: Option<&Part>) -> String {
    let Some(Part::Field { name, indexed }) = part else {
        return segment.map_or_else(|| "<name>".to_owned(), |segment| name_of(Some(segment)));
    };
    let own = segment.map(|segment| segment.name).filter(|own| own.eq_ignore_ascii_case(name));
    let mut written = own.map_or_else(|| name.to_ascii_lowercase(), str::to_owned);
    if *indexed {
        let index = segment.and_then(|segment| segment.index).unwrap_or(0);
        at(index, &mut written);
    }
    written
}

fn at(index: u32, line: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(line, "[{index}]");
}

fn name_of(segment: Option<&Segment>) -> String {
    segment.map_or_else(String::new, |segment| segment.name.to_owned())
}

/// How many letters have to be changed to make one word of the other, up to a limit.
fn distance(one: &str, other: &str, limit: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.bytes().enumerate() {
        let (mut corner, mut left) = (above, above + 1);
        for (cell, theirs) in row.iter_mut().skip(1).zip(other.bytes()) {
            let changed = corner + usize::from(!letter.eq_ignore_ascii_case(&theirs));
            corner = *cell;
            left = changed.min(left + 1).min(corner + 1);
            *cell = left;
        }
    }
    row.last().copied().filter(|cost| *cost <= limit)
}

#[cfg(test)]
mod tests {
    use super::super::label::{Tree, check_value, decode};
    use super::super::table;
    use super::*;

    fn nearest_of(key: &str) -> Option<String> {
        check(key).expect_err(key).nearest
    }

    #[track_caller]
    fn wrong(key: &str, segment: &str, nearest: &str) {
        let unknown = check(key).expect_err(key);
        assert_eq!(key.get(unknown.segment), Some(segment), "{key}");
        assert_eq!(unknown.nearest.as_deref().unwrap_or(""), nearest);
    }

    fn spelling(key: &str) -> String {
        check(key).expect(key).spelling()
    }

    fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
        Tree::Map(entries.into_iter().map(|(name, tree)| (name.to_owned(), tree)).collect())
    }

    fn text(text: &str) -> Tree {
        Tree::Text(text.to_owned())
    }

    #[test]
    fn every_key_of_the_table_is_known_by_its_own_spelling() {
        for pattern in table::PATTERNS.iter() {
            let parts = pattern.parts.iter().map(|part| match part {
                Part::Name => "X-Own".to_owned(),
                Part::Field { name, indexed: false } => name.to_ascii_lowercase(),
                Part::Field { name, indexed: true } => format!("{name}[7]"),
            });
            let key = format!("traefik.{}", parts.collect::<Vec<_>>().join("."));
            let known = check(&key).expect(&key);
            assert_eq!(known.kind, pattern.kind, "{key}");
            let file = format!("traefik.{}", known.spelling()).replace("servers[0]", "server");
            assert!(file.eq_ignore_ascii_case(&key), "{file} {key}");
        }
    }

    #[test]
    fn a_key_is_known_whatever_its_case() {
        assert_eq!(
            spelling("traefik.HTTP.Routers.Web.entrypoints"),
            "http.routers.Web.entryPoints"
        );
        assert_eq!(
            spelling("traefik.http.services.web.loadbalancer.server.port"),
            "http.services.web.loadBalancer.servers[0].port"
        );
        assert_eq!(
            spelling("traefik.http.middlewares.m.plugin.geo.lists[2].a.b"),
            "http.middlewares.m.plugin.geo.lists[2].a.b"
        );
        assert_eq!(spelling("traefik.docker.lbswarm"), "docker.lbSwarm");
    }

    #[test]
    fn a_misspelt_key_is_answered_with_the_nearest() {
        wrong(
            "traefik.http.routers.web.entrypoint",
            "entrypoint",
            "traefik.http.routers.web.entrypoints",
        );
        wrong("traefik.http.router.web.rule", "router", "traefik.http.routers.web.rule");
        wrong(
            "traefik.http.services.web.loadbalancer.port",
            "port",
            "traefik.http.services.web.loadbalancer.server.port",
        );
        wrong(
            "traefik.http.services.web.loadbalancer.servers[0].Port",
            "servers[0]",
            "traefik.http.services.web.loadbalancer.server.Port",
        );
        wrong(
            "traefik.http.routers.web.certresolver",
            "certresolver",
            "traefik.http.routers.web.tls.certresolver",
        );
        wrong(
            "traefik.http.routers.web.tls.domains.main",
            "domains",
            "traefik.http.routers.web.tls.domains[0].main",
        );
        wrong("traefik.routers.web.rule", "routers", "traefik.http.routers.web.rule");
        wrong("traefik.http.web.rule", "web", "traefik.http.routers.web.rule");
        wrong(
            "traefik.http.routers.entrypoints",
            "entrypoints",
            "traefik.http.routers.entrypoints.rule",
        );
        wrong(
            "traefik.http.routers.tls.certresolver",
            "certresolver",
            "traefik.http.routers.tls.tls.certresolver",
        );
        wrong("traefik.enabled", "enabled", "traefik.enable");
        wrong("traefik.docker.enable", "enable", "traefik.enable");
        wrong("traefik.http.routers.a.tls.enabled", "enabled", "traefik.http.routers.a.tls");
        wrong("traefik.http.routers.a.tls.certificateresolver", "certificateresolver", "");
        wrong("traefik.http.middlewares.a.toHttps.scheme", "toHttps", "");
        wrong("Traefik.enable", "Traefik", "traefik.enable");
        wrong("traefik.docker.networks", "networks", "traefik.docker.network");
        wrong(
            "traefik.http.middlewares.h.headers.customrequestheader.X-A",
            "customrequestheader",
            "traefik.http.middlewares.h.headers.customrequestheaders.X-A",
        );
    }

    #[test]
    fn a_name_with_a_dot_is_proposed_without() {
        wrong("traefik.http.routers.my.app.rule", "app", "traefik.http.routers.my-app.rule");
        wrong(
            "traefik.http.services.a.b.c.loadbalancer.server.port",
            "b",
            "traefik.http.services.a-b-c.loadbalancer.server.port",
        );
    }

    #[test]
    fn a_key_that_ends_early_is_unfinished() {
        let unknown = check("traefik.http.middlewares.a.basicauth").expect_err("no setting");
        assert_eq!((unknown.why, unknown.segment), (Why::Unfinished, 27..36));
        assert_eq!(unknown.nearest.as_deref(), Some("traefik.http.middlewares.a.basicauth.users"));
    }

    #[test]
    fn a_key_of_the_first_version_is_named_so() {
        wrong("traefik.frontend.rule", "frontend", "traefik.http.routers.<name>.rule");
        wrong("traefik.web.frontend.rule", "web", "traefik.http.routers.web.rule");
        wrong("traefik.port", "port", "traefik.http.services.<name>.loadbalancer.server.port");
        wrong("traefik.frontend.errors.a.query", "frontend", "");
        for key in ["traefik.frontend.rule", "traefik.port", "traefik.web.port"] {
            assert_eq!(check(key).expect_err(key).why, Why::Version1);
        }
    }

    #[test]
    fn the_reason_is_told() {
        let why = |key: &str| check(key).expect_err(key).why;
        assert_eq!(why("traefik.constraint-label"), Why::Unread);
        assert_eq!(why("com.example.a"), Why::Unread);
        assert_eq!(why("traefik.tls.stores.mine.defaultgeneratedcert.resolver"), Why::Unread);
        assert_eq!(why("traefik.tls.options.default.minversion"), Why::Unread);
        assert_eq!(why("traefik.http.services.a.weighted.services[0].name"), Why::FileOnly);
        assert_eq!(why("traefik.http.serverstransports.a.servername"), Why::FileOnly);
        assert_eq!(why("traefik.http.routers.a.nonsensical"), Why::Misspelt);
        for key in ["traefik..a", "traefik.", "", "traefik.[0].a", "traefik.a[x]", "traefik.[0]"] {
            assert_eq!(why(key), Why::Malformed, "{key}");
        }
    }

    #[test]
    fn hostile_keys_are_answered_soon() {
        let dots = "traefik.".to_owned() + &"a.".repeat(1 << 20);
        let long = "traefik.http.".to_owned() + &"é".repeat(1 << 20);
        let near = "traefik.http.".to_owned() + &"router.".repeat(10) + "rule";
        let plugin = "traefik.http.middlewares.m.plugin.".to_owned() + &"p.".repeat(1 << 20) + "p";
        for key in [dots, long, near, plugin, "traefik.http.r€uters.ü[1].rule".to_owned()] {
            assert!(check(&key).is_err());
        }
        assert_eq!(nearest_of("traefik.http.routers.ü.ruel").as_deref().map(str::len), Some(28));
    }

    #[test]
    fn values_are_what_their_keys_want() {
        let value = |key: &str, value: &str| check_value(&check(key).expect(key), value);
        let retry = "traefik.http.middlewares.a.retry.initialinterval";
        for right in ["30", "100ms", "1h2m3.5s", "-1s", ".5s", "5µs", "0"] {
            assert_eq!(value(retry, right), Ok(()), "{right}");
        }
        for wrong in ["", "s", "1 s", "1d", "1.2.3s", "1s2", "-", "."] {
            assert!(value(retry, wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            value("traefik.enable", "yes"),
            Err("found `yes`, expected `true` or `false`".to_owned())
        );
        assert_eq!(
            value("traefik.http.routers.a.priority", ""),
            Err("found nothing, expected a whole number".to_owned())
        );
        assert_eq!(value("traefik.http.routers.a.priority", "-1"), Ok(()));
        assert_eq!(
            value("traefik.http.services.a.loadbalancer.server.port", "80/tcp"),
            Err("found `80/tcp`, expected a port from 1 to 65535".to_owned())
        );
        assert_eq!(
            value("traefik.http.middlewares.a.basicauth.users", "secret,"),
            Err("found an empty item, expected texts with commas between them".to_owned())
        );
        for (key, right) in [("tls", "true"), ("tls", "false"), ("tls", ""), ("rule", "")] {
            assert_eq!(value(&format!("traefik.http.routers.a.{key}"), right), Ok(()));
        }
        assert!(value("traefik.http.routers.a.tls", "yes").is_err());
    }

    #[test]
    fn labels_become_what_a_file_has() {
        let tree = decode([
            ("traefik.enable", "true"),
            ("traefik.http.routers.Web.RULE", "Host(`a`)"),
            ("traefik.http.routers.web.entrypoints", "web, websecure"),
            ("traefik.http.routers.web.middlewares", ""),
            ("traefik.http.routers.web.priority", "7"),
            ("traefik.http.routers.web.tls", "true"),
            ("traefik.http.routers.web.tls.domains[10].main", "b"),
            ("traefik.http.routers.web.tls.domains[2].main", "a"),
            ("traefik.http.services.web.loadbalancer.server.port", "80"),
            ("traefik.http.services.web.loadbalancer.passhostheader", "0"),
            ("traefik.http.middlewares.c.compress", "true"),
            ("traefik.nonsense", "true"),
        ]);
        let domains = Tree::List(vec![map([("main", text("a"))]), map([("main", text("b"))])]);
        let router = map([
            ("rule", text("Host(`a`)")),
            ("entryPoints", Tree::List(vec![text("web"), text("websecure")])),
            ("priority", Tree::Number(7)),
            ("tls", map([("domains", domains)])),
        ]);
        let servers = Tree::List(vec![map([("port", text("80"))])]);
        let service = map([("servers", servers), ("passHostHeader", Tree::Bool(false))]);
        let expected = map([
            ("routers", map([("Web", router)])),
            ("services", map([("web", map([("loadBalancer", service)]))])),
            ("middlewares", map([("c", map([("compress", map([]))]))])),
        ]);
        assert_eq!(tree, map([("http", expected)]));
    }

    #[test]
    fn what_is_turned_off_takes_its_settings_along() {
        let tree = decode([
            ("traefik.http.routers.a.rule", "r"),
            ("traefik.http.routers.a.tls", "false"),
            ("traefik.http.routers.a.tls.certresolver", "le"),
        ]);
        let routers = map([("a", map([("rule", text("r"))]))]);
        assert_eq!(tree, map([("http", map([("routers", routers)]))]));
        assert_eq!(decode([]), map([]));
    }
}
