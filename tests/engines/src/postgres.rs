use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::{free_tcp_port, signal, until};

/// Who runs it when a test runs as root, as it refuses to.
const USER: &str = "postgres";
const PASSWORD: &str = "a-password-of-the-test";

/// A PostgreSQL server with a folder of its own, empty when it begins; killed on drop.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    programs: PathBuf,
    data: TempDir,
    port: u16,
}

impl Postgres {
    /// Makes its folder, starts it and waits until it answers.
    pub fn start() -> anyhow::Result<Self> {
        let programs = programs().context("PostgreSQL is missing: apt-get install postgresql")?;
        let data = TempDir::new()?;
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o755))?;
        let [cluster, password] = ["cluster", "password"].map(|name| data.path().join(name));
        std::fs::create_dir(&cluster)?;
        std::fs::write(&password, PASSWORD)?;
        if is_root(data.path())? {
            let owned = Command::new("chown").arg(USER).args([&cluster, &password]).status().context("chown")?;
            ensure!(owned.success(), "there is no user {USER}: {owned}");
        }
        let mut initdb = command(&programs.join("initdb"), data.path())?;
        initdb.arg("--pgdata").arg(&cluster).arg("--pwfile").arg(&password);
        initdb.args(["--username=conclave", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let made = initdb.output().context("initdb")?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_tcp_port()?;
        let child = spawn(&programs, data.path(), port)?;
        let postgres = Self { child, programs, data, port };
        postgres.until_it_answers()?;
        Ok(postgres)
    }

    /// For `conclave serve --database`.
    pub fn url(&self) -> String {
        format!("postgres://conclave:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// All that it keeps, and logs of what it is asked.
    pub fn folder(&self) -> &Path {
        self.data.path()
    }

    /// What nobody may read in a log.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Ends it as a power cut does.
    pub fn crash(&mut self) -> anyhow::Result<()> {
        signal("KILL", self.child.id())?;
        self.child.wait()?;
        Ok(())
    }

    /// After [`Self::crash`]: starts it again, with the same folder and port.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let pid = self.data.path().join("cluster/postmaster.pid");
        // Its number may be another program's by now.
        std::fs::remove_file(pid).context("the file that names its process")?;
        self.child = spawn(&self.programs, self.data.path(), self.port)?;
        self.until_it_answers()
    }

    /// It stays, and does nothing any more.
    pub fn pause(&self) -> anyhow::Result<()> {
        signal("STOP", self.child.id())
    }

    /// After [`Self::pause`].
    pub fn resume(&self) -> anyhow::Result<()> {
        signal("CONT", self.child.id())
    }

    fn until_it_answers(&self) -> anyhow::Result<()> {
        let ready = self.programs.join("pg_isready");
        let port = self.port.to_string();
        until("PostgreSQL answers", || {
            let asked = Command::new(&ready).args(["--quiet", "--host=127.0.0.1", "--port", &port]).status().context("pg_isready")?;
            Ok(asked.success())
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = signal("KILL", self.child.id());
        let _status = self.child.wait();
    }
}

fn spawn(programs: &Path, data: &Path, port: u16) -> anyhow::Result<Child> {
    let cluster = data.join("cluster");
    let mut postgres = command(&programs.join("postgres"), data)?;
    postgres.arg("-D").arg(&cluster).args(["-p", &port.to_string()]);
    let folder = format!("unix_socket_directories={}", cluster.display());
    let small = ["listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=16MB", "max_connections=40"];
    for setting in small.into_iter().chain(["logging_collector=on", "log_statement=all", &folder]) {
        postgres.args(["-c", setting]);
    }
    postgres.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("postgres")
}

/// `program`, by a user that it accepts.
fn command(program: &Path, data: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    if is_root(data)? {
        command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
    }
    command.current_dir(data);
    Ok(command)
}

/// Whether who made this folder is root.
fn is_root(folder: &Path) -> anyhow::Result<bool> {
    Ok(folder.metadata()?.uid() == 0)
}

/// Where its programs are: Debian has them in a folder for each version.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    folders.extend((14..=20).rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))));
    folders.into_iter().find(|folder| ["initdb", "postgres", "pg_isready"].iter().all(|program| folder.join(program).is_file()))
}
