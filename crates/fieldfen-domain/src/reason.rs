//! Cuts error messages and reasons to the length that is stored.

use std::borrow::Cow;

/// The longest error message or reason that is stored, in bytes, with the mark of a cut.
pub const MAX_REASON_BYTES: usize = 8 << 10;

/// The largest length of the mark of a cut: its words, and 20 digits.
const MARK_BYTES: usize = 40;

/// Cuts an error message or a reason to [`MAX_REASON_BYTES`]. The mark at its end gives the number of missing bytes.
///
/// ```
/// use fieldfen_domain::cut_reason;
///
/// assert_eq!(cut_reason("out of paper"), "out of paper");
/// let cut = cut_reason(&"no".repeat(10_000)).into_owned();
/// assert!(cut.len() <= 8192 && cut.ends_with("no… (11848 more bytes)"), "{cut}");
/// ```
#[must_use]
pub fn cut_reason(reason: &str) -> Cow<'_, str> {
    if reason.len() <= MAX_REASON_BYTES {
        return Cow::Borrowed(reason);
    }
    // A character has at most four bytes, so one of these positions is between two characters.
    let kept = (0..4).find_map(|less| reason.get(..MAX_REASON_BYTES - MARK_BYTES - less)).unwrap_or_default();
    Cow::Owned(format!("{kept}… ({} more bytes)", reason.len() - kept.len()))
}
