//! Talking, leaving, removing, vanishing, coming back.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Machine as _, MemberId, Polled, Source};

use crate::snapshot::{Command, EndReason, NoticeKind, Phase, SecurityState};
use crate::stage::Stage;
use conclave_protocol::ws::{Class, CloseReason, ServerMessage};

use super::world::{AMARA, BELA, CHIDI, World};
use crate::InputError;

const DANA: usize = 3;

#[test]
fn chat_goes_both_ways_in_one_order() {
    let mut world = World::of(3);
    world.say(AMARA, "hello");
    world.say(BELA, "  hi\u{202e} there \u{7}");
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.chat(person), ["hello", "hi there"]);
        assert_eq!(world.screen(person).unsent, []);
    }
    let line = &world.screen(CHIDI).chat[1];
    assert_eq!((line.name.as_str(), line.from.as_str(), line.mine), ("Bela", world.identity(BELA).to_text().as_str(), false));
    assert_eq!(world.command(AMARA, Command::Chat { text: " \n ".to_owned() }), Err(InputError::Text));
    assert_eq!(world.command(AMARA, Command::Chat { text: "x".repeat(4001) }), Err(InputError::Text));
}

#[test]
fn a_line_that_somebody_overtook_on_the_way_in_is_read_by_all_who_are_inside() {
    let mut world = World::of(2);
    world.hold_only(|person, class| person == AMARA && class == Class::Message);
    world.say(AMARA, "hello");
    let chidi = world.open();
    world.join(chidi);
    world.say(BELA, "welcome");
    assert!(world.release_held() > 0);
    for person in [AMARA, BELA, chidi] {
        assert_eq!((world.chat(person), world.screen(person).unsent.len()), (vec!["welcome", "hello"], 0), "{person}");
    }
}

#[test]
fn heartbeats_of_unchanged_members_tell_the_page_nothing() {
    let mut world = World::of(3);
    world.pass(Duration::from_secs(5));
    let told = |world: &World| (u64::from(world.people[CHIDI].updates), world.screen(CHIDI).epoch);
    let ((updates, epoch), messages) = (told(&world), world.appended(Class::Message));
    world.pass(Duration::from_secs(60));
    assert!(world.appended(Class::Message) >= messages + 6, "heartbeats flowed");
    // Keys are renewed now and then; each new epoch is told once.
    let (after, renewed) = told(&world);
    assert_eq!(after - updates, renewed - epoch);
    assert!(renewed <= epoch + 1);
    world.say(AMARA, "hello");
    assert_eq!(told(&world).0, after + 1);
}

#[test]
fn a_newcomer_learns_who_has_what_on() {
    let mut world = World::of(2);
    world.command(AMARA, Command::Media { mic: true, camera: true, screen: false }).expect("inside");
    world.pass(Duration::from_millis(300));
    let seen = |world: &World, by: usize| {
        let m = &world.screen(by).members[AMARA];
        (m.mic, m.camera, m.screen)
    };
    assert_eq!(seen(&world, AMARA), (true, true, false));
    assert_eq!(seen(&world, BELA), (true, true, false));
    let chidi = world.open();
    world.join(chidi);
    world.pass(Duration::from_millis(300));
    assert_eq!(seen(&world, chidi), (true, true, false));
}

