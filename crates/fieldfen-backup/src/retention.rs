//! Which old backups go.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate};

use crate::error::{BackupError, Trying};
use crate::folder::{Folder, refuse_logs};

/// How many days of backups are kept unless told otherwise: the specification's figure.
pub const DEFAULT_KEEP_DAYS: u32 = 30;

/// Removes backups that are older than `keep` days, counted from `today`, and says which.
///
/// The newest `keep` backups stay however old they are, so that neither a gap in the backups nor a wrong clock empties
/// the folder. Files with other names are never touched.
///
/// # Errors
/// [`BackupError`] when the folder cannot be read or a backup not be removed.
pub fn remove_old(folder: &Path, today: NaiveDate, keep: u32) -> Result<Vec<PathBuf>, BackupError> {
    let folder = Folder::hold(folder)?;
    let mut removed = Vec::new();
    for path in too_old(folder.backups()?, today, keep) {
        refuse_logs(&path)?;
        fs::remove_file(&path).trying("remove the old backup", &path)?;
        removed.push(path);
    }
    Ok(removed)
}

/// Those of these backups, the newest first, that go.
fn too_old(backups: Vec<(NaiveDate, PathBuf)>, today: NaiveDate, keep: u32) -> Vec<PathBuf> {
    let Some(last_to_go) = today.checked_sub_days(Days::new(keep.into())) else {
        return Vec::new();
    };
    let spared = usize::try_from(keep).unwrap_or(usize::MAX);
    backups.into_iter().skip(spared).filter(|(day, _)| *day <= last_to_go).map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn backups(days: impl Iterator<Item = NaiveDate>) -> Vec<(NaiveDate, PathBuf)> {
        let mut backups: Vec<_> = days.map(|day| (day, PathBuf::from(day.to_string()))).collect();
        backups.sort_by(|a, b| b.cmp(a));
        backups
    }

    #[test]
    fn of_daily_backups_the_last_days_stay_with_today_among_them() {
        let daily = backups(day("2026-10-01").iter_days().take(55));
        assert_eq!(daily[0].0, day("2026-11-24"));
        let gone = too_old(daily, day("2026-11-24"), 30);
        assert_eq!(gone.len(), 25);
        assert_eq!(gone[0], PathBuf::from("2026-10-25"), "the newest that goes is 30 days old");
    }

    #[test]
    fn a_wrong_clock_or_a_gap_does_not_empty_the_folder() {
        let daily = backups(day("2026-10-26").iter_days().take(30));
        assert!(too_old(daily, day("2099-01-01"), 30).is_empty());
        let weekly = backups(day("2026-01-01").iter_weeks().take(20));
        assert!(too_old(weekly, day("2026-11-24"), 30).is_empty());
    }

    #[test]
    fn backups_of_the_future_do_not_go() {
        let future = backups(day("2030-01-01").iter_days().take(40));
        assert!(too_old(future, day("2026-11-24"), 30).is_empty());
    }
}
