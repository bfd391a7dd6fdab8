//! What of this machine goes into the record: its system, kernel, processors and memory; not its name.

use std::fs;
use std::thread::available_parallelism;

use patchbed_model::record::Host;

/// This machine.
pub(crate) fn host() -> Host {
    let kernel = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    Host {
        system: system(),
        kernel: format!("{} {}", text(kernel.sysname()), text(kernel.release())),
        architecture: text(kernel.machine()),
        processors: available_parallelism().map_or(1, usize::from),
        memory: memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
    }
}

fn system() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release")).ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches(['"', '\'']).to_owned())
}

fn memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_in_bytes() {
        assert_eq!(memory("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(memory("nothing"), None);
    }
}
