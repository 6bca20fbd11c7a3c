//! Codes for the project's configuration and silenced rules.

use super::codes;

codes! {
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
