//! `fieldtest admin workspace` (§11, §13).

use clap::Subcommand;
use domain::WorkspaceId;
use serde_json::{Value, json};
use store_workspace::{CreateWorkspace, Workspace};

use super::{AdminContext, CommandOutput};
use crate::failure::Failure;
use crate::table::Table;
use crate::values;

const CREATE_EXAMPLE: &str = "\
Example:
  fieldtest admin workspace create --name \"Acme\"";

const LIST_EXAMPLE: &str = "\
Example:
  fieldtest admin workspace list --json";

/// The commands for workspaces.
#[derive(Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Create a workspace
    #[command(after_help = CREATE_EXAMPLE)]
    Create {
        /// The name of the workspace
        #[arg(long, value_parser = values::name)]
        name: String,
    },
    /// List all workspaces, oldest first
    #[command(after_help = LIST_EXAMPLE)]
    List,
}

pub(super) async fn run(
    context: &AdminContext,
    command: WorkspaceCommand,
) -> Result<CommandOutput, Failure> {
    match command {
        WorkspaceCommand::Create { name } => create(context, name).await,
        WorkspaceCommand::List => list(context).await,
    }
}

async fn create(context: &AdminContext, name: String) -> Result<CommandOutput, Failure> {
    let id = WorkspaceId::random(context.clock_and_rng.randomness());
    let workspace = Workspace { id, name, created_at: context.clock_and_rng.now() };
    context.store.create_workspace(CreateWorkspace(workspace.clone())).await?;
    Ok(CommandOutput::new([to_json(&workspace)], table(&[workspace]), 1))
}

async fn list(context: &AdminContext) -> Result<CommandOutput, Failure> {
    let workspaces = context.store.workspaces().await?;
    Ok(CommandOutput::new(workspaces.iter().map(to_json), table(&workspaces), 1))
}

fn to_json(workspace: &Workspace) -> Value {
    let Workspace { id, name, created_at } = workspace;
    json!({ "id": id.as_str(), "name": name, "createdAt": created_at.to_string() })
}

fn table(workspaces: &[Workspace]) -> Table<3> {
    workspaces.iter().fold(Table::new(["WORKSPACE", "NAME", "CREATED"]), |table, workspace| {
        let Workspace { id, name, created_at } = workspace;
        table.row([id.to_string(), name.clone(), created_at.to_string()])
    })
}
