//! Text from outside and large numbers, in tables and in JSON documents.

use fieldfen_domain::file::IngestOutcome;
use fieldfen_domain::job::Retry;
use fieldfen_domain::job::{Pause, PauseScope};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_domain::{RawJson, Timestamp};
use fieldfen_services::Environment;
use fieldfen_testkit::fixtures::{
    api_call, by_ann, claim_ref, claim_request, failure, file, file_id, foreign_listing, job, job_id, listing_target,
    publication_id, recurring, registered_worker, reserve_request, token,
};

use crate::output::reading_commands;
use crate::shop_harness::Shop;

/// A text that clears the screen, sets the title, reverses the direction, ends the line and hides a part of itself.
const HOSTILE: &str = "fox\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}gpj.\nroot\u{9b}31m\u{200b}\u{2066}";

/// Numbers that a double does not hold: 2^53 + 1, 30 digits, 32 digits after the point.
const NUMBERS: &str =
    r#"{"id":9007199254740993,"serial":123456789012345678901234567890,"share":0.1000000000000000055511151231257827}"#;

/// A shop in whose rows every text from outside is hostile.
fn hostile_shop() -> Shop {
    let shop = Shop::new();
    let now: Timestamp = Environment::system().now();
    let written = shop.store().write(|s| {
        let mut new = file(1).species(HOSTILE.to_owned());
        new.original_filename = HOSTILE.to_owned();
        assert_eq!(s.files().insert(&new)?, IngestOutcome::Created);
        let _ = s.jobs().enqueue(&job(1).created_at(now).payload(RawJson::unchecked(NUMBERS.to_owned())))?;
        assert_eq!(s.jobs().claim(&claim_request(1, 1, now))?.jobs.len(), 1);
        let _ = s.jobs().fail(&claim_ref(1, 1), &failure(HOSTILE, Retry::Never, now))?;
        let request = reserve_request(1, file_id(1), listing_target("print"), now);
        let _ = s.publications().reserve(&request)?;
        let _ = s.publications().mark_unknown(&publication_id(1), &token(1), HOSTILE, None, now)?;
        let mut listing = foreign_listing(2, file_id(1));
        listing.platform_listing_id = HOSTILE.to_owned();
        listing.url = Some(HOSTILE.to_owned());
        s.listings().insert_listing(&listing)?;
        s.api_usage().record(&api_call("replicate", 1, now).error(HOSTILE.to_owned()))?;
        let numbers = RawJson::unchecked(NUMBERS.to_owned());
        s.recurring().define(&recurring("nightly", "0 3 * * *", now).payload(numbers))?;
        let mut worker = registered_worker(1, &["test.work"], now);
        worker.host = HOSTILE.to_owned();
        s.workers().register(&worker)?;
        let scope = PauseScope::Account("etsy".parse().unwrap());
        s.pauses().pause(&Pause::new(scope, HOSTILE, now, HOSTILE))?;
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    let queue = fieldfen_services::queue::Queue::new(shop.store(), Environment::system());
    let _ = queue.retry(&job_id(2), &by_ann(HOSTILE)).unwrap();
    shop
}

/// Commands that show one row.
fn details() -> Vec<String> {
    vec![
        format!("files show {}", file_id(1)),
        format!("jobs show {}", job_id(1)),
        format!("jobs why {}", job_id(1)),
        format!("publications show {}", publication_id(1)),
    ]
}

#[test]
fn no_text_from_outside_reaches_a_terminal_unescaped_and_all_of_it_is_valid_json() {
    let shop = hostile_shop();
    let commands: Vec<_> = reading_commands().into_iter().map(str::to_owned).chain(details()).collect();
    let (mut shown, mut documents) = (String::new(), String::new());
    for command in &commands {
        let arguments: Vec<_> = command.split(' ').collect();
        let text = shop.run(&arguments);
        text.ends_with(0);
        let is_bad = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}\u{2066}".contains(c);
        assert!(!text.out.contains(is_bad) && !text.err.contains(is_bad), "{command}: {:?}", text.out);
        assert!(!text.out.lines().any(|line| line.trim_start().starts_with("root")), "{command}: {}", text.out);
        shown.push_str(&text.out);
        let document = shop.run(&[&arguments[..], &["--json"]].concat()).document(0);
        documents.push_str(&document.to_string());
    }
    assert!(shown.matches(r"fox\u{1b}[2J").count() >= 8, "the tables show it: {shown}");
    let hostile = serde_json::to_string(HOSTILE).unwrap();
    assert!(documents.matches(&hostile).count() >= 8, "the documents hold it whole: {documents}");
}

#[test]
fn the_digits_of_a_number_in_a_row_are_printed_as_they_are() {
    let shop = hostile_shop();
    let id = job_id(1).to_string();
    for arguments in [
        &["jobs", "show", &id][..],
        &["jobs", "show", &id, "--json"],
        &["recurring", "list", "--json"],
        &["recurring", "show", "nightly", "--json"],
    ] {
        let out = shop.run(arguments).out;
        let found: String = out.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(found.contains(NUMBERS), "{arguments:?}: {out}");
    }
}

#[test]
fn nothing_is_coloured_in_a_pipe() {
    let shop = hostile_shop();
    for line in
        ["fieldfen --help", "fieldfen jobs list", "fieldfen jobs list --status sold", "fieldfen files list --json"]
    {
        for settings in ["", "CLICOLOR_FORCE=1 FORCE_COLOR=1 TERM=xterm-256color ", "NO_COLOR=1 "] {
            let typed = crate::output::Typed::run(&shop, &format!("{settings}{line}"));
            let output = [typed.output.out, typed.output.err].concat();
            assert!(!output.is_empty() && !output.contains('\u{1b}'), "{settings}{line}: {output:?}");
        }
    }
}
