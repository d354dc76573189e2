//! Random values of all kinds that the domain allows.

use std::ops::Range;
use std::time::Duration;

use chrono::DateTime;
use fieldfen_domain::{FenceToken, RawJson, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A text, possibly empty, with NULs or quotes, or like a number.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => long_text(0..40),
        1 => "-?[0-9]{1,25}(\\.[0-9]{1,5})?",
        1 => "[ \t\n'\"%;_\\\\]{0,8}",
    ]
}

/// A text of this many characters.
pub(crate) fn long_text(characters: Range<usize>) -> impl Strategy<Value = String> {
    vec(any::<char>(), characters).prop_map(String::from_iter)
}

/// JSON as other programs write it: with blanks, with numbers that no float can express, with any text.
pub(crate) fn json() -> impl Strategy<Value = RawJson> {
    let object = ("-?[1-9][0-9]{0,40}", text(), "[ \t\n]{0,3}").prop_map(|(number, text, blank)| {
        let text = RawJson::from_value(&text).unwrap();
        RawJson::parse(format!("{blank}{{{blank}\"n\" :{number},{text}:[{text}, null]}}{blank}")).unwrap()
    });
    prop_oneof![3 => object, 1 => text().prop_map(|text| RawJson::from_value(&text).unwrap()), 1 => Just(null())]
}

fn null() -> RawJson {
    RawJson::parse("null").unwrap()
}

/// A microsecond of the years 0 to 9998, often of the present or beside a whole second.
pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    let all = -62_167_219_200_000_000_i64..253_370_764_800_000_000;
    let ours = 1_700_000_000_000_000_i64..1_900_000_000_000_000;
    let beside = (all.clone(), select(vec![0, 1, 10, 500_000, 999_990, 999_999]))
        .prop_map(|(micros, fraction)| micros - micros.rem_euclid(1_000_000) + fraction);
    prop_oneof![all, ours, beside].prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

/// A span of time of up to a year.
pub(crate) fn span() -> impl Strategy<Value = Duration> {
    (1_u64..31_536_000_000_000).prop_map(Duration::from_micros)
}

pub(crate) fn token() -> impl Strategy<Value = FenceToken> {
    any::<u128>().prop_map(FenceToken::from_random)
}
