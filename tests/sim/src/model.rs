//! The reference model: who must and who must not hear, see and read whom, and what each screen may claim.
//!
//! It is told by the world what people do, what is sealed, and what comes out; it asks the machines nothing but what they show.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use conclave_base::{Door, MeetingId, MemberId, Permission, Source, Time};
use conclave_media_crypto::{CryptorInput, EPOCH_RETENTION, EpochKeys, SFrameContext, SealError, Track};
use conclave_session::InputError;
use conclave_session::snapshot::{ChatLine, Command, EndReason, JoinStep, Member, NoticeKind, Phase, Recognition, SecurityState, Snapshot};

use crate::bounds::{COMING_BACK, DIFFER, LEARNED, LIFE, LINGERS, LOSS_LEARNED, OVERLAP, REMOVAL, TOLD, UNDER_WAY};
use crate::claims::Claims;
use crate::client::codec;
use crate::devices::{self, Device};
use crate::doors::{Doors, Ordered};
use crate::encoders::{is_silence, number};
use crate::failure::{Failure, Kind};
use crate::foes::SPOKEN;
use crate::forgery::FORGED;
use crate::mallory::{NAME, SAID};
use crate::media::{Frame, is_keyless};

/// Stands in each name, line and title, so that they are found wherever they are readable.
const MARKER: &[u8] = b"zq-mark ";

pub(crate) struct Model {
    start: Time,
    pub(crate) meeting: MeetingId,
    link: Vec<u8>,
    failure: Option<Failure>,
    pub(crate) clients: Vec<Truth>,
    /// Ids of all members that ever were, as text.
    ids: Vec<String>,
    frames: Vec<FrameTruth>,
    pub(crate) lines: Vec<LineTruth>,
    pub(crate) server_ended: Vec<Time>,
    /// Since when the server is up, if it is.
    pub(crate) server_up: Option<Time>,
    /// Lines that these clients had not read when the server ended: when that was, and whether nothing could reach them any more.
    unread: BTreeMap<(usize, usize), Vec<(Time, bool)>>,
    titles: BTreeSet<String>,
    differ: BTreeMap<(usize, usize), Time>,
    /// Of each member that some screen showed as lost, when one did last.
    lost: BTreeMap<String, Time>,
    pub(crate) calm: Option<Calm>,
    restless: (Time, usize, u32),
    pub(crate) story: Vec<String>,
    /// What is claimed and what is true, whatever the server does.
    pub(crate) claimed: Claims,
    /// What hosts order.
    pub(crate) doors: Doors,
}

/// All is to be well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calm {
    /// Nobody who is gone opens what is sealed from then on.
    pub(crate) since: Time,
    /// Before it must be.
    pub(crate) early: bool,
    /// It is, as far as it was looked at.
    pub(crate) holds: bool,
}

/// What is true of a program.
pub(crate) struct Truth {
    pub(crate) person: usize,
    name: String,
    /// Each with the moment since when it is the own one.
    identities: Vec<(Time, MemberId)>,
    /// Its leaf in the group, as it shows it.
    pub(crate) leaf: Option<(MemberId, Time)>,
    shown: Vec<(Time, Rc<BTreeSet<MemberId>>)>,
    epochs: Vec<EpochTruth>,
    opened: BTreeSet<u64>,
    /// Since when its screen says that it is inside.
    pub(crate) inside_since: Option<Time>,
    /// When something last disturbed it, if ever.
    pub(crate) touched: Option<Time>,
    /// Until when its line carries no media, or carried none.
    media_cut: Option<Time>,
    /// What is to bring it in was sent.
    was_committing: bool,
    /// How it went away, and when.
    pub(crate) gone: Option<(Time, Gone)>,
    /// Since when it is at the door, after it was inside.
    pub(crate) outside: Option<Time>,
    /// Since when its screen says that it is at the door.
    pub(crate) at_the_door: Option<Time>,
    /// When its host last asked for its removal, and the host's program.
    pub(crate) remove_asked: Option<(Time, usize)>,
    /// The line of that program was dead at that moment, and nothing had told it.
    pub(crate) asked_in_vain: bool,
    last_notice: u32,
    told: String,
    claims: Option<Vec<String>>,
    lines: BTreeSet<usize>,
    /// Of each program, when the last sound that came out was sealed.
    pub(crate) heard: BTreeMap<(usize, Source), Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It said so.
    Left,
    /// It ended by itself, or a host wanted it.
    Ended,
    /// It did not.
    Lost,
}

struct EpochTruth {
    keys: EpochKeys,
    added: Time,
    superseded_local: Option<Time>,
    removal: bool,
    /// Opens with these keys for ever.
    hoard: Option<SFrameContext>,
}

#[derive(Clone, Copy)]
struct FrameTruth {
    client: usize,
    source: Source,
    /// Its source was on.
    is_on: bool,
    at: Time,
    epoch: u8,
}

pub(crate) struct LineTruth {
    pub(crate) author: usize,
    /// Whom the author's screen showed when it was written.
    pub(crate) readers: Vec<String>,
    at: Time,
    /// When its author had entered the group in whose log it saw this line in its place.
    sent_in: Option<Time>,
    /// Its author was told that nobody is shown it.
    pub(crate) refused: bool,
    /// Who came in so long after its author that it did not wait for them.
    came_late: BTreeSet<usize>,
}

