"""Checks ops/alerts.yaml and ops/dashboard.json with the real promtool and a real Prometheus.

Real servers are brought into each state, and Prometheus must fire the alerts of that state; the
healthy server must fire none. The durations of the alerts are shortened in a copy. States that
cannot be brought about here are in rules_test.yaml.
"""

import json
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import time
import urllib.parse
import urllib.request

from deployment import Server, answering, call, eventually, free_port

ROOT = pathlib.Path(os.environ["ROOT"])
FOLDER = pathlib.Path(os.environ["FOLDER"])
RULES = ROOT / "ops/alerts.yaml"
TOKEN = "the-token-between-the-services-of-a-test"
REFUSAL = {"error": {"code": "VALIDATION_INVALID_PARAMETER", "message": "No."}, "request_id": "x"}

# How many files the server may open that is to run out of them.
FILES = 128

# Which alerts each job must fire, beside those of rules_test.yaml.
EXPECTED = {
    "fieldtest-away": {"FieldtestChallengeServiceAway", "FieldtestOrdersWait"},
    "fieldtest-token": {"FieldtestHandOversNeedOperator"},
    "fieldtest-refused": {"FieldtestOrdersFail"},
    "fieldtest-database": {"FieldtestDatabaseUnavailable", "FieldtestRequestsFail", "FieldtestBackgroundTaskFails"},
    "fieldtest-invalid": {"FieldtestInternalErrors"},
    "fieldtest-verifier": {"FieldtestVerifierFails"},
    "fieldtest-receiver": {"FieldtestWebhooksFail"},
    "fieldtest-restarts": {"FieldtestRestarts", "FieldtestDown"},
    "fieldtest-files": {"FieldtestFileDescriptors"},
}


def promtool(*arguments, **options):
    subprocess.run(["promtool", *arguments], check=True, **options)


def shortened(rules):
    rules = re.sub(r"for: [1-9]\w*", "for: 2s", rules)
    rules = re.sub(r"\[\d+m\]", "[30s]", rules)
    # The machine's own disk may be nearly full: rules_test.yaml has this alert.
    rules = rules.replace("size_bytes < 0.1", "size_bytes < 0")
    return rules.replace("age_seconds) > 300", "age_seconds) > 5")


