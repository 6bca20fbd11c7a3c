//! The names by which generations keep their images: the name that a unit says may stand for
//! another image tomorrow, or for none.

use crate::host::containers::Image;
use crate::state::digest;

/// What all such names begin with.
const PREFIX: &str = "localhost/stackwright";

/// How many characters of a digest stand for what cannot be part of a name.
const DIGEST_LENGTH: usize = 32;

/// The name by which a generation of a stack keeps the image of a service.
pub fn pin(stack: &str, service: &str, number: u64) -> String {
    let service = service.strip_suffix(".service").unwrap_or(service);
    format!("{}{}:{number}", start(stack), part(service))
}

/// The generation of a stack that keeps an image by a name; nothing where it is another name.
pub fn generation_of(stack: &str, name: &str) -> Option<u64> {
    let (_, number) = name.strip_prefix(&start(stack))?.rsplit_once(':')?;
    number.parse().ok()
}

/// The image that a generation keeps for a service.
pub fn kept<'i>(images: &'i [Image], stack: &str, service: &str, number: u64) -> Option<&'i Image> {
    let pin = pin(stack, service, number);
    images.iter().find(|image| image.names.contains(&pin))
}

fn start(stack: &str) -> String {
    format!("{PREFIX}/{}/", part(stack))
}

/// A name as a part of the name of an image: small letters and digits, between which there are
/// single signs, two underlines, or any number of dashes.
fn part(name: &str) -> String {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    let plain = name.replace("__", "_");
    let mut words = plain.split(['_', '.']).flat_map(|words| {
        // Of dashes, only those at an end are one sign too many.
        let inner: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
        let has_ends = words.starts_with('-') || words.ends_with('-') || inner.is_empty();
        if has_ends { vec![""] } else { inner }
    });
    match words.all(is_word) {
        true => name.to_owned(),
        false => format!("x-{}", digest(name.as_bytes()).get(..DIGEST_LENGTH).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_generation() {
        let name = pin("shop", "web.service", 12);
        assert_eq!(name, "localhost/stackwright/shop/web:12");
        assert_eq!(generation_of("shop", &name), Some(12));
        assert_eq!(generation_of("sho", &name), None);
        assert_eq!(generation_of("shop", "localhost/stackwright/shop/web"), None);
        assert_eq!(generation_of("shop", "docker.io/library/web:12"), None);
    }

    #[test]
    fn what_no_image_can_be_called_has_a_name_all_the_same() {
        for fine in ["web", "immich-server", "db_1", "a__b", "a.b-1", "a--b"] {
            assert_eq!(part(fine), fine);
        }
        for odd in ["a..b", "a_.b", "a-.b", "a._-b", "a___b", "A", "web@1", "-a", ""] {
            assert!(part(odd).starts_with("x-"), "{odd}");
        }
    }
}