impl Model {
    pub(crate) fn new(start: Time, link: &str, meeting: MeetingId) -> Self {
        let secret = link.split_once('#').map_or(link, |(_, secret)| secret);
        Self {
            start,
            meeting,
            link: secret.as_bytes().to_vec(),
            failure: None,
            clients: Vec::new(),
            ids: Vec::new(),
            frames: Vec::new(),
            lines: Vec::new(),
            server_ended: Vec::new(),
            server_up: Some(start),
            unread: BTreeMap::new(),
            titles: BTreeSet::from(["zq-mark first title".to_owned(), String::new()]),
            differ: BTreeMap::new(),
            lost: BTreeMap::new(),
            calm: None,
            restless: (start, 0, 0),
            story: Vec::new(),
            claimed: Claims::default(),
            doors: Doors::default(),
        }
    }

    /// The first promise that was broken.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn fail(&mut self, kind: Kind, now: Time, detail: String) {
        let at = Time::ZERO + (now - self.start);
        if self.failure.is_none() {
            self.failure = Some(Failure { kind, at, detail, story: std::mem::take(&mut self.story) });
        }
    }

    /// Something is not as it must be in the end.
    pub(crate) fn fail_calm(&mut self, kind: Kind, now: Time, detail: String) {
        match &mut self.calm {
            Some(calm) if calm.early => calm.holds = false,
            Some(_) | None => self.fail(kind, now, detail),
        }
    }

    // What happens.

    pub(crate) fn on_client(&mut self, person: usize, name: &str) {
        self.clients.push(Truth {
            person,
            name: name.to_owned(),
            identities: Vec::new(),
            leaf: None,
            shown: Vec::new(),
            epochs: Vec::new(),
            opened: BTreeSet::new(),
            inside_since: None,
            touched: None,
            media_cut: None,
            was_committing: false,
            gone: None,
            outside: None,
            at_the_door: None,
            remove_asked: None,
            asked_in_vain: false,
            last_notice: 0,
            told: String::new(),
            claims: None,
            lines: BTreeSet::new(),
            heard: BTreeMap::new(),
        });
        self.claimed.on_client();
        self.doors.on_client();
    }

    pub(crate) fn on_identity(&mut self, client: usize, identity: MemberId, now: Time) {
        if self.clients[client].identities.last().is_none_or(|(_, last)| *last != identity) {
            self.clients[client].identities.push((now, identity));
            self.ids.push(identity.to_text());
        }
    }

    pub(crate) fn on_title(&mut self, title: &str) {
        self.titles.insert(title.to_owned());
    }

    /// A fault of this client's own.
    pub(crate) fn touch(&mut self, client: usize, now: Time) {
        let touched = &mut self.clients[client].touched;
        *touched = (*touched).max(Some(now));
    }

    pub(crate) fn on_gone(&mut self, client: usize, how: Gone, now: Time) {
        self.clients[client].gone.get_or_insert((now, how));
        self.clients[client].claims = None;
        self.compare_screens(client, now);
        self.on_no_claim(client, true, now);
    }

    /// `reachable`: whether what is on its way to a client can come there.
    pub(crate) fn on_server_ended(&mut self, reachable: &[bool], now: Time) {
        self.server_ended.push(now);
        self.server_up = None;
        for (line, truth) in self.lines.iter().enumerate() {
            let lacks = |client: &usize| *client != truth.author && !self.clients[*client].lines.contains(&line);
            for client in (0..self.clients.len()).filter(lacks) {
                self.unread.entry((line, client)).or_default().push((now, !reachable[client]));
            }
        }
    }

    /// This client's line carries no media until then.
    pub(crate) fn on_media_cut(&mut self, client: usize, until: Time) {
        let cut = &mut self.clients[client].media_cut;
        *cut = (*cut).max(Some(until));
    }

    /// Whether the screen may tell of somebody at the media server who is no member, though nobody attacks: it heard nothing from there lately, or
    /// somebody was turned away and ended in the same moment.
    fn may_show_ghost(&self, client: usize, now: Time) -> bool {
        let lately = |at: Option<Time>| at.is_some_and(|at| now < at + LINGERS);
        let turned_away = |truth: &Truth| !truth.was_inside() && truth.was_committing && lately(truth.gone.map(|(at, _)| at));
        lately(self.clients[client].media_cut) || self.clients.iter().any(turned_away)
    }

    pub(crate) fn on_server_started(&mut self, now: Time) {
        self.server_up = Some(now);
    }

    pub(crate) fn on_asleep(&mut self, client: usize, now: Time) {
        self.clients[client].claims = None;
        self.compare_screens(client, now);
        self.on_no_claim(client, false, now);
    }

    pub(crate) fn on_line(&mut self, author: usize, snapshot: &Snapshot, now: Time) {
        let readers = snapshot.members.iter().map(|m| m.identity.clone()).collect();
        self.lines.push(LineTruth { author, readers, at: now, sent_in: None, refused: false, came_late: BTreeSet::new() });
    }

    /// Whether this member was on the author's screen when it wrote, and never out of the group since.
    pub(crate) fn is_owed(&self, line: &LineTruth, member: &str) -> bool {
        !line.refused && line.readers.iter().any(|reader| reader == member) && self.lost.get(member).is_none_or(|at| *at < line.at)
    }

    /// Whether `reader` entered anew since this line was written, and its author did not: then the line did not wait for it, and is sealed for a
    /// group in which it was not. Or its author did too, and `reader` so long after that it did not wait.
    pub(crate) fn is_back_too_late(&self, line: &LineTruth, reader: usize) -> bool {
        let is_alone = self.came_in_since(line, reader).is_some() && self.came_in_since(line, line.author).is_none();
        is_alone || line.came_late.contains(&reader)
    }

    /// This client came in: for which lines that is too late stays so, whatever all do later.
    pub(crate) fn on_came_in(&mut self, reader: usize) {
        let came_in = |line: &LineTruth| self.came_in_since(line, reader).zip(self.came_in_since(line, line.author));
        let is_late = |line: &LineTruth| came_in(line).is_some_and(|(reader, author)| reader > author + COMING_BACK);
        let late: Vec<bool> = self.lines.iter().map(is_late).collect();
        for (line, _) in self.lines.iter_mut().zip(late).filter(|(_, is_late)| *is_late) {
            line.came_late.insert(reader);
        }
    }

    fn came_in_since(&self, line: &LineTruth, client: usize) -> Option<Time> {
        self.claimed.came_in(client).filter(|at| *at > line.at)
    }

    /// Whether this line had its place in a log that ended before it could come to `reader`: the log is in the server's memory, and whoever is cut
    /// off when that ends never reads the rest. Its author was told that it is sent, which it was.
    pub(crate) fn is_gone_with_log(&self, line: usize, reader: usize) -> bool {
        let Some(sent_in) = self.lines[line].sent_in else { return false };
        let touched = self.clients[reader].touched;
        let unread = self.unread.get(&(line, reader)).into_iter().flatten();
        unread.filter(|(ended, _)| sent_in < *ended).any(|(ended, unreachable)| *unreachable || touched >= Some(just_before(*ended)))
    }

    pub(crate) fn is_server_steady_since(&self, since: Time) -> bool {
        !self.server_ended.iter().any(|at| *at >= since)
    }

    /// Nothing disturbed this client since then.
    pub(crate) fn is_steady_since(&self, client: usize, since: Time) -> bool {
        self.is_server_steady_since(just_before(since)) && self.clients[client].touched.is_none_or(|at| at < since)
    }

    // What machines do with that.

    pub(crate) fn on_restless(&mut self, client: usize, now: Time) {
        let (since, who, count) = self.restless;
        self.restless =
            if who == client && now < since + std::time::Duration::from_millis(1) { (since, who, count + 1) } else { (now, client, 0) };
        if self.restless.2 > 200 {
            self.fail(Kind::NoRest, now, format!("client {client} asks for the past"));
        }
    }

    pub(crate) fn on_refused(&mut self, client: usize, command: &Command, error: InputError, now: Time) {
        let is_fault = match command {
            Command::Join { .. } | Command::SetTitle { .. } => true,
            Command::Chat { .. } => error == InputError::Text,
            Command::Remove { .. }
            | Command::SendBack { .. }
            | Command::SetDoor { .. }
            | Command::Admit { .. }
            | Command::Decline { .. }
            | Command::Appoint { .. }
            | Command::Mute { .. }
            | Command::PermitEverybody { .. }
            | Command::Permit { .. }
            | Command::MuteAbove { .. }
            | Command::Limit { .. } => error == InputError::NotHost,
            Command::Passphrase { .. }
            | Command::Media { .. }
            | Command::Compare { .. }
            | Command::ShowPersonCode { .. }
            | Command::ComparePerson { .. }
            | Command::KeepCompared { .. }
            | Command::AnswerChange { .. }
            | Command::ForgetPerson { .. }
            | Command::Shown { .. }
            | Command::MediaPeers { .. }
            | Command::Leave => false,
        };
        if is_fault {
            self.fail(Kind::CommandRefused, now, format!("client {client}: {error:?}"));
        }
    }

    pub(crate) fn on_bytes(&mut self, bytes: &[u8], now: Time) {
        if contains(bytes, MARKER) || contains(bytes, &self.link) {
            self.fail(Kind::Readable, now, format!("in {} bytes for the server", bytes.len()));
        }
    }

    pub(crate) fn on_log(&mut self, is_error: bool, line: &str, now: Time) {
        let tells = contains(line.as_bytes(), MARKER)
            || contains(line.as_bytes(), &self.link)
            || self.ids.iter().any(|id| contains(line.as_bytes(), id.as_bytes()));
        if tells {
            self.fail(Kind::LogTells, now, "a log line holds a name, a text, an id or the link".to_owned());
        // What a library says of bytes that somebody forged is no mistake of anybody here.
        } else if is_error && !(self.claimed.is_attacked() && line.contains("log.target=\"openmls")) {
            self.fail(Kind::ErrorLogged, now, line.to_owned());
        }
    }

    pub(crate) fn on_cryptor_input(&mut self, client: usize, input: &CryptorInput, local: Time, now: Time) {
        if *input == CryptorInput::Clear {
            self.claimed.on_cleared(client);
        }
        let CryptorInput::Epoch { keys, removed, .. } = input else { return };
        self.on_epoch(client, keys, *removed, now);
        let epochs = &mut self.clients[client].epochs;
        for old in epochs.iter_mut() {
            old.superseded_local.get_or_insert(local);
        }
        let keys = keys.clone();
        epochs.push(EpochTruth { keys, added: now, superseded_local: None, removal: *removed, hoard: None });
    }

    pub(crate) fn next_frame(&self) -> u64 {
        self.frames.len() as u64
    }

    pub(crate) fn on_not_sealed(&mut self, client: usize, source: Source, error: SealError, is_on: bool, now: Time) {
        let expected = if is_on || source == Source::Microphone {
            is_keyless(error) || error == SealError::SourceOff
        } else {
            error == SealError::SourceOff
        };
        if !expected {
            self.fail(Kind::SealedOff, now, format!("client {client}, {source:?}: {error:?}, on: {is_on}"));
        }
    }

    pub(crate) fn on_sealed(&mut self, client: usize, source: Source, sealed: &[u8], is_on: bool, now: Time) {
        // In place of a microphone that is off, silence is.
        if !is_on && source != Source::Microphone {
            self.fail(Kind::SealedOff, now, format!("client {client} sealed a frame of {source:?}, which is off"));
        }
        let header = if source.is_audio() {
            sealed
        } else if sealed[0] & 1 == 0 {
            &sealed[10..]
        } else {
            &sealed[1..]
        };
        let epoch = epoch_byte(header);
        self.check_sealing(client, header, now);
        self.frames.push(FrameTruth { client, source, is_on, at: now, epoch });
    }

    /// A frame passes the media server: whoever is gone and kept all keys tries to open it.
    pub(crate) fn on_forwarded(&mut self, frame: &Frame, now: Time) {
        let Some(FrameTruth { client: sender, at, epoch, .. }) = self.frames.get(usize::try_from(frame.number).expect("small")).copied()
        else {
            return;
        };
        self.check_stranger(frame, sender, at, now);
        for listener in 0..self.clients.len() {
            // Who was sent back to the door has kept its keys, too.
            let sent_back = self.clients[listener].outside.map(|at| (at, Gone::Ended));
            let Some((gone, how)) = self.clients[listener].gone.or(sent_back) else { continue };
            if at <= gone || !self.clients[listener].opens(frame, epoch) {
                continue;
            }
            let mine: Vec<_> = self.clients[listener].identities.iter().map(|(_, who)| *who).collect();
            // Once the sender knows: at once after a removal, soon after a leave or a loss, as its own clock goes.
            let learned = self.clients[sender]
                .epochs
                .iter()
                .rev()
                .take_while(|e| !e.keys.members.iter().any(|(_, key)| mine.contains(&MemberId::of_key(key))))
                .last();
            let asleep = |since| self.claimed.stood_still(sender, since);
            let late = learned.is_some_and(|e| at > e.added + asleep(e.added) + if e.removal { REMOVAL } else { OVERLAP });
            self.check_listener(&mine, sender, at, now);
            let bound = match how {
                // Its farewell may have been lost.
                Gone::Left if self.clients[listener].touched.is_some() => LOSS_LEARNED,
                Gone::Left | Gone::Ended => LEARNED,
                Gone::Lost => LOSS_LEARNED,
            };
            // Whose line was dead by then notices it in time to seal no more, and reads of it when it is back.
            let reads = self.clients[sender].touched.map_or(gone, |at| gone.max(at + LIFE));
            let unlearned = !self.claimed.lied && at > reads + bound && self.everybody_is_steady_since(gone, listener);
            let calm = self.calm.is_some_and(|calm| at > calm.since);
            let detail = || {
                let after = (at - gone).as_millis();
                format!("client {listener}, gone ({how:?}), opens what client {sender} sealed {after} ms later")
            };
            if late || unlearned {
                self.fail(Kind::GoneListens, now, detail());
            } else if calm {
                self.fail_calm(Kind::GoneListens, now, detail());
            }
        }
    }

    fn everybody_is_steady_since(&self, since: Time, but: usize) -> bool {
        self.is_server_steady_since(since)
            && self
                .clients
                .iter()
                .enumerate()
                .all(|(n, truth)| n == but || truth.touched.is_none_or(|at| at < since) && truth.gone.is_none_or(|(at, _)| at < since))
    }

    pub(crate) fn on_opened(&mut self, client: usize, owner: MemberId, source: Source, frame: &[u8], local: Time, now: Time) {
        if source == Source::Microphone && is_silence(frame) {
            return;
        }
        self.check_silence(client, &owner, source, now);
        if number(frame) == Some(FORGED) {
            return self.check_forged(client, owner, now);
        }
        if number(frame) == Some(SPOKEN) && self.claimed.is_mallory(&owner) {
            return;
        }
        let truth = number(frame).and_then(|n| Some((n, self.frames.get(usize::try_from(n).ok()?)?)));
        let Some((number, truth)) = truth else {
            // As itself the hostile member may speak to whoever has not read of its removal.
            if !self.has_keys_of(client, owner, local) {
                self.fail(Kind::WrongFrame, now, format!("client {client} plays what nobody made"));
            }
            return;
        };
        let (sender, at, epoch, is_on) = (truth.client, truth.at, truth.epoch, truth.is_on);
        let made_so = truth.source == source && self.clients[sender].identities.iter().any(|(_, who)| *who == owner);
        if !made_so || !self.clients[client].opened.insert(number) {
            return self.fail(Kind::WrongFrame, now, format!("client {client} plays frame {number} of client {sender} wrongly or twice"));
        }
        if !is_on {
            self.fail(Kind::SealedOff, now, format!("client {client} plays what client {sender} had off"));
        }
        self.clients[client].heard.insert((sender, source), at);
        let kept = self.clients[client].epochs.iter().rev().find(|e| epoch_low(e) == epoch);
        let in_time = kept.is_some_and(|e| e.superseded_local.is_none_or(|since| local < since + EPOCH_RETENTION + REMOVAL));
        if !in_time {
            self.fail(Kind::OldKey, now, format!("client {client} opens frame {number} of epoch byte {epoch}"));
        }
        if !self.was_shown(sender, at, &self.clients[client].identities) {
            self.fail(
                Kind::UnseenListener,
                now,
                format!("client {client} opens frame {number} of client {sender}, whose screen did not show it"),
            );
        }
    }

    /// Whether a client still opens what somebody sealed in the newest epoch in which it saw it.
    fn has_keys_of(&self, client: usize, who: MemberId, local: Time) -> bool {
        let epochs = &self.clients[client].epochs;
        let newest = epochs.iter().rposition(|e| e.keys.members.iter().any(|(_, key)| MemberId::of_key(key) == who));
        newest.is_some_and(|n| {
            let kept = epochs.get(n + 1).map_or(Duration::ZERO, |next| if next.removal { Duration::ZERO } else { EPOCH_RETENTION });
            epochs[n].superseded_local.is_none_or(|since| local < since + kept + REMOVAL)
        })
    }

    /// Whether the screen of `sender` showed one of these identities when it sealed, or just before.
    fn was_shown(&self, sender: usize, at: Time, identities: &[(Time, MemberId)]) -> bool {
        let shown = &self.clients[sender].shown;
        let until = shown.partition_point(|(since, _)| *since <= at);
        let from = shown[..until].partition_point(|(since, _)| *since + OVERLAP < at).saturating_sub(1);
        shown[from..until].iter().any(|(_, roster)| identities.iter().any(|(_, who)| roster.contains(who)))
    }

    // What screens say.

    pub(crate) fn on_shown(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        let roster: BTreeSet<_> = snapshot.members.iter().filter_map(|m| m.identity.parse().ok()).collect();
        let shown = &mut self.clients[client].shown;
        if shown.last().is_none_or(|(_, last)| **last != roster) {
            shown.push((now, Rc::new(roster)));
        }
    }

    pub(crate) fn on_screen(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        let names: Vec<_> = snapshot.members.iter().map(|m| (&m.identity[..4], m.name.trim_start_matches("zq-mark "))).collect();
        let told = format!("{:?}, epoch {}, {:?}, {names:?}", snapshot.phase, snapshot.epoch, snapshot.security.state);
        if told != self.clients[client].told {
            self.story.push(format!("{:>9.3} s  client {client}: {told}", (now - self.start).as_secs_f64()));
            self.clients[client].told = told;
        }
        self.lost.extend(snapshot.lost.iter().map(|member| (member.identity.clone(), now)));
        let was_inside = self.clients[client].inside_since.is_some();
        let inside = (snapshot.phase == Phase::Inside).then_some(now);
        let inside_since = &mut self.clients[client].inside_since;
        *inside_since = inside.and(inside_since.or(inside));
        self.check_phase(client, snapshot, was_inside, now);
        self.on_doors(client, snapshot, now);
        let alarm = matches!(
            snapshot.security.state,
            SecurityState::Attacked | SecurityState::Split | SecurityState::CodeDiffers | SecurityState::KeyChanged
        );
        let is_ghost =
            snapshot.security.state == SecurityState::Attacked && snapshot.notices.iter().any(|notice| notice.what == NoticeKind::Ghost);
        if alarm && !self.claimed.is_attacked() && !(is_ghost && self.may_show_ghost(client, now)) {
            self.fail(
                Kind::FalseAlarm,
                now,
                format!(
                    "client {client} shows {:?}; its last notice: {:?}",
                    snapshot.security.state,
                    snapshot.notices.last().map(|n| &n.what)
                ),
            );
        }
        self.check_roster(client, snapshot, now);
        self.check_notices(client, snapshot, now);
        self.check_chat(client, snapshot, now);
        let claims = snapshot.phase == Phase::Inside && snapshot.security.state == SecurityState::Secure;
        self.clients[client].claims = snapshot.safety_code.clone().filter(|_| claims);
        self.compare_screens(client, now);
        self.on_claim(client, snapshot, now);
        if self.claimed.on_roster(client, snapshot, now) {
            // It has to come in again.
            self.touch(client, now);
        }
    }

    fn check_phase(&mut self, client: usize, snapshot: &Snapshot, was_inside: bool, now: Time) {
        let is_out = matches!(snapshot.phase, Phase::Joining { .. } | Phase::AtTheDoor { .. });
        let at_the_door = matches!(snapshot.phase, Phase::AtTheDoor { .. }).then_some(now);
        self.clients[client].was_committing |= snapshot.phase == Phase::Joining { step: JoinStep::Committing };
        self.clients[client].at_the_door = at_the_door.and(self.clients[client].at_the_door.or(at_the_door));
        if snapshot.phase == Phase::Inside {
            self.clients[client].outside = None;
        } else if is_out && let Some((leaf, _)) = self.clients[client].leaf.take() {
            self.clients[client].outside = Some(now);
            // What was said just before may be on its way to it, and what is said until it is back is not for it.
            self.lost.insert(leaf.to_text(), now + LEARNED);
            if was_inside
                && !self.claimed.is_attacked()
                && !self.was_removal_asked(self.clients[client].person, now)
                && !self.may_be_carried()
            {
                self.fail(Kind::ThrownOut, now, format!("client {client} is sent back to the door, and no host asked for it"));
            }
        }
        let truth = &self.clients[client];
        match &snapshot.phase {
            Phase::Ended { reason } => {
                let disturbed = truth.touched.is_some() || !self.server_ended.is_empty();
                let right = match reason {
                    EndReason::Left => matches!(truth.gone, Some((_, Gone::Left))),
                    EndReason::Removed => self.was_removal_asked(truth.person, now),
                    EndReason::Unreachable => truth.leaf.is_none() && (disturbed || self.claimed.lied),
                    EndReason::LogBroken => self.claimed.lied,
                    EndReason::Full => self.doors.was_limited(),
                    EndReason::Declined => truth.identities.iter().any(|(_, who)| self.doors.was_declined(who)),
                    EndReason::LinkCut
                    | EndReason::NotFound
                    | EndReason::TimeOver
                    | EndReason::LinkWrong
                    | EndReason::HostMismatch
                    | EndReason::Version
                    | EndReason::Replaced
                    | EndReason::Refused => false,
                };
                if !right {
                    self.fail(Kind::WrongEnd, now, format!("client {client}: {reason:?}"));
                }
            }
            Phase::Reconnecting { .. } => {
                if !self.claimed.lied
                    && !self.claimed.may_be_astray(truth)
                    && truth.touched.is_none()
                    && self.is_server_steady_since(truth.leaf.map_or(self.start, |(_, since)| just_before(since)))
                {
                    self.fail(Kind::ThrownOut, now, format!("client {client} reconnects, and nothing disturbed it"));
                }
            }
            Phase::AtTheDoor { .. } => {
                if !self.doors.was_closed() {
                    self.fail(Kind::AtTheDoor, now, format!("client {client} is not let in, and nobody closed the door"));
                }
            }
            Phase::LookingUp | Phase::NeedsPassphrase { .. } | Phase::Prejoin { .. } | Phase::Joining { .. } | Phase::Inside => {}
        }
    }

    /// Whether a session may have begun anew, also because the server lied, and a host have ordered what was ordered in the last one.
    fn may_be_carried(&self) -> bool {
        self.doors.was_closed() && (self.claimed.lied || !self.server_ended.is_empty())
    }

    /// Whether a session may have begun anew, in which nothing is ordered yet.
    fn is_restored(&self, to_all: bool) -> bool {
        to_all && !self.server_ended.is_empty()
    }

    fn was_removal_asked(&self, person: usize, now: Time) -> bool {
        self.clients
            .iter()
            .any(|truth| truth.person == person && truth.remove_asked.is_some_and(|(at, _)| self.claimed.lied || now <= at + TOLD))
    }

    fn check_roster(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        if !self.titles.contains(&snapshot.title) {
            self.fail(Kind::WrongRoster, now, format!("client {client} shows another title"));
        }
        for member in &snapshot.members {
            let who: Option<MemberId> = member.identity.parse().ok();
            let owner = self.clients.iter().position(|truth| truth.identities.iter().any(|(_, id)| Some(*id) == who));
            let right = owner.is_some_and(|n| {
                let owner = &self.clients[n];
                owner.name == member.name
                    && (member.host == (owner.person == 0) || member.host && who.is_some_and(|who| self.doors.is_appointed(&who)))
                    && is_recognised(owner.person, member)
                    && (n == client && owner.identities.last().is_some_and(|(_, last)| Some(*last) == who)) == member.me
            });
            let is_stranger = who.is_some_and(|who| self.claimed.is_mallory(&who) || self.claimed.is_founder(&who));
            if !right && !is_stranger {
                self.fail(Kind::WrongRoster, now, format!("client {client} shows a member who is another, of client {owner:?}"));
            }
        }
        let me = snapshot.members.iter().find(|m| m.me).and_then(|m| m.identity.parse().ok());
        if let Some(me) = me
            && snapshot.phase == Phase::Inside
            && self.clients[client].leaf.is_none_or(|(leaf, _)| leaf != me)
        {
            let truth = &self.clients[client];
            let may_be_astray = self.claimed.may_be_astray(truth);
            let thrown_out =
                !self.claimed.lied && !may_be_astray && truth.leaf.is_some_and(|(_, since)| self.is_steady_since(client, since));
            if thrown_out {
                self.fail(Kind::ThrownOut, now, format!("client {client} is another leaf, and nothing disturbed it"));
            }
            self.clients[client].leaf = Some((me, now));
        }
    }

    fn check_notices(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        let last = self.clients[client].last_notice;
        for notice in snapshot.notices.iter().filter(|notice| notice.id > last) {
            self.clients[client].last_notice = notice.id;
            let of = |name: &String| self.clients.iter().filter(|truth| truth.name == *name).collect::<Vec<_>>();
            let recently = |at: Time| self.claimed.lied || now <= at + TOLD;
            let is_attacked = self.claimed.is_attacked();
            let is_mallory = |name: &String| is_attacked && name == NAME;
            let right = match &notice.what {
                NoticeKind::Joined { name } => !of(name).is_empty() || is_mallory(name),
                // Newcomers can be told that somebody left who was lost.
                NoticeKind::Left { name } | NoticeKind::Lost { name } => {
                    // Where nobody was inside who could have taken it out, it is found there by whoever comes next.
                    let is_new = self.claimed.came_in(client).is_some_and(recently);
                    let disturbed = |t: &&Truth| t.touched.is_some_and(recently) || t.gone.is_some_and(|(at, _)| is_new || recently(at));
                    of(name).iter().any(disturbed) || self.server_ended.iter().any(|at| recently(*at)) || is_attacked
                }
                NoticeKind::Removed { name } | NoticeKind::NotRemoved { name } | NoticeKind::SentBack { name } => {
                    of(name).iter().any(|t| t.remove_asked.is_some_and(|(at, _)| recently(at)))
                        || self.claimed.expelled.is_some()
                        || self.may_be_carried()
                }
                NoticeKind::Knocked { name } => snapshot.host && (!of(name).is_empty() || is_mallory(name)),
                NoticeKind::Door { door } => {
                    self.doors.was_ordered(|ordered| *ordered == Ordered::Door(*door)) || *door == Door::Open && self.may_be_carried()
                }
                NoticeKind::Appointed { name, me } => {
                    let appointed = |t: &Truth| t.identities.iter().any(|(_, who)| self.doors.is_appointed(who));
                    // Of that name may be an earlier program of the same person, too.
                    let own = &self.clients[client];
                    let right = if *me { own.name == *name && appointed(own) } else { of(name).iter().any(|truth| appointed(truth)) };
                    right || is_attacked
                }
                // There is one key, on one device.
                NoticeKind::HostElsewhere { .. } => false,
                NoticeKind::Floor { what, everybody } => {
                    self.doors.was_ordered(|ordered| *ordered == Ordered::Everybody(*what, *everybody)) || self.is_restored(*everybody)
                }
                NoticeKind::Permitted { what, given } => {
                    let mine = |who: &MemberId| self.clients[client].identities.iter().any(|(_, own)| own == who);
                    self.doors
                        .was_ordered(|ordered| matches!(ordered, Ordered::Permit(who, of, to) if mine(who) && of == what && to == given))
                        || self.is_restored(*given)
                        || self.clients[client].identities.iter().any(|(_, own)| self.doors.was_muted(own))
                }
                NoticeKind::Muted { by } => {
                    let identities = &self.clients[client].identities;
                    let by = self.clients.iter().enumerate().filter(|(_, truth)| truth.name == *by);
                    by.into_iter().any(|(host, _)| identities.iter().any(|(_, own)| self.doors.was_muted_by(host, own)))
                }
                NoticeKind::MutedOnEntry => self.doors.was_ordered(|ordered| matches!(ordered, Ordered::MuteAbove(Some(_)))),
                NoticeKind::LineNotTaken => {
                    let restricts = |ordered: &Ordered| {
                        matches!(ordered, Ordered::Everybody(Permission::Chat, false) | Ordered::Permit(_, Permission::Chat, false))
                    };
                    self.doors.was_ordered(restricts) || self.clients[client].outside.is_some()
                }
                // A clock that stood still is off, and says so.
                NoticeKind::ClockOff => self.claimed.lied || self.clients[client].touched.is_some_and(recently),
                // Whoever has the name of somebody verified is that person.
                NoticeKind::KeyChanged { .. } | NoticeKind::OtherSoftware { .. } | NoticeKind::PeopleFull => false,
                // Sessions there have no end.
                NoticeKind::Ends { .. } => false,
                // Lines lose proofs; that a proof leaves a frame out is no accident.
                NoticeKind::MediaUnproved { forged, .. } => !forged || is_attacked,
                NoticeKind::Ghost => is_attacked || self.may_show_ghost(client, now),
                NoticeKind::MediaRefused { .. }
                | NoticeKind::CodeDiffers { .. }
                | NoticeKind::CommitRefused { .. }
                | NoticeKind::Undelivered
                | NoticeKind::LogForked => is_attacked,
            };
            if !right {
                self.fail(Kind::FalseNotice, now, format!("client {client} is told {:?}", notice.what));
            }
        }
    }

    /// Lines that are neither waiting to be sent nor shown: their author may not write, or is not inside any more.
    fn check_unsent(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        for n in 0..self.lines.len() {
            let line = &self.lines[n];
            if line.author != client || line.refused || self.clients[client].lines.contains(&n) {
                continue;
            }
            let text = format!("zq-mark line {n}");
            if snapshot.chat.iter().chain(&snapshot.unsent).any(|shown| shown.text == text) {
                continue;
            }
            let identity = self.clients[client].identities.last().map(|(_, who)| *who);
            let may_not = identity.is_some_and(|who| self.doors.denies(client, &who, Permission::Chat));
            if !may_not && self.clients[client].outside.is_none() {
                return self.fail(Kind::ChatLost, now, format!("client {client} shows line {n} of its own no more"));
            }
            self.lines[n].refused = true;
        }
    }

    fn check_chat(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        self.check_unsent(client, snapshot, now);
        if snapshot.chat.len() == self.clients[client].lines.len() {
            return;
        }
        let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
        let said_by_mallory =
            |line: &&ChatLine| line.text.starts_with(SAID) && line.from.parse().is_ok_and(|from| self.claimed.is_mallory(&from));
        let lines: Vec<_> = snapshot.chat.iter().filter(|line| !said_by_mallory(line)).collect();
        for line in lines {
            let truth =
                line.text.strip_prefix("zq-mark line ").and_then(|n| n.parse::<usize>().ok()).and_then(|n| Some((n, self.lines.get(n)?)));
            let right = truth.is_some_and(|(_, truth)| {
                let author = &self.clients[truth.author];
                author.identities.iter().any(|(_, id)| id.to_text() == line.from)
                    && author.name == line.name
                    && line.mine == (truth.author == client)
            });
            let number = truth.map(|(n, _)| n);
            order.extend(number);
            if line.mine
                && let Some(n) = number
                && !self.clients[client].lines.contains(&n)
            {
                self.claimed.on_sent(n, client, now);
                self.lines[n].sent_in = self.claimed.came_in(client);
            }
            if !right || !number.is_some_and(|n| seen.insert(n)) {
                self.fail(Kind::ChatOrder, now, format!("client {client} shows {:?} twice, or of another", line.text));
            }
        }
        self.claimed.on_lines(client, &order, now);
        self.clients[client].lines = seen;
    }

    /// Two that claim one whole meeting have the same code, or soon have.
    pub(crate) fn compare_screens(&mut self, client: usize, now: Time) {
        for other in (0..self.clients.len()).filter(|other| *other != client) {
            let pair = (client.min(other), client.max(other));
            match (&self.clients[client].claims, &self.clients[other].claims) {
                (Some(one), Some(another)) if one != another => _ = self.differ.entry(pair).or_insert(now),
                _ => _ = self.differ.remove(&pair),
            }
        }
    }

    pub(crate) fn on_sweep(&mut self, now: Time) {
        if !self.claimed.lied
            && let Some((pair, _)) = self.differ.iter().find(|(_, since)| now > **since + DIFFER)
        {
            self.fail(Kind::ScreensDiffer, now, format!("clients {pair:?} both claim one whole meeting"));
        }
        self.check_claims(now);
        self.check_orders_in_time(now);
    }
}

