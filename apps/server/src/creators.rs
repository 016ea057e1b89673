//! Who makes meetings here, and on what terms.

use std::path::Path;

use anyhow::{Context as _, ensure};
use axum::http::{HeaderMap, header};
use conclave_admission::{Quota, Terms};
use sha2::{Digest as _, Sha256};

use crate::args::{Create, Serve};
use crate::plans::{NamedPlan, Plans};

/// A shorter token could be guessed.
const SHORTEST: usize = 16;

/// Of tokens, hashes alone are kept, and hashes are compared: how long that takes tells nothing of a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Creators {
    tokens: Vec<([u8; 32], NamedPlan)>,
    /// On what terms those make meetings who show no token; `None` if they do not.
    anyone: Option<NamedPlan>,
}

impl Creators {
    /// As the operator has it.
    pub(crate) fn of(args: &Serve) -> anyhow::Result<Self> {
        let plans = args.plans.as_deref().map(Plans::read).transpose()?.unwrap_or_default();
        let default = args.default_plan.as_deref().map(|name| plans.named(name)).transpose()?.unwrap_or_default();
        let tokens = args.create_token_file.as_deref().map(|file| read(file, &plans, default)).transpose()?;
        let only_by_token = args.create.map_or(tokens.is_some(), |create| create == Create::Token);
        ensure!(!only_by_token || tokens.is_some(), "--create token needs tokens: name their file with --create-token-file");
        Ok(Self { tokens: tokens.unwrap_or_default(), anyone: (!only_by_token).then_some(default) })
    }

    /// Whether those are counted who show no token.
    pub(crate) fn count_anyone(&self) -> bool {
        self.anyone.is_some_and(|anyone| anyone.meetings_a_day.is_some())
    }

    /// On what terms a request makes a meeting; `None` if it may not. Where there are tokens, one that is shown, as `Authorization: Bearer TOKEN`, is
    /// not passed over if it is wrong. `anyone` names whoever shows none.
    pub(crate) fn terms(&self, headers: &HeaderMap, anyone: impl FnOnce() -> [u8; 16]) -> Option<Terms> {
        // What else stands there is for a proxy in front.
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let Some(shown) = shown.filter(|_| !self.tokens.is_empty()) else {
            return self.anyone.map(|named| named.terms(anyone));
        };
        let shown = hash(shown.trim());
        let (hash, named) = self.tokens.iter().find(|(hash, _)| *hash == shown)?;
        Some(named.terms(|| hash.first_chunk().copied().unwrap_or_default()))
    }
}

impl NamedPlan {
    fn terms(self, creator: impl FnOnce() -> [u8; 16]) -> Terms {
        Terms { plan: self.plan, quota: self.meetings_a_day.map(|a_day| Quota { creator: creator(), a_day }) }
    }
}

