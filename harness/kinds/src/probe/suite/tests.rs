use proptest::prelude::*;

use patchbed_sandbox::message::{End, FailureKind, Output, Ran, Reply};

use super::kind::{Format, Suite};
use super::report::{Outcome, Report};
use crate::document::{Argv, Content, Node, Place, Problems, Read as _};
use crate::probe::ProbeError;
use crate::probe::testing::{failed, output, ran, seen, told};

/// What Perl's `Test::More` prints.
const TAP: &str = "1..5
ok 1 - adds
not ok 2 - subtracts
#   Failed test 'subtracts'
#          got: '1'
#     expected: '2'
ok 3 # skip no network
not ok 4 - divides # TODO later
#   Failed (TODO) test 'divides'
# Subtest: parts
    1..1
    ok 1 - inner
ok 5 - parts
";

/// What pytest writes.
const JUNIT: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest"
errors="0" failures="1" skipped="1" tests="4" time="0.025"><testcase classname="tests.test_shop" name="test_buy"
time="0.001" /><testcase classname="tests.test_shop" name="test_sell[&lt;none&gt;]" time="0.001"><failure
message="assert 1 == 2">def test_sell():
&gt;       assert 1 == 2
E       assert 1 == 2
</failure></testcase><testcase classname="tests.test_shop" name="test_later" time="0.000"><skipped
type="pytest.skip" message="no network"><![CDATA[tests/test_shop.py:9: no network]]></skipped></testcase><testcase
name="setup"><error>failed on setup</error></testcase></testsuite></testsuites>"#;

/// What two test programs print, run by `cargo test`.
const CARGO: &str = "
running 4 tests
test shop::buys ... ok
test shop::panics - should panic ... ok
test shop::waits ... ignored, slow
test shop::sells ... FAILED

failures:

---- shop::sells stdout ----

thread 'shop::sells' panicked at src/lib.rs:20:9:
assertion failed: false


failures:
    shop::sells

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s


running 1 test
test shop::buys ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

/// What `go test -json` prints.
const GO: &str = r#"{"Time":"2026-11-25T10:00:00Z","Action":"start","Package":"example/shop"}
{"Action":"run","Package":"example/shop","Test":"TestBuy"}
{"Action":"output","Package":"example/shop","Test":"TestBuy","Output":"=== RUN   TestBuy\n"}
{"Action":"pass","Package":"example/shop","Test":"TestBuy","Elapsed":0}
{"Action":"run","Package":"example/shop","Test":"TestSell/none"}
{"Action":"output","Package":"example/shop","Test":"TestSell/none","Output":"    shop_test.go:9: sold nothing\n"}
{"Action":"fail","Package":"example/shop","Test":"TestSell/none","Elapsed":0}
{"Action":"skip","Package":"example/shop","Test":"TestLater","Elapsed":0}
{"Action":"run","Package":"example/shop","Test":"TestHang"}
{"Action":"fail","Package":"example/shop","Elapsed":0.003}
# example/stock
stock/stock.go:3:2: undefined: price
{"Action":"output","Package":"example/stock","Output":"FAIL\texample/stock [build failed]\n"}
{"Action":"fail","Package":"example/stock","Elapsed":0}
"#;

fn suite(format: Format) -> Suite {
    let run = Argv(vec!["prove".to_owned()]);
    Suite { run: Some(run), format, file: None, user: None, environment: None, directory: None }
}

/// The readings of a suite that printed this and ended so.
async fn readings(format: Format, text: &str, status: i32) -> Vec<String> {
    told(seen(&suite(format), ran(End::Exited(status), text, "")).await.unwrap())
}

/// The tests of a report with their evidence in one line, and what is wrong with it.
fn tests(report: &Report) -> Vec<String> {
    let tests = report.tests.iter().map(|test| {
        let evidence: Vec<&str> =
            test.evidence.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        let because = if evidence.is_empty() { String::new() } else { format!(": {}", evidence.join(" / ")) };
        format!("{} {:?}{because}", test.name, test.outcome)
    });
    tests.chain(report.trouble.clone()).collect()
}

