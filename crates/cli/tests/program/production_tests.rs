//! `fieldtest tests` and `fieldtest login` against a real server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread::{self, JoinHandle};

use client::Tester;
use serde_json::Value;
use test_support::{Pid, Server, Signal, kill_process};
use wire::participation::JoinChallenge;
use wire::production_test::Platform;
use wire::verification::SimulateVerification;

use crate::program::{Output, Program};
use crate::server::serve;

/// A server with the demo workspace, and a program whose environment has its URL and key.
pub(crate) fn demo(options: &[&str]) -> (Server, Program) {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = serve(&data, options);
    let key = std::fs::read_to_string(data.join("demo-api-key")).unwrap();
    let program =
        program.with("FIELDTEST_URL", &server.url()).with("FIELDTEST_API_KEY", key.trim());
    (server, program)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Waits until a request has a challenge, and returns the challenge's id.
pub(crate) fn challenge_of(program: &Program, request: &str) -> String {
    loop {
        let test = json(&program.succeed(&format!("tests show {request} --json")));
        if let Some(challenge) = test["challengeId"].as_str() {
            return challenge.to_owned();
        }
    }
}

pub(crate) fn order(program: &Program, arguments: &str) -> String {
    let request = json(&program.succeed(&format!("tests create {arguments} --json")));
    request["id"].as_str().unwrap().to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn claim_stamp(url: &str, challenge: &str, person: &str) {
    let tester = Tester::new(url).unwrap();
    let body = JoinChallenge { provider_id: "bankidse".into(), platform: Platform::Ios };
    let joined = tester.join(challenge, &body).await.unwrap();
    let success = SimulateVerification::Completed { subject: person.into() };
    tester.simulate(&joined.participation.verification_url, &success).await.unwrap();
}

#[test]
fn a_test_is_created_watched_and_reported() {
    let (server, program) = demo(&[]);
    let request = order(
        &program,
        "--title BankID --provider-ids bankidse,mitid --max-stamps 1 --target-platform ios",
    );
    let challenge = challenge_of(&program, &request);
    assert!(program.succeed("tests list").contains(&challenge));
    let shown = program.succeed(&format!("tests show {challenge}"));
    for part in ["BankID", "open", &request, &challenge, "bankidse, mitid", "iOS"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    claim_stamp(&server.url(), &challenge, "Ada");
    let watched = program.succeed(&format!("tests watch {request}"));
    assert!(
        watched.ends_with("complete: 1 of 1 stamps, 1 participation (bankidse 1, mitid 0)\n"),
        "{watched}"
    );
    let last = json(&program.succeed(&format!("tests watch {request} --json")));
    assert_eq!(last["report"]["stats"]["totalClaims"], 1);
    for id in [&request, &challenge] {
        let report = json(&program.succeed(&format!("tests report {id} --json")));
        assert_eq!(report["stats"]["providerBreakdown"][0]["claimCount"], 1);
        let shown = program.succeed(&format!("tests report {id}"));
        for part in
            ["BankID SE", "stamps 1 of 1, participations 1", "claimed 1, failed 0, missed 0"]
        {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let outcomes = json(&program.succeed(&format!("tests outcomes {id} --json")));
        assert_eq!(outcomes["funnel"]["claimed"], 1);
        let shown = program.succeed(&format!("tests outcomes {id}"));
        assert!(shown.contains("stamps 1") && shown.contains("bankidse"), "{shown}");
    }
}

#[test]
fn a_watch_prints_each_stamp() {
    let (server, program) = demo(&[]);
    let request = order(&program, "--title BankID --provider-ids bankidse --max-stamps 1");
    let challenge = challenge_of(&program, &request);
    let mut watching = program.start(&format!("tests watch {request}"));
    let mut lines = watching.lines();
    assert!(lines.next().unwrap().unwrap().contains("open: 0 of 1 stamps"));
    claim_stamp(&server.url(), &challenge, "Ada");
    let last = lines.map(Result::unwrap).last().unwrap();
    assert!(last.contains("complete: 1 of 1 stamps"), "{last}");
    assert_eq!(watching.code(), Some(0));
}

#[test]
fn a_watch_of_a_cancelled_test_exits_with_3() {
    let (_server, program) = demo(&[]);
    let request = order(&program, "--title -5%");
    challenge_of(&program, &request);
    assert!(program.succeed("tests list --status open").contains("-5%"));
    assert!(program.succeed(&format!("tests cancel {request}")).contains("closed"));
    assert_eq!(json(&program.succeed("tests list --status open --json")), json("[]"));
    assert!(program.succeed("tests list --status closed").contains("closed"));
    let watched = program.run(&format!("tests watch {request}"));
    assert_eq!(watched.code, Some(3), "{}", watched.stdout);
    let again = program.run(&format!("tests retry {request}"));
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("RESOURCE_CONFLICT, request id "), "{}", again.stderr);
}

#[test]
fn a_watch_of_a_failed_test_exits_with_4_and_the_test_can_be_retried() {
    let (service, _) = answers(vec![refusal(); 2]);
    let (_server, program) =
        demo(&["--roles", "api,scheduler", "--tpas-url", &service, "--tpas-token", "token"]);
    let watched = program.run("tests create --title BankID --watch --json");
    assert_eq!(watched.code, Some(4), "{}", watched.stderr);
    let last = json(watched.stdout.lines().last().unwrap());
    let request = last["productionTest"]["id"].as_str().unwrap();
    assert!(program.succeed("tests list --status failed").contains(request));
    assert_eq!(json(&program.succeed(&format!("tests retry {request} --json")))["id"], request);
}

#[test]
fn a_repeated_idempotency_key_is_the_same_order() {
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
            .succeed("tests create --file order.json --idempotency-key k")
            .contains("was ordered before")
    );
    assert_ne!(order(&program, "--file order.json"), first, "each command has a new key");
    let all = json(&program.succeed("tests list --all --order asc --json"));
    assert_eq!(all.as_array().unwrap().len(), 2);
}

#[test]
fn bad_input_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let program = Program::new().with("FIELDTEST_URL", &url);
    let key = program.admin(&format!("key create --workspace {} --name k", program.workspace()))[0]
        ["secret"]
        .clone();
    std::fs::write(program.folder().join("bad.json"), r#"{"title":"x","maxStamp":5}"#).unwrap();

    let without_key = program.fail(2, "tests list");
    assert!(without_key.contains("fieldtest login"), "{without_key}");
    let program = program.with("FIELDTEST_API_KEY", key.as_str().unwrap());
    for (arguments, part) in [
        ("tests create", "--title"),
        ("tests create --title x --max-stamps 0", "maxStamps must be"),
        ("tests create --title x --max-stamps -1", "maxStamps must be"),
        ("tests create --title x --max-stamps 4294967296", "maxStamps must be"),
        ("tests create --title x --max-stamps three", "three"),
        ("tests create --title x --target-platform windows", "targetPlatform must be"),
        ("tests create --title x --file bad.json", "cannot be used with"),
        ("tests create --file bad.json", "has an unknown field maxStamp"),
        ("tests create --file none.json", "cannot read none.json"),
        ("tests create --file -", "standard input is not JSON"),
        ("tests create --title x --idempotency-key ä", "1 to 255"),
        ("tests show 7", "it is req_ or ch_"),
        ("tests list --limit 101", "101"),
        ("tests list --status claimed", "complete"),
        ("tests list --app x", "client id"),
        ("tests list --url ftp://x", "URL"),
        ("tests list --profile none", "there is no profile none"),
        ("tests list --api-key sk_workspace_test_typo", "typo"),
        ("tests watch req_01a20e09-58e7-70cb-8683-a0adfc7d1f21 --interval 0", "interval"),
    ] {
        let error = program.fail(2, arguments);
        assert!(error.contains(part), "{arguments}: {error}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing was sent");
}

#[test]
fn an_error_has_advice_and_the_request_id_and_no_secret() {
    let (server, program) = demo(&[]);
    let refused = program.fail(1, "tests create --title x --provider-ids nope,passport");
    for part in [
        "- nope: not_registered",
        "- passport: chip_based",
        "VALIDATION_INVALID_PARAMETER, request id ",
    ] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    let missing = program.fail(1, "tests show req_01a20e09-58e7-70cb-8683-a0adfc7d1f21");
    assert!(missing.contains("RESOURCE_NOT_FOUND, request id "), "{missing}");

    let stranger = Program::new();
    let key = stranger.admin(&format!("key create --workspace {} --name k", stranger.workspace()))
        [0]["secret"]
        .clone();
    let stranger = stranger
        .with("FIELDTEST_URL", &server.url())
        .with("FIELDTEST_API_KEY", key.as_str().unwrap());
    let refused = stranger.fail(1, "tests list");
    assert!(
        refused.contains("AUTH_INVALID_CREDENTIALS") && refused.contains("fieldtest login"),
        "{refused}"
    );
    assert!(!refused.contains(key.as_str().unwrap()), "{refused}");
}

#[test]
fn a_retry_has_the_same_idempotency_key() {
    let created = r#"{"id":"req_01a20e09-58e7-70cb-8683-a0adfc7d1f21","clientId":"FK5b0KSM",
        "status":"pending","challengeId":null,"createdAt":"2026-04-08T10:00:00.000Z","payload":
        {"title":"x","providerIds":["mitid"],"maxStampClaims":3,"targetPlatform":null}}"#;
    let (url, heads) = answers(vec![String::new(), answer("503 x", ""), answer("201 x", created)]);
    let program = Program::new();
    let key = program.admin(&format!("key create --workspace {} --name k", program.workspace()))[0]
        ["secret"]
        .clone();
    let program =
        program.with("FIELDTEST_URL", &url).with("FIELDTEST_API_KEY", key.as_str().unwrap());
    program.succeed("tests create --title x --app FK5b0KSM");
    let keys: Vec<String> =
        heads.join().unwrap().iter().map(|head| header(head, "idempotency-key")).collect();
    assert_eq!(keys.len(), 3);
    assert!(!keys[0].is_empty() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_login_is_checked_and_stored_for_its_owner_only() {
    let (server, engineer) = demo(&[]);
    let key = std::fs::read_to_string(engineer.folder().join("data/demo-api-key")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let program = Program::new().with("HOME", home.path().to_str().unwrap());
    let stored = home.path().join(".config/fieldtest/profiles.toml");

    let typed = login(&program, &server.url(), "sk_workspace_test_typo");
    assert_eq!((typed.code, stored.exists()), (Some(2), false), "{}", typed.stderr);
    assert_eq!(login(&program, &server.url(), "").code, Some(2));
    let done = login(&program, &server.url(), &format!("\u{feff}{key}"));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!done.stdout.contains(key.trim()) && !done.stderr.contains(key.trim()));
    assert_eq!(stored.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(program.succeed("tests list --json"), "[]\n");
    let elsewhere = program.fail(2, "tests list --url http://127.0.0.1:9");
    assert!(elsewhere.contains("there is no API key for http://127.0.0.1:9"), "{elsewhere}");

    std::fs::set_permissions(&stored, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(program.fail(2, "tests list").contains("chmod 600"));
}

#[test]
fn a_logout_forgets_the_key_and_the_status_says_where_one_is_logged_in() {
    let (server, engineer) = demo(&[]);
    let key = std::fs::read_to_string(engineer.folder().join("data/demo-api-key")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let program = Program::new().with("HOME", home.path().to_str().unwrap());
    assert!(program.fail(2, "login --status").contains("fieldtest login"));
    login(&program, &format!("{} --app FK5b0KSM", server.url()), &key);
    let status = program.succeed("login --status");
    assert!(status.contains(&server.url()) && status.contains("FK5b0KSM"), "{status}");
    assert!(!status.contains(key.trim()), "the key is not shown");

    let done = program.succeed("logout");
    assert!(done.contains("Logged out") && done.contains("stays valid"), "{done}");
    let stored = std::fs::read_to_string(home.path().join(".config/fieldtest/profiles.toml"));
    assert!(!stored.unwrap().contains(key.trim()));
    program.fail(2, "tests list");
    assert_eq!(program.succeed("logout"), "There is no profile default.\n", "it can be repeated");
}

#[test]
fn a_login_prefers_the_piped_key_and_keeps_the_stored_app() {
    let (server, engineer) = demo(&[]);
    let key = std::fs::read_to_string(engineer.folder().join("data/demo-api-key")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let stored = home.path().join(".config/fieldtest/profiles.toml");
    let stored = || std::fs::read_to_string(&stored).unwrap_or_default();
    // A well-formed key of another deployment.
    let stranger = Program::new();
    let other = stranger
        .admin(&format!("key create --workspace {} --name k", stranger.workspace()))[0]["secret"]
        .clone();
    let program = Program::new()
        .with("HOME", home.path().to_str().unwrap())
        .with("FIELDTEST_API_KEY", other.as_str().unwrap());

    let unknown = login(&program, &format!("{} --app AAAAAAAA", server.url()), &key);
    assert_eq!((unknown.code, &*stored()), (Some(1), ""), "{}", unknown.stderr);
    let done = login(&program, &format!("{} --app FK5b0KSM", server.url()), &key);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(stored().contains(key.trim()) && stored().contains("FK5b0KSM"), "{}", stored());
    // Without --app the stored app stays; without a key on standard input the environment's is
    // used.
    assert_eq!(login(&program, &server.url(), &key).code, Some(0));
    assert!(stored().contains("FK5b0KSM"), "{}", stored());
    let refused = login(&program, &server.url(), "");
    assert!(refused.stderr.contains("AUTH_INVALID_CREDENTIALS"), "{}", refused.stderr);
}

#[test]
fn an_interrupted_watch_says_how_to_watch_again() {
    let (_server, program) = demo(&[]);
    let request = order(&program, "--title BankID --provider-ids bankidse");
    challenge_of(&program, &request);
    let mut child = program.command(&format!("tests watch {request}")).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output: Output = child.wait_with_output().unwrap().into();
    let hint = format!("fieldtest tests watch {request}");
    assert!(output.code == Some(130) && output.stderr.contains(&hint), "{}", output.stderr);
}

#[test]
fn a_watch_ends_when_the_pipe_is_closed() {
    let (server, program) = demo(&[]);
    let request = order(&program, "--title BankID --provider-ids bankidse --max-stamps 2");
    let challenge = challenge_of(&program, &request);
    let mut watching = program.start(&format!("tests watch {request}"));
    let mut lines = watching.lines();
    assert!(lines.next().unwrap().unwrap().contains("open: 0 of 2 stamps"));
    drop(lines);
    claim_stamp(&server.url(), &challenge, "Ada");
    assert_eq!(watching.code(), Some(1));
}

#[test]
fn a_watch_reports_an_outage_and_goes_on() {
    let (server, program) = demo(&[]);
    let request = order(&program, "--title BankID");
    challenge_of(&program, &request);
    let mut child = program.command(&format!("tests watch {request} --json")).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    server.kill();
    let mut error = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut error).unwrap();
    assert!(error.contains("did not answer") && error.contains("still trying"), "{error}");
    assert!(child.try_wait().unwrap().is_none(), "the watch goes on");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Runs `fieldtest login` with this standard input.
fn login(program: &Program, url: &str, input: &str) -> Output {
    let mut child =
        program.command(&format!("login --url {url}")).stdin(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{input}").unwrap();
    child.wait_with_output().unwrap().into()
}

/// A server that gives these responses, one on each connection, and returns the heads of the
/// requests. With an empty response it closes the connection.
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
    let body = r#"{"error":{"code":"VALIDATION_INVALID_PARAMETER","message":"No."},
        "request_id":"228aaefb-3ce2-4dd0-a73b-b96f71c5779f"}"#;
    answer("400 x", body)
}

fn header(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_default().to_owned()
}

/// A receiver on this machine that answers 200, and the body of each request.
fn receiver() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, received) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut line) = (0, String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                let head = line.to_ascii_lowercase();
                if let Some(value) = head.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            if sender.send(String::from_utf8(body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, received)
}

#[test]
fn events_are_brought_to_this_machine() {
    let (_server, program) = demo(&[]);
    let (url, received) = receiver();
    let mut listening = program.start(&format!("webhooks listen --forward-to {url}"));
    let mut lines = listening.lines();
    assert!(lines.next().unwrap().unwrap().contains("signed with a secret for this time"));
    assert!(lines.next().unwrap().unwrap().starts_with("whsec_"));
    let request = order(&program, "--title BankID --provider-ids bankidse");
    let body = json(&received.recv().unwrap());
    assert_eq!(body["event"], "production_test.scheduled");
    assert_eq!(body["data"]["requestId"], request.as_str());
    let shown = lines.map(Result::unwrap).find(|line| line.contains("scheduled")).unwrap();
    assert!(shown.contains("200"), "{shown}");
    drop(listening);
}

#[test]
fn a_webhook_is_configured_tried_and_its_deliveries_are_listed() {
    let (_server, program) = demo(&["--webhook-allow", "127.0.0.0/8"]);
    let (url, received) = receiver();
    let set = program
        .succeed(&format!("webhooks set --webhook-url {url} --enabled true --events scheduled"));
    assert!(set.contains(&url) && set.contains("production_test.scheduled"), "{set}");
    assert!(program.succeed("webhooks test").starts_with("200"));
    assert_eq!(json(&received.recv().unwrap())["event"], "webhook.test");
    order(&program, "--title BankID --provider-ids bankidse");
    assert_eq!(json(&received.recv().unwrap())["event"], "production_test.scheduled");
    let listed = loop {
        let listed = json(&program.succeed("webhooks deliveries --json"));
        if listed[0]["status"] == "delivered" {
            break listed;
        }
    };
    let id = listed[0]["id"].as_str().unwrap();
    assert!(program.succeed("webhooks deliveries").contains("delivered"));
    assert!(program.succeed(&format!("webhooks redeliver {id}")).contains("delivered again"));
    assert_eq!(json(&received.recv().unwrap())["eventId"], listed[0]["eventId"]);
}
