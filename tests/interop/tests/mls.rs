//! One group of our members and members by mls-rs: what one side sends, the other opens, and all stand in the same epoch with the same keys.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use conclave_base::{MeetingId, MemberId, Redacted, Secret, SessionId};
use conclave_interop::mls::{Member, Newcomer, Seen};
use conclave_mls::rfc9420::{Joiner, Member as Ours};
use conclave_mls::{ExternalJoin, Group, GroupConfig, Order, Outgoing, Processed, RuleViolation, SUITE_CLASSIC};
use conclave_protocol::payload::{App, CommitEntry, Policy};
use ed25519_dalek::SigningKey;

const PSK: [u8; 32] = [6; 32];
const HOST: [u8; 32] = [9; 32];
const MEETING: MeetingId = MeetingId::from_bytes([5; 16]);

fn policy() -> Policy {
    let host = SigningKey::from_bytes(&HOST).verifying_key().to_bytes();
    Policy {
        version: 1,
        host_keys: vec![host],
        lobby: false,
        passphrase: false,
        hides_speech: true,
        hosts_only: Vec::new(),
        mute_above: None,
        limit: 200,
        suite: SUITE_CLASSIC,
    }
}

/// Person `n` of ours; person 0 is the host.
fn config(n: u8) -> GroupConfig {
    GroupConfig {
        meeting: MEETING,
        psk: Secret::new(PSK),
        policy: policy(),
        access: None,
        name: format!("Ours {n}"),
        signer: Secret::new([100 + n; 32]),
        host: (n == 0).then(|| Secret::new(HOST)),
        device: None,
        software: None,
        seed: Secret::new([n; 32]),
    }
}

fn line(text: &str) -> App {
    App::Chat { id: 1, text: Redacted::new(text.to_owned()) }
}

/// Everybody in one session.
struct World {
    ours: Vec<Group>,
    theirs: Vec<Member>,
    absent: BTreeSet<MemberId>,
}

impl World {
    /// Founded by person 0 of ours.
    fn ours() -> Result<(Self, Outgoing)> {
        let (group, founding) = Group::create(config(0))?;
        let mut world = Self { ours: vec![group], theirs: Vec::new(), absent: BTreeSet::new() };
        world.append(&founding)?;
        Ok((world, founding))
    }

    /// Gives the entry to everybody. Who is out by it is gone.
    fn append(&mut self, entry: &Outgoing) -> Result<Vec<Processed>> {
        let mut answers = Vec::new();
        for group in &mut self.ours {
            answers.push(group.process(entry.class, &entry.bytes, &self.absent)?);
        }
        let mut stays = answers.iter().map(|answer| !matches!(answer, Processed::Commit(change) if change.out));
        self.ours.retain(|_| stays.next().unwrap_or(true));
        let mut removed = Vec::new();
        for (n, member) in self.theirs.iter_mut().enumerate() {
            if member.process(entry)? == Seen::Removed {
                removed.push(n);
            }
        }
        removed.into_iter().rev().for_each(|n| drop(self.theirs.remove(n)));
        self.assert_agree()?;
        Ok(answers)
    }

    /// One of theirs comes in from a snapshot.
    fn enter(&mut self, from: &Outgoing, name: &str) -> Result<()> {
        let (member, entry) = Newcomer::new(name)?.enter(from, &PSK)?;
        self.theirs.push(member);
        let answers = self.append(&entry)?;
        let Some(Processed::Commit(change)) = answers.first() else { return Ok(()) };
        ensure!(change.joined.len() == 1 && change.joined[0].name.expose() == name, "{name} did not come in");
        // The GroupInfo that mls-rs attached is one that ours would have made.
        ensure!(!change.snapshot_wanted, "{name} brought no usable GroupInfo");
        Ok(())
    }

    /// One of ours comes in from a snapshot.
    fn join(&mut self, from: &Outgoing, n: u8) -> Result<()> {
        let (group, entry) = ExternalJoin::new(config(n), &from.bytes)?.join()?;
        self.ours.push(group);
        self.append(&entry).map(drop)
    }

    fn assert_agree(&self) -> Result<()> {
        let of_ours = self.ours.iter().map(|group| Ok((group.authenticator8(), *group.media_base_key().context("inside")?.expose())));
        let of_theirs = self.theirs.iter().map(|member| Ok((member.authenticator8()?, member.media_base_key()?)));
        let all = of_ours.chain(of_theirs).collect::<Result<BTreeSet<_>>>()?;
        ensure!(all.len() == 1, "{} different epochs among {} members", all.len(), self.ours.len() + self.theirs.len());
        Ok(())
    }
}

