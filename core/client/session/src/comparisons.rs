use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use conclave_base::{MemberId, Redacted, Time};
use conclave_mls::Group;
use conclave_protocol::payload::App;

use crate::InputError;
use crate::context::Context;
use crate::log_writer::{LogWriter, Sent};
use crate::screen::millis;
use crate::snapshot::Comparison;

/// Codes that a member may speak of: the one that stands, and those of just before, of which a word may still be under way.
const CODES: usize = 3;
/// Nobody reads thirty digits to somebody else in less. Until then an answer would be about the code of before.
const READING: Duration = Duration::from_secs(5);
/// After the server was busy.
const RETRY: Duration = Duration::from_secs(1);

/// The safety code, and what this client and others found when they compared it with each other.
///
/// The code is that of the epoch in which somebody last came or went: who is inside now was inside then, so all have the same one, and a
/// renewal of keys while two people read it to each other makes no difference between them. It stands for every leaf key in the tree.
///
/// A finding is about one code and one member. It outlives the code, but neither the member's key nor its name: what was found is that
/// this key was in one group with the own one, and in the hands of a person who goes by that name.
#[derive(Debug, Default)]
pub(crate) struct Comparisons {
    /// Newest first.
    codes: VecDeque<Code>,
    mine: BTreeMap<MemberId, Own>,
    /// What members found when they compared with this client, each as its own key signed it.
    theirs: BTreeMap<MemberId, Finding>,
    not_before: Time,
}

#[derive(Debug)]
struct Code {
    digits: [String; 6],
    /// Names it in messages.
    authenticator: [u8; 8],
    since: Time,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    same: bool,
    at: Time,
    /// What the other was called.
    name: Redacted<String>,
}

#[derive(Debug)]
struct Own {
    finding: Finding,
    authenticator: [u8; 8],
    /// Appended, and not known to be lost.
    sent: bool,
}

impl Comparisons {
    /// An epoch began. `changed`: somebody came or went by it.
    pub(crate) fn on_epoch(&mut self, group: &Group, changed: bool, now: Time) {
        if changed {
            self.codes.push_front(Code { digits: group.safety_code(), authenticator: group.authenticator8(), since: now });
            self.codes.truncate(CODES);
        }
        let stands = |who: &MemberId, finding: &Finding| group.members().iter().any(|m| m.identity == *who && m.name == finding.name);
        self.mine.retain(|who, own| stands(who, &own.finding));
        self.theirs.retain(|who, finding| stands(who, finding));
    }

    pub(crate) fn code(&self) -> Option<Vec<String>> {
        self.codes.front().map(|code| code.digits.to_vec())
    }

    /// Whether the code stands for long enough to have been read out.
    pub(crate) fn is_readable(&self, now: Time) -> bool {
        self.codes.front().is_some_and(|code| now >= code.since + READING)
    }

    /// The user compared `code` with `who`, called `name`.
    pub(crate) fn compare(
        &mut self,
        who: MemberId,
        name: Redacted<String>,
        code: &[String],
        same: bool,
        now: Time,
    ) -> Result<(), InputError> {
        if !self.is_readable(now) {
            return Err(InputError::CodeChanged);
        }
        let current = self.codes.front().filter(|current| current.digits == code).ok_or(InputError::CodeChanged)?;
        let finding = Finding { same, at: now, name };
        self.mine.insert(who, Own { finding, authenticator: current.authenticator, sent: false });
        Ok(())
    }

    /// `from`, called `name`, compared the code `authenticator` with this client. Gives whether it newly says that they differ.
    pub(crate) fn on_finding(&mut self, from: MemberId, name: Redacted<String>, authenticator: [u8; 8], same: bool, now: Time) -> bool {
        let known = self.codes.iter().any(|code| code.authenticator == authenticator);
        let before = self.theirs.get(&from).map(|finding| finding.same);
        // Said twice, when it is not known whether it arrived, it was found once.
        if !known || before == Some(same) {
            return false;
        }
        self.theirs.insert(from, Finding { same, at: now, name });
        !same
    }

