#![expect(clippy::wildcard_enum_match_arm, reason = "a scripted guest answers a few requests and all others alike")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use patchbed_sandbox::message::{
    Death, End, FailureKind, FileFact, FileKind, HttpAnswer, LogSource, Output, Package, Process, Reply, Request,
    ServiceState, Socket, Unresolved,
};

use super::super::testing::{failed, file, look, process, ran, sandbox, service, told, usage};
use super::super::{ProbeError, Service};
use super::drift::LIMIT;
use super::{DriftScope, Footprint, faces, visit_service, watch_environment, watch_service};

/// A healthy machine with one service `web`, whose parts a test replaces.
#[derive(Clone)]
struct World {
    processes: Vec<Process>,
    state: ServiceState,
    deaths: Vec<Death>,
    lines: Vec<String>,
    unresolved: Vec<Unresolved>,
    packages: Reply,
    drift: Vec<FileFact>,
    logs: Vec<FileFact>,
    owners: BTreeMap<String, String>,
    passwd: &'static str,
    reached: Vec<&'static str>,
}

impl World {
    fn healthy() -> Self {
        let package = Package {
            name: "nginx".to_owned(),
            version: "1.22.1-9".to_owned(),
            architecture: "amd64".to_owned(),
            state: "installed".to_owned(),
            unmet: Vec::new(),
        };
        Self {
            processes: vec![process(7, "nginx", Some("web"))],
            state: ServiceState {
                name: "web".to_owned(),
                pid: 7,
                end: None,
                processes: vec![7],
                starts: 2,
                deaths: Vec::new(),
                output: Output::default(),
            },
            deaths: Vec::new(),
            lines: vec!["ready".to_owned()],
            unresolved: Vec::new(),
            packages: Reply::Packages(vec![package]),
            drift: Vec::new(),
            logs: Vec::new(),
            owners: BTreeMap::new(),
            passwd: "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\n",
            reached: Vec::new(),
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        match request {
            Request::Processes => Reply::Processes(self.processes.clone()),
            Request::Services => Reply::Services(vec![self.state.clone()]),
            Request::Deaths => Reply::Deaths(self.deaths.clone()),
            Request::Lines { source: LogSource::Service(_), .. } => Reply::Lines(self.lines.clone()),
            Request::Lines { .. } => Reply::Lines(vec!["ERROR: no".to_owned()]),
            Request::Linkage { .. } => Reply::Linkage(self.unresolved.clone()),
            Request::Packages => self.packages.clone(),
            Request::Drift(_) => Reply::Files(self.drift.clone()),
            Request::Files(asked) if asked.paths == ["/var/log/**"] => Reply::Files(self.logs.clone()),
            Request::Files(_) => Reply::Files(Vec::new()),
            Request::Owners { packages } => Reply::Owners(self.owned_by(packages)),
            Request::Read { .. } => Reply::Bytes(base64(self.passwd)),
            Request::Usage => usage(&self.reached),
            Request::Sockets => Reply::Sockets(vec![Socket {
                protocol: "tcp".to_owned(),
                address: "0.0.0.0".to_owned(),
                port: 80,
                pid: Some(7),
                process: Some("nginx".to_owned()),
                service: Some("web".to_owned()),
                user: "root".to_owned(),
            }]),
            _ => failed(FailureKind::Unsupported, "not in this world"),
        }
    }

    fn owned_by(&self, packages: &[String]) -> BTreeMap<String, String> {
        let wanted = |(_, package): &(&String, &String)| packages.is_empty() || packages.contains(package);
        self.owners.iter().filter(wanted).map(|(path, package)| (path.clone(), package.clone())).collect()
    }

    async fn service(self) -> Vec<String> {
        let sandbox = sandbox(move |request| self.answer(request)).await;
        told(watch_service(&look(&*sandbox, &[service("web")])).await.unwrap())
    }

    async fn environment(self, scope: &DriftScope) -> Result<Vec<String>, ProbeError> {
        let sandbox = sandbox(move |request| self.answer(request)).await;
        watch_environment(&look(&*sandbox, &[service("web")]), scope).await.map(told)
    }

    /// What is told of files and security, of a patch that brought the package nginx and wrote `/opt/patched`.
    async fn drifted(self) -> Vec<String> {
        let scope = DriftScope {
            packages: vec!["nginx".to_owned()],
            paths: vec!["/opt/patched".to_owned()],
            dropped: vec!["/usr/share/nginx/dropped".to_owned()],
        };
        let mut told = self.environment(&scope).await.unwrap();
        told.retain(|line| line.starts_with("files.") || line.starts_with("security."));
        told
    }
}

fn base64(text: &str) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(text)
}

