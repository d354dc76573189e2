//! The plan of a run: its statements, the data that would be lost, and the prediction of the last rehearsal.

use fieldfen_persistence::migrations::{Direction, Loss, Migration, Step};
use serde::Serialize;

use crate::rehearsal::report::{RehearsalReport, word};

/// A migration that a run would apply or revert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlannedMigration {
    /// The set to which the migration belongs.
    pub program: String,
    /// The version and the name.
    pub migration: String,
    /// `up` if the migration would be applied, `down` if it would be reverted.
    pub direction: &'static str,
    /// The statements that would run.
    pub sql: String,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationPlan {
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// The data that would be lost.
    pub losses: Vec<Loss>,
    /// The result of the last rehearsal, if it was of the same migrations on the same schema.
    pub prediction: Option<RehearsalReport>,
}

impl MigrationPlan {
    /// The migrations of the plan, for people and for JSON.
    #[must_use]
    pub fn migrations(&self) -> Vec<PlannedMigration> {
        let planned = |step: &Step| PlannedMigration {
            program: step.program.clone(),
            migration: step.migration().to_string(),
            direction: word(step.direction),
            sql: step.sql().to_owned(),
        };
        self.steps.iter().map(planned).collect()
    }

    /// The migrations that would be reverted, the newest first.
    #[must_use]
    pub fn reverted(&self) -> Vec<Migration> {
        self.in_direction(Direction::Down)
    }

    /// The migrations that would be applied, the oldest first.
    #[must_use]
    pub fn applied(&self) -> Vec<Migration> {
        self.in_direction(Direction::Up)
    }

    fn in_direction(&self, direction: Direction) -> Vec<Migration> {
        self.steps.iter().filter(|step| step.direction == direction).map(Step::migration).collect()
    }
}