#[test]
fn who_leaves_is_gone_at_once() {
    let mut world = World::of(3);
    world.command(BELA, Command::Leave).expect("may leave at any time");
    assert_eq!(world.over(BELA), Some(EndReason::Left));
    world.pass(Duration::from_secs(1));
    for person in [AMARA, CHIDI] {
        assert_eq!(world.names(person), ["Amara", "Chidi"]);
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
    world.pass(Duration::from_secs(3));
    for person in [AMARA, CHIDI] {
        assert!(world.notices(person).contains(&NoticeKind::Left { name: "Bela".to_owned() }), "once it is no reload");
    }
    assert!(!matches!(world.people[BELA].meeting.poll(), Polled::Output(crate::Output::Send(_))));
}

#[test]
fn two_who_leave_at_once_are_both_gone() {
    let mut world = World::of(4);
    world.command(BELA, Command::Leave).expect("may leave");
    world.command(CHIDI, Command::Leave).expect("may leave");
    world.pass(Duration::from_millis(1500));
    assert_eq!(world.names(AMARA), ["Amara", "Dana"]);
    assert_eq!(world.screen(AMARA).safety_code, world.screen(3).safety_code);
}

#[test]
fn a_host_removes_and_the_removed_opens_nothing_sent_after() {
    let mut world = World::of(3);
    let (amara, chidi) = (world.identity(AMARA), world.identity(CHIDI));
    let before = world.seal(AMARA, Source::Microphone, b"before").expect("inside");
    assert_eq!(world.open_frame(CHIDI, amara, Source::Microphone, &before), Ok(b"before".to_vec()));

    assert_eq!(world.command(BELA, Command::Remove { identity: chidi.to_text(), open: true }), Err(InputError::NotHost));
    assert_eq!(world.command(AMARA, Command::Remove { identity: amara.to_text(), open: true }), Err(InputError::NoMember));
    // The removed one's program is hostile: it stays as it was, and the server still serves it.
    world.people[CHIDI].dead = true;
    world.command(AMARA, Command::Remove { identity: chidi.to_text(), open: true }).expect("a host may");
    world.pass(Duration::from_millis(300));
    assert_eq!(world.names(BELA), ["Amara", "Bela"]);
    let after = world.seal(AMARA, Source::Microphone, b"after").expect("the new epoch is shown");
    assert_eq!(world.open_frame(BELA, amara, Source::Microphone, &after), Ok(b"after".to_vec()));
    assert!(world.open_frame(CHIDI, amara, Source::Microphone, &after).is_err());

    world.people[CHIDI].dead = false;
    world.pass(Duration::from_millis(10));
    assert_eq!(world.over(CHIDI), Some(EndReason::Removed));
    assert!(world.open_frame(CHIDI, amara, Source::Microphone, &after).is_err());
    assert!(world.notices(BELA).contains(&NoticeKind::Removed { name: "Chidi".to_owned() }));
}

#[test]
fn who_vanishes_is_out_at_once_and_keeps_its_tile_for_a_while() {
    let mut world = World::of(3);
    let chidi = world.identity(CHIDI);
    world.people[CHIDI].dead = true;
    world.hint_media_gone(chidi);
    world.pass(Duration::from_millis(1));
    assert!(world.screen(AMARA).members[CHIDI].away_since.is_some());
    world.pass(Duration::from_millis(2500));
    assert_eq!(world.names(AMARA).len(), 3, "a short absence removes nobody");
    world.pass(Duration::from_millis(2500));
    let lost = NoticeKind::Lost { name: "Chidi".to_owned() };
    for person in [AMARA, BELA] {
        assert_eq!(world.names(person), ["Amara", "Bela"], "it has no keys any more");
        assert_eq!(world.screen(person).security.people, 2);
        assert_eq!(world.screen(person).lost.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Chidi"]);
        assert!(!world.notices(person).contains(&lost), "it may come back");
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
    }
    world.pass(Duration::from_secs(30));
    for person in [AMARA, BELA] {
        assert_eq!(world.screen(person).lost, []);
        assert!(world.notices(person).contains(&lost), "whoever removed it, a host or not");
    }
}

#[test]
fn who_comes_back_in_half_a_minute_is_the_same_and_nothing_is_told() {
    let mut world = World::of(3);
    let chidi = world.identity(CHIDI);
    let told = |world: &World| [AMARA, BELA].map(|person| world.notices(person));
    let before = told(&world);
    world.people[CHIDI].cut_off = true;
    world.break_connection(CHIDI);
    world.pass(Duration::from_secs(20));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    world.people[CHIDI].cut_off = false;
    world.pass(Duration::from_secs(9));
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.names(person).len(), 3);
        assert_eq!(world.screen(person).lost, []);
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
    assert_eq!(world.identity(CHIDI), chidi);
    world.pass(Duration::from_secs(30));
    assert_eq!(told(&world), before);
}

#[test]
fn who_comes_back_once_its_loss_was_told_is_told_too() {
    let mut world = World::of(2);
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(34));
    let name = || "Bela".to_owned();
    assert_eq!(world.notices(AMARA).last(), Some(&NoticeKind::Lost { name: name() }));
    world.people[BELA].cut_off = false;
    world.online(BELA);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.notices(AMARA).last(), Some(&NoticeKind::Joined { name: name() }));
}

#[test]
fn who_comes_back_under_the_name_of_somebody_lost_takes_that_tile_away() {
    let mut world = World::of(2);
    world.people[BELA].dead = true;
    world.pass(Duration::from_secs(5));
    assert_eq!(world.screen(AMARA).lost.len(), 1);
    let again = world.open();
    world.command(again, Command::Join { name: "Bela".to_owned() }).expect("ready to join");
    world.pass(Duration::from_secs(1));
    assert_eq!((world.names(AMARA), world.screen(AMARA).lost.len()), (vec!["Amara", "Bela"], 0));
    assert_ne!(world.identity(again), world.identity(BELA));
}

#[test]
fn whoever_was_gone_before_one_came_is_not_called_lost() {
    let mut world = World::of(1);
    world.people[AMARA].dead = true;
    world.pass(Duration::from_secs(5));
    let bela = world.open();
    world.join(bela);
    world.pass(Duration::from_secs(1));
    assert_eq!((world.names(bela), world.screen(bela).lost.len()), (vec!["Bela"], 0));
    assert_eq!(world.notices(bela), []);
}

#[test]
fn who_came_back_under_its_name_before_it_was_lost_has_one_tile() {
    let mut world = World::of(2);
    world.people[BELA].dead = true;
    let again = world.open();
    world.command(again, Command::Join { name: "Bela".to_owned() }).expect("ready to join");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(AMARA), ["Amara", "Bela", "Bela"]);
    world.pass(Duration::from_secs(4));
    assert_eq!((world.names(AMARA), world.screen(AMARA).lost.len()), (vec!["Amara", "Bela"], 0));
    assert!(world.notices(AMARA).contains(&NoticeKind::Lost { name: "Bela".to_owned() }));
}