def prometheus(servers):
    """Starts Prometheus for these servers. Returns its process and its URL."""
    folder, port = FOLDER / "prometheus", free_port()
    folder.mkdir()
    (folder / "alerts.yaml").write_text(shortened(RULES.read_text()))
    jobs = "".join(
        f"  - {{job_name: {it.name}, static_configs: [{{targets: ['127.0.0.1:{it.port}']}}]}}\n" for it in servers)
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [alerts.yaml]\nscrape_configs:\n{jobs}")
    promtool("check", "config", folder / "prometheus.yml")
    process = subprocess.Popen(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"])
    url = f"http://127.0.0.1:{port}"
    return process, url


def query(url, expression):
    status, answer = call("GET", f"{url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
    if status != 200:
        raise SystemExit(f"{expression}: {answer}")
    return answer["data"]["result"]


def break_things(servers, url):
    """Brings each server into its state, once Prometheus has seen it well."""
    for name in ("fieldtest-away", "fieldtest-token", "fieldtest-refused"):
        assert servers[name].order()[0] == 201
    data = servers["fieldtest-database"].folder / "data"
    (data / "connect.sqlite3").rename(data / "moved.sqlite3")
    invalid = servers["fieldtest-invalid"]
    invalid.challenge()
    with sqlite3.connect(invalid.folder / "data/connect.sqlite3", timeout=10) as database:
        database.execute("UPDATE challenge_requests SET provider_ids = 'invalid'")
    assert invalid.api("GET", "/production-tests")[0] == 500
    assert call("GET", servers["fieldtest-verifier"].join())[0] == 503
    servers["fieldtest-receiver"].webhook(f"http://127.0.0.1:{free_port()}/")
    servers["fieldtest-receiver"].challenge()
    # Some are left for scrapes. Connections without a request are closed after 15 seconds.
    [seen] = query(url, 'process_open_fds{job="fieldtest-files"}')
    count = FILES * 9 // 10 - int(seen["value"][1])
    port = servers["fieldtest-files"].port
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]


def use(server):
    """Does with a healthy server what people do."""
    url = server.join()
    assert call("POST", url, {"outcome": "completed", "subject": "Ada"})[0] == 200


def fired(url):
    alerts = query(url, 'max_over_time(ALERTS{alertstate="firing"}[5m])')
    return {(it["metric"]["job"], it["metric"]["alertname"]) for it in alerts}


def check_alerts(url, servers):
    """Waits until all alerts have fired, and restarts and uses servers meanwhile."""
    expected = {(job, alert) for job, alerts in EXPECTED.items() for alert in alerts}
    restarts, healthy = servers["fieldtest-restarts"], servers["fieldtest-healthy"]
    for round_ in range(60):
        if round_ < 3:
            restarts.kill()
            restarts.start()
        elif ("fieldtest-restarts", "FieldtestRestarts") in fired(url):
            restarts.kill()
        servers["fieldtest-database"].order()
        use(healthy)
        time.sleep(1)
        if expected <= fired(url):
            break
    seen = fired(url)
    if missing := expected - seen:
        raise SystemExit(f"did not fire: {sorted(missing)}")
    if wrong := [alert for job, alert in seen if job == healthy.name]:
        raise SystemExit(f"fired on a healthy server: {wrong}")
    return {alert for _, alert in seen}


def check_dashboard(url):
    dashboard = json.loads((ROOT / "ops/dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$job", "fieldtest-healthy").replace("$__rate_interval", "30s")
            if not query(url, expression):
                raise SystemExit(f"the panel {panel['title']} shows nothing: {expression}")
    print(f"the {len(dashboard['panels'])} panels show something")


def check_rules():
    """Checks the file without a server. Returns the names of the alerts."""
    promtool("check", "rules", RULES)
    promtool("test", "rules", ROOT / "xtask/alerts/rules_test.yaml")
    names = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    manual = (ROOT / "docs/operations.md").read_text()
    if unexplained := [name for name in names if f"`{name}`" not in manual]:
        raise SystemExit(f"docs/operations.md does not say what to do on {unexplained}")
    return names


def main():
    names = check_rules()
    made_up = set(re.findall(r'alertname="(\w+)"', (ROOT / "xtask/alerts/rules_test.yaml").read_text()))
    if untested := names - made_up - set().union(*EXPECTED.values()):
        raise SystemExit(f"no test fires {untested}")
    port = free_port()
    (FOLDER / "verifiers.toml").write_text(
        f'[bankidse]\nkind = "oidc"\nissuer = "http://localhost:{port}"\nclient_id = "fieldtest"\n')
    started, process = {}, None

    def start(job, *options, **more):
        started[job] = Server(FOLDER, job, *options, **more)

    try:
        start("fieldtest-healthy", "--tpas-token", TOKEN)
        healthy = started["fieldtest-healthy"]
        start("fieldtest-away", "--tpas-url", f"http://127.0.0.1:{port}", "--tpas-token", TOKEN)
        start("fieldtest-token", "--tpas-url", healthy.url, "--tpas-token", "another-token")
        start("fieldtest-refused", "--tpas-url", answering(422, REFUSAL), "--tpas-token", TOKEN)
        start("fieldtest-verifier", "--verifiers", str(FOLDER / "verifiers.toml"))
        start("fieldtest-files", files=FILES)
        for job in ("fieldtest-database", "fieldtest-invalid", "fieldtest-receiver", "fieldtest-restarts"):
            start(job)
        healthy.webhook(answering(200, {}))
        use(healthy)
        with urllib.request.urlopen(f"{healthy.url}/metrics") as metrics:
            promtool("check", "metrics", input=metrics.read())
        process, url = prometheus(started.values())
        eventually("every server is seen", lambda: len(query(url, "up == 1")) == len(started))
        if early := fired(url):
            raise SystemExit(f"fired on healthy servers: {early}")
        connections = break_things(started, url)
        seen = check_alerts(url, started)
        print(f"{len(seen)} alerts fired on real servers, and none on the healthy one")
        check_dashboard(url)
        del connections
    finally:
        for server in started.values():
            server.kill()
        if process:
            process.kill()
            process.wait()


main()
