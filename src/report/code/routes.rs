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

    /// A route never gets the requests that it claims, as another one claims them too.
    ///
    /// Where no `priority` is given, the longer rule comes first: of two routes for one host, the
    /// one whose rule has more characters takes all of its requests.
    NEVER_REACHED = "SW358", Warning, "route that never gets its requests";

    /// A certificate resolver for a route that is not to speak TLS.
    ///
    /// With TLS turned off, nobody asks for the certificate. Where nothing is said about TLS, a
    /// resolver turns it on; it is clearer to say so.
    RESOLVER_WITHOUT_TLS = "SW359", Error, "certificate resolver without TLS";

    /// A route leads to a port of which the service does not tell, while it tells of others.
    ///
    /// Traefik speaks to the container itself, in a network that they share. So the port is that of
    /// the container and not the one of this machine that `ports` maps to it. Ports that only
    /// Traefik uses can be told of by `expose`.
    OTHER_PORT = "SW360", Warning, "route to a port that the service does not tell of";

    /// A route leads to a service with which Traefik shares no network.
    ///
    /// Traefik is the service whose image is called so, among the stacks that are read together.
    /// It waits for an answer until it gives up, or finds nobody by that name. Let both join one
    /// network; `traefik.docker.network` names one that the service is in.
    UNREACHED = "SW361", Warning, "service that Traefik does not reach";

    /// A router does not say which of several services of its container it means.
    ///
    /// Traefik leaves such a router out. Name the service by the label
    /// `traefik.http.routers.NAME.service`; `routes` do so by themselves.
    WITHOUT_SERVICE = "SW362", Error, "router that could mean several services";

    /// A router or a middleware refers to what no stack defines that is read together with it.
    ///
    /// Traefik turns the router off. A name without `@` is one of the same provider; what a file or
    /// another provider defines is named with it, as in `auth@file`. A middleware of a stack gets
    /// to Traefik with the labels of a route that goes through it.
    UNDEFINED = "SW363", Warning, "middleware or service that nobody defines";

    /// A middleware of a type, or with an option, that Traefik does not know.
    ///
    /// It becomes a label, and one label that Traefik does not know makes it leave out the whole
    /// container.
    UNKNOWN_OPTION = "SW364", Error, "type or option of a middleware that Traefik does not know";

    /// Two things in Traefik have one name and differ.
    ///
    /// The routers, services and middlewares of all containers share their names. What two
    /// containers define by one name has to be alike, except for the servers of a service; if it
    /// is not, Traefik drops both.
    SAME_NAME = "SW365", Error, "one name for two things in Traefik";
}
