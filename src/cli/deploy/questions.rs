//! What the services of a stack are asked: before they count as ready, and once all is up.

use std::collections::BTreeMap;

use crate::host::probe::{Ask, Probe};
use crate::model::deployment::{Test as Written, TestType};
use crate::model::service::Condition;
use crate::resolve::network::Joined;
use crate::resolve::ready::{GOOD, gates, headers, milliseconds, probes, small};
use crate::resolve::{Resolved, Service};
use crate::state::manifest::{Ready, Test};

/// How long a test may take where nothing is said, in milliseconds.
const TEST_TIME: u64 = 30_000;

/// The port of Redis and its kin, and what they answer.
const REDIS: u16 = 6379;
const PONG: &str = "PONG";

/// The questions to all services that have any, by their units.
pub fn ready(resolved: &Resolved<'_>) -> BTreeMap<String, Ready> {
    let questions = resolved.services.iter().filter_map(|service| {
        let (probes, by_unit) = (probes(service), gates(resolved, service));
        let waits = |other: &&Service<'_>| {
            other.needs.iter().any(|need| {
                need.name == service.written.name.as_str() && need.condition == Condition::Ready
            })
        };
        let awaited_by = resolved.services.iter().filter(waits).map(unit).collect();
        let container = service.container.clone();
        let ready = Ready { container, probes, awaited_by, by_unit };
        (!ready.probes.is_empty()).then(|| (unit(service), ready))
    });
    questions.collect()
}

fn unit(service: &Service<'_>) -> String {
    format!("{}.service", service.unit)
}

/// The tests that a stack names, and those that follow from what it says: that each service knows
/// the names of those it waits for.
pub fn tests(resolved: &Resolved<'_>) -> Vec<Test> {
    let written = resolved.stack.validation.get().into_iter().flat_map(|all| all.tests.iter());
    let mut tests: Vec<Test> = written.filter_map(|test| named(resolved, test)).collect();
    for service in &resolved.services {
        let others = service.needs.iter().filter_map(|need| of(resolved, need.name));
        for other in others.filter(|other| are_joined(service, other)) {
            let name = other.alias.unwrap_or(&other.container).to_owned();
            let title = format!("{} finds {name}", service.unit);
            let ask = Ask::Name { name };
            tests.push(Test { is_implied: true, ..test(service, title, ask, TEST_TIME) });
        }
    }
    tests
}

fn test(service: &Service<'_>, name: String, ask: Ask, timeout: u64) -> Test {
    let (container, is_implied) = (service.container.clone(), false);
    let probe = Probe { ask, timeout, interval: None };
    Test { name, service: unit(service), container, probe, is_implied }
}

/// The first container of a service.
fn of<'r, 'c>(resolved: &'r Resolved<'c>, name: &str) -> Option<&'r Service<'c>> {
    resolved.services.iter().find(|service| service.written.name.as_str() == name)
}

/// Whether two containers share a network that has names.
fn are_joined(one: &Service<'_>, other: &Service<'_>) -> bool {
    let (Joined::Networks(ours), Joined::Networks(theirs)) = (&one.joined, &other.joined) else {
        return false;
    };
    ours.iter().any(|our| theirs.iter().any(|their| our.podman_name == their.podman_name))
}

/// A test that the stack names. One whose service is in another part of it is left out.
fn named(resolved: &Resolved<'_>, written: &Written) -> Option<Test> {
    let target = match (&written.target, &written.url) {
        (Some(target), _) => Some(of(resolved, target.as_str())?),
        (None, Some(url)) => resolved.services.iter().find(|one| answers_to(one, url.host())),
        (None, None) => None,
    };
    let service = target.or(resolved.services.first())?;
    let ask = question(written, service)?;
    let title = written.name.as_ref().map_or_else(|| titled(&ask), ToString::to_string);
    let timeout = written.timeout.map_or(TEST_TIME, milliseconds);
    let mut test = test(service, title, ask, timeout);
    if target.is_none() {
        // A page of somebody else is asked for from this machine.
        test.container.clear();
    }
    Some(test)
}

/// What a test without a name is called.
fn titled(ask: &Ask) -> String {
    match ask {
        Ask::Page { url, .. } => url.clone(),
        Ask::Port { port } => format!("port {port}"),
        Ask::Log { pattern } => format!("a line of the log matches `{pattern}`"),
        Ask::Command { words, .. } => words.join(" "),
        Ask::Ping { port, .. } => format!("ping on port {port}"),
        Ask::Name { name } => format!("the name {name}"),
    }
}

/// Whether a container is reached by a name.
fn answers_to(service: &Service<'_>, host: &str) -> bool {
    let hostname = service.configuration.hostname.as_ref();
    service.container == host
        || service.written.name.as_str() == host
        || hostname.is_some_and(|name| name.as_str() == host)
}

fn question(written: &Written, service: &Service<'_>) -> Option<Ask> {
    let expected = written.expected.as_ref().map(ToString::to_string);
    Some(match written.kind?.value {
        TestType::HttpGet => Ask::Page {
            url: written.url.as_ref()?.to_string(),
            status: written.expected_status.map_or(GOOD, |status| small(status.value)),
            body: written.expected_body.as_ref().map(ToString::to_string),
            headers: headers(&written.headers),
        },
        TestType::Tcp => Ask::Port { port: small(written.port?.value) },
        TestType::LogPattern => Ask::Log { pattern: written.pattern.as_ref()?.to_string() },
        TestType::Command => {
            Ask::Command { words: written.command.as_ref()?.words().to_vec(), answer: expected }
        }
        TestType::RedisPing => Ask::Ping {
            port: service.port.unwrap_or(REDIS),
            answer: expected.unwrap_or_else(|| PONG.to_owned()),
        },
        TestType::SqlQuery => {
            Ask::Command { words: client(service, written.query.as_ref()?), answer: expected }
        }
    })
}

/// The call of the client that the image of a database brings along. It takes the names of the
/// image's own variables; a password never stands among the words.
fn client(service: &Service<'_>, query: &str) -> Vec<String> {
    let image = service.configuration.image.as_ref().map(ToString::to_string).unwrap_or_default();
    let is_mysql = ["mariadb", "mysql", "percona"].iter().any(|name| image.contains(name));
    let script = if is_mysql { MARIADB } else { POSTGRES };
    ["sh", "-c", script, query].map(str::to_owned).to_vec()
}

const POSTGRES: &str = r#"of() { cat "$1" || exit 1; }
user="${POSTGRES_USER:-${POSTGRES_USER_FILE:+$(of "$POSTGRES_USER_FILE")}}"
base="${POSTGRES_DB:-${POSTGRES_DB_FILE:+$(of "$POSTGRES_DB_FILE")}}"
export PGPASSWORD="${POSTGRES_PASSWORD:-${POSTGRES_PASSWORD_FILE:+$(of "$POSTGRES_PASSWORD_FILE")}}"
exec psql --no-psqlrc --no-password --no-align --tuples-only --quiet --set=ON_ERROR_STOP=1 \
    --username="${user:-postgres}" --dbname="${base:-${user:-postgres}}" --command="$0""#;

const MARIADB: &str = r#"file="${MARIADB_ROOT_PASSWORD_FILE:-$MYSQL_ROOT_PASSWORD_FILE}"
export MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-${file:+$(cat "$file")}}}"
client=$(command -v mariadb || command -v mysql) || exit 127
exec "$client" --batch --skip-column-names --user=root --execute="$0""#;
