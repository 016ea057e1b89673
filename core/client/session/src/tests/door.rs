//! Who comes in, and who decides it.

use std::time::Duration;

use conclave_base::Door;
use conclave_protocol::ws::Class;

use super::world::{AMARA, BELA, CHIDI, World};
use crate::InputError;
use crate::snapshot::{Command, EndReason, NoticeKind, Phase, SecurityState};
use crate::stage::Stage;

impl World {
    fn order(&mut self, host: usize, command: Command) {
        self.command(host, command).expect("a host may");
        self.pass(Duration::from_millis(600));
    }

    fn set_door(&mut self, door: Door) {
        self.order(AMARA, Command::SetDoor { door });
    }

    /// Who waits, as this person's screen says.
    fn waiting(&self, person: usize) -> Vec<&str> {
        self.screen(person).waiting.iter().map(|one| one.name.as_str()).collect()
    }

    /// The identity of somebody who waits, as the screen of a host has it.
    fn knocking(&self, host: usize, name: &str) -> String {
        self.screen(host).waiting.iter().find(|one| one.name == name).expect("it asks").identity.clone()
    }

    fn is_at_the_door(&self, person: usize) -> bool {
        matches!(self.screen(person).phase, Phase::AtTheDoor { .. })
    }

    /// Somebody opens the link, and asks to come in.
    fn come(&mut self) -> usize {
        let person = self.open();
        self.join(person);
        self.pass(Duration::from_secs(1));
        person
    }

    fn admit(&mut self, host: usize, name: &str) {
        let identities = vec![self.knocking(host, name)];
        self.order(host, Command::Admit { identities });
    }
}

