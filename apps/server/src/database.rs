//! The [`Store`] beside the control task: a slow one delays only what waits for it.

use conclave_admission::{Input, Record, RequestId, StoreError};
use conclave_base::MeetingId;
use futures_util::{StreamExt as _, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::clock::now;
use crate::metrics::Metrics;
use crate::store::Store;

/// Jobs that may wait for the store, and answers that may wait for the control task. At the pace at which meetings are looked up at most,
/// a disk that hangs is noticed after a second.
const JOBS: usize = 1024;

enum Job {
    Load { request: RequestId, meeting: MeetingId },
    Insert { request: RequestId, record: Record },
    Update { request: RequestId, meeting: MeetingId, sealed_meta: Vec<u8> },
    DeleteExpired { until: u64 },
}

/// A handle to what performs jobs on a store, in order, as many at once as it takes.
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
    answers: mpsc::Receiver<Input<'static>>,
    metrics: Metrics,
}

impl Database {
    /// On a thread of its own, for a store that blocks. The jobs that wait when the handle is dropped are performed; the runtime does not
    /// end before.
    pub(crate) fn on_thread(store: impl Store, metrics: Metrics) -> Self {
        let (database, inbox, answer) = Self::new(metrics.clone());
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || runtime.block_on(perform_all(&store, &metrics, inbox, &answer)));
        database
    }

    /// As a task. Whoever waits for a job when the process ends has no answer, and asks again.
    pub(crate) fn in_task(store: impl Store, metrics: Metrics) -> Self {
        let (database, inbox, answer) = Self::new(metrics.clone());
        tokio::spawn(async move { perform_all(&store, &metrics, inbox, &answer).await });
        database
    }

    fn new(metrics: Metrics) -> (Self, mpsc::Receiver<Job>, mpsc::Sender<Input<'static>>) {
        let (jobs, inbox) = mpsc::channel(JOBS);
        let (answer, answers) = mpsc::channel(JOBS);
        (Self { jobs, answers, metrics }, inbox, answer)
    }

    /// Looks up a record; refused at once when too many jobs wait.
    pub(crate) fn load(&self, request: RequestId, meeting: MeetingId) -> Result<(), Box<Input<'static>>> {
        self.submit(Job::Load { request, meeting })
    }

    /// Keeps a record; refused at once when too many jobs wait.
    pub(crate) fn insert(&self, request: RequestId, record: Record) -> Result<(), Box<Input<'static>>> {
        self.submit(Job::Insert { request, record })
    }

    /// Replaces the sealed part of a record; refused at once when too many jobs wait.
    pub(crate) fn update(&self, request: RequestId, meeting: MeetingId, sealed_meta: Vec<u8>) -> Result<(), Box<Input<'static>>> {
        self.submit(Job::Update { request, meeting, sealed_meta })
    }

    /// Deletes the records that expired at or before this moment, in Unix seconds. It is asked for again and again, so that nothing is lost
    /// when too many jobs wait.
    pub(crate) fn delete_expired(&self, until: u64) {
        if self.jobs.try_send(Job::DeleteExpired { until }).is_err() {
            self.metrics.on_store_busy();
            tracing::warn!("the database is slow: expired meetings are deleted later");
        }
    }

    /// The next answer; `None` when what performs the jobs has panicked.
    pub(crate) async fn answer(&mut self) -> Option<Input<'static>> {
        self.answers.recv().await
    }

    fn submit(&self, job: Job) -> Result<(), Box<Input<'static>>> {
        match self.jobs.try_send(job) {
            Ok(()) => Ok(()),
            Err(refused) => {
                self.metrics.on_store_busy();
                refused.into_inner().busy().map_or(Ok(()), |answer| Err(Box::new(answer)))
            }
        }
    }
}

impl Job {
    async fn perform(self, store: &impl Store, metrics: &Metrics) -> Option<Input<'static>> {
        match self {
            Self::Load { request, meeting } => {
                Some(Input::MeetingLoaded { request, record: measured(metrics, "find", store.find(meeting)).await })
            }
            Self::Insert { request, record } => {
                Some(Input::MeetingStored { request, result: measured(metrics, "insert", store.insert(&record)).await })
            }
            Self::Update { request, meeting, sealed_meta } => {
                Some(Input::MeetingStored { request, result: measured(metrics, "update", store.update(meeting, &sealed_meta)).await })
            }
            Self::DeleteExpired { until } => {
                if let Ok(count @ 1..) = measured(metrics, "delete_expired", store.delete_expired(until)).await {
                    tracing::info!(count, "expired meetings deleted");
                }
                None
            }
        }
    }

    /// The answer to a job that is not performed.
    fn busy(self) -> Option<Input<'static>> {
        match self {
            Self::Load { request, .. } => Some(Input::MeetingLoaded { request, record: Err(StoreError::Busy) }),
            Self::Insert { request, .. } | Self::Update { request, .. } => {
                Some(Input::MeetingStored { request, result: Err(StoreError::Busy) })
            }
            Self::DeleteExpired { .. } => None,
        }
    }
}

async fn measured<T>(
    metrics: &Metrics,
    operation: &'static str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let began = now();
    let result = call.await;
    metrics.on_store(operation, &result, now() - began);
    result
}

async fn perform_all<S: Store>(store: &S, metrics: &Metrics, inbox: mpsc::Receiver<Job>, answer: &mpsc::Sender<Input<'static>>) {
    let jobs = stream::unfold(inbox, async |mut inbox| inbox.recv().await.map(|job| (job, inbox)));
    let done = jobs.for_each_concurrent(S::AT_ONCE, async |job| {
        if let Some(input) = job.perform(store, metrics).await {
            // After the control task's end no answer is needed; the jobs are performed all the same.
            let (Ok(()) | Err(_)) = answer.send(input).await;
        }
    });
    done.await;
}
