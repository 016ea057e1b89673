//! The map and the house must agree: ARCHITECTURE.md against the folders and files that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn map() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md exists")
}

/// Words in backticks that look like a path of this repository.
fn paths(text: &str) -> Vec<String> {
    let tops = ["core/", "apps/", "bindings/", "tests/", "docs/", "xtask/"];
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(|p| p.split("::").next().unwrap_or(p))
        .map(|p| p.rsplit_once(':').filter(|(_, line)| line.parse::<usize>().is_ok()).map_or(p, |(path, _)| path).to_owned())
        .filter(|p| tops.iter().any(|t| p.starts_with(t)) && !p.contains([' ', '*']))
        .collect()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut documents =
        vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CONTRIBUTING.md"), root().join("SECURITY.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                documents.push(path);
            }
        }
    }
    let mut checked = 0;
    for document in documents {
        for path in paths(&fs::read_to_string(&document).expect("a document")) {
            assert!(root().join(&path).exists(), "{} names {path}, which does not exist", document.display());
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} paths were found: the reader of paths is broken");
}

#[test]
fn every_crate_is_on_the_map() {
    let map = map();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace manifest");
    let members: Vec<_> = manifest
        .lines()
        .skip_while(|l| !l.starts_with("members"))
        .skip(1)
        .take_while(|l| !l.starts_with(']'))
        .filter_map(|l| l.split('"').nth(1))
        .collect();
    assert!(members.len() > 15, "the reader of members is broken");
    for member in members {
        assert!(map.contains(&format!("`{member}/`")) || map.contains(&format!("`{member}`")), "{member} is not in ARCHITECTURE.md");
    }
}

#[test]
fn the_four_walks_have_at_most_ten_steps_each_with_a_file() {
    let map = map();
    for walk in ["### A join", "### A commit", "### A media packet", "### A chat message"] {
        let section = map.split(walk).nth(1).unwrap_or_else(|| panic!("{walk} is missing"));
        let section = section.split("\n#").next().unwrap_or(section);
        let steps: Vec<_> = section.lines().filter(|l| l.split('.').next().is_some_and(|n| n.parse::<u32>().is_ok())).collect();
        assert!((3..=10).contains(&steps.len()), "{walk} has {} steps", steps.len());
        for step in steps {
            assert!(!paths(step).is_empty(), "{walk}: a step without a file: {step}");
        }
    }
}

#[test]
fn each_step_of_a_road_names_the_line_where_its_function_begins() {
    let map = map();
    let roads = map.split("## Four roads").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the roads are there");
    let quoted: Vec<_> = roads.split('`').skip(1).step_by(2).collect();
    let mut checked = 0;
    for (place, name) in quoted.iter().zip(quoted.iter().skip(1)) {
        let Some((path, line)) = place.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse::<usize>().ok()?))) else {
            continue;
        };
        let source = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let there = source.lines().nth(line - 1).unwrap_or_default();
        let now: Vec<_> =
            source.lines().zip(1..).filter(|(text, _)| text.contains(&format!("fn {name}"))).map(|(_, n): (&str, usize)| n).collect();
        assert!(there.contains(name), "{place} says `{name}`, but reads `{}`; it is at {now:?}", there.trim());
        checked += 1;
    }
    assert!(checked > 30, "only {checked} steps were found: the reader of steps is broken");
}

#[test]
fn no_source_file_outgrows_1500_lines() {
    let mut sizes = Vec::new();
    let mut folders: Vec<_> = ["core", "apps", "bindings", "tests", "xtask"].map(|f| root().join(f)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !["node_modules", "dist", "wasm-out", "target"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|e| ["rs", "ts", "tsx", "mjs", "css"].contains(&e.to_string_lossy().as_ref()))
                && !path.ends_with("conclave.d.ts")
            {
                let lines = fs::read_to_string(&path).map_or(0, |t| t.lines().count());
                assert!(lines <= 1500, "{} has {lines} lines", path.display());
                sizes.push(lines);
            }
        }
    }
    sizes.sort_unstable();
    assert!(sizes[sizes.len() / 2] <= 250, "the median file has {} lines", sizes[sizes.len() / 2]);
    assert!(sizes[sizes.len() * 9 / 10] <= 800, "one file in ten has over {} lines", sizes[sizes.len() * 9 / 10]);
}

#[test]
fn every_attack_has_a_test_and_a_page() {
    let names = |folder: &str, extension: &str| -> BTreeSet<String> {
        fs::read_dir(root().join(folder))
            .expect("a folder")
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == extension))
            .filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().replace('-', "_")))
            .filter(|n| n != "README")
            .collect()
    };
    let mut pages = names("docs/security", "md");
    for suite in ["model", "simulator"] {
        assert!(pages.remove(suite), "the page of {suite}, which is about no single attack");
    }
    assert_eq!(names("tests/attacks/tests", "rs"), pages, "tests/attacks/tests/*.rs on the left, docs/security/*.md on the right");
}
