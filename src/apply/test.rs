//! Asking a stack that is up whether it works, as it says itself.

use std::time::Duration;

use super::Scene;
use super::event::{Event, Failure, Step, at};
use crate::host::probe::Asked;
use crate::host::units::{UnitState, Wake};
use crate::state::manifest::Test;

/// What is added to the time of a test before it counts as stuck.
const GRACE: Duration = Duration::from_secs(60);

/// Makes one test; an error inside tells what was answered instead.
pub fn ask(scene: &Scene<'_>, test: &Test) -> Result<Result<(), String>, Failure> {
    let host = scene.host;
    let states = host.units.states(&[&test.service]).map_err(at(Step::Test))?;
    let Some(state) = states.into_iter().next().filter(UnitState::runs) else {
        return Ok(Err(format!("{} does not run", test.service)));
    };
    let began = host.machine.now();
    let (service, container) = (test.service.clone(), test.container.clone());
    let asked = Asked { service, container, invocation: state.invocation, began };
    let watch = host.probes.watch(&asked, std::slice::from_ref(&test.probe));
    let _kept = watch.map_err(at(Step::Test))?;
    let until = began + Duration::from_millis(test.probe.timeout) + GRACE;
    loop {
        match host.units.wait(until).map_err(at(Step::Test))? {
            Wake::Answered { service, invocation, result }
                if service == asked.service && invocation == asked.invocation =>
            {
                return Ok(result);
            }
            Wake::Interrupted => return Err(Failure::interrupted(Step::Test)),
            Wake::TimeUp => return Ok(Err("there is no answer at all".to_owned())),
            Wake::Answered { .. } | Wake::Changed(_) | Wake::Ended { .. } => {}
        }
    }
}

/// Makes the tests of a deployment, one after the other, until one fails.
pub fn all<'t>(
    scene: &Scene<'_>,
    tests: impl IntoIterator<Item = &'t Test>,
) -> Result<(), Failure> {
    let mut tests = tests.into_iter().peekable();
    if tests.peek().is_some() {
        (scene.tell)(&Event::Step { step: Step::Test });
    }
    for test in tests {
        if let Err(answer) = ask(scene, test)? {
            let why = format!("the test `{}` failed: {answer}", test.name);
            let log = scene.host.units.log(&test.service, super::steps::LOG_LINES);
            let service = Some(test.service.clone());
            let log = log.unwrap_or_default();
            return Err(Failure { service, log, ..Failure::at(Step::Test, why) });
        }
        (scene.tell)(&Event::Passed { test: test.name.clone() });
    }
    Ok(())
}
