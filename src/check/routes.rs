//! Routes: labels that Traefik knows, and what a file for it has to say.

use super::{Kind, View};
use crate::capability::traefik::keys::{self, Unknown, Why};
use crate::capability::traefik::label::check_value;
use crate::model::layer::Map;
use crate::model::meaning;
use crate::model::service::Service;
use crate::model::variable::Plain;
use crate::report::code::routes as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};

/// Checks what Traefik reads.
pub fn check(view: &View<'_>, kind: Kind, findings: &mut Findings) {
    if let Some(shared) = view.stack.shared.get() {
        labels(&shared.labels, findings);
    }
    for (service, configuration) in view.configured() {
        labels(&configuration.labels, findings);
        if kind == Kind::Traefik {
            in_a_file(service, findings);
        }
    }
}

/// Labels that are given in the words of Traefik.
fn labels(labels: &Map<Plain>, findings: &mut Findings) {
    for (name, span, Plain(value)) in labels.iter() {
        if !name.starts_with("traefik.") {
            continue;
        }
        match keys::check(name) {
            Ok(known) => {
                if let Err(message) = check_value(&known, &value.value) {
                    let message = format!("`{}`: {message}", escape(name));
                    findings.add(Diagnostic::new(&code::LABEL_VALUE, value.span, message));
                }
            }
            Err(Unknown { why: Why::Unread, .. }) => {}
            Err(Unknown { why, nearest, .. }) => {
                let name = escape(name);
                let message = match why {
                    Why::Version1 => format!("`{name}` is of Traefik 1, later ones pass over it"),
                    Why::FileOnly => format!("`{name}`: only a file can say that to Traefik"),
                    Why::Unfinished => format!("`{name}` ends before it names a setting"),
                    _ => format!("Traefik knows no label `{name}`"),
                };
                let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
                findings.add(Diagnostic::new(&code::UNKNOWN_LABEL, span, message).maybe_help(help));
            }
        }
    }
}

/// What labels may leave out, and a file may not.
fn in_a_file(service: &Service, findings: &mut Findings) {
    let configuration = meaning::configuration(service);
    for (name, route) in meaning::routes(service) {
        let place = route.rule.as_ref().map_or(service.name.span, |rule| rule.span);
        if route.rule.is_none() {
            let message = format!("route `{name}` has no rule");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_RULE, place, message);
            findings.add(diagnostic.help("say which host it is for: ``Host(`app.example.org`)``"));
        }
        if meaning::route_port(&route, configuration).is_none() {
            let message =
                format!("route `{name}` does not say which port of the container it means");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_PORT, place, message);
            findings.add(diagnostic.help("add `port`"));
        }
        if let Some(mode) = &configuration.network_mode
            && !mode.value.starts_with("service:")
        {
            let message = format!("route `{name}` leads to a container without a name");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_NAME, mode.span, message);
            let help = "let the service join a network that Traefik is in";
            findings.add(diagnostic.label(place, "the route").help(help));
        }
    }
}
