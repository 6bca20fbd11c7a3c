//! Raw keys of a service, as they are; an older Podman gets them by a flag where that is plain.

use std::fmt::Write;

use crate::capability::encode::is_plain;
use crate::capability::podman::Podman;
use crate::capability::quadlet::{self, Key};
use crate::emit::template::{Fields, quadlet_line};
use crate::model::configuration::Configuration;
use crate::model::layer::Map;
use crate::model::systemd::RawValue;

/// Sets the raw keys of all sections.
pub fn set(configuration: &Configuration, podman: Podman, fields: &mut Fields) {
    let Some(keys) = configuration.quadlet.get() else { return };
    for (name, section, keys) in [
        ("raw_unit", "Unit", &keys.unit),
        ("raw_container", "Container", &keys.container),
        ("raw_service", "Service", &keys.service),
        ("raw_install", "Install", &keys.install),
        ("raw_quadlet", "Quadlet", &keys.quadlet),
    ] {
        let written = lines(section, keys, podman);
        if !written.is_empty() {
            fields.written(name, written);
        }
    }
}

fn lines(section: &str, keys: &Map<RawValue>, podman: Podman) -> String {
    let mut lines = String::new();
    for (name, _, values) in keys.iter() {
        let known = quadlet::key_of(section, name);
        for value in values.0.iter().map(|value| value.value.as_str()) {
            match known.filter(|key| podman < key.since) {
                Some(key) => flag(key, podman, value, &mut lines),
                None => writeln!(lines, "{name}={value}").unwrap_or_default(),
            }
        }
    }
    lines
}

/// What is plain means the same in quotes; `check` has told of what is not.
fn flag(key: &Key, podman: Podman, value: &str, lines: &mut String) {
    if is_plain(value) {
        quadlet_line(key, podman, "", value, lines).unwrap_or_default();
    }
}
