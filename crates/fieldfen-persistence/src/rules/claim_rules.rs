//! The jobs that a claim passes over: those of paused kinds and accounts, and those whose concurrency limit is reached.

use std::collections::BTreeMap;

use fieldfen_domain::job::{ApiAccount, JobKind, Partition, PauseScope};
use fieldfen_domain::{FileId, Timestamp};

/// The pauses and limits of all kinds, as the rows say them. Most databases have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClaimRules {
    limits: BTreeMap<JobKind, KindLimits>,
    kinds: BTreeMap<JobKind, PauseEnd>,
    accounts: BTreeMap<ApiAccount, PauseEnd>,
}

/// The limits of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KindLimits {
    /// The most running jobs of the kind, and how many run.
    pub(crate) all: Option<(u32, u32)>,
    /// The most running jobs with the same partition key.
    pub(crate) each: Option<(Partition, u32)>,
    /// Whether other programs run jobs of the kind that are not counted yet.
    pub(crate) has_uncounted: bool,
}

/// The end of a pause; `None` if it has none, or one that cannot be read.
pub(crate) type PauseEnd = Option<Timestamp>;

impl ClaimRules {
    /// Adds a limit. `running` is the number of running jobs of the kind if all of them count.
    pub(crate) fn limit(&mut self, kind: JobKind, partition: Partition, max_running: u32, running: u32) {
        let limits = self.limits.entry(kind).or_default();
        match partition {
            Partition::All => limits.all = Some((max_running, running)),
            partition => limits.each = Some((partition, max_running)),
        }
    }

    /// Notes that other programs run jobs of this kind that are not counted yet.
    pub(crate) fn has_uncounted(&mut self, kind: JobKind) {
        self.limits.entry(kind).or_default().has_uncounted = true;
    }

    pub(crate) fn pause(&mut self, scope: PauseScope, until: PauseEnd) {
        match scope {
            PauseScope::Kind(kind) => drop(self.kinds.insert(kind, until)),
            PauseScope::Account(account) => drop(self.accounts.insert(account, until)),
        }
    }

    /// Whether a claim or an enqueue of these kinds can go on as if there were no rule.
    pub(crate) fn leave_alone<'k>(&self, kinds: impl IntoIterator<Item = &'k JobKind>) -> bool {
        self.accounts.is_empty()
            && (self.limits.is_empty() && self.kinds.is_empty()
                || !kinds.into_iter().any(|kind| self.limits.contains_key(kind) || self.kinds.contains_key(kind)))
    }

    pub(crate) fn limits(&self, kind: &JobKind) -> KindLimits {
        self.limits.get(kind).copied().unwrap_or_default()
    }

    /// The kinds with a limit of all their jobs, and the number of running jobs.
    pub(crate) fn kinds_limited_in_all(&self) -> impl Iterator<Item = (&JobKind, u32)> {
        self.limits.iter().filter_map(|(kind, limits)| Some((kind, limits.all?.1)))
    }

    /// The end of the pause of a kind, which may be past; `None` if there is no such pause.
    pub(crate) fn pause_of_kind(&self, kind: &JobKind) -> Option<PauseEnd> {
        self.kinds.get(kind).copied()
    }

    /// The longest pause that holds for a job of this account.
    pub(crate) fn pause_of(&self, account: Option<&ApiAccount>, now: Timestamp) -> Option<&ApiAccount> {
        let account = account?;
        let holding = self.accounts.iter().filter(|(paused, until)| paused.covers(account) && holds(**until, now));
        holding
            .max_by_key(|(_, until)| until.is_none().then_some(Timestamp::MAX_UTC).or(**until))
            .map(|(paused, _)| paused)
    }

    /// Whether a pause of exactly this account holds.
    pub(crate) fn is_paused(&self, account: &ApiAccount, now: Timestamp) -> bool {
        self.accounts.get(account).is_some_and(|until| holds(*until, now))
    }

    /// The pauses of accounts, those that are over included.
    pub(crate) fn account_pauses(&self) -> impl Iterator<Item = (&ApiAccount, PauseEnd)> {
        self.accounts.iter().map(|(account, until)| (account, *until))
    }
}

