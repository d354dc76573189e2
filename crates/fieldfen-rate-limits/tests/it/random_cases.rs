//! Random answers, made by changing documented ones and from random bytes. `FIELDFEN_READER_CASES` sets their number,
//! `FIELDFEN_SEED` the first. Each case has a seed of its own, which a failure names.
//!
//! This runs with the stable toolchain. A coverage-guided fuzzer (`cargo fuzz`) needs the nightly one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fieldfen_rate_limits::{
    Answer, Dialect, LimitReading, MAX_CHARGES, MAX_LIMITS, MAX_NAME_BYTES, Reading, Timestamp, read,
};

use crate::examples::EXAMPLES;
use crate::received_at;

const DEFAULT_CASES: u64 = 50_000;
const MAX_COUNT: u64 = 999_999_999_999_999;

/// Fragments that readers look for, and numbers at the edges.
const FRAGMENTS: &[&str] = &[
    "-",
    "-1",
    "0",
    "1e999",
    "NaN",
    "99999999999999999999",
    "999999999999999",
    "9223372036854775807",
    "0.0000001",
    ".",
    "/",
    ",",
    ";",
    "=",
    "\"",
    ":",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "[[[[[[[[",
    "\u{0}",
    "\u{1b}",
    "é",
    "\\u0000",
    ";w=0",
    ";w=60",
    ";r=5",
    ";q=9",
    ";t=1",
    ";pk=:AA==:",
    ";pk=:A:",
    "null",
    "true",
    "\"code\":",
    "\"aborted\"",
    "THROTTLED",
    "1795442769",
    "1795442769000",
    "Mon, 23 Nov 2026 14:06:09 GMT",
    "2026-11-23T14:06:09Z",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "limit=1",
    "9999-12-31T23:59:60-23:59",
    "\t",
    " ",
    "\r\n",
];

/// Names of all header fields that a reader looks at.
const NAMES: &[&str] = &[
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-used",
    "x-ratelimit-resource",
    "x-rate-limit-limit",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
    "x-shopify-shop-api-call-limit",
    "x-limit-per-second",
    "x-remaining-this-secon",
    "x-remaining-this-second",
    "x-limit-per-day",
    "x-remaining-today",
    "x-amzn-ratelimit-limit",
    "x-app-usage",
    "x-business-use-case-usage",
];

/// The generator SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    fn bytes(&mut self, end: usize) -> Vec<u8> {
        (0..self.below(end)).map(|_| self.next() as u8).collect()
    }
}

#[derive(Debug)]
struct Case {
    dialect: Dialect,
    status: u16,
    received_at: Timestamp,
    lines: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Case {
    fn new(seed: u64) -> Self {
        let random = &mut Random(seed);
        let example = random.pick(EXAMPLES);
        let lines = example.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        let mut case = Self {
            dialect: example.dialect,
            status: example.status,
            received_at: received_at(),
            lines: lines.collect(),
            body: example.body.as_bytes().to_vec(),
        };
        for _ in 0..=random.below(5) {
            case.change(random);
        }
        case
    }

    fn change(&mut self, random: &mut Random) {
        match random.below(20) {
            0 => self.dialect = *random.pick(&Dialect::ALL),
            1 => self.status = *random.pick(&[0, 200, 301, 400, 403, 429, 503, u16::MAX]),
            2 => self.received_at = *random.pick(&[Timestamp::MIN_UTC, Timestamp::UNIX_EPOCH, Timestamp::MAX_UTC]),
            3 => {
                let other = random.pick(EXAMPLES);
                self.lines
                    .extend(other.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
            }
            4 => self.body = random.pick(EXAMPLES).body.as_bytes().to_vec(),
            5 => self.body = random.bytes(100),
            6 => self.lines.push(((*random.pick(NAMES)).to_owned(), random.bytes(40))),
            7 => {
                let value = (0..random.below(8)).flat_map(|_| random.pick(FRAGMENTS).bytes()).collect();
                self.lines.push(((*random.pick(NAMES)).to_owned(), value));
            }
            8 if random.below(1000) == 0 => {
                let times = 1 << random.below(14);
                let value = random.pick(FRAGMENTS).repeat(times).into_bytes();
                self.body = [self.body.as_slice(), &value].concat();
                self.lines.push(((*random.pick(NAMES)).to_owned(), value));
            }
            n if n < 14 && !self.lines.is_empty() => {
                let at = random.below(self.lines.len());
                change_bytes(&mut self.lines[at].1, random);
            }
            _ => change_bytes(&mut self.body, random),
        }
    }

    fn answer(&self) -> Answer<'_> {
        let lines = self.lines.iter().map(|(name, value)| (name, value));
        Answer::new(self.status, self.received_at).headers(lines).body(&self.body)
    }
}

fn change_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    let (start, end) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
    let (start, end) = (start.min(end), start.max(end));
    match random.below(6) {
        0 if start < bytes.len() => bytes[start] = random.next() as u8,
        1 if start < bytes.len() => bytes[start] ^= 1 << random.below(8),
        2 => drop(bytes.drain(start..end)),
        3 => bytes.truncate(start),
        4 => {
            let piece = bytes[start..end].to_vec();
            drop(bytes.splice(start..start, piece));
        }
        _ => drop(bytes.splice(start..start, random.pick(FRAGMENTS).bytes())),
    }
}

