//! Logs and witnesses as real processes: what a newcomer would run, what a power cut does, and what an operator tries.

mod rebuild;
mod support;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use conclave_transparency::{
    AcceptRule, AddCheckpoint, Hash, History, LogProof, Policy, Refused, RuleConfig, SignedCheckpoint, TileId, VerifierKey, Version,
    entries,
};
use support::{Served, Tree, http, operator_key, printed, program, release, run, witness};

/// Deaths that a witness, and then a log, has to survive.
const DEATHS: u32 = 40;

#[test]
fn a_release_is_logged_cosigned_served_and_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let log = at("log");
    let log_key = printed(&["log", "init", "--name", "example.org/log"], &[&log]);
    let mut policy = format!("log {log_key}\n");
    let mut served = Vec::new();
    for (n, more) in [(1, &["--ed25519"][..]), (2, &[]), (3, &[])] {
        let (folder, vkey) = witness(folder.path(), &format!("w{n}"), &log_key, more);
        served.push(Served::start("witness", &folder));
        policy += &format!("witness W{n} {vkey} {}/\n", served[n - 1].url());
    }
    let (_, rebuilder) = witness(folder.path(), "r1", &log_key, &[]);
    policy += &format!("witness R1 {rebuilder}\ngroup witnesses 2 W1 W2 W3\ngroup rebuilders 1 R1\nquorum witnesses\n");
    fs::write(at("policy"), &policy).expect("written");
    for patch in 0..4 {
        fs::write(at(&format!("release{patch}")), release(Version(0, 1, patch))).expect("written");
    }
    let append = |files: &[&Path]| {
        let paths: Vec<_> = [log.as_path()].iter().chain(files).copied().collect();
        run(&["log", "append", "--policy", at("policy").to_str().expect("text")], &paths)
    };
    assert!(append(&[&at("release0"), &at("release1")]).status.success());

    // One witness of three may be away. Names without a folder are of the one where the command runs.
    served[0].kill();
    let mut inside = program();
    inside.current_dir(folder.path()).args(["log", "append", "log", "release2", "--policy", "policy"]);
    assert!(inside.status().expect("it runs").success());
    assert!(append(&[&at("release2")]).status.success(), "whoever runs it again gets another proof");
    let proof = fs::read(at("release2.tlog-proof")).expect("a proof");
    let parsed = LogProof::parse(&proof).expect("a proof");
    assert_eq!((parsed.index(), parsed.checkpoint().checkpoint().size()), (2, 3), "it was not added again");

    // All that the accept rule asks for is there but a rebuilder.
    let rule = RuleConfig { product: "conclave", rebuilders: "rebuilders", max_age: 3600, cool_down: 7200 };
    let rule = AcceptRule::new(Policy::parse(policy.as_bytes()).expect("a policy"), rule).expect("a rule");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let mut history = History::default();
    let mut judge = |entry: &str, now| rule.judge(entry.as_bytes(), &proof, &mut history, now);
    let until = now + 7200;
    assert_eq!(judge(&release(Version(0, 1, 2)), now), Err(Refused::TooFewRebuilders { have: 0, need: 1, until }));
    assert_eq!(judge(&release(Version(0, 1, 3)), now), Err(Refused::NotInLog));
    assert_eq!(judge(&release(Version(0, 1, 2)), now + 3600 + 600), Err(Refused::Stale));

    // With two away it is not enough, and that is told.
    served[1].kill();
    let alone = append(&[&at("release3")]);
    assert!(!alone.status.success() && String::from_utf8_lossy(&alone.stderr).contains("not enough"));

    // What is served is what proves; and nothing else is.
    let server = Served::start("log", &log);
    let (status, checkpoint) = server.get("/checkpoint");
    let checkpoint = SignedCheckpoint::parse(&checkpoint).expect("a checkpoint");
    assert_eq!((status, checkpoint.checkpoint().size()), (200, 4));
    let bundle = server.get("/tile/entries/000.p/4").1;
    let found = entries(TileId::of_entries(4, 0).expect("a tile"), &bundle).expect("entries");
    assert_eq!(found[1], release(Version(0, 1, 1)).as_bytes());
    let hashes = server.get("/tile/0/000.p/4").1;
    assert_eq!(hashes, found.iter().flat_map(|entry| Hash::of_leaf(entry).0).collect::<Vec<_>>());
    for path in ["/key", "/../key", "/tile/0/../../../key", "/tile/0/000", "/checkpoint.new", "/lock", "/"] {
        assert_eq!(server.get(path).0, 404, "{path}");
    }
}