#[test]
fn mls_rs_enters_our_session_and_all_hear_each_other() -> Result<()> {
    let (mut world, founding) = World::ours()?;
    world.enter(&founding, "Theirs 1")?;
    let snapshot = world.ours[0].snapshot()?;
    world.join(&snapshot, 1)?;
    let snapshot = world.theirs[0].snapshot()?;
    world.join(&snapshot, 2)?;
    let snapshot = world.theirs[0].snapshot()?;
    world.enter(&snapshot, "Theirs 2")?;

    // Ours speaks.
    let said = world.ours[1].application(&line("from ours"))?;
    world.ours[0].process(said.class, &said.bytes, &BTreeSet::new())?;
    for member in &mut world.theirs {
        assert_eq!(member.process(&said)?, Seen::App { from: world.ours[1].leaf().0, app: line("from ours") });
    }
    // Theirs speaks.
    let said = world.theirs[1].application(&line("from theirs"))?;
    for group in &mut world.ours {
        let heard = group.process(said.class, &said.bytes, &BTreeSet::new())?;
        assert!(matches!(heard, Processed::App { app, .. } if app == line("from theirs")));
    }

    // Updates of both kinds.
    let update = world.ours[2].update()?;
    world.append(&update)?;
    let update = world.theirs[0].commit(&[])?;
    let answers = world.append(&update)?;
    assert!(answers.iter().all(|answer| matches!(answer, Processed::Commit(change) if !change.snapshot_wanted)));
    Ok(())
}

#[test]
fn ours_enters_a_session_that_mls_rs_founded() -> Result<()> {
    let (member, founding) = Newcomer::new("Theirs 0")?.found(&MEETING, &SessionId::from_bytes([3; 16]), &policy(), &PSK)?;
    let mut world = World { ours: Vec::new(), theirs: vec![member], absent: BTreeSet::new() };
    world.append(&founding)?;
    world.join(&founding, 1)?;
    let snapshot = world.ours[0].snapshot()?;
    world.enter(&snapshot, "Theirs 1")?;
    assert_eq!(world.ours[0].members().len(), 3);
    Ok(())
}

#[test]
fn who_leaves_or_is_removed_is_out_by_both() -> Result<()> {
    let (mut world, founding) = World::ours()?;
    world.enter(&founding, "Theirs 1")?;
    for name in ["Theirs 2", "Theirs 3", "Theirs 4"] {
        let snapshot = world.ours[0].snapshot()?;
        world.enter(&snapshot, name)?;
    }
    let snapshot = world.ours[0].snapshot()?;
    world.join(&snapshot, 1)?;

    // Asked for by theirs, committed by ours; and the other way round.
    let leave = world.theirs[3].leave()?;
    world.append(&leave)?;
    let commit = world.ours[0].commit_pending()?;
    world.append(&commit)?;
    assert_eq!((world.ours.len(), world.theirs.len()), (2, 3));
    let leave = world.ours[1].leave()?;
    world.append(&leave)?;
    let commit = world.theirs[2].commit(&[])?;
    world.append(&commit)?;
    assert_eq!((world.ours.len(), world.theirs.len()), (1, 3));

    // By the host.
    let victim = world.ours[0].members().iter().find(|member| member.leaf.0 == world.theirs[0].leaf()).context("a member")?.identity;
    let removal = world.ours[0].order(&Order { remove: [victim].into(), ..Order::default() })?;
    world.append(&removal)?;
    assert_eq!((world.ours.len(), world.theirs.len()), (1, 2));

    // Who is absent, by theirs; and whom theirs may not remove.
    let leaf = world.theirs[0].leaf();
    let removal = world.theirs[1].commit(&[leaf])?;
    let refused = world.ours[0].process(removal.class, &removal.bytes, &BTreeSet::new());
    assert_eq!(refused, Err(RuleViolation::RemoveNotAllowed));
    world.absent = world.ours[0].members().iter().filter(|member| member.leaf.0 == leaf).map(|member| member.identity).collect();
    world.append(&removal)?;
    assert_eq!((world.ours.len(), world.theirs.len()), (1, 1));
    Ok(())
}

