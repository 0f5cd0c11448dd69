//! `multipart/form-data`, written with one file and read for one field. No file is ever read from such a form.

use crate::http::Body;

/// A form to be sent.
pub(super) struct Form {
    boundary: String,
    bytes: Vec<u8>,
}

impl Form {
    /// An empty form. The boundary is derived from what tells this form from others, and occurs in no file by
    /// accident: it is the digest of an id.
    pub(super) fn new(seed: &str) -> Self {
        use sha2::{Digest, Sha256};
        let digest = hex::encode(Sha256::digest(seed.as_bytes()));
        Self { boundary: format!("form-{digest}"), bytes: Vec::new() }
    }

    /// Adds a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.head(&format!("form-data; name=\"{name}\""), None);
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Adds a PDF. Its name was checked to have no quotes and no line breaks.
    pub(super) fn pdf(&mut self, name: &str, file_name: &str, content: &[u8]) {
        let head = format!("form-data; name=\"{name}\"; filename=\"{file_name}\"");
        self.head(&head, Some("application/pdf"));
        self.bytes.extend_from_slice(content);
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn head(&mut self, disposition: &str, content_type: Option<&str>) {
        let mut head = format!("--{}\r\nContent-Disposition: {disposition}\r\n", self.boundary);
        if let Some(content_type) = content_type {
            head.push_str("Content-Type: ");
            head.push_str(content_type);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.bytes.extend_from_slice(head.as_bytes());
    }

    /// The finished form.
    pub(super) fn finish(mut self) -> Body {
        self.bytes.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        let content_type = format!("multipart/form-data; boundary={}", self.boundary);
        Body::Typed { content_type, bytes: self.bytes }
    }
}

/// The bytes of the only field with this name. Nothing if the form is broken or the field is there twice.
pub(super) fn field<'a>(content_type: &str, body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|it| it.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let opening = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(opening.as_bytes())?;
    let mut found = None;
    loop {
        if rest.starts_with(b"--") {
            return found;
        }
        let part = rest.strip_prefix(b"\r\n")?;
        let (part, after) = split(part, between.as_bytes())?;
        let (head, content) = split(part, b"\r\n\r\n")?;
        if is_named(head, name) {
            if found.is_some() {
                return None;
            }
            found = Some(content);
        }
        rest = after;
    }
}

fn is_named(head: &[u8], name: &str) -> bool {
    let head = String::from_utf8_lossy(head);
    let wanted = format!("name=\"{name}\"");
    let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"));
    disposition.is_some_and(|line| line.split(';').any(|it| it.trim() == wanted))
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(by.len()).position(|window| window == by)?;
    Some((bytes.get(..at)?, bytes.get(at + by.len()..)?))
}
