//! The dead letters that need a person, by kind and error.

use fieldfen_domain::CappedCount;
use fieldfen_domain::job::{DeadLetterGroup, KindFlow, StoppedJobs};
use fieldfen_domain::store::{ReadSession, StoreError};

use super::need::{Need, NeedKind};

/// The most groups of dead letters that an overview shows.
const MOST_ERRORS: usize = 20;

/// The most jobs of a group that are counted. Counting 10,000 jobs of each of 20 groups took 25 ms.
const MOST_OF_ERROR: u32 = 1000;

/// The dead letters of each kind and error. Behind the largest number of groups, those of each further kind are one
/// need.
pub(super) fn dead_letters(
    s: &mut dyn ReadSession,
    kinds: &[KindFlow],
    needs: &mut Vec<Need>,
) -> Result<(), StoreError> {
    if kinds.iter().all(|flow| flow.dead.count.is_zero()) {
        return Ok(());
    }
    let limit = u32::try_from(MOST_ERRORS + 1).unwrap_or(u32::MAX);
    let mut groups = s.jobs().dead_letters_by_error(limit, MOST_OF_ERROR)?;
    let cut_kind = groups.drain(MOST_ERRORS.min(groups.len())..).next().map(|group| group.kind);
    for flow in kinds.iter().filter(|flow| !flow.dead.count.is_zero()) {
        let is_grouped = groups.iter().any(|group| group.kind.as_str() == flow.kind);
        let is_cut = cut_kind.as_ref().is_some_and(|kind| kind.as_str() == flow.kind);
        if !is_grouped {
            needs.push(of_kind(s, NeedKind::DeadLetters, flow, flow.dead));
        } else if is_cut {
            let more = "this kind has more errors than are shown".to_owned();
            needs
                .push(Need::new(NeedKind::DeadLetters, flow.dead.count, flow.dead.since).name(&flow.kind).reason(more));
        }
    }
    for group in groups {
        needs.push(of_group(s, group));
    }
    Ok(())
}

/// The jobs of a kind that do not go on by themselves, with the error of the first of them.
pub(super) fn of_kind(s: &mut dyn ReadSession, what: NeedKind, flow: &KindFlow, stopped: StoppedJobs) -> Need {
    let error = match &stopped.example {
        // A job that cannot be read says so when it is shown.
        Some(id) => s.jobs().find(id).ok().flatten().and_then(|job| job.last_error),
        None => None,
    };
    Need::new(what, stopped.count, stopped.since).name(&flow.kind).example(stopped.example).reason(error)
}

fn of_group(s: &mut dyn ReadSession, group: DeadLetterGroup) -> Need {
    let DeadLetterGroup { kind, fingerprint, jobs, has_more, oldest, example, .. } = group;
    let count = CappedCount::new(jobs.into(), if has_more { jobs.into() } else { u64::MAX });
    let error = example.and_then(|id| s.jobs().find(&id).ok().flatten()).and_then(|job| job.last_error);
    let need = Need::new(NeedKind::DeadLetters, count, oldest).name(kind).example(example);
    need.reason(error.or_else(|| fingerprint.clone())).fingerprint(fingerprint)
}
