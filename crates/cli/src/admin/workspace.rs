//! `fieldtest admin workspace` (§11, §13).

use clap::Subcommand;
use domain::WorkspaceId;
use serde_json::{Value, json};
use store_workspace::{CreateWorkspace, Workspace};

use super::{AdminContext, Answer};
use crate::failure::Failure;
use crate::table::Table;
use crate::values;

const CREATE_EXAMPLE: &str = "\
Example:
  fieldtest admin workspace create --name \"Acme\"";

const LIST_EXAMPLE: &str = "\
Example:
  fieldtest admin workspace list --json";

/// What can be done with workspaces.
#[derive(Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Make a workspace
    #[command(after_help = CREATE_EXAMPLE)]
    Create {
        /// What people call it
        #[arg(long, value_parser = values::name)]
        name: String,
    },
    /// List all workspaces, oldest first
    #[command(after_help = LIST_EXAMPLE)]
    List,
}

pub(super) async fn run(desk: &AdminContext, command: WorkspaceCommand) -> Result<Answer, Failure> {
    match command {
        WorkspaceCommand::Create { name } => create(desk, name).await,
        WorkspaceCommand::List => list(desk).await,
    }
}

async fn create(desk: &AdminContext, name: String) -> Result<Answer, Failure> {
    let id = WorkspaceId::random(desk.clock_and_rng.randomness());
    let workspace = Workspace { id, name, created_at: desk.clock_and_rng.now() };
    desk.store.create_workspace(CreateWorkspace(workspace.clone())).await?;
    Ok(Answer::new([json_of(&workspace)], table(&[workspace]), 1))
}

async fn list(desk: &AdminContext) -> Result<Answer, Failure> {
    let workspaces = desk.store.workspaces().await?;
    Ok(Answer::new(workspaces.iter().map(json_of), table(&workspaces), 1))
}

fn json_of(workspace: &Workspace) -> Value {
    let Workspace { id, name, created_at } = workspace;
    json!({ "id": id.as_str(), "name": name, "createdAt": created_at.to_string() })
}

fn table(workspaces: &[Workspace]) -> Table<3> {
    workspaces.iter().fold(Table::new(["WORKSPACE", "NAME", "CREATED"]), |table, workspace| {
        let Workspace { id, name, created_at } = workspace;
        table.row([id.to_string(), name.clone(), created_at.to_string()])
    })
}
