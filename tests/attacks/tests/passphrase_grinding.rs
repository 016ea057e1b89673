//! Somebody guesses passphrases: docs/security/passphrase_grinding.md.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;

use anyhow::{Context as _, ensure};
use conclave_base::MeetingId;
use conclave_kit::{Guess, LinkKeys, Member, PATIENCE, Server, Site, Wiretap, connect_from, create_with, make};
use conclave_protocol::http::{EvaluatePassphrase, LookupMeeting, MeetingInfo, PassphraseEvaluated, PassphraseRight};
use conclave_protocol::paths;
use serde::Serialize;
use serde::de::DeserializeOwned;
use voprf::{Ristretto255, VoprfServer};

const PASSPHRASE: &str = "violet harbour seventeen";
/// The right one is among them: a guesser has all the luck that there is.
const GUESSES: [&str; 3] = ["violet harbour sixteen", PASSPHRASE, "violet harbor seventeen"];
/// Tries that one block of addresses has at one meeting, and all together, before it is slowed.
const FROM_ONE_BLOCK: usize = 10;
const FROM_EVERYWHERE: usize = 40;

/// All that passed between one member and the server, in the clear.
struct Recorded {
    asked: EvaluatePassphrase,
    answered: PassphraseEvaluated,
    right: PassphraseRight,
    record: Vec<u8>,
}

#[test]
fn whoever_has_the_link_and_all_that_passed_cannot_tell_which_guess_is_right() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create_with(&server.url, &["--passphrase-stdin"], PASSPHRASE)?;
    let recorded = record(&server, &link)?;
    ensure!(LinkKeys::with_passphrase(&server.url, &link, PASSPHRASE)?.open_record(&recorded.record), "the right one opens it");
    for guess in GUESSES {
        let mut candidates = vec![
            // As if no server took part.
            guess.as_bytes().to_vec(),
            // What passed, in place of what the server would have answered.
            recorded.answered.evaluated.to_vec(),
            recorded.asked.blinded.to_vec(),
            recorded.right.blinded.to_vec(),
        ];
        // A key of one's own, and one that is not secret: the public one.
        for key in [[7; 32], recorded.answered.server_key] {
            candidates.push(prf(&key, &recorded.asked.meeting, guess)?);
        }
        // The recorded answer, unblinded as one's own.
        let own = Guess::new(recorded.asked.meeting, guess)?;
        ensure!(own.finish(&recorded.answered).is_err(), "the answer to somebody else is taken for one's own");
        for candidate in candidates {
            ensure!(!LinkKeys::of_evaluated(&link, &candidate)?.open_record(&recorded.record), "{guess} was tried without the server");
        }
    }
    Ok(())
}

#[test]
fn guesses_are_stopped_and_what_was_right_is_not_counted() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create_with(&server.url, &["--passphrase-stdin"], PASSPHRASE)?;
    let (meeting, elsewhere) = (LinkKeys::of(&link)?.meeting, MeetingId::from_bytes([9; 16]));
    let recorded = record(&server, &link)?;

    // Gives for how long no more is answered, if that is what the server says.
    let ask = |block: u8, request: &EvaluatePassphrase| -> anyhow::Result<Option<u32>> {
        let (status, body) = post_from(&server, block, paths::PASSPHRASE, request)?;
        Ok(Guess::read(status, &body)?.err())
    };
    let attempt = |block: u8, meeting: MeetingId| ask(block, &Guess::new(meeting, "violet harbour")?.request);
    // Says what a member said whose passphrase was right, again and again; and claims for a guess what she cannot sign.
    let excuses = |blinded: [u8; 32]| -> anyhow::Result<()> {
        post_from(&server, 1, paths::PASSPHRASE_RIGHT, &recorded.right)?;
        post_from(&server, 1, paths::PASSPHRASE_RIGHT, &PassphraseRight { blinded, ..recorded.right.clone() })?;
        Ok(())
    };
    let mut answered = 0;
    let wait = loop {
        let request = Guess::new(meeting, &format!("violet harbour {answered}"))?.request;
        if let Some(wait) = ask(1, &request)? {
            break wait;
        }
        answered += 1;
        excuses(request.blinded)?;
        ensure!(answered < 2 * FROM_ONE_BLOCK, "guesses are not stopped");
    };
    ensure!(answered >= FROM_ONE_BLOCK, "{answered} guesses were answered");
    ensure!((1..=30).contains(&wait), "to wait {wait} s");

    // From many places: all together are stopped as well.
    let mut everywhere = answered;
    for block in 2..100 {
        while attempt(block, meeting)?.is_none() {
            everywhere += 1;
            ensure!(everywhere < 2 * FROM_EVERYWHERE, "guesses from everywhere are not stopped");
        }
    }
    // The meeting was made with one, and while this ran some came back.
    ensure!((FROM_EVERYWHERE - 1..FROM_EVERYWHERE + 20).contains(&everywhere), "{everywhere} guesses were answered");
    // Who has the right one learns that nothing is known of it, in words; and other meetings are not concerned.
    ensure!(attempt(3, elsewhere)?.is_none(), "another meeting is stopped too");
    std::thread::scope(|scope| {
        let member = scope.spawn(|| join_and_fail(&link, PASSPHRASE));
        // She goes on, so that nothing thaws for anybody else, and from many places, since one may not ask so often.
        let mut blocks = (4..100).cycle();
        while !member.is_finished() {
            attempt(blocks.next().context("without end")?, meeting)?;
        }
        let refused = member.join().map_err(|_| anyhow::anyhow!("it panicked"))??;
        ensure!(refused.contains("too many wrong passphrases were tried"), "{refused}");
        Ok(())
    })
}

