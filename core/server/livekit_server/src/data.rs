//! Messages on data channels: from one participant to all others, or to those it names.

use conclave_base::Redacted;
use conclave_livekit_proto::frame;
use conclave_livekit_proto::proto::DataPacket;
use conclave_livekit_proto::proto::data_packet::Value;
use conclave_sfu::{Command, ParticipantId};

use crate::{Signalling, limits};

impl Signalling {
    /// Passes a message on, with its true sender written in.
    pub(crate) fn data(&mut self, participant_id: ParticipantId, reliable: bool, payload: &[u8]) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        let Ok(mut packet) = frame::decode_data(payload) else {
            self.counters.malformed += 1;
            return;
        };
        if !participant.access.grants.may_publish_data() || is_servers(&packet) {
            self.counters.refused += 1;
            return;
        }
        if reliable && packet.sequence > 0 {
            // After coming back a client sends again what it does not know to have arrived.
            if packet.sequence <= participant.last_reliable {
                return;
            }
            participant.last_reliable = packet.sequence;
        }
        let to = destinations(&mut packet);
        packet.participant_identity.clone_from(participant.access.identity.expose());
        packet.participant_sid.clone_from(&participant.sid);
        #[expect(deprecated, reason = "older clients read the sender there")]
        if let Some(Value::User(user)) = &mut packet.value {
            user.participant_identity.clone_from(&packet.participant_identity);
            user.participant_sid.clone_from(&packet.participant_sid);
        }
        let room = participant.room;
        let payload = frame::encode_data(&packet);
        let receivers = match to {
            None => self.others(participant_id),
            Some(to) => {
                let Some(room) = self.rooms.get(&room) else { return };
                let mut named: Vec<_> = to.iter().filter_map(|identity| room.identities.get(identity).copied()).collect();
                named.sort_unstable();
                named.dedup();
                named
            }
        };
        for to in receivers.iter().filter_map(|to| Some(self.participants.get(to)?.receives_on())).collect::<Vec<_>>() {
            self.command(Command::Data { to, reliable, payload: payload.clone() });
        }
    }
}

/// The identities named, `None` for all others. Receivers are not told who else got it.
fn destinations(packet: &mut DataPacket) -> Option<Vec<Redacted<String>>> {
    let mut named = std::mem::take(&mut packet.destination_identities);
    #[expect(deprecated, reason = "older clients name receivers there")]
    if let Some(Value::User(user)) = &mut packet.value {
        named.append(&mut user.destination_identities);
        user.destination_sids.clear();
    }
    named.truncate(limits::LISTED);
    (!named.is_empty()).then(|| named.into_iter().map(Redacted::new).collect())
}

/// Whether only a server says such things.
#[expect(deprecated, reason = "the message still exists")]
fn is_servers(packet: &DataPacket) -> bool {
    match &packet.value {
        Some(Value::Speaker(_)) | None => true,
        Some(
            Value::User(_)
            | Value::SipDtmf(_)
            | Value::Transcription(_)
            | Value::Metrics(_)
            | Value::ChatMessage(_)
            | Value::RpcRequest(_)
            | Value::RpcAck(_)
            | Value::RpcResponse(_)
            | Value::StreamHeader(_)
            | Value::StreamChunk(_)
            | Value::StreamTrailer(_)
            | Value::EncryptedPacket(_),
        ) => false,
    }
}
