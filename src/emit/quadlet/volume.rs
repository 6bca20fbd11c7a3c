//! A volume that the stack owns, as the fields of its template.

use super::{STACK_LABEL, pairs};
use crate::emit::template::Fields;
use crate::model::storage::Volume;
use crate::resolve::Resolved;
use crate::resolve::mount;

/// The fields of a volume's unit.
pub fn fields(stack: &Resolved<'_>, volume: &mount::Volume<'_>) -> Fields {
    let mut fields = Fields::default();
    fields.set("description", format!("Volume {} of {}", volume.name, stack.name));
    fields.set("name", volume.podman_name);
    let mut labels = vec![format!("{STACK_LABEL}={}", stack.name)];
    if let Some(written) = volume.written {
        fields.maybe("driver", written.driver.as_ref());
        fields.maybe("image", written.image.as_ref());
        fields.maybe("user", written.uid);
        fields.maybe("group", written.gid);
        fields.maybe("copy", written.copy);
        options(written, &mut fields);
        labels.extend(pairs(&written.labels));
    }
    fields.list("labels", labels);
    fields
}

/// Options of the mount stand behind `o=`, those of a driver alone. Quadlet takes the type and the
/// options of a mount as keys only together with a device; Podman takes them without one too.
fn options(written: &Volume, fields: &mut Fields) {
    let has_device = written.device.is_some();
    fields.maybe("device", written.device.as_ref());
    let (mut mount, mut arguments) = (Vec::new(), Vec::new());
    for option in pairs(&written.options) {
        match option.strip_prefix("o=") {
            Some(option) => mount.push(option.to_owned()),
            None => arguments.push(format!("--opt={option}")),
        }
    }
    let mount = (!mount.is_empty()).then(|| mount.join(","));
    if has_device {
        fields.maybe("type", written.kind.as_ref());
        fields.maybe("mount_options", mount);
    } else {
        arguments.extend(written.kind.as_ref().map(|kind| format!("--opt=type={kind}")));
        arguments.extend(mount.map(|options| format!("--opt=o={options}")));
    }
    fields.list("arguments", arguments);
}
