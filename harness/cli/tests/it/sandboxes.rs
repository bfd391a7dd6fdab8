//! Whole runs on real sandboxes: verdicts, exit codes, reports, decisions, shells.

use std::io::Write as _;
use std::process::Stdio;

use patchbed_model::Verdict;
use patchbed_testkit::{filters, needs};

use crate::project::{Project, Said, tiny};
use crate::terminal::Terminal;

/// Attempts of both arms come in any order where several run at once.
fn run(project: &Project, words: &[&str]) -> Said {
    project.run(&[&["run", "-j", "1", "--progress", "none"], words].concat())
}

fn screen(said: &Said) -> String {
    format!("{}--- stderr\n{}--- exit {}\n", said.stdout, said.stderr, said.status.unwrap_or(-1))
}

macro_rules! golden {
    ($said:expr) => {
        insta::with_settings!({ filters => [filters::filters(), more()].concat() }, {
            insta::assert_snapshot!(screen(&$said));
        });
    };
}

/// What else differs from run to run: short ids, and how sure numbers make one.
fn more() -> Vec<(&'static str, &'static str)> {
    vec![(r"\bc[0-9a-f]{3}\b", "[ID]"), (r"(?m) +\[ELAPSED\]$", " [ELAPSED]")]
}

#[test]
fn a_harmless_patch_is_same() {
    needs!(userns, overlay, root);
    let said = run(&Project::probing("cat /etc/hostname"), &[]);
    assert_eq!(said.status, Some(0), "{said:?}");
    golden!(said);
}

