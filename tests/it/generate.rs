//! What units a stack becomes: golden trees, versions of Podman, templates, and the command itself.
//!
//! The stacks in `stacks/`, in `tests/quadlet`, and those that patterns write each have a tree of
//! real files in `snapshots/quadlet`, which `UPDATE=1 cargo test --test it generate` writes anew.
//! A fixture may begin with a line such as `# generate: --podman 4.9 --scope system --group web`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use stackwright::capability::podman::Podman;
use stackwright::check::Target;
use stackwright::config::Config;
use stackwright::emit::template::Templates;
use stackwright::emit::{File, Scope, quadlet};
use stackwright::host::memory::Memory;
use stackwright::load::{FILE_SIZE_MAX, Request};
use stackwright::report::{Findings, Severity, human};
use stackwright::resolve::{Part, resolve};
use stackwright::source::Sources;
use stackwright::{Input, compile};

use crate::support::{self, list, run, text, updates, write};

/// Where fixtures stand, as far as they know.
const PLACE: &str = "/srv/stacks";

/// The fixtures: their paths, by the names of their trees.
pub fn fixtures() -> BTreeMap<String, PathBuf> {
    let folders = ["stacks", "snapshots/patterns", "tests/quadlet"].map(Path::new);
    let files = folders.into_iter().flat_map(list);
    let stacks = files.filter(|path| path.extension().is_some_and(|ending| ending == "yml"));
    stacks.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// What a fixture says about how it is generated.
pub struct Wanted {
    /// For which Podman, and whose.
    pub target: quadlet::Target,
    groups: Vec<String>,
}

impl Wanted {
    /// A whole stack for a target.
    pub fn for_target(target: quadlet::Target) -> Self {
        Self { target, groups: Vec::new() }
    }

    /// Reads the first line of a fixture.
    pub fn of(fixture: &Path) -> Self {
        let text = text(fixture);
        let line = text.lines().next().and_then(|line| line.strip_prefix("# generate: "));
        let mut wanted = Self {
            target: quadlet::Target { podman: Podman::USUAL, scope: Scope::User },
            groups: Vec::new(),
        };
        let mut words = line.unwrap_or("").split_whitespace();
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{word} without a value"));
            match word {
                "--podman" => wanted.target.podman = value.parse().unwrap(),
                "--scope" if value == "system" => wanted.target.scope = Scope::System,
                "--group" => wanted.groups.push(value.to_owned()),
                _ => panic!("{}: {word} {value}", fixture.display()),
            }
        }
        wanted
    }
}

/// The files of a fixture, as if it stood in [`PLACE`] with all that stands beside it.
pub fn generate(fixture: &Path, wanted: &Wanted) -> Vec<File> {
    let folder = fixture.parent().unwrap();
    let mut look = Memory::default();
    for path in list(folder).into_iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap().to_owned();
        look.files.insert(Path::new(PLACE).join(name), text(&path).into_bytes());
    }
    let path = Path::new(PLACE).join(fixture.file_name().unwrap());
    let (files, told) = compiled(&path, &look, wanted);
    assert_eq!(told, "", "{}", fixture.display());
    files.unwrap_or_else(|told| panic!("{}\n{told}", fixture.display()))
}

/// The files of one stack, or why there are none.
pub fn files_of(path: &Path, look: &Memory, wanted: &Wanted) -> Result<Vec<File>, String> {
    compiled(path, look, wanted).0
}

