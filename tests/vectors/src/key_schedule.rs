use serde::Deserialize;

use crate::hex::Hex;
use crate::labels::{HASH, Labels, vector};
use crate::same;

#[derive(Deserialize)]
pub(crate) struct Vector {
    cipher_suite: u16,
    group_id: Hex,
    initial_init_secret: Hex,
    epochs: Vec<Epoch>,
}

#[derive(Deserialize)]
struct Epoch {
    tree_hash: Hex,
    commit_secret: Hex,
    psk_secret: Hex,
    confirmed_transcript_hash: Hex,
    group_context: Hex,
    joiner_secret: Hex,
    welcome_secret: Hex,
    init_secret: Hex,
    sender_data_secret: Hex,
    encryption_secret: Hex,
    exporter_secret: Hex,
    epoch_authenticator: Hex,
    external_secret: Hex,
    confirmation_key: Hex,
    membership_key: Hex,
    resumption_psk: Hex,
    external_pub: Hex,
    exporter: Exporter,
}

#[derive(Deserialize)]
struct Exporter {
    label: String,
    context: Hex,
    length: u16,
    secret: Hex,
}

/// The key schedule (RFC 9420, 8) is OpenMLS's own, and closed: here its steps are ours, on the primitives that OpenMLS is given.
pub(crate) fn check(it: &Vector) -> Result<(), String> {
    let ours = Labels::new();
    let mut init_secret = it.initial_init_secret.to_vec();
    for (number, epoch) in (0_u64..).zip(&it.epochs) {
        let context = [
            &1_u16.to_be_bytes()[..],
            &it.cipher_suite.to_be_bytes(),
            &vector(&it.group_id),
            &number.to_be_bytes(),
            &vector(&epoch.tree_hash),
            &vector(&epoch.confirmed_transcript_hash),
            &vector(b""),
        ]
        .concat();
        same("GroupContext", &context, &epoch.group_context)?;

        let joiner = ours.expand(&ours.0.extract(&init_secret, &epoch.commit_secret)?, "joiner", &context, HASH as u16)?;
        same("joiner_secret", &joiner, &epoch.joiner_secret)?;
        let secrets = Secrets::new(&ours, &joiner, &epoch.psk_secret, &context)?;
        same("welcome_secret", &secrets.welcome, &epoch.welcome_secret)?;
        for (label, expected) in [
            ("sender data", &epoch.sender_data_secret),
            ("encryption", &epoch.encryption_secret),
            ("exporter", &epoch.exporter_secret),
            ("authentication", &epoch.epoch_authenticator),
            ("external", &epoch.external_secret),
            ("confirm", &epoch.confirmation_key),
            ("membership", &epoch.membership_key),
            ("resumption", &epoch.resumption_psk),
            ("init", &epoch.init_secret),
        ] {
            same(label, &ours.derive(&secrets.epoch, label)?, expected)?;
        }
        same("external_pub", &ours.0.key_pair(&epoch.external_secret)?.1, &epoch.external_pub)?;
        let exporter = ours.derive(&epoch.exporter_secret, &epoch.exporter.label)?;
        let exported = ours.expand(&exporter, "exported", &ours.0.hash(&epoch.exporter.context)?, epoch.exporter.length)?;
        same("MLS-Exporter", &exported, &epoch.exporter.secret)?;
        init_secret = epoch.init_secret.to_vec();
    }
    Ok(())
}

/// What the joiner secret leads to.
pub(crate) struct Secrets {
    pub(crate) welcome: Vec<u8>,
    pub(crate) epoch: Vec<u8>,
}

impl Secrets {
    pub(crate) fn new(ours: &Labels, joiner: &[u8], psk: &[u8], context: &[u8]) -> Result<Self, String> {
        let member = ours.0.extract(joiner, psk)?;
        Ok(Self { welcome: ours.derive(&member, "welcome")?, epoch: ours.expand(&member, "epoch", context, HASH as u16)? })
    }
}
