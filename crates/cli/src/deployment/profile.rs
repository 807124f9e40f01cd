//! What `fieldtest login` remembers: a TOML file that only its owner can read.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A deployment, and the key to one of its workspaces.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) url: String,
    pub(crate) api_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app: Option<String>,
}

/// All profiles, by their names.
#[derive(Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// What has been stored so far; nothing where there is no file yet.
    pub(crate) fn read() -> Result<Self, Failure> {
        path().map_or_else(|| Ok(Self::default()), |path| Self::read_from(&path))
    }

    fn read_from(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let cannot = |error| Failure::Input(format!("cannot read the profiles in {name}: {error}"));
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            metadata => metadata.map_err(cannot)?,
        };
        if metadata.permissions().mode() & 0o077 != 0 {
            let problem = format!(
                "others can read the API keys in {name}: run `chmod 600 {name}`, and think of new keys"
            );
            return Err(Failure::Input(problem));
        }
        let text = fs::read_to_string(path).map_err(cannot)?;
        // The error of the TOML library would quote the line, and that may be the key's.
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Failure::Input(format!("{name}, line {line}: {}", error.message()))
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    /// Adds a profile, in place of the one that had its name.
    pub(crate) fn put(&mut self, name: &str, profile: Profile) {
        self.0.insert(name.to_owned(), profile);
    }

    /// Stores all of them, and says where. A crash leaves the old file or the new one.
    pub(crate) fn write(&self) -> Result<PathBuf, Failure> {
        let path = path().ok_or_else(|| {
            Failure::Input(
                "there is no folder for profiles: neither XDG_CONFIG_HOME nor HOME is set".into(),
            )
        })?;
        self.write_to(&path)
            .map_err(|error| Failure::Other(format!("cannot write {}: {error}", path.display())))?;
        Ok(path)
    }

    fn write_to(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let text = toml::to_string(self).map_err(std::io::Error::other)?;
        let draft = path.with_extension("toml.new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        // A draft that a crash has left behind keeps the permissions that it had.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    }

    /// What to say where a profile was named that is not there.
    pub(crate) fn no_such(&self, name: &str) -> Failure {
        let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let known = if known.is_empty() {
            "there are none yet".to_owned()
        } else {
            format!("there are {}", known.join(", "))
        };
        Failure::Input(format!(
            "there is no profile {name}: {known}; `fieldtest login --profile {name}` makes it"
        ))
    }
}

/// A name that needs no quotes in a shell or in the file.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("a profile's name is made of letters, digits, - and _")
    }
}

/// Where profiles are kept, if there is a place for them.
fn path() -> Option<PathBuf> {
    let variable =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?;
    Some(folder.join("fieldtest").join("profiles.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str) -> Profiles {
        let mut profiles = Profiles::default();
        profiles.put(
            "default",
            Profile { url: "https://x.example".into(), api_key: key.into(), app: None },
        );
        profiles
    }

    #[test]
    fn what_is_written_is_read_again_and_belongs_to_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("profiles.toml");
        for key in ["one", "two"] {
            one(key).write_to(&path).unwrap();
            assert_eq!(Profiles::read_from(&path).unwrap().get("default").unwrap().api_key, key);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profiles.toml");
        one("secret").write_to(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let failure = Profiles::read_from(&path).err().unwrap().to_string();
        assert!(failure.contains("chmod 600"), "{failure}");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profiles.toml");
        for (text, line) in [
            ("[default]\nurl = 'x'\napi-key = hunter2", 3),
            ("[default]\nurl = 'x'\napi_key = 'hunter2'", 3),
            ("[default]\nurl = 'x'", 1),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let failure = Profiles::read_from(&path).err().unwrap().to_string();
            assert!(
                failure.contains(&format!("line {line}:")) && !failure.contains("hunter2"),
                "{failure}"
            );
        }
    }

    #[test]
    fn names_are_plain() {
        assert!(name("bank-1_x").is_ok());
        for wrong in ["", "a b", "../x", "a.b", "ä"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }
}
