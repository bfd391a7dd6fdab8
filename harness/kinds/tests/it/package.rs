//! Makes small Debian packages, by hand: an `ar` archive of two tarballs.

use anyhow::Result;
use camino::Utf8PathBuf;

use crate::bench::Bench;

/// A package to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// More fields of the control file, each with its line feed.
    pub(crate) fields: &'a str,
    pub(crate) files: &'a [(&'a str, &'a str)],
    pub(crate) conffiles: &'a [&'a str],
    /// The script that runs after installing, without its first line.
    pub(crate) postinst: &'a str,
}

impl Package<'_> {
    /// Writes it beside the scenario.
    pub(crate) fn write(&self, bench: &Bench, name: &str) -> Result<Utf8PathBuf> {
        bench.write(name, self.bytes()?)
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let mut control = Tarball::default();
        let text = format!(
            "Package: {}\nVersion: {}\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: a test\n{}",
            self.name, self.version, self.fields
        );
        control.file("control", &text, 0o644)?;
        if !self.conffiles.is_empty() {
            control.file("conffiles", &format!("{}\n", self.conffiles.join("\n")), 0o644)?;
        }
        if !self.postinst.is_empty() {
            control.file("postinst", &format!("#!/bin/sh\n{}\n", self.postinst), 0o755)?;
        }
        let mut data = Tarball::default();
        for (path, text) in self.files {
            data.folders(path)?;
            data.file(path.trim_start_matches('/'), text, 0o644)?;
        }
        Ok(archive(&[("debian-binary", b"2.0\n"), ("control.tar", &control.bytes()?), ("data.tar", &data.bytes()?)]))
    }
}

/// An `ar` archive.
pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 1_700_000_000, 0, 0, 100_644).bytes());
        bytes.extend_from_slice(content);
        if size % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// A tarball in the making; everything belongs to root.
pub(crate) struct Tarball {
    builder: tar::Builder<Vec<u8>>,
    folders: Vec<String>,
}

impl Default for Tarball {
    fn default() -> Self {
        Self { builder: tar::Builder::new(Vec::new()), folders: Vec::new() }
    }
}

impl Tarball {
    fn header(kind: tar::EntryType, mode: u32, size: usize) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size as u64);
        header.set_mtime(1_700_000_000);
        header.set_uid(0);
        header.set_gid(0);
        header
    }

    /// The folders above a path.
    pub(crate) fn folders(&mut self, path: &str) -> Result<()> {
        let path = path.trim_start_matches('/');
        for (at, _) in path.match_indices('/') {
            let folder = format!("./{}/", &path[..at]);
            if !self.folders.contains(&folder) {
                let mut header = Self::header(tar::EntryType::Directory, 0o755, 0);
                self.builder.append_data(&mut header, &folder, std::io::empty())?;
                self.folders.push(folder);
            }
        }
        Ok(())
    }

    pub(crate) fn file(&mut self, path: &str, text: &str, mode: u32) -> Result<()> {
        self.owned(path, text, mode, (0, 0))
    }

    pub(crate) fn owned(&mut self, path: &str, text: &str, mode: u32, (uid, gid): (u64, u64)) -> Result<()> {
        let mut header = Self::header(tar::EntryType::Regular, mode, text.len());
        header.set_uid(uid);
        header.set_gid(gid);
        Ok(self.builder.append_data(&mut header, format!("./{path}"), text.as_bytes())?)
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        let mut header = Self::header(tar::EntryType::Symlink, 0o777, 0);
        Ok(self.builder.append_link(&mut header, path, target)?)
    }

    /// An entry under a name that no honest program writes.
    pub(crate) fn forged(&mut self, name: &[u8], text: &str) -> Result<()> {
        let mut header = Self::header(tar::EntryType::Regular, 0o644, text.len());
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        Ok(self.builder.append(&header, text.as_bytes())?)
    }

    pub(crate) fn gzip(self) -> Result<Vec<u8>> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &self.bytes()?)?;
        Ok(packed.finish()?)
    }

    pub(crate) fn bytes(self) -> Result<Vec<u8>> {
        Ok(self.builder.into_inner()?)
    }
}
