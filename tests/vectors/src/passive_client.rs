use conclave_mls::rfc9420::Joiner;
use serde::Deserialize;

use crate::hex::Hex;
use crate::same;

#[derive(Deserialize)]
pub(crate) struct Vector {
    external_psks: Vec<Psk>,
    key_package: Hex,
    signature_priv: Hex,
    encryption_priv: Hex,
    init_priv: Hex,
    welcome: Hex,
    ratchet_tree: Option<Hex>,
    initial_epoch_authenticator: Hex,
    epochs: Vec<Epoch>,
}

#[derive(Deserialize)]
struct Psk {
    psk_id: Hex,
    psk: Hex,
}

#[derive(Deserialize)]
struct Epoch {
    proposals: Vec<Hex>,
    commit: Hex,
    epoch_authenticator: Hex,
}

/// Somebody who comes in by Welcome and follows what the others do: tree, key schedule, transcript, PSKs, membership tags, all of it.
pub(crate) fn check(it: &Vector) -> Result<(), String> {
    let signature = <[u8; 32]>::try_from(&*it.signature_priv).map_err(|_| "signature_priv has another length")?;
    let joiner = Joiner::with_keys(&it.key_package, signature, &it.init_priv, &it.encryption_priv)?;
    for psk in &it.external_psks {
        joiner.know_psk(&psk.psk_id, &psk.psk)?;
    }
    let mut member = joiner.join(&it.welcome, it.ratchet_tree.as_deref())?;
    same("the first authenticator", &member.epoch_authenticator(), &it.initial_epoch_authenticator)?;
    for (number, epoch) in it.epochs.iter().enumerate() {
        for message in epoch.proposals.iter().chain([&epoch.commit]) {
            member.process(message).map_err(|error| format!("epoch {number}: {error}"))?;
        }
        same(&format!("the authenticator after commit {number}"), &member.epoch_authenticator(), &epoch.epoch_authenticator)?;
    }
    Ok(())
}
