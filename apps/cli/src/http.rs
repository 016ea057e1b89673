//! Requests of a client.

use std::time::Duration;

use conclave_protocol::limits::HTTP_BODY;

/// Posts JSON; the answer's status and body, or why there is none.
pub async fn post(origin: &str, path: &str, body: Vec<u8>) -> anyhow::Result<(u16, Vec<u8>)> {
    post_with(origin, path, body, None).await
}

/// As [`post`], with a token that the server asks for.
pub(crate) async fn post_with(origin: &str, path: &str, body: Vec<u8>, token: Option<String>) -> anyhow::Result<(u16, Vec<u8>)> {
    let headers = [("Content-Type", "application/json".to_owned())].into_iter();
    let headers = headers.chain(token.map(|token| ("Authorization", format!("Bearer {token}")))).collect();
    send(format!("{origin}{path}"), headers, body, HTTP_BODY).await
}

/// Posts text; the answer has this many bytes at most.
pub(crate) async fn post_text(origin: &str, path: &str, body: String, most: usize) -> anyhow::Result<(u16, Vec<u8>)> {
    send(format!("{origin}{path}"), vec![("Content-Type", "text/plain; charset=utf-8".to_owned())], body.into_bytes(), most).await
}

/// Longest answer that is read of [`get`].
const ANSWER: u64 = 4096;

/// The status and the beginning of what is there, for the holder of this token.
pub(crate) async fn get(url: &str, bearer: String) -> anyhow::Result<(u16, Vec<u8>)> {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut response = agent().get(&url).header("Authorization", format!("Bearer {bearer}")).call()?;
        let body = response.body_mut().as_reader();
        let mut answer = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(body, ANSWER), &mut answer)?;
        Ok((response.status().as_u16(), answer))
    })
    .await?
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).http_status_as_error(false).build().into()
}

async fn send(url: String, headers: Vec<(&'static str, String)>, body: Vec<u8>, most: usize) -> anyhow::Result<(u16, Vec<u8>)> {
    tokio::task::spawn_blocking(move || {
        let request = headers.into_iter().fold(agent().post(&url), |request, (name, value)| request.header(name, value));
        let mut response = request.send(&body[..])?;
        let most = u64::try_from(most)?;
        Ok((response.status().as_u16(), response.body_mut().with_config().limit(most).read_to_vec()?))
    })
    .await?
}
