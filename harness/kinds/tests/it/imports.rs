//! What programs import, on real sandboxes with the interpreters of the image.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::image::{Image, extend, paths_of};
use patchbed_kinds::probe::Look;
use patchbed_kinds::probe::automatic::{DriftScope, Programs, watch_imports};
use patchbed_model::{Class, Health, Key, Reading};
use patchbed_sandbox::Sandbox;
use patchbed_sandbox::message::{Program, Run};
use serde_json::json;

use crate::bench::{Bench, change, same, trial};
use crate::wheel::Wheel;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial!(imports::a_name_that_a_module_lost_is_told_where_it_is_used),
        trial!(imports::a_package_that_cannot_be_imported_is_told_with_its_users),
        trial!(imports::modules_that_end_or_hang_do_not_end_the_others),
        trial!(imports::hostile_programs_are_read_or_passed_over),
        trial!(imports::what_packages_of_node_lost_is_told),
        trial!(imports::programs_are_found_in_the_layers_of_changes),
        trial!(imports::without_interpreters_nothing_is_told),
    ]
}

const SITE: &str = "/srv/venv/lib/python3.*/site-packages";

/// The test image with a venv, in which modules lie as a test writes them.
struct Place {
    sandbox: Box<dyn Sandbox>,
}

impl Place {
    async fn new(bench: &Bench) -> Result<Self> {
        let image = with_venv(bench).await?;
        Ok(Self { sandbox: bench.open(&image, &[]).await? })
    }

    /// Runs a shell command that must succeed.
    async fn sh(&self, command: &str) -> Result<()> {
        let argv = ["/bin/sh", "-ec", command].map(str::to_owned).to_vec();
        let program = Program { argv, ..Program::default() };
        let ran = self.sandbox.run(Run { program, within: 60_000, keep: 1 << 16, ..Run::default() }).await?;
        ensure!(ran.end == patchbed_sandbox::message::End::Exited(0), "{command}: {ran:?}");
        Ok(())
    }

    /// Writes a file.
    async fn write(&self, path: &str, text: &str) -> Result<()> {
        self.sh(&format!("mkdir -p \"$(dirname {path})\"; cat > {path} <<'END'\n{text}\nEND")).await
    }

    /// A distribution of one module.
    async fn distribution(&self, name: &str, text: &str) -> Result<()> {
        self.sh(&format!(
            "cd {SITE}; mkdir -p {name} {name}-1.dist-info; echo 'Name: {name}' > {name}-1.dist-info/METADATA; \
             echo '{name}/__init__.py,,' > {name}-1.dist-info/RECORD; cat > {name}/__init__.py <<'END'\n{text}\nEND"
        ))
        .await
    }

    /// What does not resolve, without the places of packages; what was not read comes last.
    async fn told(&self, paths: &[&str], scope: &DriftScope) -> Result<Vec<String>> {
        let version = self.version().await?;
        let paths: Vec<String> = paths.iter().map(|path| path.replace("SITE", &version)).collect();
        let programs = Programs::among(paths.iter().map(String::as_str));
        let readings = look(&*self.sandbox, scope, &programs).await?;
        let told = readings.iter().filter_map(|(key, reading)| match (reading.class, reading.health) {
            (Class::State, Some(Health::Bad)) => Some(key.as_str().replace(&version, "SITE")),
            (Class::Fact, _) if key.as_str().ends_with(".unread") => Some(format!("{key} = {}", reading.value)),
            _ => None,
        });
        Ok(told.collect())
    }

    /// The folder of the venv's packages.
    async fn version(&self) -> Result<String> {
        let argv = ["/bin/sh", "-c", &format!("echo {SITE}")].map(str::to_owned).to_vec();
        let program = Program { argv, ..Program::default() };
        let ran = self.sandbox.run(Run { program, within: 60_000, keep: 1 << 10, ..Run::default() }).await?;
        Ok(ran.output.text.trim().to_owned())
    }
}

async fn with_venv(bench: &Bench) -> Result<Image> {
    let image = bench.debian_with_languages().await?;
    bench.kept_with(image, &[change("command", json!("python3 -m venv /srv/venv"))?]).await
}

