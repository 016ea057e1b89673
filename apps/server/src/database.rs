//! The [`Store`] on a thread of its own: a slow disk delays only what waits for it.

use conclave_admission::{Input, Record, RequestId, StoreError};
use conclave_base::MeetingId;
use tokio::sync::mpsc;

use crate::store::{Inserted, Store};

/// Jobs that may wait for the disk, and answers that may wait for the control task. At the pace at which meetings are looked up at most,
/// a disk that hangs is noticed after a second.
const JOBS: usize = 1024;

type Job = Box<dyn FnOnce(&Store) -> Option<Input<'static>> + Send>;

/// A handle to the thread. The thread performs its jobs in order, those that wait when the handle is dropped included; the runtime
/// does not end before it.
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
    answers: mpsc::Receiver<Input<'static>>,
}

impl Database {
    /// Starts the thread.
    pub(crate) fn start(store: Store) -> Self {
        let (jobs, mut inbox) = mpsc::channel::<Job>(JOBS);
        let (answer, answers) = mpsc::channel(JOBS);
        tokio::task::spawn_blocking(move || {
            while let Some(job) = inbox.blocking_recv() {
                if let Some(input) = job(&store) {
                    // After the control task's end no answer is needed; the jobs are performed all the same.
                    let (Ok(()) | Err(_)) = answer.blocking_send(input);
                }
            }
        });
        Self { jobs, answers }
    }

    /// Looks up a record; refused at once when too many jobs wait for the disk.
    pub(crate) fn load(&self, request: RequestId, meeting: MeetingId) -> Result<(), Input<'static>> {
        let answer = move |record| Input::MeetingLoaded { request, record };
        let queued = self.submit(move |store| Some(answer(store.find(meeting).map_err(|e| failed(&e)))));
        if queued { Ok(()) } else { Err(answer(Err(StoreError::Busy))) }
    }

    /// Keeps a record; refused at once when too many jobs wait for the disk.
    pub(crate) fn insert(&self, request: RequestId, record: Record) -> Result<(), Input<'static>> {
        self.write(request, move |store| match store.insert(&record) {
            Ok(Inserted::Kept) => Ok(()),
            Ok(Inserted::Exists) => Err(StoreError::Exists),
            Ok(Inserted::Full) => Err(StoreError::Full),
            Err(e) => Err(failed(&e)),
        })
    }

    /// Replaces the sealed part of a record; refused at once when too many jobs wait for the disk.
    pub(crate) fn update(&self, request: RequestId, meeting: MeetingId, sealed_meta: Vec<u8>) -> Result<(), Input<'static>> {
        self.write(request, move |store| store.update(meeting, &sealed_meta).map_err(|e| failed(&e)))
    }

    fn write(&self, request: RequestId, job: impl FnOnce(&Store) -> Result<(), StoreError> + Send + 'static) -> Result<(), Input<'static>> {
        let answer = move |result| Input::MeetingStored { request, result };
        let queued = self.submit(move |store| Some(answer(job(store))));
        if queued { Ok(()) } else { Err(answer(Err(StoreError::Busy))) }
    }

    /// Deletes the records that expired at or before this moment, in Unix seconds. It is asked for again and again, so that nothing is lost
    /// when too many jobs wait for the disk.
    pub(crate) fn delete_expired(&self, until: u64) {
        let queued = self.submit(move |store| {
            match store.delete_expired(until) {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "expired meetings deleted"),
                Err(e) => {
                    failed(&e);
                }
            }
            if let Err(e) = store.empty_journal() {
                failed(&e);
            }
            None
        });
        if !queued {
            tracing::warn!("the disk is slow: expired meetings are deleted later");
        }
    }

    /// The next answer; `None` when the thread has panicked.
    pub(crate) async fn answer(&mut self) -> Option<Input<'static>> {
        self.answers.recv().await
    }

    /// Queues a job; false: too many wait for the disk.
    pub(crate) fn submit(&self, job: impl FnOnce(&Store) -> Option<Input<'static>> + Send + 'static) -> bool {
        self.jobs.try_send(Box::new(job)).is_ok()
    }
}

/// The log gets the kind of error, never the row.
fn failed(error: &rusqlite::Error) -> StoreError {
    tracing::error!(code = ?error.sqlite_error_code(), "the database failed");
    StoreError::Failed
}
