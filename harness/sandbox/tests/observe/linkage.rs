//! Libraries of programs and of running services.

use patchbed_guest::message::Unresolved;
use patchbed_testkit::needs;

use crate::bed::{Bed, run};
use crate::compiled::{compile, service, show, until};

const PLUGIN: &str = "int plugged(void); int gone(void); int use(void) { return plugged() + gone(); }";
const LIBRARY: &str = "int plugged(void) { return 1; } int gone(void) { return 2; }";
const HOST: &str = r#"
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
int main(void) {
    if (!dlopen("/opt/app/plugin.so", RTLD_LAZY)) { write(2, dlerror(), 200); return 1; }
    close(open("/run/ready", O_CREAT, 0644));
    pause();
}
"#;

fn told(unresolved: Vec<Unresolved>) -> Vec<String> {
    let tell = |one: Unresolved| {
        format!("{} {} {}", one.object, one.library.unwrap_or_default(), one.symbol.unwrap_or_default())
    };
    unresolved.into_iter().map(tell).collect()
}

#[tokio::test]
async fn a_plug_in_of_a_running_service_is_judged_with_what_the_service_has_loaded() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    compile(&bed, "libhost.so", LIBRARY, &["-shared", "-fPIC"]);
    compile(&bed, "host", HOST, &["-ldl", "./libhost.so", "-Wl,--no-as-needed"]);
    compile(&bed, "host", HOST, &["-Wl,--no-as-needed", "-L.", "-lhost", "-ldl"]);
    compile(&bed, "plugin.so", PLUGIN, &["-shared", "-fPIC"]);
    show(&mut bed);
    let sandbox = bed.open().await;
    let install =
        "mkdir -p /opt/app /run; cd /opt/built; for f in *; do cat $f > /opt/app/$f; chmod 755 /opt/app/$f; done";
    run(&*sandbox, install).await;
    let start = service("host", &["/opt/app/host"], &[("LD_LIBRARY_PATH", "/opt/app")]);
    sandbox.start(start).await.expect("start");
    until(&*sandbox, "/run/ready").await;
    let of_service = || sandbox.linkage(Vec::new(), vec!["host".into()]);
    assert_eq!(told(of_service().await.expect("linkage")), [""; 0]);
    // By its path alone nobody knows where the library is, and the plug-in may find its symbols anywhere.
    let paths = vec!["/opt/app/host".into(), "/opt/app/plugin.so".into()];
    assert_eq!(told(sandbox.linkage(paths, Vec::new()).await.expect("linkage")), ["/opt/app/host libhost.so "]);
    compile(&bed, "libhost.so", "int plugged(void) { return 1; }", &["-shared", "-fPIC"]);
    run(&*sandbox, "cat /opt/built/libhost.so > /opt/app/new; mv /opt/app/new /opt/app/libhost.so").await;
    assert_eq!(told(of_service().await.expect("linkage")), ["/opt/app/plugin.so  gone"]);
    run(&*sandbox, "rm /opt/app/libhost.so").await;
    assert_eq!(told(of_service().await.expect("linkage")), ["/opt/app/host libhost.so "]);
}

#[tokio::test]
async fn the_programs_of_the_image_get_everything() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    assert_eq!(told(sandbox.linkage(vec!["/usr/bin/*".into()], Vec::new()).await.expect("linkage")), [""; 0]);
    let error = sandbox.linkage(vec!["/usr/bin/none".into()], Vec::new()).await.expect_err("there is none");
    assert_eq!(error.to_string(), "look at `/usr/bin/none`: no such program or library");
}
