use conclave_base::Queue;
use conclave_protocol::ws::ClientMessage;

use crate::Output;
use crate::media_flags::MediaFlags;
use crate::rng::Rng;
use crate::screen::Screen;

/// Outputs that wait for the shell; it drains them after every input.
const OUTPUTS: usize = 4096;
/// Of them what becomes of received frames: all that wait for an epoch in the largest meeting come out together.
const MEDIA_OUTPUTS: usize = 65_536;

/// What every stage may use: outputs, the page's state, randomness, and what the own media is.
pub(crate) struct Context {
    outputs: Queue<Output>,
    media_outputs: Queue<Output>,
    pub(crate) screen: Screen,
    pub(crate) rng: Rng,
    pub(crate) own_media: MediaFlags,
}

impl Context {
    pub(crate) fn new(rng: Rng) -> Self {
        Self {
            outputs: Queue::new(OUTPUTS),
            media_outputs: Queue::new(MEDIA_OUTPUTS),
            screen: Screen::default(),
            rng,
            own_media: MediaFlags::default(),
        }
    }

    /// Asks the shell for something. A shell that does not drain loses outputs: the connection then fails and is built anew.
    pub(crate) fn emit(&mut self, output: Output) {
        let _ = self.outputs.push(output);
    }

    pub(crate) fn send(&mut self, message: &ClientMessage) {
        self.emit(Output::Send(message.encode()));
    }

    /// As [`Self::emit`], for received frames, which may be many and push nothing else out.
    pub(crate) fn emit_media(&mut self, output: Output) {
        let _ = self.media_outputs.push(output);
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop().or_else(|| self.media_outputs.pop())
    }
}
