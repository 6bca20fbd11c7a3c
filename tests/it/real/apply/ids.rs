//! Names that Podman could take for the beginning of an ID: what they begin stays untouched.

use super::Ground;

/// Starts a container of somebody else whose ID begins with the name of a service.
const BYSTANDER: &str = r#"for try in $(seq 500); do
    id=$(podman create --pull never docker.io/library/base:1 serve)
    case $id in
        d*) podman start "$id" && exit ;;
        *) podman rm "$id" > /dev/null ;;
    esac
done
exit 1
"#;

const STACK: &str = r#"
stack: { name: door }
shared: { networks: [hall] }
networks: { hall: {} }
services:
  - name: d
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      environment: { VERSION: "ONE" }
  - name: guest
    dependencies: [d]
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [sh, -c, "nslookup d && exec /bin/serve"]
"#;

#[test]
fn a_service_called_like_the_id_of_a_stranger_leaves_it_alone() {
    let Some(ground) = Ground::new("ids") else { return };
    let bystander = ground.host.user(&["sh", "-c", BYSTANDER]);
    let bystander = bystander.trim();
    let runs = || {
        let state = ["podman", "inspect", "--format", "{{.State.Running}}", bystander];
        assert_eq!(ground.host.user(&state), "true\n");
    };
    ground.stack("door", STACK);
    ground.up("door");
    runs();
    ground.ends(0, &["diff", "/srv/door.yml"]);
    ground.stack("door", &STACK.replace("ONE", "TWO"));
    ground.up("door");
    runs();
    ground.host.user(&["systemctl", "--user", "restart", "d.service"]);
    runs();
    ground.ends(0, &["remove", "door", "--yes"]);
    runs();
    ground.host.user(&["podman", "rm", "-f", bystander]);
    ground.strangers_are_untouched();
}
