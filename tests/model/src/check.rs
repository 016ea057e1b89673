//! Runs the checker.

use stateright::{Checker, HasDiscoveries, Model};

use crate::scope::Scope;

/// Visits every state of a scope and prints how many there are.
///
/// # Panics
/// If a property does not hold, with the steps that lead there.
pub fn check_holds(name: &str, scope: Scope) {
    let begun = std::time::Instant::now();
    let checker = scope.model().checker().threads(scope.threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    eprintln!(
        "MODEL name={name} states={} steps={} depth={} seconds={:.1}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64()
    );
    checker.assert_properties();
}

/// Visits states of a scope until this property does not hold, and prints the steps that lead there.
///
/// # Panics
/// If it always holds.
pub fn check_finds(scope: Scope, property: &'static str) {
    let failure = HasDiscoveries::AllOf([property].into());
    let checker = scope.model().checker().finish_when(failure).spawn_bfs().join();
    let steps = checker.discovery(property).unwrap_or_else(|| panic!("it holds: {scope:?}"));
    eprintln!("MODEL fault={:?} states={} breaks \"{property}\": {:?}", scope.fault, checker.unique_state_count(), steps.into_actions());
}
