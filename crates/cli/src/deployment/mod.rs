//! The deployment that a command talks to: its URL, the API key and the app (§13).

mod error_message;
mod profile;
mod retry_notice;

use std::sync::Arc;

use clap::Args;
use client::{Retries, RetryPolicy, WorkspaceApi};
use domain::{ClientId, Environment, api_key};
use wire::app::App;

pub(crate) use self::error_message::explain;
pub(crate) use self::profile::{Profile, Profiles, name as parse_profile_name};
use self::retry_notice::RetryNotice;
use crate::failure::Failure;
use crate::values::{self, BaseUrl, Secret};

/// The URL of a server with default options.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// The name of the profile without `--profile`.
const DEFAULT_PROFILE: &str = "default";

/// The options that say which deployment, with which key and app.
#[derive(Args)]
pub(crate) struct DeploymentOptions {
    /// The URL of the deployment [default: the profile's, or else http://127.0.0.1:8080]
    #[arg(long, env = "FIELDTEST_URL", value_name = "URL", global = true)]
    url: Option<BaseUrl>,

    /// The API key of the workspace [default: the profile's]. Other users of this machine can see a
    /// command line: put the key into the environment, or store it with `fieldtest login`
    #[arg(
        long,
        env = "FIELDTEST_API_KEY",
        value_name = "SECRET",
        hide_env_values = true,
        global = true
    )]
    api_key: Option<Secret>,

    /// The app's client id [default: the profile's, or else the workspace's only app]
    #[arg(
        long,
        env = "FIELDTEST_APP",
        value_name = "CLIENT_ID",
        value_parser = values::client_id,
        global = true
    )]
    app: Option<ClientId>,

    /// The profile of `fieldtest login` to use [default: default]
    #[arg(
        long,
        env = "FIELDTEST_PROFILE",
        value_name = "NAME",
        value_parser = profile::name,
        global = true
    )]
    profile: Option<String>,
}

impl DeploymentOptions {
    /// The name of the profile.
    pub(crate) fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or(DEFAULT_PROFILE)
    }

    /// Completes these options from the profile. The profile's key and app are used with the
    /// profile's URL only.
    pub(crate) fn resolve(self, profiles: &Profiles) -> Result<Target, Failure> {
        let stored = profiles.get(self.profile_name());
        if let (Some(name), None) = (&self.profile, stored) {
            return Err(profiles.not_found(name));
        }
        let profile =
            stored.filter(|profile| self.url.as_ref().is_none_or(|url| url.0 == profile.url));
        Ok(Target {
            url: self.url.map(|url| url.0).or(profile.map(|profile| profile.url.clone())),
            api_key: self
                .api_key
                .map(|key| key.0)
                .or(profile.map(|profile| profile.api_key.clone())),
            app: match self.app {
                Some(app) => Some(app),
                None => profile
                    .and_then(|profile| profile.app.as_deref())
                    .and_then(|app| app.parse().ok()),
            },
        })
    }

    /// Completes the URL from the profile, but not the key and the app, which `login` replaces.
    pub(crate) fn for_login(self, stored: Option<&Profile>) -> Target {
        let url = self.url.map(|url| url.0).or_else(|| stored.map(|profile| profile.url.clone()));
        Target { url, api_key: self.api_key.map(|key| key.0), app: self.app }
    }

    /// A client for the deployment. It sends nothing yet.
    pub(crate) fn deployment(self) -> Result<Deployment, Failure> {
        self.resolve(&Profiles::read()?)?.deployment()
    }
}

/// The options after the profile is applied.
pub(crate) struct Target {
    pub(crate) url: Option<String>,
    pub(crate) api_key: Option<String>,
    pub(crate) app: Option<ClientId>,
}

impl Target {
    /// The URL, or else that of a server with default options.
    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(DEFAULT_URL)
    }

    /// Checks the form of the key, and returns a client. It sends nothing yet.
    pub(crate) fn deployment(self) -> Result<Deployment, Failure> {
        let url = self.url().to_owned();
        let Some(api_key) = self.api_key else {
            return Err(Failure::Input(format!(
                "there is no API key for {url}: set FIELDTEST_API_KEY, or store one with \
                 `fieldtest login`; that of the demo workspace is in the file demo-api-key of the \
                 server's data directory"
            )));
        };
        if ![Environment::Sandbox, Environment::Production]
            .into_iter()
            .any(|environment| api_key::recognise(&api_key, environment).is_some())
        {
            return Err(Failure::Input(
                "the API key is not one of fieldtest's or has a typo: a key begins with \
                 sk_workspace_ and ends with a checksum; nothing was sent"
                    .into(),
            ));
        }
        let retry_notice = Arc::new(RetryNotice::new());
        let retries = Retries::new(RetryPolicy::default())?.with_sleep({
            let retry_notice = Arc::clone(&retry_notice);
            move |delay| {
                retry_notice.write(delay);
                tokio::time::sleep(delay)
            }
        });
        let api = WorkspaceApi::new(&url, &api_key).map_err(|error| explain(&error, &url))?;
        Ok(Deployment {
            api: api.with_retries(retries.clone()),
            retries,
            url,
            app: self.app,
            retry_notice,
        })
    }
}