#[test]
fn who_has_no_psk_or_another_enters_neither_way() -> Result<()> {
    let (mut world, founding) = World::ours()?;
    world.enter(&founding, "Theirs 1")?;
    let snapshot = world.ours[0].snapshot()?;
    for (_, entry) in [Newcomer::new("None")?.enter_without_psk(&snapshot)?, Newcomer::new("Other")?.enter(&snapshot, &[7; 32])?] {
        assert_eq!(world.ours[0].process(entry.class, &entry.bytes, &BTreeSet::new()), Err(RuleViolation::NoPsk));
    }
    // mls-rs has no rule of ours and would take one without; but it sees another PSK in the confirmation.
    let other = GroupConfig { psk: Secret::new([7; 32]), ..config(1) };
    let (_, entry) = ExternalJoin::new(other, &snapshot.bytes)?.join()?;
    ensure!(world.theirs[0].process(&entry).is_err(), "mls-rs took another PSK");
    // Neither has moved.
    let update = world.ours[0].update()?;
    world.append(&update).map(drop)
}

#[test]
fn a_changed_byte_is_refused_by_both() -> Result<()> {
    let (mut world, founding) = World::ours()?;
    world.enter(&founding, "Theirs 1")?;
    let changed = |entry: &Outgoing| -> Result<Outgoing> {
        let mut content = CommitEntry::decode(&entry.bytes)?;
        let commit = content.commit.as_mut().context("a commit")?;
        let middle = commit.len() / 2;
        commit[middle] ^= 1;
        Ok(Outgoing { class: entry.class, bytes: content.encode() })
    };
    let update = world.ours[0].update()?;
    ensure!(world.theirs[0].process(&changed(&update)?).is_err(), "mls-rs took a changed commit");
    world.append(&update)?;
    let update = world.theirs[0].commit(&[])?;
    let bad = changed(&update)?;
    ensure!(world.ours[0].process(bad.class, &bad.bytes, &BTreeSet::new()).is_err(), "ours took a changed commit");
    world.append(&update).map(drop)
}

/// Nobody of ours adds anybody by Welcome yet, so our rules stay out of it: OpenMLS on our primitives, and our leaf.
#[test]
fn a_welcome_is_opened_both_ways() -> Result<()> {
    let text = |error: String| anyhow::anyhow!(error);
    let (group, _) = Group::create(config(0))?;
    let id = [*MEETING.as_bytes(), *group.session().context("a session")?.as_bytes()].concat();
    let mut founder = Ours::from(group);

    let newcomer = Newcomer::new("Theirs 1")?;
    newcomer.know_psk(&id, &PSK);
    let (_, welcome) = founder.add(&newcomer.key_package()?).map_err(text)?;
    let mut theirs = newcomer.open_welcome(&welcome)?;
    assert_eq!(theirs.media_base_key()?.to_vec(), founder.export("SFrame 1.0 Base Key", b"", 32).map_err(text)?);

    let joiner = Joiner::new(&config(1)).map_err(text)?;
    joiner.know_psk([b"conclave/1 session", id.as_slice()].concat().as_slice(), &PSK).map_err(text)?;
    let (commit, welcome) = theirs.add(joiner.key_package())?;
    founder.process(&commit).map_err(text)?;
    let mut ours = joiner.join(&welcome, None).map_err(text)?;
    assert_eq!(ours.epoch_authenticator(), founder.epoch_authenticator());
    assert_eq!(theirs.media_base_key()?.to_vec(), ours.export("SFrame 1.0 Base Key", b"", 32).map_err(text)?);

    // And who came in by Welcome is heard.
    let said = theirs.application(&line("from theirs"))?;
    let heard = ours.process(&said.bytes).map_err(text)?.context("a message")?;
    assert_eq!(heard.len(), 256);
    Ok(())
}

/// Meetings of the walk below.
const SEEDS: u64 = 50;
/// Things that happen in each.
const STEPS: usize = 24;
/// Most members.
const MOST: usize = 9;

/// SplitMix64: the same walk for the same seed. Keys are the libraries' own.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            mixed = (mixed ^ mixed >> shift).wrapping_mul(factor);
        }
        usize::try_from((mixed ^ mixed >> 31) % bound as u64).unwrap_or(0)
    }
}

/// A member of one side or the other, by its place there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Ours(usize),
    Theirs(usize),
}

impl World {
    fn all(&self) -> Vec<Who> {
        (0..self.ours.len()).map(Who::Ours).chain((0..self.theirs.len()).map(Who::Theirs)).collect()
    }

    fn leaf(&self, who: Who) -> u32 {
        match who {
            Who::Ours(n) => self.ours[n].leaf().0,
            Who::Theirs(n) => self.theirs[n].leaf(),
        }
    }

    fn snapshot(&self, who: Who) -> Result<Outgoing> {
        match who {
            Who::Ours(n) => Ok(self.ours[n].snapshot()?),
            Who::Theirs(n) => self.theirs[n].snapshot(),
        }
    }

