//! What a server prints when it starts (§13).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use domain::Environment;
use server::{Config, Demo, Role};

/// The address of the server and, if there is a demo workspace, how to use it.
pub(crate) struct StartupMessage<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) config: &'a Config,
    /// The demo workspace, if this start created it.
    pub(crate) demo: Option<&'a Demo>,
    /// The token of a link that signs in to the console once.
    pub(crate) console_link: Option<&'a str>,
}

impl fmt::Display for StartupMessage<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "fieldtest listens on {}", self.config.url_at(self.address))?;
        self.console(formatter)?;
        match self.demo {
            Some(demo) if self.config.roles.has(Role::Api) => self.first_call(formatter, demo),
            _ if self.has_demo_key() => {
                writeln!(
                    formatter,
                    "\nThe API key of the demo workspace is stored in {}",
                    self.key_file().display()
                )
            }
            _ => Ok(()),
        }
    }
}

impl StartupMessage<'_> {
    fn console(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(link) = self.console_link else { return Ok(()) };
        let origin = self.public_url();
        writeln!(
            formatter,
            "\nOpen the console, signed in (the link works once, within 60 seconds; `fieldtest \
             console` makes another):\n\n{origin}/console/sign-in?link={link}"
        )
    }

    fn first_call(&self, formatter: &mut fmt::Formatter<'_>, demo: &Demo) -> fmt::Result {
        let Demo { client_id, api_key } = demo;
        let url = format!(
            "{}/connect/v1/apps/{client_id}/production-tests",
            self.config.url_at(reachable(self.address))
        );
        let key_file = self.key_file();
        write!(
            formatter,
            r#"
There is a demo workspace with the app {client_id}. Order a production test for it:

curl -X POST \
  -H "Authorization: Bearer {api_key}" \
  -H "Content-Type: application/json" \
  -d '{{"title":"BankID SE Test","providerIds":["bankidse"],"maxStamps":3}}' \
  "{url}"

Then list the production tests:

curl -H "Authorization: Bearer $(cat {quoted})" \
  "{url}"

Take the test yourself in a browser, as its testers do: {testers}
{phone}
The API key is not shown again. It is stored in {key_file}
"#,
            testers = self.testers(),
            phone = self.phone(),
            quoted = quoted(&key_file),
            key_file = key_file.display(),
        )
    }

    /// The page with the open tests.
    fn testers(&self) -> String {
        format!("{}/t", self.public_url())
    }

    fn public_url(&self) -> String {
        let here = || self.config.url_at(reachable(self.address));
        self.config.public_url.clone().unwrap_or_else(here)
    }

    /// What to type so that a phone can open that page, where it cannot.
    fn phone(&self) -> &'static str {
        let Config { public_url, tls_cert, .. } = self.config;
        if self.address.ip().is_loopback() && public_url.is_none() && tls_cert.is_none() {
            "(For a phone in the same network: --listen 0.0.0.0:8080 --public-url http://<this \
             machine's address>:8080)\n"
        } else {
            ""
        }
    }

    /// Whether an earlier start created the demo workspace.
    fn has_demo_key(&self) -> bool {
        let Config { demo, environment, .. } = self.config;
        *demo && *environment == Environment::Sandbox && self.key_file().is_file()
    }

    /// The absolute path of the file with the key.
    fn key_file(&self) -> PathBuf {
        let path = self.config.data_dir.join("demo-api-key");
        std::path::absolute(&path).unwrap_or(path)
    }
}

/// The address to connect to on this machine, if the server listens on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The path, quoted for a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config { data_dir: "/srv/it's".into(), ..Config::default() }
    }

    #[test]
    fn the_first_start_prints_a_command_with_the_key() {
        let demo = Demo { client_id: "FK5b0KSM".into(), api_key: "sk_workspace_test_x".into() };
        let message = StartupMessage {
            address: ([0, 0, 0, 0], 8080).into(),
            config: &config(),
            demo: Some(&demo),
            console_link: Some("token"),
        }
        .to_string();
        assert!(message.starts_with("fieldtest listens on http://0.0.0.0:8080\n"), "{message}");
        let call = r#"
curl -X POST \
  -H "Authorization: Bearer sk_workspace_test_x" \
  -H "Content-Type: application/json" \
  -d '{"title":"BankID SE Test","providerIds":["bankidse"],"maxStamps":3}' \
  "http://127.0.0.1:8080/connect/v1/apps/FK5b0KSM/production-tests"
"#;
        assert!(message.contains(call), "{message}");
        let link = "\n\nhttp://127.0.0.1:8080/console/sign-in?link=token\n";
        assert!(message.contains(link), "{message}");
        assert!(message.contains(r#"$(cat '/srv/it'\''s/demo-api-key')"#), "{message}");
        assert_eq!(message.matches("sk_workspace_test_x").count(), 1, "the key is shown once");
    }

    #[test]
    fn without_a_demo_only_the_address_is_printed() {
        let message = StartupMessage {
            address: ([127, 0, 0, 1], 1).into(),
            config: &config(),
            demo: None,
            console_link: None,
        };
        assert_eq!(message.to_string(), "fieldtest listens on http://127.0.0.1:1\n");
    }
}
