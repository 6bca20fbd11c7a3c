//! How an image is built on the machine itself.

use super::at::At;
use super::layer::{Additive, layered};
use super::text::RelativePath;
use super::union::{Assignments, Long, either};
use super::value::image::ImageRef;
use super::variable::Plain;

layered! {
    /// How an image is built, in place of being pulled.
    pub struct BuildLong {
        /// The folder that is sent to the build, beside the stack file.
        pub context: Option<At<RelativePath>>,
        /// The Containerfile inside that folder.
        #[serde(alias = "dockerfile")]
        #[schemars(extend("x-alias" = ["dockerfile"]))]
        pub containerfile: Option<At<RelativePath>>,
        /// Arguments of the build.
        pub args: Assignments<Plain>,
        /// The stage to stop at.
        pub target: Option<At<String>>,
        /// More names of the built image.
        pub tags: Additive<ImageRef>,
        /// Labels of the built image.
        pub labels: Assignments<Plain>,
    }
}

/// How an image is built.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Build(pub BuildLong);

impl super::layer::Layer for Build {
    fn lay_over(&mut self, under: &Self) {
        self.0.lay_over(&under.0);
    }
    fn laws(path: &str, table: &mut Vec<(String, super::layer::Law)>) {
        BuildLong::laws(path, table);
    }
}

either! {
    /// The folder to build from, or a mapping that says more.
    Build = short At<RelativePath>, long BuildLong
}

impl From<At<RelativePath>> for Build {
    fn from(context: At<RelativePath>) -> Self {
        Self(BuildLong { context: Some(context), ..BuildLong::default() })
    }
}

impl Long<BuildLong> for Build {
    fn long(long: BuildLong) -> Option<Self> {
        Some(Self(long))
    }
}
