//! A process that is suspended between the check of the limits and its call.

use std::thread;
use std::time::Duration;

use fieldfen_domain::rate_limit::START_WITHIN;
use fieldfen_tests::event::Event;

use crate::database::Database;
use crate::process::Process;

#[test]
fn a_process_that_is_suspended_before_its_call_acquires_a_new_permit() {
    let database = Database::new();
    let process = Process::start(database.path(), "suspended-call").wait_until_ready();
    let permits = || database.texts("SELECT id FROM api_permits ORDER BY rowid");
    let calls = || database.number("SELECT count(*) FROM api_usage");

    process.wait_until_stopped();
    let before = permits();
    assert_eq!((before.len(), calls()), (1, 0), "the permit is acquired, and the call has not started");
    thread::sleep(START_WITHIN + Duration::from_millis(50));
    process.resume();

    // Within the call.
    process.wait_until_stopped();
    let during = permits();
    assert!(during.len() == 1 && during != before, "the call starts under a new permit: {before:?}, {during:?}");
    process.resume();
    let (status, events) = process.finish();
    assert!(status.success() && events.contains(&Event::CommandDone), "{status}: {events:?}");
    assert_eq!((permits().len(), calls()), (0, 1));
    assert_eq!(database.number("SELECT used_units FROM rate_limits"), 1, "the first permit counts for nothing");
    database.assert_sound();
}