#[test]
fn whoever_comes_to_a_door_that_is_not_open_waits_until_a_host_admits() {
    let mut world = World::of(2);
    world.set_door(Door::Ask);
    assert_eq!(world.screen(BELA).door, Door::Ask);
    assert!(world.notices(BELA).contains(&NoticeKind::Door { door: Door::Ask }));
    let chidi = world.come();
    let Phase::AtTheDoor { locked: false, hosts: true, .. } = world.screen(chidi).phase else { panic!("at the door") };
    assert_eq!(world.waiting(AMARA), ["Chidi"]);
    assert!(world.notices(AMARA).contains(&NoticeKind::Knocked { name: "Chidi".to_owned() }));
    assert_eq!(world.waiting(BELA), [] as [&str; 0], "a guest is told nothing");
    assert!(
        world.screen(chidi).members.is_empty() && world.people[chidi].media.is_none(),
        "who waits sees nobody and is not at the media server"
    );
    world.pass(Duration::from_secs(30));
    assert_eq!((world.is_at_the_door(chidi), world.waiting(AMARA)), (true, vec!["Chidi"]));
    world.say(BELA, "of no concern to Chidi");
    world.admit(AMARA, "Chidi");
    world.pass(Duration::from_secs(1));
    for person in [AMARA, BELA, chidi] {
        assert_eq!(world.names(person), ["Amara", "Bela", "Chidi"]);
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
    assert_eq!((world.waiting(AMARA), world.chat(chidi)), (vec![], vec![]));
    assert!(world.people[chidi].media.is_some());
}

#[test]
fn several_are_admitted_in_one_commit_and_one_alone_comes_alone() {
    let mut world = World::of(1);
    world.set_door(Door::Ask);
    let [_, chidi, _] = [world.come(), world.come(), world.come()];
    assert_eq!(world.waiting(AMARA), ["Bela", "Chidi", "Dana"]);
    let commits = world.appended(Class::Commit);
    let identities = ["Bela", "Dana"].map(|name| world.knocking(AMARA, name)).to_vec();
    world.order(AMARA, Command::Admit { identities });
    world.pass(Duration::from_secs(2));
    assert_eq!(world.appended(Class::Commit), commits + 3, "one order, and two come in");
    assert_eq!((world.names(AMARA), world.waiting(AMARA)), (vec!["Amara", "Bela", "Dana"], vec!["Chidi"]));
    assert!(world.is_at_the_door(chidi));
}

#[test]
fn a_page_that_is_loaded_anew_goes_straight_back_in_through_a_door_that_is_closed() {
    let mut world = World::of(2);
    let mut bela = BELA;
    for door in [Door::Ask, Door::Locked] {
        world.set_door(door);
        for away in [Duration::ZERO, Duration::from_secs(5)] {
            world.pass(away);
            bela = world.reload(bela, "Bela");
            world.pass(Duration::from_secs(3));
            assert_eq!(world.screen(bela).phase, Phase::Inside, "{door:?}");
            assert_eq!((world.names(AMARA), world.waiting(AMARA)), (vec!["Amara", "Bela"], vec![]));
        }
    }
    world.pass(Duration::from_secs(5));
    let doors = [Door::Ask, Door::Locked].map(|door| NoticeKind::Door { door });
    assert_eq!(world.notices(AMARA)[1..], doors, "no word of its comings and goings");
}

#[test]
fn who_is_declined_is_told_so_with_the_word_of_the_host() {
    let mut world = World::of(1);
    world.set_door(Door::Ask);
    let bela = world.come();
    let identity = world.knocking(AMARA, "Bela");
    let long = "x".repeat(201);
    assert_eq!(world.command(AMARA, Command::Decline { identity: identity.clone(), word: long }), Err(InputError::Text));
    world.order(AMARA, Command::Decline { identity, word: "Tomorrow at nine".to_owned() });
    assert_eq!((world.over(bela), world.screen(bela).declined.as_str()), (Some(EndReason::Declined), "Tomorrow at nine"));
    assert_eq!(world.waiting(AMARA), [] as [&str; 0]);
}

#[test]
fn a_locked_door_is_not_knocked_at_and_opens_to_who_still_waits() {
    let mut world = World::of(1);
    world.set_door(Door::Locked);
    let bela = world.come();
    let Phase::AtTheDoor { locked: true, .. } = world.screen(bela).phase else { panic!("at the door") };
    assert_eq!((world.waiting(AMARA).len(), world.appended(Class::JoinRequest)), (0, 0));
    world.set_door(Door::Open);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
}

#[test]
fn who_waits_at_a_locked_door_goes_on_to_say_that_it_is_there() {
    let mut world = World::of(2);
    world.set_door(Door::Locked);
    let chidi = world.come();
    world.pass(Duration::from_secs(60));
    assert!(world.is_at_the_door(chidi));
    let silent = world.now - world.server.last_received[&chidi];
    assert!(silent < Duration::from_secs(10), "to hear the others is not enough: {silent:?}");
}

#[test]
fn a_removal_closes_the_door_in_the_same_commit_unless_the_host_says_otherwise() {
    let mut world = World::of(3);
    let commits = world.appended(Class::Commit);
    let identity = world.identity(CHIDI).to_text();
    world.order(AMARA, Command::Remove { identity, open: false });
    assert_eq!((world.over(CHIDI), world.screen(BELA).door), (Some(EndReason::Removed), Door::Ask));
    assert_eq!(world.appended(Class::Commit), commits + 1);
    let identity = world.identity(BELA).to_text();
    world.set_door(Door::Open);
    world.order(AMARA, Command::Remove { identity, open: true });
    assert_eq!((world.names(AMARA), world.screen(AMARA).door), (vec!["Amara"], Door::Open));
}

#[test]
fn a_door_that_was_just_locked_stays_so_when_somebody_is_removed_at_once() {
    let mut world = World::of(2);
    let identity = world.identity(BELA).to_text();
    world.command(AMARA, Command::SetDoor { door: Door::Locked }).expect("a host may");
    world.order(AMARA, Command::Remove { identity, open: false });
    world.pass(Duration::from_secs(2));
    assert_eq!((world.names(AMARA), world.screen(AMARA).door), (vec!["Amara"], Door::Locked));
    assert_eq!(world.notices(AMARA).iter().filter(|notice| matches!(notice, NoticeKind::Door { .. })).count(), 1);
}

#[test]
fn who_is_sent_back_waits_at_the_door_and_may_be_let_in_again() {
    let mut world = World::of(2);
    let identity = world.identity(BELA).to_text();
    world.order(AMARA, Command::SendBack { identity });
    world.pass(Duration::from_secs(2));
    assert!(world.is_at_the_door(BELA));
    assert!(world.screen(BELA).members.is_empty() && world.screen(BELA).safety_code.is_none());
    assert!(world.notices(AMARA).contains(&NoticeKind::SentBack { name: "Bela".to_owned() }));
    assert_eq!((world.names(AMARA), world.waiting(AMARA)), (vec!["Amara"], vec!["Bela"]));
    world.admit(AMARA, "Bela");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(BELA), ["Amara", "Bela"]);
}

#[test]
fn what_somebody_wrote_who_is_sent_back_goes_to_nobody_and_it_is_told() {
    let mut world = World::of(2);
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    world.say(BELA, "for those who are inside");
    assert_eq!(world.unsent(BELA), ["for those who are inside"]);
    let identity = world.identity(BELA).to_text();
    world.order(AMARA, Command::SendBack { identity });
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(10));
    assert!(world.is_at_the_door(BELA));
    assert!(world.unsent(BELA).is_empty() && world.notices(BELA).contains(&NoticeKind::LineNotTaken));
    world.admit(AMARA, "Bela");
    world.pass(Duration::from_secs(20));
    assert_eq!((world.names(BELA).len(), world.chat(AMARA).len()), (2, 0));
}

