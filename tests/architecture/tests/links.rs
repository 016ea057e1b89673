//! Who may link whom. What is not linked cannot be called: the strongest statement a build can make.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Our crates and all that each depends on, directly; named as `cargo -p` names them, without `conclave-`.
/// A new edge is a decision, and so is one that goes: make it here.
const PLAN: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("protocol", &["base"]),
    ("livekit-proto", &["base"]),
    ("mls", &["base", "protocol"]),
    ("media-crypto", &["base"]),
    ("session", &["base", "protocol", "media-crypto", "mls"]),
    ("transparency", &["base"]),
    ("rtc-client", &["base"]),
    ("livekit-client", &["base", "livekit-proto", "rtc-client"]),
    ("delivery", &["base", "protocol"]),
    ("admission", &["base", "protocol", "delivery"]),
    ("rtp", &["base"]),
    ("sfu", &["base", "rtp"]),
    ("rtc-server", &["base", "livekit-proto", "rtp", "sfu"]),
    ("livekit-server", &["base", "livekit-proto", "sfu"]),
    ("media", &["base", "sfu", "livekit-server"]),
    ("wasm", &["base", "protocol", "media-crypto", "session"]),
    ("device", &["base", "session", "transparency"]),
    ("page", &["protocol"]),
    ("desktop", &["base", "device", "page", "protocol", "session", "transparency"]),
    ("codecs", &[]),
    ("server", &["base", "protocol", "livekit-proto", "admission", "delivery", "sfu", "rtc-server", "livekit-server", "media", "page"]),
    ("cli", &["base", "protocol", "livekit-proto", "media-crypto", "session", "transparency", "livekit-client", "codecs", "device"]),
];

/// Foreign crates with one home on each side: no other crate of ours may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("openmls", &["mls"]),
    ("sframe", &["media-crypto"]),
    ("voprf", &["session", "admission"]),
    ("str0m", &["rtc-client", "rtc-server"]),
    ("aws-lc-rs", &["rtp"]),
    ("livekit-protocol", &["livekit-proto"]),
    ("wasm-bindgen", &["wasm"]),
    ("rusqlite", &["server"]),
    ("axum", &["server", "page", "desktop"]),
    ("quinn-udp", &["server"]),
    ("tokio", &["server", "cli", "desktop"]),
    ("opus", &["cli"]),
    ("secret-service", &["device"]),
    ("env-libvpx-sys", &["codecs"]),
];

/// All features of our crates but those in tests/. Each is a second build of what people run, so each is a decision, and none may make a
/// client that does not seal.
const FEATURES: &[(&str, &str)] = &[
    ("base", "ts"),
    ("base", "known"),
    ("media-crypto", "ts"),
    ("media-crypto", "hostile"),
    ("session", "ts"),
    ("mls", "hostile"),
    ("mls", "rfc9420"),
];

/// Those that leave out rules: what only an attacker builds, plain RFC 9420, and signatures that the simulator heard being made.
const TESTS_ONLY: &[&str] = &["hostile", "rfc9420", "known"];

/// Crates of core/ that link what can ask the system for random numbers: str0m for DTLS, and what sframe seals with, which only could (the browser's
/// module does not even import it: `wasm.rs`). All others draw from a seed, or not at all.
const LINK_RANDOMNESS: &[&str] = &["rtc-client", "rtc-server", "livekit-client", "media-crypto", "session"];

/// Folders that no dependency of the folders on the left may reach, however far away.
const WALL: &[(&[&str], &str)] = &[
    (&["core/server/", "apps/server/"], "core/client/"),
    (&["core/client/", "apps/cli/", "apps/desktop/", "apps/device/", "bindings/wasm/"], "core/server/"),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .exec()
        .expect("cargo metadata works in a checkout")
}

/// Folder of a package below the repository, as `core/shared/base/`; none for a foreign one.
fn folder<'a>(metadata: &'a Metadata, package: &'a Package) -> Option<&'a str> {
    package.manifest_path.as_str().strip_prefix(metadata.workspace_root.as_str())?.strip_prefix('/')?.strip_suffix("Cargo.toml")
}

/// What a program links.
const LINKED: &[DependencyKind] = &[DependencyKind::Normal];

/// All packages that dependencies of these kinds reach from `start`, each with the way to it.
fn reach<'a>(metadata: &'a Metadata, start: &'a Package, kinds: &[DependencyKind]) -> Vec<(&'a Package, String)> {
    let nodes: BTreeMap<_, _> = metadata.resolve.as_ref().expect("resolved").nodes.iter().map(|n| (&n.id, n)).collect();
    let mut todo = vec![(&start.id, start.name.to_string())];
    let mut seen = BTreeSet::new();
    let mut reached = Vec::new();
    while let Some((id, way)) = todo.pop() {
        for dep in &nodes[id].deps {
            if dep.dep_kinds.iter().any(|k| kinds.contains(&k.kind)) && seen.insert(&dep.pkg) {
                let package = &metadata[&dep.pkg];
                let way = format!("{way} -> {}", package.name);
                reached.push((package, way.clone()));
                todo.push((&dep.pkg, way));
            }
        }
    }
    reached
}

/// Ways over the wall: for each package in one of `from`, whatever it reaches in `forbidden`.
fn ways_over(metadata: &Metadata, from: &[&str], forbidden: &str, kinds: &[DependencyKind]) -> Vec<String> {
    let inside = |package: &Package| folder(metadata, package).is_some_and(|f| from.iter().any(|start| f.starts_with(start)));
    let starts = metadata.workspace_packages().into_iter().filter(|p| inside(p));
    starts
        .flat_map(|start| reach(metadata, start, kinds))
        .filter(|(package, _)| folder(metadata, package).is_some_and(|f| f.starts_with(forbidden)))
        .map(|(_, way)| way)
        .collect()
}

