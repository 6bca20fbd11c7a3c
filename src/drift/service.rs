//! What systemd has loaded, against what runs: services, and whether there is what they make.

use super::{Item, Layer, Remedy, Request, State, container, object};
use crate::host::units::{Active, UnitState};
use crate::unit_file::facts::Facts;

/// The differences of one service, and of its container, network or volume.
pub fn running(request: &Request<'_>, facts: &Facts) -> Vec<Item> {
    let mut items = Vec::new();
    let state = request.states.get(&facts.service);
    if let Some(state) = state {
        items.extend(down(request, facts, state));
        if state.restarts > 0 {
            let meaning = "it ended and was started again by itself";
            let item = item(request, facts, "restarts", "0", state.restarts.to_string(), meaning);
            let mend = request.systemctl(&format!("status {}", facts.service)) + " tells more";
            items.push(Item { state: State::Warning, remedy: Remedy::Nothing, mend, ..item });
        }
    }
    let is_active = state.is_some_and(|state| state.active == Active::Active);
    match facts.file.rsplit('.').next() {
        Some("container") => {
            let name = facts.name.as_deref();
            let container = name.and_then(|name| request.containers.get(name));
            // A job that ended well leaves no container behind.
            let is_job = state.is_some_and(|state| state.sub == "exited");
            match container {
                Some(one) => items.extend(container::of(request, facts, one)),
                None if is_active && !is_job => {
                    let meaning = "systemd takes the service for running without its container";
                    let missing = "missing".to_owned();
                    items.push(item(request, facts, "container", "there", missing, meaning));
                }
                None => {}
            }
        }
        Some("network") => items.extend(object::network(request, facts, is_active)),
        Some("volume") => items.extend(object::volume(request, facts, is_active)),
        _ => {}
    }
    items
}

fn item(
    request: &Request<'_>,
    facts: &Facts,
    aspect: &str,
    wanted: &str,
    actual: String,
    meaning: &str,
) -> Item {
    let item = request.item(Layer::Running, &facts.service, aspect, (wanted, actual), meaning);
    Item { remedy: Remedy::Restart(facts.service.clone()), ..item }
}

/// A service that should run and does not.
fn down(request: &Request<'_>, facts: &Facts, state: &UnitState) -> Option<Item> {
    if !facts.starts_by_itself() || state.runs() {
        return None;
    }
    let actual = format!("{:?} ({})", state.active, state.result).to_lowercase();
    let item = item(request, facts, "state", "active", actual, "the service does not run");
    let since = request.details.get(&facts.service).map_or(0, |details| details.since);
    Some(Item { since: super::moment::text(since), ..item })
}
