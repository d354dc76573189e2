//! Measures the cost of the job engine against the raw SQLite baseline, for the report and the criterion benchmarks.

pub mod backlog;
pub mod baseline;
pub mod fieldfen;
pub mod machine;
pub mod report;
pub mod rounds;
pub mod sections;
pub mod write_trace;
