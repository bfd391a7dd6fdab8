//! `/etc/ld.so.cache`: where `ldconfig` found libraries.

/// Before its own header there may be one of an old form.
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";

/// The length of a header, and of an entry.
const HEADER: usize = 48;
const ENTRY: usize = 24;

/// The libraries that it lists.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: Vec<(String, String)>,
}

impl Cache {
    /// Reads it. What makes no sense is an empty cache: then the loader ignores it, too.
    pub(crate) fn parse(content: &[u8]) -> Self {
        let Some(begin) = content.windows(MAGIC.len()).position(|window| window == MAGIC) else {
            return Self::default();
        };
        let content = &content[begin..];
        // The order of bytes is that of the machine that wrote it, and this guest runs on it.
        let count = number(content, 20).unwrap_or(0) as usize;
        let entries = content.get(HEADER..).unwrap_or_default().chunks_exact(ENTRY).take(count);
        let mut entries: Vec<_> = entries.filter_map(|entry| Self::entry(content, entry)).collect();
        // Variants for certain processors come last: without them the library is found on every machine.
        entries.sort_by_key(|(for_processor, _)| *for_processor);
        Self { entries: entries.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// The paths listed for a name.
    pub(crate) fn paths<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter(move |(listed, _)| listed == name).map(|(_, path)| path.as_str())
    }

    fn entry(content: &[u8], entry: &[u8]) -> Option<(bool, (String, String))> {
        let text = |at: usize| {
            let bytes = content.get(number(entry, at)? as usize..)?;
            let end = bytes.iter().position(|byte| *byte == 0)?;
            Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
        };
        let for_processor = entry[16..24] != [0; 8];
        Some((for_processor, (text(4)?, text(8)?)))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A cache as `ldconfig` writes it, of names, paths and processor bits.
    fn written(entries: &[(&str, &str, u64)]) -> Vec<u8> {
        let mut cache = MAGIC.to_vec();
        cache.extend(u32::try_from(entries.len()).unwrap().to_ne_bytes());
        cache.resize(HEADER, 0);
        let mut strings = Vec::new();
        let base = HEADER + entries.len() * ENTRY;
        for (name, path, processor) in entries {
            let mut place = |text: &str| {
                let place = u32::try_from(base + strings.len()).unwrap();
                strings.extend(text.bytes().chain([0]));
                place.to_ne_bytes()
            };
            cache.extend(0x303_u32.to_ne_bytes());
            cache.extend(place(name));
            cache.extend(place(path));
            cache.extend([0; 4]);
            cache.extend(processor.to_ne_bytes());
        }
        cache.extend(strings);
        cache
    }

    #[test]
    fn entries_are_found_by_name_usual_ones_first() {
        let content = written(&[
            ("libz.so.1", "/opt/v3/libz.so.1", 1 << 62),
            ("liba.so", "/lib/liba.so", 0),
            ("libz.so.1", "/lib/libz.so.1", 0),
        ]);
        let cache = Cache::parse(&[b"ld.so-1.7.0 old form".to_vec(), content].concat());
        assert_eq!(cache.paths("libz.so.1").collect::<Vec<_>>(), ["/lib/libz.so.1", "/opt/v3/libz.so.1"]);
        assert_eq!(cache.paths("libq.so").count(), 0);
    }

    #[test]
    fn the_cache_of_this_machine_can_be_read() {
        let Ok(content) = std::fs::read("/etc/ld.so.cache") else { return };
        let cache = Cache::parse(&content);
        assert!(cache.entries.is_empty() || cache.entries.iter().all(|(_, path)| path.starts_with('/')));
    }

    proptest! {
        #[test]
        fn no_content_makes_it_panic(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Cache::parse(&[MAGIC, &tail[..]].concat());
        }
    }
}