/// One token a line, and behind it, if it has one, the name of its plan.
fn read(file: &Path, plans: &Plans, default: NamedPlan) -> anyhow::Result<Vec<([u8; 32], NamedPlan)>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("the file {} of --create-token-file", file.display()))?;
    let mut tokens = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        // Never the line itself: it may be a token.
        let place = || format!("line {} of {}", number + 1, file.display());
        let (token, plan) = line.split_once(char::is_whitespace).map_or((line, None), |(token, plan)| (token, Some(plan.trim())));
        ensure!(token.len() >= SHORTEST, "the token in {} is shorter than {SHORTEST} characters: put a longer one there", place());
        let plan = plan.map_or(Ok(default), |name| plans.named(name)).with_context(place)?;
        tokens.push((hash(token), plan));
    }
    ensure!(!tokens.is_empty(), "there is no token in {}: put one of {SHORTEST} characters or more there", file.display());
    Ok(tokens)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use axum::http::HeaderValue;
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Task};

    const TOKEN: &str = "token-of-the-staff";
    const PLANS: &str = r#"{"free": {"people": 50, "meetings_a_day": 3}, "staff": {"people": 100}}"#;

    fn creators(tokens: Option<&str>, options: &[&str]) -> anyhow::Result<Creators> {
        let file = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().expect("a file");
            file.write_all(text.as_bytes()).expect("written");
            file
        };
        let (plans, tokens) = (file(PLANS), tokens.map(file));
        let mut words: Vec<String> = ["conclave", "serve", "--plans"].map(str::to_owned).into();
        words.push(plans.path().display().to_string());
        words.extend(tokens.iter().map(|tokens| format!("--create-token-file={}", tokens.path().display())));
        words.extend(options.iter().map(|option| (*option).to_owned()));
        let Ok(Args { task: Task::Serve(args) }) = Args::try_parse_from(words) else { panic!("these are options") };
        Creators::of(&args)
    }

    fn by(creators: &Creators, authorization: Option<&str>) -> Option<Terms> {
        let mut headers = HeaderMap::new();
        headers.extend(authorization.map(|shown| (header::AUTHORIZATION, HeaderValue::from_str(shown).expect("text"))));
        creators.terms(&headers, || [7; 16])
    }

    fn people(terms: Option<Terms>) -> Option<Option<u32>> {
        terms.map(|terms| terms.plan.people)
    }

    #[test]
    fn without_settings_everybody_makes_meetings_without_end() {
        let creators = creators(None, &[]).expect("well-formed");
        for shown in [None, Some("Basic eDp5"), Some("Bearer of-another-server")] {
            assert_eq!(by(&creators, shown), Some(Terms::default()), "{shown:?}");
        }
        assert!(!creators.count_anyone());
    }

    #[test]
    fn whoever_shows_a_token_has_its_plan_and_everybody_else_the_default_one() {
        let tokens = format!("{TOKEN} staff\nanother-long-token\n");
        let creators = creators(Some(&tokens), &["--create=anyone", "--default-plan=free"]).expect("well-formed");
        let bearer = |token: &str| by(&creators, Some(&format!("Bearer {token}")));
        assert_eq!(people(bearer(TOKEN)), Some(Some(100)));
        assert_eq!(people(bearer("another-long-token")), Some(Some(50)));
        assert_eq!(people(by(&creators, None)), Some(Some(50)));
        let quota = |terms: Option<Terms>| terms.and_then(|terms| terms.quota).map(|quota| quota.creator);
        assert_eq!(quota(by(&creators, None)), Some([7; 16]), "counted by where somebody is");
        assert!(quota(bearer("another-long-token")).is_some_and(|creator| creator != [7; 16]), "counted by the token");
        assert!(creators.count_anyone());
    }

    #[test]
    fn a_wrong_token_is_refused_even_where_none_is_needed_and_a_closed_server_wants_one() {
        let tokens = format!("{TOKEN}\n");
        let open = creators(Some(&tokens), &["--create=anyone"]).expect("well-formed");
        let closed = creators(Some(&tokens), &[]).expect("well-formed");
        for creators in [&open, &closed] {
            assert_eq!(by(creators, Some("Bearer wrong-token-of-some-length")), None);
            assert!(by(creators, Some(&format!("Bearer {TOKEN}"))).is_some());
        }
        for none in [None, Some(TOKEN), Some("Basic eDp5")] {
            assert!(by(&open, none).is_some() && by(&closed, none).is_none(), "{none:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do_and_without_the_token() {
        let said = |tokens, options: &[&str]| format!("{:#}", creators(tokens, options).expect_err("refused"));
        assert!(said(None, &["--create=token"]).contains("--create-token-file"));
        assert!(said(None, &["--default-plan=gratis"]).contains("free, staff"));
        assert!(said(Some("short"), &[]).contains("line 1"));
        assert!(said(Some("\n"), &[]).contains("no token"));
        let unknown = said(Some(&format!("{TOKEN} gratis")), &[]);
        assert!(unknown.contains("free, staff") && unknown.contains("line 1") && !unknown.contains(TOKEN), "{unknown}");
    }
}
