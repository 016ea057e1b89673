//! The keyring of the user's session (freedesktop.org Secret Service): it keeps one passphrase, by which the files of Conclave on this device are
//! sealed. What keeps it (GNOME Keyring, KWallet, KeePassXC) opens with the user's session.

use std::collections::HashMap;

use anyhow::{Context as _, bail};
use conclave_base::{Redacted, hex};
use secret_service::{EncryptionType, Item, SecretService};

use crate::system;

/// By which the passphrase is found again; whoever opens a keyring manager sees it.
const ATTRIBUTES: [(&str, &str); 1] = [("xdg:schema", "org.conclave.Passphrase")];
/// The keyring itself asks its user.
const LOCKED: &str = "the keyring stayed locked: open it, or give a file with a passphrase";
const LABEL: &str = "Conclave: opens what its programs keep on this device";

/// The passphrase, which no person ever types. If there is none yet: a new one if `make`, else an error, since nothing can have been sealed by it.
pub async fn passphrase(make: bool) -> anyhow::Result<Redacted<String>> {
    let service = SecretService::connect(EncryptionType::Dh).await.context(
        "there is no keyring: log in to a desktop with a Secret Service such as GNOME Keyring or KWallet, or give a file with a passphrase",
    )?;
    if let Some(known) = find(&service).await? {
        return Ok(known);
    }
    if !make {
        bail!("the keyring has no passphrase of Conclave: give the passphrase with which the file was made, or log in as who made it");
    }
    let digits = hex::encode(&system::random::<32>()?);
    let collection = service.get_default_collection().await.context("the keyring has no default collection: make one in it")?;
    if collection.is_locked().await? {
        collection.unlock().await.context(LOCKED)?;
    }
    let kept = collection.create_item(LABEL, ATTRIBUTES.into(), digits.as_bytes(), false, "text/plain").await;
    kept.context("the keyring did not keep the passphrase")?;
    // Another process may have made one at the same time: all take the same.
    find(&service).await?.context("the keyring did not keep the passphrase")
}

/// The oldest, if there are several.
async fn find(service: &SecretService<'_>) -> anyhow::Result<Option<Redacted<String>>> {
    let found = service.search_items(HashMap::from(ATTRIBUTES)).await.context("the keyring does not answer")?;
    let mut items: Vec<(u64, &Item<'_>)> = Vec::new();
    for item in found.unlocked.iter().chain(&found.locked) {
        items.push((item.get_created().await?, item));
    }
    items.sort_by(|(age, item), (other_age, other)| age.cmp(other_age).then_with(|| item.item_path.cmp(&other.item_path)));
    let Some((_, item)) = items.first() else { return Ok(None) };
    if item.is_locked().await? {
        item.unlock().await.context(LOCKED)?;
    }
    let secret = item.get_secret().await.context("the keyring does not give the passphrase")?;
    let text =
        String::from_utf8(secret).ok().context("the keyring holds something else under this name: remove it in a keyring manager")?;
    Ok(Some(Redacted::new(text)))
}