#[test]
fn without_the_servers_word_silence_in_the_log_removes() {
    let mut world = World::of(3);
    world.server.says_gone = false;
    world.people[CHIDI].dead = true;
    world.pass(Duration::from_secs(9));
    assert_eq!(world.names(AMARA).len(), 3);
    world.pass(Duration::from_secs(12));
    for person in [AMARA, BELA] {
        assert_eq!(world.names(person), ["Amara", "Bela"]);
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
}

#[test]
fn a_server_that_calls_the_living_gone_only_makes_them_come_back() {
    let mut world = World::of(3);
    let chidi = world.identity(CHIDI);
    for _ in 0..5 {
        world.append_raw(Class::Gone, chidi.as_bytes().to_vec());
        world.pass(Duration::from_secs(3));
    }
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.names(person).len(), 3);
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
    world.append_raw(Class::Gone, vec![1, 2, 3]);
    assert_eq!(world.lock(AMARA), SecurityState::Attacked, "and what is no identity is told");
}

/// Chidi's connection ends, the others commit its removal, and Chidi is back with a word before their commits take a place in the log.
fn speaks_up_just_before_its_removal(world: &mut World) {
    is_back_and_to_be_removed(world);
    assert!(world.release_held() > 0, "somebody wanted Chidi out");
}

fn is_back_and_to_be_removed(world: &mut World) {
    world.people[CHIDI].cut_off = true;
    world.break_connection(CHIDI);
    world.server.holds = Box::new(|_, class| class == Class::Commit);
    world.pass(Duration::from_millis(2200));
    world.people[CHIDI].cut_off = false;
    world.online(CHIDI);
    assert_eq!(world.screen(CHIDI).phase, Phase::Inside);
}

#[track_caller]
fn assert_all_inside(world: &World, people: &[usize]) {
    for person in people {
        let screen = world.screen(*person);
        assert_eq!((screen.phase.clone(), screen.members.len()), (Phase::Inside, people.len()));
        assert_eq!(screen.safety_code, world.screen(people[0]).safety_code);
        assert_eq!((world.lock(*person), &screen.lost), (SecurityState::Secure, &Vec::new()));
        assert!(!world.notices(*person).iter().any(|n| matches!(n, NoticeKind::CommitRefused { .. })), "nobody attacked");
    }
}

#[test]
fn who_speaks_up_while_its_removal_is_under_way_is_out_for_everybody_and_comes_back() {
    let mut world = World::of(3);
    world.command(AMARA, Command::Leave).expect("may leave");
    world.pass(Duration::from_secs(1));
    let epoch = world.screen(BELA).epoch;
    speaks_up_just_before_its_removal(&mut world);
    world.pass(Duration::from_secs(4));
    assert!(world.screen(BELA).epoch >= epoch + 2, "out, and in again");
    assert_all_inside(&world, &[BELA, CHIDI]);
    assert_eq!(world.appended(Class::Snapshot), 0, "newcomers could follow");
    world.say(BELA, "all here?");
    assert_eq!(world.chat(CHIDI), ["all here?"]);
}

#[test]
fn who_comes_when_somebody_spoke_up_while_its_removal_was_under_way_is_where_the_others_are() {
    let mut world = World::of(3);
    world.command(AMARA, Command::Leave).expect("may leave");
    world.pass(Duration::from_secs(1));
    is_back_and_to_be_removed(&mut world);
    // Chidi itself does not come back before Dana comes.
    world.server.slow = Box::new(|person| person == CHIDI);
    assert!(world.release_held() > 0, "somebody wanted Chidi out");
    let dana = world.open();
    world.join(dana);
    assert_eq!((world.names(BELA), world.names(dana)), (vec!["Bela", "Dana"], vec!["Dana", "Bela"]), "and nobody else");
    world.server.slow = Box::new(|_| false);
    world.pass(Duration::from_secs(4));
    assert_all_inside(&world, &[BELA, CHIDI, dana]);
    let came_back = world.people[dana].phases.iter().any(|phase| matches!(phase, Phase::Reconnecting { .. }));
    assert!(!came_back, "it was where the others are at once");
}

/// What `attacker` appends to remove somebody who is present.
fn removal(world: &mut World, attacker: usize, victim: MemberId) -> Vec<u8> {
    let Stage::Joined(joined) = &mut world.people[attacker].meeting.stage else { panic!("not inside") };
    let group = &mut joined.membership.group;
    let removal = group.remove_absent(&BTreeSet::from([victim])).expect("it is for others to judge");
    group.discard_pending();
    let mut rng = crate::rng::Rng::new(&conclave_base::Secret::new([4; 32]));
    envelope(world).seal(Class::Commit, &removal.bytes, &mut rng)
}

