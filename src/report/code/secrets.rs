//! Codes for secrets.

use super::codes;

codes! {
    /// A secret stands inside of a longer text, or where only a text can be.
    ///
    /// The value of a secret never stands in a unit, a label or an argument list, so it cannot be
    /// a part of a text. Give the parts one by one (most programs take user, password and host
    /// each for itself), mount the secret as a file, or make the whole text a secret.
    SECRET_IN_TEXT = "SW601", Error, "secret used as text";

    /// `${name}` is neither a variable nor a declared secret; it is taken as a secret of Podman.
    ///
    /// Declare it, so that a spelling mistake is told: `secrets:` with `name: {}`.
    ASSUMED_SECRET = "SW602", Warning, "undeclared secret";

    /// A secret has more than one source.
    TWO_SOURCES = "SW603", Error, "secret with two sources";

    /// A password stands in the file as it is.
    ///
    /// Everyone who sees the file, the unit, or `podman inspect` sees it. Make it a secret:
    /// `printf %s VALUE | podman secret create NAME -`, and write `${NAME}`.
    PLAIN_PASSWORD = "SW604", Warning, "password in plain text";

    /// A variable gets its value twice, by `environment` and by `secrets`.
    VARIABLE_TWICE = "SW605", Error, "variable given twice";

    /// A part of a secret that does not fit how the service gets it.
    SECRET_PARTS = "SW606", Error, "part does not fit";
}
