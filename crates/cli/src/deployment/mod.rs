//! Where the deployment is that a command talks to, and who is talking (§13).

mod patience;
mod profile;
mod refusal;

use std::sync::Arc;

use clap::Args;
use client::{Retries, RetryPolicy, WorkspaceApi};
use domain::{ClientId, Environment, api_key};
use wire::app::App;

use self::patience::RetryNotice;
pub(crate) use self::profile::{Profile, Profiles};
pub(crate) use self::refusal::explain;
use crate::failure::Failure;
use crate::values::{self, BaseUrl, Secret};

/// Where `fieldtest serve` listens if it is told nothing else.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// The profile that is used if none is named.
const DEFAULT_PROFILE: &str = "default";

/// Where the deployment is, and the key to it.
#[derive(Args)]
pub(crate) struct Access {
    /// Where the deployment is [default: the profile's, or else http://127.0.0.1:8080]
    #[arg(long, env = "FIELDTEST_URL", value_name = "URL", global = true)]
    url: Option<BaseUrl>,

    /// The workspace's API key [default: the profile's]. Other users of this machine can see a
    /// command line: better put the key into the environment, or store it with `fieldtest login`
    #[arg(
        long,
        env = "FIELDTEST_API_KEY",
        value_name = "SECRET",
        hide_env_values = true,
        global = true
    )]
    api_key: Option<Secret>,

    /// The app's client id [default: the profile's, or else the workspace's only app]
    #[arg(long, env = "FIELDTEST_APP", value_name = "CLIENT_ID", value_parser = values::client_id, global = true)]
    app: Option<ClientId>,

    /// The profile to use, as `fieldtest login` has stored it [default: default]
    #[arg(long, env = "FIELDTEST_PROFILE", value_name = "NAME", value_parser = profile::name, global = true)]
    profile: Option<String>,
}

impl Access {
    /// The profile's name.
    pub(crate) fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or(DEFAULT_PROFILE)
    }

    /// What was typed, completed from the profile. A profile's key and app hold only at the
    /// profile's URL.
    pub(crate) fn settle(self, profiles: &Profiles) -> Result<WriteResult, Failure> {
        let stored = profiles.get(self.profile_name());
        if let (Some(name), None) = (&self.profile, stored) {
            return Err(profiles.no_such(name));
        }
        let at_home =
            stored.filter(|profile| self.url.as_ref().is_none_or(|url| url.0 == profile.url));
        Ok(WriteResult {
            url: self.url.map(|url| url.0).or(at_home.map(|profile| profile.url.clone())),
            api_key: self
                .api_key
                .map(|key| key.0)
                .or(at_home.map(|profile| profile.api_key.clone())),
            app: match self.app {
                Some(app) => Some(app),
                None => at_home
                    .and_then(|profile| profile.app.as_deref())
                    .and_then(|app| app.parse().ok()),
            },
        })
    }

    /// What was typed, with the URL that the profile had before; its key is to be given anew.
    pub(crate) fn for_login(self, known: Option<&Profile>) -> WriteResult {
        let url = self.url.map(|url| url.0).or_else(|| known.map(|profile| profile.url.clone()));
        WriteResult { url, api_key: self.api_key.map(|key| key.0), app: self.app }
    }

    /// The deployment that is meant. Nothing is sent yet.
    pub(crate) fn deployment(self) -> Result<Deployment, Failure> {
        self.settle(&Profiles::read()?)?.deployment()
    }
}

/// What is known before anything is sent.
pub(crate) struct WriteResult {
    pub(crate) url: Option<String>,
    pub(crate) api_key: Option<String>,
    pub(crate) app: Option<ClientId>,
}