#[test]
fn who_wanted_to_leave_before_a_snapshot_is_taken_out_so_that_who_begins_with_the_snapshot_can_follow() {
    let mut world = World::of(4);
    let bela = world.identity(BELA);
    let ignored = removal(&mut world, CHIDI, bela);
    world.server.holds = Box::new(|_, class| class == Class::Commit);
    world.command(DANA, Command::Leave).expect("may leave");
    world.append_raw(Class::Commit, ignored);
    let eve = world.open();
    world.release_held();
    assert_eq!(world.appended(Class::Snapshot), 1);
    world.command(eve, Command::Join { name: "Eve".to_owned() }).expect("ready to join");
    world.pass(Duration::from_secs(2));
    for person in [AMARA, BELA, CHIDI, eve] {
        assert_eq!(world.names(person), ["Amara", "Bela", "Chidi", "Eve"]);
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
    }
}

#[test]
fn who_follow_together_a_removal_that_all_others_ignore_find_back_and_are_told_nothing_false() {
    let mut world = World::of(4);
    let bela = world.identity(BELA);
    let ignored = removal(&mut world, DANA, bela);
    // Nobody inside can append a snapshot behind it before they come.
    world.server.holds = Box::new(|person, class| person < 4 && matches!(class, Class::Snapshot | Class::Commit));
    world.append_raw(Class::Commit, ignored);
    let astray: Vec<_> = ["Eve", "Finn", "Gita"]
        .into_iter()
        .map(|name| {
            let newcomer = world.open();
            world.nothing_on(newcomer);
            world.command(newcomer, Command::Join { name: name.to_owned() }).expect("ready to join");
            world.command(newcomer, Command::Media { mic: true, camera: false, screen: false }).expect("inside");
            newcomer
        })
        .collect();
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(astray[0]).len(), 6, "each of them built upon what the first one did, and Bela is not there");
    for person in &astray {
        assert!(world.seal(*person, Source::Microphone, b"frame").is_err(), "nobody who can know has confirmed it");
    }
    world.release_held();
    world.pass(Duration::from_secs(9));
    for person in 0..7 {
        assert_eq!((world.screen(person).phase.clone(), world.names(person).len()), (Phase::Inside, 7), "person {person}");
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
    }
    assert!(world.seal(astray[0], Source::Microphone, b"frame").is_ok());
}

fn envelope(world: &World) -> crate::envelope::Envelope {
    let keys = crate::keys::Keys::new(&world.created.link, None);
    crate::envelope::Envelope::new(&keys.envelope, keys.meeting)
}

/// What founded another session of the same meeting; a snapshot of that looks alike.
fn founding_of_another_session() -> Vec<u8> {
    let (other, _) = another_session();
    envelope(&other).open(Class::Commit, &other.last(Class::Commit)).expect("of this link")
}

fn founder_of_another_session() -> MemberId {
    let (other, founder) = another_session();
    other.identity(founder)
}

fn another_session() -> (World, usize) {
    let mut other = World::new();
    // Somebody who is not in the first one: keys go by number.
    let founder = (0..4).map(|_| other.open()).last().expect("four");
    other.join(founder);
    (other, founder)
}

#[test]
fn who_is_left_alone_in_a_session_that_somebody_hostile_founded_finds_the_others() {
    let mut world = World::of(2);
    // The others answer with a snapshot of their own, later.
    world.server.holds = Box::new(|person, class| person < 2 && class == Class::Snapshot);
    append_snapshot(&mut world, &founding_of_another_session());
    world.server.gone.insert(founder_of_another_session());
    let chidi = world.open();
    world.join(chidi);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.names(chidi), ["Chidi"], "whoever founded it is gone");
    world.release_held();
    world.pass(Duration::from_secs(30));
    for person in [AMARA, BELA, chidi] {
        assert_eq!(world.names(person).len(), 3);
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
    }
}

fn append_snapshot(world: &mut World, content: &[u8]) {
    let mut rng = crate::rng::Rng::new(&conclave_base::Secret::new([3; 32]));
    let sealed = envelope(world).seal(Class::Snapshot, content, &mut rng);
    world.append_raw(Class::Snapshot, sealed);
}

#[test]
fn who_was_not_answered_yet_stays_whatever_is_appended_that_is_no_snapshot_of_its_group() {
    for content in [founding_of_another_session(), b"nothing at all".to_vec()] {
        let mut world = World::of(2);
        // What both say is slow: Chidi is inside, and nobody has answered.
        world.server.holds = Box::new(|person, class| person != CHIDI && class == Class::Message);
        let chidi = world.open();
        world.join(chidi);
        append_snapshot(&mut world, &content);
        world.release_held();
        world.pass(Duration::from_secs(5));
        let came_back = world.people[chidi].phases.iter().any(|phase| matches!(phase, Phase::Reconnecting { .. }));
        assert!(!came_back, "{:?}", world.people[chidi].phases);
        assert_eq!((world.names(chidi).len(), world.lock(chidi)), (3, SecurityState::Secure));
        assert!(world.appended(Class::Snapshot) > 0, "newcomers can begin again");
    }
}

