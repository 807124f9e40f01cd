use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;

use crate::program::Program;

/// The checks whose results depend on the machine.
const MACHINE: [&str; 2] = ["disk", "open-files"];

/// The exit code and the findings of `fieldtest doctor`.
pub(crate) struct DoctorReport {
    pub(crate) code: Option<i32>,
    findings: Vec<Value>,
}

impl DoctorReport {
    /// Runs `fieldtest doctor` with these arguments, and by default for a free port.
    #[track_caller]
    pub(crate) fn run(program: &Program, arguments: &str) -> Self {
        let listen = if arguments.contains("--listen") { "" } else { " --listen 127.0.0.1:0" };
        let all = format!("doctor --json{listen} {arguments}");
        let output = program.run(all.trim_end());
        let findings = serde_json::from_str(&output.stdout);
        let findings =
            findings.unwrap_or_else(|error| panic!("{error}: {}{}", output.stdout, output.stderr));
        Self { code: output.code, findings }
    }

    /// Each check and its verdict.
    pub(crate) fn all(&self) -> Vec<(&str, &str)> {
        self.findings
            .iter()
            .map(|finding| (text(finding, "check"), text(finding, "verdict")))
            .collect()
    }

    /// The checks that are not ok, and their verdicts; without those that depend on the machine.
    pub(crate) fn not_ok(&self) -> Vec<(&str, &str)> {
        self.all()
            .into_iter()
            .filter(|(check, verdict)| *verdict != "ok" && !MACHINE.contains(check))
            .collect()
    }

    #[track_caller]
    pub(crate) fn verdict(&self, check: &str) -> &str {
        text(self.one(check), "verdict")
    }

    #[track_caller]
    pub(crate) fn finding(&self, check: &str) -> &str {
        text(self.one(check), "finding")
    }

    /// How to fix what is wrong; empty if the check is ok.
    #[track_caller]
    pub(crate) fn fix(&self, check: &str) -> &str {
        self.one(check)["mend"].as_str().unwrap_or_default()
    }

    /// Asserts that this check failed with this finding and fix.
    #[track_caller]
    pub(crate) fn has_failed(&self, check: &str, finding: &str, fix: &str) {
        assert_eq!((self.code, self.verdict(check)), (Some(1), "failed"), "{:?}", self.findings);
        self.says(check, finding, fix);
    }

    /// Asserts that this check is a warning with this finding and fix.
    #[track_caller]
    pub(crate) fn warns(&self, check: &str, finding: &str, fix: &str) {
        assert_eq!(self.verdict(check), "warning", "{:?}", self.findings);
        self.says(check, finding, fix);
    }

    #[track_caller]
    fn says(&self, check: &str, finding: &str, fix: &str) {
        assert!(self.finding(check).contains(finding), "{check}: {}", self.finding(check));
        assert!(self.fix(check).contains(fix), "{check}: {}", self.fix(check));
    }

    #[track_caller]
    fn one(&self, check: &str) -> &Value {
        let found = self.findings.iter().find(|finding| finding["check"] == *check);
        found.unwrap_or_else(|| panic!("{check} in {:?}", self.findings))
    }
}

fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_else(|| panic!("{member} in {finding}"))
}

/// The files of a folder, with their contents and modification times.
pub(super) fn contents(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let contents =
        |path: &Path| (std::fs::read(path).unwrap(), path.metadata().unwrap().modified().unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), contents(&file.path()))).collect()
}