impl WriteResult {
    /// The deployment's URL.
    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(DEFAULT_URL)
    }

    pub(crate) fn deployment(self) -> Result<Deployment, Failure> {
        let url = self.url().to_owned();
        let Some(api_key) = self.api_key else {
            return Err(Failure::Input(format!(
                "there is no API key for {url}: set FIELDTEST_API_KEY, or store one with `fieldtest login`; the demo's is \
                 in the file demo-api-key of the server's data directory"
            )));
        };
        if ![Environment::Sandbox, Environment::Production]
            .into_iter()
            .any(|environment| api_key::recognise(&api_key, environment).is_some())
        {
            return Err(Failure::Input(
                "the API key is not one of fieldtest's, or has a typo in it: it begins with sk_workspace_ and ends with a \
                 checksum that does not fit; nothing was sent"
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

/// A deployment, and the app that is meant there if one was named.
pub(crate) struct Deployment {
    pub(crate) api: WorkspaceApi,
    pub(crate) retries: Retries,
    pub(crate) url: String,
    app: Option<ClientId>,
    retry_notice: Arc<RetryNotice>,
}

impl Deployment {
    /// Waits for answers without a word from now on.
    pub(crate) fn hush(&self) {
        self.retry_notice.disable();
    }

    /// The app that was named.
    pub(crate) fn named_app(&self) -> Option<&ClientId> {
        self.app.as_ref()
    }

    /// The app's client id: the one that was named, or the only one there is.
    pub(crate) async fn app(&self) -> Result<String, Failure> {
        if let Some(app) = &self.app {
            return Ok(app.to_string());
        }
        let apps = self.api.apps(None, None).await.map_err(|error| self.explain(&error))?;
        match &*apps.data {
            [app] if apps.total == 1 => Ok(app.client_id.clone()),
            [] => Err(Failure::Other(
                "the workspace has no app yet: make one first, with `POST /connect/v1/apps`".into(),
            )),
            several => Err(Failure::Input(format!(
                "the workspace has {} apps: name one with --app, such as {}",
                apps.total,
                several.iter().take(3).map(name_of).collect::<Vec<_>>().join(" or ")
            ))),
        }
    }

    /// What this error means to whoever typed the command.
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

    fn access(url: Option<&str>, profile: Option<&str>) -> Access {
        Access {
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
    fn a_profile_fills_in_what_was_not_typed() {
        for (name, url, key) in [
            (None, "https://home.example", "key of home"),
            (Some("bank"), "https://bank.example", "key of the bank"),
        ] {
            let settled = access(None, name).settle(&profiles()).unwrap();
            assert_eq!((settled.url(), settled.api_key.as_deref()), (url, Some(key)));
            assert_eq!(settled.app.unwrap().as_str(), "FK5b0KSM");
        }
    }

    #[test]
    fn a_key_is_never_sent_elsewhere_than_where_it_was_stored_for() {
        let settled = access(Some("https://bank.example"), None).settle(&profiles()).unwrap();
        assert_eq!((settled.api_key.as_deref(), settled.app.is_none()), (None, true));
        let failure = settled.deployment().err().unwrap();
        assert!(
            matches!(&failure, Failure::Input(problem) if problem.contains("fieldtest login")),
            "{failure}"
        );
    }

    #[test]
    fn what_was_typed_comes_first() {
        let typed = Access {
            api_key: Some("typed".parse().unwrap()),
            app: Some("AAAAAAAA".parse().unwrap()),
            ..access(None, None)
        };
        let settled = typed.settle(&profiles()).unwrap();
        assert_eq!(
            (settled.url(), settled.api_key.as_deref()),
            ("https://home.example", Some("typed"))
        );
        assert_eq!(settled.app.unwrap().as_str(), "AAAAAAAA");
    }

    #[test]
    fn without_anything_it_is_the_server_on_this_machine() {
        assert_eq!(access(None, None).settle(&Profiles::default()).unwrap().url(), DEFAULT_URL);
    }

    #[test]
    fn a_profile_that_is_named_must_be_there() {
        let failure = access(None, Some("banc")).settle(&profiles()).err().unwrap();
        assert!(
            matches!(&failure, Failure::Input(problem) if problem.contains("bank, default")),
            "{failure}"
        );
    }

    #[test]
    fn a_typo_in_the_key_is_seen_before_anything_is_sent_and_not_repeated() {
        let typed = Access {
            api_key: Some("sk_workspace_test_hunter2".parse().unwrap()),
            ..access(None, None)
        };
        let failure = typed.settle(&Profiles::default()).unwrap().deployment().err().unwrap();
        assert!(
            matches!(failure, Failure::Input(_)) && !failure.to_string().contains("hunter2"),
            "{failure}"
        );
    }
}
