use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Permission, Queue, Secret, Time};
use conclave_media_crypto::CryptorInput;
use conclave_protocol::ws::ClientMessage;

use crate::Output;
use crate::ending::Ending;
use crate::join_memory::JoinMemory;
use crate::media_flags::MediaFlags;
use crate::people::People;
use crate::rng::Rng;
use crate::screen::Screen;
use crate::software::SoftwareMonitor;

/// Outputs that wait for the shell; it drains them after every input.
const OUTPUTS: usize = 4096;
/// The frame cryptor is told of a longer time to seal in steps of this.
const PROLONGED: Duration = Duration::from_secs(1);
/// A server that shows different logs again within this is left.
const HEAL_EVERY: Duration = Duration::from_secs(60);

/// What every stage may use: outputs, the page's state, randomness, and what the own media is.
pub(crate) struct Context {
    outputs: Queue<Output>,
    pub(crate) screen: Screen,
    pub(crate) rng: Rng,
    /// [`crate::Config::signer`], until this client joins.
    pub(crate) signer: Option<Secret<32>>,
    pub(crate) memory: JoinMemory,
    pub(crate) people: People,
    pub(crate) software: SoftwareMonitor,
    pub(crate) own_media: MediaFlags,
    pub(crate) ending: Ending,
    /// What the meeting's policy does not let this client do.
    denied: BTreeSet<Permission>,
    /// Until when what the user has on may be sealed, as far as is known.
    may_speak: Option<Time>,
    /// Whether sound flows while the microphone is off, so that nobody sees that it is.
    hides_speech: bool,
    /// What the frame cryptor was last told to seal: microphone, camera, screen, and silence for a microphone that is off.
    sources: [bool; 4],
    /// And until when.
    sources_until: Time,
    /// When this client last entered the meeting anew because the server showed it another log than others.
    healed: Option<Time>,
    /// Whether the frame cryptor was given keys that it has still.
    has_media_keys: bool,
}

impl Context {
    pub(crate) fn new(rng: Rng, signer: Option<Secret<32>>, people: People, software: SoftwareMonitor) -> Self {
        let (outputs, mut screen, own_media) = (Queue::new(OUTPUTS), Screen::default(), MediaFlags::default());
        screen.set(|s| &mut s.device, people.device().is_some());
        Self {
            outputs,
            screen,
            rng,
            signer,
            memory: JoinMemory::default(),
            people,
            software,
            own_media,
            ending: Ending::default(),
            denied: BTreeSet::new(),
            may_speak: None,
            hides_speech: false,
            sources: [false; 4],
            sources_until: Time::ZERO,
            healed: None,
            has_media_keys: false,
        }
    }

    /// The user wants to be known again by this device key, or not.
    pub(crate) fn set_device(&mut self, device: Option<Secret<32>>) {
        self.screen.set(|s| &mut s.device, device.is_some());
        self.people.set_device(device);
    }

    /// Asks the shell for something. A shell that does not drain loses outputs: the connection then fails and is built anew.
    pub(crate) fn emit(&mut self, output: Output) {
        let _ = self.outputs.push(output);
    }

    /// Whether to enter the meeting anew, after the server showed different logs: not again and again.
    pub(crate) fn may_heal(&mut self, now: Time) -> bool {
        let may = self.healed.is_none_or(|at| now >= at + HEAL_EVERY);
        self.healed = Some(now);
        may
    }

    /// The frame cryptor seals what the user has on until this moment, or nothing.
    pub(crate) fn set_may_speak(&mut self, until: Option<Time>) {
        self.may_speak = until;
        self.tell_sources();
    }

    /// What the meeting's policy says of it.
    pub(crate) fn set_hides_speech(&mut self, hides_speech: bool) {
        self.hides_speech = hides_speech;
        self.screen.set(|s| &mut s.hides_speech, hides_speech);
        self.tell_sources();
    }

    /// The own media as far as the server may see when it changes.
    pub(crate) fn visible_media(&self) -> MediaFlags {
        self.own_media.visible(self.hides_speech)
    }

    /// The user switched something on or off. Gives whether all of it is permitted; what is not stays off.
    pub(crate) fn set_own_media(&mut self, own_media: MediaFlags) -> bool {
        self.own_media = own_media.permitted(&self.denied);
        self.tell_sources();
        self.own_media == own_media
    }

    pub(crate) const fn denied(&self) -> &BTreeSet<Permission> {
        &self.denied
    }

    /// What the meeting's policy does not let this client do is off from now on, and is not on again by itself when it may.
    pub(crate) fn set_denied(&mut self, denied: BTreeSet<Permission>) {
        let may_speak = !self.denied.contains(&Permission::Speak);
        self.denied = denied;
        if may_speak && self.denied.contains(&Permission::Speak) {
            self.mute();
        }
        self.own_media = self.own_media.permitted(&self.denied);
        self.tell_sources();
    }

    /// The microphone is off until the user switches it on again. Gives whether it was on, as far as the page has told.
    pub(crate) fn mute(&mut self) -> bool {
        let mutes = self.screen.snapshot.mutes.saturating_add(1);
        self.screen.set(|s| &mut s.mutes, mutes);
        let was_on = std::mem::take(&mut self.own_media.mic);
        self.tell_sources();
        was_on
    }

    fn tell_sources(&mut self) {
        let MediaFlags { mic, camera, screen } = self.own_media;
        let sources = [mic, camera, screen, self.hides_speech].map(|on| on && self.may_speak.is_some());
        let until = self.may_speak.unwrap_or(Time::ZERO);
        let is_longer = sources != [false; 4] && until >= self.sources_until + PROLONGED;
        if sources != self.sources || is_longer {
            (self.sources, self.sources_until) = (sources, until);
            let [mic, camera, screen, silence] = sources;
            self.emit(Output::Cryptor(CryptorInput::SourcesOn { mic, camera, screen, silence, until }));
        }
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
        self.set_may_speak(None);
        self.denied.clear();
        if std::mem::take(&mut self.has_media_keys) {
            self.emit(Output::Cryptor(CryptorInput::Clear));
        }
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop()
    }
}