#[test]
fn what_decrypts_and_what_serves_never_reach_each_other() {
    let metadata = metadata();
    for (from, forbidden) in WALL {
        assert_eq!(ways_over(&metadata, from, forbidden, LINKED), Vec::<String>::new(), "{from:?} must not reach {forbidden}");
    }
}

#[test]
fn the_walk_over_the_graph_would_find_a_way_over_the_wall() {
    let metadata = metadata();
    // The same walk must find each side's own crates, near and far, or the test above could not fail.
    for (from, expected) in [
        (&["apps/server/"][..], "conclave-server -> conclave-sfu -> conclave-rtp"),
        (&["apps/cli/"], "conclave-session -> conclave-mls"),
        (&["bindings/wasm/"], "conclave-session -> conclave-mls"),
    ] {
        let own = if from == ["apps/server/"] { "core/server/" } else { "core/client/" };
        let ways = ways_over(&metadata, from, own, LINKED);
        assert!(ways.iter().any(|way| way.contains(expected)), "{expected} is not among {ways:?}");
    }
    // The session's own tests drive it against the server's log: with their dependencies counted, there is a way over the wall.
    let with_tests = [DependencyKind::Normal, DependencyKind::Development];
    let ways = ways_over(&metadata, &["core/client/session/"], "core/server/", &with_tests);
    assert!(ways.iter().any(|way| way == "conclave-session -> conclave-delivery"), "the wall's own test is not seen: {ways:?}");
}

#[test]
fn the_server_reaches_no_foreign_crate_that_decrypts() {
    let metadata = metadata();
    let package = |name: &str| metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == name).expect("a workspace member");
    let names = |start| reach(&metadata, package(start), LINKED).into_iter().map(|(p, _)| p.name.to_string()).collect::<BTreeSet<_>>();
    for foreign in ["openmls", "sframe"] {
        assert!(!names("conclave-server").contains(foreign), "the server links {foreign}: it must not be able to decrypt");
        assert!(names("conclave-cli").contains(foreign), "expected the client to link {foreign}");
    }
}

#[test]
fn randomness_in_core_comes_from_seeds() {
    let metadata = metadata();
    let mut linking = BTreeSet::new();
    for package in metadata.workspace_packages() {
        if !folder(&metadata, package).is_some_and(|f| f.starts_with("core/")) {
            continue;
        }
        // One crate at a time: in the whole workspace's graph, features that one crate asks for are on for all.
        let spec = format!("{}@{}", package.name, package.version);
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&metadata.workspace_root).args(["tree", "--edges", "normal", "--prefix", "none", "--package", &spec]);
        let tree = cargo.output().expect("cargo runs");
        assert!(tree.status.success(), "{spec}: {}", String::from_utf8_lossy(&tree.stderr));
        if String::from_utf8_lossy(&tree.stdout).lines().any(|line| line.starts_with("getrandom ")) {
            linking.insert(package.name.strip_prefix("conclave-").unwrap_or(package.name.as_str()).to_owned());
        }
    }
    assert_eq!(linking, LINK_RANDOMNESS.iter().map(|name| (*name).to_owned()).collect(), "found on the left, decided on the right");
}

#[test]
fn crates_depend_on_exactly_what_the_plan_says() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let plan: BTreeMap<_, BTreeSet<_>> = PLAN.iter().map(|(name, on)| (*name, on.iter().copied().collect())).collect();
    for package in metadata.workspace_packages() {
        let short = package.name.strip_prefix("conclave-").unwrap_or(package.name.as_str());
        let Some(planned) = plan.get(short) else {
            let folder = folder(&metadata, package).expect("ours");
            assert!(folder.starts_with("tests/") || folder.starts_with("xtask/"), "{} is not in the plan", package.name);
            continue;
        };
        let direct = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal && ours.contains(&d.name));
        let direct: BTreeSet<_> = direct.map(|d| d.name.strip_prefix("conclave-").unwrap_or(&d.name)).collect();
        assert_eq!(direct, *planned, "{}: its Cargo.toml on the left, the plan on the right", package.name);
    }
}

#[test]
fn foreign_crates_have_one_home() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        if folder(&metadata, package).is_some_and(|f| f.starts_with("tests/")) {
            continue;
        }
        let short = package.name.strip_prefix("conclave-").unwrap_or(package.name.as_str());
        for (foreign, homes) in HOMES {
            let names_it = package.dependencies.iter().any(|d| d.kind == DependencyKind::Normal && !d.optional && d.name == *foreign);
            assert!(!names_it || homes.contains(&short), "{foreign} is at home in {homes:?}, not in {}", package.name);
        }
    }
}

#[test]
fn what_people_run_has_no_features_but_these() {
    let metadata = metadata();
    let mut found = BTreeSet::new();
    for package in metadata.workspace_packages() {
        let in_tests = folder(&metadata, package).is_some_and(|f| f.starts_with("tests/"));
        let short = package.name.strip_prefix("conclave-").unwrap_or(package.name.as_str());
        found.extend(package.features.keys().filter(|_| !in_tests).map(|feature| (short, feature.as_str())));
        // Features join within a workspace build, so that one crate that asks would switch it on for all.
        for feature in TESTS_ONLY {
            let asked = package.dependencies.iter().any(|d| d.features.iter().any(|f| f == feature));
            let implied = package.features.values().flatten().any(|f| f.ends_with(&format!("/{feature}")));
            assert!(in_tests || !asked && !implied, "{} asks for {feature}, which is for tests alone", package.name);
        }
    }
    assert_eq!(found, FEATURES.iter().copied().collect(), "found on the left, decided on the right");
}
