use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::snapshot::{MediaDoubt, MediaRefusal, NoticeKind, RefusalReason};
use conclave_base::{MemberId, Source, Time};
use conclave_media_crypto::{OpenError, Proof, Track};

use crate::screen::Screen;

/// How long a refusal stands on the screen.
const ALERT_FOR: Duration = Duration::from_secs(10);
/// Replayed frames of one track within [`ALERT_FOR`] before it is called an attack: receivers see a few duplicates per call.
const DUPLICATES: u32 = 5;
/// A participant of the media server that has no leaf for this long is a ghost. Whoever falls asleep on the way in is put out there sooner:
/// it may be there for four seconds before, and the server misses it after three.
pub(crate) const GHOST_GRACE: Duration = Duration::from_secs(8);
/// One that had a leaf may be what a crash left, or somebody whose line carries media and no log, who does not know that it is out. An honest
/// server misses a connection that is silent after 45 s, and puts out of media whoever is not back a minute later.
const LOST_GRACE: Duration = Duration::from_secs(120);
/// Entries come every three seconds at least: after this without one, the line was dead, and carried no word of the media server either.
const SILENT: Duration = Duration::from_secs(5);
/// Whoever is listed this soon after the first list was there before this client, and may be what an earlier crash left.
const FIRST_LISTS: Duration = Duration::from_secs(2);
/// Former members that are remembered.
const FORMER: usize = 4096;
/// Participants of the media server that may be reported at once.
pub(crate) const MEDIA_PARTICIPANTS: usize = 4096;
/// Those of them that are remembered.
const PARTICIPANTS: usize = 512;

/// What the frame cryptor refused or could not prove, and who is at the media server without being in the group.
#[derive(Debug, Default)]
pub(crate) struct SecurityMonitor {
    attacked: Option<Time>,
    refused: BTreeMap<(MemberId, Source), (RefusalReason, Time)>,
    replays: BTreeMap<(MemberId, Source), (Time, u32)>,
    doubts: BTreeMap<(MemberId, Source), Doubt>,
    participants: BTreeMap<String, Participant>,
    first_listed: Option<Time>,
    /// When the newest entry was read, and when that was written: until then it is known who came in.
    read: Option<Time>,
    written: Option<Time>,
    /// Of this session, as far as this client saw it.
    members: BTreeSet<MemberId>,
    /// First and last of the messages in the log that did not open, while they keep coming.
    undecryptable: Option<(Time, Time)>,
    /// Who is a member now.
    inside: BTreeSet<MemberId>,
    /// When a participant may have become a ghost, as far as is known.
    ghosts_due: Time,
    /// What the roster shows of somebody may have changed since it was last asked for.
    changed: bool,
}

/// What is played without proof. It stands until proofs have come again for a while: who only sees the end of it is to see it too.
#[derive(Debug)]
struct Doubt {
    forged: bool,
    until: Option<Time>,
}

#[derive(Debug)]
struct Participant {
    since: Time,
    grace: Duration,
    told: bool,
}

impl SecurityMonitor {
    /// Whether what the roster shows of somebody may have changed since the last call.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Something else than media was refused.
    pub(crate) fn on_attack(&mut self, screen: &mut Screen, now: Time) {
        if !self.is_attacked(now) {
            screen.changed();
        }
        self.attacked = Some(now + ALERT_FOR);
    }

    /// A message in the log was not for this group.
    pub(crate) fn on_undecryptable(&mut self, now: Time) {
        let first = self.undecryptable.filter(|(_, last)| now < *last + ALERT_FOR * 2).map_or(now, |(first, _)| first);
        self.undecryptable = Some((first, now));
    }

    /// Whether messages that do not open kept coming: another group uses this log.
    pub(crate) fn is_undecryptable(&self, now: Time) -> bool {
        self.undecryptable.is_some_and(|(first, last)| last >= first + ALERT_FOR && now < last + ALERT_FOR * 2)
    }

    /// Frames of a member, called `name`, were not opened.
    pub(crate) fn on_refused(&mut self, track: Track, reason: OpenError, count: u32, name: &str, screen: &mut Screen, now: Time) {
        let Track { owner, source } = track;
        let why = match reason {
            OpenError::NotSFrame => RefusalReason::NotSFrame,
            OpenError::WrongSender => RefusalReason::WrongSender,
            OpenError::AuthenticationFailed => RefusalReason::AuthenticationFailed,
            OpenError::Replayed | OpenError::TooLate => {
                let (since, replays) = self.replays.entry((owner, source)).or_insert((now, 0));
                if now >= *since + ALERT_FOR {
                    (*since, *replays) = (now, 0);
                }
                *replays = replays.saturating_add(count);
                if *replays < DUPLICATES {
                    return;
                }
                RefusalReason::Replayed
            }
            OpenError::EpochUnknown | OpenError::Expired => RefusalReason::NoKey,
            OpenError::Silenced => RefusalReason::Silenced,
        };
        self.on_attack(screen, now);
        let before = self.refused.insert((owner, source), (why, now));
        self.changed = true;
        if before.is_none_or(|(old, at)| old != why || now >= at + ALERT_FOR) {
            screen.changed();
        }
        screen.notice_rarely(NoticeKind::MediaRefused { name: name.to_owned(), source, reason: why }, now);
    }

    /// What is played of a member, called `name`, is proved to be of that member, or not.
    pub(crate) fn on_proof(&mut self, track: Track, proof: Proof, name: &str, screen: &mut Screen, now: Time) {
        let key = (track.owner, track.source);
        if proof == Proof::Proved {
            if let Some(doubt) = self.doubts.get_mut(&key) {
                doubt.until = Some(now + ALERT_FOR);
            }
            return;
        }
        // What was found out stays found out while it stands.
        let forged = proof == Proof::Forged || self.doubts.get(&key).is_some_and(|doubt| doubt.forged);
        self.doubts.insert(key, Doubt { forged, until: None });
        self.changed = true;
        screen.changed();
        screen.notice_rarely(NoticeKind::MediaUnproved { name: name.to_owned(), source: track.source, forged }, now);
    }

