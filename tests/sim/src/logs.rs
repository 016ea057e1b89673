//! Whatever is logged while a meeting is held on this thread.

use std::cell::{Cell, RefCell};
use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Lines that are kept of one meeting.
const LINES: usize = 10_000;

thread_local! {
    static IS_VERBOSE: Cell<bool> = const { Cell::new(false) };
    static LINES_LOGGED: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

struct Collector;

impl<S: Subscriber> Layer<S> for Collector {
    // Asked each time, since threads differ.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::INFO || IS_VERBOSE.get()
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        LINES_LOGGED.with_borrow_mut(|lines| {
            if lines.len() < LINES {
                lines.push((*event.metadata().level(), text.0));
            }
        });
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _infallible = write!(self.0, "{}={value:?} ", field.name());
    }
}

/// Collects what is logged by our crates and by theirs. Once per process.
pub(crate) fn collect() {
    let _set_before = tracing_subscriber::registry().with(Collector).try_init();
}

/// Begins anew on this thread; `verbose`: with what is logged for who looks for a mistake, which costs more than the meeting.
pub(crate) fn begin(verbose: bool) {
    IS_VERBOSE.set(verbose);
    LINES_LOGGED.set(Vec::new());
}

/// What this thread logged since the last call.
pub(crate) fn take() -> Vec<(Level, String)> {
    LINES_LOGGED.take()
}