async fn look(sandbox: &dyn Sandbox, scope: &DriftScope, programs: &Programs) -> Result<Vec<(Key, Reading)>> {
    let look = Look {
        sandbox,
        prefix: Key::from("imports"),
        services: &[],
        service: None,
        since: None,
        within: Duration::from_mins(2),
        systemd: false,
    };
    Ok(watch_imports(&look, scope, programs).await?)
}

/// A program that uses what it can do without only where it is there.
const CAREFUL: &str = r#"#!/srv/venv/bin/python
import sys, ppgood
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from ppgood import Absent
try:
    import ppabsent
except ImportError:
    ppabsent = None
if sys.version_info < (3, 0):
    import urllib2
def work(ppother):
    ppother.absent()
    if hasattr(ppgood, "newer"):
        ppgood.newer()
    try:
        ppgood.newest()
    except AttributeError:
        pass
    try:
        return ppgood.helper()
    except ValueError:
        return None
print(ppgood.Tool.run)
sys.exit("a program is not run")"#;

pub(crate) async fn a_name_that_a_module_lost_is_told_where_it_is_used(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    place.distribution("ppgood", "def helper(): pass\nclass Tool:\n    def run(self): pass").await?;
    place.distribution("ppuser", "import ppgood\ndef use():\n    return ppgood.helper()").await?;
    place.write("/srv/app/job.py", CAREFUL).await?;
    place.write("/srv/app/none.py", "import ppuser, near, json.tool\nnear.anything").await?;
    place.write("/srv/app/near.py", "import ppabsent").await?;
    let paths = [
        "/srv/venv/pyvenv.cfg",
        "/srv/app/job.py",
        "/srv/app/none.py",
        "/srv/app/near.py",
        "SITE/ppgood-1.dist-info/METADATA",
        "SITE/ppuser-1.dist-info/METADATA",
    ];
    let scope = DriftScope::default();
    let before = ["imports.python./srv/app/near.py: ppabsent cannot be imported"];
    same(&place.told(&paths, &scope).await?[..], &before.map(String::from)[..])?;
    place.distribution("ppgood", "class Tool: pass").await?;
    let after = [
        "imports.python./srv/app/job.py: ppgood has no helper",
        "imports.python./srv/app/job.py: ppgood.Tool has no run",
        before[0],
        "imports.python.SITE/ppuser/__init__.py: ppgood has no helper",
    ];
    same(&place.told(&paths, &scope).await?[..], &after.map(String::from)[..])?;
    // What the patch itself brought is not looked at.
    let scope = DriftScope { paths: vec![format!("{}/ppuser", place.version().await?)], ..DriftScope::default() };
    same(&place.told(&paths, &scope).await?[..], &after.map(String::from)[..3])
}

pub(crate) async fn a_package_that_cannot_be_imported_is_told_with_its_users(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    place.distribution("ppgood", "helper = 1").await?;
    place.distribution("ppuser", "from ppgood import helper").await?;
    place.write("/srv/app/job.py", "import os\ndef late():\n    from ppuser import helper").await?;
    let paths = ["/srv/venv/pyvenv.cfg", "/srv/app/job.py", "SITE/ppuser-1.dist-info/METADATA"];
    same(&place.told(&paths, &DriftScope::default()).await?, &Vec::new())?;
    place.distribution("ppgood", "").await?;
    let after = [
        "imports.python./srv/app/job.py: ppuser cannot be imported",
        "imports.python.SITE/ppuser/__init__.py: ppuser cannot be imported",
    ];
    same(&place.told(&paths, &DriftScope::default()).await?[..], &after.map(String::from)[..])
}