#[tokio::test]
async fn every_test_is_a_state_under_its_name() {
    assert_eq!(
        readings(Format::Tap, TAP, 1).await,
        [
            "p.adds = ok (good)",
            "p.count.failed = 1",
            "p.count.ok = 2",
            "p.count.skipped = 2",
            "p.divides = skipped",
            "p.parts = ok (good)",
            "p.subtracts = failed (bad)",
            "p.suite = ran (good)",
            "p.test 3 = skipped",
        ]
    );
}

#[test]
fn tap_is_read_with_its_directives_and_diagnostics() {
    assert_eq!(
        tests(&Format::Tap.read(TAP)),
        [
            "adds Ok",
            "subtracts Failed: #   Failed test 'subtracts' / #          got: '1' / #     expected: '2'",
            "test 3 Skipped: no network",
            "divides Skipped: later",
            "parts Ok",
        ]
    );
    let fourteen =
        "TAP version 14\npragma +strict\nok 1 - issue \\#7 # not a directive\nnot ok 2 - x # SKIP broken\n1..2\n";
    assert_eq!(tests(&Format::Tap.read(fourteen)), ["issue #7 # not a directive Ok", "x Failed: broken"]);
    assert_eq!(tests(&Format::Tap.read("1..0 # SKIP no database\n")), ["all tests Skipped: no database"]);
    assert_eq!(tests(&Format::Tap.read("okay\nnot okay\nok\n1..1\n")), ["test 1 Ok"]);
}

#[test]
fn tap_that_ends_early_says_so() {
    for (text, trouble) in [
        ("1..3\nok 1\nok 2\n", "cut short: 2 of 3 tests"),
        ("ok 1\nok 2\n", "cut short: no plan"),
        ("1..1\nok 1\nok 2\n", "2 tests where 1 were planned"),
        ("1..3\nok 1\nBail out! no database\nok 2\n", "bailed out: no database"),
        ("1..3\n    Bail out!\n", "bailed out"),
    ] {
        assert_eq!(Format::Tap.read(text).trouble.as_deref(), Some(trouble), "{text:?}");
    }
}

#[test]
fn junit_is_read_by_class_and_name() {
    assert_eq!(
        tests(&Format::Junit.read(JUNIT)),
        [
            "tests.test_shop.test_buy Ok",
            "tests.test_shop.test_sell[<none>] Failed: assert 1 == 2 / def test_sell(): / assert 1 == 2 / E       assert 1 == 2",
            "tests.test_shop.test_later Skipped: no network / tests/test_shop.py:9: no network",
            "setup Failed: failed on setup",
        ]
    );
    let short = tests(&Format::Junit.read(&JUNIT[..JUNIT.find("<failure").unwrap()]));
    let [_, second, trouble] = &short[..] else { unreachable!("{short:?}") };
    assert_eq!([second, trouble], ["tests.test_shop.test_sell[<none>] Ok", "its report breaks off"]);
}

#[test]
fn tests_of_cargo_are_read_with_what_they_printed() {
    assert_eq!(
        tests(&Format::Cargo.read(CARGO)),
        [
            "shop::buys Ok",
            "shop::panics Ok",
            "shop::waits Skipped: slow",
            "shop::sells Failed: thread 'shop::sells' panicked at src/lib.rs:20:9: / assertion failed: false",
            "shop::buys Ok",
        ]
    );
    let aborted = "running 2 tests\ntest a ... ok\n";
    assert_eq!(Format::Cargo.read(aborted).trouble.as_deref(), Some("cut short: 1 of 2 tests"));
}

#[test]
fn tests_of_go_are_read_and_packages_that_fail_alone() {
    assert_eq!(
        tests(&Format::GoJson.read(GO)),
        [
            "example/shop.TestBuy Ok",
            "example/shop.TestSell/none Failed: shop_test.go:9: sold nothing",
            "example/shop.TestLater Skipped",
            "example/stock Failed: FAIL\texample/stock [build failed]",
            "example/shop.TestHang Failed: it never ended",
        ]
    );
}

#[tokio::test]
async fn tests_of_one_name_are_numbered_and_none_hides_the_suite() {
    let told = readings(Format::Tap, "1..5\nok - a\nnot ok - a\nok - a #2\nok - suite\nok - pid 77\n", 1).await;
    let own: Vec<_> = told.iter().filter(|line| !line.starts_with("p.count.")).collect();
    assert_eq!(
        own,
        [
            "p.a = ok (good)",
            "p.a #2 = failed (bad)",
            "p.a #2 #2 = ok (good)",
            "p.pid ⟨pid⟩ = ok (good)",
            "p.suite = ran (good)",
            "p.suite #2 = ok (good)",
        ]
    );
}