#[test]
fn who_followed_a_snapshot_of_another_session_finds_the_others_in_seconds() {
    let mut world = World::of(2);
    world.server.holds = Box::new(|_, class| class == Class::Snapshot);
    append_snapshot(&mut world, &founding_of_another_session());
    let chidi = world.open();
    world.join(chidi);
    assert_eq!(world.names(chidi), ["Dana", "Chidi"], "who founded that other session");
    assert!(world.release_held() > 0, "a good snapshot");
    world.pass(Duration::from_millis(1500));
    assert_eq!(world.lock(chidi), SecurityState::Unsure, "the others may be elsewhere");
    world.pass(Duration::from_millis(2500));
    assert_eq!(world.names(chidi).len(), 3);
    assert_eq!(world.screen(chidi).safety_code, world.screen(AMARA).safety_code);
}

#[test]
fn a_host_takes_out_who_is_lost_as_everybody_does() {
    let mut world = World::of(3);
    world.command(BELA, Command::Leave).expect("may leave");
    world.pass(Duration::from_secs(1));
    speaks_up_just_before_its_removal(&mut world);
    world.pass(Duration::from_secs(1));
    for person in [AMARA, CHIDI] {
        assert_eq!(world.names(person), ["Amara", "Chidi"], "no host wanted Chidi out: it came back");
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
}

#[test]
fn whom_a_host_wants_out_while_the_server_begins_anew_is_out() {
    let mut world = World::of(2);
    let bela = world.identity(BELA);
    world.server.forget();
    world.people[AMARA].cut_off = true;
    world.break_connection(AMARA);
    world.command(AMARA, Command::Remove { identity: bela.to_text(), open: true }).expect("a host may, at any time");
    world.people[AMARA].cut_off = false;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(10));
    assert_eq!((world.over(BELA), world.names(AMARA)), (Some(EndReason::Removed), vec!["Amara"]));
}

#[test]
fn whom_a_host_wants_out_is_out_though_others_come_in_before_it_when_the_server_begins_anew() {
    let mut world = World::of(3);
    let chidi = world.identity(CHIDI);
    world.server.forget();
    for person in [AMARA, BELA, CHIDI] {
        world.people[person].cut_off = true;
        world.break_connection(person);
    }
    world.command(AMARA, Command::Remove { identity: chidi.to_text(), open: true }).expect("a host may, at any time");
    for person in [AMARA, BELA] {
        world.people[person].cut_off = false;
        world.pass(Duration::from_secs(10));
    }
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    world.people[CHIDI].cut_off = false;
    world.pass(Duration::from_secs(10));
    assert_eq!((world.over(CHIDI), world.names(AMARA)), (Some(EndReason::Removed), vec!["Amara", "Bela"]));
}

#[test]
fn whom_others_take_out_just_before_a_host_does_not_come_back_either() {
    let mut world = World::of(3);
    let chidi = world.identity(CHIDI);
    world.people[CHIDI].cut_off = true;
    world.break_connection(CHIDI);
    // What Amara commits is slow: Bela takes Chidi out as lost.
    world.server.holds = Box::new(|person, class| person == AMARA && class == Class::Commit);
    world.pass(Duration::from_millis(1900));
    world.command(AMARA, Command::Remove { identity: chidi.to_text(), open: true }).expect("a host may");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(BELA), ["Amara", "Bela"]);
    world.server.holds = Box::new(|_, _| false);
    world.release_held();
    world.pass(Duration::from_secs(1));
    world.people[CHIDI].cut_off = false;
    world.online(CHIDI);
    world.pass(Duration::from_secs(3));
    assert_eq!((world.over(CHIDI), world.names(AMARA)), (Some(EndReason::Removed), vec!["Amara", "Bela"]));
}

#[test]
fn whom_a_host_removes_while_it_is_lost_does_not_come_back() {
    let mut world = World::of(3);
    let chidi = world.identity(CHIDI);
    world.people[CHIDI].cut_off = true;
    world.break_connection(CHIDI);
    world.pass(Duration::from_millis(1900));
    world.command(AMARA, Command::Remove { identity: chidi.to_text(), open: true }).expect("a host may");
    world.pass(Duration::from_secs(1));
    assert!(world.notices(BELA).contains(&NoticeKind::Removed { name: "Chidi".to_owned() }));
    world.people[CHIDI].cut_off = false;
    world.online(CHIDI);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.over(CHIDI), Some(EndReason::Removed));
}

#[test]
fn who_wakes_at_any_moment_around_its_removal_is_back() {
    let mut world = World::of(3);
    world.people[CHIDI].dead = true;
    // Chidi wakes at every moment around the removal by the others.
    world.pass(Duration::from_millis(3_400));
    for _ in 0..16 {
        world.people[CHIDI].dead = false;
        world.pass(Duration::from_millis(50));
        world.people[CHIDI].dead = true;
        world.pass(Duration::from_millis(10));
    }
    world.people[CHIDI].dead = false;
    world.pass(Duration::from_secs(20));
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.names(person).len(), 3);
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
}

#[test]
fn who_comes_after_the_last_one_vanished_is_not_left_with_a_ghost() {
    let mut world = World::of(1);
    world.people[AMARA].dead = true;
    for _ in 0..2 {
        let newcomer = world.open();
        world.join(newcomer);
    }
    world.pass(Duration::from_secs(17));
    for person in [BELA, CHIDI] {
        assert_eq!(world.names(person), ["Bela", "Chidi"]);
        assert_eq!(world.screen(person).safety_code, world.screen(BELA).safety_code);
    }
}

