//! The actions of parsed statements, with all names in lower case and without quotes.

use sqlite3_parser::ast::{
    AlterTableBody, Cmd, ColumnConstraint, ColumnDefinition, CreateTableBody, Expr, Literal, Name, QualifiedName,
    ResolveType, SortedColumn, Stmt, UnaryOperator,
};

use super::sql_text::normal;

/// The effect of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Creates(Created),
    CreatesIndex {
        name: String,
        table: String,
        is_unique: bool,
        if_not_exists: bool,
        /// `None` stands for an expression.
        columns: Vec<Option<String>>,
    },
    AddsColumn {
        table: String,
        column: AddedColumn,
    },
    DropsColumn {
        table: String,
        column: String,
    },
    RenamesColumn {
        table: String,
        column: String,
    },
    RenamesTable {
        table: String,
        to: String,
    },
    /// Adds a constraint to a table, or NOT NULL to a column.
    AddsConstraint {
        table: String,
    },
    /// The kind is `table`, `index`, `view` or `trigger`.
    Drops {
        kind: &'static str,
        name: String,
        if_exists: bool,
    },
    Inserts {
        table: String,
        replaces: bool,
    },
    Updates {
        table: String,
        columns: Vec<String>,
        replaces: bool,
    },
    Deletes {
        table: String,
    },
    Selects,
    ControlsTransaction(&'static str),
    Pragma(String),
    Vacuum,
    Attaches,
    /// ANALYZE and REINDEX, which change neither rows nor the schema.
    Maintains,
    /// The statement cannot be parsed.
    Unknown,
}

/// A new table, view or trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) if_not_exists: bool,
    pub(super) is_temporary: bool,
    pub(super) is_from_select: bool,
}

/// A column that ALTER TABLE adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AddedColumn {
    pub(super) name: String,
    pub(super) is_not_null: bool,
    pub(super) is_generated: bool,
    pub(super) refers: bool,
    pub(super) default: AddedDefault,
}

/// The default of an added column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddedDefault {
    Null,
    Constant,
    NotConstant,
}

impl Action {
    /// The effect of this statement.
    pub(super) fn of(command: &Cmd<'_>) -> Self {
        match command {
            Cmd::Explain(_) | Cmd::ExplainQueryPlan(_) => Self::Selects,
            Cmd::Stmt(statement) => of_statement(statement),
        }
    }
}

fn of_statement(statement: &Stmt<'_>) -> Action {
    let created = |kind, name: &QualifiedName<'_>, if_not_exists: bool, is_temporary: bool| {
        let name = named(&name.name);
        Action::Creates(Created { kind, name, if_not_exists, is_temporary, is_from_select: false })
    };
    let drops = |kind, name: &QualifiedName<'_>, if_exists| Action::Drops { kind, name: named(&name.name), if_exists };
    match statement {
        Stmt::AlterTable(table, body) => altered(named(&table.name), body),
        Stmt::Analyze(_) | Stmt::Reindex { .. } => Action::Maintains,
        Stmt::Attach { .. } | Stmt::Detach(_) => Action::Attaches,
        Stmt::Begin(..) => Action::ControlsTransaction("BEGIN"),
        Stmt::Commit(_) => Action::ControlsTransaction("COMMIT"),
        Stmt::Rollback { .. } => Action::ControlsTransaction("ROLLBACK"),
        Stmt::Savepoint(_) => Action::ControlsTransaction("SAVEPOINT"),
        Stmt::Release(_) => Action::ControlsTransaction("RELEASE"),
        Stmt::CreateIndex { unique, if_not_exists, idx_name, tbl_name, columns, .. } => Action::CreatesIndex {
            name: named(&idx_name.name),
            table: named(tbl_name),
            is_unique: *unique,
            if_not_exists: *if_not_exists,
            columns: columns.iter().map(indexed).collect(),
        },
        Stmt::CreateTable { temporary, if_not_exists, tbl_name, body } => Action::Creates(Created {
            kind: "table",
            name: named(&tbl_name.name),
            if_not_exists: *if_not_exists,
            is_temporary: *temporary || is_temp(tbl_name),
            is_from_select: matches!(body, CreateTableBody::AsSelect(_)),
        }),
        Stmt::CreateTrigger { temporary, if_not_exists, trigger_name, .. } => {
            created("trigger", trigger_name, *if_not_exists, *temporary || is_temp(trigger_name))
        }
        Stmt::CreateView { temporary, if_not_exists, view_name, .. } => {
            created("view", view_name, *if_not_exists, *temporary || is_temp(view_name))
        }
        Stmt::CreateVirtualTable { if_not_exists, tbl_name, .. } => {
            created("table", tbl_name, *if_not_exists, is_temp(tbl_name))
        }
        Stmt::Delete { tbl_name, .. } => Action::Deletes { table: named(&tbl_name.name) },
        Stmt::DropIndex { if_exists, idx_name } => drops("index", idx_name, *if_exists),
        Stmt::DropTable { if_exists, tbl_name } => drops("table", tbl_name, *if_exists),
        Stmt::DropTrigger { if_exists, trigger_name } => drops("trigger", trigger_name, *if_exists),
        Stmt::DropView { if_exists, view_name } => drops("view", view_name, *if_exists),
        Stmt::Insert { or_conflict, tbl_name, .. } => {
            Action::Inserts { table: named(&tbl_name.name), replaces: *or_conflict == Some(ResolveType::Replace) }
        }
        Stmt::Update { or_conflict, tbl_name, sets, .. } => Action::Updates {
            table: named(&tbl_name.name),
            columns: sets.iter().flat_map(|set| set.col_names.iter().map(named)).collect(),
            replaces: *or_conflict == Some(ResolveType::Replace),
        },
        Stmt::Pragma(name, _) => Action::Pragma(named(&name.name)),
        Stmt::Select(_) => Action::Selects,
        Stmt::Vacuum(..) => Action::Vacuum,
    }
}

