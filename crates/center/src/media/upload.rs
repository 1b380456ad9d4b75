//! The body of an upload: `multipart/form-data` with a part `file`, read as it comes and given up as soon as it is too long.

use super::assets::Upload;
use axum::body::{Body, BodyDataStream};
use http::{HeaderMap, StatusCode};
use multer::{Constraints, Multipart, SizeLimit};
use server::{Refusal, header_text};
use wire::{
    Faults,
    media::{LARGEST_ASSET, LONGEST_NAME},
};

/// What a body may have beside the file, in bytes: other parts, and the lines between them.
const BESIDE: u64 = 64 * 1024;
/// The longest body, in bytes.
const MOST_BODY: u64 = LARGEST_ASSET + BESIDE;
/// Most parts that are looked at.
const MOST_PARTS: usize = 64;
/// The name of the part.
const FILE: &str = "file";

/// A body that no file can be taken from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("the body must be multipart/form-data with the audio file in a part named \"file\"")]
    NoForm,
    #[error("{0}; an asset has at most {LARGEST_ASSET}")]
    TooLarge(String),
    #[error("{0}")]
    Fault(String),
}

impl Unusable {
    /// As it is answered.
    pub(super) fn refusal(&self) -> Refusal {
        let message = self.to_string();
        match self {
            Self::NoForm => Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message),
            Self::TooLarge(_) => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message),
            Self::Fault(_) => Refusal::faults(Faults::one(message)),
        }
    }
}

/// Reads the file.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Upload, Unusable> {
    let boundary = check(headers)?;
    read_parts(body.into_data_stream(), boundary).await
}

/// What can be said before anything is read. Gives the boundary.
fn check(headers: &HeaderMap) -> Result<String, Unusable> {
    let length = header_text(headers, "content-length").and_then(|length| length.parse::<u64>().ok());
    if let Some(length) = length.filter(|length| *length > MOST_BODY) {
        return Err(too_large(&format!("the body has {length} bytes")));
    }
    let kind = header_text(headers, "content-type").unwrap_or_default();
    multer::parse_boundary(kind).map_err(|error| match error {
        multer::Error::NoBoundary => {
            fault("the Content-Type multipart/form-data has no boundary; let the HTTP library set it")
        }
        _ => Unusable::NoForm,
    })
}

async fn read_parts(chunks: BodyDataStream, boundary: String) -> Result<Upload, Unusable> {
    let limit = SizeLimit::new()
        .whole_stream(MOST_BODY)
        .for_field(FILE, LARGEST_ASSET);
    let constraints = Constraints::new().size_limit(limit);
    let mut parts = Multipart::with_constraints(chunks, boundary, constraints);
    let mut upload = None;
    for _ in 0..MOST_PARTS {
        let Some(mut part) = parts.next_field().await.map_err(unreadable)? else {
            return upload.ok_or_else(|| fault("there is no part named \"file\" with the audio file"));
        };
        if part.name() != Some(FILE) {
            while part.chunk().await.map_err(unreadable)?.is_some() {}
            continue;
        }
        if upload.is_some() {
            return Err(fault(
                "there are several parts named \"file\"; send one file at a time",
            ));
        }
        let name = name_of(part.file_name().unwrap_or_default());
        let mut bytes = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(unreadable)? {
            bytes.extend_from_slice(&chunk);
        }
        upload = Some(Upload { name, bytes });
    }
    Err(fault(&format!("there are more than {MOST_PARTS} parts")))
}

fn unreadable(error: multer::Error) -> Unusable {
    match error {
        multer::Error::FieldSizeExceeded { .. } => {
            too_large(&format!("the file has more than {LARGEST_ASSET} bytes"))
        }
        multer::Error::StreamSizeExceeded { .. } => {
            too_large(&format!("the body has more than {MOST_BODY} bytes"))
        }
        error => fault(&format!("the multipart body can't be read: {error}")),
    }
}

fn too_large(what: &str) -> Unusable {
    Unusable::TooLarge(what.to_owned())
}

fn fault(message: &str) -> Unusable {
    Unusable::Fault(message.to_owned())
}

/// The last part of a path, without what does not belong into names.
fn name_of(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_NAME)
        .collect();
    match kept.trim() {
        "" => FILE.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn names_are_those_of_files() {
        for (sent, name) in [
            ("welcome.wav", "welcome.wav"),
            ("C:\\prompts\\a.wav", "a.wav"),
            ("../../etc/passwd", "passwd"),
            ("a\u{0}\n.wav", "a.wav"),
            ("x/", "file"),
            ("", "file"),
        ] {
            assert_eq!(name_of(sent), name, "{sent:?}");
        }
        assert_eq!(name_of(&"ä".repeat(300)).chars().count(), LONGEST_NAME);
    }

    #[tokio::test]
    async fn a_body_that_is_no_form_is_refused_for_what_it_is() {
        for (kind, status) in [
            (None, 415),
            (Some("audio/wav"), 415),
            (Some("multipart/form-data"), 400),
            (Some("multipart/form-data; boundary=x"), 400),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            let refused = read(&headers, Body::from("nothing of that kind")).await;
            let refusal = refused.err().unwrap().refusal();
            let answer = axum::response::IntoResponse::into_response(refusal);
            assert_eq!(answer.status().as_u16(), status, "{kind:?}");
        }
    }
}
