//! Images: missing, without a version, without a registry, pinned and renewed at once.

use super::{Target, View};
use crate::model::configuration::AutoUpdate;
use crate::report::code::health as code;
use crate::report::{Diagnostic, Findings, Severity};

/// Checks the images of all services.
pub fn check(view: &View<'_>, target: Target, findings: &mut Findings) {
    for (service, configuration) in view.configured() {
        let Some(image) = &configuration.image else {
            let unread = view.incomplete || service.dented.0;
            if configuration.build.get().is_none() && !unread {
                let message = format!("`{}` has no image", service.name);
                let diagnostic = Diagnostic::new(&code::NO_IMAGE, service.name.span, message);
                // A unit without an image is not even loaded.
                let severity = if target.generates { Severity::Error } else { Severity::Warning };
                let diagnostic = diagnostic.severity(severity);
                findings.add(diagnostic.help("add `image:` under `configuration`"));
            }
            continue;
        };
        let built = configuration.build.get().is_some();
        if image.is_short_name() && !built {
            let message = format!("`{}` names no registry", image.value);
            let path = image.path.as_str();
            let library = if path.contains('/') { "" } else { "library/" };
            let help = format!("write `docker.io/{library}{}`", image.value);
            findings.add(Diagnostic::new(&code::SHORT_NAME, image.span, message).help(help));
        }
        if image.has_no_version() && !built {
            let message = format!("`{}` has no tag, which means `latest`", image.value);
            let diagnostic = Diagnostic::new(&code::NO_TAG, image.span, message);
            findings.add(diagnostic.help("name the version: `:1.2`, or pin a digest"));
        } else if image.says_latest() && image.digest.is_none() {
            let message = format!("`{}` means another image every few weeks", image.value);
            let diagnostic = Diagnostic::new(&code::LATEST, image.span, message);
            findings.add(diagnostic.help("name the version, so that a rollback finds it"));
        }
        let renewed = configuration.auto_update.filter(|how| how.value == AutoUpdate::Registry);
        if let (Some(update), Some(_)) = (renewed, &image.digest) {
            let message =
                format!("`{}` is pinned by its digest, nothing can renew it", service.name);
            let diagnostic = Diagnostic::new(&code::PINNED_UPDATE, update.span, message);
            let help = "take `auto_update` away, or the digest";
            findings.add(diagnostic.label(image.span, "the digest").help(help));
        }
    }
}