impl Truth {
    pub(crate) fn identities(&self) -> impl Iterator<Item = MemberId> {
        self.identities.iter().map(|(_, who)| *who)
    }

    /// Whether it was ever inside.
    pub(crate) fn was_inside(&self) -> bool {
        !self.epochs.is_empty()
    }

    /// Whether it ever stood in this epoch.
    pub(crate) fn has_keys(&self, keys: &EpochKeys) -> bool {
        self.epochs.iter().any(|e| e.keys.base_key == keys.base_key)
    }

    /// The roster that its screen shows.
    pub(crate) fn last_shown(&self) -> Option<&BTreeSet<MemberId>> {
        self.shown.last().map(|(_, roster)| roster.as_ref())
    }

    /// Since when its screen shows none of these, who were on it before.
    pub(crate) fn lacks_since(&self, identities: &[MemberId]) -> Option<Time> {
        let has = |roster: &BTreeSet<MemberId>| identities.iter().any(|who| roster.contains(who));
        let last = self.shown.iter().rposition(|(_, roster)| has(roster))?;
        self.shown.get(last + 1).map(|(since, _)| *since)
    }

    /// Since when one of these was in its group who was there last.
    pub(crate) fn has_since(&self, identities: &[MemberId]) -> Option<Time> {
        let has = |epoch: &&EpochTruth| epoch.keys.members.iter().any(|(_, key)| identities.contains(&MemberId::of_key(key)));
        self.epochs.iter().rev().skip_while(|epoch| !has(epoch)).take_while(has).last().map(|epoch| epoch.added)
    }

