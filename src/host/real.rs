//! This machine as a host that can be changed: its disk, its service manager and its Podman.

mod appended;
mod ask;
mod bus;
mod clock;
mod containers;
mod fault;
mod files;
mod follow;
mod holder;
mod http;
pub mod inside;
mod interrupts;
pub mod journal;
mod known;
mod lock;
mod machine;
mod names;
mod none;
mod paths;
mod podman_json;
mod ports;
mod process;
mod quadlet;
mod shell;
mod systemctl;
mod units;
mod unread;
mod vitals;
mod wakes;

use std::fmt;
use std::sync::Arc;

use super::change::{Fault, Host};
use super::units::Units;
pub use ask::gate;

use ask::Asker;
use containers::Podman;
use files::RealFiles;
use interrupts::Interrupts;
use machine::RealMachine;
use none::NoUnits;
use systemctl::Systemctl;
use units::BusUnits;
use wakes::Wakes;

/// Whose services are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of the user who runs this.
    User,
    /// Those of the machine.
    System,
}

impl Scope {
    /// How programs of systemd are told.
    fn flag(self) -> Option<&'static str> {
        (self == Self::User).then_some("--user")
    }

    /// Where its bus may be, the best place first.
    fn addresses(self) -> Vec<String> {
        let (variable, usual) = match self {
            Self::User => {
                ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/bus", runtime_folder()))
            }
            Self::System => {
                ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket".to_owned())
            }
        };
        let told = super::disk::environment().remove(variable).unwrap_or_default();
        // A variable may tell several, one after the other.
        let mut addresses: Vec<String> =
            told.split(';').filter(|one| !one.is_empty()).map(str::to_owned).collect();
        if !addresses.contains(&usual) {
            addresses.push(usual);
        }
        addresses
    }
}

/// The folder for the sockets of the user.
fn runtime_folder() -> String {
    super::disk::environment().remove("XDG_RUNTIME_DIR").unwrap_or_default()
}

/// This machine, open to be changed.
pub struct Real {
    files: RealFiles,
    units: Box<dyn Units>,
    containers: Podman,
    asker: Asker,
    machine: RealMachine,
}

impl fmt::Debug for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Real").field("machine", &self.machine).finish_non_exhaustive()
    }
}

impl Real {
    /// Opens it with its service manager. From now on, signals that ask this process to stop are
    /// told, and do not end it before the second.
    pub fn open(scope: Scope) -> Result<Self, Fault> {
        let wakes = Arc::new(Wakes::default());
        match BusUnits::connect(scope, wakes.clone()) {
            Ok(units) => Self::with(scope, Box::new(units), wakes),
            Err(fault) => Self::open_by_program(scope).map_err(|_| fault),
        }
    }

    /// The same by the program of the service manager, which finds it even without a bus.
    pub fn open_by_program(scope: Scope) -> Result<Self, Fault> {
        let wakes = Arc::new(Wakes::default());
        let units = Systemctl::open(scope, wakes.clone())?;
        Self::with(scope, Box::new(units), wakes)
    }

    /// The same without a service manager, to write the files of a root that does not run.
    pub fn without_manager(scope: Scope) -> Result<Self, Fault> {
        let wakes = Arc::new(Wakes::default());
        Self::with(scope, Box::new(NoUnits { wakes: wakes.clone() }), wakes)
    }

    fn with(scope: Scope, units: Box<dyn Units>, wakes: Arc<Wakes>) -> Result<Self, Fault> {
        let asker = Asker { scope, wakes: wakes.clone() };
        let interrupts = Interrupts::listen(wakes);
        let interrupts = interrupts.map_err(|error| fault::of("listen to signals", &error))?;
        Ok(Self {
            files: RealFiles { interrupts: Some(interrupts.clone()) },
            units,
            containers: Podman { scope, interrupts: interrupts.clone() },
            asker,
            machine: RealMachine { scope, interrupts },
        })
    }

    /// Asks for a page, which must be there.
    pub fn page(&self, url: &str) -> Result<Vec<u8>, Fault> {
        inside::page(url).map_err(|why| Fault::other(format!("read {url}"), why))
    }

    /// Shows the logs of units until there are no more, somebody asks to stop, or nobody wants any
    /// more of them.
    pub fn show_logs(
        &self,
        shown: &journal::Shown<'_>,
        take: &mut dyn FnMut(Vec<journal::Logged>) -> bool,
    ) -> Result<(), Fault> {
        journal::show(self.machine.scope, shown, &self.machine.interrupts, take)
    }

    /// The host that the applier sees.
    pub fn host(&self) -> Host<'_> {
        Host {
            files: &self.files,
            units: &*self.units,
            containers: &self.containers,
            probes: &self.asker,
            machine: &self.machine,
        }
    }
}
