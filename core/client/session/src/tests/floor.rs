//! Who may speak, write and share, and who says so.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Codec, Permission, Source};
use conclave_media_crypto::{EpochKeys, OpenError, SFrameContext, SealError};
use conclave_protocol::ws::Class;

use super::world::{AMARA, BELA, CHIDI, World};
use crate::InputError;
use crate::snapshot::{Command, MediaRefusal, NoticeKind, Phase, RefusalReason};
use crate::stage::Stage;

const ON: Command = Command::Media { mic: true, camera: false, screen: false };

/// Somebody's program as its author would like it: it seals with the same keys, and keeps to no policy.
fn modified(world: &World, person: usize) -> SFrameContext {
    let Stage::Joined(joined) = &world.people[person].meeting.stage else { panic!("a member") };
    let group = &joined.membership.group;
    let keys = EpochKeys {
        epoch: group.epoch(),
        base_key: group.media_base_key().expect("a member has keys"),
        session: group.session().expect("its group is of a session"),
        members: group.members().iter().map(|m| (m.leaf, m.key)).collect(),
        silenced: BTreeSet::new(),
        me: group.leaf(),
        signer: group.signature_key(),
    };
    let mut context = SFrameContext::new();
    context.add_epoch(keys, world.now).expect("a first epoch");
    context.seal_with(group.epoch()).expect("installed");
    context
}

impl World {
    fn host_says(&mut self, command: Command) {
        self.command(AMARA, command).expect("a host may");
        self.pass(Duration::from_millis(600));
    }

    fn permit(&mut self, person: usize, what: Permission, given: bool) {
        let identity = self.identity(person).to_text();
        self.host_says(Command::Permit { identity, what, given });
    }

    fn permit_everybody(&mut self, what: Permission, everybody: bool) {
        self.host_says(Command::PermitEverybody { what, everybody });
    }

    fn denied(&self, by: usize, person: usize) -> Vec<Permission> {
        let who = self.identity(person).to_text();
        self.screen(by).members.iter().find(|m| m.identity == who).expect("inside").denied.clone()
    }

    /// Whether what this person's own client seals as sound is more than silence to Amara.
    fn is_heard(&mut self, person: usize) -> bool {
        let who = self.identity(person);
        let Ok(sealed) = self.seal(person, Source::Microphone, b"sound") else { return false };
        self.open_frame(AMARA, who, Source::Microphone, &sealed) == Ok(b"sound".to_vec())
    }

    fn mic_on(&mut self, person: usize) -> Result<(), InputError> {
        self.command(person, ON)
    }
}

#[test]
fn whom_a_host_mutes_is_off_until_it_switches_on_again() {
    let mut world = World::hiding_speech(3);
    for person in [AMARA, BELA, CHIDI] {
        world.mic_on(person).expect("everybody may");
    }
    let bela = world.identity(BELA).to_text();
    world.host_says(Command::Mute { identity: Some(bela) });
    assert!(!world.is_heard(BELA) && world.is_heard(CHIDI));
    assert_eq!((world.screen(BELA).mutes, world.screen(CHIDI).mutes), (1, 0));
    assert!(world.notices(BELA).contains(&NoticeKind::Muted { by: "Amara".to_owned() }));
    world.mic_on(BELA).expect("she may");
    assert!(world.is_heard(BELA));

    world.host_says(Command::Mute { identity: None });
    assert!(!world.is_heard(BELA) && !world.is_heard(CHIDI));
    assert_eq!(world.screen(AMARA).mutes, 0, "hosts are not meant");
    // A guest's word mutes nobody.
    let amara = world.identity(AMARA).to_text();
    assert_eq!(world.command(BELA, Command::Mute { identity: Some(amara) }), Err(InputError::NotHost));
    assert_eq!(world.command(BELA, Command::Mute { identity: None }), Err(InputError::NotHost));
}

