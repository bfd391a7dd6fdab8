//! Makes small Python wheels, by hand: a zip archive of stored files.

use anyhow::Result;
use camino::Utf8PathBuf;

use crate::bench::Bench;

/// A wheel to be made: one module, whose name is the distribution's, and a program that prints its version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wheel<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// The module's text.
    pub(crate) text: &'a str,
    /// What it needs, such as `other==1.0`.
    pub(crate) needs: &'a [&'a str],
}

impl Wheel<'_> {
    /// Writes it into a folder beside the scenario.
    pub(crate) fn write(&self, bench: &Bench, folder: &str) -> Result<Utf8PathBuf> {
        let Self { name, version, text, .. } = self;
        let info = format!("{name}-{version}.dist-info");
        let needs: String = self.needs.iter().flat_map(|need| ["Requires-Dist: ", need, "\n"]).collect();
        let files = [
            (format!("{name}/__init__.py"), (*text).to_owned()),
            (format!("{name}/only_{}.py", version.replace('.', "_")), String::new()),
            (format!("{info}/METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")),
            (
                format!("{info}/WHEEL"),
                "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
            ),
            (format!("{info}/entry_points.txt"), format!("[console_scripts]\n{name} = {name}:main\n")),
        ];
        let record: String = files.iter().flat_map(|(path, _)| [path, ",,\n"]).collect();
        let record = (format!("{info}/RECORD"), format!("{record}{info}/RECORD,,\n"));
        let members: Vec<_> = files.into_iter().chain([record]).collect();
        bench.write(&format!("{folder}/{name}-{version}-py3-none-any.whl"), zip(&members))
    }
}

/// A zip archive without compression.
fn zip(members: &[(String, String)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in members {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let size = word(text.len());
        // Version 2.0, no flags, stored, the first moment that zip knows, checksum, sizes, length of the name.
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend([size, size].concat());
        common.extend(&word(name.len())[..2]);
        common.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        // No comment, the first disk, no inner attributes, a file of mode 0644, and where it begins.
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(word(bytes.len()));
        directory.extend(name.bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.bytes());
        bytes.extend(text.bytes());
    }
    let count = word(members.len());
    let start = word(bytes.len());
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([&count[..2], &count[..2]].concat());
    bytes.extend(word(directory.len()));
    bytes.extend(start);
    bytes.extend([0; 2]);
    bytes
}

fn word(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or_default().to_le_bytes()
}
