//! The accessors of a session, which implements every repository itself.

use fieldfen_domain::store::{
    ApiCostReads, ApiCosts, ApiUsage, ApiUsageReads, BulkActionReads, BulkActions, ConcurrencyLimitReads,
    ConcurrencyLimits, FileReads, Files, HashReads, Hashes, IdReads, JobActions, JobQueue, JobReads, ListingReads,
    Listings, OperatorActionReads, OperatorActions, PauseReads, Pauses, PublicationReads, Publications, RateLimitReads,
    RateLimits, ReadSession, Recurring, RecurringReads, Session, WorkerReads, Workers,
};

use super::ModelSession;

impl ReadSession for ModelSession<'_> {
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

impl Session for ModelSession<'_> {
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