fn death(name: &str, end: End, service: Option<&str>) -> Death {
    Death { pid: 99, name: name.to_owned(), service: service.map(str::to_owned), end }
}

const SEGMENTATION_FAULT: End = End::Killed { signal: 11, core: false };

fn has(told: &[String], line: &str) {
    assert!(told.iter().any(|told| told == line), "no `{line}` in {told:#?}");
}

#[tokio::test]
async fn a_healthy_service_is_told_whole() {
    assert_eq!(
        World::healthy().service().await,
        [
            "p.descriptors = 4",
            "p.linkage.state = resolved (good)",
            "p.listening.tcp/0.0.0.0:80 = nginx (good)",
            "p.log.lines = 1",
            "p.memory.rss = 1024",
            "p.process.deaths = none (good)",
            "p.process.restarts = 1",
            "p.process.stale = none (good)",
            "p.process.state = running (good)",
            "p.threads = 1",
        ]
    );
}

fn socket(address: &str, port: u16, service: &str) -> Socket {
    Socket {
        protocol: "tcp".to_owned(),
        address: address.to_owned(),
        port,
        pid: None,
        process: None,
        service: Some(service.to_owned()),
        user: "root".to_owned(),
    }
}

#[tokio::test]
async fn the_faces_of_a_service_are_its_own_and_stay_the_same() {
    let udp = Socket { protocol: "udp".to_owned(), ..socket("0.0.0.0", 53, "web") };
    let others = [socket("127.0.0.1", 40_000, "web"), socket("127.0.0.1", 8000, "other"), udp];
    let own = [socket("::1", 8080, "web"), socket("0.0.0.0", 80, "web"), socket("0.0.0.0", 80, "web")];
    let sockets = [&own[..], &others].concat();
    let sandbox = sandbox(move |request| match request {
        Request::Sockets => Reply::Sockets(sockets.clone()),
        other => World::healthy().answer(other),
    })
    .await;
    let told = faces(&look(&*sandbox, &[service("web")])).await.unwrap();
    assert_eq!(told, [("0.0.0.0".to_owned(), 80), ("::1".to_owned(), 8080)]);
}

#[tokio::test]
async fn a_visitor_asks_what_may_speak_http() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let urls = Arc::clone(&asked);
    let sockets = [
        socket("0.0.0.0", 80, "web"),
        socket("::1", 8080, "web"),
        socket("127.0.0.1", 5432, "web"),
        socket("127.0.0.1", 40_000, "web"),
        socket("127.0.0.1", 8000, "other"),
    ];
    let sandbox = sandbox(move |request| match request {
        Request::Sockets => Reply::Sockets(sockets.to_vec()),
        Request::Http(http) => {
            urls.lock().unwrap().push(http.url.clone());
            let body = Output { text: "down for repair\n".to_owned(), total: 16, ..Output::default() };
            let answer = HttpAnswer { status: 503, headers: BTreeMap::new(), body, microseconds: 9 };
            Reply::Http(if http.url.ends_with(":80/") { Ok(answer) } else { Err("no HTTP".to_owned()) })
        }
        other => World::healthy().answer(other),
    })
    .await;
    let readings = told(visit_service(&look(&*sandbox, &[service("web")])).await.unwrap());
    assert_eq!(readings, ["p.answer.80 = 503", "p.page.80 = down for repair"]);
    assert_eq!(*asked.lock().unwrap(), ["http://127.0.0.1:80/", "http://[::1]:8080/"]);
}

#[tokio::test]
async fn a_crashed_service_is_told_with_its_last_lines() {
    let mut world = World::healthy();
    world.processes.clear();
    world.state.processes.clear();
    world.state.end = Some(SEGMENTATION_FAULT);
    world.state.output.text = "one\ntwo\n".to_owned();
    let sandbox = sandbox(move |request| world.answer(request)).await;
    let readings = watch_service(&look(&*sandbox, &[service("web")])).await.unwrap();
    let state = readings.iter().find(|(key, _)| key.as_str() == "p.process.state").unwrap();
    assert_eq!(state.1.evidence, ["one", "two"]);
    has(&told(readings), "p.process.state = killed by SIGSEGV (bad)");
}

