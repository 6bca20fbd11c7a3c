//! What a container sees at a path: a directory of the host or a volume.

use std::fmt;
use std::str::FromStr;

use crate::model::value::nearest::nearest;
use crate::model::value::{
    ValueError, check_plain, check_visible, excerpt, first_char, parse_part,
};

/// Every option Podman takes; those in one row contradict each other.
const OPTIONS: &[&[&str]] = &[
    &["ro", "rw"],
    &["z", "Z"],
    &["U"],
    &["O"],
    &["copy", "nocopy"],
    &["nocow"],
    &["bind", "rbind"],
    &["shared", "rshared", "slave", "rslave", "private", "rprivate", "unbindable", "runbindable"],
    &["exec", "noexec"],
    &["suid", "nosuid"],
    &["dev", "nodev"],
    &["noatime"],
    &["idmap"],
];

/// Words that other tools know for an option.
const ALIASES: [(&str, &str); 4] =
    [("readonly", "ro"), ("read-only", "ro"), ("readwrite", "rw"), ("read-write", "rw")];

/// What a container sees at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mount {
    /// What it sees.
    pub source: Source,
    /// The absolute path where it sees it.
    pub target: String,
    /// How it sees it.
    pub options: Vec<MountOption>,
}

/// Where the files of a mount are; each variant holds the whole text as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// An absolute path of the host.
    Path(String),
    /// A path in the home directory of the user, with the `~` in front.
    Home(String),
    /// A path beside the stack file, with the `.` or `..` in front.
    Relative(String),
    /// The name of a volume.
    Volume(String),
}

/// The absolute path of a mount in the container, when it stands alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(pub String);

/// One known option of a mount.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountOption(String);

/// The options of a mount, when they stand alone: no two alike and no two that contradict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Options(pub Vec<MountOption>);

impl Mount {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[^:]+:/[^:]+(:[A-Za-z][^:]*)?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["data:/var/lib/data", "./config:/config:ro", "~/media:/media"];

    /// Whether the container cannot write there.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.has("ro")
    }

    /// Whether Podman labels the files for this container alone (`Z`).
    #[must_use]
    pub fn private_label(&self) -> bool {
        self.has("Z")
    }

    /// Whether Podman labels the files for all containers (`z`).
    #[must_use]
    pub fn shared_label(&self) -> bool {
        self.has("z")
    }

    fn has(&self, name: &str) -> bool {
        self.options.iter().any(|option| option.as_str() == name)
    }
}

impl Source {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(/[^:]*|~(/[^:]*)?|\\.{1,2}(/[^:]*)?|[A-Za-z0-9][A-Za-z0-9_.-]*)$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["/srv/media", "~/media", "./config", "data"];

    /// The text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let (Self::Path(text) | Self::Home(text) | Self::Relative(text) | Self::Volume(text)) =
            self;
        text
    }
}

impl Target {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^/[^:]+$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["/var/lib/data", "/config"];
}

impl MountOption {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[A-Za-z]+(=[A-Za-z0-9=#;@-]+)?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["ro", "z", "Z", "noexec"];

    /// The option as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The options, this one among them, of which a mount can have one.
    fn group(&self) -> &'static [&'static str] {
        let name = self.0.split('=').next().unwrap_or_default();
        OPTIONS.iter().find(|group| group.contains(&name)).copied().unwrap_or_default()
    }
}

impl Options {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[A-Za-z]+(=[A-Za-z0-9=#;@-]+)?(,[A-Za-z]+(=[A-Za-z0-9=#;@-]+)?)*$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["ro", "rw,Z", "ro,noexec,nosuid"];
}

impl FromStr for Mount {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_visible::<Self>(text, "mount", "data:/var/lib/data")?;
        let mut parts = text.splitn(4, ':');
        let first = parts.next().unwrap_or_default();
        let (target, options) = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => return Err(alone(text)),
            (Some(path), target, _) if is_drive(first, path, target) => return Err(windows(text)),
            (Some(target), options, None) => (target, options),
            _ => return Err(too_many(text)),
        };
        let source = parse_part::<Source>(text, first)?;
        let target = parse_part::<Target>(text, target)?.0;
        let options = options.map(|options| parse_part::<Options>(text, options)).transpose()?;
        Ok(Self { source, target, options: options.map_or_else(Vec::new, |options| options.0) })
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.target)?;
        if self.options.is_empty() {
            return Ok(());
        }
        f.write_str(":")?;
        write_list(f, &self.options)
    }
}

