use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::snapshot::{MediaRefusal, NoticeKind, RefusalReason};
use conclave_base::{MemberId, Source, Time};
use conclave_media_crypto::OpenError;

use crate::screen::Screen;

/// How long a refusal stands on the screen.
const STANDS: Duration = Duration::from_secs(10);
/// Frames of an epoch that is not known yet wait this long.
const EPOCH_WAIT: Duration = Duration::from_millis(1500);
/// Replayed frames of one track within [`STANDS`] before it is called an attack: receivers see a few duplicates per call.
const DUPLICATES: u32 = 5;
/// Somebody at the media server without a leaf for this long is a ghost.
const GHOST: Duration = Duration::from_secs(5);
/// Identities at the media server that are watched.
const STRANGERS: usize = 512;

/// What the decryptor refused, and who is at the media server without being in the group.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    attacked: Option<Time>,
    refused: BTreeMap<(MemberId, Source), (RefusalReason, Time)>,
    /// Since when frames come for which there is no key.
    keyless: BTreeMap<(MemberId, Source), Time>,
    replays: BTreeMap<(MemberId, Source), (Time, u32)>,
    strangers: BTreeMap<String, Stranger>,
    /// First and last of the messages in the log that did not open, while they keep coming.
    garbled: Option<(Time, Time)>,
}

#[derive(Debug)]
struct Stranger {
    since: Time,
    told: bool,
}

impl Watch {
    /// Something else than media was refused.
    pub(crate) fn attacked(&mut self, screen: &mut Screen, now: Time) {
        if !self.is_attacked(now) {
            screen.changed();
        }
        self.attacked = Some(now + STANDS);
    }

    /// A message in the log was not for this group.
    pub(crate) fn garbled(&mut self, now: Time) {
        let first = self.garbled.filter(|(_, last)| now < *last + STANDS * 2).map_or(now, |(first, _)| first);
        self.garbled = Some((first, now));
    }

    /// Whether messages that do not open kept coming: another group uses this log.
    pub(crate) fn is_garbled(&self, now: Time) -> bool {
        self.garbled.is_some_and(|(first, last)| last >= first + STANDS && now < last + STANDS * 2)
    }

    /// Keys arrived: what waited for them starts anew.
    pub(crate) fn epoch_began(&mut self) {
        self.keyless.clear();
    }

    /// A frame was opened.
    pub(crate) fn opened(&mut self, who: &MemberId, source: Source) {
        if !self.keyless.is_empty() {
            self.keyless.remove(&(*who, source));
        }
    }

    /// A frame of a member, called `name`, was not. `settling`: keys of before this client joined are still in use by others.
    pub(crate) fn not_opened(
        &mut self,
        error: OpenError,
        track: (MemberId, Source),
        name: &str,
        settling: bool,
        screen: &mut Screen,
        now: Time,
    ) {
        let why = match error {
            OpenError::NotSFrame => RefusalReason::NotSFrame,
            OpenError::WrongSender => RefusalReason::WrongSender,
            OpenError::AuthenticationFailed => RefusalReason::AuthenticationFailed,
            OpenError::Replayed => {
                let (since, count) = self.replays.entry(track).or_insert((now, 0));
                if now >= *since + STANDS {
                    (*since, *count) = (now, 0);
                }
                *count += 1;
                if *count < DUPLICATES {
                    return;
                }
                RefusalReason::Replayed
            }
            OpenError::Expired if settling => return,
            OpenError::EpochUnknown | OpenError::Expired => {
                let since = *self.keyless.entry(track).or_insert(now);
                if now < since + EPOCH_WAIT {
                    return;
                }
                RefusalReason::NoKey
            }
        };
        self.attacked(screen, now);
        let before = self.refused.insert(track, (why, now));
        if before.is_none_or(|(old, at)| old != why || now >= at + STANDS) {
            screen.changed();
        }
        screen.notice_rarely(NoticeKind::MediaRefused { name: name.to_owned(), source: track.1, reason: why }, now);
    }

    /// Who is connected to the media server, as it says.
    pub(crate) fn peers(&mut self, identities: Vec<String>, now: Time) {
        let listed: BTreeSet<_> = identities.into_iter().take(STRANGERS).collect();
        self.strangers.retain(|who, _| listed.contains(who));
        for who in listed {
            self.strangers.entry(who).or_insert(Stranger { since: now, told: false });
        }
    }

    /// Tells of ghosts. `known`: members, and this client as it was called before.
    pub(crate) fn ghosts(&mut self, known: impl Fn(&MemberId) -> bool, screen: &mut Screen, now: Time) {
        let mut found = false;
        for (who, stranger) in &mut self.strangers {
            if who.parse().is_ok_and(|who| known(&who)) {
                stranger.since = now;
            } else if !stranger.told && now >= stranger.since + GHOST {
                (stranger.told, found) = (true, true);
                screen.notice(NoticeKind::Ghost, now);
            }
        }
        if found {
            self.attacked(screen, now);
        }
    }

    pub(crate) fn is_attacked(&self, now: Time) -> bool {
        self.attacked.is_some_and(|until| now < until)
    }

    /// The newest trouble of a member that still stands; of a picture, if there is one, since a dark place asks for a reason.
    pub(crate) fn trouble(&self, who: &MemberId, now: Time) -> Option<MediaRefusal> {
        let of_member = self.refused.iter().filter(|((whose, _), (_, at))| whose == who && now < *at + STANDS);
        let is_picture = |source: &Source| matches!(source, Source::Camera | Source::Screen);
        of_member
            .max_by_key(|((_, source), (_, at))| (is_picture(source), *at))
            .map(|((_, source), (why, _))| MediaRefusal { source: *source, reason: *why })
    }

    /// Forgets what no longer stands, and members that are gone.
    pub(crate) fn forget(&mut self, is_member: impl Fn(&MemberId) -> bool, screen: &mut Screen, now: Time) {
        let before = self.refused.len();
        self.refused.retain(|(who, _), (_, at)| is_member(who) && now < *at + STANDS);
        self.keyless.retain(|(who, _), since| is_member(who) && now < *since + STANDS);
        self.replays.retain(|(who, _), (since, _)| is_member(who) && now < *since + STANDS);
        if self.attacked.is_some_and(|until| now >= until) {
            self.attacked = None;
            screen.changed();
        }
        if before != self.refused.len() {
            screen.changed();
        }
    }

    /// When something stops standing, or a stranger becomes a ghost.
    pub(crate) fn due(&self, now: Time) -> Option<Time> {
        let refused = self.refused.values().map(|(_, at)| *at + STANDS);
        let strangers = self.strangers.values().filter(|s| !s.told).map(|s| s.since + GHOST);
        let garbled = self.garbled.map(|(_, last)| last + STANDS * 2);
        refused.chain(strangers).chain(garbled).chain(self.attacked).filter(|at| *at > now).min()
    }
}
