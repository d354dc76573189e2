//! The clock and the source of random bits.
//!
//! Only [`Environment::system`] reads the machine's clock and draws random bits. All other code takes an
//! [`Environment`]. Tests pass [`ManualClock`] and [`SeededRandomness`].

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use fieldfen_domain::{
    FenceToken, FileId, JobId, ListingId, OperatorActionId, PermitId, PublicationId, SocialPostId, Timestamp, WorkerId,
    truncate_to_micros,
};

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// The time since a moment in the life of this process. It never goes back, even if a person sets the clock.
    fn monotonic(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }
}

/// Draws random bits.
pub trait Randomness: Send + Sync {
    /// Returns 128 evenly distributed bits that were not returned before.
    fn bits(&self) -> u128;
}

/// A clock and a source of random bits. A clone shares both.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
}

impl Environment {
    /// The machine's clock, and the operating system's randomness.
    ///
    /// If the operating system returns no random bits, the process reports that on stderr and aborts. Bits of a weaker
    /// source might repeat, and with a repeated token a worker that has lost its job could overwrite the work of
    /// another one. After a crash, the leases of the process expire.
    #[must_use]
    pub fn system() -> Self {
        Self::new(SystemClock, SystemRandomness)
    }

    /// A clock and a source of randomness of the program's own.
    #[must_use]
    pub fn new(clock: impl Clock + 'static, random: impl Randomness + 'static) -> Self {
        Self { clock: Arc::new(clock), random: Arc::new(random) }
    }

    /// The present time, in whole microseconds as stores keep it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        truncate_to_micros(self.clock.now())
    }

    /// The [monotonic](Clock::monotonic) time of this process.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Returns 128 random bits for an id or a token.
    #[must_use]
    pub fn bits(&self) -> u128 {
        self.random.bits()
    }

    /// A new id for a job.
    #[must_use]
    pub fn job_id(&self) -> JobId {
        JobId::from_random(self.bits())
    }

    /// A new id for the start of a worker.
    #[must_use]
    pub fn worker_id(&self) -> WorkerId {
        WorkerId::from_random(self.bits())
    }

    /// A new id for a file.
    #[must_use]
    pub fn file_id(&self) -> FileId {
        FileId::from_random(self.bits())
    }

    /// A new id for a listing.
    #[must_use]
    pub fn listing_id(&self) -> ListingId {
        ListingId::from_random(self.bits())
    }

    /// A new id for a social post.
    #[must_use]
    pub fn social_post_id(&self) -> SocialPostId {
        SocialPostId::from_random(self.bits())
    }

    /// A new id for a publication.
    #[must_use]
    pub fn publication_id(&self) -> PublicationId {
        PublicationId::from_random(self.bits())
    }

    /// A new id for an operator's action.
    #[must_use]
    pub fn operator_action_id(&self) -> OperatorActionId {
        OperatorActionId::from_random(self.bits())
    }

    /// A new id for the permit of an API call.
    #[must_use]
    pub fn permit_id(&self) -> PermitId {
        PermitId::from_random(self.bits())
    }

    /// A new fence token, for a claim or a reservation.
    #[must_use]
    pub fn token(&self) -> FenceToken {
        FenceToken::from_random(self.bits())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("now", &self.now()).finish_non_exhaustive()
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that all other code gets")]
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn bits(&self) -> u128 {
        let mut bytes = [0; 16];
        if let Err(error) = getrandom::fill(&mut bytes) {
            log!(ERROR, %error, "no random bits from the operating system");
            // `eprintln!` panics if nobody reads stderr, and the process would not abort.
            let reason = format!("fieldfen: the operating system gives no random bits ({error}): no id can be made\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), reason.as_bytes());
            std::process::abort();
        }
        u128::from_be_bytes(bytes)
    }
}

/// A clock that stands still until it is moved. A clone is the same clock. Only [`advance`](Self::advance) moves the
/// monotonic time.
///
/// ```
/// use std::time::Duration;
/// use fieldfen_services::environment::{Environment, ManualClock, SeededRandomness};
///
/// let clock = ManualClock::new("2026-11-23T14:05:09Z".parse()?);
/// let environment = Environment::new(clock.clone(), SeededRandomness::new(7));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(environment.now().to_rfc3339(), "2026-11-23T14:06:09+00:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    micros: Arc<AtomicI64>,
    monotonic_micros: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock with this time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { micros: Arc::new(AtomicI64::new(now.timestamp_micros())), monotonic_micros: Arc::default() }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_add(micros, Ordering::SeqCst);
        self.monotonic_micros.fetch_add(micros.unsigned_abs(), Ordering::SeqCst);
    }

    /// Sets the clock to any time, even an earlier one.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.timestamp_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let micros = self.micros.load(Ordering::SeqCst);
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.monotonic_micros.load(Ordering::SeqCst))
    }
}

/// Randomness with the same sequence for the same seed. A clone draws from the same sequence.
///
/// Meant for tests: two runs with one seed make the same ids.
#[derive(Debug, Clone)]
pub struct SeededRandomness {
    state: Arc<AtomicU64>,
}

impl SeededRandomness {
    /// The sequence of this seed, from its start.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: Arc::new(AtomicU64::new(seed)) }
    }

    /// The next 64 bits of the SplitMix64 generator, which mixes the bits of a counter.
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

impl Randomness for SeededRandomness {
    fn bits(&self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_system_gives_whole_microseconds_and_different_ids() {
        let environment = Environment::system();
        assert_eq!(environment.now().timestamp_subsec_nanos() % 1000, 0);
        let ids: HashSet<JobId> = (0..1000).map(|_| environment.job_id()).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn one_seed_gives_one_sequence_and_clones_share_it() {
        let (first, second) = (SeededRandomness::new(42), SeededRandomness::new(42));
        let clone = first.clone();
        let drawn = [first.bits(), clone.bits()];
        assert_eq!(drawn, [second.bits(), second.bits()]);
        assert_ne!(drawn[0], drawn[1]);
        assert_ne!(SeededRandomness::new(43).bits(), drawn[0]);
    }

    #[test]
    fn the_manual_clock_moves_only_when_moved() {
        let start = "2026-11-23T14:05:09.000001Z".parse().unwrap();
        let clock = ManualClock::new(start);
        let environment = Environment::new(clock.clone(), SeededRandomness::new(1));
        assert_eq!(environment.now(), start);
        clock.advance(Duration::from_micros(2));
        assert_eq!(environment.now(), start + Duration::from_micros(2));
        clock.set(start - Duration::from_secs(9));
        assert_eq!(environment.now(), start - Duration::from_secs(9));
        assert_eq!(environment.monotonic(), Duration::from_micros(2));
    }
}
