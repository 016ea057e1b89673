//! How long somebody who is gone can still open what the others send: from the fact (leaving, being removed, a crash, a network that was pulled)
//! to the last frame that the keys of whoever went still open.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use conclave_base::{Codec, MemberId, Source};
use conclave_kit::{Cue, Ghost, Member, Outsider, Server, create, media_keys, now};
use conclave_livekit_client::{Command, Event};
use conclave_media_crypto::{SFrameContext, Track};

use crate::report::{Figure, Report};
use crate::statistics::percentile;

/// People inside, whoever goes among them.
const MEMBERS: [usize; 3] = [2, 10, 50];
/// Of each way to go.
const ROUNDS: u32 = 10;
/// Frames that must open before somebody goes, and that must not open before the last one is believed to have been that.
const BEFORE: usize = 10;
const AFTER: usize = 30;
/// Two pictures and a moment.
const RECENT: Duration = Duration::from_millis(200);
const ATTEMPTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);
/// As often as clients say that they are there.
const PING: Duration = Duration::from_secs(1);
/// Beats of the ear (15 a second) between its orders to the media server.
const ORDER: usize = 8;
const MS: f64 = 1e3;

/// What happens to somebody.
#[derive(Debug, Clone, Copy)]
enum Fact {
    Leave,
    Removal,
    /// Its process is killed: the kernel closes the socket.
    Crash,
    /// Nothing comes from it, and nothing says so.
    Network,
}

impl Fact {
    const ALL: [Self; 4] = [Self::Leave, Self::Removal, Self::Crash, Self::Network];

    const fn name(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Removal => "removal",
            Self::Crash => "crash",
            Self::Network => "network",
        }
    }
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    for members in MEMBERS {
        let mut meeting = Meeting::of(members)?;
        let mut times = Fact::ALL.map(|_| Vec::new());
        for round in 0..ROUNDS {
            for (fact, times) in Fact::ALL.into_iter().zip(&mut times) {
                let name = format!("{} {round}", fact.name());
                let took = meeting.until_lost(&name, fact, PING * round / ROUNDS)?;
                eprintln!("{members} members, {name}: {:.0} ms", took.as_secs_f64() * MS);
                times.push(took.as_secs_f64() * MS);
            }
        }
        for (fact, times) in Fact::ALL.iter().zip(&times) {
            for percent in [50, 95] {
                let name = format!("lockout.{}_{members}_p{percent}", fact.name());
                report.add(Figure::cost(name, percentile(times, percent).unwrap_or(f64::NAN), "ms"))?;
            }
        }
    }
    Ok(())
}

fn until_inside(member: &mut Member) -> anyhow::Result<()> {
    member.wait("is inside", |event| (event["event"] == "members").then_some(()))
}

/// Real members, of whom one sends.
struct Meeting {
    server: Server,
    link: String,
    /// The host, who sends sound and pictures.
    host: Member,
    others: Vec<Member>,
    /// The operator lends whoever goes an ear that nobody can take away.
    ear: Ghost,
    /// Where the ear is given the keys, and tells of frames.
    keys: SyncSender<(MemberId, SFrameContext)>,
    frames: Receiver<(Instant, bool)>,
}

impl Meeting {
    /// `members` but for whoever will go.
    fn of(members: usize) -> anyhow::Result<Self> {
        let server = Server::start()?;
        let host_key = server.data.path().join("host.key");
        let link = create(&server.url, Some(&host_key))?;
        let mut host = Member::join(&link, "Host", &["--host-key-file", &host_key.to_string_lossy()])?;
        until_inside(&mut host)?;
        let mut meeting = Self::with_ear(server, link, host)?;
        for n in 2..members {
            let mut member = Member::join(&meeting.link, &format!("Member {n}"), &["--no-video", "--no-audio"])?;
            until_inside(&mut member)?;
            meeting.others.push(member);
        }
        Ok(meeting)
    }

