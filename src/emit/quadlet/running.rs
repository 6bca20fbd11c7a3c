//! How systemd runs a container: its kind, its restarts, its time to start and to stop.

use super::{Target, container};
use crate::emit::template::Fields;
use crate::emit::words::seconds;
use crate::model::systemd::OomPolicy;
use crate::model::value::duration::Duration;
use crate::model::value::restart::Restart;
use crate::resolve::{Resolved, Service};

/// The first pause before a restart; every further one is longer.
const RESTART_DELAY: Duration = Duration::from_secs(2);
/// The longest pause before a restart.
const RESTART_DELAY_MAX: u64 = 300;
/// In how many steps the pause grows to the longest.
const RESTART_STEPS: u32 = 8;
/// What Podman needs to end a container beside the time that the container has itself.
const STOP_MARGIN: u64 = 20;
/// What a container exits with that was ended by the usual signal: no failure.
const ENDED: &str = "143";

/// Sets what stands under `[Service]` and `[Install]`.
pub fn set(stack: &Resolved<'_>, service: &Service<'_>, target: Target, fields: &mut Fields) {
    kind(service, fields);
    restart(service, fields);
    resources(stack, service, fields);
    let start = service.start_seconds.map(|seconds| format!("{seconds}s"));
    fields.set("start_timeout", start.unwrap_or_else(|| "infinity".to_owned()));
    let stop = service.stop_seconds;
    fields.set("stop_timeout", stop.to_string());
    fields.set("stop_timeout_outer", format!("{}s", stop.saturating_add(STOP_MARGIN)));
    fields.maybe("stop_signal", service.configuration.stop_signal.as_ref());
    let systemd = service.configuration.systemd.get();
    let at_boot = systemd.and_then(|systemd| systemd.start_at_boot).is_none_or(|at| at.value);
    if at_boot {
        fields.set("wanted_by", container::boot_target(target.scope));
    }
}

fn kind(service: &Service<'_>, fields: &mut Fields) {
    match service.is_job {
        true => {
            fields.set("type", "oneshot");
            fields.set("remain", "yes");
        }
        false => fields.set("success", ENDED),
    }
}

fn restart(service: &Service<'_>, fields: &mut Fields) {
    let usual = if service.is_job { Restart::No } else { Restart::Always };
    let policy = service.configuration.restart.map_or(usual, |restart| restart.value);
    let word = match policy {
        Restart::No => "no",
        // systemd never starts again what somebody stopped.
        Restart::Always | Restart::UnlessStopped if !service.is_job => "always",
        Restart::Always | Restart::UnlessStopped | Restart::OnFailure(_) => "on-failure",
    };
    fields.set("restart", word);
    let delay = service.configuration.restart_delay.map_or(RESTART_DELAY, |at| at.value);
    let longest = RESTART_DELAY_MAX.max(delay.seconds_rounded_up() * 2);
    if word != "no" {
        // What waits for it goes on waiting while it is started again, and is not given up.
        fields.set("restart_mode", "direct");
        fields.set("restart_delay", seconds(delay));
        fields.set("restart_steps", RESTART_STEPS.to_string());
        fields.set("restart_delay_max", format!("{longest}s"));
    }
    match policy {
        Restart::OnFailure(Some(times)) => {
            let starts = u64::from(times) + 1;
            let each = service.start_seconds.unwrap_or(RESTART_DELAY_MAX) + longest;
            fields.set("start_limit_burst", starts.to_string());
            fields.set("start_limit_interval", format!("{}s", starts.saturating_mul(each)));
        }
        Restart::No => {}
        // systemd would give up after five starts within ten seconds.
        _ => fields.set("start_limit_interval", "0"),
    }
}

fn resources(stack: &Resolved<'_>, service: &Service<'_>, fields: &mut Fields) {
    let systemd = service.configuration.systemd.get();
    let shared = stack.stack.shared.get().and_then(|shared| shared.slice.as_ref());
    let own = systemd.and_then(|systemd| systemd.slice.as_ref());
    fields.maybe("slice", own.or(shared).map(|slice| slice.as_str()));
    let Some(systemd) = systemd else { return };
    fields.maybe("cpu_weight", systemd.cpu_weight);
    fields.maybe("startup_cpu_weight", systemd.startup_cpu_weight);
    fields.maybe("io_weight", systemd.io_weight);
    fields.maybe("startup_io_weight", systemd.startup_io_weight);
    fields.maybe("nice", systemd.nice);
    let oom = systemd.oom_policy.map(|policy| match policy.value {
        OomPolicy::Continue => "continue",
        OomPolicy::Stop => "stop",
        OomPolicy::Kill => "kill",
    });
    fields.maybe("oom_policy", oom);
    fields.list("sockets", systemd.sockets.iter().map(|socket| socket.as_str()));
}