#[test]
fn who_sleeps_blames_nobody_and_comes_back() {
    let mut world = World::of(3);
    world.people[CHIDI].dead = true;
    world.pass(Duration::from_secs(60));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    world.people[CHIDI].dead = false;
    world.pass(Duration::from_secs(5));
    assert_eq!(world.screen(CHIDI).phase, Phase::Inside);
    assert_eq!(world.names(AMARA), ["Amara", "Bela", "Chidi"]);
    assert_eq!(world.screen(CHIDI).safety_code, world.screen(AMARA).safety_code);
}

#[test]
fn a_hint_alone_removes_nobody_who_is_alive() {
    let mut world = World::of(3);
    let chidi = world.identity(CHIDI);
    for _ in 0..20 {
        world.hint_media_gone(chidi);
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(world.names(AMARA).len(), 3);
}

#[test]
fn a_broken_connection_comes_back_and_what_was_said_arrives_once() {
    let mut world = World::of(2);
    world.people[BELA].cut_off = true;
    world.say(BELA, "into the void");
    world.break_connection(BELA);
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }));
    world.say(AMARA, "are you there?");
    world.say(BELA, "while away");
    assert_eq!((world.unsent(BELA), world.chat(BELA)), (vec!["into the void", "while away"], vec![]));
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(3));
    assert_eq!(world.screen(BELA).phase, Phase::Inside);
    assert_eq!(world.chat(AMARA), ["are you there?", "into the void", "while away"]);
    assert_eq!((world.unsent(BELA), world.chat(BELA)), (vec![], world.chat(AMARA)), "one order for both");
    assert_eq!(world.names(AMARA).len(), 2);
    assert_eq!(world.people[BELA].tokens.len(), 2, "a fresh token for the media layer");
}

#[test]
fn who_was_taken_out_together_with_another_waits_for_it_with_what_was_typed() {
    let mut world = World::of(3);
    for person in [BELA, CHIDI] {
        world.people[person].cut_off = true;
        world.break_connection(person);
    }
    world.say(BELA, "for all of you");
    world.pass(Duration::from_secs(5));
    assert_eq!(world.names(AMARA), ["Amara"]);
    for person in [BELA, CHIDI] {
        world.people[person].cut_off = false;
        world.online(person);
        world.pass(Duration::from_secs(2));
    }
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!((world.names(person).len(), world.chat(person)), (3, vec!["for all of you"]));
    }
}

#[test]
fn who_hears_of_a_network_is_back_at_the_same_moment() {
    let mut world = World::of(2);
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(60));
    world.people[BELA].cut_off = false;
    world.online(BELA);
    assert_eq!(world.screen(BELA).phase, Phase::Inside);
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
}

#[test]
fn a_connection_that_a_change_of_network_cut_is_left_before_the_others_give_up() {
    let mut world = World::of(2);
    let bela = world.identity(BELA);
    world.people[BELA].cut_off = true;
    world.online(BELA);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.screen(BELA).phase, Phase::Inside, "a slow answer is no lost one");
    world.pass(Duration::from_millis(1100));
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }));
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(2));
    assert_eq!(world.screen(BELA).phase, Phase::Inside);
    assert_eq!((world.identity(BELA), world.names(AMARA).len()), (bela, 2), "it kept its place");
}

#[test]
fn who_was_away_too_long_comes_back_as_the_same_person_with_a_new_leaf() {
    let mut world = World::of(2);
    let old = world.identity(BELA);
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(15));
    assert_eq!(world.names(AMARA), ["Amara"]);
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(15));
    assert_eq!(world.screen(BELA).phase, Phase::Inside);
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    assert_eq!(world.identity(BELA), old);
    world.say(BELA, "back");
    assert_eq!(world.chat(AMARA), ["back"]);
}

#[test]
fn who_is_sent_to_another_node_is_told_of_it_only_if_that_takes_longer_than_a_second() {
    let mut world = World::of(2);
    let sent_away = |world: &mut World| {
        world.people[BELA].phases.clear();
        world.tell(BELA, ServerMessage::Closing { reason: CloseReason::Stopping });
    };
    sent_away(&mut world);
    world.say(BELA, "meanwhile");
    assert_eq!(world.unsent(BELA), ["meanwhile"]);
    world.pass(Duration::from_millis(900));
    let quiet = |world: &World| world.people[BELA].phases.iter().all(|phase| *phase == Phase::Inside);
    assert!(world.chat(AMARA) == ["meanwhile"] && quiet(&world), "{:?}", world.people[BELA].phases);

    world.people[BELA].unanswered = true;
    sent_away(&mut world);
    world.pass(Duration::from_millis(900));
    assert!(quiet(&world), "{:?}", world.people[BELA].phases);
    world.pass(Duration::from_millis(200));
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }), "{:?}", world.people[BELA].phases);
}

