use std::time::Duration;

use conclave_protocol::limits::HTTP_BODY;

/// Posts JSON; the answer's status and body, or why there is none.
pub(crate) async fn post(origin: &str, path: &str, body: Vec<u8>) -> anyhow::Result<(u16, Vec<u8>)> {
    post_with(origin, path, body, None).await
}

/// As [`post`], with a token that the server asks for.
pub(crate) async fn post_with(origin: &str, path: &str, body: Vec<u8>, token: Option<String>) -> anyhow::Result<(u16, Vec<u8>)> {
    let url = format!("{origin}{path}");
    tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).http_status_as_error(false).build().into();
        let request = agent.post(&url).header("Content-Type", "application/json");
        let request = token.iter().fold(request, |request, token| request.header("Authorization", format!("Bearer {token}")));
        let mut response = request.send(&body[..])?;
        let limit = HTTP_BODY as u64;
        Ok((response.status().as_u16(), response.body_mut().with_config().limit(limit).read_to_vec()?))
    })
    .await?
}
