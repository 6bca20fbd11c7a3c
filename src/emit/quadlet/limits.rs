//! What a container may use: said to Podman, so that it is visible inside, and guarded by systemd.

use crate::emit::template::Fields;
use crate::emit::words::bytes;
use crate::model::configuration::Configuration;
use crate::model::value::size::Size;
use crate::model::value::ulimit::{Limit, Ulimit};

/// Sets the limits of a container.
pub fn set(configuration: &Configuration, arguments: &mut Vec<String>, fields: &mut Fields) {
    memory(configuration, arguments, fields);
    processors(configuration, arguments, fields);
    fields.maybe("pids_limit", configuration.pids_limit);
    let ulimits = configuration.ulimits.iter();
    fields
        .list("ulimits", ulimits.map(|(name, _, limit)| format!("{name}={}", pair(&limit.value))));
    arguments.extend(configuration.oom_score_adj.map(|at| format!("--oom-score-adj={at}")));
}

fn memory(configuration: &Configuration, arguments: &mut Vec<String>, fields: &mut Fields) {
    let size = |size: &crate::model::at::At<Size>| bytes(size.value);
    fields.maybe("memory", configuration.memory.as_ref().map(size));
    fields.maybe("memory_high", configuration.memory_high.as_ref().map(size));
    fields.maybe("memory_low", configuration.memory_reservation.as_ref().map(size));
    fields.maybe("memory_swap", configuration.memory_swap.as_ref().map(size));
    let reservation = configuration.memory_reservation.as_ref().map(size);
    arguments.extend(reservation.map(|size| format!("--memory-reservation={size}")));
    if let (Some(memory), Some(swap)) = (configuration.memory, configuration.memory_swap) {
        // Podman counts memory and swap together, systemd swap alone.
        let both = Size(memory.bytes().saturating_add(swap.bytes()));
        arguments.push(format!("--memory-swap={}", bytes(both)));
    }
}

fn processors(configuration: &Configuration, arguments: &mut Vec<String>, fields: &mut Fields) {
    fields.maybe("cpu_quota", configuration.cpus.map(|cpus| format!("{}%", cpus.percent())));
    arguments.extend(configuration.cpus.map(|cpus| format!("--cpus={}", cpus.value)));
    arguments.extend(configuration.cpu_shares.map(|at| format!("--cpu-shares={at}")));
    arguments.extend(configuration.cpuset.as_ref().map(|at| format!("--cpuset-cpus={at}")));
}

/// Both limits in the words of Podman, for which -1 is without limit.
fn pair(ulimit: &Ulimit) -> String {
    let limit = |limit: &Limit| match limit {
        Limit::Unlimited => "-1".to_owned(),
        limit @ Limit::Count(_) => limit.to_string(),
    };
    format!("{}:{}", limit(&ulimit.soft), limit(&ulimit.hard))
}
