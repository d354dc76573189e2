//! The rules of the linter, with their codes and reasons.

/// A rule of the linter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "`Rule::what` says what each of them finds")]
pub enum Rule {
    Unreadable,
    Syntax,
    DoesNotRun,
    NoStatements,
    NoTransaction,
    DownDiffers,
    InvalidName,
    CheckIsNoSelect,
    TransactionControl,
    Pragma,
    Vacuum,
    Attach,
    Temporary,
    DropsTable,
    DropsColumn,
    DropsUsedColumn,
    ChangesRows,
    RenamesOldTableAway,
    LosesObjects,
    ReplacesParents,
    NotNullWithoutDefault,
    DefaultNotConstant,
    ReferenceWithDefault,
    UniqueOnOldColumns,
    ChangesTableKind,
    Stricter,
    Renames,
    IfExists,
    TableFromSelect,
    InvalidAllow,
    UnusedAllow,
    InvalidDeclaration,
    UnusedDeclaration,
}

/// The code, the finding and the reason of each rule. Codes are part of the interface: a code is never given to another
/// rule.
const RULES: [(Rule, &str, &str, &str); 33] = [
    (
        Rule::Unreadable,
        "FF001",
        "a file that cannot be read, or is not UTF-8",
        "what cannot be read cannot be checked or run",
    ),
    (
        Rule::Syntax,
        "FF002",
        "a statement that SQLite's grammar does not have, or that has more than 20000 words",
        "the linter checks only statements that it can parse",
    ),
    (
        Rule::DoesNotRun,
        "FF003",
        "a statement that fails on the schema of the earlier migrations",
        "it would fail in each database",
    ),
    (
        Rule::NoStatements,
        "FF004",
        "an `up.sql` or `down.sql` that is missing or has no statement",
        "the specification asks that every schema change can be rolled back",
    ),
    (
        Rule::NoTransaction,
        "FF005",
        "a `metadata.toml` that switches the transaction off, also by lacking `run_in_transaction = true`",
        "a failure would leave half of the schema (`migrations_internals` 2.3, `TomlMetadata`)",
    ),
    (
        Rule::DownDiffers,
        "FF006",
        "a `down.sql` after which the schema is not the one before `up.sql`",
        "the older program, and a second `up`, need the schema that they know",
    ),
    (
        Rule::InvalidName,
        "FF007",
        "a folder that is not named `VERSION_NAME`, a version of neither 4 nor 14 digits, or a version that two have",
        "migrations run in the order of their versions, and a version is recorded once",
    ),
    (
        Rule::CheckIsNoSelect,
        "FF008",
        "a statement in `checks.sql` that is no SELECT",
        "checks read the data before the migration runs; each returned row is a violation",
    ),
    (
        Rule::TransactionControl,
        "FF101",
        "BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT or RELEASE",
        "all migrations and their guard run in one transaction, which this statement would end",
    ),
    (
        Rule::Pragma,
        "FF102",
        "PRAGMA",
        "many pragmas do nothing inside a transaction (https://sqlite.org/pragma.html#pragma_foreign_keys); the others \
         change the connection of the run",
    ),
    (Rule::Vacuum, "FF103", "VACUUM", "it fails inside a transaction (https://sqlite.org/lang_vacuum.html)"),
    (
        Rule::Attach,
        "FF104",
        "ATTACH or DETACH",
        "the guard sees the tables of one file only, and the path is true on one machine only",
    ),
    (
        Rule::Temporary,
        "FF105",
        "a temporary table, view or trigger",
        "it outlives the migration and hides the object of the same name from the following ones",
    ),
    (
        Rule::DropsTable,
        "FF201",
        "DROP of an older table, view or trigger, outside a rebuild and without a declaration",
        "its rows are lost, and the programs of the previous release still use it",
    ),
    (
        Rule::DropsColumn,
        "FF202",
        "an older column that is dropped, or that a rebuild leaves out, without a declaration",
        "its values are lost, and the programs of the previous release still name it",
    ),
    (
        Rule::DropsUsedColumn,
        "FF203",
        "DROP COLUMN of a column that an index, a trigger, a view or a key uses",
        "SQLite refuses it (https://sqlite.org/lang_altertable.html#altertabdropcol)",
    ),
    (
        Rule::ChangesRows,
        "FF204",
        "INSERT, UPDATE or DELETE on an older table without `-- fieldfen:changes TABLE because REASON`",
        "the guard rolls back each run that changes rows which no declaration names",
    ),
    (
        Rule::RenamesOldTableAway,
        "FF205",
        "a rebuild that renames the old table away first",
        "the rename also rewrites the foreign keys, triggers and views that refer to the table \
         (https://sqlite.org/lang_altertable.html#otheralter): create the new table, copy, drop the old one, rename",
    ),
    (
        Rule::LosesObjects,
        "FF206",
        "a rebuild after which an index, a trigger or a view of the table is gone, is another one or no longer compiles",
        "DROP TABLE drops indexes and triggers in silence (https://sqlite.org/lang_droptable.html)",
    ),
    (
        Rule::ReplacesParents,
        "FF207",
        "INSERT OR REPLACE or UPDATE OR REPLACE on an older table to which a foreign key refers",
        "REPLACE deletes the old row, and with it what refers to the row (https://sqlite.org/lang_conflict.html)",
    ),
    (
        Rule::NotNullWithoutDefault,
        "FF301",
        "a new column with NOT NULL and without a default other than NULL",
        "SQLite refuses it where the table has rows, and older programs insert rows without the column",
    ),
    (
        Rule::DefaultNotConstant,
        "FF302",
        "ADD COLUMN with a default that is no constant, for example CURRENT_TIMESTAMP",
        "SQLite refuses it where the table has rows, so that it passes on an empty database only \
         (https://sqlite.org/lang_altertable.html#altertabaddcol)",
    ),
    (
        Rule::ReferenceWithDefault,
        "FF303",
        "ADD COLUMN with REFERENCES and a default other than NULL",
        "SQLite refuses it where foreign keys are enforced and the table has rows \
         (https://sqlite.org/lang_altertable.html#altertabaddcol)",
    ),
    (
        Rule::UniqueOnOldColumns,
        "FF304",
        "a new UNIQUE that older rows or the inserts of older programs can break",
        "the specification's own INSERTs must keep working after every migration",
    ),
    (
        Rule::ChangesTableKind,
        "FF305",
        "a rebuild that changes the primary key, the type of a column, AUTOINCREMENT, STRICT or WITHOUT ROWID",
        "stored values can change their type or be refused, and ids can be used twice",
    ),
    (
        Rule::Stricter,
        "FF306",
        "NOT NULL, CHECK or a foreign key on older columns, or a default that goes",
        "rows that are there, and inserts of older programs, can be refused",
    ),
    (
        Rule::Renames,
        "FF307",
        "RENAME of an older table or column",
        "the programs of the previous release still use the old name",
    ),
    (
        Rule::IfExists,
        "FF308",
        "IF EXISTS or IF NOT EXISTS",
        "it hides a schema that is not the expected one, for example another table of the same name",
    ),
    (
        Rule::TableFromSelect,
        "FF309",
        "CREATE TABLE … AS SELECT",
        "the new table has no keys, defaults, NOT NULL and collations (https://sqlite.org/lang_createtable.html)",
    ),
    (
        Rule::InvalidAllow,
        "FF901",
        "`-- fieldfen:allow` without a reason, with an unknown code, or with a code that cannot be allowed",
        "the reader must learn why the rule does not apply",
    ),
    (Rule::UnusedAllow, "FF902", "`-- fieldfen:allow` that allows nothing", "it would hide a later finding"),
    (
        Rule::InvalidDeclaration,
        "FF903",
        "`-- fieldfen:changes` that is not of the form `-- fieldfen:changes TABLE because REASON`",
        "the run refuses the migration",
    ),
    (
        Rule::UnusedDeclaration,
        "FF904",
        "`-- fieldfen:changes` for a table that no statement of the file changes",
        "it would switch the guard off for a table that the migration must not change",
    ),
];

