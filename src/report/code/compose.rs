//! Codes for what Compose cannot express.

use super::codes;

codes! {
    /// Something that Compose has no word for; it is left out of its files.
    ///
    /// What systemd does (slices, weights, sockets, raw keys), what only Podman knows
    /// (`memory_high`, `auto_update`, maps of users), and what tools that read Compose files do
    /// not do. The same stack still means all of it as units.
    LEFT_OUT = "SW720", Warning, "left out of Compose files";

    /// A service waits for more than Compose can wait for.
    ///
    /// Compose knows that a container was started, that its health check succeeded, and that it
    /// ran to its end. What else makes a service ready is not looked at. Put it into the health
    /// check if it matters.
    NOT_WAITED_FOR = "SW721", Warning, "Compose does not wait for it";

    /// The services of the stack share a pod, which Compose does not have.
    ///
    /// In a pod, services reach each other at `localhost`; with Compose, each by its name.
    NO_POD = "SW722", Error, "Compose has no pods";

    /// Two secrets have one environment variable.
    ///
    /// Compose takes secrets from variables of `.env`, whose names have letters, digits and `_`
    /// alone: `db-password` and `db.password` would both be `db_password`.
    ONE_VARIABLE = "SW723", Error, "two secrets in one variable";

    /// A group is called as one of the files that every stack with groups has.
    ///
    /// `compose.base.yml` holds what all groups need, `compose.all.yml` the whole stack. The file
    /// of a group `base` or `all` would be the same one.
    GROUP_IS_A_FILE = "SW724", Error, "group named like a Compose file";
}
