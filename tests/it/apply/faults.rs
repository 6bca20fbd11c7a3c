//! Which test shows what becomes of each fault that a host can have.
//!
//! `A` is about the process and the power, `B` about the disk, `C` about systemd, and `D` about
//! containers, images and other runs. Sweeps on the host in memory have the fault at every
//! operation of every command; the real ones have it where the program tells of a step.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::text;

/// A fault, what it is, and the tests that have it, by file below `tests/it` and name.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const SWEEP: &str = "apply/sweep.rs";
const RESUMES: &str = "apply/resumes.rs";
const FAILURES: &str = "apply/failures.rs";
const PROMISES: &str = "apply/promises.rs";
const PROGRAM: &str = "apply/program.rs";
const TORN: &str = "apply/torn.rs";
const KILLED: &str = "real/apply/killed.rs";
const REAL: &str = "real/apply/failures.rs";
const KEPT: &str = "real/apply/kept.rs";

const FAULTS: &[Row] = &[
    (
        "A1",
        "the process is killed at any step",
        &[
            (SWEEP, "the_process_may_die_before_any_operation"),
            (SWEEP, "the_process_may_die_within_any_operation"),
            (SWEEP, "the_process_may_die_after_any_operation"),
            (KILLED, "killed_in_a_first_deployment_it_leaves_nothing_or_all"),
            (KILLED, "killed_in_an_update_it_leaves_the_old_or_the_new"),
            (KILLED, "killed_in_a_removal_it_leaves_all_or_nothing"),
            (KILLED, "killed_in_a_rollback_it_leaves_the_new_or_the_old"),
        ],
    ),
    (
        "A2",
        "it is killed, and what systemd was told goes on",
        &[
            (SWEEP, "the_process_may_die_after_any_operation"),
            (KILLED, "killed_in_an_update_it_leaves_the_old_or_the_new"),
        ],
    ),
    (
        "A3",
        "it is asked to stop, once and twice, or loses its terminal",
        &[
            (FAILURES, "an_interrupt_at_any_wait_puts_all_back"),
            (KILLED, "asked_to_stop_it_puts_all_back_and_goes_on_without_its_terminal"),
            ("real/host.rs", "a_second_interrupt_ends_the_program_at_once"),
        ],
    ),
    (
        "A4",
        "it is killed while it recovers, or goes on with what was cut short",
        &[
            (RESUMES, "going_on_may_die_after_any_operation"),
            (RESUMES, "going_on_may_die_within_any_operation"),
            (RESUMES, "what_was_put_back_by_half_is_gone_on_with"),
            (RESUMES, "a_secret_has_one_value_however_often_it_is_cut_short"),
            (SWEEP, "a_recovery_may_die_after_any_operation_and_the_next_one_ends_it"),
            (KILLED, "the_next_apply_recovers_by_itself_and_a_kill_while_it_does_is_no_harm"),
        ],
    ),
    (
        "A5",
        "the power is cut, and what was not flushed is lost in part",
        &[
            (SWEEP, "the_power_may_be_cut_within_any_operation"),
            (RESUMES, "the_power_may_be_cut_within_any_operation_of_going_on"),
            (
                SWEEP,
                "the_power_may_be_cut_after_any_operation_on_a_disk_that_is_slow_to_keep_names",
            ),
            (PROGRAM, "all_is_on_the_disk_before_the_link_is_switched_and_the_journal_before_that"),
        ],
    ),
    (
        "A6",
        "the machine starts anew in the middle",
        &[
            (SWEEP, "the_power_may_be_cut_within_any_operation"),
            (KILLED, "a_power_cut_leaves_the_old_or_the_new"),
        ],
    ),
    ("A8", "the clock of the day jumps", &[(FAILURES, "a_clock_that_jumps_changes_nothing")]),
    (
        "B1",
        "there is no more room",
        &[
            (SWEEP, "the_disk_may_be_full_from_any_operation_on"),
            (RESUMES, "the_disk_may_be_full_from_any_operation_of_going_on"),
            (PROMISES, "the_way_back_needs_no_room"),
        ],
    ),
    (
        "B2",
        "an operation of the disk fails, once or for good",
        &[
            (SWEEP, "any_operation_may_fail_once"),
            (SWEEP, "all_operations_may_fail_from_any_on"),
            (RESUMES, "any_operation_of_going_on_may_fail_once"),
            (RESUMES, "all_operations_of_going_on_may_fail_from_any_on"),
        ],
    ),
    (
        "B3",
        "this user may not write there",
        &[(PROGRAM, "where_it_may_not_write_it_says_so_and_nothing_is_changed")],
    ),
    (
        "B4",
        "nothing can be written, from the beginning or from some moment on",
        &[
            (SWEEP, "all_operations_may_fail_from_any_on"),
            ("real/apply/system.rs", "services_of_the_machine_come_up_change_fail_go_back_and_go"),
        ],
    ),
    (
        "B5",
        "a link of somebody else stands where ours must be",
        &[(PROGRAM, "what_somebody_else_has_put_in_its_places_is_not_replaced")],
    ),
    (
        "B6",
        "a unit is there by half",
        &[
            (PROGRAM, "a_generation_of_which_a_file_is_cut_off_is_not_gone_back_to"),
            (PROMISES, "at_every_instant_the_link_leads_to_a_whole_generation"),
            ("apply/plans.rs", "each_change_costs_what_it_must_and_says_why"),
        ],
    ),
    (
        "B7",
        "what is kept about a stack is spoilt",
        &[
            (TORN, "a_spoilt_manifest_does_no_harm_and_nothing_goes"),
            (TORN, "a_spoilt_history_stops_nothing_and_no_number_is_used_twice"),
            (TORN, "a_link_that_leads_elsewhere_is_refused"),
            (TORN, "a_spoilt_journal_leaves_the_generation_in_use_whole"),
            (PROGRAM, "spoilt_files_of_its_own_are_told_and_stop_nothing_else"),
        ],
    ),
    (
        "C1",
        "no bus can be reached, or the user does not linger",
        &[
            ("real/apply/system.rs", "services_of_the_machine_come_up_change_fail_go_back_and_go"),
            (KEPT, "what_must_be_is_asked_for_before_anything_is_touched"),
        ],
    ),
    ("C2", "reading the units anew fails", &[(SWEEP, "any_operation_may_fail_once")]),
    (
        "C3",
        "it succeeds, and units are gone",
        &[
            (FAILURES, "nothing_stops_when_a_unit_is_not_understood"),
            (FAILURES, "a_neighbour_that_spoils_all_is_found_before_anything_stops"),
            (PROMISES, "a_stranger_that_gets_lost_is_noticed_before_anything_stops"),
            (REAL, "an_update_that_fails_leaves_all_as_it_was"),
        ],
    ),
    (
        "C4",
        "others make systemd read its units at the same time",
        &[("real/apply/system.rs", "services_of_the_machine_come_up_change_fail_go_back_and_go")],
    ),
    (
        "C5",
        "units are not read anew",
        &[("apply/caught.rs", "every_defect_is_caught_and_nothing_else")],
    ),
    (
        "C6",
        "a service does not start, for every reason",
        &[
            (FAILURES, "what_fails_is_named_and_all_is_as_before"),
            (RESUMES, "any_service_may_fail_when_it_is_gone_on"),
            (PROMISES, "a_service_that_failed_too_often_is_tried_again"),
            (REAL, "a_first_deployment_that_fails_leaves_nothing_behind"),
            (REAL, "an_update_that_fails_leaves_all_as_it_was"),
        ],
    ),
    (
        "C7",
        "a service is never ready",
        &[
            (FAILURES, "what_fails_is_named_and_all_is_as_before"),
            (REAL, "an_update_that_fails_leaves_all_as_it_was"),
        ],
    ),
    (
        "C9",
        "a service dies a moment after it was up",
        &[
            (FAILURES, "what_fails_is_named_and_all_is_as_before"),
            (REAL, "an_update_that_fails_leaves_all_as_it_was"),
        ],
    ),
    (
        "C10",
        "somebody changed a unit, or lies beside it",
        &[
            ("apply/plans.rs", "each_change_costs_what_it_must_and_says_why"),
            (KEPT, "a_rollback_goes_back_once_or_to_a_number"),
        ],
    ),
    (
        "C11",
        "somebody else has a unit of the same name",
        &[(KEPT, "what_must_be_is_asked_for_before_anything_is_touched")],
    ),
    (
        "C12",
        "a unit goes that runs",
        &[
            (FAILURES, "removing_keeps_volumes_and_takes_networks_away"),
            ("apply/plans.rs", "each_change_costs_what_it_must_and_says_why"),
            (KILLED, "killed_in_an_update_it_leaves_the_old_or_the_new"),
        ],
    ),
    (
        "C13",
        "a unit goes whose start is on its way",
        &[
            (SWEEP, "the_process_may_die_after_any_operation"),
            (FAILURES, "an_interrupt_at_any_wait_puts_all_back"),
        ],
    ),
    (
        "D1",
        "an image cannot be had",
        &[
            (
                "apply/pulls.rs",
                "one_that_does_not_come_at_once_is_tried_again_while_the_others_come",
            ),
            ("apply/pulls.rs", "one_that_cannot_be_had_ends_all_and_nothing_is_changed"),
            (REAL, "an_update_that_fails_leaves_all_as_it_was"),
        ],
    ),
    (
        "D4",
        "a service is never healthy, or not for long",
        &[
            (REAL, "a_first_deployment_that_fails_leaves_nothing_behind"),
            (REAL, "an_update_that_fails_leaves_all_as_it_was"),
        ],
    ),
    ("D6", "a port is taken", &[(REAL, "an_update_that_fails_leaves_all_as_it_was")]),
    (
        "D9",
        "what needs a service ends with it",
        &[
            (FAILURES, "the_first_of_a_chain_that_breaks_leaves_the_whole_chain_running"),
            (FAILURES, "services_of_others_that_need_ours_run_again_afterwards"),
        ],
    ),
    (
        "D10",
        "the way back fails too",
        &[
            (FAILURES, "a_way_back_that_fails_too_names_what_is_down_and_starts_all_else"),
            (FAILURES, "a_service_that_cannot_be_stopped_is_told_and_the_others_are_as_before"),
        ],
    ),
    (
        "D11",
        "one of many fails while others start",
        &[("apply/graphs.rs", "where_some_fail_all_is_as_before")],
    ),
    (
        "D12",
        "several work on a stack at once",
        &[
            (PROMISES, "one_works_on_a_stack_and_the_others_are_told_so"),
            ("real/apply/together.rs", "of_sixteen_applies_at_once_one_wins"),
        ],
    ),
    ("D13", "a plan is stale", &[(KEPT, "a_saved_plan_is_done_to_the_letter_or_not_at_all")]),
];

#[test]
fn every_fault_has_a_test_and_every_test_of_the_table_is_there() {
    let mut seen = BTreeSet::new();
    for (fault, what, tests) in FAULTS {
        assert!(seen.insert(fault) && !tests.is_empty(), "{fault}: {what}");
        for (file, name) in *tests {
            let code = text(&Path::new("tests/it").join(file));
            let (before, _) = code
                .split_once(&format!("fn {name}("))
                .unwrap_or_else(|| panic!("{fault}: {file} has no {name}"));
            let attribute = before.lines().rev().find(|line| line.trim_start().starts_with("#["));
            assert_eq!(attribute.map(str::trim), Some("#[test]"), "{fault}: {name} is no test");
        }
    }
    assert_eq!(seen.len(), FAULTS.len());
}
