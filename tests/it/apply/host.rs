//! A whole host in memory, in which every operation can fail or be the last one of the process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stackwright::host::change::{
    Entry, Fault, FaultKind, Files, Held, HookCall, LockError, Machine,
};
use stackwright::host::containers::{
    Container, Containers, Generated, Image, Inspected, Owned, PullError, SecretValue,
};
use stackwright::host::known::{Asked, Known, Listening, Memory, Owner, Standing};
use stackwright::host::units::{Details, FailedUnit, Job, UnitState, Units, Wake};
use stackwright::host::vitals::Vitals;
use stackwright::state::Places;

use super::disk::{Disk, Done};
use super::manager::Manager;
use super::podman::Podman;

/// The host, which outlives the processes that change it.
#[derive(Debug, Clone)]
pub struct Simulated(Arc<Mutex<World>>);

/// All that there is; a copy of it is another host that is just so.
#[derive(Debug, Clone)]
pub struct World {
    pub places: Places,
    pub disk: Disk,
    pub manager: Manager,
    pub podman: Podman,
    pub now: Duration,
    pub wall: u64,
    /// By how much the clock of the day jumps each time that it is looked at.
    pub wall_jump: i64,
    pub trouble: Trouble,
    /// Whether the process has died, so that nothing that it does has any effect.
    is_dead: bool,
    locks: BTreeSet<PathBuf>,
    pub counts: Counts,
    /// Every operation, for messages.
    pub done: Vec<String>,
    /// Commands of the stack that ran, and those that fail.
    pub hooks: Vec<String>,
    pub failing_hooks: BTreeSet<String>,
    /// How the host is, and which units of others have failed.
    pub vitals: Vitals,
    pub failed: Vec<FailedUnit>,
    /// At which wait somebody asks the process to stop, counted from one.
    pub interrupt_at: Option<usize>,
    is_interrupted: bool,
    /// What is known of the machine.
    pub known: Known,
    /// The version of its systemd, and the room on its disk.
    pub systemd: u32,
    pub room: u64,
    /// The images that are made for another processor.
    pub made_for: BTreeMap<String, String>,
}

/// What goes wrong; operations are counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// One operation fails.
    FailsOnce(usize),
    /// All fail from one on.
    FailsFrom(usize),
    /// There is no more room from one on.
    FullFrom(usize),
    /// The process dies instead of doing it.
    DiesBefore(usize),
    /// The process dies when it is done by half.
    DiesWithin(usize),
    /// The process dies when it is done.
    DiesAfter(usize),
}

/// How often something was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub operations: usize,
    pub writes: usize,
    pub reloads: usize,
    pub starts: usize,
    pub stops: usize,
    pub waits: usize,
    pub pulls: usize,
}

impl Counts {
    /// Whether anything was changed.
    pub fn changes(&self) -> usize {
        self.writes + self.reloads + self.starts + self.stops + self.pulls
    }
}

/// What kind of operation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Looks,
    /// It changes the disk.
    Writes,
    /// It needs room for that.
    Fills,
    /// It changes something else.
    Manages,
}

impl World {
    pub fn new() -> Self {
        let (home, root) = (Path::new("/home/a"), Path::new("/"));
        let places = Places::of_user(root, home, &home.join(".config"), 1000);
        let mut disk = Disk::default();
        for folder in [&places.quadlet, &places.units].into_iter().chain(&places.others) {
            disk.make_folder(folder).unwrap();
        }
        Self {
            places,
            disk,
            manager: Manager::default(),
            podman: Podman::default(),
            now: Duration::from_secs(1000),
            wall: 1_700_000_000,
            wall_jump: 0,
            trouble: Trouble::None,
            is_dead: false,
            locks: BTreeSet::new(),
            counts: Counts::default(),
            done: Vec::new(),
            hooks: Vec::new(),
            failing_hooks: BTreeSet::new(),
            vitals: Vitals::default(),
            failed: Vec::new(),
            interrupt_at: None,
            is_interrupted: false,
            known: healthy(),
            systemd: 257,
            room: 1 << 40,
            made_for: BTreeMap::new(),
        }
    }

