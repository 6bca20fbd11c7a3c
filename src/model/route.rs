//! Routes: which requests Traefik sends to a service.

use super::at::At;
use super::layer::{Additive, Layer, Map, Section, layered};
use super::text::Name;
use super::variable::Plain;

layered! {
    /// One route of Traefik to one port of the service.
    pub struct TraefikLabels {
        /// Whether Traefik sees the service.
        pub enabled: Option<At<bool>>,
        /// Which requests it takes, such as ``Host(`photos.example.org`)``.
        #[serde(alias = "rule")]
        #[schemars(extend("x-alias" = ["rule"]))]
        pub router_rule: Option<At<String>>,
        /// The entry points it listens on, separated by commas.
        #[serde(alias = "entrypoints")]
        #[schemars(extend("x-alias" = ["entrypoints"]))]
        pub router_entrypoints: Option<At<String>>,
        /// The middlewares a request goes through, in their order.
        pub middlewares: Additive<String>,
        /// Whether the router speaks TLS.
        pub tls: Option<At<bool>>,
        /// Who resolves its certificate.
        pub tls_certresolver: Option<At<String>>,
        /// The port of the container that requests are sent to.
        #[schemars(range(min = 1, max = 65_535))]
        pub port: Option<At<u32>>,
        /// How the service is spoken to.
        pub scheme: Option<At<Scheme>>,
        /// Its weight against other routers; the longer rule wins where none is given.
        pub priority: Option<At<i64>>,
    }
}

/// How Traefik speaks to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// HTTP/2 without TLS, for gRPC.
    H2c,
}

impl Scheme {
    /// The word for it, as addresses have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
        }
    }
}

layered! {
    /// One of several routes of a service.
    #[schemars(extend("required" = ["rule"]))]
    pub struct Route {
        /// Which requests it takes, such as ``Host(`photos.example.org`) && PathPrefix(`/api`)``.
        pub rule: Option<At<String>>,
        /// The entry points it listens on.
        pub entrypoints: Additive<String>,
        /// The middlewares a request goes through, in their order.
        pub middlewares: Additive<String>,
        /// Whether it speaks TLS.
        pub tls: Option<At<bool>>,
        /// Who resolves its certificate.
        pub tls_certresolver: Option<At<String>>,
        /// The port of the container that requests are sent to.
        #[schemars(range(min = 1, max = 65_535))]
        pub port: Option<At<u32>>,
        /// How the service is spoken to.
        pub scheme: Option<At<Scheme>>,
        /// Its weight against other routers; the longer rule wins where none is given.
        pub priority: Option<At<i64>>,
        /// The share of requests against other services of the same router.
        #[schemars(range(min = 0, max = 1000))]
        pub weight: Option<At<u32>>,
        /// Whether a visitor stays with one replica.
        pub sticky: Option<At<bool>>,
        /// The name of the service in Traefik, to be shared by several routers.
        pub service: Option<At<Name>>,
    }
}

layered! {
    /// A middleware of Traefik that the stack defines: its kind, and the options of that kind.
    pub struct Middleware {
        /// The kind, such as `rateLimit`, `headers`, `basicAuth`, `stripPrefix`.
        #[serde(rename = "type")]
        pub kind: Option<At<String>>,
        /// Its options, by the dotted names of Traefik's labels, such as `average: 100`.
        pub options: Map<Plain>,
    }
}

/// The law of a map of sections is that of its values.
impl<T: Layer> Section<T> {
    /// Whether nothing is given.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}
