//! The operator listening in: a participant with a token that it minted itself, who takes all that the media server forwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conclave_base::Source;
use conclave_kit::Server;
use conclave_kit::{Cue, Ghost};
use conclave_livekit_client::{Command, Event};

/// What came on each track, oldest first.
pub(crate) type Heard = BTreeMap<(String, Source), Vec<Arc<[u8]>>>;

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Eavesdropper {
    ghost: Ghost,
    heard: Arc<Mutex<Heard>>,
}

impl Eavesdropper {
    /// Subscribes to everything of `members` in the room of `link`.
    pub(crate) fn listen(server: &Server, link: &str, members: &[&str]) -> anyhow::Result<Self> {
        let ghost = Ghost::connect(server, link, "eavesdropper")?;
        let heard = Arc::new(Mutex::new(Heard::new()));
        let notes = Arc::clone(&heard);
        let members: BTreeSet<String> = members.iter().map(|m| (*m).to_owned()).collect();
        ghost.play(move |handle, cue| {
            let mut heard = notes.lock().unwrap_or_else(PoisonError::into_inner);
            match cue {
                Cue::Event(Event::Frame { identity, source, bytes, .. }) => {
                    heard.entry((identity, source)).or_default().push(bytes);
                    handle.report("heard");
                }
                Cue::Event(_) => {}
                Cue::Beat => {
                    handle.command(Command::SetSubscribed(members.clone()));
                    for identity in members.iter().filter(|m| !heard.contains_key(&((*m).clone(), Source::Camera))) {
                        handle.command(Command::RequestKeyFrame { identity: identity.clone(), source: Source::Camera });
                    }
                }
            }
        })?;
        Ok(Self { ghost, heard })
    }

    /// Until so many frames came on a track.
    pub(crate) fn until_heard(&self, identity: &str, source: Source, count: usize) -> anyhow::Result<()> {
        let track = (identity.to_owned(), source);
        while self.heard().get(&track).map_or(0, Vec::len) < count {
            self.ghost.until("heard")?;
        }
        Ok(())
    }

    /// Leaves; gives everything that came.
    pub(crate) fn stop(self) -> Heard {
        std::mem::take(&mut *self.heard())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
