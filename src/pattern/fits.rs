//! Which pattern an application is of, by its image, its ports and its variables.

use super::{Fits, Pattern};
use crate::model::layer::Map;
use crate::model::variable::Plain;

/// What the parts of the evidence weigh: a known image more than all else together.
const IMAGE: usize = 1000;
const VARIABLE: usize = 20;
const PORT: usize = 10;

/// What is known of an application.
#[derive(Debug, Default)]
pub struct Evidence<'e> {
    /// Its image, with or without registry and tag.
    pub image: &'e str,
    /// Ports that it listens on.
    pub ports: &'e [u16],
    /// Names of variables that it reads.
    pub variables: &'e [String],
}

/// An image that a pattern knows.
pub struct Known<'f> {
    /// How the pattern names it.
    pub name: &'f str,
    /// The values of parameters for it.
    pub values: &'f Map<Plain>,
}

/// How well a pattern fits, and why; nothing where it does not.
pub fn weigh(pattern: &Pattern, evidence: &Evidence<'_>) -> Option<(usize, Vec<String>)> {
    let fits = pattern.pattern.get()?.fits.get()?;
    let (mut weight, mut reasons) = (0, Vec::new());
    if let Some(known) = image(fits, evidence.image) {
        weight += IMAGE + letters(known.name);
        reasons.push(format!("image {}", known.name));
    }
    let ports = evidence.ports.iter();
    for port in ports.filter(|port| fits.ports.iter().any(|known| known.value == u32::from(**port)))
    {
        weight += PORT;
        reasons.push(format!("port {port}"));
    }
    let is_known = |name: &&String| fits.variables.iter().any(|known| known.as_str() == **name);
    for name in evidence.variables.iter().filter(is_known) {
        weight += VARIABLE;
        reasons.push(format!("variable {name}"));
    }
    (weight > 0).then_some((weight, reasons))
}

/// The image of a pattern that a reference means; of several, the one that says most.
pub fn image<'f>(fits: &'f Fits, reference: &str) -> Option<Known<'f>> {
    let path = bare(reference);
    let known = fits.images.iter().filter(|(name, _, _)| is_like(&path, name));
    let best = known.max_by_key(|(name, _, _)| (!name.contains('*'), letters(name)));
    best.map(|(name, _, values)| Known { name, values })
}

/// The name under which a pattern says what an image wants beside it.
const NOTE: &str = "note";

/// What is to be said about an image of a pattern.
pub fn note(pattern: &Pattern, reference: &str) -> Option<String> {
    let known = image(pattern.pattern.get()?.fits.get()?, reference)?;
    known.values.get(NOTE).map(|text| text.0.value.clone())
}

fn letters(name: &str) -> usize {
    name.chars().filter(|c| *c != '*').count()
}

/// The path of an image without registry, tag and digest.
fn bare(reference: &str) -> String {
    let name = reference.split('@').next().unwrap_or_default().to_lowercase();
    let (registry, path) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("", name.as_str()),
    };
    let untagged = path.rsplit_once(':').map_or(path, |(path, _)| path);
    let official = untagged.strip_prefix("library/");
    official.filter(|_| registry.is_empty() || registry == "docker.io").unwrap_or(untagged).into()
}

/// Whether the end of a path is like a name, in which `*` stands for anything but `/`.
fn is_like(path: &str, name: &str) -> bool {
    let parts = name.split('/').count();
    let all: Vec<&str> = path.split('/').collect();
    let end = all.get(all.len().saturating_sub(parts)..).unwrap_or(&[]);
    end.len() == parts && end.iter().zip(name.split('/')).all(|(part, like)| matches(part, like))
}

fn matches(text: &str, like: &str) -> bool {
    let Some((head, tail)) = like.split_once('*') else { return text == like };
    let Some(rest) = text.strip_prefix(head) else { return false };
    let ends = rest.char_indices().map(|(place, _)| place).chain([rest.len()]);
    ends.filter_map(|place| rest.get(place..)).any(|rest| matches(rest, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_compared_by_their_ends() {
        for (reference, name, expected) in [
            ("docker.io/jellyfin/jellyfin:10.11", "jellyfin", true),
            ("docker.io/jellyfin/jellyfin:10.11", "jellyfin/jellyfin", true),
            ("docker.io/jellyfin/jellyfin:10.11", "linuxserver/jellyfin", false),
            ("jellyfin", "jellyfin/jellyfin", false),
            ("postgres:18", "postgres", true),
            ("docker.io/library/postgres", "postgres", true),
            ("localhost:5000/redis@sha256:00", "redis", true),
            ("quay.io/prometheus/node-exporter:v1", "*-exporter", true),
            ("quay.io/prometheus/node-exporter:v1", "*exp*r", true),
            ("quay.io/exporter/node", "*exporter*", false),
            ("", "redis", false),
            ("///", "*", true),
        ] {
            assert_eq!(is_like(&bare(reference), name), expected, "{reference} {name}");
        }
    }
}