#[test]
fn a_lost_member_comes_back_through_a_closed_door_unasked() {
    let mut world = World::of(2);
    world.set_door(Door::Locked);
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.names(AMARA), ["Amara"]);
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(10));
    assert_eq!((world.names(AMARA), world.names(BELA)), (vec!["Amara", "Bela"], vec!["Amara", "Bela"]));
}

#[test]
fn who_stops_waiting_is_not_shown_any_more() {
    let mut world = World::of(1);
    world.set_door(Door::Ask);
    let (bela, chidi) = (world.come(), world.come());
    world.command(bela, Command::Leave).expect("one may leave");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.waiting(AMARA), ["Chidi"], "the server says at once who left");
    world.server.says_gone = false;
    world.people[chidi].dead = true;
    world.pass(Duration::from_secs(20));
    assert_eq!(world.waiting(AMARA), [] as [&str; 0], "and whoever asks no more waits no more");
}

#[test]
fn a_guest_decides_nothing_until_a_host_makes_it_a_host() {
    let mut world = World::of(2);
    let bela = world.identity(BELA).to_text();
    let amara = world.identity(AMARA).to_text();
    assert_eq!(world.command(BELA, Command::SetDoor { door: Door::Locked }), Err(InputError::NotHost));
    assert_eq!(world.command(BELA, Command::Appoint { identity: amara.clone() }), Err(InputError::NotHost));
    world.order(AMARA, Command::Appoint { identity: bela });
    assert!(world.screen(BELA).host && !world.screen(BELA).appoints);
    assert!(world.notices(BELA).contains(&NoticeKind::Appointed { name: "Bela".to_owned(), me: true }));
    world.command(AMARA, Command::Leave).expect("one may leave");
    world.pass(Duration::from_secs(2));
    world.order(BELA, Command::SetDoor { door: Door::Ask });
    world.come();
    assert_eq!(world.waiting(BELA), ["Chidi"]);
    world.admit(BELA, "Chidi");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(BELA), ["Bela", "Chidi"]);
}

#[test]
fn who_comes_in_with_the_host_key_is_told_to_those_who_hold_it_and_to_nobody_else() {
    let mut world = World::of(2);
    let bela = world.identity(BELA).to_text();
    world.order(AMARA, Command::Appoint { identity: bela });
    let other = world.open_as_host();
    world.join(other);
    world.pass(Duration::from_secs(1));
    let told = NoticeKind::HostElsewhere { name: "Chidi".to_owned() };
    assert_eq!(world.notices(AMARA).last(), Some(&told));
    assert!(!world.notices(BELA).contains(&told), "she is a host and has no host key");
    assert!(world.screen(other).appoints && !world.notices(other).iter().any(|what| matches!(what, NoticeKind::HostElsewhere { .. })));
    world.come();
    assert_eq!(world.notices(AMARA).last(), Some(&NoticeKind::Joined { name: "Dana".to_owned() }), "a guest is none");
}

#[test]
fn where_newcomers_ask_from_the_beginning_nobody_is_inside_before_a_host() {
    let mut world = World::with_lobby();
    let amara = world.open();
    let bela = world.come();
    let Phase::AtTheDoor { locked: false, hosts: false, .. } = world.screen(bela).phase else { panic!("at the door") };
    assert_eq!(world.appended(Class::Commit), 0);
    world.join(amara);
    world.pass(Duration::from_secs(6));
    assert_eq!((world.names(amara), world.waiting(amara)), (vec!["Amara"], vec!["Bela"]));
    world.admit(amara, "Bela");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(bela), ["Amara", "Bela"]);
}

#[test]
fn who_was_removed_does_not_come_back_by_a_server_that_begins_anew() {
    let mut world = World::of(3);
    let identity = world.identity(CHIDI).to_text();
    world.order(AMARA, Command::Remove { identity, open: false });
    // The server forgets the session, keeps the others off, and the removed one founds the next by a new key.
    world.server.forget();
    for person in [AMARA, BELA] {
        world.people[person].cut_off = true;
        world.break_connection(person);
    }
    let dana = world.come();
    assert_eq!(world.names(dana), ["Dana"], "a meeting of its own");
    // Who was there does not go in before the host.
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(15));
    assert_eq!((world.is_at_the_door(BELA), world.names(dana)), (true, vec!["Dana"]));
    world.people[AMARA].cut_off = false;
    world.pass(Duration::from_secs(20));
    assert_eq!((world.names(AMARA), world.names(BELA).len()), (vec!["Amara", "Bela"], 2));
    assert!(world.is_at_the_door(dana));
}

