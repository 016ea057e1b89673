//! Figures for the operator, in Prometheus' text format, at a port of their own: what is counted outside of the state machines, which count the rest.
//!
//! Architecture invariant: every label is a word of this program, so that no id, name, room or address is in one.

mod exposition;

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use conclave_admission::StoreError;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

pub(crate) use self::exposition::{Sources, routes};

/// Bounds in seconds; a store has two for an answer.
const STORE_SECONDS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5];
/// What has no route of its own: the page and its files, and addresses at which there is nothing.
const OTHER: &str = "other";

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Of an answer. The path is that of its route, as this program names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    path_template: String,
    status: u16,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    http_requests: Family<Answer, Counter>,
    store_seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    store_errors: Family<Labels<1>, Counter>,
    livekit_requests: Family<Labels<2>, Counter>,
    bus_calls: Family<Labels<2>, Counter>,
    bus_lost: Family<Labels<1>, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let store_errors = Family::<Labels<1>, Counter>::default();
        // From the beginning: else the first error is no rise.
        for kind in ["busy", "failed"] {
            store_errors.get_or_create(&[("kind", kind)]).inc_by(0);
        }
        let bus_lost = Family::<Labels<1>, Counter>::default();
        for cause in ["ended", "rewound"] {
            bus_lost.get_or_create(&[("cause", cause)]).inc_by(0);
        }
        Self {
            http_requests: Family::default(),
            store_seconds: Family::new_with_constructor(|| Histogram::new(STORE_SECONDS)),
            store_errors,
            livekit_requests: Family::default(),
            bus_calls: Family::default(),
            bus_lost,
        }
    }

    /// Counts an answer.
    pub(crate) async fn on_http(State(metrics): State<Self>, request: Request, next: Next) -> Response {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let response = next.run(request).await;
        let path_template = route.as_ref().map_or(OTHER, MatchedPath::as_str).to_owned();
        metrics.http_requests.get_or_create(&Answer { path_template, status: response.status().as_u16() }).inc();
        response
    }

    /// The store has answered, or failed, after so long.
    pub(crate) fn on_store<T>(&self, operation: &'static str, result: &Result<T, StoreError>, took: Duration) {
        self.store_seconds.get_or_create(&[("operation", operation)]).observe(took.as_secs_f64());
        match result {
            Err(StoreError::Busy) => self.on_store_busy(),
            Err(StoreError::Failed) => {
                self.store_errors.get_or_create(&[("kind", "failed")]).inc();
            }
            Ok(_) | Err(StoreError::Exists | StoreError::Full) => {}
        }
    }

    /// The store does not answer, or as much waits for it as may.
    pub(crate) fn on_store_busy(&self) {
        self.store_errors.get_or_create(&[("kind", "busy")]).inc();
    }

    /// Redis was asked.
    pub(crate) fn on_bus(&self, operation: &'static str, result: &'static str) {
        self.bus_calls.get_or_create(&[("operation", operation), ("result", result)]).inc();
    }

    /// A session could not be followed any more.
    pub(crate) fn on_bus_lost(&self, cause: &'static str) {
        self.bus_lost.get_or_create(&[("cause", cause)]).inc();
    }

    /// A LiveKit server was asked.
    pub(crate) fn on_livekit(&self, method: &'static str, result: &'static str) {
        self.livekit_requests.get_or_create(&[("method", method), ("result", result)]).inc();
    }
}
