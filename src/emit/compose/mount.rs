//! Mounts and devices in the words of Compose.

use super::file::{Bind, Mount, Text, VolumeOptions};
use crate::model::value::device::Device;
use crate::resolve::Resolved;
use crate::resolve::mount::{self, Source};

/// Words for how mounts below a folder spread.
const PROPAGATION: [&str; 6] = ["shared", "slave", "private", "rshared", "rslave", "rprivate"];

/// What a container sees at a path.
pub fn mount(stack: &Resolved<'_>, mount: &mount::Mount<'_>) -> Mount {
    let has = |option: &str| mount.options.contains(&option);
    let find = |words: &[&str]| mount.options.iter().find(|option| words.contains(*option));
    let label = find(&["z", "Z"]);
    let (kind, source) = source(stack, &mount.source);
    let is_folder = kind == "bind";
    Mount {
        r#type: Some(kind),
        source: Some(source),
        target: Some(Text::from(mount.target)),
        read_only: has("ro").then_some(true),
        bind: is_folder.then(|| Bind {
            propagation: find(&PROPAGATION).map(Text::from),
            create_host_path: Some(false),
            selinux: label.map(Text::from),
        }),
        volume: (!is_folder && has("nocopy")).then_some(VolumeOptions { nocopy: Some(true) }),
    }
}

/// The kind of a mount and its source. What was generated lies beside the Compose file.
fn source(stack: &Resolved<'_>, source: &Source<'_>) -> (&'static str, Text) {
    match source {
        Source::Path(path) => ("bind", Text::from(path)),
        Source::Home(path) => ("bind", Text::home(path)),
        Source::File { name, digest } => ("bind", Text::from(&format!("./files/{digest}/{name}"))),
        Source::Owned(name) => ("volume", Text::from(*name)),
        Source::External(name) => ("volume", Text::from(super::volume_key(stack, name))),
    }
}

/// A device, its path in the container written out: a bare second part would be taken as that.
pub fn device(device: &Device) -> Text {
    let host = &device.host;
    match (&device.container, &device.permissions) {
        (None, None) => Text::from(host),
        (container, None) => Text::from(&format!("{host}:{}", container.as_ref().unwrap_or(host))),
        (container, Some(permissions)) => {
            let container = container.as_ref().unwrap_or(host);
            Text::from(&format!("{host}:{container}:{permissions}"))
        }
    }
}
