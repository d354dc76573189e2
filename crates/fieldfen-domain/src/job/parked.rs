//! The events for which jobs are parked.

use crate::open_enum::open_enum;

open_enum! {
    /// The event that a parked job or publication waits for, as the column `parked_for` names it.
    ///
    /// An importing program may park its jobs for [events of its own](ParkedFor::own), and makes them run again with
    /// [`retry`](crate::store::JobActions::retry). An event that a newer version has added is read as one of these.
    pub enum ParkedFor as "thing to be parked for" {
        /// The approval of its file.
        Approval = "approval",
        /// The decision of a person, because no lookup can determine the state of a platform.
        Person = "person",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_another_program_or_version_is_read() {
        let restore: ParkedFor = "restore".parse().unwrap();
        assert_eq!((restore.as_str(), Some(restore)), ("restore", ParkedFor::own("restore")));
        assert_eq!("approval".parse(), Ok(ParkedFor::Approval));
        let error = "An approval of Ann".parse::<ParkedFor>().unwrap_err().to_string();
        assert!(error.starts_with("thing to be parked for \"An approval of Ann\""), "{error}");
    }
}
