//! Files: bytes are uploaded to an address that Twenty names, and then hung on a record as an attachment.
//!
//! Whoever has that address may upload, so it is never logged, and called under the same rules as any other.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value as Json, json};
use url::Url;

use super::client::Graph;
use super::note::Place;
use super::wire::{CompletedUpload, CreatedUpload, Objects};
use super::{At, Twenty, TwentyError};
use crate::domain::id::CrmId;
use crate::http::{Body, Outgoing};

/// How long the bytes of a file may take.
const FILE_TIME: Duration = Duration::from_mins(1);

const FIELDS: &str = "query($after:ConnectionCursor){objects(paging:{first:200,after:$after}){edges{node{\
    id nameSingular fieldsList{id name type}}}pageInfo{hasNextPage endCursor}}}";
const CREATE: &str = "mutation($n:String!,$s:Float!,$f:FileFolder!,$m:String){createFileUpload(filename:$n,size:$s,\
    fileFolder:$f,fieldMetadataId:$m){fileId uploadUrl contentType expiresAt}}";
const COMPLETE: &str = "mutation($id:String!){completeFileUpload(fileId:$id){id}}";

/// A file that Twenty has, and that hangs nowhere yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadedFile {
    id: String,
    name: String,
}

impl Twenty {
    /// Uploads a file for an attachment. Four calls, none of which costs a token. A repeat uploads it once more.
    pub(crate) async fn upload(
        &self,
        at: At<'_>,
        name: &str,
        bytes: Bytes,
    ) -> Result<UploadedFile, TwentyError> {
        let field = self.attachment_field(at).await?;
        let variables = json!({"n": name, "s": bytes.len(), "f": "FilesField", "m": field});
        let made: CreatedUpload = self.graphql(at, Graph::Metadata, CREATE, variables).await?;
        let made = made.create_file_upload;
        self.put_bytes(&made.url, made.content_type, bytes).await?;
        let variables = json!({"id": made.file_id});
        let _: CompletedUpload = self.graphql(at, Graph::Metadata, COMPLETE, variables).await?;
        Ok(UploadedFile { id: made.file_id, name: name.to_owned() })
    }

    /// True if there is such an attachment, outside the bin. One call.
    pub(crate) async fn has_attachment(&self, at: At<'_>, id: CrmId) -> Result<bool, TwentyError> {
        self.finds(at, ("Attachment", "attachments"), id).await
    }

    /// Hangs a file on a record. The same id again is the same attachment. One call.
    pub(crate) async fn attach(
        &self,
        at: At<'_>,
        id: CrmId,
        file: &UploadedFile,
        place: Place,
    ) -> Result<(), TwentyError> {
        let (column, place) = place.column();
        let files = json!([{"fileId": file.id, "label": file.name}]);
        let attachment = json!({"id": id, "name": file.name, "file": files, column: place});
        let _: Json = self.post_records(at, "/rest/attachments?upsert=true", &attachment).await?;
        Ok(())
    }

    /// The id of the field that holds an attachment's files.
    async fn attachment_field(&self, at: At<'_>) -> Result<String, TwentyError> {
        let mut after: Option<String> = None;
        loop {
            let page: Objects = self.graphql(at, Graph::Metadata, FIELDS, json!({"after": after})).await?;
            let objects = page.objects.edges.into_iter().map(|edge| edge.node);
            let mut fields = objects.filter(|it| it.name_singular == "attachment").flat_map(|it| it.fields);
            if let Some(field) = fields.find(|it| it.name == "file" && it.kind == "FILES") {
                return Ok(field.id);
            }
            let before = after;
            after = page.objects.page.end_cursor;
            if !page.objects.page.has_next_page || after.is_none() || after == before {
                let reason = "this version of Twenty has no attachments of the kind we write".to_owned();
                return Err(TwentyError::Rejected { reason, culprit: None });
            }
        }
    }

    /// The key stays here: the address itself is the leave to upload, and may be a store of somebody else's.
    async fn put_bytes(&self, address: &str, content_type: String, bytes: Bytes) -> Result<(), TwentyError> {
        let unusable = || TwentyError::Unexpected { what: "an upload address that is none".to_owned() };
        let mut call = Outgoing::new(Method::PUT, Url::parse(address).map_err(|_| unusable())?, None);
        call.body = Body::Typed { content_type, bytes: bytes.into() };
        call.timeout = FILE_TIME;
        match self.send(call).await?.status {
            200..300 => Ok(()),
            413 => Err(TwentyError::Rejected { reason: "the file is too large".to_owned(), culprit: None }),
            // Such as an address whose time ran out: the next attempt gets another one.
            status => Err(TwentyError::Unavailable { status: Some(status), source: None }),
        }
    }
}
