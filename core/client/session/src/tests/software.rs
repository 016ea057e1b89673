//! What each says that it runs: seen by all, compared with the others and with what logs of releases name.

use std::time::Duration;

use conclave_protocol::payload::Software;

use super::world::{AMARA, BELA, CHIDI, World};
use crate::snapshot::{Agreement, Command, Logged, NoticeKind, Phase, Program, SecurityState};
use crate::software::{VERSION, native, page};

const SECOND: Duration = Duration::from_secs(1);
const SITE: &str = "meet.example";

fn bundle(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

fn page_of(n: u8) -> Software {
    page(SITE.to_owned(), Some(&bundle(n)))
}

/// Somebody comes in who says this.
fn come(world: &mut World, name: &str, software: Option<Software>) -> usize {
    world.software = software;
    let person = world.open();
    world.software = None;
    world.command(person, Command::Join { name: name.to_owned() }).expect("ready to join");
    world.pass(SECOND);
    assert_eq!(world.screen(person).phase, Phase::Inside);
    person
}

fn shown(world: &World, by: usize, other: usize) -> Option<crate::snapshot::Software> {
    let identity = world.identity(other).to_text();
    world.screen(by).members.iter().find(|m| m.identity == identity).expect("a member").software.clone()
}

fn agreements(world: &World, by: usize) -> Vec<Agreement> {
    (0..world.people.len()).map(|other| shown(world, by, other).expect("it says something").agreement).collect()
}

fn told(world: &World, person: usize) -> Vec<NoticeKind> {
    world.notices(person).into_iter().filter(|what| matches!(what, NoticeKind::OtherSoftware { .. })).collect()
}

#[test]
fn everybody_sees_what_everybody_says() {
    let mut world = World::new();
    come(&mut world, "Amara", Some(page_of(1)));
    come(&mut world, "Bela", Some(native(None)));
    come(&mut world, "Chidi", None);
    for by in [AMARA, BELA, CHIDI] {
        let amara = shown(&world, by, AMARA).expect("she says it");
        assert_eq!(amara.program, Program::Page { site: SITE.to_owned() });
        assert_eq!((amara.build, amara.agreement, amara.logged), (Some(bundle(1)), Agreement::Alone, Logged::Unknown));
        assert_eq!(amara.version, VERSION.map(|n| n.to_string()).join("."));
        let bela = shown(&world, by, BELA).expect("he says it");
        assert_eq!((bela.program, bela.build, bela.agreement), (Program::Native, None, Agreement::Unknown));
        assert_eq!(shown(&world, by, CHIDI), None);
        assert_eq!(told(&world, by), []);
    }
}

#[test]
fn who_was_served_another_page_is_seen_by_all_and_told_of_once() {
    let mut world = World::new();
    come(&mut world, "Amara", Some(page_of(1)));
    come(&mut world, "Bela", Some(page_of(1)));
    come(&mut world, "Chidi", Some(page_of(2)));
    come(&mut world, "Dana", Some(page_of(1)));
    use Agreement::{Differs, Same};
    for by in 0..4 {
        assert_eq!(agreements(&world, by), [Same, Same, Differs, Same]);
        let notice = NoticeKind::OtherSoftware { name: "Chidi".to_owned(), me: by == CHIDI, unlogged: false };
        assert_eq!(told(&world, by), [notice], "{by}");
        // Nothing is held back for it.
        assert_eq!(world.screen(by).security.state, SecurityState::Secure);
    }
}

#[test]
fn who_runs_what_no_trusted_log_names_is_seen_by_who_trusts_one() {
    let mut world = World::new();
    come(&mut world, "Amara", Some(page_of(1)));
    world.logged = Some([([1; 32], [0, 3, 1])].into());
    come(&mut world, "Bela", Some(native(Some([9; 32]))));
    world.logged = None;
    let named = Logged::Named { version: "0.3.1".to_owned() };
    assert_eq!(shown(&world, BELA, AMARA).expect("said").logged, named);
    assert_eq!(shown(&world, BELA, BELA).expect("said").logged, Logged::NotNamed);
    assert_eq!(shown(&world, AMARA, BELA).expect("said").logged, Logged::Unknown);
    assert_eq!(told(&world, BELA), [NoticeKind::OtherSoftware { name: "Bela".to_owned(), me: true, unlogged: true }]);
    assert_eq!(told(&world, AMARA), []);
}

#[test]
fn who_comes_back_after_a_break_still_says_it() {
    let mut world = World::new();
    come(&mut world, "Amara", Some(page_of(1)));
    come(&mut world, "Bela", Some(page_of(2)));
    let before = (shown(&world, AMARA, BELA), told(&world, AMARA));
    assert_eq!(before.1.len(), 2, "two pages, and none that most have");
    world.server.forget();
    for person in [AMARA, BELA] {
        world.break_connection(person);
    }
    world.pass(SECOND * 30);
    assert_eq!(world.screen(AMARA).members.len(), 2);
    assert_eq!((shown(&world, AMARA, BELA), told(&world, AMARA)), before);
}