#[tokio::test]
async fn a_suite_that_tells_too_little_is_in_a_bad_state() {
    for (end, text, state) in [
        (End::Exited(0), "hello", "prints nothing that can be read (bad)"),
        (End::Exited(0), "1..2\nok 1\n", "cut short: 1 of 2 tests (bad)"),
        (End::Exited(2), "1..1\nok 1\n", "exits with 2, and no test failed (bad)"),
        (End::Exited(2), "1..1\nnot ok 1\n", "ran (good)"),
        (End::Killed { signal: 11, core: false }, "1..1\nok 1\n", "killed by SIGSEGV (bad)"),
        (End::TimedOut, "1..1\nok 1\n", "not ended within 5 s (bad)"),
    ] {
        let told = told(seen(&suite(Format::Tap), ran(end, text, "")).await.unwrap());
        assert!(told.contains(&format!("p.suite = {state}")), "{told:?}");
    }
    let missing = seen(&suite(Format::Tap), failed(FailureKind::NotFound, "run `prove`: no such file")).await.unwrap();
    assert_eq!(told(missing), ["p.suite = not found (bad)"]);
    assert_eq!(readings(Format::Exit, "", 3).await, ["p.exit = 3 (bad)", "p.signal = none (good)"]);
}

#[tokio::test]
async fn of_a_report_that_was_cut_nothing_is_said() {
    let output = Output { total: 9 << 20, ..output("1..1\nok 1\n") };
    let ran = Ran { end: End::Exited(0), output, errors: Output::default(), microseconds: 1 };
    let blind = seen(&suite(Format::Tap), Reply::Ran(ran)).await;
    assert!(matches!(blind, Err(ProbeError::Blind(_))), "{blind:?}");
}

#[test]
fn fields_fit_the_format() {
    let problems = |fields: &[(&str, &str)]| {
        let text = |text: &str| Node::of(Place::default(), Content::Text(text.to_owned()));
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect();
        let mut problems = Problems::default();
        let _ = Suite::read(&Node::of(Place::default(), Content::Map(fields)), &mut problems);
        problems.list.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    let (run, tree) = (("run", "make check"), ("directory", "/srv/shop"));
    assert_eq!(problems(&[run, ("format", "junit"), ("file", "/tmp/report.xml")]), none);
    assert_eq!(problems(&[("format", "autopkgtest"), tree]), none);
    assert_eq!(problems(&[run, ("format", "tap"), ("file", "/tmp/x")]), ["`tap` writes no file that is read"]);
    assert_eq!(problems(&[("format", "tap")]), ["`run` is missing"]);
    assert_eq!(problems(&[("format", "autopkgtest")]), ["`directory` is missing"]);
    let both = ["`autopkgtest` runs what stands in `debian/tests/control`"];
    assert_eq!(problems(&[run, ("format", "autopkgtest"), tree]), both);
}

const FORMATS: [Format; 5] = [Format::Tap, Format::Junit, Format::Exit, Format::Cargo, Format::GoJson];

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..2000) {
        let wild = String::from_utf8_lossy(&bytes).into_owned();
        for format in FORMATS {
            let _ = format.read(&wild);
            for sample in [TAP, JUNIT, CARGO, GO] {
                let cut = (0..=cut.min(sample.len())).rev().find(|&at| sample.is_char_boundary(at)).unwrap_or(0);
                let _ = format.read(&format!("{}{wild}{}", &sample[..cut], &sample[cut..]));
            }
        }
    }

    #[test]
    fn a_plan_that_is_kept_is_no_trouble(good in prop::collection::vec(any::<bool>(), 1..30)) {
        let points = good.iter().map(|&good| if good { "ok\n" } else { "not ok\n" });
        let text = format!("1..{}\n{}", good.len(), points.collect::<String>());
        let report = Format::Tap.read(&text);
        prop_assert_eq!(report.trouble, None);
        let outcomes: Vec<bool> = report.tests.iter().map(|test| test.outcome == Outcome::Ok).collect();
        prop_assert_eq!(outcomes, good);
    }
}