/// The files of one stack, and all that is to be said about it but hints.
fn compiled(path: &Path, look: &Memory, wanted: &Wanted) -> (Result<Vec<File>, String>, String) {
    let environment = BTreeMap::new();
    let request = Request {
        path,
        overlays: &[],
        env_files: &[],
        environment: &environment,
        size_max: FILE_SIZE_MAX,
    };
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let podman = wanted.target.podman;
    let target = Target { podman, generates: true, ..Target::default() };
    let (requests, config) = ([request], Config::default());
    let input = Input { requests: &requests, config: &config, all_known: false, target };
    let compiled = compile(&input, look, &mut sources, &mut findings);
    findings.retain(|one| one.severity != Severity::Hint);
    let told = human::render(&findings, &sources, human::Style::default());
    let Some(stack) = compiled.stacks.first() else { return (Err(told.clone()), told) };
    let templates = Templates::new(&BTreeMap::new()).unwrap();
    let resolved = resolve(stack, Part { groups: &wanted.groups, services: &[] });
    let files = quadlet::emit(&resolved, wanted.target, &templates);
    (files.map_err(|fault| format!("{fault:?}")), told)
}

#[test]
fn golden_trees_are_what_is_generated() {
    let mut kept = BTreeSet::new();
    for (name, path) in fixtures() {
        let tree = Path::new("snapshots/quadlet").join(&name);
        for file in generate(&path, &Wanted::of(&path)) {
            let golden = tree.join(&file.path);
            support::compare(&golden.to_string_lossy(), &String::from_utf8(file.contents).unwrap());
            kept.insert(golden);
        }
    }
    let mut open = vec![PathBuf::from("snapshots/quadlet")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(list(&path));
        } else if !kept.contains(&path) {
            assert!(updates(), "{} is generated from nothing", path.display());
            support::remove(&path);
        }
    }
}

/// The other targets of the stacks, and of fixtures that were written for them. All that Compose
/// has no words for is told, and nothing else is.
#[test]
fn golden_trees_of_other_targets_are_what_is_generated() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = BTreeSet::new();
    let folders = ["stacks", "snapshots/patterns", "tests/compose"].map(Path::new);
    let stacks = folders.into_iter().flat_map(list);
    for path in stacks.filter(|path| path.extension().is_some_and(|ending| ending == "yml")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path);
        for target in ["compose", "traefik", "docs"] {
            let stack = stack.to_str().unwrap();
            let out = folder.path().join(&name);
            let arguments = ["generate", stack, "--target", target, "--format", "json", "--out"];
            let run = run(folder.path(), &[&arguments[..], &[out.to_str().unwrap()]].concat());
            assert_eq!(run.code, 0, "{run:?}");
            let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
            for told in report["diagnostics"].as_array().unwrap() {
                let code = told["code"].as_str().unwrap();
                let is_meant = target == "compose" && ["SW720", "SW721"].contains(&code);
                assert!(is_meant || told["severity"] == "hint", "{told}");
            }
            let stack = report["stacks"][0]["name"].as_str().unwrap();
            let tree = out.join(stack).join(target);
            for file in report["stacks"][0]["files"].as_array().unwrap() {
                let file = file["path"].as_str().unwrap();
                let golden = Path::new("snapshots").join(target).join(&name).join(file);
                support::compare(&golden.to_string_lossy(), &text(&tree.join(file)));
                kept.insert(golden);
            }
        }
    }
    let trees = ["compose", "traefik", "docs"];
    let mut open = trees.map(|target| Path::new("snapshots").join(target)).to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(list(&path));
        } else if !kept.contains(&path) {
            assert!(updates(), "{} is generated from nothing", path.display());
            support::remove(&path);
        }
    }
}

/// Nothing of a run, a machine or a user gets into the files.
#[test]
fn output_is_the_same_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/monitoring-simple.yml");
    let stack = stack.to_str().unwrap();
    let mut outputs = BTreeSet::new();
    for (home, language) in [("/root", "C"), ("/nowhere", "tr_TR.UTF-8"), ("", "")] {
        let mut command = support::program(folder.path());
        command.env("HOME", home).env("LANG", language).env("HOSTNAME", home);
        let output = command.args(["generate", stack, "--out", "-"]).output().unwrap();
        assert!(output.status.success());
        outputs.insert(output.stdout);
    }
    assert_eq!(outputs.len(), 1);
}