    /// These appends are lost, or were refused.
    pub(crate) fn put_back<'a>(&mut self, lost: impl IntoIterator<Item = &'a Sent>) {
        for sent in lost {
            if let Sent::Comparison(who) = sent
                && let Some(own) = self.mine.get_mut(who)
            {
                own.sent = false;
            }
        }
    }

    /// The server is busy.
    pub(crate) fn pause(&mut self, now: Time) {
        self.not_before = now + RETRY;
    }

    /// Tells the others what was found.
    pub(crate) fn poll(&mut self, group: &mut Group, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        if now < self.not_before {
            return;
        }
        for (with, own) in self.mine.iter_mut().filter(|(_, own)| !own.sent) {
            let app = App::Comparison { with: *with, authenticator: own.authenticator, same: own.finding.same };
            own.sent = log.append_app(group, &app, Sent::Comparison(*with), ctx, now);
            if !own.sent {
                self.not_before = now + RETRY;
                return;
            }
        }
    }

    /// When the code may have been read out, and when something is to be sent again.
    pub(crate) fn deadlines(&self) -> [Option<Time>; 2] {
        let unsent = self.mine.values().any(|own| !own.sent);
        [self.codes.front().map(|code| code.since + READING), unsent.then_some(self.not_before)]
    }

    /// How far this client has got with a member.
    pub(crate) fn with(&self, who: &MemberId) -> Comparison {
        let mine = self.mine.get(who).map(|own| &own.finding);
        let theirs = self.theirs.get(who);
        match (mine, theirs) {
            (Some(Finding { same: false, at, .. }), _) => Comparison::Differs { at: millis(*at), by_me: true },
            (_, Some(Finding { same: false, at, .. })) => Comparison::Differs { at: millis(*at), by_me: false },
            (Some(mine), Some(theirs)) => Comparison::Both { at: millis(mine.at.max(theirs.at)) },
            (Some(mine), None) => Comparison::Mine { at: millis(mine.at) },
            (None, Some(theirs)) => Comparison::Theirs { at: millis(theirs.at) },
            (None, None) => Comparison::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::{MeetingId, Secret};
    use conclave_mls::{GroupConfig, SUITE_CLASSIC};
    use ed25519_dalek::SigningKey;

    use super::*;

    const START: Time = Time::from_millis(1_000_000);

    fn group(name: &str) -> Group {
        let policy = crate::tests::policy(SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes(), SUITE_CLASSIC);
        let [psk, signer, seed] = [1, 2, 3].map(|n| Secret::new([n; 32]));
        let meeting = MeetingId::from_bytes([5; 16]);
        let config = GroupConfig {
            meeting,
            psk,
            policy,
            access: None,
            name: name.to_owned(),
            signer,
            host: None,
            device: None,
            software: None,
            seed,
        };
        Group::create(config).expect("a group is founded").0
    }

    fn named(name: &str) -> Redacted<String> {
        Redacted::new(name.to_owned())
    }

    #[test]
    fn what_is_said_of_a_code_that_never_was_is_nothing() {
        let group = group("Bela");
        let mut comparisons = Comparisons::default();
        comparisons.on_epoch(&group, true, START);
        for same in [true, false] {
            assert!(!comparisons.on_finding(group.me(), named("Bela"), [0; 8], same, START));
            assert_eq!(comparisons.with(&group.me()), Comparison::None);
        }
        assert!(comparisons.on_finding(group.me(), named("Bela"), group.authenticator8(), false, START));
        assert!(!comparisons.on_finding(group.me(), named("Bela"), group.authenticator8(), false, START), "once");
    }

    #[test]
    fn a_mark_goes_when_its_bearer_takes_another_name() {
        let mut comparisons = Comparisons::default();
        let (before, after) = (group("Bela"), group("Amara Okafor"));
        assert_eq!(before.me(), after.me(), "the key is the same");
        comparisons.on_epoch(&before, true, START);
        let now = START + READING;
        let code = comparisons.code().expect("there is one");
        comparisons.compare(before.me(), named("Bela"), &code, true, now).expect("it was read");
        comparisons.on_finding(before.me(), named("Bela"), before.authenticator8(), true, now);
        comparisons.on_epoch(&before, false, now);
        assert_eq!(comparisons.with(&before.me()), Comparison::Both { at: millis(now) });
        comparisons.on_epoch(&after, false, now);
        assert_eq!(comparisons.with(&before.me()), Comparison::None);
    }
}