pub(crate) async fn modules_that_end_or_hang_do_not_end_the_others(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    place.distribution("pphang", "while True: pass").await?;
    place.distribution("ppexit", "import sys; sys.exit(0)").await?;
    place.distribution("ppend", "import os; os._exit(0)").await?;
    place.distribution("ppcrash", "import ctypes; ctypes.string_at(0)").await?;
    place.distribution("ppnoise", "import os; os.write(1, b'x' * 100000); os.system('sleep 1000 &')").await?;
    place.write("/srv/app/job.py", "import pphang, ppexit, ppend, ppcrash, ppnoise\nppnoise.absent()").await?;
    place.write("/srv/app/other.py", "import ppnoise\nppnoise.missing()").await?;
    let begun = Instant::now();
    let told =
        place.told(&["/srv/venv/pyvenv.cfg", "/srv/app/job.py", "/srv/app/other.py"], &DriftScope::default()).await?;
    let expected = [
        "imports.python./srv/app/job.py: ppcrash cannot be imported",
        "imports.python./srv/app/job.py: ppend cannot be imported",
        "imports.python./srv/app/job.py: ppexit cannot be imported",
        "imports.python./srv/app/job.py: ppnoise has no absent",
        "imports.python./srv/app/other.py: ppnoise has no missing",
        "imports.python.unread = pphang",
    ];
    same(&told[..], &expected.map(String::from)[..])?;
    ensure!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    let left = place.sandbox.processes().await?;
    ensure!(!left.iter().any(|process| process.name == "sleep"), "{left:#?}");
    Ok(())
}

pub(crate) async fn hostile_programs_are_read_or_passed_over(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    place.write("/srv/app/broken.py", "def (:").await?;
    place.write("'/srv/app/a b\n\"quoted\".py'", "import ppabsent").await?;
    place.sh("cd /srv/app; printf 'x = \"\\377\"\\nimport ppabsent\\n' > bytes.py; printf 'x\\0y' > null.py").await?;
    place.sh("cd /srv/app; mkfifo pipe.py; ln -s loop.py loop.py; mkdir folder.py; truncate -s 9G huge.py").await?;
    place
        .sh("cd /srv/app; python3 -c 'print(\"(\" * 5000 + \")\" * 5000)' > deep.py; printf '\\377#!' > program")
        .await?;
    place
        .sh("cd /srv/app; python3 -c 'print(\"x = \" + \"1 + \" * 50000 + \"1\")' > long.py; chmod +x program")
        .await?;
    let names =
        ["broken", "bytes", "null", "pipe", "loop", "folder", "huge", "deep", "long", "gone", "a b\n\"quoted\""];
    let paths: Vec<String> = names.iter().map(|name| format!("/srv/app/{name}.py")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).chain(["/srv/app/program"]).collect();
    let told = place.told(&paths, &DriftScope::default()).await?;
    let has = |line: &str| told.iter().any(|told| told == line);
    ensure!(has("imports.python./srv/app/broken.py: cannot be read by its interpreter"), "{told:#?}");
    ensure!(has("imports.python./srv/app/bytes.py: cannot be read by its interpreter"), "{told:#?}");
    ensure!(has("imports.python./srv/app/a b \"quoted\".py: ppabsent cannot be imported"), "{told:#?}");
    let odd = ["pipe", "loop", "folder", "huge", "gone", "program"];
    ensure!(!told.iter().any(|told| odd.iter().any(|name| told.contains(name))), "{told:#?}");
    Ok(())
}

