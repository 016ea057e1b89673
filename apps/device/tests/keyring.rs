//! Against a real keyring, on a session bus of its own: GNOME's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use conclave_device::identity::Identity;
use conclave_device::passphrase;

/// Without a folder of services: the bus starts no keyring by itself.
const BUS: &str = "<busconfig><type>session</type><listen>unix:path=PATH</listen><auth>EXTERNAL</auth><policy context='default'>\
    <allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/></policy></busconfig>";

/// A bus and a keyring, until it is dropped.
struct Session {
    address: String,
    programs: Vec<Child>,
}

impl Session {
    fn start(home: &Path) -> Self {
        let config = home.join("bus.conf");
        std::fs::write(&config, BUS.replace("PATH", &home.join("bus").display().to_string())).expect("written");
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--config-file={}", config.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon is installed");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().expect("piped")).read_line(&mut address).expect("it says its address");
        Self { address: address.trim().to_owned(), programs: vec![bus] }
    }

    fn command(&self, program: &Path, home: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env("HOME", home).env("XDG_RUNTIME_DIR", home).env_remove("XDG_DATA_HOME");
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Opens the keyring with its user's password; it says so once it is there.
    fn start_keyring(&mut self, home: &Path) {
        let mut command = self.command(Path::new("gnome-keyring-daemon"), home);
        command.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keyring = command.spawn().expect("gnome-keyring-daemon is installed");
        keyring.stdin.take().expect("piped").write_all(b"the user's password").expect("it reads");
        let mut line = String::new();
        BufReader::new(keyring.stdout.take().expect("piped")).read_line(&mut line).expect("it starts");
        self.programs.push(keyring);
    }

    /// Runs one of the tests below in this session.
    fn run(&self, test: &str, home: &Path) -> bool {
        let mut command = self.command(&std::env::current_exe().expect("this program"), home);
        command.args(["--exact", test, "--ignored", "--nocapture"]).status().expect("started").success()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for program in &mut self.programs {
            drop(program.kill());
            drop(program.wait());
        }
    }
}

#[test]
fn an_identity_is_sealed_by_what_the_keyring_keeps() {
    let home = tempfile::tempdir().expect("folder");
    let home = home.path();
    let mut session = Session::start(home);
    assert!(session.run("in_a_session_without_a_keyring", home));
    session.start_keyring(home);
    assert!(session.run("in_a_session_with_a_keyring", home));
    // Another process finds it again.
    assert!(session.run("in_the_same_session_later", home));
    let other = tempfile::tempdir().expect("folder");
    std::fs::copy(home.join("identity"), other.path().join("identity")).expect("copied");
    let mut session = Session::start(other.path());
    session.start_keyring(other.path());
    assert!(session.run("in_the_session_of_somebody_else", other.path()));
}

fn open() -> anyhow::Result<Identity> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let path = std::env::home_dir().expect("HOME is set").join("identity");
    Identity::open(&path, &runtime.block_on(passphrase::of(&path, None))?)
}

#[test]
#[ignore = "run by the test above"]
fn in_a_session_without_a_keyring() {
    let error = open().err().expect("there is none");
    assert!(error.to_string().contains("there is no keyring"), "{error:#}");
}

#[test]
#[ignore = "run by the test above"]
fn in_a_session_with_a_keyring() {
    let made = open().expect("made");
    let read = open().expect("read");
    assert_eq!(made.device(), read.device());
}

#[test]
#[ignore = "run by the test above"]
fn in_the_same_session_later() {
    open().expect("the same passphrase");
}

#[test]
#[ignore = "run by the test above"]
fn in_the_session_of_somebody_else() {
    let error = open().err().expect("another keyring");
    assert!(error.to_string().contains("has no passphrase"), "{error:#}");
}
