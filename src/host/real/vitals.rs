//! How this machine is, as `/proc/pressure`, its disks and its sensors tell it.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the machine")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

use super::super::vitals::{Disk, Sensor, Vitals};
use super::files;

/// Temperatures that some chip may have; what drivers tell beyond them stands for nothing.
const POSSIBLE: std::ops::Range<i64> = 1_000..200_000;

/// How the machine is whose `/proc` and `/sys` are below a root, with the disks of some folders.
pub fn read(root: &Path, folders: &[&Path]) -> Vitals {
    let mut sensors = chips(&root.join("sys/class/hwmon"));
    sensors.extend(zones(&root.join("sys/class/thermal")));
    let pressure = root.join("proc/pressure");
    Vitals {
        memory_stall: stall(&pressure.join("memory")),
        io_stall: stall(&pressure.join("io")),
        disks: disks(folders),
        sensors,
    }
}

/// How much of the last minute all work stood still, from a line such as
/// `full avg10=0.21 avg60=1.17 avg300=0.50 total=157752842`.
fn stall(path: &Path) -> Option<u32> {
    let text = fs::read_to_string(path).ok()?;
    let full = text.lines().find_map(|line| line.strip_prefix("full "))?;
    let minute = full.split(' ').find_map(|word| word.strip_prefix("avg60="))?;
    minute.split('.').next()?.parse().ok()
}

fn disks(folders: &[&Path]) -> Vec<Disk> {
    let mut seen = BTreeSet::new();
    let disk = |folder: &&Path| {
        let there = files::nearest(folder);
        let is_new = seen.insert(fs::metadata(there).ok()?.dev());
        let disk = rustix::fs::statvfs(there).ok()?;
        let is_open = !disk.f_flag.contains(StatVfsMountFlags::RDONLY) && disk.f_blocks > 0;
        // What is kept for the system counts for nothing, as `df` does.
        let used = disk.f_blocks.saturating_sub(disk.f_bfree);
        (is_new && is_open).then(|| Disk {
            folder: there.to_owned(),
            size: used.saturating_add(disk.f_bavail).saturating_mul(disk.f_frsize),
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
        })
    };
    folders.iter().filter_map(disk).collect()
}

/// The names in a folder in their order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn word(path: PathBuf) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn degrees(path: PathBuf) -> Option<i64> {
    word(path)?.parse().ok().filter(|degrees| POSSIBLE.contains(degrees))
}

/// Chips of hwmon: `temp1_input` beside `temp1_crit`.
fn chips(folder: &Path) -> Vec<Sensor> {
    let of_chip = |chip: PathBuf| {
        let kind = word(chip.join("name")).unwrap_or_default();
        let sensors = names(&chip).into_iter().filter_map(move |name| {
            let stem = name.strip_suffix("_input").filter(|stem| stem.starts_with("temp"))?;
            let label = word(chip.join(format!("{stem}_label")));
            Some(Sensor {
                name: format!("{kind} {}", label.as_deref().unwrap_or(stem)),
                now: degrees(chip.join(&name))?,
                critical: degrees(chip.join(format!("{stem}_crit")))?,
            })
        });
        sensors.collect::<Vec<_>>()
    };
    names(folder).into_iter().flat_map(|name| of_chip(folder.join(name))).collect()
}

/// Thermal zones: `temp` beside the trip point whose type is `critical`.
fn zones(folder: &Path) -> Vec<Sensor> {
    let of_zone = |zone: PathBuf| {
        let critical = names(&zone).into_iter().find_map(|name| {
            let stem = name.strip_suffix("_type")?;
            let is_critical = word(zone.join(&name))? == "critical";
            is_critical.then(|| degrees(zone.join(format!("{stem}_temp")))).flatten()
        })?;
        let now = degrees(zone.join("temp"))?;
        Some(Sensor { name: word(zone.join("type"))?, now, critical })
    };
    let zones = names(folder).into_iter().filter(|name| name.starts_with("thermal_zone"));
    zones.filter_map(|name| of_zone(folder.join(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    fn sensor(name: &str, now: i64, critical: i64) -> Sensor {
        Sensor { name: name.to_owned(), now, critical }
    }

    #[test]
    fn a_kernel_that_tells_nothing_is_no_reason_to_fail() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path(), &[]), Vitals::default());
    }

    #[test]
    fn pressure_is_that_of_the_last_minute_in_which_nothing_went_on() {
        let root = tempfile::tempdir().unwrap();
        let text = "some avg10=90.00 avg60=80.00 avg300=70.00 total=1\n\
                    full avg10=50.00 avg60=12.99 avg300=30.00 total=1";
        write(root.path(), "proc/pressure/memory", text);
        write(root.path(), "proc/pressure/io", "full avg60=high");
        let vitals = read(root.path(), &[]);
        assert_eq!((vitals.memory_stall, vitals.io_stall), (Some(12), None));
    }

    #[test]
    fn sensors_count_that_know_a_limit_which_can_be() {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("hwmon/hwmon0/name", "coretemp"),
            ("hwmon/hwmon0/temp1_input", "71000"),
            ("hwmon/hwmon0/temp1_crit", "100000"),
            ("hwmon/hwmon0/temp1_label", "Package id 0"),
            ("hwmon/hwmon0/temp2_input", "71000"),
            ("hwmon/hwmon1/name", "nvme"),
            ("hwmon/hwmon1/temp1_input", "40850"),
            ("hwmon/hwmon1/temp1_crit", "84850"),
            ("hwmon/hwmon1/temp2_input", "40850"),
            ("hwmon/hwmon1/temp2_crit", "65261850"),
            ("hwmon/hwmon1/temp3_input", "-273150"),
            ("hwmon/hwmon1/temp3_crit", "84850"),
            ("thermal/thermal_zone0/type", "acpitz"),
            ("thermal/thermal_zone0/temp", "27800"),
            ("thermal/thermal_zone0/trip_point_0_type", "passive"),
            ("thermal/thermal_zone0/trip_point_0_temp", "90000"),
            ("thermal/thermal_zone0/trip_point_1_type", "critical"),
            ("thermal/thermal_zone0/trip_point_1_temp", "119000"),
            ("thermal/thermal_zone1/type", "x86_pkg_temp"),
            ("thermal/thermal_zone1/temp", "50000"),
            ("thermal/cooling_device0/type", "Fan"),
        ] {
            write(root.path(), &format!("sys/class/{path}"), text);
        }
        let expected = [
            sensor("coretemp Package id 0", 71_000, 100_000),
            sensor("nvme temp1", 40_850, 84_850),
            sensor("acpitz", 27_800, 119_000),
        ];
        assert_eq!(read(root.path(), &[]).sensors, expected);
    }

    #[test]
    fn a_disk_is_measured_once_and_from_a_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("not/there");
        let vitals = read(Path::new("/nowhere"), &[&missing, folder.path()]);
        let [disk] = &vitals.disks[..] else { panic!("{vitals:?}") };
        assert_eq!(disk.folder, folder.path());
        assert!(disk.size > disk.free && disk.free > 0, "{disk:?}");
    }
}