    fn update(&mut self, who: Who) -> Result<()> {
        let update = match who {
            Who::Ours(n) => self.ours[n].update()?,
            Who::Theirs(n) => self.theirs[n].commit(&[])?,
        };
        self.append(&update).map(drop)
    }

    /// `who` asks to leave, `other` commits it.
    fn leave(&mut self, who: Who, other: Who) -> Result<()> {
        let leave = match who {
            Who::Ours(n) => self.ours[n].leave()?,
            Who::Theirs(n) => self.theirs[n].leave()?,
        };
        self.append(&leave)?;
        self.update(other)
    }

    /// `who` is absent, `other` removes it.
    fn remove(&mut self, who: Who, other: Who) -> Result<()> {
        let leaf = self.leaf(who);
        self.absent = self.ours[0].members().iter().filter(|member| member.leaf.0 == leaf).map(|member| member.identity).collect();
        let removal = match other {
            Who::Ours(n) => self.ours[n].remove_absent(&self.absent)?,
            Who::Theirs(n) => self.theirs[n].commit(&[leaf])?,
        };
        self.append(&removal)?;
        self.absent.clear();
        Ok(())
    }

    /// `who` says something, and everybody else hears it.
    fn say(&mut self, who: Who, app: &App) -> Result<()> {
        let from = self.leaf(who);
        let said = match who {
            Who::Ours(n) => self.ours[n].application(app)?,
            Who::Theirs(n) => self.theirs[n].application(app)?,
        };
        for (n, group) in self.ours.iter_mut().enumerate().filter(|(n, _)| who != Who::Ours(*n)) {
            let heard = group.process(said.class, &said.bytes, &BTreeSet::new())?;
            ensure!(matches!(heard, Processed::App { app: heard, .. } if heard == *app), "ours {n} did not hear leaf {from}");
        }
        for (n, member) in self.theirs.iter_mut().enumerate().filter(|(n, _)| who != Who::Theirs(*n)) {
            ensure!(member.process(&said)? == Seen::App { from, app: app.clone() }, "theirs {n} did not hear leaf {from}");
        }
        Ok(())
    }
}

#[test]
fn whatever_people_do_both_stay_in_one_group() -> Result<()> {
    for seed in 0..SEEDS {
        walk(seed).with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}

fn walk(seed: u64) -> Result<()> {
    let mut chance = Chance(seed);
    let (mut world, founding) = World::ours()?;
    world.enter(&founding, "Theirs")?;
    for step in 0..STEPS {
        let all = world.all();
        let other = all[chance.below(all.len())];
        // The host, who is first, stays.
        let who = all[1 + chance.below(all.len() - 1)];
        match chance.below(7) {
            0 if all.len() < MOST => world.enter(&world.snapshot(other)?, "Theirs")?,
            1 if all.len() < MOST => world.join(&world.snapshot(other)?, 1 + step as u8)?,
            2 if all.len() > 2 && who != other => world.leave(who, other)?,
            3 if all.len() > 2 && who != other => world.remove(who, other)?,
            4 => world.update(other)?,
            _ => world.say(other, &line(&format!("step {step}")))?,
        }
        world.assert_agree().with_context(|| format!("step {step}"))?;
    }
    Ok(())
}

#[test]
fn mls_rs_takes_in_those_whom_ours_adds_with_one_welcome() -> Result<()> {
    let (mut world, founding) = World::ours()?;
    world.enter(&founding, "Theirs 1")?;
    let snapshot = world.ours[0].snapshot()?;
    let mut newcomers = Vec::new();
    for n in 1..5 {
        let joiner = ExternalJoin::new(config(n), &snapshot.bytes)?;
        let own = joiner.key_package()?;
        newcomers.push((joiner, own));
    }
    let all = newcomers.iter().filter_map(|(_, own)| world.ours[0].may_add(&own.bytes)).collect();
    let entry = world.ours[0].add(all)?;
    let answers = world.append(&entry)?;
    let Some(Processed::Commit(change)) = answers.first() else { anyhow::bail!("no commit") };
    assert_eq!(change.joined.len(), 4);
    for (mut joiner, own) in newcomers {
        joiner.apply(entry.class, &entry.bytes)?;
        world.ours.push(joiner.enter(own, &entry.bytes)?);
    }
    world.assert_agree()?;
    // Its path reaches all of them, and theirs reaches it.
    let commit = world.theirs[0].commit(&[])?;
    world.append(&commit)?;
    let commit = world.ours[3].update()?;
    world.append(&commit)?;
    Ok(())
}
