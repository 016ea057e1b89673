use std::io::Write as _;

use tempfile::NamedTempFile;

/// A plan for all meetings of a server, in a file of its own.
#[derive(Debug)]
pub struct Plan(NamedTempFile);

impl Plan {
    /// What the plan says, as JSON: `{"people": 3, "minutes": 0.2}`.
    pub fn of(says: &str) -> anyhow::Result<Self> {
        let mut file = NamedTempFile::new()?;
        write!(file, "{{\"free\": {says}}}")?;
        Ok(Self(file))
    }

    /// By which a server has it, and while this is kept.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [("CONCLAVE_PLANS", self.0.path().display().to_string()), ("CONCLAVE_DEFAULT_PLAN", "free".to_owned())]
    }
}
