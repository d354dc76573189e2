//! One SQL file of a migration: its statements, what they do, and what is found in them.

use std::collections::BTreeSet;

use super::Rule;
use super::action::{Action, Created};
use super::directive::{Allow, Directive};
use super::finding::{Finding, LintReport, Place};
use super::sql_text::{SqlText, Statement, SyntaxError, without_rows};
use crate::scratch_schema::ScratchSchema;

/// A finding before the allows of its statement are applied.
#[derive(Debug)]
struct Found {
    statement: Option<usize>,
    at: usize,
    rule: Rule,
    message: String,
}

/// An allow of a statement.
#[derive(Debug)]
struct StatementAllow {
    statement: usize,
    at: usize,
    allow: Allow,
    is_used: bool,
}

/// An SQL file with its findings.
#[derive(Debug)]
pub(super) struct LintedFile<'a> {
    path: String,
    text: SqlText<'a>,
    pub(super) statements: Vec<Statement<'a>>,
    /// The actions of the statements in their order.
    pub(super) actions: Vec<Action>,
    /// The tables that the file declares as changed.
    pub(super) declared: BTreeSet<String>,
    declarations: Vec<(usize, String)>,
    allows: Vec<StatementAllow>,
    found: Vec<Found>,
}

impl<'a> LintedFile<'a> {
    /// Reads the statements and directives of a file.
    pub(super) fn new(path: String, text: &'a str) -> Self {
        let text = SqlText::new(text);
        let (statements, rest, error) = text.statements();
        let mut file = Self {
            path,
            text,
            statements: Vec::new(),
            actions: Vec::new(),
            declared: BTreeSet::new(),
            declarations: Vec::new(),
            allows: Vec::new(),
            found: Vec::new(),
        };
        for (index, statement) in statements.iter().enumerate() {
            file.read_directives(statement, Some(index));
            match file.text.parse(statement, Action::of) {
                Ok(action) => file.actions.push(action),
                Err(SyntaxError { at, message }) => {
                    file.actions.push(Action::Unknown);
                    file.found.push(Found { statement: Some(index), at, rule: Rule::Syntax, message });
                }
            }
        }
        file.read_directives(&Statement { comments: rest, ..Statement::default() }, None);
        if let Some(SyntaxError { at, message }) = error {
            file.found.push(Found { statement: None, at, rule: Rule::Syntax, message });
        }
        file.statements = statements;
        file
    }

    fn read_directives(&mut self, statement: &Statement<'_>, index: Option<usize>) {
        for comment in &statement.comments {
            let at = comment.at;
            match (Directive::of(comment.text), index) {
                (None, _) => {}
                (Some(Directive::Changes(table)), _) => {
                    self.declared.insert(table.clone());
                    self.declarations.push((at, table));
                }
                (Some(Directive::Invalid(rule, message)), _) => self.found_at(at, rule, message),
                (Some(Directive::Allow(allow)), Some(statement)) => {
                    self.allows.push(StatementAllow { statement, at, allow, is_used: false });
                }
                (Some(Directive::Allow(Allow { rule, .. })), None) => {
                    let message = format!("no statement follows the allow of {}", rule.code());
                    self.found_at(at, Rule::UnusedAllow, message);
                }
            }
        }
    }

    /// Whether the file has neither a statement nor something that cannot be read.
    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.found.iter().all(|one| !matches!(one.rule, Rule::Syntax | Rule::Unreadable))
    }

    /// Adds a finding about a statement.
    pub(super) fn found_in(&mut self, statement: usize, rule: Rule, message: String) {
        let at = self.statements.get(statement).map_or(0, |one| one.at);
        self.found.push(Found { statement: Some(statement), at, rule, message });
    }

    /// Adds a finding at a position in bytes.
    pub(super) fn found_at(&mut self, at: usize, rule: Rule, message: String) {
        self.found.push(Found { statement: None, at, rule, message });
    }

    /// Runs the statements on a schema without rows. Statements on rows are compiled only, so that no file can keep the
    /// linter busy; statements that work outside the schema are left out.
    pub(super) fn run(&mut self, schema: &mut ScratchSchema) {
        for index in 0..self.statements.len() {
            let text = self.statements[index].text;
            let result = match &self.actions[index] {
                Action::Inserts { .. } | Action::Updates { .. } | Action::Deletes { .. } | Action::Selects
                    if self.statements[index].words.first().is_none_or(|word| word != "explain") =>
                {
                    schema.compile(text)
                }
                Action::Creates(Created { is_from_select: true, .. }) => schema.run(&without_rows(text)),
                Action::Creates(_)
                | Action::CreatesIndex { .. }
                | Action::AddsColumn { .. }
                | Action::DropsColumn { .. }
                | Action::RenamesColumn { .. }
                | Action::RenamesTable { .. }
                | Action::AddsConstraint { .. }
                | Action::Drops { .. } => schema.run(text),
                _ => Ok(()),
            };
            if let Err(message) = result {
                let is_used = message.contains("error in ") || message.contains("cannot drop");
                let is_drop = matches!(self.actions[index], Action::DropsColumn { .. });
                let rule = if is_drop && is_used { Rule::DropsUsedColumn } else { Rule::DoesNotRun };
                self.found_in(index, rule, message);
            }
        }
    }

    /// Reports declarations of tables that neither a statement names nor a trigger, by whose words `triggers` are
    /// given.
    pub(super) fn check_declarations<'t>(&mut self, triggers: impl Iterator<Item = &'t Vec<String>> + Clone) {
        for (at, table) in std::mem::take(&mut self.declarations) {
            let names = |words: &Vec<String>| words.contains(&table);
            let is_named = self.statements.iter().any(|one| names(&one.words)) || triggers.clone().any(names);
            if !is_named {
                self.found_at(at, Rule::UnusedDeclaration, format!("no statement changes table {table}"));
            }
        }
    }

    /// Adds the findings to a report, those that a comment allows apart from the others.
    pub(super) fn report(mut self, report: &mut LintReport) {
        report.files += 1;
        report.statements += self.statements.len();
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|one| (one.at, one.rule));
        for Found { statement, at, rule, message } in found {
            // The allows stand in the order of their statements.
            let from = statement.map_or(usize::MAX, |index| self.allows.partition_point(|one| one.statement < index));
            let of_statement = self.allows.iter_mut().skip(from);
            let allow =
                of_statement.take_while(|one| Some(one.statement) == statement).find(|one| one.allow.rule == rule);
            let allowed_because = allow.map(|allow| {
                allow.is_used = true;
                allow.allow.reason.clone()
            });
            let is_allowed = allowed_because.is_some();
            let finding = Finding { place: self.place(at), rule, message, allowed_because };
            if is_allowed { report.allowed.push(finding) } else { report.findings.push(finding) }
        }
        for unused in self.allows.iter().filter(|one| !one.is_used) {
            let message = format!("nothing breaks {} in the statement", unused.allow.rule.code());
            let place = self.place(unused.at);
            report.findings.push(Finding { place, rule: Rule::UnusedAllow, message, allowed_because: None });
        }
    }

    fn place(&self, at: usize) -> Place {
        let (line, column) = self.text.line_and_column(at);
        Place { file: self.path.clone(), line, column }
    }
}