const STACK: &str = "stack:\n  name: shop\nservices:\n  - name: web\n    groups: [front]\n    \
                     configuration: { image: docker.io/library/nginx:1.29 }\n  \
                     - name: db\n    configuration: { image: docker.io/library/nginx:1.29 }\n";

#[test]
fn files_are_written_once_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    let missing = run(folder, &["generate", "shop.yml", "--check"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.out.contains("missing  build/shop/quadlet/db.container"), "{missing:?}");
    assert!(!folder.join("build").exists());

    let first = run(folder, &["generate", "shop.yml"]);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    assert!(first.out.ends_with("3 files: 3 new\n"), "{first:?}");
    let second = run(folder, &["generate", "shop.yml"]);
    assert!(second.out.ends_with("3 files: 3 same\n"), "{second:?}");
    assert_eq!(run(folder, &["generate", "shop.yml", "--check"]).code, 0);

    // What is of somebody else stays; what was generated and is no longer goes.
    write(&folder.join("build/shop/quadlet/mine.container"), "[Container]\n");
    let group = run(folder, &["generate", "shop.yml", "--group", "front", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&group.out).unwrap();
    let files = report["stacks"][0]["files"].as_array().unwrap();
    let states: Vec<(&str, &str)> = files
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("shop.network", "same"), ("web.container", "same")]);
    assert!(folder.join("build/shop/quadlet/db.container").exists(), "a part takes nothing away");

    write(&folder.join("shop.yml"), &STACK.replace("name: db", "name: cache"));
    let changed = run(folder, &["generate", "shop.yml", "--check"]);
    assert!(changed.out.contains("obsolete build/shop/quadlet/db.container"), "{changed:?}");
    let renamed = run(folder, &["generate", "shop.yml"]);
    assert!(renamed.out.ends_with("4 files: 1 new, 1 removed, 2 same\n"), "{renamed:?}");
    assert!(!folder.join("build/shop/quadlet/db.container").exists());
    assert!(folder.join("build/shop/quadlet/mine.container").exists());
}

#[test]
fn what_others_wrote_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    let other = STACK.replace("shop", "other").replace("web", "page").replace("db", "store");
    write(&folder.join("other.yml"), &other);
    write(&folder.join("build/shop/quadlet/web.container"), "[Container]\n");
    for more in [&["--check"][..], &[]] {
        let mut arguments = vec!["generate", "other.yml", "shop.yml"];
        arguments.extend(more);
        let refused = run(folder, &arguments);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains("`web.container`: it is there"), "{refused:?}");
        assert!(!folder.join("build/other").exists(), "one is written, the other is not");
    }
    assert_eq!(text(&folder.join("build/shop/quadlet/web.container")), "[Container]\n");
}

/// What is no file, or one of another mode, is never taken for what was generated.
#[test]
#[expect(clippy::disallowed_methods, reason = "a pipe is made by a program")]
fn what_is_no_such_file_is_not_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    assert_eq!(run(folder, &["generate", "shop.yml"]).code, 0);
    let unit = folder.join("build/shop/quadlet/web.container");
    let made = text(&unit);
    std::fs::set_permissions(&unit, Permissions::from_mode(0o600)).unwrap();
    let changed = run(folder, &["generate", "shop.yml"]);
    assert!(changed.out.ends_with("3 files: 1 changed, 2 same\n"), "{changed:?}");
    assert_eq!(std::fs::metadata(&unit).unwrap().permissions().mode() & 0o7777, 0o644);

    let put = |make: &dyn Fn()| {
        std::fs::remove_file(&unit).unwrap();
        make();
        run(folder, &["generate", "shop.yml"])
    };
    write(&folder.join("victim"), &made);
    let link = put(&|| std::os::unix::fs::symlink("../../../victim", &unit).unwrap());
    assert!(link.out.ends_with("3 files: 1 changed, 2 same\n"), "{link:?}");
    write(&folder.join("victim"), "kept\n");
    assert_eq!(text(&unit), made);
    let pipe = put(&|| {
        let made = Command::new("mkfifo").arg(&unit).status().unwrap();
        assert!(made.success());
    });
    assert!(pipe.out.ends_with("3 files: 1 changed, 2 same\n"), "{pipe:?}");
    let socket = put(&|| drop(std::os::unix::net::UnixListener::bind(&unit).unwrap()));
    assert!(socket.out.ends_with("3 files: 1 changed, 2 same\n"), "{socket:?}");
    assert_eq!(text(&unit), made);
    let refused = put(&|| std::fs::create_dir(&unit).unwrap());
    assert!(refused.err.contains("`web.container`: there is a folder in its place"), "{refused:?}");
}