#[tokio::test]
async fn a_daemon_whose_first_process_ended_well_runs() {
    let mut world = World::healthy();
    world.state.end = Some(End::Exited(0));
    has(&world.clone().service().await, "p.process.state = running (good)");
    world.processes.clear();
    world.state.processes.clear();
    has(&world.service().await, "p.process.state = exited 0 (bad)");
}

#[tokio::test]
async fn deaths_old_code_errors_and_unresolved_symbols_show() {
    let mut world = World::healthy();
    world.state.deaths = vec![
        death("worker", SEGMENTATION_FAULT, Some("web")),
        death("worker", SEGMENTATION_FAULT, Some("web")),
        death("helper", End::Exited(3), Some("web")),
        death("helper", End::Killed { signal: 15, core: false }, Some("web")),
    ];
    world.processes[0].stale = vec!["/usr/lib/libssl.so.3 (deleted)".to_owned(), "/memfd:x (deleted)".to_owned()];
    world.lines = vec!["2026/11/23 10:00:00 [error] 7#7: *1 upstream timed out".to_owned()];
    world.unresolved =
        vec![Unresolved { object: "/usr/sbin/nginx".into(), library: Some("libz.so.1".into()), symbol: None }];
    let told = world.service().await;
    has(&told, "p.process.deaths = worker killed by SIGSEGV (bad)");
    has(&told, "p.process.exits = helper exited 3");
    has(&told, "p.process.stale = /usr/lib/libssl.so.3 (bad)");
    has(&told, "p.linkage./usr/sbin/nginx: libz.so.1 = unresolved (bad)");
    assert!(told.iter().any(|line| line.starts_with("p.log.error.") && line.ends_with("upstream timed out")));
}

#[tokio::test]
async fn a_failed_unit_is_told_with_its_journal() {
    let show = "Id=web.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nNRestarts=3\n\
                ConditionTimestampMonotonic=12\nConsistsOf=\n";
    let journal = "{\"MESSAGE\":\"nginx: [emerg] no config\",\"PRIORITY\":\"6\"}\n";
    let sandbox = sandbox(move |request| match request {
        Request::Run(run) if run.program.argv[0] == "systemctl" => ran(End::Exited(0), show, ""),
        Request::Run(_) => ran(End::Exited(0), journal, ""),
        Request::Processes => Reply::Processes(vec![process(1, "systemd", None)]),
        Request::Deaths => Reply::Deaths(Vec::new()),
        _ => Reply::Sockets(Vec::new()),
    })
    .await;
    let services = [Service { name: "web".to_owned(), unit: Some("web.service".to_owned()) }];
    let readings = watch_service(&look(&*sandbox, &services)).await.unwrap();
    let state = readings.iter().find(|(key, _)| key.as_str() == "p.process.state").unwrap();
    assert_eq!(state.1.evidence, ["nginx: [emerg] no config"]);
    let told = told(readings);
    has(&told, "p.process.state = failed (exit-code) (bad)");
    has(&told, "p.process.restarts = by itself (bad)");
    assert!(told.iter().any(|line| line.starts_with("p.log.error.")));
}

#[tokio::test]
async fn a_quiet_environment_is_told_whole() {
    assert_eq!(
        World::healthy().environment(&DriftScope::default()).await.unwrap(),
        [
            "crashes.any = none (good)",
            "limits.disk = kept (good)",
            "limits.files = kept (good)",
            "limits.memory = kept (good)",
            "limits.processes = kept (good)",
            "packages.nginx.state = installed (good)",
            "packages.nginx.version = 1.22.1-9",
            "security.uid-0 = root (good)",
        ]
    );
}

#[tokio::test]
async fn nothing_collected_is_never_an_empty_snapshot() {
    let mut world = World::healthy();
    world.packages = Reply::Packages(Vec::new());
    assert!(matches!(world.environment(&DriftScope::default()).await, Err(ProbeError::Blind(_))));
    let mut world = World::healthy();
    world.processes.clear();
    assert!(matches!(world.environment(&DriftScope::default()).await, Err(ProbeError::Blind(_))));
    let mut world = World::healthy();
    world.packages = failed(FailureKind::NotFound, "read the package database: there is none");
    let told = world.environment(&DriftScope::default()).await.unwrap();
    has(&told, "packages.database = read the package database: there is none");
}

