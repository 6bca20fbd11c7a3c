//! The pod of a stack that wants one, as the fields of its template.

use super::{STACK_LABEL, Target, container};
use crate::emit::template::Fields;
use crate::model::meaning;
use crate::resolve::Resolved;
use crate::resolve::network::Joined;

/// The fields of the pod's unit: what its services would say about their network each.
pub fn fields(stack: &Resolved<'_>, target: Target) -> Fields {
    let mut fields = Fields::default();
    fields.set("description", format!("Pod of {}", stack.name));
    fields.set("name", meaning::pod(stack.name));
    let ports = stack.services.iter().flat_map(|service| service.configuration.ports.iter());
    fields.list("ports", ports.map(|port| port.0.to_string()));
    if let Some(service) = stack.services.first()
        && let Joined::Networks(networks) = &service.joined
    {
        fields.list("networks", networks.iter().map(|one| container::membership(one, None)));
    }
    // A job that ends, and a container that is restarted, must not take the others down.
    fields.set("exit_policy", "continue");
    fields.list("labels", [format!("{STACK_LABEL}={}", stack.name)]);
    fields.set("wanted_by", container::boot_target(target.scope));
    fields
}