#[test]
fn a_harmful_patch_regresses() {
    needs!(userns, overlay, root);
    let project = Project::probing("test ! -e /opt/patched");
    let said = run(&project, &["--report", "junit,html,json=out.json"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    golden!(said);
    let written = std::fs::read_to_string(project.path().join("out.json")).expect("the report");
    let record: patchbed_model::Record = serde_json::from_str(&written).expect("the record");
    assert_eq!((record.verdict, record.exit), (Verdict::Regressed, 1));
    let junit = std::fs::read_to_string(project.path().join(".patchbed/last/report.xml")).expect("the report");
    assert!(junit.contains("failures=\"1\""), "{junit}");
    let page = std::fs::read_to_string(project.path().join(".patchbed/last/report.html")).expect("the page");
    assert!(page.contains("<h1>1 cell regressed (1 cause), 0 undecided</h1>"), "{page}");
}

#[test]
fn several_reports_are_made_at_once_and_each_again_from_the_record() {
    needs!(userns, overlay, root);
    let project = Project::probing("test ! -e /opt/patched");
    let said = run(&project, &["--report", "tap,ctrf,markdown,github"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    for (kind, file, sign) in [
        ("tap", "report.tap", "not ok 1 - "),
        ("ctrf", "report.ctrf.json", "\"failed\": 1,"),
        ("markdown", "report.md", "## ✗ 1 cell regressed (1 cause), 0 undecided\n"),
        ("github", "annotations.log", "::error file=scenarios/one.yaml,line=2,title="),
    ] {
        let written = std::fs::read_to_string(project.path().join(".patchbed/last").join(file)).expect("the report");
        assert!(written.contains(sign), "{written}");
        assert_eq!(project.run(&["report", "--format", kind]).stdout, written, "{kind}");
    }
}

#[test]
fn a_difference_waits_for_a_decision_and_is_silent_after_it() {
    needs!(userns, overlay, root);
    let project = Project::probing("cat /opt/patched 2>/dev/null; echo here");
    let changed = run(&project, &[]);
    assert_eq!(changed.status, Some(3), "{changed:?}");
    assert_eq!(run(&project, &["--fail-on", "regressed"]).status, Some(0));
    let review = project.run(&["review"]);
    golden!(review);
    let accepted = project.run(&["accept", "--because", "it says yes"]);
    assert_eq!(accepted.status, Some(0), "{accepted:?}");
    golden!(accepted);
    let again = run(&project, &[]);
    assert_eq!(again.status, Some(0), "{again:?}");
    golden!(again);
    assert_eq!(project.run(&["accept", "--prune"]).stdout, "");
    project.file("scenarios/one.yaml", &tiny("cat /etc/hostname"));
    assert_eq!(run(&project, &[]).status, Some(0));
    let pruned = project.run(&["accept", "--prune"]);
    assert!(pruned.stdout.contains("no longer accepted: probe.look.stdout"), "{pruned:?}");
}

#[test]
fn without_the_cache_an_image_from_a_folder_is_made_anew_for_the_run_alone() {
    needs!(userns, overlay, root);
    let project = Project::new();
    project.file("root/etc/motd", "hello\n");
    project.file("root/bin/nothing", "");
    project.file(
        "scenarios/one.yaml",
        "image: { directory: ../root }\npatch: { files: { write: { /etc/new: x } } }\n\
         probes: [{ files: { paths: /etc/motd, text: true } }]\nautomatic: false\n",
    );
    let said = run(&project, &["--no-cache"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(!project.path().join(".patchbed/no-cache").exists());
}

#[test]
fn two_images_are_compared_by_packages_and_files() {
    needs!(userns, overlay, root);
    let project = Project::new();
    for (root, version) in [("one", "1.0"), ("two", "1.1")] {
        project.file(&format!("{root}/bin/nothing"), "");
        project.file(&format!("{root}/etc/motd"), "hello\n");
        project.file(&format!("{root}/etc/only-{root}"), "x\n");
        project.file(&format!("{root}/etc/release"), version);
        let status = format!("Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n");
        project.file(&format!("{root}/var/lib/dpkg/status"), &status);
    }
    let said = project.run(&["images", "compare", "./one", "./two"]);
    golden!(said);
    let json = project.run(&["images", "compare", "./one", "./one", "--json"]).stdout;
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&document["packages"], &document["files"]), (&serde_json::json!([]), &serde_json::json!([])));
}

#[test]
fn an_environment_that_is_ill_already_ends_with_6() {
    needs!(userns, overlay, root);
    let said = run(&Project::probing("exit 3"), &[]);
    assert_eq!(said.status, Some(6), "{said:?}");
    golden!(said);
}

/// A service that is ready when its probe says so.
fn waiting(ready: &str) -> String {
    tiny("true") + &format!("services: [{{ name: wait, run: sleep 1000, ready: {ready}, within: 1s }}]\n")
}

#[test]
fn a_service_that_is_never_ready_ends_with_6() {
    needs!(userns, overlay, root);
    let said = run(&Project::with(&waiting("{ tcp: 'localhost:1' }")), &[]);
    assert_eq!(said.status, Some(6), "{said:?}");
    golden!(said);
}

#[test]
fn a_service_that_the_patch_keeps_from_being_ready_ends_with_1() {
    needs!(userns, overlay, root);
    let said = run(&Project::with(&waiting("{ command: test ! -e /opt/patched }")), &[]);
    assert_eq!(said.status, Some(1), "{said:?}");
    golden!(said);
}

#[test]
fn a_service_that_dies_some_moments_after_it_was_ready_is_seen() {
    needs!(userns, overlay, root);
    let service = "services: [{ name: late, run: sh -c \"touch /run/up; test ! -e /opt/patched || exec timeout -s KILL 0.2 sleep 1000; exec sleep 1000\", ready: { command: test -e /run/up } }]\n";
    let scenario = (tiny("true") + service).replace("automatic: false\n", "");
    let said = run(&Project::with(&scenario), &[]);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.stdout.contains("late"), "{said:?}");
}

/// The patch does harm only where the bank's product is, and no harm to the scanner.
#[test]
fn harm_that_takes_a_product_is_told_with_the_product() {
    needs!(userns, overlay, root);
    let product = |name: &str, look: &str| {
        format!("  - name: {name}\n    probes: [{{ name: {name} works, command: '{look}' }}]\n")
    };
    let products = product("bank", "test ! -e /opt/patched") + &product("scanner", "true");
    let scenario = format!("{}software:\n{products}", tiny("true"));
    let said = run(&Project::with(&scenario), &[]);
    assert_eq!(said.status, Some(1), "{said:?}");
    golden!(said);
}

/// Of six products two do it together: no cell of the plan says which two, so that a few more are run.
#[test]
fn two_products_that_it_takes_together_are_found_with_further_cells() {
    needs!(userns, overlay, root);
    let products = ["bank", "scanner", "mail", "shop", "vault", "printer"];
    let product = |name: &str| format!("  - {{ name: {name}, workloads: [touch /opt/{name}] }}\n");
    let look = "test ! -e /opt/patched || test ! -e /opt/bank || test ! -e /opt/mail";
    let software = format!("software:\n{}matrix: {{ software: pairs }}\n", products.map(product).concat());
    let project = Project::with(&(tiny(look) + &software + "attempts: { confirm: 1 }\n"));
    let said = run(&project, &[]);
    assert_eq!(said.status, Some(1), "{said:?}");
    golden!(said);
    let record = project.record();
    let scenario = &record.scenarios[0];
    let both = scenario.cells.iter().find(|cell| cell.software == ["bank", "mail"]).expect("a cell with these alone");
    let list = format!("cd /opt; ls -d patched {} 2>/dev/null", products.join(" "));
    let inside = project.run(&["shell", &both.id.0, "--", "sh", "-c", &list]);
    assert_eq!(inside.stdout, "bank\nmail\npatched\n", "{inside:?}");
    // Nothing is left to be done, and nothing more is added.
    assert_eq!(run(&project, &["--last"]).status, Some(1));
    assert_eq!(project.record().scenarios[0].cells, scenario.cells);
}

/// A table that a workload fills, and of which the patch drops a row.
#[test]
fn a_row_that_the_patch_drops_is_shown() {
    needs!(userns, overlay, root);
    let scenario = "image: host\nautomatic: false\nattempts: { confirm: 1 }\n\
                    patch: { command: \"sed -i '/pen/d; s/^3.*/3|inkpot/' /opt/orders\" }\n\
                    workloads: [\"printf '1|book\\\\n2|pen\\\\n3|ink\\\\n' > /opt/orders\"]\n\
                    data: { name: orders, command: cat /opt/orders }\n";
    let said = run(&Project::with(scenario), &[]);
    assert_eq!(said.status, Some(1), "{said:?}");
    golden!(said);
}

/// The scanner runs on, and says of itself that it does not protect.
#[test]
fn a_product_that_runs_without_protecting_is_told() {
    needs!(userns, overlay, root);
    let products = "software:\n  - { name: scanner, degraded: 'test -e /opt/patched && echo protection is off' }\n  \
                    - name: guard\n    services: { name: guard, run: 'test ! -e /opt/patched || echo licence lost; touch /run/up; sleep 1000', ready: { command: test -e /run/up } }\n    \
                    degraded: { text: licence lost }\n\
                    matrix: { software: each }\nattempts: { confirm: 1 }\n";
    let said = run(&Project::with(&(tiny("true") + products)), &[]);
    assert_eq!(said.status, Some(1), "{said:?}");
    golden!(said);
}

#[test]
fn a_product_that_is_ill_without_the_patch_is_named() {
    needs!(userns, overlay, root);
    let product = "software: [{ name: bank, probes: [{ command: 'false' }] }]\n";
    let project = Project::with(&(tiny("true") + product));
    assert_eq!(run(&project, &[]).status, Some(6));
    let said = project.run(&["show", "--json"]);
    assert!(said.stdout.contains("it is ill without the patch only with bank"), "{said:?}");
}

#[test]
fn what_moves_by_itself_is_told_and_waits_to_be_learned() {
    needs!(userns, overlay, root);
    // The patch would break everything, were it in.
    let look = "test -e /opt/patched && exit 1; echo visitor $(od -An -N4 -tu4 /dev/urandom)";
    let speed = "probes: [{ name: speed, metric: { run: echo 120, unit: jobs } }, { name: look,";
    let scenario = tiny(look).replace("probes: [{ name: look,", speed);
    let project = Project::with(&(scenario + "software: [{ name: scanner }]\nmatrix: { software: each }\n"));
    let said = project.run(&["noise", "-j", "1", "--progress", "none"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let visitor = [(r"visitor +\d+", "visitor [NUMBER]")].to_vec();
    insta::with_settings!({ filters => [filters::filters(), visitor].concat() }, {
        insta::assert_snapshot!(screen(&said));
    });
    let waits = std::fs::read_to_string(project.path().join("snapshots/one/host.snap.new")).expect("a candidate");
    assert!(waits.contains("how: volatile"), "{waits}");
    // It is no run that others could go on with.
    assert_eq!(project.run(&["show"]).status, Some(2));
    let json = project.run(&["noise", "--attempts", "2", "-k", "software=scanner", "--json", "--progress", "none"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&document["exit_name"], &document["cells"][0]["moves"]["attempts"]), (&"ok".into(), &2.into()));
}

#[test]
fn what_fails_now_and_then_is_measured_and_what_always_fails_is_ill() {
    needs!(userns, overlay, root);
    let noise = ["noise", "--attempts", "12", "--progress", "none"];
    // That all of twelve fall alike happens once in two thousand times.
    let flaky = Project::probing("test $(($(od -An -N1 -tu1 /dev/urandom) % 2)) = 0").run(&noise);
    assert_eq!(flaky.status, Some(0), "{flaky:?}");
    assert!(flaky.stdout.contains("few-valued") && flaky.stdout.contains("probe.look.exit"), "{flaky:?}");
    let ill = Project::probing("exit 3").run(&["noise", "--progress", "none"]);
    assert_eq!(ill.status, Some(6), "{ill:?}");
    assert!(ill.stdout.contains("ill without the patch already: `probe.look.exit`"), "{ill:?}");
}

#[test]
fn a_wrong_file_keeps_a_good_one_from_being_run() {
    needs!(userns, overlay, root);
    let project = Project::probing("true");
    project.file("scenarios/wrong.yaml", &tiny("true").replace("probes", "prbes"));
    let said = run(&project, &[]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    assert!(!project.path().join(".patchbed").exists(), "something was run");
}

#[test]
fn attempts_that_disagree_end_with_5() {
    needs!(userns, overlay, root);
    // A coin: that so many of them fall alike does not happen.
    let flaky = "test ! -e /opt/patched || test $(($(od -An -N1 -tu1 /dev/urandom) % 2)) = 0";
    let text = tiny(flaky) + "attempts: { control: 4, patched: 40, confirm: 0 }\n";
    let said = run(&Project::with(&text), &[]);
    assert_eq!(said.status, Some(5), "{said:?}");
}

#[test]
fn the_heaviest_exit_code_holds() {
    needs!(userns, overlay, root);
    let project = Project::probing("test ! -e /opt/patched");
    project.file("scenarios/two.yaml", &tiny("exit 3"));
    project.file("scenarios/three.yaml", &tiny("true"));
    let said = run(&project, &["--json"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    let record: patchbed_model::Record = serde_json::from_str(&said.stdout).expect("the record");
    assert_eq!(record.scenarios.len(), 3);
    let failed = run(&project, &["--last-failed", "--json"]);
    let record: patchbed_model::Record = serde_json::from_str(&failed.stdout).expect("the record");
    assert_eq!(record.scenarios.len(), 2, "{failed:?}");
}

#[test]
fn results_are_kept_when_standard_output_is_full_or_gone() {
    needs!(userns, overlay, root);
    let project = Project::probing("true");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let said = project.say(project.command(&["run", "--progress", "none"]).stdout(full));
    assert_eq!(said.status, Some(75), "{said:?}");
    assert_eq!(project.record().verdict, Verdict::Same);
    let mut child = project.command(&["run", "-vv"]).spawn().expect("started");
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().expect("waited").code(), Some(0));
}

#[test]
fn events_are_json_lines() {
    needs!(userns, overlay, root);
    let project = Project::probing("true");
    let said = run(&project, &["--events", "events.jsonl"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let text = std::fs::read_to_string(project.path().join("events.jsonl")).expect("the events");
    let events: Vec<patchbed_model::Event> =
        text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert!(matches!(events.first(), Some(patchbed_model::Event::RunStarted { .. })));
    assert!(matches!(events.last(), Some(patchbed_model::Event::RunFinished { .. })));
}

#[test]
fn a_result_is_shown_again_from_the_record() {
    needs!(userns, overlay, root);
    let project = Project::probing("echo before; test ! -e /opt/patched || echo after");
    let first = run(&project, &[]);
    let shown = project.run(&["show"]);
    let without_place = |text: &str| text.replace(" Record: .patchbed/last", "").replace(' ', "");
    assert_eq!(without_place(&shown.stdout), without_place(&first.stdout));
    let id = project.record().scenarios[0].cells[0].id.clone();
    let cell = project.run(&["show", &id.0[..5], "--diff"]);
    assert_eq!(cell.status, Some(0), "{cell:?}");
    golden!(cell);
    let log = project.run(&["show", "--log", "probe.look"]);
    assert!(log.stdout.contains("after"), "{log:?}");
    assert_eq!(project.run(&["show", "cfffffff"]).status, Some(4));
}

#[test]
fn a_shell_passes_streams_and_status_through() {
    needs!(userns, overlay, root);
    let project = Project::new();
    let said = project.run(&["shell", "host", "--", "/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!(said, Said { status: Some(7), stdout: "out\n".into(), stderr: "err\n".into() });
    assert_eq!(project.run(&["shell", "host", "-c", "kill -9 $$"]).status, Some(137));
    let mut child = project.command(&["shell", "host", "--", "cat"]).stdin(Stdio::piped()).spawn().expect("started");
    child.stdin.take().expect("a pipe").write_all(b"through").expect("written");
    let output = child.wait_with_output().expect("ended");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"through".as_slice()));
    assert_eq!(project.run(&["shell", "host", "--", "/no/such"]).status, Some(127));
}

#[test]
fn a_shell_in_a_cell_has_the_patch_or_not() {
    needs!(userns, overlay, root);
    let project = Project::probing("true");
    run(&project, &[]);
    let id = project.record().scenarios[0].cells[0].id.0.clone();
    let with = project.run(&["shell", &id, "-c", "cat /opt/patched"]);
    assert_eq!((with.status, with.stdout.as_str()), (Some(0), "yes\n"), "{with:?}");
    assert_eq!(project.run(&["shell", "--control", &id, "-c", "test -e /opt/patched"]).status, Some(1));
}

/// A region of what runs, with what it took in the run before; it is gone when the result is shown.
#[test]
fn on_a_terminal_a_region_tells_what_runs() {
    needs!(userns, overlay, root, setsid);
    let project = Project::probing("sleep 1");
    run(&project, &[]);
    let words = ["run", "-j", "1", "--color", "never"];
    let mut terminal = Terminal::start_with(&project, &words, &[("TERM", "xterm")]);
    terminal.wait_for("0 of 1 cell");
    terminal.wait_for(" control 1 ");
    terminal.wait_for(" of about ");
    terminal.wait_for("1 cell same, 0 undecided.");
    assert_eq!(terminal.end(&project).0, Some(0));
}

/// Of a terminal that does not say what it can, nothing is expected; `bar` in a pipe is lines too.
#[test]
fn where_no_region_can_be_drawn_lines_tell_what_was_done() {
    needs!(userns, overlay, root, setsid);
    let project = Project::probing("true");
    let mut terminal = Terminal::start(&project, &["run", "-j", "1", "--color", "never"]);
    terminal.wait_for(" control 1  observed, ");
    terminal.wait_for("1 cell same, 0 undecided.");
    assert_eq!(terminal.end(&project).0, Some(0));
    let piped = project.run(&["run", "-j", "1", "--progress", "bar"]);
    assert!(piped.stderr.contains(" patched 1  observed, "), "{piped:?}");
}

/// In the shell of one arm the probes are asked again, and files of the other arm are there.
#[test]
fn helpers_in_a_shell_ask_probes_again_and_show_the_other_arm() {
    needs!(userns, overlay, root);
    let project = Project::probing("test ! -e /opt/patched");
    assert_eq!(run(&project, &[]).status, Some(1));
    let id = project.record().scenarios[0].cells[0].id.0.clone();
    let inside = |words: &[&str], text: &str| project.run(&[words, &["shell", &id, "-c", text]].concat());
    golden!(inside(&[], "again"));
    let mended = inside(&[], "rm /opt/patched && again look");
    assert_eq!((mended.status, mended.stderr.as_str()), (Some(0), ""), "{mended:?}");
    let wrong = inside(&[], "again lok");
    assert_eq!((wrong.status, wrong.stdout.as_str()), (Some(1), "no probe is named `lok`; there are: look\n"));
    let differs = inside(&[], "cd /opt && diff-arms patched");
    let diff = "--- control\n+++ patched\n@@ -0,0 +1 @@\n+yes\n";
    assert_eq!((differs.status, differs.stdout.as_str()), (Some(1), diff), "{differs:?}");
    assert_eq!(inside(&[], "diff-arms /etc/passwd").status, Some(0));
    let other = project.run(&["shell", "--control", &id, "-c", "test ! -e /opt/patched && other /opt/patched"]);
    assert_eq!((other.status, other.stdout.as_str()), (Some(0), "yes\n"), "{other:?}");
    assert_eq!(inside(&[], "other /no/such").status, Some(1));
}

/// Also in a plain `sh`, which begins with the same file.
#[test]
fn the_prompt_of_a_shell_names_arm_and_cell() {
    needs!(userns, overlay, root, setsid);
    let project = Project::probing("true");
    run(&project, &[]);
    let id = project.record().scenarios[0].cells[0].id.clone();
    for arm in ["patched", "control"] {
        let mut terminal = Terminal::start(&project, &["shell", &format!("--{arm}"), &id.0]);
        let prompt = format!("[{arm} {}] / # ", id.short());
        terminal.wait_for("helpers inside: again [PROBE], other PATH, diff-arms PATH");
        terminal.wait_for(&prompt);
        terminal.press("exec sh -i\n");
        terminal.wait_for(&prompt);
        terminal.press("exit 3\n");
        assert_eq!(terminal.end(&project).0, Some(3));
    }
}

#[test]
fn images_are_taken_in_listed_and_removed() {
    needs!(userns, overlay, root);
    let project = Project::new();
    for name in ["bin", "etc", "usr"] {
        std::fs::create_dir_all(project.path().join("tree").join(name)).expect("made");
    }
    project.file("tree/etc/os-release", "ID=tiny\n");
    let taken = project.run(&["images", "import", "tree", "--name", "tiny"]);
    assert_eq!(taken.status, Some(0), "{taken:?}");
    let listed = project.run(&["images", "list"]);
    assert!(listed.stdout.contains("described  tiny"), "{listed:?}");
    assert_eq!(project.run(&["images", "import", "tree", "--name", "tiny"]).status, Some(2));
    assert_eq!(project.run(&["images", "inspect", "tiny"]).status, Some(0));
    let removed = project.run(&["images", "remove", "tiny"]);
    assert_eq!(removed.status, Some(0), "{removed:?}");
}

#[test]
fn doctor_says_what_holds() {
    needs!(userns, overlay, root);
    let project = Project::new();
    assert_eq!(project.run(&["doctor"]).status, Some(0));
    let json: serde_json::Value = serde_json::from_str(&project.run(&["doctor", "--json"]).stdout).expect("JSON");
    assert_eq!((&json["schema"], &json["able"]), (&"patchbed/doctor/1".into(), &true.into()));
}

#[test]
fn clean_removes_old_runs_and_keeps_the_last() {
    needs!(userns, overlay, root);
    let project = Project::probing("true");
    run(&project, &[]);
    run(&project, &[]);
    let dry = project.run(&["clean", "--older", "0s", "--dry-run"]);
    assert!(dry.stdout.starts_with("1 run "), "{dry:?}");
    let wet = project.run(&["clean", "--older", "0s"]);
    assert!(wet.stdout.starts_with("1 run "), "{wet:?}");
    assert_eq!(project.run(&["show"]).status, Some(0));
}

/// The command after a line of shell, in namespaces of its own.
fn after(project: &Project, flags: &str, line: &str, words: &str) -> Said {
    let mut command = project.command(&[]);
    let script = format!("{line} && exec '{}' {words}", env!("CARGO_BIN_EXE_patchbed"));
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(flags.split(' ')).args(["sh", "-c", &script]).current_dir(project.path()).env_clear();
    unshare.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env_clear();
    project.say(&mut unshare)
}

#[test]
fn a_host_without_user_namespaces_ends_with_77_and_the_remedy() {
    needs!(userns, overlay, root, unshare);
    let project = Project::probing("true");
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces";
    for words in ["doctor", "run", "shell host -- /bin/true"] {
        let said = after(&project, "-U -r", forbid, words);
        assert_eq!(said.status, Some(77), "{words}: {said:?}");
        assert!(format!("{}{}", said.stdout, said.stderr).contains("max_user_namespaces"), "{said:?}");
    }
}

#[test]
fn a_full_disk_ends_with_75() {
    needs!(userns, overlay, root, unshare);
    let project = Project::probing("true");
    std::fs::create_dir(project.path().join(".patchbed")).expect("made");
    let line = "mount -t tmpfs -o size=8k none .patchbed && head -c 8000 /dev/zero > .patchbed/filler";
    let said = after(&project, "-m", line, "run");
    assert_eq!(said.status, Some(75), "{said:?}");
    assert!(said.stderr.contains("No space left on device"), "{said:?}");
}
