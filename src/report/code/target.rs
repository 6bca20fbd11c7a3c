//! Codes for what the target of a stack cannot express.

use super::codes;

codes! {
    /// Something that only a newer Podman can do, and that no flag says to an older one.
    ///
    /// A key that Quadlet does not know makes the whole unit vanish, without an error of systemd.
    /// Units are written for Podman 5.4 unless `--podman` or `podman:` in `.stackwright.yml` says
    /// which version the machine has.
    NEEDS_NEWER = "SW710", Error, "needs a newer Podman";

    /// A command with an empty word, or with a `;` that stands alone.
    ///
    /// Quadlet loses an empty word and every word behind it, and writes a lone `;` so that systemd
    /// takes it as the end of the command. Give the program as `entrypoint`, which keeps every
    /// word, or let a shell run it: `sh -c '…'`.
    LOST_WORD = "SW711", Error, "word that Quadlet loses";

    /// A value that is longer than what the kernel or systemd takes.
    ///
    /// One word of a command line may have 128 KiB, all of a unit's words together 1 MiB. Put what
    /// is longer into a file under `files`.
    TOO_LONG = "SW712", Error, "too long for a unit";

    /// A character that parts values where it would have to stand inside of one.
    ///
    /// Podman splits mounts at `:` and labels at `=`, with no way to write the sign itself.
    SEPARATOR = "SW713", Error, "sign that parts values";

    /// A key of a service that a pod decides for all of its services.
    ///
    /// Services of one pod have one network, one host name and one mapping of users.
    POD_DECIDES = "SW714", Error, "decided by the pod";

    /// A value that cannot be written into a unit by any of its keys.
    UNWRITABLE = "SW715", Error, "cannot be written into a unit";

    /// A template of the user's that makes no unit.
    TEMPLATE = "SW716", Error, "template makes no unit";

    /// Two things of a service that Podman does not do together.
    ///
    /// Its container would not even start.
    NOT_TOGETHER = "SW717", Error, "not together";
}
