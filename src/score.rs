//! How well a host is, from 0 to 100; how much a plan puts at stake there; and whether it goes on
//! when both are held together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::host::change::{Fault, Host};
use crate::host::units::{FailedUnit, UnitState};
use crate::host::vitals::{Disk, Sensor, Vitals};
use crate::plan::{Effect, Plan, UnitChange};
use crate::state::{Action, Assessed, Entry, Places, Risk, Verdict};

/// The score of a host that nothing is known against.
pub const MOST: u32 = 100;

/// How long a deployment that failed is held against the next one, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// A disk on which so much is free is not short of room, whatever its share.
const PLENTY: u64 = 50 << 30;

/// Something that a host can lose points for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Units that have failed.
    Units,
    /// Want of memory.
    Memory,
    /// Waiting for disks.
    Io,
    /// Room on disks.
    Disk,
    /// Deployments that failed.
    Failures,
    /// Heat.
    Heat,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Units, Self::Memory, Self::Io, Self::Disk, Self::Failures, Self::Heat];

    /// It as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Units => "units",
            Self::Memory => "memory",
            Self::Io => "io",
            Self::Disk => "disk",
            Self::Failures => "failures",
            Self::Heat => "heat",
        }
    }

    /// How points are lost, for people.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Units => "5 for each unit of the user or the machine that has failed",
            Self::Memory => {
                "3 for each percent of the last minute in which all work stood still for memory"
            }
            Self::Io => {
                "1 for each 2 percent of the last minute in which all work waited for disks"
            }
            Self::Disk => {
                "5, 20 or 40 where less than 20, 10 or 5 percent of a disk, and 50 GiB, are free"
            }
            Self::Failures => {
                "5 for each deployment that failed since the last good one, within a day"
            }
            Self::Heat => {
                "10, 20 or 40 where a sensor is 10, 5 or 0 degrees below what is critical"
            }
        }
    }

    /// The points that can be lost for it.
    pub fn most(self) -> u32 {
        match self {
            Self::Memory => 45,
            Self::Disk | Self::Heat => 40,
            Self::Units => 30,
            Self::Io => 20,
            // It is not enough to be asked: what failed is what the next deployment mends.
            Self::Failures => 15,
        }
    }
}

/// Points that are lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Loss {
    /// What for.
    pub part: Part,
    /// How many.
    pub points: u32,
    /// What was found.
    pub what: String,
    /// What would mend it.
    pub help: String,
}

/// How well a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Score {
    /// The points that are left of 100.
    pub score: u32,
    /// Those that are lost, and why.
    pub losses: Vec<Loss>,
}

/// What a host is judged by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the kernel tells.
    pub vitals: Vitals,
    /// Units that have failed, without those that are to be mended.
    pub failed: Vec<FailedUnit>,
    /// How many deployments have failed one after the other.
    pub failures: usize,
}

/// Looks at a host for some services, whose own failures are not held against it, and for what was
/// done to them before.
pub fn look(
    host: Host<'_>,
    places: &Places,
    of_user: bool,
    services: &BTreeSet<String>,
    histories: &[Vec<Entry>],
) -> Result<Facts, Fault> {
    let mut failed = host.units.failed()?;
    failed.retain(|unit| unit.of_machine == of_user || !services.contains(&unit.name));
    let folders = [&places.stacks, &places.containers, &places.logs];
    let vitals = host.machine.vitals(&folders.map(PathBuf::as_path));
    let now = host.machine.wall_time();
    let failures = histories.iter().map(|history| failures(history, now)).sum();
    Ok(Facts { vitals, failed, failures })
}

/// How many deployments failed within a day since the last one that went well.
fn failures(history: &[Entry], now: u64) -> usize {
    let deployments = history.iter().rev().filter(|entry| entry.action == Action::Apply);
    let recent = deployments.take_while(|entry| {
        entry.verdict != Verdict::Done && now.saturating_sub(entry.began) < DAY
    });
    recent.count()
}

