//! Tracing spans for code of the worker. The subscriber may panic whenever a span is made, entered, left or dropped.

use fieldfen_domain::catch_panic;
use fieldfen_domain::job::Job;
use tracing::Span;

/// The span of one attempt of a job; a disabled span if the subscriber panics. It has the level of the warnings inside it,
/// so that a log of warnings names the jobs.
pub(super) fn of_try(job: &Job) -> Span {
    let attempt = job.attempts.saturating_add(1);
    catch_panic(|| tracing::warn_span!("job", kind = %job.kind, id = %job.id, attempt)).unwrap_or_else(|_| Span::none())
}

/// Runs `f` in the span.
///
/// # Errors
/// The message of a panic of `f`.
pub(super) fn within<T>(span: &Span, f: impl FnOnce() -> T) -> Result<T, String> {
    let entered = catch_panic(|| span.enter());
    let answer = catch_panic(f);
    match entered {
        Ok(entered) => drop(catch_panic(move || drop(entered))),
        // The layers below the one that panicked have entered the span.
        Err(_) => drop(catch_panic(|| span.with_subscriber(|(id, subscriber)| subscriber.exit(id)))),
    }
    answer
}

/// Drops the span.
pub(super) fn end(span: Span) {
    let _ = catch_panic(move || drop(span));
}
