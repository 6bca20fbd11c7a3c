//! The middlewares that a stack defines: their kinds, their options, and the values of these.

use crate::capability::traefik::keys::{self, Why};
use crate::capability::traefik::label::check_value;
use crate::capability::traefik::table::{self, Part};
use crate::check::View;
use crate::model::route::Middleware;
use crate::model::value::nearest::did_you_mean;
use crate::model::variable::Plain;
use crate::report::code::routes as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks each middleware as the labels that it becomes.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (name, span, middleware) in view.stack.middlewares.iter() {
        one(name, span, middleware, findings);
    }
}

/// Whether Traefik knows its type, and one of its options at least.
pub fn is_known(middleware: &Middleware) -> bool {
    let Some(kind) = &middleware.kind else { return false };
    let key = format!("traefik.http.middlewares.m.{}", kind.value);
    let mut options = middleware.options.iter();
    keys::check(&key).is_ok()
        || options.any(|(name, ..)| keys::check(&format!("{key}.{name}")).is_ok())
}

fn one(name: &str, span: Span, middleware: &Middleware, findings: &mut Findings) {
    let Some(kind) = &middleware.kind else { return };
    let shown = escape(&kind.value);
    let options = options(&kind.value);
    let told = |span, message| Diagnostic::new(&code::UNKNOWN_OPTION, span, message);
    // Of a plugin, nobody knows the options.
    if options.is_empty() && !kind.value.to_ascii_lowercase().starts_with("plugin.") {
        let message = format!("Traefik knows no middleware of type `{shown}`");
        let help = did_you_mean(&kind.value, kinds(), findings);
        findings.add(told(kind.span, message).maybe_help(help));
        return;
    }
    let key = format!("traefik.http.middlewares.m.{}", kind.value);
    if middleware.options.is_empty()
        && matches!(keys::check(&key), Err(unknown) if unknown.why == Why::Unfinished)
    {
        let message = format!("middleware `{}` of type `{shown}` has no option", escape(name));
        let usual = options.first().map(|option| format!("add `options`, such as `{option}`"));
        findings.add(told(kind.span, message).label(span, "the middleware").maybe_help(usual));
    }
    for (option, span, Plain(value)) in middleware.options.iter() {
        let shown_option = escape(option);
        match keys::check(&format!("{key}.{option}")) {
            Ok(known) => {
                if let Err(message) = check_value(&known, &value.value) {
                    let message = format!("`{shown_option}`: {message}");
                    findings.add(Diagnostic::new(&code::LABEL_VALUE, value.span, message));
                }
            }
            Err(unknown) => {
                let message = format!("type `{shown}` has no option `{shown_option}`");
                let near = did_you_mean(option, options.iter().map(String::as_str), findings);
                let help = near.or_else(|| {
                    let near = unknown.nearest.as_deref()?.strip_prefix(&format!("{key}."))?;
                    Some(format!("did you mean `{}`?", escape(near)))
                });
                findings.add(told(span, message).maybe_help(help));
            }
        }
    }
}

/// The parts of every key of a middleware, from its type on.
fn keys_of_middlewares() -> impl Iterator<Item = &'static [Part]> {
    table::PATTERNS.iter().filter_map(|pattern| match pattern.parts.as_slice() {
        [
            Part::Field { name: "http", .. },
            Part::Field { name: "middlewares", .. },
            _,
            rest @ ..,
        ] => Some(rest),
        _ => None,
    })
}

fn kinds() -> impl Iterator<Item = &'static str> {
    keys_of_middlewares().filter_map(|parts| match parts.first() {
        Some(Part::Field { name, .. }) => Some(*name),
        _ => None,
    })
}

/// The options of a type, by their dotted names; a name of the user is `<name>`.
fn options(kind: &str) -> Vec<String> {
    let written = |part: &Part| match part {
        Part::Field { name, .. } => *name,
        Part::Name => "<name>",
    };
    let of_kind = keys_of_middlewares().filter_map(|parts| {
        let (first, rest) = parts.split_first()?;
        let is_it = written(first).eq_ignore_ascii_case(kind);
        is_it.then(|| rest.iter().map(written).collect::<Vec<_>>().join("."))
    });
    of_kind.collect()
}
