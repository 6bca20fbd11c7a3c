//! Commands that a stack runs around a change, with what is known about it in their environment.

use std::time::Duration;

use super::Scene;
use super::event::{Event, Failure, Step};
use crate::host::change::{Fault, HookCall};
use crate::plan::Plan;
use crate::state::Settings;

/// How long a command of the stack may take.
const HOOK_TIME: Duration = Duration::from_secs(600);

/// The commands of a stack around one plan.
pub struct Hooks<'h> {
    /// Where.
    pub scene: &'h Scene<'h>,
    /// What is done.
    pub plan: &'h Plan,
    /// Which commands there are.
    pub settings: &'h Settings,
}

impl Hooks<'_> {
    /// Runs those before a change; one that fails refuses it.
    pub fn before(&self) -> Result<(), Failure> {
        self.settings
            .before
            .iter()
            .try_for_each(|command| self.run(command))
            .map_err(|fault| Failure::at(Step::Before, format!("the stack's own check: {fault}")))
    }

    /// Runs those after a change; one that fails is told, and no more.
    pub fn after(&self, commands: &[Vec<String>]) {
        let tell = self.scene.tell;
        if !commands.is_empty() {
            tell(&Event::Step { step: Step::After });
        }
        for fault in commands.iter().filter_map(|command| self.run(command).err()) {
            tell(&Event::Note { text: format!("a command of the stack failed: {fault}") });
        }
    }

    fn run(&self, command: &[String]) -> Result<(), Fault> {
        let plan = self.plan;
        let from = plan.from.as_ref().map(ToString::to_string);
        let variables = [
            ("STACKWRIGHT_STACK", plan.stack.clone()),
            ("STACKWRIGHT_ACTION", plan.action.word().to_owned()),
            ("STACKWRIGHT_FROM", from.unwrap_or_default()),
            ("STACKWRIGHT_TO", plan.to.clone().unwrap_or_default()),
            ("STACKWRIGHT_START", plan.start.join(" ")),
            ("STACKWRIGHT_STOP", [plan.stop_first.join(" "), plan.stop.join(" ")].join(" ")),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        let folder = self.settings.origin.parent().unwrap_or(self.scene.store.folder());
        let call =
            HookCall { command, variables: &variables, input: &[], folder, timeout: HOOK_TIME };
        self.scene.host.machine.hook(&call)
    }
}