/// The mode of a file is that of the target, whatever the mask of the process takes from others.
#[test]
#[expect(clippy::disallowed_methods, reason = "the mask is that of a shell")]
fn masks_take_nothing_from_generated_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$0\" generate shop.yml"]).current_dir(folder);
    assert!(shell.arg(env!("CARGO_BIN_EXE_stackwright")).output().unwrap().status.success());
    for name in ["web.container", ".stackwright"] {
        let metadata = std::fs::metadata(folder.join("build/shop/quadlet").join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o644, "{name}");
    }
    assert_eq!(run(folder, &["generate", "shop.yml", "--check"]).code, 0);
}

/// Neither what is written nor what is taken away lies behind a link.
#[test]
fn links_inside_of_the_folder_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    assert_eq!(run(folder, &["generate", "shop.yml"]).code, 0);
    write(&folder.join("victim/a/x"), "kept\n");
    let out = folder.join("build/shop/quadlet");
    std::os::unix::fs::symlink("../../../victim", out.join("files")).unwrap();
    let list = text(&out.join(".stackwright"));
    write(&out.join(".stackwright"), &format!("{list}files/a/x\n"));
    let refused = run(folder, &["generate", "shop.yml"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(text(&folder.join("victim/a/x")), "kept\n");
}

#[test]
fn links_in_the_way_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    write(&folder.join("victim/web.container"), "kept\n");
    std::os::unix::fs::symlink("../victim", folder.join("shop")).unwrap();
    write(&folder.join("build/other"), "");
    std::os::unix::fs::symlink("../victim", folder.join("build/shop")).unwrap();
    let refused = run(folder, &["generate", "shop.yml"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("is no folder"), "{refused:?}");
    assert_eq!(text(&folder.join("victim/web.container")), "kept\n");
}

#[test]
fn wrong_stacks_and_wrong_words_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    write(&folder.join("bad.yml"), "services: [{name: web}]\n");
    for (arguments, code, said) in [
        (&["generate", "shop.yml", "bad.yml"][..], 1, "SW420"),
        (&["generate", "shop.yml", "--group", "fornt"], 1, "did you mean `front`?"),
        (&["generate", "none.yml"], 1, "none.yml"),
        (&["generate", "shop.yml", "--podman", "4.4"], 64, "Podman 4.9 to 6.1"),
        (&["generate", "shop.yml", "--templates", "empty"], 1, "there is no such file"),
        (&["generate", "shop.yml", "--templates", "shop.yml"], 1, "is no folder"),
        (&["generate", "shop.yml", "--out", "-", "--check"], 64, "nothing to check"),
        (&["generate", "shop.yml", "--out", "shop.yml"], 1, "cannot look at"),
    ] {
        let run = run(folder, arguments);
        assert_eq!(run.code, code, "{arguments:?} {run:?}");
        assert!(run.err.contains(said), "{arguments:?} {run:?}");
        assert!(!folder.join("build").exists());
    }
}

