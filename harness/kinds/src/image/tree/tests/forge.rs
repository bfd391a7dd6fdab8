//! Writes tar archives header by header, so that no library keeps them honest.

/// An archive in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Forge(Vec<u8>);

/// The fields of a header, as they are to be written.
#[derive(Clone, Debug)]
pub(super) struct Header<'a> {
    pub(super) name: &'a [u8],
    pub(super) kind: u8,
    pub(super) mode: u32,
    pub(super) link: &'a [u8],
    pub(super) owner: (u32, u32),
    pub(super) size: Vec<u8>,
    pub(super) skew: u32,
}

impl<'a> Header<'a> {
    pub(super) fn new(name: &'a [u8], kind: u8, size: usize) -> Self {
        let size = format!("{size:011o}\0").into_bytes();
        Self { name, kind, mode: 0o644, link: b"", owner: (0, 0), size, skew: 0 }
    }
}

impl Forge {
    pub(super) fn header(&mut self, header: &Header<'_>) -> &mut Self {
        let mut block = [0_u8; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, header.name);
        put(100, format!("{:07o}\0{:07o}\0{:07o}\0", header.mode, header.owner.0, header.owner.1).as_bytes());
        put(124, &header.size);
        put(136, b"14524770400\0");
        put(148, b"        ");
        put(156, &[header.kind]);
        put(157, header.link);
        put(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{:06o}\0 ", sum + header.skew).as_bytes());
        self.0.extend_from_slice(&block);
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(super) fn file(&mut self, name: &[u8], text: &[u8]) -> &mut Self {
        self.header(&Header::new(name, b'0', text.len())).bytes(text)
    }

    pub(super) fn folder(&mut self, name: &[u8], mode: u32) -> &mut Self {
        self.header(&Header { mode, ..Header::new(name, b'5', 0) })
    }

    pub(super) fn link(&mut self, kind: u8, name: &[u8], link: &[u8]) -> &mut Self {
        self.header(&Header { link, ..Header::new(name, kind, 0) })
    }

    pub(super) fn pax(&mut self, records: &[(&str, &[u8])]) -> &mut Self {
        let mut body = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length.to_string().len() + rest != length {
                length = length.to_string().len() + rest;
            }
            body.extend_from_slice(format!("{length} {key}=").as_bytes());
            body.extend_from_slice(value);
            body.push(b'\n');
        }
        self.header(&Header::new(b"pax", b'x', body.len())).bytes(&body)
    }

    /// The archive with its end marker.
    pub(super) fn end(&self) -> Vec<u8> {
        let mut bytes = self.0.clone();
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }

    /// The archive as it is.
    pub(super) fn cut(&self) -> Vec<u8> {
        self.0.clone()
    }
}