    /// An epoch began, with these members.
    pub(crate) fn on_epoch(&mut self, members: &BTreeSet<MemberId>, now: Time) {
        // Who was a member until now is missed from now on.
        for (who, participant) in &mut self.participants {
            if who.parse().is_ok_and(|who| self.inside.contains(&who)) {
                (participant.since, participant.grace) = (now, LOST_GRACE);
            }
        }
        if self.members.len() + members.len() > FORMER {
            self.members.clear();
        }
        self.members.extend(members);
        self.inside.clone_from(members);
    }

    /// Who is connected to the media server, as it says.
    pub(crate) fn on_participants(&mut self, identities: Vec<String>, now: Time) {
        self.ghosts_due = Time::ZERO;
        let was_there = now < *self.first_listed.get_or_insert(now) + FIRST_LISTS;
        let listed: BTreeSet<_> = identities.into_iter().take(PARTICIPANTS).collect();
        self.participants.retain(|who, _| listed.contains(who));
        for who in listed {
            // A name that is no member's id was never a member's.
            let was_member = |id| was_there || self.members.contains(&id);
            let grace = if who.parse().is_ok_and(was_member) { LOST_GRACE } else { GHOST_GRACE };
            self.participants.entry(who).or_insert(Participant { since: now, grace, told: false });
        }
    }

    /// This machine slept, or its connection was broken: who was at the media server before that may have left since.
    pub(crate) fn on_gap(&mut self, now: Time) {
        for participant in self.participants.values_mut() {
            participant.since = now;
        }
    }

    /// The next entry of the log was read, which was written then.
    pub(crate) fn on_entry(&mut self, written: Time, now: Time) {
        if self.read.is_some_and(|read| now >= read + SILENT) {
            self.on_gap(now);
        }
        (self.read, self.written) = (Some(now), Some(written));
    }

    /// Tells of ghosts: who is no member. Whose connection is dead, and does not know it yet, reads nothing of who comes in, or reads it late.
    pub(crate) fn detect_ghosts(&mut self, screen: &mut Screen, now: Time) {
        if now < self.ghosts_due {
            return;
        }
        let mut found = false;
        for (who, participant) in &mut self.participants {
            let member = who.parse().ok();
            let due = participant.since + participant.grace;
            // A name that is no member's id is not that of somebody who came in meanwhile.
            let is_read = member.is_none() || self.written >= Some(due);
            if member.is_some_and(|who| self.inside.contains(&who)) {
                (participant.since, participant.grace) = (now, LOST_GRACE);
            } else if !participant.told && is_read && now >= due {
                (participant.told, found) = (true, true);
                screen.notice(NoticeKind::Ghost, now);
            }
        }
        self.ghosts_due = self.participants.values().filter(|p| !p.told).map(|p| p.since + p.grace).min().unwrap_or(Time::MAX);
        if found {
            self.on_attack(screen, now);
        }
    }

    pub(crate) fn is_attacked(&self, now: Time) -> bool {
        self.attacked.is_some_and(|until| now < until)
    }

    /// The newest refusal of a member that still stands; of a picture, if there is one, since a dark place asks for a reason.
    pub(crate) fn refusal(&self, who: &MemberId, now: Time) -> Option<MediaRefusal> {
        let of_member = self.refused.iter().filter(|((whose, _), (_, at))| whose == who && now < *at + ALERT_FOR);
        let is_picture = |source: &Source| matches!(source, Source::Camera | Source::Screen);
        of_member
            .max_by_key(|((_, source), (_, at))| (is_picture(source), *at))
            .map(|((_, source), (why, _))| MediaRefusal { source: *source, reason: *why })
    }

    /// What of a member is not proved: what is known to be forged first, then pictures.
    pub(crate) fn doubt(&self, who: &MemberId) -> Option<MediaDoubt> {
        let of_member = self.doubts.iter().filter(|((whose, _), _)| whose == who);
        of_member
            .max_by_key(|((_, source), doubt)| (doubt.forged, !source.is_audio()))
            .map(|((_, source), doubt)| MediaDoubt { source: *source, forged: doubt.forged })
    }

    /// Forgets what no longer stands, and members that are gone.
    pub(crate) fn expire(&mut self, screen: &mut Screen, now: Time) {
        let is_member = |who: &MemberId| self.inside.contains(who);
        let before = self.refused.len() + self.doubts.len();
        self.refused.retain(|(who, _), (_, at)| is_member(who) && now < *at + ALERT_FOR);
        self.doubts.retain(|(who, _), doubt| is_member(who) && doubt.until.is_none_or(|until| now < until));
        self.replays.retain(|(who, _), (since, _)| is_member(who) && now < *since + ALERT_FOR);
        if self.attacked.is_some_and(|until| now >= until) {
            self.attacked = None;
            screen.changed();
        }
        if before != self.refused.len() + self.doubts.len() {
            self.changed = true;
            screen.changed();
        }
    }

    /// When something stops standing, or a participant becomes a ghost.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        let refused = self.refused.values().map(|(_, at)| *at + ALERT_FOR);
        let participants = self.participants.values().filter(|p| !p.told).map(|p| p.since + p.grace);
        let undecryptable = self.undecryptable.map(|(_, last)| last + ALERT_FOR * 2);
        let doubts = self.doubts.values().filter_map(|doubt| doubt.until);
        refused.chain(doubts).chain(participants).chain(undecryptable).chain(self.attacked).filter(|at| *at > now).min()
    }
}
