//! Walking through files that are nothing but frames, each with a header of its own: MP3 and ADTS.

/// What a frame's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes, the header included.
    pub(crate) len: usize,
    /// Samples of each channel.
    pub(crate) samples: u32,
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    /// What must be the same in all frames besides the rate: MPEG version or profile.
    pub(crate) kind: u8,
}

impl Header {
    fn agrees(&self, other: &Header) -> bool {
        (self.rate, self.kind) == (other.rate, other.kind)
    }
}

pub(crate) type Parse = fn(&[u8]) -> Option<Header>;

/// The frames of a file, one after the other; what is between them is counted and skipped. Linear in the bytes.
#[derive(Clone)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    parse: Parse,
    last: Header,
    /// Bytes that were skipped.
    pub(crate) junk: u64,
    /// Bytes after the last frame that are no frame.
    pub(crate) left: usize,
    /// What the last frame declares and has, when the file breaks off in it.
    pub(crate) cut: Option<(usize, usize)>,
}

/// How far into the file the first frame may begin.
const SEARCHED: usize = 128 * 1024;
/// Frames that must follow each other before the first is believed.
const CHAIN: usize = 3;

impl<'a> Frames<'a> {
    /// The frames of `bytes`; `None` when no chain of them begins anywhere near the start.
    pub(crate) fn find(bytes: &'a [u8], parse: Parse) -> Option<Self> {
        let places = 0..bytes.len().min(SEARCHED);
        let at = places
            .into_iter()
            .find(|at| chain(&bytes[*at..], parse, *at == 0))?;
        Some(Self {
            bytes,
            at,
            parse,
            last: parse(&bytes[at..])?,
            junk: at as u64,
            left: 0,
            cut: None,
        })
    }

    /// The next place where two frames that agree follow each other, or one ends the file.
    fn resync(&self) -> Option<usize> {
        (self.at..self.bytes.len()).find(|at| {
            let rest = &self.bytes[*at..];
            let header = (self.parse)(rest);
            header.is_some_and(|header| match rest.get(header.len..) {
                Some([]) => true,
                Some(after) => (self.parse)(after).is_some_and(|next| next.agrees(&header)),
                None => false,
            })
        })
    }
}

fn chain(mut rest: &[u8], parse: Parse, at_start: bool) -> bool {
    let Some(first) = parse(rest) else { return false };
    for _ in 1..CHAIN {
        let Some(header) = parse(rest).filter(|header| header.agrees(&first)) else {
            return false;
        };
        match rest.get(header.len..) {
            // The file ends in this chain. At the very start that is a short file; elsewhere it is chance.
            Some([]) => return at_start,
            Some(after) => rest = after,
            None => {
                return at_start
                    && rest.len() < first.len * CHAIN
                    && first.len > rest.len() / 2
                    && whole(rest);
            }
        }
    }
    parse(rest).is_some_and(|header| header.agrees(&first))
}

/// A frame that breaks off must at least have more than its header.
fn whole(rest: &[u8]) -> bool {
    rest.len() > 32
}

impl<'a> Iterator for Frames<'a> {
    type Item = (Header, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.bytes.get(self.at..)?;
        let mut header = (self.parse)(rest);
        if let Some(broken) = header.filter(|header| header.agrees(&self.last) && header.len > rest.len()) {
            self.cut = Some((broken.len, rest.len()));
            self.at = self.bytes.len();
            return None;
        }
        if !header.is_some_and(|header| header.agrees(&self.last)) {
            let Some(found) = self.resync() else {
                self.left = rest.len();
                self.at = self.bytes.len();
                return None;
            };
            self.junk += (found - self.at) as u64;
            self.at = found;
            rest = &self.bytes[found..];
            header = (self.parse)(rest);
        }
        let header = header?;
        let frame = rest.get(..header.len)?;
        self.at += header.len;
        self.last = header;
        Some((header, frame))
    }
}
