//! The known word that a misspelt one most likely meant.

use crate::report::Findings;

/// Longer words, in characters, are never compared: the cost grows with the square.
const LONGEST: usize = 64;
/// Among how many names a misspelt one is looked for.
const NEAREST_MAX: usize = 1000;

/// The known word fewest edits away from `word`, if few enough; the earlier of two equals.
///
/// Case does not count, nor `_` for `-`; swapping two neighbours is one edit.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word)?;
    let bound = match word.len() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .filter_map(|name| Some((edits_within(bound, &word, &folded(name)?)?, name)))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// The word that a misspelt one may mean; not looked for once nobody would read it.
pub fn did_you_mean<'n>(
    word: &str,
    known: impl IntoIterator<Item = &'n str>,
    findings: &Findings,
) -> Option<String> {
    if findings.is_full() {
        return None;
    }
    nearest(word, known.into_iter().take(NEAREST_MAX)).map(|near| format!("did you mean `{near}`?"))
}

fn folded(word: &str) -> Option<Vec<char>> {
    let lower = word.chars().take(LONGEST + 1).flat_map(char::to_lowercase);
    let folded: Vec<char> = lower.map(|c| if c == '_' { '-' } else { c }).collect();
    (1..=LONGEST).contains(&folded.len()).then_some(folded)
}

/// The edits from `a` to `b`, unless they are over `bound` or leave nothing of the word.
fn edits_within(bound: usize, a: &[char], b: &[char]) -> Option<usize> {
    if a.len().abs_diff(b.len()) > bound {
        return None;
    }
    let edits = edits(a, b);
    (edits <= bound && edits < a.len().max(b.len())).then_some(edits)
}

/// The optimal string alignment distance, row by row.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut two_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut row: Vec<usize> = Vec::new();
    let mut before = None;
    for (i, &x) in a.iter().enumerate() {
        row.clear();
        row.push(i + 1);
        let mut left = i + 1;
        let mut last = None;
        for (j, (&y, (diagonal, up))) in
            b.iter().zip(above.iter().zip(above.iter().skip(1))).enumerate()
        {
            let mut best = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
            if before == Some(y) && last == Some(x) {
                let swapped = j.checked_sub(1).and_then(|k| two_above.get(k));
                best = swapped.map_or(best, |edits| best.min(edits + 1));
            }
            row.push(best);
            left = best;
            last = Some(y);
        }
        std::mem::swap(&mut two_above, &mut above);
        std::mem::swap(&mut above, &mut row);
        before = Some(x);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["on-failure", "always", "no", "unless-stopped", "ro", "rw", "z", "image"];
        for (word, expected) in [
            ("on_failure", Some("on-failure")),
            ("ON-FAILURE", Some("on-failure")),
            ("alwyas", Some("always")),
            ("allways", Some("always")),
            ("imgae", Some("image")),
            ("iamge", Some("image")),
            ("rx", Some("ro")),
            ("unles-stoped", Some("unless-stopped")),
            ("nope", Some("no")),
            ("x", None),
            ("", None),
            ("sometimes", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(65), [&*"a".repeat(65)]), None);
        assert_eq!(nearest(&"a".repeat(1 << 20), known), None);
    }

    #[test]
    fn the_earlier_of_two_equals_wins() {
        assert_eq!(nearest("ax", ["ab", "ac"]), Some("ab"));
        assert_eq!(nearest("ax", ["ac", "ab"]), Some("ac"));
    }

    #[test]
    fn counts_edits() {
        for (a, b, expected) in
            [("", "abc", 3), ("ca", "abc", 3), ("ab", "ba", 1), ("abcd", "badc", 2), ("a", "a", 0)]
        {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            assert_eq!((edits(&a, &b), edits(&b, &a)), (expected, expected), "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            word in any::<String>(),
            known in prop::collection::vec(any::<String>(), 0..6),
        ) {
            let found = nearest(&word, known.iter().map(String::as_str));
            prop_assert!(found.is_none_or(|name| known.iter().any(|one| one == name)));
        }

        #[test]
        fn forgives_one_wrong_letter(word in "[a-z]{4,20}", at in 0_usize..4) {
            let mut typo: Vec<char> = word.chars().collect();
            typo[at] = '9';
            let typo: String = typo.into_iter().collect();
            prop_assert_eq!(nearest(&typo, [word.as_str()]), Some(word.as_str()));
        }
    }
}
