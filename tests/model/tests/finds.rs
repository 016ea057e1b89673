//! The same meetings with one defence missing: the checker must find what it prevents.

use conclave_model::{Fault, Scope, check_finds, name};

const REMOVAL: Scope = Scope::and_hostile(3);
const EVERY_HEARTBEAT: Scope = Scope { eager: false, ..Scope::and_hostile(2) };
const SESSIONS: Scope = Scope { yesterday: true, recovery: 0b011, epochs: 5, ..Scope::and_hostile(2) };
const SILENCE: Scope = Scope { absence: 0b01, epochs: 2, eager: false, ..Scope::of(2) };

#[test]
fn own_echo_unchecked() {
    check_finds(EVERY_HEARTBEAT.with(Fault::OwnEchoUnchecked), name::WHOLE);
}

#[test]
fn answers_counted_by_when_they_come() {
    check_finds(EVERY_HEARTBEAT.with(Fault::AnswerUnbound), name::WHOLE);
    check_finds(EVERY_HEARTBEAT.with(Fault::AnswerUnbound), name::REMOVED);
}

#[test]
fn chain_not_compared() {
    check_finds(REMOVAL.with(Fault::ChainNotCompared), name::WHOLE);
}

#[test]
fn sealing_not_stopped() {
    check_finds(SESSIONS.with(Fault::SealingNotStopped), name::LIVING);
}

#[test]
fn old_epoch_kept() {
    check_finds(REMOVAL.with(Fault::OldEpochKept), name::SHOWN);
}

#[test]
fn session_id_unchecked() {
    check_finds(SESSIONS.with(Fault::SessionUnchecked), name::ONE_SESSION);
}

#[test]
fn older_epoch_accepted() {
    check_finds(SESSIONS.with(Fault::OlderEpochAccepted), name::ONE_SESSION);
}

#[test]
fn removal_forgotten() {
    check_finds(SESSIONS.with(Fault::RemovalForgotten), name::NO_RETURN);
}

#[test]
fn removal_without_path_secret() {
    check_finds(REMOVAL.with(Fault::NoPathSecret), name::SHOWN);
}

#[test]
fn gap_between_entries_uncapped() {
    check_finds(SILENCE.with(Fault::GapUncapped), name::JUST);
}

#[test]
fn the_bound_is_tight() {
    // No defence is missing, but nobody is given the time that it takes to notice.
    check_finds(Scope { bound: 0, ..REMOVAL }, name::WHOLE);
}
