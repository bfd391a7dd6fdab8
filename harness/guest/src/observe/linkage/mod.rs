//! What executables need of libraries and do not get: missing libraries, versions and symbols.
//!
//! No program of the image is run. Libraries are looked up and symbols matched by the rules of the image's dynamic
//! loader (`search`, `closure`), over ELF files read in parts (`elf`, `parts`), each file once for a request.
//!
//! What is reported:
//!
//! * For a **program** everything that would stop it with `LD_BIND_NOW`: the loader it names, libraries that are not
//!   found, versions that a library does not define, and symbols that nothing among its libraries defines. Symbols that
//!   are bound on first use count as well: that they are missing shows when it is too late.
//! * For a **service** the same, with the `LD_LIBRARY_PATH` and `LD_PRELOAD` of its processes, and also the plug-ins
//!   that these have mapped, whose symbols may come from anything that the process has mapped.
//! * For a **library by path** its missing libraries and versions, and only those missing symbols that name a version.
//!   A symbol without a version may be left for the program that loads the library, as plug-ins do; which program that
//!   is can not be told from the file. A version names the library that must define the symbol. A library that lies
//!   beside it counts as found, because that program may name their folder.
//!
//! Where libraries are missing, their symbols are not listed one by one; the same for versions.

mod ask;
mod cache;
mod closure;
mod elf;
mod parts;
mod search;
#[cfg(test)]
mod tests;

pub(crate) use ask::linkage;