#[test]
fn where_only_hosts_unmute_nobody_else_is_heard_and_whom_they_let_is() {
    let mut world = World::hiding_speech(3);
    for person in [AMARA, BELA, CHIDI] {
        world.mic_on(person).expect("everybody may");
    }
    world.permit_everybody(Permission::Speak, false);
    assert!(world.notices(BELA).contains(&NoticeKind::Floor { what: Permission::Speak, everybody: false }));
    assert_eq!(world.screen(CHIDI).floor.hosts_only, [Permission::Speak]);
    assert_eq!([AMARA, BELA, CHIDI].map(|person| world.denied(CHIDI, person).len()), [0, 1, 1]);
    assert_eq!(world.mic_on(BELA), Err(InputError::NotPermitted));
    assert!(!world.is_heard(BELA) && !world.is_heard(CHIDI));
    let sealed = world.seal(BELA, Source::Microphone, b"sound").expect("silence flows on: the server is not to know");
    let bela = world.identity(BELA);
    assert_eq!(world.open_frame(AMARA, bela, Source::Microphone, &sealed), Ok(b"\xf8\xff\xfe\0\0".to_vec()));

    world.permit(BELA, Permission::Speak, true);
    assert!(world.notices(BELA).contains(&NoticeKind::Permitted { what: Permission::Speak, given: true }));
    assert!(!world.is_heard(BELA), "no microphone goes on by itself");
    world.mic_on(BELA).expect("a host lets her");
    assert!(world.is_heard(BELA) && !world.is_heard(CHIDI));
    // Muted where a host's word is needed: the word is taken back.
    world.host_says(Command::Mute { identity: None });
    assert_eq!(world.mic_on(BELA), Err(InputError::NotPermitted));
    world.permit_everybody(Permission::Speak, true);
    world.mic_on(BELA).expect("everybody may");
    assert!(world.is_heard(BELA));
}

#[test]
fn sound_of_somebody_silenced_is_not_played_whoever_seals_it_and_with_which_keys() {
    let mut world = World::hiding_speech(3);
    let bela = world.identity(BELA);
    let mut before = modified(&world, BELA);
    let seal =
        |frames: &mut SFrameContext, world: &World| frames.seal(Source::Microphone, Codec::Opus, b"sound", world.now).expect("it has keys");
    let frame = seal(&mut before, &world);
    assert_eq!(world.open_frame(AMARA, bela, Source::Microphone, &frame), Ok(b"sound".to_vec()));
    world.permit(BELA, Permission::Speak, false);
    let mut after = modified(&world, BELA);
    for by in [AMARA, CHIDI] {
        let frame = seal(&mut after, &world);
        assert_eq!(world.open_frame(by, bela, Source::Microphone, &frame), Err(OpenError::Silenced));
        let frame = seal(&mut before, &world);
        assert_eq!(world.open_frame(by, bela, Source::Microphone, &frame), Err(OpenError::Expired), "keys of before do not help");
    }
    let refusal = world.screen(CHIDI).members[BELA].refusal.clone();
    assert_eq!(refusal, Some(MediaRefusal { source: Source::Microphone, reason: RefusalReason::Silenced }));
    // What says that it is silence is silence.
    let silent = after.seal_silence(Source::Microphone, 5, world.now).expect("it has keys");
    assert_eq!(world.open_frame(AMARA, bela, Source::Microphone, &silent), Ok(b"\xf8\xff\xfe\0\0".to_vec()));
    world.permit(BELA, Permission::Speak, true);
    let frame = seal(&mut after, &world);
    assert_eq!(
        world.open_frame(AMARA, bela, Source::Microphone, &frame),
        Err(OpenError::Silenced),
        "the epoch in which it was sealed decides"
    );
    let mut again = modified(&world, BELA);
    let frame = seal(&mut again, &world);
    assert_eq!(world.open_frame(AMARA, bela, Source::Microphone, &frame), Ok(b"sound".to_vec()));
}

