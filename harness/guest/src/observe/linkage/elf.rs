//! What an ELF file needs and gives, read from its sections for dynamic linking.

use std::collections::{HashMap, HashSet};
use std::os::fd::BorrowedFd;

use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym, Version, VersionTable};
use object::{Endianness, ReadRef, StringTable, SymbolIndex};
use rustix::fs::Stat;

use super::parts::Parts;
use crate::observe::root::size_of;

/// What a file is, for the loader.
#[derive(Debug)]
pub(crate) enum Read {
    /// An executable or library.
    Elf(Box<Elf>),
    /// Something else, such as a script.
    Other,
    /// It begins as an ELF file does, or is empty, and can not be loaded.
    Broken,
}

/// Which files can be loaded together: class, order of bytes, and machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// 1 for 32 bits, 2 for 64.
    pub(crate) class: u8,
    /// 1 for little endian, 2 for big.
    pub(crate) order: u8,
    /// The number of the machine.
    pub(crate) number: u16,
}

/// What an executable or library needs and gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elf {
    pub(crate) machine: Machine,
    /// Whether it can be run, not only be loaded by another.
    pub(crate) is_program: bool,
    /// The loader that it names.
    pub(crate) interpreter: Option<String>,
    /// The name by which it wants to be known.
    pub(crate) name: Option<String>,
    /// The libraries that it needs.
    pub(crate) needed: Vec<String>,
    /// Folders to look in, for itself and for what it loads; not valid beside `runpath`.
    pub(crate) rpath: Option<String>,
    /// Folders to look in, for what it needs itself.
    pub(crate) runpath: Option<String>,
    /// Whether the usual folders are not looked in.
    pub(crate) only_own_folders: bool,
    /// The symbols that it needs; weak ones may be missing.
    pub(crate) wants: Vec<Want>,
    /// The symbols that it gives.
    pub(crate) gives: HashMap<String, Vec<Given>>,
    /// The versions that it defines; `None` when it knows no versions.
    pub(crate) versions: Option<HashSet<String>>,
    /// The versions that it needs of others.
    pub(crate) version_needs: Vec<VersionNeed>,
}

/// A symbol that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) symbol: String,
    /// The version, and the library that had it when this file was linked.
    pub(crate) version: Option<(String, String)>,
}

/// A definition of a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) version: Option<String>,
    /// Whether it is found without asking for its version.
    pub(crate) is_default: bool,
}

/// A version that is needed of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionNeed {
    pub(crate) library: String,
    pub(crate) version: String,
    pub(crate) is_weak: bool,
}

/// Reads a file.
pub(crate) fn read(file: BorrowedFd<'_>, stat: &Stat) -> Read {
    let length = size_of(stat);
    let mut parts = Parts::new(length);
    // The headers of nearly every file lie in its first page, and a shorter file is a script or broken.
    if length == 0 || parts.take(file, 0, length.min(4096)).is_err() {
        return Read::Broken;
    }
    let Ok(ident) = (&parts).read_bytes_at(0, 5) else { return Read::Other };
    let read = match ident {
        [0x7f, b'E', b'L', b'F', 1] => typed::<elf::FileHeader32<Endianness>>(file, &mut parts),
        [0x7f, b'E', b'L', b'F', 2] => typed::<elf::FileHeader64<Endianness>>(file, &mut parts),
        _ => return Read::Other,
    };
    match read {
        Ok(Some(elf)) => Read::Elf(Box::new(elf)),
        Ok(None) => Read::Other,
        Err(_) => Read::Broken,
    }
}

