//! Two nodes serve one meeting behind a load balancer that keeps nobody at one: a node dies, Redis hangs, Redis forgets.

use std::time::{Duration, Instant};

use anyhow::ensure;
use conclave_engines::until;
use conclave_kit::{Member, Site, create};

/// Whoever was on a node that died is there again, of a client's own accord.
const BACK: Duration = Duration::from_secs(5);
/// Whoever is sent on and comes to no node is waited for so long, and called gone.
const GONE: Duration = Duration::from_secs(10);
/// Somebody says something each time that so long has passed.
const TALK: Duration = Duration::from_millis(50);
/// For so long Redis hangs: longer than a node waits for an answer, and than a client's first attempts to come in.
const HANGS: Duration = Duration::from_secs(4);

/// The longest time between two of the lines that are said all the time.
fn longest_gap(member: &mut Member) -> Duration {
    let said = |event: &serde_json::Value| event["line"]["text"].as_str().is_some_and(|text| text.ends_with("times spoken"));
    let came: Vec<Instant> = member.told_at().into_iter().filter(|(_, event)| said(event)).map(|(came, _)| came).collect();
    came.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default()
}

/// The lines that it shows until all of these came.
fn lines(member: &mut Member, all: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    while !all.iter().all(|line| lines.iter().any(|seen| seen == line)) {
        let chat =
            |event: &serde_json::Value| (event["event"] == "chat").then(|| event["line"]["text"].as_str().unwrap_or_default().to_owned());
        lines.push(member.wait("a line", chat)?);
    }
    Ok(lines)
}

#[test]
fn members_on_two_nodes_meet_and_read_one_order() -> anyhow::Result<()> {
    let mut site = Site::start(2)?;
    let (link, mut ada, mut bela) = site.meeting_of_two()?;
    for n in 0..10 {
        ada.say(&format!("ada {n}"))?;
        bela.say(&format!("bela {n}"))?;
    }
    ada.say("ada ends")?;
    bela.until_read("ada ends")?;
    bela.say("bela ends")?;
    let mut cleo = Member::join_silently(&site.at_balancer(&link), "Cleo")?;
    cleo.until_inside(3)?;
    for member in [ada, bela, cleo] {
        member.leave()?;
    }
    for node in &mut site.nodes {
        let log = node.end()?;
        ensure!(!log.contains(site.redis.password()), "the password is in the log");
    }
    Ok(())
}

#[test]
fn who_was_on_a_node_that_dies_is_back_on_the_other_and_chat_is_whole() -> anyhow::Result<()> {
    let mut site = Site::start(2)?;
    let link = create(&site.nodes[0].url, None)?;
    let mut ada = Member::join_silently(&site.at_node(1, &link), "Ada")?;
    ada.until_inside(1)?;
    // By the load balancer: one of them is at each node.
    let (mut bela, mut cleo) =
        (Member::join_silently(&site.at_balancer(&link), "Bela")?, Member::join_silently(&site.at_balancer(&link), "Cleo")?);
    bela.until_inside(3)?;
    cleo.until_inside(3)?;
    let mut dora = Member::join_silently(&site.at_node(0, &link), "Dora")?;
    dora.until_inside(4)?;
    ada.until_inside(4)?;
    bela.say("before")?;
    for member in [&mut ada, &mut cleo] {
        member.until_read("before")?;
    }
    site.nodes[0].crash()?;
    let died = Instant::now();
    bela.say("during, by Bela")?;
    cleo.say("during, by Cleo")?;
    let mut seen = vec![lines(&mut ada, &["during, by Bela", "during, by Cleo"])?];
    let took = died.elapsed();
    ensure!(took < BACK, "they were away for {took:?}");
    // Dora's only node is gone.
    ada.until_inside(3)?;
    ensure!(died.elapsed() < BACK * 3, "who does not come back is gone after {:?}", died.elapsed());
    ada.say("after")?;
    bela.until_read("after")?;
    cleo.until_read("after")?;
    seen.push(lines(&mut ada, &["after"])?);
    let all = seen.concat();
    for line in ["during, by Bela", "during, by Cleo", "after"] {
        ensure!(all.iter().filter(|seen| *seen == line).count() == 1, "{line:?} once: {all:?}");
    }
    Ok(())
}

