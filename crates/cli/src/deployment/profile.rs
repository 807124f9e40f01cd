//! The profiles of `fieldtest login`: a TOML file that only its owner can read.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::options::line_of;

/// The URL of a deployment, and the API key of one of its workspaces.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) url: String,
    pub(crate) api_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app: Option<String>,
}

/// All profiles, by name.
#[derive(Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// Reads the file. Without one there are no profiles.
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
                "others can read the API keys in {name}: run `chmod 600 {name}`, and replace the \
                 keys"
            );
            return Err(Failure::Input(problem));
        }
        let text = fs::read_to_string(path).map_err(cannot)?;
        // The `Display` of the error quotes the line, which may have the key.
        toml::from_str(&text).map_err(|error| {
            let line = line_of(&error, &text);
            Failure::Input(format!("{name}, line {line}: {}", error.message()))
        })
    }

    /// The profile with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    /// Adds or replaces a profile.
    pub(crate) fn put(&mut self, name: &str, profile: Profile) {
        self.0.insert(name.to_owned(), profile);
    }

    /// Removes a profile, and returns it if there was one.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Profile> {
        self.0.remove(name)
    }

    /// Writes the file, and returns its path. A crash leaves the old file or the new one.
    pub(crate) fn write(&self) -> Result<PathBuf, Failure> {
        let path = path().ok_or_else(|| {
            Failure::Input(
                "cannot store the profile: neither XDG_CONFIG_HOME nor HOME is set".into(),
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
        let temporary = path.with_extension("toml.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        // A temporary file that a crash left behind keeps its permissions.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    }

    /// The error for a profile that does not exist.
    pub(crate) fn not_found(&self, name: &str) -> Failure {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let names = if names.is_empty() {
            "there are none yet".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        Failure::Input(format!(
            "there is no profile {name}: {names}; `fieldtest login --profile {name}` creates it"
        ))
    }
}

/// Parses a profile's name, which needs no quotes in a shell or in the file.
pub(crate) fn name(text: &str) -> Result<String, &'static str> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("a profile's name has letters, digits, - and _ only")
    }
}

/// The path of the file, if there is a home folder.
fn path() -> Option<PathBuf> {
    let variable =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // A relative path is invalid (XDG Base Directory Specification): it would be another place in each
    // working directory.
    let configured = variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let folder = configured.or_else(|| Some(variable("HOME")?.join(".config")))?;
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
    fn a_written_file_can_be_read_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("profiles.toml");
        for key in ["one", "two"] {
            one(key).write_to(&path).unwrap();
            assert_eq!(Profiles::read_from(&path).unwrap().get("default").unwrap().api_key, key);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profiles.toml");
        one("secret").write_to(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let failure = Profiles::read_from(&path).err().unwrap().to_string();
        assert!(failure.contains("chmod 600"), "{failure}");
    }

    #[test]
    fn an_error_names_the_line_and_does_not_quote_it() {
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