#[test]
fn who_guesses_at_several_nodes_is_stopped_as_at_one_and_while_nobody_counts_nothing_is_answered() -> anyhow::Result<()> {
    let site = Site::start(2)?;
    let link = create_with(&site.nodes[0].url, &["--passphrase-stdin"], PASSPHRASE)?;
    let meeting = LinkKeys::of(&link)?.meeting;
    let ask =
        |node: usize, block: u8| post_from(&site.nodes[node], block, paths::PASSPHRASE, &Guess::new(meeting, "violet harbour")?.request);
    let mut answered = 0;
    while ask(answered % 2, 1)?.0 == 200 {
        answered += 1;
        ensure!(answered < 2 * FROM_ONE_BLOCK, "guesses are not stopped");
    }
    ensure!((FROM_ONE_BLOCK..FROM_ONE_BLOCK + 3).contains(&answered), "{answered} guesses were answered");
    for node in 0..2 {
        let (status, body) = ask(node, 1)?;
        ensure!(Guess::read(status, &body)?.is_err(), "node {node} goes on");
    }
    site.redis.pause()?;
    for node in 0..2 {
        ensure!(ask(node, 2)?.0 == 503, "a guess that cannot be counted is answered");
    }
    Ok(())
}

#[test]
fn many_who_have_the_right_one_come_from_one_address() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = make(&server.url, "", Some(PASSPHRASE), None)?;
    for n in 0..FROM_ONE_BLOCK + 2 {
        let mut member = Member::join(&link, &format!("Member {n}"), &["--passphrase-stdin", "--no-video", "--no-audio"])?;
        member.say(PASSPHRASE)?;
        member.wait("is inside", |event| (event["event"] == "phase" && event["phase"]["kind"] == "inside").then_some(()))?;
    }
    Ok(())
}

#[test]
fn the_server_alone_has_nothing_to_try_a_guess_on_and_with_the_link_it_has() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create_with(&server.url, &["--passphrase-stdin"], PASSPHRASE)?;
    let recorded = record(&server, &link)?;
    let secret: [u8; 32] = std::fs::read(server.data.path().join("passphrase.key"))?.try_into().ok().context("32 bytes")?;
    let evaluated = VoprfServer::<Ristretto255>::new_from_seed(&secret, &info(&recorded.asked.meeting)).map_err(failed)?;
    let evaluated = evaluated.evaluate(PASSPHRASE.as_bytes()).map_err(failed)?.to_vec();

    // It knows the right passphrase even, and lacks the link's secret: whatever it knows stands in that place.
    let fingerprint = host_fingerprint(&recorded)?;
    let opens = |secret: [u8; 16]| -> anyhow::Result<bool> {
        let mut keys = LinkKeys::of_evaluated(&format!("{}/m#{}", server.url, fragment_of(fingerprint, secret)), &evaluated)?;
        keys.meeting = recorded.asked.meeting;
        Ok(keys.open_record(&recorded.record))
    };
    for known in [[0; 16], *recorded.asked.meeting.as_bytes(), fingerprint] {
        ensure!(!opens(known)?, "the server opened the record");
    }
    // This is what remains: an operator with the link guesses at the cost of Argon2id, and nobody stops it.
    let secret = LinkKeys::of(&link)?.secret.try_into().ok().context("16 bytes")?;
    ensure!(opens(secret)?, "server and link together open it with the right guess");
    Ok(())
}

