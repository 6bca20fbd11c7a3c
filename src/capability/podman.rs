//! Versions of Podman: which there are, and which units can be written for.

use std::fmt;
use std::str::FromStr;

/// A version of Podman, as major and minor number; units do not differ below that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Podman(pub u8, pub u8);

impl Podman {
    /// The oldest that units are written for: the one of Ubuntu 24.04.
    pub const OLDEST: Self = Self(4, 9);
    /// The newest whose keys are known.
    pub const NEWEST: Self = Self(6, 1);
    /// The one that units are written for where nothing else is said: that of Debian 13.
    pub const USUAL: Self = Self(5, 4);

    /// The pattern for editors.
    pub const PATTERN: &str = "^[0-9]+\\.[0-9]+(\\.[0-9]+)?$";
    /// Examples for editors.
    pub const EXAMPLES: &[&str] = &["5.4", "4.9.3"];
}

impl fmt::Display for Podman {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Podman {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('.').map(|part| part.parse::<u8>().ok());
        let (Some(Some(major)), Some(Some(minor))) = (parts.next(), parts.next()) else {
            return Err("that is no version, write one such as 5.4".to_owned());
        };
        let patch = parts.next();
        if patch == Some(None) || parts.next().is_some() {
            return Err("that is no version, write one such as 5.4 or 5.4.2".to_owned());
        }
        let version = Self(major, minor);
        match (Self::OLDEST..=Self::NEWEST).contains(&version) {
            true => Ok(version),
            false => {
                Err(format!("units are written for Podman {} to {}", Self::OLDEST, Self::NEWEST))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_their_last_number() {
        assert_eq!("5.4".parse(), Ok(Podman(5, 4)));
        assert_eq!("4.9.3".parse(), Ok(Podman(4, 9)));
        assert_eq!("6.1".parse(), Ok(Podman(6, 1)));
        for bad in ["", "5", "5.x", "5.4.2.1", "5.4.", "v5.4", "4.8", "6.2", "999.1"] {
            assert!(bad.parse::<Podman>().is_err(), "{bad}");
        }
    }
}
