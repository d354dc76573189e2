//! What the job engine costs, against the raw SQLite baseline: the parts of the report and of the criterion benchmarks.

pub mod backlog;
pub mod baseline;
pub mod fieldfen;
pub mod machine;
pub mod report;
pub mod rounds;
pub mod sections;
pub mod write_trace;
