//! Statements whose text never changes, so that diesel prepares each of them once for a connection.
//!
//! diesel does not cache `sql_query`, and it builds the text of its own updates anew at every call, since they have no
//! static id. In a claim, that costs more time than SQLite's own work.

/// Declares a statement: a struct with one field for each `?` of its text, in their order.
///
/// With `-> (SqlType, …)` it returns rows of these types, otherwise it only counts the rows it has changed.
macro_rules! statement {
    (
        $(#[$meta:meta])*
        $name:ident $(<$lt:lifetime>)? { $( $field:ident : $rust:ty as $sql_type:ty ),* $(,)? } -> $row:ty = $sql:expr
    ) => {
        $crate::sqlite::cached_statement::statement! {
            $(#[$meta])* $name $(<$lt>)? { $( $field : $rust as $sql_type ),* } = $sql
        }

        impl $(<$lt>)? ::diesel::query_builder::Query for $name $(<$lt>)? {
            type SqlType = $row;
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident $(<$lt:lifetime>)? { $( $field:ident : $rust:ty as $sql_type:ty ),* $(,)? } = $sql:expr
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub(in crate::sqlite) struct $name $(<$lt>)? {
            $( pub(in crate::sqlite) $field: $rust, )*
        }

        impl $(<$lt>)? $name $(<$lt>)? {
            /// The text that SQLite prepares.
            pub(in crate::sqlite) const SQL: &'static str = $sql;

            /// The parts of the text between the `?`.
            const PARTS: [&'static str; [$( stringify!($field), )* ""].len()] = $crate::sqlite::cached_statement::parts(Self::SQL);
        }

        impl $(<$lt>)? ::diesel::query_builder::QueryFragment<::diesel::sqlite::Sqlite> for $name $(<$lt>)? {
            fn walk_ast<'b>(
                &'b self,
                mut out: ::diesel::query_builder::AstPass<'_, 'b, ::diesel::sqlite::Sqlite>,
            ) -> ::diesel::QueryResult<()> {
                let mut parts = Self::PARTS.into_iter();
                out.push_sql(parts.next().unwrap_or_default());
                $(
                    out.push_bind_param::<$sql_type, _>(&self.$field)?;
                    out.push_sql(parts.next().unwrap_or_default());
                )*
                Ok(())
            }
        }

        impl $(<$lt>)? ::diesel::query_builder::QueryId for $name $(<$lt>)? {
            type QueryId = $crate::sqlite::cached_statement::static_id!($name $(<$lt>)?);
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl $(<$lt>)? ::diesel::RunQueryDsl<::diesel::sqlite::SqliteConnection> for $name $(<$lt>)? {}
    };
}

/// Cuts a text at each `?`. The code does not compile if the number of parts does not match the fields.
///
/// diesel walks a statement at every call to collect its bound values. Cutting the text during that walk took as long
/// as binding the values.
pub(in crate::sqlite) const fn parts<const N: usize>(sql: &'static str) -> [&'static str; N] {
    let mut parts = [""; N];
    let (mut left, mut part, mut at) = (sql, 0, 0);
    while at < left.len() {
        if left.as_bytes()[at] == b'?' {
            let (before, after) = left.split_at(at);
            parts[part] = before;
            left = after.split_at(1).1;
            (part, at) = (part + 1, 0);
        } else {
            at += 1;
        }
    }
    parts[part] = left;
    assert!(part + 1 == N, "a statement needs one field for each `?`");
    parts
}

macro_rules! static_id {
    ($name:ident) => { $name };
    ($name:ident <$lt:lifetime>) => { $name<'static> };
}

pub(in crate::sqlite) use {statement, static_id};

statement! {
    /// Opens a transaction that may write.
    BeginImmediate {} = "BEGIN IMMEDIATE"
}
statement! {
    /// Opens a transaction that only reads.
    Begin {} = "BEGIN"
}
statement! {
    /// Commits a transaction.
    Commit {} = "COMMIT"
}
statement! {
    /// Rolls a transaction back.
    Rollback {} = "ROLLBACK"
}
statement! {
    /// Opens the savepoint of one writer.
    Savepoint {} = "SAVEPOINT writer"
}
statement! {
    /// Adds the changes of a writer to the transaction.
    Release {} = "RELEASE writer"
}
statement! {
    /// Undoes the changes of a writer.
    RollbackTo {} = "ROLLBACK TO writer"
}
