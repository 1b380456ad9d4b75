//! One file as `multipart/form-data` (RFC 7578).

use bytes::{BufMut, Bytes, BytesMut};
use std::fmt::Write as _;
use wire::media::{LONGEST_NAME, sha256_hex};

/// What is sent for a file without a usable name.
const NAMELESS: &str = "prompt";

/// A body, and the `Content-Type` that names its boundary.
pub(crate) struct Form {
    pub(crate) body: Bytes,
    pub(crate) content_type: String,
}

/// A form with one part, `field`, which is a file.
pub(crate) fn file(field: &'static str, name: &str, bytes: &[u8]) -> Form {
    // A file can't hold the hash over itself, so it can't end its part early.
    let boundary = format!("trunkline-{}", &sha256_hex(bytes)[..48]);
    let (name, kind) = (file_name(name), content_type(bytes));
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = BytesMut::with_capacity(head.len() + bytes.len() + tail.len());
    body.put_slice(head.as_bytes());
    body.put_slice(bytes);
    body.put_slice(tail.as_bytes());
    Form {
        body: body.freeze(),
        content_type: format!("multipart/form-data; boundary={boundary}"),
    }
}

/// A file's name as it stands between quotes: UTF-8, and what would end the quotes or the line percent-encoded, as browsers
/// do it. RFC 7578 4.2 forbids `filename*`. Folders are left out.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut quoted = String::with_capacity(last.len());
    for sign in last.chars().take(LONGEST_NAME) {
        match sign {
            '"' | '\\' => _ = write!(quoted, "%{:02X}", sign as u32),
            _ if sign.is_ascii_control() => _ = write!(quoted, "%{:02X}", sign as u32),
            _ => quoted.push(sign),
        }
    }
    if quoted.is_empty() {
        NAMELESS.to_owned()
    } else {
        quoted
    }
}

/// What the first bytes say; the platform looks for itself.
fn content_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'R', b'I', b'F', b'F' | b'X', ..] => "audio/wav",
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "audio/mp4",
        [b'I', b'D', b'3', ..] => "audio/mpeg",
        // An MPEG frame: layer 0 is that of ADTS.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "audio/aac",
        [0xff, second, ..] if second & 0xe0 == 0xe0 => "audio/mpeg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_part() {
        let form = file("file", "dir/grüße \"a\"\r\n\\b.wav", b"RIFF\r\n--x");
        let boundary = form.content_type.split_once("boundary=").unwrap().1;
        let body = String::from_utf8(form.body.to_vec()).unwrap();
        assert_eq!(
            body,
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.wav\"\r\n\
                 Content-Type: audio/wav\r\n\r\nRIFF\r\n--x\r\n--{boundary}--\r\n"
            )
        );
        assert!(boundary.len() <= 70, "RFC 2046 5.1.1");
    }

    #[test]
    fn a_name_can_neither_end_its_quotes_nor_its_line() {
        assert_eq!(
            file_name("grüße \"a\"\r\nx: y.wav"),
            "grüße %22a%22%0D%0Ax: y.wav"
        );
        assert_eq!(file_name("C:\\prompts\\a.wav"), "a.wav");
        assert_eq!(file_name("prompts/"), "prompt");
        assert_eq!(file_name(&"é".repeat(900)).chars().count(), LONGEST_NAME);
    }

    #[test]
    fn the_bytes_say_what_a_file_is() {
        let kinds = [
            (&b"RIFF"[..], "audio/wav"),
            (b"OggS", "audio/ogg"),
            (b"fLaC", "audio/flac"),
            (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
            (b"ID3", "audio/mpeg"),
            (b"\xff\xfb\x90", "audio/mpeg"),
            (b"\xff\xf1\x50", "audio/aac"),
            (b"", "application/octet-stream"),
        ];
        for (bytes, kind) in kinds {
            assert_eq!(content_type(bytes), kind, "{bytes:?}");
        }
    }
}
