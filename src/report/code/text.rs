//! Codes for reading files, YAML and variables.

use super::codes;

codes! {
    /// A file cannot be read.
    ///
    /// It does not exist, is not a regular file, or may not be read by this user. Pipes, devices
    /// and folders are refused, because a stack must read the same twice. A name without a slash
    /// is looked up as `stacks/NAME.yml` and `stacks/NAME/stack.yml`.
    UNREADABLE = "SW001", Error, "file cannot be read";

    /// A file is larger than a stack file may be.
    ///
    /// The limit keeps a mistaken path (a disk image, a log) from filling the memory. Put large
    /// contents in files beside the stack and name them in `files`.
    TOO_LARGE = "SW002", Error, "file too large";

    /// A file is not UTF-8 text.
    ///
    /// YAML files are UTF-8. A file that begins with the bytes FF FE or FE FF was saved as UTF-16;
    /// save it again as UTF-8, without a byte order mark.
    NOT_TEXT = "SW003", Error, "not UTF-8 text";

    /// The text is not YAML.
    ///
    /// The place is where the reader had to give up; the cause is often a little above it: an
    /// indentation that differs from its neighbours, a tab, a quote that is not closed, or a
    /// plain text with `: ` or ` #` in it that needs quotes. What stands above the place is still
    /// checked; what is missing from there on is not told.
    SYNTAX = "SW004", Error, "not YAML";

    /// Values nest deeper than any stack needs.
    TOO_DEEP = "SW005", Error, "nested too deep";

    /// The file holds too many values, or its aliases repeat too many.
    ///
    /// An alias costs a few letters and repeats a whole value, so that a small file can mean
    /// billions of values. A file may repeat ten thousand values, or ten times what it holds.
    TOO_MANY_VALUES = "SW006", Error, "too many values";

    /// A key is given twice in one mapping.
    ///
    /// YAML readers differ in which of the two they keep, so neither is taken.
    DUPLICATE_KEY = "SW007", Error, "key given twice";

    /// An alias names an anchor that does not stand above it.
    UNKNOWN_ANCHOR = "SW008", Error, "alias of nothing";

    /// An alias repeats the very value that it stands in, which would never end.
    ALIAS_CYCLE = "SW009", Error, "alias in its own value";

    /// A YAML tag that means nothing in a stack file.
    ///
    /// `!!str`, `!!int`, `!!bool`, `!!float`, `!!null`, `!!seq` and `!!map` are understood. There
    /// are no tags that include files or run code.
    UNKNOWN_TAG = "SW010", Error, "unknown tag";

    /// A file holds more than one YAML document.
    SECOND_DOCUMENT = "SW011", Error, "more than one document";

    /// A key is a list or a mapping instead of a word.
    COMPLEX_KEY = "SW012", Error, "key is not a word";

    /// `<<` is given something that is no mapping.
    MERGE_KEY = "SW013", Error, "nothing to merge";

    /// The file holds no value at all.
    EMPTY = "SW014", Error, "empty file";

    /// A `${…}` is not written as variables are.
    ///
    /// The forms are `$NAME`, `${NAME}`, `${NAME:-default}` (when unset or empty),
    /// `${NAME-default}` (when unset), `${NAME:?message}` and `${NAME?message}` (an error when
    /// missing), `${NAME:+other}` and `${NAME+other}` (when given). A dollar that is meant as one
    /// is written `$$`.
    VARIABLE_SYNTAX = "SW020", Error, "malformed variable";

    /// A variable that the stack requires, written `${NAME:?message}`, is not given.
    ///
    /// Give it in the environment, in `.env` beside the stack file, or by `--env-file`.
    VARIABLE_REQUIRED = "SW021", Error, "required variable is missing";

    /// A variable is not given and has no default; it counts as empty.
    ///
    /// Give it in the environment, in `.env` beside the stack file or by `--env-file`, or write
    /// a default: `${NAME:-default}`.
    VARIABLE_UNSET = "SW022", Warning, "variable is not set";

    /// A line of an env file is not `NAME=value`.
    ENV_LINE = "SW023", Error, "malformed line in an env file";

    /// A path leads out of the stack's folder.
    ///
    /// Includes, env files and files of a stack stay inside the folder of the stack file, also
    /// after symbolic links are followed. A stack that someone sends you cannot read your keys.
    OUTSIDE = "SW024", Error, "path leaves the stack's folder";

    /// An include includes itself, directly or by way of others.
    INCLUDE_CYCLE = "SW025", Error, "include of itself";
}