impl Rule {
    /// All rules, by their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        RULES.iter().map(|(rule, ..)| *rule)
    }

    /// The rule with this code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        RULES.iter().find(|(_, of_rule, ..)| *of_rule == code).map(|(rule, ..)| *rule)
    }

    /// The code, for example `FF201`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        RULES[self as usize].1
    }

    /// The statements that the rule finds, in a few words.
    #[must_use]
    pub const fn what(self) -> &'static str {
        RULES[self as usize].2
    }

    /// Why it is a problem, with the source.
    #[must_use]
    pub const fn why(self) -> &'static str {
        RULES[self as usize].3
    }

    /// Whether a comment in the file may allow a finding of this rule. A run refuses what the other rules find.
    #[must_use]
    pub const fn can_be_allowed(self) -> bool {
        matches!(self as usize, from if from >= Self::Temporary as usize && from < Self::InvalidAllow as usize)
            && !matches!(self, Self::DropsUsedColumn)
            || matches!(self, Self::DownDiffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_stand_in_the_order_of_their_codes() {
        let codes: Vec<_> = Rule::all().map(Rule::code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        for (at, (rule, code, ..)) in RULES.iter().enumerate() {
            assert_eq!((*rule as usize, Rule::of_code(code)), (at, Some(*rule)));
        }
        assert!(!Rule::Attach.can_be_allowed() && Rule::Renames.can_be_allowed() && !Rule::Syntax.can_be_allowed());
    }

    #[test]
    fn the_readme_lists_every_rule() {
        let readme = include_str!("../../README.md");
        for rule in Rule::all() {
            let allow = if rule.can_be_allowed() { "yes" } else { "no" };
            let row = format!("| {} | {} | {} | {allow} |", rule.code(), rule.what(), linked(rule.why()));
            assert!(readme.contains(&row), "README.md lacks this row:\n{row}");
        }
    }

    /// The text with its addresses as links.
    fn linked(text: &str) -> String {
        let link = |word: &str| match word.find("https://") {
            None => word.to_owned(),
            Some(from) => {
                let address = word[from..].trim_end_matches([')', ';', ':', ',']);
                format!("{}<{address}>{}", &word[..from], &word[from + address.len()..])
            }
        };
        text.split(' ').map(link).collect::<Vec<_>>().join(" ")
    }
}
