//! Builds in the words of Compose.

use super::file::{Build, Text};
use super::service::pairs;
use crate::model::build::BuildLong;
use crate::resolve::Resolved;

/// How an image is built.
pub fn build(stack: &Resolved<'_>, build: &BuildLong) -> Build {
    let context = build.context.as_ref().map_or(".", |context| context.as_str());
    let text = |value: &dyn ToString| Text::from(&value.to_string());
    Build {
        context: Some(Text::from(&stack.beside(context))),
        dockerfile: build.containerfile.as_ref().map(|file| text(file)),
        args: pairs(&build.args),
        target: build.target.as_ref().map(|target| text(target)),
        tags: build.tags.iter().map(|tag| text(tag)).collect(),
        labels: pairs(&build.labels),
    }
}
