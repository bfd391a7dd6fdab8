//! Random changes to a tree of files, the same ones for the same seed.

/// Picks numbers from a seed.
#[derive(Debug)]
pub struct Picks(u64);

impl Picks {
    /// The picks of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1))
    }

    /// One of so many numbers, from zero on.
    pub fn number(&mut self, of: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % of as u64).unwrap_or(0)
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.number(of.len())]
    }

    /// A path of one to three levels, such as `b/a`.
    pub fn path(&mut self) -> String {
        let levels = 1 + self.number(3);
        (0..levels).map(|_| self.one(&["a", "b", "c"])).collect::<Vec<_>>().join("/")
    }
}

/// A shell script of random changes to the tree `/w`: folders, files, links, modes and owners, made, moved and removed.
#[must_use]
pub fn changes(seed: u64, count: usize) -> String {
    let mut picks = Picks::new(seed);
    let mut script = String::from("mkdir -p /w; cd /w\n");
    for _ in 0..count {
        let path = picks.path();
        let other = picks.one(&["a", "b/c", "c/a/b"]);
        let line = match picks.number(12) {
            0 | 1 => format!("mkdir -p {path}"),
            2 | 3 => format!("echo {} > {path}", picks.number(3)),
            4 => format!("rm -rf {path}"),
            5 => format!("rm -rf {path}; mkdir -p {path}"),
            6 => format!("chmod {} {path}", picks.one(&["700", "755", "4711"])),
            7 => format!("chown -h {} {path}", picks.one(&["0:0", "33:0", "33:44"])),
            8 => format!("rm -rf {path}; ln -s {} {path}", picks.one(&["x", "/w/a"])),
            9 => format!("mv -T {path} {other}"),
            10 => format!("touch {path}"),
            _ => format!("ln -f {path} {other}"),
        };
        script.push_str(&line);
        script.push('\n');
    }
    script + "true\n"
}
