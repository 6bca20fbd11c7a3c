//! The table of stable codes: a code, once released, keeps its meaning and is never given again.

use super::Severity;

pub mod compose;
pub mod health;
pub mod host;
pub mod mounts;
pub mod names;
pub mod order;
pub mod patterns;
pub mod project;
pub mod raw;
pub mod routes;
pub mod secrets;
pub mod shape;
pub mod target;
pub mod text;

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable name, such as `SW101`.
    pub id: &'static str,
    /// What it weighs where nothing else is said.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What `explain` says: why it matters and what to do.
    pub explanation: &'static str,
}

/// Declares codes; the documentation comment of each is its explanation.
macro_rules! codes {
    ($($(#[doc = $line:expr])+ $name:ident = $id:literal, $severity:ident, $title:literal;)+) => {
        $(
            $(#[doc = $line])+
            pub const $name: $crate::report::Code = $crate::report::Code {
                id: $id,
                severity: $crate::report::Severity::$severity,
                title: $title,
                explanation: concat!($($line, "\n"),+),
            };
        )+
        /// The codes of this topic in their order.
        pub(super) const ALL: &[&$crate::report::Code] = &[$(&$name),+];
    };
}
pub(crate) use codes;

/// All codes, topic by topic.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [
        text::ALL,
        shape::ALL,
        order::ALL,
        names::ALL,
        routes::ALL,
        health::ALL,
        mounts::ALL,
        secrets::ALL,
        raw::ALL,
        target::ALL,
        compose::ALL,
        patterns::ALL,
        host::ALL,
        project::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The code with that name, in any spelling of case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}
