//! The bundle's folder must exist for the embedding to compile; without `cargo xtask web` it is empty, and the page says so.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=../web/dist");
    std::fs::create_dir_all("../web/dist")
}
