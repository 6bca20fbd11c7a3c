//! How a host was, and how much was risked, when something was done to a stack.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a deployment puts at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing that matters much is interrupted.
    Low,
    /// A part of what matters, or the most of what does not.
    Medium,
    /// The most of what is important, or a part of what is critical.
    High,
    /// The most of what is critical.
    Critical,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// What was known before a deployment began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessed {
    /// How well the host was, up to 100.
    pub score: u32,
    /// What was at stake.
    pub risk: Risk,
    /// The points that were lost, by what they were lost for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<String, u32>,
}