impl FromStr for Source {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_visible::<Self>(text, "source", "data")?;
        if text.contains(':') {
            return Err(colon(text));
        }
        let owned = text.to_owned();
        match text.split('/').next().unwrap_or_default() {
            "" => Ok(Self::Path(owned)),
            "~" => Ok(Self::Home(owned)),
            "." | ".." => Ok(Self::Relative(owned)),
            _ if is_volume(text) => Ok(Self::Volume(owned)),
            _ => Err(no_source(text)),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Target {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_visible::<Self>(text, "target", "/var/lib/data")?;
        if text.contains(':') {
            return Err(colon(text));
        }
        if !text.starts_with('/') {
            return Err(relative(text));
        }
        // One path is always one text, or two mounts could share it unseen.
        let parts: Vec<_> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let error = |what| {
            Err(ValueError::new(format!("`{}` {what}", excerpt(text)))
                .help("write an absolute path such as `/var/lib/data`"))
        };
        if parts.contains(&"..") {
            return error("holds `..`");
        }
        if parts.is_empty() {
            return error("is the root of the image");
        }
        Ok(Self(format!("/{}", parts.join("/"))))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MountOption {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "option", "ro")?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if !known().any(|known| known == name) {
            return Err(unknown(text, name));
        }
        match value {
            None => Ok(Self(name.to_owned())),
            Some(value) if name == "idmap" => {
                check_idmap(text, value).map(|()| Self(text.to_owned()))
            }
            Some(value) => Err(ValueError::new(format!("`{name}` takes no value"))
                .suggest::<Self>(text, name)
                .inside(text, value)),
        }
    }
}

impl fmt::Display for MountOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Options {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "list of options", "ro")?;
        let mut options: Vec<MountOption> = Vec::new();
        for word in text.split(',') {
            let option = parse_part::<MountOption>(text, word)?;
            // Few can be before this one: no two of a group get in.
            let rival = options.iter().find(|one| one.group() == option.group());
            if let Some(rival) = rival {
                return Err(contradiction(rival, &option).inside(text, word));
            }
            options.push(option);
        }
        Ok(Self(options))
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, options: &[MountOption]) -> fmt::Result {
    options.iter().enumerate().try_for_each(|(at, option)| {
        let comma = if at > 0 { "," } else { "" };
        write!(f, "{comma}{option}")
    })
}

fn known() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().flat_map(|group| group.iter().copied())
}

/// What Podman takes for the name of a volume.
fn is_volume(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// Whether the first two parts are a drive letter and the path on it.
fn is_drive(first: &str, path: &str, next: Option<&str>) -> bool {
    let letter = first.len() == 1 && first.starts_with(|c: char| c.is_ascii_alphabetic());
    letter && (path.starts_with('\\') || next.is_some_and(|next| next.starts_with('/')))
}

fn too_many(text: &str) -> ValueError {
    ValueError::new(format!("`{}` has more than three parts", excerpt(text)))
        .help("write `source:target:options`")
}

fn windows(text: &str) -> ValueError {
    ValueError::new(format!("`{}` starts with a Windows path", excerpt(text)))
        .help("write a path of the host that starts with `/`")
}

/// The error for a text without a colon.
fn alone(text: &str) -> ValueError {
    let found = excerpt(text);
    if text.starts_with('/') {
        return ValueError::new(format!("`{found}` has no source")).help(format!(
            "name a volume, as in `data:{found}`: one without a name goes with its container"
        ));
    }
    ValueError::new(format!("`{found}` has no target"))
        .help("write the path in the container, as in `data:/var/lib/data`")
}

/// The error for a target that does not start with a slash.
fn relative(text: &str) -> ValueError {
    let error = ValueError::new(format!("`{}` is not an absolute path", excerpt(text)))
        .help("write an absolute path such as `/var/lib/data`");
    let named = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !named || text.parse::<Options>().is_ok() {
        return error;
    }
    error.suggest::<Target>(text, &format!("/{text}"))
}

fn colon(text: &str) -> ValueError {
    let found = first_char(text, |c| c == ':').unwrap_or_default();
    ValueError::new(format!("`{}` holds a colon", excerpt(text)))
        .help("write a path without a colon")
        .inside(text, found)
}

fn no_source(text: &str) -> ValueError {
    let found = excerpt(text);
    if text.starts_with(['$', '%']) {
        return ValueError::new(format!("`{found}` starts with a variable, which stays unread"))
            .help("write a path that starts with `/`, `~/` or `./`");
    }
    if text.starts_with('~') {
        return ValueError::new(format!("`{found}` is in the home of another user"))
            .help("write a path that starts with `/` or `~/`");
    }
    let path = if text.contains('\\') { String::new() } else { format!("./{text}") };
    ValueError::new(format!("`{found}` is neither a path nor the name of a volume"))
        .help("write a path that starts with `/`, `~/` or `./`, or a name of letters and digits")
        .suggest::<Source>(text, if text.contains('/') { &path } else { "" })
}

fn unknown(text: &str, name: &str) -> ValueError {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, meant)| *meant);
    let meant = alias.or_else(|| nearest(name, known())).unwrap_or_default();
    ValueError::new(format!("`{}` is not an option of a mount", excerpt(name)))
        .help("use options such as `ro`, `z`, `Z`, `U` or `noexec`")
        .suggest::<MountOption>(text, &text.replacen(name, meant, 1))
        .inside(text, name)
}

