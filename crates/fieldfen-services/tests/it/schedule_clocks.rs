//! Schedules in time zones, where clocks are put forward and back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use fieldfen_domain::Timestamp;
use fieldfen_services::recurring::Schedule;
use proptest::prelude::*;
use proptest::sample::select;

/// Changes of the clocks: the zone and the UTC time of the change.
const CHANGES: [(&str, &str); 14] = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    // By half an hour.
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    // At midnight, and over midnight.
    ("America/Havana", "2026-03-08T05:00:00Z"),
    ("America/Havana", "2026-11-01T05:00:00Z"),
    ("America/Nuuk", "2026-03-29T01:00:00Z"),
    ("America/Nuuk", "2026-10-25T01:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    // By two hours.
    ("Antarctica/Troll", "2026-03-29T01:00:00Z"),
    // A zone that skips a date, and one that repeats one.
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Pacific/Kwajalein", "1969-09-30T13:00:00Z"),
];

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(cron: &str, zone: &str) -> Schedule {
    cron.parse::<Schedule>().unwrap().in_time_zone(zone.parse().unwrap())
}

/// The ticks after the first of these times and not after the second one.
fn ticks(schedule: &Schedule, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let next = |at: &Timestamp| schedule.next_after(*at);
    std::iter::successors(next(&after), next).take_while(|at| *at <= until).collect()
}

#[test]
fn the_ticks_at_a_change_of_the_clocks_are_those_of_the_table() {
    for (cron, zone, after, expected) in [
        // 02:00 to 03:00 is skipped.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        (
            "30 2 29 3 *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T01:00", "2027-03-29T00:30", "2028-03-29T00:30"],
        ),
        (
            "0,30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T01:00", "2026-03-30T00:00", "2026-03-30T00:30"],
        ),
        (
            "0 3 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T01:00", "2026-03-30T01:00", "2026-03-31T01:00"],
        ),
        (
            "0 2,3 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T01:00", "2026-03-30T00:00", "2026-03-30T01:00"],
        ),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            ["2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30"],
        ),
        // 02:00 to 03:00 is repeated.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T00:30:00Z",
            ["2026-10-26T01:30", "2026-10-27T01:30", "2026-10-28T01:30"],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T01:15:00Z",
            ["2026-10-26T01:30", "2026-10-27T01:30", "2026-10-28T01:30"],
        ),
        (
            "0 3 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["2026-10-25T02:00", "2026-10-26T02:00", "2026-10-27T02:00"],
        ),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"],
        ),
        (
            "*/30 1-3 * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            ["2026-10-25T00:30", "2026-10-25T02:00", "2026-10-25T02:30"],
        ),
        // Half an hour: 01:30 to 02:00 is repeated, 02:00 to 02:30 is skipped.
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T00:00:00Z",
            ["2026-04-04T14:45", "2026-04-05T15:15", "2026-04-06T15:15"],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            ["2026-10-03T15:30", "2026-10-04T15:15", "2026-10-05T15:15"],
        ),
        (
            "45 * * * *",
            "Australia/Lord_Howe",
            "2026-04-04T14:00:00Z",
            ["2026-04-04T14:45", "2026-04-04T15:15", "2026-04-04T16:15"],
        ),
        // 23:00 to midnight of Saturday is skipped.
        (
            "30 23 * * *",
            "America/Nuuk",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T01:00", "2026-03-30T00:30", "2026-03-31T00:30"],
        ),
        (
            "30 23 * * SAT",
            "America/Nuuk",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T01:00", "2026-04-05T00:30", "2026-04-12T00:30"],
        ),
        // Midnight itself is skipped.
        (
            "0 0 * * *",
            "America/Havana",
            "2026-03-07T12:00:00Z",
            ["2026-03-08T05:00", "2026-03-09T04:00", "2026-03-10T04:00"],
        ),
        // 30 December is skipped.
        (
            "30 2 * * *",
            "Pacific/Apia",
            "2011-12-28T20:00:00Z",
            ["2011-12-29T12:30", "2011-12-30T12:30", "2011-12-31T12:30"],
        ),
        (
            "30 2 30 12 *",
            "Pacific/Apia",
            "2011-12-28T20:00:00Z",
            ["2012-12-29T12:30", "2013-12-29T12:30", "2014-12-29T12:30"],
        ),
        (
            "0 * * * *",
            "Pacific/Apia",
            "2011-12-30T08:30:00Z",
            ["2011-12-30T09:00", "2011-12-30T10:00", "2011-12-30T11:00"],
        ),
    ] {
        let schedule = schedule(cron, zone);
        let next = |at: &Timestamp| schedule.next_after(*at);
        let found: Vec<_> = std::iter::successors(next(&time(after)), next)
            .take(3)
            .map(|at| at.format("%Y-%m-%dT%H:%M").to_string())
            .collect();
        assert_eq!(found, expected, "{cron} in {zone} after {after}");
    }
}