impl KindLimits {
    pub(crate) const fn is_none(self) -> bool {
        self.all.is_none() && self.each.is_none()
    }

    /// The number of further jobs of the kind that may run, without regard to their partitions.
    pub(crate) fn room(self) -> u32 {
        self.all.map_or(u32::MAX, |(most, running)| most.saturating_sub(running))
    }

    /// The key by which the running jobs of this kind are counted; `None` if the kind has no limit.
    pub(crate) fn key(self, file_id: Option<FileId>, account: Option<&ApiAccount>) -> Option<String> {
        let key = self.each.and_then(|(partition, _)| partition.key(file_id, account));
        (!self.is_none()).then(|| key.unwrap_or_default())
    }
}

pub(crate) fn holds(until: PauseEnd, now: Timestamp) -> bool {
    until.is_none_or(|until| until > now)
}

/// The beginning of `jobs.waits_for` for jobs of paused accounts. No partition key begins like this or sorts behind it.
pub(crate) const PAUSE_MARK: &str = "pause:";

/// The text in `jobs.waits_for` of a job whose account is paused.
pub(crate) fn pause_mark(account: &ApiAccount) -> String {
    format!("{PAUSE_MARK}{account}")
}

#[cfg(test)]
mod tests {
    use fieldfen_testkit::fixtures::{at, file_id};

    use super::*;

    fn rules() -> ClaimRules {
        let mut rules = ClaimRules::default();
        rules.limit("test.all".parse().unwrap(), Partition::All, 3, 2);
        rules.limit("test.both".parse().unwrap(), Partition::All, 9, 10);
        rules.limit("test.both".parse().unwrap(), Partition::File, 1, 0);
        rules.pause(PauseScope::Kind("test.paused".parse().unwrap()), Some(at(9)));
        rules
    }

    #[test]
    fn only_kinds_with_a_rule_are_looked_at_unless_an_account_is_paused() {
        let mut rules = rules();
        let kind = |name: &str| name.parse::<JobKind>().unwrap();
        assert!(rules.leave_alone(&[kind("test.work")]) && ClaimRules::default().leave_alone(&[kind("test.all")]));
        assert!(
            !rules.leave_alone(&[kind("test.work"), kind("test.all")]) && !rules.leave_alone(&[kind("test.paused")])
        );
        rules.pause(PauseScope::Account("etsy".parse().unwrap()), None);
        assert!(!rules.leave_alone(&[kind("test.work")]));
    }

    #[test]
    fn a_job_of_a_limited_kind_has_a_key_even_if_only_all_jobs_count() {
        let (rules, file) = (rules(), file_id(1));
        let key = |kind: &str, file_id| rules.limits(&kind.parse().unwrap()).key(file_id, None);
        assert_eq!(key("test.work", Some(file)), None);
        assert_eq!(key("test.all", Some(file)).as_deref(), Some(""));
        assert_eq!(key("test.both", None).as_deref(), Some(""));
        assert_eq!(key("test.both", Some(file)), Some(format!("file:{file}")));
        let room = ["test.all", "test.both", "test.work"].map(|kind| rules.limits(&kind.parse().unwrap()).room());
        assert_eq!(room, [1, 0, u32::MAX]);
    }

    #[test]
    fn the_longest_pause_that_holds_is_the_one_that_is_waited_for() {
        let mut rules = ClaimRules::default();
        let [etsy, main, other]: [ApiAccount; 3] = ["etsy", "etsy/main", "ebay"].map(|name| name.parse().unwrap());
        rules.pause(PauseScope::Account(etsy.clone()), Some(at(5)));
        rules.pause(PauseScope::Account(main.clone()), Some(at(7)));
        assert_eq!(rules.pause_of(Some(&main), at(1)), Some(&main));
        assert_eq!(rules.pause_of(Some(&etsy), at(1)), Some(&etsy));
        assert_eq!((rules.pause_of(Some(&main), at(7)), rules.pause_of(Some(&other), at(1))), (None, None));
        rules.pause(PauseScope::Account(etsy.clone()), None);
        assert_eq!((rules.pause_of(Some(&main), at(1)), rules.pause_of(None, at(1))), (Some(&etsy), None));
    }
}