fn check_idmap(text: &str, value: &str) -> Result<(), ValueError> {
    let stray = |c: char| !c.is_ascii_alphanumeric() && !"=#;@-".contains(c);
    let found = if value.is_empty() { Some(value) } else { first_char(value, stray) };
    found.map_or(Ok(()), |found| {
        Err(ValueError::new(format!("`{}` is not a mapping", excerpt(value)))
            .help("write `idmap`, or a mapping such as `idmap=uids=0-1000-1;gids=0-1000-1`")
            .inside(text, found))
    })
}

fn contradiction(one: &MountOption, two: &MountOption) -> ValueError {
    if one == two {
        return ValueError::new(format!("`{two}` stands twice")).help("remove one of them");
    }
    ValueError::new(format!("`{two}` contradicts `{one}`")).help("remove one of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Mount>(
            Mount::PATTERN,
            Mount::EXAMPLES,
            &[
                ("/srv/media:/media", "/srv/media:/media"),
                ("~:/home", "~:/home"),
                ("~/x:/home:ro", "~/x:/home:ro"),
                ("./x:/x", "./x:/x"),
                ("../x:/x", "../x:/x"),
                (".:/app", ".:/app"),
                ("data:/data:z,U", "data:/data:z,U"),
                ("a:/b", "a:/b"),
                ("data:/data//./x/", "data:/data/x"),
                ("/My Files:/files", "/My Files:/files"),
                (
                    "data:/d:idmap=uids=0-1-1#2-3-1;gids=@0-1-1",
                    "data:/d:idmap=uids=0-1-1#2-3-1;gids=@0-1-1",
                ),
            ],
        );
        let all = "ro,z,U,O,nocopy,nocow,rbind,rslave,noexec,nosuid,nodev,noatime,idmap";
        check::good::<Options>(Options::PATTERN, Options::EXAMPLES, &[(all, all)]);
        check::good::<Target>(Target::PATTERN, Target::EXAMPLES, &[("/a/", "/a")]);
        let sources: Vec<_> = Source::EXAMPLES.iter().map(|text| (*text, *text)).collect();
        check::good::<Source>(Source::PATTERN, &[], &sources);
        let known: Vec<_> = known().map(|name| (name, name)).collect();
        check::good::<MountOption>(MountOption::PATTERN, MountOption::EXAMPLES, &known);
    }

    #[test]
    fn splits() {
        let mount: Mount = "~/x:/y:ro,Z".parse().unwrap();
        assert_eq!(mount.source, Source::Home("~/x".to_owned()));
        assert_eq!(mount.target, "/y");
        assert!(mount.read_only() && mount.private_label() && !mount.shared_label());
        assert!("a:/b:z".parse::<Mount>().unwrap().shared_label());
        for (text, source) in [
            ("/x", Source::Path("/x".to_owned())),
            ("../x", Source::Relative("../x".to_owned())),
            ("x.y", Source::Volume("x.y".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(source), "{text}");
        }
    }

    #[test]
    fn explains_mounts() {
        let absolute = "write an absolute path such as `/var/lib/data`";
        let source =
            "write a path that starts with `/`, `~/` or `./`, or a name of letters and digits";
        let start = "write a path that starts with `/`, `~/` or `./`";
        let windows = "write a path of the host that starts with `/`";
        check::bad::<Mount>(&[
            ("", "", "the mount is empty", "write one such as `data:/var/lib/data`"),
            (
                "/data",
                "/data",
                "`/data` has no source",
                "name a volume, as in `data:/data`: one without a name goes with its container",
            ),
            (
                "data",
                "data",
                "`data` has no target",
                "write the path in the container, as in `data:/var/lib/data`",
            ),
            (":/data", "", "the source is empty", "write one such as `data`"),
            ("data:", "", "the target is empty", "write one such as `/var/lib/data`"),
            ("a:/b:", "", "the list of options is empty", "write one such as `ro`"),
            ("a:b", "b", "`b` is not an absolute path", "write `/b`"),
            ("a:ro", "ro", "`ro` is not an absolute path", absolute),
            ("a:~/b", "~/b", "`~/b` is not an absolute path", absolute),
            ("a:/b/../c", "/b/../c", "`/b/../c` holds `..`", absolute),
            ("a:/", "/", "`/` is the root of the image", absolute),
            ("a:/./", "/./", "`/./` is the root of the image", absolute),
            (
                "a:/b:ro:z",
                "a:/b:ro:z",
                "`a:/b:ro:z` has more than three parts",
                "write `source:target:options`",
            ),
            ("C:\\x:/y", "C:\\x:/y", "`C:\\x:/y` starts with a Windows path", windows),
            ("C:\\x", "C:\\x", "`C:\\x` starts with a Windows path", windows),
            ("C:/x:/y", "C:/x:/y", "`C:/x:/y` starts with a Windows path", windows),
            ("a/b:/c", "a/b", "`a/b` is neither a path nor the name of a volume", "write `./a/b`"),
            (".env:/c", ".env", "`.env` is neither a path nor the name of a volume", source),
            ("-v:/c", "-v", "`-v` is neither a path nor the name of a volume", source),
            ("dät:/c", "dät", "`dät` is neither a path nor the name of a volume", source),
            (
                "$HOME/x:/c",
                "$HOME/x",
                "`$HOME/x` starts with a variable, which stays unread",
                start,
            ),
            ("%h/x:/c", "%h/x", "`%h/x` starts with a variable, which stays unread", start),
            (
                "~bob/x:/c",
                "~bob/x",
                "`~bob/x` is in the home of another user",
                "write a path that starts with `/` or `~/`",
            ),
            ("/a\n:/b", "\n", "`/a\\n:/b` holds the control character U+000A", "remove it"),
            (
                "/a\u{202e}:/b",
                "\u{202e}",
                "`/a\\u{202e}:/b` holds the invisible character U+202E",
                "remove it",
            ),
            (" a:/b", " a:/b", "` a:/b` has a space around it", "write `a:/b`"),
            ("a :/b", "a ", "`a ` has a space around it", "write `a`"),
            (" ", " ", "` ` has a space around it", "remove it"),
        ]);
    }

    #[test]
    fn explains_options() {
        let some = "use options such as `ro`, `z`, `Z`, `U` or `noexec`";
        check::bad::<Mount>(&[
            ("a:/b:r0", "r0", "`r0` is not an option of a mount", "write `ro`"),
            ("a:/b:ro,nosiud", "nosiud", "`nosiud` is not an option of a mount", "write `nosuid`"),
            ("a:/b:readonly", "readonly", "`readonly` is not an option of a mount", "write `ro`"),
            ("a:/b:cached", "cached", "`cached` is not an option of a mount", some),
            ("a:/b:ro,,z", "", "the option is empty", "write one such as `ro`"),
            ("a:/b:ro,rw", "rw", "`rw` contradicts `ro`", "remove one of them"),
            ("a:/b:z,ro,Z", "Z", "`Z` contradicts `z`", "remove one of them"),
            (
                "a:/b:slave,rshared",
                "rshared",
                "`rshared` contradicts `slave`",
                "remove one of them",
            ),
            ("a:/b:U,U", "U", "`U` stands twice", "remove one of them"),
            ("a:/b:ro=true", "true", "`ro` takes no value", "write `ro`"),
            (
                "a:/b:idmap=",
                "",
                "`` is not a mapping",
                "write `idmap`, or a mapping such as `idmap=uids=0-1000-1;gids=0-1000-1`",
            ),
            (
                "a:/b:idmap=a\"b",
                "\"",
                "`a\"b` is not a mapping",
                "write `idmap`, or a mapping such as `idmap=uids=0-1000-1;gids=0-1000-1`",
            ),
            ("a:/b:ro, z", " ", "`ro, z` holds a space", "write `ro,z`"),
        ]);
        check::bad::<Source>(&[(
            "/a:b",
            ":",
            "`/a:b` holds a colon",
            "write a path without a colon",
        )]);
        check::bad::<Target>(&[(
            "/a:b",
            ":",
            "`/a:b` holds a colon",
            "write a path without a colon",
        )]);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Mount>(Mount::PATTERN);
        check::laws::<Source>(Source::PATTERN);
        check::laws::<Target>(Target::PATTERN);
        check::laws::<Options>(Options::PATTERN);
        check::laws::<MountOption>(MountOption::PATTERN);
    }
}