/// Reads a file of a class; `None` for what is neither an executable nor a library, such as a module of the kernel.
fn typed<E: FileHeader<Endian = Endianness>>(file: BorrowedFd<'_>, parts: &mut Parts) -> object::Result<Option<Elf>> {
    load::<E>(file, parts)?;
    let parts = &*parts;
    let header = E::parse(parts)?;
    let endian = header.endian()?;
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
        return Ok(None);
    }
    let mut elf = Elf::empty(machine(header, endian), header.e_type(endian) == elf::ET_EXEC);
    for segment in header.program_headers(endian, parts)? {
        if let Ok(Some(interpreter)) = segment.interpreter(endian, parts) {
            elf.interpreter = Some(text(interpreter));
            elf.is_program = true;
        }
    }
    let sections = SectionTable::<E, &Parts>::new(header.section_headers(endian, parts)?, StringTable::default());
    elf.dynamic(endian, &sections, parts)?;
    elf.symbols(endian, &sections, parts)?;
    Ok(Some(elf))
}

/// Reads the parts of the file that describe its linking.
fn load<E: FileHeader<Endian = Endianness>>(file: BorrowedFd<'_>, parts: &mut Parts) -> object::Result<()> {
    let header = *E::parse(&*parts)?;
    let endian = header.endian()?;
    let mut wanted: Vec<(u64, u64)> = Vec::new();
    let segments = u64::from(header.e_phnum(endian)) * u64::from(header.e_phentsize(endian));
    let sections = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
    wanted.push((header.e_phoff(endian).into(), segments));
    wanted.push((header.e_shoff(endian).into(), sections));
    read_all(file, parts, &wanted);
    wanted.clear();
    for segment in header.program_headers(endian, &*parts)? {
        if segment.p_type(endian) == elf::PT_INTERP {
            wanted.push(segment.file_range(endian));
        }
    }
    let sections = header.section_headers(endian, &*parts)?;
    let kinds = [elf::SHT_DYNAMIC, elf::SHT_DYNSYM, elf::SHT_GNU_VERSYM, elf::SHT_GNU_VERDEF, elf::SHT_GNU_VERNEED];
    for section in sections.iter().filter(|section| kinds.contains(&section.sh_type(endian))) {
        wanted.extend(section.file_range(endian));
        let strings = usize::try_from(section.sh_link(endian)).ok().and_then(|link| sections.get(link));
        wanted.extend(strings.and_then(|strings| strings.file_range(endian)));
    }
    read_all(file, parts, &wanted);
    Ok(())
}

/// What can not be read is missed when it is looked for.
fn read_all(file: BorrowedFd<'_>, parts: &mut Parts, wanted: &[(u64, u64)]) {
    for (offset, size) in wanted {
        let _ = parts.take(file, *offset, *size);
    }
}

fn machine<E: FileHeader<Endian = Endianness>>(header: &E, endian: Endianness) -> Machine {
    let ident = header.e_ident();
    Machine { class: ident.class.0, order: ident.data.0, number: header.e_machine(endian).0 }
}

impl Elf {
    fn empty(machine: Machine, is_program: bool) -> Self {
        Self {
            machine,
            is_program,
            interpreter: None,
            name: None,
            needed: Vec::new(),
            rpath: None,
            runpath: None,
            only_own_folders: false,
            wants: Vec::new(),
            gives: HashMap::new(),
            versions: None,
            version_needs: Vec::new(),
        }
    }