/// A client for a deployment, and the app if it is named.
pub(crate) struct Deployment {
    pub(crate) api: WorkspaceApi,
    pub(crate) retries: Retries,
    pub(crate) url: String,
    app: Option<ClientId>,
    retry_notice: Arc<RetryNotice>,
}

impl Deployment {
    /// Stops printing a line for each retry.
    pub(crate) fn silence(&self) {
        self.retry_notice.disable();
    }

    /// The app that is named.
    pub(crate) fn named_app(&self) -> Option<&ClientId> {
        self.app.as_ref()
    }

    /// The app's client id: the one that is named, or else the only app of the workspace.
    pub(crate) async fn app(&self) -> Result<String, Failure> {
        if let Some(app) = &self.app {
            return Ok(app.to_string());
        }
        let apps = self.api.apps(None, None).await.map_err(|error| self.explain(&error))?;
        match &*apps.data {
            [app] if apps.total == 1 => Ok(app.client_id.clone()),
            [] => Err(Failure::Other(
                "the workspace has no app yet: create one with `POST /connect/v1/apps`".into(),
            )),
            several => Err(Failure::Input(format!(
                "the workspace has {} apps: name one with --app, such as {}",
                apps.total,
                several.iter().take(3).map(name_of).collect::<Vec<_>>().join(" or ")
            ))),
        }
    }

    /// The message for this error.
    pub(crate) fn explain(&self, error: &client::ClientError) -> Failure {
        explain(error, &self.url)
    }
}

fn name_of(app: &App) -> String {
    format!("{} ({})", app.client_id, crate::table::printable(&app.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: Option<&str>, profile: Option<&str>) -> DeploymentOptions {
        DeploymentOptions {
            url: url.map(|url| url.parse().unwrap()),
            api_key: None,
            app: None,
            profile: profile.map(str::to_owned),
        }
    }

    fn profiles() -> Profiles {
        let profile = |url: &str, key: &str| Profile {
            url: url.into(),
            api_key: key.into(),
            app: Some("FK5b0KSM".into()),
        };
        let mut profiles = Profiles::default();
        profiles.put("default", profile("https://home.example", "key of home"));
        profiles.put("bank", profile("https://bank.example", "key of the bank"));
        profiles
    }

    #[test]
    fn a_profile_completes_the_options() {
        for (name, url, key) in [
            (None, "https://home.example", "key of home"),
            (Some("bank"), "https://bank.example", "key of the bank"),
        ] {
            let target = options(None, name).resolve(&profiles()).unwrap();
            assert_eq!((target.url(), target.api_key.as_deref()), (url, Some(key)));
            assert_eq!(target.app.unwrap().as_str(), "FK5b0KSM");
        }
    }

    #[test]
    fn a_stored_key_is_used_with_its_url_only() {
        let target = options(Some("https://bank.example"), None).resolve(&profiles()).unwrap();
        assert_eq!((target.api_key.as_deref(), target.app.is_none()), (None, true));
        let failure = target.deployment().err().unwrap();
        assert!(
            matches!(&failure, Failure::Input(problem) if problem.contains("fieldtest login")),
            "{failure}"
        );
    }

    #[test]
    fn options_take_precedence() {
        let given = DeploymentOptions {
            api_key: Some("given".parse().unwrap()),
            app: Some("AAAAAAAA".parse().unwrap()),
            ..options(None, None)
        };
        let target = given.resolve(&profiles()).unwrap();
        assert_eq!(
            (target.url(), target.api_key.as_deref()),
            ("https://home.example", Some("given"))
        );
        assert_eq!(target.app.unwrap().as_str(), "AAAAAAAA");
    }

    #[test]
    fn the_default_is_a_server_on_this_machine() {
        assert_eq!(options(None, None).resolve(&Profiles::default()).unwrap().url(), DEFAULT_URL);
    }

    #[test]
    fn a_named_profile_must_exist() {
        let failure = options(None, Some("banc")).resolve(&profiles()).err().unwrap();
        assert!(
            matches!(&failure, Failure::Input(problem) if problem.contains("bank, default")),
            "{failure}"
        );
    }

    #[test]
    fn a_typo_in_the_key_is_refused_and_not_quoted() {
        let given = DeploymentOptions {
            api_key: Some("sk_workspace_test_hunter2".parse().unwrap()),
            ..options(None, None)
        };
        let failure = given.resolve(&Profiles::default()).unwrap().deployment().err().unwrap();
        assert!(
            matches!(failure, Failure::Input(_)) && !failure.to_string().contains("hunter2"),
            "{failure}"
        );
    }
}
