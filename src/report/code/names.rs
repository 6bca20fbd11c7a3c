//! Codes for names, ports, networks and what is declared.

use super::codes;

codes! {
    /// A service's name has a meaning for systemd or Podman already.
    RESERVED_NAME = "SW301", Error, "reserved name";

    /// Two services, or two networks or volumes in Podman, have the same name; or a service joins a
    /// network twice.
    DUPLICATE_NAME = "SW302", Error, "name given twice";

    /// Two units would have the same name.
    ///
    /// A service `web` becomes `web.service`, a network `web` becomes `web-network.service`, a
    /// volume `web` becomes `web-volume.service`, and a service with replicas becomes
    /// `name-1.service` and so on. A service called `web-network` and a network `web` collide.
    UNIT_COLLISION = "SW303", Error, "two units of one name";

    /// Two containers would have the same name, in one stack or in two.
    ///
    /// Podman knows all containers of a user by one name each, whatever stack they belong to.
    CONTAINER_COLLISION = "SW304", Error, "two containers of one name";

    /// Two stack files have the same stack name.
    STACK_COLLISION = "SW305", Error, "two stacks of one name";

    /// A network or a volume of two stacks has the same name in Podman.
    OBJECT_COLLISION = "SW306", Error, "owned by two stacks";

    /// A service without a name of its own in DNS: a name with `.` or `_` is looked up by few.
    NOT_A_DNS_LABEL = "SW307", Hint, "name is no host name";

    /// A bidirectional or invisible character, which makes a text look like another one.
    INVISIBLE_CHARACTER = "SW308", Error, "invisible character";

    /// A container's own name that Podman may take for the beginning of an ID.
    ///
    /// Where no container is called `db`, Podman means the one whose ID begins with `db`: starting
    /// or stopping such a service can take away a container that has nothing to do with it. IDs
    /// consist of digits and the letters a to f, and `_` stands for any character. A service that
    /// is called so gets a container with a number (`db-1`), which stays `db` on its networks.
    READS_AS_ID = "SW309", Warning, "container name reads as an ID";

    /// One port of the machine is taken twice.
    ///
    /// Two mappings collide when protocol and port are the same and their addresses overlap: no
    /// address means all of them. Ranges collide where they overlap.
    PORT_TAKEN = "SW310", Error, "host port taken twice";

    /// A rootless user may not listen on ports below 1024 on most machines.
    ///
    /// Lower the limit (`sysctl net.ipv4.ip_unprivileged_port_start=80`), let systemd hold the
    /// port by a socket unit, or take a higher port.
    LOW_PORT = "SW311", Hint, "port below 1024";

    /// Ports of a service that uses the network of the machine or none are not mapped.
    PORTS_WITHOUT_NETWORK = "SW312", Error, "ports without a network of its own";

    /// Something of which there can be only one is given to a service with several replicas.
    NOT_FOR_REPLICAS = "SW313", Error, "cannot be shared by replicas";

    /// A service joins a network that the stack does not know.
    ///
    /// Declare it under `networks` (the stack owns it, or it is `external: true`), or name it in
    /// `shared.networks` (it is external and must exist).
    UNDECLARED_NETWORK = "SW320", Error, "undeclared network";

    /// A service mounts a volume that the stack does not know.
    ///
    /// Declare it under `volumes`. A folder is written with a slash: `/srv/data`, `./data`,
    /// `~/data`.
    UNDECLARED_VOLUME = "SW321", Error, "undeclared volume";

    /// A service mounts a file that the stack does not know.
    UNDECLARED_FILE = "SW322", Error, "undeclared file";

    /// A service gets a secret that the stack does not know.
    UNDECLARED_SECRET = "SW323", Error, "undeclared secret";

    /// Something is declared and used by no service.
    UNUSED = "SW324", Hint, "declared and never used";

    /// An address, a gateway or a range does not lie in the subnet of its network.
    ///
    /// A network of the stack without a `subnet` gets one that Podman chooses, so that no address
    /// in it can be fixed.
    OUTSIDE_SUBNET = "SW325", Error, "address outside of the subnet";

    /// Two services have the same address in one network, or one has that of the gateway.
    ADDRESS_TAKEN = "SW326", Error, "address taken twice";

    /// A service has networks and a `network_mode`, which exclude each other.
    TWO_NETWORK_MODES = "SW327", Error, "networks beside a network mode";

    /// The subnets of two networks overlap.
    SUBNETS_OVERLAP = "SW328", Error, "subnets overlap";

    /// A fixed address lies in the range that is given to containers without one.
    ADDRESS_IN_RANGE = "SW329", Warning, "fixed address in the dynamic range";

    /// A network mode refers to a service that is not in the stack.
    UNKNOWN_NETWORK_SERVICE = "SW330", Error, "network of no service";

    /// A file or unit has no content, or two.
    ONE_CONTENT = "SW331", Error, "content not given once";
}
