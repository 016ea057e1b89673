//! What people do, and what happens to them.

use std::time::Duration;

use crate::lie::Lie;
use crate::mallory::Misdeed;
use crate::order::Order;

/// Somebody with a device; 0 made the meeting and is its host.
pub type Person = usize;

/// How a line to the server is cut. Nobody is told: what is sent waits, as TCP has it, until the line is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing passes.
    Both,
    /// Nothing reaches the server.
    Up,
    /// Nothing comes from the server.
    Down,
}

/// Everything that can happen in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Opens the link and goes in, if not there already.
    Join(Person),
    /// Leaves.
    Leave(Person),
    /// Loads the page anew, and goes in at once.
    Reload(Person),
    /// The program dies; the kernel closes its sockets.
    Crash(Person),
    /// The machine is gone, and nobody is told.
    PowerOff(Person),
    /// The machine sleeps; with `stops`, its clock too.
    Sleep { who: Person, span: Duration, stops: bool },
    /// The page hangs, and its browser goes on to answer the server's pings.
    Freeze { who: Person, span: Duration },
    /// The line to the server is cut, and media do not pass.
    CutLine { who: Person, how: Cut, span: Duration },
    /// Media do not pass.
    CutMedia { who: Person, span: Duration },
    /// Another network: connections of before are dead without a word.
    ChangeNetwork(Person),
    /// Persons whose bit is set are cut from the server, all at once.
    Partition { who: u8, span: Duration },
    /// The server is killed, and starts again without any memory but its records.
    KillServer { span: Duration },
    /// The same, but it takes its leave.
    StopServer { span: Duration },
    /// The screen is not drawn.
    HideScreen { who: Person, span: Duration },
    /// Switches sources on or off.
    Media { who: Person, mic: bool, camera: bool, screen: bool },
    /// Writes a line.
    Chat(Person),
    /// The host removes somebody.
    Remove(Person),
    /// The host names the meeting while on the way in.
    Title,
    /// Compares the safety code with somebody, truly.
    Compare { who: Person, with: Person },
    /// The host removes the hostile member, if it is inside.
    Expel,
    /// Somebody who is a host orders something.
    Order { by: Person, what: Order },
    /// The server lies.
    Lie(Lie),
    /// The hostile member does what no client does.
    Misdeed(Misdeed),
    /// All faults heal; after a while all who are inside must agree on everything.
    Calm,
}

/// An action, and how long after the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Since the last step.
    pub after: Duration,
    /// What happens.
    pub action: Action,
}
