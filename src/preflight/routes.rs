//! The hosts of routes, against the addresses of this machine.

use std::net::IpAddr;

use super::{Finding, Scene, code};

/// Judges those whose servers answered.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let known = &scene.seen.known;
    let is_here = |address: &IpAddr| address.is_loopback() || known.addresses.contains(address);
    let mut findings = Vec::new();
    for (host, addresses) in &known.names {
        if addresses.iter().any(is_here) {
            continue;
        }
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let what = match list.as_slice() {
            [] => format!("the name {host} has no address, a route waits for requests to it"),
            _ => format!(
                "the name {host} leads to {}, which is no address of this machine",
                list.join(", ")
            ),
        };
        let help = "set its address where your names are kept; nothing has to be done where a \
                    router leads requests here";
        findings.push(Finding::new(&code::ROUTE_HOST, what, help));
    }
    findings
}
