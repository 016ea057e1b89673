use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::{Lines, PATIENCE, address, free_tcp_port, free_udp_port, program};

/// A running `conclave serve` with a data folder of its own; killed on drop.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// What it printed on standard output.
    pub output: Lines,
    /// What it logged, on standard error, if it was started by [`Server::start_logging`]; else that is shown with the test's own output.
    log: Option<Lines>,
    /// Where the page is: `http://localhost:PORT`.
    pub url: String,
    /// Port of the page.
    pub port: u16,
    /// UDP port of the media server.
    pub media_port: u16,
    /// Its data folder.
    pub data: TempDir,
}

impl Server {
    /// LiveKit API key that tests give it.
    pub const KEY: &str = "test-key";
    /// LiveKit API secret that tests give it: what a hostile operator knows.
    pub const SECRET: &str = "test-secret-of-thirty-two-bytes!";

    /// Starts it and waits until it answers.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_program("conclave")
    }

    /// As [`Server::start`], with another build of the program.
    pub fn start_program(name: &str) -> anyhow::Result<Self> {
        Self::launch(Command::new(program(name)), name)
    }

    /// As [`Server::start`], but what it logs from `level` on is kept for [`Server::end`].
    pub fn start_logging(level: &str) -> anyhow::Result<Self> {
        let name = "conclave";
        let mut command = Command::new(program(name));
        command.env("CONCLAVE_LOG", level).stderr(Stdio::piped());
        Self::launch(command, name)
    }

    fn launch(mut command: Command, name: &str) -> anyhow::Result<Self> {
        let (port, media_port) = (free_tcp_port()?, free_udp_port()?);
        let data = TempDir::new()?;
        let (child, output) = Self::spawn(&mut command, name, (port, media_port), &data)?;
        let mut server = Self { child, output, log: None, url: format!("http://localhost:{port}"), port, media_port, data };
        server.log = server.child.stderr.take().map(|errors| Lines::of(errors, None));
        server.until_it_answers()?;
        Ok(server)
    }

    fn spawn(command: &mut Command, name: &str, (port, media_port): (u16, u16), data: &TempDir) -> anyhow::Result<(Child, Lines)> {
        let mut child = command
            .args([
                "serve",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--media-port",
                &media_port.to_string(),
                "--media-address",
                &address(),
            ])
            .arg("--data")
            .arg(data.path())
            .env("CONCLAVE_LIVEKIT_KEY", Self::KEY)
            .env("CONCLAVE_LIVEKIT_SECRET", Self::SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {name}; build it first: cargo build -p server -p cli"))?;
        let output = Lines::of(child.stdout.take().context("its output")?, None);
        Ok((child, output))
    }

    fn until_it_answers(&mut self) -> anyhow::Result<()> {
        self.output.wait("the server answers", PATIENCE, |line| line.contains("http://").then_some(()))
    }

    /// Ends it as a power cut does.
    pub fn crash(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// After [`Server::crash`]: starts it again, on the same ports and data.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let name = "conclave";
        let ports = (self.port, self.media_port);
        (self.child, self.output) = Self::spawn(&mut Command::new(program(name)), name, ports, &self.data)?;
        self.until_it_answers()
    }

    /// Ends it as an operator does; gives everything that it ever printed, and logged, if that is kept. Its data folder stays.
    pub fn end(&mut self) -> anyhow::Result<String> {
        let asked = Command::new("kill").arg(self.pid().to_string()).status().context("starting kill")?;
        ensure!(asked.success(), "the server was gone already");
        self.child.wait()?;
        let log = self.log.as_mut().map(Lines::whole).unwrap_or_default();
        Ok([self.output.whole(), log].concat().join("\n"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
