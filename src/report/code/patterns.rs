//! Codes for patterns.

use super::codes;

codes! {
    /// A service takes its defaults from a pattern that does not exist.
    UNKNOWN_PATTERN = "SW801", Error, "unknown pattern";

    /// A pattern's name is not that of its file.
    ///
    /// A service finds its pattern by the name of the file, `patterns/NAME.yml`; a name in it that
    /// says something else would mislead.
    PATTERN_NAME = "SW802", Error, "a pattern with another name";

    /// A pattern uses a parameter that it does not have.
    ///
    /// In a pattern, `${name}` is a parameter. A variable of the stack file that is written from it
    /// has two dollars there: `$${TZ:-Etc/UTC}`.
    UNKNOWN_PARAMETER = "SW803", Error, "unknown parameter";

    /// The default or the example of a parameter is not what its type says, or there is neither.
    ///
    /// A pattern is checked with its examples, and those who use it begin with them.
    PARAMETER_VALUE = "SW804", Error, "a value that a parameter does not take";
}
