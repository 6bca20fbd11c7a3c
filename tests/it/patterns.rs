//! Patterns: each of ours is right and writes a good stack, each image finds its own, and those of
//! a user's own folder are told at their places.
//!
//! `snapshots/patterns` has the stack that each pattern writes with its examples, which
//! `UPDATE=1 cargo test --test it patterns` writes anew; `tests/it/generate.rs` makes units and
//! Compose files of them as it does of the ready stacks.

use std::collections::BTreeSet;
use std::path::Path;

use stackwright::compile_pattern;
use stackwright::config::Config;
use stackwright::host::memory::Memory;
use stackwright::pattern::library::BUILT_IN;
use stackwright::pattern::{Library, fits, parameter};
use stackwright::report::{Findings, Severity, human};
use stackwright::source::Sources;

use crate::support::{compare, list, remove, run, text, updates, write};

const TREE: &str = "snapshots/patterns";

#[test]
fn every_pattern_writes_a_good_stack() {
    let look = Memory::default();
    let mut kept = BTreeSet::new();
    for (name, _) in BUILT_IN {
        let (mut sources, mut findings) = (Sources::default(), Findings::default());
        let config = Config::default();
        let whole = compile_pattern(name, &config, &look, &mut sources, &mut findings);
        let told = human::render(&findings, &sources, human::Style::default());
        findings.retain(|one| one.severity != Severity::Hint);
        assert_eq!(findings.iter().count(), 0, "{told}");
        let (pattern, loaded) = whole.unwrap();
        assert!(!loaded.stack.services.is_empty(), "{name} writes no service");
        let info = pattern.pattern.get().unwrap();
        assert!(info.description.is_some() && !info.use_cases.is_empty(), "{name}");
        assert!(info.needs.get().is_some() && info.fits.get().is_some(), "{name}");
        let documentation = loaded.stack.documentation.get().unwrap();
        assert!(!documentation.post_deployment.is_empty(), "{name}");
        assert!(!documentation.troubleshooting.is_empty(), "{name}");
        let library = Library::new(None, &look);
        let mut draft = library.draft(name, &mut sources, &mut findings).unwrap();
        // A pattern that is only laid under a service is read without being checked.
        let read = draft.pattern();
        assert!(read.is_some() && read == draft.checked(name, &mut findings), "{name}");
        let file = format!("{TREE}/{name}.yml");
        compare(&file, &draft.text(&parameter::examples(&pattern)).unwrap());
        kept.insert(file);
    }
    for path in list(Path::new(TREE)) {
        if !kept.contains(&*path.to_string_lossy()) {
            assert!(updates(), "{} is written by no pattern", path.display());
            remove(&path);
        }
    }
}

