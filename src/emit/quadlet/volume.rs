//! A volume that the stack owns, as the fields of its template.

use super::{STACK_LABEL, pairs};
use crate::emit::template::Fields;
use crate::resolve::Resolved;
use crate::resolve::mount::Volume;

/// The fields of a volume's unit.
pub fn fields(stack: &Resolved<'_>, volume: &Volume<'_>) -> Fields {
    let mut fields = Fields::default();
    fields.set("description", format!("Volume {} of {}", volume.name, stack.name));
    fields.set("name", volume.podman_name);
    let mut labels = vec![format!("{STACK_LABEL}={}", stack.name)];
    if let Some(written) = volume.written {
        fields.maybe("driver", written.driver.as_ref());
        fields.maybe("image", written.image.as_ref());
        fields.maybe("device", written.device.as_ref());
        fields.maybe("type", written.kind.as_ref());
        fields.maybe("user", written.uid);
        fields.maybe("group", written.gid);
        fields.maybe("copy", written.copy);
        options(&pairs(&written.options), &mut fields);
        labels.extend(pairs(&written.labels));
    }
    fields.list("labels", labels);
    fields
}

/// Options of the mount stand behind `o=`, which Quadlet writes itself; those of a driver, such as
/// `type`, stand alone.
fn options(written: &[String], fields: &mut Fields) {
    let is_mount = |option: &&String| option.starts_with("o=");
    let mount: Vec<&str> =
        written.iter().filter(is_mount).filter_map(|option| option.strip_prefix("o=")).collect();
    if !mount.is_empty() {
        fields.set("mount_options", mount.join(","));
    }
    let driver = written.iter().filter(|option| !is_mount(option));
    fields.list("arguments", driver.map(|option| format!("--opt={option}")));
}
