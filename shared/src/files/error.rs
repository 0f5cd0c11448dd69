//! What a call to the bucket can come to, by what can be done about it. None of the texts holds a key, a link or a
//! token.

use std::time::Duration;

use super::LARGEST;
use crate::error::{Error, Kind};
use crate::http::{Answer, HttpError};

/// A file that was not kept, read or looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("the bucket could not be reached")]
    Unreachable(#[source] HttpError),
    /// Later, or from another process, the same call may do.
    #[error("the bucket does not answer just now ({code})")]
    Unavailable { code: String },
    #[error("the bucket asked us to slow down")]
    Throttled,
    #[error("the file is not there")]
    NotFound,
    #[error("the file is not the one that was recorded")]
    Damaged,
    #[error("the file is larger than {LARGEST} bytes")]
    TooLarge,
    /// Neither later nor elsewhere will it do: the settings or the role are wrong.
    #[error(
        "the bucket refused the request ({code}): check FILES_BUCKET, AWS_ENDPOINT_URL_S3 and the role's policy"
    )]
    Refused { code: String },
    /// Our own mistake: such a call cannot be made.
    #[error("the bucket cannot be asked: {0}")]
    Unusable(&'static str),
}

impl From<HttpError> for FilesError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLarge(_) => Self::TooLarge,
            HttpError::NotAllowed(_) => Self::Refused { code: "the address may not be called".to_owned() },
            HttpError::Unreachable(_) | HttpError::TimedOut => Self::Unreachable(error),
        }
    }
}

impl FilesError {
    /// What an answer means that is no success.
    pub(super) fn of(answer: &Answer) -> Self {
        let code = code(&answer.body);
        let shown = || code.map_or_else(|| answer.status.to_string(), str::to_owned);
        match (code, answer.status) {
            (Some("SlowDown" | "RequestLimitExceeded" | "TooManyRequests"), _) | (_, 429) => Self::Throttled,
            (Some("NoSuchKey" | "NoSuchVersion"), _) | (None, 404) => Self::NotFound,
            // Bytes that were damaged on the way may arrive whole the next time. Credentials of this process
            // run out with it and its clock is set while it sleeps; the next call brings fresh ones.
            (
                Some(
                    "BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" | "RequestTimeout"
                    | "OperationAborted" | "TemporaryRedirect" | "ExpiredToken" | "RequestTimeTooSkewed",
                ),
                _,
            )
            // To HEAD there is no document; 400 is what a token that ran out gets.
            | (None, 400)
            | (_, 500..) => Self::Unavailable { code: shown() },
            (Some(_) | None, _) => Self::Refused { code: shown() },
        }
    }
}

/// S3's name for what went wrong: one word in an XML document.
fn code(body: &[u8]) -> Option<&str> {
    let (_, rest) = std::str::from_utf8(body).ok()?.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let word = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.then_some(code)
}

impl From<FilesError> for Error {
    fn from(error: FilesError) -> Self {
        match &error {
            FilesError::Unreachable(_) | FilesError::Unavailable { .. } => Self::new(Kind::Unavailable)
                .saying("Files cannot be kept or read just now. Try again in a moment."),
            FilesError::Throttled => Self::new(Kind::Throttled { retry_after: Duration::from_secs(2) }),
            FilesError::NotFound => Self::new(Kind::NotFound).saying("The file is not there, or no longer."),
            FilesError::Damaged => Self::new(Kind::Bug)
                .saying("The file that is kept is not the one that was recorded, so it is not handed out."),
            FilesError::TooLarge => {
                Self::new(Kind::Rejected).saying("The file is too large: 41 MB at most are kept.")
            }
            FilesError::Refused { .. } => Self::new(Kind::Bug)
                .saying("The server is not set up completely. Its log says which setting."),
            FilesError::Unusable(_) => Self::new(Kind::Bug),
        }
        .because(error)
    }
}
