//! Codes for raw keys.

use super::codes;

codes! {
    /// A raw key that no Quadlet knows in this section; the whole unit would be dropped for it.
    UNKNOWN_RAW_KEY = "SW701", Error, "unknown raw key";

    /// A raw key for something that the language says itself.
    ///
    /// Two sources for one key are one too many: which of them stands depends on the key.
    SHADOWED_RAW_KEY = "SW702", Error, "raw key for a key of the language";

    /// A raw value with a character that a unit file cannot hold.
    RAW_VALUE = "SW703", Error, "raw value cannot be written";

    /// A raw key that decides what a unit is, and is not the stack's to give.
    FORBIDDEN_RAW_KEY = "SW704", Error, "raw key is not allowed";
}
