use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{ConfigFile, Options};
use crate::failure::Failure;
use crate::values::Secret;

/// The options of commands that work on the databases.
#[derive(Args)]
pub(crate) struct DatabaseOptions {
    #[command(flatten)]
    file: ConfigFile,

    /// The folder for databases and generated secrets [default: ./data]
    #[arg(
        long,
        env = "FIELDTEST_DATA_DIR",
        value_name = "FOLDER",
        value_hint = ValueHint::DirPath,
        global = true
    )]
    data_dir: Option<PathBuf>,

    /// A PostgreSQL database, postgres://…, instead of the embedded databases
    #[arg(
        long,
        env = "FIELDTEST_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    database_url: Option<Secret>,

    /// A separate PostgreSQL database for the challenge service [default: --database-url]
    #[arg(
        long,
        env = "FIELDTEST_TPAS_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    tpas_database_url: Option<Secret>,
}

impl DatabaseOptions {
    /// The options of the file, overridden by these options.
    pub(crate) fn options(self) -> Result<Options, Failure> {
        let typed = Options {
            data_dir: self.data_dir,
            database_url: self.database_url,
            tpas_database_url: self.tpas_database_url,
            ..Options::default()
        };
        Ok(typed.or(self.file.options()?))
    }
}