#[test]
fn who_is_sent_away_and_finds_nobody_is_told_so_by_the_first_attempt() {
    let mut world = World::of(2);
    world.tell(BELA, ServerMessage::Closing { reason: CloseReason::Stopping });
    world.people[BELA].cut_off = true;
    assert_eq!(world.screen(BELA).phase, Phase::Inside);
    world.pass(Duration::from_millis(600));
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }), "{:?}", world.people[BELA].phases);
}

#[test]
fn a_server_that_forgot_the_session_gets_a_new_one() {
    let mut world = World::of(2);
    world.say(AMARA, "before");
    world.server.forget();
    for person in [AMARA, BELA] {
        world.people[person].phases.clear();
        world.break_connection(person);
    }
    world.pass(Duration::from_secs(5));
    for person in [AMARA, BELA] {
        let phases = &world.people[person].phases;
        assert!(matches!(phases[..], [Phase::Reconnecting { .. }, Phase::Inside]), "the meeting stays on the screen: {phases:?}");
        assert_eq!(world.screen(person).phase, Phase::Inside);
        assert_eq!(world.names(person).len(), 2);
        assert_eq!(world.chat(person), ["before"], "what was said stays on the screen");
    }
    world.say(BELA, "after");
    assert_eq!(world.chat(AMARA), ["before", "after"]);
}

#[test]
fn a_line_under_way_stays_in_front_of_later_ones_when_its_sender_enters_anew() {
    let mut world = World::of(2);
    world.people[BELA].cut_off = true;
    world.say(BELA, "first");
    world.break_connection(BELA);
    world.say(BELA, "second");
    world.server.forget();
    world.people[BELA].cut_off = false;
    world.break_connection(AMARA);
    world.pass(Duration::from_secs(15));
    assert_eq!(world.chat(AMARA), ["first", "second"]);
}

#[test]
fn what_is_typed_while_one_enters_anew_is_said_once_inside() {
    let mut world = World::of(2);
    world.server.forget();
    world.break_connection(AMARA);
    world.pass(Duration::from_secs(1));
    world.server.slow = Box::new(|person| person == BELA);
    world.break_connection(BELA);
    world.pass(Duration::from_secs(2));
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }));
    assert_eq!(world.names(AMARA), ["Amara"], "Bela is in no group");
    // As many as may wait, and no more.
    let lines: Vec<_> = (0..64).map(|n| format!("line {n}")).collect();
    lines.iter().for_each(|line| world.say(BELA, line));
    assert_eq!(world.unsent(BELA), lines);
    let more = world.command(BELA, Command::Chat { text: "one more".to_owned() });
    assert_eq!(more, Err(InputError::Busy));
    // Not on the first try either.
    world.break_connection(BELA);
    world.pass(Duration::from_secs(4));
    world.server.slow = Box::new(|_| false);
    world.pass(Duration::from_secs(4));
    assert_eq!((world.unsent(BELA), world.chat(BELA)), (vec![], lines.iter().map(String::as_str).collect()));
    assert_eq!(world.chat(AMARA), lines);
}

/// The server forgets the session of two; Amara is back soon, and Bela does not come.
fn restart_without_bela(world: &mut World) {
    world.server.forget();
    world.people[BELA].cut_off = true;
    world.break_connection(AMARA);
}

#[test]
fn a_line_that_its_author_did_not_see_come_back_is_said_again_after_a_restart_and_shown_once() {
    let mut world = World::of(2);
    world.server.slow = Box::new(|person| person == BELA);
    world.say(BELA, "once");
    assert_eq!((world.chat(AMARA), world.unsent(BELA)), (vec!["once"], vec!["once"]));
    world.server.forget();
    world.server.slow = Box::new(|_| false);
    for person in [AMARA, BELA] {
        world.break_connection(person);
    }
    world.pass(Duration::from_secs(15));
    assert_eq!(world.names(AMARA).len(), 2);
    assert_eq!((world.chat(BELA), world.unsent(BELA)), (vec!["once"], vec![]));
    assert_eq!(world.chat(AMARA), ["once"], "read in the session before");
}

#[test]
fn what_is_under_way_when_the_server_begins_anew_once_more_waits_for_the_same_people() {
    let mut world = World::of(2);
    restart_without_bela(&mut world);
    world.say(AMARA, "meanwhile");
    world.pass(Duration::from_secs(9));
    // Amara waits no longer, and it does not come to the server.
    world.server.holds = Box::new(|person, class| person == AMARA && class == Class::Message);
    world.pass(Duration::from_secs(6));
    assert_eq!(world.unsent(AMARA), ["meanwhile"]);
    world.server.holds = Box::new(|_, _| false);
    restart_without_bela(&mut world);
    world.pass(Duration::from_secs(5));
    assert_eq!((world.names(AMARA), world.unsent(AMARA)), (vec!["Amara"], vec!["meanwhile"]));
    world.people[BELA].cut_off = false;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.chat(BELA), ["meanwhile"]);
}