#[test]
fn lines_of_who_may_not_write_are_refused_by_the_own_client_and_shown_by_nobody() {
    let mut world = World::of(3);
    world.say(BELA, "before");
    world.permit(BELA, Permission::Chat, false);
    assert_eq!(world.command(BELA, Command::Chat { text: "psst".to_owned() }), Err(InputError::NotPermitted));
    world.say(CHIDI, "heard");
    assert_eq!(world.chat(AMARA), ["before", "heard"]);

    // A line that is on its way when the order takes its place is shown to nobody, and its author is told.
    world.permit(BELA, Permission::Chat, true);
    world.permit(CHIDI, Permission::Speak, false);
    let held = std::rc::Rc::new(std::cell::Cell::new(true));
    let holds = std::rc::Rc::clone(&held);
    world.server.swallows = Box::new(move |person, class| person == BELA && class == Class::Message && holds.get());
    world.command(BELA, Command::Chat { text: "late".to_owned() }).expect("she may");
    world.permit(BELA, Permission::Chat, false);
    held.set(false);
    world.break_connection(BELA);
    world.pass(Duration::from_secs(5));
    assert!(world.unsent(BELA).is_empty() && world.notices(BELA).contains(&NoticeKind::LineNotTaken));
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.chat(person), ["before", "heard"]);
    }
}

#[test]
fn a_share_that_is_not_permitted_is_off_and_not_played() {
    let mut world = World::of(2);
    let bela = world.identity(BELA);
    let sharing = Command::Media { mic: true, camera: false, screen: true };
    world.command(BELA, sharing.clone()).expect("everybody may");
    world.pass(Duration::from_millis(600));
    assert!(world.screen(AMARA).members[BELA].screen);
    world.permit_everybody(Permission::Share, false);
    assert!(!world.screen(AMARA).members[BELA].screen);
    assert_eq!(world.seal(BELA, Source::Screen, b"\xf8frame"), Err(SealError::SourceOff));
    assert_eq!(world.command(BELA, sharing), Err(InputError::NotPermitted));
    let mut modified = modified(&world, BELA);
    for source in [Source::Screen, Source::ScreenAudio] {
        let frame = modified.seal(source, Codec::Opus, b"frame", world.now).expect("it has keys");
        assert_eq!(world.open_frame(AMARA, bela, source, &frame), Err(OpenError::Silenced));
    }
    assert!(world.seal(BELA, Source::Microphone, b"sound").is_ok(), "the rest is as it was");
}

#[test]
fn newcomers_come_in_silent_or_muted_as_hosts_ordered() {
    let mut world = World::hiding_speech(2);
    world.host_says(Command::MuteAbove { people: Some(2) });
    let chidi = world.open();
    world.mic_on(chidi).expect("before coming in");
    world.join(chidi);
    world.pass(Duration::from_secs(1));
    assert!(world.notices(chidi).contains(&NoticeKind::MutedOnEntry) && !world.is_heard(chidi));
    world.mic_on(chidi).expect("everybody may");
    assert!(world.is_heard(chidi));
    // Who comes back after its line broke is no newcomer.
    world.break_connection(chidi);
    world.pass(Duration::from_secs(8));
    assert!(world.is_heard(chidi));

    world.permit_everybody(Permission::Speak, false);
    let dana = world.open();
    world.mic_on(dana).expect("before coming in");
    world.join(dana);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.denied(AMARA, dana), [Permission::Speak]);
    assert!(world.notices(dana).contains(&NoticeKind::Floor { what: Permission::Speak, everybody: false }) && !world.is_heard(dana));
}