#[test]
fn a_fork_is_refused_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, vkey) = witness(folder.path(), "witness", &operator_key().verifier().to_string(), &[]);
    let vkey: VerifierKey = vkey.parse().expect("a key");
    let common = Tree::default().and("one").and("two");
    let (honest, fork) = (common.and("three"), common.and("another three"));
    let mut witness = Served::start("witness", &folder);
    let (status, line) = witness.ask(&honest.since(0));
    assert_eq!(status, 200);
    let cosigned = SignedCheckpoint::parse(format!("{}{line}", honest.signed()).as_bytes()).expect("a note");
    assert!(cosigned.verify(&vkey).expect("good").is_some());
    let path = format!("/{}/checkpoint", Hash::of_bytes(support::ORIGIN.as_bytes()));
    let published = witness.get(&path);

    let mut grown = fork.clone();
    for round in 0..5 {
        assert_eq!(witness.ask(&fork.since(0)), (409, "3\n".to_owned()));
        assert_eq!(witness.ask(&AddCheckpoint { old: 3, ..fork.since(2) }).0, 422);
        grown = grown.and(&format!("round {round}"));
        for old in 0..=3 {
            assert_eq!(witness.ask(&AddCheckpoint { old: 3, ..grown.since(old) }).0, 422, "with any proof");
        }
        assert_eq!(witness.ask(&AddCheckpoint { old: 3, ..common.since(2) }).0, 400, "nor back");
        assert_eq!(witness.get(&path), published);
        witness.kill();
        witness = Served::start("witness", &folder);
    }
    let evidence = fs::read_dir(folder.join("forks")).expect("a folder").flatten().next().expect("one log");
    let evidence = fs::read_to_string(evidence.path()).expect("text");
    assert!(
        evidence.contains(&honest.signed().to_string()) && evidence.contains(&fork.signed().to_string()),
        "both trees, signed by the log"
    );
    assert_eq!(witness.ask(&honest.and("four").since(3)).0, 200, "what is honest goes on");
}

/// The attack: show a witness one tree, kill it before it has stored what it saw, and show it another.
#[test]
fn whatever_moment_a_witness_dies_in_it_cosigns_one_history() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, _) = witness(folder.path(), "witness", &operator_key().verifier().to_string(), &["--ed25519"]);
    let mut witness = Served::start("witness", &folder);
    let mut tree = Tree::default().and("first");
    assert_eq!(witness.ask(&tree.since(0)).0, 200);
    let again = || {
        let started = Instant::now();
        assert_eq!(witness.ask(&tree.since(1)).0, 200);
        started.elapsed()
    };
    let usual = (0..5).map(|_| again()).min().expect("five");
    let mut outcomes = [0; 3];
    for death in 0..DEATHS {
        let (one, other) = (tree.and(&format!("one {death}")), tree.and(&format!("other {death}")));
        let (request, port) = (one.since(tree.size).to_string(), witness.port());
        let asking = thread::spawn(move || http(port, "POST", "/add-checkpoint", request.as_bytes()));
        kill_after(usual * 2 * death / DEATHS, || witness.kill());
        let cosigned = asking.join().expect("no panic").is_some_and(|(status, _)| status == 200);
        witness = Served::start("witness", &folder);
        let (status, _) = witness.ask(&other.since(tree.size));
        assert!(!(cosigned && status == 200), "death {death}: it cosigned two trees of {} entries", other.size);
        if status == 200 {
            tree = other;
            outcomes[0] += 1;
        } else {
            assert_eq!(status, 409, "it goes on from the other one");
            assert_eq!(witness.ask(&one.since(one.size)).0, 200);
            tree = one;
            outcomes[if cosigned { 2 } else { 1 }] += 1;
        }
    }
    let [unseen, stored, answered] = outcomes;
    println!("{DEATHS} deaths: {unseen} before it was stored, {stored} between that and the answer, {answered} after the answer");
}

/// Spread over the time that one request takes, so that some deaths come before, some while and some after the file is written.
fn kill_after(time: Duration, kill: impl FnOnce()) {
    let started = Instant::now();
    while started.elapsed() < time {
        thread::yield_now();
    }
    kill();
}

