//! How the host is and what a plan puts at stake, as `plan`, `apply` and `reconcile` tell it.

use std::fmt::Write;

use serde::Serialize;

use super::super::{Exit, output};
use super::wanted::Wanted;
use super::{Format, Prepared, Site, show};
use crate::apply::Scene;
use crate::host::change::Fault;
use crate::report::human::escape;
use crate::score::{
    self, Judgement, Loss, MOST, Score, Stake, Thresholds, judge, look, score, stake,
};
use crate::state::{Assessed, Risk};

/// A plan that was judged.
pub struct Judged {
    score: Score,
    stake: Stake,
    thresholds: Thresholds,
    /// What becomes of it.
    pub judgement: Judgement,
}

/// What is told to scripts.
#[derive(Serialize)]
struct Told<'t> {
    event: &'static str,
    stack: &'t str,
    risk: Risk,
    judgement: Judgement,
    #[serde(flatten)]
    score: &'t Score,
}

/// Judges a plan; nothing where there is nothing to do, or nothing runs.
pub fn of(
    site: &Site,
    scene: &Scene<'_>,
    wanted: &Wanted,
    prepared: &Prepared,
) -> Result<Option<Judged>, Fault> {
    let plan = &prepared.plan;
    if plan.is_empty() || !site.runs {
        return Ok(None);
    }
    let services = plan.units.iter().map(|unit| unit.service.clone()).collect();
    let history = [scene.store.history()?];
    let facts = look(scene.host, scene.places, site.of_user, &services, &history)?;
    let score = score(&facts);
    let stake = stake(plan, &prepared.observed.states, wanted.criticality);
    let judgement = judge(score.score, stake.risk, wanted.thresholds);
    Ok(Some(Judged { score, stake, thresholds: wanted.thresholds, judgement }))
}

impl Judged {
    /// What is remembered of it.
    pub fn assessed(&self) -> Assessed {
        score::assessed(&self.score, self.stake.risk)
    }

    /// Tells it.
    pub fn tell(&self, stack: &str, format: Format) {
        let (risk, judgement, score) = (self.stake.risk, self.judgement, &self.score);
        match format {
            Format::Human => output::note(&self.text(stack)),
            Format::Json => {
                show::json_line(&Told { event: "assessed", stack, risk, judgement, score });
            }
        }
    }

    /// It for people: nothing where the host is well and little is at stake, a line where much is,
    /// and all that is wrong where it is not well.
    fn text(&self, stack: &str) -> String {
        let Stake { risk, interrupted, running } = self.stake;
        let points = self.score.score;
        let is_well = points >= self.thresholds.ask.max(self.thresholds.refuse);
        if is_well && risk < Risk::High {
            return String::new();
        }
        let mut text =
            format!("{stack}: the host has {points} of {MOST} points; the risk is {risk}");
        if interrupted > 0 {
            let services = if running == 1 { "service" } else { "services" };
            write!(text, ": it interrupts {interrupted} of {running} {services}")
                .unwrap_or_default();
        }
        text.push('\n');
        if !is_well {
            text.push_str(&lines(&self.score.losses));
        }
        text
    }

    /// Tells why it does not go on, and what to do.
    pub fn refuse(&self, stack: &str) -> Exit {
        let Thresholds { refuse, ask } = self.thresholds;
        let why = match self.judgement {
            Judgement::Refuse => format!("the host has too few points, {refuse} are needed"),
            _ => format!(
                "the host has too few points for a {} risk that nobody agrees to, {ask} are needed",
                self.stake.risk
            ),
        };
        let agree = match self.judgement {
            Judgement::Refuse => "",
            _ => ", leave `--yes` away to be asked",
        };
        let help = format!("mend what is told above, try later{agree}, or say `--ignore-health`");
        output::error(&format!("{stack}: {why}"));
        output::note(&format!("  help: {help}\n"));
        Exit::Refused
    }
}

/// Points that are lost, each with its reason and its remedy.
pub fn lines(losses: &[Loss]) -> String {
    let mut text = String::new();
    for Loss { points, what, help, .. } in losses {
        writeln!(text, "  -{points:<3} {}", escape(what)).unwrap_or_default();
        writeln!(text, "       help: {}", escape(help)).unwrap_or_default();
    }
    text
}
