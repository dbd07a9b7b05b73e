//! The control API for administrators, by gRPC.
//!
//! While the store or the bus is unavailable, every call fails with UNAVAILABLE and a reason. The listener stays open.

mod decided;
mod read_user;
mod searched;
mod sensitive;
mod server;
mod show;
mod watch;

use std::sync::Arc;

use tonic::{Code, Request, Response, Status};
use xtsync_contract::control;
use xtsync_contract::control::control_service_server::ControlService;
use xtsync_runtime::telemetry::chain;
use xtsync_service::commands::is_user;

use crate::actor::Actor;
use crate::apply::{self, Applied, Change};
use crate::context::Context;
use crate::context_handle::ContextHandle;
use crate::manifest::{self, File};
use crate::problem::Problem;
use crate::rehire::{self, Confirmed, Named};
use crate::{Error, command, directories, listing, rename, status};

use read_user::NotRead;
use server::Identity;
pub use server::serve;

/// The maximum number of mistakes in one answer. gRPC limits the size of an answer's trailers.
const PROBLEMS_MAX: usize = 30;

/// The size in bytes after which an answer lists no further mistake.
const PROBLEM_BYTES_MAX: usize = 3_000;

/// The gRPC service.
#[derive(Clone)]
pub(crate) struct Api {
    context_handle: ContextHandle,
}

impl Api {
    fn context(&self) -> Result<Arc<Context>, Status> {
        self.context_handle.get().ok_or_else(|| Status::unavailable("control is starting, or its store or the bus is unavailable"))
    }
}

#[tonic::async_trait]
impl ControlService for Api {
    async fn apply(&self, request: Request<control::ApplyRequest>) -> Result<Response<control::ApplyResponse>, Status> {
        let context = self.context()?;
        let (identity, request) = (identity(&request), request.into_inner());
        let declared = declared(&request.actor);
        let files: Vec<File> = request.documents.into_iter().map(|file| File { name: file.name, yaml: file.yaml }).collect();
        let written = manifest::read(&files).map_err(|problems| refused(&problems))?;
        let applied = apply::apply(&context, &written, Actor { identity: &identity.0, declared: &declared }, request.refresh_names)
            .await
            .map_err(failed)?;
        Ok(Response::new(answer(applied)))
    }

    async fn list_resources(&self, _: Request<control::ListResourcesRequest>) -> Result<Response<control::ListResourcesResponse>, Status> {
        let context = self.context()?;
        let resources = listing::list(&context.store).await.map_err(|error| failed(error.into()))?;
        Ok(Response::new(control::ListResourcesResponse { resources }))
    }

    async fn get_status(&self, _: Request<control::GetStatusRequest>) -> Result<Response<control::GetStatusResponse>, Status> {
        let context = self.context()?;
        let status = status::read(&context).await.map_err(failed)?;
        Ok(Response::new(control::GetStatusResponse { status: Some(status) }))
    }

    type WatchStatusStream = watch::Statuses;

    async fn watch_status(&self, _: Request<control::WatchStatusRequest>) -> Result<Response<Self::WatchStatusStream>, Status> {
        Ok(Response::new(watch::statuses(self.context()?)))
    }

    async fn show_user(&self, request: Request<control::ShowUserRequest>) -> Result<Response<control::ShowUserResponse>, Status> {
        let context = self.context()?;
        let shown = show::user(&context, &request.into_inner()).await.map_err(failed)?;
        shown.map(Response::new).map_err(|name| no_tenant(&name))
    }

    async fn read_user(&self, request: Request<control::ReadUserRequest>) -> Result<Response<control::ReadUserResponse>, Status> {
        let context = self.context()?;
        let control::ReadUserRequest { user } = request.into_inner();
        match read_user::user(&context, &user).await.map_err(failed)? {
            Ok(read) => Ok(Response::new(read)),
            Err(NotRead::Unknown) => Err(Status::not_found("nothing is known of such a user; `xtsync show` says where the user may be")),
            Err(NotRead::Several(count)) => {
                Err(Status::failed_precondition(format!("{count} users have that name: name one by SOURCE/ID")))
            }
            Err(NotRead::Moved) => {
                Err(Status::unavailable("the user is being republished: try again, or run `xtsync republish` for the source"))
            }
        }
    }

    async fn republish(&self, request: Request<control::RepublishRequest>) -> Result<Response<control::RepublishResponse>, Status> {
        let context = self.context()?;
        let identity = identity(&request);
        let control::RepublishRequest { tenant, actor: given } = request.into_inner();
        let declared = declared(&given);
        let tenants = command::republish(&context, &tenant, Actor { identity: &identity.0, declared: &declared }).await.map_err(failed)?;
        tenants.map(|tenants| Response::new(control::RepublishResponse { tenants })).ok_or_else(|| no_tenant(&tenant))
    }

    async fn resync(&self, request: Request<control::ResyncRequest>) -> Result<Response<control::ResyncResponse>, Status> {
        let context = self.context()?;
        let identity = identity(&request);
        let control::ResyncRequest { tenant, actor: given } = request.into_inner();
        let declared = declared(&given);
        let found = command::resync(&context, &tenant, Actor { identity: &identity.0, declared: &declared }).await.map_err(failed)?;
        found.map(|()| Response::new(control::ResyncResponse {})).ok_or_else(|| no_tenant(&tenant))
    }

    async fn resume(&self, request: Request<control::ResumeRequest>) -> Result<Response<control::ResumeResponse>, Status> {
        let context = self.context()?;
        let identity = identity(&request);
        let control::ResumeRequest { target, actor: given } = request.into_inner();
        let declared = declared(&given);
        let resumed = command::resume(&context, &target, Actor { identity: &identity.0, declared: &declared }).await.map_err(failed)?;
        resumed.map(|()| Response::new(control::ResumeResponse {})).ok_or_else(|| no_tenant(&target))
    }