    fn dynamic<'a, E: FileHeader<Endian = Endianness>>(
        &mut self,
        endian: Endianness,
        sections: &SectionTable<'a, E, &'a Parts>,
        parts: &'a Parts,
    ) -> object::Result<()> {
        let Some((entries, link)) = sections.dynamic(endian, parts)? else { return Ok(()) };
        let strings = sections.strings(endian, parts, link)?;
        for entry in entries.iter().take_while(|entry| entry.tag(endian) != elf::DT_NULL) {
            let string = || entry.string(endian, strings).map(text);
            match entry.tag(endian) {
                elf::DT_NEEDED => self.needed.push(string()?),
                elf::DT_SONAME => self.name = Some(string()?),
                elf::DT_RPATH => self.rpath = Some(string()?),
                elf::DT_RUNPATH => self.runpath = Some(string()?),
                elf::DT_FLAGS_1 => {
                    let flags = entry.val(endian);
                    self.only_own_folders = flags & elf::DF_1_NODEFLIB.0 != 0;
                    self.is_program |= flags & elf::DF_1_PIE.0 != 0;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn symbols<'a, E: FileHeader<Endian = Endianness>>(
        &mut self,
        endian: Endianness,
        sections: &SectionTable<'a, E, &'a Parts>,
        parts: &'a Parts,
    ) -> object::Result<()> {
        let symbols = sections.symbols(endian, parts, elf::SHT_DYNSYM)?;
        let versions = sections.versions(endian, parts)?;
        self.defined_versions(endian, sections, parts)?;
        self.needed_versions(endian, sections, parts)?;
        for (index, symbol) in symbols.enumerate() {
            if symbol.is_local() {
                continue;
            }
            let name = text(symbols.symbol_name(endian, symbol)?);
            let version = versions.as_ref().map(|versions| SymbolVersion::of(versions, endian, index));
            if !symbol.is_undefined(endian) {
                self.gives.entry(name).or_default().push(given(version));
            } else if !symbol.is_weak() && !name.is_empty() {
                self.wants.push(Want { symbol: name, version: version.and_then(SymbolVersion::wanted) });
            }
        }
        Ok(())
    }

    fn defined_versions<'a, E: FileHeader<Endian = Endianness>>(
        &mut self,
        endian: Endianness,
        sections: &SectionTable<'a, E, &'a Parts>,
        parts: &'a Parts,
    ) -> object::Result<()> {
        let Some((definitions, link)) = sections.gnu_verdef(endian, parts)? else { return Ok(()) };
        let strings = sections.strings(endian, parts, link)?;
        let mut versions = HashSet::new();
        for definition in definitions {
            let (_, mut names) = definition?;
            if let Some(name) = names.next()? {
                versions.insert(text(name.name(endian, strings)?));
            }
        }
        self.versions = Some(versions);
        Ok(())
    }

    fn needed_versions<'a, E: FileHeader<Endian = Endianness>>(
        &mut self,
        endian: Endianness,
        sections: &SectionTable<'a, E, &'a Parts>,
        parts: &'a Parts,
    ) -> object::Result<()> {
        let Some((needs, link)) = sections.gnu_verneed(endian, parts)? else { return Ok(()) };
        let strings = sections.strings(endian, parts, link)?;
        for need in needs {
            let (need, versions) = need?;
            let library = text(need.file(endian, strings)?);
            for version in versions {
                let version = version?;
                self.version_needs.push(VersionNeed {
                    library: library.clone(),
                    version: text(version.name(endian, strings)?),
                    is_weak: version.vna_flags.get(endian).contains(elf::VER_FLG_WEAK),
                });
            }
        }
        Ok(())
    }
}

/// The version of a symbol.
struct SymbolVersion {
    name: Option<String>,
    library: Option<String>,
    is_hidden: bool,
    index: u16,
}

impl SymbolVersion {
    fn of<E: FileHeader<Endian = Endianness>>(
        versions: &VersionTable<'_, E>,
        endian: Endianness,
        symbol: SymbolIndex,
    ) -> Self {
        let index = versions.version_index(endian, symbol);
        let version = versions.version(index.index()).ok().flatten();
        Self {
            name: version.map(|version| text(version.name())),
            library: version.and_then(Version::file).map(text),
            is_hidden: index.is_hidden(),
            index: index.index().0,
        }
    }

    fn wanted(self) -> Option<(String, String)> {
        Some((self.name?, self.library.unwrap_or_default()))
    }
}

/// A definition. The loader takes one for a symbol without a version when it is not hidden, or is of the library's first
/// version: that is what programs meant that were linked before the library had versions.
fn given(version: Option<SymbolVersion>) -> Given {
    match version {
        None => Given { version: None, is_default: true },
        Some(version) => Given { is_default: !version.is_hidden || version.index < 3, version: version.name },
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
