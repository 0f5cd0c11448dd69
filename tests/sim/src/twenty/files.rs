//! Uploaded files: an address to put bytes to, and a signed link to read them by.

use serde_json::{Value, json};
use uuid::Uuid;

use super::space::Space;

/// A FILES value as it is read: every file with its extension and a link.
pub(super) fn shown(files: &Value, base: &str) -> Value {
    let shown = files.as_array().into_iter().flatten().map(|file| {
        let id = file["fileId"].as_str().unwrap_or_default();
        let label = file["label"].as_str().unwrap_or_default();
        let extension = label.rsplit_once('.').map(|(_, end)| format!(".{end}")).unwrap_or_default();
        json!({"fileId": id, "label": label, "extension": extension, "url": link(base, id)})
    });
    shown.collect()
}

fn link(base: &str, id: &str) -> String {
    format!("{base}/file/files-field/{id}?token=simulated")
}

/// `createFileUpload`: where to put the bytes, for a quarter of an hour.
pub(super) fn create(space: &mut Space, arguments: &Value, base: &str, now_ms: i64) -> Value {
    let id = space.fresh_id();
    space.files.insert(id, json!({"filename": arguments["filename"], "size": arguments["size"]}));
    json!({
        "fileId": id,
        "uploadUrl": format!("{base}/file-upload/{id}?token=simulated"),
        "contentType": "application/octet-stream",
        "expiresAt": crate::clock::iso(now_ms + 15 * 60 * 1000),
    })
}

/// `completeFileUpload`: null until the bytes are there.
pub(super) fn complete(space: &Space, id: Uuid, size: usize, base: &str, now_ms: i64) -> Option<Value> {
    let file = space.files.get(&id)?;
    let name = file["filename"].as_str().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, end)| format!(".{end}")).unwrap_or_default();
    Some(json!({
        "id": id,
        "path": format!("files-field/{}/{id}{extension}", Uuid::new_v5(&space.id, b"custom application")),
        "size": size,
        "createdAt": crate::clock::iso(now_ms),
        "url": link(base, &id.to_string()),
    }))
}