#[test]
fn a_host_who_forgot_what_it_ordered_learns_of_it_from_those_who_were_there() {
    let mut world = World::of(3);
    let identity = world.identity(CHIDI).to_text();
    world.order(AMARA, Command::Remove { identity, open: false });
    // The server begins anew, and the host loads its page anew.
    world.server.forget();
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    world.people[AMARA].dead = true;
    let host = world.open_as_host();
    world.command(host, Command::Join { name: "Amara".to_owned() }).expect("ready to join");
    world.pass(Duration::from_secs(1));
    assert_eq!((world.names(host), world.screen(host).door), (vec!["Amara"], Door::Open));
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(15));
    assert_eq!((world.names(host), world.names(BELA)), (vec!["Amara", "Bela"], vec!["Amara", "Bela"]));
    assert_eq!(world.screen(host).door, Door::Ask);
}

#[test]
fn whom_a_host_made_a_host_founds_the_next_session_as_one() {
    let mut world = World::of(2);
    let bela = world.identity(BELA).to_text();
    world.order(AMARA, Command::Appoint { identity: bela });
    world.command(AMARA, Command::Leave).expect("one may leave");
    world.pass(Duration::from_secs(2));
    assert_eq!((world.names(BELA), world.screen(BELA).door), (vec!["Bela"], Door::Open));
    world.server.forget();
    world.break_connection(BELA);
    world.pass(Duration::from_secs(15));
    assert!(world.screen(BELA).host && world.screen(BELA).phase == Phase::Inside);
    world.order(BELA, Command::SetDoor { door: Door::Ask });
    assert_eq!(world.screen(BELA).door, Door::Ask);
}

#[test]
fn who_waits_when_the_server_begins_anew_founds_nothing_and_comes_in_if_it_is_let_in() {
    let mut world = World::of(1);
    world.set_door(Door::Ask);
    let bela = world.come();
    // The server forgets the session, and who asked is back before the host, who has just let it in.
    world.server.forget();
    world.people[AMARA].cut_off = true;
    [AMARA, bela].into_iter().for_each(|person| world.break_connection(person));
    let identities = vec![world.knocking(AMARA, "Bela")];
    world.command(AMARA, Command::Admit { identities }).expect("a host may");
    world.pass(Duration::from_secs(15));
    assert!(world.is_at_the_door(bela), "it knows that newcomers ask");
    world.people[AMARA].cut_off = false;
    world.pass(Duration::from_secs(20));
    assert_eq!((world.names(AMARA), world.screen(bela).door), (vec!["Amara", "Bela"], Door::Ask));
}

#[test]
fn who_waits_is_told_when_no_host_is_inside_any_more_and_when_one_is_back() {
    let mut world = World::of(2);
    let identity = world.identity(BELA).to_text();
    world.set_door(Door::Ask);
    world.order(AMARA, Command::Remove { identity, open: false });
    let chidi = world.come();
    let hosts = |world: &World| matches!(world.screen(chidi).phase, Phase::AtTheDoor { hosts: true, .. });
    assert!(hosts(&world));
    // The host's line breaks for longer than the server waits, and nobody else is there to take it out.
    world.people[AMARA].cut_off = true;
    world.break_connection(AMARA);
    world.pass(Duration::from_secs(4));
    assert!(!hosts(&world));
    world.people[AMARA].cut_off = false;
    world.pass(Duration::from_secs(20));
    assert!(hosts(&world));
    world.command(AMARA, Command::Leave).expect("one may leave");
    world.pass(Duration::from_secs(2));
    assert!(!hosts(&world));
}

#[test]
fn a_word_of_refusal_by_a_guest_is_not_heard() {
    let mut world = World::of(2);
    world.set_door(Door::Ask);
    let chidi = world.come();
    let who = world.knocking(AMARA, "Chidi").parse().expect("an identity");
    let Stage::Joined(bela) = &world.people[BELA].meeting.stage else { panic!("inside") };
    let group = &bela.membership.group;
    let key = ed25519_dalek::SigningKey::from_bytes(group.signature_key().expose());
    let request = crate::door::decline(who, "go away", &key, &group.meeting(), &group.session().expect("a session"));
    let keys = crate::keys::Keys::new(&world.created.link, None);
    let mut rng = crate::rng::Rng::new(&conclave_base::Secret::new([3; 32]));
    let sealed = crate::envelope::Envelope::new(&keys.envelope, keys.meeting).seal(Class::JoinRequest, &request.encode(), &mut rng);
    world.append_raw(Class::JoinRequest, sealed);
    world.pass(Duration::from_secs(1));
    assert!(world.is_at_the_door(chidi));
    assert_eq!(world.waiting(AMARA), ["Chidi"]);
}