#[test]
fn what_a_host_orders_while_it_is_away_comes_after_what_it_ordered_before() {
    let mut world = World::of(3);
    world.permit_everybody(Permission::Chat, false);
    world.server.forget();
    for person in [AMARA, BELA, CHIDI] {
        world.people[person].cut_off = person != BELA;
        world.break_connection(person);
    }
    world.command(AMARA, Command::PermitEverybody { what: Permission::Chat, everybody: true }).expect("a host may");
    world.pass(Duration::from_secs(15));
    assert_eq!(world.names(BELA), ["Bela"], "she begins anew, and knows of no order");
    world.people[AMARA].cut_off = false;
    while world.screen(AMARA).phase != Phase::Inside {
        world.pass(Duration::from_millis(50));
    }
    // Before the host has ordered anything, somebody else comes.
    world.hold_only(|person, class| person == AMARA && class == Class::Commit);
    world.people[CHIDI].cut_off = false;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.names(AMARA).len(), 3);
    world.release_held();
    world.pass(Duration::from_secs(5));
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!((world.names(person).len(), world.denied(person, CHIDI)), (3, Vec::new()));
    }
}

#[test]
fn an_exception_that_is_ordered_with_its_rule_outlives_what_is_committed_before() {
    let mut world = World::of(3);
    // The host's commit does not come to the server before another one does.
    let held = world.hold_only(|person, class| person == AMARA && class == Class::Commit);
    assert_eq!(held, 0);
    let identity = world.identity(BELA).to_text();
    world.command(AMARA, Command::PermitEverybody { what: Permission::Share, everybody: false }).expect("a host may");
    world.command(AMARA, Command::Permit { identity, what: Permission::Share, given: true }).expect("a host may");
    let dana = world.open();
    world.join(dana);
    world.release_held();
    world.pass(Duration::from_secs(3));
    for person in [AMARA, BELA, CHIDI, dana] {
        assert_eq!((world.denied(person, BELA), world.denied(person, CHIDI)), (Vec::new(), vec![Permission::Share]));
    }
}

#[test]
fn who_comes_back_silenced_is_told_that_it_alone_is() {
    let mut world = World::of(2);
    world.permit(BELA, Permission::Chat, false);
    let identity = world.identity(BELA).to_text();
    world.host_says(Command::SendBack { identity: identity.clone() });
    world.pass(Duration::from_secs(2));
    let told = world.notices(BELA).len();
    world.host_says(Command::Admit { identities: vec![identity] });
    world.pass(Duration::from_secs(2));
    assert_eq!(world.notices(BELA)[told..], [NoticeKind::Permitted { what: Permission::Chat, given: false }]);
}

#[test]
fn a_limit_does_not_keep_the_host_out_when_somebody_who_is_gone_takes_the_place() {
    let mut world = World::of(1);
    world.host_says(Command::Limit { people: 1 });
    // Nobody is left to take its leaf out of the group.
    world.people[AMARA].dead = true;
    world.pass(Duration::from_secs(5));
    let guest = world.open();
    world.join(guest);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.over(guest), Some(crate::snapshot::EndReason::Full));
    let host = world.open_as_host();
    world.join(host);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.screen(host).members.len(), 1, "the old leaf is out");
}

#[test]
fn a_limit_holds_for_newcomers_and_rises_no_further_than_the_meeting_was_made_for() {
    let mut world = World::of(2);
    assert_eq!(world.command(AMARA, Command::Limit { people: 0 }), Err(InputError::OutOfRange));
    assert_eq!(world.command(AMARA, Command::Limit { people: 10_000 }), Err(InputError::OutOfRange));
    world.host_says(Command::Limit { people: 2 });
    let chidi = world.open();
    world.join(chidi);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.over(chidi), Some(crate::snapshot::EndReason::Full));
    assert_eq!(world.screen(AMARA).phase, Phase::Inside);
}

#[test]
fn guests_order_nothing_of_it() {
    let mut world = World::of(2);
    let amara = world.identity(AMARA).to_text();
    for command in [
        Command::PermitEverybody { what: Permission::Chat, everybody: false },
        Command::Permit { identity: amara, what: Permission::Speak, given: false },
        Command::MuteAbove { people: Some(1) },
        Command::Limit { people: 1 },
    ] {
        assert_eq!(world.command(BELA, command), Err(InputError::NotHost));
    }
}
