//! The migrations, the schema, and the query plan of the claim on this file with its statistics.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::health::{Check, Finding, Severity};
use fieldfen_domain::store::StoreError;

use super::not_done;
use crate::sqlite::error::Classify as _;
use crate::sqlite::migrations::{self, MigrationStatus, SchemaState};
use crate::sqlite::planner_statistics;
use crate::sqlite::repositories::jobs::claim_statements;

const LOOKED_AT: &str = "migrations, tables, indexes and triggers";

/// Returns the finding, and whether the schema is the one of this program.
pub(super) fn check(conn: &mut SqliteConnection) -> (Finding, bool) {
    let state = match migrations::inspect(conn) {
        Ok(state) => state,
        Err(error) => return (not_done(Check::Schema, LOOKED_AT, &error.into()), false),
    };
    let finding = of_state(&state);
    if finding.severity > Severity::Ok {
        return (finding, false);
    }
    match migrations::foreign_rules(conn) {
        Ok(rules) if rules.is_empty() => (finding, true),
        Ok(rules) => {
            let found = format!("{}; other programs have added rules that can change or refuse writes", finding.found);
            let advice =
                "if a write has no effect or is refused without a reason, remove these triggers and unique indexes";
            (Finding::warning(Check::Schema, LOOKED_AT, found, advice).details(rules), true)
        }
        Err(error) => (not_done(Check::Schema, LOOKED_AT, &error.into()), true),
    }
}

fn of_state(state: &SchemaState) -> Finding {
    let of = |wanted: fn(&MigrationStatus) -> bool| {
        let found = state.migrations.iter().filter(|status| wanted(status));
        found.map(|status| status.migration.to_string()).collect::<Vec<_>>()
    };
    let (pending, unknown) = (of(|status| !status.applied), of(|status| !status.known));
    let problem = |found: String, advice: &str, details| {
        Finding::problem(Check::Schema, LOOKED_AT, found, advice).details(details)
    };
    if !unknown.is_empty() {
        let found = format!("the database has {} that this program does not know", migrations_in_words(unknown.len()));
        return problem(found, "use the newer program", unknown);
    }
    if !state.differences.is_empty() {
        let differences: Vec<_> = state.differences.iter().map(ToString::to_string).collect();
        let advice =
            "undo the change of the other program, or put a backup in its place; see `fieldfen migrate status`";
        return problem("another program has changed the schema".to_owned(), advice, differences);
    }
    if !pending.is_empty() {
        let found = if pending.len() == state.migrations.len() {
            "the database has no migration".to_owned()
        } else {
            format!("the database lacks {}", migrations_in_words(pending.len()))
        };
        return problem(found, "run `fieldfen migrate up`, which also backs it up", pending);
    }
    Finding::ok(Check::Schema, LOOKED_AT, format!("at {}, the newest migration", migrations::newest()))
}

fn migrations_in_words(number: usize) -> String {
    if number == 1 { "1 migration".to_owned() } else { format!("{number} migrations") }
}

/// The query plan of the claim, as SQLite makes it with the statistics of this file.
pub(super) fn check_claim_plan(conn: &mut SqliteConnection) -> Finding {
    check_plans(conn, &claim_statements())
}

fn check_plans(conn: &mut SqliteConnection, statements: &[(&str, &str)]) -> Finding {
    let mut slow = Vec::new();
    let looked_at = "EXPLAIN QUERY PLAN of the statements of a claim, and the statistics of the planner";
    for (name, sql) in statements {
        match plan(conn, sql) {
            Ok(steps) => {
                slow.extend(steps.into_iter().filter(|step| is_slow(step)).map(|step| format!("{name}: {step}")))
            }
            Err(error) => return not_done(Check::ClaimPlan, looked_at, &error),
        }
    }
    let analyzed = match planner_statistics::analyzed_tables(conn) {
        Ok(analyzed) => analyzed,
        Err(error) => return not_done(Check::ClaimPlan, looked_at, &error),
    };
    let advice = "run `fieldfen upkeep run`, which removes the statistics, and run neither ANALYZE nor PRAGMA optimize";
    if !analyzed.is_empty() {
        let found = "another program has run ANALYZE or PRAGMA optimize: SQLite may read a table whole although it has \
                     grown since";
        return Finding::warning(Check::ClaimPlan, looked_at, found, advice).details([analyzed, slow].concat());
    }
    if !slow.is_empty() {
        let found = "a claim reads whole tables or sorts";
        return Finding::problem(Check::ClaimPlan, looked_at, found, advice).details(slow);
    }
    Finding::ok(Check::ClaimPlan, looked_at, "every step is a search in an index")
}

fn plan(conn: &mut SqliteConnection, sql: &str) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).store()?;
    Ok(steps.into_iter().map(|step| step.detail).collect())
}

/// Whether a step reads a whole table or sorts. The rows of a subquery and of a JSON document are few.
fn is_slow(step: &str) -> bool {
    let of_few = ["SCAN (subquery", "SCAN given", "SCAN json_each", "SCAN CONSTANT ROW"];
    step.contains("USE TEMP B-TREE") || step.starts_with("SCAN") && !of_few.iter().any(|few| step.starts_with(few))
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use fieldfen_domain::health::Severity;

    use super::*;
    use crate::SqliteUrl;
    use crate::sqlite::columns::test_database::database;
    use crate::sqlite::connection::tool_connection::{OpenMode, connect};

    const MANY_JOBS: &str = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO jobs (id, command_type, status) SELECT i, 'test.work', 'pending' FROM n";

    #[test]
    fn statistics_are_a_warning_until_they_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("shop.db").as_path());
        let open = || connect(&url, OpenMode::CreateIfMissing).unwrap();
        let mut conn = open();
        migrations::run_pending(&mut conn).unwrap();
        conn.batch_execute("INSERT INTO jobs (id, command_type, status) VALUES (0, 'test.work', 'pending'); ANALYZE")
            .unwrap();
        let analyzed = check_claim_plan(&mut conn);
        assert_eq!(analyzed.severity, Severity::Warning, "{analyzed:?}");
        assert!(analyzed.found.contains("ANALYZE") && analyzed.details.contains(&"jobs".to_owned()), "{analyzed:?}");
        planner_statistics::remove(&mut conn).unwrap();
        let removed = check_claim_plan(&mut open());
        assert_eq!((removed.advice, removed.details.len()), (None, 0));
    }

    #[test]
    fn a_scan_and_a_sort_are_a_problem_and_the_claim_of_today_has_none() {
        let mut conn = database();
        conn.batch_execute(MANY_JOBS).unwrap();
        assert_eq!(check_claim_plan(&mut conn).advice, None);
        for (sql, step) in [
            ("SELECT id FROM jobs WHERE last_error = ?", "Claim: SCAN jobs"),
            ("SELECT id FROM jobs WHERE status = ? ORDER BY last_error", "Claim: USE TEMP B-TREE FOR ORDER BY"),
        ] {
            let finding = check_plans(&mut conn, &[("Claim", sql)]);
            assert!(finding.advice.is_some() && finding.details.iter().any(|detail| detail == step), "{finding:?}");
        }
        let missing = check_plans(&mut conn, &[("Claim", "SELECT id FROM jobs INDEXED BY idx_none WHERE status = ''")]);
        assert!(missing.found.contains("idx_none"), "{missing:?}");
    }
}