    /// Another process begins, on the host as the one before has left it.
    pub fn begin_process(&mut self) {
        self.is_dead = false;
        self.is_interrupted = false;
        self.interrupt_at = None;
        self.trouble = Trouble::None;
        self.locks.clear();
        self.counts = Counts::default();
        self.done.clear();
        self.manager.wakes.clear();
    }
}

/// A machine on which nothing is amiss.
fn healthy() -> Known {
    let owner = Owner { uid: 1000, mode: 0o755, is_readable: true, ..Owner::default() };
    let folders = ["/home/a", "/home/a/.config", "/run/user/1000"].into_iter();
    let address = IpAddr::from([127, 0, 0, 1]);
    Known {
        user: "a".to_owned(),
        uid: 1000,
        lingers: true,
        sub_ids: Some(65536),
        runtime_folder: "/run/user/1000".into(),
        controllers: Some(["cpu", "memory", "pids"].map(str::to_owned).into()),
        first_port: 1024,
        memory: Some(Memory { total: 8 << 30, available: 4 << 30 }),
        is_clock_set: Some(true),
        architectures: ["amd64".to_owned()].into(),
        addresses: [address].into(),
        listening: vec![Listening { address, port: 22, udp: false, uid: 0, socket: 1 }],
        paths: folders.map(|path| (path.into(), Standing::There(owner.clone()))).collect(),
        ..Known::default()
    }
}

/// What becomes of an operation.
enum Fate {
    Done,
    Fails(Fault),
    ByHalf,
    Last,
}

/// What does so much does not come to an end.
const OPERATIONS_MAX: usize = 100_000;

impl World {
    fn fate(&mut self, kind: Kind, doing: &str) -> Fate {
        let dead = || Fault::other(doing, "this process is dead");
        if self.is_dead {
            return Fate::Fails(dead());
        }
        self.counts.operations += 1;
        assert!(self.counts.operations < OPERATIONS_MAX, "it never ends: {doing}");
        self.done.push(doing.to_owned());
        let number = self.counts.operations;
        let fault = |why: &str, kind| Fault { doing: doing.to_owned(), why: why.to_owned(), kind };
        match self.trouble {
            Trouble::FailsOnce(at) if at == number => {
                Fate::Fails(fault("Input/output error", FaultKind::Other))
            }
            Trouble::FailsFrom(at) if at <= number => {
                Fate::Fails(fault("Input/output error", FaultKind::Other))
            }
            Trouble::FullFrom(at) if at <= number && kind == Kind::Fills => {
                Fate::Fails(fault("No space left on device", FaultKind::NoSpace))
            }
            Trouble::DiesBefore(at) if at == number => {
                self.is_dead = true;
                Fate::Fails(dead())
            }
            Trouble::DiesWithin(at) if at == number => Fate::ByHalf,
            Trouble::DiesAfter(at) if at == number => Fate::Last,
            _ => Fate::Done,
        }
    }
}

impl Default for Simulated {
    fn default() -> Self {
        Self::of(World::new())
    }
}

