//! `fieldtest tests play` (§13).

use std::fs;

use serde_json::Value;

use crate::production_tests::{challenge_of, demo, order};

#[test]
fn testers_take_a_test_until_its_stamps_are_gone() {
    let (_server, program) = demo(&[]);
    let request = order(&program, "--title BankID --provider-ids bankidse,mitid --max-stamps 2");
    let challenge = challenge_of(&program, &request);
    let failed = program.succeed(&format!("tests play {request} --outcome failed"));
    assert_eq!(failed, "tester 1: not verified (bankidse)\n");
    let played = program.succeed(&format!("tests play {challenge} --testers 2 --json"));
    let played: Vec<Value> =
        played.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<&Value> = played.iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["claimed", "claimed"], "two people in two browsers");
    let over = program.fail(1, &format!("tests play {request}"));
    assert!(over.contains("stamp"), "{over}");
    let report = program.succeed(&format!("tests report {request}"));
    assert!(report.contains("stamps 2 of 2, participations 3"), "{report}");
}

#[test]
fn the_provider_and_the_platform_can_be_chosen() {
    let (_server, program) = demo(&[]);
    let request = order(&program, "--title x --provider-ids bankidse,mitid");
    challenge_of(&program, &request);
    let played = program
        .succeed(&format!("tests play {request} --provider mitid --platform android --json"));
    let played: Value = serde_json::from_str(&played).unwrap();
    assert_eq!((&played["providerId"], &played["platform"]), (&"mitid".into(), &"android".into()));
    let refused = program.fail(2, &format!("tests play {request} --provider smartid"));
    assert!(refused.contains("it has bankidse, mitid"), "{refused}");
}

#[test]
fn only_the_simulator_is_played_and_nobody_joins_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verifiers.toml");
    fs::write(&file, "[smartid]\nkind = \"external\"\nurl = \"https://bank.example/\"\n").unwrap();
    let (_server, program) = demo(&["--verifiers", file.to_str().unwrap()]);
    let request = order(&program, "--title x --provider-ids smartid");
    challenge_of(&program, &request);
    for arguments in ["", " --provider smartid"] {
        let refused = program.fail(1, &format!("tests play {request}{arguments}"));
        assert!(refused.contains("simulator"), "{refused}");
    }
    let report = program.succeed(&format!("tests report {request}"));
    assert!(report.contains("participations 0"), "{report}");
}

#[test]
fn more_testers_than_may_join_at_once_wait_for_their_turn() {
    let (_server, program) = demo(&["--rate-limit", "200"]);
    let request = order(&program, "--title x --provider-ids mitid --max-stamps 70");
    challenge_of(&program, &request);
    let played = program.succeed(&format!("tests play {request} --testers 61"));
    assert_eq!(played.lines().count(), 61, "{played}");
    assert!(played.lines().all(|line| line.ends_with("has a stamp (mitid)")), "{played}");
}