    fn with_ear(server: Server, link: String, host: Member) -> anyhow::Result<Self> {
        let ear = Ghost::connect(&server, &link, "ear")?;
        let (keys, given) = sync_channel::<(MemberId, SFrameContext)>(1);
        let (tell, frames) = sync_channel(1 << 14);
        let mut opener: Option<(MemberId, SFrameContext)> = None;
        let mut beats = 0_usize;
        ear.play(move |handle, cue| {
            if let Ok(new) = given.try_recv() {
                opener = Some(new);
            }
            let Some((owner, context)) = &mut opener else { return };
            match cue {
                Cue::Event(Event::Frame { source: Source::Camera, bytes, .. }) => {
                    let opens = context.open(Track { owner: *owner, source: Source::Camera }, Codec::Vp8, &bytes, now()).is_ok();
                    // Who no longer listens has what it wants.
                    let _unheard = tell.try_send((Instant::now(), opens));
                }
                Cue::Event(_) => {}
                Cue::Beat => {
                    beats += 1;
                    if beats.is_multiple_of(ORDER) {
                        handle.command(Command::SetSubscribed(BTreeSet::from([owner.to_text()])));
                        handle.command(Command::RequestKeyFrame { identity: owner.to_text(), source: Source::Camera });
                    }
                }
            }
        })?;
        Ok(Self { server, link, host, others: Vec::new(), ear, keys, frames })
    }

    /// As [`Self::lose`], as often as it takes.
    fn until_lost(&mut self, name: &str, fact: Fact, after: Duration) -> anyhow::Result<Duration> {
        for attempt in 0..ATTEMPTS {
            if let Some(took) = self.lose(&format!("{name} {attempt}"), fact, after)? {
                return Ok(took);
            }
        }
        bail!("the keys of {name} were never those of the epoch")
    }

    /// Somebody comes in and goes, `after` its last sign of life; how long the keys opened what was sent from then on. `None` if others
    /// changed the keys in between: whoever goes reads no commits.
    fn lose(&mut self, name: &str, fact: Fact, after: Duration) -> anyhow::Result<Option<Duration>> {
        let mut goer = Outsider::connect(&self.server.url, &self.link, name, true)?;
        let group = goer.enter()?;
        let host = group.members().iter().find(|member| member.name.expose() == "Host").context("the host is inside")?.identity;
        while self.frames.try_recv().is_ok() {}
        self.keys.send((host, media_keys(&group)?)).ok().context("the ear is gone")?;

        let (mut opened, mut closed) = (0, 0);
        let mut said = Instant::now();
        let mut last = said;
        while opened < BEFORE {
            let (at, opens) = self.frame()?;
            last = at;
            (opened, closed) = (opened + usize::from(opens), closed + usize::from(!opens));
            if closed > 2 * AFTER {
                return Ok(None);
            }
            if said.elapsed() > PING {
                goer.ping()?;
                said = Instant::now();
            }
        }
        goer.ping()?;
        sleep(after);
        let fact_at = Instant::now();
        let kept = match fact {
            Fact::Leave => {
                goer.leave()?;
                None
            }
            Fact::Removal => {
                self.host.say(&format!("/remove {name}"))?;
                Some(goer)
            }
            Fact::Crash => {
                drop(goer);
                None
            }
            Fact::Network => Some(goer),
        };
        closed = 0;
        while closed < AFTER {
            let (at, opens) = self.frame()?;
            if opens {
                (last, closed) = (at, 0);
            } else {
                closed += 1;
            }
            ensure!(fact_at.elapsed() < PATIENCE, "{name} is never shut out");
        }
        drop(kept);
        // What was opened up to the fact came within the last few pictures.
        Ok((last + RECENT >= fact_at).then(|| last.saturating_duration_since(fact_at)))
    }

    fn frame(&self) -> anyhow::Result<(Instant, bool)> {
        self.frames.recv_timeout(PATIENCE).with_context(|| format!("{} hears nothing", self.ear.identity))
    }
}
