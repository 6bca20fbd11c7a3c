//! The tests are tested: an applier with a defect does not pass them.
//!
//! Each row has a defect, what it would break (`I1` to `I10`: files are whole, old or new, no
//! bystander, no data lost, an honest verdict, bounded, done once, no more than must be, no secret
//! shows, readable when broken), and a test that complains about it, with words of its complaint.
//! Without the defect the same test passes.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::seeded::{self, Defect};
use super::{failures, promises, sweep};

/// A defect, and the test that catches it.
struct Row {
    defect: Defect,
    breaks: &'static str,
    name: &'static str,
    test: fn(),
    says: &'static str,
}

macro_rules! rows {
    ($($defect:ident, $breaks:literal, $says:literal, $module:ident::$test:ident;)*) => {
        &[$(Row {
            defect: Defect::$defect,
            breaks: $breaks,
            name: concat!(stringify!($module), "::", stringify!($test)),
            test: $module::$test,
            says: $says,
        }),*]
    };
}

const ROWS: &[Row] = rows! {
    KeepsNoNames, "I1 I2", "power cut after",
        sweep::the_power_may_be_cut_after_any_operation_on_a_disk_that_is_slow_to_keep_names;
    LinkIsNotAtomic, "I1", "dead after",
        promises::at_every_instant_the_link_leads_to_a_whole_generation;
    NoJournal, "I2", "dying after",
        sweep::the_process_may_die_after_any_operation;
    LateJournal, "I2", "dying after",
        sweep::the_process_may_die_after_any_operation;
    ForgetsWhatRan, "I2", "",
        failures::a_dependent_that_fails_takes_nothing_down_that_it_did_not_touch;
    JournalStays, "I5", "is left over",
        sweep::any_operation_may_fail_once;
    RecoversNothing, "I2", "journal is left over",
        sweep::the_process_may_die_after_any_operation;
    LateUnits, "I1", "is damaged",
        promises::at_every_instant_the_link_leads_to_a_whole_generation;
    OldGoesTooSoon, "I2", "NOT RESTORED",
        failures::a_dependent_that_fails_takes_nothing_down_that_it_did_not_touch;
    TidiesTooMuch, "I1 I4", "is gone",
        failures::a_first_deployment_brings_all_up_and_a_second_one_does_nothing;
    SwitchesNothing, "I2", "does not know",
        failures::a_first_deployment_brings_all_up_and_a_second_one_does_nothing;
    NoRoomForTheWayBack, "I2", "No space left on device",
        promises::the_way_back_needs_no_room;
    LinksStay, "I2", "",
        failures::removing_keeps_volumes_and_takes_networks_away;
    TakesNeighboursAway, "I3", "bystanders have changed",
        sweep::any_operation_may_fail_once;
    HistoryIsLost, "I5", "",
        promises::all_that_is_done_is_remembered_in_its_order;
    TakesNoLock, "I2", "",
        promises::one_works_on_a_stack_and_the_others_are_told_so;
    ReloadsNothing, "I2", "does not know",
        failures::a_first_deployment_brings_all_up_and_a_second_one_does_nothing;
    VerifiesNothing, "I3", "right: Verify",
        failures::nothing_stops_when_a_unit_is_not_understood;
    MissesNoStrangers, "I3", "it is not restored",
        promises::a_stranger_that_gets_lost_is_noticed_before_anything_stops;
    RehearsesNothing, "I3", "it is not refused",
        failures::nothing_stops_when_a_unit_is_not_understood;
    StopsNothing, "I2", "runs with another text",
        promises::only_what_changed_and_what_must_follow_is_started_again;
    StopsStrangers, "I3", "bystanders have changed",
        sweep::any_operation_may_fail_once;
    RestartsAll, "I8", "is down",
        promises::only_what_changed_and_what_must_follow_is_started_again;
    StartsAllAtOnce, "I8", "",
        failures::no_more_services_start_at_the_same_time_than_may;
    ResetsNothing, "I2", "it is not done",
        promises::a_service_that_failed_too_often_is_tried_again;
    FailureIsSuccess, "I5", "",
        failures::what_fails_is_named_and_all_is_as_before;
    HearsNoJobs, "I6", "not ready in time",
        failures::a_first_deployment_brings_all_up_and_a_second_one_does_nothing;
    SettlesNothing, "I5", "=> done",
        failures::what_fails_is_named_and_all_is_as_before;
    HearsNoInterrupt, "I6", "",
        failures::an_interrupt_at_any_wait_puts_all_back;
    ClockOfTheDay, "I6", "",
        failures::a_clock_that_jumps_changes_nothing;
    ForgetsGuests, "I3", "=> done",
        failures::services_of_others_that_need_ours_run_again_afterwards;
    PullsNothing, "I2", "",
        failures::an_image_that_does_not_come_is_tried_again_where_that_can_help;
    NetworksStay, "I2", "inner",
        failures::removing_keeps_volumes_and_takes_networks_away;
    TakesVolumes, "I4", "volumes",
        failures::removing_keeps_volumes_and_takes_networks_away;
    SetsNoSecret, "I2", "None",
        promises::a_secret_reaches_podman_and_nothing_else;
    WritesSecretsDown, "I9", "the value of a secret shows",
        promises::a_secret_reaches_podman_and_nothing_else;
};

/// What a test complains about; nothing where it passes.
fn complaint(test: fn()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(test)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string()))
}

#[test]
fn every_defect_is_caught_and_nothing_else() {
    let (mut wrong, mut tried) = (Vec::new(), BTreeSet::new());
    for row in ROWS {
        let said = seeded::with(row.defect, || complaint(row.test));
        let first = said.as_deref().unwrap_or("nothing");
        let first: String = first.lines().take(3).map(|line| format!("\n    {line}")).collect();
        let told = format!("{:?} breaks {}: {} says {first}", row.defect, row.breaks, row.name);
        println!("{told}");
        if said.is_none_or(|said| !said.contains(row.says)) {
            wrong.push(told);
        }
        // Sweeps take long, and are run without a defect as tests of their own.
        let is_new = !row.name.starts_with("sweep") && tried.insert(row.name);
        if let Some(said) = is_new.then(|| complaint(row.test)).flatten() {
            wrong.push(format!("{} complains although all is well: {said}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
