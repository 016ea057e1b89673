//! Policies: whose word counts about releases.

use std::path::Path;

use anyhow::Context as _;
use conclave_transparency::{AcceptRule, MAX_POLICY, Policy, RuleConfig};

use crate::files;

const DAY: u64 = 24 * 3600;
/// What releases of this product have to have; the policy's group of rebuilders is called so.
const RULE: RuleConfig<'_> = RuleConfig { product: "conclave", rebuilders: "rebuilders", max_age: 7 * DAY, cool_down: 3 * DAY };

/// The policy in a file.
pub fn read(path: &Path) -> anyhow::Result<Policy> {
    Policy::parse(&files::read(path, MAX_POLICY)?).with_context(|| format!("{} is not a policy", path.display()))
}

/// What decides by it about releases.
pub fn read_rule(path: &Path) -> anyhow::Result<AcceptRule> {
    AcceptRule::new(read(path)?, RULE).with_context(|| format!("{} cannot judge releases", path.display()))
}
