//! Probes on real sandboxes: what they tell of real programs, well and broken.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use patchbed_kinds::probe::automatic::{DriftScope, Footprint, LOG_FILES, watch_environment, watch_service};
use patchbed_kinds::probe::canonical::canonical_reading;
use patchbed_kinds::probe::{AnyProbe, Look, Probe as _, Service};
use patchbed_model::{Class, Health, Key, Reading, Snapshot};
use patchbed_sandbox::message::{End, Program, Ran, Run, Start};
use patchbed_sandbox::{Backend as _, Init, Sandbox};
use serde_json::{Value as Json, json};

use libtest_mimic::Trial;

use crate::bench::{Bench, probe, same, source, suite, trial};

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial!(probes::http_reads_status_headers_and_body),
        trial!(probes::tcp_and_listening_see_the_port),
        trial!(probes::commands_are_read_however_they_end),
        trial!(probes::metrics_are_the_last_number_printed),
        trial!(probes::requests_and_commands_are_timed),
        trial!(probes::rows_of_a_database_are_told),
        trial!(probes::rows_of_servers_are_told),
        trial!(probes::suites_are_read_test_by_test),
        trial!(probes::tests_of_a_package_are_run_from_its_tree),
        trial!(probes::servers_with_tls_are_told),
        trial!(probes::names_are_looked_up_as_the_image_does),
        trial!(probes::logs_tell_new_errors),
        trial!(probes::files_and_packages_are_told),
        trial!(probes::processes_of_a_service_are_told),
        trial!(probes::missing_libraries_are_told),
        trial!(probes::units_cannot_be_told_without_systemd),
        trial!(probes::units_and_their_journals_are_told),
        trial!(probes::two_quiet_looks_are_equal),
        trial!(probes::a_crash_is_seen_from_all_sides),
        trial!(probes::doors_and_drift_are_seen),
        trial!(probes::a_broken_package_is_seen),
    ]
}

/// A small web server in what every Debian has: it answers `/json`, `/broken` and everything else, writes a log, and
/// dies of `/die`.
const SERVER: &str = r#"
use IO::Socket::INET; $| = 1;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8080, Listen => 9, ReuseAddr => 1)
    or die "ERROR: cannot listen: $!\n";
print "ready, pid $$\n";
while (my $client = $server->accept) {
    my $first = <$client>;
    while (defined(my $line = <$client>)) { last if $line =~ /^\r?$/ }
    kill SEGV => $$ if $first =~ m{/die};
    print STDERR "ERROR: no such page\n" if $first =~ m{/broken};
    my $status = $first =~ m{/broken} ? '500 Broken' : '200 OK';
    my $body = $first =~ m{/json} ? '{"b":[1,2],"a":{"state":"up"}}' : "hello from pid $$ at " . localtime() . "\n";
    print $client "HTTP/1.0 $status\r\nX-Kind: small\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    close $client;
}
"#;

/// A sandbox with the server as its one service, restarted once after the mark as a patch would have it.
struct Place {
    sandbox: Box<dyn Sandbox>,
    services: Vec<Service>,
    systemd: bool,
}

impl Place {
    async fn new(bench: &Bench) -> Result<Self> {
        let image = bench.debian().await?;
        let sandbox = bench.open(&image, &[]).await?;
        let services = vec![Service { name: "web".to_owned(), unit: None }];
        let place = Self { sandbox, services, systemd: false };
        place.start().await?;
        let logs = LOG_FILES.iter().map(|&glob| glob.to_owned()).collect();
        place.sandbox.mark("restart", logs).await?;
        place.sandbox.stop("web", 15, 5000).await?;
        place.start().await?;
        Ok(place)
    }

