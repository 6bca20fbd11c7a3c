//! Codes for what a host lacks, or has that stands in the way of a stack.

use super::codes;

codes! {
    /// The units are written for a newer Podman than the one that runs here.
    ///
    /// A key that it does not know makes Quadlet drop the whole unit. Take a newer Podman from the
    /// distribution.
    OLD_PODMAN = "SW850", Error, "Podman is too old";

    /// This Podman is newer than all whose keys are known.
    ///
    /// Units are written as for the one that the configuration names, which newer ones have always
    /// understood.
    NEW_PODMAN = "SW851", Warning, "Podman is newer than those that are known";

    /// A unit has a key that came with a newer systemd than the one that runs here.
    ///
    /// systemd passes over a key that it does not know, and the service runs without what it says.
    OLD_SYSTEMD = "SW852", Warning, "systemd is too old for a key";

    /// The service manager or Podman cannot be asked.
    ///
    /// A user's services need a login that systemd knows about: after `su` or `sudo` there is none.
    /// `loginctl enable-linger USER` keeps one, `machinectl shell USER@` opens one.
    UNREACHABLE = "SW853", Error, "the host cannot be asked";

    /// The services of the user end with the last login.
    ///
    /// `loginctl enable-linger` lets them live on, and starts them with the machine.
    NO_LINGER = "SW854", Error, "services end with the login";

    /// A rootless user has no numbers to give to the users inside of containers, or too few.
    ///
    /// Podman takes them from `/etc/subuid` and `/etc/subgid`; images need 65536 of each. Without
    /// them, most images cannot even be unpacked.
    SUBORDINATE_IDS = "SW855", Error, "too few numbers for users in containers";

    /// The folder for the sockets of the user is not there, or belongs to somebody else.
    ///
    /// Podman keeps there what it knows about running containers. Units always use `/run/user/UID`:
    /// with another `XDG_RUNTIME_DIR`, we would look at other containers than those that run.
    RUNTIME_FOLDER = "SW856", Error, "runtime folder cannot be used";

    /// A unit limits what the kernel does not count for this user's services.
    ///
    /// systemd hands `cpu`, `cpuset`, `io`, `memory` and `pids` on to the manager of a user only as
    /// far as it is told to. Without that, the limit is passed over, or the container does not
    /// start.
    NO_CONTROLLER = "SW857", Warning, "limit without a controller";

    /// The generator of Quadlet, as it is installed here, makes no service of a unit of the stack,
    /// or complains about it.
    ///
    /// It was asked about the new units together with all that is there.
    QUADLET_REFUSES = "SW858", Error, "Quadlet refuses a unit";

    /// A unit of somebody else takes units away when they are read anew.
    ///
    /// Some versions of Quadlet drop every unit of a folder, or break down, for one bad line of
    /// one file. systemd calls that a success, and the services are gone.
    POISONED = "SW859", Error, "a neighbour spoils what Quadlet makes";

    /// Quadlet complains about a unit that is not of this stack; all others are made.
    COMPLAINT = "SW860", Warning, "Quadlet complains about a neighbour";

    /// Somebody else may write into a folder that units are read from.
    ///
    /// Whoever can put a unit there runs programs as you. A folder above that others may write is
    /// as bad: what lies in it can be replaced.
    OPEN_FOLDER = "SW861", Error, "others may write units";

    /// A file stands where a link of the stack has to be, and is not of this stack.
    FOREIGN_FILE = "SW862", Error, "a file of somebody else is in the way";

    /// A unit of the stack is masked, which forbids it to start.
    MASKED = "SW863", Error, "unit is masked";

    /// systemd knows a unit of this name from a file that is not of this stack.
    FOREIGN_UNIT = "SW864", Error, "unit of somebody else";

    /// A container, network or volume of this name is there and not of this stack.
    ///
    /// Starting the unit would replace the container, or share the network or the data.
    FOREIGN_OBJECT = "SW865", Error, "name is taken in Podman";

    /// Something else listens on a port that the stack publishes.
    ///
    /// Who it is can be told only of processes that this user may look at.
    PORT_TAKEN = "SW866", Error, "port is taken";

    /// A rootless user may not listen on a port that low.
    ///
    /// `sysctl net.ipv4.ip_unprivileged_port_start=80` lets every user do so from 80 on; a file in
    /// `/etc/sysctl.d` keeps that.
    LOW_PORT = "SW867", Error, "port is too low for a user";

    /// A service joins a network that is not there and that the stack does not make.
    NO_NETWORK = "SW868", Error, "network is not there";

    /// A service mounts an external volume that is not there.
    ///
    /// Podman would make an empty one of that name, and the service would start without its data.
    NO_VOLUME = "SW869", Error, "volume is not there";

    /// A service takes a secret that is not there and that the stack does not make.
    NO_SECRET = "SW870", Error, "secret is not there";

    /// A secret is there with another value than the stack gives it, and is not of this stack.
    FOREIGN_SECRET = "SW871", Error, "secret of somebody else";

    /// A service uses a device that is not there.
    ///
    /// With a `-` in front, a device that is missing is left out.
    NO_DEVICE = "SW872", Error, "device is not there";

    /// A service uses a device that this user may not read.
    ///
    /// Become a member of the device's group (`render`, `video`, `dialout`), log in anew, and let
    /// the container keep it by `group_add: [keep-groups]`.
    CLOSED_DEVICE = "SW873", Warning, "device may not be used";

    /// A service mounts a path of the host that is not there.
    ///
    /// Podman makes no folders: the container would not start.
    NO_SOURCE = "SW874", Error, "mounted path is not there";

    /// A service mounts a path that this user may not read.
    ///
    /// A rootless container can do there what its user can, and nothing more.
    CLOSED_SOURCE = "SW875", Warning, "mounted path may not be read";

    /// SELinux will keep a container from a mounted path.
    ///
    /// `:z` gives the path a label that all containers may use, `:Z` one for this container alone.
    FOREIGN_LABEL = "SW876", Warning, "label of a mounted path";

    /// A path is to be without copy-on-write and is not.
    ///
    /// On btrfs, databases and disks of machines become slow when each change goes to another
    /// place. `chattr +C` has an effect on an empty folder, and on files that are made in it.
    COPY_ON_WRITE = "SW877", Warning, "mounted path copies on write";

    /// The services may take more memory than there is, or want more kept for them than is left.
    MEMORY = "SW878", Warning, "more memory is asked for than there is";

    /// There is no room for the units and files of the stack.
    NO_ROOM = "SW879", Error, "no room";

    /// Images have to be fetched and there is little room for them.
    LITTLE_ROOM = "SW880", Warning, "little room for images";

    /// An image is not there, and its service does not let it be fetched.
    NO_IMAGE = "SW881", Error, "image is not there";

    /// An image is made for another kind of processor, and nothing here runs it.
    ARCHITECTURE = "SW882", Error, "image for another processor";

    /// The host of a route has no address, or one of another machine.
    ///
    /// Requests do not get here by this name. That is as it should be where a router or a tunnel
    /// leads them on.
    ROUTE_HOST = "SW883", Warning, "host of a route leads elsewhere";

    /// Nothing sets the clock of this machine.
    ///
    /// With a wrong time, certificates are refused, tokens expire and logs mislead.
    CLOCK = "SW884", Warning, "clock is not set";
}
