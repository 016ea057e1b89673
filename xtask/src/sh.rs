//! Starting programs and saying so.

use std::io::{self, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail};

/// A line of progress on standard error, so that standard output stays for results.
pub(crate) fn say(text: &str) {
    eprintln!("\x1b[1m› {text}\x1b[0m");
}

/// Runs to the end, output shown; an exit code other than 0 is an error that names the program.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = describe(command);
    let status = command.status().with_context(|| format!("{name}: cannot be started"))?;
    succeeded(&name, status)
}

/// As [`run`], with a line before and the time it took after.
pub(crate) fn step(title: &str, command: &mut Command) -> anyhow::Result<()> {
    say(title);
    let start = Instant::now();
    run(command)?;
    say(&format!("{title}: {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// Each as a [`step`], `at_once` of them at a time; what one prints comes when it is over. All that were begun are waited for.
pub(crate) fn steps(steps: Vec<(String, Command)>, at_once: usize) -> anyhow::Result<()> {
    let queue = Mutex::new(steps.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((title, mut command)) = next() {
            if let Err(error) = quiet_step(&title, &mut command) {
                // Nobody begins another.
                while next().is_some() {}
                return Err(error);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a step panicked")))
    })
}

fn quiet_step(title: &str, command: &mut Command) -> anyhow::Result<()> {
    let start = Instant::now();
    let name = describe(command);
    let output = command.output().with_context(|| format!("{name}: cannot be started"))?;
    say(title);
    io::stdout().write_all(&output.stdout)?;
    io::stderr().write_all(&output.stderr)?;
    succeeded(&name, output.status)?;
    say(&format!("{title}: {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// As [`step`], and what it prints on standard output.
pub(crate) fn read(title: &str, command: &mut Command) -> anyhow::Result<String> {
    say(title);
    let start = Instant::now();
    let name = describe(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("{name}: cannot be started"))?;
    succeeded(&name, output.status)?;
    say(&format!("{title}: {:.0} s", start.elapsed().as_secs_f64()));
    String::from_utf8(output.stdout).with_context(|| format!("{name}: not text"))
}

/// What it prints, if it can be started and succeeds.
pub(crate) fn output(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).stderr(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

fn succeeded(name: &str, status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(())
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    // A script among the arguments would bury them.
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()).filter(|a| !a.contains('\n')));
    words.truncate(8);
    words.join(" ")
}
