//! An answer to an HTTP request, as the readers see it.

use crate::Timestamp;
use crate::number::count;

/// A header field is read up to this many bytes, the lines of a repeated field together. A longer line is skipped.
pub const MAX_FIELD_BYTES: usize = 64 * 1024;

/// A larger body is not read.
pub const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// If an answer has more header lines, the first ones are read.
const MAX_LINES: usize = 1024;

/// An answer to an HTTP request: status, header, body and time of arrival. It borrows all of them.
///
/// The header comes from anything that iterates over pairs of name and value: an `http::HeaderMap`, a map of strings,
/// an array of pairs. Names are compared without regard to case. A value that is not UTF-8 says nothing.
///
/// ```
/// use fieldfen_rate_limits::{Answer, Timestamp};
///
/// let received_at: Timestamp = "2026-11-23T14:05:09Z".parse()?;
/// let mut headers = http::HeaderMap::new();
/// headers.insert("retry-after", "30".parse()?);
/// let answer = Answer::new(429, received_at).headers(&headers).body(br#"{"detail":"Request was throttled."}"#);
/// assert_eq!(answer.status(), 429);
///
/// let same = Answer::new(429, received_at).headers([("Retry-After", "30")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    status: u16,
    received_at: Timestamp,
    lines: Vec<(&'a str, &'a [u8])>,
    body: Option<&'a [u8]>,
}

impl<'a> Answer<'a> {
    /// An answer with this HTTP status. `received_at` is the local time at which its header arrived.
    #[must_use]
    pub const fn new(status: u16, received_at: Timestamp) -> Self {
        Self { status, received_at, lines: Vec::new(), body: None }
    }

    /// Adds header lines. A name may come more than once, in any case.
    #[must_use]
    pub fn headers<N, V>(mut self, lines: impl IntoIterator<Item = (&'a N, &'a V)>) -> Self
    where
        N: AsRef<str> + ?Sized + 'a,
        V: AsRef<[u8]> + ?Sized + 'a,
    {
        let room = MAX_LINES - self.lines.len();
        self.lines.extend(lines.into_iter().take(room).map(|(name, value)| (name.as_ref(), value.as_ref())));
        self
    }

    /// Adds the body. Some services state their limits only there.
    #[must_use]
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = Some(body);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The local time at which the answer arrived.
    #[must_use]
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The lines of a header field that is a list, as one (RFC 9110, section 5.2).
    pub(crate) fn list(&self, name: &str) -> Option<String> {
        let list = self.lines(name).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ");
        (!list.is_empty()).then_some(list)
    }

    /// The smallest count in a header field. A field that should come once can come twice, where a gateway adds its
    /// own, and then also as a list: the stricter value counts.
    pub(crate) fn least_count(&self, name: &str) -> Option<u64> {
        let values = self.lines(name).flat_map(|line| line.split(','));
        values.filter_map(|value| count(value.split(';').next().unwrap_or_default())).min()
    }

    /// The body, unless it is too large to be read.
    pub(crate) fn readable_body(&self) -> Option<&'a [u8]> {
        self.body.filter(|body| !body.is_empty() && body.len() <= MAX_BODY_BYTES)
    }

    /// The lines of a header field, in order, without the white space around them.
    pub(crate) fn lines<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        let mut room = MAX_FIELD_BYTES;
        let fits = move |value: &&[u8]| {
            let fits = value.len() <= room;
            room -= if fits { value.len() } else { 0 };
            fits
        };
        let values =
            self.lines.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        values
            .filter(fits)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .map(|value| value.trim_matches([' ', '\t']))
    }
}
