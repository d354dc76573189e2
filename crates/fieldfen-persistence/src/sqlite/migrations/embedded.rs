//! fieldfen's own migrations, embedded in the program.

use super::migration_file::MigrationFile;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        [$(MigrationFile::new(
            $name,
            include_str!(concat!("../../../migrations/sqlite/", $name, "/up.sql")),
            include_str!(concat!("../../../migrations/sqlite/", $name, "/down.sql")),
        )),+]
    };
}

/// The number of migrations.
pub(super) const COUNT: usize = 19;

/// All migrations, the oldest first.
pub(super) static EMBEDDED: [MigrationFile; COUNT] = embedded![
    "0001_initial_schema",
    "0002_job_queue",
    "0003_file_history",
    "0004_publications",
    "0005_webhook_retention",
    "0006_recurring_jobs",
    "0007_file_pages",
    "0008_unknown_ends",
    "0009_operator_actions",
    "0010_workers",
    "0011_api_calls",
    "0012_rate_limits",
    "0013_api_costs",
    "0014_concurrency_limits",
    "0015_api_usage_monthly",
    "0016_job_attempts",
    "0017_worker_death",
    "0018_bulk_actions",
    "0019_recurring_time_zones",
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::migration_set::MigrationSet;

    #[test]
    fn the_embedded_migrations_are_those_of_the_folder_and_the_sum_is_theirs() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
        let set = MigrationSet::read_own_folder(&folder).unwrap();
        assert_eq!(set, MigrationSet::fieldfen());
        let file = folder.with_file_name("migrations.sum");
        if std::env::var_os("FIELDFEN_WRITE_MIGRATIONS_SUM").is_some() {
            fs::write(&file, set.sum()).unwrap();
        }
        let written = fs::read_to_string(&file).unwrap_or_default();
        assert!(written == set.sum(), "migrations.sum is out of date: run `just migrations-sum`");
    }
}
