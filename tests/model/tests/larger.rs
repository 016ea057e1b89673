//! Larger meetings, for `cargo xtask model`: minutes each.

use conclave_model::{Scope, check_holds};

const LARGER: Scope = Scope { threads: 2, ..Scope::of(3) };

#[test]
#[ignore = "minutes: cargo xtask model"]
fn two_are_joined_by_a_third_while_a_fourth_is_removed() {
    check_holds("entering-and-removal", Scope { inside: 2, epochs: 4, hostile: true, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn three_enter_while_the_server_offers_yesterdays_session() {
    check_holds("entering-and-sessions", Scope { inside: 0, epochs: 5, hostile: true, yesterday: true, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn one_of_three_enters_anew_around_a_removal() {
    check_holds("recovery-of-three", Scope { recovery: 0b010, epochs: 3, hostile: true, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn two_of_three_enter_anew() {
    check_holds("recovery-of-two", Scope { recovery: 0b110, epochs: 3, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn time_is_four_times_as_fine() {
    check_holds("removal-finest-time", Scope { limit: 4, bound: 3, epochs: 2, hostile: true, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn four_are_split_as_the_server_likes() {
    check_holds("four", Scope { honest: 4, inside: 4, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn a_removed_member_goes_on_making_commits_for_three() {
    check_holds("hostile-commits-for-three", Scope { hostile: true, hostile_commits: true, epochs: 3, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn one_of_three_is_said_to_be_gone_and_returns() {
    check_holds("absence-of-three", Scope { absence: 0b100, recovery: 0b100, epochs: 3, limit: 1, bound: 0, ..LARGER });
}

#[test]
#[ignore = "minutes: cargo xtask model"]
fn each_heartbeat_is_withheld_or_not_around_a_return() {
    check_holds(
        "every-heartbeat-and-return",
        Scope { eager: false, recovery: 0b010, epochs: 3, hostile: true, honest: 2, inside: 2, ..LARGER },
    );
}
