//! The rows of the panes, from the last look.

use fieldfen_domain::job::DeadLetterGroup;
use fieldfen_domain::{CappedCount, JobId, Timestamp};
use fieldfen_services::overview::{Need, NeedKind, Overview};

use super::filter_line;
use super::look::JobsLook;
use super::row::{Row, Target, Tone};
use super::rows_of_jobs::{job_row, shown_time};
use crate::status::{age, parts};

/// The things that need a person.
pub(super) fn needs(overview: &Overview, now: Timestamp) -> Vec<Row> {
    overview.needs.iter().map(|need| need_row(need, now)).collect()
}

fn need_row(need: &Need, now: Timestamp) -> Row {
    let since = need.since.map(|since| age(since, now)).unwrap_or_default();
    let name = need.name.clone().unwrap_or_default();
    let example = need.example.as_deref().unwrap_or_default();
    let key = format!("{:?} {name}", need.what);
    let target = match (need.what, example.parse::<JobId>()) {
        (NeedKind::DeadLetters, _) => Target::Filter(filter_line::line(["--dead", &format!("--kind={name}")])),
        (NeedKind::NoLiveWorker, _) => {
            Target::Filter(filter_line::line(["--status=pending", &format!("--kind={name}")]))
        }
        (NeedKind::JobsParkedForPerson, Ok(id)) => Target::Job(id, name),
        _ => Target::None,
    };
    let tone = match need.what {
        NeedKind::DeadLetters | NeedKind::PublicationsInDoubt | NeedKind::NoLiveWorker | NeedKind::DeadWorker => {
            Tone::Bad
        }
        _ => Tone::Warning,
    };
    let (sentence, command) = parts(need);
    Row::new(key, [&since, &sentence, &command]).tone(tone).target(target)
}

/// The kinds of jobs.
pub(super) fn queue(overview: &Overview, now: Timestamp) -> Vec<Row> {
    let row = |kind: &fieldfen_domain::job::KindFlow| {
        let oldest = kind.waiting_since.map(|since| age(since, now)).unwrap_or_default();
        let counts = [kind.waiting, kind.running, kind.parked, kind.dead.count, kind.completed];
        let [waiting, running, parked, dead, done] = counts.map(cell);
        let tone = if kind.dead.count.is_zero() { Tone::Plain } else { Tone::Bad };
        let filter = filter_line::line([format!("--kind={}", kind.kind).as_str()]);
        Row::new(kind.kind.as_str(), [&kind.kind, &waiting, &oldest, &running, &parked, &dead, &done])
            .tone(tone)
            .target(Target::Filter(filter))
    };
    overview.kinds.iter().map(row).collect()
}

/// A count, which is left out if there is surely no row.
fn cell(count: CappedCount) -> String {
    if count.is_zero() && !count.is_capped { String::new() } else { count.to_string() }
}

/// The jobs of the list, and a last row if more may follow.
pub(super) fn jobs(look: &JobsLook, now: Timestamp) -> Vec<Row> {
    let mut rows: Vec<Row> = look.jobs.iter().map(|job| job_row(job, now)).collect();
    let remark = |key: String, text: &str| Row::new(key, ["", "", "", "", text]);
    rows.extend(
        look.unreadable
            .iter()
            .map(|row| remark(format!("unreadable {}", row.row), &format!("not readable: {row}")).tone(Tone::Bad)),
    );
    if look.has_more {
        rows.push(
            remark("more".to_owned(), "more may follow: narrow the list with /, or use `fieldfen jobs list`")
                .tone(Tone::Faint),
        );
    }
    rows
}

/// The dead letters by error.
pub(super) fn failures(groups: &[DeadLetterGroup], now: Timestamp) -> Vec<Row> {
    let row = |group: &DeadLetterGroup| {
        let more = if group.has_more { "+" } else { "" };
        let error = group.fingerprint.as_deref().unwrap_or("(without fingerprint)");
        let fingerprint = format!("--fingerprint={}", group.fingerprint.as_deref().unwrap_or_default());
        let filter = filter_line::line(["--dead", &format!("--kind={}", group.kind), &fingerprint]);
        let (jobs, newest) = (format!("{}{more}", group.jobs), shown_time(group.newest, now));
        Row::new(format!("{} {error}", group.kind), [&jobs, group.kind.as_str(), &newest, error])
            .tone(Tone::Bad)
            .target(Target::Filter(filter))
    };
    groups.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Shop;
    use super::*;

    #[test]
    fn a_count_of_rows_that_were_not_read_is_not_shown_as_none() {
        let mut overview = Shop::busy().view(80, 24).state.overview().clone();
        overview.kinds.truncate(1);
        let kind = &mut overview.kinds[0];
        let capped = CappedCount::new(0, 0);
        (kind.waiting, kind.running, kind.dead.count) = (CappedCount::default(), capped, capped);
        let rows = queue(&overview, overview.at);
        let cells: Vec<_> = rows[0].cells.iter().map(String::as_str).collect();
        assert_eq!((cells[1], cells[3], cells[5]), ("", "0+", "0+"));
    }
}
