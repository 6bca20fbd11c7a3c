//! Codes for patterns.

use super::codes;

codes! {
    /// A service takes its defaults from a pattern that does not exist.
    UNKNOWN_PATTERN = "SW801", Error, "unknown pattern";
}