/// The score that follows from facts.
pub fn score(facts: &Facts) -> Score {
    let vitals = &facts.vitals;
    let mut losses: Vec<Loss> = [
        units(&facts.failed),
        memory(vitals.memory_stall.unwrap_or(0)),
        io(vitals.io_stall.unwrap_or(0)),
        vitals.disks.iter().filter_map(disk).max_by_key(|loss| loss.points),
        failed(facts.failures),
        vitals.sensors.iter().filter_map(heat).max_by_key(|loss| loss.points),
    ]
    .into_iter()
    .flatten()
    .collect();
    for loss in &mut losses {
        loss.points = loss.points.min(loss.part.most());
    }
    losses.retain(|loss| loss.points > 0);
    let lost = losses.iter().map(|loss| loss.points).sum();
    Score { score: MOST.saturating_sub(lost), losses }
}

fn loss(part: Part, points: u32, what: String, help: &str) -> Loss {
    Loss { part, points, what, help: help.to_owned() }
}

/// How many there are, with the right word.
fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn units(failed: &[FailedUnit]) -> Option<Loss> {
    let first = failed.first()?;
    let count = counted(failed.len(), "unit has failed", "units have failed");
    let names: Vec<&str> = failed.iter().map(|unit| unit.name.as_str()).collect();
    let scope = if first.of_machine { "" } else { " --user" };
    let help = format!(
        "`systemctl{scope} status {name}` tells why, and `systemctl{scope} reset-failed {name}` \
         forgets it",
        name = first.name
    );
    let points = u32::try_from(failed.len()).unwrap_or(MOST).saturating_mul(5);
    Some(loss(Part::Units, points, format!("{count}: {}", names.join(", ")), &help))
}

fn memory(percent: u32) -> Option<Loss> {
    let what = format!("for {percent} % of the last minute all work stood still, for memory");
    let help = "end what takes it, or limit it: `systemd-cgtop -m` tells what that is";
    (percent > 0).then(|| loss(Part::Memory, percent.saturating_mul(3), what, help))
}

fn io(percent: u32) -> Option<Loss> {
    let what = format!("for {percent} % of the last minute all work waited for disks");
    let help = "wait until that is over, or end what reads and writes so much";
    (percent > 1).then(|| loss(Part::Io, percent / 2, what, help))
}

fn disk(disk: &Disk) -> Option<Loss> {
    let percent = disk.free.saturating_mul(100).checked_div(disk.size)?;
    let points = match percent {
        _ if disk.free >= PLENTY => return None,
        0..5 => 40,
        5..10 => 20,
        10..20 => 5,
        _ => return None,
    };
    let (folder, free) = (disk.folder.display(), disk.free >> 20);
    let what = format!("{percent} % of the disk of {folder} is free, {free} MiB");
    let help = "make room there: `podman image prune` takes images away that have no name";
    Some(loss(Part::Disk, points, what, help))
}

fn failed(count: usize) -> Option<Loss> {
    let points = u32::try_from(count).unwrap_or(MOST).saturating_mul(5);
    let times = counted(count, "deployment of it", "deployments of it");
    let what = format!("the last {times} failed");
    let help = "`stackwright history` tells why; one that goes well makes up for it";
    (count > 0).then(|| loss(Part::Failures, points, what, help))
}

fn heat(sensor: &Sensor) -> Option<Loss> {
    let points = match sensor.critical.saturating_sub(sensor.now) {
        ..=0 => 40,
        1..=5_000 => 20,
        5_001..=10_000 => 10,
        _ => return None,
    };
    let (now, critical) = (sensor.now / 1000, sensor.critical / 1000);
    let what = format!("{} has {now} degrees, {critical} are critical", sensor.name);
    Some(loss(Part::Heat, points, what, "let it cool down: clean its fans, or give it less to do"))
}

/// How much a stack matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Criticality {
    /// As much as most.
    #[default]
    Standard,
    /// It is important.
    Important,
    /// Much else hangs on it.
    Critical,
}

/// What a plan puts at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stake {
    /// In a word.
    pub risk: Risk,
    /// How many services that run are interrupted.
    pub interrupted: usize,
    /// How many run.
    pub running: usize,
}

