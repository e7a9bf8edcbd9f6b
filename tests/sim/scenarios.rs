//! Every file of `tests/scenarios`: it must pass, and must fail with each planted bug that it names.

use std::collections::BTreeSet;
use std::path::PathBuf;

use haven_core::plant::{self, Plant};
use haven_simulator::cluster::Tracing;
use haven_simulator::scenario::{Planted, Ran, Scenario};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

pub(crate) fn load(name: &str) -> Scenario {
    crate::behind_others();
    let path = folder().join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Scenario::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn run(scenario: &Scenario, planted: Option<Plant>) -> Ran {
    plant::choose(planted);
    let ran = scenario.run(Tracing::Keep);
    plant::choose(None);
    ran
}

/// What a planted bug breaks may hang on what the script leaves to chance. Then one of so many other seeds shows it.
const MORE_SEEDS: u64 = 60;

/// The run of `scenario` with a planted bug that breaks what it must, or that of its own seed.
fn planted(scenario: &Scenario, planted: &Planted) -> Ran {
    let own = run(scenario, Some(planted.plant));
    if own.broke(planted.breaks) {
        return own;
    }
    let mut others = (1..=MORE_SEEDS).map(|more| Scenario { seed: scenario.seed + more, ..scenario.clone() });
    // What does not hold without the bug either says nothing of it.
    let shows = |other: Scenario| {
        let ran = run(&other, Some(planted.plant));
        (ran.broke(planted.breaks) && run(&other, None).violations.is_empty()).then_some(ran)
    };
    others.find_map(shows).unwrap_or(own)
}

/// Runs a scenario as it is, and once with each planted bug. `HAVEN_SHOW=1` shows the story of every run.
fn check(name: &str) {
    let name = name.trim_start_matches("r#").replace('_', "-");
    let scenario = load(&name);
    let show = std::env::var_os("HAVEN_SHOW").is_some();
    let ran = run(&scenario, None);
    assert!(ran.violations.is_empty(), "{name} does not hold:\n{ran}");
    if show {
        println!("{ran}");
    }
    assert!(!scenario.plants().is_empty(), "{name} names no planted bug");
    for of in scenario.plants() {
        let ran = planted(&scenario, of);
        let (plant, breaks) = (of.plant.name(), of.breaks);
        if show {
            println!("\n--- with {plant}:\n{ran}");
        }
        assert!(ran.broke(breaks), "{name}: the planted bug {plant} does not break {breaks}:\n{ran}");
    }
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        pub(crate) const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

scenarios! {
    a_look_of_before_the_stop
    h_01_a_leader_whose_clock_stood_still
    h_06_a_new_life_is_no_new_boot
    h_06_a_reboot_is_proof
    h_06_a_shot_machine_comes_back_by_itself
    h_07_a_device_that_says_off_too_early
    h_07_a_device_that_takes_the_name_of_another
    h_07_a_read_that_outlives_its_boot
    h_07_reads_before_the_loss_are_read_again
    h_08_a_feed_that_was_decided_earlier
    h_08_a_lease_of_the_longer_timings
    h_08_a_shot_of_the_longer_timings
    h_09_clocks_beyond_rho
    h_09_clocks_that_err_by_one_percent
    h_11_a_lapsed_act_lease_comes_back
    h_12_a_loss_that_was_never_written
    h_12_no_acknowledgement_for_the_lost
    h_16_a_lost_node_that_hears_nobody
    h_16_one_way_loss_towards_a_node
    h_17_a_node_behind_the_log_is_released
    h_17_who_comes_back_may_catch_up
    h_18_a_boot_that_does_not_hear_the_leader
    h_18_a_boot_that_hears_nobody
    h_18_a_dead_boot_that_speaks
    h_18_a_late_heartbeat_is_no_contradiction
    h_18_a_late_heartbeat_of_a_boot_that_nobody_knew
    h_18_a_wrong_cable_shoots_once_more
    h_19_a_pause_ends
    h_19_a_pause_outlasts_the_lease
    h_19_a_pause_that_a_restart_ended
    h_19_a_watchdog_that_is_told_of_again
    h_19_a_watchdog_that_is_told_of_late
    h_22_a_voter_that_is_off_for_long_is_replaced
    h_22_machines_that_reboot_keep_their_votes
    h_23_an_order_without_a_leader
    h_25_a_job_that_is_queued
    h_26_all_disks_stall_together
    h_26_the_disks_of_all_followers_stall
    incident_asym_16s
    incident_cf_2020_byzantine
    incident_fused_2018_fencefail
    incident_fused_2018_fencefail_no_pdu
    incident_gh_2010_02_loadspike
    failed_everywhere_and_forgotten
    incident_gh_2012_09_load
    incident_gh_2012_09_partition
    incident_gh_2012_12_mlag
    incident_gocardless_2015_flap
    incident_heartbeat_ping
    incident_ipmi_lies
    incident_pve_net_blip
    incident_rejoin_window
    incident_store_restart
    incident_vip_conflict_silent
    s_01_acknowledged_by_a_cut_leader
    s_01_acknowledged_by_a_cut_leader_and_fed_late
    s_02_dead_after_becomes_much_shorter
    s_02_leader_crash_stops_nothing
    s_03_a_watchdog_that_stops_with_its_machine
    s_04_a_lapse_is_no_failure
    s_04_a_lapsed_lease_stays_lapsed
    s_04_a_start_that_was_decided_earlier
    s_04_a_unit_that_was_to_start_earlier
    s_04_late_entries_start_nothing
    s_05_a_life_that_knows_less
    s_05_a_look_that_did_not_tell_is_repeated
    s_05_a_machine_without_cgroups
    s_05_a_monitor_that_does_not_see
    s_05_a_monitor_that_lags
    s_05_a_stop_that_failed_where_no_device_is
    s_05_an_agent_that_is_gone
    s_05_an_orphan_finishes_later
    s_06_a_watchdog_closed_too_early
    s_09_a_deaf_voter_does_not_testify
    s_09_a_node_that_nobody_else_can_lead_is_isolated
    s_09_a_node_that_only_the_leader_hears
    s_09_a_node_that_only_the_leader_lost
    s_09_an_old_testimony_counts_for_nothing
    s_09_leadership_does_not_fly_to_and_fro
    s_09_two_leaders_that_are_left_alone
    s_10_a_node_behind_the_log_starts_nothing
    s_10_a_path_that_is_as_good_as_clogged
    s_11_a_last_look_before_the_shot
    s_11_a_late_shot_and_a_watchdog
    s_11_a_learner_looks_through_the_leader
    s_11_a_loss_is_committed_long_after
    s_11_a_neighbour_is_shot_meanwhile
    s_11_a_persons_word_ends_no_order
    s_11_a_shot_lands_in_a_pause
    s_11_a_shot_that_hit_the_next_boot_as_it_ended
    s_11_a_shot_that_lands_after_its_proof
    s_11_a_shot_that_lands_after_the_switch_on
    s_11_a_shot_that_lands_after_its_executor_died
    s_11_an_old_shot_hits_no_later_boot
    s_11_an_order_outlives_a_lease
    s_11_an_order_read_too_late
    s_11_hit_late_and_lost_later
    s_11_readmitted_under_an_open_order
    s_11_switched_on_after_the_last_order
    s_11_told_once_and_hit_again
    s_12_a_boot_that_starts_resources
    s_12_a_second_copy_is_not_adopted
    s_12_enabled_an_hour_ago
    s_12_nobody_knows_is_not_elsewhere
    s_13_a_node_that_reads_of_its_own_death
    s_13_a_word_against_a_device_that_another_reads
    s_13_a_word_against_a_device_that_reads_on
    s_13_a_word_against_a_heard_node
    s_13_a_word_against_a_node_that_a_learner_hears
    s_13_a_word_that_comes_too_late
    s_14_a_bmc_dies_with_the_plug
    s_14_a_bmc_dies_with_the_plug_and_a_strip_is_there
    s_15_a_storm_does_not_hold_proofs
    s_15_a_storm_is_not_answered_with_shots
    s_15_a_storm_is_released_one_by_one
    s_18_a_digest_of_the_store_before
    s_18_a_late_word_of_an_earlier_life
    s_18_a_leader_whose_earlier_life_is_heard_late
    s_18_a_node_reads_of_its_former_self
    s_18_a_store_that_went_back_acts_at_once
    s_18_a_store_that_went_back
    s_18_a_store_that_went_back_is_told
    s_18_two_that_doubt_each_other
    s_20_a_plan_among_other_entries
    s_20_a_plan_whose_facts_have_changed
    s_21_the_leaders_wall_clock_jumps
    s_22_a_freeze_is_about_one_node
    s_23_a_site_that_comes_back_one_by_one
    s_23_a_start_that_cannot_be_ended
    s_23_an_idle_node_is_not_reset
    s_25_a_failed_log_is_opened_anew
    s_25_a_leader_without_room_hands_over
    s_25_a_node_on_its_ballast_is_drained
    s_25_a_voter_that_cannot_write
    x_01_no_recovery_without_proof
    x_02_a_device_that_lies
    x_03_durable_means_durable
    x_04_a_leader_does_not_restore_itself
    x_05_equal_index_equal_state
    x_06_one_ring_of_two_is_cut
    x_07_a_switch_that_fails_once
    x_08_a_leader_whose_calls_starve_on_one_link
    x_09_a_lost_node_that_is_heard_again_returns
    x_10_a_leader_whose_calls_reach_nobody
    x_11_a_hand_over_in_vain
    x_12_a_dead_boot_that_cannot_read_of_it
    x_13_two_orders_in_one_instant
    x_14_a_program_that_repeats_its_password
    x_15_all_power_fails_at_once
    x_16_a_shot_that_takes_a_voter_along
    x_17_a_leader_that_is_answered_too_late
    x_18_a_leader_whose_uplink_is_clogged
    x_19_all_paths_are_too_slow
    x_20_who_went_off_with_another_stays_off
    x_21_a_device_that_only_says_on
    x_21_a_read_that_fails_is_no_on
}

#[test]
fn every_planted_bug_is_in_a_scenario() {
    let mut planted = BTreeSet::new();
    for name in NAMES {
        planted.extend(load(&name.replace('_', "-")).plants().iter().map(|p| p.plant));
    }
    let missing: Vec<&str> = Plant::ALL.iter().filter(|p| !planted.contains(p)).map(|p| p.name()).collect();
    assert!(missing.is_empty(), "no scenario names {missing:?}");
}

#[test]
fn every_planted_bug_says_what_its_scenarios_see_broken() {
    for plant in Plant::ALL {
        let mut broken = BTreeSet::new();
        for name in NAMES {
            let scenario = load(&name.replace('_', "-"));
            let of = scenario.plants().iter().filter(|p| p.plant == *plant && p.breaks != "expected");
            broken.extend(of.map(|p| p.breaks));
        }
        let said: BTreeSet<&str> = plant.breaks().into_iter().collect();
        assert_eq!(said, broken, "{}", plant.name());
    }
}

#[test]
fn every_property_is_broken_by_some_planted_bug() {
    let mut broken = BTreeSet::new();
    for name in NAMES {
        broken.extend(load(&name.replace('_', "-")).plants().iter().map(|p| p.breaks));
    }
    for property in ["S1", "S2", "S3", "S4", "S5", "S7", "L1", "L2"] {
        assert!(broken.contains(property), "a checker that sees nothing is no checker: {property}");
    }
}

#[test]
fn every_file_of_scenarios_is_run() {
    let listed: BTreeSet<String> = NAMES.iter().map(|name| format!("{}.toml", name.replace('_', "-"))).collect();
    let there = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<_>>(), listed);
}

#[test]
fn every_scenario_is_read_as_it_was_written() {
    for name in NAMES {
        let scenario = load(&name.replace('_', "-"));
        let text = scenario.to_toml();
        assert_eq!(
            Scenario::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}")),
            scenario,
            "{name}: {text}"
        );
    }
}