impl Simulated {
    pub fn of(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step<T>(
        &self,
        kind: Kind,
        doing: String,
        half: impl FnOnce(&mut World),
        act: impl FnOnce(&mut World) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let mut world = self.world();
        let dead = Fault::other(&doing, "this process is dead");
        let fate = world.fate(kind, &doing);
        match fate {
            Fate::Fails(fault) => return Err(fault),
            Fate::ByHalf => {
                half(&mut world);
                world.is_dead = true;
                return Err(dead);
            }
            Fate::Done | Fate::Last => {}
        }
        let done = act(&mut world);
        if matches!(kind, Kind::Writes | Kind::Fills) && done.is_ok() {
            world.counts.writes += 1;
        }
        if matches!(fate, Fate::Last) {
            world.is_dead = true;
            return Err(dead);
        }
        done.map_err(|why| Fault { doing, why, kind: FaultKind::Other })
    }

    /// Lets a service answer at a moment.
    pub fn asks(&self, service: &str, at: Duration, right: bool) -> Result<(), Fault> {
        let doing = format!("ask {service} whether it is ready");
        self.look(doing, |world| world.manager.answers(service, at, right))
    }

    fn look<T>(&self, doing: String, act: impl FnOnce(&mut World) -> T) -> Result<T, Fault> {
        self.step(Kind::Looks, doing, |_| {}, |world| Ok(act(world)))
    }

    fn write(
        &self,
        kind: Kind,
        (verb, path): (&str, &Path),
        half: impl FnOnce(&mut Disk) -> Done,
        act: impl FnOnce(&mut Disk) -> Done,
    ) -> Result<(), Fault> {
        let doing = format!("{verb} {}", path.display());
        let half = |world: &mut World| {
            let _as_far_as_it_goes = half(&mut world.disk);
        };
        self.step(kind, doing, half, |world| act(&mut world.disk).map_err(str::to_owned))
    }
}

/// The first half of some bytes.
fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

impl Files for Simulated {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, Fault> {
        self.look(format!("look at {}", path.display()), |world| world.disk.entry(path))
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Fault> {
        let read = |world: &mut World| world.disk.read(path).map_err(str::to_owned);
        self.step(Kind::Looks, format!("read {}", path.display()), |_| {}, read)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Fault> {
        self.look(format!("list {}", folder.display()), |world| world.disk.list(folder))
    }

    fn make_folder(&self, path: &Path) -> Result<(), Fault> {
        let is_there = self.world().disk.is_folder(path);
        let kind = if is_there { Kind::Looks } else { Kind::Fills };
        let upper = path.parent().unwrap().to_owned();
        let half = |disk: &mut Disk| disk.make_folder(&upper);
        self.write(kind, ("make the folder", path), half, |disk| disk.make_folder(path))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
        let by_half = |disk: &mut Disk| disk.write_new(path, half(bytes), 0o600);
        let act = |disk: &mut Disk| disk.write_new(path, bytes, mode);
        self.write(Kind::Fills, ("write", path), by_half, act)
    }

    fn replace(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
        let by_half =
            |disk: &mut Disk| disk.write_new(&path.with_file_name(".passing"), half(bytes), 0o600);
        let act = |disk: &mut Disk| disk.replace(path, bytes, mode);
        self.write(Kind::Fills, ("replace", path), by_half, act)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let by_half = |disk: &mut Disk| disk.append(path, half(bytes));
        self.write(Kind::Fills, ("append to", path), by_half, |disk| disk.append(path, bytes))
    }

    fn link(&self, path: &Path, target: &Path) -> Result<(), Fault> {
        let by_half = |disk: &mut Disk| disk.link(&path.with_file_name(".passing"), target);
        self.write(Kind::Fills, ("link", path), by_half, |disk| disk.link(path, target))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Fault> {
        self.write(Kind::Writes, ("rename", from), |_| Ok(()), |disk| disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> Result<(), Fault> {
        let kind = match self.world().disk.entry(path) {
            Some(_) => Kind::Writes,
            None => Kind::Looks,
        };
        self.write(kind, ("remove", path), |_| Ok(()), |disk| disk.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> Result<(), Fault> {
        let kind = match self.world().disk.entry(path) {
            Some(_) => Kind::Writes,
            None => Kind::Looks,
        };
        let by_half = |disk: &mut Disk| {
            disk.remove_half(path);
            Ok(())
        };
        self.write(kind, ("remove the folder", path), by_half, |disk| disk.remove_folder(path))
    }

    fn keep_names(&self, folder: &Path) -> Result<(), Fault> {
        self.write(Kind::Looks, ("flush", folder), |_| Ok(()), |disk| disk.keep_names(folder))
    }

    fn room(&self, folder: &Path) -> Result<u64, Fault> {
        self.look(format!("measure {}", folder.display()), |world| world.room)
    }

    fn lock(&self, path: &Path, _wait: Duration) -> Result<Box<dyn Held>, LockError> {
        let doing = format!("lock {}", path.display());
        let taken = self.step(
            Kind::Manages,
            doing,
            |_| {},
            |world| {
                let is_new = world.locks.insert(path.to_owned());
                if is_new && world.disk.entry(path).is_none() {
                    world.disk.write_new(path, b"", 0o600)?;
                }
                Ok(is_new)
            },
        );
        match taken.map_err(LockError::Fault)? {
            true => Ok(Box::new(Lock { host: self.clone(), path: path.to_owned() })),
            false => Err(LockError::Held),
        }
    }
}

struct Lock {
    host: Simulated,
    path: PathBuf,
}

impl Held for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.host.world().locks.remove(&self.path);
    }
}

impl Units for Simulated {
    fn manager_version(&self) -> Result<u32, Fault> {
        self.look("ask for the version".to_owned(), |world| world.systemd)
    }

    fn details(&self, names: &[&str], _: &[&UnitState]) -> Result<Vec<Details>, Fault> {
        Ok(vec![Details::default(); names.len()])
    }

    fn memory(&self, names: &[&str]) -> Result<Vec<Option<u64>>, Fault> {
        Ok(vec![None; names.len()])
    }

    fn reload(&self) -> Result<(), Fault> {
        // Once it is ordered, the manager goes on with it, whoever is there to hear the end.
        let act = |world: &mut World| {
            world.counts.reloads += 1;
            world.read_units();
        };
        self.step(Kind::Manages, "reload".to_owned(), act, |world| {
            act(world);
            Ok(())
        })
    }

    fn states(&self, names: &[&str]) -> Result<Vec<UnitState>, Fault> {
        self.look(format!("ask for {}", names.join(" ")), |world| {
            names.iter().map(|name| world.manager.state(name)).collect()
        })
    }

    fn in_memory(&self) -> Result<BTreeMap<String, bool>, Fault> {
        self.look("list the units".to_owned(), |world| world.manager.in_memory())
    }

    fn failed(&self) -> Result<Vec<FailedUnit>, Fault> {
        self.look("list the failed units".to_owned(), |world| world.failed.clone())
    }

    fn dependents(&self, name: &str) -> Result<Vec<String>, Fault> {
        self.look(format!("ask who needs {name}"), |world| world.manager.dependents(name))
    }

    fn busy(&self) -> Result<Vec<String>, Fault> {
        self.look("list the jobs".to_owned(), |world| world.manager.busy())
    }

    fn start(&self, name: &str) -> Result<Job, Fault> {
        let act = |world: &mut World| {
            world.counts.starts += 1;
            world.order_start(name)
        };
        self.step(Kind::Manages, format!("start {name}"), |world| drop(act(world)), act)
    }

    fn stop(&self, name: &str) -> Result<Job, Fault> {
        let act = |world: &mut World| {
            world.counts.stops += 1;
            world.order_stop(name)
        };
        self.step(Kind::Manages, format!("stop {name}"), |world| drop(act(world)), act)
    }

    fn cancel(&self, name: &str) -> Result<(), Fault> {
        let act = |world: &mut World| {
            world.cancel_job(name);
            Ok(())
        };
        self.step(Kind::Manages, format!("cancel {name}"), |world| drop(act(world)), act)
    }

    fn reset_failed(&self, name: &str) -> Result<(), Fault> {
        self.step(
            Kind::Manages,
            format!("reset {name}"),
            |_| {},
            |world| {
                world.manager.reset(name);
                Ok(())
            },
        )
    }

    fn wait(&self, until: Duration) -> Result<Wake, Fault> {
        self.step(
            Kind::Looks,
            "wait".to_owned(),
            |_| {},
            |world| {
                world.counts.waits += 1;
                if world.interrupt_at == Some(world.counts.waits) {
                    world.is_interrupted = true;
                    return Ok(Wake::Interrupted);
                }
                loop {
                    if let Some(wake) = world.manager.wakes.pop_front() {
                        return Ok(wake);
                    }
                    if !world.advance(until) {
                        world.now = world.now.max(until);
                        return Ok(Wake::TimeUp);
                    }
                }
            },
        )
    }

    fn log(&self, name: &str, _lines: usize) -> Result<Vec<String>, Fault> {
        self.look(format!("read the log of {name}"), |_| vec![format!("{name} says so")])
    }
}

impl Containers for Simulated {
    fn version(&self) -> Result<(u32, u32), Fault> {
        self.look("ask for the version".to_owned(), |_| (5, 4))
    }

    fn images(&self) -> Result<Vec<Image>, Fault> {
        self.look("list the images".to_owned(), |world| world.podman.images())
    }

    fn pull(&self, image: &str) -> Result<(), PullError> {
        let meeting = self.world().podman.meeting.clone();
        meeting.inspect(|meeting| meeting.attend());
        let pulled = self.step(
            Kind::Manages,
            format!("pull {image}"),
            |_| {},
            |world| {
                world.counts.pulls += 1;
                Ok(world.podman.pull(image))
            },
        );
        pulled.unwrap_or_else(|fault| Err(PullError { is_passing: false, why: fault.why }))
    }

    fn tag(&self, image: &str, names: &[&str]) -> Result<(), Fault> {
        let act = |world: &mut World, names: &[&str]| {
            let images = &mut world.podman.images;
            let id = match images.values().find(|id| *id == image) {
                Some(id) => id.clone(),
                None => images.get(image).ok_or("no such image")?.clone(),
            };
            images.extend(names.iter().map(|name| ((*name).to_owned(), id.clone())));
            Ok(())
        };
        let half = |world: &mut World| {
            let _as_far_as_it_goes: Result<(), String> = act(world, &names[..names.len() / 2]);
        };
        let doing = format!("tag {image} {}", names.join(" "));
        self.step(Kind::Manages, doing, half, |world| act(world, names))
    }

    fn untag(&self, name: &str) -> Result<(), Fault> {
        self.step(
            Kind::Manages,
            format!("untag {name}"),
            |_| {},
            |world| world.podman.images.remove(name).map(drop).ok_or("no such image".to_owned()),
        )
    }

    fn architectures(&self, images: &[&str]) -> Result<BTreeMap<String, String>, Fault> {
        let made_for = |world: &mut World| {
            let known = images.iter().map(|id| {
                let made_for = world.made_for.get(*id).map_or("amd64", String::as_str);
                ((*id).to_owned(), made_for.to_owned())
            });
            known.collect()
        };
        self.look("look at images".to_owned(), made_for)
    }

    fn containers(&self) -> Result<Vec<Container>, Fault> {
        self.look("list the containers".to_owned(), |world| world.containers())
    }

    fn inspect(&self, names: &[&str]) -> Result<Vec<Inspected>, Fault> {
        self.look(format!("inspect {}", names.join(" ")), |world| {
            let containers = world.containers().into_iter();
            let meant = containers.filter(|one| names.contains(&one.name.as_str()));
            let inspected = |one: Container| Inspected {
                name: one.name,
                image_id: one.image_id,
                status: "running".to_owned(),
                labels: one.labels,
                ..Inspected::default()
            };
            meant.map(inspected).collect()
        })
    }

    fn networks(&self) -> Result<Vec<Owned>, Fault> {
        let networks = |world: &mut World| world.podman.networks.values().cloned().collect();
        self.look("list the networks".to_owned(), networks)
    }

    fn volumes(&self) -> Result<Vec<Owned>, Fault> {
        let volumes = |world: &mut World| world.podman.volumes.values().cloned().collect();
        self.look("list the volumes".to_owned(), volumes)
    }

    fn secrets(&self) -> Result<Vec<Owned>, Fault> {
        let secrets = |world: &mut World| {
            world.podman.secrets.values().map(|(secret, _)| secret.clone()).collect()
        };
        self.look("list the secrets".to_owned(), secrets)
    }

    fn secret(&self, name: &str) -> Result<Option<SecretValue>, Fault> {
        self.look(format!("look at the secret {name}"), |world| {
            let known = world.podman.secrets.get(name);
            known.map(|(_, value)| SecretValue(value.clone()))
        })
    }

    fn set_secret(
        &self,
        name: &str,
        value: &SecretValue,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        self.step(
            Kind::Fills,
            format!("set the secret {name}"),
            |_| {},
            |world| {
                let (name, labels) = (name.to_owned(), labels.clone());
                let secret = Owned { name: name.clone(), labels, ..Owned::default() };
                world.podman.secrets.insert(name, (secret, value.0.clone()));
                Ok(())
            },
        )
    }

    fn remove_network(&self, name: &str) -> Result<(), Fault> {
        self.step(
            Kind::Manages,
            format!("remove the network {name}"),
            |_| {},
            |world| {
                if world.network_is_used(name) {
                    return Err("network is being used".to_owned());
                }
                world.podman.networks.remove(name).map(drop).ok_or("no such network".to_owned())
            },
        )
    }

    fn remove_volume(&self, name: &str) -> Result<(), Fault> {
        self.step(
            Kind::Manages,
            format!("remove the volume {name}"),
            |_| {},
            |world| world.podman.volumes.remove(name).map(drop).ok_or("no such volume".to_owned()),
        )
    }

    fn remove_secret(&self, name: &str) -> Result<(), Fault> {
        self.step(
            Kind::Manages,
            format!("remove the secret {name}"),
            |_| {},
            |world| {
                world.podman.secrets.remove(name);
                Ok(())
            },
        )
    }

    fn health_log(&self, container: &str) -> Result<Vec<String>, Fault> {
        self.look(format!("read the health of {container}"), |_| Vec::new())
    }

    fn generate(&self, folders: &[&Path]) -> Result<Generated, Fault> {
        self.look("run the generator".to_owned(), |world| world.generate(folders))
    }

    fn generate_with(
        &self,
        units: &BTreeMap<String, String>,
        folders: &[&Path],
    ) -> Result<Generated, Fault> {
        // A copy of the disk has them, and nobody else sees them.
        let (mut world, passing) = (self.world().clone(), Path::new("/run/passing"));
        world.disk.make_folder(passing).unwrap();
        for (name, text) in units {
            world.disk.write_new(&passing.join(name), text.as_bytes(), 0o600).unwrap();
        }
        let mut generated = world.generate(&[&[passing], folders].concat());
        for path in generated.services.values_mut() {
            *path = path.strip_prefix(passing).unwrap_or(path).to_owned();
        }
        Ok(generated)
    }
}

impl Machine for Simulated {
    fn now(&self) -> Duration {
        self.world().now
    }

    fn wall_time(&self) -> u64 {
        let mut world = self.world();
        world.wall = world.wall.saturating_add_signed(world.wall_jump);
        world.wall + world.now.as_secs()
    }

    fn random(&self, length: usize) -> Result<Vec<u8>, Fault> {
        self.look("make something up".to_owned(), |_| vec![7; length])
    }

    fn user(&self) -> String {
        "a".to_owned()
    }

    fn known(&self, asked: &Asked<'_>) -> Result<Known, Fault> {
        self.look("look at the machine".to_owned(), |world| {
            let mut known = world.known.clone();
            known.paths.retain(|path, _| asked.paths.contains(&**path));
            known.names.retain(|name, _| asked.names.contains(&**name));
            known.is_clock_set = known.is_clock_set.filter(|_| asked.clock);
            let runtime = known.runtime_folder.clone();
            known.paths.extend(
                world.known.paths.get_key_value(&runtime).map(|(a, b)| (a.clone(), b.clone())),
            );
            known
        })
    }

    fn holder(&self, listening: &Listening) -> Option<String> {
        (listening.uid == 1000).then(|| format!("process {}", listening.socket))
    }

    fn vitals(&self, _folders: &[&Path]) -> Vitals {
        self.world().vitals.clone()
    }

    fn interrupted(&self) -> bool {
        self.world().is_interrupted
    }

    fn hook(&self, call: &HookCall<'_>) -> Result<(), Fault> {
        let command = call.command.join(" ");
        self.step(
            Kind::Manages,
            format!("run {command}"),
            |_| {},
            |world| {
                world.hooks.push(command.clone());
                match world.failing_hooks.contains(&command) {
                    true => Err("it ended with 1".to_owned()),
                    false => Ok(()),
                }
            },
        )
    }
}
