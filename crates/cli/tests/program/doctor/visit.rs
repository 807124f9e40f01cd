use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;

use crate::invocation::Program;

/// What depends on the machine that runs the tests.
const MACHINE: [&str; 2] = ["disk", "open-files"];

/// What the doctor has found.
pub(crate) struct Visit {
    pub(crate) code: Option<i32>,
    findings: Vec<Value>,
}

impl Visit {
    /// Asks the doctor, for a server on any free port unless something else is asked for.
    #[track_caller]
    pub(crate) fn pay(program: &Program, arguments: &str) -> Self {
        let listen = if arguments.contains("--listen") { "" } else { " --listen 127.0.0.1:0" };
        let all = format!("doctor --json{listen} {arguments}");
        let run = program.run(all.trim_end());
        let findings = serde_json::from_str(&run.printed);
        let findings =
            findings.unwrap_or_else(|error| panic!("{error}: {}{}", run.printed, run.complaint));
        Self { code: run.code, findings }
    }

    /// Each check and its verdict.
    pub(crate) fn all(&self) -> Vec<(&str, &str)> {
        self.findings
            .iter()
            .map(|finding| (text(finding, "check"), text(finding, "verdict")))
            .collect()
    }

    /// The checks that are not good, and their verdicts; without those that depend on the machine.
    pub(crate) fn troubled(&self) -> Vec<(&str, &str)> {
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

    /// What is to be done; empty if nothing is.
    #[track_caller]
    pub(crate) fn mend(&self, check: &str) -> &str {
        self.one(check)["mend"].as_str().unwrap_or_default()
    }

    /// That this check has failed, and says both of this.
    #[track_caller]
    pub(crate) fn has_failed(&self, check: &str, finding: &str, mend: &str) {
        assert_eq!((self.code, self.verdict(check)), (Some(1), "failed"), "{:?}", self.findings);
        self.says(check, finding, mend);
    }

    /// That this check is a warning, and says both of this.
    #[track_caller]
    pub(crate) fn warns(&self, check: &str, finding: &str, mend: &str) {
        assert_eq!(self.verdict(check), "warning", "{:?}", self.findings);
        self.says(check, finding, mend);
    }

    #[track_caller]
    fn says(&self, check: &str, finding: &str, mend: &str) {
        assert!(self.finding(check).contains(finding), "{check}: {}", self.finding(check));
        assert!(self.mend(check).contains(mend), "{check}: {}", self.mend(check));
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

/// The files of a folder: what is in them, and when they were changed.
pub(super) fn contents(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let contents =
        |path: &Path| (std::fs::read(path).unwrap(), path.metadata().unwrap().modified().unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), contents(&file.path()))).collect()
}
