//! What the group costs as it grows: coming in, going, coming in with many others. Our rules, primitives and store beside OpenMLS with its own store.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use conclave_base::{MeetingId, Secret};
use conclave_delivery::Log;
use conclave_mls::{ExternalJoin, Group, GroupConfig, Outgoing, SUITE, SUITE_CLASSIC};
use conclave_protocol::limits::LOG_BYTES;
use conclave_protocol::payload::Policy;
use conclave_protocol::ws::{Class, LogTime};

use crate::plain_openmls::Plain;
use crate::report::{Figure, Report};
use crate::statistics::percentile;

const MEMBERS: [usize; 5] = [2, 10, 50, 200, 1000];
/// Somebody comes and goes again in each.
const ROUNDS: usize = 20;
/// Who come in together.
const BATCH: usize = 32;
const JSON: &str = "openmls-json-storage";

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    for (suite, name) in [(SUITE_CLASSIC, "classical"), (SUITE, "hybrid")] {
        for members in MEMBERS {
            let ours = measure(suite, members)?;
            let plain = Plain::measure(suite, members, ROUNDS)?;
            let name = |what: &str| format!("group.{name}_{members}_{what}");
            for (what, ours, theirs) in
                [("joiner", &ours.joiner, None), ("join", &ours.join, Some(&plain.join)), ("rekey", &ours.rekey, Some(&plain.rekey))]
            {
                for percent in [50, 95] {
                    let value = percentile(ours, percent).context("rounds")?;
                    let theirs = theirs.and_then(|theirs| percentile(theirs, percent));
                    report.add(Figure::cost(name(&format!("{what}_p{percent}")), value, "ms").beside(JSON, theirs))?;
                }
            }
            for (what, bytes) in
                [("join", ours.join_bytes), ("leave", ours.leave_bytes), ("newcomer", ours.newcomer_bytes), ("server", ours.server_bytes)]
            {
                report.add(Figure::cost(name(&format!("{what}_bytes")), bytes as f64 / 1000.0, "kB"))?;
            }
            report.add(Figure::cost(name("batch_commit"), ours.batch[0], "ms"))?;
            report.add(Figure::cost(name("batch_member"), ours.batch[1], "ms"))?;
            report.add(Figure::cost(name("batch_newcomer"), ours.batch[2], "ms"))?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Measured {
    /// Milliseconds in which a newcomer reads the snapshot and makes its commit.
    joiner: Vec<f64>,
    /// In which another member takes that in.
    join: Vec<f64>,
    /// In which a member makes the commit after a leave, and another one takes it in.
    rekey: Vec<f64>,
    /// What each member reads of a join, of a leave, and of each of those who come in together.
    join_bytes: usize,
    leave_bytes: usize,
    newcomer_bytes: usize,
    /// What the server holds of the group when a newcomer comes.
    server_bytes: usize,
    /// Milliseconds of the commit for [`BATCH`] newcomers: of its author, another member, and one of them.
    batch: [f64; 3],
}

fn measure(suite: u16, members: usize) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    let mut log = Log::new(LOG_BYTES);
    let (mut first, founding) = Group::create(config(suite, 0))?;
    process(&mut first, &founding)?;
    keep(&mut log, &founding)?;
    let (mut second, entry) = ExternalJoin::new(config(suite, 1), &founding.bytes)?.join()?;
    process(&mut first, &entry)?;
    process(&mut second, &entry)?;
    for n in 2..members {
        let (_, entry) = ExternalJoin::new(config(suite, n), &first.snapshot()?.bytes)?.join()?;
        process(&mut first, &entry)?;
        process(&mut second, &entry)?;
    }
    let snapshot = first.snapshot()?;
    keep(&mut log, &snapshot)?;
    for round in 0..ROUNDS {
        let (snapshot, config) = (first.snapshot()?, config(suite, members + round));
        let (joiner, joined) = timed(|| ExternalJoin::new(config, &snapshot.bytes)?.join());
        let (mut guest, entry) = joined?;
        measured.joiner.push(joiner);
        let (join, done) = timed(|| process(&mut second, &entry));
        done?;
        measured.join.push(join);
        process(&mut first, &entry)?;
        process(&mut guest, &entry)?;
        keep(&mut log, &entry)?;
        let wish = guest.leave()?;
        process(&mut first, &wish)?;
        process(&mut second, &wish)?;
        keep(&mut log, &wish)?;
        let (commit, made) = timed(|| first.commit_pending());
        let commit_entry = made?;
        let (taken, done) = timed(|| process(&mut second, &commit_entry));
        done?;
        measured.rekey.push(commit + taken);
        process(&mut first, &commit_entry)?;
        keep(&mut log, &commit_entry)?;
        measured.join_bytes = entry.bytes.len();
        measured.leave_bytes = wish.bytes.len() + commit_entry.bytes.len();
    }
    ensure!(first.members().len() == members && first.safety_code() == second.safety_code(), "all agree");
    measured.server_bytes = log.used();

    let snapshot = first.snapshot()?;
    let mut newcomers = Vec::new();
    for n in 0..BATCH {
        let joiner = ExternalJoin::new(config(suite, members + 100 + n), &snapshot.bytes)?;
        let own = joiner.key_package()?;
        newcomers.push((joiner, own));
    }
    let (commit, made) = timed(|| {
        let all = newcomers.iter().filter_map(|(_, own)| first.may_add(&own.bytes)).collect();
        first.add(all)
    });
    let entry = made?;
    let (taken, done) = timed(|| process(&mut second, &entry));
    done?;
    process(&mut first, &entry)?;
    ensure!(first.members().len() == members + BATCH, "all of them came in");
    let (mut joiner, own) = newcomers.pop().context("some")?;
    let (entered, group) = timed(|| {
        joiner.apply(entry.class, &entry.bytes)?;
        anyhow::Ok(joiner.enter(own, &entry.bytes)?)
    });
    ensure!(group?.safety_code() == first.safety_code(), "all agree");
    measured.newcomer_bytes = entry.bytes.len() / BATCH;
    measured.batch = [commit, taken, entered];
    Ok(measured)
}

fn config(suite: u16, n: usize) -> GroupConfig {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&n.to_be_bytes());
    GroupConfig {
        meeting: MeetingId::from_bytes([1; 16]),
        psk: Secret::new([2; 32]),
        policy: Policy {
            version: 1,
            host_keys: vec![[7; 32]],
            lobby: false,
            passphrase: false,
            hides_speech: true,
            hosts_only: Vec::new(),
            mute_above: None,
            limit: 2000,
            suite,
        },
        access: None,
        name: format!("Member {n}"),
        signer: Secret::new(seed),
        host: None,
        device: None,
        software: None,
        seed: Secret::new(seed.map(|byte| byte ^ 0x55)),
    }
}

fn process(group: &mut Group, entry: &Outgoing) -> anyhow::Result<()> {
    group.process(entry.class, &entry.bytes, &BTreeSet::new())?;
    Ok(())
}

/// As a server does, which gets it sealed: 28 bytes more.
fn keep(log: &mut Log, entry: &Outgoing) -> anyhow::Result<()> {
    let sealed = [entry.bytes.as_slice(), &[0; 28]].concat();
    let class = if entry.class == Class::Proposal { Class::Message } else { entry.class };
    log.append(class, log.last_commit(), sealed, LogTime(0)).map(drop).map_err(|error| anyhow::anyhow!("{error:?}"))
}

/// Milliseconds that it took.
pub(crate) fn timed<T>(what: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let done = what();
    (began.elapsed().as_secs_f64() * 1e3, done)
}
