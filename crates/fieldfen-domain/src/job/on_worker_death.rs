//! The consequence of a worker's death for the job that it ran.

use crate::text_enum::text_enum;

text_enum! {
    /// The consequence for a job if its worker dies, or loses its lease otherwise. It is stored with the job, so that
    /// every reclaim honours it, whatever handlers its worker has.
    ///
    /// The consequence that is given when a job is enqueued holds. A job without one, for example from a program that
    /// knows only the initial schema or from a recurring schedule, gets the consequence that the worker that first
    /// claims it has for its kind, also if that worker then declines it. If that worker has none either, the job is
    /// retried.
    ///
    /// Nobody knows whether the work of such a job was done. Choose by what a second run costs:
    ///
    /// - The work can be repeated, or its handler finds out what was done: [`Retry`](Self::Retry). The publishing jobs
    ///   are of this kind, because they reserve a publication before each call and look it up before the next one.
    /// - A second run does harm, and a person can find out what was done: [`Hold`](Self::Hold).
    /// - A second run does harm, and the work is not worth a person's time: [`Fail`](Self::Fail).
    ///
    /// `UpscaleImage` and `GenerateMetadata` can be billed a second time. Their default is a retry nevertheless: a call
    /// costs cents, the budgets bound the sum, and a held job keeps its file out of the shop until a person comes.
    #[derive(Default)]
    pub enum OnWorkerDeath as "consequence of a worker's death" {
        /// The job runs again after its backoff, and runs alone from its second lost lease on.
        #[default]
        Retry = "retry",
        /// The job is parked for a [person](super::ParkedFor::Person). An operator's retry runs it again.
        Hold = "hold",
        /// The job fails for good.
        Fail = "fail",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_same_in_the_database_and_in_documents() {
        for word in OnWorkerDeath::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
        }
        assert_eq!(OnWorkerDeath::default(), OnWorkerDeath::Retry);
        let error = "park".parse::<OnWorkerDeath>().unwrap_err().to_string();
        assert_eq!(error, "consequence of a worker's death \"park\" is unknown; it must be one of retry, hold, fail");
    }
}
