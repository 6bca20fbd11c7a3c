//! Files that are none, names that lead out of the folder, and links that do.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{LARGE, accepted, lint, run, run_all, service, stack};

/// Lints one path in a folder; it must be refused with that code.
fn refuse(folder: &Path, path: &str, code: &str) -> Option<String> {
    lint(path, folder, &[path], true, &[code]).err()
}

#[test]
fn only_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let huge = std::fs::File::create(root.join("huge.yml")).unwrap();
    huge.set_len(1 << 30).unwrap();
    symlink("huge.yml", root.join("huge")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe.yml")).status().unwrap().success());
    symlink("loop-b.yml", root.join("loop-a.yml")).unwrap();
    symlink("loop-a.yml", root.join("loop-b.yml")).unwrap();
    symlink("nowhere", root.join("nowhere.yml")).unwrap();
    symlink("/dev/zero", root.join("zero.yml")).unwrap();
    symlink(".", root.join("circle")).unwrap();
    std::fs::create_dir(root.join("empty")).unwrap();
    std::fs::create_dir(root.join("stack.yml")).unwrap();
    let failures = [
        refuse(root, "huge.yml", "SW002"),
        refuse(root, "huge", "SW002"),
        refuse(root, "pipe.yml", "SW001"),
        refuse(root, "loop-a.yml", "SW001"),
        refuse(root, "nowhere.yml", "SW001"),
        refuse(root, "zero.yml", "SW001"),
        refuse(root, "/dev/zero", "SW001"),
        refuse(root, "/dev/null", "SW001"),
        refuse(root, "/proc/self/mem", "SW001"),
        refuse(root, "none.yml", "SW001"),
        refuse(root, "none", "SW001"),
        refuse(root, "\u{1b}]0;x\u{7}\n\u{202e}.yml", "SW001"),
        refuse(root, &format!("{}.yml", "a".repeat(300)), "SW001"),
        refuse(root, &format!("{}a.yml", "b/".repeat(3000)), "SW001"),
    ];
    let failures: Vec<String> = failures.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn folders_are_searched_without_following_links() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("stacks");
    let mut deep = root.clone();
    (0..50).for_each(|_| deep.push("d"));
    std::fs::create_dir_all(&deep).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("/", root.join("all")).unwrap();
    std::fs::write(deep.join("a.yml"), "stack: [\n").unwrap();
    std::fs::write(root.join("a.yml"), stack("- {name: w}\n")).unwrap();
    std::fs::File::create(root.join("huge.yml")).unwrap().set_len(1 << 30).unwrap();
    std::fs::write(root.join("b.yml"), "services:\n".repeat(LARGE / 20)).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe.yml")).status().unwrap().success());
    lint("a folder", folder.path(), &["stacks"], true, &["SW002"]).unwrap();
    std::fs::remove_file(root.join("huge.yml")).unwrap();
    lint("a folder without large files", folder.path(), &["stacks"], false, &[]).unwrap();
}

