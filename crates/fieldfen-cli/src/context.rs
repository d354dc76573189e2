//! The database, the operator and the output of one command.

use std::path::Path;

use anyhow::Context as _;
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::{SqliteStore, SqliteUrl};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::pipeline::FileFailureHook;
use fieldfen_services::queue::Queue;
use fieldfen_services::shop::ShopFile;
use fieldfen_terminal::{Exit, GLOBAL_OPTIONS, Terminal};

/// The person who acts. Flatten it into the arguments of a program with a [`FieldfenCommand`](crate::FieldfenCommand).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OperatorArgs {
    /// The name under which actions are recorded [default: the environment variable FIELDFEN_OPERATOR, otherwise USER,
    /// LOGNAME or USERNAME]
    #[arg(long = "as", global = true, value_name = "NAME", help_heading = GLOBAL_OPTIONS)]
    operator_name: Option<String>,
}

/// The database, the operator and the output of one command.
pub(crate) struct Context<'a> {
    pub(crate) terminal: &'a Terminal,
    pub(crate) environment: Environment,
    pub(crate) operator: &'a OperatorArgs,
}

impl<'a> Context<'a> {
    pub(crate) fn new(terminal: &'a Terminal, operator: &'a OperatorArgs) -> Self {
        Self { terminal, environment: Environment::system(), operator }
    }

    /// Opens the database for a command that writes.
    pub(crate) fn store(&self) -> anyhow::Result<SqliteStore> {
        self.open(SqliteStore::open)
    }

    /// Opens the database for a command that only reads. A database that this user cannot write, or whose disk is full, is
    /// opened for reading only, and nothing beside it is created or changed.
    pub(crate) fn store_to_read(&self) -> anyhow::Result<SqliteStore> {
        self.open(|address| match SqliteStore::open(address) {
            Err(StoreError::ReadOnly(_) | StoreError::Full(_)) => SqliteStore::open_read_only(address),
            opened => opened,
        })
    }

    /// Opens the database for a command that only reads, or for one that writes.
    pub(crate) fn store_for(&self, only_reads: bool) -> anyhow::Result<SqliteStore> {
        if only_reads { self.store_to_read() } else { self.store() }
    }

    fn open(&self, open: impl FnOnce(&str) -> Result<SqliteStore, StoreError>) -> anyhow::Result<SqliteStore> {
        let address = self.terminal.database_url()?;
        address.parse::<SqliteUrl>()?;
        open(&address).map_err(|error| match error {
            StoreError::Corrupt(_) => anyhow::Error::new(error).context(format!("cannot use {address}")),
            error => error.into(),
        })
    }

    /// The job queue of this database. An action that fails a job moves the file of the job, as a worker does.
    pub(crate) fn queue(&self, store: SqliteStore) -> Queue<SqliteStore> {
        Queue::new(store, self.environment.clone()).with_failure_hook(FileFailureHook)
    }

    /// The costs of calls, with the prices and budgets in `fieldfen.toml` in the current folder. If the file has rules
    /// that this program does not know, a message says so, and there are none.
    pub(crate) fn costs(&self, store: &SqliteStore) -> anyhow::Result<ApiCosts<SqliteStore>> {
        let costs = ApiCosts::new(store.clone(), self.environment.clone());
        let path = Path::new("fieldfen.toml");
        if !path.exists() {
            return Ok(costs);
        }
        let file = ShopFile::read(path)?;
        let rules = file.shop().and_then(|shop| {
            let (prices, budgets) = (shop.prices(), shop.budgets());
            Ok((prices.map_err(|error| file.locate(&error))?, budgets.map_err(|error| file.locate(&error))?))
        });
        match rules {
            Ok((prices, budgets)) => Ok(costs.prices(prices).budgets(budgets)?),
            Err(error) => {
                self.terminal.print_message(&format!("the budgets are not shown: {error}"));
                Ok(costs)
            }
        }
    }

    /// An action of the operator for this reason.
    pub(crate) fn action(&self, reason: &str) -> anyhow::Result<Action> {
        let login = || {
            let names = ["FIELDFEN_OPERATOR", "USER", "LOGNAME", "USERNAME"];
            names.iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))
        };
        let name =
            self.operator.operator_name.clone().or_else(login).ok_or_else(|| {
                Exit::Usage.with("nobody is named who acts: give --as NAME, or set FIELDFEN_OPERATOR")
            })?;
        let actor = Actor::new(name, Via::Tool).map_err(|error| Exit::Usage.with(error))?;
        Action::new(actor, reason).map_err(|error| Exit::Usage.with(error).into())
    }

    /// Asks for a confirmation of what cannot be undone, unless `yes` was given.
    pub(crate) fn confirm(&self, what: &str, yes: bool) -> anyhow::Result<()> {
        if yes {
            return Ok(());
        }
        match self.terminal.confirm(&format!("{what}. Go on?")).context("cannot ask for a confirmation")? {
            Some(true) => Ok(()),
            Some(false) => Err(Exit::Usage.with("not confirmed: nothing was done").into()),
            None => Err(Exit::Usage.with(format!("{what}: give --yes to confirm")).into()),
        }
    }
}
