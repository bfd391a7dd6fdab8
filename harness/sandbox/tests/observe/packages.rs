//! The package database of an image.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_guest::message::WriteFile;
use patchbed_testkit::needs;

use crate::bed::{Bed, run};

#[tokio::test]
async fn packages_are_told_and_a_lost_database_is_no_empty_list() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let error = sandbox.packages().await.expect_err("there is no database");
    assert_eq!(error.to_string(), "read `/var/lib/dpkg/status`: no such file or directory");
    let file =
        |path: &str, text: &str| WriteFile { path: path.into(), data: STANDARD.encode(text), mode: None, owner: None };
    let status = "Package: a\nStatus: install ok half-configured\nVersion: 1:2-3\nArchitecture: all\nDepends: b (>= 2)\n\n\
        Package: b\nStatus: install ok installed\nVersion: 1.9\nArchitecture: all\n";
    let files = vec![
        file("/var/lib/dpkg/status", status),
        file("/var/lib/dpkg/info/a.list", "/.\n/bin\n/bin/cat\n/etc\n/etc/conf\n"),
        file("/var/lib/dpkg/info/b.list", "/.\n/etc\n/etc/conf.d\n"),
    ];
    sandbox.write_files(files).await.expect("write");
    let packages = sandbox.packages().await.expect("packages");
    let told: Vec<_> =
        packages.iter().map(|one| format!("{} {} {} {:?}", one.name, one.version, one.state, one.unmet)).collect();
    assert_eq!(told, ["a 1:2-3 half-configured [\"b (>= 2)\"]", "b 1.9 installed []"]);
    let owners: Vec<_> = sandbox.owners(vec!["a".into()]).await.expect("owners").into_iter().collect();
    assert_eq!(owners, [("/etc/conf".into(), "a".into()), ("/usr/bin/cat".into(), "a".into())]);
    run(&*sandbox, "rm /var/lib/dpkg/status; mkfifo /var/lib/dpkg/status").await;
    assert!(sandbox.packages().await.is_err());
}
