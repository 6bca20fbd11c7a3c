//! Codes for raw keys, patterns, the project's configuration and silenced rules.

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

    /// A service takes its defaults from a pattern that does not exist.
    UNKNOWN_PATTERN = "SW801", Error, "unknown pattern";

    /// A note that silences a rule gives no reason.
    ///
    /// Write why: `# stackwright: allow(SW422) the tag moves on purpose`. In a year nobody knows.
    SILENCE_WITHOUT_REASON = "SW901", Error, "silenced without a reason";

    /// A note silences a rule that says nothing here.
    SILENCE_UNUSED = "SW902", Warning, "silences nothing";

    /// A note or the configuration names a code that does not exist.
    SILENCE_UNKNOWN = "SW903", Error, "unknown code";

    /// An error cannot be silenced; only hints and warnings can.
    SILENCE_ERROR = "SW904", Error, "errors cannot be silenced";
}
