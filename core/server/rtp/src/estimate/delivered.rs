//! What arrives (the draft's R_hat, section 5.5), in the receiver's time.

use conclave_base::Time;

/// Of half a second.
const BUCKETS: u64 = 10;
const BUCKET_MICROS: u64 = 50_000;

#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// Bytes of each twentieth of a second.
    bytes: [u64; BUCKETS as usize],
    /// The latest of them, and the first one ever.
    latest: Option<u64>,
    first: u64,
}

impl Delivered {
    pub(super) fn on_packet(&mut self, arrived: Time, size: u16) {
        let bucket = arrived.as_micros() / BUCKET_MICROS;
        let latest = *self.latest.get_or_insert_with(|| {
            self.first = bucket;
            bucket
        });
        if bucket > latest {
            if bucket - latest > BUCKETS {
                self.first = bucket;
            }
            for gone in latest + 1..=bucket.min(latest + BUCKETS) {
                self.bytes[(gone % BUCKETS) as usize] = 0;
            }
            self.latest = Some(bucket);
        } else if latest - bucket >= BUCKETS {
            return;
        }
        self.bytes[(bucket % BUCKETS) as usize] += u64::from(size);
    }

    /// Bits per second, once there were enough.
    pub(super) fn rate(&self) -> Option<f64> {
        let latest = self.latest?;
        // The latest one is not over yet, and counts half.
        let buckets = (latest - self.first.min(latest)).min(BUCKETS - 1);
        if buckets < 3 {
            return None;
        }
        let all: u64 = self.bytes.iter().sum();
        let latest = self.bytes[(latest % BUCKETS) as usize];
        Some((all - latest) as f64 * 8.0 / (buckets * BUCKET_MICROS) as f64 * 1e6)
    }
}
