//! What a server says to the person who starts it (§13).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use domain::Environment;
use server::{Config, Demo, Role};

/// Where the server listens and, if it has a demo workspace, how to make use of that.
pub(crate) struct Welcome<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) config: &'a Config,
    /// The demo workspace, if this start has made it.
    pub(crate) demo: Option<&'a Demo>,
}

impl fmt::Display for Welcome<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "fieldtest listens on http://{}", self.address)?;
        match self.demo {
            Some(demo) if self.config.roles.has(Role::Api) => self.first_call(formatter, demo),
            _ if self.has_demo_key() => {
                writeln!(
                    formatter,
                    "\nThe demo workspace's API key is kept in {}",
                    self.key_file().display()
                )
            }
            _ => Ok(()),
        }
    }
}

impl Welcome<'_> {
    fn first_call(&self, formatter: &mut fmt::Formatter<'_>, demo: &Demo) -> fmt::Result {
        let Demo { client_id, api_key } = demo;
        let url = format!(
            "http://{}/connect/v1/apps/{client_id}/production-tests",
            reachable(self.address)
        );
        let key_file = self.key_file();
        write!(
            formatter,
            r#"
There is a demo workspace with the app {client_id} now. Order a production test for it:

curl -X POST \
  -H "Authorization: Bearer {api_key}" \
  -H "Content-Type: application/json" \
  -d '{{"title":"BankID SE Test","providerIds":["bankidse"],"maxStamps":3}}' \
  "{url}"

Then see what has become of it:

curl -H "Authorization: Bearer $(cat {quoted})" \
  "{url}"

The API key is not shown again. It is kept in {key_file}
"#,
            quoted = quoted(&key_file),
            key_file = key_file.display(),
        )
    }

    /// Whether an earlier start has left a demo workspace that this one serves.
    fn has_demo_key(&self) -> bool {
        let Config { demo, environment, .. } = self.config;
        *demo && *environment == Environment::Sandbox && self.key_file().is_file()
    }

    /// Where the key is kept, from wherever the reader is.
    fn key_file(&self) -> PathBuf {
        let path = self.config.data_dir.join("demo-api-key");
        std::path::absolute(&path).unwrap_or(path)
    }
}

/// The address under which this machine reaches a server that listens on all of its addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The path as one word for a shell.
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
    fn the_first_start_shows_a_call_that_can_be_pasted() {
        let demo = Demo { client_id: "FK5b0KSM".into(), api_key: "sk_workspace_test_x".into() };
        let welcome =
            Welcome { address: ([0, 0, 0, 0], 8080).into(), config: &config(), demo: Some(&demo) }
                .to_string();
        assert!(welcome.starts_with("fieldtest listens on http://0.0.0.0:8080\n"), "{welcome}");
        let call = r#"
curl -X POST \
  -H "Authorization: Bearer sk_workspace_test_x" \
  -H "Content-Type: application/json" \
  -d '{"title":"BankID SE Test","providerIds":["bankidse"],"maxStamps":3}' \
  "http://127.0.0.1:8080/connect/v1/apps/FK5b0KSM/production-tests"
"#;
        assert!(welcome.contains(call), "{welcome}");
        assert!(welcome.contains(r#"$(cat '/srv/it'\''s/demo-api-key')"#), "{welcome}");
        assert_eq!(welcome.matches("sk_workspace_test_x").count(), 1, "the key is shown once");
    }

    #[test]
    fn without_a_demo_there_is_only_the_address() {
        let welcome =
            Welcome { address: ([127, 0, 0, 1], 1).into(), config: &config(), demo: None };
        assert_eq!(welcome.to_string(), "fieldtest listens on http://127.0.0.1:1\n");
    }
}