#[test]
fn of_two_trees_shown_at_once_one_is_cosigned() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, _) = witness(folder.path(), "witness", &operator_key().verifier().to_string(), &["--ed25519"]);
    let witness = Served::start("witness", &folder);
    let mut tree = Tree::default();
    for round in 0..20 {
        let trees: Vec<_> = (0..4).map(|n| tree.and(&format!("{round} {n}"))).collect();
        let ask = |one: &Tree| {
            let (request, port) = (one.since(tree.size).to_string(), witness.port());
            thread::spawn(move || http(port, "POST", "/add-checkpoint", request.as_bytes()))
        };
        let asking: Vec<_> = trees.iter().map(ask).collect();
        let answers: Vec<_> = asking.into_iter().map(|asking| asking.join().expect("no panic").expect("an answer").0).collect();
        let cosigned: Vec<_> = trees.iter().zip(&answers).filter(|(_, status)| **status == 200).map(|(tree, _)| tree.clone()).collect();
        assert_eq!(cosigned.len(), 1, "{answers:?}");
        tree.clone_from(&cosigned[0]);
    }
}

#[test]
fn a_witness_whose_state_is_gone_does_not_begin_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, _) = witness(folder.path(), "witness", &operator_key().verifier().to_string(), &[]);
    let mut witness = Served::start("witness", &folder);
    let tree = Tree::default().and("one");
    assert_eq!(witness.ask(&tree.since(0)).0, 200);
    let second = run(&["witness", "serve", "--listen", "127.0.0.1:0"], &[&folder]);
    assert!(!second.status.success() && String::from_utf8_lossy(&second.stderr).contains("another process"), "one at a time");
    witness.kill();
    let state = fs::read_dir(folder.join("state")).expect("a folder").flatten().next().expect("one log").path();
    let stored = fs::read(&state).expect("read");
    for lost in [&b""[..], &stored[..stored.len() / 2], tree.signed().to_string().as_bytes()] {
        fs::write(&state, lost).expect("written");
        assert_refuses_to_start(&folder);
    }
    fs::remove_file(&state).expect("removed");
    assert_refuses_to_start(&folder);
    fs::write(&state, &stored).expect("written");
    assert_eq!(Served::start("witness", &folder).ask(&tree.and("two").since(1)).0, 200);
}

fn assert_refuses_to_start(folder: &Path) {
    let output = run(&["witness", "serve", "--listen", "127.0.0.1:0"], &[folder]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && words.contains("is lost"), "{words}");
}

/// A log that dies while it appends, and appends something else afterwards, never signed two trees: its witness goes on cosigning.
#[test]
fn whatever_moment_a_log_dies_in_it_goes_on_as_one_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let log_key = printed(&["log", "init", "--name", "example.org/log"], &[&log]);
    let (witness_folder, vkey) = witness(folder.path(), "witness", &log_key, &["--ed25519"]);
    let witness = Served::start("witness", &witness_folder);
    let policy = folder.path().join("policy");
    fs::write(&policy, format!("log {log_key}\nwitness W {vkey} {}\nquorum W\n", witness.url())).expect("written");
    let write = |name: &str, version| {
        let path = folder.path().join(name);
        fs::write(&path, release(version)).expect("written");
        path
    };
    let append = |file: &Path| {
        let mut command = program();
        command.args(["log", "append", "--policy"]).args([&policy, &log]).arg(file);
        command
    };
    let started = Instant::now();
    assert!(append(&write("first", Version(0, 0, 1))).status().expect("it runs").success());
    let usual = started.elapsed();
    for death in 0..DEATHS {
        let mut child = append(&write("one", Version(1, death.into(), 0))).spawn().expect("it starts");
        kill_after(usual * 3 / 2 * death / DEATHS, || child.kill().expect("it is ours"));
        child.wait().expect("it ends");
        let output = append(&write("other", Version(1, death.into(), 1))).output().expect("it runs");
        assert!(output.status.success(), "death {death}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let checkpoint = SignedCheckpoint::parse(&fs::read(log.join("public/checkpoint")).expect("read")).expect("a checkpoint");
    let size = checkpoint.checkpoint().size();
    assert!((u64::from(DEATHS) + 1..=2 * u64::from(DEATHS) + 1).contains(&size), "{size} entries");
}
