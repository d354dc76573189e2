//! The target of a run, and the steps that lead to it.

use std::collections::BTreeMap;

use super::migration_set::MigrationSet;
use super::migration_state::{MigrationState, MigrationStatus};
use super::step::{Direction, Step};
use super::{Migration, MigrationError};

/// The migrations that the database should have after a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// All migrations of all sets.
    #[default]
    Newest,
    /// The migrations of one set up to this version, which is applied too: newer ones of the set are reverted, missing
    /// ones are applied. Other sets stay as they are. The text is a version, or a version and a name.
    Version(String),
    /// This number of the newest migrations fewer. The migrations of the set that was added last count as the newest.
    Down(usize),
    /// No migration of any set.
    Nothing,
}

/// The steps that lead from the states of the migrations to the target.
///
/// # Errors
/// The states that a run refuses: [`MigrationError::Newer`], [`MigrationError::Missing`], [`MigrationError::Edited`],
/// and [`MigrationError::OutOfOrder`] if migrations are applied.
pub(super) fn steps(
    sets: &[MigrationSet],
    status: &[MigrationStatus],
    target: &Target,
) -> Result<Vec<Step>, MigrationError> {
    refuse_unknown(sets, status)?;
    let steps = match target {
        Target::Newest => up(sets, status, |_| true),
        Target::Nothing => down(sets, status).collect(),
        Target::Down(number) => down(sets, status).take(*number).collect(),
        Target::Version(version) => to_version(sets, status, version)?,
    };
    if steps.iter().any(|step| step.direction == Direction::Up) {
        let programs: Vec<_> = steps.iter().map(|step| step.program.as_str()).collect();
        refuse_out_of_order(status, &programs)?;
    }
    Ok(steps)
}

/// The steps that revert these migrations, which must be the newest ones of their sets.
///
/// # Errors
/// [`MigrationError::NotNewest`] if they are not, and those of [`steps`].
pub(super) fn reversal(
    sets: &[MigrationSet],
    status: &[MigrationStatus],
    expected: &[Migration],
) -> Result<Vec<Step>, MigrationError> {
    // Of each set, as many of its newest migrations as are expected of it.
    let all = steps(sets, status, &Target::Nothing)?;
    let mut missing = BTreeMap::<String, usize>::new();
    for step in all.iter().filter(|step| expected.contains(&step.migration())) {
        *missing.entry(step.program.clone()).or_default() += 1;
    }
    let mut steps = all.clone();
    steps.retain(|step| match missing.get_mut(&step.program) {
        Some(missing @ 1..) => {
            *missing -= 1;
            true
        }
        _ => false,
    });
    if steps.len() < expected.len() {
        // Some are not applied at all.
        steps = all;
    }
    let found: Vec<_> = steps.iter().map(Step::migration).collect();
    if found == expected {
        return Ok(steps);
    }
    let mut pairs = expected.iter().map(Some).zip(found.iter().map(Some).chain(std::iter::repeat(None)));
    let differing = pairs.find(|(expected, found)| expected != found);
    let text = |migration: Option<&Migration>| migration.map_or("none".to_owned(), ToString::to_string);
    let (expected, found) = differing.map_or((None, None), |pair| pair);
    Err(MigrationError::NotNewest { expected: text(expected), found: text(found) })
}

/// All migrations of the sets, as text.
pub(super) fn known(sets: &[MigrationSet]) -> String {
    let files = sets.iter().flat_map(MigrationSet::migrations);
    files.map(|file| file.migration().to_string()).collect::<Vec<_>>().join(", ")
}

fn to_version(sets: &[MigrationSet], status: &[MigrationStatus], version: &str) -> Result<Vec<Step>, MigrationError> {
    let is_meant = |migration: &Migration| migration.version == version || migration.to_string() == version;
    let meant = sets.iter().find_map(|set| {
        set.migrations().iter().map(|file| file.migration()).find(is_meant).map(|migration| (set, migration))
    });
    let Some((set, migration)) = meant else {
        return Err(MigrationError::NoSuchMigration { version: version.to_owned(), known: known(sets) });
    };
    let newer = |step: &Step| step.program == set.program() && step.file.version() > migration.version.as_str();
    let reverted: Vec<_> = down(sets, status).filter(newer).collect();
    if !reverted.is_empty() {
        return Ok(reverted);
    }
    Ok(up(sets, status, |step| step.program == set.program() && !newer(step)))
}

fn up(sets: &[MigrationSet], status: &[MigrationStatus], is_meant: impl Fn(&Step) -> bool) -> Vec<Step> {
    let pending = |status: &&MigrationStatus| status.known && !status.applied;
    let steps = status.iter().filter(pending).filter_map(|status| step(sets, status, Direction::Up));
    steps.filter(|step| is_meant(step)).collect()
}

fn down<'s>(sets: &'s [MigrationSet], status: &'s [MigrationStatus]) -> impl Iterator<Item = Step> + 's {
    let applied = |status: &&MigrationStatus| status.known && status.applied;
    status.iter().rev().filter(applied).filter_map(|status| step(sets, status, Direction::Down))
}

fn step(sets: &[MigrationSet], status: &MigrationStatus, direction: Direction) -> Option<Step> {
    let set = sets.iter().find(|set| set.program() == status.program)?;
    let file = set.get(&status.migration.version)?.clone();
    Some(Step { program: status.program.clone(), file, direction })
}

fn refuse_unknown(sets: &[MigrationSet], status: &[MigrationStatus]) -> Result<(), MigrationError> {
    let of = |state: MigrationState| -> Vec<_> {
        status.iter().filter(|status| status.state == state).map(|status| status.migration.clone()).collect()
    };
    if let Some(newer) = of(MigrationState::Newer).into_iter().next_back() {
        let newest = sets.first().and_then(|set| set.migrations().last()).map(|file| file.migration().to_string());
        return Err(MigrationError::Newer { version: newer.to_string(), newest: newest.unwrap_or_default() });
    }
    match of(MigrationState::Missing) {
        missing if missing.is_empty() => {}
        missing => return Err(MigrationError::Missing(missing)),
    }
    match of(MigrationState::Edited) {
        edited if edited.is_empty() => Ok(()),
        edited => Err(MigrationError::Edited(edited)),
    }
}

fn refuse_out_of_order(status: &[MigrationStatus], programs: &[&str]) -> Result<(), MigrationError> {
    let is_of_step = |status: &&MigrationStatus| programs.contains(&status.program.as_str());
    let late = status.iter().filter(is_of_step).filter(|status| status.state == MigrationState::OutOfOrder);
    let late: Vec<_> = late.collect();
    let Some(first) = late.first() else { return Ok(()) };
    let is_newest = |status: &&MigrationStatus| status.applied && status.program == first.program;
    let newest = status.iter().rev().find(is_newest).map(|status| status.migration.clone());
    let late = late.iter().map(|status| status.migration.clone()).collect();
    Err(MigrationError::OutOfOrder { pending: late, newest: newest.unwrap_or_else(|| first.migration.clone()) })
}
