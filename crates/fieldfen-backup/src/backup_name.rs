//! The names of the files that this program makes.

use std::fmt;

use chrono::{Datelike as _, NaiveDate};

/// The beginning of every name.
const PREFIX: &str = "fieldfen-";

/// The extension of a finished backup.
const FINISHED: &str = ".db";

/// The extensions of an unfinished copy and of SQLite's files beside it.
const UNFINISHED: [&str; 4] = [".db.partial", ".db.partial-journal", ".db.partial-wal", ".db.partial-shm"];

/// The name of a file of this program: `fieldfen-`, a day as eight digits, and one of five extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BackupName {
    day: NaiveDate,
    ending: &'static str,
}

impl BackupName {
    /// The name of a finished backup.
    pub(crate) const fn finished(day: NaiveDate) -> Self {
        Self { day, ending: FINISHED }
    }

    /// The names of an unfinished copy, which is the first one, and of SQLite's files beside it.
    pub(crate) fn unfinished(day: NaiveDate) -> [Self; 4] {
        UNFINISHED.map(|ending| Self { day, ending })
    }

    /// Parses a name; `None` for every other text.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        let (digits, ending) = rest.split_at_checked(8)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let day = NaiveDate::parse_from_str(digits, "%Y%m%d").ok()?;
        let ending = [FINISHED].into_iter().chain(UNFINISHED).find(|known| *known == ending)?;
        Some(Self { day, ending })
    }

    pub(crate) const fn day(&self) -> NaiveDate {
        self.day
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.ending == FINISHED
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = (self.day.year(), self.day.month(), self.day.day());
        write!(f, "{PREFIX}{year:04}{month:02}{day:02}{}", self.ending)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn config() -> ProptestConfig {
        let default = ProptestConfig::default();
        let rng_seed = match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_261_124),
            named @ RngSeed::Fixed(_) => named,
        };
        ProptestConfig { cases: 4096, rng_seed, failure_persistence: None, ..default }
    }

    fn any_name() -> impl Strategy<Value = BackupName> {
        let day = (0..=9999, 1..=366_u32).prop_filter_map("a day", |(year, day)| NaiveDate::from_yo_opt(year, day));
        (day, 0..5_usize).prop_map(|(day, which)| match which {
            4 => BackupName::finished(day),
            which => BackupName::unfinished(day)[which],
        })
    }

    /// Returns whether a text is a name, by the format written a second time.
    fn is_name(text: &str) -> bool {
        let day = |digits: &str| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let endings = [".db", ".db.partial", ".db.partial-journal", ".db.partial-wal", ".db.partial-shm"];
        let between = |ending: &str| text.strip_prefix("fieldfen-").and_then(|rest| rest.strip_suffix(ending));
        endings.iter().any(|ending| between(ending).is_some_and(day))
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_name_that_is_written_is_read_again(name in any_name()) {
            prop_assert_eq!(BackupName::parse(&name.to_string()), Some(name));
        }

        #[test]
        fn a_text_is_a_name_only_if_it_is_one_to_the_letter(
            name in any_name(),
            at in 0..48_usize,
            removed in 0..3_usize,
            inserted in "(|[0-9.-]{1,3}|\\.keep|-wal|\\.db|partial|fieldfen-|\\PC{1,3}|٣|\n| )",
        ) {
            let mut text: Vec<char> = name.to_string().chars().collect();
            let at = at.min(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
            let text: String = text.into_iter().collect();
            match BackupName::parse(&text) {
                Some(read) => prop_assert!(is_name(&text) && read.to_string() == text, "{:?}", text),
                None => prop_assert!(!is_name(&text) || NaiveDate::parse_from_str(&text[9..17], "%Y%m%d").is_err()),
            }
        }

        #[test]
        fn any_other_text_is_no_name(text in "\\PC{0,40}") {
            prop_assert!(is_name(&text) || BackupName::parse(&text).is_none());
        }
    }

    #[test]
    fn names_that_are_nearly_right_are_not() {
        assert!(BackupName::parse("fieldfen-20261124.db").is_some_and(|name| name.is_finished()));
        for name in [
            "fieldfen-20261124.db-wal",
            "fieldfen-20261324.db",
            "fieldfen-2026112.db",
            "fieldfen-+2026112.db",
            "fieldfen-before-migration.db",
            "fieldfen-my.db.partial.keep",
            "fieldfen-20261124.db.partial.keep",
            "shop-20261124.db",
            "Fieldfen-20261124.db",
        ] {
            assert_eq!(BackupName::parse(name), None, "{name}");
        }
    }
}
