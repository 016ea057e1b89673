use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_base::Redacted;
use conclave_engines::{LiveKit, Settings};
use conclave_livekit_proto::{Access, ApiKey, Grants};
use tempfile::TempDir;

use crate::{PATIENCE, Stdout, address, free_tcp_port, free_udp_port, now, program};

/// What people run.
const PROGRAM: &str = "conclave";
/// In its data folder: what all nodes have alike.
const SECRET: &str = "passphrase.key";
/// Longer than any test.
const TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A running `conclave serve` with a data folder of its own; killed on drop.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// What it printed on standard output.
    pub output: Stdout,
    /// What it logged, on standard error, if it was started by [`Server::start_with`]; else that is shown with the test's own output.
    log: Option<Stdout>,
    /// Where the page is: `http://localhost:PORT`.
    pub url: String,
    /// Port of the page.
    pub port: u16,
    /// UDP port of the media server.
    pub media_port: u16,
    /// Its data folder.
    pub data: TempDir,
    launcher: Launcher,
    arguments: Vec<String>,
    /// What carries its media, if that is another program: [`Server::start`] says when.
    pub livekit: Option<LiveKit>,
}

/// Makes the command that starts the program, without arguments.
struct Launcher(Box<dyn Fn() -> Command + Send>);

impl fmt::Debug for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Launcher")
    }
}

impl Server {
    /// LiveKit API key that tests give it.
    pub const KEY: &str = "test-key";
    /// LiveKit API secret that tests give it: what a hostile operator knows.
    pub const SECRET: &str = "test-secret-of-thirty-two-bytes!";

    /// Starts it and waits until it answers. If `CONCLAVE_TEST_LIVEKIT` names LiveKit's server, each one has one of those beside it, which carries its media.
    pub fn start() -> anyhow::Result<Self> {
        let program = program(PROGRAM);
        Self::launch(Launcher(Box::new(move || Command::new(&program))), "localhost", "127.0.0.1", &address(), true, None)
    }

    /// As [`Server::start`], with these variables of the environment; what it logs is kept for [`Server::end`]. If they name a LiveKit server, it has none of its own.
    pub fn start_with<const N: usize>(variables: [(&'static str, String); N]) -> anyhow::Result<Self> {
        Self::start_beside(None, variables)
    }

    /// As [`Server::start_with`], with the secret of another one, as several nodes have the same.
    pub fn start_beside(beside: Option<&Self>, variables: impl IntoIterator<Item = (&'static str, String)>) -> anyhow::Result<Self> {
        let (program, variables) = (program(PROGRAM), variables.into_iter().collect::<Vec<_>>());
        let has_own_livekit = variables.iter().all(|(name, _)| *name != "CONCLAVE_LIVEKIT");
        let launcher = Launcher(Box::new(move || {
            let mut command = Command::new(&program);
            command.envs(variables.iter().map(|(name, value)| (name, value))).stderr(Stdio::piped());
            command
        }));
        Self::launch(launcher, "localhost", "127.0.0.1", &address(), has_own_livekit, beside)
    }

    /// As [`Server::start`], but page and media are at this address, of the network in which `command` starts the program that it is given.
    pub fn start_in(address: &str, command: impl Fn(&Path) -> Command + Send + 'static) -> anyhow::Result<Self> {
        Self::launch(Launcher(Box::new(move || command(&program(PROGRAM)))), address, address, address, true, None)
    }

    fn launch(
        launcher: Launcher,
        host: &str,
        listen: &str,
        media: &str,
        has_own_livekit: bool,
        beside: Option<&Self>,
    ) -> anyhow::Result<Self> {
        let (port, media_port) = (free_tcp_port()?, free_udp_port()?);
        let data = TempDir::new()?;
        if let Some(beside) = beside {
            std::fs::copy(beside.data.path().join(SECRET), data.path().join(SECRET))?;
        }
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--listen={listen}:{port}"),
            format!("--media-port={media_port}"),
            format!("--media-address={media}"),
            format!("--data={}", data.path().display()),
        ];
        let program = std::env::var_os("CONCLAVE_TEST_LIVEKIT").filter(|_| has_own_livekit).map(PathBuf::from);
        let interface = if media == Ipv4Addr::LOCALHOST.to_string() { "lo" } else { "conclave0" };
        let settings = Settings { interface, key: Self::KEY, secret: Self::SECRET, makes_rooms: false, log: "debug" };
        let livekit = program.map(|program| LiveKit::start(&program, settings)).transpose()?;
        arguments.extend(livekit.iter().map(|livekit| format!("--livekit={}", livekit.url())));
        let (child, output) = spawn(&launcher, &arguments)?;
        let url = format!("http://{host}:{port}");
        let mut server = Self { child, output, log: None, url, port, media_port, data, launcher, arguments, livekit };
        server.log = server.child.stderr.take().map(|errors| Stdout::of(errors, None));
        server.until_it_answers()?;
        Ok(server)
    }

    /// A token of LiveKit's for an ordinary participant, as whoever has the secret can mint it.
    pub fn member_token(room: &str, identity: &str) -> anyhow::Result<String> {
        let access = Access { identity: Redacted::new(identity.to_owned()), grants: Grants::member(room.to_owned()), ..Access::default() };
        Ok(ApiKey::new(Self::KEY, Self::SECRET.as_bytes()).mint(&access, now(), TOKEN_LIFETIME)?)
    }

    /// Where the operator's own clients reach the media server.
    pub fn media_url(&self) -> String {
        self.livekit.as_ref().map_or_else(|| self.url.clone(), LiveKit::url)
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
        (self.child, self.output) = spawn(&self.launcher, &self.arguments)?;
        self.log = self.child.stderr.take().map(|errors| Stdout::of(errors, None));
        self.until_it_answers()
    }

    /// Ends it as an operator does; gives everything that it ever printed, and logged, if that is kept. Its data folder stays.
    pub fn end(&mut self) -> anyhow::Result<String> {
        self.ask_to_end()?;
        self.until_ended()?;
        let log = self.log.as_mut().map(Stdout::whole).unwrap_or_default();
        Ok([self.output.whole(), log].concat().join("\n"))
    }

    /// Asks it to end, as an operator does.
    pub fn ask_to_end(&self) -> anyhow::Result<()> {
        let asked = Command::new("kill").arg(self.pid().to_string()).status().context("starting kill")?;
        ensure!(asked.success(), "the server was gone already");
        Ok(())
    }

    /// Its process stands still, or goes on.
    pub fn pause(&self, still: bool) -> anyhow::Result<()> {
        let signal = if still { "-STOP" } else { "-CONT" };
        let done = Command::new("kill").args([signal, &self.pid().to_string()]).status()?;
        ensure!(done.success(), "the process is gone");
        Ok(())
    }

    /// Waits until it has ended.
    pub fn until_ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The status by which it answers a request.
    pub fn get(&self, path: &str) -> anyhow::Result<u16> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context("it does not listen")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")
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

fn spawn(Launcher(launcher): &Launcher, arguments: &[String]) -> anyhow::Result<(Child, Stdout)> {
    let mut child = launcher()
        .args(arguments)
        .env("CONCLAVE_LIVEKIT_KEY", Server::KEY)
        .env("CONCLAVE_LIVEKIT_SECRET", Server::SECRET)
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the server; build it first: cargo build -p conclave-server -p conclave-cli")?;
    let output = Stdout::of(child.stdout.take().context("its output")?, None);
    Ok((child, output))
}
