//! The keys of the labels of Traefik v3 and of v1: the words alone, as a person can extend them.

use std::sync::LazyLock;

use Kind::{Bool, Duration, Free, List, Number, Port, Switch, Text};

/// What the value of a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A truth value as Go writes it.
    Bool,
    /// A whole number.
    Number,
    /// A port, which Traefik keeps as text.
    Port,
    /// A time with its unit, or a number of seconds.
    Duration,
    /// Texts with commas between them.
    List,
    /// `true` for what has settings of its own below and may go without them.
    Switch,
    /// Whatever a plugin wants, at this key and below it.
    Free,
}

/// All keys, without `traefik.`: where they stand, their kind, and their names in a file.
///
/// Lower case gives the label. `<name>` is a name of the user, `[n]` a place in a list. Of several
/// keys that are as near to a misspelt one the first is proposed, so the usual ones come first.
const KEYS: &[(&str, Kind, &str)] = &[
    ("", Bool, "enable"),
    ("docker", Text, "network"),
    ("docker", Bool, "lbSwarm allowNonRunning"),
    ("swarm", Text, "network"),
    ("swarm", Bool, "lbSwarm"),
    ("http.routers.<name>", Text, "rule service ruleSyntax"),
    ("http.routers.<name>", List, "entryPoints middlewares"),
    ("http.routers.<name>", Number, "priority"),
    ("http.routers.<name>", Switch, "tls"),
    ("http.routers.<name>.tls", Text, "certResolver options"),
    ("http.routers.<name>.tls.domains[n]", Text, "main"),
    ("http.routers.<name>.tls.domains[n]", List, "sans"),
    ("http.routers.<name>.observability", Bool, "accessLogs metrics tracing"),
    ("http.routers.<name>.observability", Text, "traceVerbosity"),
    ("http.services.<name>.loadBalancer.server", Port, "port"),
    ("http.services.<name>.loadBalancer.server", Text, "scheme url"),
    ("http.services.<name>.loadBalancer.server", Number, "weight"),
    ("http.services.<name>.loadBalancer.server", Bool, "preservePath"),
    ("http.services.<name>.loadBalancer", Bool, "passHostHeader"),
    ("http.services.<name>.loadBalancer", Text, "serversTransport strategy"),
    ("http.services.<name>.loadBalancer", Switch, "sticky"),
    ("http.services.<name>.loadBalancer.sticky", Switch, "cookie"),
    ("http.services.<name>.loadBalancer.sticky.cookie", Text, "name path domain sameSite"),
    ("http.services.<name>.loadBalancer.sticky.cookie", Bool, "secure httpOnly"),
    ("http.services.<name>.loadBalancer.sticky.cookie", Number, "maxAge"),
    ("http.services.<name>.loadBalancer.healthCheck", Text, "path hostname method mode scheme"),
    ("http.services.<name>.loadBalancer.healthCheck", Number, "port status"),
    ("http.services.<name>.loadBalancer.healthCheck", Duration, "interval timeout"),
    ("http.services.<name>.loadBalancer.healthCheck", Duration, "unhealthyInterval"),
    ("http.services.<name>.loadBalancer.healthCheck", Bool, "followRedirects"),
    ("http.services.<name>.loadBalancer.healthCheck.headers", Text, "<name>"),
    ("http.services.<name>.loadBalancer.passiveHealthCheck", Duration, "failureWindow"),
    ("http.services.<name>.loadBalancer.passiveHealthCheck", Number, "maxFailedAttempts"),
    ("http.services.<name>.loadBalancer.responseForwarding", Duration, "flushInterval"),
    ("http.middlewares.<name>.addPrefix", Text, "prefix"),
    ("http.middlewares.<name>.basicAuth", List, "users"),
    ("http.middlewares.<name>.basicAuth", Text, "usersFile realm headerField"),
    ("http.middlewares.<name>.basicAuth", Bool, "removeHeader"),
    ("http.middlewares.<name>.buffering", Number, "maxRequestBodyBytes memRequestBodyBytes"),
    ("http.middlewares.<name>.buffering", Number, "maxResponseBodyBytes memResponseBodyBytes"),
    ("http.middlewares.<name>.buffering", Text, "retryExpression"),
    ("http.middlewares.<name>.chain", List, "middlewares"),
    ("http.middlewares.<name>.circuitBreaker", Text, "expression"),
    ("http.middlewares.<name>.circuitBreaker", Duration, "checkPeriod"),
    ("http.middlewares.<name>.circuitBreaker", Duration, "fallbackDuration recoveryDuration"),
    ("http.middlewares.<name>.circuitBreaker", Number, "responseCode"),
    ("http.middlewares.<name>", Switch, "compress contentType"),
    ("http.middlewares.<name>.compress", Text, "defaultEncoding"),
    ("http.middlewares.<name>.compress", List, "encodings"),
    ("http.middlewares.<name>.compress", List, "excludedContentTypes includedContentTypes"),
    ("http.middlewares.<name>.compress", Number, "minResponseBodyBytes"),
    ("http.middlewares.<name>.contentType", Bool, "autoDetect"),
    ("http.middlewares.<name>.digestAuth", List, "users"),
    ("http.middlewares.<name>.digestAuth", Text, "usersFile realm headerField"),
    ("http.middlewares.<name>.digestAuth", Bool, "removeHeader"),
    ("http.middlewares.<name>.errors", List, "status errorRequestHeaders"),
    ("http.middlewares.<name>.errors", Text, "service query"),
    ("http.middlewares.<name>.errors.statusRewrites", Number, "<name>"),
    ("http.middlewares.<name>.forwardAuth", Text, "address headerField"),
    ("http.middlewares.<name>.forwardAuth", Text, "authResponseHeadersRegex"),
    ("http.middlewares.<name>.forwardAuth", List, "authResponseHeaders authRequestHeaders"),
    ("http.middlewares.<name>.forwardAuth", List, "addAuthCookiesToResponse"),
    ("http.middlewares.<name>.forwardAuth", Bool, "trustForwardHeader forwardBody"),
    ("http.middlewares.<name>.forwardAuth", Bool, "preserveLocationHeader preserveRequestMethod"),
    ("http.middlewares.<name>.forwardAuth", Number, "maxBodySize maxResponseBodySize"),
    ("http.middlewares.<name>.forwardAuth.tls", Text, "ca cert key"),
    ("http.middlewares.<name>.forwardAuth.tls", Bool, "insecureSkipVerify caOptional"),
    ("http.middlewares.<name>.grpcWeb", List, "allowOrigins"),
    ("http.middlewares.<name>.headers.customRequestHeaders", Text, "<name>"),
    ("http.middlewares.<name>.headers.customResponseHeaders", Text, "<name>"),
    ("http.middlewares.<name>.headers.sslProxyHeaders", Text, "<name>"),
    ("http.middlewares.<name>.headers", Bool, "accessControlAllowCredentials addVaryHeader"),
    ("http.middlewares.<name>.headers", List, "accessControlAllowHeaders"),
    ("http.middlewares.<name>.headers", List, "accessControlAllowMethods"),
    ("http.middlewares.<name>.headers", List, "accessControlAllowOriginList"),
    ("http.middlewares.<name>.headers", List, "accessControlAllowOriginListRegex"),
    ("http.middlewares.<name>.headers", List, "accessControlExposeHeaders"),
    ("http.middlewares.<name>.headers", List, "allowedHosts hostsProxyHeaders"),
    ("http.middlewares.<name>.headers", Number, "accessControlMaxAge stsSeconds"),
    ("http.middlewares.<name>.headers", Bool, "stsIncludeSubdomains stsPreload forceSTSHeader"),
    ("http.middlewares.<name>.headers", Bool, "frameDeny contentTypeNosniff browserXssFilter"),
    ("http.middlewares.<name>.headers", Bool, "isDevelopment sslRedirect sslTemporaryRedirect"),
    ("http.middlewares.<name>.headers", Bool, "sslForceHost"),
    ("http.middlewares.<name>.headers", Text, "contentSecurityPolicy featurePolicy sslHost"),
    ("http.middlewares.<name>.headers", Text, "contentSecurityPolicyReportOnly publicKey"),
    ("http.middlewares.<name>.headers", Text, "customFrameOptionsValue customBrowserXSSValue"),
    ("http.middlewares.<name>.headers", Text, "referrerPolicy permissionsPolicy"),
    ("http.middlewares.<name>.ipAllowList", List, "sourceRange"),
    ("http.middlewares.<name>.ipAllowList", Number, "rejectStatusCode"),
    ("http.middlewares.<name>.ipAllowList", Switch, "ipStrategy"),
    ("http.middlewares.<name>.ipAllowList.ipStrategy", Number, "depth ipv6Subnet"),
    ("http.middlewares.<name>.ipAllowList.ipStrategy", List, "excludedIPs"),
    ("http.middlewares.<name>.ipWhiteList", List, "sourceRange"),
    ("http.middlewares.<name>.ipWhiteList", Switch, "ipStrategy"),
    ("http.middlewares.<name>.ipWhiteList.ipStrategy", Number, "depth ipv6Subnet"),
    ("http.middlewares.<name>.ipWhiteList.ipStrategy", List, "excludedIPs"),
    ("http.middlewares.<name>.inFlightReq", Number, "amount"),
    ("http.middlewares.<name>.inFlightReq.sourceCriterion", Text, "requestHeaderName"),
    ("http.middlewares.<name>.inFlightReq.sourceCriterion", Bool, "requestHost"),
    ("http.middlewares.<name>.inFlightReq.sourceCriterion.ipStrategy", Number, "depth ipv6Subnet"),
    ("http.middlewares.<name>.inFlightReq.sourceCriterion.ipStrategy", List, "excludedIPs"),
    ("http.middlewares.<name>.passTLSClientCert", Bool, "pem"),
    (
        "http.middlewares.<name>.passTLSClientCert.info",
        Bool,
        "notAfter notBefore sans serialNumber",
    ),
    ("http.middlewares.<name>.passTLSClientCert.info.subject", Bool, "country province locality"),
    ("http.middlewares.<name>.passTLSClientCert.info.subject", Bool, "organization commonName"),
    ("http.middlewares.<name>.passTLSClientCert.info.subject", Bool, "organizationalUnit"),
    (
        "http.middlewares.<name>.passTLSClientCert.info.subject",
        Bool,
        "serialNumber domainComponent",
    ),
    ("http.middlewares.<name>.passTLSClientCert.info.issuer", Bool, "country province locality"),
    ("http.middlewares.<name>.passTLSClientCert.info.issuer", Bool, "organization commonName"),
    ("http.middlewares.<name>.passTLSClientCert.info.issuer", Bool, "serialNumber domainComponent"),
    ("http.middlewares.<name>.plugin", Free, "<name>"),
    ("http.middlewares.<name>.rateLimit", Number, "average burst"),
    ("http.middlewares.<name>.rateLimit", Duration, "period"),
    ("http.middlewares.<name>.rateLimit.sourceCriterion", Text, "requestHeaderName"),
    ("http.middlewares.<name>.rateLimit.sourceCriterion", Bool, "requestHost"),
    ("http.middlewares.<name>.rateLimit.sourceCriterion.ipStrategy", Number, "depth ipv6Subnet"),
    ("http.middlewares.<name>.rateLimit.sourceCriterion.ipStrategy", List, "excludedIPs"),
    ("http.middlewares.<name>.rateLimit.redis", List, "endpoints"),
    ("http.middlewares.<name>.rateLimit.redis", Text, "username password"),
    ("http.middlewares.<name>.rateLimit.redis", Number, "db poolSize minIdleConns maxActiveConns"),
    ("http.middlewares.<name>.rateLimit.redis", Duration, "readTimeout writeTimeout dialTimeout"),
    ("http.middlewares.<name>.rateLimit.redis.tls", Text, "ca cert key"),
    ("http.middlewares.<name>.rateLimit.redis.tls", Bool, "insecureSkipVerify"),
    ("http.middlewares.<name>.redirectRegex", Text, "regex replacement"),
    ("http.middlewares.<name>.redirectRegex", Bool, "permanent"),
    ("http.middlewares.<name>.redirectScheme", Text, "scheme port"),
    ("http.middlewares.<name>.redirectScheme", Bool, "permanent"),
    ("http.middlewares.<name>.replacePath", Text, "path"),
    ("http.middlewares.<name>.replacePathRegex", Text, "regex replacement"),
    ("http.middlewares.<name>.retry", Number, "attempts"),
    ("http.middlewares.<name>.retry", Duration, "initialInterval"),
    ("http.middlewares.<name>.stripPrefix", List, "prefixes"),
    ("http.middlewares.<name>.stripPrefix", Bool, "forceSlash"),
    ("http.middlewares.<name>.stripPrefixRegex", List, "regex"),
    ("tcp.routers.<name>", Text, "rule service ruleSyntax"),
    ("tcp.routers.<name>", List, "entryPoints middlewares"),
    ("tcp.routers.<name>", Number, "priority"),
    ("tcp.routers.<name>", Switch, "tls"),
    ("tcp.routers.<name>.tls", Text, "certResolver options"),
    ("tcp.routers.<name>.tls", Bool, "passthrough"),
    ("tcp.routers.<name>.tls.domains[n]", Text, "main"),
    ("tcp.routers.<name>.tls.domains[n]", List, "sans"),
    ("tcp.services.<name>.loadBalancer.server", Port, "port"),
    ("tcp.services.<name>.loadBalancer.server", Bool, "tls"),
    ("tcp.services.<name>.loadBalancer", Text, "serversTransport"),
    ("tcp.services.<name>.loadBalancer", Number, "terminationDelay"),
    ("tcp.services.<name>.loadBalancer", Switch, "proxyProtocol"),
    ("tcp.services.<name>.loadBalancer.proxyProtocol", Number, "version"),
    ("tcp.middlewares.<name>.ipAllowList", List, "sourceRange"),
    ("tcp.middlewares.<name>.ipWhiteList", List, "sourceRange"),
    ("tcp.middlewares.<name>.inFlightConn", Number, "amount"),
    ("udp.routers.<name>", List, "entryPoints"),
    ("udp.routers.<name>", Text, "service"),
    ("udp.services.<name>.loadBalancer.server", Port, "port"),
    ("tls.stores.default.defaultGeneratedCert", Text, "resolver"),
    ("tls.stores.default.defaultGeneratedCert.domain", Text, "main"),
    ("tls.stores.default.defaultGeneratedCert.domain", List, "sans"),
];

