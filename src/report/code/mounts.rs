//! Codes for mounts and privileges.

use super::codes;

codes! {
    /// A mount of a path that is relative to the stack file.
    ///
    /// It is read as beside the stack file. Units need whole paths, so the stack means other
    /// folders when the file is moved. Write the whole path, or give a configuration file under
    /// `files`, which is placed by its content.
    RELATIVE_MOUNT = "SW501", Warning, "relative mount";

    /// A mount that gives a container power over the whole machine.
    ///
    /// `/` and its system folders writable, or the folders of container engines: whoever breaks
    /// into the container owns the machine. Mount less, or read-only.
    DANGEROUS_MOUNT = "SW502", Warning, "dangerous mount";

    /// The socket of Podman or Docker in a container: it can start any other container.
    ENGINE_SOCKET = "SW503", Warning, "engine socket in a container";

    /// A folder that two services share is labelled for one of them alone.
    ///
    /// `:Z` gives a folder the private label of one container, and takes it from the other.
    /// Write `:z` in both.
    PRIVATE_LABEL_SHARED = "SW504", Error, "private label on a shared folder";

    /// `:Z` or `:z` on a system folder would change the label of the machine's own files.
    LABEL_ON_SYSTEM = "SW505", Error, "label on a system folder";

    /// Two mounts at one place of a container.
    TARGET_TAKEN = "SW506", Error, "mount over a mount";

    /// A privileged container is hardly separated from the machine.
    PRIVILEGED = "SW510", Warning, "privileged container";

    /// A capability that is as good as all of them.
    BROAD_CAPABILITY = "SW511", Warning, "broad capability";

    /// A capability that Linux does not know.
    UNKNOWN_CAPABILITY = "SW512", Error, "unknown capability";

    /// A protection that is switched off as a whole: `seccomp` or AppArmor `unconfined`.
    UNCONFINED = "SW513", Warning, "protection switched off";

    /// A container in a namespace of the machine: its processes, its network.
    HOST_NAMESPACE = "SW514", Hint, "namespace of the machine";

    /// A limit of processes that Linux does not know.
    UNKNOWN_ULIMIT = "SW515", Error, "unknown limit";
}
