//! How long what may take. Each is a promise: a change here is a change of what we say of the product.

use std::time::Duration;

/// From the moment when all faults have healed until all who are inside agree on everything and hear each other.
pub(crate) const SETTLE: Duration = Duration::from_secs(60);
/// The last part of it, in which everybody must have heard everybody.
pub(crate) const PROBE: Duration = Duration::from_secs(4);
/// Two screens that claim one whole meeting differ no longer than this: what is withheld is noticed within 10 s of log time.
pub(crate) const DIFFER: Duration = Duration::from_secs(12);
/// After an undisturbed member learned of a leave or a loss, it seals under the old epoch for at most this long.
pub(crate) const OVERLAP: Duration = Duration::from_millis(2500);
/// The same after a removal, in two workers.
pub(crate) const REMOVAL: Duration = Duration::from_millis(60);
/// From a leave or a removal until undisturbed members have learned of it.
pub(crate) const LEARNED: Duration = Duration::from_secs(3);
/// The same after a loss, at the latest by ten seconds of silence in the log, of which a gap of three, from one heartbeat of the only one left to its
/// next, counts as 2.5. (A server that pings tells sooner; the one that lies pings nobody.)
pub(crate) const LOSS_LEARNED: Duration = Duration::from_secs(18);
/// Lines that wait for the log of a server that began anew wait so long for those who were there. Whoever is back later lacks them.
pub(crate) const COMING_BACK: Duration = Duration::from_secs(10);
/// Whatever a server does: a screen that claims one whole meeting is right, or was less than this ago.
pub(crate) const AGREE: Duration = Duration::from_secs(12);
/// Whatever a server does: nothing is sealed when nothing proved for so long that the group lives and hears.
pub(crate) const LIFE: Duration = Duration::from_millis(10_300);
/// A forger who is heard for this long without a pause is told: five seconds until a list of the victim shows that it has not come so far; 0.6 s for
/// that list, which goes with every other frame, and as much again when the line loses one; 0.6 s in which another one may name the frame; a frame
/// at 300 ms by which that is noticed; and twice 150 ms by which the ways of two frames differ.
pub(crate) const FORGED: Duration = Duration::from_millis(7_500);
/// Whose clock stood still with the machine learns of it by the first word that was said so long after it fell asleep.
pub(crate) const NOTICED: Duration = Duration::from_secs(8);
/// From there to the worker that seals.
pub(crate) const TOLD_WORKERS: Duration = Duration::from_millis(300);
/// A snapshot that is of no use to newcomers is followed by another within this.
pub(crate) const SNAPSHOT: Duration = Duration::from_secs(10);
/// What happened this long ago may still be told.
pub(crate) const TOLD: Duration = Duration::from_secs(120);
/// The longest way of a message on a line that is not cut.
pub(crate) const UNDER_WAY: Duration = Duration::from_secs(2);
/// A media server keeps whoever ended without a word for less than this.
pub(crate) const LINGERS: Duration = Duration::from_secs(60);
