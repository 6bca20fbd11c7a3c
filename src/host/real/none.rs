//! A host without a service manager, such as the root of another system: nothing runs there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::change::Fault;
use super::super::units::{Details, FailedUnit, Job, UnitState, Units, Wake};
use super::fault;
use super::wakes::Wakes;

/// No service manager.
#[derive(Debug)]
pub struct NoUnits {
    /// What happens nevertheless: an interrupt.
    pub wakes: Arc<Wakes>,
}

/// Why nothing can be done there.
fn none(doing: String) -> Fault {
    fault::missing(doing, "there is no service manager")
}

impl Units for NoUnits {
    fn manager_version(&self) -> Result<u32, Fault> {
        Err(none("ask the service manager for its version".to_owned()))
    }

    fn reload(&self) -> Result<(), Fault> {
        Err(none("reload the units".to_owned()))
    }

    fn states(&self, names: &[&str]) -> Result<Vec<UnitState>, Fault> {
        let state = UnitState {
            sub: "dead".to_owned(),
            result: "success".to_owned(),
            ..UnitState::default()
        };
        Ok(vec![state; names.len()])
    }

    fn details(&self, names: &[&str], _: &[&UnitState]) -> Result<Vec<Details>, Fault> {
        Ok(vec![Details::default(); names.len()])
    }

    fn memory(&self, names: &[&str]) -> Result<Vec<Option<u64>>, Fault> {
        Ok(vec![None; names.len()])
    }

    fn in_memory(&self) -> Result<BTreeMap<String, bool>, Fault> {
        Ok(BTreeMap::new())
    }

    fn failed(&self) -> Result<Vec<FailedUnit>, Fault> {
        Ok(Vec::new())
    }

    fn dependents(&self, _name: &str) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn busy(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn start(&self, name: &str) -> Result<Job, Fault> {
        Err(none(format!("start {name}")))
    }

    fn stop(&self, name: &str) -> Result<Job, Fault> {
        Err(none(format!("stop {name}")))
    }

    fn cancel(&self, _name: &str) -> Result<(), Fault> {
        Ok(())
    }

    fn reset_failed(&self, _name: &str) -> Result<(), Fault> {
        Ok(())
    }

    fn wait(&self, until: Duration) -> Result<Wake, Fault> {
        self.wakes.wait(until)
    }

    fn log(&self, _name: &str, _lines: usize) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::change::FaultKind;
    use super::*;

    #[test]
    fn nothing_is_there_and_nothing_starts() {
        let units = NoUnits { wakes: Arc::default() };
        assert_eq!(units.reload().unwrap_err().kind, FaultKind::Missing);
        let fault = units.start("web.service").unwrap_err();
        assert_eq!(fault.to_string(), "cannot start web.service: there is no service manager");
        assert!(!units.states(&["web.service"]).unwrap()[0].is_loaded);
        assert_eq!(units.wait(Duration::ZERO), Ok(Wake::TimeUp));
    }
}