    /// Whether any key that it ever had opens this frame.
    fn opens(&mut self, frame: &Frame, epoch: u8) -> bool {
        let track = Track { owner: frame.owner, source: frame.source };
        self.epochs.iter_mut().filter(|e| epoch_low(e) == epoch).any(|e| {
            let keys = &e.keys;
            let hoard = e.hoard.get_or_insert_with(|| {
                let mut hoard = SFrameContext::new();
                hoard.add_epoch(keys.clone(), Time::ZERO).expect("the client took it");
                hoard
            });
            hoard.open(track, codec(frame.source), &frame.sealed, Time::ZERO).is_ok()
        })
    }
}

/// What happened since then may have been under way.
fn just_before(at: Time) -> Time {
    Time::ZERO + (at - (Time::ZERO + UNDER_WAY))
}

fn epoch_low(epoch: &EpochTruth) -> u8 {
    epoch.keys.epoch.0.to_be_bytes()[7]
}

/// The last byte of the key id in an SFrame header (RFC 9605, section 4.3).
fn epoch_byte(header: &[u8]) -> u8 {
    let config = header[0];
    let length = usize::from(config >> 4 & 7);
    if config & 0x80 == 0 { config >> 4 & 7 } else { header[1 + length] }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == wanted[0]) {
        rest = &rest[at..];
        if rest.starts_with(wanted) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Whether a member is shown with the mark, or without, as its device is known.
fn is_recognised(person: usize, member: &Member) -> bool {
    match devices::of(person) {
        Device::Verified => member.me || matches!(member.recognition, Recognition::Verified { .. }),
        Device::TakenOnInside => matches!(member.recognition, Recognition::Guest | Recognition::Unverified),
        Device::Guest => member.recognition == Recognition::Guest,
    }
}
