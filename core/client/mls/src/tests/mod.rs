//! Behaviour of whole groups, over a log in memory that plays the delivery service.

mod access;
mod batch;
mod devices;
mod garbage;
mod lifecycle;
mod messages;
mod rules;
mod seed;
mod software;

use std::collections::BTreeSet;

use conclave_base::{MeetingId, MemberId, Secret, SessionId};
use conclave_protocol::payload::Policy;
use conclave_protocol::ws::Class;
use ed25519_dalek::SigningKey;

use crate::{ExternalJoin, Group, GroupConfig, Order, Outgoing, Processed, RuleViolation, SUITE_CLASSIC};

const HOST_SEED: [u8; 32] = [9; 32];

pub(crate) fn policy() -> Policy {
    Policy {
        version: 1,
        host_keys: vec![SigningKey::from_bytes(&HOST_SEED).verifying_key().to_bytes()],
        lobby: false,
        passphrase: false,
        hides_speech: true,
        hosts_only: Vec::new(),
        mute_above: None,
        limit: 200,
        suite: SUITE_CLASSIC,
    }
}

/// The config of person `n`; person 0 is the host.
fn config(n: u8) -> GroupConfig {
    GroupConfig {
        meeting: MeetingId::from_bytes([5; 16]),
        psk: Secret::new([6; 32]),
        policy: policy(),
        access: None,
        name: format!("Person {n}"),
        signer: Secret::new([100 + n; 32]),
        host: (n == 0).then(|| Secret::new(HOST_SEED)),
        device: None,
        software: None,
        seed: Secret::new([200_u8.wrapping_add(n); 32]),
    }
}

/// The order of a host who wants `victim` out.
fn removal(victim: MemberId) -> Order {
    Order { remove: [victim].into(), ..Order::default() }
}

fn nobody() -> BTreeSet<MemberId> {
    BTreeSet::new()
}

/// The log and everybody in the group, in order of joining.
struct World {
    log: Vec<Outgoing>,
    people: Vec<Group>,
}

impl World {
    /// Person 0, the host, founded; persons 1.. joined one by one.
    fn of(people: u8) -> Self {
        Self::with(people, config)
    }

    fn with(people: u8, config: impl Fn(u8) -> GroupConfig) -> Self {
        let (founder, entry) = Group::create(config(0)).expect("a group is founded");
        let mut world = Self { log: Vec::new(), people: vec![founder] };
        world.append(entry).expect("the founding entry is the own one");
        for n in 1..people {
            world.join(config(n));
        }
        world
    }

    /// Appends the entry and gives it to everybody. All must agree on what it was; the answer of the first.
    fn append(&mut self, entry: Outgoing) -> Result<Processed, RuleViolation> {
        self.append_while_absent(entry, &nobody())
    }

    fn append_while_absent(&mut self, entry: Outgoing, absent: &BTreeSet<MemberId>) -> Result<Processed, RuleViolation> {
        let mut answers: Vec<_> = self.people.iter_mut().map(|p| p.process(entry.class, &entry.bytes, absent)).collect();
        self.log.push(entry);
        answers.swap_remove(0)
    }

    /// A joiner who read the whole log.
    fn joiner(&self, config: GroupConfig) -> ExternalJoin {
        let mut joiner = ExternalJoin::new(config, &self.log[0].bytes).expect("the founding entry is a state");
        for entry in &self.log[1..] {
            // What breaks a rule is ignored by all.
            let _ = joiner.apply(entry.class, &entry.bytes);
        }
        joiner
    }

    fn join(&mut self, config: GroupConfig) -> Processed {
        let (group, entry) = self.joiner(config).join().expect("the state can be joined");
        self.people.push(group);
        self.append(entry).expect("the join is valid")
    }

    fn id(&self, n: usize) -> MemberId {
        self.people[n].me()
    }

    /// Everybody stands in the same epoch of the same group.
    fn assert_agree(&self) {
        let first = &self.people[0];
        for other in &self.people[1..] {
            assert_eq!(other.epoch(), first.epoch());
            assert_eq!(other.members(), first.members());
            assert_eq!(other.safety_code(), first.safety_code());
            assert_eq!(other.authenticator8(), first.authenticator8());
            assert_eq!(other.roster8(), first.roster8());
            assert_eq!(other.media_base_key(), first.media_base_key());
        }
        assert!(first.media_base_key().is_some());
    }

    /// The entry is refused by everybody for `rule`, and nobody's group has moved.
    #[track_caller]
    fn assert_refused(&mut self, entry: Outgoing, rule: RuleViolation) {
        let before: Vec<_> = self.people.iter().map(Fingerprint::of).collect();
        let joiner = self.joiner(config(77));
        for person in &mut self.people {
            assert_eq!(person.process(entry.class, &entry.bytes, &nobody()), Err(rule));
        }
        assert_eq!(before, self.people.iter().map(Fingerprint::of).collect::<Vec<_>>());
        self.log.push(entry);
        // Nobody is stuck: the next commit of an honest member is taken, and a joiner reads over the bad entry.
        let next = self.people[0].update().expect("an update is built");
        self.append(next).expect("an update is taken");
        self.assert_agree();
        drop(joiner);
    }
}

/// What must not move when an entry is refused.
#[derive(Debug, PartialEq)]
struct Fingerprint(u64, [u8; 8], [u8; 8], Option<Secret<32>>, Vec<crate::Member>);

impl Fingerprint {
    fn of(group: &Group) -> Self {
        Self(group.epoch().0, group.authenticator8(), group.roster8(), group.media_base_key(), group.members().to_vec())
    }
}

fn change(processed: Processed) -> crate::Change {
    let Processed::Commit(change) = processed else { panic!("not a commit: {processed:?}") };
    change
}

fn message(text: &str) -> conclave_protocol::payload::App {
    conclave_protocol::payload::App::Chat { id: 1, text: conclave_base::Redacted::new(text.to_owned()) }
}

fn tampered(entry: &Outgoing, with: impl FnOnce(&mut conclave_protocol::payload::CommitEntry)) -> Outgoing {
    let mut content = conclave_protocol::payload::CommitEntry::decode(&entry.bytes).expect("an entry of ours");
    with(&mut content);
    Outgoing { class: Class::Commit, bytes: content.encode() }
}
