//! The bundle's folder must exist for the embedding to compile; without `cargo xtask web` it is empty, and the page says so.

fn main() -> std::io::Result<()> {
    // Only an optimised server has the page inside it; others read it when they are asked for it.
    let optimised = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo::rerun-if-changed={}", if optimised { "../web/dist" } else { "build.rs" });
    std::fs::create_dir_all("../web/dist")
}