/// What a value holds shows as it is, secrets show nowhere, and a guide may have another shape.
#[test]
fn guides_show_values_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let stack = "stack: { name: shop, description: '*1* | <b>2</b> and `3|4`' }\n\
                 secrets: { key: { environment: SHOP_KEY } }\n\
                 services:\n  - name: web\n    description: '*1* | <b>2</b> and `3|4`'\n    \
                 configuration:\n      image: docker.io/library/nginx:1.29\n      \
                 environment: { KEY: '${key}', PORT: '${PORT:-80}', HOST: '${HOST:?who}' }\n      \
                 volumes: ['/srv/it''s:/a']\n";
    write(&folder.join("shop.yml"), stack);
    let arguments = ["generate", "shop.yml", "--target", "docs", "--out", "-"];
    let mut program = support::program(folder);
    let output = program.env("HOST", "h").env("SHOP_KEY", "hidden").args(arguments).output();
    let guide = String::from_utf8(output.unwrap().stdout).unwrap();
    for expected in [
        "\n\\*1\\* \\| \\<b>2\\</b> and `3|4`\n",
        "| `web` | \\*1\\* \\| \\<b>2\\</b> and `3\\|4` | `docker.io/library/nginx:1.29` |",
        "| `HOST` | **it must be set** |\n| `PORT` | `80` |\n",
        "| `key` | taken from the variable `SHOP_KEY` | web as `KEY` |\n",
        "`mkdir -p '/srv/it'\\''s'`\n",
    ] {
        assert!(guide.contains(expected), "{expected}\n{guide}");
    }
    assert!(!guide.contains("hidden"), "{guide}");
    write(&folder.join("t/guide.j2"), "{{ name }} of {{ origin }}\n");
    let own = [&arguments[..], &["--templates", "t"]].concat();
    let own_guide = |folder: &Path| {
        let output = support::program(folder).env("HOST", "h").args(&own).output().unwrap();
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap())
    };
    assert_eq!(own_guide(folder)[0], "==> shop/docs/shop.md <==\nshop of shop.yml\n");
    write(&folder.join("t/guide.j2"), "x\n{{ nmae }}\n");
    let [out, told] = own_guide(folder);
    assert_eq!(out, "");
    assert!(told.contains("error[SW716]") && told.contains("t/guide.j2:2:1"), "{told}");
}

#[test]
fn own_templates_stand_in_and_are_blamed_at_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("shop.yml"), STACK);
    let own =
        "[Container]\n{{ Container(\"Image\", image) }}\n{{ Container(\"Label\", \"a=%\") }}\n";
    write(&folder.join("t/container.j2"), own);
    let arguments = ["generate", "shop.yml", "--templates", "t", "--out", "-"];
    let printed = run(folder, &arguments);
    assert_eq!(printed.code, 0, "{printed:?}");
    let unit = "==> shop/quadlet/web.container <==\n[Container]\n\
                Image=docker.io/library/nginx:1.29\nLabel=\"a=%%\"\n";
    assert!(printed.out.contains(unit), "{printed:?}");
    for (line, said) in [
        ("{{ image }}", "a bare value"),
        ("{{ image|safe }}", "filter safe is unknown"),
        ("{{ Container(\"Imagee\", image) }}", "`Imagee` is no key of [Container]"),
        ("{{ Container(\"Memory\", \"1\") }}{{ Container(\"Exec\", \";\") }}", "a `;` alone"),
        ("{{ Container(\"ReloadSignal\", \"SIGHUP\") }}", "needs Podman 5.5"),
        ("{{ Service(\"ExecStartPre\", \"a\\nb\") }}", "cannot hold"),
        ("{% if %}", "unexpected"),
        ("{{ Container(\"Image\", imagee) }}", "did you mean `image`?"),
    ] {
        write(&folder.join("t/container.j2"), &format!("[Container]\n{line}\n"));
        let refused = run(folder, &arguments);
        assert_eq!(refused.code, 1, "{line} {refused:?}");
        assert!(refused.err.contains("error[SW716]"), "{line} {refused:?}");
        assert!(refused.err.contains("t/container.j2:2:1"), "{line} {refused:?}");
        assert!(refused.err.contains(said), "{line} {refused:?}");
        assert_eq!(refused.out, "");
    }
    write(&folder.join("t/contianer.j2"), own);
    assert!(run(folder, &arguments).err.contains("stands for no template"));
}
