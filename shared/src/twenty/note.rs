//! Writing a note on a person. The same ids bring the same note, however often it is written.

use serde_json::{Value as Json, json};

use super::{At, Twenty, TwentyError};
use crate::domain::id::CrmId;

impl Twenty {
    /// Creates or replaces a note; `text` is plain. One call.
    pub(crate) async fn put_note(
        &self,
        at: At<'_>,
        id: CrmId,
        title: &str,
        text: &str,
    ) -> Result<(), TwentyError> {
        let note = json!([{"id": id, "title": title, "bodyV2": {"markdown": text}}]);
        let _: Json = self.post_records(at, "/rest/batch/notes?upsert=true", &note).await?;
        Ok(())
    }

    /// Ties a note to a person. One call.
    pub(crate) async fn tie_note(
        &self,
        at: At<'_>,
        id: CrmId,
        note: CrmId,
        person: CrmId,
    ) -> Result<(), TwentyError> {
        let tie = json!([{"id": id, "noteId": note, "targetPersonId": person}]);
        let _: Json = self.post_records(at, "/rest/batch/noteTargets?upsert=true", &tie).await?;
        Ok(())
    }
}