    async fn start(&self) -> Result<()> {
        let argv = ["perl", "-e", SERVER].map(str::to_owned).to_vec();
        let program = Program { argv, user: Some("nobody".to_owned()), ..Program::default() };
        self.sandbox.start(Start { name: "web".to_owned(), program }).await?;
        let begun = Instant::now();
        loop {
            let states = self.sandbox.services().await?;
            let web = states.iter().find(|state| state.name == "web").context("it was started")?;
            // It says so after it has begun to listen.
            if web.output.text.matches("ready, pid").count() == usize::try_from(web.starts)? {
                return Ok(());
            }
            ensure!(begun.elapsed() < Duration::from_secs(30), "the server does not come up: {web:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn look(&self, prefix: &str) -> Look<'_> {
        Look {
            sandbox: &*self.sandbox,
            prefix: Key::from(prefix),
            services: &self.services,
            service: self.services.first(),
            since: Some("restart").filter(|_| !self.systemd),
            within: Duration::from_secs(10),
            systemd: self.systemd,
        }
    }

    /// What a probe tells, from what a scenario would say.
    async fn see(&self, kind: &str, words: Json) -> Result<Vec<String>> {
        let probe: AnyProbe = probe(kind, words)?;
        let about_service = matches!(kind, "log" | "process" | "linkage");
        let look = Look { service: self.services.first().filter(|_| about_service), ..self.look("p") };
        Ok(told(&snapshot(probe.observe(&look).await?)))
    }

    /// Everything that is watched without asking.
    async fn watched(&self, scope: &DriftScope) -> Result<Snapshot> {
        let mut all = watch_service(&self.look("web")).await?;
        let look = Look { service: None, ..self.look("environment") };
        all.extend(watch_environment(&look, scope).await?);
        Ok(snapshot(all))
    }

    async fn shell(&self, text: &str) -> Result<Ran> {
        let argv = ["/bin/sh", "-c", text].map(str::to_owned).to_vec();
        let program = Program { argv, ..Program::default() };
        Ok(self.sandbox.run(Run { program, within: 30_000, keep: 65_536, ..Run::default() }).await?)
    }

    async fn close(self) -> Result<()> {
        Ok(self.sandbox.close().await?)
    }
}

fn snapshot(readings: Vec<(Key, Reading)>) -> Snapshot {
    readings.into_iter().map(|(key, reading)| (key, canonical_reading(reading))).collect()
}

/// Readings as lines; of metrics only that they are there.
fn told(snapshot: &Snapshot) -> Vec<String> {
    let told = snapshot.readings.iter().map(|(key, reading)| {
        let health = match reading.health {
            Some(Health::Good) => " (good)",
            Some(Health::Bad) => " (bad)",
            None => "",
        };
        match reading.class {
            Class::Metric => format!("{key} in {}", reading.unit.as_deref().unwrap_or_default()),
            Class::State | Class::Content | Class::Fact => format!("{key} = {}{health}", reading.value),
        }
    });
    told.collect()
}

fn expect(told: &[String], wanted: &[&str]) -> Result<()> {
    same(&told.iter().map(String::as_str).collect::<Vec<_>>(), &wanted.to_vec())
}

/// What one snapshot tells that another does not, of what is compared without statistics.
fn news(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let compared = |snapshot: &Snapshot| {
        let mut snapshot = snapshot.clone();
        snapshot.readings.retain(|_, reading| matches!(reading.class, Class::State | Class::Content));
        told(&snapshot)
    };
    let before = compared(before);
    compared(after).into_iter().filter(|line| !before.contains(line)).collect()
}

pub(crate) async fn http_reads_status_headers_and_body(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let words = json!({ "url": "http://localhost:8080/", "expect": 200, "read-headers": "X-Kind" });
    expect(
        &place.see("http", words).await?,
        &[
            "p.body = hello from pid ⟨pid⟩ at ⟨time⟩",
            "p.expect = met (good)",
            "p.header.x-kind = small",
            "p.status = 200 (good)",
        ],
    )?;
    let words =
        json!({ "url": "http://127.0.0.1:8080/json", "json": ["a.state", "b[1]"], "expect": { "a.state": "up" } });
    expect(
        &place.see("http", words).await?,
        &["p.expect = met (good)", "p.json.a.state = up", "p.json.b[1] = 2", "p.status = 200 (good)"],
    )?;
    let broken = place.see("http", json!("http://localhost:8080/broken")).await?;
    expect(&broken[1..], &["p.status = 500 (bad)"])?;
    expect(&place.see("http", json!("http://localhost:81/")).await?, &["p.status = refused (bad)"])?;
    expect(&place.see("http", json!("http://nowhere.invalid/")).await?, &["p.status = no such host (bad)"])?;
    place.close().await
}

pub(crate) async fn tcp_and_listening_see_the_port(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let words = json!({ "address": "localhost:8080", "send": "GET /json\r\n\r\n", "banner": true });
    expect(&place.see("tcp", words).await?, &["p.banner = HTTP/1.0 200 OK", "p.connect = open (good)"])?;
    expect(&place.see("tcp", json!("localhost:81")).await?, &["p.connect = refused (bad)"])?;
    expect(&place.see("listening", json!({})).await?, &["p.tcp/127.0.0.1:8080 = perl (good)"])?;
    expect(
        &place.see("listening", json!(["8080", "udp/53"])).await?,
        &["p.tcp/8080 = open (good)", "p.udp/53 = closed (bad)"],
    )?;
    place.close().await
}

pub(crate) async fn commands_are_read_however_they_end(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    expect(
        &place.see("command", json!("echo pid $$; echo err >&2; exit 3")).await?,
        &["p.exit = 3 (bad)", "p.signal = none (good)", "p.stderr = err", "p.stdout = pid ⟨pid⟩"],
    )?;
    expect(
        &place.see("command", json!({ "run": "kill -SEGV $$", "output": "ignore" })).await?,
        &["p.exit = killed (bad)", "p.signal = SIGSEGV (bad)"],
    )?;
    expect(&place.see("command", json!(["/no/such/program"])).await?, &["p.exit = not found (bad)"])?;
    let lines = json!({ "run": ["printf", "b\\na\\nb\\n"], "output": "lines" });
    expect(
        &place.see("command", lines).await?,
        &["p.exit = 0 (good)", "p.signal = none (good)", "p.stderr = ", "p.stdout = a, b"],
    )?;
    let as_user = json!({ "run": "id -un; cat; pwd", "user": "daemon", "directory": "/tmp", "input": "given\n" });
    expect(
        &place.see("command", as_user).await?,
        &["p.exit = 0 (good)", "p.signal = none (good)", "p.stderr = ", "p.stdout = daemon\ngiven\n/tmp"],
    )?;
    place.close().await
}

pub(crate) async fn metrics_are_the_last_number_printed(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let words = json!({ "run": "echo growth kB 412; id -un >&2", "unit": "kB", "user": "daemon" });
    let fine = ["p.exit = 0 (good)", "p.number = printed (good)", "p.signal = none (good)", "p.value in kB"];
    expect(&place.see("metric", words).await?, &fine)?;
    expect(
        &place.see("metric", json!("echo none")).await?,
        &["p.exit = 0 (good)", "p.number = none printed (bad)", "p.signal = none (good)"],
    )?;
    expect(
        &place.see("metric", json!("echo 7; kill -SEGV $$")).await?,
        &["p.exit = killed (bad)", "p.signal = SIGSEGV (bad)"],
    )?;
    expect(&place.see("metric", json!(["/no/such/program"])).await?, &["p.exit = not found (bad)"])?;
    place.close().await
}

pub(crate) async fn requests_and_commands_are_timed(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let fine = ["p.errors = none (good)", "p.median in ms", "p.p95 in ms", "p.state = done (good)"];
    let page = "http://localhost:8080/";
    expect(&place.see("latency", json!({ "http": page, "requests": 50 })).await?, &fine)?;
    expect(&place.see("latency", json!({ "command": ["true"], "requests": 5 })).await?, &fine)?;
    let broken = json!({ "http": { "url": page, "expect": "no such text" }, "requests": 3 });
    expect(&place.see("latency", broken).await?, &["p.errors = 3 of 3 (bad)", "p.state = done (good)"])?;
    let rate = ["p.errors = none (good)", "p.rate in per second", "p.state = done (good)"];
    expect(&place.see("throughput", json!({ "http": page, "during": "300ms" })).await?, &rate)?;
    expect(&place.see("throughput", json!({ "command": "exit 0", "requests": 5 })).await?, &rate)?;
    let slow = place.see("latency", json!({ "command": "sleep 4", "requests": 3 })).await?;
    same(&slow.contains(&"p.state = not done within 10 s (bad)".to_owned()), &true)?;
    place.close().await
}

pub(crate) async fn rows_of_a_database_are_told(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let orders = |query: &str| json!({ "sqlite": "/srv/shop.db", "query": query });
    expect(&place.see("rows", orders("select 1")).await?, &["p.state = no client (bad)"])?;
    for words in [json!({ "mysql": "shop", "query": "select 1" }), json!({ "redis": "0", "query": "dbsize" })] {
        expect(&place.see("rows", words).await?, &["p.state = no client (bad)"])?;
    }
    place.close().await?;

    let image = bench.debian_with_databases().await?;
    let place = Place { sandbox: bench.open(&image, &[]).await?, services: Vec::new(), systemd: false };
    let made =
        "sqlite3 /srv/shop.db \"create table o(id, total); insert into o values(9, 'a'), (10, null), (10, 'b')\"";
    same(&place.shell(made).await?.end, &End::Exited(0))?;
    // The second time it is Python that asks.
    for without in ["true", "mv /usr/bin/sqlite3 /srv/"] {
        place.shell(without).await?;
        let mut words = orders("select id, total from o order by id;");
        words["unique"] = json!(["id"]);
        words["sorted"] = json!("id");
        expect(
            &place.see("rows", words).await?,
            &[
                "p.count = 3",
                "p.rows = 9\ta, 10\t\\N, 10\tb",
                "p.sorted = met (good)",
                "p.state = answered (good)",
                "p.unique = not met (bad)",
            ],
        )?;
        let none = ["p.count = 0", "p.rows = ", "p.state = answered (good)"];
        expect(&place.see("rows", orders("select id from o where id > 10")).await?, &none)?;
        expect(&place.see("rows", orders("select name from o")).await?, &["p.state = failed (bad)"])?;
        expect(&place.see("rows", orders("delete from o")).await?, &["p.state = failed (bad)"])?;
    }
    place.close().await
}

/// Three servers with the same orders, and a user of each who needs a password.
const SERVERS: &str = "
    set -e
    cluster=$(ls /etc/postgresql)
    pg_ctlcluster $cluster main start -o '-c fsync=off'
    redis-server --daemonize yes --requirepass s3cret --save '' >/dev/null
    install -d -o mysql /run/mysqld
    mariadbd --user=mysql --skip-log-error --innodb-flush-log-at-trx-commit=0 >/dev/null 2>&1 &
    cd /tmp
    runuser -u postgres -- psql -qc 'create database shop'
    runuser -u postgres -- psql -qd shop <<'SQL'
        create table o(id int, note text);
        insert into o values (9, E'a\\tb\\nc'), (10, null), (10, '');
        create role clerk login password 's3cret';
        grant select, insert, delete on o to clerk;
SQL
    export REDISCLI_AUTH=s3cret
    redis-cli ping | grep -q PONG
    redis-cli rpush o 9 10 10 >/dev/null
    redis-cli hset stock pen 3 'blue ink' 4 >/dev/null
    redis-cli sadd names pen ink >/dev/null
    redis-cli xadd sold 1-0 item pen >/dev/null
    until mariadb-admin ping >/dev/null 2>&1; do sleep 0.1; done
    mariadb <<'SQL'
        create database shop;
        create table shop.o(id int, note text);
        insert into shop.o values (9, 'a\\tb\\nc'), (10, null), (10, '');
        create user clerk@localhost identified by 's3cret';
        grant select, insert, delete, drop on shop.* to clerk@localhost;
SQL
";

/// Where the databases are: for their administrators, and for a user with a password.
const BASES: &[(&str, &str)] = &[
    ("postgres", "shop"),
    ("postgres", "postgres://clerk:s3cret@localhost/shop"),
    ("mysql", "shop"),
    ("mysql", "mysql://clerk:s3cret@localhost:3306/shop"),
];

pub(crate) async fn rows_of_servers_are_told(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_databases().await?;
    let place = Place { sandbox: bench.open(&image, &[]).await?, services: Vec::new(), systemd: false };
    let away = json!({ "postgres": "shop", "query": "select 1" });
    expect(&place.see("rows", away).await?, &["p.state = failed (bad)"])?;
    let started = place.shell(SERVERS).await?;
    ensure!(started.end == End::Exited(0), "{started:?}");
    for (base, server) in BASES {
        let asked = |query: &str| json!({ *base: server, "query": query });
        let mut words = asked("select id, note from o order by id, note desc;");
        words["unique"] = json!("id");
        words["sorted"] = json!("id");
        let told = place.see("rows", words).await?;
        let laws = ["p.sorted = met (good)", "p.state = answered (good)", "p.unique = not met (bad)"];
        expect(&[&told[..1], &told[2..]].concat(), &[&["p.count = 3"], &laws[..]].concat())?;
        // Which of NULL and a text comes first is up to the server.
        let rows = ["p.rows = 9\ta\\tb\\nc, 10\t\\N, 10\t", "p.rows = 9\ta\\tb\\nc, 10\t, 10\t\\N"];
        ensure!(rows.contains(&&*told[1]), "{told:#?}");
        let none = place.see("rows", asked("select id from o where id > 10")).await?;
        expect(&none, &["p.count = 0", "p.rows = ", "p.state = answered (good)"])?;
        for refused in ["select name from o", "delete from o", "drop table o", "select 'torn"] {
            expect(&place.see("rows", asked(refused)).await?, &["p.state = failed (bad)"])?;
        }
        expect(&place.see("rows", asked("select count(*) from o")).await?[1..2], &["p.rows = 3"])?;
    }
    let wrong = json!({ "mysql": "mysql://clerk:wrong@localhost:3306/shop", "query": "select 1" });
    expect(&place.see("rows", wrong).await?, &["p.state = failed (bad)"])?;
    answers_of_redis_are_told(&place).await?;
    place.close().await
}

async fn answers_of_redis_are_told(place: &Place) -> Result<()> {
    let query = "lrange o 0 -1\nhgetall stock\nsmembers names\nget none\nxrange sold - +\nscan 0 match n* count 99";
    let words = json!({ "redis": "redis://:s3cret@localhost", "query": query, "sorted": "value" });
    let rows = [
        "lrange o 0 -1\t9",
        "lrange o 0 -1\t10",
        "lrange o 0 -1\t10",
        "hgetall stock blue ink\t4",
        "hgetall stock pen\t3",
        "smembers names\tink",
        "smembers names\tpen",
        "get none\t\\N",
        "xrange sold - +\t1-0",
        "xrange sold - +\titem",
        "xrange sold - +\tpen",
        "scan 0 match n* count 99\tnames",
    ];
    let rows = format!("p.rows = {}", rows.join(", "));
    let told = place.see("rows", words).await?;
    expect(&told, &["p.count = 12", &rows, "p.sorted = not met (bad)", "p.state = answered (good)"])?;
    let ill = [
        json!({ "redis": "localhost:6379", "query": "get none" }),
        json!({ "redis": "redis://:wrong@localhost", "query": "get none" }),
        json!({ "redis": "localhost:6380", "query": "get none" }),
        json!({ "redis": "redis://:s3cret@localhost", "query": "get names" }),
    ];
    for words in ill {
        expect(&place.see("rows", words).await?, &["p.state = failed (bad)"])?;
    }
    Ok(())
}

pub(crate) async fn suites_are_read_test_by_test(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let words = json!({
        "run": "echo 1..3; echo ok 1 - $WHAT; echo not ok 2 - sells; echo ok 3 - waits '# SKIP slow'; id -un >&2; exit 1",
        "format": "tap", "user": "daemon", "environment": { "WHAT": "buys" }, "directory": "/tmp",
    });
    expect(
        &place.see("suite", words).await?,
        &[
            "p.buys = ok (good)",
            "p.count.failed = 1",
            "p.count.ok = 1",
            "p.count.skipped = 1",
            "p.sells = failed (bad)",
            "p.suite = ran (good)",
            "p.waits = skipped",
        ],
    )?;
    let report = "<testsuite><testcase classname='shop' name='buys'/></testsuite>";
    let write = json!({ "run": format!("echo \"{report}\" > r.xml"), "format": "junit", "file": "/tmp/r.xml", "directory": "/tmp" });
    let seen = place.see("suite", write).await?;
    same(&[&seen[3], &seen[4]], &[&"p.shop.buys = ok (good)".to_owned(), &"p.suite = ran (good)".to_owned()])?;
    // The report of the run before does not stand for this one.
    let silent = place.see("suite", json!({ "run": "true", "format": "junit", "file": "/tmp/r.xml" })).await?;
    same(&silent.last().map(String::as_str), &Some("p.suite = wrote no report (bad)"))?;
    let exit = json!({ "run": "exit 3", "format": "exit" });
    expect(&place.see("suite", exit).await?, &["p.exit = 3 (bad)", "p.signal = none (good)"])?;
    place.close().await
}

/// A source tree with tests of all sorts.
const TREE: &str = r#"
mkdir -p /srv/shop/debian/tests && cd /srv/shop/debian/tests
cat > control <<'END'
Tests: root, user
Depends: @, dpkg, no-such-package | no-other
Restrictions: needs-root

Tests: ordinary
Restrictions: skippable

Test-Command: test "$WHAT" = shop && test -w "$AUTOPKGTEST_TMP" && test -w "$HOME"
Features: test-name=place

Test-Command: echo late; exit 77
Restrictions: skippable

Test-Command: echo "not so well" >&2

Test-Command: echo "well" >&2
Restrictions: allow-stderr

Tests: machine
Restrictions: isolation-machine
END
echo 'test $(id -u) = 0' > root
echo 'test $(id -u) != 0' > user
printf '#!/bin/sh\ntest $(id -un) = nobody && test "$PWD" = /srv/shop\n' > ordinary
"#;

pub(crate) async fn tests_of_a_package_are_run_from_its_tree(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let words = json!({ "format": "autopkgtest", "directory": "/srv/shop", "environment": { "WHAT": "shop" } });
    let none = place.see("suite", words.clone()).await?;
    same(&none.last().map(String::as_str), &Some("p.suite = no /srv/shop/debian/tests/control (bad)"))?;
    same(&place.shell(TREE).await?.end, &End::Exited(0))?;
    expect(
        &place.see("suite", words).await?,
        &[
            "p.command2 = skipped",
            "p.command3 = failed (bad)",
            "p.command4 = ok (good)",
            "p.count.failed = 2",
            "p.count.ok = 4",
            "p.count.skipped = 2",
            "p.machine = skipped",
            "p.ordinary = ok (good)",
            "p.place = ok (good)",
            "p.root = ok (good)",
            "p.suite = ran (good)",
            "p.user = failed (bad)",
        ],
    )?;
    place.close().await
}

/// A server with a certificate of its own for ten days. It answers once it says so.
const TLS_SERVER: &str = "cd /srv
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 10 -subj /CN=localhost
    exec openssl s_server -accept 8443 -key key -cert certificate -quiet";

pub(crate) async fn servers_with_tls_are_told(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    expect(&place.see("tls", json!("localhost:8443")).await?, &["p.state = no client (bad)"])?;
    place.close().await?;

    let image = bench.kept(&source("debian", json!({ "suite": suite(), "packages": ["openssl"] }))?).await?;
    let place = Place { sandbox: bench.open(&image, &[]).await?, services: Vec::new(), systemd: false };
    expect(&place.see("tls", json!("127.0.0.1:8443")).await?, &["p.state = refused (bad)"])?;
    expect(&place.see("tls", json!("nowhere.invalid:8443")).await?, &["p.state = no such host (bad)"])?;
    let argv = ["/bin/sh", "-c", TLS_SERVER].map(str::to_owned).to_vec();
    let program = Program { argv, ..Program::default() };
    place.sandbox.start(Start { name: "tls".to_owned(), program }).await?;
    let begun = Instant::now();
    while place.see("tcp", json!("127.0.0.1:8443")).await? != ["p.connect = open (good)"] {
        ensure!(begun.elapsed() < Duration::from_secs(30), "the server does not come up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = |trust: &'static str| {
        [
            "p.chain = CN = localhost, issued by CN = localhost",
            "p.cipher = TLS_AES_256_GCM_SHA384",
            "p.expiry = less than 30 days (good)",
            "p.protocol = TLSv1.3",
            "p.state = answers (good)",
            trust,
        ]
    };
    let by_itself = told("p.verified = no: self-signed certificate (bad)");
    let server = json!({ "address": "127.0.0.1:8443", "name": "localhost" });
    expect(&place.see("tls", server).await?, &by_itself)?;
    let trusted = json!({ "address": "127.0.0.1:8443", "name": "localhost", "authority": "/srv/certificate" });
    expect(&place.see("tls", trusted).await?, &told("p.verified = yes (good)"))?;
    let other = json!({ "address": "127.0.0.1:8443", "name": "shop", "authority": "/srv/certificate" });
    expect(&place.see("tls", other).await?, &told("p.verified = no: hostname mismatch (bad)"))?;
    place.close().await
}

pub(crate) async fn names_are_looked_up_as_the_image_does(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    place.shell("printf '192.0.2.7 shop\\n192.0.2.1 shop\\n2001:db8::1 six\\n' >> /etc/hosts").await?;
    let found = ["p.addresses = 192.0.2.1, 192.0.2.7", "p.state = found (good)"];
    expect(&place.see("dns", json!({ "name": "shop", "type": "a" })).await?, &found)?;
    expect(&place.see("dns", json!("shop")).await?, &found)?;
    expect(&place.see("dns", json!("six")).await?, &["p.addresses = 2001:db8::1", "p.state = found (good)"])?;
    expect(&place.see("dns", json!("nowhere.invalid")).await?, &["p.state = not found (bad)"])?;
    place.close().await
}

pub(crate) async fn logs_tell_new_errors(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    place.see("http", json!("http://localhost:8080/broken")).await?;
    let lines = place.see("log", json!({})).await?;
    let [error, count] = &lines[..] else { bail!("unexpected: {lines:#?}") };
    same(&(error.starts_with("p.error."), error.ends_with(" = ERROR: no such page")), &(true, true))?;
    same(&count.as_str(), &"p.lines = 2")?;
    place.shell("echo '2026-11-23 [crit] disk 7' >> /var/log/app.log").await?;
    let lines = place.see("log", json!("/var/log/*.log")).await?;
    same(&lines.iter().any(|line| line.ends_with(" = ⟨*⟩ [crit] disk ⟨*⟩")), &true)?;
    place.close().await
}

pub(crate) async fn files_and_packages_are_told(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    place.shell("mkdir /srv/x && cd /srv/x && echo text > a && chmod 640 a && ln -s a b && mkfifo c").await?;
    expect(
        &place.see("files", json!({ "paths": ["/srv/x/*", "/srv/none"], "text": true })).await?,
        &[
            "p./srv/none = nothing there (bad)",
            "p./srv/x/a = file 0640 root:root\ntext",
            "p./srv/x/b = link to a root:root",
            "p./srv/x/c = fifo 0644 root:root",
        ],
    )?;
    let packages = place.see("package", json!(["dpkg", "no-such-package"])).await?;
    same(&packages.contains(&"p.dpkg.state = installed (good)".to_owned()), &true)?;
    same(&packages.contains(&"p.no-such-package.state = gone (bad)".to_owned()), &true)?;
    place.close().await
}

pub(crate) async fn processes_of_a_service_are_told(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    expect(
        &place.see("process", json!({})).await?,
        &[
            "p.children = perl of nobody",
            "p.descriptors in descriptors",
            "p.memory.rss in bytes",
            "p.restarts = 1",
            "p.state = running (good)",
            "p.threads in threads",
        ],
    )?;
    expect(&place.see("process", json!("sshd")).await?, &["p.state = not running (bad)"])?;
    place.close().await
}

pub(crate) async fn missing_libraries_are_told(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    expect(&place.see("linkage", json!({})).await?, &["p.state = resolved (good)"])?;
    place.shell("sed 's/libselinux.so.1/libselinux.so.9/' /bin/ls > /srv/ls && chmod 755 /srv/ls").await?;
    let told = place.see("linkage", json!("/srv/*")).await?;
    same(&told.contains(&"p./srv/ls: libselinux.so.9 = unresolved (bad)".to_owned()), &true)?;
    same(&told.contains(&"p.state = unresolved (bad)".to_owned()), &true)?;
    place.close().await
}

pub(crate) async fn units_cannot_be_told_without_systemd(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let error = place.see("unit", json!("x.service")).await.err().context("this must be blind")?;
    same(&error.to_string().as_str(), &"ask about units: systemd is not process 1 here")?;
    place.close().await
}

/// Units that run, that fail when they are started, and that talk.
const UNITS: &str = "
    unit() { printf '[Service]\\nExecStart=/bin/sh -c \"%s\"\\n' \"$2\" > /run/systemd/system/$1.service; }
    unit well 'exec sleep 1000'
    unit ill 'exit 3'
    unit loud 'echo ERROR: lost the disk; echo fine; exec sleep 1000'
    systemctl daemon-reload
    systemctl start well ill loud
    while [ \"$(systemctl is-active ill)\" != failed ]; do sleep 0.1; done
    until journalctl --unit loud | grep -q fine; do sleep 0.1; done";

pub(crate) async fn units_and_their_journals_are_told(bench: &Bench) -> Result<()> {
    let words = json!({ "suite": suite(), "packages": ["systemd", "systemd-sysv"] });
    let image = bench.kept(&source("debian", words)?).await?;
    let mut spec = image.spec("test");
    spec.init = Init::Systemd;
    let sandbox = bench.backend.open(&spec).await?;
    let place = Place { sandbox, services: Vec::new(), systemd: true };
    let booted = place.shell("until systemctl is-system-running | grep -E 'running|degraded'; do sleep 0.1; done");
    same(&booted.await?.output.text.lines().last(), &Some("running"))?;
    let ran = place.shell(UNITS).await?;
    ensure!(ran.end == End::Exited(0), "{ran:?}");
    expect(
        &place.see("unit", json!(["well.service", "ill.service", "none.service"])).await?,
        &[
            "p.ill.service.restarts = none (good)",
            "p.ill.service.result = exit-code (bad)",
            "p.ill.service.state = failed (exit-code) (bad)",
            "p.none.service.restarts = none (good)",
            "p.none.service.state = not found (bad)",
            "p.well.service.restarts = none (good)",
            "p.well.service.state = active (running) (good)",
        ],
    )?;
    expect(&place.see("unit", json!({})).await?, &["p.failed = some (bad)", "p.ill.service = failed (bad)"])?;
    let lines = place.see("log", json!({ "journal": "loud.service" })).await?;
    let [error, count] = &lines[..] else { bail!("unexpected: {lines:#?}") };
    same(&(error.starts_with("p.error."), error.ends_with(" = ERROR: lost the disk")), &(true, true))?;
    // Systemd itself says that it has started the unit.
    same(&count.as_str(), &"p.lines = 3")?;
    place.close().await
}

pub(crate) async fn two_quiet_looks_are_equal(bench: &Bench) -> Result<()> {
    let mut seen: Option<Snapshot> = None;
    for _ in 0..3 {
        let place = Place::new(bench).await?;
        let now = place.watched(&DriftScope::default()).await?;
        place.close().await?;
        let bad: Vec<_> = now.readings.iter().filter(|(_, reading)| reading.health == Some(Health::Bad)).collect();
        same(&bad, &Vec::new())?;
        if let Some(before) = &seen {
            same(&(news(before, &now), news(&now, before)), &(Vec::new(), Vec::new()))?;
        }
        seen = Some(now);
    }
    Ok(())
}

pub(crate) async fn a_crash_is_seen_from_all_sides(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let before = place.watched(&DriftScope::default()).await?;
    place.see("http", json!("http://localhost:8080/die")).await?;
    let after = place.watched(&DriftScope::default()).await?;
    expect(&news(&before, &after), &["web.process.state = killed by SIGSEGV (bad)"])?;
    same(&after.get("web.listening.tcp/127.0.0.1:8080"), &None)?;
    place.close().await
}

pub(crate) async fn doors_and_drift_are_seen(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let before = place.watched(&DriftScope::default()).await?;
    let footprint = Footprint::take(&*place.sandbox).await?;
    let patch = "cp /bin/true /usr/local/bin/door && chmod 4755 /usr/local/bin/door
        echo 'toor:x:0:0::/root:/bin/sh' >> /etc/passwd
        mkdir -p /etc/cron.d && echo '* * * * * root true' > /etc/cron.d/job
        echo setting > /etc/setting && rm /etc/issue && chmod 666 /etc/motd
        touch /tmp/nothing /run/nothing /var/cache/nothing /etc/ld.so.cache";
    same(&place.shell(patch).await?.end, &End::Exited(0))?;
    let mut told = news(&before, &place.watched(&DriftScope::default()).await?);
    // What these hold is the image's own.
    let own = ["files./usr/local/bin/door = new", "files./etc/passwd = content", "files./etc/motd = mode"];
    same(&own.iter().all(|start| told.iter().any(|line| line.starts_with(start))), &true)?;
    told.retain(|line| !own.iter().any(|start| line.starts_with(start)));
    expect(
        &told,
        &[
            "files./etc/cron.d/job = new: file 0644 root:root\n* * * * * root true",
            "files./etc/issue = gone (bad)",
            "files./etc/setting = new: file 0644 root:root\nsetting",
            "security.scheduled./etc/cron.d/job = file 0644 root:root (bad)",
            "security.set-id./usr/local/bin/door = file 4755 root:root (bad)",
            "security.uid-0 = root, toor (bad)",
            "security.world-writable./etc/motd = file 0666 root:root (bad)",
        ],
    )?;
    let paths = Footprint::take(&*place.sandbox).await?.since(&footprint);
    let scope = DriftScope { paths, ..DriftScope::default() };
    let mut told = news(&before, &place.watched(&scope).await?);
    told.retain(|line| !line.starts_with("security."));
    expect(&told, &[])?;
    place.close().await
}

pub(crate) async fn a_broken_package_is_seen(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let before = place.watched(&DriftScope::default()).await?;
    let patch = "sed -i '/^Package: gzip$/,/^$/s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status";
    place.shell(patch).await?;
    let after = place.watched(&DriftScope::default()).await?;
    same(&news(&before, &after).contains(&"packages.gzip.state = half-configured (bad)".to_owned()), &true)?;
    place.shell(": > /var/lib/dpkg/status").await?;
    same(&place.watched(&DriftScope::default()).await.is_err(), &true)?;
    place.close().await
}
