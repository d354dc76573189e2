//! What the job engine costs, against the raw SQLite floor: the parts of the report and of the criterion benchmarks.

pub mod backlog;
pub mod floor;
pub mod machine;
pub mod ours;
pub mod report;
pub mod rounds;
pub mod sections;