/// What files name beside the stack file: nothing outside of the folder, whatever way leads there.
#[test]
fn nothing_outside_of_the_folder_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    std::fs::create_dir_all(root.join("inside")).unwrap();
    std::fs::create_dir_all(folder.path().join("outside")).unwrap();
    std::fs::write(folder.path().join("outside/a.yml"), "x-a: top-secret\n").unwrap();
    std::fs::write(root.join("inside/a.yml"), "x-a: 1\n").unwrap();
    symlink("../outside/a.yml", root.join("file-out.yml")).unwrap();
    symlink("../outside", root.join("folder-out")).unwrap();
    symlink(folder.path().join("outside/a.yml"), root.join("absolute-out.yml")).unwrap();
    symlink("inside/a.yml", root.join("file-in.yml")).unwrap();
    symlink("inside", root.join("folder-in")).unwrap();
    symlink("file-out.yml", root.join("link-to-link.yml")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe.yml")).status().unwrap().success());
    let mut failures = Vec::new();
    let mut check = |path: &str, codes: &[&str]| {
        for text in [
            format!("include: [{path}]\n{}", stack("- name: w\n")),
            service(&format!("    env_file: [{path}]\n")),
            format!("files:\n  f: {path}\n{}", stack("- name: w\n")),
            format!("units:\n  u.timer: {{source: {path}}}\n{}", stack("- name: w\n")),
        ] {
            std::fs::write(root.join("stack.yml"), &text).unwrap();
            let name = text.lines().next().unwrap_or("").to_owned() + " " + path;
            let refused = !codes.is_empty();
            // What a file holds that is no env file is told of it, and is not about its place.
            let told = if text.contains("env_file") && !refused { vec!["SW023"] } else { vec![] };
            let expected = if told.is_empty() { codes } else { &told[..] };
            let result = lint(&name, &root, &["stack.yml"], !expected.is_empty(), expected);
            failures.extend(result.err());
        }
    };
    for path in ["file-in.yml", "folder-in/a.yml", "inside/a.yml", "./inside/a.yml"] {
        check(path, &[]);
    }
    for path in ["file-out.yml", "folder-out/a.yml", "absolute-out.yml", "link-to-link.yml"] {
        check(path, &["SW024"]);
    }
    for path in ["../outside/a.yml", "inside/../../outside/a.yml"] {
        check(path, &["SW024"]);
    }
    for path in ["/etc/hostname", "~/a.yml"] {
        check(path, &["SW128"]);
    }
    for path in ["pipe.yml", "none.yml", "inside/a.yml/b", "inside", "."] {
        check(path, &["SW001"]);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Names become names of units and files: what a path, a shell or systemd reads otherwise is
/// refused.
#[test]
fn names_lead_nowhere() {
    let long = "a".repeat(300);
    let payloads = [
        "../x",
        "/etc/x",
        "a/b",
        ".",
        "..",
        "-rf",
        "--privileged",
        "a\\0b",
        &long,
        "x.",
        "x ",
        " x",
        "%h",
        "%%",
        "$(id)",
        "${HOME}",
        "$HOME",
        "`id`",
        "a@b",
        "a\\nb",
        "a;b",
        "[Service]",
        "a\\\\b",
        "~",
        "*",
        "a b",
        "",
        "a:b",
        "a,b",
        "a=b",
    ];
    let mut failures = Vec::new();
    for place in [
        "stack: {name: P}\nservices: [{name: w}]\n",
        "services: [{name: P}]\n",
        "services: [{name: w, pattern: P}]\n",
        "services: [{name: w, groups: [P]}]\n",
        "services: [{name: w, dependencies: [P]}]\n",
        "networks: {P: {}}\nservices: [{name: w}]\n",
        "volumes: {P: {}}\nservices: [{name: w}]\n",
        "secrets: {P: {}}\nservices: [{name: w}]\n",
        "files: {P: {content: a}}\nservices: [{name: w}]\n",
        "units: {P: {content: a}}\nservices: [{name: w}]\n",
        "services: [{name: w, configuration: {container_name: P}}]\n",
        "services: [{name: w, configuration: {hostname: P}}]\n",
        "services: [{name: w, configuration: {image: P}}]\n",
        "services: [{name: w, configuration: {networks: [P]}}]\n",
        "services: [{name: w, configuration: {secrets: [P]}}]\n",
        "services: [{name: w, configuration: {environment: {P: a}}}]\n",
        "services: [{name: w, configuration: {routes: {P: {}}}}]\n",
        "services: [{name: w, configuration: {cap_add: [P]}}]\n",
        "stack: {requires: [P]}\nservices: [{name: w}]\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..payloads.len()).map(|n| format!("n{n}.yml")).collect();
        for (name, payload) in names.iter().zip(payloads) {
            let text = place.replace('P', &format!("\"{payload}\""));
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        failures.extend(lint(place, folder.path(), &paths, true, &[]).err());
        let report =
            run(place, folder.path(), &[&["lint", "--format", "json"], &paths[..]].concat());
        let report: Value = serde_json::from_slice(&report.unwrap().stdout).unwrap();
        let told = report["diagnostics"].as_array().unwrap();
        for (name, payload) in names.iter().zip(payloads) {
            let is_error = |one: &&Value| one["severity"] == "error" && one["file"] == **name;
            if !told.iter().any(|one| is_error(&one)) {
                failures.push(format!("`{payload}` is taken in {place}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    run_all([accepted("names as they should be", service("    container_name: a-b.c_d\n"))]);
}