fn check(case: &Case) {
    let reading = read(case.dialect, &case.answer());
    assert_eq!(reading, read(case.dialect, &case.answer()), "the same answer is read the same twice");
    check_reading(&reading, case.received_at);
    let silent = case.lines.is_empty() && case.body.is_empty() && case.status != 429;
    assert!(!silent || reading.is_silent(), "an answer that says nothing is read as nothing");
}

fn check_reading(reading: &Reading, received_at: Timestamp) {
    let Reading { limits, blocked, error_code, cost, charges, pending_charges, .. } = reading;
    assert!(limits.len() <= MAX_LIMITS && charges.len() <= MAX_CHARGES && pending_charges.len() <= MAX_CHARGES);
    limits.iter().for_each(|limit| check_limit(limit, received_at));
    if let Some(block) = blocked {
        assert!(is_time_to_come(block.until, received_at));
        assert!(block.bucket.iter().all(|name| is_name(name)));
        assert_eq!(reading.retry_at(), Some(block.until));
    }
    assert!(error_code.iter().all(|code| is_name(code)));
    assert!(cost.iter().flat_map(|cost| [cost.requested, cost.actual]).flatten().all(|count| count <= MAX_COUNT));
    for pending in pending_charges {
        assert!(is_name(&pending.external_id) && pending.item.iter().all(|item| is_name(item)));
    }
    for charge in charges {
        assert!(is_name(&charge.external_id) && charge.item.iter().all(|item| is_name(item)));
        assert!(charge.amounts.iter().all(|amount| is_name(&amount.name)) && charge.amounts.len() <= 16);
    }
}

fn check_limit(limit: &LimitReading, received_at: Timestamp) {
    assert!([limit.limit, limit.remaining, limit.used].into_iter().flatten().all(|count| count <= MAX_COUNT));
    assert!(limit.resets_at.is_none_or(|time| is_time_to_come(time, received_at)));
    assert!(limit.window.is_none_or(|window| !window.is_zero()));
    assert!(limit.refill.is_none_or(|refill| refill.micros_per_second > 0 && !refill.time_for(1).is_zero()));
    assert!(limit.bucket.iter().chain(&limit.partition).all(|name| is_name(name)));
    let LimitReading { limit, remaining, used, used_basis_points, resets_at, window, refill, .. } = limit;
    let counts = [limit, remaining, used].into_iter().any(Option::is_some);
    let rest = used_basis_points.is_some() || resets_at.is_some() || window.is_some() || refill.is_some();
    assert!(counts || rest, "a limit says something");
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control)
}

fn is_time_to_come(time: Timestamp, received_at: Timestamp) -> bool {
    received_at <= time && time.timestamp_micros() <= 253_402_300_799_999_999
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

#[test]
fn random_answers_are_read_without_harm() {
    let cases = from_environment("FIELDFEN_READER_CASES", DEFAULT_CASES);
    let first = from_environment("FIELDFEN_SEED", 0);
    let mut silent = 0;
    for seed in first..first + cases {
        let case = Case::new(seed);
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&case)));
        assert!(outcome.is_ok(), "FIELDFEN_SEED={seed} FIELDFEN_READER_CASES=1: {case:?}");
        silent += u64::from(read(case.dialect, &case.answer()).is_silent());
    }
    println!("{cases} random answers from seed {first} on; {silent} say nothing");
    assert!(silent * 2 < cases.max(1000), "most cases reach a reader: {silent} of {cases} say nothing");
}
