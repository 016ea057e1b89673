//! `GET /metrics`. Whoever asks has the state machines asked, which is all that it costs them.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::{Labels, Metrics};
use crate::control_task::ControlHandle;
use crate::engine::Engine;
use crate::media_thread;

/// For the answers of the state machines; Prometheus itself waits ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) metrics: Metrics,
    pub(crate) control: ControlHandle,
    pub(crate) engine: Engine,
}

pub(crate) fn routes(sources: Sources) -> Router {
    Router::new().route("/metrics", get(expose)).with_state(sources)
}

async fn expose(State(Sources { metrics, control, engine }): State<Sources>) -> Response {
    let asked = async { tokio::join!(control.figures(), engine.figures()) };
    let Ok((Some(admission), Some(media))) = tokio::time::timeout(PATIENCE, asked).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server has no time to say how it is, or stops").into_response();
    };
    let mut page = Page(Registry::with_prefix("conclave"));
    page.shell(metrics);
    page.admission(&admission);
    page.gauge_by("websockets", "Open WebSockets", "kind", [("meeting", admission.connections), ("media", media.websockets)]);
    if let Some(embedded) = &media.embedded {
        page.media(embedded);
    }
    let mut text = String::new();
    match prometheus_text::encode(&mut text, &page.0) {
        Ok(()) => ([(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response(),
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// One answer. The library adds `conclave_` to names, and `_total` to those of counters.
struct Page(Registry);

impl Page {
    fn shell(&mut self, metrics: Metrics) {
        self.0.register("http_requests", "Answered HTTP requests", metrics.http_requests);
        self.0.register("store_seconds", "How long the store of meetings took", metrics.store_seconds);
        self.0.register("store_errors", "Calls of the store that failed or had no room", metrics.store_errors);
        self.0.register("livekit_requests", "Requests to the LiveKit server", metrics.livekit_requests);
        self.0.register("bus_calls", "What Redis was asked", metrics.bus_calls);
        self.0.register("bus_lost", "Sessions that Redis lost, whole or in part", metrics.bus_lost);
    }

    fn admission(&mut self, figures: &conclave_admission::Figures) {
        let counters = figures.counters;
        self.gauge("sessions", "Meetings that somebody is in, or was a minute ago", figures.sessions);
        self.gauge("members", "People connected, those who wait to be let in included", figures.members);
        self.gauge("log_bytes", "What the sealed logs of all sessions count for", figures.log_bytes);
        self.gauge("log_bytes_limit", "What they may count for", figures.log_bytes_limit);
        let appends =
            [("stored", counters.appended), ("stale", counters.stale), ("too_large", counters.too_large), ("busy", counters.busy)];
        self.count_by("appends", "Entries that members appended to a log", "result", appends);
        let gone = [("left", counters.left), ("lost", counters.lost), ("silent", counters.silent)];
        self.count_by("gone", "Members who went", "cause", gone);
        let refused = [("malformed", counters.malformed), ("bad_proof", counters.bad_proofs), ("limited", counters.limited)];
        self.count_by("refused", "What clients were refused", "reason", refused);
    }

    fn media(&mut self, figures: &media_thread::Figures) {
        let media_thread::Figures { stats, refusals, .. } = figures;
        self.gauge("media_participants", "Participants on the media server", figures.participants);
        self.gauge("media_tracks", "Tracks that they publish", figures.tracks);
        let packets = [("in", stats.packets_in), ("out", stats.packets_out)];
        self.count_by("media_packets", "RTP packets received and forwarded", "direction", packets);
        let bytes = [("in", figures.bytes_in), ("out", figures.bytes_out)];
        self.count_by("media_bytes", "Bytes of UDP datagrams", "direction", bytes);
        let dropped = [("datagram", stats.datagrams_dropped), ("packet", stats.packets_dropped), ("message", stats.messages_dropped)];
        self.count_by("media_dropped", "What came and could not be used", "kind", dropped);
        self.count("media_packets_lost", "RTP packets that receivers said they have not got", stats.packets_lost);
        self.count("media_key_frames_requested", "Key frames asked of publishers", stats.key_frames_requested);
        let refused = [
            ("refused", refusals.refused),
            ("malformed", refusals.malformed),
            ("unknown", refusals.unknown),
            ("limited", refusals.limited),
            ("overflow", refusals.overflow),
        ];
        self.count_by("media_refused", "What clients of the media server were refused", "reason", refused);
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.0.register(name, help, ConstGauge::new(value as u64));
    }

    fn count(&mut self, name: &str, help: &str, value: u64) {
        self.0.register(name, help, ConstCounter::new(value));
    }

    fn count_by<const N: usize>(&mut self, name: &str, help: &str, label: &'static str, values: [(&'static str, u64); N]) {
        let family = Family::<Labels<1>, Counter>::default();
        for (word, value) in values {
            family.get_or_create(&[(label, word)]).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    fn gauge_by<const N: usize>(&mut self, name: &str, help: &str, label: &'static str, values: [(&'static str, usize); N]) {
        let family = Family::<Labels<1>, Gauge>::default();
        for (word, value) in values {
            family.get_or_create(&[(label, word)]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        self.0.register(name, help, family);
    }
}
