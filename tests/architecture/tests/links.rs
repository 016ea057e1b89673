//! Who may link whom. What is not linked cannot be called: the strongest statement a build can make.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Our crates and the most that each may depend on, directly. A new edge is a decision: make it here.
const PLAN: &[(&str, &[&str])] = &[
    ("conclave-base", &[]),
    ("conclave-protocol", &["conclave-base"]),
    ("conclave-media-crypto", &["conclave-base"]),
    ("conclave-mls", &["conclave-base", "conclave-protocol"]),
    ("conclave-session", &["conclave-base", "conclave-protocol", "conclave-media-crypto", "conclave-mls"]),
    ("conclave-delivery", &["conclave-base", "conclave-protocol"]),
    ("conclave-admission", &["conclave-base", "conclave-protocol", "conclave-delivery"]),
    ("conclave-sfu", &["conclave-base"]),
    ("conclave-rtc", &["conclave-base", "conclave-sfu"]),
    ("conclave-livekit-proto", &["conclave-base"]),
    ("conclave-livekit-server", &["conclave-base", "conclave-livekit-proto", "conclave-sfu"]),
    ("conclave-livekit-client", &["conclave-base", "conclave-livekit-proto", "conclave-rtc"]),
    ("conclave-wasm", &["conclave-base", "conclave-protocol", "conclave-media-crypto", "conclave-session"]),
    ("conclave-codecs", &[]),
    (
        "conclave-server",
        &[
            "conclave-base",
            "conclave-protocol",
            "conclave-admission",
            "conclave-livekit-server",
            "conclave-rtc",
            "conclave-sfu",
            "conclave-livekit-proto",
        ],
    ),
    (
        "conclave-cli",
        &[
            "conclave-base",
            "conclave-protocol",
            "conclave-session",
            "conclave-media-crypto",
            "conclave-livekit-client",
            "conclave-livekit-proto",
            "conclave-rtc",
            "conclave-codecs",
        ],
    ),
];

/// Foreign crates with one home: nobody else of ours may name them.
const HOMES: &[(&str, &str)] = &[
    ("openmls", "conclave-mls"),
    ("sframe", "conclave-media-crypto"),
    ("str0m", "conclave-rtc"),
    ("livekit-protocol", "conclave-livekit-proto"),
    ("wasm-bindgen", "conclave-wasm"),
    ("rusqlite", "conclave-server"),
    ("axum", "conclave-server"),
    ("env-libvpx-sys", "conclave-codecs"),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .exec()
        .expect("cargo metadata works in a checkout")
}

/// Names of all that a crate's normal dependencies reach; ours as `ours/name`, since a foreign crate may be called the same.
fn reach(metadata: &Metadata, from: &str) -> BTreeSet<String> {
    let names: BTreeMap<&PackageId, &str> = metadata.packages.iter().map(|p| (&p.id, p.name.as_str())).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.as_ref().expect("resolved").nodes.iter().map(|n| (&n.id, n)).collect();
    let start = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == from).expect("a workspace member");
    let mut todo = vec![&start.id];
    let mut seen = BTreeSet::new();
    while let Some(id) = todo.pop() {
        for dep in &nodes[id].deps {
            let normal = dep.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal);
            if normal && seen.insert(&dep.pkg) {
                todo.push(&dep.pkg);
            }
        }
    }
    let ours = |id: &PackageId| metadata.workspace_members.contains(id);
    seen.into_iter().map(|id| if ours(id) { format!("ours/{}", names[id]) } else { names[id].to_owned() }).collect()
}

#[test]
fn the_server_links_nothing_that_could_decrypt() {
    let reached = reach(&metadata(), "conclave-server");
    for forbidden in [
        "ours/conclave-mls",
        "ours/conclave-media-crypto",
        "ours/conclave-session",
        "ours/conclave-livekit-client",
        "openmls",
        "sframe",
        "ours/conclave-cli",
        "ours/conclave-wasm",
    ] {
        assert!(!reached.contains(forbidden), "the server binary links {forbidden}: it must not be able to decrypt");
    }
    assert!(
        reached.contains("ours/conclave-admission") && reached.contains("ours/conclave-livekit-server"),
        "the walk over the dependency graph sees what is there"
    );
}

#[test]
fn a_client_does_link_what_decrypts() {
    // The same walk on the client must find what it must not find on the server, or the test above could not fail.
    let reached = reach(&metadata(), "conclave-cli");
    for needed in ["ours/conclave-mls", "ours/conclave-media-crypto", "ours/conclave-session", "openmls", "sframe"] {
        assert!(reached.contains(needed), "expected the client to link {needed}");
    }
}

#[test]
fn crates_depend_only_on_what_the_plan_allows() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let plan: BTreeMap<_, _> = PLAN.iter().copied().collect();
    for package in metadata.workspace_packages() {
        let Some(allowed) = plan.get(package.name.as_str()) else {
            let path = package.manifest_path.as_str();
            assert!(path.contains("/tests/") || path.contains("/xtask/"), "{} is not in the plan", package.name);
            continue;
        };
        for dep in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal && ours.contains(&d.name)) {
            assert!(allowed.contains(&dep.name.as_str()), "{} -> {} is not in the plan", package.name, dep.name);
        }
    }
}

#[test]
fn foreign_crates_have_one_home() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        if package.manifest_path.as_str().contains("/tests/") {
            continue;
        }
        for (foreign, home) in HOMES {
            let names_it = package.dependencies.iter().any(|d| d.kind == DependencyKind::Normal && !d.optional && d.name == *foreign);
            assert!(!names_it || package.name.as_str() == *home, "{foreign} is at home in {home}, not in {}", package.name);
        }
    }
}

#[test]
fn no_build_switches_sealing_off_unless_it_is_told_to() {
    let unsealed = |feature: &String| feature.contains("unsealed");
    let mut can = BTreeSet::new();
    for package in metadata().workspace_packages() {
        // Features of dependencies join within a workspace build: one package that asks would unseal the client of all.
        assert!(!package.dependencies.iter().any(|d| d.features.iter().any(unsealed)), "{} switches sealing off", package.name);
        for (feature, implied) in &package.features {
            assert!(unsealed(feature) || !implied.iter().any(unsealed), "{feature} of {} switches sealing off", package.name);
            can.extend(unsealed(feature).then(|| package.name.to_string()));
        }
        for target in package.targets.iter().filter(|t| t.name.contains("unsealed")) {
            assert!(target.required_features.iter().any(unsealed), "{} is built without being asked for", target.name);
        }
    }
    assert_eq!(
        can.iter().map(String::as_str).collect::<Vec<_>>(),
        ["conclave-cli", "conclave-media-crypto", "conclave-session"],
        "only these know the word"
    );
}

#[test]
fn a_client_that_seals_nothing_compiles_neither_for_browsers_nor_under_the_clients_name() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let guards = [
        ("core/client/media_crypto/src/lib.rs", "#[cfg(all(feature = \"canary-unsealed\", target_arch = \"wasm32\"))]\ncompile_error!"),
        ("core/client/session/src/lib.rs", "#[cfg(all(feature = \"canary-unsealed\", target_arch = \"wasm32\"))]\ncompile_error!"),
        ("apps/cli/src/main.rs", "#[cfg(feature = \"canary-unsealed\")]\ncompile_error!"),
    ];
    for (file, guard) in guards {
        let text = std::fs::read_to_string(format!("{root}/{file}")).expect("a source file");
        assert!(text.contains(guard), "{file} no longer refuses to be built with sealing switched off");
    }
}