/// What a plan puts at stake: the more of what runs it interrupts, and the more that matters.
pub fn stake(plan: &Plan, states: &BTreeMap<String, UnitState>, criticality: Criticality) -> Stake {
    let is_service = |unit: &&UnitChange| {
        let (_, kind) = unit.file.rsplit_once('.').unwrap_or_default();
        matches!(kind, "container" | "service")
    };
    let runs = |unit: &&UnitChange| states.get(&unit.service).is_some_and(UnitState::is_up);
    let running: Vec<&UnitChange> = plan.units.iter().filter(is_service).filter(runs).collect();
    let stops = |unit: &&&UnitChange| matches!(unit.effect, Effect::Restart | Effect::Stop);
    let interrupted = running.iter().filter(stops).count();
    let share = match interrupted {
        0 => 0,
        few if few * 2 < running.len() => 1,
        _ => 2,
    };
    let weight = match criticality {
        Criticality::Standard => 0,
        Criticality::Important => 1,
        Criticality::Critical => 2,
    };
    let risk = match share + weight {
        0 | 1 => Risk::Low,
        2 => Risk::Medium,
        3 => Risk::High,
        _ => Risk::Critical,
    };
    Stake { risk, interrupted, running: running.len() }
}

/// From which score on it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Under this one nothing is deployed.
    pub refuse: u32,
    /// Under this one somebody is asked.
    pub ask: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { refuse: 70, ask: 85 }
    }
}

/// What becomes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It goes on.
    GoOn,
    /// It goes on where nobody is to be asked, or who is asked agrees.
    Ask,
    /// It goes on where somebody is asked and agrees, and else waits for a better time.
    AskSomebody,
    /// It does not go on.
    Refuse,
}

/// What becomes of a plan with a risk on a host with a score.
pub fn judge(score: u32, risk: Risk, thresholds: Thresholds) -> Judgement {
    match risk {
        _ if score < thresholds.refuse => Judgement::Refuse,
        _ if score >= thresholds.ask => Judgement::GoOn,
        Risk::Low => Judgement::GoOn,
        Risk::Medium => Judgement::Ask,
        Risk::High | Risk::Critical => Judgement::AskSomebody,
    }
}

