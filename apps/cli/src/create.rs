//! `create`: makes a meeting, prints its link.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use conclave_base::{Redacted, Secret, hex};
use conclave_device::passphrase;
use conclave_protocol::http::ApiError;
use conclave_session::passphrase::{CHARS, STRONG_CHARS};
use conclave_session::{CreateError, Created, CreationWithPassphrase, NewMeeting};

use crate::args::Create;
use crate::{clock, http};

/// Asks the server to keep a new meeting; the link goes to stdout, the host's key to the asked file and nowhere else.
pub async fn run(args: &Create) -> anyhow::Result<()> {
    let server = args.server.trim_end_matches('/');
    if !server.starts_with("http://") && !server.starts_with("https://") {
        bail!("{server} is not the address of a server: it starts with https:// or http://");
    }
    let passphrase = match &args.passphrase_file {
        Some(file) => Some(passphrase::read(file)?),
        None if args.passphrase_stdin => Some(Redacted::new(first_line()?)),
        None => None,
    };
    let hosts_only: Vec<_> = args.hosts_only.iter().map(|what| what.permission()).collect();
    let meeting = NewMeeting {
        title: &args.title,
        hides_speech: !args.variable_bitrate,
        lobby: args.lobby,
        hosts_only: &hosts_only,
        mute_above: args.mute_above,
        limit: args.limit.unwrap_or(NewMeeting::default().limit),
    };
    let created = match passphrase {
        Some(passphrase) => create_with(server, meeting, passphrase.expose()).await?,
        None => conclave_session::create(meeting, &clock::seed()?)?,
    };
    if let Some(path) = &args.host_key_file {
        write_key(&mut new_key_file(path)?, path, &created.host)?;
    }
    let token = args.create_token_file.as_deref().map(read_token).transpose()?;
    let (status, body) = http::post_with(server, created.path, created.body, token).await.with_context(|| unreachable(server))?;
    if status != 201 {
        bail!("the server did not take the meeting: {}", why(status, &body));
    }
    #[expect(clippy::print_stdout, reason = "the link is what this command is for")]
    {
        println!("{}", created.link.url(server));
    }
    Ok(())
}

/// The server does its part of the passphrase first.
async fn create_with(server: &str, meeting: NewMeeting<'_>, passphrase: &str) -> anyhow::Result<Created> {
    let creation = match CreationWithPassphrase::new(meeting, passphrase, &clock::seed()?) {
        Err(CreateError::Passphrase) => {
            bail!("the passphrase is too short, or too much the same: take {CHARS} letters or more, better {STRONG_CHARS}")
        }
        creation => creation?,
    };
    let (status, body) = http::post(server, creation.path, creation.body.clone()).await.with_context(|| unreachable(server))?;
    if status != 200 {
        bail!("the server did not do its part of the passphrase: {}", why(status, &body));
    }
    Ok(creation.finish(&body)?)
}

pub(crate) fn unreachable(server: &str) -> String {
    format!("the server {server} cannot be reached: check the address, and that it runs")
}

pub(crate) fn why(status: u16, body: &[u8]) -> String {
    serde_json::from_slice::<ApiError>(body).map_or_else(|_| format!("HTTP status {status}"), |problem| problem.message)
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("no passphrase on stdin")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_token(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the token from {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// A new file that only its owner can read.
pub(crate) fn new_key_file(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write the host's key to {}: name a new file in a folder that you may write to", path.display()))
}

/// Hexadecimal.
pub(crate) fn write_key(file: &mut File, path: &Path, key: &Secret<32>) -> anyhow::Result<()> {
    let text = hex::encode(key.expose());
    writeln!(file, "{text}").with_context(|| format!("cannot write the host's key to {}", path.display()))
}

pub(crate) fn read_key(path: &Path) -> anyhow::Result<Secret<32>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the host's key from {}", path.display()))?;
    let key = hex::decode(&text.trim().to_ascii_lowercase());
    key.map(Secret::new).with_context(|| format!("{} holds no host's key: take the file that `create` wrote", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_comes_back_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("host.key");
        write_key(&mut new_key_file(&path).expect("a new file"), &path, &Secret::new([0xa7; 32])).expect("written");
        assert_eq!(read_key(&path).expect("read").expose(), &[0xa7; 32]);
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(new_key_file(&path).is_err(), "no key is overwritten");
        std::fs::write(&path, "short").expect("written");
        assert!(read_key(&path).is_err());
    }
}
