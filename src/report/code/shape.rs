//! Codes for the shape of a stack file and its single values.

use super::codes;

codes! {
    /// A key that the stack language does not know at this place.
    ///
    /// It would otherwise be ignored in silence. Keys that begin with `x-` are yours: they may
    /// stand anywhere and are never read.
    UNKNOWN_KEY = "SW101", Error, "unknown key";

    /// A key that must be given is not.
    MISSING_KEY = "SW102", Error, "missing key";

    /// A value is of another kind than its key takes: a list for a text, a text for a number.
    WRONG_KIND = "SW103", Error, "wrong kind of value";

    /// A word that is not among those its key takes.
    NOT_A_CHOICE = "SW104", Error, "not one of the choices";

    /// A number, a length or a count outside of its bounds.
    OUT_OF_RANGE = "SW105", Error, "out of range";

    /// A plain word that YAML readers take in different ways.
    ///
    /// YAML 1.1 reads `yes` and `on` as true, `017` and `0o17` as fifteen, `1_000` as a thousand,
    /// `22:22` as 1342. YAML 1.2, which this reader follows, does not. Where a truth value or a
    /// number is wanted such a word is refused; where a text is wanted it is read as written.
    AMBIGUOUS = "SW106", Error, "reads differently elsewhere";

    /// `${name}` stands alone where no secret can be, and no variable of that name is set.
    ///
    /// Alone as a value, `${name}` is a variable or, where the container gets a variable, a secret.
    /// Anywhere else, such as in `image` or `memory`, it must be a variable. Give it in the
    /// environment, in `.env` or by `--env-file`, or write a default: `${name:-default}`.
    SECRET_MISPLACED = "SW107", Error, "neither a variable nor a secret";

    /// A control character in a value that can hold none.
    CONTROL_CHARACTER = "SW108", Error, "control character";

    /// Not a duration such as `30s`, `1m30s` or `500ms`.
    DURATION = "SW110", Error, "not a duration";

    /// Not a size such as `512M` or `2g`.
    SIZE = "SW111", Error, "not a size";

    /// Not a port mapping such as `8080:80`, `127.0.0.1:80:80/tcp` or `9000-9010:9000-9010`.
    PORT = "SW112", Error, "not a port";

    /// Not a mount such as `/srv/photos:/photos:ro,Z` or `data:/var/lib/data`.
    MOUNT = "SW113", Error, "not a mount";

    /// Not an image reference such as `docker.io/library/redis:7-alpine`.
    IMAGE = "SW114", Error, "not an image reference";

    /// Not a command: a quote in it is not closed, or it is empty.
    COMMAND = "SW115", Error, "not a command";

    /// Not an IP address, a subnet or an address range.
    ADDRESS = "SW116", Error, "not an address";

    /// Not a file mode such as `0440`.
    MODE = "SW117", Error, "not a file mode";

    /// Not a user or `user:group`, by name or number.
    USER = "SW118", Error, "not a user";

    /// Not a restart policy.
    RESTART = "SW119", Error, "not a restart policy";

    /// Not a number of processors such as `1.5` or `150%`.
    CPUS = "SW120", Error, "not a number of processors";

    /// Not a limit such as `1024` or `1024:2048`.
    ULIMIT = "SW121", Error, "not a limit";

    /// Not a device such as `/dev/dri` or `/dev/ttyUSB0:/dev/ttyUSB0:rw`.
    DEVICE = "SW122", Error, "not a device";

    /// Not the name of a systemd unit such as `traefik.service`.
    UNIT = "SW123", Error, "not a unit name";

    /// Not the name of a variable: letters, digits and `_`, not beginning with a digit.
    VARIABLE_NAME = "SW124", Error, "not a variable name";

    /// Not a name of services, networks, volumes, secrets or files.
    ///
    /// A name becomes a unit, a container and a host name in DNS, so it is made of lower-case
    /// letters, digits, `-`, `_` and `.`, begins and ends with a letter or digit, and has at most
    /// 63 characters.
    NAME = "SW125", Error, "not a name";

    /// Not a host name: letters, digits and `-`, in parts of at most 63 characters between dots.
    HOST = "SW126", Error, "not a host name";

    /// Not a URL such as `http://web:8080/health`.
    URL = "SW127", Error, "not a URL";

    /// Not a path of the kind that is wanted here.
    PATH = "SW128", Error, "not a path";

    /// Not a regular expression.
    PATTERN = "SW129", Error, "not a regular expression";

    /// A format of stack files that this version does not know; there is one so far, `version: 1`.
    VERSION = "SW130", Error, "unknown format version";

    /// A text that must match a form and does not.
    FORM = "SW131", Error, "not of the right form";

    /// The file was read without a complaint and still does not fit; please report it.
    UNEXPECTED = "SW199", Error, "cannot be read";
}
