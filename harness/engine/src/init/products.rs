//! Third-party software: what lies in an environment and does not come from its distribution.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use patchbed_kinds::change::Foreign;
use patchbed_sandbox::{LinkError, Sandbox};

use super::sight::{Product, Sight};
use super::{printed, told};
use crate::scenario::key_part;

/// Where administrators put programs that no package brings.
const LOCAL: [&str; 3] = ["/usr/local/bin", "/usr/local/sbin", "/usr/local/libexec"];

/// Where tools of languages install for all users: the name of the product, what it is, and the folders.
const LANGUAGES: [(&str, &str, &[&str]); 2] = [
    ("python-packages", "installed with pip for all users", &["/usr/local/lib/python3*/dist-packages"]),
    ("npm-packages", "installed with npm for all users", &["/usr/local/lib/node_modules", "/usr/lib/node_modules"]),
];

/// How much of a product is watched file by file: so many files, and so many bytes in all. Of a larger one the topmost
/// files and folders are.
const MOST_FILES: u64 = 2000;
const MOST_KIB: u64 = 64 << 10;

/// The most files of a package that are named one by one.
const MOST_NAMED: usize = 12;

/// Lists folders, whose names may be patterns.
const LIST: &str = r#"
for folder; do
    for path in $folder/*; do
        if [ -d "$path" ]; then echo "folder $path"; elif [ -e "$path" ]; then echo "file $path"; fi
    done
done
"#;

/// How many files there are, how much they hold, which of the paths are folders with something in them, and how many programs need libraries.
const MEASURE: &str = r#"
echo "files $(find "$@" -xdev 2>/dev/null | head -n 5000 | wc -l)"
kib=0
for path; do
    if [ -d "$path" ] && [ -n "$(ls "$path")" ]; then echo "folder $path"; fi
    size=$(du -skx -- "$path" 2>/dev/null | cut -f 1)
    kib=$((kib + ${size:-0}))
done
echo "kib $kib"
linked=0
for path in $(find "$@" -xdev -type f -perm -100 2>/dev/null | head -n 100); do
    [ "$(head -c 4 "$path" | tail -c 3)" != ELF ] || linked=$((linked + 1))
done
echo "linked $linked"
"#;

/// Finds the products, and which of the services are theirs.
pub(super) async fn found(sandbox: &dyn Sandbox, sight: &mut Sight) -> Result<(), LinkError> {
    let owners = told(sandbox.owners(Vec::new()).await)?.unwrap_or_default();
    let foreign = &sight.pending.foreign;
    let is_ours = |path: &str| owner(&owners, path).is_some_and(|name| !foreign.iter().any(|one| one.package == name));
    let mut products = packaged(&owners, foreign);
    products.extend(optional(sandbox, &products).await?);
    products.extend(local(sandbox, &products, &is_ours).await?);
    products.extend(languages(sandbox, &is_ours).await?);
    products.extend(unowned(sight, &products, &owners));
    for product in &mut products {
        watch(sandbox, product).await?;
        let is_its = |path: &String| product.roots.iter().any(|root| Utf8Path::new(path).starts_with(root));
        let services = sight.services.iter().filter(|service| service.programs.iter().any(is_its));
        product.services = services.map(|service| service.name.clone()).collect();
    }
    let mut names = BTreeSet::new();
    products.retain(|product| names.insert(product.name.clone()) && !product.roots.is_empty());
    sight.products = products;
    Ok(())
}

/// The package that owns a file; folders that became links are looked through.
fn owner<'a>(owners: &'a BTreeMap<String, String>, path: &str) -> Option<&'a str> {
    let other = match path.strip_prefix("/usr") {
        Some(short) => short.to_owned(),
        None => format!("/usr{path}"),
    };
    owners.get(path).or_else(|| owners.get(&other)).map(String::as_str)
}

/// The packages that no archive of the distribution has, as one product for each vendor.
fn packaged(owners: &BTreeMap<String, String>, foreign: &[Foreign]) -> Vec<Product> {
    let mut vendors: BTreeMap<&str, Vec<&Foreign>> = BTreeMap::new();
    for one in foreign {
        vendors.entry(&one.vendor).or_default().push(one);
    }
    let product = |(vendor, mut packages): (&str, Vec<&Foreign>)| {
        packages.sort_by_key(|one| one.package.len());
        let first = packages.first()?;
        let is_its = |package: &str| packages.iter().any(|one| package.split(':').next() == Some(&*one.package));
        let files: Vec<&str> =
            owners.iter().filter(|(_, package)| is_its(package)).map(|(path, _)| path.as_str()).collect();
        Some(Product {
            name: key_part(&first.package),
            version: (packages.len() == 1).then(|| first.version.clone()),
            vendor: (!vendor.is_empty()).then(|| vendor.to_owned()),
            why: match packages.len() {
                1 => "a package that no archive of the distribution has".to_owned(),
                count => format!("{count} packages of one vendor that no archive of the distribution has"),
            },
            roots: roots(&files),
            packages: packages.iter().map(|one| one.package.clone()).collect(),
            ..Product::default()
        })
    };
    vendors.into_iter().filter_map(product).collect()
}

/// Where packages have a folder below `/opt` to themselves, that; else some of their files, programs and units first.
fn roots(paths: &[&str]) -> Vec<String> {
    let opt = |path: &&str| {
        let name = path.strip_prefix("/opt/")?.split('/').next()?;
        Some(format!("/opt/{name}"))
    };
    let folders: BTreeSet<String> = paths.iter().filter_map(opt).collect();
    let is_program = |path: &str| ["/bin/", "/sbin/", "/systemd/system/"].iter().any(|part| path.contains(part));
    // In order a folder stands right before what it holds.
    let is_file =
        |place: usize| !paths.get(place + 1).is_some_and(|next| next.starts_with(&format!("{}/", paths[place])));
    let hidden = |path: &str| path.contains("/.") || path.starts_with("/usr/share/doc") || path.starts_with("/opt/");
    let mut files: Vec<&str> = (0..paths.len())
        .filter(|place| is_file(*place))
        .map(|place| paths[place])
        .filter(|path| !hidden(path))
        .collect();
    files.sort_by_key(|path| !is_program(path));
    folders.into_iter().chain(files.into_iter().take(MOST_NAMED).map(str::to_owned)).collect()
}

/// One product for each folder below `/opt` that is not a package's.
async fn optional(sandbox: &dyn Sandbox, known: &[Product]) -> Result<Vec<Product>, LinkError> {
    let is_new = |path: &String| !known.iter().any(|product| product.roots.contains(path));
    let product = |path: String| Product {
        name: key_part(Utf8Path::new(&path).file_name().unwrap_or("opt")),
        why: format!("`{path}` is of no package"),
        roots: vec![path],
        ..Product::default()
    };
    let paths = listed(sandbox, &["/opt"]).await?.into_iter().map(|(path, _)| path);
    Ok(paths.filter(is_new).map(product).collect())
}

/// What lies below `/usr/local`, together: nothing says which of it belongs to which.
async fn local(
    sandbox: &dyn Sandbox,
    known: &[Product],
    is_ours: &dyn Fn(&str) -> bool,
) -> Result<Option<Product>, LinkError> {
    let is_known = |path: &String| known.iter().any(|product| product.roots.contains(path));
    let mut paths = listed(sandbox, &LOCAL).await?;
    paths.retain(|(path, _)| !is_ours(path) && !is_known(path));
    if paths.is_empty() {
        return Ok(None);
    }
    let holds = |folder: &&str| paths.iter().any(|(path, _)| path.starts_with(&format!("{folder}/")));
    Ok(Some(Product {
        name: "usr-local".to_owned(),
        why: "programs below `/usr/local` are of no package".to_owned(),
        roots: LOCAL.iter().copied().filter(holds).map(str::to_owned).collect(),
        ..Product::default()
    }))
}

/// What tools of languages installed for all users.
async fn languages(sandbox: &dyn Sandbox, is_ours: &dyn Fn(&str) -> bool) -> Result<Vec<Product>, LinkError> {
    let mut products = Vec::new();
    for (name, why, folders) in LANGUAGES {
        let paths = listed(sandbox, folders).await?;
        let foreign = paths.iter().filter(|(path, is_folder)| *is_folder && !is_ours(path));
        let parents: BTreeSet<String> =
            foreign.filter_map(|(path, _)| Some(Utf8Path::new(path).parent()?.as_str().to_owned())).collect();
        let roots: Vec<String> = parents.into_iter().collect();
        if !roots.is_empty() {
            products.push(Product { name: name.to_owned(), why: why.to_owned(), roots, ..Product::default() });
        }
    }
    Ok(products)
}

/// Programs of services that belong to no package and lie nowhere of the above.
fn unowned(sight: &Sight, known: &[Product], owners: &BTreeMap<String, String>) -> Vec<Product> {
    let is_known =
        |path: &str| known.iter().flat_map(|product| &product.roots).any(|root| Utf8Path::new(path).starts_with(root));
    // Without a package database nothing can be told from anything.
    let services = sight.services.iter().filter(|_| !owners.is_empty());
    let product = |service: &super::Running| {
        let program = service.programs.first()?;
        let is_own = program.starts_with('/') && owner(owners, program).is_none() && !is_known(program);
        is_own.then(|| Product {
            name: format!("{}-program", service.name),
            why: format!("`{program}` runs as `{}` and is of no package", service.unit),
            roots: vec![program.clone()],
            ..Product::default()
        })
    };
    services.filter_map(product).collect()
}

/// Decides what of a product a probe watches.
async fn watch(sandbox: &dyn Sandbox, product: &mut Product) -> Result<(), LinkError> {
    let text = asked(sandbox, MEASURE, &product.roots).await?;
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        line.unwrap_or_default()
    };
    let is_small = number("files") <= MOST_FILES && number("kib") <= MOST_KIB;
    let glob = |root: &String| match text.lines().any(|line| line.strip_prefix("folder ") == Some(root)) {
        true if is_small => format!("{root}/**"),
        true => format!("{root}/*"),
        false => root.clone(),
    };
    product.watched = product.roots.iter().map(glob).collect();
    product.linked = number("linked") > 0;
    Ok(())
}

/// What lies in a folder that is there, and whether it is a folder itself.
async fn listed(sandbox: &dyn Sandbox, folders: &[&str]) -> Result<Vec<(String, bool)>, LinkError> {
    let folders: Vec<String> = folders.iter().map(|&folder| folder.to_owned()).collect();
    let text = asked(sandbox, LIST, &folders).await?;
    let read = |line: &str| line.split_once(' ').map(|(kind, path)| (path.to_owned(), kind == "folder"));
    Ok(text.lines().filter_map(read).collect())
}

async fn asked(sandbox: &dyn Sandbox, script: &str, paths: &[String]) -> Result<String, LinkError> {
    let words = ["/bin/sh", "-c", script, "look"].into_iter().chain(paths.iter().map(String::as_str));
    Ok(printed(sandbox, None, &words.collect::<Vec<_>>()).await?.unwrap_or_default())
}