/// A member goes in, and all that passes is written down.
fn record(server: &Server, link: &str) -> anyhow::Result<Recorded> {
    let wiretap = Wiretap::start(server.port, server.media_port)?;
    let mut member = Member::join(&wiretap.link(link)?, "Alice", &["--passphrase-stdin", "--no-video", "--no-audio"])?;
    member.say(PASSPHRASE)?;
    member.wait("is inside", |event| (event["event"] == "phase" && event["phase"]["kind"] == "inside").then_some(()))?;
    let traffic = wiretap.bytes();
    let meeting = LinkKeys::of(link)?.meeting;
    let (status, body) = post_from(server, 0, paths::MEETING_LOOKUP, &LookupMeeting { meeting })?;
    ensure!(status == 200, "{status}");
    Ok(Recorded {
        asked: find(&traffic)?,
        answered: find(&traffic)?,
        right: find(&traffic)?,
        record: serde_json::from_slice::<MeetingInfo>(&body)?.sealed_meta,
    })
}

/// The first JSON object of this type in what passed.
fn find<T: DeserializeOwned>(traffic: &[u8]) -> anyhow::Result<T> {
    let objects = traffic.iter().enumerate().filter(|(_, byte)| **byte == b'{').map(|(at, _)| &traffic[at..]);
    let mut read = objects.filter_map(|rest| serde_json::Deserializer::from_slice(rest).into_iter::<T>().next()?.ok());
    read.next().with_context(|| format!("no {} passed", std::any::type_name::<T>()))
}

/// What a server with this key makes of a passphrase.
fn prf(key: &[u8; 32], meeting: &MeetingId, guess: &str) -> anyhow::Result<Vec<u8>> {
    let key = VoprfServer::<Ristretto255>::new_from_seed(key, &info(meeting)).map_err(failed)?;
    Ok(key.evaluate(guess.as_bytes()).map_err(failed)?.to_vec())
}

/// As the server derives a meeting's key.
fn info(meeting: &MeetingId) -> Vec<u8> {
    [b"conclave/1 passphrase".as_slice(), meeting.as_bytes()].concat()
}

fn host_fingerprint(recorded: &Recorded) -> anyhow::Result<[u8; 16]> {
    let (key, _) = conclave_protocol::payload::PassphraseKey::take(recorded.record.get(1..).context("a record")?)?;
    Ok(conclave_protocol::host::fingerprint(&key.host_key))
}

fn fragment_of(fingerprint: [u8; 16], secret: [u8; 16]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([fingerprint, secret].concat())
}

/// Posts JSON from an address of block `n`.
fn post_from(server: &Server, n: u8, path: &str, message: &impl Serialize) -> anyhow::Result<(u16, Vec<u8>)> {
    let body = serde_json::to_string(message)?;
    let mut stream = connect_from(Ipv4Addr::new(127, 77, n, 1), server.port)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("an end of the head")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Ok((head.split(' ').nth(1).context("a status")?.parse()?, answer.split_off(end + 4)))
}

/// What the client says that people run, when it does not get in.
fn join_and_fail(link: &str, passphrase: &str) -> anyhow::Result<String> {
    use std::process::{Command, Stdio};
    let mut client = Command::new(conclave_kit::program("conclave-client"))
        .args(["join", "-", "--passphrase-stdin", "--no-video", "--no-audio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    writeln!(client.stdin.as_mut().context("its input")?, "{link}\n{passphrase}")?;
    let out = client.wait_with_output()?;
    ensure!(!out.status.success(), "it got in");
    Ok(String::from_utf8(out.stderr)?)
}

fn failed(error: voprf::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
