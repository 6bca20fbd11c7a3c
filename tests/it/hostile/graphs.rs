//! Graphs, names, ports and networks in numbers that no machine has: nothing may cost the square.

use super::{MANY, accepted, count, fill, refused, run_all, service, stack};

#[test]
fn large_graphs_are_walked_once() {
    let needs = |from: usize, to: &str| format!("- {{name: a{from}, dependencies: [{to}]}}\n");
    let circle: String = (0..MANY).map(|n| needs(n, &format!("a{}", (n + 1) % MANY))).collect();
    let pairs: String = (0..MANY / 2)
        .map(|n| {
            needs(2 * n, &format!("a{}", 2 * n + 1)) + &needs(2 * n + 1, &format!("a{}", 2 * n))
        })
        .collect();
    let rings: String = (0..400)
        .flat_map(|ring| (0..25).map(move |n| (ring * 25 + n, ring * 25 + (n + 1) % 25)))
        .map(|(from, to)| needs(from, &format!("a{to}")))
        .collect();
    let all = (0..1000).map(|number| format!("a{number}")).collect::<Vec<_>>().join(",");
    let complete: String = (0..200).map(|number| needs(number, &all)).collect();
    let chain: String = (0..MANY).map(|n| needs(n + 1, &format!("a{n}"))).collect();
    let middle = (1..1999).map(|number| format!("a{number}")).collect::<Vec<_>>().join(",");
    let diamond = needs(0, "") + &(1..1999).map(|n| needs(n, "a0")).collect::<String>();
    let unknown: String = (0..MANY)
        .map(|n| format!("- {{name: service-{n}, dependencies: [servise-{n}, sarvice-{n}x]}}\n"))
        .collect();
    run_all([
        refused("a circle of 10,000 services", &["SW203"], stack(&circle)),
        refused("5,000 circles of two", &["SW203"], stack(&pairs)),
        refused("400 circles of 25", &["SW203"], stack(&rings)),
        refused("200 services that need all", &["SW201"], stack(&complete)),
        accepted("a chain of 10,000", stack(&(needs(0, "") + &chain))),
        accepted("a diamond of 2,000", stack(&(diamond + &needs(1999, &middle)))),
        refused("20,000 unknown dependencies", &["SW201"], stack(&unknown)),
        refused(
            "services that need themselves",
            &["SW202"],
            stack(&(0..MANY).map(|n| needs(n, &format!("a{n}"))).collect::<String>()),
        ),
        refused(
            "a service that needs one 10,000 times",
            &["SW201"],
            stack(&needs(0, &"b,".repeat(MANY))),
        ),
        refused(
            "a hundred replicas of each",
            &["SW006"],
            stack(&count("- {name: a%, replicas: 100}\n", MANY)),
        ),
        accepted("20,000 containers", stack(&count("- {name: a%, replicas: 100}\n", 200))),
        refused(
            "unknown services in phases",
            &["SW211"],
            stack("- {name: a}\n")
                + "deployment:\n  phases:\n"
                + &count("  - {services: [b%]}\n", MANY),
        ),
        refused(
            "services in no phase",
            &["SW213"],
            stack(&count("- {name: a%}\n", MANY)) + "deployment:\n  phases: [{services: [a0]}]\n",
        ),
        refused(
            "unknown patterns",
            &["SW801"],
            stack(&count("- {name: a%, pattern: databas-service}\n", MANY)),
        ),
        refused(
            "a duration of centuries in a chain",
            &["SW110"],
            stack("- {name: a, configuration: {stop_timeout: 99999999999999999999h}}\n"),
        ),
    ]);
}

#[test]
fn large_tables_are_compared_in_order() {
    let addresses: String = (0..MANY)
        .map(|n| format!("    - \"127.0.{}.{}:1000-1100:1000-1100\"\n", n / 250, n % 250 + 1))
        .collect();
    let ports = |list: &str| service(&format!("    ports:\n{list}"));
    let networks = |list: &str| format!("networks:\n{list}{}", stack("- name: w\n"));
    let apart: String = (0..MANY)
        .map(|n| format!("  n{n}: {{subnet: 10.{}.{}.0/24}}\n", n / 256, n % 256))
        .collect();
    let more: String = "    - {subnet: 10.0.0.0/24}\n".repeat(MANY);
    let uses = count("- {name: a%, configuration: {networks: [{name: n, ip: 11.0.0.1}]}}\n", MANY);
    let mounts = |list: &str| service(&format!("    volumes:\n{list}"));
    let key = |key: &str, list: &str| service(&format!("    {key}:\n{list}"));
    run_all([
        refused("one port 10,000 times", &["SW310"], ports(&"    - \"8080:80\"\n".repeat(MANY))),
        refused(
            "overlapping ranges",
            &["SW310"],
            ports(&"    - 1000-1100:1000-1100\n".repeat(MANY)),
        ),
        accepted("a range on 10,000 addresses", ports(&addresses)),
        refused("more ports than there are", &["SW006"], ports(&fill("    - \"81:80\"\n"))),
        accepted("10,000 networks", networks(&apart)),
        refused(
            "10,000 equal subnets",
            &["SW328"],
            networks(&count("  n%: {subnet: 10.0.0.0/8}\n", MANY)),
        ),
        refused(
            "10,000 subnets in one",
            &["SW328"],
            networks(&format!("{apart}  z: {{subnet: 10.0.0.0/8}}\n")),
        ),
        refused(
            "many subnets and many addresses",
            &["SW326"],
            format!(
                "networks:\n  n:\n    subnet: 9.0.0.0/8\n    more_subnets:\n{more}{}",
                stack(&uses)
            ),
        ),
        refused("10,000 unknown networks", &["SW320"], key("networks", &count("    - n%\n", MANY))),
        refused("10,000 mounts at one place", &["SW506"], mounts(&"    - /a:/b\n".repeat(MANY))),
        refused(
            "10,000 private labels",
            &["SW504"],
            mounts(&count("    - /a:/b%:Z\n", MANY))
                + "- {name: v, configuration: {volumes: [\"/a:/x\"]}}\n",
        ),
        refused(
            "10,000 unknown capabilities",
            &["SW131"],
            key("cap_add", &count("    - NOT_A_CAP_%\n", MANY)),
        ),
        refused(
            "10,000 unknown limits",
            &["SW515"],
            key("ulimits", &count("      nofil%: 1\n", MANY)),
        ),
        refused(
            "10,000 unknown raw keys",
            &["SW701"],
            key("quadlet", &format!("      Container:\n{}", count("        Imag%: v\n", MANY))),
        ),
        accepted("10,000 secrets of nobody", key("environment", &count("      A%: ${b%}\n", MANY))),
        refused(
            "costly regular expressions",
            &["SW129"],
            stack("- name: w\n")
                + "validation:\n  tests:\n"
                + &"  - {type: http_get, target: w, url: http://w/, \
               expected_body: \"((((a{100}){100}){100}){100})\"}\n"
                    .repeat(2000),
        ),
    ]);
}
