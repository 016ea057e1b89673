//! What must always be so, and what must be possible.

use stateright::Property;

use crate::meeting::Meeting;
use crate::scope::Scope;
use crate::state::{MEMBERS, Place, State};

type Condition = fn(&Meeting, &State) -> bool;
/// Whether a scope has what a property is about.
type Concerns = fn(&Scope) -> bool;

fn honest(model: &Meeting) -> std::ops::Range<usize> {
    0..usize::from(model.scope.honest)
}

fn knows(state: &State, member: usize, key: u8) -> bool {
    state.epochs.knows(member, key)
}

/// What must be so in every state, by name.
pub mod name {
    pub const SHOWN: &str = "who can open what is sealed is on the sender's screen";
    pub const WHOLE: &str = "who says that the meeting is whole is right, or was so a moment ago";
    pub const LIVING: &str = "who seals has company, or had it a moment ago";
    pub const NO_RETURN: &str = "who saw a removal never seals for the removed one again";
    pub const REMOVED: &str = "once the host has seen a removal, who it says is there seals for the removed one no more";
    pub const ONE_SESSION: &str = "nobody leaves its session or goes below an epoch that was confirmed to it there";
    pub const JUST: &str = "nobody is removed as absent who is not called gone and whose every word is in the log when it becomes so";
}

/// What must be so in every state.
pub(crate) const ALWAYS: &[(&str, Condition)] = &[
    (name::SHOWN, |model, state| {
        honest(model).filter(|member| model.seals(state, *member)).all(|member| {
            let shown = Meeting::shown(state, member);
            (0..MEMBERS).all(|other| shown.leaf_of(other).is_some() || !knows(state, other, state.members[member].key))
        })
    }),
    (name::WHOLE, |model, state| {
        honest(model).filter(|member| model.says_whole(state, *member)).all(|member| {
            let mut others = Meeting::shown(state, member).members().filter(|other| *other != member && !model.is_hostile(*other));
            others.all(|other| model.was_with(state, member, other))
        })
    }),
    (name::LIVING, |model, state| {
        honest(model)
            .all(|member| !model.seals(state, member) || Meeting::shown(state, member).is_of_one() || model.has_company(state, member))
    }),
    (name::NO_RETURN, |model, state| {
        let sealing = honest(model).filter(|member| state.members[*member].saw_removal && model.seals(state, *member));
        !model.scope.hostile || sealing.into_iter().all(|member| !knows(state, Scope::HOSTILE, state.members[member].key))
    }),
    (name::REMOVED, |model, state| {
        let late = state.removed.is_some_and(|age| age > model.scope.bound);
        let sealing =
            honest(model).filter(|member| model.seals(state, *member) && knows(state, Scope::HOSTILE, state.members[*member].key));
        !late || !model.says_whole(state, 0) || sealing.into_iter().all(|member| Meeting::shown(state, 0).leaf_of(member).is_none())
    }),
    (name::ONE_SESSION, |model, state| {
        honest(model).filter(|member| state.reads(*member)).all(|member| {
            let epoch = state.epochs.get(state.log_of(member).epoch);
            state.members[member].highest.is_none_or(|(session, number)| epoch.session == session && epoch.number >= number)
        })
    }),
    (name::JUST, |_, state| !state.unjust),
];

/// What must be so in some state, in scopes that allow it.
pub(crate) const SOMETIMES: &[(&str, Concerns, Condition)] = &[
    (
        "all are inside and hear each other",
        |_| true,
        |model, state| {
            honest(model).all(|member| model.says_whole(state, member) && state.is_inside(member) && state.members[member].log == 0)
                && honest(model).all(|member| Meeting::shown(state, member).members().count() >= usize::from(model.scope.honest))
        },
    ),
    (
        "the host's removal is done, and the rest hear each other",
        |scope| scope.hostile && scope.inside > 0,
        |model, state| honest(model).all(|member| state.members[member].saw_removal && model.says_whole(state, member)),
    ),
    (
        "a fork is healed",
        |scope| scope.recovery != 0 && scope.absence == 0,
        |model, state| {
            state.forked
                && honest(model).any(|member| state.members[member].leaf == 1)
                && honest(model).all(|member| model.says_whole(state, member) && state.members[member].log == 0)
        },
    ),
    (
        "who was removed as absent comes back",
        |scope| scope.absence != 0 && scope.recovery != 0,
        |model, state| {
            let was_removed = |member: &usize| {
                let last = state.log_of(*member).epoch;
                state.epochs.ids().any(|id| state.epochs.is_ancestor(id, last) && state.epochs.get(id).roster.leaf_of(*member).is_none())
            };
            honest(model).filter(|member| state.is_inside(*member)).any(|member| was_removed(&member))
                && honest(model).all(|member| model.says_whole(state, member) && state.is_inside(member) && state.members[member].log == 0)
        },
    ),
    (
        "somebody is removed as absent",
        |scope| scope.absence != 0,
        |model, state| honest(model).any(|member| state.members[member].place == Place::Removed),
    ),
];

pub(crate) fn of(scope: &Scope) -> Vec<Property<Meeting>> {
    let always = ALWAYS.iter().map(|(name, condition)| Property::always(name, *condition));
    let possible = SOMETIMES.iter().filter(|(_, allows, _)| scope.fault.is_none() && allows(scope));
    always.chain(possible.map(|(name, _, condition)| Property::sometimes(name, *condition))).collect()
}
