//! Whose the files are that differ from the image: said beside what differs, and never compared. Pure.

use patchbed_model::{Key, Reading};

use crate::scenario::Software;

/// What the keys of files that differ from the image begin with.
const DRIFT: &str = "files.";

/// The reading of a file with the name of the product that it belongs to; any other reading as it is.
pub(super) fn named(products: &[&Software], (key, reading): (Key, Reading)) -> (Key, Reading) {
    let owner = key.as_str().strip_prefix(DRIFT).and_then(|path| owner(products, path));
    let reading = match owner {
        Some(product) => reading.because([format!("belongs to {}", product.name)]),
        None => reading,
    };
    (key, reading)
}

/// The product with the longest path at or above this one.
fn owner<'a>(products: &[&'a Software], path: &str) -> Option<&'a Software> {
    let roots = products.iter().flat_map(|product| product.files.iter().map(move |root| (root, *product)));
    roots.filter(|(root, _)| holds(root, path)).max_by_key(|(root, _)| root.len()).map(|(_, product)| product)
}

fn holds(root: &str, path: &str) -> bool {
    let root = root.trim_end_matches('/');
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::product;

    fn with(name: &str, files: &[&str]) -> Software {
        Software { files: files.iter().map(|&path| path.to_owned()).collect(), ..product(name) }
    }

    #[test]
    fn a_file_is_told_with_the_product_whose_path_is_nearest() {
        let (bank, plugin) = (with("bank", &["/opt/bank/", "/etc/bank.conf"]), with("plugin", &["/opt/bank/plugins"]));
        let owner = |path: &str| {
            let (_, reading) = named(&[&bank, &plugin], (Key::from("files").child(path), Reading::content("new")));
            reading.evidence.join(" ")
        };
        assert_eq!(owner("/opt/bank/ledger"), "belongs to bank");
        assert_eq!(owner("/opt/bank"), "belongs to bank");
        assert_eq!(owner("/etc/bank.conf"), "belongs to bank");
        assert_eq!(owner("/opt/bank/plugins/x"), "belongs to plugin");
        assert_eq!(owner("/opt/bankier"), "");
        let other = (Key::from("packages").child("/opt/bank"), Reading::content("new"));
        assert_eq!(named(&[&bank], other.clone()), other);
    }
}