pub(crate) async fn what_packages_of_node_lost_is_told(bench: &Bench) -> Result<()> {
    let place = Place::new(bench).await?;
    let package = async |name: &str, text: &str, files: &[(&str, &str)]| {
        let folder = format!("/srv/node/node_modules/{name}");
        place.sh(&format!("rm -rf {folder}")).await?;
        place.write(&format!("{folder}/package.json"), text).await?;
        for (file, text) in files {
            place.write(&format!("{folder}/{file}"), text).await?;
        }
        anyhow::Ok(())
    };
    let first = "exports.make = () => 1; exports.Server = class {}; exports.odd = exports.old = () => 1;";
    package("ppgood", r#"{ "name": "ppgood" }"#, &[("index.js", first), ("deep.js", "module.exports = () => 1;")])
        .await?;
    package("ppuser", r#"{ "name": "ppuser" }"#, &[("index.js", "require('ppgood').make();")]).await?;
    let job = "const good = require('ppgood'), deep = require('ppgood/deep');\n\
               const near = require('./near'); near.absent();\n\
               if (good.odd) good.odd();\ntry { good.gone(); require('ppabsent'); } catch (e) { require('ppother'); }\n\
               function late(deep) { deep.anything(); return new good.Server(); }\ngood.make(); good.old();";
    place.write("/srv/node/job.js", job).await?;
    place
        .write(
            "/srv/node/job.mjs",
            "import { make } from 'ppgood';\nimport * as fs from 'node:fs';\nmake(fs.readFileSync);",
        )
        .await?;
    place.write("/srv/node/types.js", "const x: string = require('ppabsent');").await?;
    let paths = [
        "/srv/node/job.js",
        "/srv/node/job.mjs",
        "/srv/node/types.js",
        "/srv/node/node_modules/ppgood/package.json",
        "/srv/node/node_modules/ppuser/package.json",
    ];
    let unread = "imports.node.unread = /srv/node/types.js";
    same(&place.told(&paths, &DriftScope::default()).await?, &vec![unread.to_owned()])?;
    let text = r#"{ "name": "ppgood", "exports": { ".": "./index.js" } }"#;
    package("ppgood", text, &[("index.js", "exports.old = 1;")]).await?;
    let after = [
        "imports.node./srv/node/job.js: ppgood has no Server",
        "imports.node./srv/node/job.js: ppgood has no make",
        "imports.node./srv/node/job.js: ppgood.old is no function",
        "imports.node./srv/node/job.js: ppgood/deep cannot be loaded",
        "imports.node./srv/node/job.mjs: ppgood has no make",
        "imports.node./srv/node/node_modules/ppuser/package.json: ppuser cannot be loaded",
        unread,
    ];
    same(&place.told(&paths, &DriftScope::default()).await?[..], &after.map(String::from)[..])?;
    package("ppgood", text, &[("index.js", "for (;;) {}")]).await?;
    let hung = place.told(&paths[..2], &DriftScope::default()).await?;
    ensure!(hung.iter().any(|line| line.contains("unread = ") && line.contains("require ppgood")), "{hung:#?}");
    Ok(())
}

pub(crate) async fn programs_are_found_in_the_layers_of_changes(bench: &Bench) -> Result<()> {
    let image = with_venv(bench).await?;
    let before = image.lowers.len();
    let text = "def main(): pass\ndef helper(): pass\n";
    Wheel { name: "ppgood", version: "1.0", text, needs: &[] }.write(bench, "wheels")?;
    let changes: Vec<AnyChange> = vec![
        change("pip", json!({ "packages": "ppgood", "from": "wheels", "python": "/srv/venv/bin/python" }))?,
        change(
            "files",
            json!({ "write": { "/srv/app/job.py": "import ppgood\nppgood.helper()\nppgood.absent()\n" } }),
        )?,
        change("command", json!("touch \"$(printf '/srv/app/\\377.py')\""))?,
    ];
    let image = extend(&bench.workshop(None), image, &changes).await?;
    let mut paths = Vec::new();
    for layer in &image.lowers[..image.lowers.len() - before] {
        paths.extend(paths_of(layer).await?);
    }
    let programs = Programs::among(paths.iter().map(String::as_str));
    let sandbox = bench.open(&image, &[]).await?;
    let readings = look(&*sandbox, &DriftScope::default(), &programs).await?;
    let told: Vec<String> = readings.iter().map(|(key, reading)| format!("{key} = {}", reading.value)).collect();
    // The venv itself was made by an earlier layer, and is found by its file.
    let expected =
        ["imports.python./srv/app/job.py: ppgood cannot be imported = unresolved", "imports.python.read = 3"];
    same(&told[..], &expected.map(String::from)[..])?;
    let all = paths.iter().map(String::as_str).chain(["/srv/venv/pyvenv.cfg"]);
    let readings = look(&*sandbox, &DriftScope::default(), &Programs::among(all)).await?;
    let lacks: Vec<&(Key, Reading)> = readings.iter().filter(|(_, reading)| reading.class == Class::State).collect();
    ensure!(lacks.len() == 1 && lacks[0].0.as_str().ends_with("job.py: ppgood has no absent"), "{lacks:#?}");
    same(&lacks[0].1.evidence[..], &["/srv/app/job.py:3: ppgood has no absent".to_owned()][..])
}

pub(crate) async fn without_interpreters_nothing_is_told(bench: &Bench) -> Result<()> {
    let sandbox = bench.open(&bench.debian().await?, &[]).await?;
    let programs = Programs::among(["/srv/app/job.py", "/srv/app/job.js", "/usr/bin/perl"]);
    let begun = Instant::now();
    same(&look(&*sandbox, &DriftScope::default(), &programs).await?, &Vec::new())?;
    ensure!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    Ok(())
}