#[test]
fn a_node_that_is_asked_to_end_sends_its_members_on_and_nobody_is_told_of_anything() -> anyhow::Result<()> {
    let mut site = Site::start(2)?;
    let link = create(&site.nodes[1].url, None)?;
    let mut olga = Member::join_silently(&site.at_node(1, &link), "Olga")?;
    olga.until_inside(1)?;
    // By the load balancer: some of them are at each node.
    let mut members = Vec::new();
    for (n, name) in ["Ada", "Bela", "Cleo", "Dora", "Emil", "Fred"].into_iter().enumerate() {
        let mut member = Member::join_silently(&site.at_balancer(&link), name)?;
        member.until_inside(n + 2)?;
        members.push(member);
    }
    olga.until_inside(7)?;
    let mut before = Vec::new();
    for member in &mut members {
        member.say("here")?;
        olga.until_read("here")?;
    }
    for member in &mut members {
        for _ in 0..6 {
            member.until_read("here")?;
        }
        before.push(member.told().len());
    }
    let inside = olga.told().len();
    site.nodes[0].ask_to_end()?;
    until("it is not ready", || Ok(site.nodes[0].get("/readyz")? == 503))?;
    for (n, member) in members.iter_mut().enumerate() {
        member.say(&format!("{n} says this meanwhile"))?;
    }
    ensure!(site.balancer.open(0) > 0, "nobody is at the node that is to end");
    let mut talked = 0;
    let status = loop {
        if let Some(status) = site.nodes[0].ended()? {
            break status;
        }
        olga.say(&format!("{talked} times spoken"))?;
        talked += 1;
        std::thread::sleep(TALK);
    };
    ensure!(status.success(), "it ends well");
    let all = 2 * members.len() + talked;
    until("all lines", || Ok(olga.lines().len() == all))?;
    members[0].say("all are at one node")?;
    let mut gaps = Vec::new();
    for member in &mut members {
        member.until_read("all are at one node")?;
        gaps.push(longest_gap(member));
    }
    olga.until_read("all are at one node")?;
    gaps.sort();
    println!("while a node ended, of {} members, who read a line each {TALK:?}, so long none came to each: {gaps:?}", members.len());
    ensure!(gaps.iter().all(|gap| *gap < BACK), "they were away");

    let lines = olga.lines();
    ensure!(lines.len() == all + 1, "each line once: {lines:?}");
    for member in &mut members {
        ensure!(member.lines() == lines, "one order for all: {:?} and {lines:?}", member.lines());
    }
    let told = olga.told().split_off(inside);
    let other = told.iter().find(|event| !["chat", "safety"].contains(&event["event"].as_str().unwrap_or_default()));
    ensure!(other.is_none(), "whoever was elsewhere is told of nothing but the lines: {other:?}");
    for (member, before) in members.iter_mut().zip(before) {
        let quiet = |event: &serde_json::Value| ["chat", "safety", "transport"].iter().any(|kind| event["event"] == *kind);
        let other = member.told().split_off(before).into_iter().find(|event| !quiet(event));
        ensure!(other.is_none(), "whoever was sent on is told of nothing but the lines, and that its media connect again: {other:?}");
    }
    Ok(())
}

#[test]
fn a_node_that_waits_for_members_who_have_nowhere_to_go_ends_at_the_second_word() -> anyhow::Result<()> {
    let mut site = Site::start(2)?;
    let link = create(&site.nodes[0].url, None)?;
    let mut ada = Member::join_silently(&site.at_node(0, &link), "Ada")?;
    ada.until_inside(1)?;
    let asked = Instant::now();
    site.nodes[0].ask_to_end()?;
    ada.until_phase("reconnecting")?;
    site.nodes[0].ask_to_end()?;
    ensure!(site.nodes[0].until_ended()?.success(), "it ends well");
    // Alone, it would have waited for Ada until she is gone.
    ensure!(asked.elapsed() < GONE, "it took {:?}", asked.elapsed());
    Ok(())
}

#[test]
fn while_redis_hangs_lines_and_joins_wait_and_all_is_well_again_by_itself() -> anyhow::Result<()> {
    let site = Site::start(2)?;
    let (link, mut ada, mut bela) = site.meeting_of_two()?;
    site.redis.pause()?;
    ada.say("is anybody there?")?;
    let mut cleo = Member::join_silently(&site.at_balancer(&link), "Cleo")?;
    cleo.wait("is told that it waits", |event| (event["event"] == "phase" && event["phase"]["kind"] != "inside").then_some(()))?;
    std::thread::sleep(HANGS);
    site.redis.resume()?;
    bela.until_read("is anybody there?")?;
    cleo.until_inside(3)?;
    bela.say("all are")?;
    ada.until_read("all are")?;
    cleo.until_read("all are")?;
    for member in [ada, bela, cleo] {
        member.leave()?;
    }
    Ok(())
}

#[test]
fn when_redis_comes_back_empty_the_meeting_begins_anew_by_itself() -> anyhow::Result<()> {
    let mut site = Site::start(2)?;
    let (_link, mut ada, mut bela) = site.meeting_of_two()?;
    site.redis.crash()?;
    site.redis.start_again()?;
    for member in [&mut ada, &mut bela] {
        for inside in [false, true] {
            let phase =
                |event: &serde_json::Value| (event["event"] == "phase" && (event["phase"]["kind"] == "inside") == inside).then_some(());
            member.wait("is told that it is interrupted, and goes on", phase)?;
        }
    }
    ada.say("again")?;
    bela.until_read("again")?;
    Ok(())
}

#[test]
#[ignore = "needs LiveKit's server; `cargo xtask e2e --livekit` runs it"]
fn members_on_two_nodes_hear_each_other_through_one_livekit() -> anyhow::Result<()> {
    let site = Site::start(2)?;
    ensure!(site.nodes[0].livekit.is_some(), "CONCLAVE_TEST_LIVEKIT names no server of LiveKit's");
    let link = create(&site.nodes[0].url, None)?;
    // Each connection goes to another node: signalling seldom to that at which its member is.
    let names = ["Ada", "Bela", "Cleo", "Dora"];
    let mut members = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let link = [site.at_balancer(&link), site.at_balancer(&link), site.at_node(0, &link), site.at_node(1, &link)][n].clone();
        let mut member = Member::join(&link, name, &["--no-video"])?;
        member.until_inside(n + 1)?;
        members.push(member);
    }
    for member in &mut members {
        let mut heard = std::collections::BTreeSet::new();
        while heard.len() < names.len() - 1 {
            let playing = |event: &serde_json::Value| (event["event"] == "playing").then(|| event["identity"].to_string());
            heard.insert(member.wait("hears the others", playing)?);
        }
    }
    for member in members {
        member.leave()?;
    }
    Ok(())
}