/// What is written is a stack like any other: not even a hint but those that patterns cannot know.
#[test]
fn nothing_is_to_be_said_about_what_patterns_write() {
    let run = run(Path::new("."), &["lint", TREE, "--deny-warnings", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let codes: BTreeSet<&str> = told["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, BTreeSet::new(), "{}", run.out);
}

/// Well-known images, and the pattern that they are of.
const IMAGES: &[(&str, &str)] = &[
    ("docker.io/jellyfin/jellyfin:10.11.11", "media-server-stack"),
    ("lscr.io/linuxserver/jellyfin:latest", "media-server-stack"),
    ("plexinc/pms-docker", "media-server-stack"),
    ("docker.io/emby/embyserver:4.9", "media-server-stack"),
    ("deluan/navidrome:0.58", "media-server-stack"),
    ("ghcr.io/advplyr/audiobookshelf:2", "media-server-stack"),
    ("ghcr.io/requarks/wiki:2.5", "web-app-with-database"),
    ("docker.io/library/nextcloud:34-apache", "web-app-with-database"),
    ("codeberg.org/forgejo/forgejo:15", "web-app-with-database"),
    ("gitea/gitea:1.25", "web-app-with-database"),
    ("wordpress:6", "web-app-with-database"),
    ("lscr.io/linuxserver/bookstack:25", "web-app-with-database"),
    ("ghost:6", "web-app-with-database"),
    ("docker.n8n.io/n8nio/n8n:2", "web-app-with-database"),
    ("miniflux/miniflux:2", "web-app-with-database"),
    ("vaultwarden/server:1.37.0", "password-manager"),
    ("ghcr.io/bitwarden/self-host:beta", "password-manager"),
    ("passbolt/passbolt:5", "password-manager"),
    ("quay.io/prometheus/node-exporter:v1.12.0", "monitoring-exporter"),
    ("prom/blackbox-exporter:v0.28.0", "monitoring-exporter"),
    ("quay.io/prometheuscommunity/postgres-exporter", "monitoring-exporter"),
    ("oliver006/redis_exporter:v1", "monitoring-exporter"),
    ("gcr.io/cadvisor/cadvisor:v0.55.1", "monitoring-exporter"),
    ("docker.io/prom/prometheus:v3.13.2", "monitoring-exporter"),
    ("grafana/grafana:12.4.0", "monitoring-exporter"),
    ("louislam/uptime-kuma:2", "monitoring-exporter"),
    ("nginx:1.29", "reverse-proxy-backend"),
    ("traefik/whoami:v1.11.0", "reverse-proxy-backend"),
    ("ghcr.io/gethomepage/homepage:v1", "reverse-proxy-backend"),
    ("corentinth/it-tools", "reverse-proxy-backend"),
    ("searxng/searxng", "reverse-proxy-backend"),
    ("docker.io/library/postgres:18", "database-service"),
    ("pgvector/pgvector:pg18", "database-service"),
    ("mariadb:11.8", "database-service"),
    ("mysql:9", "database-service"),
    ("docker.io/timescale/timescaledb:2.25.0-pg18", "database-service"),
    ("redis:8-alpine", "cache-service"),
    ("docker.io/valkey/valkey:9", "cache-service"),
    ("memcached:1.6", "cache-service"),
    ("docker.dragonflydb.io/dragonflydb/dragonfly", "cache-service"),
    ("authelia/authelia:4.39.28", "authentication-stack"),
    ("ghcr.io/goauthentik/server:2026.8", "authentication-stack"),
    ("quay.io/keycloak/keycloak:26", "authentication-stack"),
    ("ghcr.io/immich-app/immich-server:v3.1.0", "photo-management-stack"),
    ("photoprism/photoprism", "photo-management-stack"),
    ("ghcr.io/paperless-ngx/paperless-ngx:2.20.15", "document-management"),
    ("docspell/restserver", "document-management"),
    ("ghcr.io/home-assistant/home-assistant:2026.9.2", "home-automation-stack"),
    ("eclipse-mosquitto:2", "home-automation-stack"),
    ("ghcr.io/koenkk/zigbee2mqtt:2", "home-automation-stack"),
    ("nodered/node-red:4", "home-automation-stack"),
    ("rclone/rclone:1.71", "background-worker"),
    ("ghcr.io/renovatebot/renovate:43", "background-worker"),
    ("registry.example.org/shop/mail-worker:1", "background-worker"),
];

#[test]
fn well_known_images_find_their_pattern() {
    let images: Vec<&str> = IMAGES.iter().map(|(image, _)| *image).collect();
    let words = [&["patterns", "suggest", "--format", "json"][..], &images].concat();
    let run = run(Path::new("."), &words);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let first = |one: &serde_json::Value| one["patterns"][0]["name"].as_str().map(str::to_owned);
    let found: Vec<Option<String>> =
        told["suggestions"].as_array().unwrap().iter().map(first).collect();
    let wrong: Vec<_> = IMAGES
        .iter()
        .zip(&found)
        .filter(|((_, expected), found)| found.as_deref() != Some(*expected))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(IMAGES.len() >= 50);
    let named: BTreeSet<&str> = IMAGES.iter().map(|(_, pattern)| *pattern).collect();
    assert_eq!(named.len(), BUILT_IN.len(), "a pattern without an image");
}

#[test]
fn ports_and_variables_tell_where_the_image_does_not() {
    let words = ["patterns", "suggest", "example.org/db:1", "--port", "5432"];
    let run_1 = run(Path::new("."), &words);
    assert_eq!(run_1.out, "example.org/db:1\n  database-service  port 5432\n");
    let words =
        ["patterns", "suggest", "example.org/x", "--env", "POSTGRES_USER", "--port", "6379"];
    let run_2 = run(Path::new("."), &words);
    let expected = "example.org/x\n  database-service  variable POSTGRES_USER\n  \
                    cache-service     port 6379\n";
    assert_eq!(run_2.out, expected);
    let run_3 = run(Path::new("."), &["patterns", "suggest", "example.org/x"]);
    assert_eq!((run_3.code, run_3.out.as_str()), (0, "example.org/x: no pattern knows it\n"));
}

/// Each image that a pattern knows is one that it knows best, so that no table hides another.
#[test]
fn known_images_are_known_to_one_pattern() {
    let mut names: Vec<(String, &str)> = Vec::new();
    for (name, _) in BUILT_IN {
        let (mut sources, mut findings) = (Sources::default(), Findings::default());
        let look = Memory::default();
        let draft = Library::new(None, &look).draft(name, &mut sources, &mut findings).unwrap();
        let pattern = draft.pattern().unwrap();
        let known = pattern.pattern.get().unwrap().fits.get().unwrap();
        for (image, _, _) in known.images.iter().filter(|(image, _, _)| !image.contains('*')) {
            assert_eq!(fits::image(&known.value, image).unwrap().name, image);
            names.push((image.to_owned(), name));
        }
    }
    let all: BTreeSet<&String> = names.iter().map(|(image, _)| image).collect();
    assert_eq!(all.len(), names.len(), "an image of two patterns");
}

const OWN: &str = "\
pattern:
  name: my-bot
  description: A bot of ours.
  fits: { images: { chat-bot: {} } }

parameters:
  image: { type: image, example: registry.example.org/bot:1 }

configuration:
  restart: always
  restart_delay: 7s

new:
  # ${name} talks.
  stack: { name: \"${name}\" }
  services:
    - name: ${name}
      pattern: my-bot
      configuration:
        image: ${image}
        memory: 64M
";

#[test]
fn a_folder_of_ones_own_extends_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at(".stackwright.yml"), "generations: 3\n");
    write(&at("patterns/my-bot.yml"), OWN);
    let listed = run(folder.path(), &["patterns"]);
    assert_eq!((listed.code, listed.err.as_str()), (0, ""));
    assert!(listed.out.contains("my-bot                  A bot of ours.\n"), "{}", listed.out);
    assert_eq!(listed.out.lines().count(), BUILT_IN.len() + 1);
    let made =
        run(folder.path(), &["new", "bot", "--pattern", "my-bot", "--image", "b.example/c:2"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    assert!(text(&at("bot.yml")).starts_with("# bot talks.\nstack: { name: \"bot\" }\n"));
    let units = run(folder.path(), &["generate", "bot.yml", "--out", "-"]);
    assert!(units.out.contains("RestartSec=7"), "{units:?}");
    // Now it stands in for one of ours, from a folder that is named.
    write(&at("other/cache-service.yml"), &OWN.replace("my-bot", "cache-service"));
    let words = ["patterns", "cache-service", "--patterns", "other"];
    let shown = run(folder.path(), &words);
    assert!(
        shown.out.starts_with("cache-service: A bot of ours.\nIt stands in other/"),
        "{shown:?}"
    );
    write(&at("s.yml"), &text(&at("bot.yml")).replace("my-bot", "cache-service"));
    let units = run(folder.path(), &["generate", "s.yml", "--out", "-", "--patterns", "other"]);
    assert!(units.out.contains("RestartSec=7"), "{units:?}");
    let nowhere = run(folder.path(), &["lint", "s.yml", "--patterns", "nowhere"]);
    assert_eq!(nowhere.code, 64, "{nowhere:?}");
    write(&at(".stackwright.yml"), "patterns: other\n");
    let units = run(folder.path(), &["generate", "s.yml", "--out", "-"]);
    assert!(units.out.contains("RestartSec=7"), "{units:?}");
}

#[test]
fn what_is_wrong_with_a_pattern_is_told_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at(".stackwright.yml"), "{}\n");
    let wrong = OWN
        .replace("memory: 64M", "memory: ${memry}\n        retsart: always")
        .replace("pattern: my-bot\n", "pattern: my-bot\n      dependencies: [db]\n");
    write(&at("patterns/my-bot.yml"), &wrong);
    let told = run(folder.path(), &["patterns", "my-bot"]);
    assert_eq!(told.code, 1);
    for expected in [
        "error[SW803]: there is no parameter `memry`",
        "patterns/my-bot.yml:22:17",
        "unknown key `retsart`",
        "patterns/my-bot.yml:23:9",
    ] {
        assert!(told.err.contains(expected), "{expected}\n{}", told.err);
    }
    // Rules look at a pattern once its shape is right.
    let wrong = OWN.replace("pattern: my-bot\n", "pattern: my-bot\n      dependencies: [db]\n");
    write(&at("patterns/my-bot.yml"), &wrong);
    let told = run(folder.path(), &["patterns", "my-bot"]);
    assert_eq!(told.code, 1);
    assert!(told.err.contains("SW201") && told.err.contains("my-bot.yml:19:22"), "{}", told.err);
    let made =
        run(folder.path(), &["new", "bot", "--pattern", "my-bot", "--image", "b.example/c:2"]);
    assert_eq!(made.code, 1, "{made:?}");
    assert!(!at("bot.yml").exists());
}
