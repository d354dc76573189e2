//! One open transaction on a SQLite connection.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::{
    ApiCostReads, ApiCosts, ApiUsage, ApiUsageReads, BulkActionReads, BulkActions, ConcurrencyLimitReads,
    ConcurrencyLimits, FileReads, Files, HashReads, Hashes, IdReads, JobActions, JobQueue, JobReads, ListingReads,
    Listings, OperatorActionReads, OperatorActions, PauseReads, Pauses, PublicationReads, Publications, RateLimitReads,
    RateLimits, ReadSession, Recurring, RecurringReads, Session, StoreError, WorkerReads, Workers,
};

use super::error::Classify;
use super::watch::CommitNotice;

/// An open transaction on a SQLite connection. It implements every repository trait.
///
/// A store makes a session for each closure. A program with its own diesel connection and tables makes one with
/// [`SqliteSession::join`], so that fieldfen's writes and its own writes are one transaction.
pub struct SqliteSession<'c> {
    pub(crate) conn: &'c mut SqliteConnection,
    /// The notice for waiting threads and processes, sent after the commit.
    pub(crate) notice: CommitNotice,
    /// Whether a limit counted the last job that ended on this connection. The next one is then first looked up in its
    /// partition; otherwise it is first ended as a job that no limit counts.
    pub(crate) expects_limits: bool,
}

impl<'c> SqliteSession<'c> {
    /// Makes a session in the open transaction of the caller's connection. The caller commits or rolls back.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if no transaction is open or foreign keys are not enforced; [`StoreError::Busy`] if the
    /// transaction has only read so far and another connection is writing (begin it with `BEGIN IMMEDIATE`).
    ///
    /// ```
    /// use diesel::{connection::SimpleConnection, prelude::*};
    /// use fieldfen_persistence::SqliteSession;
    ///
    /// let mut conn = SqliteConnection::establish(":memory:")?;
    /// fieldfen_persistence::migrations::run_pending(&mut conn)?;
    /// conn.batch_execute("PRAGMA foreign_keys = ON; CREATE TABLE orders (number INTEGER)")?;
    /// assert!(SqliteSession::join(&mut conn).is_err(), "no transaction is open");
    /// conn.immediate_transaction(|conn| {
    ///     conn.batch_execute("INSERT INTO orders VALUES (7)")?;
    ///     let mut session = SqliteSession::join(conn)?;
    ///     // fieldfen_services::Transaction::new(&mut session).enqueue(&job) is rolled back with the order.
    ///     # let _ = &mut session;
    ///     Ok::<_, Box<dyn std::error::Error>>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(conn: &'c mut SqliteConnection) -> Result<Self, StoreError> {
        // A second BEGIN succeeds only if no transaction is open.
        if conn.batch_execute("BEGIN").is_ok() {
            conn.batch_execute("ROLLBACK").store()?;
            return Err(StoreError::Setting {
                what: "transaction",
                found: "not open".into(),
                rule: "open one on this connection first, with BEGIN IMMEDIATE",
            });
        }
        let foreign_keys: i32 =
            diesel::select(diesel::dsl::sql::<Integer>("(SELECT foreign_keys FROM pragma_foreign_keys)"))
                .get_result(conn)
                .store()?;
        if foreign_keys != 1 {
            return Err(StoreError::Setting {
                what: "foreign_keys",
                found: "off".into(),
                rule: "run PRAGMA foreign_keys = ON on this connection before the transaction begins",
            });
        }
        // This statement changes no row. It takes the write lock now, so that a later statement does not fail for lack
        // of it.
        conn.batch_execute("UPDATE jobs SET status = status WHERE 0").store()?;
        Ok(Self::new(conn))
    }

    /// Makes a session in a transaction that the store has opened.
    pub(crate) const fn new(conn: &'c mut SqliteConnection) -> Self {
        Self { conn, notice: CommitNotice::None, expects_limits: false }
    }

    /// Adds a notice that is sent after the commit.
    pub(crate) fn note(&mut self, notice: CommitNotice) {
        self.notice = self.notice.max(notice);
    }
}

impl ReadSession for SqliteSession<'_> {
    fn files(&mut self) -> &mut dyn FileReads {
        self
    }

    fn jobs(&mut self) -> &mut dyn JobReads {
        self
    }

    fn hashes(&mut self) -> &mut dyn HashReads {
        self
    }

    fn api_costs(&mut self) -> &mut dyn ApiCostReads {
        self
    }

    fn api_usage(&mut self) -> &mut dyn ApiUsageReads {
        self
    }

    fn publications(&mut self) -> &mut dyn PublicationReads {
        self
    }

    fn listings(&mut self) -> &mut dyn ListingReads {
        self
    }

    fn recurring(&mut self) -> &mut dyn RecurringReads {
        self
    }

    fn operator_actions(&mut self) -> &mut dyn OperatorActionReads {
        self
    }

    fn bulk_actions(&mut self) -> &mut dyn BulkActionReads {
        self
    }

    fn workers(&mut self) -> &mut dyn WorkerReads {
        self
    }

    fn rate_limits(&mut self) -> &mut dyn RateLimitReads {
        self
    }

    fn concurrency_limits(&mut self) -> &mut dyn ConcurrencyLimitReads {
        self
    }

    fn pauses(&mut self) -> &mut dyn PauseReads {
        self
    }

    fn ids(&mut self) -> &mut dyn IdReads {
        self
    }
}

impl Session for SqliteSession<'_> {
    fn files(&mut self) -> &mut dyn Files {
        self
    }

    fn jobs(&mut self) -> &mut dyn JobQueue {
        self
    }

    fn job_actions(&mut self) -> &mut dyn JobActions {
        self
    }

    fn hashes(&mut self) -> &mut dyn Hashes {
        self
    }

    fn api_costs(&mut self) -> &mut dyn ApiCosts {
        self
    }

    fn api_usage(&mut self) -> &mut dyn ApiUsage {
        self
    }

    fn publications(&mut self) -> &mut dyn Publications {
        self
    }

    fn listings(&mut self) -> &mut dyn Listings {
        self
    }

    fn recurring(&mut self) -> &mut dyn Recurring {
        self
    }

    fn operator_actions(&mut self) -> &mut dyn OperatorActions {
        self
    }

    fn bulk_actions(&mut self) -> &mut dyn BulkActions {
        self
    }

    fn workers(&mut self) -> &mut dyn Workers {
        self
    }

    fn rate_limits(&mut self) -> &mut dyn RateLimits {
        self
    }

    fn concurrency_limits(&mut self) -> &mut dyn ConcurrencyLimits {
        self
    }

    fn pauses(&mut self) -> &mut dyn Pauses {
        self
    }

    fn reads(&mut self) -> &mut dyn ReadSession {
        self
    }
}
