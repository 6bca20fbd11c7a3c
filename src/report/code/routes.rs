//! Codes for routes of Traefik.

use super::codes;

codes! {
    /// A route without a port, in a file for Traefik.
    ///
    /// Labels may leave the port out: Traefik asks the engine which ports the image has. A file has
    /// to name it. Give the route a `port`, or tell of the only one under `expose`.
    ROUTE_WITHOUT_PORT = "SW350", Error, "route without a port";

    /// A route to a container that has no name in any network, in a file for Traefik.
    ///
    /// A container with the network of the machine, or with none, is not found by its name.
    ROUTE_WITHOUT_NAME = "SW351", Error, "route to a container without a name";

    /// A route without a rule, in a file for Traefik.
    ///
    /// For labels, Traefik makes up a rule from the name of the container; for a file it does not.
    ROUTE_WITHOUT_RULE = "SW352", Error, "route without a rule";

    /// A label that Traefik does not know.
    ///
    /// One such label makes Traefik leave out the whole container, without a word where people
    /// look.
    UNKNOWN_LABEL = "SW353", Error, "unknown label of Traefik";

    /// The value of a label is not of the kind that Traefik wants there.
    LABEL_VALUE = "SW354", Error, "wrong value of a label of Traefik";

    /// A rule that Traefik 3 does not understand.
    ///
    /// Its router is refused, and nobody is told where people look. Rules are matchers such as
    /// ``Host(`a.example.org`)``, joined by `&&` and `||`.
    RULE = "SW355", Error, "rule that Traefik refuses";

    /// A rule that Traefik takes, and that most likely does not do what is meant.
    ODD_RULE = "SW356", Warning, "rule that is likely not meant so";

    /// Two routes claim the same requests.
    ///
    /// Traefik sends them to one of the two, and which one that is may change with every start.
    /// Give one of them another host, path or entry point, or both a `priority`.
    CLAIMED_TWICE = "SW357", Error, "requests claimed by two routes";
}
