//! Lines of standard input, read by a thread: it may block for ever, and the process ends without it.

use std::{io, thread};
use tokio::sync::mpsc;

/// The longest line that is taken, in bytes; a message may have 10,000 characters.
const LONGEST_LINE: u64 = 64 * 1024;
/// Most lines that wait.
const MOST_WAITING: usize = 16;

pub(super) struct Lines(mpsc::Receiver<String>);

impl Lines {
    pub(super) fn read() -> Self {
        let (send, receive) = mpsc::channel(MOST_WAITING);
        thread::spawn(move || {
            let stdin = io::stdin().lock();
            let mut stdin = io::BufReader::new(stdin);
            while let Some(line) = one(&mut stdin) {
                if send.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        Self(receive)
    }

    /// The next line; `None` when there are no more.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.0.recv().await
    }
}

fn one(input: &mut impl io::BufRead) -> Option<String> {
    let mut line = Vec::new();
    let read = io::BufRead::read_until(&mut io::Read::take(&mut *input, LONGEST_LINE), b'\n', &mut line);
    match read {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(String::from_utf8_lossy(&line).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_endless_ones_in_pieces() {
        let text = format!("one\ntwo\n{}", "x".repeat(70_000));
        let mut input = io::Cursor::new(text);
        let lines: Vec<String> = std::iter::from_fn(|| one(&mut input)).collect();
        assert_eq!(lines[..2], ["one\n", "two\n"]);
        assert_eq!((lines[2].len(), lines[3].len()), (65_536, 4_464));
    }
}
