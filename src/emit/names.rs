//! Names of fields, keys and functions, each found at the first look.

/// Names with what they stand for.
///
/// A template asks for every key there is, and a unit has few of them: chains of names with the
/// same hash tell at the first look that most of them are not there.
#[derive(Debug)]
pub struct Names<T> {
    /// By hash the last name of its chain: its place, counted from one.
    chains: [u16; 256],
    all: Vec<Named<T>>,
}

/// A name in the chain of its hash.
#[derive(Debug)]
struct Named<T> {
    mark: u64,
    name: &'static str,
    value: T,
    /// The one before in the chain: its place, counted from one.
    before: u16,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { chains: [0; 256], all: Vec::with_capacity(48) }
    }
}

impl<T> FromIterator<(&'static str, T)> for Names<T> {
    fn from_iter<I: IntoIterator<Item = (&'static str, T)>>(names: I) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|(name, value)| all.set(name, value));
        all
    }
}

impl<T> Names<T> {
    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.all.get(self.place(mark(name), name)?).map(|known| &known.value)
    }

    /// Lets a name stand for something.
    pub fn set(&mut self, name: &'static str, value: T) {
        let mark = mark(name);
        let known = self.place(mark, name).and_then(|place| self.all.get_mut(place));
        if let Some(known) = known {
            known.value = value;
            return;
        }
        let place = u16::try_from(self.all.len() + 1).unwrap_or(0);
        if let Some(last) = self.chains.get_mut(hash(mark)) {
            let before = std::mem::replace(last, place);
            self.all.push(Named { mark, name, value, before });
        }
    }

    /// All names, in the order in which they were set first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.all.iter().map(|known| known.name)
    }

    /// Where a name is.
    fn place(&self, mark: u64, name: &str) -> Option<usize> {
        let mut next = *self.chains.get(hash(mark))?;
        loop {
            let place = usize::from(next.checked_sub(1)?);
            let known = self.all.get(place)?;
            if known.mark == mark && known.name == name {
                return Some(place);
            }
            next = known.before;
        }
    }
}

/// The chain of a mark; a factor without a pattern spreads them.
fn hash(mark: u64) -> usize {
    (mark.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// The beginning and the end of a name in one number, in which nearly all names differ: most names
/// that a template asks for are not there, and no text has to be compared for them.
fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes();
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(0, |mark, byte| mark << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_among_more_names_than_there_are_chains() {
        let texts: Vec<&'static str> =
            (0..600).map(|number| &*format!("a_{number}_z").leak()).collect();
        let mut names: Names<usize> = texts.iter().copied().zip(0..).collect();
        names.set("a_7_z", 7000);
        assert_eq!(names.names().collect::<Vec<_>>(), texts);
        for (place, name) in texts.iter().enumerate() {
            assert_eq!(names.get(name), Some(&if place == 7 { 7000 } else { place }));
        }
        assert_eq!(names.get("a_600_z"), None);
        assert_eq!(names.get(""), None);
    }
}