fn altered(table: String, body: &AlterTableBody<'_>) -> Action {
    match body {
        AlterTableBody::RenameTo(to) => Action::RenamesTable { table, to: named(to) },
        AlterTableBody::AddColumn(column) => Action::AddsColumn { table, column: added(column) },
        AlterTableBody::RenameColumn { old, .. } => Action::RenamesColumn { table, column: named(old) },
        AlterTableBody::DropColumn(column) => Action::DropsColumn { table, column: named(column) },
        AlterTableBody::SetColumnNotNull(..) | AlterTableBody::AddConstraint(_) => Action::AddsConstraint { table },
        AlterTableBody::DropColumnNotNull(_) | AlterTableBody::DropConstraint(_) => Action::Maintains,
    }
}

fn added(column: &ColumnDefinition<'_>) -> AddedColumn {
    let mut added = AddedColumn {
        name: named(&column.col_name),
        is_not_null: false,
        is_generated: false,
        refers: false,
        default: AddedDefault::Null,
    };
    for constraint in column.constraints {
        match &constraint.constraint {
            ColumnConstraint::NotNull { nullable, .. } => added.is_not_null = !nullable,
            ColumnConstraint::Default(value) => added.default = default(value),
            ColumnConstraint::ForeignKey { .. } => added.refers = true,
            ColumnConstraint::Generated { .. } => added.is_generated = true,
            _ => {}
        }
    }
    added
}

fn default(mut value: &Expr<'_>) -> AddedDefault {
    loop {
        value = match value {
            Expr::Parenthesized(inner) if inner.len() == 1 => &inner[0],
            Expr::Unary(UnaryOperator::Negative | UnaryOperator::Positive, inner) => inner,
            Expr::Literal(Literal::Null) => return AddedDefault::Null,
            Expr::Literal(Literal::CurrentDate | Literal::CurrentTime | Literal::CurrentTimestamp) => {
                return AddedDefault::NotConstant;
            }
            // SQLite takes a bare word after DEFAULT as a text, and TRUE and FALSE as numbers.
            Expr::Literal(_) | Expr::Id(_) | Expr::Name(_) => return AddedDefault::Constant,
            _ => return AddedDefault::NotConstant,
        }
    }
}

fn indexed(column: &SortedColumn<'_>) -> Option<String> {
    let mut expression = &column.expr;
    loop {
        expression = match expression {
            Expr::Collate(inner, _) => inner,
            Expr::Id(id) => return Some(normal(id.0)),
            Expr::Name(name) => return Some(named(name)),
            _ => return None,
        }
    }
}

fn is_temp(name: &QualifiedName<'_>) -> bool {
    name.db_name.as_ref().is_some_and(|schema| named(schema) == "temp")
}

/// A name in lower case and without quotes. SQLite also takes a text in single quotes as a name.
fn named(name: &Name<'_>) -> String {
    match name.0.strip_prefix('\'') {
        Some(inner) => inner.strip_suffix('\'').unwrap_or(inner).replace("''", "'").to_lowercase(),
        None => normal(name.0),
    }
}