#[test]
fn what_waits_for_those_who_were_there_waits_for_whose_way_in_is_slow_too() {
    let mut world = World::of(2);
    restart_without_bela(&mut world);
    world.say(AMARA, "meanwhile");
    world.pass(Duration::from_secs(9));
    // Bela commits within ten seconds, and that is under way for two more.
    world.server.holds = Box::new(|person, class| person == BELA && class == Class::Commit);
    world.people[BELA].cut_off = false;
    world.break_connection(BELA);
    world.pass(Duration::from_millis(3000));
    assert_eq!((world.names(AMARA), world.unsent(AMARA)), (vec!["Amara"], vec!["meanwhile"]));
    assert!(world.release_held() > 0);
    world.pass(Duration::from_secs(2));
    assert_eq!((world.chat(AMARA), world.chat(BELA)), (vec!["meanwhile"], vec!["meanwhile"]));
}

#[test]
fn what_is_written_while_the_server_is_down_waits_for_those_who_were_there() {
    let mut world = World::of(2);
    restart_without_bela(&mut world);
    world.say(AMARA, "meanwhile");
    world.pass(Duration::from_secs(5));
    assert_eq!(world.names(AMARA), ["Amara"]);
    assert_eq!(world.unsent(AMARA), ["meanwhile"], "nobody is there to read it");
    world.people[BELA].cut_off = false;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.chat(BELA), ["meanwhile"]);
    assert_eq!((world.unsent(AMARA), world.chat(AMARA)), (vec![], vec!["meanwhile"]));
}

#[test]
fn what_waits_for_those_who_were_there_does_not_take_somebody_new_for_one_of_them() {
    let mut world = World::of(2);
    restart_without_bela(&mut world);
    world.say(AMARA, "meanwhile");
    let new = world.open();
    world.join(new);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.names(AMARA).len(), 2, "as many as there were");
    assert_eq!(world.unsent(AMARA), ["meanwhile"]);
    world.people[BELA].cut_off = false;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(4));
    assert_eq!((world.chat(BELA), world.chat(new)), (vec!["meanwhile"], vec!["meanwhile"]));
}

#[test]
fn who_stays_alone_after_a_restart_is_not_kept_waiting() {
    let mut world = World::of(2);
    restart_without_bela(&mut world);
    world.say(AMARA, "meanwhile");
    world.pass(Duration::from_secs(15));
    assert_eq!((world.unsent(AMARA), world.chat(AMARA)), (vec![], vec!["meanwhile"]));
}

#[test]
fn who_comes_late_to_a_session_that_began_anew_enters_it_although_it_is_longer_than_the_old_one() {
    let mut world = World::of(2);
    let old = world.server.log.head();
    restart_without_bela(&mut world);
    world.pass(Duration::from_secs(15));
    while world.server.log.head() <= old {
        world.say(AMARA, "early");
    }
    world.people[BELA].cut_off = false;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.screen(BELA).phase, Phase::Inside);
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    world.say(BELA, "late");
    assert_eq!(world.chat(AMARA).last(), Some(&"late"));
}

#[test]
fn a_silent_server_is_left_for_a_new_connection() {
    let mut world = World::of(2);
    world.people[BELA].cut_off = true;
    world.pass(Duration::from_secs(35));
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }));
}

#[test]
fn keys_are_renewed_and_joiners_get_snapshots() {
    let mut world = World::of(3);
    let before = world.screen(AMARA).epoch;
    world.pass(Duration::from_secs(301));
    let after = world.screen(AMARA).epoch;
    assert!(after >= before + 3, "everybody updated: {before} to {after}");
    world.pass(Duration::from_secs(60 * 60));
    assert!(world.appended(Class::Snapshot) >= 1);
    let dana = world.open();
    world.join(dana);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(dana).len(), 4);
    assert_eq!(world.lock(dana), SecurityState::Secure);
    assert_eq!(world.notices(AMARA).iter().filter(|n| matches!(n, NoticeKind::CommitRefused { .. })).count(), 0);
}

#[test]
fn junk_that_joiners_would_have_to_read_is_buried_under_a_snapshot() {
    for class in [Class::Proposal, Class::Commit] {
        let mut world = World::of(3);
        let before = world.appended(Class::Snapshot);
        for round in 0..40 {
            // As much as the log takes: it never fills for good.
            world.append_raw(class, vec![round; conclave_protocol::limits::SEALED_MESSAGE]);
            world.pass(Duration::from_millis(250));
            world.say(AMARA, "still here");
        }
        world.pass(Duration::from_secs(5));
        assert!(world.appended(Class::Snapshot) > before + 1, "{class:?}");
        assert_eq!(world.chat(BELA).len(), 40, "{class:?}");
        let dana = world.open();
        world.join(dana);
        world.pass(Duration::from_secs(5));
        assert_eq!(world.names(dana).len(), 4, "{class:?}");
    }
}

#[test]
fn a_fresh_token_comes_when_asked_for() {
    let mut world = World::of(1);
    world.people[AMARA].meeting.handle(crate::Input::TokenWanted, world.now).expect("inside");
    world.settle();
    assert_eq!(world.people[AMARA].tokens.last().map(String::as_str), Some("renewed"));
}
