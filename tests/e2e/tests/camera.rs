//! Two people compare their code by QR code and camera.

use conclave_kit::{Identity, Script, Server, create};

#[test]
fn what_the_camera_reads_from_the_others_screen_marks_the_other_and_nothing_else_does() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let kims = Identity::new()?;
    let _kim = kims.join(&link, "Kim Adeyemi")?;
    Script::start("tests/e2e/scenes/camera.mjs", &[("LINK", &link)])?.end()
}
