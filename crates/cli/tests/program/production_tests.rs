//! `fieldtest tests` and `fieldtest login` against a real server: ordering, watching, cancelling,
//! and what is never sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread::{self, JoinHandle};

use client::Tester;
use serde_json::Value;
use wire::participation::JoinChallenge;
use wire::production_test::Platform;
use wire::verification::SimulateVerification;

use crate::invocation::{Program, Run};
use crate::process::Process;

/// A server with the demo, and an engineer whose environment says where it is.
fn demo(more: &[&str]) -> (Process, Program) {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = Process::serve(&data, more);
    let key = std::fs::read_to_string(data.join("demo-api-key")).unwrap();
    let program = program.with("FIELDTEST_URL", &server.url).with("FIELDTEST_API_KEY", key.trim());
    (server, program)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The id of the challenge that this order becomes.
fn challenge_of(program: &Program, request: &str) -> String {
    loop {
        let test = json(&program.print(&format!("tests show {request} --json")));
        if let Some(challenge) = test["challengeId"].as_str() {
            return challenge.to_owned();
        }
    }
}

fn order(program: &Program, arguments: &str) -> String {
    let request = json(&program.print(&format!("tests create {arguments} --json")));
    request["id"].as_str().unwrap().to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn earn_a_stamp(url: &str, challenge: &str, person: &str) {
    let tester = Tester::new(url).unwrap();
    let wish = JoinChallenge { provider_id: "bankidse".into(), platform: Platform::Ios };
    let joined = tester.join(challenge, &wish).await.unwrap();
    let success = SimulateVerification::Completed { subject: person.into() };
    tester.simulate(&joined.participation.verification_url, &success).await.unwrap();
}

#[test]
fn a_test_is_ordered_watched_and_reported() {
    let (server, program) = demo(&[]);
    let request = order(
        &program,
        "--title BankID --provider-ids bankidse,mitid --max-stamps 1 --target-platform ios",
    );
    let challenge = challenge_of(&program, &request);
    assert!(program.print("tests list").contains(&challenge));
    let shown = program.print(&format!("tests show {challenge}"));
    for part in ["BankID", "open", &request, &challenge, "bankidse, mitid", "iOS"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    earn_a_stamp(&server.url, &challenge, "Ada");
    let watched = program.print(&format!("tests watch {request}"));
    assert!(
        watched.ends_with("complete: 1 of 1 stamps, 1 participation (bankidse 1, mitid 0)\n"),
        "{watched}"
    );
    let last = json(&program.print(&format!("tests watch {request} --json")));
    assert_eq!(last["report"]["stats"]["totalClaims"], 1);
    for id in [&request, &challenge] {
        let report = json(&program.print(&format!("tests report {id} --json")));
        assert_eq!(report["stats"]["providerBreakdown"][0]["claimCount"], 1);
        assert!(program.print(&format!("tests report {id}")).contains("BankID SE"));
    }
}

#[test]
fn who_watches_sees_the_stamp_that_comes_meanwhile() {
    let (server, program) = demo(&[]);
    let request = order(&program, "--title BankID --provider-ids bankidse --max-stamps 1");
    let challenge = challenge_of(&program, &request);
    let mut watching = program.start(&format!("tests watch {request}"));
    let mut lines = watching.lines();
    assert!(lines.next().unwrap().unwrap().contains("open: 0 of 1 stamps"));
    earn_a_stamp(&server.url, &challenge, "Ada");
    let last = lines.map(Result::unwrap).last().unwrap();
    assert!(last.contains("complete: 1 of 1 stamps"), "{last}");
    assert_eq!(watching.code(), Some(0));
}

#[test]
fn who_cancels_closes_it_and_whoever_watches_leaves_with_3() {
    let (_server, program) = demo(&[]);
    let request = order(&program, "--title BankID");
    challenge_of(&program, &request);
    assert!(program.print(&format!("tests cancel {request}")).contains("closed"));
    let watched = program.run(&format!("tests watch {request}"));
    assert_eq!(watched.code, Some(3), "{}", watched.printed);
    let again = program.run(&format!("tests retry {request}"));
    assert_eq!(again.code, Some(1));
    assert!(again.complaint.contains("RESOURCE_CONFLICT, request id "), "{}", again.complaint);
}

#[test]
fn what_cannot_be_scheduled_leaves_with_4_and_can_be_tried_again() {
    let (peer, _) = answers(vec![refusal(); 2]);
    let (_server, program) =
        demo(&["--roles", "api,scheduler", "--tpas-url", &peer, "--tpas-token", "token"]);
    let watched = program.run("tests create --title BankID --watch --json");
    assert_eq!(watched.code, Some(4), "{}", watched.complaint);
    let last = json(watched.printed.lines().last().unwrap());
    let request = last["productionTest"]["id"].as_str().unwrap();
    assert!(program.print("tests list --status failed").contains(request));
    assert_eq!(json(&program.print(&format!("tests retry {request} --json")))["id"], request);
}

#[test]
fn an_order_can_come_from_a_file_and_the_same_key_is_the_same_order() {
    let (_server, program) = demo(&[]);
    std::fs::write(
        program.folder().join("order.json"),
        r#"{"title":"From a file","providerIds":["mitid"]}"#,
    )
    .unwrap();
    let first = order(&program, "--file order.json --idempotency-key k");
    assert_eq!(order(&program, "--file order.json --idempotency-key k"), first);
    assert!(
        program
            .print("tests create --file order.json --idempotency-key k")
            .contains("was ordered before")
    );
    assert_ne!(order(&program, "--file order.json"), first, "each command is an order of its own");
    let all = json(&program.print("tests list --all --order asc --json"));
    assert_eq!(all.as_array().unwrap().len(), 2);
}

#[test]
fn bad_input_is_refused_before_anything_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let program = Program::new().with("FIELDTEST_URL", &url);
    let key = program.admin(&format!("key create --workspace {} --name k", program.workspace()))[0]
        ["secret"]
        .clone();
    std::fs::write(program.folder().join("bad.json"), r#"{"title":"x","maxStamp":5}"#).unwrap();

    let without_key = program.complain(2, "tests list");
    assert!(without_key.contains("fieldtest login"), "{without_key}");
    let program = program.with("FIELDTEST_API_KEY", key.as_str().unwrap());
    for (arguments, part) in [
        ("tests create", "--title"),
        ("tests create --title x --max-stamps 0", "maxStamps must be"),
        ("tests create --title x --max-stamps three", "three"),
        ("tests create --title x --target-platform windows", "targetPlatform must be"),
        ("tests create --title x --file bad.json", "cannot be used with"),
        ("tests create --file bad.json", "has a member maxStamp"),
        ("tests create --file none.json", "cannot read none.json"),
        ("tests create --file -", "standard input is not JSON"),
        ("tests create --title x --idempotency-key ä", "1 to 255"),
        ("tests show 7", "begins with req_ or ch_"),
        ("tests list --limit 101", "101"),
        ("tests list --app x", "client id"),
        ("tests list --url ftp://x", "URL"),
        ("tests list --profile none", "there is no profile none"),
        ("tests list --api-key sk_workspace_test_typo", "typo"),
        ("tests watch req_01a20e09-58e7-70cb-8683-a0adfc7d1f21 --interval 0", "interval"),
    ] {
        let complaint = program.complain(2, arguments);
        assert!(complaint.contains(part), "{arguments}: {complaint}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody has called");
}

#[test]
fn an_error_says_what_to_do_and_the_request_id_and_no_secret() {
    let (server, program) = demo(&[]);
    let refused = program.complain(1, "tests create --title x --provider-ids nope,passport");
    for part in [
        "- nope: not_registered",
        "- passport: chip_based",
        "VALIDATION_INVALID_PARAMETER, request id ",
    ] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    let missing = program.complain(1, "tests show req_01a20e09-58e7-70cb-8683-a0adfc7d1f21");
    assert!(missing.contains("RESOURCE_NOT_FOUND, request id "), "{missing}");

    let stranger = Program::new();
    let key = stranger.admin(&format!("key create --workspace {} --name k", stranger.workspace()))
        [0]["secret"]
        .clone();
    let stranger = stranger
        .with("FIELDTEST_URL", &server.url)
        .with("FIELDTEST_API_KEY", key.as_str().unwrap());
    let refused = stranger.complain(1, "tests list");
    assert!(
        refused.contains("AUTH_INVALID_CREDENTIALS") && refused.contains("fieldtest login"),
        "{refused}"
    );
    assert!(!refused.contains(key.as_str().unwrap()), "{refused}");
}

#[test]
fn an_order_without_an_answer_is_repeated_under_the_same_key() {
    let created = r#"{"id":"req_01a20e09-58e7-70cb-8683-a0adfc7d1f21","clientId":"FK5b0KSM","status":"pending","payload":
        {"title":"x","providerIds":["mitid"],"maxStampClaims":3,"targetPlatform":null},"challengeId":null,
        "createdAt":"2026-04-08T10:00:00.000Z"}"#;
    let (url, heads) = answers(vec![String::new(), answer("503 x", ""), answer("201 x", created)]);
    let program = Program::new();
    let key = program.admin(&format!("key create --workspace {} --name k", program.workspace()))[0]
        ["secret"]
        .clone();
    let program =
        program.with("FIELDTEST_URL", &url).with("FIELDTEST_API_KEY", key.as_str().unwrap());
    program.print("tests create --title x --app FK5b0KSM");
    let keys: Vec<String> =
        heads.join().unwrap().iter().map(|head| header(head, "idempotency-key")).collect();
    assert_eq!(keys.len(), 3);
    assert!(!keys[0].is_empty() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_login_is_tried_before_it_is_stored_and_only_its_owner_can_read_it() {
    let (server, engineer) = demo(&[]);
    let key = std::fs::read_to_string(engineer.folder().join("data/demo-api-key")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let program = Program::new().with("HOME", home.path().to_str().unwrap());
    let stored = home.path().join(".config/fieldtest/profiles.toml");

    let typed = login(&program, &server.url, "sk_workspace_test_typo");
    assert_eq!((typed.code, stored.exists()), (Some(2), false), "{}", typed.complaint);
    assert_eq!(login(&program, &server.url, "").code, Some(2));
    let done = login(&program, &server.url, &key);
    assert_eq!(done.code, Some(0), "{}", done.complaint);
    assert!(!done.printed.contains(key.trim()) && !done.complaint.contains(key.trim()));
    assert_eq!(stored.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(program.print("tests list --json"), "[]\n");
    let elsewhere = program.complain(2, "tests list --url http://127.0.0.1:9");
    assert!(elsewhere.contains("there is no API key for http://127.0.0.1:9"), "{elsewhere}");

    std::fs::set_permissions(&stored, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(program.complain(2, "tests list").contains("chmod 600"));
}

#[test]
fn a_login_uses_the_key_that_is_piped_and_keeps_and_tries_the_app() {
    let (server, engineer) = demo(&[]);
    let key = std::fs::read_to_string(engineer.folder().join("data/demo-api-key")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let stored = home.path().join(".config/fieldtest/profiles.toml");
    let stored = || std::fs::read_to_string(&stored).unwrap_or_default();
    // A key that is well formed, and unknown.
    let stranger = Program::new();
    let other = stranger
        .admin(&format!("key create --workspace {} --name k", stranger.workspace()))[0]["secret"]
        .clone();
    let program = Program::new()
        .with("HOME", home.path().to_str().unwrap())
        .with("FIELDTEST_API_KEY", other.as_str().unwrap());

    let unknown = login(&program, &format!("{} --app AAAAAAAA", server.url), &key);
    assert_eq!((unknown.code, &*stored()), (Some(1), ""), "{}", unknown.complaint);
    let done = login(&program, &format!("{} --app FK5b0KSM", server.url), &key);
    assert_eq!(done.code, Some(0), "{}", done.complaint);
    assert!(stored().contains(key.trim()) && stored().contains("FK5b0KSM"), "{}", stored());
    // Without an app the one that is stored stays, and without a key on standard input there is the
    // environment's.
    assert_eq!(login(&program, &server.url, &key).code, Some(0));
    assert!(stored().contains("FK5b0KSM"), "{}", stored());
    let refused = login(&program, &server.url, "");
    assert!(refused.complaint.contains("AUTH_INVALID_CREDENTIALS"), "{}", refused.complaint);
}

#[test]
fn a_watch_ends_with_its_reader() {
    let (server, program) = demo(&[]);
    let request = order(&program, "--title BankID --provider-ids bankidse --max-stamps 2");
    let challenge = challenge_of(&program, &request);
    let mut watching = program.start(&format!("tests watch {request}"));
    let mut lines = watching.lines();
    assert!(lines.next().unwrap().unwrap().contains("open: 0 of 2 stamps"));
    drop(lines);
    earn_a_stamp(&server.url, &challenge, "Ada");
    assert_eq!(watching.code(), Some(1));
}

#[test]
fn a_watch_says_once_that_there_is_no_answer_and_goes_on() {
    let (server, program) = demo(&[]);
    let request = order(&program, "--title BankID");
    challenge_of(&program, &request);
    let mut child = program.command(&format!("tests watch {request} --json")).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    server.kill();
    let mut complaint = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut complaint).unwrap();
    assert!(
        complaint.contains("did not answer") && complaint.contains("still trying"),
        "{complaint}"
    );
    assert!(child.try_wait().unwrap().is_none(), "it may come back");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Logs in with what is typed into standard input.
fn login(program: &Program, url: &str, typed: &str) -> Run {
    let mut child =
        program.command(&format!("login --url {url}")).stdin(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{typed}").unwrap();
    Run::of(child.wait_with_output().unwrap())
}

/// A server that gives these answers, one for each connection; it ends with the requests' heads. An
/// empty one is a connection cut.
fn answers(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = thread::spawn(move || {
        let one = |answer: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut bytes) = (String::new(), [0; 4096]);
            while !request.contains("\r\n\r\n") {
                let read = stream.read(&mut bytes).unwrap();
                request.push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
            stream.write_all(answer.as_bytes()).unwrap();
            request.split("\r\n\r\n").next().unwrap().to_owned()
        };
        answers.into_iter().map(one).collect()
    });
    (url, heads)
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn refusal() -> String {
    answer("400 x", "")
}

fn header(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_default().to_owned()
}