    async fn retry(&self, request: Request<control::RetryRequest>) -> Result<Response<control::RetryResponse>, Status> {
        let context = self.context()?;
        let identity = identity(&request);
        let control::RetryRequest { tenant, user, actor: given } = request.into_inner();
        let declared = declared(&given);
        if !is_user(&user) {
            return Err(Status::invalid_argument("a user is named by SOURCE/USER or by the id alone"));
        }
        let found = command::retry(&context, &tenant, &user, Actor { identity: &identity.0, declared: &declared }).await.map_err(failed)?;
        found.map(|()| Response::new(control::RetryResponse {})).ok_or_else(|| no_tenant(&tenant))
    }

    async fn confirm_rehire(
        &self,
        request: Request<control::ConfirmRehireRequest>,
    ) -> Result<Response<control::ConfirmRehireResponse>, Status> {
        let context = self.context()?;
        let identity = identity(&request);
        let control::ConfirmRehireRequest { target, user, former, actor: given } = request.into_inner();
        let declared = declared(&given);
        let named = Named::read(&user).zip(Named::read(&former)).filter(|(user, former)| user != former);
        let (user, former) = named.ok_or_else(|| Status::invalid_argument("name two accounts, each as SOURCE/USER"))?;
        let actor = Actor { identity: &identity.0, declared: &declared };
        match rehire::confirm(&context, &target, &user, &former, actor).await.map_err(failed)? {
            Confirmed::Published => Ok(Response::new(control::ConfirmRehireResponse { done: false })),
            Confirmed::Before => Ok(Response::new(control::ConfirmRehireResponse { done: true })),
            Confirmed::NoTenant => Err(no_tenant(&target)),
            Confirmed::Refused(reason) => Err(Status::failed_precondition(reason)),
        }
    }

    async fn confirm_tenant(
        &self,
        request: Request<control::ConfirmTenantRequest>,
    ) -> Result<Response<control::ConfirmTenantResponse>, Status> {
        let context = self.context()?;
        let identity = identity(&request);
        let control::ConfirmTenantRequest { tenant, directory_id, actor: given } = request.into_inner();
        let declared = declared(&given);
        let confirmed = directories::confirm(&context, &tenant, &directory_id, Actor { identity: &identity.0, declared: &declared })
            .await
            .map_err(failed)?;
        let directories::Confirmed { revision, directory, former } = confirmed.ok_or_else(|| no_tenant(&tenant))?;
        Ok(Response::new(control::ConfirmTenantResponse { revision, directory_id: directory.into(), former_directory_id: former.into() }))
    }

    async fn rename_tenant(
        &self,
        request: Request<control::RenameTenantRequest>,
    ) -> Result<Response<control::RenameTenantResponse>, Status> {
        let context = self.context()?;
        let identity = identity(&request);
        let control::RenameTenantRequest { tenant, name, actor: given } = request.into_inner();
        let declared = declared(&given);
        let renamed =
            rename::rename(&context, &tenant, &name, Actor { identity: &identity.0, declared: &declared }).await.map_err(failed)?;
        let rename::Renamed { revision, key, is_changed } = renamed.ok_or_else(|| no_tenant(&tenant))?;
        Ok(Response::new(control::RenameTenantResponse { revision, key: key.into(), changed: is_changed }))
    }
}

fn no_tenant(name: &str) -> Status {
    Status::not_found(format!("there is no Tenant {name}"))
}

/// Returns the identity that the token authenticated. The interceptor sets it for each call.
fn identity<T>(request: &Request<T>) -> Identity {
    request.extensions().get().cloned().unwrap_or_default()
}

/// Returns the declared actor name without control characters, truncated to 100 characters.
fn declared(given: &str) -> String {
    const CHARS_MAX: usize = 100;
    given.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}

fn answer(applied: Applied) -> control::ApplyResponse {
    use control::applied_resource::Change as Wire;
    let resources = applied.changes.into_iter().map(|(id, change)| {
        let change = match change {
            Change::Created => Wire::Created,
            Change::Configured => Wire::Configured,
            Change::Unchanged => Wire::Unchanged,
            Change::Pending => Wire::Pending,
        };
        control::AppliedResource { id: id.to_string(), change: change.into() }
    });
    control::ApplyResponse { revision: applied.revision, resources: resources.collect() }
}

/// Returns INVALID_ARGUMENT with one mistake per line, up to the limits of an answer.
fn refused(problems: &[Problem]) -> Status {
    let mut text = String::new();
    for (index, problem) in problems.iter().enumerate() {
        if index == PROBLEMS_MAX || text.len() > PROBLEM_BYTES_MAX {
            text.push_str(&format!("\nand {} more", problems.len() - index));
            break;
        }
        let line = if index == 0 { problem.to_string() } else { format!("\n{problem}") };
        text.push_str(&line);
    }
    Status::invalid_argument(text)
}

/// Maps an error of control to a gRPC status.
fn failed(error: Error) -> Status {
    let code = match &error {
        Error::Refused(problems) => return refused(problems),
        Error::NotLeading | Error::Bus(_) => Code::Unavailable,
        Error::Store(store) if store.is_transient() => Code::Unavailable,
        Error::Store(_) | Error::Unreadable { .. } | Error::Folder { .. } | Error::Serve(_) => Code::Internal,
    };
    if code == Code::Internal {
        tracing::error!(error = chain(&error), "a call to the control API failed");
    }
    Status::new(code, chain(&error))
}