#[test]
fn a_daily_schedule_ticks_once_for_each_date() {
    for (zone, change) in CHANGES {
        let (tz, change): (Tz, _) = (zone.parse().unwrap(), time(change));
        let local = |at: Timestamp| at.with_timezone(&tz).naive_local();
        let (from, until) = (change - TimeDelta::days(4), change + TimeDelta::days(4));
        // The dates that begin and end in between.
        let is_shown =
            |date: &NaiveDate| (0..24 * 60 * 9).any(|minute| local(from + TimeDelta::minutes(minute)).date() == *date);
        let last = local(until).date().pred_opt().unwrap();
        let dates: Vec<_> =
            local(from).date().iter_days().skip(1).take_while(|date| *date <= last).filter(is_shown).collect();
        for minute in (0..24 * 60).step_by(15) {
            let daily = schedule(&format!("{} {} * * *", minute % 60, minute / 60), zone);
            let begin = first_moment(tz, dates[0]);
            let end = first_moment(tz, last.succ_opt().unwrap());
            // The tick of a time before midnight that is skipped comes at midnight.
            let found = ticks(&daily, begin - TimeDelta::seconds(1), end - TimeDelta::seconds(1));
            assert_eq!(found.len(), dates.len(), "{zone}, {}:{}: {found:?}", minute / 60, minute % 60);
        }
    }
}

/// The first moment at which the clocks show the date or a later one.
fn first_moment(tz: Tz, date: NaiveDate) -> Timestamp {
    let middle = date.and_hms_opt(0, 0, 0).unwrap().and_utc();
    let minutes = (-48 * 60..48 * 60).map(|minute| middle + TimeDelta::minutes(minute));
    minutes.into_iter().find(|at| at.with_timezone(&tz).date_naive() >= date).unwrap()
}

/// The ticks of a schedule of whole minutes, by looking at each minute.
fn ticks_by_minute(cron: &str, zone: &str, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let expression: croner::Cron = cron.parse().unwrap();
    let tz: Tz = zone.parse().unwrap();
    let is_interval = cron.split(' ').nth(1) == Some("*");
    let matches = |local: &NaiveDateTime| expression.is_time_matching(local).unwrap();
    let minute = TimeDelta::minutes(1);
    let start = after - TimeDelta::days(3);
    let shown: BTreeMap<_, _> = std::iter::successors(Some(start), |at| Some(*at + minute))
        .take_while(|at| *at <= until + TimeDelta::days(3))
        .map(|at| (at, at.with_timezone(&tz).naive_local()))
        .collect();
    let dates: BTreeSet<_> = shown.values().map(NaiveDateTime::date).collect();
    let (mut seen, mut before, mut found) = (BTreeSet::new(), shown[&start] - minute, Vec::new());
    for (at, local) in shown {
        let skipped: Vec<_> = std::iter::successors(Some(before + minute), |skipped| Some(*skipped + minute))
            .take_while(|skipped| *skipped < local)
            .filter(|skipped| dates.contains(&skipped.date()))
            .collect();
        let is_tick = match is_interval {
            true => matches(&local),
            false => (matches(&local) && !seen.contains(&local)) || skipped.iter().any(matches),
        };
        seen.insert(local);
        before = local;
        if is_tick && (after < at) && (at <= until) {
            found.push(at);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The search for the next tick finds the ticks that a look at each minute finds.
    #[test]
    fn the_ticks_are_those_of_a_look_at_each_minute(
        (zone, change) in select(&CHANGES[..]),
        minutes in select(&["0", "30", "15,45", "*/10", "*", "59"][..]),
        hours in select(&["*", "0", "1", "2", "23", "0-4", "22,23", "1-23", "*/2", "2,3"][..]),
        days in select(&["* * *", "* * SAT", "* * SUN", "29,30,31 * *", "1 * *"][..]),
        before in 0..30_i64 * 60,
    ) {
        let cron = format!("{minutes} {hours} {days}");
        let after = time(change) - TimeDelta::minutes(before);
        let until = time(change) + Days::new(2);
        prop_assert_eq!(
            ticks(&schedule(&cron, zone), after, until),
            ticks_by_minute(&cron, zone, after, until),
            "{} in {} after {}", cron, zone, after
        );
    }
}

#[test]
fn texts_that_are_no_schedule_are_refused() {
    let (long, minutes) = ("0,".repeat(300_000), format!("{} * * * *", "1,".repeat(300)));
    let wide = format!("* * * * {}", "\u{1f98a}".repeat(100));
    for text in
        [&long, &minutes, &wide, "*/0 * * * *", "0/5 * * * *", "-1 * * * *", "5-1 * * * *", "1-99999999999 * * * *"]
    {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        let shown: String = text.chars().take(20).collect();
        assert!(error.starts_with(&format!("schedule \"{shown}")) && error.len() < 1000, "{error}");
    }
    assert!("* * * * * *".parse::<Schedule>().is_ok());
}

#[test]
fn a_date_that_never_comes_has_no_tick() {
    for cron in
        ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * * 30 2 *", "0 0 0 29 2 * 2027", "0 0 0 1 1 * 2020", "* * 31 2 *"]
    {
        for zone in ["UTC", "Europe/Berlin"] {
            assert_eq!(schedule(cron, zone).next_after(time("2026-11-23T14:05:09Z")), None, "{cron}");
        }
    }
    assert_eq!(schedule("* * * * *", "Europe/Berlin").next_after(Timestamp::MAX_UTC), None);
    assert_eq!(schedule("* * * * *", "Europe/Berlin").next_after(Timestamp::MIN_UTC), None);
}

#[test]
fn an_unknown_zone_is_named() {
    for name in ["Europe/Atlantis", "", "europe/berlin", "CEST", "+01:00", "Europe/Berlin "] {
        let error = name.parse::<fieldfen_services::recurring::TimeZone>().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("time zone {name:?}: it must be a name of the IANA database 20")),
            "{error}"
        );
    }
    let error = "x".repeat(1_000_000).parse::<fieldfen_services::recurring::TimeZone>().unwrap_err();
    assert!(error.to_string().len() < 300);
}
