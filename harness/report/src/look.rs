//! How text may look: width, colour, glyphs. Decided by the command, obeyed here.

/// Width, colour and glyphs of a text report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether there is colour.
    pub colour: Colour,
    /// Which characters may be used.
    pub glyphs: Glyphs,
}

/// Whether there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// None.
    Never,
    /// The eight colours of every terminal.
    Always,
}

/// Which characters may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// `✓ ✗ → ·`.
    Unicode,
    /// ASCII only, in data too.
    Ascii,
}

/// What a piece of text is for. Colour never carries this alone: a glyph or a word stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Well.
    Good,
    /// Worse.
    Bad,
    /// A person must look.
    Warn,
    /// Beside the point.
    Dim,
    /// A heading.
    Strong,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 100, colour: Colour::Never, glyphs: Glyphs::Unicode }
    }
}

impl Look {
    /// The text in the colour of its tone, if there is colour.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let number = match tone {
            Tone::Plain => "",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        if self.colour == Colour::Never || number.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{number}m{text}\u{1b}[0m")
    }

    /// The one of two texts that the glyphs allow.
    #[must_use]
    pub const fn pick<'a>(&self, unicode: &'a str, ascii: &'a str) -> &'a str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// Own text: with its dots, arrows and dashes, or without.
    #[must_use]
    pub fn own(&self, text: &str) -> String {
        match self.glyphs {
            Glyphs::Unicode => text.to_owned(),
            Glyphs::Ascii => text.replace('→', "->").replace('·', "-").replace('…', "...").replace('—', "-"),
        }
    }
}
