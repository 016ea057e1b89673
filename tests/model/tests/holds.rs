//! Every state of small meetings, with a server that does what it likes: see docs/security/model.md.

use conclave_model::{Scope, check_holds};

#[test]
fn three_enter_one_after_the_other() {
    check_holds("entering", Scope { inside: 0, epochs: 4, ..Scope::of(3) });
}

#[test]
fn the_host_of_three_removes_a_fourth_that_is_on_the_servers_side() {
    check_holds("removal", Scope::and_hostile(3));
    check_holds("removal-fine-time", Scope { limit: 3, bound: 2, ..Scope::and_hostile(3) });
}

#[test]
fn a_removed_member_goes_on_making_commits() {
    check_holds("hostile-commits", Scope { hostile_commits: true, epochs: 3, ..Scope::and_hostile(2) });
}

#[test]
fn one_of_three_is_cut_off_and_enters_anew() {
    check_holds("recovery", Scope { recovery: 0b010, epochs: 3, ..Scope::of(3) });
}

#[test]
fn one_of_two_enters_anew_around_a_removal() {
    check_holds("recovery-and-removal", Scope { recovery: 0b010, epochs: 4, ..Scope::and_hostile(2) });
}

#[test]
fn the_server_offers_yesterdays_session() {
    check_holds("sessions", Scope { yesterday: true, recovery: 0b011, epochs: 5, ..Scope::and_hostile(2) });
    check_holds("newcomers-of-yesterday", Scope { yesterday: true, inside: 0, epochs: 4, ..Scope::of(2) });
}

#[test]
fn the_server_says_that_one_is_gone() {
    check_holds("absence", Scope { absence: 0b100, epochs: 2, ..Scope::of(3) });
    check_holds("absence-and-return", Scope { absence: 0b010, recovery: 0b010, epochs: 3, ..Scope::of(2) });
}

#[test]
fn the_server_lets_log_time_run() {
    check_holds("silence", Scope { absence: 0b01, epochs: 2, eager: false, ..Scope::of(2) });
}

#[test]
fn each_heartbeat_is_withheld_or_not() {
    check_holds("every-heartbeat", Scope { eager: false, ..Scope::of(3) });
    check_holds("every-heartbeat-and-removal", Scope { eager: false, ..Scope::and_hostile(2) });
}
