//! Files: those to be signed on their way in, and signed ones on their way out. Both are known by their hash.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::find::find;
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::{Contract, Invalid, SourceFile};
use crate::domain::id::{ContractId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::usecase::audit::audit;

/// How long a link to a signed file works.
pub const LINK_LIFETIME: Duration = Duration::from_mins(5);
/// How long a file may be uploaded after it was announced.
pub const UPLOAD_LIFETIME: Duration = Duration::from_mins(15);
/// The largest file, at any provider.
const LARGEST: u64 = 25 * 1024 * 1024;
/// What every PDF begins with (ISO 32000, 7.5.2); some have a few bytes before it.
const MARK: &[u8] = b"%PDF-";
const MARK_WITHIN: usize = 1024;

/// A signed file on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDocument {
    /// Works for whoever has it, until `until`.
    pub link: Url,
    pub until: Timestamp,
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Where a file may be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What to name in the request for a contract.
    pub file: SourceFile,
    pub url: Url,
    /// To be sent with the bytes, just so.
    pub headers: Vec<(String, String)>,
    pub until: Timestamp,
}

/// The hash of a file, as it is written down.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn upload_key(workspace: WorkspaceId, sha256: &str) -> String {
    format!("uploads/{workspace}/{sha256}.pdf")
}

/// A PDF, or not: what is signed must be readable by everybody.
pub(super) fn is_pdf(bytes: &[u8]) -> bool {
    bytes.get(..bytes.len().min(MARK_WITHIN)).unwrap_or_default().windows(MARK.len()).any(|it| it == MARK)
}

/// A file that was uploaded, by what its caller knows of it.
pub fn uploaded(caller: &Caller, name: &str, bytes: u64, sha256: &str) -> Result<SourceFile> {
    let sha256 = sha256.trim().to_ascii_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Invalid::one("document", "The file's SHA-256 has 64 hexadecimal digits.").into());
    }
    if !(1..=LARGEST).contains(&bytes) {
        return Err(Invalid::one("document", "The file must not be empty, and 25 MB at most.").into());
    }
    let key = upload_key(caller.workspace, &sha256);
    Ok(SourceFile { name: name.trim().to_owned(), key, bytes, sha256 })
}

/// Says where a file may be put that is to be signed. Only these bytes, and only for some minutes.
pub async fn prepare(app: &App, caller: &Caller, name: &str, bytes: u64, sha256: &str) -> Result<Place> {
    let file = uploaded(caller, name, bytes, sha256)?;
    let now = app.clock().now();
    let upload = app.files()?.upload(&file.key, file.bytes, &file.sha256, now, UPLOAD_LIFETIME)?;
    audit(app, caller.workspace, &caller.name(), "contract.upload_prepared", &file.sha256).await?;
    Ok(Place { file, url: upload.url, headers: upload.headers, until: upload.until })
}

/// Keeps a small file that came with the request itself.
pub async fn keep(app: &App, caller: &Caller, name: &str, bytes: Bytes) -> Result<SourceFile> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let file = uploaded(caller, name, size, &hash(&bytes))?;
    if !is_pdf(&bytes) {
        return Err(Invalid::one("document", "The file is not a PDF.").into());
    }
    app.files()?.put(&file.key, bytes, "application/pdf", app.clock().now()).await?;
    Ok(file)
}

/// Refuses a file that was not uploaded, or is another one than was said.
pub(super) async fn is_there(app: &App, caller: &Caller, file: &SourceFile) -> Result<()> {
    if file.key != upload_key(caller.workspace, &file.sha256) {
        return Err(Invalid::one("document", "There is no such file.").into());
    }
    match app.files()?.check(&file.key, &file.sha256, app.clock().now()).await? {
        Some(bytes) if bytes == file.bytes => Ok(()),
        Some(_) => Err(Invalid::one("document", "The file has another size than was said.").into()),
        None => Err(Invalid::one("document", "The file was not uploaded yet, or too long ago.").into()),
    }
}

/// The signed file: a link for some minutes, and the hash it was found to have just now.
pub async fn signed_document(app: &App, caller: &Caller, id: &ContractId) -> Result<SignedDocument> {
    let contract = find(app, caller, id).await?;
    let file = contract.signed_file.as_ref().ok_or_else(|| not_yet(&contract))?;
    let (files, now) = (app.files()?, app.clock().now());
    let bytes = files.check(&file.key, &file.sha256, now).await?;
    let bytes =
        bytes.ok_or_else(|| Error::new(Kind::Bug).saying("The signed file is gone from our storage."))?;
    let name = format!("{}.pdf", contract.title);
    let link = files.link(&file.key, &name, now, LINK_LIFETIME)?;
    audit(app, caller.workspace, &caller.name(), "contract.document_linked", id.as_str()).await?;
    Ok(SignedDocument { link, until: now + LINK_LIFETIME, bytes, sha256: file.sha256.clone() })
}

fn not_yet(contract: &Contract) -> Error {
    let advice = if contract.life.is_over() {
        format!("There is no signed file: the contract is {}.", contract.state().as_str())
    } else {
        "There is no signed file yet: not everybody has signed.".to_owned()
    };
    Error::new(Kind::Conflict).saying(advice)
}
