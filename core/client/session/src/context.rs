use conclave_base::Queue;
use conclave_media_crypto::CryptorInput;
use conclave_protocol::ws::ClientMessage;

use crate::Output;
use crate::media_flags::MediaFlags;
use crate::rng::Rng;
use crate::screen::Screen;

/// Outputs that wait for the shell; it drains them after every input.
const OUTPUTS: usize = 4096;

/// What every stage may use: outputs, the page's state, randomness, and what the own media is.
pub(crate) struct Context {
    outputs: Queue<Output>,
    pub(crate) screen: Screen,
    pub(crate) rng: Rng,
    pub(crate) own_media: MediaFlags,
    /// Whether the user speaks, as the shell said last. Others are told while the microphone is on.
    pub(crate) speaks: bool,
    /// Whether the frame cryptor was given keys that it has still.
    has_media_keys: bool,
}

impl Context {
    pub(crate) fn new(rng: Rng) -> Self {
        let (outputs, screen, own_media) = (Queue::new(OUTPUTS), Screen::default(), MediaFlags::default());
        Self { outputs, screen, rng, own_media, speaks: false, has_media_keys: false }
    }

    /// Asks the shell for something. A shell that does not drain loses outputs: the connection then fails and is built anew.
    pub(crate) fn emit(&mut self, output: Output) {
        let _ = self.outputs.push(output);
    }

    pub(crate) fn send(&mut self, message: &ClientMessage) {
        self.emit(Output::Send(message.encode()));
    }

    /// Gives the frame cryptor the keys of an epoch, or tells it that there are none.
    pub(crate) fn emit_media_keys(&mut self, epoch: CryptorInput) {
        self.has_media_keys = true;
        self.emit(Output::Cryptor(epoch));
    }

    /// There is no group, so there are no keys.
    pub(crate) fn clear_media_keys(&mut self) {
        if std::mem::take(&mut self.has_media_keys) {
            self.emit(Output::Cryptor(CryptorInput::Clear));
        }
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop()
    }
}