/// What is remembered of it.
pub fn assessed(score: &Score, risk: Risk) -> Assessed {
    let lost = score.losses.iter().map(|loss| (loss.part.word().to_owned(), loss.points));
    Assessed { score: score.score, risk, lost: lost.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::units::Active;
    use crate::plan::Sign;
    use crate::state::Journal;

    fn unit(name: &str, of_machine: bool) -> FailedUnit {
        FailedUnit { name: name.to_owned(), of_machine }
    }

    fn disk_of(size: u64, free: u64) -> Disk {
        Disk { folder: "/srv".into(), size, free }
    }

    fn sensor_at(now: i64) -> Sensor {
        Sensor { name: "coretemp Core 0".to_owned(), now, critical: 100_000 }
    }

    /// The points that are lost for facts, by their parts.
    fn lost(change: impl FnOnce(&mut Facts)) -> (u32, Vec<(Part, u32)>) {
        let mut facts = Facts::default();
        change(&mut facts);
        let score = score(&facts);
        (score.score, score.losses.iter().map(|loss| (loss.part, loss.points)).collect())
    }

    #[test]
    fn a_host_that_nothing_is_known_of_has_all_points() {
        assert_eq!(lost(|_| {}), (100, vec![]));
        let calm = |facts: &mut Facts| {
            facts.vitals.memory_stall = Some(0);
            facts.vitals.io_stall = Some(1);
            facts.vitals.disks = vec![disk_of(1 << 40, 1 << 39), disk_of(0, 0)];
            facts.vitals.sensors = vec![sensor_at(71_000)];
        };
        assert_eq!(lost(calm), (100, vec![]));
    }

    #[test]
    fn each_part_costs_what_its_rule_says_and_no_more_than_its_most() {
        let units =
            |count: usize| lost(|facts| facts.failed = vec![unit("a.service", false); count]).1[0];
        assert_eq!((units(1), units(6)), ((Part::Units, 5), (Part::Units, 30)));
        assert_eq!(units(600), (Part::Units, 30));
        let memory = |percent| lost(|facts| facts.vitals.memory_stall = Some(percent)).1[0];
        assert_eq!(
            [1, 6, 15, 16, 100].map(|percent| memory(percent).1),
            [3, 18, 45, 45, 45],
            "memory"
        );
        let io = |percent| lost(|facts| facts.vitals.io_stall = Some(percent)).1[0];
        assert_eq!([2, 39, 40, 100].map(|percent| io(percent).1), [1, 19, 20, 20], "io");
        let failures = |count| lost(|facts| facts.failures = count).1[0];
        assert_eq!([1, 3, 9].map(|count| failures(count).1), [5, 15, 15], "failures");
        let heat = |now| lost(|facts| facts.vitals.sensors = vec![sensor_at(now)]).1;
        let heat = |now| heat(now).first().map_or(0, |loss| loss.1);
        assert_eq!(
            [89_999, 90_000, 94_999, 95_000, 99_999, 100_000, 120_000].map(heat),
            [0, 10, 10, 20, 20, 40, 40],
            "heat"
        );
    }

    #[test]
    fn a_disk_is_short_of_room_by_its_share_unless_there_is_plenty() {
        let gib: u64 = 1 << 30;
        let points = |size, free| {
            let lost = lost(|facts| facts.vitals.disks = vec![disk_of(size * gib, free * gib)]);
            lost.1.first().map_or(0, |loss| loss.1)
        };
        let of_hundred = [21, 20, 19, 10, 9, 5, 4, 0].map(|free| points(100, free));
        assert_eq!(of_hundred, [0, 0, 5, 5, 20, 20, 40, 40]);
        assert_eq!([points(8000, 51), points(8000, 50), points(8000, 49)], [0, 0, 40]);
    }

    #[test]
    fn the_worst_of_many_disks_and_sensors_counts() {
        let (score, losses) = lost(|facts| {
            facts.vitals.disks = vec![disk_of(100, 15), disk_of(100, 7), disk_of(100, 60)];
            facts.vitals.sensors = vec![sensor_at(50_000), sensor_at(96_000), sensor_at(91_000)];
        });
        assert_eq!((score, losses), (60, vec![(Part::Disk, 20), (Part::Heat, 20)]));
    }

    #[test]
    fn nobody_has_less_than_nothing_and_parts_alone_refuse_what_they_should() {
        let (score, losses) = lost(|facts| {
            facts.failed = vec![unit("a.service", true); 99];
            facts.vitals.memory_stall = Some(100);
            facts.vitals.io_stall = Some(100);
            facts.vitals.disks = vec![disk_of(100, 0)];
            facts.failures = 99;
            facts.vitals.sensors = vec![sensor_at(150_000)];
        });
        assert_eq!(score, 0);
        let most: Vec<(Part, u32)> = losses.clone();
        assert_eq!(most, Part::ALL.map(|part| (part, part.most())));
        let usual = Thresholds::default();
        let alone = |part: Part| judge(MOST - part.most(), Risk::Critical, usual);
        let refused: Vec<Part> =
            Part::ALL.into_iter().filter(|part| alone(*part) == Judgement::Refuse).collect();
        assert_eq!(refused, [Part::Memory, Part::Disk, Part::Heat]);
        // What failed before is no reason to keep anybody from mending it.
        assert_eq!(alone(Part::Failures), Judgement::GoOn);
    }

    #[test]
    fn every_loss_is_told_with_a_remedy() {
        let score = score(&Facts {
            vitals: Vitals {
                memory_stall: Some(12),
                io_stall: Some(30),
                disks: vec![disk_of(100 << 30, 3 << 30)],
                sensors: vec![sensor_at(96_500)],
            },
            failed: vec![unit("backup.service", true), unit("a.service", false)],
            failures: 2,
        });
        let told: Vec<&str> = score.losses.iter().map(|loss| loss.what.as_str()).collect();
        assert_eq!(
            told,
            [
                "2 units have failed: backup.service, a.service",
                "for 12 % of the last minute all work stood still, for memory",
                "for 30 % of the last minute all work waited for disks",
                "3 % of the disk of /srv is free, 3072 MiB",
                "the last 2 deployments of it failed",
                "coretemp Core 0 has 96 degrees, 100 are critical",
            ]
        );
        assert_eq!(
            score.losses[0].help,
            "`systemctl status backup.service` tells why, and `systemctl reset-failed \
             backup.service` forgets it"
        );
        let of_user = units(&[unit("a.service", false)]).unwrap();
        assert_eq!(of_user.what, "1 unit has failed: a.service");
        assert!(of_user.help.starts_with("`systemctl --user status a.service`"));
        assert!(score.losses.iter().all(|loss| !loss.help.is_empty()));
    }

    #[test]
    fn failures_count_within_a_day_and_since_the_last_success() {
        let now = 1_000_000;
        let entry = |(action, verdict, ago): (Action, Verdict, u64)| {
            let mut entry = Entry::of(&Journal::new(action, None, None), verdict);
            entry.began = now - ago;
            entry
        };
        let count = |entries: &[(Action, Verdict, u64)]| {
            failures(&entries.iter().copied().map(entry).collect::<Vec<_>>(), now)
        };
        let (apply, back) = (Action::Apply, Action::Rollback);
        let (done, restored, lost) = (Verdict::Done, Verdict::Restored, Verdict::NotRestored);
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[(apply, restored, DAY + 1), (apply, lost, 60)]), 1);
        assert_eq!(count(&[(apply, restored, 90), (apply, lost, 60)]), 2);
        assert_eq!(count(&[(apply, restored, 90), (apply, done, 60)]), 0);
        // To go back is no proof that the next deployment will do.
        assert_eq!(count(&[(apply, lost, 90), (back, done, 60)]), 1);
    }

    fn state(active: Active) -> UnitState {
        UnitState {
            is_loaded: true,
            active,
            sub: String::new(),
            result: String::new(),
            source: None,
            fragment: None,
            drop_ins: Vec::new(),
            invocation: String::new(),
            restarts: 0,
            is_masked: false,
        }
    }

    /// What a plan puts at stake, of which each unit is said with its effect.
    fn stakes(units: &[(&str, Effect)], criticality: Criticality) -> Stake {
        let mut states = BTreeMap::new();
        let change = |(file, effect): &(&str, Effect)| {
            let stem = file.rsplit_once('.').unwrap().0;
            let active = if *effect == Effect::Start { Active::Inactive } else { Active::Active };
            states.insert(format!("{stem}.service"), state(active));
            UnitChange {
                file: (*file).to_owned(),
                service: format!("{stem}.service"),
                sign: Sign::Same,
                effect: *effect,
                why: String::new(),
                difference: None,
            }
        };
        let units = units.iter().map(change).collect();
        let plan = Plan {
            version: 1,
            action: Action::Apply,
            stack: "shop".to_owned(),
            from: None,
            to: None,
            installs: true,
            reloads: true,
            units,
            pull: Vec::new(),
            stop_first: Vec::new(),
            stop: Vec::new(),
            drop_networks: Vec::new(),
            tags: BTreeMap::new(),
            start: Vec::new(),
            notes: Vec::new(),
        };
        stake(&plan, &states, criticality)
    }

    #[test]
    fn the_risk_grows_with_what_is_interrupted_and_with_what_it_is() {
        use Criticality::{Critical, Important, Standard};
        let (stay, restart, stop, start) =
            (Effect::Nothing, Effect::Restart, Effect::Stop, Effect::Start);
        let risks = |units: &[(&str, Effect)]| {
            [Standard, Important, Critical].map(|criticality| stakes(units, criticality).risk)
        };
        let new = [("a.container", start), ("b.container", start), ("n.network", start)];
        assert_eq!(risks(&new), [Risk::Low, Risk::Low, Risk::Medium]);
        let few = [("a.container", restart), ("b.container", stay), ("c.container", stay)];
        assert_eq!(risks(&few), [Risk::Low, Risk::Medium, Risk::High]);
        let half = [("a.container", stop), ("b.container", stay), ("n.network", stay)];
        assert_eq!(risks(&half), [Risk::Medium, Risk::High, Risk::Critical]);
        let stake = stakes(&half, Standard);
        assert_eq!((stake.interrupted, stake.running), (1, 2));
        // A network that is made anew is told by what uses it.
        assert_eq!(stakes(&[("n.network", restart)], Critical).interrupted, 0);
    }

    #[test]
    fn score_and_risk_together_decide() {
        use Judgement::{Ask, AskSomebody, GoOn, Refuse};
        let all = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
        let judged = |score, thresholds| all.map(|risk| judge(score, risk, thresholds));
        let usual = Thresholds::default();
        for score in [85, 100] {
            assert_eq!(judged(score, usual), [GoOn; 4], "{score}");
        }
        for score in [70, 84] {
            assert_eq!(judged(score, usual), [GoOn, Ask, AskSomebody, AskSomebody], "{score}");
        }
        for score in [0, 69] {
            assert_eq!(judged(score, usual), [Refuse; 4], "{score}");
        }
        // Nobody is refused or asked by a limit of nothing, and to refuse comes before to ask.
        assert_eq!(judged(0, Thresholds { refuse: 0, ask: 0 }), [GoOn; 4]);
        assert_eq!(judged(90, Thresholds { refuse: 95, ask: 10 }), [Refuse; 4]);
    }
}