#[tokio::test]
async fn crashes_of_others_and_reached_limits_show() {
    let mut world = World::healthy();
    world.deaths = vec![
        death("cron", SEGMENTATION_FAULT, None),
        death("nginx", SEGMENTATION_FAULT, Some("web")),
        death("grep", End::Exited(1), None),
    ];
    world.reached = vec!["memory"];
    let told = world.environment(&DriftScope::default()).await.unwrap();
    has(&told, "crashes.cron = killed by SIGSEGV (bad)");
    has(&told, "crashes.any = some (bad)");
    has(&told, "limits.memory = reached (bad)");
    assert!(!told.iter().any(|line| line.starts_with("crashes.nginx") || line.starts_with("crashes.grep")));
}

#[tokio::test]
async fn drift_is_told_unless_the_patch_explains_it() {
    let mut world = World::healthy();
    world.owners = [("/usr/sbin/nginx", "nginx"), ("/lib/nginx/a.so", "nginx"), ("/etc/nginx/nginx.conf", "nginx")]
        .map(|(path, package)| (path.to_owned(), package.to_owned()))
        .into();
    world.drift = vec![
        file("/etc/hosts.allow", 0o600, &["content"]),
        file("/etc/nginx/nginx.conf", 0o644, &["content"]),
        file("/etc/nginx/nginx.conf.dpkg-old", 0o644, &["new"]),
        file("/opt/patched/deep/file", 0o644, &["new"]),
        file("/tmp/ignored", 0o644, &["new"]),
        file("/usr/lib/nginx/a.so", 0o644, &["content"]),
        file("/usr/lib/python3/x.pyc", 0o644, &["new"]),
        file("/usr/sbin/nginx", 0o755, &["content"]),
        file("/usr/share/copied-up", 0o644, &[]),
    ];
    let digest = "ab".repeat(32);
    let text = format!("sha256:{digest}");
    assert_eq!(
        world.drifted().await,
        [
            format!("files./etc/hosts.allow = content: file 0600 root:root {text}"),
            format!("files./etc/nginx/nginx.conf = by the patch: content: file 0644 root:root {text}"),
            format!("files./etc/nginx/nginx.conf.dpkg-old = by the patch: new: file 0644 root:root {text}"),
            "security.uid-0 = root (good)".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_drifted_file_that_is_too_large_to_be_read_is_told_by_its_size() {
    let mut world = World::healthy();
    world.drift = vec![FileFact { digest: None, size: 300 << 20, ..file("/opt/disk", 0o644, &["content"]) }];
    has(&world.drifted().await, "files./opt/disk = content: file 0644 root:root 314572800 bytes");
}

#[tokio::test]
async fn what_an_attempt_made_up_is_not_in_a_key() {
    let told = |number: u32| async move {
        let mut world = World::healthy();
        world.logs = vec![file(&format!("/var/log/app/worker-{number}.log"), 0o644, &[])];
        world.drift = vec![
            file(&format!("/opt/app/tmp.{number}aBcD/x"), 0o4755, &["new"]),
            file(&format!("/opt/app/tmp.x{number}aBc/x"), 0o4755, &["new"]),
        ];
        let mut told = world.environment(&DriftScope::default()).await.unwrap();
        told.retain(|line| ["files.", "security.set", "log."].iter().any(|begin| line.starts_with(begin)));
        told
    };
    let one = told(4711).await;
    assert_eq!(one, told(5812).await);
    assert_eq!(one.len(), 4, "{one:#?}");
}

#[tokio::test]
async fn data_of_services_is_told_by_kind_and_owner_only() {
    let mut world = World::healthy();
    let data = |path: &str, user: &str| {
        let mut fact = file(path, 0o600, &["content"]);
        user.clone_into(&mut fact.user);
        user.clone_into(&mut fact.group);
        fact
    };
    let gone = |path: &str| FileFact { kind: FileKind::Gone, ..file(path, 0, &["kind"]) };
    world.drift = vec![
        data("/var/lib/postgresql/15/main/base/1/1259", "root"),
        data("/var/lib/postgresql/15/main/postgresql.auto.conf", "postgres"),
        data("/var/lib/redis/dump.rdb", "redis"),
        gone("/var/lib/shop/data/2026/11/order"),
        gone("/var/lib/shop/licence"),
    ];
    assert_eq!(
        world.drifted().await,
        [
            "files./var/lib/postgresql = file 0600 postgres:postgres",
            "files./var/lib/redis = file 0600 redis:redis",
            "files./var/lib/shop/licence = gone (bad)",
            "security.uid-0 = root (good)",
        ]
    );
}

#[tokio::test]
async fn what_an_update_drops_is_explained_and_what_it_loses_is_not() {
    let mut world = World::healthy();
    let gone = |path: &str| FileFact { kind: FileKind::Gone, ..file(path, 0, &["kind"]) };
    world.owners =
        [("/etc/nginx/nginx.conf", "nginx"), ("/usr/share/nginx/lost", "nginx"), ("/usr/share/nginx/others", "other")]
            .map(|(path, package)| (path.to_owned(), package.to_owned()))
            .into();
    world.drift = vec![
        gone("/etc/app.conf"),
        gone("/usr/share/nginx/dropped"),
        gone("/usr/share/nginx/lost"),
        gone("/usr/share/nginx/others"),
        gone("/usr/share/vendor/file"),
    ];
    assert_eq!(
        world.drifted().await,
        [
            "files./etc/app.conf = gone (bad)",
            "files./usr/share/nginx/lost = gone, and nginx owns it (bad)",
            "files./usr/share/nginx/others = gone (bad)",
            "files./usr/share/vendor/file = gone (bad)",
            "security.uid-0 = root (good)",
        ]
    );
}

#[tokio::test]
async fn what_maintainer_scripts_do_for_their_own_package_alarms_nobody() {
    let mut world = World::healthy();
    let link = |path: &str, target: &str| FileFact {
        kind: FileKind::Gone,
        target: Some(target.to_owned()),
        ..file(path, 0, &["kind"])
    };
    world.drift = vec![
        file("/etc/nginx.conf", 0o644, &["content"]),
        file("/etc/nginxother.conf", 0o600, &["stricter mode"]),
        link("/etc/ssl/1.0", "dropped.pem"),
        link("/etc/ssl/dropped.pem", "/usr/share/nginx/dropped"),
        link("/etc/ssl/other.pem", "/usr/share/other"),
        FileFact {
            kind: FileKind::Link,
            target: Some("/usr/share/nginx/new".to_owned()),
            ..file("/etc/ssl/new.pem", 0o777, &["new"])
        },
    ];
    world.owners = [("/usr/share/nginx/new".to_owned(), "nginx".to_owned())].into();
    let told = world.drifted().await;
    let begins = |text: &str| told.iter().any(|line| line.starts_with(text));
    assert!(begins("files./etc/nginx.conf = by the patch: content"), "{told:?}");
    assert!(begins("files./etc/nginxother.conf = stricter mode"), "{told:?}");
    has(&told, "files./etc/ssl/1.0 = by the patch: a link kind");
    has(&told, "files./etc/ssl/dropped.pem = by the patch: a link kind");
    has(&told, "files./etc/ssl/new.pem = by the patch: a link new");
    has(&told, "files./etc/ssl/other.pem = gone (bad)");
}

#[tokio::test]
async fn configuration_belongs_to_a_package_by_its_name_whatever_its_architecture() {
    let mut world = World::healthy();
    world.drift = vec![file("/etc/nginx.conf", 0o644, &["content"])];
    let scope = DriftScope { packages: vec!["nginx:amd64".to_owned()], ..DriftScope::default() };
    let told = world.environment(&scope).await.unwrap();
    assert!(told.iter().any(|line| line.starts_with("files./etc/nginx.conf = by the patch")), "{told:?}");
}

#[tokio::test]
async fn new_doors_are_flagged_even_when_the_patch_brings_them() {
    let mut world = World::healthy();
    world.owners = [("/usr/bin/su".to_owned(), "nginx".to_owned())].into();
    world.passwd = "root:x:0:0:::\ntoor:x:0:0:::\nbroken line\n";
    let sticky = FileFact { kind: FileKind::Folder, ..file("/opt/patched/drop", 0o1777, &["new"]) };
    world.drift = vec![
        file("/etc/cron.d/job", 0o644, &["new"]),
        file("/etc/sudoers.d/all", 0o440, &["new"]),
        file("/opt/patched/open", 0o666, &["new"]),
        file("/opt/patched/root", 0o4755, &["new"]),
        file("/usr/bin/su", 0o4755, &["content"]),
        sticky,
    ];
    let mut told = world.drifted().await;
    told.retain(|line| line.starts_with("security."));
    assert_eq!(
        told,
        [
            "security.scheduled./etc/cron.d/job = file 0644 root:root (bad)",
            "security.set-id./opt/patched/root = file 4755 root:root (bad)",
            "security.sudoers./etc/sudoers.d/all = file 0440 root:root (bad)",
            "security.uid-0 = root, toor (bad)",
            "security.world-writable./opt/patched/open = file 0666 root:root (bad)",
        ]
    );
}

#[tokio::test]
async fn a_package_that_the_patch_brings_is_no_news() {
    let told = |scope: DriftScope, drift: &'static [&'static str]| async move {
        let mut world = World::healthy();
        world.drift = vec![file("/var/lib/dpkg/info/nginx.list", 0o644, drift)];
        let mut told = world.environment(&scope).await.unwrap();
        told.retain(|line| line.starts_with("packages.") || line.starts_with("files."));
        told
    };
    let scope = || DriftScope { packages: vec!["nginx:amd64".to_owned()], ..DriftScope::default() };
    let (version, state) = ("packages.nginx.version = 1.22.1-9", "packages.nginx.state = installed (good)");
    assert_eq!(told(scope(), &["new"]).await, [version]);
    assert_eq!(told(scope(), &["content"]).await, [state, version]);
    assert_eq!(told(DriftScope::default(), &["new"]).await, [state, version]);
}

#[tokio::test]
async fn more_drift_than_can_be_told_hides_nothing_else_and_is_neither_good_nor_bad() {
    for reply in [
        failed(FailureKind::Limit, "tell files: the answer would be longer than 48 MiB"),
        Reply::Files(vec![file("/opt/x", 0o644, &["new"]); LIMIT]),
    ] {
        let world = World::healthy();
        let sandbox = sandbox(move |request| match request {
            Request::Drift(_) => reply.clone(),
            request => world.answer(request),
        })
        .await;
        let readings = watch_environment(&look(&*sandbox, &[service("web")]), &DriftScope::default()).await.unwrap();
        let blind = readings.iter().find(|(key, _)| key.as_str() == "files.look").unwrap();
        assert!(blind.1.is_unseen());
        has(&told(readings), "packages.nginx.state = installed (good)");
        let (before, after) = (Footprint::default(), Footprint::take(&*sandbox).await.unwrap());
        assert_eq!(after.since(&before), [""; 0]);
        assert!(after.cut(&before).unwrap().contains("cannot be told"));
    }
}

#[tokio::test]
async fn trees_that_the_patch_wrote_are_left_to_the_guest() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (heard, world) = (Arc::clone(&asked), World::healthy());
    let sandbox = sandbox(move |request| {
        if let Request::Drift(question) = request {
            heard.lock().unwrap().clone_from(&question.explained);
        }
        world.answer(request)
    })
    .await;
    let paths = ["/opt/app", "/lib/x", "/etc/x", "/usr", "/usr/lib/systemd/system/a.timer"];
    let scope = DriftScope { paths: paths.map(str::to_owned).to_vec(), ..DriftScope::default() };
    watch_environment(&look(&*sandbox, &[service("web")]), &scope).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["/opt/app", "/opt/app", "/usr/lib/x", "/lib/x"]);
}

#[tokio::test]
async fn a_footprint_is_what_came_between() {
    let take = |facts: Vec<FileFact>| async move {
        Footprint::take(&*sandbox(move |_| Reply::Files(facts.clone())).await).await.unwrap()
    };
    let folder = |path: &str| FileFact { kind: FileKind::Folder, ..file(path, 0o755, &["new"]) };
    let before = take(vec![file("/etc/a", 0o644, &["content"]), file("/etc/b", 0o644, &["new"])]).await;
    let after = take(vec![
        file("/etc/a", 0o600, &["content", "mode"]),
        folder("/opt/x"),
        file("/opt/x/y", 0o644, &["new"]),
        folder("/opt/x-empty"),
    ])
    .await;
    assert_eq!(after.since(&before), ["/etc/a", "/etc/b", "/opt/x-empty", "/opt/x/y"]);
    assert_eq!(after.since(&after), [""; 0]);
}