/// What only a file can say, by the segment with which it begins.
pub const FILE_ONLY: &[&str] = &[
    "serversTransports",
    "weighted",
    "mirroring",
    "failover",
    "highestRandomWeight",
    "certificates",
    "defaultCertificate",
    "parentRefs",
];

/// Keys of Traefik v1 and what says the same now.
pub const VERSION_1: &[(&str, &str)] = &[
    ("frontend.rule", "http.routers.<name>.rule"),
    ("frontend.entryPoints", "http.routers.<name>.entrypoints"),
    ("frontend.priority", "http.routers.<name>.priority"),
    ("frontend.backend", "http.routers.<name>.service"),
    ("frontend.passHostHeader", "http.services.<name>.loadbalancer.passhostheader"),
    ("frontend.auth.basic", "http.middlewares.<name>.basicauth.users"),
    ("frontend.auth.basic.users", "http.middlewares.<name>.basicauth.users"),
    ("frontend.auth.forward.address", "http.middlewares.<name>.forwardauth.address"),
    ("frontend.redirect.entryPoint", "http.middlewares.<name>.redirectscheme.scheme"),
    ("frontend.redirect.regex", "http.middlewares.<name>.redirectregex.regex"),
    ("frontend.redirect.replacement", "http.middlewares.<name>.redirectregex.replacement"),
    ("frontend.whiteList.sourceRange", "http.middlewares.<name>.ipallowlist.sourcerange"),
    ("frontend.headers.SSLRedirect", "http.middlewares.<name>.redirectscheme.scheme"),
    ("backend", "http.routers.<name>.service"),
    ("backend.loadbalancer.stickiness", "http.services.<name>.loadbalancer.sticky.cookie"),
    ("backend.loadbalancer.sticky", "http.services.<name>.loadbalancer.sticky.cookie"),
    ("backend.healthcheck.path", "http.services.<name>.loadbalancer.healthcheck.path"),
    ("backend.healthcheck.interval", "http.services.<name>.loadbalancer.healthcheck.interval"),
    ("port", "http.services.<name>.loadbalancer.server.port"),
    ("protocol", "http.services.<name>.loadbalancer.server.scheme"),
    ("weight", "http.services.<name>.loadbalancer.server.weight"),
];

/// A segment of a pattern.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// A word of Traefik, or a list of such with the place in it.
    Field {
        /// As the file spells it.
        name: &'static str,
        /// Whether a place in a list stands behind it.
        indexed: bool,
    },
    /// Anything.
    Name,
}

/// A key of the table.
#[derive(Debug)]
pub struct Pattern {
    /// What the value is.
    pub kind: Kind,
    /// The segments after `traefik`.
    pub parts: Vec<Part>,
}

/// The table, one key at a time.
pub static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let keys = KEYS.iter().flat_map(|(place, kind, names)| {
        names.split(' ').map(move |name| Pattern {
            kind: *kind,
            parts: place.split('.').chain([name]).filter_map(part).collect(),
        })
    });
    keys.collect()
});

fn part(text: &'static str) -> Option<Part> {
    match text.strip_suffix("[n]") {
        None if text.is_empty() => None,
        None if text == "<name>" => Some(Part::Name),
        None => Some(Part::Field { name: text, indexed: false }),
        Some(name) => Some(Part::Field { name, indexed: true }),
    }
}
